"""The dense pair interaction over candidates alone: culling in any number of hidden dimensions. Blocks of datapoints on
which a feature is surely inactive, by bounds found earlier, are left out.

With top the largest z of a feature on a block at an earlier step, and dw, db, dh what has moved since, on the block

    z <= top + |w_old| max|dh| + |dw| max|h| + max(db, 0);

where this is not positive the block is not listed. A pair that is not listed has z <= 0 as any kernel rounds it:
bounds are widened by `margin` roundings of their terms and by the least normal number for what underflows; what is
NaN, infinite or huge excludes nothing. They hold for what stands at a place now, so a new arrangement forgets all
(`forget`). They are found anew, at a quarter of the cost of all pairs, when a step lists more than the mean over the
steps since the last renewal, its cost included: the best time for drift that grows, by counted work and no clock.

Memory: `MOST_BLOCKS` bounds a feature; a block is one leaf of 16 datapoints or several. A leaf holds 16 first
coordinates, 16 second ones and so on, and 16 ones; the last block is filled up with zeros, in that last row too.

A pair that is left out would add zeros, so the sums depend, to the bit, neither on the lists nor on when bounds were
found: neither is state of a run. They differ from those of `dense_pairs` by order alone. Lanes are the datapoints of a
leaf; coordinates are unrolled, so that a feature's sums stay in registers. A bias is the weight of a last coordinate.
"""

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload
from numpy.typing import NDArray

from numerics.engines.cpu.bounding_boxes import NODE, load_features
from numerics.engines.cpu.compilation import INLINE
from numerics.engines.cpu.pairs import REGISTER
from numerics.engines.cpu.simd import (
    LANES,
    absolute,
    add,
    append_above_zero,
    fma,
    from_source,
    larger,
    load,
    most,
    multiply,
    splat,
    square_root,
    store,
    subtract,
    total,
)

#: Bounds that are kept for each feature.
MOST_BLOCKS = 128

#: More datapoints are never culled: blocks of more than a node would be needed.
MOST_POINTS = MOST_BLOCKS * NODE * LANES

#: Cost of finding the bound of a feature on a leaf, in leaves that are summed.
RENEWAL_COST = 0.25

#: What stands in ``tally`` before the counts of the parts: whether this step renews, steps since the last renewal, what
#: it and they have cost, and the cost of a renewal, in leaves that are summed.
RENEWS, STEPS, SPENT, RENEWAL, COUNTS = 0, 1, 2, 3, 4

#: Features that are held in registers' reach at once: two vectors.
WIDTH = 2 * LANES


def group_size(m: int) -> int:
    """Features that share a list: as many as leave their sums in 32 registers."""
    return 4 if m <= 3 else 1


def margin(m: int) -> int:
    """Roundings of a bound in units of eps: of z then and now m + 1 each, of two norms m/2 + 2 each, of the sum."""
    return 2 * m + 8


def block_leaves(T: int) -> int:
    """Leaves of a block: the least power of two that leaves no more than `MOST_BLOCKS` blocks."""
    return 1 << ((T - 1) // (MOST_BLOCKS * LANES)).bit_length()


class Listing(NamedTuple):
    """Work space of `listed_pairs`; none of it is state of a run, each array is found anew where it is not valid.

    points, old_points : datapoints now and at the last renewal, by leaf, coordinate and lane.
    reach : how far the datapoints of each block are from the old ones at most, and their largest |h|.
    tops, old : at the last renewal, largest z of each feature on each block; parameters, `WIDTH` features at a time.
    limits : roundings that widen each bound, and the least normal number.
    pulled, rows, listed : scratch of each part.
    tally, shape : counted work, see `RENEWS`; how many blocks there are, and leaves of each.
    """

    points: NDArray[Any]
    old_points: NDArray[Any]
    reach: NDArray[Any]
    tops: NDArray[Any]
    old: NDArray[Any]
    limits: NDArray[Any]
    pulled: NDArray[Any]
    rows: NDArray[Any]
    listed: NDArray[np.int32]
    tally: NDArray[np.int64]
    shape: NDArray[np.int64]


def make_listing(n: int, T: int, m: int, parts: int, dtype: np.dtype[Any]) -> Listing:
    """Work space for n features in ``parts`` parts and T datapoints in m dimensions; nothing is known yet."""
    span = block_leaves(T)
    n_blocks = -(-T // (LANES * span))
    n_leaves, held = n_blocks * span, -(-n // WIDTH) * WIDTH
    width = -(-n_blocks // LANES) * LANES
    info, share = np.finfo(dtype), group_size(m)
    points = np.zeros((n_leaves, m + 1, LANES), dtype)
    points[:, m] = (np.arange(n_leaves * LANES) < T).reshape(-1, LANES)
    tally = np.zeros(COUNTS + parts, np.int64)
    tally[RENEWAL] = RENEWAL_COST * held // share * n_leaves
    tally[COUNTS:] = -1
    return Listing(
        points=points.ravel(),
        old_points=np.zeros(points.size, dtype),
        reach=np.zeros((2, width), dtype),
        tops=np.zeros((held, width), dtype),
        old=np.zeros(held * (m + 1), dtype),
        limits=np.array([margin(m) * info.eps, info.tiny], dtype),
        pulled=np.zeros((parts, n_leaves * m * LANES), dtype),
        rows=np.zeros((parts, (m + 4) * WIDTH + -(-share * (m + 1) // 4) * 4), dtype),
        listed=np.zeros((parts, width + LANES), np.int32),
        tally=tally,
        shape=np.array([n_blocks, span], np.int64),
    )


def forget(listing: Listing) -> None:
    """Have the next step find every bound anew, whatever features and datapoints stand where."""
    listing.tally[COUNTS:] = -1


@njit(**INLINE)
def plan_step(tally):
    """Decide whether this step renews the bounds: when it has cost more than the mean since the last renewal. Also
    where the step before did not come to count.
    """
    total = 0
    for part in range(COUNTS, tally.size):
        total = -1 if tally[part] < 0 or total < 0 else total + tally[part]
        tally[part] = -1
    tally[STEPS] += 1
    tally[SPENT] += total
    tally[RENEWS] = total < 0 or total * tally[STEPS] > tally[SPENT]
    if tally[RENEWS]:
        tally[STEPS], tally[SPENT] = 0, tally[RENEWAL]


@njit(**INLINE)
def describe_points(hidden, listing, first, last):
    """Copy datapoints ``first`` to ``last`` - 1 (whole blocks); how far each block moved, and its largest |h|."""
    points, old, renews, span = listing.points, listing.old_points, listing.tally[RENEWS], listing.shape[1]
    moves, sizes = listing.reach[0], listing.reach[1]
    m, T = hidden.shape
    width, zero, tiny = (m + 1) * LANES, splat(points.dtype.type(0)), splat(listing.limits[1])
    for block in range(first // (LANES * span), (last + LANES * span - 1) // (LANES * span)):
        largest = farthest = bad = zero
        for leaf in range(block * span, (block + 1) * span):
            size, at = min(LANES, max(T - leaf * LANES, 0)), leaf * width
            squares = moved = tiny
            for k in range(m):
                source, target = hidden[k, leaf * LANES :], points[at + k * LANES :]
                for j in range(size):
                    target[j] = source[j]
                h = load(points, at + k * LANES)
                if renews:
                    store(old, at + k * LANES, h)
                d = subtract(h, load(old, at + k * LANES))
                squares, moved = fma(h, h, squares), fma(d, d, moved)
            largest, farthest = larger(squares, largest), larger(moved, farthest)
            bad = fma(zero, fma(squares, squares, multiply(moved, moved)), bad)
        moves[block] = math.sqrt(most(farthest)) + total(bad)
        sizes[block] = math.sqrt(most(largest)) + total(bad)


@njit(**INLINE)
def renew(rows, m, points, tops, n_blocks, span):
    """The largest z of each feature in ``rows`` on each block."""
    lowest, found = splat(rows.dtype.type(-np.inf)), rows[(m + 1) * WIDTH :]
    for block in range(n_blocks):
        top0 = top1 = lowest
        for start in range(
            block * span * (m + 1) * LANES, (block + 1) * span * (m + 1) * LANES, (m + 1) * LANES
        ):
            for j in range(start, start + LANES, 4):
                z0 = z1 = z2 = z3 = load(rows, m * WIDTH)
                y0 = y1 = y2 = y3 = load(rows, m * WIDTH + LANES)
                for k in range(m):
                    v, w = load(rows, k * WIDTH), load(rows, k * WIDTH + LANES)
                    h0, h1 = splat(points[j + k * LANES]), splat(points[j + k * LANES + 1])
                    h2, h3 = splat(points[j + k * LANES + 2]), splat(points[j + k * LANES + 3])
                    z0, z1, z2, z3 = fma(v, h0, z0), fma(v, h1, z1), fma(v, h2, z2), fma(v, h3, z3)
                    y0, y1, y2, y3 = fma(w, h0, y0), fma(w, h1, y1), fma(w, h2, y2), fma(w, h3, y3)
                top0 = larger(larger(larger(z0, z1), larger(z2, z3)), top0)
                top1 = larger(larger(larger(y0, y1), larger(y2, y3)), top1)
        store(found, 0, top0)
        store(found, LANES, top1)
        for f in range(WIDTH):
            tops[f, block] = found[f]


@njit(**INLINE)
def measure_drift(rows, m, old, limits):
    """Factors of max|dh| and max|h| in the bound of each feature in ``rows``, and its constant: three more rows."""
    margin, tiny = splat(limits[0]), splat(limits[1])
    zero = subtract(tiny, tiny)
    for i in range(0, WIDTH, LANES):
        squares = before = moved = tiny
        for k in range(m):
            w, v = load(rows, k * WIDTH + i), load(old, k * WIDTH + i)
            d = subtract(w, v)
            squares, before, moved = fma(w, w, squares), fma(v, v, before), fma(d, d, moved)
        bad = multiply(zero, fma(squares, squares, fma(before, before, multiply(moved, moved))))
        b, v = load(rows, m * WIDTH + i), load(old, m * WIDTH + i)
        before, moved, rise = square_root(before), square_root(moved), larger(subtract(b, v), zero)
        roundings = multiply(margin, add(rise, add(absolute(b), absolute(v))))
        store(rows, (m + 1) * WIDTH + i, fma(margin, before, before))
        store(rows, (m + 2) * WIDTH + i, fma(margin, add(moved, square_root(squares)), moved))
        store(rows, (m + 3) * WIDTH + i, add(add(rise, roundings), add(tiny, bad)))


@njit(**INLINE)
def _bound(drift, f, tops, reach, start):
    """What no z of a feature on 16 blocks is above."""
    top = add(load(tops[f], start), splat(drift[f + 2 * WIDTH]))
    top = fma(splat(drift[f + WIDTH]), load(reach[1], start), top)
    return fma(splat(drift[f]), load(reach[0], start), top)


@njit(**INLINE)
def list_blocks(drift, first, share, tops, reach, n_blocks, listed):
    """List the blocks that the bounds of ``share`` features from ``first`` on do not all exclude; how many."""
    count, bad = 0, drift.dtype.type(0)
    for f in range(first, first + share):
        bad += drift.dtype.type(0) * drift[f + 2 * WIDTH]
    for start in range(0, n_blocks, LANES):
        top = add(_bound(drift, first, tops, reach, start), splat(bad))
        for f in range(first + 1, first + share):
            top = larger(_bound(drift, f, tops, reach, start), top)
        count = append_above_zero(listed, count, top, start, n_blocks - start)
    return count


@cache
def _sum(m: int, share: int, lanes: int) -> Any:
    """The sums of ``share`` features from ``i`` on over ``count`` listed blocks, coordinates unrolled."""
    # says all the source depends on: cached machine code is linked by name and argument types
    name = f"sum_listed_of_{share}_in_{m}_dimensions_by_{lanes}"
    features, each = range(share), range(m + 1)
    places = [(f, k) for f in features for k in each]
    padded = [f"g{f}_{k}" for f, k in places] + ["zero"] * (-len(places) % 4)
    lines = [
        f"def {name}(rows, i, points, pulled, listed, count, span, sums):",
        "    zero = splat(rows.dtype.type(0))",
        *(f"    w{f}_{k} = splat(rows[i + {k * WIDTH + f}])" for f, k in places),
        *(f"    g{f}_{k} = zero" for f, k in places),
        "    for entry in range(count):",
        "        for leaf in range(listed[entry] * span, (listed[entry] + 1) * span):",
        f"            p, q = leaf * {(m + 1) * LANES}, leaf * {m * LANES}",
        f"            for _ in range({LANES // lanes}):",
        *(f"                h{k} = load(points, p + {k * LANES})" for k in each),
    ]
    for f in features:
        lines.append(f"                y{f} = multiply(w{f}_{m}, h{m})")
        lines += [f"                y{f} = fma(w{f}_{k}, h{k}, y{f})" for k in range(m)]
        lines.append(f"                y{f} = relu(y{f})")
    lines += [f"                g{f}_{k} = fma(y{f}, h{k}, g{f}_{k})" for f, k in places]
    for k in range(m):
        pull = f"load(pulled, q + {k * LANES})"
        for f in features:
            pull = f"fma(y{f}, w{f}_{k}, {pull})"
        lines.append(f"                store(pulled, q + {k * LANES}, {pull})")
    lines.append(f"                p, q = p + {lanes}, q + {lanes}")
    lines += [
        f"    add_totals(sums, {at}, {', '.join(padded[at : at + 4])})" for at in range(0, len(padded), 4)
    ]
    return from_source(name, lines, lanes)


def listed_pairs(parameters, listing, gradients, partial, part, first, last):
    """What `dense_pairs` computes, for features ``first`` to ``last`` - 1, ``first`` on a multiple of `WIDTH`."""
    raise NotImplementedError("compiled code only")


@overload(listed_pairs)
def _listed_pairs_for(parameters, listing, gradients, partial, part, first, last):
    m = len(parameters) - 1
    share = group_size(m)
    sum_listed = _sum(m, share, REGISTER * 8 // listing.types[0].dtype.bitwidth)

    def run(parameters, listing, gradients, partial, part, first, last):
        points, reach, tally = listing.points, listing.reach, listing.tally
        pulled, rows, listed = listing.pulled[part], listing.rows[part], listing.listed[part]
        n_blocks, span = listing.shape
        drift, sums = rows[(m + 1) * WIDTH :], rows[(m + 4) * WIDTH :]
        zero, work = rows.dtype.type(0), 0
        pulled[:] = zero
        for start in range(first, last, WIDTH):
            size, tops = min(WIDTH, last - start), listing.tops[start : start + WIDTH]
            old = listing.old[start * (m + 1) : (start + WIDTH) * (m + 1)]
            load_features(parameters, rows, WIDTH, start, start + size)
            if tally[RENEWS]:
                for i in range(old.size):
                    old[i] = rows[i]
                renew(rows, m, points, tops, n_blocks, span)
            measure_drift(rows, m, old, listing.limits)
            for i in range(0, size, share):
                sums[:] = zero
                count = list_blocks(drift, i, share, tops, reach, n_blocks, listed)
                if count > 0:
                    sum_listed(rows, i, points, pulled, listed, count, span, sums)
                    work += count * span
                for f in range(share):
                    for k in range(m + 1):
                        rows[k * WIDTH + i + f] = sums[f * (m + 1) + k]
            for k in range(m + 1):
                target, source = gradients[k][start : start + size], rows[k * WIDTH :]
                for i in range(size):
                    target[i] = source[i]
        tally[COUNTS + part] = work
        for k in range(m):
            target = partial[k]
            for t in range(target.size):
                target[t] = pulled[(t // LANES * m + k) * LANES + t % LANES]

    return run
