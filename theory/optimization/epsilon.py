"""Adam's epsilon against the gradient of one datapoint: when Adam moves at the learning rate, and when it does not.

With a constant gradient g an update is g/(|g| + ε): the full learning rate where |g| ≫ ε, gradient descent at the rate
η/ε where |g| ≪ ε. The mean over features divides gradients by n, which is the sum with n ε in place of ε, exactly
(`optimization.epsilon-mean`). The gradient that one of T datapoints puts on a bias is (2/T) X δ, X its entry there
and δ what the output lacks. So n ε T is the scale: one datapoint moves a bias at the full rate while X δ ≫ n ε T/2,
and its own error closes like e^{−2Λ/(n ε T)} over a budget Λ of learning rates where it does not
(`optimization.epsilon-closing`).

Normalisation: ``scale`` is ε for the loss summed over features, n ε for the loss averaged over them; the loss is a mean
over T datapoints.

Equation labels: `optimization.epsilon-mean`, `optimization.epsilon-speed`, `optimization.epsilon-closing`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def epsilon_scale(epsilon: float, n: int, loss: str = "sum") -> float:
    """The ε that acts on gradients of the loss summed over features: ε, or n ε for loss="mean". Exact.

    >>> epsilon_scale(1e-8, 10_000, "mean")
    0.0001
    """
    if loss not in ("sum", "mean"):
        raise ValueError(f"loss = {loss!r}: it must be 'sum' or 'mean'")
    return epsilon * n if loss == "mean" else epsilon


def update_size(gradient: ArrayLike, scale: float) -> NDArray[np.float64]:
    """|g|/(|g| + ε), in learning rates, of Adam under a constant gradient (`optimization.epsilon-speed`).

    >>> update_size([1e-4, 1.0], 1e-4).round(4).tolist()
    [0.5, 0.9999]
    """
    size = np.abs(np.asarray(gradient, dtype=np.float64))
    return size / (size + scale)


def closing_efolds(budget: float, T: int, scale: float) -> float:
    """2Λ/(n ε T): powers of e by which a datapoint's own error falls below that scale (`optimization.epsilon-closing`).

    >>> closing_efolds(25.0, 100, 1e-4)
    5000.0
    """
    return 2 * budget / (scale * T)


def crossover_datapoints(entry: float, scale: float) -> float:
    """2X/(n ε): the T at which the gradient of one datapoint's full error, on its entry X, equals ε's scale.

    >>> round(crossover_datapoints(0.5, 1e-4))
    10000
    """
    return 2 * entry / scale
