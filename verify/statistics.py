"""Intervals at 95 %, for the few seeds of an experiment."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from theory.number_format import number


@dataclass(frozen=True, slots=True)
class Interval:
    """A number between two bounds, which are infinite (of a ratio 0 and infinity) where one value alone bounds nothing.

    >>> str(Interval(1.0, 0.5, 1.5)), str(Interval(1.0, 0.0, math.inf))
    ('1 (0.5 to 1.5)', '1 (one value)')
    """

    value: float
    low: float
    high: float

    def map(self, rising: Callable[[float], float]) -> "Interval":
        """Number and bounds under a function that rises.

        >>> Interval(2.0, 1.0, 3.0).map(lambda value: 10 * value).high
        30.0
        """
        return Interval(rising(self.value), rising(self.low), rising(self.high))

    def __str__(self) -> str:
        bounds = "one value" if math.isinf(self.high) else f"{number(self.low, 4)} to {number(self.high, 4)}"
        return f"{number(self.value, 4)} ({bounds})"


def mean_interval(values: ArrayLike) -> Interval:
    """Mean with Student's interval; bounds are infinite for one value, NaN for none.

    >>> mean_interval([1.0, 2.0, 3.0]).value
    2.0
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = float(scipy.stats.t.ppf(0.975, len(sample) - 1) * sample.std(ddof=1) / math.sqrt(len(sample)))
    return Interval(mean, mean - half, mean + half)


def share_interval(successes: int, trials: int) -> Interval:
    """Share with the exact interval of Clopper and Pearson; ValueError without trials.

    >>> share_interval(0, 10).low
    0.0
    """
    if trials < 1:
        raise ValueError(f"trials = {trials}: a share needs at least one")
    exact = scipy.stats.binomtest(successes, trials).proportion_ci(0.95)
    return Interval(successes / trials, float(exact.low), float(exact.high))


def lies_above(upper: Sequence[float], lower: Sequence[float]) -> bool:
    """Whether every value of the first sample lies above every one of the second; False if one is empty."""
    return len(upper) > 0 and len(lower) > 0 and min(upper) > max(lower)
