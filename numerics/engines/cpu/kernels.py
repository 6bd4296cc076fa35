"""Compiled kernels of the cpu engine: T/2 times the gradient without an n-by-T array, AdamW, point errors.

With z_it = w_i·h_t + b_i, y = max(z, 0) and h = W X the loss is

    (1/T) [ Σ_it y_it²  -  2 Σ_{x_it ≠ 0} x_it y_it  +  Σ x_it² ];

only its first sum is dense (`numerics.engines.cpu.pairs`), the others run over the non-zeros of X. The factor 2/T
enters in `adamw`. Features and datapoints are cut into as many parts as ``partial`` has rows; sums over parts run in
their order, so the bits do not depend on how parts meet threads. Parameters, gradients and moments are (m+1, n), row m
holds b, in `advance` as tuples of rows, so that m is compiled in. Datasets come by datapoint (offsets, features,
values) and by feature (bounds of parts, features, datapoints, values). Work space is (hidden, partial, scratch,
columns, near, sums); ``sums`` and the rows of gradients are one array. Non-zeros are visited in any order, so what is
needed of one lies together: ``columns`` holds the m weights and the bias of each feature, ``near`` each hidden vector
and what it is pulled by. Rows of a tuple are not indexed in loops over non-zeros: compiled code counts references to
them. Constants compiled in come from the files of `numerics.engines.cpu.compilation.sources`; others are arguments.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from numerics.engines.cpu.bounding_boxes import NODE_POINTS
from numerics.engines.cpu.compilation import INLINE, OPTIONS, compiled
from numerics.engines.cpu.interaction import interact, plan, prepare, welcome
from numerics.engines.cpu.pairs import BLOCK, dense_pairs
from numerics.engines.cpu.simd import (
    LANES,
    absolute,
    add,
    bits_above_zero,
    divide,
    fma,
    larger,
    load,
    most,
    multiply,
    splat,
    square_root,
    store,
    subtract,
    total,
    where_above,
)

_at = np.uintp  # an index that is not negative: compiled code looks whether others count from the end

#: All of fastmath but the licence to assume that there is neither NaN nor infinity.
_KEEPS_NAN = {"reassoc", "nsz", "arcp", "contract", "afn"}

#: Sums keep their order, so that loops over a handful of non-zeros are not turned into vectors.
_SHORT_LOOPS = OPTIONS | {"fastmath": {"contract", "nsz"}}


@njit(**OPTIONS)
def part_of(length: int, part: int, parts: int, grain: int) -> tuple[int, int]:
    """Range ``part`` of ``parts`` that cut ``length`` on multiples of ``grain``; depends on nothing else."""
    grains = (length + grain - 1) // grain
    return grains * part // parts * grain, min(length, grains * (part + 1) // parts * grain)


def least_mean(epsilon: float, dtype: Any) -> float:
    """Below it, Adam's mean is 0. Without a gradient it would decay to subnormal numbers, where arithmetic is ten times
    as slow. A step is at most rate·mean/ε, here rate·1e-26: it decides nothing but ties between two roundings.
    """
    return min(1e4 * float(np.finfo(dtype).tiny), 1e-26 * epsilon)


@njit(**OPTIONS | {"fastmath": _KEEPS_NAN})
def adamw(parameter, first, second, gradient, scalars, start, stop):
    """One AdamW step of a range in the order of `torch.optim.AdamW`; whether it is finite after it. A mean
    below the last of ``scalars``, the `least_mean`, is 0.
    """
    scale, keep, rate, root, epsilon = scalars[0], scalars[1], scalars[2], scalars[3], scalars[4]
    beta1, beta2, rest1, rest2, least = scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
    parameter, first = parameter[start:stop], first[start:stop]
    second, gradient = second[start:stop], gradient[start:stop]
    zero, one = parameter.dtype.type(0), parameter.dtype.type(1)
    whole = parameter.size // LANES * LANES
    bad = none = splat(zero)
    for i in range(0, whole, LANES):
        g, old, mean = multiply(load(gradient, i), splat(scale)), load(first, i), none
        moved, square = multiply(load(parameter, i), splat(keep)), multiply(load(second, i), splat(beta2))
        busy = bits_above_zero(add(absolute(g), absolute(old))) != 0 or epsilon == 0
        if busy:  # else all that follows adds zeros
            mean = fma(old, splat(beta1), multiply(g, splat(rest1)))
            mean = fma(mean, subtract(splat(one), where_above(splat(least), absolute(mean))), none)
            square = fma(load(second, i), splat(beta2), multiply(multiply(g, g), splat(rest2)))
            ratio = divide(
                multiply(mean, splat(-rate)), fma(square_root(square), splat(root), splat(epsilon))
            )
            moved = fma(load(parameter, i), splat(keep), ratio)
        store(first, i, mean)
        store(second, i, square)
        store(parameter, i, moved)
        bad = fma(moved, none, bad)  # NaN once anything is not finite
    nothing = total(bad)
    for i in range(whole, parameter.size):
        g = gradient[i] * scale
        mean = first[i] * beta1 + g * rest1
        mean = zero if abs(mean) < least else mean
        square = second[i] * beta2 + g * g * rest2
        first[i] = mean
        second[i] = square
        moved = parameter[i] * keep - rate * mean / (math.sqrt(square) * root + epsilon)
        parameter[i] = moved
        nothing += moved * zero
    return bool(nothing == zero)


@njit(**INLINE)
def largest_growth(hidden, watch):
    """The largest d·h - reach(d) of a datapoint and a direction d; ``watch`` is m rows of d and one of reaches."""
    m, width = hidden.shape[0], watch.shape[1]
    worst = splat(hidden.dtype.type(-np.inf))
    for first in range(0, width, LANES):
        reach = multiply(splat(hidden.dtype.type(-1)), load(watch, m * width + first))
        for t in range(hidden.shape[1]):
            growth = reach
            for k in range(m):
                growth = fma(load(watch, k * width + first), splat(hidden[k, t]), growth)
            worst = larger(growth, worst)
    return most(worst)


@njit(**_SHORT_LOOPS)
def wake(rows, hidden, sleep, culling, awake, step):
    """How many features are awake at ``step``. Those that sleep stand in the order of their margins; each that wakes is
    brought up to date.
    """
    watch, margins, log_decay, counts = sleep
    growth, since = largest_growth(hidden, watch), counts[1]
    while awake < margins.size and not growth < margins[awake]:
        for kind in range(3):
            factor = math.exp(log_decay[kind, step] - log_decay[kind, since])
            for row in rows[kind]:
                row[awake] *= factor
        welcome(culling, awake)
        awake += 1
    return awake


@njit(**OPTIONS)
def cut(by_feature, awake, parts):
    """Set the bounds of the parts of the features that are awake, which all seen ones are."""
    bounds, features, _, _ = by_feature
    place = 0
    for part in range(parts):
        first, _ = part_of(awake, part, parts, BLOCK)
        while place < features.size and features[place] < first:
            place += 1
        bounds[part] = place


@njit(**_SHORT_LOOPS)
def gather_columns(parameters, by_feature, columns, part, first, last):
    """Parameters of the features of a part, ``first`` to ``last`` - 1, feature by feature; of seen ones at least."""
    bounds, features, _, _ = by_feature
    width = _at(len(parameters))
    for k in range(len(parameters)):
        row = parameters[k]
        if bounds[part + 1] - bounds[part] < last - first:
            for j in range(bounds[part], bounds[part + 1]):
                columns[_at(features[j]) * width + _at(k)] = row[_at(features[j])]
        else:
            for i in range(first, last):
                columns[_at(i) * width + _at(k)] = row[_at(i)]


@njit(**_SHORT_LOOPS)
def encode(parameters, columns, by_point, hidden, near, first, last):
    """Hidden = W X, (m, T) and into ``near``, for datapoints ``first`` to ``last`` - 1."""
    indptr, indices, values = by_point
    m = len(parameters) - 1
    for t in range(first, last):
        h = _at(2 * m * t)
        for k in range(m):
            near[h + _at(k)] = near.dtype.type(0)
        for j in range(indptr[t], indptr[t + 1]):
            column = _at(indices[j]) * _at(m + 1)
            for k in range(m):
                near[h + _at(k)] += values[j] * columns[column + _at(k)]
        for k in range(m):
            hidden[k, t] = near[h + _at(k)]


@njit(**_SHORT_LOOPS)
def pull_points(parameters, columns, by_point, partial, near, first, last):
    """T/2 · ∂loss/∂h_t into ``near``: the partial dense sums in order, less the cross terms of active outputs."""
    indptr, indices, values = by_point
    m = len(parameters) - 1
    for k in range(m):
        sums = partial[0, k]
        for part in range(1, partial.shape[0]):
            row = partial[part, k]
            for t in range(first, last):
                sums[t] += row[t]
        for t in range(first, last):
            near[2 * m * t + m + k] = sums[t]
    for t in range(first, last):
        h = _at(2 * m * t)
        for j in range(indptr[t], indptr[t + 1]):
            column = _at(indices[j]) * _at(m + 1)
            z = columns[column + _at(m)]
            for k in range(m):
                z += columns[column + _at(k)] * near[h + _at(k)]
            on = values[j] * (z > 0)
            for k in range(m):
                near[h + _at(m + k)] -= on * columns[column + _at(k)]


@njit(**_SHORT_LOOPS)
def add_sparse(parameters, columns, by_feature, near, gradients, part):
    """Add to a part's gradients, (m+1, n), the cross term -2xy and the path through the encoder."""
    bounds, features, points, values = by_feature
    m = len(parameters) - 1
    for j in range(bounds[part], bounds[part + 1]):
        i, h, x = _at(features[j]), _at(2 * m) * _at(points[j]), values[j]
        column = i * _at(m + 1)
        z = columns[column + _at(m)]
        for k in range(m):
            z += columns[column + _at(k)] * near[h + _at(k)]
        on = x * (z > 0)
        for k in range(m):
            gradients[_at(k), i] += x * near[h + _at(m + k)] - on * near[h + _at(k)]
        gradients[_at(m), i] -= on


def _compute_gradients(parameters, gradients, by_point, by_feature, work):
    """T/2 times the gradient of the loss, into ``gradients``."""
    hidden, partial, scratch, columns, near, sums = work
    n, T, parts = parameters[0].size, hidden.shape[1], partial.shape[0]
    cut(by_feature, n, parts)
    for part in range(parts):
        first, last = part_of(n, part, parts, BLOCK)
        gather_columns(parameters, by_feature, columns, part, first, last)
    encode(parameters, columns, by_point, hidden, near, 0, T)
    for part in range(parts):
        first, last = part_of(n, part, parts, BLOCK)
        dense_pairs(parameters, hidden, gradients, partial[part], scratch[part], first, last)
    pull_points(parameters, columns, by_point, partial, near, 0, T)
    for part in range(parts):
        add_sparse(parameters, columns, by_feature, near, sums, part)


def _advance(rows, by_point, by_feature, work, culling, sleep, scalars, rates, constants, start, stop):
    """AdamW steps ``start`` to ``stop`` - 1 in place; step s uses ``rates[s]``. Returns the step reached. ``rows`` are
    those of parameters, both moments and gradients. Pairs are summed as ``culling`` says (`interact`). ``sleep`` has
    `HeldState.watch`, margins and `log_decay`, then how many features are awake, which this function may raise, and the
    step since which the others sleep. Stops after a step that leaves a parameter infinite or NaN.
    """
    parameters, first_moments, second_moments, gradients = rows
    hidden, partial, scratch, columns, near, sums = work
    weight_decay, beta1, beta2, epsilon = constants
    T, parts, awake = hidden.shape[1], partial.shape[0], sleep[3][0]
    scalars[4], scalars[5], scalars[6] = epsilon, beta1, beta2
    scalars[7], scalars[8] = 1.0 - beta1, 1.0 - beta2
    scalars[0] = 2.0 / T
    finite = np.ones(parts, np.bool_)
    cut(by_feature, awake, parts)
    for part in range(parts):
        low, high = part_of(awake, part, parts, BLOCK)
        gather_columns(parameters, by_feature, columns, part, low, high)
    for step in range(start, stop):
        rate = rates[step]
        scalars[1] = 1.0 - rate * weight_decay
        scalars[2] = rate / (1.0 - beta1 ** (step + 1.0))
        scalars[3] = 1.0 / math.sqrt(1.0 - beta2 ** (step + 1.0))
        plan(culling)
        for part in prange(parts):
            low, high = part_of(T, part, parts, NODE_POINTS)
            encode(parameters, columns, by_point, hidden, near, low, high)
            prepare(culling, hidden, low, high)
        awake = wake(rows, hidden, sleep, culling, awake, step)
        if awake > sleep[3][0]:
            sleep[3][0] = awake
            cut(by_feature, awake, parts)
        for part in prange(parts):
            low, high = part_of(awake, part, parts, BLOCK)
            interact(culling, (parameters, hidden, gradients, partial, scratch), part, low, high)
        for part in prange(parts):
            low, high = part_of(T, part, parts, 1)
            pull_points(parameters, columns, by_point, partial, near, low, high)
        for part in prange(parts):
            low, high = part_of(awake, part, parts, BLOCK)
            add_sparse(parameters, columns, by_feature, near, sums, part)
            for k in range(len(parameters)):
                moved = adamw(
                    parameters[k], first_moments[k], second_moments[k], gradients[k], scalars, low, high
                )
                finite[part] = (k == 0 or finite[part]) and moved
            gather_columns(parameters, by_feature, columns, part, low, high)
        if not finite.all():
            return step + 1
    return stop


def _accumulate_point_errors(parameters, indptr, indices, values, hidden, outputs, errors):
    """errors[t] = Σ_i (x_it - y_it)² in the precision of its float64 arguments; ``outputs`` is (BLOCK,) scratch."""
    m, n_points = hidden.shape
    n_features, u, v, c = parameters[0].size, parameters[0], parameters[m - 1], parameters[m]
    columns, near = np.ascontiguousarray(parameters.T).reshape(-1), np.empty(2 * m * n_points)
    encode(parameters, columns, (indptr, indices, values), hidden, near, 0, n_points)
    for start in range(0, n_features, BLOCK):
        z = outputs[: n_features - start]
        for t in range(n_points):
            total = 0.0
            if m == 2:  # in registers, five times as fast
                g, h = hidden[0, t], hidden[1, t]
                for i in range(start, start + z.size):
                    y = max(c[i] + u[i] * g + v[i] * h, 0.0)
                    total += y * y
                errors[t] += total
                continue
            z[:] = c[start : start + z.size]
            for k in range(m):
                weight = parameters[k][start : start + z.size]
                h = hidden[k, t]
                for i in range(z.size):
                    z[i] += weight[i] * h
            for i in range(z.size):
                y = max(z[i], 0.0)
                total += y * y
            errors[t] += total
    for t in range(n_points):
        for j in range(indptr[t], indptr[t + 1]):
            i = indices[j]
            active = parameters[m][i]
            for k in range(m):
                active += parameters[k][i] * hidden[k, t]
            y = max(active, 0.0)
            errors[t] += (values[j] - y) * (values[j] - y) - y * y


compute_gradients = compiled(_compute_gradients, "compute_gradients")
accumulate_point_errors = compiled(_accumulate_point_errors, "accumulate_point_errors")
#: On one core; runs of different seeds may call it at once.
advance = compiled(_advance, "advance")
#: On every core; one call at a time.
advance_on_all_cores = compiled(_advance, "advance_on_all_cores", parallel=True)
