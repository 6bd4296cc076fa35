"""What trained models in the plane get stuck at: two circles, and dropped datapoints.

Two circles: k neighbouring points at one squared length y, the other q = T − k at a smaller one x. Neighbours of
squared lengths x ≤ y memorize at an angle of at least arccos((x − 1)/√(xy)) (`stationary.interface-gap`), near π/2
at the interface, and the T gaps add up to 2π. For each (T, q) that leaves one family, from the regular T-gon to
ever longer outer circles. Each member has zero loss; for T ≥ 5 none is stationary for ‖W‖²: moving squared length
from the outer to the inner circle frees angle (`stationary.two-circles`). So a two-circle model is one on which
decay has not yet done its work, not an optimum. That no other arrangement is stationary but the T-gon is
numerical.

A dropped point has hidden vector 0, its column of W vanishes and its bias is X_k/T: its squared error is (1 −
1/T)², all others' together (T − 1)/T², the loss (1/T)(1 − 1/T) (`stationary.dropped-loss`). With the others fixed,
their hidden vectors adding up to 0 and all at least 1 long, it is a strict minimum exactly where the least
eigenvalue of Σ h_i h_iᵀ exceeds 2(1 − 1/T) (`stationary.dropped`): on a regular (T−1)-gon for every T ≥ 5. With
the others free it is *not* a local minimum of the loss. They may grow and shift at no loss, and where they no
longer add up to 0 the error of the dropped point is lower, by about sᵀ(M − 2(1 − 1/T)I)⁻¹s/T² for s = Σh_i, M =
Σh_i h_iᵀ (`stationary.dropped-error`). Only decay, which wants the regular polygon, holds it.

Normalisation: unit datapoints with disjoint supports, m = 2, loss summed over features, mean over datapoints.
Lengths enter squared, as everywhere in the theory of memorization.

Equation labels: `stationary.interface-gap`, `stationary.two-circles`, `stationary.dropped-loss`,
`stationary.dropped`, `stationary.dropped-error`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.memorization.tgon import tgon_energy, tgon_radius_squared

Floats = NDArray[np.float64]


def two_circle_gap(inner: float, outer: float) -> float:
    """Least angle between neighbours of squared lengths `inner` and `outer` (`stationary.interface-gap`).

    arccos((x − 1)/√(xy)) with x the smaller one, whichever is given first; equal lengths give the gap of a polygon.
    Absolute error below 1e-7, below 4 eps away from 0 and π.

    Raises ValueError: Lengths so short that no angle memorizes: 1 − x > √(xy).

    >>> round(math.degrees(two_circle_gap(1.4, 12.9)), 2), round(math.degrees(two_circle_gap(2, 2)), 9)
    (84.6, 60.0)
    """
    return float(least_gaps([inner, outer])[0])


def least_gaps(radius_squared: ArrayLike) -> Floats:
    """(T,) least angle from each point to the next, in cyclic order (`stationary.interface-gap`).

    Accuracy and errors as :func:`two_circle_gap`; T ≥ 2.
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


def spare_angle(radius_squared: ArrayLike) -> float:
    """2π minus the least gaps of squared lengths in cyclic order; at zero loss it cannot be negative.

    Zero where every gap is tight, as on the regular T-gon and on two circles; what is left over lets lengths shrink.
    (Only neighbours are counted, so for arbitrary lengths a positive rest is no proof that they memorize.) Absolute
    error below T times that of :func:`two_circle_gap`.

    >>> abs(round(spare_angle([2.0] * 6), 12))
    0.0
    """
    return float(2 * math.pi - np.sum(least_gaps(radius_squared)))


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
    def excess(self) -> float:
        """‖W‖ over that of the regular T-gon."""
        return math.sqrt(self.energy / tgon_energy(self.T))

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

    With q equal inner lengths the outer one solves (T−q−1) f(y) + (q−1) f(x) + 2 arccos((x−1)/√(xy)) = 2π, f(x) =
    arccos(1 − 1/x), to a relative 1e-12. There are 1 to T − 2 inner points, the shortest shorter
    than the T-gon's.

    Raises ValueError: Values outside that range, or inner points so short that no outer circle leaves them
    room.

    >>> circles = two_circles(8, [1.439, 1.439])
    >>> round(circles.outer_squared, 2), round(circles.excess, 2), abs(round(spare_angle(circles.radius_squared), 9))
    (11.54, 1.63, 0.0)
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
        return spare_angle(TwoCircles(T, inner, math.exp(log_outer)).radius_squared)

    # Below (1 − x)²/x an outer point is too near for any angle at all; there the two interface gaps are π.
    low = math.log(max(most, max(1 - least, 0.0) ** 2 / least * (1 + 1e-12)))
    try:
        root = float(brentq(rest, low, math.log(1e12), xtol=1e-14))
    except ValueError:
        raise ValueError(f"inner_squared = {inner}: no outer circle is longer and leaves them room") from None
    return TwoCircles(T, inner, math.exp(root))


def dropped_point_bias(T: int) -> float:
    """Bias coefficient 1/T of a dropped point, its mean over the data (`stationary.dropped-loss`). One rounding.

    >>> dropped_point_bias(8)
    0.125
    """
    _check_points(T, 1)
    return 1 / T


def dropped_point_loss(T: int, dropped: int = 1) -> float:
    """Train loss (D/T)(1 − 1/T) where D points are dropped and the rest memorized (`stationary.dropped-loss`).

    1 ≤ D ≤ T. The others' hidden vectors must all be at least 1 long, as on a polygon of four or more. Two
    roundings.

    >>> dropped_point_loss(8)
    0.109375
    """
    _check_points(T, dropped)
    return dropped / T * (1 - 1 / T)


def dropped_point_error(others: Floats) -> float:
    """Least squared error that a point's own features leave where the others stay as they are.

    `others` are the (m, T − 1) hidden vectors of the remaining points; divided by T it is the loss when these are
    exact. Solves for the dropped point's column of W and its bias with the outputs at all other points, those that
    turn negative left out, to 1e-12 (`stationary.dropped-error`). It is 1 − 1/T where the others add up to 0.

    Raises ValueError: The others are too short to hold the point near the origin (see
    :func:`dropped_point_curvature`).

    >>> from theory import memorization
    >>> round(dropped_point_error(memorization.tgon_hidden(7)), 12)
    0.875
    """
    active = np.ones(others.shape[1], dtype=bool)
    for _ in range(2 * others.shape[1] + 2):
        column, bias, own = _dropped_column(others[:, active])
        outputs = bias + column @ others
        if np.array_equal(outputs > 0, active):
            break
        active = outputs > 0
    return float(own**2 + np.sum(np.maximum(0.0, outputs) ** 2))


def _dropped_column(others: Floats) -> tuple[Floats, float, float]:
    """Column v, bias c and own error e where all outputs are positive: (M − 2e)v = −cs and e = Nc + v·s."""
    count, total, moment = others.shape[1], others.sum(axis=1), others @ others.T
    own = count / (count + 1)
    column, bias = np.zeros(len(others)), 0.0
    for _ in range(200):
        shifted = moment - 2 * own * np.eye(len(others))
        if np.linalg.eigvalsh(shifted)[0] <= 0:
            raise ValueError(
                "the other hidden vectors are too short: they do not hold the point near the origin"
            )
        push = np.linalg.solve(shifted, total)
        slope, bend = count - float(total @ push), float(push @ push)
        # e = c·slope and e = 1 − c − c²·bend: the positive root, without cancellation.
        bias = 2 / (1 + slope + math.sqrt((1 + slope) ** 2 + 4 * bend))
        previous, own, column = own, bias * slope, -bias * push
        if abs(own - previous) < 1e-15:
            break
    return column, bias, own


def dropped_point_curvature(others: Floats, dropped: int = 1) -> float:
    """Curvature of the loss, times T/2, in the softest direction of a dropped point's hidden vector.

    λ_min(Σ h_i h_iᵀ) − 2(1 − 1/T) for one dropped point, − 2 for several, which may leave in opposite directions
    (`stationary.dropped`). `others` are the (m, T − D) remaining hidden vectors, held fixed and adding up to 0.
    Absolute error below 16 eps times the largest eigenvalue.

    >>> from theory import memorization
    >>> round(dropped_point_curvature(memorization.tgon_hidden(4)), 12)  # 4/2 − 2·4/5
    0.4
    """
    T = others.shape[1] + dropped
    _check_points(T, dropped)
    softest = float(np.linalg.eigvalsh(others @ others.T)[0])
    return softest - (2 * (1 - 1 / T) if dropped == 1 else 2.0)


def dropped_point_is_stable(others: Floats, dropped: int = 1, tolerance: float = 1e-9) -> bool:
    """Whether dropped points stay at the origin while the others stay as they are (`stationary.dropped`).

    The others must add up to 0 (within `tolerance` times their total length), be at least 1 long, so that their own
    features stay silent there, and hold the point with a positive curvature. Not a claim about models in which the
    others move: without decay they do, and the loss falls.

    >>> from theory import memorization
    >>> [dropped_point_is_stable(memorization.tgon_hidden(T - 1)) for T in (3, 4, 5, 8)]
    [False, False, True, True]
    """
    lengths = np.sqrt(np.sum(others**2, axis=0))
    balanced = float(np.linalg.norm(others.sum(axis=1))) <= tolerance * float(lengths.sum())
    silent = bool(np.all(lengths >= 1 - tolerance))
    return balanced and silent and dropped_point_curvature(others, dropped) > 0


def _check_points(T: int, dropped: int) -> None:
    if not 1 <= dropped <= T:
        raise ValueError(f"T = {T}, dropped = {dropped}: they must be integers with 1 <= dropped <= T")
