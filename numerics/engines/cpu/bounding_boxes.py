"""Boxes around groups of features and leaves of datapoints, and what they say of the signs of outputs.

The sign of z_it = w_i·h_t + b_i stays when (w, b) is scaled, so a group of features is bounded by the box of its
(w, b)/(|w|₁ + |b|), a leaf of datapoints or a node of leaves by that of its h. With centres c and half widths e,

    |u·h + d - (c_u·c_h + c_d)| <= |c_u|·e_h + e_u·|c_h| + e_u·e_h + e_d.

Boxes are widened by the roundings of their computation, of the test, and of z as a kernel rounds it (``limits``, see
`interaction.culling_arrays`): a decided sign is the sign any kernel finds; NaN and infinity decide nothing. A leaf
holds 16 first coordinates, then 16 second ones, filled up with zeros.
"""

import numpy as np
from numba import njit

from numerics.engines.cpu.compilation import INLINE
from numerics.engines.cpu.simd import (
    LANES,
    absolute,
    add,
    bits_above_zero,
    bits_at_most,
    divide,
    fma,
    larger,
    least_of_eight,
    load,
    most_of_eight,
    multiply,
    splat,
    store,
    subtract,
    total_of_eight,
    where_above,
)

#: Features that share one test of a leaf; fixed by `least_of_eight`.
GROUP = 8

#: Leaves of a node; a node is tested first, and only where z = 0 cuts it are its leaves.
NODE = LANES

#: Datapoints of a node.
NODE_POINTS = NODE * LANES

#: Rows of ``leaves`` and ``nodes``: centre 0-1, half width 2-3, |centre| 4-5, Σh₀² Σh₀h₁ Σh₁² Σh₀ Σh₁ Σ1 6-11, and 12:
#: ∞ forbids moments.
BOX_ROWS = 13

#: Rows of ``rows``: w₀ w₁ b 0-2, their part of the gradient 3-5, box: centre 6-8, half width 9-11, size 12-13, 14: huge
#: forbids moments, and 15-19: Σw₀² Σw₀w₁ Σw₁² Σbw₀ Σbw₁ of the group.
FEATURE_ROWS = 20


@njit(**INLINE)
def describe_leaves(hidden, points, leaves, limits, first, last):
    """Copy datapoints ``first`` to ``last`` - 1 (whole leaves) and compute boxes and moments of their leaves."""
    T, width, dtype = hidden.shape[1], leaves.size // BOX_ROWS, hidden.dtype.type
    margin, low, high, half = limits[0], limits[1], limits[2], dtype(0.5)
    all_x, all_y = hidden[0], hidden[1]
    for leaf in range(first // LANES, (last + LANES - 1) // LANES):
        start = leaf * LANES
        size = min(LANES, T - start)
        x0 = x1 = all_x[start]
        y0 = y1 = all_y[start]
        s00 = s01 = s11 = s0 = s1 = dtype(0)
        for j in range(size):
            x, y = all_x[start + j], all_y[start + j]
            points[2 * start + j], points[2 * start + LANES + j] = x, y
            x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
            s00, s01, s11, s0, s1 = s00 + x * x, s01 + x * y, s11 + y * y, s0 + x, s1 + y
        x, y = half * x0 + half * x1, half * y0 + half * y1
        x_size, y_size = max(abs(x0), abs(x1)), max(abs(y0), abs(y1))
        leaves[leaf], leaves[width + leaf] = x, y
        # 0·sums: NaN or infinity anywhere makes every test of the leaf fail, so that its pairs are evaluated
        leaves[2 * width + leaf] = max(x1 - x, x - x0) + margin * x_size + dtype(0) * (s0 + s1)
        leaves[3 * width + leaf] = max(y1 - y, y - y0) + margin * y_size
        leaves[4 * width + leaf], leaves[5 * width + leaf] = abs(x), abs(y)
        leaves[6 * width + leaf], leaves[7 * width + leaf], leaves[8 * width + leaf] = s00, s01, s11
        leaves[9 * width + leaf], leaves[10 * width + leaf], leaves[11 * width + leaf] = s0, s1, dtype(size)
        leaves[12 * width + leaf] = dtype(0) if low <= max(x_size, y_size) <= high else dtype(np.inf)


@njit(**INLINE)
def describe_nodes(leaves, nodes, n_leaves, limits, first, last):
    """Boxes and moments of nodes ``first`` to ``last`` - 1 from those of their leaves."""
    span, width, margin = leaves.size // BOX_ROWS, nodes.size // BOX_ROWS, limits[0]
    zero, half = leaves.dtype.type(0), leaves.dtype.type(0.5)
    for node in range(first, last):
        start, stop = node * NODE, min((node + 1) * NODE, n_leaves)
        for axis in range(2):
            centre, reach = axis * span, (2 + axis) * span
            low = high = leaves[centre + start]
            bad = zero
            for leaf in range(start, stop):
                low = min(low, leaves[centre + leaf] - leaves[reach + leaf])
                high = max(high, leaves[centre + leaf] + leaves[reach + leaf])
                bad += zero * leaves[reach + leaf]
            middle, size = half * low + half * high, max(abs(low), abs(high))
            nodes[axis * width + node], nodes[(4 + axis) * width + node] = middle, abs(middle)
            nodes[(2 + axis) * width + node] = max(high - middle, middle - low) + margin * size + bad
        for row in range(6, BOX_ROWS):
            total = zero
            for leaf in range(start, stop):
                total += leaves[row * span + leaf]
            nodes[row * width + node] = total


@njit(**INLINE)
def load_features(parameters, rows, width, first, last):
    """Copy features ``first`` to ``last`` - 1 to ``rows`` of so wide a block, zeros behind them."""
    size = last - first
    for k in range(len(parameters)):
        source, target = parameters[k][first:last], rows[k * width : (k + 1) * width]
        for i in range(size):
            target[i] = source[i]
        target[size:] = rows.dtype.type(0)


@njit(**INLINE)
def _bound(rows, to, width_to, value, eps, extra):
    """Centre, and half width with all roundings, of each group of ``value``."""
    half = splat(rows.dtype.type(0.5))
    low, high = least_of_eight(value), most_of_eight(value)
    centre = multiply(half, add(low, high))
    size = most_of_eight(absolute(value))
    width = larger(subtract(high, centre), subtract(centre, low))
    store(rows, to, centre)
    store(rows, width_to, fma(eps, size, add(width, extra)))


@njit(**INLINE)
def bound_features(rows, width, size, limits):
    """Boxes of the groups of eight normalised features; every lane of a group holds its group's box."""
    dtype = rows.dtype.type
    zero, one, margin, tiny = splat(dtype(0)), splat(dtype(1)), splat(limits[0]), splat(limits[3])
    for i in range(0, size, LANES):
        w0, w1, b = load(rows, i), load(rows, width + i), load(rows, 2 * width + i)
        size0, size1 = absolute(w0), absolute(w1)
        norm = add(add(size0, size1), absolute(b))
        scale = divide(one, larger(norm, tiny))
        bad = total_of_eight(multiply(zero, norm))  # NaN if any is infinite or NaN
        u, v, d = multiply(w0, scale), multiply(w1, scale), multiply(b, scale)
        _bound(rows, 6 * width + i, 9 * width + i, u, margin, zero)
        _bound(rows, 7 * width + i, 10 * width + i, v, margin, zero)
        _bound(rows, 8 * width + i, 11 * width + i, d, margin, add(bad, tiny))
        store(rows, 12 * width + i, fma(margin, one, most_of_eight(absolute(u))))
        store(rows, 13 * width + i, fma(margin, one, most_of_eight(absolute(v))))
        largest = larger(size0, size1)
        out = add(
            where_above(splat(limits[1]), least_of_eight(largest)),
            where_above(most_of_eight(largest), splat(limits[2])),
        )
        store(rows, 14 * width + i, multiply(out, splat(limits[4])))
        store(rows, 15 * width + i, total_of_eight(multiply(w0, w0)))
        store(rows, 16 * width + i, total_of_eight(multiply(w0, w1)))
        store(rows, 17 * width + i, total_of_eight(multiply(w1, w1)))
        store(rows, 18 * width + i, total_of_eight(multiply(b, w0)))
        store(rows, 19 * width + i, total_of_eight(multiply(b, w1)))


@njit(**INLINE)
def middle_and_reach(rows, width, i, leaves, span, start):
    """Centre and half width of z, in units of the group's scale, on 16 leaves."""
    middle = fma(
        splat(rows[6 * width + i]),
        load(leaves, start),
        fma(splat(rows[7 * width + i]), load(leaves, span + start), splat(rows[8 * width + i])),
    )
    reach = fma(splat(rows[10 * width + i]), load(leaves, 5 * span + start), splat(rows[11 * width + i]))
    reach = fma(splat(rows[9 * width + i]), load(leaves, 4 * span + start), reach)
    reach = fma(splat(rows[13 * width + i]), load(leaves, 3 * span + start), reach)
    return middle, fma(splat(rows[12 * width + i]), load(leaves, 2 * span + start), reach)


@njit(**INLINE)
def excess(rows, width, i, leaves, span, start, middle, reach):
    """Positive where the group is active on the whole leaf and moments may be used."""
    never = add(splat(rows[14 * width + i]), load(leaves, 12 * span + start))
    return subtract(subtract(middle, reach), never)


@njit(**INLINE)
def test_boxes(rows, width, i, boxes, span, start, known):
    """Of the ``known`` boxes from ``start`` on, at most 16: bits of those that are all active, and that may be cut."""
    middle, reach = middle_and_reach(rows, width, i, boxes, span, start)
    not_on = bits_at_most(
        excess(rows, width, i, boxes, span, start, middle, reach), splat(rows.dtype.type(0))
    )
    mixed = not_on & bits_above_zero(add(middle, reach))
    mask = (np.int64(1) << min(known, LANES)) - 1
    return ~not_on & mask, mixed & mask
