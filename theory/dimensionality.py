"""How many dimensions a hidden vector has to itself: D_i = ‖v_i‖² / Σ_j (v̂_i·v_j)² (`dimensionality.definition`).

Over the columns of W it is the feature dimensionality, over hidden vectors H = W X the data dimensionality D_X, as in
Henighan et al. 2023, "Experiment Setup". No scale or rotation changes it; R identical columns have at most 1/R each.
"""

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Floats


def dimensionality(vectors: ArrayLike) -> Floats:
    """D_i of each column of `vectors` (`dimensionality.definition`): (m, T) to (T,), no unit, in [0, 1].

    0 for a zero column. Relative error below (2m + T + 4) eps for columns whose squares neither over- nor underflow;
    columns are scaled by the largest entry first, so this holds at every scale. Raises ValueError: `vectors` is not a
    matrix, or has an entry that is not finite.

    >>> dimensionality([[1, -1, 0], [0, 0, 2]]).tolist()  # an antipodal pair shares one dimension
    [0.5, 0.5, 1.0]
    """
    V = _scaled(vectors)
    squared = np.sum(V * V, axis=0)
    shared = np.einsum("mi,mk,ki->i", V, V @ V.T, V)  # Σ_j (v_i·v_j)² without a T × T matrix
    answer: Floats = np.divide(squared**2, shared, out=np.zeros_like(squared), where=shared > 0)
    return answer


def maximal_dimensionality(vectors: ArrayLike) -> Floats:
    """Leverage scores v_iᵀ(VVᵀ)⁺v_i of the columns (`dimensionality.leverage`): (m, T) to (T,), in [0, 1].

    The largest D a probe direction can give each column; they add up to the rank of V. Singular values below max(m,
    T)·eps times the largest count as zero (NumPy's rank tolerance). Absolute error of order eps times the condition
    number of the part that is kept. Raises ValueError: `vectors` is not a matrix, or has an entry that is not finite.

    >>> maximal_dimensionality([[1, 1, 0], [0, 0, 3]]).round(12).tolist()  # two copies share one dimension
    [0.5, 0.5, 1.0]
    """
    V = _scaled(vectors)
    _, singular, right = np.linalg.svd(V, full_matrices=False)
    kept = singular > max(V.shape) * np.finfo(np.float64).eps * singular[:1].sum()
    scores: Floats = np.sum(right[kept] ** 2, axis=0)
    return scores


def _scaled(vectors: ArrayLike) -> Floats:
    V = np.asarray(vectors, dtype=np.float64)
    if V.ndim != 2:
        raise ValueError(
            f"vectors has shape {V.shape}; it must be a matrix (m, T) with one column per vector"
        )
    if not np.all(np.isfinite(V)):
        raise ValueError("vectors has an entry that is not finite; drop the columns of a diverged run")
    largest = np.max(np.abs(V), initial=0.0)
    return V / largest if largest > 0 else V
