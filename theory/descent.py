"""Local minimization of smooth functions, many starts side by side, the same for any number of threads.

L-BFGS with a weak Wolfe search by bisection (Lewis and Overton 2013). SciPy's L-BFGS-B takes one start at a time; its
threaded BLAS costs ten times the processor time on two cores, and its last bits depend on the number of threads.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Floats

#: Values (s,) and gradients (s, n) at points (s, n), whose places among the starts are given too.
Objective: TypeAlias = Callable[[Floats, NDArray[np.intp]], tuple[Floats, Floats]]
#: A step, the change of the gradient over it, and 1 over their product (0 where the curvature is negative).
_Pair: TypeAlias = tuple[Floats, Floats, Floats]

#: A start rests where a step gains less than this share of its value.
LEAST_GAIN = 1e-11


def descend(
    function: Objective, points: Floats, iterations: int, *, memory: int = 12, trials: int = 30
) -> Floats:
    """The (s, n) points that at most `iterations` steps downhill from `points` reach.
    A start rests where no entry of its gradient exceeds 1e-7 or a step gains less than `LEAST_GAIN` of the value. No
    value is ever greater than at the start.

    >>> descend(lambda z, _: (np.sum(z * z, axis=1), 2 * z), np.array([[3.0, -4.0]]), 50).round(6).tolist()
    [[0.0, -0.0]]
    """
    result, rows = points.copy(), np.arange(len(points))
    value, gradient = function(points, rows)
    pairs: deque[_Pair] = deque(maxlen=memory)
    scale = np.zeros(len(points))
    for _ in range(iterations):
        direction = -_inverse_hessian_times(gradient, pairs, scale)
        slope = _dot(direction, gradient)
        moving = (slope < 0) & (np.max(np.abs(gradient), axis=1) >= 1e-7)
        first = np.where(scale > 0, 1.0, 1 / (1 + np.sqrt(np.maximum(-slope, 0))))
        length, trial, trial_gradient = _line_search(
            function, result[rows], value, direction, slope, first, rows, moving, trials
        )
        moving &= trial < value
        step = np.where(moving, length, 0.0)[:, None] * direction
        result[rows] += step
        change = trial_gradient - gradient
        curvature, squared = _dot(step, change), _dot(change, change)
        usable = moving & (curvature > 1e-14 * squared)
        inverse = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=usable)
        scale = np.divide(curvature, squared, out=scale, where=usable)
        pairs.append((step, change, inverse))
        moving &= value - trial >= LEAST_GAIN * np.maximum(1.0, np.abs(value))
        value, gradient = trial, trial_gradient
        if not np.all(moving):
            rows, value, gradient, scale = (part[moving] for part in (rows, value, gradient, scale))
            pairs = deque(((s[moving], y[moving], i[moving]) for s, y, i in pairs), maxlen=memory)
            if not len(rows):
                break
    return result


def _line_search(
    function: Objective,
    points: Floats,
    value: Floats,
    direction: Floats,
    slope: Floats,
    length: Floats,
    rows: NDArray[np.intp],
    moving: NDArray[np.bool_],
    trials: int,
) -> tuple[Floats, Floats, Floats]:
    """Lengths, values and gradients; bisection between a length that is too great and one that is too small."""
    low, high = np.zeros_like(length), np.full_like(length, math.inf)
    tried, trial, trial_gradient = length.copy(), value.copy(), np.zeros_like(points)
    open_ = np.flatnonzero(moving)
    for _ in range(trials):
        if not len(open_):
            break
        tried[open_] = length[open_]
        at = points[open_] + length[open_, None] * direction[open_]
        trial[open_], trial_gradient[open_] = function(at, rows[open_])
        long = ~(trial[open_] <= value[open_] + 1e-4 * length[open_] * slope[open_])
        short = ~long & (_dot(trial_gradient[open_], direction[open_]) < 0.9 * slope[open_])
        high[open_[long]], low[open_[short]] = length[open_[long]], length[open_[short]]
        open_ = open_[long | short]
        bounded = high[open_] < math.inf
        length[open_] = np.where(bounded, (low[open_] + high[open_]) / 2, 2 * low[open_])
    return tried, trial, trial_gradient


def _inverse_hessian_times(gradient: Floats, pairs: deque[_Pair], scale: Floats) -> Floats:
    """The two loops of L-BFGS."""
    result, weights = gradient.copy(), list[Floats]()
    for step, change, inverse in reversed(pairs):
        weights.append(inverse * _dot(step, result))
        result -= weights[-1][:, None] * change
    result *= np.where(scale > 0, scale, 1.0)[:, None]
    for (step, change, inverse), weight in zip(pairs, reversed(weights), strict=True):
        result += (weight - inverse * _dot(change, result))[:, None] * step
    return result


def _dot(left: Floats, right: Floats) -> Floats:
    return np.asarray(np.vecdot(left, right), dtype=np.float64)
