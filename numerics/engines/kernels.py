"""Compiled kernels of the cpu engine: gradients without an n-by-T array, AdamW, point errors.

Subject. With z_it = w_i·h_t + b_i, y = max(z, 0) and h = W X the loss is

    (1/T) [ Σ_it y_it²  -  2 Σ_{x_it ≠ 0} x_it y_it  +  Σ x_it² ].

Only the first sum is dense, and it is a pair interaction of n features with T datapoints in m dimensions: per pair
3m multiply-adds, one max, one add, and nothing of size n × T is stored. The other terms run over the non-zeros of X.

Normalisation. Kernels work on T/2 times the gradient; the factor 2/T enters in `adamw`.

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
from typing import Any

import numpy as np
from numba import njit
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


def _block_loop(m: int, points: int) -> Callable[..., None]:
    namespace: dict[str, Any] = {}
    exec(_block_source(m, points), namespace)  # our own text, built from two integers
    return njit(**_COMPILE)(namespace[_block_name(m, points)])  # type: ignore[no-any-return]


def dense_pairs(parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any) -> None:
    """Σ_t y h, Σ_t y (into ``gradients``) and Σ_i y w (into ``pulled``, (m, T)) over all n × T pairs."""
    raise NotImplementedError("compiled code only")


@overload(dense_pairs)
def _dense_pairs_for(parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any) -> Any:
    m = parameters.count - 1
    most = 4 if m <= 3 else 2  # more would spill the accumulators out of the vector registers
    many, two, one = _block_loop(m, most), _block_loop(m, 2), _block_loop(m, 1)

    def run(parameters: Any, hidden: Any, gradients: Any, pulled: Any, scratch: Any) -> None:
        n_features = parameters[0].size
        n_points = hidden.shape[1]
        zero = scratch.dtype.type(0)
        pulled[:] = zero
        for start in range(0, n_features, BLOCK):
            size = min(BLOCK, n_features - start)
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
            if t + 2 <= n_points:
                two(scratch, hidden, pulled, t, size)
                t += 2
            if t < n_points:
                one(scratch, hidden, pulled, t, size)
            for k in range(m + 1):
                source, target = sums[k * BLOCK :], gradients[k][start : start + size]
                for i in range(size):
                    target[i] = source[i]

    return run


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def encode(parameters: Any, indptr: Any, indices: Any, values: Any, hidden: Any) -> None:
    """Hidden = W X, (m, T)."""
    m = hidden.shape[0]
    for t in range(hidden.shape[1]):
        for k in range(m):
            total = hidden.dtype.type(0)
            for j in range(indptr[t], indptr[t + 1]):
                total += values[j] * parameters[k][indices[j]]
            hidden[k, t] = total


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def sparse_terms(
    parameters: Any, indptr: Any, indices: Any, values: Any, hidden: Any, gradients: Any, pulled: Any
) -> None:
    """Add what the non-zeros of X contribute: the cross term -2xy and the path through the encoder."""
    m = hidden.shape[0]
    for t in range(hidden.shape[1]):
        for j in range(indptr[t], indptr[t + 1]):
            i = indices[j]
            z = parameters[m][i]
            for k in range(m):
                z += parameters[k][i] * hidden[k, t]
            if z > 0:
                gradients[m][i] -= values[j]
                for k in range(m):
                    gradients[k][i] -= values[j] * hidden[k, t]
                    pulled[k, t] -= values[j] * parameters[k][i]
        for j in range(indptr[t], indptr[t + 1]):
            for k in range(m):
                gradients[k][indices[j]] += values[j] * pulled[k, t]


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def adamw(parameter: Any, first: Any, second: Any, gradient: Any, scalars: Any) -> None:
    """One AdamW step in the order of `torch.optim.AdamW`: decay, moments, bias-corrected step."""
    scale, keep, rate, root, epsilon = scalars[0], scalars[1], scalars[2], scalars[3], scalars[4]
    beta1, beta2, rest1, rest2 = scalars[5], scalars[6], scalars[7], scalars[8]
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
    indptr: Any,
    indices: Any,
    values: Any,
    hidden: Any,
    gradients: Any,
    pulled: Any,
    scratch: Any,
) -> None:
    """T/2 times the gradient of the loss, into ``gradients``; ``hidden`` and ``pulled`` (m, T) are work space."""
    encode(parameters, indptr, indices, values, hidden)
    dense_pairs(parameters, hidden, gradients, pulled, scratch)
    sparse_terms(parameters, indptr, indices, values, hidden, gradients, pulled)


@njit(cache=True, **_COMPILE)  # type: ignore[untyped-decorator]
def advance(
    parameters: Any,
    first: Any,
    second: Any,
    gradients: Any,
    indptr: Any,
    indices: Any,
    values: Any,
    hidden: Any,
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
    """AdamW steps ``start`` to ``stop`` - 1 in place; step s uses ``learning_rates[s]``."""
    scalars[4], scalars[5], scalars[6] = epsilon, beta1, beta2
    scalars[7], scalars[8] = 1.0 - beta1, 1.0 - beta2
    scalars[0] = 2.0 / hidden.shape[1]
    for step in range(start, stop):
        encode(parameters, indptr, indices, values, hidden)
        dense_pairs(parameters, hidden, gradients, pulled, scratch)
        sparse_terms(parameters, indptr, indices, values, hidden, gradients, pulled)
        rate = learning_rates[step]
        scalars[1] = 1.0 - rate * weight_decay
        scalars[2] = rate / (1.0 - beta1 ** (step + 1.0))
        scalars[3] = 1.0 / math.sqrt(1.0 - beta2 ** (step + 1.0))
        for k in range(len(parameters)):
            adamw(parameters[k], first[k], second[k], gradients[k], scalars)


@njit(cache=True, **_COMPILE)  # type: ignore[untyped-decorator]
def accumulate_point_errors(
    parameters: Any, indptr: Any, indices: Any, values: Any, hidden: Any, outputs: Any, errors: Any
) -> None:
    """errors[t] = Σ_i (x_it - y_it)² in the precision of its float64 arguments; ``outputs`` is (BLOCK,) scratch."""
    m, n_points = hidden.shape
    n_features = parameters[0].size
    encode(parameters, indptr, indices, values, hidden)
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
