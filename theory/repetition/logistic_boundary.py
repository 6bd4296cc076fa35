"""The boundary at which something starts to happen, as a probability against log R, with its interval.

A threshold R* differs from draw to draw. The boundary is its law (`repetition.boundary`),

    P(R* ≤ R) = 1/(1 + exp(−(log R − μ)/s)),    median exp μ,

fitted by maximum likelihood. Each draw says between which two numbers its threshold lies: two equal ones for a
threshold that is known, (0, R) for an outcome that happened at R, (R, ∞) for one that did not. So the same fit
takes measured thresholds, and is logistic regression on log R for single outcomes. Draws count as independent:
several outcomes of one draw are one threshold with two ends, not several outcomes.

The likelihood is concave in (μ/s, 1/s), so its maximum is unique and every likelihood interval for μ is one
interval. The interval holds all μ whose deviance 2(ℓ_max − max_s ℓ) is at most N ln(1 + t²/(N−1)), t the quantile
of Student's law with N−1 degrees of freedom. For a normal law that is the exact t interval; for the logistic law it
covers 95.7 % at 4 draws and 94.9 % at 9 where 95 % are asked (10 000 simulations each, seed 0).

:func:`median_interval` makes no assumption on the law: order statistics, whose coverage is a binomial sum.

Equation label: `repetition.boundary`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LogisticBoundary", "MedianInterval", "fit_boundary", "median_interval"]

Floats = NDArray[np.float64]

#: log(1/s) is sought in this range about the spread of the data.
_STEEPNESS = 12.0

#: An end of an interval is sought within this factor of the median, e^40.
_FARTHEST = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticBoundary:
    """A fitted boundary.

    Attributes
    ----------
    median : R at which the probability is one half.
    scale : s, in units of log R; the probability rises from 12 to 88 % while R grows by the factor e^{4s}.
    low, high : ends of the interval for the median.
    level : what the interval is meant to cover.
    draws : how many thresholds the fit has seen.

    """

    median: float
    scale: float
    low: float
    high: float
    level: float
    draws: int

    def probability(self, repeats: float) -> float:
        """P(R* ≤ repeats), for repeats > 0."""
        return float(1 / (1 + (self.median / repeats) ** (1 / self.scale)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianInterval:
    """An interval for a median that holds for any law of the thresholds.

    Attributes
    ----------
    low, high : order statistics; 0 or ∞ where too few draws have an end.
    coverage : the exact least probability that the interval holds the median.

    """

    low: float
    high: float
    coverage: float


def fit_boundary(low: ArrayLike, high: ArrayLike, level: float = 0.95) -> LogisticBoundary:
    """The boundary that makes these thresholds likeliest (`repetition.boundary`).

    `low` and `high` are the (N,) ends, 0 ≤ low ≤ high ≤ ∞, between which each threshold lies. Relative accuracy
    1e-6 of the median, 1e-4 of scale and interval.

    Raises
    ------
    ValueError
        Ends that are no such numbers, a level outside (0, 1), one point that lies between all ends (any s does, down
        to 0), or outcomes that do not rise with R.

    Examples
    --------
    >>> found = fit_boundary([2, 4, 8], [2, 4, 8])
    >>> round(found.median, 4), found.low < 2 < 8 < found.high
    (4.0, True)

    """
    ends = _checked(low, high)
    if not 0 < level < 1:
        raise ValueError(f"level = {level}: it must lie between 0 and 1; try level=0.95")
    begins, stops = (np.log(one, where=one > 0, out=np.full(one.shape, -np.inf)) for one in ends)
    if begins.max() <= stops.min():
        raise ValueError(
            f"{len(begins)} thresholds share the point {math.exp(begins.max()):.6g}: a boundary with a width needs at "
            "least two that differ; try more draws"
        )
    finite = np.concatenate([begins[np.isfinite(begins)], stops[np.isfinite(stops)]])
    problem = _Likelihood(begins, stops, math.log(1 / float(np.std(finite))))
    center, best = problem.maximum(float(finite.min()), float(finite.max()))
    steepness = problem.steepness(center)
    if steepness <= math.exp(problem.middle - _STEEPNESS) * 2:
        raise ValueError(
            "the outcomes do not happen more often as R grows: there is no boundary; try other data"
        )
    cutoff = _deviance_cutoff(len(begins), level)
    reach = [problem.end(center, side * _FARTHEST, best - cutoff / 2) for side in (-1, 1)]
    return LogisticBoundary(
        median=math.exp(center),
        scale=1 / steepness,
        low=math.exp(reach[0]),
        high=math.exp(reach[1]),
        level=level,
        draws=len(begins),
    )


def median_interval(low: ArrayLike, high: ArrayLike, level: float = 0.95) -> MedianInterval:
    """The shortest pair of equally ranked order statistics that covers the median with at least this probability.

    Between the k-th least and the k-th greatest of N independent thresholds the median lies with probability
    1 − 2 P(Binomial(N, ½) < k), for any continuous law; k is the largest that reaches the level. An end that a
    draw leaves open counts as 0 or ∞. With too few draws for the level k = 1, and the coverage says so. Exact.

    Raises
    ------
    ValueError
        As :func:`fit_boundary`.

    Examples
    --------
    >>> median_interval(range(1, 10), range(1, 10))
    MedianInterval(low=2.0, high=8.0, coverage=0.9609375)

    """
    begins, stops = _checked(low, high)
    count = len(begins)
    outside = np.cumsum([math.comb(count, k) for k in range(count)]) / 2.0 ** (count - 1)
    rank = max(1, int(np.sum(outside[: (count + 1) // 2] <= 1 - level)))
    return MedianInterval(
        low=float(np.sort(begins)[rank - 1]),
        high=float(np.sort(stops)[count - rank]),
        coverage=float(1 - outside[rank - 1]),
    )


def _deviance_cutoff(draws: int, level: float) -> float:
    """N ln(1 + t²/(N−1)), which tends to the quantile of χ² with one degree of freedom."""
    from scipy.stats import t as student

    return draws * math.log1p(float(student.ppf((1 + level) / 2, draws - 1)) ** 2 / (draws - 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """The log-likelihood of ends on the log scale, with log(1/s) sought about `middle`."""

    begins: Floats
    stops: Floats
    middle: float

    def at(self, center: float, steepness: float) -> float:
        """ℓ(μ, s) for μ = center and 1/s = steepness."""
        from scipy.special import log_expit

        z, y = steepness * (self.begins - center), steepness * (self.stops - center)
        known = self.begins == self.stops
        between = np.full(z.shape, math.log(steepness))
        # σ(y) − σ(z) = σ(y) σ(−z) (1 − e^{z−y}): no difference of numbers near 1.
        between[~known] = np.log(-np.expm1(z[~known] - y[~known]))
        return float(np.sum(log_expit(y) + log_expit(-z) + between))

    def steepness(self, center: float) -> float:
        """The best 1/s for this μ."""
        from scipy.optimize import minimize_scalar

        found = minimize_scalar(
            lambda log_steepness: -self.at(center, math.exp(log_steepness)),
            bounds=(self.middle - _STEEPNESS, self.middle + _STEEPNESS),
            method="bounded",
            options={"xatol": 1e-7},
        )
        return math.exp(float(found.x))

    def profile(self, center: float) -> float:
        """max_s ℓ(μ, s)."""
        return self.at(center, self.steepness(center))

    def maximum(self, least: float, greatest: float) -> tuple[float, float]:
        """The best μ, which lies among the finite ends, and ℓ there."""
        from scipy.optimize import minimize_scalar

        found = minimize_scalar(
            lambda center: -self.profile(center),
            bounds=(least, greatest),
            method="bounded",
            options={"xatol": 1e-8},
        )
        return float(found.x), -float(found.fun)

    def end(self, center: float, farthest: float, level: float) -> float:
        """The μ on one side at which the profile has fallen to `level`; ±∞ if it does not within `farthest`."""
        from scipy.optimize import brentq

        if self.profile(center + farthest) > level:
            return math.copysign(math.inf, farthest)
        return float(brentq(lambda mu: self.profile(mu) - level, center, center + farthest, xtol=1e-6))


def _checked(low: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats]:
    begins, stops = (np.asarray(one, dtype=np.float64) for one in (low, high))
    good = begins.ndim == 1 and begins.shape == stops.shape and begins.size > 0
    if not (good and np.all((begins >= 0) & (begins <= stops) & (stops > 0) & (begins < np.inf))):
        raise ValueError(
            "thresholds must lie between pairs of numbers, 0 <= low <= high; try low=high=[3.0, 4.0, 5.5]"
        )
    return begins, stops
