"""The fitted boundary: its score equations, its invariances, its coverage; the interval that assumes no law."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, logistic
from scipy.stats import t as student

from theory.repetition.logistic_boundary import fit_boundary, fit_power_law, median_interval

#: What the fit promises of the median on the log scale, and of the scale.
ACCURACY, SCALE_ACCURACY = 2e-6, 2e-4

samples = st.lists(st.floats(0.01, 100), min_size=3, max_size=12, unique_by=lambda x: round(math.log(x), 2))


def test_single_outcomes_are_logistic_regression():
    """Its score equations, which no other curve solves: Σ(y − P) = 0 and Σ(y − P) log R = 0."""
    generator = np.random.default_rng(0)
    R = np.exp(generator.uniform(-1, 4, 400))
    happened = generator.random(400) < 1 / (1 + (5 / R) ** (1 / 0.3))
    found = fit_boundary(np.where(happened, 0, R), np.where(happened, R, np.inf))
    residual = happened - 1 / (1 + (found.median / R) ** (1 / found.scale))
    # A change of μ by δ changes the sums by at most Nδ/(4s), one of s by the share δ at most N|z|/4.
    bound = len(R) * (ACCURACY / found.scale + 10 * SCALE_ACCURACY) / 4
    assert abs(residual.sum()) < bound
    assert abs(residual @ np.log(R)) < bound * np.abs(np.log(R)).max()
    shifted = happened - 1 / (1 + (1.1 * found.median / R) ** (1 / found.scale))
    assert abs(shifted.sum()) > bound, "a boundary 10 % off must fail"
    assert found.low < 5 < found.high < 1.5 * found.low


@settings(max_examples=10)
@given(samples, st.floats(0.1, 10))
def test_units_and_reflection_do_not_matter(values, unit):
    values = np.array(values)
    found, scaled, mirrored = (fit_boundary(one, one) for one in (values, unit * values, 1 / values))
    assert scaled.median == pytest.approx(unit * found.median, rel=10 * ACCURACY)
    assert mirrored.median == pytest.approx(1 / found.median, rel=10 * ACCURACY)
    for one in (scaled, mirrored):
        assert one.scale == pytest.approx(found.scale, rel=SCALE_ACCURACY)
    assert scaled.high == pytest.approx(unit * found.high, rel=1e-3)
    assert mirrored.low == pytest.approx(1 / found.high, rel=1e-3)


@settings(max_examples=10)
@given(samples)
def test_intervals_hold_the_median(values):
    found = fit_boundary(values, values)
    assert found.low < found.median < found.high
    assert min(values) <= found.median <= max(values)


def test_the_interval_covers_as_often_as_it_says():
    """Of 60 samples of nine; bounds that a binomial of that size leaves once in 10⁴ cases. Thirds of them do not."""
    generator, hits, third = np.random.default_rng(3), 0, 0
    for _ in range(60):
        x = np.exp(generator.logistic(size=9))
        found = fit_boundary(x, x)
        hits += found.low < 1 < found.high
        third += (
            (found.low / found.median) ** (1 / 3) < 1 / found.median < (found.high / found.median) ** (1 / 3)
        )
    fewest, most = binom.ppf([5e-5, 1 - 5e-5], 60, 0.95)
    assert third < fewest <= hits <= most


def test_an_open_threshold_pulls_towards_its_side_and_leaves_the_interval_open():
    known = np.array([3.0, 4.0, 5.0, 6.0])
    closed = fit_boundary(known, known).median
    assert fit_boundary([*known, 6.0], [*known, np.inf]).median > closed
    assert fit_boundary([*known, 0.0], [*known, 3.0]).median < closed
    nothing = fit_boundary([*known, 0.0], [*known, np.inf])
    assert nothing.median == closed, "ends that are both open say nothing"
    found = fit_boundary([0.0, 2.0, 0.0], [1.0, np.inf, 6.0])
    assert found.low == 0 or found.high == math.inf


def _law(exponent=0.5, seed=1):
    """x, and the ends of thresholds about 2 x^exponent: some known, some between two numbers, two open."""
    x = np.repeat([1.0, 3.0, 10.0, 30.0], 3)
    R = 2 * x**exponent * np.exp(0.2 * np.random.default_rng(seed).logistic(size=12))
    wide = np.arange(12) % 2
    low, high = R * 0.8**wide, R * 1.3**wide
    low[1], high[-1] = 0.0, np.inf
    return x, low, high


def test_a_power_law_is_the_boundary_of_what_is_divided_by_it():
    """SciPy's fit of the rest has the factor and the scale; ends move as the thresholds are multiplied by powers."""
    x, low, high = _law()
    found = fit_power_law(x, low, high)
    rest = fit_boundary(low / x**found.exponent, high / x**found.exponent)
    assert found.factor == pytest.approx(rest.median, rel=1e-4)
    assert found.scale == pytest.approx(rest.scale, rel=1e-3)
    moved = fit_power_law(x, 3 * low * x**0.4, 3 * high * x**0.4, reference=10.0)
    assert moved.exponent == pytest.approx(found.exponent + 0.4, abs=2e-4)
    assert moved.exponent_ends == pytest.approx(np.add(found.exponent_ends, 0.4), abs=1e-3)
    assert moved.factor == pytest.approx(3 * found.factor * 10**moved.exponent, rel=1e-3)
    assert found.exponent_ends[0] < 0.5 < found.exponent_ends[1] < 1


def test_the_interval_of_the_exponent_ends_at_its_deviance():
    """By SciPy's likelihood of the rest: N ln(1 + t²/(N−2)), which is the t interval of a normal law's slope."""
    x, low, _ = _law()
    R = np.where(low > 0, low, 2.0)
    found = fit_power_law(x, R, R)

    def likeliest(exponent):
        rest = np.log(R / x**exponent)
        return logistic.logpdf(rest, *logistic.fit(rest)).sum()

    cutoff = 12 * math.log1p(student.ppf(0.975, 10) ** 2 / 10)
    for end in found.exponent_ends:
        deviance = 2 * (likeliest(found.exponent) - likeliest(end))
        assert deviance == pytest.approx(cutoff, rel=1e-3)


@pytest.mark.parametrize("count", [1, 2, 5, 9, 10, 25])
def test_order_statistics_cover_by_the_exact_binomial(count):
    places = np.arange(1.0, count + 1)
    found = median_interval(places, places)
    rank = int(found.low)
    assert found.high == count + 1 - rank
    assert found.coverage == pytest.approx(1 - 2 * binom.cdf(rank - 1, count, 0.5), abs=1e-14)
    assert found.coverage >= 0.95 or rank == 1
    if 2 * (rank + 1) <= count:
        assert 1 - 2 * binom.cdf(rank, count, 0.5) < 0.95, "a shorter interval would do"


def test_open_ends_widen_the_order_statistics():
    low, high = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0, 5.0, np.inf]
    assert median_interval(low, high).high == math.inf
    assert median_interval([0.0, *low[1:]], low).low == 0.0
