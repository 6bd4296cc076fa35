"""The generalization scale of a curve of the largest feature dimensionality, and how it moves with a setting. The
scale of one seed is the T at which its curve first rises through half its plateau, its largest value, interpolated in
log T. There is none where the plateau is below `STORED` (no feature has taken over) or the curve is above half of it
from the smallest T on; it may start above and fall first: with few datapoints, single columns of W are long. A slope
is d ln scale / d ln setting: least squares for each seed, then the mean over seeds with Student's 95 % interval.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy.stats import gmean, linregress

from experiments.axes import LOOKS, draw_seeds, empty, one_legend
from experiments.bump import geometric_mean
from experiments.following import STORED
from experiments.grouping import numbers
from verify.statistics import Interval, mean_interval
from verify.style import GREY, INK, plain_numbers

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
    k = int(np.argmax(rising))
    return float(np.exp(np.interp(half, value[k : k + 2], np.log(size[k : k + 2]))))


def scales_of(runs: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The scale of every curve: one row for each value of ``keys`` and each seed, with ``scale`` and ``plateau``."""
    curves = runs.sort_values("T").set_index("T").groupby([*keys, "seed"])["largest_feature_dimensionality"]
    return curves.agg(scale=lambda curve: crossing(curve.index, curve), plateau="max").reset_index()


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
        plateau = float(f"{np.median(numbers(part, 'plateau')):.3g}")
        rows.append((*place, len(part), len(known), plateau, *astuple(geometric_mean(known))))
    names = ["seeds", "with a scale", "plateau (median)", "scale", "low", "high"]
    return pd.DataFrame(rows, columns=[*keys, *names])


def draw_scales(
    runs: pd.DataFrame,
    scales: pd.DataFrame,
    key: tuple[str, str],
    size: tuple[str, str],
    expected: float,
    fixed_size: bool = False,
) -> Figure:
    """Curves of the largest D_f against ``size`` above, their scales against ``key`` below, a column for each m. Both
    are a column of tables with its name; ``expected`` is the published scale; ``fixed_size``: whether to draw where
    scales would lie were T the same for every value of ``key``.
    """
    dimensions = np.unique(numbers(runs, "m"))
    figure = empty(max(8.6, 4.4 * len(dimensions)), 8.8, h_pad=0.08)
    axes = figure.subplots(2, len(dimensions), squeeze=False, sharey="row", height_ratios=[3, 2])
    looks = dict(zip(np.unique(runs[key[0]]), cycle(LOOKS), strict=False))
    label = "T(1 − S) = 10 [scales.generalization]"
    for (top, bottom), m in zip(axes.T, dimensions, strict=True):
        for value, rows in runs[runs["m"] == m].groupby(key[0]):
            curves = rows["largest_feature_dimensionality"]
            draw_seeds(top, rows[size[0]], curves, f"{key[1]} = {value:g}", **looks[value])
        known = scales[scales["m"] == m].dropna(subset=["scale"])
        for value, rows in known.groupby(key[0]):
            draw_seeds(bottom, rows[key[0]], rows["scale"], "", gmean, **looks[value])
        if fixed_size and len(known):
            ends = np.unique(numbers(known, key[0]))
            line = gmean(known["scale"]) / gmean(known[key[0]]) * ends
            bottom.plot(ends, line, "--", color=INK, lw=1.2, label="were T the same at every S")
        top.axvline(expected, color=GREY, lw=1)
        bottom.axhline(expected, color=GREY, lw=1, label=label)
        top.set(xscale="log", xlabel=size[1], title=f"m = {m:g}")
        bottom.set(xscale="log", yscale="log", xlabel=key[1], xticks=list(looks))
        plain_numbers(top.xaxis, at=(1, 2, 5))
        plain_numbers(bottom.yaxis, at=(1, 2, 3, 5, 7))
        plain_numbers(bottom.xaxis)
    axes[0, 0].set(ylabel="largest $D_f$", ylim=(0, None))
    axes[1, 0].set_ylabel(f"scale, {size[1]}")
    axes[0, 0].legend(loc="upper left")
    one_legend(figure, axes[1], ncols=2, fontsize=11)
    return figure
