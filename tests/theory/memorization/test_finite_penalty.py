"""The penalised polygon against brute-force minimisation, in two variables and over whole models."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize

from theory.memorization.finite_penalty import collapse_penalty, penalised_polygon
from theory.memorization.tgon import tgon_bias_coefficient, tgon_radius_squared

COUNTS = st.integers(1, 30)
SHARES = st.floats(1e-6, 1.5)  # of the penalty at the collapse


@given(COUNTS, SHARES)
def test_no_symmetric_model_costs_less(T, share):
    """A direct search from the solution and from elsewhere; convexity makes any improvement visible."""
    polygon = penalised_polygon(T, share * collapse_penalty(T))
    here = polygon.radius_squared, polygon.bias_coefficient

    def objective(place):
        r, c = max(place[0], 0.0), place[1]
        outputs = np.maximum(0, r * np.cos(2 * np.pi * np.arange(T) / T) + c)
        return np.sum((outputs - np.eye(T)[0]) ** 2) + polygon.penalty * T * (r + c**2)

    assert polygon.objective == pytest.approx(objective(here), rel=1e-12)
    for start in (here, (0.6, 0.2)):
        found = minimize(objective, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
        assert polygon.objective <= found.fun + 1e-13 * T


@given(st.integers(2, 12), SHARES)
def test_the_polygon_is_stationary_among_all_models(T, share):
    polygon = penalised_polygon(T, share * collapse_penalty(T))
    turn = 2 * np.pi * np.arange(T) / T
    outputs = polygon.radius_squared * np.cos(turn) + polygon.bias_coefficient
    assume(np.abs(outputs).min() > 1e-9)  # the objective is not differentiable twice where an output is 0
    model = as_model(T, polygon)
    value, gradient = objective_and_gradient(model, T, polygon.penalty)
    assert value == pytest.approx(polygon.objective, rel=1e-12)
    assert np.abs(gradient).max() < 1e-13 * T


@pytest.mark.parametrize(("T", "share"), [(3, 0.3), (4, 0.5), (6, 0.05), (8, 0.02), (8, 0.9)])
def test_no_model_found_costs_less_at_the_ends(T, share):
    """Numerical: random starts over all models."""
    polygon = penalised_polygon(T, share * collapse_penalty(T))
    assert least_found(T, polygon.penalty, 12) >= polygon.objective - 1e-9


@pytest.mark.parametrize(("T", "penalty", "gap"), [(5, 0.1, 0.028), (6, 0.1, 0.058), (8, 0.05, 0.063)])
def test_models_without_the_symmetry_cost_less_in_between(T, penalty, gap):
    """The negative control of the search above, and a limit of the ansatz."""
    assert least_found(T, penalty, 12) < penalised_polygon(T, penalty).objective - gap


@given(st.integers(1, 200))
def test_a_vanishing_penalty_leaves_the_tgon(T):
    polygon = penalised_polygon(T, 0.0)
    if T == 1:  # least ‖W‖² + ‖b‖²
        assert (polygon.radius_squared, polygon.bias_coefficient) == (0.5, 0.5)
    else:
        assert polygon.radius_squared == pytest.approx(tgon_radius_squared(T), rel=1e-12)
        assert polygon.bias_coefficient == pytest.approx(tgon_bias_coefficient(T), rel=1e-12, abs=1e-12)
    assert polygon.objective == pytest.approx(0, abs=1e-12 * T**2)


@given(st.integers(2, 40), st.floats(1e-4, 0.9))
def test_the_radius_falls_with_the_penalty_and_the_objective_rises(T, share):
    light, heavy = (penalised_polygon(T, part * collapse_penalty(T)) for part in (share, share + 0.05))
    assert light.radius_squared > heavy.radius_squared
    assert light.objective < heavy.objective


@pytest.mark.parametrize("T", [2, 3, 4, 7, 20])
def test_the_collapse_is_continuous(T):
    """The radius goes to 0 with slope −1 (−1/2 at T = 2), at 2/T and not before."""
    end = collapse_penalty(T)
    assert end == 2 / T
    before = penalised_polygon(T, end - 1e-6)
    assert before.radius_squared == pytest.approx(0.5e-6 if T == 2 else 1e-6, rel=1e-6)
    assert before.bias_coefficient == pytest.approx(1 / (T * (1 + end)), rel=1e-5)
    after = penalised_polygon(T, end)
    assert (after.radius_squared, after.bias_coefficient) == (0.0, 1 / (T * (1 + end)))


def as_model(T, polygon):
    turn = 2 * np.pi * np.arange(T) / T
    hidden = np.sqrt(polygon.radius_squared) * np.array([np.cos(turn), np.sin(turn)])
    return np.concatenate([hidden.ravel(), np.full(T, polygon.bias_coefficient)])


def objective_and_gradient(model, T, penalty):
    """One-hot data: W's columns are the hidden vectors."""
    hidden, bias = model[: 2 * T].reshape(2, T), model[2 * T :]
    before = hidden.T @ hidden + bias[:, None]
    error = np.maximum(0, before) - np.eye(T)
    slope = 2 * error * (before > 0) / T
    gradient = np.concatenate([(hidden @ (slope + slope.T)).ravel(), slope.sum(axis=1)])
    return (error**2).sum() / T + penalty * (model @ model), gradient + 2 * penalty * model


def least_found(T, penalty, starts):
    rng = np.random.default_rng(T)
    return min(
        minimize(objective_and_gradient, rng.standard_normal(3 * T), (T, penalty), "L-BFGS-B", jac=True).fun
        for _ in range(starts)
    )
