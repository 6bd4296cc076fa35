"""What trained models in the plane get stuck at: two circles, and dropped datapoints.

Two circles: k neighbours at one squared length y, q = T − k at a smaller x, with the least gaps that memorize. Only the
regular T-gon is stationary among them (`stationary.two-circles`). A dropped point has hidden vector 0 and bias X_k/T.
It is held (`stationary.dropped`) on a regular (T−1)-gon for every T ≥ 5; with the others free it is *not* a local
minimum (`stationary.dropped-error`). Unit datapoints of disjoint supports; loss a sum over features, mean over points.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Floats
from theory.memorization.tgon import tgon_radius_squared


def least_gaps(radius_squared: ArrayLike) -> Floats:
    """(T,) least angles arccos((x − 1)/√(xy)) from each point to the next, cyclic (`stationary.interface-gap`).
    x is the smaller of the two squared lengths; equal ones give the gap of a polygon. T ≥ 2. Absolute error below 1e-7,
    and 4 eps away from 0 and π. Raises ValueError: lengths so short that no angle memorizes, 1 − x > √(xy).

    >>> np.degrees(least_gaps([1.4, 12.9])).round(2).tolist(), round(math.degrees(least_gaps([2, 2])[0]), 9)
    ([84.6, 84.6], 60.0)
    """
    own = np.asarray(radius_squared, dtype=np.float64)
    if own.ndim != 1 or len(own) < 2 or not np.all((own > 0) & (own < math.inf)):
        raise ValueError(f"radius_squared = {radius_squared!r}: it must be two or more positive numbers")
    following = np.roll(own, -1)
    cosines = (np.minimum(own, following) - 1) / np.sqrt(own * following)
    if np.any(cosines < -1 - 1e-12):
        raise ValueError(
            f"radius_squared = {radius_squared!r}: neighbours must have 1 - min <= sqrt of their product"
        )
    gaps: Floats = np.arccos(np.clip(cosines, -1.0, 1.0))
    return gaps


@dataclass(frozen=True, slots=True)
class TwoCircles:
    """T points that memorize with tight gaps: neighbours of the inner squared lengths, the rest at a greater one."""

    T: int
    inner_squared: tuple[float, ...]
    outer_squared: float

    @property
    def radius_squared(self) -> Floats:
        """(T,) squared lengths in cyclic order, the inner points first."""
        outer = [self.outer_squared] * (self.T - len(self.inner_squared))
        return np.array([*self.inner_squared, *outer])

    @property
    def energy(self) -> float:
        """Σ‖h_t‖² = ‖W‖²."""
        return float(self.radius_squared.sum())

    @property
    def gaps(self) -> Floats:
        """(T,) angles from each point to the next; they add up to 2π."""
        return least_gaps(self.radius_squared)

    @property
    def hidden(self) -> Floats:
        """(2, T) hidden vectors, the first on the positive first axis."""
        angle = np.concatenate([[0.0], np.cumsum(self.gaps[:-1])])
        vectors: Floats = np.sqrt(self.radius_squared) * np.stack([np.cos(angle), np.sin(angle)])
        return vectors


def two_circles(T: int, inner_squared: Sequence[float]) -> TwoCircles:
    """The arrangement with these inner squared lengths, in cyclic order, and one outer (`stationary.two-circles`).

    With q equal inner lengths the outer one solves (T−q−1) f(y) + (q−1) f(x) + 2 arccos((x−1)/√(xy)) = 2π,
    f(x) = arccos(1 − 1/x), to a relative 1e-12. There are 1 to T − 2 inner points, the shortest below the T-gon's.
    Raises ValueError: Values outside that range, or inner points so short that no outer circle leaves room.

    >>> circles = two_circles(8, [1.439, 1.439])
    >>> round(circles.outer_squared, 2), round(float(circles.gaps.sum()) / math.pi, 9)
    (11.54, 2.0)
    """
    from scipy.optimize import brentq

    inner = tuple(float(one) for one in inner_squared)
    if not 1 <= len(inner) <= T - 2:
        raise ValueError(f"{len(inner)} inner points of T = {T}: there must be 1 to {T - 2}; try one")
    least, most = min(inner), max(inner)
    if not (least > 0 and most < math.inf and least < tgon_radius_squared(T)):
        raise ValueError(
            f"inner_squared = {inner}: the least must lie between 0 and the T-gon's {tgon_radius_squared(T):g}"
        )

    def rest(log_outer: float) -> float:
        return 2 * math.pi - float(TwoCircles(T, inner, math.exp(log_outer)).gaps.sum())

    # Below (1 − x)²/x an outer point is too near for any angle at all; there the two interface gaps are π.
    low = math.log(max(most, max(1 - least, 0.0) ** 2 / least * (1 + 1e-12)))
    try:
        root = float(brentq(rest, low, math.log(1e12), xtol=1e-14))
    except ValueError:
        raise ValueError(f"inner_squared = {inner}: no outer circle is longer and leaves them room") from None
    return TwoCircles(T, inner, math.exp(root))


def dropped_point_loss(T: int, dropped: int = 1) -> float:
    """Train loss (D/T)(1 − 1/T) where D points are dropped and the rest memorized (`stationary.dropped-loss`).
    1 ≤ D ≤ T; the others' hidden vectors are at least 1 long, as on a polygon of four or more. Two roundings.

    >>> dropped_point_loss(8)
    0.109375
    """
    _check_points(T, dropped)
    return dropped / T * (1 - 1 / T)


def dropped_point_curvature(others: Floats, dropped: int = 1) -> float:
    """Curvature of the loss, times T/2, in the softest direction of a dropped hidden vector (`stationary.dropped`).

    λ_min(Σ h_i h_iᵀ) − 2(1 − 1/T) for one dropped point, − 2 for several, which may leave in opposite directions.
    `others` are the (m, T − D) remaining hidden vectors, fixed and adding up to 0. To 16 eps of the greatest
    eigenvalue.

    >>> from theory.memorization.tgon import tgon_hidden
    >>> round(dropped_point_curvature(tgon_hidden(4)), 12)  # 4/2 − 2·4/5
    0.4
    """
    T = others.shape[1] + dropped
    _check_points(T, dropped)
    softest = float(np.linalg.eigvalsh(others @ others.T)[0])
    return softest - (2 * (1 - 1 / T) if dropped == 1 else 2.0)


def _check_points(T: int, dropped: int) -> None:
    if not 1 <= dropped <= T:
        raise ValueError(f"T = {T}, dropped = {dropped}: they must be integers with 1 <= dropped <= T")
