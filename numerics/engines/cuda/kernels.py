"""Triton kernels of the cuda engine: one AdamW step in six launches, no n-by-T array, no atomics.

The loss is split, and gradients scaled by T/2, as in `numerics.engines.cpu.kernels`. A step is

    encode          h = W X
    gate            g = x where the output of that entry is active, else 0
    dense_pairs     Σ_i y w per datapoint, cut into parts       (rows: datapoints, columns: features)
    pull            q = T/2 ∂loss/∂h, the parts in order less Σ g w
    dense_pairs     Σ_t y h and Σ_t y per feature, cut into parts   (rows: features, columns: datapoints)
    finish          gradient = the parts in order + Σ (x q - g h), then AdamW

Runs of one shape lie one after the other: parameters, moments (runs, m+1, n), b last, hidden and pulled (runs, m, T).
Datasets are column-compressed with offsets that count through all runs; a row-compressed twin holds each entry's
datapoint and place. Sums are taken by one program in an order that depends on the shape alone, so the bits depend
neither on the number of runs nor on the cut of steps into calls; whatever is no sum has one writer. Offsets are
64-bit: n, T and their multiples may pass 2³¹ together. Integers are not specialised on their values, so one
compilation serves every shape, but for the number of columns of `dense_pairs`, which sets its inner strides.
"""

# ruff: noqa: RUF005 (Triton compiles tuples added up, but no starred ones)

from __future__ import annotations

import triton
import triton.language as tl
from triton.language import constexpr

_SHAPE = ["n", "T", "n_rows", "parts", "steps"]


@triton.jit
def _sum_parts(source, parts, stride, inside, ROWS: constexpr):
    """(ROWS,) sum over parts of what lies at ``source`` (ROWS,) and every ``stride`` after it."""
    TILE: constexpr = 16
    total = tl.zeros((TILE, ROWS), source.dtype.element_ty)
    for first in range(0, parts, TILE):
        part = first + tl.arange(0, TILE)[:, None].to(tl.int64)
        total += tl.load(source[None, :] + part * stride, (part < parts) & inside[None, :], 0.0)
    return tl.sum(total, axis=0)


@triton.jit
def _program(length, several, BLOCK: constexpr):
    """Which block of ``length`` rows, which of ``several`` programs of that block and which run this program is."""
    program = tl.program_id(0).to(tl.int64)
    blocks = (length + BLOCK - 1) // BLOCK
    return program % blocks, program // blocks % several, program // blocks // several


@triton.jit
def _rows(indptr, run, length, block, ROWS: constexpr):
    """The rows of a block, which of them there are, and where their entries start and stop."""
    row = block * ROWS + tl.arange(0, ROWS)
    known = row < length
    start = tl.load(indptr + run * (length + 1) + row, known, 0)
    return row, known, start, tl.load(indptr + run * (length + 1) + row + 1, known, 0)


@triton.jit
def _entries(start, stop, offset, LANES: constexpr):
    """(ROWS, LANES) entries from ``offset`` on of each row, and which of them there are."""
    entry = start[:, None] + offset + tl.arange(0, LANES)[None, :]
    return entry, entry < stop[:, None]


@triton.jit
def _sum_entries(values, indices, weights, start, stop, ROWS: constexpr, LANES: constexpr):
    """(ROWS,) sum over entries ``start`` to ``stop`` - 1 of each row of value times weight."""
    total = tl.zeros((ROWS, LANES), weights.dtype.element_ty)
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry, inside = _entries(start, stop, offset, LANES)
        i = tl.load(indices + entry, inside, 0)
        total += tl.load(values + entry, inside, 0.0) * tl.load(weights + i, inside, 0.0)
    return tl.sum(total, axis=1)


@triton.jit(do_not_specialize=_SHAPE)
def encode(
    parameters,
    indptr,
    indices,
    values,
    hidden,
    counter,
    n,
    T,
    M: constexpr,
    ROWS: constexpr,
    LANES: constexpr,
):
    """Hidden = W X; also counts the step, which nothing else in this launch reads."""
    if tl.program_id(0) == 0:
        tl.store(counter, tl.load(counter) + 1)
    block, k, run = _program(T, M, ROWS)
    t, known, start, stop = _rows(indptr, run, T, block, ROWS)
    weights = parameters + (run * (M + 1) + k) * n
    total = _sum_entries(values, indices, weights, start, stop, ROWS, LANES)
    tl.store(hidden + (run * M + k) * T + t, total, known)


@triton.jit(do_not_specialize=_SHAPE)
def gate(
    parameters, indptr, indices, values, hidden, gated, n, T, M: constexpr, ROWS: constexpr, LANES: constexpr
):
    """Into gated: each entry of X where its own output is active, else 0."""
    block, _, run = _program(T, 1, ROWS)
    t, known, start, stop = _rows(indptr, run, T, block, ROWS)
    weights = parameters + run * (M + 1) * n
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry, inside = _entries(start, stop, offset, LANES)
        i = tl.load(indices + entry, inside, 0)
        z = tl.load(weights + M * n.to(tl.int64) + i, inside, 0.0)
        for k in range(M):
            h = tl.load(hidden + (run * M + k) * T + t, known, 0.0)
            z += tl.load(weights + k * n.to(tl.int64) + i, inside, 0.0) * h[:, None]
        x = tl.load(values + entry, inside, 0.0)
        tl.store(gated + entry, tl.where(z > 0, x, 0.0), inside)


@triton.jit(do_not_specialize=_SHAPE)
def dense_pairs(
    rows,
    columns,
    partial,
    n_rows,
    parts,
    N_COLUMNS: constexpr,
    M: constexpr,
    FEATURE_ROWS: constexpr,
    BLOCK: constexpr,
):
    """Σ_columns y c, and Σ_columns y where rows are features, for one block of rows and one part of the columns.
    Threads own rows and walk along the columns, so the sums stay in registers and nothing is exchanged. With y the
    output of a pair, c is the column's vector. Features are (runs, m+1, n), datapoints (runs, m, T).
    """
    block, part, run = _program(n_rows, parts, BLOCK)
    row, stride = block * BLOCK + tl.arange(0, BLOCK), n_rows.to(tl.int64)
    known = row < n_rows
    length = (N_COLUMNS + parts - 1) // parts
    first = tl.minimum(part * length, N_COLUMNS)
    last = tl.minimum(first + length, N_COLUMNS)
    own = rows + run * (M + FEATURE_ROWS) * stride + row
    others = columns + run * (M + 1 - FEATURE_ROWS) * N_COLUMNS
    result = partial + (run * parts + part) * (M + FEATURE_ROWS) * stride + row
    total = tl.zeros((BLOCK,), rows.dtype.element_ty)
    bias = total
    if FEATURE_ROWS:
        bias = tl.load(own + M * stride, known, 0.0)
    vectors: tl.tuple = ()
    sums: tl.tuple = ()
    for k in tl.static_range(M):
        vectors = vectors + (tl.load(own + k * stride, known, 0.0),)
        sums = sums + (total,)
    for j in range(first, last):
        z = bias
        if not FEATURE_ROWS:
            z = bias + tl.load(others + M * N_COLUMNS + j)
        other: tl.tuple = ()
        for k in tl.static_range(M):
            other = other + (tl.load(others + k * N_COLUMNS + j),)
        for k in tl.static_range(M):
            z += vectors[k] * other[k]
        y = tl.maximum(z, 0.0, propagate_nan=tl.PropagateNan.ALL)
        if FEATURE_ROWS:
            total += y
        added: tl.tuple = ()
        for k in tl.static_range(M):
            added = added + (sums[k] + y * other[k],)
        sums = added
    for k in tl.static_range(M):
        tl.store(result + k * stride, sums[k], known)
    if FEATURE_ROWS:
        tl.store(result + M * stride, total, known)


@triton.jit(do_not_specialize=_SHAPE)
def pull(
    parameters,
    indptr,
    indices,
    gated,
    partial,
    pulled,
    n,
    T,
    parts,
    M: constexpr,
    ROWS: constexpr,
    LANES: constexpr,
):
    """T/2 · ∂loss/∂h into pulled: the dense parts less the cross terms of active outputs."""
    block, k, run = _program(T, M, ROWS)
    t, known, start, stop = _rows(indptr, run, T, block, ROWS)
    weights = parameters + (run * (M + 1) + k) * n
    cross = _sum_entries(gated, indices, weights, start, stop, ROWS, LANES)
    dense = _sum_parts(partial + (run * parts * M + k) * T + t, parts, M * T.to(tl.int64), known, ROWS)
    tl.store(pulled + (run * M + k) * T + t, dense - cross, known)


@triton.jit
def _adamw(parameters, first_moments, second_moments, place, known, g, row, steps, constants):
    """A step in the order of `torch.optim.AdamW`: decay, moments, bias-corrected step; the new parameters."""
    keep, rate, root = tl.load(row), tl.load(row + steps), tl.load(row + 2 * steps.to(tl.int64))
    mean = tl.load(first_moments + place, known, 0.0) * tl.load(constants + 1) + g * tl.load(constants + 2)
    square = tl.load(second_moments + place, known, 0.0) * tl.load(constants + 3)
    square += g * g * tl.load(constants + 4)
    change = rate * mean / (tl.sqrt(square) * root + tl.load(constants + 5))
    tl.store(first_moments + place, mean, known)
    tl.store(second_moments + place, square, known)
    moved = tl.load(parameters + place, known, 0.0) * keep - change
    tl.store(parameters + place, moved, known)
    return moved


@triton.jit(do_not_specialize=_SHAPE)
def finish(
    parameters,
    first_moments,
    second_moments,
    indptr,
    points,
    places,
    values,
    gated,
    hidden,
    pulled,
    partial,
    schedule,
    constants,
    counter,
    diverged,
    n,
    T,
    parts,
    steps,
    M: constexpr,
    ROWS: constexpr,
    LANES: constexpr,
):
    """The gradient of one block of features in one row of the parameters, and their AdamW step. Numbers of the step
    are read from ``schedule`` (runs, 3, steps) at the device's own counter, for replays. ``diverged`` holds for
    each run the first step that left a parameter infinite or NaN; later ones change nothing. It needs no atomics: all
    that write to it in one step write that step, and it is only asked for earlier ones.
    """
    block, k, run = _program(n, M + 1, ROWS)
    step = tl.load(counter)
    if tl.load(diverged + run) < step:
        return
    i, known, start, stop = _rows(indptr, run, n, block, ROWS)
    is_weight = k < M
    own = (run * M + tl.minimum(k, M - 1)) * T
    sparse = tl.zeros((ROWS, LANES), parameters.dtype.element_ty)
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry, inside = _entries(start, stop, offset, LANES)
        t = tl.load(points + entry, inside, 0)
        place = tl.load(places + entry, inside, 0)
        q = tl.where(is_weight, tl.load(pulled + own + t, inside, 0.0), 0.0)
        h = tl.where(is_weight, tl.load(hidden + own + t, inside, 0.0), 1.0)
        x = tl.load(values + place, inside, 0.0)
        sparse += x * q - tl.load(gated + place, inside, 0.0) * h
    dense = _sum_parts(
        partial + (run * parts * (M + 1) + k) * n + i, parts, (M + 1) * n.to(tl.int64), known, ROWS
    )
    g = (dense + tl.sum(sparse, axis=1)) * tl.load(constants)
    row = schedule + run * 3 * steps + step - 1
    place = (run * (M + 1) + k) * n + i
    moved = _adamw(parameters, first_moments, second_moments, place, known, g, row, steps, constants)
    if tl.max(tl.where(tl.abs(moved) < float("inf"), 0, 1), axis=0) > 0:
        tl.store(diverged + run, step)
