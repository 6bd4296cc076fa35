"""The threshold of repeats grows like the square root of T/n: R ≈ z_5(n) √(κ T/n) (`repetition.square-root`).

In R = e_(5) − Σ_k e_k X_k² (`repetition.zero-bias`) the mean T/n cancels, as the X_k² add up to 1. What is left is how
far e_(5) stands out: κ T/n is an energy's variance, z_5(n) the mean fifth largest of n standard normals. Skewness
leaves a relative error of about z_5/(6 √(T p)) against `theory.repetition.threshold`.
"""

import math

import numpy as np

from theory.features.amplitudes import normalized

#: Where the order statistic is integrated, in standard deviations, and with how many steps.
REACH, STEPS = 12.0, 24_000


def energy_variance_ratio(n: int, sparsity: float) -> float:
    """κ = E a⁴/E a² of the normalized law: the variance of a feature's energy over its mean T/n.
    Relative error 1e-7, and p E a² left out of it.

    >>> round(energy_variance_ratio(10_000, 0.999), 4)
    0.2016
    """
    law = normalized(n, sparsity)
    return law.moment(4) / law.moment(2)


def normal_order_mean(rank: int, n: int) -> float:
    """Mean of the rank-th largest of n independent standard normals, 1 ≤ rank ≤ n; absolute error 1e-6.

    >>> round(normal_order_mean(5, 1_000), 3), round(normal_order_mean(5, 10_000), 3), round(normal_order_mean(1, 2), 4)
    (2.608, 3.317, 0.5642)
    """
    if not 1 <= rank <= n:
        raise ValueError(f"rank = {rank}: it must lie in 1..{n}; try rank=5")
    from scipy.special import bdtrc, ndtr

    x = np.linspace(0.0, REACH, STEPS + 1)
    above, below = bdtrc(rank - 1, n, ndtr(-x)), 1 - bdtrc(rank - 1, n, ndtr(x))
    return float(np.trapezoid(above - below, x))


def square_root_threshold(T: int, n: int, sparsity: float) -> float:
    """The number of repeats z_5(n) √(κ T/n) at which a point takes a vertex (`repetition.square-root`).
    T ≥ 1, n ≥ 5, 0 < sparsity < 1. Asymptotic in T: 7 % below the exact order statistics at T/n = 10 (n = 1 000,
    S = 0.99), 2 % at T/n = 100.

    >>> round(square_root_threshold(100_000, 1_000, 0.99), 1)
    11.7
    """
    if T < 1 or n < 5:
        raise ValueError(f"T = {T}, n = {n}: T >= 1 datapoints and n >= 5 features are needed")
    return normal_order_mean(5, n) * math.sqrt(energy_variance_ratio(n, sparsity) * T / n)
