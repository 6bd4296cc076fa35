"""Steps of least ‖y‖² under constraints c(y) ≥ 0, or = 0 where `equality`, from their values at one point (N,)."""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from theory.arrays import Floats

Flags = NDArray[np.bool_]


#: What is rounding, relative: in the value of a constraint; in the length of a row less its part along others.
_ROUNDING, _DEPENDENT = 1e-11, 1e-8


def least_distance(
    point: Floats,
    jacobian: Floats,
    values: Floats,
    equality: Flags | None = None,
    active: Flags | None = None,
) -> tuple[Floats, Floats] | None:
    """Argmin ‖y‖² under J y ≥ J x − c, x = `point`, and its multipliers; None where nothing satisfies that.
    The dual method of Goldfarb and Idnani (1983), from a guess of the `active` constraints if there is one: steps that
    follow each other share most of these, and non-negative least squares would find each of hundreds anew.
    """
    rows, least = jacobian, jacobian @ point - values
    if equality is not None:
        rows, least = np.concatenate([rows, -rows[equality]]), np.concatenate([least, -least[equality]])
    found = _ActiveRows(rows, least, np.zeros(0, np.intp) if active is None else np.flatnonzero(active))
    for _ in range(10 * len(rows) + 10):
        missing = least - rows @ found.point - _ROUNDING * (1 + np.abs(least))
        missing[found.held] = -1.0
        if np.max(missing, initial=-1.0) <= 0:
            weights = np.zeros(len(rows))
            weights[found.held] = 2 * np.maximum(0.0, found.weights)
            return found.point, _folded(weights, len(values), equality)
        if not found.take(int(np.argmax(missing))):
            return None
    return None


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
        row, weight = self.rows[added], 0.0
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
            self.weights, weight = self.weights - size * fall, weight + size
            self.point = self.point + size * step if free else self.point
            if size == whole:
                break
            gone = int(np.argmin(ratios))
            basis, triangle = scipy.linalg.qr_delete(self.basis, self.triangle, gone, which="col")
            self.held, self.weights = np.delete(self.held, gone), np.delete(self.weights, gone)
            count = len(self.held)
            self.basis, self.triangle = (
                np.asarray(basis[:, :count], np.float64),
                np.asarray(triangle[:count], np.float64),
            )
        self.basis = np.column_stack([self.basis, step / math.sqrt(gain)])
        self.triangle = np.pad(self.triangle, (0, 1))
        self.triangle[:, -1] = *inner, math.sqrt(gain)
        self._keep(np.append(self.held, added))
        return True


def fitting_multipliers(gradient: Floats, jacobian: Floats, equality: Flags | None = None) -> Floats:
    """Multipliers, ≥ 0 of inequalities, for which Jᵀλ comes nearest to the gradient."""
    if not len(jacobian):
        return np.zeros(0)
    rows = jacobian if equality is None else np.concatenate([jacobian, -jacobian[equality]])
    weights = scipy.optimize.nnls(rows.T, gradient, maxiter=50 * len(rows) + 50)[0]
    return _folded(weights, len(jacobian), equality)


def _folded(weights: Floats, count: int, equality: Flags | None) -> Floats:
    """Multipliers of `count` constraints; an equality stands among the rows once with either sign."""
    multipliers = weights[:count].copy()
    if equality is not None:
        multipliers[equality] -= weights[count:]
    return multipliers


def newton_step(hessian: Floats, jacobian: Floats, gradient: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Newton's changes of point and multipliers on the conditions gradient = 0 and c = 0.
    `gradient` and `hessian` are those of the Lagrangian. In the least-squares sense: rotations leave everything as it
    is, and the active gradients of symmetric codes are dependent.
    """
    system = np.block([[hessian, -jacobian.T], [jacobian, np.zeros((len(jacobian), len(jacobian)))]])
    rest = -np.concatenate([gradient, values])
    step = scipy.linalg.lstsq(system, rest, cond=1e-9, lapack_driver="gelsy", check_finite=False)[0]
    return step[: len(gradient)], step[len(gradient) :]
