"""The dense part of a step, all pairs or culled: which of the two, and the arrays of the second. Pairs are culled by
boxes for m = 2 (`culling`), else by candidate lists (`candidates`), where that is less work, counted when features
and datapoints are arranged. Coefficients are times measured once, in units of one pair of the dense kernel, so the
same run takes the same sums on every machine. Late in training at T = 1000 to 10 000, n = 10 000 whole steps take half
to a third of the dense time; below T of about 400 the dense kernel stays (`benchmarks/culling.py` times them anew).
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload
from numpy.typing import NDArray

from numerics.engines.cpu import candidates
from numerics.engines.cpu.bounding_boxes import (
    BOX_ROWS,
    FEATURE_ROWS,
    GROUP,
    NODE,
    NODE_POINTS,
    bound_features,
    describe_leaves,
    describe_nodes,
    load_features,
)
from numerics.engines.cpu.compilation import INLINE, compiled
from numerics.engines.cpu.culling import PUSHED_ROWS, culled_pairs, list_cut_leaves
from numerics.engines.cpu.pairs import BLOCK, dense_pairs
from numerics.engines.cpu.simd import LANES

#: Roundings of the boxes, of the test and of z, in units of eps: boxes 2 + 2, test 8, z 3, their squares.
MARGIN = 16

#: Cost of one pair of a leaf that is cut, and of a group with its tests and moments, in pairs of the dense kernel: as
#: fitted by ``python benchmarks/culling.py --T 128,300,600,1000,3000`` on an AMD EPYC of family 26 (2.0, 2300).
CUT_PAIR, GROUP_COST = 2.0, 2300.0

#: Cost of one pair that lists hold right after an arrangement, with those that drift and renewals add until the next,
#: and of one feature: between states in which whole steps with lists are slower and faster (m = 3, 4, 10, T = 1000 and
#: 3000, after 200 to 8000 steps); lists break even where they hold a quarter to a third of all pairs.
LISTED_PAIR, FEATURE_COST = 3.0, 200.0

#: What is known of the outputs of a group of features on a leaf of datapoints: none active, all active, neither.
OFF, ON, CUT = 0, 1, 2

#: Fewer datapoints are never culled: eight leaves exclude little.
LEAST_POINTS = 8 * LANES


def culling_arrays(T: int, parts: int, dtype: np.dtype[Any]) -> tuple[NDArray[Any], ...]:
    """Work space of `culled_pairs` for T datapoints and ``parts`` parts of the features."""
    n_leaves = -(-T // LANES)
    span, width = -(-n_leaves // NODE) * NODE, BLOCK + LANES
    node_span = -(-span // (NODE * LANES)) * LANES
    info = np.finfo(dtype)
    scale = 40 if dtype == np.float32 else 300  # squares of 2^±scale, times T, neither over- nor underflow
    limits = np.array([MARGIN * info.eps, 2.0**-scale, 2.0**scale, MARGIN * info.tiny, info.max], dtype)
    valid = np.zeros(LANES, dtype)
    valid[: T % LANES] = 1
    return (
        np.zeros(2 * LANES * n_leaves, dtype),
        np.zeros(BOX_ROWS * span, dtype),
        np.zeros(BOX_ROWS * node_span, dtype),
        limits,
        valid,
        np.zeros((parts, FEATURE_ROWS * width + LANES), dtype),
        np.zeros((parts, 2 * LANES * n_leaves), dtype),
        np.zeros((parts, PUSHED_ROWS * span), dtype),
        np.zeros((parts, PUSHED_ROWS * node_span), dtype),
        np.zeros((parts, 3, n_leaves + 2 * LANES), np.int64),
    )


@njit(**INLINE)
def _describe(hidden, culling, first, last):
    """Boxes and moments of the leaves and nodes of datapoints ``first`` to ``last`` - 1, whole nodes."""
    points, leaves, nodes, limits = culling[0], culling[1], culling[2], culling[3]
    describe_leaves(hidden, points, leaves, limits, first, last)
    n_leaves, n_nodes = (hidden.shape[1] + LANES - 1) // LANES, (last + NODE_POINTS - 1) // NODE_POINTS
    describe_nodes(leaves, nodes, n_leaves, limits, first // NODE_POINTS, n_nodes)


def _classify(parameters, hidden, culling, kinds):
    """What is known of each group and leaf, into ``kinds``, (groups, leaves): `OFF`, `ON` or `CUT`."""
    leaves, nodes, limits, rows = culling[1], culling[2], culling[3], culling[5][0]
    listed, on, on_above = culling[9][0, 0], culling[9][0, 1], culling[9][0, 2]
    n, n_leaves = parameters[0].size, (hidden.shape[1] + LANES - 1) // LANES
    width = (rows.size - LANES) // FEATURE_ROWS
    _describe(hidden, culling, 0, hidden.shape[1])
    for first in range(0, n, width - LANES):
        size = min(width - LANES, n - first)
        load_features(parameters, rows, width, first, first + size)
        bound_features(rows, width, size, limits)
        for i in range(0, size, GROUP):
            kind = kinds[(first + i) // GROUP]
            count, n_on, _ = list_cut_leaves(rows, width, i, leaves, nodes, n_leaves, listed, on, on_above)
            for leaf in range(n_leaves):
                node = leaf // NODE
                kind[leaf] = ON if on_above[node // LANES] >> (node % LANES) & 1 else OFF
            for entry in range(n_on):
                start = on[2 * entry] * NODE
                for leaf in range(start, min(start + NODE, n_leaves)):
                    kind[leaf] = ON if on[2 * entry + 1] >> (leaf - start) & 1 else OFF
            for entry in range(count):
                kind[listed[entry] // (2 * LANES)] = CUT


_compiled_classify = compiled(_classify, "classify", fastmath=False)


def classify(
    parameters: NDArray[Any], hidden: NDArray[Any], arrays: tuple[NDArray[Any], ...]
) -> NDArray[np.int8]:
    """(groups, leaves) `OFF`, `ON` or `CUT`: the sign of all outputs of a group on a leaf, where it is sure.
    ``parameters`` are (3, n), ``hidden`` (2, T), both in their arrangement; ``arrays`` those of `culling_arrays`.
    """
    kinds = np.zeros((-(-parameters.shape[1] // GROUP), -(-hidden.shape[1] // LANES)), np.int8)
    _compiled_classify(tuple(np.ascontiguousarray(parameters)), np.ascontiguousarray(hidden), arrays, kinds)
    return kinds


def prefers_listing(listed: int, n: int, T: int) -> bool:
    """Whether ``listed`` pairs of a feature and a datapoint, and what each feature costs, are less than all pairs."""
    return LISTED_PAIR * listed + FEATURE_COST * n < n * T


def prefers_culling(cut: int, n: int, T: int) -> bool:
    """Whether ``cut`` pairs of a group and a leaf, and what each group costs, are less than all n T pairs."""
    return CUT_PAIR * cut * GROUP * LANES + GROUP_COST * -(-n // GROUP) < n * T


def _by_kind(dense: Any, boxes: Any, lists: Any) -> Any:
    """A function of compiled code: one of three, as its first argument is None, of `culling_arrays` or a `Listing`."""

    def chosen(culling, *arguments):
        raise NotImplementedError("compiled code only")

    def _choose(culling, *arguments):
        if isinstance(culling, types.NoneType):
            return dense
        return lists if getattr(culling, "instance_class", None) is candidates.Listing else boxes

    overload(chosen, strict=False)(_choose)
    return chosen


def _all_pairs(culling, arrays, part, first, last):
    dense_pairs(arrays[0], arrays[1], arrays[2], arrays[3][part], arrays[4][part], first, last)


def _culled(culling, arrays, part, first, last):
    culled_pairs(arrays[0], culling, arrays[2], arrays[3][part], part, first, last)


def _listed(culling, arrays, part, first, last):
    candidates.listed_pairs(arrays[0], culling, arrays[2], arrays[3][part], part, first, last)


def _list_all(culling, place):
    culling.tops[place] = np.inf


#: What must be decided before a step.
plan = _by_kind(
    lambda culling: None, lambda culling: None, lambda culling: candidates.plan_step(culling.tally)
)
#: What must be known of datapoints ``first`` to ``last`` - 1, whole nodes.
prepare = _by_kind(
    lambda culling, hidden, first, last: None,
    lambda culling, hidden, first, last: _describe(hidden, culling, first, last),
    lambda culling, hidden, first, last: candidates.describe_points(hidden, culling, first, last),
)
#: What must be known of the feature at ``place``, which wakes: until bounds are found anew, nothing.
welcome = _by_kind(lambda culling, place: None, lambda culling, place: None, _list_all)
#: The sums of a part; ``arrays`` are parameters, hidden, gradients, partial and scratch.
interact = _by_kind(_all_pairs, _culled, _listed)


def _sum_pairs(culling, parameters, hidden, gradients, partial, scratch):
    """The sums of all features in one part: ``partial`` is (1, m, T), ``scratch`` (1, size) or, where culled, None."""
    plan(culling)
    prepare(culling, hidden, 0, hidden.shape[1])
    interact(culling, (parameters, hidden, gradients, partial, scratch), 0, 0, parameters[0].size)


sum_pairs = compiled(_sum_pairs, "sum_pairs")


def count_listed(parameters: NDArray[Any], hidden: NDArray[Any], listing: candidates.Listing) -> int:
    """Pairs that the lists of (m+1, n) ``parameters`` have on (m, T) ``hidden`` when bounds are new."""
    rows, gradients = tuple(np.ascontiguousarray(parameters)), tuple(np.empty(parameters.shape, hidden.dtype))
    partial = np.empty((1, *hidden.shape), hidden.dtype)
    candidates.forget(listing)
    sum_pairs(listing, rows, np.ascontiguousarray(hidden), gradients, partial, None)
    return int(listing.tally[candidates.COUNTS]) * LANES * candidates.group_size(len(hidden))
