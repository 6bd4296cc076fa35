"""Local minimisation of a smooth function of a few hundred variables, the same on every machine.

L-BFGS with 12 pairs and a weak Wolfe search by bisection (Lewis and Overton 2013). SciPy's L-BFGS-B calls
threaded BLAS on matrices of 24 rows: on a busy machine thirty times slower, and its last bits depend on the
number of threads. Here all sums are NumPy's, over vectors too short for threads.

Defines no equations.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["descend"]

Floats = NDArray[np.float64]


def descend(function: Callable[[Floats], tuple[float, Floats]], z: Floats, iterations: int) -> Floats:
    """The point that at most `iterations` steps downhill from z reach; the function gives value and gradient.

    Stops where no entry of the gradient exceeds 1e-7 or a step gains less than 1e-11 of the value. Never
    returns a point of greater value than z's.

    Examples
    --------
    >>> descend(lambda z: (float(z @ z), 2 * z), np.array([3.0, -4.0]), 50).round(6).tolist()
    [0.0, -0.0]

    """
    value, gradient = function(z)
    pairs: deque[tuple[Floats, Floats]] = deque(maxlen=12)
    for _ in range(iterations):
        direction = -_inverse_hessian_times(gradient, pairs)
        slope = float(direction @ gradient)
        if not slope < 0 or np.max(np.abs(gradient)) < 1e-7:
            break
        step, low, high = 1.0 if pairs else 1 / (1 + math.sqrt(-slope)), 0.0, math.inf
        for _ in range(30):
            trial, trial_gradient = function(z + step * direction)
            if trial > value + 1e-4 * step * slope:
                high = step
            elif trial_gradient @ direction < 0.9 * slope:
                low = step
            else:
                break
            step = (low + high) / 2 if high < math.inf else 2 * low
        if not trial < value:
            break
        gain = value - trial
        pairs.append((step * direction, trial_gradient - gradient))
        z, value, gradient = z + step * direction, trial, trial_gradient
        if gain < 1e-11 * max(1.0, abs(value)):
            break
    return z


def _inverse_hessian_times(gradient: Floats, pairs: Iterable[tuple[Floats, Floats]]) -> Floats:
    """The two loops of L-BFGS; pairs of negative curvature are passed over."""
    kept = [(s, y, float(s @ y)) for s, y in pairs if s @ y > 1e-14 * (y @ y)]
    answer, factors = gradient.copy(), []
    for s, y, curvature in reversed(kept):
        factors.append(float(s @ answer) / curvature)
        answer -= factors[-1] * y
    if kept:
        _, y, curvature = kept[-1]
        answer *= curvature / float(y @ y)
    for (s, y, curvature), factor in zip(kept, reversed(factors), strict=True):
        answer += (factor - float(y @ answer) / curvature) * s
    return answer
