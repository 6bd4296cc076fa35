"""Features that no datapoint has, once they are inactive for good: left alone until the datapoints come near again.

Where w·h_t + b < 0 for all t the gradient of such a feature is zero, Adam's mean decays as β₁ᵏ, its square as β₂ᵏ, and
weights and bias shrink by the same product of 1 - lr·weight_decay: -b/|w| stays, and the feature is inactive until some
|h_t| grows. It may sleep, k steps being taken at once. The datapoints lie in the polytope d·h <= reach(d), d the
directions of a regular polygon for m = 2, else the axes and their opposites. With w = Σ c_d d, c >= 0,

    max_t w·h_t <= Σ_d c_d reach(d),

so it sleeps until a reach has grown by its margin, (-b - Σ_d c_d reach(d)) / Σ_d c_d, looked at every step. Accuracy,
against the dense loop: k roundings of each of its products, and steps that Adam's mean still asks for, below an eighth
of a rounding of each parameter (`asks_for_nothing`).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

#: Directions in the plane: the polygon's support is at most 1/cos(π/64) - 1 = 0.12 % above the circle's.
PLANE = 64


@cache
def directions(m: int) -> _Floats:
    """(m, D) unit vectors that span every vector with non-negative coefficients."""
    if m == 2:
        angle = 2 * np.pi * np.arange(PLANE) / PLANE
        return np.array([np.cos(angle), np.sin(angle)])
    return np.hstack([np.eye(m), -np.eye(m)])


def reaches(hidden: NDArray[Any]) -> _Floats:
    """(D,) largest d·h over the (m, T) hidden vectors."""
    return np.asarray((directions(len(hidden)).T @ hidden.astype(np.float64)).max(axis=1))


def margins(parameters: NDArray[Any], reach: _Floats) -> _Floats:
    """(n,) while every reach has grown by less, w·h + b < 0 as any kernel rounds it, for every h within the reaches. A
    feature whose margin is not positive, or NaN, may be active now. Roundings of the reaches, of the bound and of z
    are fewer than 16 + 4m of |w| max reach + |b|.
    """
    m = len(parameters) - 1
    rounding = (16 + 4 * m) * np.finfo(parameters.dtype).eps
    W, b = parameters[:-1].astype(np.float64), parameters[-1].astype(np.float64)
    size, largest = sum(map(np.abs, W)), np.abs(reach).max()
    if m == 2:
        first = (np.floor(np.arctan2(W[1], W[0]) * (PLANE / (2 * np.pi))) % PLANE).astype(np.intp)
        (x, y), second, scale = directions(2), (first + 1) % PLANE, np.sin(2 * np.pi / PLANE)
        from_first, from_second = W[0] * y[second] - W[1] * x[second], W[1] * x[first] - W[0] * y[first]
        output = (from_first * reach[first] + from_second * reach[second]) / scale
        growth = (from_first + from_second) / scale
    else:
        output, growth = np.maximum(W, 0).T @ reach[:m] + np.maximum(-W, 0).T @ reach[m:], size
    highest = output + b + rounding * (size * largest + np.abs(b))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-highest / (growth + rounding * size))


def asks_for_nothing(state: tuple[NDArray[Any], ...], rate: float, epsilon: float) -> NDArray[np.bool_]:
    """(n,) whether all steps that Adam's mean still asks for stay below an eighth of a rounding of each parameter.
    ``rate`` bounds the learning rate over the bias correction of every step to come. The mean decays by β₁ = 0.9 a
    step and the root of the square by √0.999, so that the steps sum to less than 11 times the first.
    """
    parameters, first, second = state
    eighth = np.finfo(parameters.dtype).eps / 8
    step = 11 * rate * np.abs(first) / (np.sqrt(second) + epsilon)
    return np.asarray((step <= eighth * np.abs(parameters)).all(axis=0))
