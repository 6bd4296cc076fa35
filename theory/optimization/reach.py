"""What AdamW can reach within a schedule, the array of its learning rates per step, and where it comes to rest.

Their sum Λ bounds how far a parameter travels, τ = weight decay · Λ what decay can do. A step is at most 7.27 learning
rates; near 1, where gradients grow slowly, a parameter stays below 22.1 in the paper's schedule. A T-gon whose bias is
out of reach is out of reach. β₁ = 0.9, β₂ = 0.999 unless given.

A datapoint has K ~ Binomial(n, 1 − S) entries, K ≥ 1, uniform on [0, 1] before it is normalised to unit norm. Divided
by the largest, the others are uniform again, so the largest entry is 1/√(1 + V_1² + … + V_{K−1}²) with independent
uniform V (`optimization.largest-entry`). Sums of V² are summed up over K and convolved by a discrete Fourier transform.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Floats
from theory.features.amplitudes import density_of, square_wave
from theory.integer_arguments import checked_integer
from theory.memorization.tgon import tgon_radius_squared
from theory.setting import ADAM_BETA1, ADAM_BETA2

#: Lattice points per unit of Σ V².
RESOLUTION = 1024


def surviving_fraction(rates: ArrayLike, weight_decay: float) -> float:
    """Π(1 − lr·wd) ≤ e^{−τ}, what decay leaves without gradient, to 4 eps (1 + τ) (`optimization.reach`).
    Columns of W whose features occur nowhere and whose outputs are silent shrink by exactly this factor.

    >>> round(surviving_fraction([1e-3] * 25_000, 1e-2), 6)
    0.7788
    """
    return math.exp(math.fsum(np.log1p(-weight_decay * _rates(rates, weight_decay))))


def reach(rates: ArrayLike, weight_decay: float, start: float = 0.0, largest_update: float = 1.0) -> float:
    """Largest |θ| at the end of a schedule: Π|θ₀| + u(1 − Π)/wd, |θ₀| + uΛ without decay (`optimization.reach`).
    A theorem if no update |m̂|/(√v̂ + ε) exceeds `largest_update` u. Adam guarantees only u = 7.27
    (:func:`adam_largest_step`); u = 1 holds for gradients of constant size. Relative error below 16 eps (1 + τ).

    >>> round(reach([1e-3] * 25_000, 1e-2), 2), reach([0.5, 0.5], 0)
    (22.12, 1.0)
    """
    schedule = _rates(rates, weight_decay)
    total = math.fsum(schedule)
    if weight_decay * total < 1e-16:  # no decay, or less than rounding
        return abs(start) + largest_update * total
    log_left = math.fsum(np.log1p(-weight_decay * schedule))
    return math.exp(log_left) * abs(start) - math.expm1(log_left) / weight_decay * largest_update


def adam_largest_step(beta1: float = ADAM_BETA1, beta2: float = ADAM_BETA2, step: int | None = None) -> float:
    """Largest |m̂|/√v̂ of Adam at a step, or over all steps, for any gradients (`optimization.largest-step`).

    At step t, (1−β₁)/(1−β₁^t) · √((1−β₂^t)(1−q^t)/((1−β₂)(1−q))) with q = β₁²/β₂ < 1: 1 at the first, and its limit is
    the least upper bound. Attained by gradients that grow by β₂/β₁ per step. Relative error below 64 eps/(1 − q).
    0 ≤ β₁ < 1, β₁² < β₂ < 1. Raises ValueError: step < 1.

    >>> round(adam_largest_step(), 4), round(adam_largest_step(step=1), 12)
    (7.2703, 1.0)
    """
    ratio = beta1**2 / beta2
    largest = (1 - beta1) / math.sqrt((1 - beta2) * (1 - ratio))
    if step is None:
        return largest
    if step < 1:
        raise ValueError(f"step = {step}: steps are counted from 1; try step=1")
    return largest * math.sqrt((1 - beta2**step) * (1 - ratio**step)) / (1 - beta1**step)


def tgon_within_reach(T: int, largest_bias: float, n: int, sparsity: float) -> float:
    """Probability that a dataset's regular T-gon needs no bias below −`largest_bias` (`optimization.necessary-bias`).
    The largest entry X of the dataset must satisfy X(r − 1) ≤ `largest_bias`: necessary for training to reach a regular
    T-gon of any radius, not sufficient; irregular polygons may do with less. Absolute error below T·1e-4.

    >>> paper = (22.12, 10_000, 0.999)
    >>> [round(tgon_within_reach(T, *paper), 2) for T in (20, 24, 28)]
    [1.0, 0.58, 0.0]
    """
    need = tgon_radius_squared(T) - 1
    bound = 1.0 if need <= largest_bias else largest_bias / need
    return float(largest_entry_probability(bound, n, sparsity, T))


def largest_entry_probability(bound: ArrayLike, n: int, sparsity: float, T: int = 1) -> Floats:
    """Probability that the largest entry of all T datapoints is at most `bound` (`optimization.largest-entry`).
    `bound` in [0, 1], any shape. Absolute error below 1e-4 for T = 1 and T times that for T datapoints.
    Raises ValueError: n, sparsity or T outside its domain.

    >>> largest_entry_probability([0.5, 0.6, 1.0], 10_000, 0.999).round(2).tolist()
    [0.46, 0.81, 1.0]
    """
    checked_integer("T", T, 24)
    below = np.clip(np.asarray(bound, dtype=np.float64), 1e-9, 1.0)
    lattice, cumulative = _sum_of_squares(n, density_of(n, sparsity))
    # At least that much must the other squares, in units of the largest, add up to.
    least = 1 / below**2 - 1
    single = np.where(least > 0, np.interp(least, lattice, cumulative), 0.0)
    answer: Floats = np.clip(1 - single, 0.0, 1.0) ** T
    return answer


@lru_cache(maxsize=32)
def _sum_of_squares(n: int, density: float) -> tuple[Floats, Floats]:
    """(lattice, P(Σ V² < lattice)), the atom at 0 of a single entry included."""
    expected = n * density
    size = 2 ** math.ceil(math.log2(RESOLUTION * (expected + 12 * math.sqrt(expected) + 30)))
    one = square_wave(size, 1 / RESOLUTION)
    empty = (1 - density) ** n
    others = ((1 - density + density * one) ** n - empty) / one  # of all entries but the largest
    cumulative = np.cumsum(np.fft.irfft(others, size)) / (1 - empty)
    return (np.arange(size) + 0.5) / RESOLUTION, cumulative


def _rates(rates: ArrayLike, weight_decay: float) -> Floats:
    schedule = np.asarray(rates, dtype=np.float64)
    if schedule.ndim != 1 or not np.all(
        (schedule >= 0) & (schedule * weight_decay < 1) & (weight_decay >= 0)
    ):
        raise ValueError(
            "rates: they must be one list of numbers >= 0, below 1/weight_decay, weight_decay >= 0"
        )
    return schedule
