"""What AdamW reaches: closed forms against simulated optimizers, linear programs and drawn data."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from theory.optimization import reach as optimization
from theory.setting import Setting

PAPER = (10_000, 0.999)
SCHEDULES = st.lists(st.floats(0, 0.5), min_size=1, max_size=60)


def paper_rates(steps=50_000, warmup=2_500):
    step = np.arange(steps)
    falling = 0.5 * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup)))
    return 1e-3 * np.where(step < warmup, (step + 1) / warmup, falling)


def adam_steps(gradients, beta1=0.9, beta2=0.999, epsilon=0.0):
    """All updates m̂/(√v̂ + ε) of textbook Adam."""
    m = v = 0.0
    updates = []
    for t, gradient in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        scale = math.sqrt(v / (1 - beta2**t)) + epsilon
        updates.append(m / (1 - beta1**t) / scale if scale else 0.0)
    return np.array(updates)


def test_the_paper_schedule():
    rates = paper_rates()
    setting = Setting(T=5)
    assert math.fsum(rates) == pytest.approx(setting.learning_rate_sum, rel=1e-12)
    assert optimization.reach(rates, 0.01) == pytest.approx(22.12, abs=5e-3)
    assert optimization.reach(rates, 0.0) == math.fsum(rates)


@example([0.5], 5e-324, 0.0, 0)
@given(SCHEDULES, st.floats(0, 1.9), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_no_sequence_of_unit_updates_gets_further_and_one_gets_there(rates, decay, start, seed):
    bound = optimization.reach(rates, decay, start)
    signs = np.random.default_rng(seed).uniform(-1, 1, len(rates))
    wandering, straight = start, abs(start)
    for rate, sign in zip(rates, signs, strict=True):
        wandering = (1 - rate * decay) * wandering - rate * sign
        straight = (1 - rate * decay) * straight + rate
    assert abs(wandering) <= bound * (1 + 1e-12) + 1e-12
    assert straight == pytest.approx(bound, rel=1e-9, abs=1e-12)


@given(SCHEDULES, st.floats(0, 1.9))
def test_what_survives_is_the_product_and_at_most_the_exponential(rates, decay):
    left = optimization.surviving_fraction(rates, decay)
    assert left == pytest.approx(math.prod(1 - rate * decay for rate in rates), rel=1e-12)
    assert left <= math.exp(-decay * math.fsum(rates)) * (1 + 1e-12)


@given(
    st.lists(st.floats(-10, 10).filter(lambda g: abs(g) > 1e-3), min_size=1, max_size=40),
    st.floats(0, 0.9),
    st.floats(0.85, 0.999),
)
def test_no_gradients_make_adam_step_further(gradients, beta1, beta2):
    bound = max(optimization.adam_largest_step(beta1, beta2, step) for step in range(1, len(gradients) + 1))
    assert np.abs(adam_steps(gradients, beta1, beta2)).max() <= bound * (1 + 1e-9)


@pytest.mark.parametrize("steps", [1, 2, 10, 100, 3_000])
def test_the_extremal_gradients_attain_the_bound_of_every_step(steps):
    largest = adam_steps((0.9 / 0.999) ** np.arange(steps - 1.0, -1.0, -1.0))[-1]
    assert largest == pytest.approx(optimization.adam_largest_step(step=steps), rel=1e-9)


def test_the_bound_rises_to_its_limit():
    steps = [optimization.adam_largest_step(step=t) for t in [1, 2, 5, 20, 100, 1_000, 5_000, 20_000]]
    assert np.all(np.diff(steps) > 0)
    assert steps[-1] < optimization.adam_largest_step() == pytest.approx(math.sqrt(9990 / 189), rel=1e-12)
    for beta1, beta2 in [(0.9, 0.95), (0.5, 0.99), (0.0, 0.9), (0.99, 0.999)]:
        over_all = max(optimization.adam_largest_step(beta1, beta2, step) for step in range(1, 3_000))
        assert over_all <= optimization.adam_largest_step(beta1, beta2) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("n", "sparsity"), [(10_000, 0.999), (1_000, 0.99), (300, 0.95), (2_880, 0.95), (40, 0.97), (3, 0.5)]
)
def test_the_law_of_the_largest_entry_against_drawn_data(n, sparsity):
    """Fixed draws; 1.95/√draws is exceeded by a Kolmogorov distance in one of a thousand."""
    rng = np.random.default_rng(11)
    counts = rng.binomial(n, 1 - sparsity, 40_000)
    counts = counts[counts > 0]
    entries = rng.random((len(counts), counts.max())) * (np.arange(counts.max()) < counts[:, None])
    largest = np.sort(entries.max(axis=1) / np.sqrt((entries**2).sum(axis=1)))
    inner = largest < 1 - 1e-12  # a single entry is exactly 1: an atom
    law = optimization.largest_entry_probability(largest[inner], n, sparsity)
    drawn = np.arange(1, len(largest) + 1)[inner] / len(largest)
    assert np.abs(law - drawn).max() < 1.95 / math.sqrt(len(largest))


def test_regular_polygons_leave_reach_between_22_and_28():
    """Half of the datasets at T = 24 to 25, all at 28."""
    chance = {T: optimization.tgon_within_reach(T, 22.12, *PAPER) for T in range(18, 30)}
    assert chance[20] > 0.99
    assert chance[24] > 0.5 > chance[25]
    assert chance[28] < 1e-3
    assert np.all(np.diff(list(chance.values())) <= 1e-12)
