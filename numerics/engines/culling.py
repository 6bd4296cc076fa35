"""Exact culling of the dense pair interaction in two hidden dimensions.

Subject. z_it = w_i·h_t + b_i is an inner product of a feature and a datapoint. `GROUP` features that lie close together
and a leaf of 16 datapoints that lie close together usually agree: z < 0 for all their pairs, which contribute nothing,
or z > 0 for all, and then the sums factor into moments,

    Σ_t y h = Σ_t [h;1][h;1]ᵀ on the side of the datapoints applied to (w_i, b_i),
    Σ_i y w = Σ_i w [w;b]ᵀ on the side of the features applied to (h_t, 1).

Only pairs of a group and a leaf that are cut by z = 0 are evaluated one by one.

Bounds. Signs of z do not change when (w, b) is scaled by a positive number, so a group is bounded by the box of its
(w, b)/(|w|₁ + |b|), a leaf by the box of its h. With centres c and half widths e,

    |u·h + d - (c_u·c_h + c_d)| <= |c_u|·e_h + e_u·|c_h| + e_u·e_h + e_d.

Every box is widened by the roundings of its own computation and of the test (`MARGIN`), and of z itself as a kernel
rounds it. So a group that is skipped or summed by moments is one where the dense kernel would have found no other
sign: results differ from the dense kernel's by the order of summation alone.

Layout. Datapoints are held leaf by leaf, 16 first coordinates and then 16 second ones; a last leaf that is not full is
filled with zeros, and its sums are masked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from numerics.engines.lanes import (
    LANES,
    absolute,
    add,
    add_totals,
    bits_above_zero,
    bits_at_most,
    divide,
    fma,
    larger,
    least_of_eight,
    load,
    lowest_bit,
    most_of_eight,
    multiply,
    relu,
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

INLINE: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
    "fastmath": {"contract"},
}

#: Rows of ``leaves`` and ``nodes``: centre 0-1, half width 2-3, |centre| 4-5, Σh₀² Σh₀h₁ Σh₁² Σh₀ Σh₁ Σ1 6-11, and 12:
#: ∞ forbids moments.
BOX_ROWS = 13

#: Rows of ``rows``: w₀ w₁ b 0-2, their part of the gradient 3-5, box: centre 6-8, half width 9-11, size 12-13, 14: huge
#: forbids moments, and 15-19: Σw₀² Σw₀w₁ Σw₁² Σbw₀ Σbw₁ of the group.
FEATURE_ROWS = 20

#: Rows of ``pushed``: rows 15-19 summed over the groups that are active on all of a leaf, or of a node.
PUSHED_ROWS = 5


@njit(**INLINE)  # type: ignore[untyped-decorator]
def describe_leaves(hidden: Any, points: Any, leaves: Any, limits: Any, first: int, last: int) -> None:
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


@njit(**INLINE)  # type: ignore[untyped-decorator]
def describe_nodes(leaves: Any, nodes: Any, n_leaves: int, limits: Any, first: int, last: int) -> None:
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


@njit(**INLINE)  # type: ignore[untyped-decorator]
def load_features(parameters: Any, rows: Any, width: int, first: int, last: int) -> None:
    """Copy features ``first`` to ``last`` - 1 to ``rows``, with zeros to a whole vector."""
    size = last - first
    for k in range(3):
        source, target = parameters[k][first:last], rows[k * width : (k + 1) * width]
        for i in range(size):
            target[i] = source[i]
        for i in range(size, (size + LANES - 1) // LANES * LANES):
            target[i] = rows.dtype.type(0)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _bound(rows: Any, to: int, size_to: int, value: Any, eps: Any, extra: Any) -> None:
    """Centre, half width and largest size of each group of ``value``."""
    half = splat(rows.dtype.type(0.5))
    low, high = least_of_eight(value), most_of_eight(value)
    centre = multiply(half, add(low, high))
    size = most_of_eight(absolute(value))
    width = larger(subtract(high, centre), subtract(centre, low))
    store(rows, to, centre)
    store(rows, size_to, fma(eps, size, add(width, extra)))


@njit(**INLINE)  # type: ignore[untyped-decorator]
def bound_features(rows: Any, width: int, size: int, limits: Any) -> None:
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


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _pair(w0: Any, w1: Any, b: Any, x: Any, y: Any, g0: Any, g1: Any, gb: Any, q0: Any, q1: Any) -> Any:
    z = relu(fma(w0, x, fma(w1, y, b)))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _masked_pair(
    mask: Any, w0: Any, w1: Any, b: Any, x: Any, y: Any, g0: Any, g1: Any, gb: Any, q0: Any, q1: Any
) -> Any:
    z = multiply(mask, relu(fma(w0, x, fma(w1, y, b))))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def sum_pairs(
    rows: Any, width: int, i: int, points: Any, pulled: Any, listed: Any, count: int, tail: int, valid: Any
) -> None:
    """Four features from ``i`` on with the ``count`` leaves ``listed``, and the one at ``tail`` unless negative."""
    v, z = width, 2 * width
    a0, a1, a2, a3 = splat(rows[i]), splat(rows[i + 1]), splat(rows[i + 2]), splat(rows[i + 3])
    c0, c1, c2, c3 = (
        splat(rows[v + i]),
        splat(rows[v + i + 1]),
        splat(rows[v + i + 2]),
        splat(rows[v + i + 3]),
    )
    b0, b1, b2, b3 = (
        splat(rows[z + i]),
        splat(rows[z + i + 1]),
        splat(rows[z + i + 2]),
        splat(rows[z + i + 3]),
    )
    e0 = e1 = e2 = e3 = f0 = f1 = f2 = f3 = s0 = s1 = s2 = s3 = splat(rows.dtype.type(0))
    for entry in range(count):
        place = listed[entry]
        x, y = load(points, place), load(points, place + LANES)
        q, r = load(pulled, place), load(pulled, place + LANES)
        e0, f0, s0, q, r = _pair(a0, c0, b0, x, y, e0, f0, s0, q, r)
        e1, f1, s1, q, r = _pair(a1, c1, b1, x, y, e1, f1, s1, q, r)
        e2, f2, s2, q, r = _pair(a2, c2, b2, x, y, e2, f2, s2, q, r)
        e3, f3, s3, q, r = _pair(a3, c3, b3, x, y, e3, f3, s3, q, r)
        store(pulled, place, q)
        store(pulled, place + LANES, r)
    if tail >= 0:
        mask = load(valid, 0)
        x, y = load(points, tail), load(points, tail + LANES)
        q, r = load(pulled, tail), load(pulled, tail + LANES)
        e0, f0, s0, q, r = _masked_pair(mask, a0, c0, b0, x, y, e0, f0, s0, q, r)
        e1, f1, s1, q, r = _masked_pair(mask, a1, c1, b1, x, y, e1, f1, s1, q, r)
        e2, f2, s2, q, r = _masked_pair(mask, a2, c2, b2, x, y, e2, f2, s2, q, r)
        e3, f3, s3, q, r = _masked_pair(mask, a3, c3, b3, x, y, e3, f3, s3, q, r)
        store(pulled, tail, q)
        store(pulled, tail + LANES, r)
    add_totals(rows, 3 * width + i, e0, e1, e2, e3)
    add_totals(rows, 4 * width + i, f0, f1, f2, f3)
    add_totals(rows, 5 * width + i, s0, s1, s2, s3)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _middle_and_reach(rows: Any, width: int, i: int, leaves: Any, span: int, start: int) -> Any:
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


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _excess(
    rows: Any, width: int, i: int, leaves: Any, span: int, start: int, middle: Any, reach: Any
) -> Any:
    """Positive where the group is active on the whole leaf and moments may be used."""
    never = add(splat(rows[14 * width + i]), load(leaves, 12 * span + start))
    return subtract(subtract(middle, reach), never)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _test(rows: Any, width: int, i: int, boxes: Any, span: int, start: int, known: int) -> Any:
    """Of the ``known`` boxes from ``start`` on, at most 16: bits of those that are all active, and that may be cut."""
    middle, reach = _middle_and_reach(rows, width, i, boxes, span, start)
    excess = _excess(rows, width, i, boxes, span, start, middle, reach)
    not_on = bits_at_most(excess, splat(rows.dtype.type(0)))
    mixed = not_on & bits_above_zero(add(middle, reach))
    mask = (np.int64(1) << min(known, LANES)) - 1
    return ~not_on & mask, mixed & mask


@njit(**INLINE)  # type: ignore[untyped-decorator]
def list_cut_leaves(
    rows: Any, width: int, i: int, leaves: Any, nodes: Any, n_leaves: int, listed: Any, on: Any, on_above: Any
) -> Any:
    """For the group at ``i``: how many leaves z = 0 may cut, on how many nodes it is active in part, if active at all.

    Places of the former are ``listed``; ``on`` has for each of the latter the node and a bit for each leaf the group is
    active on, ``on_above`` for every 16 nodes a bit for each it is active on as a whole.
    """
    span, above = leaves.size // BOX_ROWS, nodes.size // BOX_ROWS
    n_nodes, count, n_on, active = (n_leaves + NODE - 1) // NODE, 0, 0, np.int64(0)
    for first in range(0, n_nodes, LANES):
        all_on, cut = _test(rows, width, i, nodes, above, first, n_nodes - first)
        on_above[first // LANES] = all_on
        active |= all_on
        while cut != 0:
            node = first + lowest_bit(cut)
            cut &= cut - 1
            start = node * NODE
            here, mixed = _test(rows, width, i, leaves, span, start, n_leaves - start)
            on[2 * n_on], on[2 * n_on + 1] = node, here
            n_on += here != 0
            while mixed != 0:
                listed[count] = 2 * LANES * (start + lowest_bit(mixed))
                count += 1
                mixed &= mixed - 1
    return count, n_on, n_on > 0 or active != 0


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _add_active(
    rows: Any,
    width: int,
    i: int,
    boxes: Any,
    span: int,
    start: int,
    pushed: Any,
    x00: Any,
    x01: Any,
    x11: Any,
    x0: Any,
    x1: Any,
    xn: Any,
) -> Any:
    """Add moments of the boxes from ``start`` on that the group is active on, and hand them the group's."""
    middle, reach = _middle_and_reach(rows, width, i, boxes, span, start)
    on = where_above(_excess(rows, width, i, boxes, span, start, middle, reach), splat(rows.dtype.type(0)))
    for row in range(PUSHED_ROWS):
        place = row * span + start
        store(pushed, place, fma(on, splat(rows[(15 + row) * width + i]), load(pushed, place)))
    return (
        fma(on, load(boxes, 6 * span + start), x00),
        fma(on, load(boxes, 7 * span + start), x01),
        fma(on, load(boxes, 8 * span + start), x11),
        fma(on, load(boxes, 9 * span + start), x0),
        fma(on, load(boxes, 10 * span + start), x1),
        fma(on, load(boxes, 11 * span + start), xn),
    )


@njit(**INLINE)  # type: ignore[untyped-decorator]
def sum_moments(
    rows: Any,
    width: int,
    i: int,
    leaves: Any,
    nodes: Any,
    n_leaves: int,
    pushed: Any,
    above: Any,
    on: Any,
    n_on: int,
    on_above: Any,
    sums: Any,
) -> None:
    """All pairs of the group at ``i`` and the leaves and nodes it is active on, by moments; sets its sums."""
    dtype = rows.dtype.type
    span, node_span, n_nodes = leaves.size // BOX_ROWS, nodes.size // BOX_ROWS, (n_leaves + NODE - 1) // NODE
    x00 = x01 = x11 = x0 = x1 = xn = none = splat(dtype(0))
    for first in range(0, n_nodes, LANES):
        if on_above[first // LANES] != 0:
            x00, x01, x11, x0, x1, xn = _add_active(
                rows, width, i, nodes, node_span, first, above, x00, x01, x11, x0, x1, xn
            )
    for entry in range(n_on):
        x00, x01, x11, x0, x1, xn = _add_active(
            rows, width, i, leaves, span, on[2 * entry] * NODE, pushed, x00, x01, x11, x0, x1, xn
        )
    for k in range(8):
        sums[k] = dtype(0)
    add_totals(sums, 0, x00, x01, x11, x0)
    add_totals(sums, 4, x1, xn, none, none)
    y00, y01, y11 = splat(sums[0]), splat(sums[1]), splat(sums[2])
    y0, y1, yn = splat(sums[3]), splat(sums[4]), splat(sums[5])
    w0, w1, b = load(rows, i), load(rows, width + i), load(rows, 2 * width + i)
    store(rows, 3 * width + i, fma(w0, y00, fma(w1, y01, multiply(b, y0))))
    store(rows, 4 * width + i, fma(w0, y01, fma(w1, y11, multiply(b, y1))))
    store(rows, 5 * width + i, fma(w0, y0, fma(w1, y1, multiply(b, yn))))


@njit(**INLINE)  # type: ignore[untyped-decorator]
def push_to_points(points: Any, pulled: Any, pushed: Any, above: Any, partial: Any) -> None:
    """What the groups' moments and pairs pull the datapoints by, into ``partial``, (m, T)."""
    T, span, node_span = partial.shape[1], pushed.size // PUSHED_ROWS, above.size // PUSHED_ROWS
    to0, to1 = partial[0], partial[1]
    for start in range(0, T, LANES):
        leaf, place = start // LANES, 2 * start
        node = leaf // NODE
        f00 = splat(pushed[leaf] + above[node])
        f01 = splat(pushed[span + leaf] + above[node_span + node])
        f11 = splat(pushed[2 * span + leaf] + above[2 * node_span + node])
        f0 = splat(pushed[3 * span + leaf] + above[3 * node_span + node])
        f1 = splat(pushed[4 * span + leaf] + above[4 * node_span + node])
        x, y = load(points, place), load(points, place + LANES)
        q = add(load(pulled, place), fma(f00, x, fma(f01, y, f0)))
        r = add(load(pulled, place + LANES), fma(f01, x, fma(f11, y, f1)))
        if start + LANES <= T:
            store(to0, start, q)
            store(to1, start, r)
        else:
            store(pulled, place, q)
            store(pulled, place + LANES, r)
            for j in range(T - start):
                to0[start + j], to1[start + j] = pulled[place + j], pulled[place + LANES + j]


@njit(**INLINE)  # type: ignore[untyped-decorator]
def _clear(array: Any) -> None:
    for i in range(array.size):
        array[i] = array.dtype.type(0)


@njit(**INLINE)  # type: ignore[untyped-decorator]
def culled_pairs(
    parameters: Any, culling: Any, gradients: Any, partial: Any, part: int, first: int, last: int
) -> None:
    """What `dense_pairs` computes, for features ``first`` to ``last`` - 1, neighbours held near each other."""
    points, leaves, nodes, limits, valid, all_rows, all_pulled, all_pushed, all_above, all_listed = culling
    rows, pulled, pushed, above = all_rows[part], all_pulled[part], all_pushed[part], all_above[part]
    listed, on, on_above = all_listed[part, 0], all_listed[part, 1], all_listed[part, 2]
    T, size = partial.shape[1], last - first
    width, n_leaves = (rows.size - LANES) // FEATURE_ROWS, (T + LANES - 1) // LANES
    last_leaf = 2 * LANES * (n_leaves - 1) if T % LANES else -1
    sums = rows[FEATURE_ROWS * width :]
    if size == 0:
        partial[:] = rows.dtype.type(0)
        return
    _clear(pulled)
    _clear(pushed)
    _clear(above)
    load_features(parameters, rows, width, first, last)
    bound_features(rows, width, size, limits)
    for i in range(0, size, GROUP):
        count, n_on, active = list_cut_leaves(rows, width, i, leaves, nodes, n_leaves, listed, on, on_above)
        if active:
            sum_moments(rows, width, i, leaves, nodes, n_leaves, pushed, above, on, n_on, on_above, sums)
        else:
            for k in range(3):
                store(rows, (3 + k) * width + i, splat(rows.dtype.type(0)))
        if count > 0:
            tail = -1
            if listed[count - 1] == last_leaf:
                tail, count = last_leaf, count - 1
            for j in range(i, i + GROUP, 4):
                sum_pairs(rows, width, j, points, pulled, listed, count, tail, valid)
    for k in range(3):
        source, target = rows[(3 + k) * width :], gradients[k][first:last]
        for i in range(size):
            target[i] = source[i]
    push_to_points(points, pulled, pushed, above, partial)
