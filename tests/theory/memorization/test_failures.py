"""Two circles and dropped points against models built from them and brute-force descent."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.theory.memorization.test_finite_penalty import objective_and_gradient
from theory.codes.search import slacks
from theory.memorization.failures import dropped_point_curvature, dropped_point_loss, least_gaps, two_circles
from theory.memorization.tgon import tgon_energy, tgon_hidden, tgon_radius_squared


@st.composite
def circles(draw):
    T = draw(st.integers(5, 14))
    inner = draw(st.integers(1, min(3, T - 3)))
    least = 1.05 if inner > 2 else 0.7
    share = draw(st.floats(0, 0.98))
    return two_circles(T, [least + share * (tgon_radius_squared(T) - least)] * inner)


def spare_angle(radius_squared):
    return 2 * math.pi - least_gaps(radius_squared).sum()


@example(two_circles(3, [0.1]))  # hardly longer than it must be for any angle
@given(circles())
def test_two_circles_memorize_tightly_and_cost_more_than_the_tgon(found):
    assert abs(slacks(found.hidden).min()) < 1e-9 * found.outer_squared
    assert abs(spare_angle(found.radius_squared)) < 1e-9
    assert found.energy == pytest.approx(np.sum(found.hidden**2), rel=1e-12)
    assert found.energy > tgon_energy(found.T)
    assert found.outer_squared > max(found.inner_squared)


@given(circles(), st.floats(1e-4, 1e-3))
def test_evening_out_frees_angle_and_the_opposite_costs_it(found, share):
    """The theorem's exchange at equal energy; its reverse is the negative control."""
    inner = len(found.inner_squared)
    moved = share * min(found.outer_squared - found.inner_squared[0], 1)
    step = np.repeat([moved / inner, -moved / (found.T - inner)], [inner, found.T - inner])
    assert spare_angle(found.radius_squared + step) > 0
    assume(found.inner_squared[0] > 0.9)
    assert spare_angle(found.radius_squared - step) < 0


@pytest.mark.parametrize(("T", "inner"), [(8, 2), (10, 3), (12, 1)])
def test_the_norm_falls_along_the_family_to_that_of_the_tgon(T, inner):
    shares = np.linspace(0.3, 0.9999, 12) * tgon_radius_squared(T)
    family = [two_circles(T, [max(share, 1.01)] * inner).energy for share in shares]
    assert np.all(np.diff(family) <= 0)
    assert family[-1] == pytest.approx(tgon_energy(T), rel=2e-3)


def test_the_typical_trained_two_circles():
    """Eight points, inner lengths of a trained model; its outer length was 1.921 (2 % above), its norm 8.89."""
    tgon = tgon_radius_squared(8)
    found = two_circles(8, [0.617**2 * tgon, 0.782**2 * tgon])
    assert math.sqrt(found.energy) == pytest.approx(8.715, abs=1e-3)
    assert math.sqrt(found.outer_squared / tgon) == pytest.approx(1.882, abs=1e-3)
    assert least_gaps([0.5, 0.5]).tolist() == [math.pi, math.pi]


@given(st.integers(5, 20), st.integers(1, 3))
def test_a_dropped_point_has_the_stated_loss_and_no_slope(T, dropped):
    assume(T - dropped >= 5)
    model = with_dropped(tgon_hidden(T - dropped), dropped)
    value, gradient = objective_and_gradient(np.concatenate([*map(np.ravel, model)]), T, 0.0)
    assert value == pytest.approx(dropped_point_loss(T, dropped), rel=1e-12)
    assert np.abs(gradient).max() < 1e-12 * T
    assert dropped_point_curvature(tgon_hidden(T - dropped), dropped) > 0


@given(
    st.integers(4, 9), st.floats(0.2, 3), st.integers(1, 2), st.floats(-0.9, 0.9), st.integers(0, 2**32 - 1)
)
def test_the_curvature_decides_whether_a_dropped_point_stays(others, scale, dropped, stretch, seed):
    """The others held, on affinely distorted polygons: the loss rises in every direction exactly if it is positive."""
    hidden = scale * tgon_hidden(others) * np.array([[1 + stretch / 2], [1 - stretch / 2]])
    T = others + dropped
    curvature = dropped_point_curvature(hidden, dropped)
    assume(abs(curvature) > 1e-2)
    model = with_dropped(hidden, dropped)
    rng = np.random.default_rng(seed)
    base = own_loss(model, T, dropped)
    direction = np.zeros((2, dropped))
    direction[0 if stretch < 0 else 1] = [1, -1][:dropped]  # along the short axis
    softest = own_loss(model, T, dropped, 1e-3 * direction) - base
    around = [own_loss(model, T, dropped, 1e-3 * rng.standard_normal((2, dropped))) - base for _ in range(8)]
    assert (min(*around, softest) > 0) == (curvature > 0)


def with_dropped(others, dropped):
    """(hidden, bias coefficients) with the dropped points first; the others are exact if they memorize."""
    T = others.shape[1] + dropped
    hidden = np.concatenate([np.zeros((2, dropped)), others], axis=1)
    bias = np.where(np.arange(T) < dropped, 1 / T, 1 - np.sum(hidden**2, axis=0))
    return hidden, bias


def own_loss(model, T, dropped, moved=0.0):
    """Loss of the dropped points' own features when they are moved."""
    hidden, bias = model[0].copy(), model[1]
    hidden[:, :dropped] += moved
    outputs = np.maximum(0, hidden[:, :dropped].T @ hidden + bias[:dropped, None])
    return float(((outputs - np.eye(T)[:dropped]) ** 2).sum())
