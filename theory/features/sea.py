"""The sea: small columns beside a polygon of features, when scales are separated.

A k-gon of squared radius r and bias b < 0 has room for columns of energy q = Σ‖w‖² at zero bias. If it is silent
whenever only a small column's feature is active (`sea.silence`: ‖w‖ √r ≤ −b, amplitudes being at most 1), then

    gain = gain(r, b) + 2q − S_k (r q + q²/k)                                       (`sea.separated-gain`)

for directions at the k-gon's vertices; isotropic ones have k/4 for S_k. N columns of equal length give q ≤ N b²/r, and
the exact gain of a model one can write down, a lower bound; as N grows b → 0⁻ and it tends to that of two bands
(`sea.bands`). That trained models have such a sea, and take the pentagon because of it, is a hypothesis.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from theory.arrays import Floats
from theory.features.amplitudes import Amplitude
from theory.features.free_bias import FreeBias, largest_amplitude, maximize, ring_gain
from theory.polygon_geometry import interference_sum

#: Where the small columns point: along the k-gon's vertices, or everywhere alike.
Directions = Literal["vertices", "isotropic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RingWithSea(FreeBias):
    """The best k-gon together with its best sea (`sea.separated-gain`); the gain is that of both."""

    k: int  #: features on the k-gon
    sea_energy: float  #: q = Σ‖w‖² of the small columns, 0 where there is no room


def _passed(k: int, directions: Directions) -> float:
    """What a unit vector along a direction of the sea passes to the k-gon's vertices, S_k or k/4."""
    if directions not in ("vertices", "isotropic"):
        raise ValueError(f"directions = {directions!r}: it must be 'vertices' or 'isotropic'")
    if k < 3:
        raise ValueError(f"k = {k}: a sea needs directions all around, k >= 3; try k=5")
    return interference_sum(k) if directions == "vertices" else k / 4


def sea_gain(k: int, radius_squared: float, energy: float, directions: Directions = "vertices") -> float:
    """What a sea of energy q ≥ 0 adds to the k-gon's gain, k ≥ 3, to a few eps of 2q (`sea.separated-gain`).

    >>> round(sea_gain(5, 0.0, best_sea(5, 0.0)), 5)  # without a k-gon the sea is the free pentagon itself
    4.19821
    """
    passed = _passed(k, directions)
    return 2 * energy - passed * (radius_squared * energy + energy**2 / k)


def best_sea(k: int, radius_squared: float, directions: Directions = "vertices") -> float:
    """The best energy of a sea, k(2 − S_k r)/(2 S_k), or 0 (`sea.separated-gain`). k ≥ 3.

    >>> best_sea(6, 1.53), round(best_sea(5, 0.77, "isotropic") / 2, 4)
    (0.0, 1.0375)
    """
    passed = _passed(k, directions)
    return max(0.0, k * (2 - passed * radius_squared) / (2 * passed))


@lru_cache(maxsize=256)
def ring_with_sea(k: int, law: Amplitude, columns: float) -> RingWithSea:
    """The best k-gon with a sea of `columns` small columns at its vertices, over r, b < 0 and q (`sea.separated-gain`).

    `columns` is a multiple of k. The gain is exact as far as the law's moments are; its optimum is searched for, with
    gradient and curvature as certificate. Raises ValueError: k < 3 or no columns. Raises ArithmeticError: no maximum
    found.

    >>> from theory.features.amplitudes import normalized
    >>> pentagon, hexagon = (ring_with_sea(k, normalized(), 60) for k in (5, 6))
    >>> pentagon.gain > hexagon.gain
    True
    """
    passed = _passed(k, "vertices")
    if not columns > 0:
        raise ValueError(f"columns = {columns}: a sea needs at least one; try columns=40")
    largest = largest_amplitude(law)

    def energy(r: float, b: float) -> tuple[float, bool]:
        best, room = best_sea(k, r), columns * min(b, 0.0) ** 2 / (r * largest**2)
        return min(best, room), room < best

    def objective(r: float, b: float) -> tuple[float, Floats]:
        value, slope = ring_gain(k, r, b, law)
        q, limited = energy(r, b)
        change = np.array([-passed * q, 0.0])
        if limited and b < 0:
            change += (2 - passed * (r + 2 * q / k)) * q * np.array([-1 / r, 2 / b])
        return value + sea_gain(k, r, q), slope + change

    found = maximize(objective, largest, k)
    return RingWithSea(**asdict(found), k=k, sea_energy=energy(found.radius_squared, found.bias)[0])


def bands_gain(k: int, bands: int) -> float:
    """2B/(B + 1) · k/S_k, the gain of B ≥ 1 separated bands of k-gons at biases near 0, to 8 eps (`sea.bands`).
    Raises ValueError: k < 1 or B < 1.

    >>> round(bands_gain(5, 1), 5), round(bands_gain(5, 2) / bands_gain(5, 1), 5)
    (4.19821, 1.33333)
    """
    if bands < 1:
        raise ValueError(f"bands = {bands}: it must be at least 1")
    return bands * 2 * k / ((bands + 1) * interference_sum(k))
