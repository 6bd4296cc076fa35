"""Divergence is found at the very step, by every engine, however the steps are cut.

A learning rate that jumps to 1e20 (1e160 in float64) at step s moves parameters there at once, where they are still
finite; the products of the next step overflow. So parameters stop being finite after exactly s + 2 steps.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import draw_dataset, draw_start
from numerics.engines import EngineName, start_trajectory
from numerics.schedule import learning_rates
from numerics.training.obtaining import train_one
from numerics.training.runs import load_run, save_run
from tests.numerics.cases import begin
from tgon.cli.train import describe_run
from theory import Setting

STEPS = 150
PLAIN = Setting(T=3, n=40, sparsity=0.9, steps=STEPS, weight_decay=0)
HUGE = {"float32": 1e20, "float64": 1e160}

engines = pytest.mark.parametrize("engine", ["cpu", "reference"])


@contextmanager
def jump(step: int, setting: Setting) -> Iterator[None]:
    """Inside, the learning rate of step ``step`` is huge."""
    rates = learning_rates(setting)
    rates[step] = HUGE[setting.dtype]
    with (
        mock.patch("numerics.engines.cpu.trajectory.learning_rates", return_value=rates),
        mock.patch("numerics.engines.reference.learning_rates", return_value=rates),
    ):
        yield


@engines
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**20),
    step=st.integers(0, STEPS - 2),
    cuts=st.lists(st.integers(1, STEPS - 1), max_size=4),
    at_the_step=st.booleans(),
)
def test_the_step_is_the_first_that_is_not_finite(
    engine: EngineName, dtype: str, seed: int, step: int, cuts: list[int], at_the_step: bool
) -> None:
    setting = PLAIN.replace(seed=seed, dtype=dtype)
    with jump(step, setting):
        trajectory = begin(engine, setting)
    cuts += [step + 2] * at_the_step
    for stop in sorted(cuts):
        trajectory.advance(stop)
        assert trajectory.diverged_at == (step + 2 if stop >= step + 2 else None)
        assert np.isfinite(trajectory.parameters()).all() == (stop < step + 2)
    trajectory.advance(STEPS)
    assert trajectory.diverged_at == trajectory.step == step + 2
    assert not np.isfinite(trajectory.parameters()).all()


@pytest.mark.parametrize(
    ("lr", "dtype", "expected"),
    [
        *((lr, "float64", None) for lr in (1e-2, 1e9, 1e12, 1e20)),
        *((lr, "float32", None) for lr in (1e-2, 1e9)),
        *((lr, "float32", 2) for lr in (1e12, 1e20, 1e37)),
        (1e300, "float32", 1),
    ],
)
def test_engines_agree_on_what_diverges(lr: float, dtype: str, expected: int | None) -> None:
    """Without a warning, and up to rates that float32 cannot hold, which to torch are an error.

    At 1e9 squares of gradients overflow but gradients do not: Adam's steps become 0, and parameters stay finite.
    """
    setting = PLAIN.replace(lr=lr, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = [train_one(setting, engine=engine) for engine in ("cpu", "reference")]
    assert [run.diverged_at for run in runs] == [expected, expected]
    assert runs[0].status == runs[1].status


@engines
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_one_bad_bias_is_noticed_at_once(engine: EngineName, bad: float) -> None:
    """An unseen feature enters no hidden vector: a look at hidden vectors would be late, or, for -∞, never see it."""
    setting = PLAIN.replace(n=700, sparsity=0.999)
    unseen = np.flatnonzero(~draw_dataset(setting).seen)[-1]
    for value, expected in ((bad, (11, 11)), (0.0, (None, 20))):
        trajectory = begin(engine, setting)
        trajectory.advance(10)
        parameters, (first, second) = trajectory.parameters(), trajectory.moments()
        first[-1, unseen], second[-1, unseen] = value, 1.0
        trajectory.restore(10, parameters, first, second)
        trajectory.advance(20)
        assert (trajectory.diverged_at, trajectory.step) == expected


@engines
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_start_that_is_not_finite_has_diverged(engine: EngineName, bad: float) -> None:
    data, (W, b) = draw_dataset(PLAIN), draw_start(PLAIN)
    b[0] = bad
    trajectory = start_trajectory(engine, PLAIN, data, W, b)
    trajectory.advance(20)
    assert trajectory.diverged_at == trajectory.step == 0
    run = train_one(PLAIN, engine=engine, data=data, start=(W, b))
    assert (run.status, run.diverged_at, run.history_step.tolist()) == ("diverged", 0, [0])


@pytest.mark.slow  # compiles the kernels of all cores
def test_a_large_run_on_all_cores_says_it_too() -> None:
    from numerics.engines.cpu.trajectory import uses_all_cores

    setting = PLAIN.replace(n=10_000, sparsity=0.999, T=340, steps=20)
    assert uses_all_cores(setting.n, setting.T, setting.m)
    with jump(6, setting):
        trajectory = begin("cpu", setting)
    trajectory.advance(20)
    assert trajectory.diverged_at == trajectory.step == 8


@engines
def test_a_run_carries_the_step(engine: EngineName, tmp_path: Path) -> None:
    """Between two records too: 900 steps are recorded every nine."""
    setting = PLAIN.replace(steps=900)
    counted: list[int] = []
    with jump(60, setting):
        run = train_one(setting, engine=engine, progress=counted.append)
    assert (run.status, run.diverged_at) == ("diverged", 62)
    assert run.history_step.tolist() == [*range(0, 62, 9), 62]
    assert np.isnan(run.history_loss).tolist() == [False] * 7 + [True]
    assert sum(counted) == setting.steps
    saved = save_run(run, tmp_path)
    assert saved.path is not None
    assert load_run(saved.path).diverged_at == 62
    with pytest.raises(ValueError, match="NaN or infinity"):
        _ = saved.record
    described = describe_run(saved)
    assert described["diverged_at"] == 62
    json.dumps(described, default=str)
