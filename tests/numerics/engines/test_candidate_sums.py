"""Listed sums equal the sums over all pairs, to the bit those of full lists, however old the bounds are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import draw_dataset
from numerics.engines.cpu import candidates
from numerics.engines.cpu.candidates import (
    COUNTS,
    MOST_POINTS,
    RENEWS,
    WIDTH,
    Listing,
    count_listed,
    make_listing,
    plan_step,
    sum_listed,
)
from numerics.engines.cpu.simd import LANES
from tests.numerics.cases import State, arranged, begin, draw_state, drifts, error_of_sums, trained_state
from theory import Setting

SIZES = [3 * WIDTH], [500, LANES * candidates.MOST_BLOCKS + 1]

#: Features share a list in three dimensions, and do not in four.
in_three_and_four = pytest.mark.parametrize("m", [3, pytest.param(4, marks=pytest.mark.slow)])


def summed(state: State, listing: Listing, everything: bool = False) -> State:
    """Gradient sums and those of the datapoints; with ``everything`` no pair is left out."""
    parameters, hidden = state
    gradients, pulled = np.full_like(parameters, 7), np.full_like(hidden, 7)
    for _ in range(1 + everything):
        sum_listed(tuple(parameters), hidden, listing, tuple(gradients), pulled)
        if everything:
            listing.tops[:] = np.inf
    return gradients, pulled


def fresh(state: State) -> Listing:
    parameters, hidden = state
    return make_listing(parameters.shape[1], hidden.shape[1], len(hidden), 1, parameters.dtype)


def disagreement(states: list[State]) -> float:
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
def test_sums_are_those_of_all_pairs_and_nothing_left_out_counts(
    m: int, dtype: str, data: st.DataObject
) -> None:
    states = data.draw(drifts(m, *SIZES, length=3, dtype=dtype))
    assert disagreement(states) <= 1
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
def test_what_is_not_finite_or_huge_is_not_left_out(m: int, where: str, bad: float) -> None:
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
    assert listing.tally[RENEWS]


def test_trained_states_are_left_out_in_most_part() -> None:
    """Late in training: a few percent of pairs are active, and no more than four times as many are listed."""
    setting = Setting(T=256, n=800, m=3, sparsity=0.99, steps=400, lr=1e-2)
    state = trained_state(begin("cpu", setting), setting.steps, draw_dataset(setting))
    active = (state[0][:-1].T @ state[1] + state[0][-1][:, None] > 0).sum()
    assert active <= count_listed(*state, fresh(state)) <= min(4 * active, setting.n * setting.T / 2)
    assert disagreement([state]) <= 1


def steps_between_renewals(counts: list[int], renewal: int) -> list[int]:
    """At which of the steps bounds are renewed; the k-th step after a renewal lists counts[k]."""
    tally = np.zeros(COUNTS + 2, np.int64)
    tally[candidates.RENEWAL], tally[COUNTS:] = renewal, -1
    at, since = [], 0
    for step in range(len(counts)):
        plan_step(tally)
        if tally[RENEWS]:
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
