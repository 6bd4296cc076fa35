"""Features that no datapoint has, once they are inactive for good: left alone until the datapoints come near again.

Where w·h_t + b < 0 for all t the gradient of such a feature is zero, Adam's mean decays as β₁ᵏ, its square as β₂ᵏ, and
weights and bias shrink by the same product of 1 - lr·weight_decay: -b/|w| stays, and the feature is inactive until some
|h_t| grows. It may sleep, k steps being taken at once. The datapoints lie in the polytope d·h <= reach(d), d the
directions of a regular polygon for m = 2, else the axes and their opposites. With w = Σ c_d d, c >= 0,

    max_t w·h_t <= Σ_d c_d reach(d),

so it sleeps while every reach stays below a limit set when it fell asleep, looked at every step. Accuracy, against the
dense loop: k roundings of each of its products, and steps that Adam's mean still asks for, below an eighth of a
rounding of each parameter (`asks_for_nothing`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

#: Directions in the plane: the polygon's support is at most 1/cos(π/32) - 1 = 0.5 % above the circle's.
PLANE = 32

#: By how much of the largest reach a reach may grow before sleeping features are looked at again.
SLACK = 0.01


def directions(m: int) -> _Floats:
    """(m, D) unit vectors that span every vector with non-negative coefficients."""
    if m == 2:
        angle = 2 * np.pi * np.arange(PLANE) / PLANE
        return np.array([np.cos(angle), np.sin(angle)])
    return np.hstack([np.eye(m), -np.eye(m)])


def reaches(hidden: NDArray[Any]) -> _Floats:
    """(D,) largest d·h over the (m, T) hidden vectors."""
    return np.asarray((directions(len(hidden)).T @ hidden.astype(np.float64)).max(axis=1))


def _largest_output(W: _Floats, limits: _Floats) -> _Floats:
    """Bound of max_t w·h_t for every column of W while d·h <= limit(d) for every direction."""
    if len(W) != 2:
        return np.asarray(np.maximum(W, 0).T @ limits[: len(W)] + np.maximum(-W, 0).T @ limits[len(W) :])
    # what is in limits between the two directions next to w is farthest along w at their corner
    half, following = np.pi / PLANE, np.roll(limits, -1)
    sector = np.floor(np.arctan2(W[1], W[0]) / (2 * half)).astype(np.int64) % PLANE
    angle = half * (2 * np.arange(PLANE) + 1)
    out, along = (limits + following) / (2 * np.cos(half)), (following - limits) / (2 * np.sin(half))
    x, y = np.cos(angle) * out - np.sin(angle) * along, np.sin(angle) * out + np.cos(angle) * along
    return np.asarray(W[0] * x[sector] + W[1] * y[sector])


def stays_inactive(parameters: NDArray[Any], limits: _Floats) -> NDArray[np.bool_]:
    """(n,) whether w·h + b < 0 as any kernel rounds it, for every h with d·h <= limit(d); NaN says no. The margin
    holds the roundings of the limits, of the bound and of z: fewer than 16 + 4m of |w| max limit + |b|.
    """
    m, eps = len(parameters) - 1, np.finfo(parameters.dtype).eps
    W, b = parameters[:-1].astype(np.float64), parameters[-1].astype(np.float64)
    size = sum(map(np.abs, W)) * np.abs(limits).max() + np.abs(b)
    return np.asarray(_largest_output(W, limits) + (16 + 4 * m) * eps * size + b < 0)


def asks_for_nothing(state: tuple[NDArray[Any], ...], rate: float, epsilon: float) -> NDArray[np.bool_]:
    """(n,) whether all steps that Adam's mean still asks for stay below an eighth of a rounding of each parameter.
    ``rate`` bounds the learning rate over the bias correction of every step to come. The mean decays by β₁ = 0.9 a
    step and the root of the square by √0.999, so that the steps sum to less than 11 times the first.
    """
    parameters, first, second = state
    eighth = np.finfo(parameters.dtype).eps / 8
    step = 11 * rate * np.abs(first) / (np.sqrt(second) + epsilon)
    return np.asarray((step <= eighth * np.abs(parameters)).all(axis=0))
