"""The ring and the sea: the few long columns of W that stand apart, and the rest. A model that stores features has a
ring of them, a polygon of long columns, and a sea of all others (`theory.features.sea`). They are told apart by the
largest jump in the ordered column norms. Normalisation: the sea's energy is q = Σ‖w‖², as in `sea.separated-gain`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A ring has 3 to this many columns.
LARGEST_RING = 10


def ring_and_sea(W: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> dict[str, float]:
    """What the columns of (m, n) weights and (n,) biases are, if they are a ring and a sea; n > `LARGEST_RING`.

    ring_columns : k, how many columns stand before the largest jump, 3 to `LARGEST_RING`.
    ring_jump : the shortest of them over the next column; 1 where nothing stands apart, ∞ where the others are 0.
    ring_radius_squared : their mean squared length.
    ring_bias : their mean bias.
    sea_energy : Σ‖w‖² of all other columns.
    sea_anisotropy : (largest − least eigenvalue) / trace of their WWᵀ, 0 where it is a multiple of I or zero.
    sea_passing : the share of the sea's energy in columns that are not silent at the ring, as `sea.separated-gain`
        assumes: at amplitude 1 they pass the bias of one of its columns. 0 without a sea.

    >>> from theory.polygon_geometry import polygon_vertices
    >>> W = np.concatenate([polygon_vertices(5, 0.8), polygon_vertices(20, 0.01)], axis=1)
    >>> found = ring_and_sea(W, np.zeros(25))
    >>> found["ring_columns"], round(found["ring_jump"], 3), round(found["sea_energy"], 6)
    (5.0, 8.944, 0.2)
    """
    W, b = W.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(W, axis=0)
    order = np.argsort(-norms, kind="stable")
    longest = norms[order[: LARGEST_RING + 1]]
    unfollowed = np.where(longest[2:-1] > 0, np.inf, 1.0)
    jumps = np.divide(longest[2:-1], longest[3:], out=unfollowed, where=longest[3:] > 0)
    k = int(np.argmax(jumps)) + 3
    ring, sea = order[:k], order[k:]
    eigenvalues = np.linalg.eigvalsh(W[:, sea] @ W[:, sea].T)
    energy = float(np.sum(norms[sea] ** 2))
    passing = np.any(W[:, ring].T @ W[:, sea] + b[ring, None] > 0, axis=0)
    rests = (eigenvalues[-1] - eigenvalues[0], np.sum(norms[sea][passing] ** 2))
    anisotropy, passes = (float(part / energy) if energy > 0 else 0.0 for part in rests)
    return {
        "ring_columns": float(k),
        "ring_jump": float(jumps[k - 3]),
        "ring_radius_squared": float(np.mean(norms[ring] ** 2)),
        "ring_bias": float(np.mean(b[ring])),
        "sea_energy": energy,
        "sea_anisotropy": anisotropy,
        "sea_passing": passes,
    }
