"""Datapoints of disjoint supports and norms ‖X_j‖ = s_j, with a tied or an untied decoder; c·s gives the same ‖W‖².

Tied: ‖h_j‖² − h_i·h_j ≥ s_j² for all i ≠ j, at ‖W‖² = Σ‖h_j‖²/s_j² (`unequal.programme`). Untied, output ReLU(V h + b):
least ‖W‖² + ‖V‖² over h_j and g_j with g_j·(h_j − h_i) ≥ 1 (`unequal.untied`). Untying buys nothing for T ≤ m + 1, nor
on the equal-norm T-gon (a theorem among regular polygons, numerical among all). At unequal norms and T > m + 1 it does
(numerical).
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Floats

#: A solution counts when its constraints, in units of the data, are violated by no more than this.
FEASIBLE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class UnequalModel:
    """Hidden vectors and decoders that memorize datapoints of given norms."""

    norms: Floats  #: (T,) s_j
    hidden: Floats  #: (m, T) h_j = W X_j; W = Σ h_j X_jᵀ/s_j²
    decoder: Floats  #: (m, T) g_j, V = Σ X_j g_jᵀ; h_j/s_j² when tied. The bias is Σ_j X_j (1 − g_j·h_j)
    status: Literal["theorem", "numerical"]  #: "theorem" where it is known to be least, else "numerical"

    @property
    def encoder_cost(self) -> float:
        """‖W‖² = Σ‖h_j‖²/s_j²."""
        return float(np.sum((self.hidden / self.norms) ** 2))

    @property
    def decoder_cost(self) -> float:
        """‖V‖² = Σ s_j²‖g_j‖²; equal to `encoder_cost` when tied."""
        return float(np.sum((self.decoder * self.norms) ** 2))


def slack_of(hidden: Floats, decoder: Floats) -> float:
    """Least g_j·(h_j − h_i) − 1 over i ≠ j: not negative exactly at zero loss (`unequal.untied`, `unequal.programme`).
    Both (m, T), T ≥ 2. Absolute error below 8 eps times the largest product of lengths.

    >>> slack_of(np.array([[1.0, -1.0]]), np.array([[0.5, -0.5]]))
    0.0
    """
    products = decoder.T @ hidden
    gaps = np.diag(products)[:, None] - products
    return float(gaps[~np.eye(len(gaps), dtype=bool)].min() - 1)


def simplex_on_norms(norms: ArrayLike, m: int) -> UnequalModel:
    """The weighted simplex, least norm tied or not for 2 ≤ T ≤ m + 1: ‖W‖² = T − 1 at any norms (`unequal.simplex`).
    Inner products −1/Q and squared lengths s_j² − 1/Q, Q = Σ 1/s_j²; Σ h_j/s_j² = 0. Entries accurate to 1e-14 times
    the largest norm. Raises ValueError: norms that are not positive numbers.

    >>> model = simplex_on_norms([1.0, 2.0, 5.0], m=2)
    >>> round(model.encoder_cost, 12), abs(round(slack_of(model.hidden, model.decoder), 12))
    (2.0, 0.0)
    """
    lengths = _checked(norms)
    T = len(lengths)
    # diag(s) times the projector across 1/s; T − 1 of its eigenvectors span the image.
    basis = np.linalg.svd(1 / lengths[None, :])[2][1:]
    hidden = np.zeros((m, T))
    hidden[: T - 1] = basis * lengths
    return UnequalModel(lengths, hidden, hidden / lengths**2, "theorem")


def regular_polygon_cost(norms: ArrayLike, untied: bool = False) -> float:
    """‖W‖² of the regular T-gon on these norms, or ‖W‖² + ‖V‖² when untied; both bound the least (`unequal.existence`).
    Tied, r = max s²/(1 − cos(2π/T)); untied, the sum is 2√(Σs²·Σs⁻²)/(1 − cos(2π/T)). T, m ≥ 2. To 16 eps.

    >>> round(regular_polygon_cost([1, 1, 1, 1]), 12), round(regular_polygon_cost([1, 1, 1, 1], untied=True), 12)
    (4.0, 8.0)
    """
    lengths = _checked(norms)
    opening = 2 * math.sin(math.pi / len(lengths)) ** 2
    inverse = float(np.sum(lengths**-2.0))
    if untied:
        return 2 * math.sqrt(float(np.sum(lengths**2)) * inverse) / opening
    return float(lengths.max()) ** 2 * inverse / opening


def least_norm_tied(norms: ArrayLike, starts: int = 24) -> UnequalModel:
    """Least ‖W‖² found in the plane at these norms; a theorem for T ≤ 3, else numerical.
    Sequential quadratic programming from `starts` fixed starts, polygons in different cyclic orders, scaled to be
    feasible. T ≥ 2; seconds up to T = 12. ‖W‖² is an upper bound, accurate to 1e-6 when the best start finds it.

    >>> round(least_norm_tied([1.0, 1.0, 1.0, 0.1]).encoder_cost, 3)  # below the 4 of equal norms
    3.697
    """
    lengths = _checked(norms)
    longest = float(lengths.max()) / lengths
    return _least_norm(lengths, longest[None], starts)


def least_norm_untied(norms: ArrayLike, starts: int = 24) -> UnequalModel:
    """Least ‖W‖² + ‖V‖² found in the plane at these norms; a theorem for T ≤ 3, else numerical.
    Method and accuracy as :func:`least_norm_tied`. W and V are balanced: ‖W‖² = ‖V‖².

    >>> model = least_norm_untied([1.0, 1.0, 1.0, 3.0])
    >>> round(model.encoder_cost + model.decoder_cost, 2)  # tied: 8
    7.84
    """
    lengths = _checked(norms)
    middle = math.sqrt(float(lengths.max() * lengths.min())) / lengths
    return _least_norm(lengths, np.stack([middle, 1 / middle]), starts)


def _least_norm(lengths: Floats, begin: Floats, starts: int) -> UnequalModel:
    """The search in y_j = h_j/s_j and z_j = s_j g_j, one array if tied, from polygons stretched by `begin`."""
    from scipy.optimize import minimize

    T = len(lengths)
    if T <= 3:
        return simplex_on_norms(lengths, 2)
    own, other = np.where(~np.eye(T, dtype=bool))
    ratio, rows, shape = lengths[other] / lengths[own], np.arange(T * (T - 1)), (len(begin), 2, T)

    def slack(flat: Floats) -> Floats:
        hidden, decoder = flat.reshape(shape)[[0, -1]]
        return np.asarray(np.sum(decoder[:, own] * (hidden[:, own] - ratio * hidden[:, other]), axis=0) - 1)

    def slopes(flat: Floats) -> Floats:
        hidden, decoder = flat.reshape(shape)[[0, -1]]
        jacobian = np.zeros((len(rows), 2, *hidden.shape))
        jacobian[rows, 0, :, own] = decoder[:, own].T
        jacobian[rows, 0, :, other] = -(ratio * decoder[:, own]).T
        jacobian[rows, 1, :, own] = (hidden[:, own] - ratio * hidden[:, other]).T
        return (jacobian if len(begin) == 2 else jacobian.sum(axis=1)).reshape(len(rows), -1)

    def square(flat: Floats) -> tuple[float, Floats]:
        return float(flat @ flat), 2 * flat

    opening = math.sqrt(2) * math.sin(math.pi / T)
    memorized: Any = {"type": "ineq", "fun": slack, "jac": slopes}
    ends = [
        minimize(
            square,
            (one * begin[:, None] / opening).ravel(),
            jac=True,
            constraints=memorized,
            method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-13},
        ).x
        for one in _polygons(T, starts)
    ]
    feasible = (flat for flat in ends if slack(flat).min() > -FEASIBLE)
    least = min(feasible, key=lambda flat: flat @ flat, default=ends[0])
    y, z = least.reshape(shape)[[0, -1]]
    hidden, decoder = y * lengths, z / lengths
    grown = 1 / math.sqrt(1 + min(0.0, slack_of(hidden, decoder)))  # homogeneous: exactly feasible
    balance = math.sqrt(float(np.linalg.norm(z) / np.linalg.norm(y)))
    return UnequalModel(lengths, hidden * (grown * balance), decoder * (grown / balance), "numerical")


def _polygons(T: int, starts: int) -> list[Floats]:
    """Unit vectors of regular T-gons in different cyclic orders, slightly uneven, without randomness."""
    golden = (math.sqrt(5) - 1) / 2
    found = []
    for number in range(starts):
        scrambled = np.modf((np.arange(T) + 1.0) * (number + 1) * golden)[0]
        order = np.argsort(scrambled) if number else np.arange(T)
        turn = 2 * np.pi * (order + 0.3 * (scrambled - 0.5)) / T
        found.append(np.stack([np.cos(turn), np.sin(turn)]))
    return found


def _checked(norms: ArrayLike) -> Floats:
    lengths = np.asarray(norms, dtype=np.float64)
    if lengths.ndim != 1 or len(lengths) < 2 or not np.all((lengths > 0) & (lengths < math.inf)):
        raise ValueError(f"norms = {norms!r}: they must be two or more positive numbers; try norms=[1, 1, 2]")
    return lengths
