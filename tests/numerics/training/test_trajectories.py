"""Whole trajectories: the cpu engine against the reference, and both against AdamW written down anew.

Two trajectories that differ by rounding drift apart as far as the dynamics amplify rounding, which no formula knows
beforehand (a datapoint near a kink amplifies a lot). So it is measured on the reference itself: its response to a
start of which every entry is moved by one rounding. Roundings of different steps are independent, and the first are
amplified longest, so a trajectory may be off by √steps times that response. Controls show that wrong optimizers are
off by more.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset
from numerics.engines import EngineName, available_engines
from numerics.schedule import learning_rates
from tests.numerics import cases
from theory import Setting
from theory.setting import ADAM_EPSILON

SHAPES = [
    *(((T, n, 2), dtype) for T, n in ((1, 20), (5, 300), (7, 530)) for dtype in ("float32", "float64")),
    ((3, 40, 3), "float32"),
    pytest.param((3, 40, 5), "float64", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("shape", "dtype"), SHAPES)
def test_cpu_trajectories_equal_the_reference(shape: tuple[int, int, int], dtype: str) -> None:
    """In float32 and in float64, both against the float64 reference, for several starts and schedules."""
    judged = 0
    for seed, warmup in ((0, 10), (1, 0), (2, 100)):
        setting = cases.trial(*shape, seed, steps=100, lr=1e-3, warmup=warmup, dtype=dtype)
        data, (W, b) = draw_dataset(setting), cases.start_of(setting)
        reference, allowed = cases.with_allowed_drift(
            setting, data, W, b, cases.EPS64 if dtype == "float64" else cases.EPS32
        )
        wrong = [cases.walk("cpu", setting.replace(lr=1.05e-3), data, W, b)]
        wrong.append(cases.walk("cpu", setting.replace(weight_decay=0.0), data, W, b))
        drift = np.abs(cases.walk("cpu", setting, data, W, b) - reference).max()
        assert drift <= allowed
        judged += all(np.abs(other - reference).max() > allowed for other in wrong)
    assert judged >= 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", available_engines())
def test_the_first_step_in_closed_form(engine: EngineName, dtype: str) -> None:
    """Moments cancel: θ₁ = θ₀(1 - lr·wd) - lr g/(|g| + ε); a gradient off by δ moves it by lr δ/(|g| + ε)."""
    eps = cases.EPS32 if dtype == "float32" else cases.EPS64
    setting = cases.trial(4, 60, 2, 9, steps=1, lr=0.01, dtype=dtype)
    data, (W, b) = draw_dataset(setting), cases.start_of(setting)
    problem = cases.Problem(data, W, b, ("sparse", "zero"))
    _, *gradients = cases.reference_loss_and_gradients(problem)
    _, *bounds = cases.rounding_bounds(problem, eps)
    g, error = np.vstack([gradients[0], gradients[1]]), np.vstack([bounds[0], bounds[1]])
    theta = np.vstack([W, b])
    assert learning_rates(setting).tolist() == [0.01]
    expected = theta * (1 - 0.01 * 0.1) - 0.01 * g / (np.abs(g) + ADAM_EPSILON)
    # 12: roundings of the step itself (decay 3, moments 4, root, two corrections, quotient, difference)
    allowed = 0.01 * 2 * error / (np.abs(g) + ADAM_EPSILON) + 12 * eps * (np.abs(theta) + 0.01)
    assert cases.excess(cases.walk(engine, setting, data, W, b) - expected, allowed) <= 1
    assert cases.excess(cases.walk(engine, setting.replace(lr=0.0101), data, W, b) - expected, allowed) > 1


@pytest.mark.parametrize("engine", available_engines())
def test_a_trajectory_stops_where_it_is_told(engine: EngineName) -> None:
    """Going back does nothing; going beyond the schedule is refused and leaves the trajectory alone."""
    setting = cases.trial(2, 20, 2, 0, steps=10)
    trajectory = cases.begin(engine, setting)
    trajectory.advance(6)
    before = trajectory.parameters()
    trajectory.advance(3)
    assert trajectory.step == 6
    with pytest.raises(ValueError, match="10 steps"):
        trajectory.advance(11)
    assert (trajectory.parameters() == before).all()
    before[:] = 7.0  # a copy: the trajectory goes on from its own numbers
    trajectory.advance(10)
    assert (trajectory.parameters() != 7.0).all()


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["sparse", "disjoint", "copies"]))
def test_relabelling_relabels_the_trained_model(seed: int, kind: str) -> None:
    """Features and datapoints have no order: permuting both permutes W and b, up to amplified rounding."""
    setting = Setting(T=4, n=30, steps=100, lr=5e-3, dtype="float64", weight_decay=0.1)
    random = np.random.default_rng(seed)
    X = cases.draw_columns(random, kind, 30, 4)
    W, b = random.normal(size=(2, 30)) * 0.3, np.zeros(30)
    features, points = random.permutation(30), random.permutation(4)
    data = Dataset.from_dense(X)
    _, allowed = cases.with_allowed_drift(setting, data, W, b, cases.EPS64)
    plain = cases.walk("cpu", setting, data, W, b)
    permuted = Dataset.from_dense(X[features][:, points])
    relabelled = cases.walk("cpu", setting, permuted, W[:, features], b)
    assert np.abs(relabelled - plain[:, features]).max() <= allowed
    other = cases.walk("cpu", setting, permuted, W, b)  # control: the start was not relabelled
    assert np.abs(other - plain[:, features]).max() > allowed
