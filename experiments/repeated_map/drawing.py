"""The figure of experiment ``repeated-map``."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from experiments.findings import Tables
from numerics.repetition import EMBEDDED
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, Plot

#: R over T/N of the published line.
PUBLISHED_SLOPE = 0.4


def draw(tables: Tables) -> Figure:
    """One map for each n, and the sweeps in both directions."""
    sizes = sorted(set(tables["runs"]["n"]))
    figure = Plot(figsize=(4.3 * (len(sizes) + 1), 5.6))
    figure.set_layout_engine("constrained", w_pad=0.08)
    axes = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
    units = tables["theory"]["T"] / tables["theory"]["n"]
    for ax, n in zip(axes, sizes, strict=False):
        ax.sharex(axes[0])
        ax.sharey(axes[0])
        ax.set(xscale="log", yscale="log", xlabel="datapoints per feature T/n", title=f"n = {n}")
        ax.set_xlim(0.6 * float(units.min()), max(1.5 * float(units.max()), 15.0))
        ax.set_ylim(0.9, 1.6 * max(float(tables["runs"]["repeats"].max()), 10.0))
        own = {name: table[table["n"] == n] for name, table in tables.items() if "n" in table}
        _draw_theory(ax, own["theory"].sort_values("T"))
        _draw_runs(ax, own["runs"])
        _draw_boundaries(ax, own["boundaries"])
        _plain(ax)
    axes[0].set_ylabel("repeats R")
    _draw_sweeps(axes[-1], tables["sweeps"])
    named = {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=2, fontsize=11)
    return figure


def _draw_theory(ax: Axes, theory: pd.DataFrame) -> None:
    unit, median = theory["T"] / theory["n"], theory["median"]
    ax.plot(unit, median, "-", color=GREEN, lw=1.8, label="theory: threshold, median of draws")
    least, greatest = theory["least"], theory["greatest"]
    ax.fill_between(unit, least, greatest, color=GREEN, alpha=0.2, lw=0, label="… range of draws")
    if len(theory) == 1:  # one size alone has no line and no band
        reach = [median - least, greatest - median]
        ax.errorbar(unit, median, reach, fmt="_", color=GREEN, ms=12, elinewidth=8, alpha=0.5)
    until, longer = theory["metastable_until"], theory["metastable_censored"]
    ax.plot(unit, until, ":", color=GREEN, lw=1.6, label="… unembedded state stands until")
    if longer.any():
        label = "… and longer: the scan of R ends there"
        ax.plot(unit[longer], until[longer], "^", color=GREEN, mfc="none", ms=7, label=label)
    line = np.array([0.8, 40.0])
    ax.plot(line, PUBLISHED_SLOPE * line, "-", color=INK, lw=1.2, label="published line, R = 0.4 T/n")


def _draw_runs(ax: Axes, runs: pd.DataFrame) -> None:
    for first, colour, marker, label in (
        (True, VERMILLION, "o", "trained: point among the first 0.1 % by $D_X$"),
        (False, BLUE, "x", "trained: it is not"),
    ):
        own = runs[runs["first"] == first]
        # seeds lie side by side
        place = own["T"] / own["n"] * (1 + 0.07 * (own["seed"] - runs["seed"].mean()))
        ax.plot(place, own["repeats"], marker, color=colour, ms=5, mew=1.4, alpha=0.8, label=label)


def _draw_boundaries(ax: Axes, boundaries: pd.DataFrame) -> None:
    fits = boundaries.query("criterion == 'first' and median == median")
    # an interval may be open
    bars = [fits["median"] - fits["low"], (fits["high"] - fits["median"]).clip(upper=1e3)]
    label, place = "fitted boundary, 95 % interval", 0.78 * fits["T"] / fits["n"]
    ax.errorbar(place, fits["median"], bars, fmt="s", color=INK, ms=6, capsize=3, label=label)


def _plain(ax: Axes) -> None:
    for axis, ticks in ((ax.xaxis, (1, 3, 10, 30)), (ax.yaxis, (1, 2, 3, 5, 8, 13, 20, 40))):
        low, high = axis.get_view_interval()
        axis.set_ticks([tick for tick in ticks if low <= tick <= high])
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        axis.set_tick_params(which="minor", length=0)


def _draw_sweeps(ax: Axes, sweeps: pd.DataFrame) -> None:
    for direction, colour, marker in (("down", VERMILLION, "v"), ("up", BLUE, "^")):
        half = sweeps[sweeps["direction"] == direction].pivot(
            index="repeats", columns="seed", values="length"
        )
        lines = ax.plot(half, marker, ls="-", color=colour, ms=5, lw=1, alpha=0.7)
        lines[0].set_label(f"sweep of R on one dataset, {direction}ward, a line per seed")
    ax.axhline(EMBEDDED, color=GREY, ls=":", lw=1.1)
    n, T = int(sweeps["n"].iloc[0]), int(sweeps["T"].iloc[0])
    ax.set(xlabel="repeats R", ylabel="hidden length of the point", title=f"n = {n}, T/n = {T / n:g}")
    ax.set_ylim(0, None)
