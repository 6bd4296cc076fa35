"""What AdamW reaches: closed forms against simulated optimizers, linear programs and drawn data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from theory.memorization.tgon import tgon_bias_coefficient, tgon_hidden
from theory.optimization import reach as optimization
from theory.optimization.largest_entry import largest_entry_probability
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
    assert optimization.learning_rate_sum(rates) == pytest.approx(setting.learning_rate_sum, rel=1e-12)
    assert optimization.decay_budget(rates, 0.01) == pytest.approx(setting.decay_budget, rel=1e-12)
    assert optimization.reach(rates, 0.01) == pytest.approx(22.12, abs=5e-3)
    assert optimization.reach(rates, 0.0) == optimization.learning_rate_sum(rates)


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
    assert left <= math.exp(-optimization.decay_budget(rates, decay)) * (1 + 1e-12)


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


def test_growing_gradients():
    """Largest at β₂/β₁ by search; and gradients that grow tenfold over the paper's run reach 23.08."""
    found = minimize_scalar(
        lambda growth: -optimization.adam_growing_step(growth), bounds=(1.0, 1.5), method="bounded"
    )
    assert found.x == pytest.approx(0.999 / 0.9, rel=1e-4)
    assert -found.fun == pytest.approx(optimization.adam_largest_step(), rel=1e-7)
    growth = 10 ** (1 / 50_000)
    rates, updates = paper_rates(), adam_steps(growth ** np.arange(50_000.0))
    assert updates[-1] == pytest.approx(optimization.adam_growing_step(growth), rel=1e-6)
    reached = 0.0
    for rate, update in zip(rates, updates, strict=True):
        reached = (1 - 0.01 * rate) * reached + rate * update
    assert reached == pytest.approx(23.08, abs=5e-3)
    bound = optimization.reach(rates, 0.01, largest_update=updates.max())
    assert reached < bound < 1.002 * reached  # the updates grow to their limit only over the first steps


@pytest.mark.parametrize(
    ("optimum", "decay", "epsilon"), [(3.0, 0.1, 0.5), (-2.0, 0.3, 1.0), (40.0, 0.02, 0.1)]
)
def test_adamw_comes_to_rest_at_the_stationary_point(optimum, decay, epsilon):
    """Simulated on L = (θ − optimum)²/2; the penalised loss has its minimum there too."""
    theta = m = v = 0.0
    for t in range(1, 60_001):
        gradient = theta - optimum
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        rate = 0.05 * min(1.0, 1_000 / t)
        update = m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.99**t)) + epsilon)
        theta = (1 - rate * decay) * theta - rate * update
    assert theta - optimum == pytest.approx(
        float(optimization.adamw_stationary_gradient(theta, decay, epsilon)), rel=1e-4
    )
    end = (1 - 1e-9) / decay
    least = minimize_scalar(
        lambda x: (x - optimum) ** 2 / 2 + optimization.adamw_penalty([x], decay, epsilon),
        bounds=(-end, end),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert least.x == pytest.approx(theta, abs=1e-4)


@given(st.floats(-0.9, 0.9), st.floats(0.01, 2))
def test_the_penalty_is_the_integral_of_the_resting_gradient(share, decay):
    theta, step = share / decay, 1e-5 / decay
    around = [optimization.adamw_penalty([theta + shift], decay, 1.0) for shift in (-step, step)]
    slope = (around[1] - around[0]) / (2 * step)
    assert slope == pytest.approx(-float(optimization.adamw_stationary_gradient(theta, decay, 1.0)), abs=1e-6)
    assert optimization.adamw_penalty([theta], decay, 1.0) >= decay * theta**2 / 2 * (1 - 1e-9)


@given(st.integers(3, 20), st.floats(0.3, 5), st.floats(0.05, 1))
def test_a_polygon_of_any_radius_needs_the_bias_of_the_least_one(T, scale, entry):
    depth = optimization.ray_depth(scale * tgon_hidden(T))
    assert depth == pytest.approx(math.cos(2 * math.pi / T), abs=1e-8)
    needed = optimization.necessary_bias(entry, depth)
    assert needed == pytest.approx(entry * tgon_bias_coefficient(T), rel=1e-6, abs=1e-8)


@given(st.integers(3, 8), st.integers(0, 2**32 - 1))
def test_no_column_of_w_memorizes_with_a_higher_bias(T, seed):
    """On perturbed polygons: the least-bias problem solved as a linear program in (w, b)."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    hidden = tgon_hidden(T) * rng.uniform(0.95, 1.05, T)
    bound = float(optimization.necessary_bias(1.0, optimization.ray_depth(hidden)[0]))
    found = linprog(
        [0, 0, -1],
        A_ub=np.c_[hidden[:, 1:].T, np.ones(T - 1)],
        b_ub=np.zeros(T - 1),
        A_eq=[[*hidden[:, 0], 1]],
        b_eq=[1],
        bounds=[(None, None)] * 3,
    )
    assert found.x[2] == pytest.approx(bound, abs=1e-7)  # necessary, and attained


def test_rays_that_miss_the_hull_need_no_bias_and_points_inside_it_are_refused():
    apart = np.array([[1.0, 5.0, 5.0], [0.0, 5.0, 6.0]])
    assert optimization.ray_depth(apart)[0] == -math.inf
    assert optimization.necessary_bias(0.5, -math.inf) == 0.5
    with pytest.raises(ValueError, match="hull"):
        optimization.necessary_bias(0.5, optimization.ray_depth(np.array([[1.0, 2.0, 0.5]])))


@pytest.mark.parametrize(
    ("n", "sparsity"), [(10_000, 0.999), (1_000, 0.99), (300, 0.95), (40, 0.97), (3, 0.5)]
)
def test_the_law_of_the_largest_entry_against_drawn_data(n, sparsity):
    """Fixed draws; 1.95/√draws is exceeded by a Kolmogorov distance in one of a thousand."""
    rng = np.random.default_rng(11)
    counts = rng.binomial(n, 1 - sparsity, 40_000)
    counts = counts[counts > 0]
    entries = rng.random((len(counts), counts.max())) * (np.arange(counts.max()) < counts[:, None])
    largest = np.sort(entries.max(axis=1) / np.sqrt((entries**2).sum(axis=1)))
    inner = largest < 1 - 1e-12  # a single entry is exactly 1: an atom
    law = largest_entry_probability(largest[inner], n, sparsity)
    drawn = np.arange(1, len(largest) + 1)[inner] / len(largest)
    assert np.abs(law - drawn).max() < 1.95 / math.sqrt(len(largest))


def test_regular_polygons_leave_reach_between_22_and_28():
    """Half of the datasets at T = 24 to 25, all at 28."""
    chance = {T: optimization.tgon_within_reach(T, 22.12, *PAPER) for T in range(18, 30)}
    assert chance[20] > 0.99
    assert chance[24] > 0.5 > chance[25]
    assert chance[28] < 1e-3
    assert np.all(np.diff(list(chance.values())) <= 1e-12)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: optimization.reach([-1.0], 0.1), "rates"),
        (lambda: optimization.reach([0.5, 3.0], 0.5), "rates"),
        (lambda: optimization.decay_budget([0.1], -1), "weight_decay"),
        (lambda: optimization.adam_largest_step(0.99, 0.9), "beta"),
        (lambda: optimization.adam_largest_step(step=0), "step"),
        (lambda: optimization.adam_growing_step(0.5), "growth"),
        (lambda: optimization.adamw_stationary_gradient(10, 0.1), "weight_decay"),
        (lambda: optimization.adamw_penalty([10], 0.1), "weight_decay"),
        (lambda: largest_entry_probability(0.5, 0, 0.9), "n = 0"),
        (lambda: largest_entry_probability(0.5, 10, 1.0), "sparsity"),
        (lambda: largest_entry_probability(0.5, 10, 0.9, T=0), "T = 0"),
    ],
)
def test_bad_input_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
