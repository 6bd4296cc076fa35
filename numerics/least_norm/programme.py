"""The programme "zero loss, least ‖W‖²" of any dataset (`theory.least_norm`), reduced to as few columns as it needs.

Column w_k of W belongs to feature k, h_t = W X_t. For each seen feature k and one datapoint t that has it,

    w_k · (h_t − h_i) >= X_kt            for every i without k,
    w_k · (h_t − h_i) =  X_kt − X_ki     for every other i with it,

and the bias follows. Features of one datapoint alone are merged (`memorization.reduction`: least norm makes them
proportional to X_kt); where none is shared, T columns and for unit norms `memorization.programme` are left. In the
plane, memorized points are corners of a convex polygon, so points that share a feature have to be neighbours. Forgotten
points have hidden vector 0, and the others must stay silent there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from numerics.data import Dataset
from theory.arrays import Floats
from theory.least_norm import LeastNormProgramme

#: The most constraints, reduced features times datapoints, that are posed.
MOST_CONSTRAINTS = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """The programme on the columns of W that belong to reduced features.

    data : the dataset.
    programme : of the reduced data (F, T): a feature for each kept datapoint's own ones, then the shared features.
    members : (n, F) what a column of a reduced feature hands to those it stands for.
    dropped : (T,) datapoints that are forgotten.
    shared : how many features occur in two datapoints or more.
    """

    data: Dataset
    programme: LeastNormProgramme
    members: csc_array
    dropped: NDArray[np.bool_]
    shared: int

    @classmethod
    def of(cls, data: Dataset, dropped: NDArray[np.bool_]) -> Reduction:
        """That of a dataset whose datapoints ``dropped`` (T,) are forgotten. Raises ValueError: More than
        `MOST_CONSTRAINTS` constraints, or a dropped datapoint that shares a feature.
        """
        X = data.sparse()
        shared = np.bincount(data.indices, minlength=data.n) > 1
        _refuse(data, shared, dropped)
        own = X.multiply((~shared)[:, None]).tocsc()[:, ~dropped]
        norms = np.sqrt(np.asarray(own.power(2).sum(axis=0)).ravel())
        kept = np.flatnonzero(norms > 0)  # a datapoint may have shared features only
        own = own[:, kept] @ csc_array((1 / norms[kept], (range(len(kept)), range(len(kept)))))
        places = np.flatnonzero(shared)
        single = csc_array((np.ones(len(places)), (places, range(len(places)))), shape=(data.n, len(places)))
        members = csc_array(np.hstack([own.toarray(), single.toarray()]))
        programme = _programme(np.asarray((members.T @ X).todense()), dropped)
        return cls(data, programme, members, dropped, len(places))

    def reduced(self, W: Floats) -> Floats:
        """(m, F) columns with the hidden vectors of W."""
        return np.asarray((self.members.T @ W.T).T)

    def expanded(self, columns: Floats) -> tuple[Floats, Floats]:
        """W and b for all features."""
        X = self.programme.X
        present = X > 0
        # The bias that is right at every datapoint that has the feature; their mean evens out rounding.
        rest = np.where(present, X - columns.T @ (columns @ X), 0.0)
        bias = rest.sum(axis=1) / present.sum(axis=1)
        W, b = np.asarray((self.members @ columns.T).T), np.asarray(self.members @ bias)
        forgotten = self.dropped[self.data.columns]
        b[self.data.indices[forgotten]] = self.data.values[forgotten] / self.data.T
        return W, b


def _refuse(data: Dataset, shared: NDArray[np.bool_], dropped: NDArray[np.bool_]) -> None:
    size = (data.T + int(shared.sum())) * data.T
    if size > MOST_CONSTRAINTS:
        raise ValueError(
            f"T = {data.T} with {int(shared.sum())} shared features makes {size} constraints; allowed are "
            f"{MOST_CONSTRAINTS}; try a model of fewer datapoints"
        )
    entangled = shared[data.indices] & dropped[data.columns]
    if entangled.any():
        where = int(data.columns[np.argmax(entangled)])
        raise ValueError(
            f"datapoint {where} is dropped but shares a feature with another one; only dropped datapoints that share "
            "none can be polished; try another seed"
        )


def _programme(X: Floats, dropped: NDArray[np.bool_]) -> LeastNormProgramme:
    """Every constraint of reduced data."""
    first = np.argmax(X > 0, axis=1)
    # Points that are dropped have hidden vector 0 and no features here, so one of them stands for all.
    posed = np.tile(~dropped | (np.cumsum(dropped) == 1), (len(X), 1))
    posed[np.arange(len(X)), first] = False
    feature, other = np.nonzero(posed)
    first = first[feature]
    target, equality = X[feature, first] - X[feature, other], X[feature, other] > 0
    return LeastNormProgramme(X, feature, first, other, target, equality)
