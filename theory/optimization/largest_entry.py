"""The law of a datapoint's largest entry, and of the largest over a whole dataset.

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

#: Lattice points per unit of Σ V².
RESOLUTION = 1024


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
