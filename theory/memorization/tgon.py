"""Memorization of orthonormal data: the least-norm model of zero loss, for m = 2 and for T ≤ m + 1.

Normalisation: datapoints of unit norm; energy is Σ_t ‖h_t‖² = ‖W‖². For datapoints of norm s every squared length is
multiplied by s². A decoder untied from W or a loss averaged over features does not change these minima.

At T = 1 the functions answer for least ‖W‖²: h = 0 and c = 1. (Least ‖W‖² + ‖b‖² has ‖h‖² = c = 1/2 there and the
same T-gon from T = 2 on: `memorization.tgon-penalised`.) The proofs are in `theory.derivations.memorization`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from theory.integer_arguments import elementwise

__all__ = [
    "asymptotic_tgon_bias_norm",
    "asymptotic_tgon_weight_norm",
    "bias_overtakes_weights_at",
    "robust_energy_bound",
    "simplex_dimensionality",
    "simplex_energy",
    "simplex_hidden",
    "tgon_bias_coefficient",
    "tgon_bias_norm",
    "tgon_dimensionality",
    "tgon_energy",
    "tgon_hidden",
    "tgon_radius_squared",
    "tgon_weight_norm",
]

Floats = NDArray[np.float64]

_of_points = elementwise("T", least=1)


def _half_chord(T: Floats) -> Floats:
    """sin(π/T), and infinity at T = 1, where least ‖W‖² wants no polygon at all (every length is then 0)."""
    return np.where(T == 1, np.inf, np.sin(np.pi / T))


def _cosine_of_step(T: Floats) -> Floats:
    """cos(2π/T) as sin(π(T−4)/(2T)): exactly 0 at T = 4 and relatively accurate beside it."""
    return np.sin(np.pi * (T - 4) / (2 * T))


@_of_points
def tgon_radius_squared(T: Floats) -> Floats:
    """Squared length ‖h‖² = 1/(2 sin²(π/T)) of the T-gon's vertices (`memorization.tgon-radius`).

    T ≥ 1, integer or array; 0 at T = 1 (least ‖W‖²). Relative error below 8 eps. Henighan et al. 2023,
    section "Memorization", states the polygon; its radius follows from zero loss.

    >>> [round(float(r), 12) for r in tgon_radius_squared([1, 2, 4, 6])]
    [0.0, 0.5, 1.0, 2.0]
    """
    return 0.5 / _half_chord(T) ** 2


@_of_points
def tgon_bias_coefficient(T: Floats) -> Floats:
    """C = X_t · b = 1 − ‖h‖² = −cos(2π/T)/(2 sin²(π/T)) on the T-gon (`memorization.tgon-bias`).

    T ≥ 1; 1 at T = 1, exactly 0 at T = 4, negative from T = 5 on. Relative error below 12 eps for every T.

    >>> tgon_bias_coefficient(1), tgon_bias_coefficient(4), round(tgon_bias_coefficient(6), 12)
    (1.0, 0.0, -1.0)
    """
    # 0.0 is subtracted from, not negated, so that T = 4 gives +0.0.
    return np.where(T == 1, 1.0, 0.0 - _cosine_of_step(T) * 0.5 / _half_chord(T) ** 2)


@_of_points
def tgon_energy(T: Floats) -> Floats:
    """Least Σ_t ‖h_t‖² that memorizes T orthonormal points in two dimensions: T/(1 − cos(2π/T)).

    Equation `memorization.tgon-norm`. T ≥ 1; 0 at T = 1. Relative error below 8 eps.

    >>> [round(float(energy), 12) for energy in tgon_energy([1, 2, 3, 4, 6])]
    [0.0, 1.0, 2.0, 4.0, 12.0]
    """
    return T * 0.5 / _half_chord(T) ** 2


@_of_points
def tgon_weight_norm(T: Floats) -> Floats:
    """Least Frobenius norm ‖W‖ = √(T/2)/sin(π/T) that memorizes T points in two dimensions.

    Equation `memorization.tgon-norm`. T ≥ 1; 0 at T = 1. Relative error below 6 eps.

    >>> round(tgon_weight_norm(5), 6)
    2.689994
    """
    return np.sqrt(T / 2) / _half_chord(T)


@_of_points
def tgon_bias_norm(T: Floats) -> Floats:
    """‖b‖ = √T |cos(2π/T)|/(1 − cos(2π/T)) on the T-gon (`memorization.tgon-bias-norm`).

    T ≥ 1; 1 at T = 1, exactly 0 at T = 4. Relative error below 12 eps.

    >>> round(tgon_bias_norm(6) ** 2, 12), tgon_bias_norm(4)
    (6.0, 0.0)
    """
    return np.where(T == 1, 1.0, np.sqrt(T) * np.abs(_cosine_of_step(T)) * 0.5 / _half_chord(T) ** 2)


@_of_points
def tgon_dimensionality(T: Floats) -> Floats:
    """D_X = 2/T on the T-gon for T ≥ 3, 1/2 at T = 2 (`memorization.tgon-dimensionality`).

    T ≥ 1; 0 at T = 1, where least ‖W‖² puts the point at the origin. Exact up to one rounding.

    >>> tgon_dimensionality([1, 2, 3, 4]).round(4).tolist()
    [0.0, 0.5, 0.6667, 0.5]
    """
    return np.where(T == 1, 0.0, np.where(T == 2, 0.5, 2 / T))


def tgon_hidden(T: int) -> Floats:
    """Hidden vectors of the T-gon, (2, T), the first on the positive first axis (`memorization.tgon-radius`).

    T ≥ 1; the zero vector at T = 1. Each coordinate has an absolute error below 4 eps times the length.

    >>> H = tgon_hidden(8)
    >>> bool(np.isclose(np.sum(H * H), tgon_energy(8)))
    True
    """
    from theory.polygon_geometry import polygon_vertices

    return polygon_vertices(T, tgon_radius_squared(T))


@_of_points
def simplex_energy(T: Floats) -> Floats:
    """Least Σ_t ‖h_t‖² = T − 1 over any number m ≥ T − 1 of hidden dimensions (`memorization.simplex`).

    T ≥ 1. It is a lower bound for every m, attained only by the regular simplex. Exact.

    >>> simplex_energy(3) - round(tgon_energy(3), 12)
    0.0
    """
    return T - 1


@_of_points
def simplex_dimensionality(T: Floats) -> Floats:
    """D_X = ‖h‖² = (T − 1)/T of each vertex of the regular simplex, c = 1/T (`memorization.simplex`). One rounding.

    >>> T = 5
    >>> round(T * simplex_dimensionality(T), 12)  # the dimensionalities add up to the rank
    4.0
    """
    return (T - 1) / T


def simplex_hidden(T: int, m: int) -> Floats:
    """Hidden vectors of the simplex, shape (m, T): HᵀH = I − 11ᵀ/T (`memorization.simplex`).

    Unused dimensions are 0. Entries have an absolute error below 4 eps.

    Raises ValueError: T > m + 1: T points of a regular simplex span T − 1 dimensions.

    >>> np.round(simplex_hidden(2, 1), 6).tolist()
    [[0.707107, -0.707107]]
    """
    if not 1 <= T <= m + 1:
        raise ValueError(
            f"T = {T}: a simplex in m = {m} dimensions has 1 to {m + 1} points; try m={max(T - 1, 1)}"
        )
    hidden = np.zeros((m, T))
    for row in range(T - 1):  # Helmert's basis of the complement of (1, ..., 1)
        count = row + 1
        hidden[row, :count] = 1 / math.sqrt(count * (count + 1))
        hidden[row, count] = -math.sqrt(count / (count + 1))
    return hidden


def robust_energy_bound(minimum_energy: float, worst_point_error: float) -> float:
    """Least Σ_t ‖h_t‖² of a model of this worst squared error ε: (1 − 2√ε)·E (`memorization.robust`).

    E is the optimum at zero loss (:func:`tgon_energy` at m = 2). It binds models whose datapoints have disjoint
    supports and unit norm, 0 ≤ ε < 1/4, and whose own active outputs are positive (automatic while √ε is below the
    least positive entry of X). Relative error below 4 eps.

    Raises ValueError: ε outside [0, 1/4), where nothing is implied, or E negative.

    >>> robust_energy_bound(4.0, 1e-4)
    3.92
    """
    if not 0 <= worst_point_error < 0.25:
        raise ValueError(
            f"worst_point_error = {worst_point_error:g}: it must lie in [0, 1/4); judge memorizing runs"
        )
    if not minimum_energy >= 0:
        raise ValueError(f"minimum_energy = {minimum_energy:g}: it must be >= 0; try tgon_energy(T)")
    return (1 - 2 * math.sqrt(worst_point_error)) * minimum_energy


@_of_points
def asymptotic_tgon_weight_norm(T: Floats) -> Floats:
    """‖W‖ = T^{3/2}/(√2 π) · (1 + π²/(6T²)) + O(T^{−5/2}) (`memorization.asymptotic-norms`).

    Relative remainder 7π⁴/(360 T⁴) (1 + O(T⁻²)): below 2e-4 from T = 10 on.

    >>> abs(asymptotic_tgon_weight_norm(100) / tgon_weight_norm(100) - 1) < 2e-8
    True
    """
    return T**1.5 / (math.sqrt(2) * math.pi) * (1 + math.pi**2 / (6 * T**2))


@_of_points
def asymptotic_tgon_bias_norm(T: Floats) -> Floats:
    """‖b‖ = T^{5/2}/(2π²) · (1 − 5π²/(3T²)) + O(T^{−3/2}) (`memorization.asymptotic-norms`).

    Relative remainder π⁴/(15 T⁴) (1 + O(T⁻²)): below 1e-3 from T = 10 on.

    >>> abs(asymptotic_tgon_bias_norm(100) / tgon_bias_norm(100) - 1) < 7e-8
    True
    """
    return T**2.5 / (2 * math.pi**2) * (1 - 5 * math.pi**2 / (3 * T**2))


def bias_overtakes_weights_at() -> int:
    """First T of the polygon regime T ≥ 2 at which ‖b‖ exceeds ‖W‖: 7 (`memorization.bias-overtakes`).

    For T ≥ 4 ‖b‖ > ‖W‖ exactly when x² > 1 − x at x = cos(2π/T), that is x > (√5 − 1)/2, the reciprocal
    golden ratio. (At T = 1 the bias norm 1 exceeds ‖W‖ = 0 too.) Henighan et al. 2023 reports the crossing
    in trained models.

    >>> T = bias_overtakes_weights_at()
    >>> tgon_bias_norm(T) > tgon_weight_norm(T), tgon_bias_norm(T - 1) > tgon_weight_norm(T - 1)
    (True, False)
    """
    golden_angle = math.acos((math.sqrt(5) - 1) / 2)
    return math.floor(2 * math.pi / golden_angle) + 1
