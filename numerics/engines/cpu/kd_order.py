"""The order in which the cpu engine holds features and datapoints, and which features sleep. Neighbours are held side
by side, so that few groups of features and leaves of datapoints are cut by z = 0; features that sleep come last, so
that kernels work on the first ``awake`` ones. Orders are computed from the state at fixed steps and are part of the
state from then on: sums follow them. The k-d tree splits at the median of the coordinate that varies most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset
from numerics.engines.cpu.compilation import compiled

_Ints = NDArray[np.int32]


def _select(order, keys, first, last, place):
    """Partition order[first:last] by ``keys`` around ``place`` (Hoare 1961, middle pivot)."""
    while last - first > 1:
        pivot = keys[order[(first + last - 1) // 2]]
        low, high = first, last - 1
        while low <= high:
            while keys[order[low]] < pivot:
                low += 1
            while keys[order[high]] > pivot:
                high -= 1
            if low <= high:
                order[low], order[high] = order[high], order[low]
                low += 1
                high -= 1
        if place <= high:
            last = high + 1
        elif place >= low:
            first = low
        else:
            return


def _sort_into_leaves(coordinates, leaf, order):
    """``order`` becomes the leaves of a k-d tree over the columns of ``coordinates``, all but the last one full."""
    for i in range(order.size):
        order[i] = i
    starts, stops = np.empty(64, np.int64), np.empty(64, np.int64)
    starts[0], stops[0], waiting = 0, order.size, 1
    while waiting:
        waiting -= 1
        first, last = starts[waiting], stops[waiting]
        if last - first <= leaf:
            continue
        axis, widest = 0, -1.0
        for k in range(coordinates.shape[0]):
            total, squares, values = 0.0, 0.0, coordinates[k]
            shift = values[order[first]]
            for i in range(first, last):
                value = values[order[i]] - shift
                total += value
                squares += value * value
            variance = squares - total * total / (last - first)
            if variance > widest:
                axis, widest = k, variance
        leaves = (last - first + leaf - 1) // leaf
        middle = first + leaves // 2 * leaf
        select(order, coordinates[axis], first, last, middle)
        starts[waiting], stops[waiting] = first, middle
        starts[waiting + 1], stops[waiting + 1] = middle, last
        waiting += 2


select = compiled(_select, "select", fastmath=False)
sort_into_leaves = compiled(_sort_into_leaves, "sort_into_leaves", fastmath=False)


def kd_order(coordinates: NDArray[Any], leaf: int) -> _Ints:
    """(n,) order of the columns of (k, n) finite ``coordinates`` by the leaves of a k-d tree; all but one are full."""
    order = np.empty(coordinates.shape[1], np.int32)
    sort_into_leaves(np.ascontiguousarray(coordinates, dtype=np.float64), leaf, order)
    return order


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Which feature (n,) and which datapoint (T,) is held at each place; the first ``awake`` features are trained.
    ``culled``: whether pairs are culled, else every one is evaluated; ``settled``: the step at which it was made, and
    at which the values of sleeping features hold.
    """

    features: _Ints
    points: _Ints
    awake: int
    culled: bool = False
    settled: int = 0

    @classmethod
    def initial(cls, n: int, T: int) -> Arrangement:
        """The order of the data, everything awake."""
        return cls(np.arange(n, dtype=np.int32), np.arange(T, dtype=np.int32), awake=n)


class ArrangedData:
    """A dataset by datapoint and by feature, in any arrangement."""

    def __init__(self, data: Dataset, dtype: np.dtype[Any]) -> None:
        self.n, self.T, self._indptr = data.n, data.T, data.indptr
        self._indices, self._values = data.indices, data.values.astype(dtype)
        self._columns, self._places = data.columns, data.indices
        self._by_feature = np.argsort(data.indices, kind="stable")

    def arranged(self, arrangement: Arrangement) -> tuple[Any, Any]:
        """(indptr, places, values) by datapoint, and (places, datapoints, values) of every non-zero by feature."""
        place, point_place = np.empty(self.n, np.int32), np.empty(self.T, np.int32)
        place[arrangement.features] = np.arange(self.n, dtype=np.int32)
        point_place[arrangement.points] = np.arange(self.T, dtype=np.int32)
        self._places = place[self._indices]
        lengths = np.diff(self._indptr)[arrangement.points]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(indptr[-1]) + np.repeat(self._indptr[arrangement.points] - indptr[:-1], lengths)
        by_point = indptr, self._places[entries], self._values[entries]
        entries = self._by_feature[np.argsort(self._places[self._by_feature], kind="stable")]
        return by_point, (self._places[entries], point_place[self._columns[entries]], self._values[entries])

    def hidden(self, W: NDArray[Any]) -> NDArray[Any]:
        """W X, (m, T), in the order of the data; ``W`` is held in the arrangement last asked for."""
        return np.asarray(np.add.reduceat(W[:, self._places] * self._values, self._indptr[:-1], axis=1))
