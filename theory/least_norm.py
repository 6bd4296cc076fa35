"""Least ‖W‖² at zero loss, for any data: local descent, Newton's method and the certificate.

Column w_k of W (m, F) belongs to feature k of the data X (F, T), h_t = W X_t. Constraints are w_k·(h_t − h_i) ≥ a, or
= a. With multipliers λ a stationary W has W Q = 0, Q = I − ½ Σ λ (e_k dᵀ + d e_kᵀ), d = X_t − X_i; `codes.stationarity`
is the case of unit, disjoint data.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from theory.arrays import Floats

Flags = NDArray[np.bool_]

#: A constraint with slack up to this is active.
ACTIVE_SLACK = 1e-8
#: A constraint with less slack than this is among those of a step; no other one is crossed by it.
_NEAR = 0.2
#: The longest step in one coordinate, so that a model does not leave the slope it is on, and one that ends descent.
_LONGEST_STEP, _SETTLED = 0.03, 1e-9
#: Slacks of the active sets that Newton's method tries, and the residual of the certificate that ends it.
_ACTIVE_SETS, _EXACT = (ACTIVE_SLACK, 1e-6, 1e-4, 1e-3), 1e-12
#: What is rounding, relative: in the value of a constraint; in the length of a row less its part along others.
_ROUNDING, _DEPENDENT = 1e-11, 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class LeastNormProgramme:
    """C constraints w_k·(h_t − h_i) ≥ a, or = a where `equality`, on (m, F) columns of least ‖W‖²."""

    X: Floats  #: (F, T) data
    feature: NDArray[np.intp]  #: (C,) k, as t, i and a
    first: NDArray[np.intp]
    other: NDArray[np.intp]
    target: Floats
    equality: Flags

    def values(self, columns: Floats) -> Floats:
        """(C,) w_k·(h_t − h_i) − a."""
        hidden = columns @ self.X
        apart = hidden[:, self.first] - hidden[:, self.other]
        return np.asarray(np.einsum("mc,mc->c", columns[:, self.feature], apart) - self.target)

    def jacobian(self, columns: Floats, rows: NDArray[np.intp]) -> Floats:
        """(rows, m F) derivatives of the constraints named, in the order of `columns.ravel()`."""
        feature, direction = self.feature[rows], (self.X[:, self.first[rows]] - self.X[:, self.other[rows]]).T
        jacobian = np.einsum("mc,cf->cmf", columns[:, feature], direction)
        jacobian[np.arange(len(rows)), :, feature] += direction @ columns.T
        return np.asarray(jacobian.reshape(len(rows), columns.size))

    def stationarity(self, multipliers: Floats) -> Floats:
        """(F, F) Q: half the gradient of ‖W‖² less multipliers times values is W Q."""
        held = np.zeros_like(self.X)
        np.add.at(held, (self.feature, self.first), multipliers)
        np.add.at(held, (self.feature, self.other), -multipliers)
        pull = held @ self.X.T
        return np.asarray(np.eye(len(pull)) - (pull + pull.T) / 2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Residuals of the first-order optimality conditions; all are zero at a minimum."""

    stationarity: float  #: largest entry of |W Q| (`codes.stationarity`)
    primal: float  #: largest violation of a constraint
    complementarity: float  #: largest |λ · slack|
    dual: float  #: largest violation of λ >= 0

    @property
    def worst(self) -> float:
        """The largest of the four residuals."""
        return float(max(dataclasses.astuple(self)))

    def holds(self, tolerance: float = 1e-9) -> bool:
        """Whether every residual is below `tolerance`; False when one is not a number."""
        return all(residual < tolerance for residual in dataclasses.astuple(self))


def certificate_of(
    programme: LeastNormProgramme, columns: Floats, multipliers: Floats | None = None
) -> Certificate:
    """Residuals at (m, F) columns, with these multipliers (C,) or else those that fit best."""
    held = fitting_multipliers(programme, columns) if multipliers is None else multipliers
    values, equality = programme.values(columns), programme.equality
    return Certificate(
        stationarity=float(np.max(np.abs(columns @ programme.stationarity(held)))),
        primal=float(np.max(np.where(equality, np.abs(values), -values), initial=0.0)),
        complementarity=float(np.max(np.abs(held * values), initial=0.0)),
        dual=float(np.max(-held[~equality], initial=0.0)),
    )


def fitting_multipliers(
    programme: LeastNormProgramme, columns: Floats, tolerance: float = ACTIVE_SLACK
) -> Floats:
    """(C,) multipliers, ≥ 0 of inequalities, of constraints with slack up to `tolerance`, that make the columns most
    stationary.
    """
    rows = np.flatnonzero(programme.equality | (programme.values(columns) <= tolerance))
    multipliers = np.zeros(len(programme.target))
    if len(rows):
        signed = _signed(programme.jacobian(columns, rows), programme.equality[rows])
        weights = scipy.optimize.nnls(signed.T, 2 * columns.ravel(), maxiter=50 * len(signed) + 50)[0]
        multipliers[rows] = _folded(weights, programme.equality[rows])
    return multipliers


def descended(
    programme: LeastNormProgramme, columns: Floats, most: int, multipliers: Floats | None = None
) -> tuple[Floats, Floats, int]:
    """Columns (m, F), multipliers (C,) and steps, up to `most`, of local descent until a step is below 1e-9. Each is
    towards the point nearest to 0 under the linearized constraints (`codes.projection-step`), at most 0.03 long in a
    coordinate, and crosses no constraint. Quadratic where the active constraints pin the columns down, as they mostly
    do; elsewhere linear, or it leaves a saddle point.
    """
    held = np.zeros(len(programme.target)) if multipliers is None else multipliers
    for step in range(most):
        values = programme.values(columns)
        near = programme.equality | (values < _NEAR)
        jacobian = programme.jacobian(columns, np.flatnonzero(near))
        found = least_distance(
            columns.ravel(), jacobian, values[near], programme.equality[near], held[near] > 0
        )
        if found is None:
            return columns, held, step
        change = found[0].reshape(columns.shape) - columns
        size = float(np.max(np.abs(change), initial=0.0))
        falls = (programme.values(columns - change) - programme.values(columns + change)) / 2
        far = ~near & (falls > 0)
        room = np.min(values[far] / falls[far], initial=math.inf)
        columns = columns + change * min(1.0, _LONGEST_STEP / max(size, 1e-300), room)
        held = np.zeros_like(held)
        held[near] = found[1]
        if size < _SETTLED:
            return columns, held, step + 1
    return columns, held, most


def finished(
    programme: LeastNormProgramme, columns: Floats, multipliers: Floats
) -> tuple[Floats, Certificate]:
    """The columns after Newton's method, for the active set that certifies best, and their certificate."""
    best = columns, certificate_of(programme, columns, multipliers)
    for tolerance in _ACTIVE_SETS:
        if best[1].holds(_EXACT):
            break
        point = _newton(programme, columns, tolerance)
        found = certificate_of(programme, point)
        if found.worst < best[1].worst:
            best = point, found
    return best


def _newton(programme: LeastNormProgramme, columns: Floats, tolerance: float) -> Floats:
    """Newton's method on gradient = 0 and c = 0, for the constraints c with slack up to `tolerance`.
    In the least-squares sense: rotations leave everything as it is, and the active gradients of symmetric codes are
    dependent. A step longer than 1 ends it.
    """
    rows = np.flatnonzero(programme.equality | (programme.values(columns) <= tolerance))
    held = fitting_multipliers(programme, columns, tolerance)
    for _ in range(6):
        jacobian, matrix = programme.jacobian(columns, rows), 2 * programme.stationarity(held)
        hessian, none = np.kron(np.eye(len(columns)), matrix), np.zeros((len(rows), len(rows)))
        rest = -np.concatenate([(columns @ matrix).ravel(), programme.values(columns)[rows]])
        system = np.block([[hessian, -jacobian.T], [jacobian, none]])
        step = scipy.linalg.lstsq(system, rest, cond=1e-9, lapack_driver="gelsy", check_finite=False)[0]
        change = step[: columns.size].reshape(columns.shape)
        if not np.max(np.abs(change)) <= 1:
            break
        columns = columns + change
        held[rows] += step[columns.size :]
    return columns


def least_distance(
    point: Floats, jacobian: Floats, values: Floats, equality: Flags, active: Flags
) -> tuple[Floats, Floats] | None:
    """Argmin ‖y‖² under J y ≥ J x − c, or = where `equality`, x = `point` and c = `values`, and its multipliers; None
    where nothing satisfies that. The dual method of Goldfarb and Idnani (1983), from a guess of the `active`
    constraints: steps that follow each other share most of these, and non-negative least squares would find each of
    hundreds anew.
    """
    rows, least = _signed(jacobian, equality), _signed(jacobian @ point - values, equality)
    found = _ActiveRows(rows, least, np.flatnonzero(active))
    for _ in range(10 * len(rows) + 10):
        missing = least - rows @ found.point - _ROUNDING * (1 + np.abs(least))
        missing[found.held] = -1.0
        if np.max(missing, initial=-1.0) <= 0:
            weights = np.zeros(len(rows))
            weights[found.held] = 2 * np.maximum(0.0, found.weights)
            return found.point, _folded(weights, equality)
        if not found.take(int(np.argmax(missing))):
            return None
    return None


def _signed(rows: Floats, equality: Flags) -> Floats:
    """Inequalities; an equality stands among them once with either sign."""
    return np.concatenate([rows, -rows[equality]])


def _folded(weights: Floats, equality: Flags) -> Floats:
    """Multipliers of the constraints that `_signed` took apart."""
    multipliers = weights[: len(equality)].copy()
    multipliers[equality] -= weights[len(equality) :]
    return multipliers


class _ActiveRows:
    """Independent rows A = Rᵀ Qᵀ that hold with equality at `point` = Aᵀ w, of least norm, with weights w ≥ 0."""

    def __init__(self, rows: Floats, least: Floats, held: NDArray[np.intp]) -> None:
        self.rows, self.least, self.held = rows, least, held
        self.basis: Floats = np.zeros((rows.shape[1], 0))
        self.triangle: Floats = np.zeros((0, 0))
        while len(self.held):
            basis, triangle, order = scipy.linalg.qr(
                rows[self.held].T, mode="economic", pivoting=True, check_finite=False
            )
            self.basis, self.triangle = np.asarray(basis, np.float64), np.asarray(triangle, np.float64)
            size = np.abs(np.diagonal(self.triangle))
            self._keep(self.held[order[: np.sum(size > _DEPENDENT * size[0])]])
            if np.all(self.weights >= 0):
                return
            self.held = self.held[self.weights > 0]
        self._keep(self.held)

    def _keep(self, held: NDArray[np.intp]) -> None:
        """Point and weights of the rows `held`, the first of those that are factorized."""
        self.held, count = held, len(held)
        self.basis, self.triangle = self.basis[:, :count], self.triangle[:count, :count]
        along = scipy.linalg.solve_triangular(self.triangle, self.least[held], trans="T", check_finite=False)
        self.weights = scipy.linalg.solve_triangular(self.triangle, along, check_finite=False)
        self.point = self.basis @ along

    def take(self, added: int) -> bool:
        """Make this row, which the point misses, hold; rows whose weight would fall below zero are let go. False where
        no point satisfies all of them.
        """
        row = self.rows[added]
        while True:
            inner, step = np.zeros(len(self.held)), row
            for _ in range(2):  # once leaves rounding that is large beside a short step
                inner, step = inner + self.basis.T @ step, step - self.basis @ (self.basis.T @ step)
            fall = scipy.linalg.solve_triangular(self.triangle, inner, check_finite=False)
            ratios = np.divide(self.weights, fall, out=np.full(len(fall), math.inf), where=fall > 0)
            gain = float(step @ step)
            free = gain > _DEPENDENT**2 * float(row @ row)
            whole = float(self.least[added] - row @ self.point) / gain if free else math.inf
            size = min(whole, float(np.min(ratios, initial=math.inf)))
            if size == math.inf:
                return False
            self.weights = self.weights - size * fall
            self.point = self.point + size * step if free else self.point
            if size == whole:
                break
            gone = int(np.argmin(ratios))
            basis, triangle = scipy.linalg.qr_delete(self.basis, self.triangle, gone, which="col")
            self.held, self.weights = np.delete(self.held, gone), np.delete(self.weights, gone)
            count = len(self.held)
            parts = basis[:, :count], triangle[:count]
            self.basis, self.triangle = (np.asarray(part, np.float64) for part in parts)
        self.basis = np.column_stack([self.basis, step / math.sqrt(gain)])
        self.triangle = np.pad(self.triangle, (0, 1))
        self.triangle[:, -1] = *inner, math.sqrt(gain)
        self._keep(np.append(self.held, added))
        return True
