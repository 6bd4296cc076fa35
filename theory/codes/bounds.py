"""What no memorization code can beat: lower bounds on Σ‖h_j‖² that hold for *unequal* norms.

Proofs are in `theory.derivations.memorization.codes`.
"""

import math
from collections.abc import Mapping

_ROUNDING = 1e-13  # relative; bounds and energies are sums and square roots of a few exact numbers


def lower_bounds(T: int, m: int) -> Mapping[str, float]:
    """Every proven lower bound on the energy of T points in R^m, by label; all hold for unequal norms.
    T >= 1 and m >= 1, T <= 2 if m = 1. Accurate to rounding. The largest is the one to use.

    >>> lower_bounds(8, 4)["codes.orthoplex-bound"]
    8.0
    """
    bounds = {"codes.simplex-bound": float(T - 1)}
    if m + 2 <= T:
        bounds["codes.cap-bound"] = cap_bound(T, m)
        bounds["codes.rank-bound"] = _lifted(T, T - m)
    if m + 2 <= T <= min(m + 4, 2 * m - 1):
        bounds["codes.shifted-bound"] = _lifted(T, 2 * (T - m))
    if 2 * m <= T and m >= 2:  # beyond T = 2m by `codes.averaging`
        bounds["codes.orthoplex-bound"] = float(T)
    return bounds


def best_lower_bound(T: int, m: int, energy: float = math.inf) -> tuple[str, float]:
    """Label and value of the largest proven lower bound; of equal ones, the first of `lower_bounds`.
    ``energy`` is that of a code that is known to attain it: a bound above it by rounding alone is returned as it. The
    domain is that of `lower_bounds`.

    >>> best_lower_bound(8, 4)
    ('codes.orthoplex-bound', 8.0)
    """
    bounds = lower_bounds(T, m)
    largest = max(bounds.values())
    label = next(one for one, bound in bounds.items() if math.isclose(bound, largest, rel_tol=_ROUNDING))
    if math.isclose(largest, energy, rel_tol=_ROUNDING):
        return label, min(largest, energy)
    return label, largest


def cap_bound(T: int, m: int) -> float:
    """Least Σ‖h_j‖² that lets T disjoint caps fit on the sphere in R^m (`codes.cap-bound`).
    T >= 3, m >= 2; equals T/(1−cos(2π/T)) at m = 2. Relative accuracy 1e-12, that of `betaincinv`.
    """
    everywhere = T / (2 * _cap_height(m, 2 / T))
    beside_a_short_one = (T - 1) / (2 * _cap_height(m, 1 / (T - 1)))
    return min(everywhere, beside_a_short_one)


def _cap_height(m: int, area: float) -> float:
    """sin² of the angle of the cap that covers half of ``area``, a fraction of the sphere in R^m."""
    if m == 2:
        return math.sin(math.pi * area / 2) ** 2
    from scipy.special import betaincinv

    return float(betaincinv((m - 1) / 2, 0.5, area))


def _lifted(T: int, others: int) -> float:
    """T−1+2√B/(√T+√B): the least energy where B of T points are lifted by the rest (`codes.rank-least`)."""
    return T - 1 + 2 * math.sqrt(others) / (math.sqrt(T) + math.sqrt(others))
