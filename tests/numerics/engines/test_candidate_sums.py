"""Listed sums equal the sums over all pairs, to the bit those of full lists, however old the bounds are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import draw_dataset
from numerics.engines.cpu import candidates
from numerics.engines.cpu import trajectory as cpu
from numerics.engines.cpu.candidate_sums import count_listed, sum_listed
from numerics.engines.cpu.candidates import (
    COUNTS,
    MOST_POINTS,
    RENEWS,
    WIDTH,
    Listing,
    make_listing,
    plan_step,
)
from numerics.engines.cpu.interaction import prefers_listing
from numerics.engines.cpu.kd_order import kd_order
from numerics.engines.cpu.kernels import as_rows
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.state import feature_order
from tests.numerics.cases import excess, gamma, one_core
from tests.numerics.engines.test_dormant_features import begin
from tests.numerics.training.test_trajectories import EPS32, EPS64, start_of, walk, with_allowed_drift
from theory import Setting

KINDS = ("spread", "clusters", "one feature", "one point", "on the boundary", "near the boundary")
SCALES = (1e-17, 1e-3, 1.0, 1e8)

#: Features that share a list, and features that do not.
HIDDEN_DIMS = (3, 4)

State = tuple[np.ndarray, np.ndarray]


def draw_state(random: np.random.Generator, kind: str, m: int, n: int, T: int) -> State:
    """(m+1, n) parameters and (m, T) hidden vectors."""
    W, h, b = random.normal(size=(m, n)), random.normal(size=(m, T)), random.normal(size=n)
    if kind == "clusters":  # few active pairs, as late in training
        corners = random.normal(size=(m, 6))
        corners /= np.linalg.norm(corners, axis=0)
        W = corners[:, random.integers(6, size=n)] + 0.05 * random.normal(size=(m, n))
        h = corners[:, random.integers(6, size=T)] + 0.05 * random.normal(size=(m, T))
        b = np.full(n, -0.8)
    if kind == "one feature":
        W, b = np.repeat(W[:, :1], n, axis=1), np.repeat(b[:1], n)
    if kind == "one point":
        h = np.repeat(h[:, :1], T, axis=1)
    if kind == "on the boundary":  # w·h = ±1/2 exactly
        W, b = np.zeros((m, n)), np.full(n, -0.5)
        W[0], h[0] = random.choice([1.0, -1.0], n), 0.5
    if kind == "near the boundary":  # z is a few roundings
        h = np.repeat(h[:, :1], T, axis=1)
        b = -(h[:, 0] @ W) * (1 + EPS32 / 4 * random.integers(-8, 9, n))
    return np.vstack([W, b]), h


def summed(parameters: np.ndarray, hidden: np.ndarray, listing: Listing, everything: bool = False) -> State:
    """Gradient sums and those of the datapoints; with ``everything`` no pair is left out."""
    gradients, pulled = np.full_like(parameters, 7), np.full_like(hidden, 7)
    if everything:
        sum_listed(as_rows(parameters), hidden, listing, as_rows(gradients), pulled)
        listing.tops[:] = np.inf
    sum_listed(as_rows(parameters), hidden, listing, as_rows(gradients), pulled)
    return gradients, pulled


def fresh(parameters: np.ndarray, hidden: np.ndarray) -> Listing:
    return make_listing(parameters.shape[1], hidden.shape[1], len(hidden), 1, parameters.dtype)


def disagreement(parameters: np.ndarray, hidden: np.ndarray, listing: Listing) -> float:
    """How many times their rounding bounds the listed sums are off the sums over all pairs, in float64.

    Roundings: T or n summands, m + 1 of z, the product; gradual underflow of each product.
    """
    gradients, pulled = summed(parameters, hidden, listing)
    W, b, h = parameters[:-1].astype(float), parameters[-1].astype(float), hidden.astype(float)
    y, Z = np.maximum(W.T @ h + b[:, None], 0), np.abs(W).T @ np.abs(h) + np.abs(b)[:, None]
    g = gamma(y.shape[0] + y.shape[1] + len(h) + 2, float(np.finfo(parameters.dtype).eps))
    g += gamma(y.shape[0] + y.shape[1] + len(h) + 2, EPS64)  # the sums compared with
    tiny = float(np.finfo(parameters.dtype).tiny) * sum(y.shape)
    tiny *= (1 + np.abs(W).max()) * (1 + np.abs(h).max())
    return max(
        excess(gradients[:-1] - h @ y.T, g * (np.abs(h) @ Z.T) + tiny),
        excess(gradients[-1] - y.sum(axis=1), g * Z.sum(axis=1) + tiny),
        excess(pulled - W @ y, g * (np.abs(W) @ Z) + tiny),
    )


@st.composite
def drifts(draw: st.DrawFn, dtype: str = "float32") -> list[State]:
    """A state of any kind and scale, neighbours side by side or not, and two later ones."""
    m, n = draw(st.sampled_from(HIDDEN_DIMS)), draw(st.integers(1, 3 * WIDTH))
    T = draw(st.one_of(st.integers(1, 3 * LANES), st.sampled_from([500, LANES * candidates.MOST_BLOCKS + 1])))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters, hidden = draw_state(random, draw(st.sampled_from(KINDS)), m, n, T)
    if draw(st.booleans()):
        parameters = parameters[:, feature_order(parameters, float(np.abs(hidden).max()))]
        hidden = hidden[:, kd_order(hidden, LANES)]
    w, h = draw(st.sampled_from(SCALES)), draw(st.sampled_from(SCALES))
    scales = np.array([w] * m + [w * h])[:, None]
    states = []
    for _ in range(3):
        states.append(((parameters * scales).astype(dtype), (hidden * h).astype(dtype)))
        size = draw(st.sampled_from([0.0, EPS32, 1e-4, 0.1]))
        parameters = parameters + size * random.normal(size=parameters.shape)
        hidden = hidden + size * random.normal(size=hidden.shape)
    return [(np.ascontiguousarray(parameters), np.ascontiguousarray(hidden)) for parameters, hidden in states]


@given(drifts())
def test_sums_are_those_of_all_pairs(states: list[State]) -> None:
    listing = fresh(*states[0])
    assert max(disagreement(*state, listing) for state in states) <= 1


@given(drifts(dtype="float64"))
def test_sums_are_those_of_all_pairs_in_float64(states: list[State]) -> None:
    listing = fresh(*states[0])
    assert max(disagreement(*state, listing) for state in states) <= 1


def leaves_a_trace(states: list[State], listing: Listing) -> bool:
    """Whether sums by bounds of the first state differ, by any bit, from sums with nothing left out."""
    listing.tally[COUNTS:] = -1
    summed(*states[0], listing)
    listing.tally[candidates.RENEWAL] = listing.tally[candidates.SPENT] = 2**60  # never again
    here = [summed(*state, listing) for state in states]
    whole = [summed(*state, fresh(*state), everything=True) for state in states]
    return any((a != b).any() for pair in zip(here, whole, strict=True) for a, b in zip(*pair, strict=True))


@given(drifts())
def test_what_is_left_out_is_exactly_zero(states: list[State]) -> None:
    assert not leaves_a_trace(states, fresh(*states[0]))


@pytest.mark.parametrize("m", HIDDEN_DIMS)
def test_a_bound_too_narrow_is_seen(m: int) -> None:
    """Clusters that moved by a tenth: bounds that ignore half of the move leave out active pairs."""
    random = np.random.default_rng(3)
    parameters, hidden = draw_state(random, "clusters", m, 200, 300)
    parameters = parameters[:, feature_order(parameters, 1.0)]
    hidden = hidden[:, kd_order(hidden, LANES)]
    moved = parameters + 0.1 * random.normal(size=parameters.shape), hidden
    states = [
        tuple(np.ascontiguousarray(part, "float32") for part in state)
        for state in ((parameters, hidden), moved)
    ]
    listing = fresh(*states[0])
    assert not leaves_a_trace(states, listing)
    listing.limits[0] = -0.5
    assert leaves_a_trace(states, listing)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("where", ["parameters", "hidden"])
@pytest.mark.parametrize("m", HIDDEN_DIMS)
def test_what_is_not_finite_or_huge_is_not_left_out(m: int, where: str, bad: float) -> None:
    """Before or after renewal: its feature or block is listed, so that it shows as in the dense kernel."""
    parameters, hidden = draw_state(np.random.default_rng(1), "spread", m, 64, 4 * LANES)
    parameters[-1] = -100
    state = parameters.astype(np.float32), hidden.astype(np.float32)
    spoiled = tuple(part.copy() for part in state)
    spoiled[where == "hidden"][0, 2 * LANES + 1] = bad
    listing = fresh(*state)
    summed(*state, listing)
    assert listing.tally[COUNTS] == 0
    most = 4 if where == "parameters" else 64 // candidates.group_size(m)
    for _ in range(2):
        summed(*spoiled, listing)
        assert listing.tally[COUNTS] == most
        listing.tally[COUNTS:] = -1
    summed(*state, listing)
    assert listing.tally[COUNTS] == 0
    assert listing.tally[RENEWS]


def test_trained_states_are_left_out_in_most_part() -> None:
    """Late in training: a few percent of pairs are active, and no more than four times as many are listed."""
    setting = Setting(T=256, n=800, m=3, sparsity=0.99, steps=400, lr=1e-2)
    trajectory = begin(setting)
    trajectory.advance(setting.steps)
    parameters = trajectory.parameters()
    hidden = draw_dataset(setting).dense().T.astype(np.float32) @ parameters[:-1].T
    hidden = np.ascontiguousarray(hidden[kd_order(hidden.T, LANES)].T)
    parameters = np.ascontiguousarray(parameters[:, feature_order(parameters, float(np.abs(hidden).max()))])
    listing = fresh(parameters, hidden)
    active = (parameters[:-1].T @ hidden + parameters[-1][:, None] > 0).sum()
    assert (
        active <= count_listed(parameters, hidden, listing) <= min(4 * active, parameters.shape[1] * 256 / 2)
    )
    assert disagreement(parameters, hidden, listing) <= 1


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


@given(listed=st.integers(0, 10**9), n=st.integers(1, 10**5), T=st.integers(1, 10**5))
def test_the_choice_is_monotone(listed: int, n: int, T: int) -> None:
    """More pairs to evaluate never make lists preferable; evaluating all of them never is."""
    assert prefers_listing(listed, n, T) or not prefers_listing(listed + 1, n, T)
    assert not prefers_listing(n * T, n, T)


@pytest.fixture
def always_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists whatever they cost, arranged anew every seventh step; all cores, so that there are parts."""
    monkeypatch.setattr(cpu, "prefers_listing", lambda listed, n, T: True)
    monkeypatch.setattr(cpu, "LEAST_POINTS", 1)
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 7)
    monkeypatch.setattr(cpu, "ALL_CORES_FROM", 0)


@pytest.mark.usefixtures("always_listed")
@pytest.mark.parametrize("m", HIDDEN_DIMS)
def test_listed_trajectories_equal_the_reference(monkeypatch: pytest.MonkeyPatch, m: int) -> None:
    setting = Setting(T=37, n=530, m=m, sparsity=0.98, steps=60, lr=1e-2, weight_decay=0.1)
    data, (W, b) = draw_dataset(setting), start_of(setting)
    reference, allowed = with_allowed_drift(setting, data, W, b, EPS32)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() <= allowed
    monkeypatch.setattr(candidates, "margin", lambda m: -0.9 / EPS32)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() > allowed


@pytest.mark.usefixtures("always_listed")
def test_bits_do_not_depend_on_calls_checkpoints_or_cores() -> None:
    setting = Setting(T=37, n=1_100, m=3, sparsity=0.99, steps=60, lr=1e-2)
    whole, pieces = begin(setting), begin(setting)
    whole.advance(setting.steps)
    assert whole._held.arrangement.culled
    for stop in (1, 6, 7, 8, 40, 60):
        pieces.advance(stop)
        resumed = begin(setting)
        resumed.restore(stop, pieces.parameters(), *pieces.moments())
        resumed.restore_auxiliary(pieces.auxiliary())
        pieces = resumed
    with one_core():
        single = begin(setting)
        single.advance(setting.steps)
    for other in (pieces, single):
        assert other.parameters().tobytes() == whole.parameters().tobytes()
        assert other.moments()[1].tobytes() == whole.moments()[1].tobytes()
