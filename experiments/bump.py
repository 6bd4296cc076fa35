"""The bump of the test loss between memorization and generalization: the largest mean over seeds at an inner T. Means
are geometric: at the peak seeds differ by factors; close to 1, the loss of zero output, that is the mean. A bump is
*there* if it lies above both the smallest and the largest T, each by Welch's one-sided t-test on the logarithms at
level 5 % divided by the number of inner T, because the peak is chosen among them; *apart* if it does in every seed, as
that test is weak where few seeds differ by factors. Intervals are at 95 % and for one fixed T.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy import stats

from experiments.axes import LOOKS, draw_seeds, empty
from experiments.findings import Tables
from experiments.grouping import numbers, parts, values_by
from numerics import Run
from verify.statistics import Interval, lies_above, mean_interval
from verify.style import GREY, INK

#: Level of the test for a bump, before it is divided by the number of inner T.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Bump:
    """The largest mean test loss at an inner T, as ``loss`` (geometric mean over seeds; zero output loses 1).
    ``over_first`` and ``over_last`` are factors to the smallest and the largest T; ``there`` and ``apart`` as above.
    """

    T: int
    loss: Interval
    over_first: Interval
    over_last: Interval
    there: bool
    apart: bool


def find_bump(losses: Mapping[int, Sequence[float]]) -> Bump:
    """The bump of test losses > 0, a list over seeds for each T. Raises ValueError: Fewer than three T, or a loss that
    is not positive and finite.

    >>> find_bump({5: [1.02, 1.03], 500: [4.7, 4.2], 5000: [0.98, 0.981]}).T
    500
    """
    sizes = sorted(losses)
    if len(sizes) < 3:
        raise ValueError(f"T = {sizes}: a bump lies between two others; give at least three T")
    inner = sizes[1:-1]
    peak = max(inner, key=lambda T: float(np.mean(_logarithms(losses[T]))))
    own, first, last = losses[peak], losses[sizes[0]], losses[sizes[-1]]
    level = 1 - 2 * LEVEL / len(inner)
    there = all(ratio_interval(own, end, level=level).low > 1 for end in (first, last))
    ratios = ratio_interval(own, first), ratio_interval(own, last)
    return Bump(peak, geometric_mean(own), *ratios, there, lies_above(own, [*first, *last]))


def geometric_mean(values: ArrayLike) -> Interval:
    """Geometric mean with Student's 95 % interval of the logarithms, NaN of none; ValueError as `find_bump`.

    >>> round(geometric_mean([1.0, 4.0]).value, 12)
    2.0
    """
    return mean_interval(_logarithms(values)).map(_exp)


def ratio_interval(upper: ArrayLike, lower: ArrayLike, *, level: float = 0.95) -> Interval:
    """Ratio of two geometric means with Welch's two-sided interval of that level; ValueError as `find_bump`. A sample
    of one value has no spread to go by: the bounds are 0 and infinity.

    >>> ratio_interval([2.0, 2.0], [1.0, 1.0]).value
    2.0
    """
    samples = [_logarithms(values) for values in (upper, lower)]
    difference = float(samples[0].mean() - samples[1].mean())
    counts = np.array([len(sample) for sample in samples])
    if counts.min() == 1:
        return Interval(difference, -math.inf, math.inf).map(_exp)
    errors = np.array([sample.var(ddof=1) for sample in samples]) / counts
    half, total = 0.0, float(errors.sum())
    if total > 0:
        half = stats.t.ppf((1 + level) / 2, total**2 / np.sum(errors**2 / (counts - 1))) * math.sqrt(total)
    return Interval(difference, difference - half, difference + half).map(_exp)


def neighbour_ratios(samples: Mapping[float, Sequence[float]]) -> dict[str, Interval]:
    """Ratios of the geometric means of neighbours, the first over the second of each pair, by their names."""
    return {
        f"{first:g} over {second:g}": ratio_interval(samples[first], samples[second])
        for first, second in pairwise(samples)
    }


def _exp(value: float) -> float:
    """The exponential function, without the error where it overflows."""
    return float(np.exp(value if math.isinf(value) else min(value, 700)))


def _logarithms(values: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    sample = np.asarray(values, dtype=np.float64).reshape(-1)
    if not np.all((sample > 0) & np.isfinite(sample)):
        raise ValueError(f"{sample.tolist()}: want test losses, positive and finite")
    return np.log(sample)


#: What the pages keep of every run, beside the value that tells curves apart.
COLUMNS = ["T", "sparsity", "seed", "status", "train_loss", "test_loss", "largest_feature_dimensionality"]

#: Test losses over seeds for each value of a setting and each T.
Losses = Mapping[float, Mapping[int, Sequence[float]]]


def collect_curves(runs: Sequence[Run], table: pd.DataFrame, key: str) -> Tables:
    """Table ``runs``: every run with the value of ``key``."""
    return {"runs": table[[key, *COLUMNS]].sort_values([key, "T", "seed"], ignore_index=True)}


def losses_by(runs: pd.DataFrame, key: str) -> dict[float, dict[int, list[float]]]:
    """Test losses over seeds for each value of ``key``, ascending, and each T."""
    return {float(value): values_by(rows, "T", "test_loss") for value, rows in parts(runs, key)}


def mean_losses(runs: pd.DataFrame) -> dict[int, float]:
    """The geometric mean of the test loss at each T."""
    return {T: geometric_mean(each).value for T, each in values_by(runs, "T", "test_loss").items()}


def excess_mean(excess: pd.Series) -> float:
    """The geometric mean of test losses, both less 1."""
    return geometric_mean(excess + 1).value - 1


def bumps_of(losses: Losses) -> dict[float, Bump]:
    """The bump for each value with runs at three T or more."""
    return {value: find_bump(curve) for value, curve in losses.items() if len(curve) > 2}


def bumps_summary(tables: Tables, key: str, head: str) -> pd.DataFrame:
    """Bump, place of its peak, and test loss at the largest T for each ``key``; ``head`` names the values."""
    losses = losses_by(tables["runs"], key)
    density = 1 - tables["runs"]["sparsity"].iloc[0]
    rows = [
        {
            head: f"{value:g}",
            "bump there": _there(bump),
            "T of the peak": bump.T,
            "T(1 − S)": f"{bump.T * density:.3g}",
            "test loss": str(bump.loss),
            "over smallest T": str(bump.over_first),
            "over largest T": str(bump.over_last),
            "test loss at largest T": f"{geometric_mean(losses[value][max(losses[value])]).value:.4g}",
        }
        for value, bump in bumps_of(losses).items()
    ]
    return pd.DataFrame(rows)


def _there(bump: Bump) -> str:
    alone = math.isinf(bump.over_first.high) or math.isinf(bump.over_last.high)
    return "yes" if bump.there else "one seed at an end" if alone else "in every seed" if bump.apart else "no"


def draw_curves(tables: Tables, key: str, symbol: str) -> Figure:
    """Test loss above, largest feature dimensionality below, one curve for each value of ``key``."""
    runs = tables["runs"]
    figure = empty(9.6, 8.6, h_pad=0.06)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    excess, column = runs.assign(excess=runs["test_loss"] - 1), "largest_feature_dimensionality"
    for (value, rows), style in zip(parts(excess, key), cycle(LOOKS), strict=False):
        label = f"{symbol} = {value:g}"
        draw_seeds(top, rows["T"], rows["excess"], label, excess_mean, **style)
        draw_seeds(bottom, rows["T"], rows[column], label, **style)
    scale, reach = 10 / (1 - runs["sparsity"].iloc[0]), numbers(excess, "excess")
    top.axhline(0, color=INK, lw=1, label="zero output")
    top.set_yscale("symlog", linthresh=0.01, linscale=0.8)
    top.set(ylabel="test loss − 1", ylim=(min(-0.01, 2 * reach.min()), 3 * max(0.01, reach.max())))
    top.legend(loc="upper left")
    top.axvline(scale, color=GREY, lw=1, ls=":")
    bottom.axvline(scale, color=GREY, lw=1, ls=":", label="T(1 − S) = 10 [scales.generalization]")
    bottom.legend(handles=bottom.lines[-1:], loc="upper left")
    bottom.set_xscale("log")
    bottom.xaxis.set_major_formatter("{x:.0f}")
    bottom.set(xlabel="datapoints T", ylabel="largest $D_f$", ylim=(0, None))
    return figure
