"""Culled and listed sums equal the sums over all pairs, and every pair that is not evaluated was decided rightly.

Sums are compared with the size of their summands. A decision is compared with z in twice the precision: a pair that is
skipped, or summed by moments, must have its sign however a kernel rounds z. Listed sums are those of full lists to the
bit, however old the bounds are.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import draw_dataset
from numerics.engines.cpu import candidates
from numerics.engines.cpu.bounding_boxes import GROUP, NODE_POINTS
from numerics.engines.cpu.candidates import COUNTS, MOST_POINTS, WIDTH, Listing, make_listing
from numerics.engines.cpu.interaction import (
    CUT,
    OFF,
    ON,
    classify,
    count_listed,
    culling_arrays,
    prefers_culling,
    prefers_listing,
    sum_pairs,
)
from numerics.engines.cpu.kernels import BLOCK
from numerics.engines.cpu.simd import LANES
from tests.numerics.cases import (
    EPS32,
    State,
    arranged,
    begin,
    draw_state,
    drifts,
    error_of_sums,
    gamma,
    trained_state,
)
from theory import Setting

SIZES = [BLOCK - 1, BLOCK + GROUP + 1], [NODE_POINTS - 1, NODE_POINTS, 4 * NODE_POINTS + 3, 17 * NODE_POINTS]


def arrays_for(state: State) -> tuple[np.ndarray, ...]:
    return culling_arrays(state[1].shape[1], 1, state[0].dtype)


def disagreement(state: State, arrays: tuple[np.ndarray, ...] | None = None) -> float:
    """Roundings of a summand: five of a moment, its three products and sums, those of z."""
    parameters, hidden = state
    gradients, pulled = np.zeros_like(parameters), np.zeros_like(hidden)
    sum_pairs(arrays or arrays_for(state), tuple(parameters), hidden, tuple(gradients), pulled[None], None)
    return error_of_sums(state, (gradients, pulled), roundings=16)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@given(data=st.data())
def test_sums_are_those_of_all_pairs(dtype: str, data: st.DataObject) -> None:
    assert disagreement(data.draw(drifts(2, *SIZES, length=1, dtype=dtype))[0]) <= 1


def wrong_decisions(state: State, arrays: tuple[np.ndarray, ...]) -> int:
    """Pairs (float32) decided against the sign that z has in some rounding; z is exact to 2⁻⁵² of its summands here."""
    parameters, hidden = state
    kinds = classify(parameters, hidden, arrays)
    W, b, h = parameters[:2].astype(float), parameters[2].astype(float), hidden.astype(float)
    z, Z = W.T @ h + b[:, None], np.abs(W).T @ np.abs(h) + np.abs(b)[:, None]
    rounding = gamma(3, EPS32) * Z
    kind = kinds.repeat(GROUP, axis=0)[: len(z)].repeat(LANES, axis=1)[:, : z.shape[1]]
    return int((((kind == OFF) & (z + rounding > 0)) | ((kind == ON) & (z - rounding < 0))).sum())


@given(drifts(2, *SIZES, length=1))
def test_decided_signs_are_sure(states: list[State]) -> None:
    assert wrong_decisions(states[0], arrays_for(states[0])) == 0


def test_missing_margins_and_wrong_bounds_are_seen() -> None:
    """Without the margin for rounding some sign is decided that rounding may turn; 2 % more, and sums are off."""
    for kind, n, T, margin, wrongness in (
        ("near the boundary", 64 * GROUP, LANES, 0.0, wrong_decisions),
        ("clusters", 520, 999, -0.02, lambda *given: disagreement(*given) > 1),
    ):
        drawn = draw_state(np.random.default_rng(5), kind, 2, n, T)
        state = arranged(*(part.astype(np.float32) for part in drawn))
        arrays = arrays_for(state)
        assert not wrongness(state, arrays)
        arrays[3][0] = margin
        assert wrongness(state, arrays)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["parameters", "hidden"])
def test_what_is_not_finite_is_not_culled(where: str, bad: float) -> None:
    """The group or leaf that holds it is evaluated pair by pair, so that it shows as in the dense kernel."""
    parameters, hidden = draw_state(np.random.default_rng(1), "spread", 2, 8 * GROUP, 4 * LANES)
    parameters[2] = -100
    (parameters, hidden)[where == "hidden"][0, 2 * LANES + 1] = bad
    state = parameters.astype(np.float32), hidden.astype(np.float32)
    kinds = classify(*state, arrays_for(state))
    cut = kinds[(2 * LANES + 1) // GROUP] if where == "parameters" else kinds[:, 2]
    assert (cut == CUT).all()
    assert (kinds == OFF).any()


def test_trained_states_are_decided_in_part() -> None:
    """Early and late in a training: sums agree, a third of groups and leaves is decided, of both signs."""
    setting = Setting(T=256, n=800, sparsity=0.99, steps=400, lr=1e-2)
    trajectory = begin("cpu", setting)
    for step in (3, 400):
        state = trained_state(trajectory, step, draw_dataset(setting))
        assert disagreement(state) <= 1
        assert wrong_decisions(state, arrays_for(state)) == 0
        kinds = classify(*state, arrays_for(state))
        assert (kinds != CUT).mean() > 1 / 3
        assert (kinds == OFF).any()
        assert (kinds == ON).any()


@given(work=st.integers(0, 10**9), n=st.integers(1, 10**5), T=st.integers(1, 10**5))
def test_the_choices_are_monotone(work: int, n: int, T: int) -> None:
    """More pairs to evaluate never make culling or lists preferable; evaluating all of them never is."""
    for prefers, everything in ((prefers_culling, -(-n // GROUP) * -(-T // LANES)), (prefers_listing, n * T)):
        assert prefers(work, n, T) or not prefers(work + 1, n, T)
        assert not prefers(everything, n, T)
        assert prefers(0, 10_000, 1_000)


# lists

LISTED_SIZES = [3 * WIDTH], [500, LANES * candidates.MOST_BLOCKS + 1]

#: Features share a list in three dimensions, and do not in four.
in_three_and_four = pytest.mark.parametrize("m", [3, pytest.param(4, marks=pytest.mark.slow)])


def summed(state: State, listing: Listing, everything: bool = False) -> State:
    """Gradient sums and those of the datapoints; with ``everything`` no pair is left out."""
    parameters, hidden = state
    gradients, pulled = np.full_like(parameters, 7), np.full_like(hidden, 7)
    for _ in range(1 + everything):
        sum_pairs(listing, tuple(parameters), hidden, tuple(gradients), pulled[None], None)
        if everything:
            listing.tops[:] = np.inf
    return gradients, pulled


def fresh(state: State) -> Listing:
    parameters, hidden = state
    return make_listing(parameters.shape[1], hidden.shape[1], len(hidden), 1, parameters.dtype)


def listed_disagreement(states: list[State]) -> float:
    """Of any of these states one after the other, with one listing; m + 1 roundings of z and the product."""
    listing = fresh(states[0])
    return max(error_of_sums(state, summed(state, listing), len(state[0]) + 1) for state in states)


def leaves_a_trace(states: list[State], listing: Listing) -> bool:
    """Whether sums by bounds of the first state differ, by any bit, from sums with nothing left out."""
    listing.tally[COUNTS:] = -1
    summed(states[0], listing)
    listing.tally[candidates.RENEWAL] = listing.tally[candidates.SPENT] = 2**60  # never again
    here = [summed(state, listing) for state in states]
    whole = [summed(state, fresh(state), everything=True) for state in states]
    return any((a != b).any() for pair in zip(here, whole, strict=True) for a, b in zip(*pair, strict=True))


@pytest.mark.parametrize(
    ("m", "dtype"),
    [
        (3, "float32"),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in ((4, "float32"), (3, "float64"), (4, "float64"))
        ),
    ],
)
@given(data=st.data())
def test_listed_sums_are_those_of_all_pairs_and_nothing_left_out_counts(
    m: int, dtype: str, data: st.DataObject
) -> None:
    states = data.draw(drifts(m, *LISTED_SIZES, length=3, dtype=dtype))
    assert listed_disagreement(states) <= 1
    assert not leaves_a_trace(states, fresh(states[0]))


@in_three_and_four
def test_a_bound_too_narrow_is_seen(m: int) -> None:
    """Clusters that moved by a tenth: bounds that ignore half of the move leave out active pairs."""
    random = np.random.default_rng(3)
    parameters, hidden = arranged(*draw_state(random, "clusters", m, 200, 300))
    moved = parameters + 0.1 * random.normal(size=parameters.shape)
    states = [(part.astype("float32"), hidden.astype("float32")) for part in (parameters, moved)]
    listing = fresh(states[0])
    assert not leaves_a_trace(states, listing)
    listing.limits[0] = -0.5
    assert leaves_a_trace(states, listing)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("where", ["parameters", "hidden"])
@in_three_and_four
def test_what_is_not_finite_or_huge_is_listed(m: int, where: str, bad: float) -> None:
    """Before or after renewal: its feature or block is listed, so that it shows as in the dense kernel."""
    parameters, hidden = draw_state(np.random.default_rng(1), "spread", m, 64, 4 * LANES)
    parameters[-1] = -100
    state = parameters.astype(np.float32), hidden.astype(np.float32)
    spoiled = state[0].copy(), state[1].copy()
    spoiled[where == "hidden"][0, 2 * LANES + 1] = bad
    listing = fresh(state)
    summed(state, listing)
    assert listing.tally[COUNTS] == 0
    most = 4 if where == "parameters" else 64 // candidates.group_size(m)
    for _ in range(2):
        summed(spoiled, listing)
        assert listing.tally[COUNTS] == most
        listing.tally[COUNTS:] = -1
    summed(state, listing)
    assert listing.tally[COUNTS] == 0
    assert listing.tally[candidates.RENEWS]


def test_trained_states_are_left_out_in_most_part() -> None:
    """Late in training: a few percent of pairs are active, and no more than four times as many are listed."""
    setting = Setting(T=256, n=800, m=3, sparsity=0.99, steps=400, lr=1e-2)
    state = trained_state(begin("cpu", setting), setting.steps, draw_dataset(setting))
    active = (state[0][:-1].T @ state[1] + state[0][-1][:, None] > 0).sum()
    assert active <= count_listed(*state, fresh(state)) <= min(4 * active, setting.n * setting.T / 2)
    assert listed_disagreement([state]) <= 1


def steps_between_renewals(counts: list[int], renewal: int) -> list[int]:
    """At which of the steps bounds are renewed; the k-th step after a renewal lists counts[k]."""
    tally = np.zeros(COUNTS + 2, np.int64)
    tally[candidates.RENEWAL], tally[COUNTS:] = renewal, -1
    at, since = [], 0
    for step in range(len(counts)):
        candidates.plan_step(tally)
        if tally[candidates.RENEWS]:
            at.append(step)
            since = 0
        tally[COUNTS:] = counts[since] // 2
        since += 1
    return at


def test_bounds_are_renewed_when_it_pays() -> None:
    """Constant lists are kept for ever; of lists that grow by a each step, at the least mean cost, √(2 renewal/a)."""
    assert steps_between_renewals([10] * 300, renewal=50) == [0]
    grown = steps_between_renewals([10 + 4 * k for k in range(300)], renewal=20_000)
    assert set(np.diff(grown).tolist()) <= {99, 100, 101, 102}
    assert len(grown) == 3


@given(st.integers(1, 50_000), st.integers(1, MOST_POINTS), st.sampled_from([1, 3, 10]))
def test_memory_is_bounded_by_features_and_datapoints(n: int, T: int, m: int) -> None:
    """No array of features times datapoints: MOST_BLOCKS bounds each, and blocks never straddle two parts."""
    sizes = [array.size for array in make_listing(n, T, m, 1, np.dtype("float32"))]
    assert sum(sizes) <= (candidates.MOST_BLOCKS + m + 1) * (n + WIDTH) + 4 * (m + 1) * (T + 40 * LANES)
    assert candidates.block_leaves(T) <= candidates.NODE
