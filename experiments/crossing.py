"""The generalization scale of a curve of the largest feature dimensionality, and how it moves with a setting.

The scale of one seed is the T at which its curve first rises through half its plateau, interpolated in log T; the
plateau is the largest value of the curve. There is none where the plateau is below `STORED` (no feature has taken over)
or where the curve is above half of it from the smallest T on. A curve may start above it and fall first: with few
datapoints, single columns of W are long.

A slope is d ln scale / d ln setting: a line of least squares for each seed, then the mean over seeds with Student's
95 % interval.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import linregress

from experiments.bump import geometric_mean
from experiments.following import STORED
from experiments.grouping import numbers
from verify.statistics import Interval, mean_interval

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
    rows = []
    for place, curve in runs.sort_values("T").groupby([*keys, "seed"]):
        value = curve["largest_feature_dimensionality"]
        rows.append((*place, crossing(curve["T"], value), value.max()))
    return pd.DataFrame(rows, columns=[*keys, "seed", "scale", "plateau"])


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
        known = numbers(part.dropna(subset=["scale"]), "scale")
        mean = geometric_mean(known) if len(known) else Interval(math.nan, math.nan, math.nan)
        plateau = float(f"{np.median(numbers(part, 'plateau')):.3g}")
        rows.append((*place, len(part), len(known), plateau, mean.value, mean.low, mean.high))
    names = ["seeds", "with a scale", "plateau (median)", "scale", "low", "high"]
    return pd.DataFrame(rows, columns=[*keys, *names])
