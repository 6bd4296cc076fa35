"""The figure of experiment ``repeated-history``."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.clouds import draw_cloud
from experiments.findings import Tables
from experiments.following import STORED, outcomes
from numerics.repetition import EMBEDDED
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, Plot

#: Panels of a row of lengths.
PER_LINE = 3


def draw(tables: Tables) -> Figure:
    """Top: D_f and D_X of one run over training, and where it ends. Below: the point's length in every run."""
    repeats = sorted(set(tables["history"]["repeats"]))
    columns = 2 if len(repeats) in (2, 4) else PER_LINE
    lines, width = -(-len(repeats) // columns), 6 // columns
    figure = Plot(figsize=(10.5, 6.6 + 2.6 * lines))
    figure.set_layout_engine("constrained", h_pad=0.08)
    grid = figure.add_gridspec(2 + lines, 6, height_ratios=[3, 3, *[2.6] * lines])
    _draw_history(figure.add_subplot(grid[0, :4]), figure.add_subplot(grid[1, :4]), tables)
    for row, content in enumerate(("feature", "hidden")):
        ax = figure.add_subplot(grid[row, 4:])
        draw_cloud(ax, tables["points"], content)
        draw_repeated(ax, tables["points"], content)
        ax.set_title(f"{('features w', 'hidden vectors h')[row]} at the end", fontsize=12)
    first: Axes | None = None
    for place, R in enumerate(repeats):
        line, column = divmod(place, columns)
        across = slice(width * column, width * (column + 1))
        ax = figure.add_subplot(grid[2 + line, across], sharex=first, sharey=first)
        first = first or ax
        _draw_lengths(ax, tables["history"], R)
        ax.set_ylabel("‖h‖ of the point" if column == 0 else "")
        ax.set_xlabel("step" if place >= len(repeats) - columns else "")
    return figure


def _draw_features(ax: Axes, features: pd.DataFrame) -> None:
    """D_f against the step, a line per feature: those that end stored in colour, the datapoint's own dashed."""
    for _, part in features.groupby("feature", sort=False):
        stored, own = part["dimensionality"].iloc[-1] >= STORED, bool(part["own"].iloc[0])
        colour = VERMILLION if own else GREEN if stored else GREY
        ax.plot(part["step"], part["dimensionality"], "--" if own else "-", color=colour, lw=1.6, alpha=0.85)
    ax.axhline(0.4, color=INK, ls=":", lw=1.1)
    ax.set(ylabel="$D_f$ of features", ylim=(0, None))


def draw_repeated(ax: Axes, points: pd.DataFrame, content: str) -> None:
    """Repeated datapoints: triangles with rays among hidden vectors; among features, directions of embedded ones."""
    repeated = points.loc[points["kind"] == "repeated", ["x", "y"]].to_numpy()
    reach = ax.get_xlim()[1]
    for x, y in repeated:
        length = float(np.hypot(x, y))
        if content == "hidden":
            ax.plot([0, x], [0, y], "-", color=VERMILLION, lw=1.4)
        elif length > EMBEDDED:
            end = reach / length
            ax.plot([0, end * x], [0, end * y], "--", color=VERMILLION, lw=1.2, zorder=0)
    if content == "hidden":
        ax.plot(*repeated.T, "^", color=VERMILLION, mec="white", mew=0.5, ms=9, zorder=5)


def _draw_history(top: Axes, bottom: Axes, tables: Tables) -> None:
    points, history = tables["points"], tables["history"]
    R, seed = points["repeats"].iloc[0], points["seed"].iloc[0]
    own = history[(history["repeats"] == R) & (history["seed"] == seed)]
    _draw_features(top, tables["features"])
    place = top.get_yaxis_transform()
    top.text(1, 0.4, "2/5, a pentagon", ha="right", va="top", fontsize=11, transform=place)
    kinds = "features stored at the end green, the point's own dashed, others grey"
    top.set_title(f"R = {R}, seed {seed}: {kinds}", fontsize=12)
    for column, colour, width, label in (
        ("dimensionality", VERMILLION, 2, "the repeated datapoint"),
        ("largest_other", BLUE, 1.4, "largest of the other datapoints"),
    ):
        bottom.plot(own["step"], own[column], "-", color=colour, lw=width, label=label)
    bottom.set(ylabel="$D_X$ of datapoints", xlabel="step", ylim=(0, None))
    bottom.legend(loc="upper left", fontsize=11)
    top.sharex(bottom)
    bottom.set_xscale("log")


def _draw_lengths(ax: Axes, history: pd.DataFrame, R: int) -> None:
    own = history[history["repeats"] == R]
    for end, (_, part) in zip(outcomes(own).to_dict("records"), own.groupby("seed"), strict=True):
        missed = end["near_miss"] or end["near_by_length"]
        colour = INK if missed else VERMILLION if end["embedded"] else BLUE
        ax.plot(part["step"], part["length"], "--" if missed else "-", color=colour, lw=1.4, alpha=0.8)
    ax.axhline(EMBEDDED, color=GREY, ls=":", lw=1.1)
    ax.set_title(f"R = {R}", fontsize=12)
    ax.set(xscale="log", ylim=(0, 1.05 * float(history["length"].max())))
