"""Memorization of orthonormal data: the least-norm model of zero loss, for m = 2 and for T ≤ m + 1.

Unit datapoints; norms s multiply squared lengths by s². Untying the decoder or averaging the loss over features changes
no minimum. T ≥ 1, integer or array. T = 1 has h = 0, c = 1, of least ‖W‖²; least ‖W‖² + ‖b‖² differs there alone, by
‖h‖² = c = 1/2 (`memorization.tgon-penalised`).
"""

import math

import numpy as np

from theory.arrays import Floats
from theory.integer_arguments import on_integers

_of_points = on_integers("T")


def _half_chord(T: Floats) -> Floats:
    """sin(π/T), and infinity at T = 1, where least ‖W‖² wants no polygon at all (every length is then 0)."""
    return np.where(T == 1, np.inf, np.sin(np.pi / T))


def _cosine_of_step(T: Floats) -> Floats:
    """cos(2π/T) as sin(π(T−4)/(2T)): exactly 0 at T = 4 and relatively accurate beside it."""
    return np.sin(np.pi * (T - 4) / (2 * T))


@_of_points
def tgon_radius_squared(T: Floats) -> Floats:
    """Squared length ‖h‖² = 1/(2 sin²(π/T)) of the T-gon's vertices; 0 at T = 1 (`memorization.tgon-radius`).
    Relative error below 8 eps. Henighan et al. 2023, "Memorization", states the polygon; zero loss fixes the radius.

    >>> [round(float(r), 12) for r in tgon_radius_squared([1, 2, 4, 6])]
    [0.0, 0.5, 1.0, 2.0]
    """
    return 0.5 / _half_chord(T) ** 2


@_of_points
def tgon_bias_coefficient(T: Floats) -> Floats:
    """Bias coefficient c = X_t · b = 1 − ‖h‖² = −cos(2π/T)/(2 sin²(π/T)) on the T-gon, 1 at T = 1
    (`memorization.tgon-bias`). Relative error below 12 eps for every T; exactly 0 at T = 4, negative from T = 5 on.

    >>> tgon_bias_coefficient(1), tgon_bias_coefficient(4), round(tgon_bias_coefficient(6), 12)
    (1.0, 0.0, -1.0)
    """
    # 0.0 is subtracted from, not negated, so that T = 4 gives +0.0.
    return np.where(T == 1, 1.0, 0.0 - _cosine_of_step(T) * 0.5 / _half_chord(T) ** 2)


@_of_points
def tgon_energy(T: Floats) -> Floats:
    """Least Σ_t ‖h_t‖² = ‖W‖² at m = 2: T/(1 − cos(2π/T)), to 8 eps (`memorization.tgon-norm`).

    >>> [round(float(energy), 12) for energy in tgon_energy([1, 2, 3, 4, 6])]
    [0.0, 1.0, 2.0, 4.0, 12.0]
    """
    return T * 0.5 / _half_chord(T) ** 2


@_of_points
def tgon_weight_norm(T: Floats) -> Floats:
    """Least Frobenius norm ‖W‖ = √(T/2)/sin(π/T) at m = 2; relative error below 6 eps (`memorization.tgon-norm`).

    >>> round(tgon_weight_norm(5), 6)
    2.689994
    """
    return np.sqrt(T / 2) / _half_chord(T)


@_of_points
def tgon_bias_norm(T: Floats) -> Floats:
    """‖b‖ = √T |cos(2π/T)|/(1 − cos(2π/T)) on the T-gon, 1 at T = 1 (`memorization.tgon-bias-norm`). To 12 eps.

    >>> round(tgon_bias_norm(6) ** 2, 12), tgon_bias_norm(4)
    (6.0, 0.0)
    """
    return np.where(T == 1, 1.0, np.sqrt(T) * np.abs(_cosine_of_step(T)) * 0.5 / _half_chord(T) ** 2)


@_of_points
def tgon_dimensionality(T: Floats) -> Floats:
    """D_X = 2/T on the T-gon for T ≥ 3, 1/2 at T = 2, 0 at T = 1 (`memorization.tgon-dimensionality`). One rounding.

    >>> tgon_dimensionality([1, 2, 3, 4]).round(4).tolist()
    [0.0, 0.5, 0.6667, 0.5]
    """
    return np.where(T == 1, 0.0, np.where(T == 2, 0.5, 2 / T))


def tgon_hidden(T: int) -> Floats:
    """Hidden vectors of the T-gon, (2, T), the first on the positive first axis (`memorization.tgon-radius`).
    Each coordinate has an absolute error below 4 eps times the length.

    >>> H = tgon_hidden(8)
    >>> bool(np.isclose(np.sum(H * H), tgon_energy(8)))
    True
    """
    from theory.polygon_geometry import polygon_vertices

    return polygon_vertices(T, tgon_radius_squared(T))


@_of_points
def simplex_energy(T: Floats) -> Floats:
    """Least Σ_t ‖h_t‖² = T − 1, exact, by the simplex at m ≥ T − 1; a lower bound at any m (`memorization.simplex`).

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
    """Hidden vectors of the simplex, (m, T): HᵀH = I − 11ᵀ/T, unused dimensions 0 (`memorization.simplex`).
    Absolute error below 4 eps. Raises ValueError: T > m + 1, since T points of a simplex span T − 1 dimensions.

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
    """Least Σ_t ‖h_t‖² of a model of this worst squared error ε: (1 − 2√ε)·E, to 4 eps (`memorization.robust`).

    E ≥ 0 is the optimum at zero loss (:func:`tgon_energy`). It binds unit datapoints of disjoint supports whose own
    active outputs are positive (automatic while √ε is below the least positive entry of X). Raises ValueError: E < 0
    or ε outside [0, 1/4), where nothing is implied.

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
    For T ≥ 4 that is x² > 1 − x at x = cos(2π/T), x above the reciprocal golden ratio. (At T = 1 the bias norm 1
    exceeds ‖W‖ = 0 too.) Henighan et al. 2023 reports the crossing in trained models.

    >>> T = bias_overtakes_weights_at()
    >>> tgon_bias_norm(T) > tgon_weight_norm(T), tgon_bias_norm(T - 1) > tgon_weight_norm(T - 1)
    (True, False)
    """
    golden_angle = math.acos((math.sqrt(5) - 1) / 2)
    return math.floor(2 * math.pi / golden_angle) + 1
