"""Compiled kernels of the cpu engine: gradients without an n-by-T array, AdamW, point errors.

Subject. With z_it = w_i·h_t + b_i, y = max(z, 0) and h = W X the loss is

    (1/T) [ Σ_it y_it²  -  2 Σ_{x_it ≠ 0} x_it y_it  +  Σ x_it² ].

Only the first sum is dense, and it is a pair interaction of n features with T datapoints in m dimensions: per pair
3m multiply-adds, one max, one add, and nothing of size n × T is stored. The other terms run over the non-zeros of X.

Normalisation. Kernels work on T/2 times the gradient; the factor 2/T enters in `adamw`.

Parts. `advance` cuts features and datapoints into as many parts as ``partial`` has rows. Parts are independent between
two barriers, and sums over parts run in their order, so the bits do not depend on how parts meet threads.

Layout. Parameters, gradients and moments are (m+1, n) arrays, row k < m holds W[k], row m holds b. Kernels take them as
tuples of their rows, so that m is part of the *type*: `dense_pairs` is unrolled over m when it is compiled. Datasets
come column-compressed (`indptr`, `indices`, `values`).

All compiled functions and the constants compiled into them live in this one file, because the on-disk cache of
compiled code only notices edits of the file that holds the cached function; other constants are arguments. Sums run
over fixed blocks in a fixed order: same input, same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit, prange
from numba.extending import overload

# fastmath allows vectorised reductions; it also lets the compiler assume away NaN, so NaN is looked for outside.
_COMPILE: dict[str, Any] = {"fastmath": True, "error_model": "numpy", "boundscheck": False, "nogil": True}

#: Features per block: (2m + 2) rows of this length stay in the first-level cache for small m.

BLOCK = 512


def _block_name(m: int, points: int) -> str:
    """Says all the source depends on: cached machine code is linked by name and argument types, which m is not part of.

    With one name for several m, code cached by one process would be linked into another's kernel for another m.
    """
    return f"block_of_{BLOCK}_by_{points}_in_{m}"


def _block_source(m: int, points: int) -> str:
    """Source of the loop over one block of features for ``points`` datapoints at once, unrolled over m."""
    rows, datapoints = range(m), range(points)
    gradient, bias, bias_gradient = (m + 1) * BLOCK, m * BLOCK, (2 * m + 1) * BLOCK
    lines = [
        f"def {_block_name(m, points)}(block, hidden, pulled, t, size):",
        "    zero = block.dtype.type(0)",
    ]
    lines += [f"    h{k}_{j} = hidden[{k}, t + {j}]; q{k}_{j} = zero" for k in rows for j in datapoints]
    lines += ["    for i in range(size):", f"        b = block[{bias} + i]"]
    lines += [f"        w{k} = block[{k * BLOCK} + i]" for k in rows]
    for j in datapoints:
        lines.append(f"        y{j} = max(b + " + " + ".join(f"w{k} * h{k}_{j}" for k in rows) + ", zero)")
    lines.append(f"        block[{bias_gradient} + i] += " + " + ".join(f"y{j}" for j in datapoints))
    for k in rows:
        lines.append(
            f"        block[{gradient + k * BLOCK} + i] += "
            + " + ".join(f"y{j} * h{k}_{j}" for j in datapoints)
        )
        lines += [f"        q{k}_{j} += y{j} * w{k}" for j in datapoints]
    lines += [f"    pulled[{k}, t + {j}] += q{k}_{j}" for k in rows for j in datapoints]
    return "\n".join(lines)


@cache
def _block_loop(m: int, points: int) -> Callable[..., None]:
    namespace: dict[str, Any] = {}
    exec(_block_source(m, points), namespace)  # our own text, built from two integers
    return njit(**_COMPILE)(namespace[_block_name(m, points)])  # type: ignore[no-any-return]


def dense_pairs(
    parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any, first: int, last: int
) -> None:
    """Σ_t y h, Σ_t y (into ``gradients``) and Σ_i y w (into ``pulled``, (m, T)); features ``first`` to ``last`` - 1."""
    raise NotImplementedError("compiled code only")


@overload(dense_pairs)
def _dense_pairs_for(
    parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any, first: int, last: int
) -> Any:
    m = parameters.count - 1
    # More at once would spill the accumulators out of the vector registers; for large m even one fills them, and every
    # further variant costs its compile time.
    most, pair = (4, 2) if m <= 3 else (2, 2) if m <= 16 else (1, 1)
    many, two, one = _block_loop(m, most), _block_loop(m, pair), _block_loop(m, 1)

    def run(
        parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any, first: int, last: int
    ) -> None:
        n_points = hidden.shape[1]
        zero = scratch.dtype.type(0)
        pulled[:] = zero
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            for k in range(m + 1):
                source, target = parameters[k][start : start + size], scratch[k * BLOCK :]
                for i in range(size):
                    target[i] = source[i]
            sums = scratch[(m + 1) * BLOCK :]
            for i in range(sums.size):
                sums[i] = zero
            t = 0
            while t + most <= n_points:
                many(scratch, hidden, pulled, t, size)
                t += most
            if t + pair <= n_points:
                two(scratch, hidden, pulled, t, size)
                t += pair
            if t < n_points:
                one(scratch, hidden, pulled, t, size)
            for k in range(m + 1):
                source, target = sums[k * BLOCK :], gradients[k][start : start + size]
                for i in range(size):
                    target[i] = source[i]

    return run


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def part_of(length: int, part: int, parts: int, grain: int) -> tuple[int, int]:
    """Range ``part`` of ``parts`` that cut ``length`` on multiples of ``grain``; depends on nothing else."""
    grains = (length + grain - 1) // grain
    return grains * part // parts * grain, min(length, grains * (part + 1) // parts * grain)


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def encode(parameters: Any, by_point: Any, hidden: Any, first: int, last: int) -> None:
    """Hidden = W X, (m, T), for datapoints ``first`` to ``last`` - 1."""
    indptr, indices, values = by_point
    for t in range(first, last):
        for k in range(hidden.shape[0]):
            total = hidden.dtype.type(0)
            for j in range(indptr[t], indptr[t + 1]):
                total += values[j] * parameters[k][indices[j]]
            hidden[k, t] = total


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def pull_points(
    parameters: Any, by_point: Any, hidden: Any, partial: Any, pulled: Any, first: int, last: int
) -> None:
    """T/2 · ∂loss/∂h_t into ``pulled``: the partial dense sums in order, less the cross terms of active outputs."""
    indptr, indices, values = by_point
    m = hidden.shape[0]
    for k in range(m):
        for t in range(first, last):
            total = partial[0, k, t]
            for part in range(1, partial.shape[0]):
                total += partial[part, k, t]
            pulled[k, t] = total
    for t in range(first, last):
        for j in range(indptr[t], indptr[t + 1]):
            i = indices[j]
            z = parameters[m][i]
            for k in range(m):
                z += parameters[k][i] * hidden[k, t]
            if z > 0:
                for k in range(m):
                    pulled[k, t] -= values[j] * parameters[k][i]


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def add_sparse(parameters: Any, by_feature: Any, hidden: Any, pulled: Any, gradients: Any, part: int) -> None:
    """Add to the gradients of the seen features of a part what the non-zeros of X contribute.

    These are the cross term -2xy and the path through the encoder.
    """
    bounds, seen, indptr, points, values = by_feature
    m = hidden.shape[0]
    for entry in range(bounds[part], bounds[part + 1]):
        i = seen[entry]
        for j in range(indptr[entry], indptr[entry + 1]):
            t, x = points[j], values[j]
            z = parameters[m][i]
            for k in range(m):
                z += parameters[k][i] * hidden[k, t]
                gradients[k][i] += x * pulled[k, t]
            if z > 0:
                gradients[m][i] -= x
                for k in range(m):
                    gradients[k][i] -= x * hidden[k, t]


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def adamw(
    parameter: Any, first: Any, second: Any, gradient: Any, scalars: Any, start: int, stop: int
) -> None:
    """One AdamW step of a range in the order of `torch.optim.AdamW`: decay, moments, bias-corrected step."""
    scale, keep, rate, root, epsilon = scalars[0], scalars[1], scalars[2], scalars[3], scalars[4]
    beta1, beta2, rest1, rest2 = scalars[5], scalars[6], scalars[7], scalars[8]
    parameter, first = parameter[start:stop], first[start:stop]
    second, gradient = second[start:stop], gradient[start:stop]
    for i in range(parameter.size):
        g = gradient[i] * scale
        mean = first[i] * beta1 + g * rest1
        square = second[i] * beta2 + g * g * rest2
        first[i] = mean
        second[i] = square
        parameter[i] = parameter[i] * keep - rate * mean / (math.sqrt(square) * root + epsilon)


@njit(cache=True, **_COMPILE)  # type: ignore[untyped-decorator]
def compute_gradients(
    parameters: Any,
    gradients: Any,
    by_point: Any,
    by_feature: Any,
    hidden: Any,
    partial: Any,
    pulled: Any,
    scratch: Any,
) -> None:
    """T/2 times the gradient of the loss, into ``gradients``; the arrays from ``hidden`` on are work space."""
    n, T, parts = parameters[0].size, hidden.shape[1], partial.shape[0]
    encode(parameters, by_point, hidden, 0, T)
    for part in range(parts):
        first, last = part_of(n, part, parts, BLOCK)
        dense_pairs(parameters, hidden, gradients, partial[part], scratch[part], first, last)
    pull_points(parameters, by_point, hidden, partial, pulled, 0, T)
    for part in range(parts):
        add_sparse(parameters, by_feature, hidden, pulled, gradients, part)


def _advance(
    parameters: Any,
    first_moments: Any,
    second_moments: Any,
    gradients: Any,
    by_point: Any,
    by_feature: Any,
    hidden: Any,
    partial: Any,
    pulled: Any,
    scratch: Any,
    scalars: Any,
    learning_rates: Any,
    weight_decay: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    start: int,
    stop: int,
) -> None:
    """AdamW steps ``start`` to ``stop`` - 1 in place; step s uses ``learning_rates[s]``.

    Features and datapoints are cut into as many parts as ``partial`` has rows; parts are independent between two
    barriers, and sums over parts run in their order, so the bits do not depend on how parts meet threads.
    """
    n, T, parts = parameters[0].size, hidden.shape[1], partial.shape[0]
    scalars[4], scalars[5], scalars[6] = epsilon, beta1, beta2
    scalars[7], scalars[8] = 1.0 - beta1, 1.0 - beta2
    scalars[0] = 2.0 / T
    for step in range(start, stop):
        rate = learning_rates[step]
        scalars[1] = 1.0 - rate * weight_decay
        scalars[2] = rate / (1.0 - beta1 ** (step + 1.0))
        scalars[3] = 1.0 / math.sqrt(1.0 - beta2 ** (step + 1.0))
        for part in prange(parts):
            low, high = part_of(T, part, parts, 1)
            encode(parameters, by_point, hidden, low, high)
        for part in prange(parts):
            low, high = part_of(n, part, parts, BLOCK)
            dense_pairs(parameters, hidden, gradients, partial[part], scratch[part], low, high)
        for part in prange(parts):
            low, high = part_of(T, part, parts, 1)
            pull_points(parameters, by_point, hidden, partial, pulled, low, high)
        for part in prange(parts):
            low, high = part_of(n, part, parts, BLOCK)
            add_sparse(parameters, by_feature, hidden, pulled, gradients, part)
            for k in range(len(parameters)):
                adamw(parameters[k], first_moments[k], second_moments[k], gradients[k], scalars, low, high)


def _compiled(name: str, **options: bool) -> Any:
    """`_advance` under its own name: the cache on disk tells functions apart by name, not by options."""
    function = FunctionType(_advance.__code__, globals(), name)
    function.__qualname__ = name
    return njit(**{"cache": True} | options | _COMPILE)(function)


#: On one core; runs of different seeds may call it at once.
advance = _compiled("advance")
#: On every core; one call at a time.
advance_on_all_cores = _compiled("advance_on_all_cores", parallel=True)


@njit(cache=True, **_COMPILE)  # type: ignore[untyped-decorator]
def accumulate_point_errors(
    parameters: Any, indptr: Any, indices: Any, values: Any, hidden: Any, outputs: Any, errors: Any
) -> None:
    """errors[t] = Σ_i (x_it - y_it)² in the precision of its float64 arguments; ``outputs`` is (BLOCK,) scratch."""
    m, n_points = hidden.shape
    n_features = parameters[0].size
    encode(parameters, (indptr, indices, values), hidden, 0, n_points)
    for start in range(0, n_features, BLOCK):
        size = min(BLOCK, n_features - start)
        z = outputs[:size]
        for t in range(n_points):
            z[:] = parameters[m][start : start + size]
            for k in range(m):
                weight = parameters[k][start : start + size]
                h = hidden[k, t]
                for i in range(size):
                    z[i] += weight[i] * h
            total = 0.0
            for i in range(size):
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


def scratch_size(m: int) -> int:
    """Length of the flat scratch buffer of `dense_pairs`: parameters and gradients of one block."""
    return 2 * (m + 1) * BLOCK


def as_rows(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
    """The rows of a C-contiguous (m+1, n) array as a tuple of views: how kernels receive parameters."""
    return tuple(array[k] for k in range(array.shape[0]))
