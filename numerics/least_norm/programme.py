"""The programme "zero loss, least ‖W‖²" of any dataset, and descent within it.

Column w_k of W belongs to feature k, h_t = W X_t. For each seen feature k and one datapoint t that has it,

    w_k · (h_t − h_i) >= X_kt            for every i without k,
    w_k · (h_t − h_i) =  X_kt − X_ki     for every other i with it,

and the bias follows. Features of one datapoint alone are merged (`memorization.reduction`: least norm makes them
proportional to X_kt); where none is shared, T columns and for unit norms `memorization.programme` are left. In the
plane, memorized points are corners of a convex polygon, so points that share a feature have to be neighbours. With
multipliers λ of constraints wᵀ_k W d >= a, a stationary W has W Q = 0, Q = I − ½ Σ λ (e_k dᵀ + d e_kᵀ);
`codes.stationarity` is the case of unit, disjoint data, the only one that `theory.codes.search` solves. Forgotten
points have hidden vector 0, and the others must stay silent there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from numerics.data import Dataset
from theory.active_constraints import fitting_multipliers, least_distance, newton_step
from theory.arrays import Floats
from theory.codes.programme import ACTIVE_SLACK, Certificate

#: The most constraints, reduced features times datapoints, that are posed.
MOST_CONSTRAINTS = 4_000
#: A constraint with less slack than this is among those of a step; no other one is crossed by it.
_NEAR = 0.2
#: The longest step in one coordinate, so that a model does not leave the slope it is on.
_LONGEST_STEP = 0.03
#: Most steps, and the step from which on Newton's method takes over.
_STEPS, _SETTLED = 3_000, 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LeastNormProgramme:
    """Constraints w_k·(W d) − a >= 0, or = 0, on the columns of W that belong to reduced features.

    data : the dataset.
    X : (F, T) reduced data: a feature for each kept datapoint's own ones, then the shared features.
    members : (n, F) what a column of a reduced feature hands to those it stands for.
    dropped : (T,) datapoints that are forgotten.
    shared : how many features occur in two datapoints or more.
    feature, direction, target, equality : k, d, a and the kind of each of the C constraints; (C,), d of shape (C, F).
    """

    data: Dataset
    X: Floats
    members: csc_array
    dropped: NDArray[np.bool_]
    shared: int
    feature: NDArray[np.intp]
    direction: Floats
    target: Floats
    equality: NDArray[np.bool_]

    @classmethod
    def of(cls, data: Dataset, dropped: NDArray[np.bool_]) -> LeastNormProgramme:
        """The programme of a dataset whose datapoints ``dropped`` (T,) are forgotten. Raises ValueError: More than
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
        reduced = np.asarray((members.T @ X).todense())
        return cls(data, reduced, members, dropped, len(places), *_constraints(reduced, dropped))

    def reduced(self, W: Floats) -> Floats:
        """(m, features) columns with the hidden vectors of W."""
        return np.asarray((self.members.T @ W.T).T)

    def expanded(self, columns: Floats) -> tuple[Floats, Floats]:
        """W and b for all features."""
        hidden = columns @ self.X
        present = self.X > 0
        # The bias that is right at every datapoint that has the feature; their mean evens out rounding.
        rest = np.where(present, self.X - columns.T @ hidden, 0.0)
        bias = rest.sum(axis=1) / present.sum(axis=1)
        W, b = np.asarray((self.members @ columns.T).T), np.asarray(self.members @ bias)
        forgotten = self.dropped[self.data.columns]
        b[self.data.indices[forgotten]] = self.data.values[forgotten] / self.data.T
        return W, b

    def values(self, columns: Floats) -> Floats:
        """(C,) w_k·(W d) − a."""
        reached = columns @ self.direction.T
        return np.asarray(np.einsum("mc,mc->c", columns[:, self.feature], reached) - self.target)

    def jacobian(self, columns: Floats, rows: NDArray[np.intp]) -> Floats:
        """(rows, m·features) derivatives of the constraints named, in the order of `columns.ravel()`."""
        direction, feature = self.direction[rows], self.feature[rows]
        jacobian = np.einsum("mc,cf->cmf", columns[:, feature], direction)
        jacobian[np.arange(len(rows)), :, feature] += (columns @ direction.T).T
        return np.asarray(jacobian.reshape(len(rows), columns.size))

    def curvature(self, rows: NDArray[np.intp], multipliers: Floats, m: int) -> Floats:
        """Second derivative of the Lagrangian, 2 I ⊗ Q."""
        pull = np.zeros((len(self.X), len(self.X)))
        np.add.at(pull, self.feature[rows], multipliers[:, None] * self.direction[rows])
        lagrangian = np.kron(np.eye(m), 2 * np.eye(len(pull)) - pull - pull.T)
        return np.asarray(lagrangian, dtype=np.float64)


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


def _constraints(
    X: Floats, dropped: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], Floats, Floats, NDArray[np.bool_]]:
    """Feature, direction, target and kind of every constraint."""
    feature, direction, target, equality = [], [], [], []
    for k, entries in enumerate(X):
        first = int(np.argmax(entries > 0))
        others = np.delete(np.arange(X.shape[1]), first)
        # Points that are dropped have hidden vector 0 and no features here, so one of them stands for all.
        others = others[~dropped[others] | (np.cumsum(dropped[others]) == 1)]
        feature += [k] * len(others)
        direction.append((X[:, [first]] - X[:, others]).T)
        target.append(entries[first] - entries[others])
        equality.append(entries[others] > 0)
    stacked = np.concatenate(direction), np.concatenate(target), np.concatenate(equality)
    return np.array(feature, dtype=np.intp), *stacked


def descended(programme: LeastNormProgramme, columns: Floats) -> tuple[Floats, int]:
    """Local descent from (m, F) columns until a step is below 1e-9, and how many steps that took. Each step is towards
    the point nearest to 0 under the linearized constraints (`codes.projection-step`), at most 0.03 long in a
    coordinate, and crosses no constraint.
    """
    every = np.arange(len(programme.target))
    for step in range(_STEPS):
        values = programme.values(columns)
        jacobian = programme.jacobian(columns, every)
        near = programme.equality | (values < _NEAR)
        found = least_distance(columns.ravel(), jacobian[near], values[near], programme.equality[near])
        if found is None:
            return columns, step
        change = found[0].reshape(columns.shape) - columns
        size = float(np.max(np.abs(change), initial=0.0))
        falls = -(jacobian @ change.ravel())
        far = ~near & (falls > 0)
        room = np.min(values[far] / falls[far], initial=math.inf)
        columns = columns + change * min(1.0, _LONGEST_STEP / max(size, 1e-300), room)
        if size < _SETTLED:
            return columns, step + 1
    return columns, _STEPS


def finished(programme: LeastNormProgramme, columns: Floats) -> Floats:
    """The columns after Newton's method on the active constraints, for the active set that certifies best."""
    best, residual = columns, certificate_of(programme, columns).worst
    for tolerance in (1e-8, 1e-6, 1e-4, 1e-3):
        if residual < 1e-13:
            break
        for point in _newton_steps(programme, columns, tolerance):
            found = certificate_of(programme, point).worst
            if found < residual:
                best, residual = point, found
    return best


def _newton_steps(programme: LeastNormProgramme, columns: Floats, tolerance: float) -> Iterator[Floats]:
    rows = np.flatnonzero(programme.equality | (programme.values(columns) <= tolerance))
    held = _multipliers(programme, columns, rows)
    for _ in range(6):
        jacobian = programme.jacobian(columns, rows)
        hessian = programme.curvature(rows, held, len(columns))
        gradient = 2 * columns.ravel() - jacobian.T @ held
        step, change = newton_step(hessian, jacobian, gradient, programme.values(columns)[rows])
        if not np.all(np.isfinite(step)) or np.max(np.abs(step)) > 1:
            return
        columns, held = columns + step.reshape(columns.shape), held + change
        yield columns


def _multipliers(programme: LeastNormProgramme, columns: Floats, rows: NDArray[np.intp]) -> Floats:
    jacobian = programme.jacobian(columns, rows)
    return fitting_multipliers(2 * columns.ravel(), jacobian, programme.equality[rows])


def certificate_of(programme: LeastNormProgramme, columns: Floats) -> Certificate:
    """Residuals of the first-order conditions at (m, F) columns, with the multipliers that fit best."""
    values = programme.values(columns)
    rows = np.flatnonzero(programme.equality | (values < ACTIVE_SLACK))
    held = _multipliers(programme, columns, rows)
    pull = 2 * columns.ravel() - programme.jacobian(columns, rows).T @ held
    violation = np.where(programme.equality, np.abs(values), -values)
    return Certificate(
        stationarity=float(np.max(np.abs(pull))) / 2,
        primal=float(max(0.0, np.max(violation, initial=0.0))),
        complementarity=float(np.max(np.abs(held * values[rows]), initial=0.0)),
        dual=0.0,  # by non-negative least squares
    )
