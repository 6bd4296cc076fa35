"""Regular k-gons in the plane; S_k = Σ_{d=0}^{k−1} max(0, cos(2πd/k))² is what a unit vertex passes through the ReLU.

It is 1 for k = 1, 2, 3, k/4 for even k ≥ 4, and k/4 ∓ (sec(π/k) − 1)/4 for k ≡ 1 (upper sign) and 3 (mod 4).
"""

import numpy as np

from theory.arrays import Floats
from theory.integer_arguments import checked_integer, on_integers


def polygon_vertices(k: int, radius_squared: float) -> Floats:
    """Vertices of the regular k-gon about the origin, shape (2, k), the first on the positive first axis.
    k ≥ 1, `radius_squared` ≥ 0. Each coordinate has an absolute error below 4 eps times the radius. Raises ValueError:
    k < 1 or a negative squared radius.

    >>> bool(np.allclose(polygon_vertices(4, 2.0) @ np.ones(4), 0))  # the vertices add up to zero
    True
    """
    checked_integer("k", k, 5)
    if not radius_squared >= 0:
        raise ValueError(f"radius_squared = {radius_squared}: it must be >= 0")
    angle = 2 * np.pi * np.arange(k) / k
    vertices: Floats = np.sqrt(radius_squared) * np.stack([np.cos(angle), np.sin(angle)])
    return vertices


@on_integers("k")
def interference_sum(k: Floats) -> Floats:
    """S_k by its closed form (`polygons.interference-sum`). k ≥ 1; relative error below 4 eps.

    >>> interference_sum([1, 2, 3, 4, 6, 8]).round(12).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.5, 2.0]
    """
    angle = np.pi / np.maximum(k, 3)
    excess = 2 * np.sin(angle / 2) ** 2 / np.cos(angle)  # sec(π/k) − 1, without cancellation for large k
    odd_part = np.where(k % 4 == 1, -1.0, 1.0) * excess / 4
    return np.where(k <= 2, 1.0, np.where(k % 2 == 0, k / 4, k / 4 + odd_part))
