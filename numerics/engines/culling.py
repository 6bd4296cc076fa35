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
    total,
    total_of_eight,
    where_above,
)

#: Features that share one test of a leaf; fixed by `least_of_eight`.
GROUP = 8

#: Leaves whose tests are looked at together: the bits of one machine word.
WORD = 64

_INLINE: dict[str, Any] = {
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
    "fastmath": {"contract"},
}

#: Rows of ``leaves``: centre 0-1, half width 2-3, |centre| 4-5, Σh₀² Σh₀h₁ Σh₁² Σh₀ Σh₁ Σ1 6-11, 12: ∞ forbids moments.
LEAF_ROWS = 13

#: Rows of ``rows``: w₀ w₁ b 0-2, their part of the gradient 3-5, box: centre 6-8, half width 9-11, size 12-13, 14: ∞.
FEATURE_ROWS = 15

#: Rows of ``pushed``: Σw₀² Σw₀w₁ Σw₁² Σbw₀ Σbw₁ of the groups that are active on all of a leaf.
PUSHED_ROWS = 5


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def describe_leaves(hidden: Any, points: Any, leaves: Any, limits: Any, first: int, last: int) -> None:
    """Copy datapoints ``first`` to ``last`` - 1 (whole leaves) and compute boxes and moments of their leaves."""
    T, width, dtype = hidden.shape[1], leaves.size // LEAF_ROWS, hidden.dtype.type
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


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def load_features(parameters: Any, rows: Any, width: int, first: int, last: int) -> None:
    """Copy features ``first`` to ``last`` - 1 to ``rows``, the last repeated to a whole vector; clear their sums."""
    size = last - first
    for k in range(3):
        source, target = parameters[k][first:last], rows[k * width : (k + 1) * width]
        for i in range(size):
            target[i] = source[i]
        for i in range(size, (size + LANES - 1) // LANES * LANES):
            target[i] = source[size - 1]
    sums = rows[3 * width : 6 * width]
    for i in range(sums.size):
        sums[i] = rows.dtype.type(0)


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def _bound(rows: Any, to: int, size_to: int, value: Any, eps: Any, extra: Any) -> None:
    """Centre, half width and largest size of each group of ``value``."""
    half = splat(rows.dtype.type(0.5))
    low, high = least_of_eight(value), most_of_eight(value)
    centre = multiply(half, add(low, high))
    size = most_of_eight(absolute(value))
    width = larger(subtract(high, centre), subtract(centre, low))
    store(rows, to, centre)
    store(rows, size_to, fma(eps, size, add(width, extra)))


@njit(**_INLINE)  # type: ignore[untyped-decorator]
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


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def _pair(w0: Any, w1: Any, b: Any, x: Any, y: Any, g0: Any, g1: Any, gb: Any, q0: Any, q1: Any) -> Any:
    z = relu(fma(w0, x, fma(w1, y, b)))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def _masked_pair(
    mask: Any, w0: Any, w1: Any, b: Any, x: Any, y: Any, g0: Any, g1: Any, gb: Any, q0: Any, q1: Any
) -> Any:
    z = multiply(mask, relu(fma(w0, x, fma(w1, y, b))))
    return fma(z, x, g0), fma(z, y, g1), add(gb, z), fma(z, w0, q0), fma(z, w1, q1)


@njit(**_INLINE)  # type: ignore[untyped-decorator]
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


@njit(**_INLINE)  # type: ignore[untyped-decorator]
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


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def _excess(
    rows: Any, width: int, i: int, leaves: Any, span: int, start: int, middle: Any, reach: Any
) -> Any:
    """Positive where the group is active on the whole leaf and moments may be used."""
    never = add(splat(rows[14 * width + i]), load(leaves, 12 * span + start))
    return subtract(subtract(middle, reach), never)


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def list_cut_leaves(
    rows: Any, width: int, i: int, leaves: Any, n_leaves: int, listed: Any, words: Any
) -> int:
    """Number of leaves that z = 0 may cut for the group at ``i``, their places ``listed``.

    ``words`` has a bit set for every leaf the group is active on.
    """
    span, count, none = leaves.size // LEAF_ROWS, 0, splat(rows.dtype.type(0))
    for base in range(0, n_leaves, WORD):
        mixed, on = np.int64(0), np.int64(0)
        for start in range(base, min(base + WORD, n_leaves), LANES):
            middle, reach = _middle_and_reach(rows, width, i, leaves, span, start)
            not_on = bits_at_most(_excess(rows, width, i, leaves, span, start, middle, reach), none)
            not_off = bits_above_zero(add(middle, reach))
            mixed |= (not_on & not_off) << (start - base)
            on |= (not_on ^ 0xFFFF) << (start - base)
        if n_leaves - base < WORD:
            known = (np.int64(1) << (n_leaves - base)) - 1
            mixed, on = mixed & known, on & known
        words[base // WORD] = on
        while mixed != 0:
            listed[count] = 2 * LANES * (base + lowest_bit(mixed))
            count += 1
            mixed &= mixed - 1
    return count


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def sum_moments(rows: Any, width: int, i: int, leaves: Any, n_leaves: int, pushed: Any, words: Any) -> None:
    """All pairs of the group at ``i`` and the leaves it is active on, by moments."""
    dtype = rows.dtype.type
    m00 = m01 = m11 = m0 = m1 = dtype(0)
    for j in range(i, i + GROUP):
        w0, w1, b = rows[j], rows[width + j], rows[2 * width + j]
        m00, m01, m11 = m00 + w0 * w0, m01 + w0 * w1, m11 + w1 * w1
        m0, m1 = m0 + b * w0, m1 + b * w1
    span, none = leaves.size // LEAF_ROWS, splat(dtype(0))
    x00 = x01 = x11 = x0 = x1 = xn = none
    v00, v01, v11, v0, v1 = splat(m00), splat(m01), splat(m11), splat(m0), splat(m1)
    for base in range(0, n_leaves, WORD):
        if words[base // WORD] == 0:
            continue
        for start in range(base, min(base + WORD, n_leaves), LANES):
            middle, reach = _middle_and_reach(rows, width, i, leaves, span, start)
            on = where_above(_excess(rows, width, i, leaves, span, start, middle, reach), none)
            x00 = fma(on, load(leaves, 6 * span + start), x00)
            x01 = fma(on, load(leaves, 7 * span + start), x01)
            x11 = fma(on, load(leaves, 8 * span + start), x11)
            x0 = fma(on, load(leaves, 9 * span + start), x0)
            x1 = fma(on, load(leaves, 10 * span + start), x1)
            xn = fma(on, load(leaves, 11 * span + start), xn)
            store(pushed, start, fma(on, v00, load(pushed, start)))
            store(pushed, span + start, fma(on, v01, load(pushed, span + start)))
            store(pushed, 2 * span + start, fma(on, v11, load(pushed, 2 * span + start)))
            store(pushed, 3 * span + start, fma(on, v0, load(pushed, 3 * span + start)))
            store(pushed, 4 * span + start, fma(on, v1, load(pushed, 4 * span + start)))
    y00, y01, y11, y0, y1, yn = total(x00), total(x01), total(x11), total(x0), total(x1), total(xn)
    for j in range(i, i + GROUP):
        w0, w1, b = rows[j], rows[width + j], rows[2 * width + j]
        rows[3 * width + j] = w0 * y00 + w1 * y01 + b * y0
        rows[4 * width + j] = w0 * y01 + w1 * y11 + b * y1
        rows[5 * width + j] = w0 * y0 + w1 * y1 + b * yn


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def push_to_points(points: Any, pulled: Any, pushed: Any, partial: Any) -> None:
    """What the groups' moments and pairs pull the datapoints by, into ``partial``, (m, T)."""
    T, span = partial.shape[1], pushed.size // PUSHED_ROWS
    to0, to1 = partial[0], partial[1]
    for start in range(0, T, LANES):
        leaf = start // LANES
        f00, f01, f11 = pushed[leaf], pushed[span + leaf], pushed[2 * span + leaf]
        f0, f1 = pushed[3 * span + leaf], pushed[4 * span + leaf]
        for j in range(min(LANES, T - start)):
            place = 2 * start + j
            x, y = points[place], points[place + LANES]
            to0[start + j] = pulled[place] + (f00 * x + f01 * y + f0)
            to1[start + j] = pulled[place + LANES] + (f01 * x + f11 * y + f1)


@njit(**_INLINE)  # type: ignore[untyped-decorator]
def culled_pairs(
    parameters: Any, culling: Any, gradients: Any, partial: Any, part: int, first: int, last: int
) -> None:
    """What `dense_pairs` computes, for features ``first`` to ``last`` - 1, neighbours held near each other."""
    points, leaves, limits, valid, all_rows, all_pulled, all_pushed, all_listed = culling
    rows, pulled, pushed, listed = all_rows[part], all_pulled[part], all_pushed[part], all_listed[part]
    T, size = partial.shape[1], last - first
    width, n_leaves = rows.size // FEATURE_ROWS, (T + LANES - 1) // LANES
    words = listed[n_leaves:]
    last_leaf = 2 * LANES * (n_leaves - 1) if T % LANES else -1
    for i in range(pulled.size):
        pulled[i] = rows.dtype.type(0)
    for i in range(pushed.size):
        pushed[i] = rows.dtype.type(0)
    if size == 0:
        partial[:] = rows.dtype.type(0)
        return
    load_features(parameters, rows, width, first, last)
    bound_features(rows, width, size, limits)
    for i in range(size, (size + LANES - 1) // LANES * LANES):
        rows[i] = rows[width + i] = rows[2 * width + i] = rows.dtype.type(0)
    for i in range(0, size, GROUP):
        count = list_cut_leaves(rows, width, i, leaves, n_leaves, listed, words)
        some = np.int64(0)
        for word in range(words.size):
            some |= words[word]
        if some != 0:
            sum_moments(rows, width, i, leaves, n_leaves, pushed, words)
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
    push_to_points(points, pulled, pushed, partial)
