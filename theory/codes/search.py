"""Local optimization of the minimum-norm programme, many starts side by side.

Subject: find h_1..h_T in R^m with least Σ‖h_j‖² under ‖h_j‖² − h_i·h_j >= 1 for all i ≠ j
(`codes.programme`). Arrays are `(starts, m, T)`; a slack or multiplier `[j, i]` belongs to the constraint of
datapoint j against i. With multipliers λ the gradient of the Lagrangian is 2 H Q, where Q = I − diag(Λ) + (λ
+ λᵀ)/2 and Λ_j = Σ_i λ_ji (`codes.stationarity`).

Three methods in a row. An augmented Lagrangian, minimized by a limited-memory quasi-Newton method whose every
operation runs over all starts at once, brings each start near a minimum. Projection steps follow for the
best: the point nearest to the origin under the constraints linearized at the last one
(`codes.projection-step`); they stay nearly feasible, lower the energy, leave saddle points and find the active
set. Newton's method on the optimality conditions of the active constraints finishes. A general
sequential quadratic method (SLSQP) was rejected: its dense system has 4032 rows at T = 64, in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LOOSE_PENALTIES",
    "TIGHT_PENALTIES",
    "Floats",
    "augmented_lagrangian",
    "newton_polish",
    "nonnegative_multipliers",
    "projection_steps",
    "slacks",
    "spread_directions",
    "stationarity_matrix",
]

Floats = NDArray[np.float64]
_Objective = Callable[[Floats], tuple[Floats, Floats]]

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
    """(..., T, T) values of ‖h_j‖² − h_i·h_j − 1 at [j, i]; the diagonal, which constrains nothing, is
    +inf.
    """
    gram = np.swapaxes(hidden, -1, -2) @ hidden
    slack = np.diagonal(gram, axis1=-2, axis2=-1)[..., None] - gram - 1.0
    index = np.arange(gram.shape[-1])
    slack[..., index, index] = np.inf
    return slack


def stationarity_matrix(multipliers: Floats) -> Floats:
    """(..., T, T) symmetric Q = I − diag(Λ) + (λ + λᵀ)/2; H is stationary when H Q = 0
    (`codes.stationarity`).
    """
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
    """Points and multipliers near local minima, one per start; slacks are met to about 1e-4, not exactly.

    `hidden` has shape (starts, m, T). One stage per penalty: minimize Σ‖h‖² + (ρ/2)Σ max(0, λ/ρ − slack)²,
    then λ ← max(0, λ − ρ slack).
    """
    if multipliers is None:
        multipliers = np.zeros((hidden.shape[0], hidden.shape[2], hidden.shape[2]))
    for penalty in penalties:
        hidden = _descend(_lagrangian(multipliers, penalty), hidden, steps)
        multipliers = np.maximum(0.0, multipliers - penalty * slacks(hidden))
    return hidden, multipliers


def _lagrangian(multipliers: Floats, penalty: float) -> _Objective:
    def evaluate(hidden: Floats) -> tuple[Floats, Floats]:
        pressure = np.maximum(0.0, multipliers - penalty * slacks(hidden))
        value = np.einsum("smt,smt->s", hidden, hidden) + np.einsum("sij,sij->s", pressure, pressure) / (
            2 * penalty
        )
        return value, 2 * hidden @ stationarity_matrix(pressure)

    return evaluate


def spread_directions(directions: Floats) -> Floats:
    """Unit vectors, (starts, m, T), pushed apart until the largest cosine of each start is nearly least
    (Tammes).
    """
    for exponent in _EXPONENTS:
        directions = _descend(_soft_maximal_cosine(exponent), directions, _STEPS)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return directions


def _soft_maximal_cosine(exponent: float) -> _Objective:
    def evaluate(vectors: Floats) -> tuple[Floats, Floats]:
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


def _descend(objective: _Objective, points: Floats, steps: int) -> Floats:
    """L-BFGS with Armijo backtracking on every start at once; a start that finds no descent stays where it
    is.
    """
    value, gradient = objective(points)
    pairs: list[tuple[Floats, Floats, Floats]] = []
    alive = np.ones(len(points), dtype=np.bool_)
    for _ in range(steps):
        direction = -_inverse_hessian_times(gradient, pairs)
        slope = _dot(direction, gradient)
        uphill = slope >= 0
        if np.any(uphill):
            direction[uphill], slope[uphill] = -gradient[uphill], -_dot(gradient, gradient)[uphill]
        moved, value, new_gradient = _backtrack(objective, points, value, gradient, direction, slope, alive)
        step, change = moved - points, new_gradient - gradient
        curvature = _dot(step, change)
        usable = curvature > 1e-12 * _dot(change, change)
        inverse = np.where(usable, 1.0 / np.where(usable, curvature, 1.0), 0.0)
        pairs = [*pairs[-_MEMORY + 1 :], (step, change, inverse)]
        points, gradient = moved, new_gradient
        alive &= np.any(step, axis=(1, 2))
        if not np.any(alive):
            break
    return points


def _backtrack(
    objective: _Objective,
    points: Floats,
    value: Floats,
    gradient: Floats,
    direction: Floats,
    slope: Floats,
    alive: NDArray[np.bool_],
) -> tuple[Floats, Floats, Floats]:
    """Next points, values and gradients; a start that is not alive, or that finds no descent, does not move."""
    norm = np.sqrt(np.maximum(_dot(direction, direction), 1e-300))
    length = np.where(alive, np.minimum(1.0, 1.0 / norm), 0.0)
    for _ in range(12):
        trial = points + length[:, None, None] * direction
        trial_value, trial_gradient = objective(trial)
        fails = alive & ~(trial_value <= value + 1e-4 * length * slope)
        if not np.any(fails):
            return trial, trial_value, trial_gradient
        length = np.where(fails, length / 4, length)
    keep = fails[:, None, None]
    return (
        np.where(keep, points, trial),
        np.where(fails, value, trial_value),
        np.where(keep, gradient, trial_gradient),
    )


def _inverse_hessian_times(gradient: Floats, pairs: list[tuple[Floats, Floats, Floats]]) -> Floats:
    result = gradient.copy()
    weights = []
    for step, change, inverse in reversed(pairs):
        weight = inverse * _dot(step, result)
        result -= weight[:, None, None] * change
        weights.append(weight)
    if pairs:
        _, change, inverse = pairs[-1]
        squared = inverse * _dot(change, change)
        result /= np.where(squared > 0, squared, 1.0)[:, None, None]
    for (step, change, inverse), weight in zip(pairs, reversed(weights), strict=True):
        result += (weight - inverse * _dot(change, result))[:, None, None] * step
    return result


def _dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.einsum("smt,smt->s", left, right), dtype=np.float64)


def projection_steps(hidden: Floats, multipliers: Floats, limit: int) -> tuple[Floats, Floats]:
    """Repeated h ← argmin ‖y‖² under the constraints linearized at h; point and multipliers
    (`codes.projection-step`).

    `hidden` (m, T) and `multipliers` (T, T) of one start. Stops when a step is below 1e-9 or after `limit`
    steps. Converges quadratically where the active constraints pin the code down, as they mostly do;
    elsewhere linearly, or it leaves a saddle point. Each step is a least-distance problem, solved by NNLS
    (Lawson and Hanson, chapter 23).
    """
    for _ in range(limit):
        rows, columns = np.nonzero(slacks(hidden) < _NEAR)
        target, held = _least_distance(hidden, rows, columns)
        step = target - hidden
        size = float(np.max(np.abs(step)))
        if not np.isfinite(size):
            break
        hidden = hidden + step * min(1.0, _LONGEST_STEP / size) if size else target
        multipliers = np.zeros_like(multipliers)
        multipliers[rows, columns] = held
        if size < 1e-9:
            break
    return hidden, multipliers


def _least_distance(
    hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Argmin ‖y‖² under J y >= J h − slack(h), and its multipliers; the origin where nothing constrains."""
    from scipy.optimize import nnls

    if not len(rows):  # nnls can abort the process on a system without columns
        return np.zeros_like(hidden), np.zeros(0)
    jacobian = _active_jacobian(hidden, rows, columns)
    required = jacobian @ hidden.ravel() - slacks(hidden)[rows, columns]
    system = np.vstack([jacobian.T, required])
    unit = np.zeros(len(system))
    unit[-1] = 1.0
    weights = nnls(system, unit, maxiter=50 * len(rows))[0]
    residual = system @ weights - unit
    return (-residual[:-1] / residual[-1]).reshape(hidden.shape), -2 * weights / residual[-1]


def newton_polish(hidden: Floats, multipliers: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """Newton's method with the constraints of slack <= `tolerance` held as equalities; point and multipliers.

    `hidden` (m, T) and `multipliers` (T, T) of one start. The multipliers returned are the non-negative ones that
    fit the last point best. The linear systems are solved in the least-squares sense because the active gradients
    are dependent in symmetric codes and rotations leave everything unchanged; convergence is quadratic when the
    active set is the right one, and the caller judges by residuals.
    """
    rows, columns = np.nonzero(slacks(hidden) <= tolerance)
    best, best_size = hidden, np.inf
    for point, size in _newton_steps(hidden, multipliers[rows, columns], rows, columns):
        if size >= best_size / 2 and best_size < 1e-9:
            break
        if size < best_size:
            best, best_size = point, size
        if size > 1e3:
            break
    return best, nonnegative_multipliers(best, rows, columns)


def _newton_steps(
    hidden: Floats, held: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Iterator[tuple[Floats, float]]:
    from scipy.linalg import lstsq

    dimensions, points = hidden.shape
    for _ in range(6):
        jacobian = _active_jacobian(hidden, rows, columns)
        full = np.zeros((points, points))
        full[rows, columns] = held
        hessian = np.kron(np.eye(dimensions), 2 * stationarity_matrix(full))
        slack = slacks(hidden)[rows, columns]
        stationarity = (2 * hidden).ravel() - jacobian.T @ held
        yield hidden, float(max(np.max(np.abs(slack), initial=0.0), np.max(np.abs(stationarity))))
        system = np.block([[hessian, -jacobian.T], [jacobian, np.zeros((len(rows), len(rows)))]])
        step = lstsq(
            system,
            -np.concatenate([stationarity, slack]),
            cond=1e-9,
            lapack_driver="gelsy",
            check_finite=False,
        )[0]
        hidden = hidden + step[: hidden.size].reshape(hidden.shape)
        held = held + step[hidden.size :]


def _active_jacobian(hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """(active, m T) derivatives of ‖h_j‖² − h_i·h_j in the order of `hidden.ravel()`."""
    dimensions, points = hidden.shape
    jacobian = np.zeros((len(rows), dimensions, points))
    index = np.arange(len(rows))
    jacobian[index, :, rows] = (2 * hidden[:, rows] - hidden[:, columns]).T
    jacobian[index, :, columns] -= hidden[:, rows].T
    return jacobian.reshape(len(rows), hidden.size)


def nonnegative_multipliers(hidden: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """(T, T) multipliers >= 0 on the given constraints that make `hidden` as nearly stationary as possible
    (NNLS).
    """
    from scipy.optimize import nnls

    full = np.zeros((hidden.shape[1], hidden.shape[1]))
    if len(rows):
        jacobian = _active_jacobian(hidden, rows, columns)
        full[rows, columns] = nnls(jacobian.T, (2 * hidden).ravel(), maxiter=50 * len(rows))[0]
    return full
