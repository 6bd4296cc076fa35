"""Repeated data: when a point that occurs R times is worth a vertex of the pentagon. Energies are in units of T/n.

A feature has energy Σ_t x_it², T/n on average. Learned perfectly it takes that off T times the loss; a point takes R.
At zero bias the point acts like a feature of weight R + Σ_k e_k X_k². So it takes a vertex at
R/(T/n) = e_(5) − Σ_k e_k X_k², e_(5) the fifth-largest energy (`repetition.zero-bias`). That is exact for columns
w_k ∝ X_k; a free bias, a sea and other columns move it (`numerics.repetition`). One energy sums Binomial(T, p) squared
amplitudes of the normalized law; a rank of n has E e_(j) = ∫ P(Binomial(n, P(e > x)) ≥ j) dx (`repetition.order`).
Features count as independent, which is right to order 1/n.

The threshold grows like R ≈ z_5(n) √(κ T/n) (`repetition.square-root`). In R = e_(5) − Σ_k e_k X_k² the mean T/n
cancels, as the X_k² add up to 1. What is left is how far e_(5) stands out: κ T/n is an energy's variance, z_5(n) the
mean fifth largest of n standard normals. Skewness leaves a relative error of about z_5/(6 √(T p)).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from theory.arrays import Floats
from theory.features.amplitudes import Amplitude, normalized, presence

#: Points of the lattice on which energies are added up.
LATTICE_POINTS = 2**18
#: Where the order statistic of normals is integrated, in standard deviations, and with how many steps.
REACH, STEPS = 12.0, 24_000


@dataclass(frozen=True, slots=True, eq=False)
class EnergyLaw:
    """The law of one feature's energy Σ_t x_it² in units of T/n, on a lattice."""

    places: Floats  #: increasing, from 0
    masses: Floats  #: probabilities; they add up to 1 within 1e-9

    @property
    def mean(self) -> float:
        """E e, 1 in these units."""
        return float(self.masses @ self.places)

    @property
    def variance(self) -> float:
        """Var e."""
        return float(self.masses @ (self.places - self.mean) ** 2)

    def rank_moments(self, rank: int, n: int) -> tuple[float, float]:
        """Mean and standard deviation of the rank-th largest of n independent energies, 1 ≤ rank ≤ n
        (`repetition.order`). Lattice and transform err by less than 1e-4, taking features as independent by 0.5 % for
        T ≥ 10 n and 2 % at T = n (simulations of n = 1 000).
        """
        from scipy.special import bdtrc

        above = np.clip(1 - np.cumsum(self.masses), 0.0, 1.0)
        passed = bdtrc(rank - 1, n, above)  # P(the rank-th largest > place)
        step = self.places[1]
        mean = float(step * passed.sum())
        square = float(step * (passed @ (2 * self.places + step)))
        return mean, math.sqrt(max(0.0, square - mean**2))


@lru_cache(maxsize=16)
def energy_law(T: int, n: int, sparsity: float) -> EnergyLaw:
    """The law of a feature's energy (`repetition.order`). T, n ≥ 1, 0 < sparsity < 1. Conditional on non-empty
    datapoints, as all data here. Mean 1 within 1e-6. Raises ValueError: Numbers outside these domains.

    >>> law = energy_law(30_000, 1_000, 0.99)
    >>> round(law.mean, 6), round(law.rank_moments(5, 1_000)[0], 2)
    (1.0, 1.22)
    """
    if T < 1:
        raise ValueError(f"T = {T}: it must be an integer of at least 1; try T=1000")
    amplitude = normalized(n, sparsity)
    present = presence(n, sparsity)
    largest = _largest_energy(T, present, amplitude)
    fineness = max(0, int(math.log2(LATTICE_POINTS / (largest + 1))))
    step = 2.0**-fineness
    points = 2 ** math.ceil(math.log2((largest + 1) / step))
    wave = np.fft.rfft(_square_masses(amplitude, step, points))
    masses = np.fft.irfft(((1 - present) + present * wave) ** T, points)
    return EnergyLaw(step * np.arange(points) * n / T, np.clip(masses, 0.0, None))


def _largest_energy(T: int, present: float, amplitude: Amplitude) -> float:
    """A bound on Σ_t x_it² that is passed with a probability below 1e-18 (Bernstein)."""
    mean, spread = (T * present * amplitude.moment(power) for power in (2, 4))
    reach = 42.0
    return min(float(T), math.ceil(mean + reach / 3 + math.sqrt(reach**2 / 9 + 2 * reach * spread)))


def _square_masses(amplitude: Amplitude, step: float, points: int) -> Floats:
    """The law of a² on the lattice, every value split between its neighbours so that its mean is kept."""
    places, weights = amplitude.nodes()
    position = places**2 / step
    lower = np.minimum(np.floor(position).astype(np.int64), points - 2)
    share = position - lower
    masses = np.bincount(lower, weights * (1 - share), points) + np.bincount(
        lower + 1, weights * share, points
    )
    scaled: Floats = masses / masses.sum()
    return scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroBiasThreshold:
    """When the point takes a vertex at zero bias (`repetition.zero-bias`), in units of T/n."""

    mean: float  #: e_(5) − 1
    deviation: float  #: standard deviation over draws of energies and points
    fifth_energy: float  #: the mean of e_(5)
    equal_energy: float  #: T/n, the unit

    @property
    def repeats(self) -> float:
        """The mean threshold as a number of repeats, R."""
        return self.mean * self.equal_energy


def zero_bias_threshold(T: int, n: int, sparsity: float) -> ZeroBiasThreshold:
    """The mean of e_(5) − Σ_k e_k X_k² and its standard deviation over draws (`repetition.zero-bias`).
    n ≥ 5. The deviation takes e_(5) and the own energies as independent, and uses E Σ X_k⁴ = n p E a⁴.
    Raises ValueError: n < 5, or T, sparsity outside their domains.

    >>> low, high = (zero_bias_threshold(T, 1_000, 0.99).mean for T in (1_000, 30_000))
    >>> low > 1 > high  # above R = T/n where data are few, below it where they are many
    True
    """
    if n < 5:
        raise ValueError(f"n = {n}: a fifth-largest energy needs five features; try n=1000")
    law = energy_law(T, n, sparsity)
    fifth, deviation = law.rank_moments(5, n)
    present = presence(n, sparsity)
    own = law.variance * n * present * normalized(n, sparsity).moment(4)
    return ZeroBiasThreshold(
        mean=fifth - 1.0,
        deviation=math.hypot(deviation, math.sqrt(own)),
        fifth_energy=fifth,
        equal_energy=T / n,
    )


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
