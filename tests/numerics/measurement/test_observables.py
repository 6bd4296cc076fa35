"""The ring and the sea of constructed models, and what a run's observables make of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import Run, observe, train_one
from numerics.measurement.observables import LARGEST_RING, OBSERVABLES, fresh_errors, ring_and_sea
from theory import Setting
from theory.memorization.tgon import tgon_hidden
from theory.polygon_geometry import polygon_vertices


@st.composite
def rings(draw):
    """(k, r, b, sea columns): a k-gon of squared radius r, a sea of a quarter to half its length: jumps below 2."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, count = draw(st.integers(3, LARGEST_RING)), draw(st.integers(LARGEST_RING, 60))
    radius_squared, bias = draw(st.floats(0.1, 4.0)), draw(st.floats(-1.0, 0.0))
    sea = random.normal(size=(2, count))
    sea *= math.sqrt(radius_squared) * random.uniform(0.26, 0.5, size=count) / np.linalg.norm(sea, axis=0)
    return k, radius_squared, bias, sea, random


def assembled(k, radius_squared, bias, sea, random):
    W = np.concatenate([polygon_vertices(k, radius_squared), sea], axis=1)
    b = np.concatenate([np.full(k, bias), np.zeros(sea.shape[1])])
    order = random.permutation(len(b))
    return W[:, order], b[order]


@given(rings())
def test_a_ring_and_its_sea_are_told_apart(case):
    k, radius_squared, bias, sea, _ = case
    found = ring_and_sea(*assembled(*case))
    assert found["ring_columns"] == k
    assert found["ring_jump"] >= 2 * (1 - 1e-12)
    assert found["ring_radius_squared"] == pytest.approx(radius_squared, rel=1e-12)
    assert found["ring_bias"] == pytest.approx(bias, abs=1e-12)
    assert found["sea_energy"] == pytest.approx(np.sum(sea**2), rel=1e-12)
    assert 0 <= found["sea_anisotropy"] <= 1
    assert 0 <= found["sea_passing"] <= 1


@given(rings(), st.floats(0, 7))
def test_turning_and_scaling(case, angle):
    W, b = assembled(*case)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    one, other = ring_and_sea(W, b), ring_and_sea(3 * turn @ W, b)
    assert other["ring_columns"] == one["ring_columns"]
    assert other["ring_jump"] == pytest.approx(one["ring_jump"], rel=1e-9)
    assert other["sea_energy"] == pytest.approx(9 * one["sea_energy"], rel=1e-9)
    assert other["sea_anisotropy"] == pytest.approx(one["sea_anisotropy"], abs=1e-9)


def test_directions_of_the_sea():
    ring = polygon_vertices(5, 1.0)
    isotropic = np.concatenate([ring, polygon_vertices(12, 0.01)], axis=1)
    one_line = np.concatenate([ring, np.outer([1.0, 0.0], np.full(12, 0.1))], axis=1)
    assert ring_and_sea(isotropic, np.zeros(17))["sea_anisotropy"] == pytest.approx(0.0, abs=1e-12)
    assert ring_and_sea(one_line, np.zeros(17))["sea_anisotropy"] == pytest.approx(1.0)


def test_which_part_of_the_sea_is_silent_at_the_ring():
    """Products with the ring are at most √r‖w‖: columns below |b|/√r are silent whatever their direction."""
    ring = polygon_vertices(5, 0.81)
    small, long = polygon_vertices(40, 0.1**2), polygon_vertices(5, 0.2**2)
    W = np.concatenate([ring, small, long], axis=1)

    def passing(bias: float) -> float:
        return ring_and_sea(W, np.concatenate([np.full(5, bias), np.zeros(45)]))["sea_passing"]

    assert passing(-0.19) == 0.0
    assert passing(-0.095) == pytest.approx(5 * 0.04 / (5 * 0.04 + 40 * 0.01))
    assert passing(-1e-9) == pytest.approx(1.0)
    across = np.array([[1.0, -1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.1]])
    assert ring_and_sea(across, np.zeros(4))["sea_passing"] == 0.0, "an output of 0 is silent"


def test_without_a_ring_nothing_stands_apart():
    assert ring_and_sea(polygon_vertices(40, 1.0), np.zeros(40))["ring_jump"] == pytest.approx(1.0)
    bare = ring_and_sea(np.concatenate([polygon_vertices(5, 1.0), np.zeros((2, 20))], axis=1), np.zeros(25))
    assert (bare["ring_columns"], bare["ring_jump"]) == (5, math.inf)
    assert (bare["sea_energy"], bare["sea_anisotropy"]) == (0.0, 0.0)


def _run(W, b, setting):
    steps = np.zeros(1, dtype=np.int64)
    return Run(setting, "cpu", "not memorized", W, b, steps, np.zeros(1))


def test_the_observables_of_a_polygon_of_datapoints():
    setting = Setting(T=5, n=1000, sparsity=0.998, seed=0)
    data = _run(np.zeros((2, 1000)), np.zeros(1000), setting).data
    assert data.has_disjoint_supports
    W = np.zeros((2, 1000))
    W[:, data.indices] = tgon_hidden(5)[:, data.columns] * data.values
    found = observe(_run(W, np.zeros(1000), setting))
    assert tuple(found) == OBSERVABLES
    assert found["shared_features"] == 0
    assert found["length_jump"] == pytest.approx(1.0)
    W[:, data.indices[data.columns == 0]] *= 3
    assert observe(_run(W, np.zeros(1000), setting))["length_jump"] == pytest.approx(3.0)


def test_copies_share_no_feature_with_each_other():
    """Repeats are one distinct datapoint; features of two distinct ones count, each once."""
    setting = Setting(T=40, n=60, sparsity=0.95, repeats=10, steps=20)
    run = train_one(setting)
    distinct = run.data.dense()[:, 9:]
    assert observe(run)["shared_features"] == np.sum(np.sum(distinct > 0, axis=1) > 1)
    alone = train_one(setting.replace(T=10))
    assert observe(alone)["shared_features"] == 0
    assert math.isnan(observe(alone)["length_jump"])


def test_the_error_of_the_test_loss_is_that_of_its_mean():
    run = train_one(Setting(T=3, n=60, sparsity=0.9, steps=2))
    errors = fresh_errors(run)
    found = observe(run)
    assert found["test_loss"] == pytest.approx(errors.mean())
    assert found["test_loss_error"] == pytest.approx(
        np.sqrt(np.mean((errors - errors.mean()) ** 2) / len(errors))
    )


@pytest.mark.parametrize("n", [1, 2, 10, 11])
def test_a_model_too_small_for_a_ring_has_the_same_observables(n):
    found = observe(train_one(Setting(T=3, n=n, sparsity=0.5, steps=2)))
    assert math.isnan(found["ring_columns"]) is (n <= 10)
    assert set(found) == set(observe(train_one(Setting(T=3, n=60, sparsity=0.5, steps=2))))
