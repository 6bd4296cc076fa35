"""Adam's epsilon: the mean loss is a larger one, and an error closes at the derived rate."""

import numpy as np
import pytest

from numerics import train_one
from theory import Setting
from theory.optimization.epsilon import closing_efolds, crossover_datapoints, epsilon_scale, update_size


def test_the_mean_over_features_trains_like_an_epsilon_n_times_as_large():
    """Up to rounding; and another epsilon trains to something else."""
    mean = Setting(T=4, n=64, sparsity=0.95, steps=40, loss="mean", adam_epsilon=1e-5, dtype="float64")
    scale = epsilon_scale(mean.adam_epsilon, mean.n, mean.loss)
    same, other = (mean.replace(loss="sum", adam_epsilon=each) for each in (scale, mean.adam_epsilon))
    W, expected, different = (train_one(each, engine="reference").W for each in (mean, same, other))
    np.testing.assert_allclose(W, expected, rtol=1e-9, atol=1e-12)
    assert np.abs(W - different).max() > 1e-6
    with pytest.raises(ValueError, match="'sum' or 'mean'"):
        epsilon_scale(1e-8, 3, "max")


def test_a_small_error_closes_by_the_derived_number_of_powers_of_e():
    """Adam with a constant small rate on one datapoint's own loss δ²/T, its moments at rest."""
    T, scale, rate, steps, error = 50, 1e-2, 1e-4, 4_000, 1e-3
    for _ in range(steps):
        gradient = 2 * error / T
        error -= rate * np.sign(gradient) * update_size(gradient, scale)
    assert np.log(1e-3 / error) == pytest.approx(closing_efolds(rate * steps, T, scale), rel=0.02)


def test_at_the_crossover_a_datapoint_moves_its_bias_at_half_the_rate():
    T = crossover_datapoints(0.4, 1e-4)
    assert update_size(2 * 0.4 / T, 1e-4) == pytest.approx(0.5)
