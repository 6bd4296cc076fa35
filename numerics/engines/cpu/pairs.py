"""The dense pair interaction of n features with T datapoints, at the rate of its arithmetic. With z_it = w_i·h_t + b_i
and y = max(z, 0), `dense_pairs` sums y h and y over datapoints and y w over features: per pair 3m multiply-adds, one
max and one add, and nothing of size n × T. NaN is carried on.

A tile of a few datapoints by a few vectors of features stays in registers while k runs over the m coordinates, once to
build z, once to hand y on: loads stay behind the arithmetic for any m, and code does not grow with m. Keeping the sums
in registers, unrolled over k, is no faster at m = 2 and spills from m = 5. A block of features is copied to
``scratch`` by chunks of ``vectors`` vectors: m rows of weights, biases, m rows of gradient sums, bias sums, zeros for
missing features; so rows of a chunk never compete for one cache set, as rows a power of two apart do.
"""

from functools import cache
from typing import Any

from llvmlite import binding
from numba import njit
from numba.extending import overload

from numerics.engines.cpu.compilation import INLINE
from numerics.engines.cpu.simd import LANES, from_source, load, load_of, splat, store, total

#: Features per block; sums over features are cut on its multiples.
BLOCK = 512

#: Bytes of a cache line; vectors that straddle two cost twice.
_LINE = 64

_FEATURES = binding.get_host_cpu_features()
#: Bytes of a vector register, and how many there are.
REGISTER = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
REGISTERS = 16 if _FEATURES.get("sse2") and REGISTER < 64 else 32


def tile_shape(itemsize: int) -> tuple[int, int, int]:
    """Datapoints, vectors of features and lanes of a vector: a register each, outputs in half of the registers, and
    `LANES` features or more. Longer vectors would have sums over features stored in pieces.
    """
    lanes, outputs = REGISTER // itemsize, REGISTERS // 2
    points = min(4, outputs * lanes // LANES)
    return points, outputs // points, lanes


def scratch_size(m: int) -> int:
    """Length of the flat scratch buffer of `dense_pairs`: a block with its sums, a tile's datapoints and their sums."""
    points = max(tile_shape(itemsize)[0] for itemsize in (4, 8))
    return 2 * (m + 1) * BLOCK + m * points * (LANES + 1) + 2 * _LINE


@cache
def _tile(points: int, vectors: int, lanes: int) -> Any:
    """The pass of ``points`` datapoints over the chunks of a block."""
    # says all the source depends on: cached machine code is linked by name and argument types
    name = f"tile_of_{points}_by_{vectors}_vectors_of_{lanes}"
    each = [(j, r) for j in range(points) for r in range(vectors)]
    places = [(r, r * lanes) for r in range(vectors)]
    weights = [f"            w{r} = load(block, at + {place})" for r, place in places]
    lines = [
        f"def {name}(block, near, sums, m, chunks):",
        f"    width = {vectors * lanes}",
        "    zero = splat(block.dtype.type(0))",
        f"    for row in range(m * {points}):",
        f"        store(sums, row * {lanes}, zero)",
        "    for chunk in range(chunks):",
        "        first = 2 * (m + 1) * width * chunk",
    ]
    lines += [f"        z{j}_{r} = load(block, first + m * width + {r * lanes})" for j, r in each]
    lines += ["        at = first", "        for k in range(m):", *weights]
    for j in range(points):
        lines.append(f"            h = splat(near[k * {points} + {j}])")
        lines += [f"            z{j}_{r} = fma(w{r}, h, z{j}_{r})" for r, _ in places]
    lines.append("            at += width")
    lines += [f"        y{j}_{r} = relu(z{j}_{r})" for j, r in each]
    lines.append("        at = first + (2 * m + 1) * width")
    for r, place in places:
        lines.append(f"        y = load(block, at + {place})")
        lines += [f"        y = add(y, y{j}_{r})" for j in range(points)]
        lines.append(f"        store(block, at + {place}, y)")
    lines += ["        at, to = first, first + (m + 1) * width", "        for k in range(m):", *weights]
    lines += [f"            g{r} = load(block, to + {place})" for r, place in places]
    for j in range(points):
        lines.append(f"            row = k * {points} + {j}")
        lines.append(f"            h, q = splat(near[row]), load(sums, row * {lanes})")
        for r, _ in places:
            lines.append(f"            g{r} = fma(y{j}_{r}, h, g{r})")
            lines.append(f"            q = fma(y{j}_{r}, w{r}, q)")
        lines.append(f"            store(sums, row * {lanes}, q)")
    lines += [f"            store(block, to + {place}, g{r})" for r, place in places]
    lines += ["            at += width", "            to += width"]
    return from_source(name, lines, lanes)


@njit(**INLINE)
def _copy_in(rows, block, start, size, width):
    """Features ``start`` on into the chunks of ``block``; gradient sums and missing features are 0."""
    zero = block.dtype.type(0)
    zeros, count = splat(zero), len(rows)
    for k in range(count):
        row, at = rows[k][start : start + size], k * width
        for first in range(0, size - width + 1, width):
            for i in range(0, width, LANES):
                store(block, at + i, load(row, first + i))
                store(block, at + count * width + i, zeros)
            at += 2 * count * width
        present = size % width
        if present:
            for i in range(0, width, LANES):
                store(block, at + i, zeros)
                store(block, at + count * width + i, zeros)
            source, target = row[size - present :], block[at:]
            for i in range(present):
                target[i] = source[i]


@njit(**INLINE)
def _copy_out(block, gradients, start, size, width):
    """The sums of the chunks of ``block`` into the gradients of features ``start`` on."""
    count = len(gradients)
    for k in range(count):
        row, at = gradients[k][start : start + size], (count + k) * width
        for first in range(0, size - width + 1, width):
            for i in range(0, width, LANES):
                store(row, first + i, load(block, at + i))
            at += 2 * count * width
        present = size % width
        source, target = block[at:], row[size - present :]
        for i in range(present):
            target[i] = source[i]


def dense_pairs(parameters, hidden, gradients, pulled, scratch, first, last):
    """Σ_t y h, Σ_t y (into ``gradients``) and Σ_i y w (into ``pulled``, (m, T)); features ``first`` to ``last`` - 1.
    ``parameters`` and ``gradients`` are m + 1 rows, weights above biases; ``scratch`` has `scratch_size` numbers.
    """
    raise NotImplementedError("compiled code only")


@overload(dense_pairs)
def _dense_pairs_for(parameters, hidden, gradients, pulled, scratch, first, last):
    itemsize = scratch.dtype.bitwidth // 8
    points, vectors, lanes = tile_shape(itemsize)
    many, one = _tile(points, vectors, lanes), _tile(1, vectors, lanes)
    width, load_sums = vectors * lanes, load_of(lanes)

    def run(parameters, hidden, gradients, pulled, scratch, first, last):
        m, n_points = len(parameters) - 1, hidden.shape[1]
        pulled[:] = scratch.dtype.type(0)
        block = scratch[-scratch.ctypes.data % _LINE // itemsize :]
        sums = block[2 * (m + 1) * BLOCK :]
        near = sums[m * points * lanes :]
        for start in range(first, last, BLOCK):
            size = min(BLOCK, last - start)
            chunks = (size + width - 1) // width
            _copy_in(parameters, block, start, size, width)
            t = 0
            while t < n_points:
                here = points if n_points - t >= points else 1
                for k in range(m):
                    for j in range(here):
                        near[k * here + j] = hidden[k, t + j]
                if here == points:
                    many(block, near, sums, m, chunks)
                else:
                    one(block, near, sums, m, chunks)
                for k in range(m):
                    for j in range(here):
                        pulled[k, t + j] += total(load_sums(sums, (k * here + j) * lanes))
                t += here
            _copy_out(block, gradients, start, size, width)

    return run
