"""The loss of the model of repeated data (`numerics.repetition`) and its local minimization, compiled as one.

The descent is `theory.descent.descend` for one start, step for step; a test compares them. A draw takes some 30 000
evaluations at about a hundred columns, 0.03 ms each: NumPy's steps between them would take longer than they do.
"""

import math
from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from theory.arrays import Floats

#: What a draw fixes: energies (columns,), the point (columns,), increasing amplitudes (Q,), the sums (Q+1, 3) of
#: probability · amplitude^0, 1, 2 up to a class, and the first class at or above each place of a uniform grid.
Constants: TypeAlias = tuple[Floats, Floats, Floats, Floats, NDArray[np.intp]]

_PLACES, _MEMORY, _TRIALS = 4096, 12, 30
_LEAST_GAIN = 1e-11  # as in `theory.descent`; a cached kernel does not see an edit of another file


def constants(energies: Floats, target: Floats, amplitudes: Floats, weights: Floats) -> Constants:
    """Those of a draw; the second moment of the law is normalized to 1."""
    sums = np.zeros((len(weights) + 1, 3))
    np.cumsum(weights[:, None] * amplitudes[:, None] ** np.arange(3), axis=0, out=sums[1:])
    grid = amplitudes[-1] / _PLACES * np.arange(_PLACES + 1)
    return energies, target, amplitudes, sums / sums[-1, 2], np.searchsorted(amplitudes, grid)


@njit(cache=True)
def loss_and_gradient(z: Floats, R: float, fixed: Constants, gradient: Floats) -> float:
    """Loss less Σ energies at z = (W, b) flattened; its gradient is written."""
    energies, target, _, _, _ = fixed
    n = len(energies)
    x, y, b = z[:n], z[n : 2 * n], z[2 * n :]
    gradient[:] = 0.0
    loss = _loss_of_features(x, y, b, fixed, gradient)
    p, q, error_p, error_q = 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        p += x[j] * target[j]
        q += y[j] * target[j]
    for j in range(n):
        output = max(0.0, x[j] * p + y[j] * q + b[j])
        loss += R * (output - target[j]) ** 2
        if output > 0:
            error = 2 * R * (output - target[j])
            gradient[j] += p * error
            gradient[n + j] += q * error
            gradient[2 * n + j] += error
            error_p += x[j] * error
            error_q += y[j] * error
    for j in range(n):
        gradient[j] += error_p * target[j]
        gradient[n + j] += error_q * target[j]
    return loss


@njit(cache=True)
def _loss_of_features(x: Floats, y: Floats, b: Floats, fixed: Constants, gradient: Floats) -> float:
    """Each feature alone, over the classes of its amplitude a at which output j, ReLU(g a + b_j), is positive. With
    b_j > 0 these are mostly all: then sums over features do for all pairs, and the others are corrected. Few are: they
    are looked for eight at a time.
    """
    energies, _, a, sums, places = fixed
    n, classes, scale = len(b), len(a), _PLACES / a[-1]
    loss = _loss_without_kinks(x, y, b, energies, sums[-1], gradient)
    last, overlaps, corrected = a[-1], np.empty(n), np.zeros(-(-n // 8) * 8, np.bool_)
    eights = corrected.view(np.uint64)
    for j in range(n):
        u, v, c, slope_x, slope_y, slope_b = x[j], y[j], b[j], 0.0, 0.0, 0.0
        sign = 1.0 if c <= 0 else -1.0
        for i in range(n):
            overlaps[i] = x[i] * u + y[i] * v
            corrected[i] = sign * (overlaps[i] * last + c) > 0
        for eight in range(len(eights)):
            if eights[eight] == 0:
                continue
            for i in range(8 * eight, 8 * eight + 8):
                if not corrected[i]:
                    continue
                g = overlaps[i]
                edge = -c / g
                k = places[int(edge * scale)]
                while k < classes and (a[k] < edge or (c <= 0 and a[k] == edge)):
                    k += 1
                m0 = sign * (sums[-1, 0] - sums[k, 0])
                m1 = sign * (sums[-1, 1] - sums[k, 1])
                m2 = sign * (sums[-1, 2] - sums[k, 2])
                e = energies[i]
                output, output_a = g * m1 + c * m0, g * m2 + c * m1
                loss += e * (g * output_a + c * output)
                slope = 2 * e * output_a
                slope_b += 2 * e * output
                if i == j:
                    loss -= 2 * e * output_a
                    slope -= 2 * e * m2
                    slope_b -= 2 * e * m1
                slope_x += slope * x[i]
                slope_y += slope * y[i]
                gradient[i] += slope * u
                gradient[n + i] += slope * v
        gradient[j] += slope_x
        gradient[n + j] += slope_y
        gradient[2 * n + j] += slope_b
    return loss


@njit(cache=True)
def _loss_without_kinks(
    x: Floats, y: Floats, b: Floats, energies: Floats, moments: Floats, gradient: Floats
) -> float:
    """What the outputs of positive bias would add without their ReLU: Σ_ij e_i E(g a + b_j − a δ_ij)² − e_j E a²."""
    n, m0, m1 = len(b), moments[0], moments[1]
    xx, xy, yy, along_x, along_y = 0.0, 0.0, 0.0, 0.0, 0.0  # sums over sources
    to_xx, to_xy, to_yy, to_x, to_y, loss = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # and over outputs
    for i in range(n):
        e, c = energies[i], b[i]
        xx, xy, yy = xx + e * x[i] * x[i], xy + e * x[i] * y[i], yy + e * y[i] * y[i]
        along_x, along_y = along_x + e * x[i], along_y + e * y[i]
        if c > 0:
            to_xx, to_xy, to_yy = to_xx + x[i] * x[i], to_xy + x[i] * y[i], to_yy + y[i] * y[i]
            to_x, to_y = to_x + c * x[i], to_y + c * y[i]
    total = energies.sum()
    for j in range(n):
        e, c = energies[j], b[j]
        gradient[j] += 2 * e * (to_xx * x[j] + to_xy * y[j] + m1 * to_x)
        gradient[n + j] += 2 * e * (to_xy * x[j] + to_yy * y[j] + m1 * to_y)
        if c > 0:
            out_x, out_y = xx * x[j] + xy * y[j], xy * x[j] + yy * y[j]
            mean = m1 * (along_x * x[j] + along_y * y[j])
            loss += x[j] * out_x + y[j] * out_y + 2 * c * mean + c * c * m0 * total
            loss -= 2 * e * (x[j] * x[j] + y[j] * y[j] + c * m1)
            gradient[j] += 2 * (out_x + c * m1 * along_x) - 4 * e * x[j]
            gradient[n + j] += 2 * (out_y + c * m1 * along_y) - 4 * e * y[j]
            gradient[2 * n + j] += 2 * (mean + c * m0 * total - e * m1)
    return loss


@njit(cache=True)
def _combine(to: Floats, p: float, a: Floats, q: float, b: Floats) -> None:
    """``to`` = p a + q b; with it the descent compiles in half the time that array expressions take."""
    for i in range(len(to)):
        to[i] = p * a[i] + q * b[i]


@njit(cache=True)
def descended(z: Floats, R: float, fixed: Constants, iterations: int) -> Floats:
    """The local minimum that L-BFGS reaches from z."""
    z, gradient, trial_gradient = z.copy(), np.empty_like(z), np.empty_like(z)
    value, scale, moved = loss_and_gradient(z, R, fixed, gradient), 0.0, np.empty_like(z)
    steps, changes = np.zeros((_MEMORY, len(z))), np.zeros((_MEMORY, len(z)))
    inverses, weights = np.zeros(_MEMORY), np.zeros(_MEMORY)
    for number in range(iterations):
        direction, kept = gradient.copy(), min(number, _MEMORY)
        for back in range(1, kept + 1):
            k = (number - back) % _MEMORY
            weights[k] = inverses[k] * np.dot(steps[k], direction)
            _combine(direction, 1.0, direction, -weights[k], changes[k])
        _combine(direction, scale if scale > 0 else 1.0, direction, 0.0, direction)
        for back in range(kept, 0, -1):
            k = (number - back) % _MEMORY
            rest = weights[k] - inverses[k] * np.dot(changes[k], direction)
            _combine(direction, 1.0, direction, rest, steps[k])
        slope = -np.dot(direction, gradient)
        if not slope < 0 or np.max(np.abs(gradient)) < 1e-7:
            break
        length, low, high = 1.0 if scale > 0 else 1 / (1 + math.sqrt(-slope)), 0.0, math.inf
        for _ in range(_TRIALS):
            tried = length
            _combine(moved, 1.0, z, -length, direction)
            trial = loss_and_gradient(moved, R, fixed, trial_gradient)
            if not trial <= value + 1e-4 * length * slope:
                high = length
            elif -np.dot(trial_gradient, direction) < 0.9 * slope:
                low = length
            else:
                break
            length = (low + high) / 2 if high < math.inf else 2 * low
        if not trial < value:
            break
        k = number % _MEMORY
        _combine(steps[k], -tried, direction, 0.0, direction)
        _combine(changes[k], 1.0, trial_gradient, -1.0, gradient)
        _combine(z, 1.0, z, 1.0, steps[k])
        curvature, squared = np.dot(steps[k], changes[k]), np.dot(changes[k], changes[k])
        inverses[k] = 1 / curvature if curvature > 1e-14 * squared else 0.0
        scale = curvature / squared if curvature > 1e-14 * squared else scale
        if value - trial < _LEAST_GAIN * max(1.0, abs(value)):
            break
        value, gradient, trial_gradient = trial, trial_gradient, gradient
    return z
