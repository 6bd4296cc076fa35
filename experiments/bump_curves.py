"""Test loss against dataset size for several values of one setting: tables, figure and sentences of two pages.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.bump import Bump, dips_beside, find_bump, geometric_mean
from experiments.findings import Finding
from experiments.grouping import numbers, values_by
from verify.style import DECAY_COLOURS, GREY, INK, VERMILLION, Plot

__all__ = [
    "COLUMNS",
    "Losses",
    "bumps_of",
    "collect_curves",
    "density_of",
    "describe_curves",
    "draw_curves",
    "losses_by",
]

#: What the pages keep of every run.
COLUMNS = ["T", "seed", "status", "train_loss", "test_loss", "largest_feature_dimensionality"]

_MARKERS = ("o", "s", "^", "D", "v", "X")
_COLOURS = (VERMILLION, *DECAY_COLOURS)

Tables = dict[str, pd.DataFrame]

#: Test losses over seeds for each value of a setting and each T.
Losses = Mapping[float, Mapping[int, Sequence[float]]]


def collect_curves(table: pd.DataFrame, key: str) -> Tables:
    """Table ``runs``: every run with the value of ``key``."""
    kept = table[[key, "sparsity", *COLUMNS]].sort_values([key, "T", "seed"], ignore_index=True)
    return {"runs": kept}


def losses_by(runs: pd.DataFrame, key: str) -> dict[float, dict[int, list[float]]]:
    """Test losses over seeds for each value of ``key``, ascending, and each T."""
    values = [float(value) for value in np.unique(numbers(runs, key))]
    return {value: values_by(runs[numbers(runs, key) == value], "T", "test_loss") for value in values}


def density_of(tables: Tables) -> float:
    """The density of features, 1 − S, of all runs."""
    return 1 - float(tables["runs"]["sparsity"].iloc[0])


def bumps_of(losses: Losses) -> dict[float, Bump]:
    """The bump for each value with runs at three T or more."""
    return {value: find_bump(curve) for value, curve in losses.items() if len(curve) > 2}


def describe_curves(
    tables: Tables,
    key: str,
    symbols: tuple[str, str],
    own: Sequence[str | Finding],
) -> str:
    """The bumps as a table and in sentences: those of the page's ``own``, then what all such pages say.

    ``symbols`` name the values of ``key`` at the head of the table and in sentences.
    """
    runs = tables["runs"]
    head, symbol = symbols
    losses = losses_by(runs, key)
    bumps, density = bumps_of(losses), density_of(tables)
    parts = [
        *own,
        _smaller_bumps(bumps, losses, symbol),
        _descent(losses, symbol),
    ]
    return "\n".join([_bumps_table(bumps, head, density), "", *(f"- {part}" for part in parts if part)])


def draw_curves(tables: Tables, key: str, symbol: str) -> Figure:
    """Test loss above, largest feature dimensionality below, one curve for each value of ``key``."""
    runs = tables["runs"]
    figure = Plot(figsize=(9.6, 8.6))
    figure.set_layout_engine("constrained", h_pad=0.06)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    for place, value in enumerate(np.unique(numbers(runs, key))):
        rows = runs[numbers(runs, key) == value]
        style = {
            "color": _COLOURS[place % 6],
            "marker": _MARKERS[place % 6],
            "label": f"{symbol} = {value:g}",
        }
        _draw_losses(top, rows, style)
        _draw_features(bottom, rows, style)
    top.axhline(0, color=INK, lw=1)
    top.annotate("zero output", (0.995, 0), xycoords=top.get_yaxis_transform(), color=INK, fontsize=11,
                 ha="right", va="bottom")  # fmt: skip
    top.set_yscale("symlog", linthresh=0.01, linscale=0.8)
    excess = numbers(runs, "test_loss") - 1
    top.set(
        ylabel="test loss − 1", ylim=(min(-0.01, 2 * float(excess.min())), 3 * max(0.01, float(excess.max())))
    )
    top.legend(loc="upper left")
    scale = 10 / density_of(tables)
    for ax in (top, bottom):
        ax.axvline(scale, color=GREY, lw=1, ls=":")
    bottom.annotate("T(1 − S) = 10\n[scales.generalization]", (scale, 0.98), xytext=(-5, 0), color=INK, fontsize=11,
                    xycoords=bottom.get_xaxis_transform(), textcoords="offset points",
                    ha="right", va="top")  # fmt: skip
    bottom.set_xscale("log")
    bottom.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    bottom.set(xlabel="datapoints T", ylabel="largest $D_f$", ylim=(0, None))
    return figure


def _draw_losses(ax: Axes, rows: pd.DataFrame, style: Mapping[str, str]) -> None:
    losses = values_by(rows, "T", "test_loss")
    _scatter(ax, rows["T"], numbers(rows, "test_loss") - 1, style)
    middle = [geometric_mean(each).value - 1 for each in losses.values()]
    ax.plot(list(losses), middle, "-", lw=1.8, ms=5, **style)  # type: ignore[arg-type]


def _draw_features(ax: Axes, rows: pd.DataFrame, style: Mapping[str, str]) -> None:
    found = values_by(rows, "T", "largest_feature_dimensionality")
    _scatter(ax, rows["T"], numbers(rows, "largest_feature_dimensionality"), style)
    ax.plot(list(found), [float(np.median(each)) for each in found.values()], "-", lw=1.8, ms=5, **style)  # type: ignore[arg-type]


def _scatter(ax: Axes, x: object, y: object, style: Mapping[str, str]) -> None:
    ax.scatter(x, y, s=18, marker=style["marker"], color=style["color"], alpha=0.45, lw=0)  # type: ignore[arg-type]


def _smaller_bumps(bumps: Mapping[float, Bump], losses: Losses, symbol: str) -> str:
    """A sentence on peaks that are not above both ends but above dips beside them in every seed; or empty."""
    found = []
    for value, bump in bumps.items():
        dips = None if bump.there or bump.apart else dips_beside(losses[value], bump.T)
        if dips is not None:
            own, (left, right) = losses[value][bump.T], (max(losses[value][T]) for T in dips)
            found.append(
                f"{symbol} {value:g} at T = {bump.T} ({min(own):.4g} to {max(own):.4g} over seeds), above T = "
                f"{dips[0]} (at most {left:.4g}) and T = {dips[1]} (at most {right:.4g})"
            )
    if not found:
        return ""
    return f"Smaller bumps that every seed shows, above dips but not above both ends: {'; '.join(found)}."


def _descent(losses: Losses, symbol: str) -> str:
    """A sentence on whether the test loss is below the zero output's again at the largest T of each curve."""
    ends = {value: geometric_mean(curve[max(curve)]).value for value, curve in losses.items()}
    above = [
        f"{symbol} {value:g} at T = {max(losses[value])} ({end:.4g})"
        for value, end in ends.items()
        if end >= 1
    ]
    if not above:
        return "At the largest T every curve is below the zero output's test loss, 1, again."
    return (
        f"The descent behind the bump is not seen to its end: the test loss is still at or above 1 for "
        f"{', '.join(above)}."
    )


def _shown(bump: Bump) -> str:
    alone = math.isinf(bump.over_first.high) or math.isinf(bump.over_last.high)
    return "yes" if bump.there else "one seed at an end" if alone else "in every seed" if bump.apart else "no"


def _bumps_table(bumps: Mapping[float, Bump], symbol: str, density: float) -> str:
    """The bumps as a table in Markdown, with what its columns mean above."""
    lines = [
        f"| {value:g} | {_shown(bump)} | {bump.T} ({bump.T * density:.3g}) | {bump.loss} "
        f"| {bump.over_first} | {bump.over_last} |"
        for value, bump in bumps.items()
    ]
    inner = max((bump.inner for bump in bumps.values()), default=0)
    return "\n".join(
        [
            "Peak: the largest geometric mean of the test loss over seeds among the inner T; zero output loses 1. "
            "Intervals are Student's and Welch's of the logarithms over seeds, 95 %, for one fixed T. *There*: above "
            f"both ends by Welch's one-sided test at level 5 %, divided by the {inner} inner T it was chosen among; "
            "*in every seed*: above both ends in each, but short of that test.",
            "",
            f"| {symbol} | bump there | T (T(1 − S)) of the peak | test loss | over smallest T | over largest T |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )
