"""Scales of T at which datapoints stop being orthonormal.

Two share a feature with probability q = (1−(1−p²)^n)/(1−(1−p)^n)² ≈ n p², features being present at p = 1 − S.
T counts distinct datapoints; an empty one is drawn again, so every probability is one given that none is empty.
Functions raise ValueError unless n ≥ 1, T ≥ 1, 0 < sparsity < 1.
"""

import math
from functools import lru_cache

import numpy as np

from theory.features.amplitudes import density_of
from theory.integer_arguments import checked_integer


def pair_overlap_probability(n: int, sparsity: float) -> float:
    """Probability that two datapoints share a feature (`scales.pair-overlap`).
    Relative error below 16 eps times 1 + sparsity/p, the condition of p = 1 − S.

    >>> round(pair_overlap_probability(10_000, 0.999), 6), pair_overlap_probability(1, 0.999)
    (0.009951, 1.0)
    """
    density = density_of(n, sparsity)
    filled = -math.expm1(n * math.log1p(-density))
    return min(1.0, -math.expm1(n * math.log1p(-(density**2))) / filled**2)


def expected_overlapping_pairs(T: int, n: int, sparsity: float) -> float:
    """Expected number of the T(T−1)/2 pairs that share a feature, as accurate as one (`scales.expected-overlaps`).

    >>> round(expected_overlapping_pairs(14, 10_000, 0.999), 3)
    0.906
    """
    checked_integer("T", T, 1)
    return T * (T - 1) / 2 * pair_overlap_probability(n, sparsity)


@lru_cache(maxsize=1024)
def disjoint_probability(T: int, n: int, sparsity: float) -> float:
    """Probability that no feature occurs twice among T datapoints (`scales.disjoint-probability`); 0 where T > n.

    A feature is in no datapoint with probability α = (1−p)^T, in one with β = p(1−p)^{T−1} each, and none of the T is
    empty: n! times the coefficient of z^n in e^{αz}(e^{βz} − 1)^T. Never below 1 − :func:`expected_overlapping_pairs`.
    Relative error of order n ln(n/p) eps.

    >>> round(disjoint_probability(14, 10_000, 0.999), 3), disjoint_probability(5, 3, 0.999)
    (0.405, 0.0)
    """
    checked_integer("T", T, 1)
    density = density_of(n, sparsity)
    if T == 1 or n < T:
        return float(T == 1)
    alone = math.log(density) + (T - 1) * math.log1p(-density)
    filled = T * math.log(-math.expm1(n * math.log1p(-density)))
    return math.exp(_log_coefficient(T, n, (1 - density) / density) + n * alone - filled)


def _log_coefficient(T: int, n: int, none: float) -> float:
    """Logarithm of n! times the coefficient of z^n in e^{none z}(e^z − 1)^T, n ≥ T ≥ 2.
    Cauchy's integral over the circle through the saddle point; terms there have a spread of at most √n in n.
    """
    if n == T:
        return math.lgamma(n + 1)
    radius = _saddle_point(T, n, none)
    angle = 2 * math.pi * np.arange(points := 64 + 16 * math.isqrt(n)) / points
    z = radius * np.exp(1j * angle)
    left = z.real < 0  # there e^z is small, elsewhere e^{−z}
    power = np.log(np.where(left, 1, -1) * np.expm1(np.where(left, z, -z))) + np.where(left, 0, z)
    top = none * radius + T * (radius + math.log(-math.expm1(-radius)))
    mean = np.exp(none * z + T * power - top - 1j * n * angle).mean().real
    return math.lgamma(n + 1) - n * math.log(radius) + top + math.log(mean)


def _saddle_point(T: int, n: int, none: float) -> float:
    """The root x of none x + T x/(1 − e^{−x}) = n, by Newton from above, where a convex increasing function cannot
    overshoot; to rounding. SciPy's root finder takes a second to load.
    """
    # 1 + x/2 ≤ x/(1 − e^{−x}) ≤ 1 + x, so the root lies between two and four fifths of the start.
    x = 5 * (n - T) / (none + T) / 2
    for _ in range(64):
        share = -1 / math.expm1(-x)
        step = (none * x + T * x * share - n) / (none + T * share * (1 - x * share * math.exp(-x)))
        x -= step
        if abs(step) <= 1e-15 * x:
            break
    return x


def first_overlap_scale(n: int, sparsity: float) -> float:
    """T = √(2/q), where T² q/2 = 1 overlapping pair is expected (`scales.first-overlap`).
    About 1/2 below the T at which :func:`expected_overlapping_pairs` is 1.

    >>> round(first_overlap_scale(10_000, 0.999), 1)
    14.2
    """
    return math.sqrt(2 / pair_overlap_probability(n, sparsity))


def typical_overlap_scale(n: int, sparsity: float) -> float:
    """T = 1/q at which a datapoint overlaps one other on average (`scales.typical-overlap`).

    >>> round(typical_overlap_scale(10_000, 0.999))
    100
    """
    return 1 / pair_overlap_probability(n, sparsity)


def universal_overlap_scale(n: int, sparsity: float) -> float:
    """T beyond which every datapoint shares a feature: T·exp(−np(1 − e^{−pT})) falls to 1 (`scales.universal-overlap`).
    An approximation for small p (Poisson counts), its root to a relative 1e-12; at very large T datapoints with hardly
    any feature turn up again. Raises ValueError: n p so small that the left side never falls below 1.

    >>> round(universal_overlap_scale(10_000, 0.999), -2)
    1200.0
    """
    from scipy.optimize import brentq
    from scipy.special import lambertw

    density = density_of(n, sparsity)

    def log_lonely(log_T: float) -> float:
        return log_T + n * density * math.expm1(-density * math.exp(log_T))

    present = n * density
    if present > math.e:
        # d/d(log T) = 1 − np·x e^{−x}, x = pT: it falls between the two roots x of np·x e^{−x} = 1.
        start, end = (math.log(-lambertw(-1 / present, branch).real / density) for branch in (0, -1))
        if log_lonely(start) > 0 > log_lonely(end):
            return math.exp(float(brentq(log_lonely, start, end, xtol=1e-13)))
    raise ValueError(f"n*p = {present:g}: lonely datapoints never die out; try more features per datapoint")


def hypothesis_generalization_scale(sparsity: float) -> float:
    """T = 10/(1 − S), from where on models generalize: each feature seen about ten times (`scales.generalization`).
    A hypothesis, read off curves of Henighan et al. 2023 at m = 2, the same for all weight decays and sparsities.

    >>> round(hypothesis_generalization_scale(0.999))
    10000
    """
    return 10 / density_of(1, sparsity)
