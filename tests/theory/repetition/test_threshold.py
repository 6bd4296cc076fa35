"""Repeated data at zero bias: the theorem against a search over all shapes, order statistics against simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from numerics import draw_dataset
from theory import Setting
from theory.features.amplitudes import normalized, presence
from theory.polygon_geometry import interference_sum
from theory.repetition.threshold import (
    _largest_energy,
    energy_law,
    energy_variance_ratio,
    normal_order_mean,
    square_root_threshold,
    zero_bias_threshold,
)


def best_gain(weights, starts=12):
    """Greatest Σ e_i (2‖w_i‖² − Σ_j max(0, w_i·w_j)²) over all planar vectors, by a search from many starts."""
    weights = np.asarray(weights, dtype=float)
    count, generator = len(weights), np.random.default_rng(0)

    def loss(z):
        W = z.reshape(2, count)
        passed = np.maximum(0, W.T @ W)
        slope = -4 * weights * W + 2 * (W @ (weights[:, None] * passed).T + W @ (weights[:, None] * passed))
        return np.sum(weights[:, None] * passed**2) - 2 * weights @ np.sum(W**2, axis=0), slope.ravel()

    angle = 2 * np.pi * np.arange(count) / count
    candidates = [np.stack([np.cos(angle), np.sin(angle)])]
    candidates += [generator.normal(size=(2, count)) for _ in range(starts)]
    return max(-minimize(loss, W.ravel(), jac=True, method="BFGS").fun for W in candidates)


def test_four_features_and_the_point_overtake_five_exactly_at_equal_weight():
    five = best_gain(np.ones(5))
    assert five == pytest.approx(5 / interference_sum(5), abs=1e-9)
    for weight in (0.5, 0.9, 0.99):
        assert best_gain([1, 1, 1, 1, weight]) < five
    for weight in (1.01, 1.1, 2.0):
        assert best_gain([1, 1, 1, 1, weight]) > five


@pytest.mark.parametrize("rank", [1, 5, 40])
def test_energies_of_ranks_equal_a_simulation_of_the_data(rank):
    """Ranks of Σ_t x_it² over 300 drawn datasets; six standard errors plus 2 % for the dependence of features."""
    generator, n, T, sparsity = np.random.default_rng(1), 200, 400, 0.97
    found = []
    for _ in range(300):
        X = generator.random((n, T)) * (generator.random((n, T)) > sparsity)
        norms = np.linalg.norm(X, axis=0)
        X = X[:, norms > 0] / norms[norms > 0]
        found.append(np.sort(np.sum(X**2, axis=1))[-rank] / (X.shape[1] / n))
    mean, deviation = energy_law(T, n, sparsity).rank_moments(rank, n)
    assert abs(np.mean(found) - mean) < 6 * np.std(found) / math.sqrt(300) + 0.02 * mean
    if rank <= 5:  # the middle of the energies is held by their constant sum
        assert np.std(found) == pytest.approx(deviation, rel=0.2)


def test_the_energy_law_has_the_moments_of_the_sum():
    T, n, sparsity = 3_000, 1_000, 0.99
    law = energy_law(T, n, sparsity)
    present = 0.01 / (1 - sparsity**n)
    amplitude = normalized(n, sparsity)
    variance = T * (present * amplitude.moment(4) - (present * amplitude.moment(2)) ** 2) * (n / T) ** 2
    assert law.mean == pytest.approx(1, abs=1e-6)
    assert law.variance == pytest.approx(variance, rel=1e-4)
    assert law.masses.sum() == pytest.approx(1, abs=1e-9)


def test_the_largest_energy_is_the_first_that_bernstein_s_tail_passes_over():
    """P(Σ − mean ≥ t) ≤ exp(−t²/2(v + t/3)), v the sum of second moments; e⁻⁴² < 10⁻¹⁸."""
    amplitude, expected = normalized(1_000, 0.99), 3_000 * presence(1_000, 0.99)
    t = _largest_energy(3_000, expected / 3_000, amplitude) - expected * amplitude.moment(2) - np.arange(2)
    exponents = t**2 / (2 * (expected * amplitude.moment(4) + t / 3))
    assert exponents[0] >= 42 > exponents[1]


def test_the_deviation_is_that_of_the_fifth_energy_and_of_the_point_s_own():
    """Own energies weigh X_k², of independent datapoints; in squares, four standard errors of the mean Σ X⁴."""
    T, n, sparsity = 1_000, 100, 0.95
    law, found = energy_law(T, n, sparsity), zero_bias_threshold(T, n, sparsity)
    data = draw_dataset(Setting(T=20_000, n=n, sparsity=sparsity))
    fourth = np.bincount(data.columns, data.values**4)
    own = found.deviation**2 - law.rank_moments(5, n)[1] ** 2
    assert abs(own / law.variance - fourth.mean()) < 4 * fourth.std() / math.sqrt(20_000)


def test_the_threshold_lies_above_one_at_low_ratios_and_falls():
    for n, sparsity in ((1_000, 0.99), (10_000, 0.999)):
        found = [zero_bias_threshold(ratio * n, n, sparsity) for ratio in (1, 3, 10, 30, 100)]
        means = [one.mean for one in found]
        assert means[0] > 1 > means[2]
        assert np.all(np.diff(means) < 0)
        assert found[3].equal_energy == 30
        assert found[3].repeats == pytest.approx(30 * means[3])


@pytest.mark.parametrize(("rank", "n"), [(1, 2), (1, 20), (5, 60), (5, 5)])
def test_order_means_are_those_of_draws(rank, n):
    draws = np.sort(np.random.default_rng(0).normal(size=(20_000, n)), axis=1)[:, -rank]
    assert abs(normal_order_mean(rank, n) - draws.mean()) <= 5 * draws.std() / math.sqrt(len(draws))


def test_the_variance_of_an_energy_is_kappa_times_its_mean():
    """In units of T/n, up to the p E a² that the ratio leaves out, 1/n."""
    T, n, sparsity = 20_000, 1_000, 0.99
    assert energy_law(T, n, sparsity).variance * T / n == pytest.approx(
        energy_variance_ratio(n, sparsity), abs=2 / n
    )


def test_the_exact_threshold_tends_to_the_square_root_from_above():
    n, sparsity = 1_000, 0.99
    ratios = []
    for unit in (10, 30, 100):
        exact = zero_bias_threshold(unit * n, n, sparsity).repeats
        ratios.append(exact / square_root_threshold(unit * n, n, sparsity))
    assert all(a > b > 1 for a, b in itertools.pairwise(ratios))
    assert ratios[-1] < 1.03
    least = -normal_order_mean(1, 5) * math.sqrt(4 * energy_variance_ratio(5, 0.5))
    assert square_root_threshold(20, 5, 0.5) == pytest.approx(least), "the fifth of five"
    assert square_root_threshold(4 * n, n, sparsity) == pytest.approx(
        2 * square_root_threshold(n, n, sparsity)
    )
