"""The model of repeated data: its loss against dense outputs, its gradient, its transition against the theorem."""

import math

import numpy as np
import pytest
from scipy.optimize import check_grad

from numerics.repetition import EMBEDDED, GRID, Model, _crossing, _ends, find_transition
from theory.descent import descend
from theory.features.amplitudes import normalized
from theory.repetition.threshold import zero_bias_threshold


@pytest.fixture(scope="module")
def model():
    return Model(3_000, 300, 0.97, seed=1, features=12)


def states(model):
    generator = np.random.default_rng(0)
    return [scale * generator.normal(size=3 * model.columns) for scale in (0.05, 0.4, 1.0)]


def test_the_loss_is_that_of_dense_outputs(model):
    second = model.weights @ model.amplitudes**2
    for z in states(model):
        W, b = model.parts(z)
        loss, gram = 0.0, W.T @ W
        for a, weight in zip(model.amplitudes, model.weights, strict=True):
            X = a * np.eye(model.columns)
            errors = np.sum((np.maximum(0, gram @ X + b[:, None]) - X) ** 2, axis=0)
            loss += weight * model.energies @ errors / second
        point = np.sum((np.maximum(0, gram @ model.target + b) - model.target) ** 2)
        assert model.loss(z, 1.7) - model.loss(z, 0.7) == pytest.approx(point, rel=1e-9)
        assert model.loss(z, 0.7) == pytest.approx(loss - model.energies.sum() + 0.7 * point, rel=1e-10)


def test_the_gradient_is_the_loss_s(model):
    for z in states(model):
        error = check_grad(lambda y: model.value(y, 0.7)[0], lambda y: model.value(y, 0.7)[1], z)
        assert error < 1e-5 * (1 + np.linalg.norm(model.value(z, 0.7)[1]))


@pytest.mark.parametrize("iterations", [1, 20])
def test_the_compiled_descent_is_the_one_of_theory(model, iterations):
    """Both take every step from the same loss, so what differs is rounding."""

    def at(points, _):
        value, gradient = model.value(points[0], 0.7)
        return np.array([value]), gradient[None]

    for z in states(model):
        assert model.relax(z, 0.7, iterations) == pytest.approx(
            descend(at, z[None], iterations)[0], abs=1e-12
        )


def test_columns_of_zero_have_no_output_and_no_slope_but_their_own(model):
    """A bias of 0 beside a product of 0 is the one place where an edge would be 0/0."""
    value, gradient = model.value(np.zeros(3 * model.columns), 0.7)
    assert value == pytest.approx(0.7)
    assert not np.any(gradient)


def test_a_draw_keeps_the_energy_of_its_data():
    model = Model(3_000, 300, 0.97, seed=2, features=290 - 9)
    assert np.sum(model.point**2) == pytest.approx(1)
    assert np.all(np.diff(model.energies[: model.features]) <= 0)
    assert model.energies.sum() <= 300
    assert model.weights @ model.amplitudes == pytest.approx(normalized(300, 0.97).moment(1), rel=1e-6)


def test_starts_are_what_they_are_called(model):
    generator = np.random.default_rng(0)
    for z in model.unembedded_starts(300, 0.97, generator):
        assert not model.is_embedded(z)
        x, y = model.parts(z)[0][:, :5]
        turned = (x + 1j * y) / (x[0] + 1j * y[0])
        assert turned == pytest.approx(np.exp(2j * np.pi / 5 * np.arange(5)), abs=1e-12), "a pentagon"
        for embedded in model.embedded_starts(z):
            assert model.is_embedded(embedded)
            back = model.unembedded_from(embedded)
            assert np.linalg.norm(model.parts(back)[0] @ model.target) < EMBEDDED


def test_the_transition_lies_near_the_theorem_and_inside_the_metastable_range():
    found = find_transition(6_000, 300, 0.97, 0, features=60)
    assert found.embedded_from <= found.threshold <= found.metastable_until
    assert found.repeats == pytest.approx(20 * found.threshold)
    assert found.between == (found.threshold, found.threshold)
    assert abs(found.threshold - found.zero_bias) < 0.35


@pytest.mark.parametrize(("seed", "censored"), [(0, True), (1, False)])
def test_a_stay_to_the_last_step_looked_at_is_a_lower_bound(seed, censored):
    """Restarts end at GRID steps, following up at 3·GRID + 2; what ends before both was seen to end."""
    found = find_transition(3_000, 300, 0.97, seed, features=20)
    step = (3 * zero_bias_threshold(3_000, 300, 0.97).mean + 0.6) / GRID
    if not censored:
        assert find_transition(3_000, 300, 0.97, seed, features=20) == found, "the search is deterministic"
    assert found.metastable_censored == censored
    assert (found.metastable_until == pytest.approx(GRID * step)) == censored


def test_many_repeats_are_embedded_and_none_are_not():
    model = Model(6_000, 300, 0.97, seed=0, features=40)
    start = model.unembedded_starts(300, 0.97, np.random.default_rng(0))[0]
    alone = model.relax(start, 0.0)
    assert not model.is_embedded(alone)
    assert model.is_embedded(model.relax(model.nudged(alone), 6.0))


def test_the_crossing_is_interpolated():
    assert _crossing([(0.0, -1.0), (1.0, 1.0), (2.0, 3.0)]) == 0.5
    assert math.isnan(_crossing([(0.0, 1.0), (1.0, 2.0)]))


def test_losses_that_do_not_cross_say_on_which_side_the_threshold_lies():
    assert _ends([(1.0, -2.0), (2.0, -1.0)]) == (2.0, math.inf)
    assert _ends([(1.0, 1.0), (2.0, 2.0)]) == (0.0, 1.0)
    assert _ends([(0.0, 1.0), (0.5, 2.0)]) == (0.0, 0.5)
    assert _ends([(0.0, 0.0), (0.5, -1.0)]) == (0.5, math.inf)
    assert _ends([]) == (0.0, math.inf)
