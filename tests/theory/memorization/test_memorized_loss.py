"""The loss of a memorizing model on fresh data: the reduced form is the model's own loss, expectations are averages."""

import numpy as np
import pytest

from numerics import draw_dataset, draw_test_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.measurement.record import within_span
from theory import Setting, predict
from theory.memorization.memorized_loss import (
    least_norm_test_loss,
    loss_given_data,
    loss_of_overlaps,
    overlap_gain,
)
from theory.memorization.tgon import tgon_hidden, tgon_radius_squared

SETTING = Setting(T=5, n=300, sparsity=0.99)


def disjoint(T):
    """A dataset without a shared feature."""
    for seed in range(500):
        data = draw_dataset(SETTING.replace(T=T, data_seed=seed))
        if np.bincount(data.indices, minlength=data.n).max() == 1:
            return data
    raise AssertionError("no dataset without a shared feature")


@pytest.mark.parametrize("T", [2, 3, 4, 5])
def test_the_expected_loss_is_the_average_over_fresh_datapoints(T):
    """Within five standard errors and the pairs of shared features, which the first order leaves out."""
    data, hidden = disjoint(T), tgon_hidden(T)
    c, X = 1 - np.sum(hidden**2, axis=0), data.dense()
    fresh = draw_dataset(SETTING.replace(T=60_000, data_seed=9))
    errors = point_errors(hidden @ X.T, X @ c, fresh)
    present = (1 - SETTING.sparsity) / (1 - SETTING.sparsity**SETTING.n)
    entries = [X[X[:, t] > 0, t] for t in range(T)]
    found = loss_given_data(hidden, entries, SETTING.n, SETTING.sparsity)
    second = (present * sum(map(len, entries))) ** 2 / 2
    assert abs(found - errors.mean()) <= 5 * errors.std() / len(errors) ** 0.5 + second


def test_a_prediction_given_the_data_is_that_of_its_entries():
    """The mean of predictions over datasets is the prediction without one; shared features leave none."""
    setting = SETTING.replace(n=3_000, sparsity=0.999)  # nearly all datasets are disjoint: hardly a selection
    given, of_ones, hidden = [], [], tgon_hidden(5)
    for seed in range(100):
        data = draw_dataset(setting.replace(data_seed=seed))
        record = predict(setting, data=data)
        assert data.has_disjoint_supports == record.assumes("orthonormal data")
        assert data.has_disjoint_supports == (record.test_loss is not None)
        if record.test_loss is not None:
            given.append(record.test_loss)
            ones = [np.ones(count) for count in np.diff(data.indptr)]
            of_ones.append(loss_given_data(hidden, ones, setting.n, setting.sparsity))
    assert predict(setting, data=data).test_loss == predict(setting, data=data.dense()).test_loss
    tolerance = 5 * np.std(given) / len(given) ** 0.5
    assert abs(np.mean(given) - predict(setting).test_loss) < tolerance
    assert abs(np.mean(of_ones) - predict(setting).test_loss) > tolerance, "other entries are told apart"
    with pytest.raises(ValueError, match="3 datapoints for a setting with T = 4"):
        predict(setting.replace(T=4), data=np.eye(3))


@pytest.mark.parametrize("T", [3, 5])
def test_the_model_within_the_span_has_the_exact_form_of_its_vectors(T):
    """Idle weight added to a model changes neither its hidden vectors nor this form, but its loss."""
    data, fresh = disjoint(T), draw_test_dataset(SETTING, T=2_000)
    X, idle = data.dense(), np.random.default_rng(T).normal(size=(3, data.n))
    W, b = within_span(idle, data)[:2], within_span(idle, data)[2]
    exact = loss_of_overlaps(W @ X, b @ X, X.T @ fresh.sparse())
    assert exact == pytest.approx(point_errors(W, b, fresh).mean(), rel=1e-10)
    assert (W @ X, b @ X) == (pytest.approx(idle[:2] @ X), pytest.approx(idle[2] @ X))
    assert exact != pytest.approx(point_errors(idle[:2], idle[2], fresh).mean(), rel=1e-3)


def test_four_points_save_a_share_of_a_feature_each_and_others_less():
    assert 1 - least_norm_test_loss(4, 2, 10_000, 0.999) == pytest.approx(4 / 10_000, rel=1e-6)
    losses = [least_norm_test_loss(T, 2, 10_000, 0.999) for T in range(4, 10)]
    assert np.all(np.diff(losses) > 0)
    three, one = (least_norm_test_loss(T, 2, 10_000, 0.999) for T in (3, 1))
    assert losses[-1] < 1 < three < one
    assert least_norm_test_loss(9, 3, 10_000, 0.999) is None
    assert loss_given_data(tgon_hidden(4), [np.ones(9)] * 4, 10_000, 0.98) is None
    assert least_norm_test_loss(40, 2, 10_000, 0.999) is None, "fresh datapoints share features too often"


def test_the_loss_does_not_jump_where_an_output_falls_silent():
    """Two points of squared length 0.605 and bias 0.395: at the largest amplitude from an entry of their ratio on."""
    edges = (0.395 / 0.605 + step for step in (-1e-9, 1e-9))
    losses = [loss_given_data(1.1 * tgon_hidden(2), [[edge]] * 2, 10_000, 0.999) for edge in edges]
    assert losses[0] == pytest.approx(losses[1], abs=1e-10)


@pytest.mark.parametrize("T", [4, 5, 7, 12])
def test_a_shared_feature_never_costs_the_polygon_anything(T):
    u = np.linspace(0, 1, 301)
    gain = np.maximum(overlap_gain(tgon_radius_squared(T), u), 0)
    assert gain[-1] == 1
    hidden = tgon_hidden(T)
    c = 1 - np.sum(hidden**2, axis=0)
    brute = [1 - loss_of_overlaps(hidden, c, value * np.eye(T)[:, :1]) for value in u]
    np.testing.assert_allclose(gain, brute, atol=1e-12)
