"""Tolerances, each computed from named terms; none is set by looking at results.

Equation labels: `tolerance.rounding`, `tolerance.tgon-stability`.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory import Record
from theory.arrays import Floats
from theory.memorization.tgon import tgon_energy, tgon_radius_squared


def rounding(terms: int) -> float:
    """Relative error of a float64 sum of ``terms`` products: terms · 2 eps, the worst case (`tolerance.rounding`).

    >>> rounding(10_000) < 1e-11
    True
    """
    return 2.0 * terms * float(np.finfo(np.float64).eps)


class ShapeDeviation(NamedTuple):
    """What separates a configuration from a regular polygon, or bounds of it: root mean squares over the T points.

    ``radius``: (‖h_t‖² - r)/r. ``gap``: (angular gap - 2π/T)/(2π/T). ``dimensionality``: (D_X - D)/D.
    """

    radius: float
    gap: float
    dimensionality: float


def sorted_gaps(vectors: Floats) -> tuple[NDArray[np.intp], Floats]:
    """(2, T) vectors in order of angle and the gap from each to the next, in radians; the gaps sum to 2π."""
    angles = np.arctan2(vectors[1], vectors[0])
    order = np.argsort(angles)
    ahead = np.append(angles[order[1:]], angles[order[0]] + 2 * math.pi)
    return order, ahead - angles[order]


def relative_rms(values: Floats, target: float) -> float:
    """Root mean square of value/target − 1."""
    return float(np.sqrt(np.mean((values / target - 1) ** 2)))


def shape_deviation(measured: Record, predicted: Record) -> ShapeDeviation:
    """How far measured hidden vectors (m = 2, T ≥ 3) are from the predicted regular polygon.

    The predicted polygon is read off the record: its radius, its dimensionality, and the angle between its first two
    hidden vectors.
    """
    _, gaps = sorted_gaps(measured.hidden)
    _, predicted_gaps = sorted_gaps(predicted.hidden)
    return ShapeDeviation(
        radius=relative_rms(measured.radius_squared, float(predicted.radius_squared[0])),
        gap=relative_rms(gaps, float(predicted_gaps.min())),
        dimensionality=relative_rms(measured.dimensionality, float(predicted.dimensionality[0])),
    )


def at_unit_norm(measured: Record) -> Record:
    """The record of the same model in units of the root mean square norm of the datapoints."""
    s = math.sqrt(np.mean(np.square(measured.norms)))
    squares = {name: getattr(measured, name) / s**2 for name in ("energy", "radius_squared", "point_error")}
    return dataclasses.replace(measured, **squares, hidden=measured.hidden / s, norms=measured.norms / s)


def error_floor(measured: Record, n: int) -> float:
    """What squared errors of n outputs may be off by: roundings of Σ y² + Σ x² (`tolerance.rounding`)."""
    return rounding(n) * float(np.max(np.square(measured.norms) + measured.radius_squared))


def constraint_level(measured: Record, n: int = 0) -> float:
    """Least value over t of ‖X_t‖² - 2 ‖X_t‖ √ε, ε the worst squared error and its `error_floor`; about 1 at best.

    ‖h_t‖² - h_t·h_u is at least this for orthonormal directions X_t/‖X_t‖ and positive own outputs (Cauchy-Schwarz on
    the outputs at the features of t, for X_t and for X_u); below 0 it bounds nothing.
    """
    error = math.sqrt(measured.worst_point_error + error_floor(measured, n))
    return float(np.min(measured.norms * (measured.norms - 2 * error)))


def shape_tolerance(measured: Record) -> ShapeDeviation | None:
    """How far from the regular T-gon memorizing points of this energy and error can be (`tolerance.tgon-stability`).

    With s the `constraint_level` and y = ‖h‖²/s the points satisfy the constraints of the minimum-norm programme. Let
    a_j be the mean and d_j half the difference of neighbouring y, ā = mean(y), f(a) = arccos(1 - 1/a), and Δ = 2π - T
    f(ā) the angle that is left over. With ρ(a) = min(1, 1/√(2a-1))/a and κ = f''(max a)

        Σ (a_j - ā)² ≤ 2Δ/κ,    Σ d_j ≤ Δ/ρ(max a),    Σ (gap_j - f(a_j)) ≤ Δ.

    Δ = 0 exactly for the regular T-gon. Valid for m = 2, T ≥ 3, orthonormal data and positive own outputs; None when
    the energy is below what the bound allows (then the bound is violated, and there is nothing to bound here) or when
    the error is too large for the theorem.
    """
    T, r = measured.T, tgon_radius_squared(measured.T)
    scale = constraint_level(measured)
    if scale <= 0:
        return None
    y = measured.radius_squared[sorted_gaps(measured.hidden)[0]] / scale
    a = (y + np.roll(y, -1)) / 2
    mean, most, least = float(y.mean()), float(a.max()), float(a.min())
    if least <= 0.5 or mean < r * (1 - rounding(T)):
        return None
    left_over = max(0.0, 2 * math.pi - T * math.acos(1 - 1 / mean))
    curvature = 1 / (most**2 * math.sqrt(2 * most - 1)) + 1 / (most * (2 * most - 1) ** 1.5)
    slope = 1 / (least * math.sqrt(2 * least - 1))
    along = math.sqrt(2 * left_over / (curvature * T))
    across = left_over / (min(1.0, 1 / math.sqrt(2 * most - 1)) / most) / math.sqrt(T)
    radius = (scale * (along + across) + abs(measured.energy / T - r)) / r
    gap = (slope * along + left_over / math.sqrt(T) + left_over / T) / (2 * math.pi / T)
    eigenvalues = np.linalg.eigvalsh(measured.hidden @ measured.hidden.T)
    anisotropy = float((eigenvalues[1] - eigenvalues[0]) / eigenvalues.sum())
    excess = measured.energy / tgon_energy(T) - 1
    # D = ‖h‖²/(ĥᵀHHᵀĥ): numerator within `radius`, denominator within excess + anisotropy of T r/2
    denominator = abs(excess) + anisotropy * (1 + abs(excess))
    dimensionality = (radius + denominator) / (1 - denominator) if denominator < 1 else math.inf
    return ShapeDeviation(radius, gap, dimensionality)
