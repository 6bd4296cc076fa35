"""Laws of the amplitude a of a feature, given that it is present: atoms, and a density polynomial on each of its cells.

`normalized` is the law of a = u/√(u² + s), s the sum of Binomial(n − 1, p) squares of uniforms: an atom (1 − p)^(n−1)
at a = 1, and f(x) = (1 − x²)^(−3/2) E[√s; s ≤ (1 − x²)/x²] (`amplitudes.normalized-density`). One or two other
features are integrated by hand, more by a Fourier transform on a lattice that keeps each square's mean.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Floats

#: Gauss-Legendre nodes per cell; exact for polynomials of degree 15, density included.
NODES = 8

_UNIT_NODES, _UNIT_WEIGHTS = np.polynomial.legendre.leggauss(NODES)
#: From values at the nodes to the coefficients of their polynomial in Legendre's.
_COEFFICIENTS = np.linalg.inv(np.polynomial.legendre.legvander(_UNIT_NODES, NODES - 1))

#: The lattice of the squares: at most this many points, and this fine.
LATTICE_POINTS, FINEST = 2**20, 16


@dataclass(frozen=True, slots=True, eq=False)
class Amplitude:
    """A law on (0, ∞): atoms, and a density that is a polynomial on each cell.
    Raises ValueError: probabilities that do not add up to 1 within 1e-6, amplitudes that are not positive and finite.

    >>> law = uniform()
    >>> round(law.moment(2), 12), round(law.truncated(2.0, -1.0, 2), 12)  # ∫ (2a − 1)² over a > 1/2
    (0.333333333333, 0.166666666667)
    """

    kind: Literal["constant", "uniform", "normalized", "samples"]  #: what it is called on the command line
    atoms: Floats  #: (A,) increasing
    masses: Floats  #: (A,) their probabilities
    edges: Floats  #: (C + 1,) ends of the cells, increasing; one edge and no cell where there is no density
    density: Floats  #: (C, NODES) values at the Gauss-Legendre nodes of each cell
    name: str = ""  #: the kind with its parameters

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.kind)
        if not (np.all(np.isfinite(self.atoms)) and np.all(self.atoms > 0)):
            raise ValueError("amplitudes must be positive and finite; leave out the absent features")
        total = self.moment(0)
        if not abs(total - 1) < 1e-6:
            raise ValueError(f"the law {self.name} has total probability {total!r}; it must be 1")

    def nodes(self, lower: float = 0.0, upper: float = math.inf) -> tuple[Floats, Floats]:
        """Nodes and weights between `lower` and `upper`, for polynomials of degree 15 less the density's own.
        The weights add up to the probability of the interval; an atom on an end is counted.
        """
        kept = (self.atoms >= lower) & (self.atoms <= upper)
        first = int(np.searchsorted(self.edges, lower, side="right"))
        last = int(np.searchsorted(self.edges, upper, side="left"))
        places, weights = [self.atoms[kept]], [self.masses[kept]]
        cells = range(max(first - 1, 0), min(last, len(self.density)))
        for cell in {cells[0], cells[-1]} if len(cells) else set():
            part = self._part(cell, lower, upper)
            places.append(part[0])
            weights.append(part[1])
        if len(cells) > 2:
            left, right = self.edges[cells[1] : cells[-1]], self.edges[cells[2] : cells[-1] + 1]
            half = (right - left)[:, None] / 2
            places.append(((left + right)[:, None] / 2 + half * _UNIT_NODES).ravel())
            weights.append((half * _UNIT_WEIGHTS * self.density[cells[1] : cells[-1]]).ravel())
        return np.concatenate(places), np.concatenate(weights)

    def _part(self, cell: int, lower: float, upper: float) -> tuple[Floats, Floats]:
        """Nodes and weights on the part of one cell; its density is interpolated there."""
        left, right = self.edges[cell], self.edges[cell + 1]
        lo, hi = max(left, lower), min(right, upper)
        places = (lo + hi) / 2 + (hi - lo) / 2 * _UNIT_NODES
        relative = (2 * places - left - right) / (right - left)
        density = np.polynomial.legendre.legval(relative, _COEFFICIENTS @ self.density[cell])
        return places, (hi - lo) / 2 * _UNIT_WEIGHTS * density

    def moment(self, power: float) -> float:
        """E a^power, power ≥ 0. Relative error 1e-14, for the normalized law 1e-7."""
        places, weights = self.nodes()
        return float(weights @ places**power)

    def truncated(self, slope: float, offset: float, power: int, times: int = 0) -> float:
        """E[a^times (slope·a + offset)^power; slope·a + offset > 0], power 0 to 4, times 0 to 4.
        Exact up to rounding for atoms and the uniform law; absolute error 1e-7 for the normalized law.
        """
        places, weights = self.nodes(*active(slope, offset))
        values = slope * places + offset
        if power == 0:
            weights = np.where(values > 0, weights, 0.0)
        return float(weights @ (places**times * np.maximum(values, 0.0) ** power))

    def probability_below(self, at: float) -> float:
        """P(a ≤ at), as accurate as `moment`."""
        return float(self.nodes(0.0, at)[1].sum()) if at > 0 else 0.0


def active(slope: float, offset: float) -> tuple[float, float]:
    """The interval of amplitudes a ≥ 0 at which slope·a + offset is positive; (1, 0) where there is none.

    >>> active(2.0, -1.0), active(-1.0, -1.0)
    ((0.5, inf), (1.0, 0.0))
    """
    if slope > 0:
        return max(0.0, -offset / slope), math.inf
    if offset <= 0:
        return 1.0, 0.0
    return 0.0, math.inf if slope == 0 else offset / -slope


def _of_atoms(kind: Literal["constant", "samples"], atoms: Floats, masses: Floats) -> Amplitude:
    return Amplitude(kind, atoms, masses, np.zeros(1), np.zeros((0, NODES)))


@lru_cache(maxsize=16)
def constant(a: float = 1.0) -> Amplitude:
    """Every amplitude is `a` > 0: one-hot data. Exact.

    >>> constant(2.0).moment(3)
    8.0
    """
    return _of_atoms("constant", np.array([float(a)]), np.ones(1))


@lru_cache(maxsize=1)
def uniform() -> Amplitude:
    """The law U[0, 1]. Exact up to rounding.

    >>> round(uniform().probability_below(0.25), 12)
    0.25
    """
    return Amplitude("uniform", np.zeros(0), np.zeros(0), np.array([0.0, 1.0]), np.ones((1, NODES)))


def samples(values: ArrayLike) -> Amplitude:
    """The empirical law of positive amplitudes, each with the same weight. Exact up to rounding.
    Raises ValueError: No value, or one that is not positive and finite.

    >>> samples([1.0, 1.0, 4.0]).moment(1)
    2.0
    """
    given = np.asarray(values, dtype=np.float64).ravel()
    if given.size == 0:
        raise ValueError("no amplitudes given; pass the positive entries of the data")
    atoms, counts = np.unique(given, return_counts=True)
    return _of_atoms("samples", atoms, counts / counts.sum())


@lru_cache(maxsize=16)
def normalized(n: int = 10_000, sparsity: float = 0.999) -> Amplitude:
    """The law of a present feature's value in data scaled to unit norm (`amplitudes.normalized-density`).

    Moments, truncated or not, have an absolute error below 1e-7, measured against E a² = (1 − S^n)/(n p)
    (`amplitudes.second-moment`) and the Laplace integral of E a^q. 0.1 s, then kept. Data as in Henighan et al. 2023,
    "Experiment Setup". Raises ValueError: n < 1 or a sparsity outside (0, 1).

    >>> round(normalized().moment(1), 6)
    0.272065
    """
    density = density_of(n, sparsity)
    alone = sparsity ** (n - 1)
    largest = _largest_square_sum(n - 1, density)
    edges = _edges(largest)
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    x = middle + half * _UNIT_NODES
    complement = (1 - x) * (1 + x)
    roots = _root_sum_below(complement / x**2, n - 1, density, largest)
    heights = roots * complement**-1.5
    atoms, masses = (np.ones(1), np.array([alone])) if alone > 0 else (np.zeros(0), np.zeros(0))
    return Amplitude("normalized", atoms, masses, edges, heights, f"normalized (n = {n}, S = {sparsity:g})")


def density_of(n: int, sparsity: float) -> float:
    """The density p = 1 − S of data with n features. Raises ValueError: n < 1 or a sparsity outside (0, 1)."""
    if n < 1 or not 0 < sparsity < 1:
        raise ValueError(
            f"n = {n}, sparsity = {sparsity}: n must be >= 1, sparsity in (0, 1); try n=10000, sparsity=0.999"
        )
    return 1 - sparsity


def presence(n: int, sparsity: float) -> float:
    """The probability that a feature is present in a datapoint that is not empty, p/(1 − S^n).

    >>> presence(1, 0.999)
    1.0
    """
    return density_of(n, sparsity) / -math.expm1(n * math.log(sparsity))


def _largest_square_sum(others: int, density: float) -> float:
    """A bound on s, the sum of the squares, that is passed with a probability below 1e-15 (Bernstein)."""
    mean, spread = others * density / 3, others * density / 5  # E u² = 1/3, E u⁴ = 1/5
    reach = 36.0  # −ln 1e-15, rounded up
    bound = mean + reach / 3 + math.sqrt(reach**2 / 9 + 2 * reach * spread)
    return max(1.0, min(float(others), math.ceil(bound)))


def _edges(largest: float) -> Floats:
    """Cells between the amplitudes 1/√(1 + y): y at quarters, so that all kinks are edges, and 2^−j near 0."""
    step = 0.25 if largest <= 64 else largest / 512
    y = np.concatenate([2.0 ** -np.arange(3, 45), np.arange(step, largest + step / 2, step)])
    inner = np.unique(1 / np.sqrt(1 + y))
    return np.concatenate([np.linspace(0.0, inner[0], 9)[:-1], inner, [1.0]])


def _root_sum_below(y: Floats, others: int, density: float, largest: float) -> Floats:
    """E[√s; s ≤ y]: one and two other features in closed form, more from the lattice."""
    one = others * density * (1 - density) ** (others - 1) if others >= 1 else 0.0
    two = math.comb(others, 2) * density**2 * (1 - density) ** (others - 2) if others >= 2 else 0.0
    total = one * np.minimum(y, 1.0) / 2 + two * _root_of_two_below(y)
    if others >= 3:
        places, cumulative = _lattice(others, density, largest)
        total = total + np.interp(y, places, cumulative)
    return np.asarray(total, dtype=np.float64)


def _root_of_two_below(y: Floats) -> Floats:
    """E[√s; s ≤ y] of two squares: density π/4 below 1, arcsin(1/√s) − π/4 from 1 to 2."""
    low = math.pi / 6 * np.minimum(y, 1.0) ** 1.5
    t = np.clip(y, 1.0, 2.0) - 1
    s = 1 + t

    def antiderivative(s: Floats, t: Floats) -> Floats:
        arc = 2 / 3 * s**1.5 * (np.arcsin(1 / np.sqrt(s)) - math.pi / 4)
        rest: Floats = arc + (np.sqrt(s * t) + np.arcsinh(np.sqrt(t))) / 3
        return rest

    return low + antiderivative(s, t) - antiderivative(np.ones(1), np.zeros(1))


def _lattice(others: int, density: float, largest: float) -> tuple[Floats, Floats]:
    """(places, E[√s; s ≤ place]) of three or more squares, by a discrete Fourier transform."""
    fineness = min(FINEST, int(math.log2(LATTICE_POINTS / (largest + 1))))
    step = 2.0**-fineness
    points = 2 ** math.ceil(math.log2((largest + 1) / step))
    places = step * np.arange(points)
    wave = square_wave(points, step)
    absent = 1 - density
    many = (absent + density * wave) ** others - absent**others
    many -= others * density * wave * absent ** (others - 1)
    many -= math.comb(others, 2) * (density * wave) ** 2 * absent ** (others - 2)
    terms = np.sqrt(places) * np.fft.irfft(many, points)
    return places, np.cumsum(terms) - terms / 2


@lru_cache(maxsize=2)
def square_wave(points: int, step: float) -> NDArray[np.complex128]:
    """Fourier transform of the law of u², u uniform on [0, 1], on a lattice from 0; it keeps the mean."""
    edges = step * np.arange(-1, points + 1)
    # E(v − u²)₊ is (2/3)v^{3/2} up to v = 1, then v − 1/3; its second differences are masses that keep the mean
    surplus = np.where(edges > 1, edges - 1 / 3, 2 / 3 * np.maximum(edges, 0) ** 1.5)
    return np.fft.rfft(np.diff(surplus, 2) / step)
