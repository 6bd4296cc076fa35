"""Laws of amplitudes: moments, truncated moments and densities against routes that share no code with them."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.features.amplitudes import active, constant, normalized, samples, uniform

SETTINGS = [(10_000, 0.999), (1_000, 0.99), (2, 0.5), (3, 0.3), (4, 0.3), (50, 0.5), (300, 0.999)]
SETTINGS.append((2_000, 0.5))  # a feature is never alone: S^(n−1) is 0


def laplace_moment(n, sparsity, power):
    """E a^q = ∫ t^(q/2−1) E[u^q e^(−t u²)] (S + p E e^(−t u²))^(n−1) dt/Γ(q/2): no lattice, no density."""
    p, half = mpmath.mpf(1) - mpmath.mpf(sparsity), mpmath.mpf(power) / 2

    def integrand(z):
        t = mpmath.e**z
        root = mpmath.sqrt(t)
        one = mpmath.sqrt(mpmath.pi) * mpmath.erf(root) / (2 * root)
        own = mpmath.gammainc(half + 0.5, 0, t) / (2 * t ** (half + 0.5))
        return mpmath.e ** (z * half) * own * (1 - p + p * one) ** (n - 1)

    with mpmath.workdps(15):
        return float(mpmath.quad(integrand, [-60, -20, -8, -3, 0, 3, 6, 10, 20, 60]) / mpmath.gamma(half))


@pytest.mark.parametrize(("n", "sparsity"), SETTINGS)
def test_the_second_moment_of_the_normalized_law_is_exact(n, sparsity):
    exact = (1 - sparsity**n) / (n * (1 - sparsity))
    assert abs(normalized(n, sparsity).moment(2) - exact) < 1e-7
    assert abs(normalized(n, sparsity).moment(0) - 1) < 1e-7


@pytest.mark.parametrize("power", [1, 3, 4])
@pytest.mark.parametrize(("n", "sparsity"), [(10_000, 0.999), (4, 0.3), (50, 0.5)])
def test_moments_of_the_normalized_law_equal_the_laplace_integral(n, sparsity, power):
    assert abs(normalized(n, sparsity).moment(power) - laplace_moment(n, sparsity, power)) < 1e-7


def test_two_features_by_hand():
    """Two features: a = 1 with probability S, else u/√(u² + v²), whose law is x/(2√(1−x²)) below 1/√2."""
    law = normalized(2, 0.5)
    for x in (0.1, 0.4, 0.7):
        assert law.probability_below(x) == pytest.approx(0.5 * x / math.sqrt(1 - x * x) / 2, abs=1e-7)
    assert law.probability_below(0.9) == pytest.approx(0.5 * (1 - math.sqrt(1 - 0.81) / 0.9 / 2), abs=1e-7)
    assert normalized(1, 0.5).moment(3) == 1


@given(slope=st.floats(-3, 3), offset=st.floats(-3, 3), power=st.integers(0, 4), times=st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_truncated_moments_of_the_uniform_law_equal_the_integral(slope, offset, power, times):
    lower, upper = (min(1.0, max(0.0, end)) for end in active(slope, offset))
    line = np.polynomial.Polynomial([offset, slope]) ** power * np.polynomial.Polynomial([0, 1]) ** times
    exact = line.integ()(upper) - line.integ()(lower) if upper > lower else 0.0
    assert uniform().truncated(slope, offset, power, times) == pytest.approx(
        exact, abs=1e-13 * (1 + abs(slope) + abs(offset)) ** power
    )


def test_truncated_moments_of_atoms_are_sums():
    values = np.array([0.2, 0.5, 0.5, 1.7])
    law = samples(values)
    for slope, offset in ((1.0, -0.3), (-1.0, 0.6), (0.0, 2.0), (0.0, -1.0)):
        for power in (1, 2, 3):
            direct = np.mean(values * np.maximum(0, slope * values + offset) ** power)
            assert law.truncated(slope, offset, power, 1) == pytest.approx(direct, abs=1e-14)
    assert constant(0.5).truncated(1.0, -0.5, 0) == 0, "at the cut an output is silent"
    assert samples([0.5]).truncated(2.0, 0.0, 0) == 1


def test_partial_cells_interpolate_the_density():
    """Cutting an interval in two changes nothing."""
    law = normalized()
    for cut in (0.001, 0.27, 0.5, 0.70711, 0.95):
        whole = law.moment(1)
        parts = [law.nodes(0, cut), law.nodes(cut, math.inf)]
        assert sum(weights @ places for places, weights in parts) == pytest.approx(whole, abs=1e-12)
