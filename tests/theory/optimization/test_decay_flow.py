"""The flow of decay on models of zero loss: closed form against steps of decay and projection in all parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from theory.memorization.tgon import tgon_hidden, tgon_radius_squared
from theory.optimization.decay_flow import symmetric_budget, symmetric_rate

STEPS = 100


def decayed(T, start, budget, features, mobility=1.0):
    """Squared radii along small decays of W (2, n) and b, each followed by Newton's steps back to zero loss."""
    entries = np.random.default_rng(T).uniform(0.3, 1, (T, features))
    X = np.zeros((T * features, T))
    for t in range(T):
        X[t * features : (t + 1) * features, t] = entries[t] / np.linalg.norm(entries[t])
    n, own = len(X), X > 0
    hidden = tgon_hidden(T) * np.sqrt(start / tgon_radius_squared(T))
    W = hidden @ X.T
    state = np.concatenate([W.ravel(), (1 - start) * X.sum(axis=1)])
    mobile = np.where(np.arange(3 * n) < 2 * n, mobility, 1.0)

    def errors_and_slopes(state):
        W, b = state[: 2 * n].reshape(2, n), state[2 * n :]
        H = W @ X
        output = W.T @ H + b[:, None]
        slopes = np.zeros((n, T, 2, n))
        slopes[np.arange(n), :, :, np.arange(n)] = H.T
        slopes += W.T[:, None, :, None] * X.T[None, :, None, :]
        slopes = np.concatenate(
            [slopes.reshape(n, T, 2 * n), np.broadcast_to(np.eye(n)[:, None], (n, T, n))], 2
        )
        felt = own | (output > 0)
        return np.where(own, output - X, np.maximum(output, 0)).ravel(), slopes.reshape(
            n * T, -1
        ) * felt.reshape(-1, 1)

    def back(state):
        for _ in range(30):
            error, slopes = errors_and_slopes(state)
            if np.abs(error).max() < 1e-11:
                return state
            state = state - mobile * (
                slopes.T @ np.linalg.lstsq((slopes * mobile) @ slopes.T, error, rcond=1e-10)[0]
            )
        pytest.fail("no zero loss within 30 steps")

    state, radii = back(state), []
    for _ in range(STEPS):
        state = back(state * (1 - budget / STEPS))
        radii.append(np.sum(state[: 2 * n] ** 2) / T)
    return np.array(radii)


def symmetric_radius_squared(T, start, budget):
    """The squared radius after a decay budget: the root of `symmetric_budget`."""
    least = tgon_radius_squared(T)
    if symmetric_budget(start, least) <= budget:
        return least
    return brentq(lambda r: symmetric_budget(start, r) - budget, least, start, rtol=1e-12)


def euler_error(budget):
    """Each decay δ = budget/STEPS errs by δ²/2 or less of ln r, rates being below 1; doubled for curvature."""
    return budget**2 / STEPS


@pytest.mark.parametrize(("T", "start", "features"), [(5, 2.5, 1), (8, 6.0, 1), (3, 1.5, 1), (5, 2.5, 2)])
def test_the_closed_form_is_the_projected_decay_of_all_parameters(T, start, features):
    arrival = symmetric_budget(start, tgon_radius_squared(T))
    budget = 1.2 * arrival
    measured = decayed(T, start, budget, features)
    times = budget * np.arange(1, STEPS + 1) / STEPS
    expected = np.array([symmetric_radius_squared(T, start, time) for time in times])
    assert np.abs(np.log(measured / expected)).max() < euler_error(budget)
    # Newton's last step back overshoots by the square of the decay.
    overshoot = (budget / STEPS) ** 2
    assert measured[-1] == pytest.approx(tgon_radius_squared(T), rel=overshoot), "it arrives, and stays"
    free = np.maximum(start * np.exp(-2 * times), tgon_radius_squared(T))
    assert np.abs(np.log(measured / free)).max() > 5 * euler_error(budget), "e^{−τ} must fail"


@pytest.mark.parametrize("mobility", [0.2, 3.0])
def test_mobility_sets_the_rate(mobility):
    measured = decayed(5, 3.0, 0.1, 1, mobility)
    rates = -np.diff(np.log(measured)) / 2 / (0.1 / STEPS)
    expected = [symmetric_rate(r, mobility) for r in measured[1:]]
    # a step's share of ln r, for the step, its curvature and the end it is named by
    tolerance = 4 * 0.1 / STEPS
    assert rates == pytest.approx(expected, abs=tolerance)
    assert abs(rates - [symmetric_rate(r, 1.0) for r in measured[1:]]).min() > 5 * tolerance


@given(st.floats(1, 1e4), st.floats(0, 1e4))
def test_rates_lie_between_their_limits(r, q):
    """So from four points on, r ≥ 1, the flow arrives at any mobility."""
    assert (r - 1) / (2 * r) * (1 - 1e-12) <= symmetric_rate(r, q) <= 1


def test_mobile_weights_keep_a_pair_and_a_triangle_above_the_least_norm():
    """The reason why arrival is claimed below q = 1 at T = 2, below 3/2 at T = 3; above, r rests at 1 − 1/(2q)."""
    assert symmetric_rate(0.5, 0.99) > 0 > symmetric_rate(0.5, 1.01)
    assert decayed(2, 0.6, 1.0, 1, mobility=0.5)[-1] == pytest.approx(0.5, rel=1e-4)
    assert decayed(2, 0.6, 1.0, 1, mobility=2.0)[-1] > 0.6
    least = tgon_radius_squared(3)
    assert symmetric_rate(least, 1.49) > 0 > symmetric_rate(least, 1.51)
    assert symmetric_rate(0.75, 2.0) == 0
    ends = [decayed(3, start, 1.0, 1, mobility=2.0)[-1] for start in (0.7, 0.8)]
    assert 0.7 < ends[0] < ends[1] < 0.8
    assert decayed(3, 0.7, 1.0, 1)[-1] < (0.7 + least) / 2, "at q = 1 the same polygon shrinks"
