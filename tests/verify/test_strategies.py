"""The strategies reach every regime they promise."""

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from numerics import measure
from tgon.testing import assert_claims
from verify import diagnose, strategies


@pytest.mark.parametrize(
    "wanted",
    [
        lambda s: s.T == 1,
        lambda s: s.m == 3 and s.T > 4,
        lambda s: s.repeats == s.T > 1,
        lambda s: s.warmup == s.steps,
        lambda s: s.warmup == 0,
        lambda s: s.dtype == "float64",
        lambda s: s.weight_decay == 0,
        lambda s: s.n == 1,
    ],
)
def test_settings_reach_each_regime(wanted):
    find(strategies.settings(), wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda d: d.has_disjoint_supports and d.T > 2,
        lambda d: not d.has_disjoint_supports,
        lambda d: not d.seen.all(),
        lambda d: d.seen.all() and d.n > 3,
        lambda d: d.n < d.T,
        lambda d: d.T == 1,
    ],
)
def test_datasets_reach_each_regime(wanted):
    find(strategies.datasets(), wanted)


@given(strategies.datasets())
def test_datasets_have_unit_norms(data):
    assert data.has_unit_norms


@given(strategies.orthonormal_datasets())
def test_orthonormal_datasets_are_orthonormal(data):
    assert data.has_unit_norms
    assert data.has_disjoint_supports


@given(strategies.memorizing_models(max_excess=1.0))
def test_memorizing_models_memorize(case):
    record = measure(*case)
    assert record.memorized
    assert record.assumes("unit norm", "disjoint supports", "active outputs")


@given(strategies.end_states(names=("clusters", "collapsed", "dropped point", "single point")))
def test_end_states_are_what_they_are_called(case):
    name, model, data = case
    assert diagnose(measure(model, data), model, data).name == name


def test_random_models_do_not_memorize():
    find(strategies.random_models(), lambda case: not measure(*case).memorized)


@given(st.data())
def test_random_models_fit_their_data(data):
    model, dataset = data.draw(strategies.random_models())
    assert model.W.shape[1] == dataset.n == len(model.b)


def test_assert_claims_names_what_failed():
    hidden, X = np.array([[1.0, -1.0]]) / 2**0.5, np.eye(2)
    assert_claims((hidden, np.full(2, 0.5)), X, at_least=["memorization.robust"])
    assert_claims((hidden, np.full(2, 0.5)), X[:, [0, 1, 1]], at_least=["memorization.robust"])  # a copy
    with pytest.raises(AssertionError, match="datapoints 0 and 1 share feature 1; 1 shared entries"):
        assert_claims((hidden, np.full(2, 0.5)), [[1, 0], [1, 1]], at_least=["memorization.norm-split"])
    with pytest.raises(AssertionError, match=r"robust: not judged.*datapoint 0 has .* error of 1"):
        assert_claims((0 * hidden, np.zeros(2)), X, at_least=["memorization.robust"])
    with pytest.raises(ValueError, match=r"no claim memorization\.robus; the claims are"):
        assert_claims((hidden, np.full(2, 0.5)), X, at_least=["memorization.robus"])
    with pytest.raises(ValueError, match="about many runs"):
        assert_claims((hidden, np.full(2, 0.5)), X, at_least=["optimization.decay-budget"])
