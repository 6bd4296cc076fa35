"""Copies in a dataset: shape is a matter of distinct datapoints, loss of all of them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class DistinctPoints:
    """The distinct datapoints of a dataset in the order of their first copies.

    data : the distinct datapoints alone; the dataset itself where there are no copies.
    first : where the first copy of each stands in the dataset.
    copies : how often each occurs, itself counted.
    """

    data: Dataset
    first: NDArray[np.int64]
    copies: NDArray[np.int64]


@lru_cache(maxsize=1)  # a check asks for those of one dataset several times
def distinct_points(data: Dataset) -> DistinctPoints:
    """The distinct datapoints of ``data``; two are copies where all entries agree to seven decimals.

    >>> distinct_points(Dataset.from_dense(np.eye(3)[:, [0, 2, 0, 0]])).copies.tolist()
    [3, 1]
    """
    rounded = np.round(data.values, 7)
    places: dict[bytes, int] = {}
    bounds = zip(data.indptr[:-1].tolist(), data.indptr[1:].tolist(), strict=True)
    keys = (data.indices[at:to].tobytes() + rounded[at:to].tobytes() for at, to in bounds)
    which = np.array([places.setdefault(key, len(places)) for key in keys])
    _, first, copies = np.unique(which, return_index=True, return_counts=True)
    if len(first) < data.T:
        kept = data.sparse()[:, first]
        data = Dataset(data.n, kept.indptr.astype(np.int64), kept.indices, kept.data)
    return DistinctPoints(data, first, copies)
