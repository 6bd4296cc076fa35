"""The square root of T/n: order statistics against draws, the exact threshold beside its asymptote."""

import itertools
import math

import numpy as np
import pytest

from theory.repetition.square_root import energy_variance_ratio, normal_order_mean, square_root_threshold
from theory.repetition.threshold import energy_law, zero_bias_threshold


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
