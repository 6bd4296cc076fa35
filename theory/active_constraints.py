"""Steps of least ‖y‖² under constraints c(y) ≥ 0, or = 0 where `equality`, from their values at one point (N,)."""

import numpy as np
import scipy
from numpy.typing import NDArray

from theory.arrays import Floats

Flags = NDArray[np.bool_]


def least_distance(
    point: Floats, jacobian: Floats, values: Floats, equality: Flags | None = None
) -> tuple[Floats, Floats] | None:
    """Argmin ‖y‖² under J y ≥ J x − c, x = `point`, and its multipliers; None where nothing satisfies that.
    Lawson and Hanson, chapter 23.
    """
    if not len(values):  # SciPy's nnls ends the process at a matrix without columns
        return np.zeros_like(point), np.zeros(0)
    rows = np.column_stack([jacobian, jacobian @ point - values])
    if equality is not None:
        rows = np.concatenate([rows, -rows[equality]])
    unit = np.zeros(rows.shape[1])
    unit[-1] = 1.0
    try:
        weights = scipy.optimize.nnls(rows.T, unit, maxiter=50 * len(rows) + 50)[0]
    except RuntimeError:
        return None
    residual = rows.T @ weights - unit
    if abs(residual[-1]) < 1e-14:
        return None
    return -residual[:-1] / residual[-1], _folded(-2 * weights / residual[-1], len(values), equality)


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
