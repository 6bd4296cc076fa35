"""A large run takes all cores; its bits depend neither on how many there are nor on how the steps are cut."""

from __future__ import annotations

import numpy as np
import pytest

from numerics import draw_dataset, draw_start
from numerics.engines import start_trajectory
from numerics.engines.cpu import trajectory as cpu
from tests.numerics.cases import one_core
from theory import Setting

#: Several blocks of features, more parts than cores, a last block that is not full.
_SETTING = Setting(T=37, n=2_100, sparsity=0.99, steps=40, lr=1e-2, weight_decay=0.1)


@pytest.fixture
def every_run_is_large(monkeypatch):
    monkeypatch.setattr(cpu, "ALL_CORES_FROM", 0)


def _train(engine: str, setting: Setting, stops: tuple[int, ...] = (40,)) -> np.ndarray:
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    for stop in stops:
        trajectory.advance(stop)
    return trajectory.parameters()


def test_the_rule_counts_work_alone():
    large = cpu.ALL_CORES_FROM // (10_000 * 3) + 1
    sizes = {T: Setting(T=T) for T in (1, large - 1, large)}
    uses = {
        T: cpu._Workspace(draw_dataset(s), 2, np.dtype("float32")).uses_all_cores for T, s in sizes.items()
    }
    assert uses == {1: False, large - 1: False, large: True}


@pytest.mark.usefixtures("every_run_is_large")
def test_bits_do_not_depend_on_cores_or_calls():
    one_call = _train("cpu", _SETTING)
    with one_core():
        single = _train("cpu", _SETTING)
    assert one_call.tobytes() == single.tobytes()
    assert one_call.tobytes() == _train("cpu", _SETTING, stops=(1, 2, 17, 40)).tobytes()


@pytest.mark.usefixtures("every_run_is_large")
def test_large_runs_equal_the_reference():
    setting = _SETTING.replace(dtype="float64")
    fast, plain = _train("cpu", setting), _train("reference", setting)
    # 40 steps of size lr, each off by rounding of gradients with T·n summands, relative to moments of their own size
    bound = setting.steps * setting.lr * np.finfo(np.float64).eps * setting.T * setting.n
    assert np.abs(fast - plain).max() < bound
    assert np.abs(fast - _train("cpu", setting.replace(weight_decay=0.11))).max() > bound  # it can fail
