"""Exact culling of the dense pair interaction in two hidden dimensions.

Subject. `GROUP` features that lie close together and a leaf of 16 datapoints that lie close together usually agree:
z < 0 for all their pairs, which contribute nothing, or z > 0 for all, and then the sums factor into moments,

    Σ_t y h = Σ_t [h;1][h;1]ᵀ on the side of the datapoints applied to (w_i, b_i),
    Σ_i y w = Σ_i w [w;b]ᵀ on the side of the features applied to (h_t, 1).

Nodes of 16 leaves are tested first (`boxes`). Only pairs of a group and a leaf that z = 0 may cut are evaluated one by
one, so results differ from those of `dense_pairs` by the order of summation alone: by a few roundings of the summands
|w||h| + |b| of z, times |h|, 1 or |w|, for each summand; and by what underflows in products of three numbers.
"""

import numpy as np
from numba import njit

from numerics.engines.cpu.bounding_boxes import (
    BOX_ROWS,
    FEATURE_ROWS,
    GROUP,
    NODE,
    bound_features,
    excess,
    load_features,
    middle_and_reach,
    test_boxes,
)
from numerics.engines.cpu.compilation import INLINE
from numerics.engines.cpu.simd import (
    LANES,
    add,
    add_totals,
    fma,
    load,
    lowest_bit,
    multiply,
    relu,
    splat,
    store,
    where_above,
)

#: Rows of ``pushed``: rows 15-19 summed over the groups that are active on all of a leaf, or of a node.
PUSHED_ROWS = 5


@njit(**INLINE)
def _pair(w0, w1, b, x, y, g0, g1, gb, q0, q1):
    z = relu(fma(w0, x, fma(w1, y, b)))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**INLINE)
def _masked_pair(mask, w0, w1, b, x, y, g0, g1, gb, q0, q1):
    z = multiply(mask, relu(fma(w0, x, fma(w1, y, b))))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**INLINE)
def sum_pairs(rows, width, i, points, pulled, listed, count, tail, valid):
    """Four features from ``i`` on with the ``count`` leaves ``listed``, and the one at ``tail`` unless negative."""
    v, z = width + i, 2 * width + i
    a0, a1, a2, a3 = splat(rows[i]), splat(rows[i + 1]), splat(rows[i + 2]), splat(rows[i + 3])
    c0, c1, c2, c3 = splat(rows[v]), splat(rows[v + 1]), splat(rows[v + 2]), splat(rows[v + 3])
    b0, b1, b2, b3 = splat(rows[z]), splat(rows[z + 1]), splat(rows[z + 2]), splat(rows[z + 3])
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


@njit(**INLINE)
def list_cut_leaves(rows, width, i, leaves, nodes, n_leaves, listed, on, on_above):
    """For the group at ``i``: how many leaves z = 0 may cut, on how many nodes it is active in part, if active at all.
    Places of the former are ``listed``; ``on`` has for each of the latter the node and a bit for each leaf the group
    is active on, ``on_above`` for every 16 nodes a bit for each it is active on as a whole.
    """
    span, above = leaves.size // BOX_ROWS, nodes.size // BOX_ROWS
    n_nodes, count, n_on, active = (n_leaves + NODE - 1) // NODE, 0, 0, np.int64(0)
    for first in range(0, n_nodes, LANES):
        all_on, cut = test_boxes(rows, width, i, nodes, above, first, n_nodes - first)
        on_above[first // LANES] = all_on
        active |= all_on
        while cut != 0:
            node = first + lowest_bit(cut)
            cut &= cut - 1
            start = node * NODE
            here, mixed = test_boxes(rows, width, i, leaves, span, start, n_leaves - start)
            on[2 * n_on], on[2 * n_on + 1] = node, here
            n_on += here != 0
            while mixed != 0:
                listed[count] = 2 * LANES * (start + lowest_bit(mixed))
                count += 1
                mixed &= mixed - 1
    return count, n_on, n_on > 0 or active != 0


@njit(**INLINE)
def _add_active(rows, width, i, boxes, span, start, pushed, moments):
    """Add moments of the boxes from ``start`` on that the group is active on, and hand them the group's."""
    x00, x01, x11, x0, x1, xn = moments
    middle, reach = middle_and_reach(rows, width, i, boxes, span, start)
    on = where_above(excess(rows, width, i, boxes, span, start, middle, reach), splat(rows.dtype.type(0)))
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


@njit(**INLINE)
def sum_moments(rows, width, i, leaves, nodes, n_leaves, pushed, above, on, n_on, on_above, sums):
    """All pairs of the group at ``i`` and the leaves and nodes it is active on, by moments; sets its sums."""
    dtype = rows.dtype.type
    span, node_span, n_nodes = leaves.size // BOX_ROWS, nodes.size // BOX_ROWS, (n_leaves + NODE - 1) // NODE
    none = splat(dtype(0))
    moments = none, none, none, none, none, none
    for first in range(0, n_nodes, LANES):
        if on_above[first // LANES] != 0:
            moments = _add_active(rows, width, i, nodes, node_span, first, above, moments)
    for entry in range(n_on):
        moments = _add_active(rows, width, i, leaves, span, on[2 * entry] * NODE, pushed, moments)
    x00, x01, x11, x0, x1, xn = moments
    sums[:8] = dtype(0)
    add_totals(sums, 0, x00, x01, x11, x0)
    add_totals(sums, 4, x1, xn, none, none)
    y00, y01, y11 = splat(sums[0]), splat(sums[1]), splat(sums[2])
    y0, y1, yn = splat(sums[3]), splat(sums[4]), splat(sums[5])
    w0, w1, b = load(rows, i), load(rows, width + i), load(rows, 2 * width + i)
    store(rows, 3 * width + i, fma(w0, y00, fma(w1, y01, multiply(b, y0))))
    store(rows, 4 * width + i, fma(w0, y01, fma(w1, y11, multiply(b, y1))))
    store(rows, 5 * width + i, fma(w0, y0, fma(w1, y1, multiply(b, yn))))


@njit(**INLINE)
def push_to_points(points, pulled, pushed, above, partial):
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


@njit(**INLINE)
def _sum_block(culling, rows, width, size, T, pulled, pushed, above, lists):
    """Sums of the ``size`` features in ``rows``: theirs into ``rows``, those of datapoints added to the rest."""
    points, leaves, nodes, valid = culling[0], culling[1], culling[2], culling[4]
    listed, on, on_above, sums = lists[0], lists[1], lists[2], rows[FEATURE_ROWS * width :]
    n_leaves = (T + LANES - 1) // LANES
    last_leaf = 2 * LANES * (n_leaves - 1) if T % LANES else -1
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


@njit(**INLINE)
def culled_pairs(parameters, culling, gradients, partial, part, first, last):
    """What `dense_pairs` computes, for features ``first`` to ``last`` - 1, neighbours held near each other."""
    points, limits = culling[0], culling[3]
    rows, pulled, pushed, above = culling[5][part], culling[6][part], culling[7][part], culling[8][part]
    lists, width = culling[9][part], (rows.size - LANES) // FEATURE_ROWS
    pulled[:] = pushed[:] = above[:] = rows.dtype.type(0)
    for start in range(first, last, width - LANES):
        size = min(width - LANES, last - start)
        load_features(parameters, rows, width, start, start + size)
        bound_features(rows, width, size, limits)
        _sum_block(culling, rows, width, size, partial.shape[1], pulled, pushed, above, lists)
        for k in range(3):
            source, target = rows[(3 + k) * width :], gradients[k][start : start + size]
            for i in range(size):
                target[i] = source[i]
    push_to_points(points, pulled, pushed, above, partial)
