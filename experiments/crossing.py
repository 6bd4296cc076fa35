"""The generalization scale of a curve of the largest feature dimensionality, and how it moves with a setting. The
scale of one seed is the T at which its curve first rises through half its plateau, its largest value, interpolated in
log T. There is none where the plateau is below `STORED` (no feature has taken over) or the curve is above half of it
from the smallest T on; it may start above and fall first: with few datapoints, single columns of W are long. A slope
is d ln scale / d ln setting: least squares for each seed, then the mean over seeds with Student's 95 % interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike
from scipy.stats import gmean, linregress

from experiments.axes import LOOKS, draw_seeds, empty, plain_numbers
from experiments.bump import geometric_mean
from experiments.following import STORED
from experiments.grouping import numbers
from verify.statistics import Interval, mean_interval
from verify.style import GREY, INK

#: What the tables of curves keep of every run, beside what tells it apart.
KEPT = ("status", "train_loss", "test_loss", "largest_feature_dimensionality")


def crossing(T: ArrayLike, values: ArrayLike) -> float:
    """The T at which ``values``, one for each ascending T > 0, first rise through half their largest; NaN where none.
    Exact for values that are linear in log T between the given T.

    >>> round(crossing([1, 100, 10_000], [0.0, 0.0, 0.4]), 6)
    1000.0
    """
    size, value = np.asarray(T, dtype=np.float64), np.asarray(values, dtype=np.float64)
    half = float(value.max()) / 2
    rising = (value[:-1] < half) & (value[1:] >= half)
    if not half >= STORED / 2 or not rising.any():
        return math.nan
    k = int(np.argmax(rising)) + 1
    share = (half - value[k - 1]) / (value[k] - value[k - 1])
    return float(size[k - 1] * (size[k] / size[k - 1]) ** share)


def scales_of(runs: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The scale of every curve: one row for each value of ``keys`` and each seed, with ``scale`` and ``plateau``."""
    curves = runs.sort_values("T").set_index("T").groupby([*keys, "seed"])["largest_feature_dimensionality"]
    scales = curves.agg(scale=lambda curve: crossing(curve.index, curve), plateau="max")
    return scales.reset_index()


def slope_interval(scales: pd.DataFrame, key: str) -> Interval:
    """Slope of ln scale against ln ``key``, mean over seeds; ``scales`` has columns seed, ``key`` > 0 and scale.
    Scales that are NaN and seeds with fewer than two are left out; NaN if none is left, bounds infinite if one is.

    >>> rows = [(0, 1.0, 5.0), (0, 10.0, 50.0), (1, 1.0, 7.0), (1, 10.0, 70.0)]
    >>> slope_interval(pd.DataFrame(rows, columns=["seed", "decay", "scale"]), "decay").value
    1.0
    """
    known = scales.dropna(subset=["scale"]).set_index("seed")[[key, "scale"]].transform("log")
    slopes = [
        linregress(rows[key], rows["scale"]).slope
        for _, rows in known.groupby("seed")
        if rows[key].nunique() > 1
    ]
    return mean_interval(np.round(slopes, 12))


def mean_scales(scales: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """For each value of ``keys``: how many seeds have a scale, the median plateau, the geometric mean of the scales.
    The mean has Student's 95 % interval of the logarithms; NaN where no seed has a scale.
    """
    rows = []
    for place, part in scales.groupby(keys):
        known = part["scale"].dropna()
        mean = geometric_mean(known) if len(known) else Interval(*[math.nan] * 3)
        plateau = float(f"{np.median(numbers(part, 'plateau')):.3g}")
        rows.append((*place, len(part), len(known), plateau, mean.value, mean.low, mean.high))
    names = ["seeds", "with a scale", "plateau (median)", "scale", "low", "high"]
    return pd.DataFrame(rows, columns=[*keys, *names])


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
    for (value, rows), style in zip(runs.groupby(axis.key), cycle(LOOKS), strict=False):
        draw_seeds(ax, rows[axis.size], rows[column], f"{axis.symbol} = {value:g}", **style)
    ax.axvline(expected, color=GREY, lw=1)
    ax.set(xscale="log", xlabel=axis.size_label, ylabel="largest $D_f$", ylim=(0, None))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain_numbers(ax.xaxis)


def _draw_scales(ax: Axes, scales: pd.DataFrame, axis: Axis, expected: float) -> None:
    found = scales.dropna(subset=["scale"])
    for (_, every), look in zip(scales.groupby(axis.key), cycle(LOOKS), strict=False):
        if len(rows := every.dropna(subset=["scale"])):
            ax.plot(
                rows[axis.key], rows["scale"], look["marker"], color=look["color"], ms=6, alpha=0.5, mew=0
            )
            mean = [gmean(rows["scale"])]
            ax.plot(rows[axis.key].iloc[:1], mean, "_", color=look["color"], ms=26, mew=2.5)
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
