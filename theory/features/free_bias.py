"""Polygons of features with a free bias: the law of the amplitudes decides which one is best.

k features at the vertices of a regular k-gon of squared radius r have bias b ≤ 0 (b > 0 fires off the polygon). One is
active, of an amplitude a of a law of `theory.features.amplitudes`, which is the unit of b. Then one feature has the

    loss(r, b) = E(a − ReLU(r a + b))² + Σ_{d=1}^{k−1} E ReLU(r a cos(2πd/k) + b)²    (`generalization.free-bias-loss`)

and gain(r, b) = k(1 − loss/E a²) counts perfectly stored features. Exact: k ≤ 4 by r = 1, b = 0
(`generalization.four-features`), constant a by the T-gon (`generalization.constant-law`). Else the optimum is a number;
uniform a has a rational loss (`generalization.uniform-loss`). The search polishes the best optima of a grid over
(r, −b/r) to a root of the gradient; that no better one lies between the grid's points is not proven.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from theory.arrays import Floats
from theory.features.amplitudes import Amplitude, active
from theory.integer_arguments import checked_integer
from theory.memorization.tgon import tgon_bias_coefficient

#: A function of (r, b) to be maximised: its value and its gradient.
Objective: TypeAlias = Callable[[float, float], tuple[float, Floats]]

#: The grid of starts: squared radii from the least to k²/2, cuts −b/r as shares of the largest amplitude.
LEAST_RADIUS, RADII = 0.2, 16
CUTS = (0.0, 0.03, 0.08, 0.15, 0.25, 0.4, 0.55, 0.7, 0.82, 0.9, 0.95, 0.98, 0.995)

#: Optima of the grid that are polished.
POLISHED = 6


@dataclass(frozen=True, slots=True)
class FreeBias:
    """The greatest gain over (r, b) with its certificate."""

    radius_squared: float  #: of the optimum, as the bias is
    bias: float  #: in units of the amplitude
    gain: float  #: k − loss/E a² there, in units of one perfectly stored feature
    gradient: float = 0.0  #: norm of the gain's gradient there, 0 where the solution is exact
    curvature: float = math.nan  #: larger eigenvalue of the Hessian there; NaN where the solution is exact

    @property
    def exact(self) -> bool:
        """Whether it is a closed form, not the result of a search."""
        return math.isnan(self.curvature)


def ring_gain(k: int, radius_squared: float, bias: float, law: Amplitude) -> tuple[float, Floats]:
    """The gain of a k-gon, k ≥ 1, and its gradient in (r, b), r > 0; as accurate as the law's moments, times k/E a².

    >>> from theory.features.amplitudes import uniform
    >>> gain, gradient = ring_gain(4, 1.0, 0.0, uniform())
    >>> round(gain, 12), bool(np.allclose(gradient, 0))
    (4.0, True)
    """
    a, weights = law.nodes(*active(radius_squared, bias))
    output = radius_squared * a + bias
    change = weights @ (output * (output - 2 * a))
    slope_r, slope_b = 2 * weights @ (a * (output - a)), 2 * weights @ (output - a)
    for cosine, count in _neighbours(k):
        a, weights = law.nodes(*active(radius_squared * cosine, bias))
        output = radius_squared * cosine * a + bias
        change += count * weights @ output**2
        slope_r += 2 * count * cosine * weights @ (a * output)
        slope_b += 2 * count * weights @ output
    unit = -k / law.moment(2)
    return float(unit * change), unit * np.array([slope_r, slope_b])


@lru_cache(maxsize=256)
def _neighbours(k: int) -> tuple[tuple[float, int], ...]:
    """The cosines to the other vertices, each with how often it occurs."""
    return tuple(
        (math.cos(2 * math.pi * d / k) if 4 * d != k else 0.0, 1 if 2 * d == k else 2)
        for d in range(1, k // 2 + 1)
    )


@lru_cache(maxsize=512)
def best_free_bias(k: int, law: Amplitude, *, alone: bool = False) -> FreeBias:
    """The k-gon of greatest gain over r > 0 and b, k ≥ 1; `alone` where no feature is off the polygon.

    Exact for k ≤ 4 and constant amplitudes, the one of least ‖W‖ of several; else searched for, to about 1e-9
    of the law's loss. Raises ValueError: k is not an integer ≥ 1. Raises ArithmeticError: no stationary point found.

    >>> from theory.features.amplitudes import constant, uniform
    >>> six = best_free_bias(6, constant())
    >>> round(six.radius_squared, 12), round(six.bias, 12), six.gain
    (2.0, -1.0, 6.0)
    >>> seven = best_free_bias(7, uniform())
    >>> round(math.sqrt(seven.radius_squared), 5), round(seven.bias, 5), round(seven.gain, 4)
    (1.44839, -0.96691, 5.2513)
    """
    k = checked_integer("k", k, 5)
    if len(law.atoms) == 1 and not len(law.density) and (alone or k > 3):
        radius_squared = 0.0 if k == 1 else 1 / (2 * math.sin(math.pi / k) ** 2)
        return FreeBias(radius_squared, float(law.atoms[0]) * float(tgon_bias_coefficient(k)), float(k))
    if k <= 4:
        return FreeBias(1.0, 0.0, float(k))
    return maximize(lambda r, b: ring_gain(k, r, b, law), largest_amplitude(law), k)


def largest_amplitude(law: Amplitude) -> float:
    """The largest amplitude that the law knows."""
    return max(float(part[-1]) for part in (law.atoms, law.edges) if len(part))


def maximize(objective: Objective, largest: float, k: int) -> FreeBias:
    """The best local maximum of a smooth function of (r, b) that the grid of starts leads to, with its certificate.
    `largest` amplitude scales b. Raises ArithmeticError: no start reached a stationary point of negative curvature.
    """
    radii = np.geomspace(LEAST_RADIUS, max(2.0, k**2 / 2), RADII)
    values = np.array([[objective(r, -r * cut * largest)[0] for cut in CUTS] for r in radii])
    padded = np.pad(values, 1, constant_values=-np.inf)
    shifts = [(i, j) for i in (0, 1, 2) for j in (0, 1, 2) if (i, j) != (1, 1)]
    around = np.max([padded[i : i + len(radii), j : j + len(CUTS)] for i, j in shifts], axis=0)
    peaks = np.argwhere(values >= around)
    order = np.argsort(-values[peaks[:, 0], peaks[:, 1]], kind="stable")[:POLISHED]
    starts = [(radii[i], -radii[i] * CUTS[j] * largest) for i, j in peaks[order]]
    found = [_polish(objective, largest, start) for start in starts]
    maxima = [one for one in found if one.gradient < 1e-6 * (1 + abs(one.gain)) and one.curvature < 0]
    if not maxima:
        raise ArithmeticError("no start reached a maximum; give the law more samples, or another k")
    return max(maxima, key=lambda one: one.gain)


def _polish(objective: Objective, largest: float, start: tuple[float, float]) -> FreeBias:
    """BFGS from a start, then a root of the gradient; coordinates (ln r, b/largest)."""
    from scipy.optimize import minimize, root

    def at(z: Floats) -> tuple[float, float]:
        return math.exp(min(z[0], 50.0)), float(z[1] * largest)

    def scaled(z: Floats) -> tuple[float, Floats]:
        r, b = at(z)
        value, slope = objective(r, b)
        return -value, -slope * np.array([r, largest])

    z = np.array([math.log(start[0]), start[1] / largest])
    z = np.asarray(minimize(scaled, z, jac=True, method="BFGS", options={"gtol": 1e-9}).x)

    def gradient(z: Floats) -> Floats:
        return scaled(z)[1]

    refined: Floats = root(gradient, z, tol=1e-13).x
    closer = np.linalg.norm(scaled(refined)[1]) <= np.linalg.norm(scaled(z)[1])
    if closer and np.allclose(refined, z, atol=1e-3):
        z = refined
    value, slope = scaled(z)
    step = 1e-5
    hessian = np.array([(scaled(z + e)[1] - scaled(z - e)[1]) / (2 * step) for e in np.eye(2) * step])
    top = float(-np.linalg.eigvalsh((hessian + hessian.T) / 2)[0])
    r, b = at(z)
    return FreeBias(r, b, -value, float(np.linalg.norm(slope)), top)
