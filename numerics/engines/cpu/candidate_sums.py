"""The dense pair interaction over candidates alone: culling in any number of hidden dimensions. Only pairs that
`candidates` lists are summed. One left out has z <= 0 and would add zeros, so the sums depend, to the bit, neither on
the lists nor on when bounds were found: neither is state of a run. They differ from those of `dense_pairs` by order
alone. Lanes are the datapoints of a leaf; coordinates are unrolled, so that a feature's sums stay in registers. A bias
is the weight of a last coordinate, which is 1, and 0 where a leaf is filled up.
"""

from functools import cache
from typing import Any

import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from numerics.engines.cpu.candidates import (
    COUNTS,
    RENEWS,
    WIDTH,
    Listing,
    describe_points,
    forget,
    group_size,
    list_blocks,
    measure_drift,
    plan_step,
    renew,
)
from numerics.engines.cpu.compilation import compiled
from numerics.engines.cpu.simd import LANES, from_source


def _sum_name(m: int, share: int) -> str:
    """Says all the source depends on: cached machine code is linked by name and argument types."""
    return f"sum_listed_of_{share}_in_{m}_dimensions_by_{LANES}"


@cache
def _sum(m: int, share: int) -> Any:
    """The sums of ``share`` features from ``i`` on over ``count`` listed blocks, coordinates unrolled."""
    features, each = range(share), range(m + 1)
    places = [(f, k) for f in features for k in each]
    padded = [f"g{f}_{k}" for f, k in places] + ["zero"] * (-len(places) % 4)
    lines = [
        f"def {_sum_name(m, share)}(rows, i, points, pulled, listed, count, span, sums):",
        "    zero = splat(rows.dtype.type(0))",
        *(f"    w{f}_{k} = splat(rows[i + {k * WIDTH + f}])" for f, k in places),
        *(f"    g{f}_{k} = zero" for f, k in places),
        "    for entry in range(count):",
        "        for leaf in range(listed[entry] * span, (listed[entry] + 1) * span):",
        f"            p, q = leaf * {(m + 1) * LANES}, leaf * {m * LANES}",
        *(f"            h{k} = load(points, p + {k * LANES})" for k in each),
    ]
    for f in features:
        lines.append(f"            y{f} = multiply(w{f}_{m}, h{m})")
        lines += [f"            y{f} = fma(w{f}_{k}, h{k}, y{f})" for k in range(m)]
        lines.append(f"            y{f} = relu(y{f})")
    lines += [f"            g{f}_{k} = fma(y{f}, h{k}, g{f}_{k})" for f, k in places]
    for k in range(m):
        pull = f"load(pulled, q + {k * LANES})"
        for f in features:
            pull = f"fma(y{f}, w{f}_{k}, {pull})"
        lines.append(f"            store(pulled, q + {k * LANES}, {pull})")
    lines += [
        f"    add_totals(sums, {at}, {', '.join(padded[at : at + 4])})" for at in range(0, len(padded), 4)
    ]
    return from_source(_sum_name(m, share), lines)


def listed_pairs(
    parameters: Any, listing: Any, gradients: Any, partial: Any, part: int, first: int, last: int
) -> None:
    """What `dense_pairs` computes, for features ``first`` to ``last`` - 1, ``first`` on a multiple of `WIDTH`."""
    raise NotImplementedError("compiled code only")


@overload(listed_pairs)
def _listed_pairs_for(
    parameters: Any, listing: Any, gradients: Any, partial: Any, part: int, first: int, last: int
) -> Any:
    m = len(parameters) - 1
    share = group_size(m)
    sum_listed = _sum(m, share)

    def run(
        parameters: Any, listing: Any, gradients: Any, partial: Any, part: int, first: int, last: int
    ) -> None:
        points, reach, tally = listing.points, listing.reach, listing.tally
        pulled, rows, listed = listing.pulled[part], listing.rows[part], listing.listed[part]
        n_blocks, span = listing.shape
        drift, sums = rows[(m + 1) * WIDTH :], rows[(m + 4) * WIDTH :]
        zero, work = rows.dtype.type(0), 0
        for i in range(pulled.size):
            pulled[i] = zero
        for start in range(first, last, WIDTH):
            size, tops = min(WIDTH, last - start), listing.tops[start : start + WIDTH]
            old = listing.old[start * (m + 1) : (start + WIDTH) * (m + 1)]
            for k in range(m + 1):
                source, target = parameters[k][start : start + size], rows[k * WIDTH : (k + 1) * WIDTH]
                for i in range(size):
                    target[i] = source[i]
                for i in range(size, WIDTH):
                    target[i] = zero
            if tally[RENEWS]:
                for i in range(old.size):
                    old[i] = rows[i]
                renew(rows, m, points, tops, n_blocks, span)
            measure_drift(rows, m, old, listing.limits)
            for i in range(0, size, share):
                for k in range(sums.size):
                    sums[k] = zero
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


def _sum_listed(parameters: Any, hidden: Any, listing: Any, gradients: Any, partial: Any) -> None:
    """`listed_pairs` of all features in one part."""
    plan_step(listing.tally)
    describe_points(hidden, listing, 0, hidden.shape[1])
    listed_pairs(parameters, listing, gradients, partial, 0, 0, parameters[0].size)


sum_listed = compiled(_sum_listed, "sum_listed")


def count_listed(parameters: NDArray[Any], hidden: NDArray[Any], listing: Listing) -> int:
    """Pairs that the lists of (m+1, n) ``parameters`` have on (m, T) ``hidden`` when bounds are new."""
    rows, gradients = (tuple(np.ascontiguousarray(part)) for part in (parameters, np.empty_like(parameters)))
    forget(listing)
    sum_listed(rows, np.ascontiguousarray(hidden), listing, gradients, np.empty_like(hidden, order="C"))
    counted = int(listing.tally[COUNTS]) * LANES * group_size(len(hidden))
    forget(listing)
    return counted
