"""Data as people store it: dense or sparse, a datapoint per row or per column, with or without empty datapoints.

What was taken, and why, is told in short notes; nothing is guessed in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy import sparse

from numerics.data import Dataset, as_array, distinct_points

#: Norms further than this from 1 are told: float32 keeps 1e-7 of an entry, 1e-6 of a norm.
TOLD_FROM = 1e-6


def read_dataset(
    X: Any,
    n: int,
    place: tuple[int, int] = (0, 1),
    *,
    rows: bool | None = None,
    usually_rows: bool = False,
) -> tuple[Dataset, tuple[str, ...]]:
    """The dataset of ``n`` features in an array or tensor, dense or sparse, and notes on how it was read.

    X : (n, T) or (T, n); for several instances also (T, instances, n), (instances, T, n) or (instances, n, T).
    place : which instance of how many.
    rows : whether each row is a datapoint. None takes what fits ``n``; in a square X what has norm 1, else
        ``usually_rows``.

    Empty datapoints are left out. Raises ValueError for X that does not fit n, holds no datapoint, or anything but
    finite numbers that are not negative.

    >>> data, notes = read_dataset([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], 3)
    >>> data.T, *notes
    (1, 'X has shape (2, 3): one row per datapoint', '1 of 2 datapoints are empty and left out')
    """
    X = as_matrix(X)
    notes = []
    if X.ndim == 3:
        X, note = _of_instance(X, n, *place)
        notes.append(note)
    if X.ndim != 2 or n not in X.shape:
        raise ValueError(f"X has shape {X.shape}; for {n} features it must be ({n}, T) or (T, {n})")
    entries = _entries(X)
    if rows is None and X.shape == (n, n):
        rows, why = _square(entries, usually_rows)
    else:
        rows, why = X.shape[1] == n if rows is None else rows, ""
    if X.shape[rows] != n:
        raise ValueError(f"X has shape {X.shape}: its {'rows' if rows else 'columns'} have not {n} entries")
    if rows or why:
        notes.append(f"X has shape {X.shape}: one {'row' if rows else 'column'} per datapoint{why}")
    data, empty = _without_empty((entries.T if rows else entries).tocsc())
    if empty:
        notes.append(f"{empty} of {data.T + empty} datapoints are empty and left out")
    return data, (*notes, *_told(data))


def as_matrix(X: Any) -> Any:
    """A SciPy array of anything sparse, a NumPy array of anything dense."""
    if getattr(X, "layout", torch.strided) is not torch.strided:
        X = X.detach().cpu().to_sparse_coo().coalesce()
        parts: Any = as_array(X.values(), "X"), tuple(as_array(X.indices(), "X"))
        return sparse.coo_array(parts, shape=tuple(X.shape))
    return X if sparse.issparse(X) else as_array(X, "X")


def _of_instance(X: Any, n: int, instance: int, instances: int) -> tuple[Any, str]:
    """The data of one instance, where a three-dimensional X has an axis for them."""
    axes = [a for a, of in ((1, 2), (0, 2), (0, 1)) if X.shape[a] == instances and X.shape[of] == n]
    if axes:
        note = f"X has shape {X.shape}: axis {axes[0]} is taken as that of the instances"
        note += f", though axis {axes[1]} fits as well" if axes[1:] else ""
        return X.take(instance, axis=axes[0]), note
    wanted = f"for {instances} instances of {n} features it must be (T, {instances}, {n})"
    wanted = wanted if instances > 1 else "for one model it must be a matrix, (n, T) or (T, n)"
    raise ValueError(f"X has shape {X.shape}; {wanted}")


def _entries(X: Any) -> Any:
    """The entries of a matrix that are not 0, in float64; a dense one is not copied whole."""
    if not sparse.issparse(X):
        places = np.nonzero(X)
        return sparse.coo_array((X[places].astype(np.float64), places), shape=X.shape)
    matrix: Any = X
    if matrix.format in ("csr", "csc", "bsr"):
        matrix.check_format(full_check=True)  # a position outside the matrix would be written to
    found = sparse.coo_array(matrix, dtype=np.float64)
    found.sum_duplicates()
    found.eliminate_zeros()
    return found


def _square(X: Any, usually_rows: bool) -> tuple[bool, str]:
    """Whether a row of a square X is a datapoint, and why."""
    if (X != X.T).nnz == 0:
        return False, ", as it is symmetric"
    squares = X.multiply(X)
    off = [float(np.abs(np.asarray(squares.sum(axis=axis)) - 1).max()) for axis in (0, 1)]
    if min(off) < 1e-2 < max(off):
        rows = off[1] < off[0]
        return rows, f", as {'rows' if rows else 'columns'} have norm 1"
    other = "columns" if usually_rows else "rows"
    why = f", though {other} fit as well (X.T, or --rows, --columns or rows= where there is one)"
    return usually_rows, why


def _without_empty(X: Any) -> tuple[Dataset, int]:
    X.sort_indices()
    counts = np.diff(X.indptr)
    if not counts.any():
        raise ValueError("every datapoint is empty; data must have non-zero entries")
    indptr = np.concatenate([[0], np.cumsum(counts[counts > 0])])
    return Dataset(X.shape[0], indptr, X.indices, X.data), int(np.sum(counts == 0))


def _told(data: Dataset) -> tuple[str, ...]:
    """What of a dataset differs from that of the theory: norms, copies."""
    notes, norms, distinct = [], data.norms, distinct_points(data).data.T
    if np.abs(norms - 1).max() > TOLD_FROM:
        least, most = norms.min(), norms.max()
        notes.append(f"norms of datapoints are {least:.6g} to {most:.6g}, not 1: carried in every bound")
    if distinct < data.T:
        notes.append(f"{data.T} datapoints, {distinct} of them distinct")
    return tuple(notes)
