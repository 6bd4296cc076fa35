"""Local optimization of the minimum-norm programme (`codes.programme`), many starts side by side: (starts, m, T).

A slack or multiplier `[j, i]` is that of datapoint j against i. An augmented Lagrangian with a limited-memory
quasi-Newton method brings each start near a minimum. Projection steps follow for the best (`codes.projection-step`):
they stay nearly feasible, lower the energy, leave saddle points and find the active set. Newton's method finishes.
"""

import numpy as np
from numpy.typing import NDArray

from theory.active_constraints import fitting_multipliers, least_distance, newton_step
from theory.arrays import Floats
from theory.descent import Objective, descend

#: Penalty weights of the successive augmented-Lagrangian problems, and quasi-Newton steps in each. Low weights
#: first let a code rearrange; a start that is nearly a code loses by that.
LOOSE_PENALTIES = (2.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
TIGHT_PENALTIES = (*LOOSE_PENALTIES[3:], 5000.0)
_STEPS = 60
_MEMORY = 8
#: Slack below which a projection step keeps a constraint, and the longest step it takes in one coordinate.
_NEAR, _LONGEST_STEP = 0.2, 0.03
#: Exponents of the soft maximum that spreads directions; the last one bounds the cosine to about 2 log(T)/8192.
_EXPONENTS = (4.0, 16.0, 64.0, 256.0, 1024.0, 8192.0)


def slacks(hidden: Floats) -> Floats:
    """(..., T, T) values of ‖h_j‖² − h_i·h_j − 1 at [j, i]; +inf on the diagonal, which constrains nothing."""
    gram = np.swapaxes(hidden, -1, -2) @ hidden
    slack = np.diagonal(gram, axis1=-2, axis2=-1)[..., None] - gram - 1.0
    index = np.arange(gram.shape[-1])
    slack[..., index, index] = np.inf
    return slack


def stationarity_matrix(multipliers: Floats) -> Floats:
    """(..., T, T) symmetric Q = I − diag(Σ_i λ_ji) + (λ + λᵀ)/2; H Q = 0 at a stationary H."""
    matrix = (multipliers + np.swapaxes(multipliers, -1, -2)) / 2
    index = np.arange(multipliers.shape[-1])
    matrix[..., index, index] += 1.0 - multipliers.sum(axis=-1)
    return matrix


def augmented_lagrangian(
    hidden: Floats,
    multipliers: Floats | None = None,
    *,
    penalties: tuple[float, ...] = LOOSE_PENALTIES,
    steps: int = _STEPS,
) -> tuple[Floats, Floats]:
    """Points (starts, m, T) and multipliers near local minima, one per start; slacks are met to about 1e-4.
    One stage per penalty: minimize Σ‖h‖² + (ρ/2)Σ max(0, λ/ρ − slack)², then λ ← max(0, λ − ρ slack).
    """
    if multipliers is None:
        multipliers = np.zeros((hidden.shape[0], hidden.shape[2], hidden.shape[2]))
    for penalty in penalties:
        hidden = _descend(_lagrangian(multipliers, penalty), hidden, steps)
        multipliers = np.maximum(0.0, multipliers - penalty * slacks(hidden))
    return hidden, multipliers


def _lagrangian(multipliers: Floats, penalty: float) -> Objective:
    def evaluate(hidden: Floats, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        pressure = np.maximum(0.0, multipliers[rows] - penalty * slacks(hidden))
        value = np.einsum("smt,smt->s", hidden, hidden) + np.einsum("sij,sij->s", pressure, pressure) / (
            2 * penalty
        )
        return value, 2 * hidden @ stationarity_matrix(pressure)

    return evaluate


def spread_directions(directions: Floats) -> Floats:
    """Unit vectors, (starts, m, T), pushed apart until the largest cosine of each start is nearly least."""
    for exponent in _EXPONENTS:
        directions = _descend(_soft_maximal_cosine(exponent), directions, _STEPS)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return directions


def _soft_maximal_cosine(exponent: float) -> Objective:
    def evaluate(vectors: Floats, _: NDArray[np.intp]) -> tuple[Floats, Floats]:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = vectors / norms
        cosines = np.swapaxes(units, 1, 2) @ units
        index = np.arange(cosines.shape[-1])
        cosines[:, index, index] = -np.inf
        top = cosines.max(axis=(1, 2))
        weights = np.exp(exponent * (cosines - top[:, None, None]))
        total = weights.sum(axis=(1, 2))
        pull = 2 * units @ (weights / total[:, None, None])
        pull -= units * np.einsum("smt,smt->st", units, pull)[:, None, :]
        return top + np.log(total) / exponent, pull / norms

    return evaluate


def _descend(objective: Objective, points: Floats, steps: int) -> Floats:
    def flat(points: Floats, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        value, gradient = objective(points.reshape(len(points), *shape), rows)
        return value, gradient.reshape(len(points), -1)

    shape = points.shape[1:]
    return descend(flat, points.reshape(len(points), -1), steps, memory=_MEMORY, trials=12).reshape(
        points.shape
    )


def projection_steps(hidden: Floats, multipliers: Floats, limit: int) -> tuple[Floats, Floats]:
    """Repeated h ← argmin ‖y‖² under the constraints linearized at h; point and multipliers (`codes.projection-step`).
    `hidden` (m, T) and `multipliers` (T, T) of one start. Stops at a step below 1e-9 or after `limit` steps. Quadratic
    where the active constraints pin the code down, as they mostly do; elsewhere linear, or it leaves a saddle point.
    """
    for _ in range(limit):
        slack = slacks(hidden)
        rows, columns = np.nonzero(slack < _NEAR)
        found = least_distance(
            hidden.ravel(),
            _active_jacobian(hidden, rows, columns),
            slack[rows, columns],
            active=multipliers[rows, columns] > 0,
        )
        if found is None:
            break
        target = found[0].reshape(hidden.shape)
        step = target - hidden
        size = float(np.max(np.abs(step)))
        hidden = hidden + step * min(1.0, _LONGEST_STEP / size) if size else target
        multipliers = np.zeros_like(multipliers)
        multipliers[rows, columns] = found[1]
        if size < 1e-9:
            break
    return hidden, multipliers


def newton_polish(hidden: Floats, multipliers: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """Newton's method with the constraints of slack <= `tolerance` held as equalities; point and multipliers.
    `hidden` (m, T) and `multipliers` (T, T) of one start; those returned are the non-negative ones that fit the last
    point best. Convergence is quadratic when the active set is the right one.
    """
    rows, columns = np.nonzero(slacks(hidden) <= tolerance)
    best, best_size, held = hidden, np.inf, multipliers[rows, columns]
    for _ in range(6):
        jacobian, full = _active_jacobian(hidden, rows, columns), np.zeros_like(multipliers)
        full[rows, columns] = held
        slack = slacks(hidden)[rows, columns]
        gradient: Floats = 2 * hidden.ravel() - jacobian.T @ held
        size = float(max(np.max(np.abs(slack), initial=0.0), np.max(np.abs(gradient))))
        if size >= best_size / 2 and best_size < 1e-9:
            break
        if size < best_size:
            best, best_size = hidden, size
        if size > 1e3:
            break
        hessian = np.asarray(np.kron(np.eye(len(hidden)), 2 * stationarity_matrix(full)), dtype=np.float64)
        step, change = newton_step(hessian, jacobian, gradient, slack)
        hidden, held = hidden + step.reshape(hidden.shape), held + change
    return best, nonnegative_multipliers(best, rows, columns)


def _active_jacobian(hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """(active, m T) derivatives of ‖h_j‖² − h_i·h_j in the order of `hidden.ravel()`."""
    dimensions, points = hidden.shape
    jacobian = np.zeros((len(rows), dimensions, points))
    index = np.arange(len(rows))
    jacobian[index, :, rows] = (2 * hidden[:, rows] - hidden[:, columns]).T
    jacobian[index, :, columns] -= hidden[:, rows].T
    return jacobian.reshape(len(rows), hidden.size)


def nonnegative_multipliers(hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """(T, T) multipliers >= 0 on the given constraints that make `hidden` as nearly stationary as possible."""
    full = np.zeros((hidden.shape[1], hidden.shape[1]))
    full[rows, columns] = fitting_multipliers(2 * hidden.ravel(), _active_jacobian(hidden, rows, columns))
    return full
