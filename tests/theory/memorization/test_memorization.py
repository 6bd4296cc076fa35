"""The memorization programme: closed forms at 50 digits, laws, bounds that nothing may beat."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from theory import symbolic
from theory.memorization import tgon as closed


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("tgon_radius_squared", 8),
        ("tgon_bias_coefficient", 12),
        ("tgon_energy", 8),
        ("tgon_weight_norm", 6),
        ("tgon_bias_norm", 12),
        ("tgon_dimensionality", 1),
    ],
)
def test_float_functions_equal_their_twins(name, units, assert_accurate):
    """Exactly 0 where the truth is 0: T = 1 and, for the bias, T = 4."""
    form, least = getattr(symbolic, name), 3 if name == "tgon_dimensionality" else 1
    assert_accurate(getattr(closed, name), lambda T: form.subs(symbolic.T, T), units, least)


def test_scalars_and_arrays_agree():
    T = np.arange(1, 50)
    for name in vars(closed):
        if name.startswith(("tgon_", "simplex_", "asymptotic_")) and not name.endswith("hidden"):
            function = getattr(closed, name)
            values = function(T)
            assert values.dtype == np.float64
            assert type(function(7)) is float
            assert values.tolist() == [function(int(one)) for one in T], name
            assert function(T.reshape(7, 7)).shape == (7, 7)


@given(
    st.integers(2, 12), st.integers(1, 4), st.floats(0, 0.05), st.floats(0.8, 1.2), st.integers(0, 2**32 - 1)
)
def test_no_model_of_small_error_beats_the_robust_bound(T, support, noise, scale, seed):
    """Noisy, shrunken and stretched memorizing models on data with disjoint supports."""
    rng = np.random.default_rng(seed)
    entries = rng.uniform(0.2, 1, (T, support))
    entries /= np.linalg.norm(entries, axis=1, keepdims=True)
    X = np.zeros((T * support, T))
    for t in range(T):
        X[t * support : (t + 1) * support, t] = entries[t]
    W = scale * closed.tgon_hidden(T) @ X.T + noise * rng.standard_normal((2, T * support))
    b = scale**2 * closed.tgon_bias_coefficient(T) * X.sum(axis=1) + noise * rng.standard_normal(T * support)
    outputs = np.maximum(0, W.T @ (W @ X) + b[:, None])
    worst = float(((outputs - X) ** 2).sum(axis=0).max())
    assume(worst < 0.25 and np.all(outputs[X > 0] > 0))
    energy = float(np.sum((W @ X) ** 2))
    assert energy >= closed.robust_energy_bound(closed.tgon_energy(T), worst) * (1 - 1e-12)


@pytest.mark.parametrize(("amplitude", "shrunk"), [(0.05, 0.1), (0.01, 0.5), (0.2, 0.01)])
def test_the_robust_bound_needs_positive_own_outputs(amplitude, shrunk):
    """A model that gives up one weak feature per datapoint puts Σ‖h‖² at any share of the least energy; ‖W‖² pays."""
    T, kept = 5, math.sqrt(1 - amplitude**2)
    polygon = closed.tgon_hidden(T)
    X = np.vstack([kept * np.eye(T), amplitude * np.eye(T)])
    strong, weak = polygon / (shrunk * kept), (shrunk - 1 / shrunk) * polygon / amplitude
    W = np.hstack([strong, weak])
    hidden = W @ X
    np.testing.assert_allclose(hidden, shrunk * polygon, atol=1e-12 / shrunk)
    b = np.concatenate([kept - np.sum(strong * hidden, axis=0), -(weak.T @ hidden).max(axis=1)])
    error = float(((np.maximum(0, W.T @ hidden + b[:, None]) - X) ** 2).sum(axis=0).max())
    assert error == pytest.approx(amplitude**2, rel=1e-9)
    bound = closed.robust_energy_bound(closed.tgon_energy(T), error)
    assert float(np.sum(hidden**2)) < bound
    assert float(np.sum(W**2)) > bound


def test_the_bias_changes_sign_at_four_and_overtakes_at_seven():
    T = np.arange(2, 200)
    assert np.array_equal(np.sign(closed.tgon_bias_coefficient(T)), np.sign(4 - T))
    assert np.array_equal(
        closed.tgon_bias_norm(T) > closed.tgon_weight_norm(T), closed.bias_overtakes_weights_at() <= T
    )
    assert closed.bias_overtakes_weights_at() == 7


@pytest.mark.parametrize(
    ("asymptotic", "function", "coefficient"),
    [
        (closed.asymptotic_tgon_weight_norm, closed.tgon_weight_norm, 7 * math.pi**4 / 360),
        (closed.asymptotic_tgon_bias_norm, closed.tgon_bias_norm, math.pi**4 / 15),
    ],
)
def test_the_remainder_falls_with_the_fourth_power_and_its_coefficient(asymptotic, function, coefficient):
    T = np.array([20, 40, 80, 160])
    remainder = function(T) / asymptotic(T) - 1
    scaled = remainder * T**4.0
    slope = -np.diff(np.log(np.abs(remainder))) / np.log(2)
    # The next terms change the coefficient by (10.2/6.5 + 16.4)/T² = 18/T² at most, the slope by 18·(3/4)/ln 2 = 20/T²;
    # a tenth more covers what follows them.
    assert np.all(np.abs(slope - 4) < 22 / T[:-1] ** 2.0), slope
    assert scaled[-1] == pytest.approx(coefficient, rel=20 / T[-1] ** 2.0)
