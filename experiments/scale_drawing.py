"""The figure of the experiments on the generalization scale."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator
from scipy.stats import gmean

from experiments.axes import draw_seeds, empty, plain_numbers
from experiments.grouping import numbers
from verify.style import DECAY_COLOURS, GREY, INK, VERMILLION

_LOOKS = tuple(zip((VERMILLION, *DECAY_COLOURS), ("o", "s", "^", "D", "v", "X"), strict=True))


@dataclass(frozen=True, slots=True)
class Axis:
    """What a figure of scales is drawn against: the column that tells curves apart, that of sizes, and their names.

    ``fixed_size``: whether to draw where scales would lie were T the same for every value of ``key``.
    """

    key: str
    symbol: str
    size: str
    size_label: str
    fixed_size: bool = False


def draw_scales(runs: pd.DataFrame, scales: pd.DataFrame, axis: Axis, expected: float) -> Figure:
    """Curves of the largest D_f above, their scales below, a column for each m; ``expected`` is the published scale."""
    dimensions = [int(m) for m in np.unique(numbers(runs, "m"))]
    figure = empty(max(8.6, 4.4 * len(dimensions)), 8.8, h_pad=0.08)
    axes = figure.subplots(2, len(dimensions), squeeze=False, height_ratios=[3, 2])
    for ax in axes[1, 1:]:
        ax.sharey(axes[1, 0])
    for column, m in enumerate(dimensions):
        top, bottom = axes[0, column], axes[1, column]
        _draw_curves(top, runs.query("m == @m"), axis, expected)
        _draw_scales(bottom, scales.query("m == @m"), axis, expected)
        top.set_title(f"m = {m}")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    axes[0, 0].legend(loc="upper left")
    figure.legend(handles=_legend(axis), loc="outside lower center", ncols=2, fontsize=11)
    return figure


def _draw_curves(ax: Axes, runs: pd.DataFrame, axis: Axis, expected: float) -> None:
    column = "largest_feature_dimensionality"
    for (value, rows), (colour, marker) in zip(runs.groupby(axis.key), cycle(_LOOKS), strict=False):
        middle, label = rows.groupby(axis.size)[column].median().tolist(), f"{axis.symbol} = {value:g}"
        draw_seeds(ax, rows[axis.size], rows[column], middle, label, marker=marker, color=colour)
    ax.axvline(expected, color=GREY, lw=1)
    ax.set(xscale="log", xlabel=axis.size_label, ylabel="largest $D_f$", ylim=(0, None))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain_numbers(ax.xaxis)


def _draw_scales(ax: Axes, scales: pd.DataFrame, axis: Axis, expected: float) -> None:
    found = scales.dropna(subset=["scale"])
    for (_, every), (colour, marker) in zip(scales.groupby(axis.key), cycle(_LOOKS), strict=False):
        if len(rows := every.dropna(subset=["scale"])):
            ax.plot(rows[axis.key], rows["scale"], marker, color=colour, ms=6, alpha=0.5, mew=0)
            ax.plot(rows[axis.key].iloc[:1], [gmean(rows["scale"])], "_", color=colour, ms=26, mew=2.5)
    ax.axhline(expected, color=GREY, lw=1)
    ticks = np.unique(numbers(scales, axis.key))
    if found.empty:
        ax.text(0.5, 0.5, "no seed has a scale", transform=ax.transAxes, ha="center", va="center", color=INK)
        ax.set_ylim(expected / 2, expected * 2)
    elif axis.fixed_size:
        ends = np.unique(numbers(found, axis.key))
        ax.plot(ends, gmean(found["scale"]) / gmean(found[axis.key]) * ends, "--", color=INK, lw=1.2)
    ax.set(xscale="log", yscale="log", xlabel=axis.symbol, ylabel=f"scale, {axis.size_label}")
    ax.set(xticks=ticks, xlim=(ticks[0] / 1.3, ticks[-1] * 1.3))
    plain_numbers(ax.xaxis, ax.yaxis)
    ax.yaxis.set_minor_formatter("{x:g}")
    ax.tick_params(axis="y", which="minor", labelsize=10)


def _legend(axis: Axis) -> list[Line2D]:
    """Handles for what has no name beside the curves."""
    handles = [
        Line2D([], [], ls="", marker="_", color=INK, ms=20, mew=2.5, label="scale, mean of seeds"),
        Line2D([], [], color=GREY, lw=1, label="T(1 − S) = 10 [scales.generalization]"),
    ]
    if axis.fixed_size:
        handles.append(Line2D([], [], ls="--", color=INK, lw=1.2, label="were T the same at every S"))
    return handles
