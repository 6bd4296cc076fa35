"""Runs that train together leave what they leave alone: files, bits, histories, statuses, progress, checkpoints.

On a stand-in for the GPU that steps reference trajectories one after the other; `test_cuda` shows that the engine's own
batches have the bits of their runs.
"""

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numerics import Dataset, Runs, load_run, train
from numerics.engines import start_trajectory
from numerics.sweeps import Sweep, run_sweep
from numerics.training.checkpoints import claimed, load_checkpoint
from numerics.training.loop import Interrupted
from numerics.training.obtaining import obtain
from numerics.training.runs import run_name
from numerics.training.threads import MOST_PAIRS, MOST_RUNS, cut_into_batches
from theory import Setting

SMALL = Setting(T=3, n=30, sparsity=0.85, steps=120, lr=0.01)
DIVERGING = SMALL.replace(lr=1e37, weight_decay=0.0, seed=7)
BATCH = [SMALL, SMALL.replace(seed=1, lr=0.02), DIVERGING, SMALL.replace(seed=2, weight_decay=0.5)]


class StandIn:
    """`BatchedCudaTrajectory` by reference trajectories."""

    sizes: list[int] = []  # noqa: RUF012 (cleared by the fixture)
    breaking: int | None = None

    def __init__(
        self, settings: Sequence[Setting], datasets: Sequence[Dataset], starts: Sequence[Any]
    ) -> None:
        if self.breaking in {setting.seed for setting in settings}:
            raise RuntimeError("out of memory")
        self.sizes.append(len(settings))
        self.step = 0
        self._all = [
            start_trajectory("reference", setting, data, *start)
            for setting, data, start in zip(settings, datasets, starts, strict=True)
        ]

    @property
    def diverged_at(self) -> list[int | None]:
        return [each.diverged_at for each in self._all]

    def advance(self, stop: int) -> None:
        for each in self._all:
            each.advance(stop)
        self.step = stop

    def parameters(self) -> np.ndarray:
        return np.stack([each.parameters() for each in self._all])

    def moments(self) -> tuple[np.ndarray, ...]:
        return tuple(np.stack(part) for part in zip(*(each.moments() for each in self._all), strict=True))

    def restore(self, step: int, *parts: np.ndarray) -> None:
        self.step = step
        for k, each in enumerate(self._all):
            each.restore(step, *(part[k] for part in parts))


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[StandIn]]:
    """Engine "cuda" is there, steps by reference trajectories and is looked at after every step."""
    monkeypatch.setattr("numerics.engines.cuda.trajectory.BatchedCudaTrajectory", StandIn)
    for module in ("training.seeds", "training.obtaining", "sweeps.execution", "sweeps.cells"):
        monkeypatch.setattr(f"numerics.{module}.resolve_engine", lambda name: name)
    monkeypatch.setattr("numerics.training.loop.engine_version", lambda engine: "this")
    monkeypatch.setattr("numerics.training.loop.WORK_PER_CALL", 1.0)

    def alone(engine: str, setting: Setting, data: Dataset, W: Any, b: Any) -> Any:
        return start_trajectory("reference", setting, data, W, b)

    monkeypatch.setattr("numerics.training.loop.start_trajectory", alone)
    StandIn.sizes.clear()
    yield StandIn
    StandIn.breaking = None


def alone(settings: Sequence[Setting], folder: Path) -> dict[str, bytes]:
    """Files of the same runs obtained one by one."""
    folder.mkdir()
    for setting in settings:
        list(obtain([setting], "cuda", folder, [lambda steps: None], threading.Event()))
    return files(folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "times.csv"}


def test_a_batch_leaves_the_files_that_its_runs_leave_alone(tmp_path: Path) -> None:
    """Byte for byte, a diverged run among them; and not by training each alone."""
    runs = train(BATCH, out=tmp_path / "together", engine="cuda", progress=False)
    assert StandIn.sizes == [4]
    assert [run.status for run in runs].count("diverged") == 1
    assert files(tmp_path / "together") == alone(BATCH, tmp_path / "alone")
    assert StandIn.sizes == [4]
    assert [run.setting for run in runs] == BATCH
    assert len({run.W.tobytes() for run in runs}) == 4


def test_finished_runs_are_read_and_shapes_train_apart(tmp_path: Path) -> None:
    other = SMALL.replace(T=2)
    train([BATCH[1]], out=tmp_path, engine="cuda", progress=False)
    runs = train([*BATCH, other, SMALL], out=tmp_path, engine="cuda", progress=False)
    assert StandIn.sizes == [3]  # one that is alone is trained alone; the last is the first again
    assert [run.setting for run in runs] == [*BATCH, other, SMALL]
    assert len(Runs.load(tmp_path)) == 5


def obtained(settings: Sequence[Setting], folder: Path, stop_after: int) -> list[int]:
    """Obtain a batch, stopped after so many steps of its first run; the progress of that run."""
    stop, told = threading.Event(), []

    def count(steps: int) -> None:
        told.append(steps)
        if sum(told) >= stop_after:
            stop.set()

    progress = [count, *[lambda steps: None] * (len(settings) - 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in obtain(settings, "cuda", folder, progress, stop):
            pass
    return told


@pytest.fixture
def together(tmp_path: Path) -> Path:
    (tmp_path / "together").mkdir()
    return tmp_path / "together"


def test_an_interrupted_batch_goes_on_where_it_was(tmp_path: Path, together: Path) -> None:
    """The diverged run is already whole; each other has a checkpoint at the step of all, and no lock is left."""
    with pytest.raises(Interrupted):
        obtained(BATCH, together, 50)
    names = [run_name(setting, "cuda") for setting in BATCH]
    assert [(together / f"{name}.safetensors").exists() for name in names] == [False, False, True, False]
    saved = [load_checkpoint(together / f"{name}.checkpoint", name) for name in names]
    assert [state.step if state else None for state in saved] == [50, 50, None, 50]
    assert not list(together.glob(".*"))
    told = obtained(BATCH, together, 10**9)
    assert (told[0], sum(told)) == (50, SMALL.steps)
    assert StandIn.sizes == [4, 3]
    assert files(together) == alone(BATCH, tmp_path / "alone")


def test_runs_at_different_steps_go_on_apart(tmp_path: Path, together: Path) -> None:
    for batch, steps in ((BATCH[:2], 30), (BATCH[3:], 60)):
        with pytest.raises(Interrupted):
            obtained(batch, together, steps)
    StandIn.sizes.clear()
    obtained(BATCH, together, 10**9)
    assert StandIn.sizes == [2]  # the others are alone at their steps
    assert files(together) == alone(BATCH, tmp_path / "alone")


def test_runs_stopped_before_their_first_step_begin_with_the_others(tmp_path: Path, together: Path) -> None:
    """Their checkpoints hold no training; they must not make a batch of some with a state and some without."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        list(obtain(BATCH[:2], "cuda", together, [lambda steps: None] * 2, stop))
    StandIn.sizes.clear()
    obtained(BATCH[::-1], together, 10**9)
    assert StandIn.sizes == [4]
    assert files(together) == alone(BATCH, tmp_path / "alone")


def test_a_run_that_another_process_is_at_is_obtained_afterwards(tmp_path: Path) -> None:
    """Held when the batch begins; let go when its other runs are there."""
    name = run_name(SMALL, "cuda")
    held = claimed(tmp_path / f".{name}.lock", lambda: True)
    assert held.__enter__()
    order = []
    for k, run in obtain(BATCH, "cuda", tmp_path, [lambda steps: None] * 4, threading.Event()):
        order.append(k)
        assert load_run(run.path).setting == BATCH[k]
        if len(order) == 3:
            held.__exit__(None, None, None)
    assert sorted(order[:3]) == [1, 2, 3]
    assert order[3] == 0
    assert StandIn.sizes == [3]


def test_a_sweep_trains_batches_and_names_the_cell_that_raises(
    tmp_path: Path, stand_in: type[StandIn], before_training: Callable[..., None]
) -> None:
    """What raises in a batch is trained alone, and so are the others: one reason, three runs."""
    sweep = Sweep(tuple(BATCH), engine="cuda")
    cells = run_sweep(sweep, tmp_path / "whole", progress=False)
    assert [cell.state for cell in cells] == ["done", "done", "failed", "done"]
    assert cells[2].reason.startswith("diverged")
    assert StandIn.sizes == [4]
    stand_in.breaking = 1

    def breaking(setting: Setting) -> None:
        if setting.seed == 1:
            raise RuntimeError("out of memory")

    before_training(breaking)
    cells = run_sweep(sweep, tmp_path / "broken", progress=False)
    assert [cell.state for cell in cells] == ["done", "failed", "failed", "done"]
    assert cells[1].reason == "RuntimeError: out of memory"


def test_batches_have_one_shape_and_a_bounded_size() -> None:
    small = [SMALL.replace(seed=seed) for seed in range(MOST_RUNS + 1)]
    assert [len(batch) for batch in cut_into_batches(small)] == [MOST_RUNS, 1]
    large = [Setting(T=20_000, seed=seed) for seed in range(2)]
    assert large[0].n * large[0].T > MOST_PAIRS
    assert cut_into_batches(large) == [[0], [1]]
    changes: list[dict[str, Any]] = [
        {"T": 4}, {"n": 31}, {"m": 3}, {"steps": 121}, {"dtype": "float64"}, {"loss": "mean"}, {"adam_epsilon": 1e-6},
    ]  # fmt: skip
    for change in changes:
        assert cut_into_batches([SMALL, SMALL.replace(**change), SMALL]) == [[0, 2], [1]], change
    for change in ({"lr": 1.0}, {"seed": 3}, {"sparsity": 0.8}, {"schedule": "constant"}, {"warmup": 3}):
        assert cut_into_batches([SMALL, SMALL.replace(**change)]) == [[0, 1]], change
