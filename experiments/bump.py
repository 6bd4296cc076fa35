"""The bump of the test loss between memorization and generalization: one definition for every page.

Over seeds, a test loss is averaged as its logarithm: at the peak seeds differ by factors, and close to 1, the loss of
zero output, the geometric mean is the mean. The bump is the largest such mean over the inner dataset sizes T.

A bump is *there* if it lies above both the smallest and the largest T, each by Welch's one-sided t-test on the
logarithms at level 5 % divided by the number of inner T, because the peak is chosen among them. Intervals are at 95 %
and for one fixed T. Where few seeds differ by factors that test is weak: *apart* tells a peak above both ends in
every seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from verify.statistics import Interval, lies_above, mean_interval

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
    """The bump of test losses > 0, a list over seeds for each T.

    Raises ValueError: Fewer than three T, an empty list, or a loss that is not positive and finite.

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
    """Geometric mean with Student's 95 % interval of the logarithms; ValueError as `find_bump`.

    >>> round(geometric_mean([1.0, 4.0]).value, 12)
    2.0
    """
    mean = mean_interval(_logarithms(values))
    return Interval(*(math.exp(each) for each in (mean.value, mean.low, mean.high)))


def ratio_interval(upper: ArrayLike, lower: ArrayLike, *, level: float = 0.95) -> Interval:
    """Ratio of two geometric means with Welch's two-sided interval of that level; ValueError as `find_bump`.

    A sample of one value has no spread to go by: the bounds are 0 and infinity.

    >>> ratio_interval([2.0, 2.0], [1.0, 1.0]).value
    2.0
    """
    samples = [_logarithms(values) for values in (upper, lower)]
    difference = float(samples[0].mean() - samples[1].mean())
    if min(map(len, samples)) == 1:
        return Interval(math.exp(difference), 0.0, math.inf)
    errors = [float(sample.var(ddof=1)) / len(sample) for sample in samples]
    total = sum(errors)
    if total == 0:
        return Interval(*[math.exp(difference)] * 3)
    weights = sum(each**2 / (len(sample) - 1) for each, sample in zip(errors, samples, strict=True))
    half = float(stats.t.ppf((1 + level) / 2, total**2 / weights)) * math.sqrt(total)
    return Interval(
        *(math.exp(min(each, 700)) for each in (difference, difference - half, difference + half))
    )


def _logarithms(values: ArrayLike) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    sample = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(sample) == 0 or not bool(np.all((sample > 0) & np.isfinite(sample))):
        raise ValueError(f"{sample.tolist()}: want test losses, positive and finite, at least one")
    return np.log(sample)
