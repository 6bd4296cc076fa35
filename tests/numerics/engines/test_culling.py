"""Culled sums equal the sums over all pairs, and every pair that is not evaluated was decided rightly.

Sums are compared with the size of their summands. A decision is compared with z in twice the precision: a pair that is
skipped, or summed by moments, must have its sign however a kernel rounds z.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numerics import draw_dataset, draw_start
from numerics.benchmark.culling import Sums, fit_costs
from numerics.engines import start_trajectory
from numerics.engines.cpu import interaction
from numerics.engines.cpu import trajectory as cpu
from numerics.engines.cpu.bounding_boxes import GROUP, NODE_POINTS
from numerics.engines.cpu.interaction import (
    CUT,
    OFF,
    ON,
    classify,
    culling_arrays,
    prefers_culling,
    sum_culled,
)
from numerics.engines.cpu.kd_order import kd_order
from numerics.engines.cpu.kernels import BLOCK, as_rows
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.state import feature_order
from tests.numerics.cases import excess, gamma
from tests.numerics.training.test_trajectories import EPS32, EPS64, start_of, walk, with_allowed_drift
from theory import Setting

KINDS = ("spread", "clusters", "one feature", "one point", "on the boundary", "near the boundary", "circle")
SCALES = (1e-17, 1e-3, 1.0, 30.0, 1e13)


def draw_state(random: np.random.Generator, kind: str, n: int, T: int) -> tuple[np.ndarray, np.ndarray]:
    """(3, n) parameters and (2, T) hidden vectors."""
    W, h, b = random.normal(size=(2, n)), random.normal(size=(2, T)), random.normal(size=n) * 0.5
    if kind == "clusters":
        angle = 2 * np.pi * random.integers(5, size=n) / 5 + random.normal(size=n) * 0.02
        W, b = np.array([np.cos(angle), np.sin(angle)]), -0.6 + 0.05 * random.normal(size=n)
        angle = 2 * np.pi * random.integers(5, size=T) / 5 + random.normal(size=T) * 0.05
        h = np.array([np.cos(angle), np.sin(angle)]) * (1 + 0.1 * random.normal(size=T))
    if kind == "one feature":
        W, b = np.repeat(W[:, :1], n, axis=1), np.repeat(b[:1], n)
    if kind == "one point":
        h = np.repeat(h[:, :1], T, axis=1)
    if kind == "on the boundary":  # w·h = ±1/2 exactly
        W, b = np.zeros((2, n)), np.full(n, -0.5)
        W[0], h[0] = random.choice([1.0, -1.0], n), 0.5
    if kind == "near the boundary":  # boxes are points, and z is a few roundings
        h = np.repeat(h[:, :1], T, axis=1)
        W = W[:, np.arange(n) // GROUP * GROUP]
        b = -(h[:, 0] @ W) * (1 + EPS32 / 4 * random.integers(-8, 9, n // GROUP + 1)[np.arange(n) // GROUP])
    if kind == "circle":
        angle = 2 * np.pi * random.random(T)
        h, b = np.array([np.cos(angle), np.sin(angle)]), -np.hypot(*W) * random.choice([0.0, 0.9, 1.0], n)
    return np.vstack([W, b]), h


@st.composite
def states(draw: st.DrawFn, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """States of every kind, at ordinary and extreme scales; neighbours side by side, or not."""
    n = draw(st.one_of(st.integers(1, 3 * GROUP), st.sampled_from([BLOCK - 1, BLOCK + GROUP + 1])))
    T = draw(
        st.one_of(
            st.integers(1, 3 * LANES),
            st.sampled_from([NODE_POINTS - 1, NODE_POINTS, 4 * NODE_POINTS + 3, 17 * NODE_POINTS]),
        )
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters, hidden = draw_state(random, draw(st.sampled_from(KINDS)), n, T)
    w, h = draw(st.sampled_from(SCALES)), draw(st.sampled_from(SCALES))
    parameters, hidden = (parameters * [[w], [w], [w * h]]).astype(dtype), (hidden * h).astype(dtype)
    if draw(st.booleans()):
        parameters = parameters[:, feature_order(parameters, np.abs(hidden).max())]
        hidden = hidden[:, kd_order(hidden, LANES)]
    return np.ascontiguousarray(parameters), np.ascontiguousarray(hidden)


def arrays_for(parameters: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, ...]:
    return culling_arrays(hidden.shape[1], 1, parameters.dtype)


def disagreement(
    parameters: np.ndarray, hidden: np.ndarray, arrays: tuple[np.ndarray, ...] | None = None
) -> float:
    """How many times their rounding bounds the culled sums are off the sums over all pairs, in float64.

    Roundings: T or n summands, five per moment, its three products and sums, z; gradual underflow of each product.
    """
    arrays = arrays_for(parameters, hidden) if arrays is None else arrays
    gradients, pulled = np.zeros_like(parameters), np.zeros_like(hidden)
    sum_culled(as_rows(parameters), hidden, arrays, as_rows(gradients), pulled)
    W, b, h = parameters[:2].astype(float), parameters[2].astype(float), hidden.astype(float)
    y, Z = np.maximum(W.T @ h + b[:, None], 0), np.abs(W).T @ np.abs(h) + np.abs(b)[:, None]
    g = gamma(y.shape[0] + y.shape[1] + 16, float(np.finfo(parameters.dtype).eps))
    g += gamma(y.shape[0] + y.shape[1] + 4, EPS64)  # the sums compared with
    tiny = float(np.finfo(parameters.dtype).tiny) * sum(y.shape)
    size = [1 + np.abs(values).max() for values in (W, h)]
    return max(
        excess(gradients[:2] - h @ y.T, g * (np.abs(h) @ Z.T) + tiny * size[0] * size[1]),
        excess(gradients[2] - y.sum(axis=1), g * Z.sum(axis=1) + tiny * size[0] * size[1]),
        excess(pulled - W @ y, g * (np.abs(W) @ Z) + tiny * size[0] * size[1]),
    )


@given(states())
def test_sums_are_those_of_all_pairs(state: tuple[np.ndarray, np.ndarray]) -> None:
    assert disagreement(*state) <= 1


@given(states(dtype="float64"))
def test_sums_are_those_of_all_pairs_in_float64(state: tuple[np.ndarray, np.ndarray]) -> None:
    assert disagreement(*state) <= 1


def wrong_decisions(parameters: np.ndarray, hidden: np.ndarray, arrays: tuple[np.ndarray, ...]) -> int:
    """Pairs (float32) decided against the sign that z has in some rounding; z is exact to 2⁻⁵² of its summands here."""
    kinds = classify(parameters, hidden, arrays)
    W, b, h = parameters[:2].astype(float), parameters[2].astype(float), hidden.astype(float)
    z, Z = W.T @ h + b[:, None], np.abs(W).T @ np.abs(h) + np.abs(b)[:, None]
    rounding = gamma(3, EPS32) * Z
    kind = kinds.repeat(GROUP, axis=0)[: len(z)].repeat(LANES, axis=1)[:, : z.shape[1]]
    return int((((kind == OFF) & (z + rounding > 0)) | ((kind == ON) & (z - rounding < 0))).sum())


@given(states())
def test_decided_signs_are_sure(state: tuple[np.ndarray, np.ndarray]) -> None:
    assert wrong_decisions(*state, arrays_for(*state)) == 0


def test_a_missing_margin_is_seen() -> None:
    """Without the margin for rounding some sign is decided that rounding may turn."""
    state = draw_state(np.random.default_rng(5), "near the boundary", 64 * GROUP, LANES)
    parameters, hidden = (part.astype(np.float32) for part in state)
    arrays = arrays_for(parameters, hidden)
    assert wrong_decisions(parameters, hidden, arrays) == 0
    arrays[3][0] = 0
    assert wrong_decisions(parameters, hidden, arrays) > 0


def test_a_wrong_bound_is_seen() -> None:
    """Boxes 2 % too narrow: the sums themselves are off."""
    random = np.random.default_rng(3)
    parameters, hidden = (part.astype(np.float32) for part in draw_state(random, "clusters", 520, 999))
    parameters = np.ascontiguousarray(parameters[:, feature_order(parameters, 1.0)])
    hidden = np.ascontiguousarray(hidden[:, kd_order(hidden, LANES)])
    arrays = arrays_for(parameters, hidden)
    assert disagreement(parameters, hidden, arrays) <= 1
    arrays[3][0] = -0.02
    assert disagreement(parameters, hidden, arrays) > 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["parameters", "hidden"])
def test_what_is_not_finite_is_not_culled(where: str, bad: float) -> None:
    """The group or leaf that holds it is evaluated pair by pair, so that it shows as in the dense kernel."""
    parameters, hidden = draw_state(np.random.default_rng(1), "spread", 8 * GROUP, 4 * LANES)
    parameters[2] = -100
    {"parameters": parameters, "hidden": hidden}[where][0, 2 * LANES + 1] = bad
    parameters, hidden = parameters.astype(np.float32), hidden.astype(np.float32)
    kinds = classify(parameters, hidden, arrays_for(parameters, hidden))
    cut = kinds[(2 * LANES + 1) // GROUP] if where == "parameters" else kinds[:, 2]
    assert (cut == CUT).all()
    assert (kinds == OFF).any()


@pytest.mark.parametrize("steps", [3, 400])
def test_trained_states_are_decided_in_part(steps: int) -> None:
    """Early and late states of a training: sums agree, a third of groups and leaves is decided, of both signs."""
    setting = Setting(T=256, n=800, sparsity=0.99, steps=400, lr=1e-2)
    trajectory = start_trajectory("cpu", setting, draw_dataset(setting), *draw_start(setting))
    trajectory.advance(steps)
    parameters = trajectory.parameters()
    hidden = draw_dataset(setting).dense().T.astype(np.float32) @ parameters[:2].T
    hidden = np.ascontiguousarray(hidden[kd_order(hidden.T, LANES)].T)
    parameters = np.ascontiguousarray(parameters[:, feature_order(parameters, np.abs(hidden).max())])
    assert disagreement(parameters, hidden) <= 1
    kinds = classify(parameters, hidden, arrays_for(parameters, hidden))
    assert wrong_decisions(parameters, hidden, arrays_for(parameters, hidden)) == 0
    assert (kinds != CUT).mean() > 1 / 3
    assert (kinds == OFF).any()
    assert (kinds == ON).any()


@given(cut=st.integers(0, 10**6), n=st.integers(1, 10**5), T=st.integers(1, 10**5))
def test_the_choice_is_monotone(cut: int, n: int, T: int) -> None:
    """More pairs to evaluate never make culling preferable; evaluating all of them never is."""
    assume(cut > 0)
    assert prefers_culling(cut - 1, n, T) or not prefers_culling(cut, n, T)
    assert not prefers_culling(-(-n // GROUP) * -(-T // LANES), n, T)


@pytest.fixture
def always_culled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Culling whatever it costs, arranged anew every seventh step."""
    monkeypatch.setattr(cpu, "prefers_culling", lambda cut, n, T: True)
    monkeypatch.setattr(cpu, "LEAST_POINTS", 1)
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 7)


@pytest.mark.usefixtures("always_culled")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_culled_trajectories_equal_the_reference(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    setting = Setting(T=37, n=530, sparsity=0.98, steps=60, lr=1e-2, weight_decay=0.1, dtype=dtype)
    data, (W, b) = draw_dataset(setting), start_of(setting)
    eps = EPS32 if dtype == "float32" else EPS64
    reference, allowed = with_allowed_drift(setting, data, W, b, eps)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() <= allowed
    monkeypatch.setattr(interaction, "MARGIN", -0.1 / eps)
    assert np.abs(walk("cpu", setting, data, W, b) - reference).max() > allowed


def test_fitted_costs_are_those_that_made_the_times() -> None:
    """Times made from known costs give them back; costs of another machine do not."""

    def comparison(T: int, cut: int, cut_pair: float, group_cost: float) -> Sums:
        groups = 100
        spent = 1e-4 * (cut_pair * cut * GROUP * LANES + group_cost * groups)
        dense = 1e-4 * groups * GROUP * T
        return Sums(T, spent, dense, cut, groups)

    made = [comparison(T, cut, 1.7, 900.0) for T in (160, 1600) for cut in (300, 1000)]
    assert fit_costs(made) == pytest.approx((1.7, 900.0), rel=1e-9)
    assert fit_costs([comparison(1600, 5, 1.0, 900.0), *made]) != pytest.approx((1.7, 900.0), rel=1e-4)
