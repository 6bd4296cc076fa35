"""Culled sums equal the sums over all pairs, and every pair that is not evaluated was decided rightly.

Sums are compared with the size of their summands. A decision is compared with z in twice the precision: a pair that is
skipped, or summed by moments, must have its sign however a kernel rounds z.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import draw_dataset
from numerics.engines.cpu.bounding_boxes import GROUP, NODE_POINTS
from numerics.engines.cpu.interaction import (
    CUT,
    OFF,
    ON,
    classify,
    culling_arrays,
    prefers_culling,
    prefers_listing,
    sum_culled,
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
    sum_culled(tuple(parameters), hidden, arrays or arrays_for(state), tuple(gradients), pulled)
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
