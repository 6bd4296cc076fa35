"""The strategies reach every regime they promise."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from numerics import measure
from tgon.testing import assert_claims
from theory import Setting, predict
from verify import judge_model, strategies
from verify.end_states import _CODES, END_STATES

_SETTINGS = {
    "one datapoint": lambda s: s.T == 1,
    "a code": lambda s: s.m == 3 and s.T > 4,
    "copies alone": lambda s: s.repeats == s.T > 1,
    "copies and others": lambda s: s.T > s.repeats > 1,
    "warm-up to the end": lambda s: s.warmup == s.steps,
    "no warm-up": lambda s: s.warmup == 0,
    "float64": lambda s: s.dtype == "float64",
    "no decay": lambda s: s.weight_decay == 0,
    "one feature": lambda s: s.n == 1,
}
_DATASETS = {
    "one datapoint": lambda d: d.T == 1,
    "orthonormal": lambda d: d.has_disjoint_supports and d.T > 2,
    "shared features": lambda d: not d.has_disjoint_supports,
    "unseen features": lambda d: not d.seen.all(),
    "all features seen": lambda d: d.seen.all() and d.n > 3,
    "fewer features than datapoints": lambda d: d.n < d.T,
}
_MEMORIZERS = {
    "two": lambda case: case[1].T == 2,
    "polygons": lambda case: case[1].T > 4,
    "one-hot": lambda case: len(case[1].values) == case[1].T,
    "unseen features": lambda case: not case[1].seen.all(),
    "longer than least": lambda case: np.sum(case[0].W ** 2) > 1.01 * predict(Setting(T=case[1].T)).energy,
}


@pytest.fixture
def few_codes(monkeypatch):
    monkeypatch.setattr("verify.end_states._CODES", [each for each in _CODES if each[1] <= 3])  # compiled


@pytest.mark.parametrize(
    ("strategy", "regimes", "least"),
    [
        (strategies.settings(), _SETTINGS, 1 / 20),
        (strategies.datasets(), _DATASETS, 1 / 20),
        (strategies.memorizing_models(max_excess=1.0), _MEMORIZERS, 1 / 20),
        (strategies.end_states().map(lambda case: case[0]), {x: x.__eq__ for x in END_STATES}, 1 / 50),
    ],
)
def test_every_regime_is_reached_as_often_as_is_said(strategy, regimes, least, few_codes):
    reached = Counter()

    @settings(max_examples=200, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(drawn):
        reached.update(name for name, wanted in regimes.items() if wanted(drawn))
        reached["all"] += 1

    draw()
    assert not {name: reached[name] for name in regimes if reached[name] < least * reached["all"]}


def test_failures_shrink_to_what_can_be_read(few_codes):
    assert find(strategies.settings(), lambda s: s.m == 2).T == 1
    assert find(strategies.datasets(), lambda d: not d.has_disjoint_supports).dense().tolist() == [[1, 1]]
    model, data = find(strategies.memorizing_models(), lambda case: case[1].T >= 3)
    np.testing.assert_array_equal(data.dense(), np.eye(3))
    np.testing.assert_array_equal(model.W, predict(Setting(T=3)).hidden)
    first = settings(phases=[Phase.generate])  # drawn first; that nothing shrinks it takes seconds to see
    assert find(strategies.end_states(), lambda case: True, settings=first)[0] == next(iter(END_STATES))


@given(
    *(strategies.datasets(), strategies.orthonormal_datasets()),
    *(strategies.memorizing_models(max_excess=1.0), strategies.random_models()),
)
def test_what_is_drawn_is_what_its_strategy_is_named_after(data, orthonormal, memorizing, other):
    assert data.has_unit_norms
    assert orthonormal.has_unit_norms
    assert orthonormal.has_disjoint_supports
    record = measure(*memorizing)
    assert record.memorized
    assert record.assumes("unit norm", "disjoint supports", "active outputs")
    assert not measure(*other).memorized


def test_assert_claims_names_what_failed(monkeypatch):
    hidden, X = np.array([[1.0, -1.0]]) / 2**0.5, np.eye(2)
    assert_claims((hidden, np.full(2, 0.5)), X, at_least=["memorization.robust"])
    assert_claims((hidden, np.full(2, 0.5)), X[:, [0, 1, 1]], at_least=["memorization.robust"])  # a copy
    with pytest.raises(AssertionError, match="datapoints 0 and 1 share feature 1; 1 shared entries"):
        assert_claims(
            (hidden, np.full(2, 0.5)), [[1, 0], [1, 1]], at_least=["memorization.norm-split"], rows=False
        )
    with pytest.raises(AssertionError, match=r"robust: not judged.*datapoint 0 has .* error of 1"):
        assert_claims((0 * hidden, np.zeros(2)), X, at_least=["memorization.robust"])
    with pytest.raises(ValueError, match=r"^no claim memorization\.robus; .*; `tgon explain` has der"):
        assert_claims((hidden, np.full(2, 0.5)), X, at_least="memorization.robus")
    several = np.stack([0 * hidden, hidden]), np.full((2, 2), 0.5)
    assert_claims(several, X, at_least=["memorization.robust"], instance=1)
    with pytest.raises(ValueError, match="about many runs"):
        assert_claims((hidden, np.full(2, 0.5)), X, at_least=["optimization.decay-budget"])
    wrong = judge_model(dataclasses.replace(measure((hidden, np.full(2, 0.5)), X), energy=0.9), 2)
    monkeypatch.setattr("tgon.testing.judge_on", lambda *given: wrong)
    with pytest.raises(
        AssertionError, match=r"robust: VIOLATED; 0\.9000001 < 1.*; try tgon explain memorization\.robust$"
    ):
        assert_claims((hidden, np.full(2, 0.5)), X)
