"""Every name of a diagnosis, on models built to deserve it."""

import numpy as np
import pytest
from hypothesis import given

from numerics import Dataset, measure
from tests.small_runs import diverged_run
from theory import Setting, predict
from theory.memorization.tgon import tgon_hidden
from verify import diagnose
from verify.diagnosis import diagnose_run
from verify.strategies import Model, memorizing_models


def _one_hot(hidden, coefficient=None):
    coefficient = 1 - (hidden**2).sum(axis=0) if coefficient is None else coefficient
    return measure(Model(hidden, coefficient), Dataset.from_dense(np.eye(hidden.shape[1])))


def _two_circles(inner_gap):
    """Six neighbouring points of a 24-gon, two short ones on the other side."""
    angles = np.concatenate([np.arange(6) * 2 * np.pi / 24, [3.2, 3.2 + inner_gap]])
    radii = np.concatenate([np.full(6, 5.5), np.full(2, 1.6)])
    return radii * np.array([np.cos(angles), np.sin(angles)])


@given(memorizing_models(min_T=3))
def test_least_norm_memorizers_are_regular(case):
    assert diagnose(measure(*case)).name == "regular T-gon"


@pytest.mark.parametrize("dropped", [1, 2])
def test_points_at_the_origin_are_dropped(dropped):
    hidden = np.hstack([tgon_hidden(7), np.zeros((2, dropped))])
    coefficient = np.append(1 - (tgon_hidden(7) ** 2).sum(axis=0), np.full(dropped, 1 / 8))
    diagnosis = diagnose(_one_hot(hidden, coefficient))
    assert diagnosis.name == "dropped point"
    assert f"{dropped} of {7 + dropped} " in diagnosis.evidence


def test_two_radii_are_two_circles():
    record = _one_hot(_two_circles(inner_gap=1.0))
    assert record.memorized
    assert diagnose(record).name == "two circles"


def test_a_stretched_polygon_is_irregular():
    angles = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # the last gap is 2.28
    record = _one_hot(2.0 * np.array([np.cos(angles), np.sin(angles)]))
    assert record.memorized
    assert diagnose(record).name == "irregular polygon"


@pytest.mark.parametrize(("share", "name"), [(0.98, "regular T-gon"), (1.02, "irregular polygon")])
def test_the_rule_of_regularity_is_the_one_in_words(share, name):
    """Gaps that stray to both sides of 2π/T by a little less and a little more than 1/(2T + 2) of it."""
    T = 10
    gaps = 2 * np.pi / T * (1 + share / (2 * T + 2) * np.resize([1, -1], T))
    angles = np.cumsum(gaps)
    record = _one_hot(4.0 * np.array([np.cos(angles), np.sin(angles)]))
    assert record.memorized
    assert diagnose(record).name == name


def test_a_shrunken_polygon_has_not_converged():
    hidden = 0.99 * tgon_hidden(5)
    assert diagnose(_one_hot(hidden)).name == "not converged"


def test_one_point_and_other_dimensions():
    assert diagnose(predict(Setting(T=1))).name == "single point"
    assert diagnose(predict(Setting(T=4, m=3))).name == "memorized code"
    assert diagnose(predict(Setting(T=2))).name == "memorized code"


def test_divergence_is_named():
    found = diagnose_run(diverged_run(Setting(T=3, n=4)))
    assert (found.name, "step 4" in found.evidence) == ("diverged", True)


def test_few_long_columns_are_stored_features():
    """Sixty datapoints of one of twelve features each, five features stored as a pentagon."""
    W = np.hstack([tgon_hidden(5) / np.linalg.norm(tgon_hidden(5)[:, 0]), np.full((2, 7), 0.05)])
    data = Dataset.from_dense(np.eye(12)[:, np.arange(60) % 12])
    record = measure(Model(W, np.zeros(12)), data)
    assert diagnose(record, W).name == "stored features"
    assert "5 columns" in diagnose(record, W).evidence
    assert diagnose(record).name != "stored features"
    assert diagnose(record, np.ones((2, 12))).name != "stored features"


def test_an_untrained_model_has_dropped_nothing():
    numbers = np.random.default_rng(0)
    record = _one_hot(1e-3 * numbers.normal(size=(2, 9)), np.zeros(9))
    assert diagnose(record).name == "not converged"
