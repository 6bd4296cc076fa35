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

_SHAPE = ["n", "T", "n_rows", "parts", "steps"]


@triton.jit  # type: ignore[untyped-decorator]
def _sum_parts(
    source: tl.tensor, parts: tl.tensor, stride: tl.tensor, inside: tl.tensor, ROWS: tl.constexpr
) -> tl.tensor:
    """(ROWS,) sum over parts of what lies at ``source`` (ROWS,) and every ``stride`` after it."""
    TILE: tl.constexpr = 16
    total = tl.zeros((TILE, ROWS), source.dtype.element_ty)
    for first in range(0, parts, TILE):
        part = first + tl.arange(0, TILE)[:, None].to(tl.int64)
        total += tl.load(source[None, :] + part * stride, (part < parts) & inside[None, :], 0.0)
    return tl.sum(total, axis=0)


@triton.jit  # type: ignore[untyped-decorator]
def _rows(
    indptr: tl.tensor, run: tl.tensor, length: tl.tensor, block: tl.tensor, ROWS: tl.constexpr
) -> tl.tuple:
    """The rows of a block, which of them there are, and where their entries start and stop."""
    row = block * ROWS + tl.arange(0, ROWS)
    known = row < length
    start = tl.load(indptr + run * (length + 1) + row, known, 0)
    return row, known, start, tl.load(indptr + run * (length + 1) + row + 1, known, 0)


@triton.jit  # type: ignore[untyped-decorator]
def _sum_entries(
    values: tl.tensor,
    indices: tl.tensor,
    weights: tl.tensor,
    start: tl.tensor,
    stop: tl.tensor,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
) -> tl.tensor:
    """(ROWS,) sum over entries ``start`` to ``stop`` - 1 of each row of value times weight."""
    total = tl.zeros((ROWS, LANES), weights.dtype.element_ty)
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry = start[:, None] + offset + tl.arange(0, LANES)[None, :]
        inside = entry < stop[:, None]
        i = tl.load(indices + entry, inside, 0)
        total += tl.load(values + entry, inside, 0.0) * tl.load(weights + i, inside, 0.0)
    return tl.sum(total, axis=1)


@triton.jit  # type: ignore[untyped-decorator]
def _columns(part: tl.tensor, parts: tl.tensor, N_COLUMNS: tl.constexpr) -> tl.tuple:
    """The first column of a part and the first after it."""
    length = (N_COLUMNS + parts - 1) // parts
    first = tl.minimum(part * length, N_COLUMNS)
    return first, tl.minimum(first + length, N_COLUMNS)


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def encode(
    parameters: tl.tensor,
    indptr: tl.tensor,
    indices: tl.tensor,
    values: tl.tensor,
    hidden: tl.tensor,
    counter: tl.tensor,
    n: tl.tensor,
    T: tl.tensor,
    M: tl.constexpr,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
) -> None:
    """Hidden = W X; also counts the step, which nothing else in this launch reads."""
    program = tl.program_id(0).to(tl.int64)
    if program == 0:
        tl.store(counter, tl.load(counter) + 1)
    blocks = (T + ROWS - 1) // ROWS
    k = program // blocks % M
    run = program // blocks // M
    t, known, start, stop = _rows(indptr, run, T, program % blocks, ROWS)
    weights = parameters + (run * (M + 1) + k) * n
    total = _sum_entries(values, indices, weights, start, stop, ROWS, LANES)
    tl.store(hidden + (run * M + k) * T + t, total, known)


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def gate(
    parameters: tl.tensor,
    indptr: tl.tensor,
    indices: tl.tensor,
    values: tl.tensor,
    hidden: tl.tensor,
    gated: tl.tensor,
    n: tl.tensor,
    T: tl.tensor,
    M: tl.constexpr,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
) -> None:
    """Into gated: each entry of X where its own output is active, else 0."""
    program = tl.program_id(0).to(tl.int64)
    blocks = (T + ROWS - 1) // ROWS
    run = program // blocks
    t, known, start, stop = _rows(indptr, run, T, program % blocks, ROWS)
    weights = parameters + run * (M + 1) * n
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry = start[:, None] + offset + tl.arange(0, LANES)[None, :]
        inside = entry < stop[:, None]
        i = tl.load(indices + entry, inside, 0)
        z = tl.load(weights + M * n.to(tl.int64) + i, inside, 0.0)
        for k in range(M):
            h = tl.load(hidden + (run * M + k) * T + t, known, 0.0)
            z += tl.load(weights + k * n.to(tl.int64) + i, inside, 0.0) * h[:, None]
        x = tl.load(values + entry, inside, 0.0)
        tl.store(gated + entry, tl.where(z > 0, x, 0.0), inside)


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def dense_pairs(
    rows: tl.tensor,
    columns: tl.tensor,
    partial: tl.tensor,
    n_rows: tl.tensor,
    parts: tl.tensor,
    N_COLUMNS: tl.constexpr,
    M: tl.constexpr,
    FEATURE_ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """Σ_columns y c, and Σ_columns y where rows are features, for one block of rows and one part of the columns.
    Threads own rows and walk along the columns, so the sums stay in registers and nothing is exchanged. With y the
    output of a pair, c is the column's vector. Features are (runs, m+1, n), datapoints (runs, m, T).
    """
    program = tl.program_id(0).to(tl.int64)
    blocks = (n_rows + BLOCK - 1) // BLOCK
    part = program // blocks % parts
    run = program // blocks // parts
    row = program % blocks * BLOCK + tl.arange(0, BLOCK)
    known = row < n_rows
    stride = n_rows.to(tl.int64)
    first, last = _columns(part, parts, N_COLUMNS)
    own = rows + run * (M + FEATURE_ROWS) * stride + row
    others = columns + run * (M + 1 - FEATURE_ROWS) * N_COLUMNS
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
    result = partial + (run * parts + part) * (M + FEATURE_ROWS) * stride + row
    for k in tl.static_range(M):
        tl.store(result + k * stride, sums[k], known)
    if FEATURE_ROWS:
        tl.store(result + M * stride, total, known)


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def dense_pairs_tiled(
    rows: tl.tensor,
    columns: tl.tensor,
    partial: tl.tensor,
    n_rows: tl.tensor,
    parts: tl.tensor,
    N_COLUMNS: tl.constexpr,
    M: tl.constexpr,
    FEATURE_ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    TILE: tl.constexpr,
    CHUNK: tl.constexpr,
) -> None:
    """The same sums for hidden dimensions that do not fit into registers: ``CHUNK`` of them per program, by tiles.
    Products keep the full precision of float32 ("ieee"), not that of tensor cores.
    """
    program = tl.program_id(0).to(tl.int64)
    blocks = (n_rows + BLOCK - 1) // BLOCK
    chunks: tl.constexpr = (M + CHUNK - 1) // CHUNK
    chunk = program // blocks % chunks
    part = program // blocks // chunks % parts
    run = program // blocks // chunks // parts
    row = program % blocks * BLOCK + tl.arange(0, BLOCK)
    known = row < n_rows
    stride = n_rows.to(tl.int64)
    first, last = _columns(part, parts, N_COLUMNS)
    own = rows + run * (M + FEATURE_ROWS) * stride + row
    others = columns + run * (M + 1 - FEATURE_ROWS) * N_COLUMNS
    dtype = rows.dtype.element_ty
    total = tl.zeros((BLOCK,), dtype)
    sums = tl.zeros((BLOCK, CHUNK), dtype)
    mine = chunk * CHUNK + tl.arange(0, CHUNK).to(tl.int64)
    for start in range(first, last, TILE):
        j = start + tl.arange(0, TILE)
        inside = j < last
        z = tl.zeros((BLOCK, TILE), dtype)
        if FEATURE_ROWS:
            z += tl.load(own + M * stride, known, 0.0)[:, None]
        else:
            z += tl.load(others + M * N_COLUMNS + j, inside, 0.0)[None, :]
        for k_first in range(0, M, CHUNK):
            k = k_first + tl.arange(0, CHUNK).to(tl.int64)
            vectors = tl.load(own[:, None] + k[None, :] * stride, known[:, None] & (k < M)[None, :], 0.0)
            other = tl.load(
                others + k[:, None] * N_COLUMNS + j[None, :], (k < M)[:, None] & inside[None, :], 0.0
            )
            z = tl.dot(vectors, other, z, input_precision="ieee", out_dtype=dtype)
        y = tl.maximum(z, 0.0, propagate_nan=tl.PropagateNan.ALL)
        y = tl.where(inside[None, :], y, 0.0)
        total += tl.sum(y, axis=1)
        other = tl.load(
            others + mine[None, :] * N_COLUMNS + j[:, None], (mine < M)[None, :] & inside[:, None], 0.0
        )
        sums = tl.dot(y, other, sums, input_precision="ieee", out_dtype=dtype)
    result = partial + (run * parts + part) * (M + FEATURE_ROWS) * stride + row
    tl.store(result[:, None] + mine[None, :] * stride, sums, known[:, None] & (mine < M)[None, :])
    if FEATURE_ROWS:  # noqa: SIM102 (one is known to the compiler, the other to the program)
        if chunk == 0:
            tl.store(result + M * stride, total, known)


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def pull(
    parameters: tl.tensor,
    indptr: tl.tensor,
    indices: tl.tensor,
    gated: tl.tensor,
    partial: tl.tensor,
    pulled: tl.tensor,
    n: tl.tensor,
    T: tl.tensor,
    parts: tl.tensor,
    M: tl.constexpr,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
) -> None:
    """T/2 · ∂loss/∂h into pulled: the dense parts less the cross terms of active outputs."""
    program = tl.program_id(0).to(tl.int64)
    blocks = (T + ROWS - 1) // ROWS
    k = program // blocks % M
    run = program // blocks // M
    t, known, start, stop = _rows(indptr, run, T, program % blocks, ROWS)
    weights = parameters + (run * (M + 1) + k) * n
    cross = _sum_entries(gated, indices, weights, start, stop, ROWS, LANES)
    dense = _sum_parts(partial + (run * parts * M + k) * T + t, parts, M * T.to(tl.int64), known, ROWS)
    tl.store(pulled + (run * M + k) * T + t, dense - cross, known)


@triton.jit  # type: ignore[untyped-decorator]
def _adamw(
    parameters: tl.tensor,
    first_moments: tl.tensor,
    second_moments: tl.tensor,
    place: tl.tensor,
    known: tl.tensor,
    g: tl.tensor,
    row: tl.tensor,
    steps: tl.tensor,
    constants: tl.tensor,
) -> tl.tensor:
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


@triton.jit(do_not_specialize=_SHAPE)  # type: ignore[untyped-decorator]
def finish(
    parameters: tl.tensor,
    first_moments: tl.tensor,
    second_moments: tl.tensor,
    indptr: tl.tensor,
    points: tl.tensor,
    places: tl.tensor,
    values: tl.tensor,
    gated: tl.tensor,
    hidden: tl.tensor,
    pulled: tl.tensor,
    partial: tl.tensor,
    schedule: tl.tensor,
    schedule_of_run: tl.tensor,
    constants: tl.tensor,
    counter: tl.tensor,
    diverged: tl.tensor,
    n: tl.tensor,
    T: tl.tensor,
    parts: tl.tensor,
    steps: tl.tensor,
    M: tl.constexpr,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
) -> None:
    """The gradient of one block of features in one row of the parameters, and their AdamW step. Numbers of the step
    are read from ``schedule`` (schedules, 3, steps) at the device's own counter, for replays. ``diverged`` holds for
    each run the first step that left a parameter infinite or NaN; later ones change nothing. It needs no atomics: all
    that write to it in one step write that step, and it is only asked for earlier ones.
    """
    program = tl.program_id(0).to(tl.int64)
    blocks = (n + ROWS - 1) // ROWS
    k = program // blocks % (M + 1)
    run = program // blocks // (M + 1)
    step = tl.load(counter)
    if tl.load(diverged + run) < step:
        return
    i, known, start, stop = _rows(indptr, run, n, program % blocks, ROWS)
    is_weight = k < M
    own = (run * M + tl.minimum(k, M - 1)) * T
    sparse = tl.zeros((ROWS, LANES), parameters.dtype.element_ty)
    for offset in range(0, tl.max(stop - start, axis=0), LANES):
        entry = start[:, None] + offset + tl.arange(0, LANES)[None, :]
        inside = entry < stop[:, None]
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
    row = schedule + tl.load(schedule_of_run + run) * 3 * steps + step - 1
    place = (run * (M + 1) + k) * n + i
    moved = _adamw(parameters, first_moments, second_moments, place, known, g, row, steps, constants)
    if tl.max(tl.where(tl.abs(moved) < float("inf"), 0, 1), axis=0) > 0:
        tl.store(diverged + run, step)
