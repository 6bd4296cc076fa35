"""The loop by which every run is trained: advance, record the loss, keep a checkpoint, stop when asked. Runs of one
shape are trained side by side where an engine steps several at once; each ends as it would alone. Snapshots, for
histories in time: trajectories do not depend on how their steps are cut into calls, so the last has the run's bits.
"""

import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset, draw_dataset
from numerics.engines import EngineName, Trajectory, start_trajectory
from numerics.engines.cpu.trajectory import CpuTrajectory, point_errors
from numerics.engines.versions import engine_version
from numerics.starts import draw_start
from numerics.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from numerics.training.runs import Run, RunStatus, run_name
from theory.setting import MEMORIZED_ERROR, Setting

if TYPE_CHECKING:
    from numerics.engines.cuda.trajectory import BatchedCudaTrajectory

#: How often a run records its loss; also the grain of progress.
RECORDS = 100

#: Pair interactions between two looks at the stop flag: well under a second of work, but for the reference engine.
WORK_PER_CALL = 2e9

#: A killed run loses at most this much work, and that of one call of its engine.
CHECKPOINT_SECONDS = 10.0

#: One trajectory, or a batch whose arrays have the runs first.
SideBySide: TypeAlias = "Trajectory | BatchedCudaTrajectory"

#: Called with the steps just done; the sum over all calls is the total number of steps asked for.
Progress = Callable[[int], None]


class Interrupted(Exception):
    """A run was stopped before its last step."""


class RunInProgress:
    """A run that is being trained: what is trained, what was recorded so far, where it is kept."""

    def __init__(
        self,
        setting: Setting,
        engine: EngineName,
        *,
        data: Dataset | None = None,
        checkpoint: Path | None = None,
        progress: Progress = lambda steps: None,
    ) -> None:
        """``data`` replaces what the setting would draw; ``checkpoint`` is gone on from, if it is there."""
        self.setting, self.engine, self.checkpoint, self.progress = setting, engine, checkpoint, progress
        self.given_data, self.data = data, draw_dataset(setting) if data is None else data
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.trained_by: tuple[str, ...] = (engine_version(engine),)
        self.saved: Checkpoint | None = None
        self.name, self.resumes_at = run_name(setting, engine), 0
        saved = None if checkpoint is None else load_checkpoint(checkpoint, self.name)
        if saved is not None and saved.step > 0:  # at step 0 nothing is trained yet
            self.saved, self.resumes_at = saved, saved.step
            self._go_on_from(saved)

    def _go_on_from(self, saved: Checkpoint) -> None:
        self.steps, self.losses = saved.history_step.tolist(), saved.history_loss.tolist()
        before, now = saved.trained_by, self.trained_by
        self.trained_by = before if before[-1:] == now else before + now
        if before[-1:] != now:
            warnings.warn(
                f"{self.checkpoint}: written by another version ({before[-1] if before else 'unknown'}) than this one "
                f"({now[0]}); the run need not have the bits of an uninterrupted one, and its file names both; "
                "delete the checkpoint to train it from the beginning",
                stacklevel=2,
            )

    def record(self, step: int, parameters: NDArray[Any]) -> NDArray[np.float64]:
        """Add the loss at ``step`` to the history; (T,) errors of the datapoints."""
        exact = parameters.astype(np.float64)
        errors = point_errors(exact[:-1], exact[-1], self.data)
        self.steps.append(step)
        self.losses.append(float(errors.mean()))
        return errors

    def end(self, parameters: NDArray[Any], errors: NDArray[np.float64]) -> Run:
        """The finished run, from its last parameters and the errors recorded of them."""
        return Run(
            setting=self.setting,
            engine=self.engine,
            status=_status(errors),
            W=parameters[:-1],
            b=parameters[-1],
            history_step=np.array(self.steps, dtype=np.int64),
            history_loss=np.array(self.losses),
            given_data=self.given_data,
            diverged_at=None if np.isfinite(self.losses[-1]) else self.steps[-1],
            trained_by=self.trained_by,
        )


def begin_training(runs: Sequence[RunInProgress], start: tuple[Any, Any] | None = None) -> SideBySide:
    """What steps runs that go on from one step: an engine's own trajectory for one, a batch on the GPU for several.
    ``start`` (W, b) replaces what the seed of a single run would draw.
    """
    run, states = runs[0], [run.saved for run in runs if run.saved is not None]
    if len(runs) > 1:
        from numerics.engines.cuda.trajectory import BatchedCudaTrajectory

        settings = [run.setting for run in runs]
        batch = BatchedCudaTrajectory(settings, [run.data for run in runs], [*map(draw_start, settings)])
        if states:
            parts = ([getattr(state, name) for state in states] for name in ("parameters", "first", "second"))
            batch.restore(states[0].step, *map(np.stack, parts))
        return batch
    W, b = draw_start(run.setting) if start is None else (np.asarray(part, np.float64) for part in start)
    trajectory = start_trajectory(run.engine, run.setting, run.data, W, b)
    for saved in states:
        trajectory.restore(saved.step, saved.parameters, saved.first, saved.second)
        # what is an engine's own, which the bits depend on, no other version can read
        if isinstance(trajectory, CpuTrajectory) and saved.trained_by == run.trained_by:
            trajectory.restore_auxiliary(saved.auxiliary)
    return trajectory


def train_to_the_end(
    runs: Sequence[RunInProgress], trajectory: SideBySide, stop: threading.Event | None = None
) -> Iterator[tuple[int, Run]]:
    """Train to the end; the place of each run and its run, as soon as it is finished. All runs have one shape
    and number of steps, and stand at ``trajectory.step``. ``stop`` writes their checkpoints and raises `Interrupted`.
    """
    going, last = list(range(len(runs))), runs[0].setting.steps
    for run in runs if trajectory.step else ():
        run.progress(trajectory.step)
    written = time.monotonic()
    work = sum(run.data.n * run.data.T * run.setting.m for run in runs)
    stride = max(1, int(WORK_PER_CALL / work))
    for target in record_steps(last)[len(runs[0].steps) :]:
        while trajectory.step < target and None in _ends(trajectory):
            stopped = stop is not None and stop.is_set()
            if stopped or time.monotonic() - written > CHECKPOINT_SECONDS:
                _save(runs, going, trajectory)
                written = time.monotonic()
            if stopped:
                raise Interrupted
            before = _reached(trajectory)
            trajectory.advance(min(target, trajectory.step + stride))
            after = _reached(trajectory)
            for k in going:
                runs[k].progress(after[k] - before[k])
        parameters = trajectory.parameters().reshape(len(runs), -1, runs[0].data.n)
        reached = _reached(trajectory)
        for k in tuple(going):
            run = runs[k]
            errors = run.record(reached[k], parameters[k])
            failed = not np.isfinite(run.losses[-1])
            if failed:
                run.progress(last - reached[k])
            if failed or target == last:
                going.remove(k)
                yield k, run.end(parameters[k], errors)
        if not going:
            return


def _ends(trajectory: SideBySide) -> list[int | None]:
    """Where each run diverged; None where it did not."""
    ends = trajectory.diverged_at
    return ends if isinstance(ends, list) else [ends]


def _reached(trajectory: SideBySide) -> list[int]:
    return [trajectory.step if end is None else end for end in _ends(trajectory)]


def _save(runs: Sequence[RunInProgress], going: Sequence[int], trajectory: SideBySide) -> None:
    if all(runs[k].checkpoint is None for k in going):
        return
    shape = len(runs), -1, runs[0].data.n
    parts = [part.reshape(shape) for part in (trajectory.parameters(), *trajectory.moments())]
    own = trajectory.auxiliary() if isinstance(trajectory, CpuTrajectory) else np.zeros(0, np.uint8)
    for k in going:
        run = runs[k]
        if run.checkpoint is not None and _ends(trajectory)[k] is None:
            history = np.array(run.steps, dtype=np.int64), np.array(run.losses)
            state = (trajectory.step, *(part[k] for part in parts), own, *history, run.trained_by)
            save_checkpoint(Checkpoint(run.name, *state), run.checkpoint)


def record_steps(steps: int) -> list[int]:
    """Steps at which the loss is recorded: the start and up to `RECORDS` evenly spaced ones, the last included."""
    return sorted({steps * k // RECORDS for k in range(RECORDS + 1)})


def _status(errors: NDArray[np.float64]) -> RunStatus:
    if not np.isfinite(errors.mean()):
        return "diverged"
    return "memorized" if errors.max() <= MEMORIZED_ERROR else "not memorized"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Parameters after ``step`` steps: W (m, n) and b (n,), copies in the run's arithmetic."""

    step: int
    W: NDArray[Any]
    b: NDArray[Any]


def growing_steps(steps: int, count: int) -> list[int]:
    """0 and up to ``count`` steps, 2 or more, that grow by even factors from a thousandth of ``steps`` to ``steps``.
    Early training changes most: with an even spacing the first snapshots would miss it.

    >>> growing_steps(1000, 4)
    [0, 1, 10, 100, 1000]
    """
    return sorted({0, *(max(1, round(steps * 10.0 ** (3 * k / (count - 1) - 3))) for k in range(count))})


def take_snapshots(
    setting: Setting, steps: Iterable[int], *, engine: EngineName = "cpu"
) -> Iterator[Snapshot]:
    """Train one run and stop at each of the increasing ``steps`` to look; one snapshot after the other, none is kept.
    A run that diverges yields no more: what it had become is not a model.

    >>> taken = take_snapshots(Setting(T=2, n=50, sparsity=0.9, steps=40), [0, 20, 40])
    >>> [(one.step, one.W.shape) for one in taken]
    [(0, (2, 50)), (20, (2, 50)), (40, (2, 50))]
    """
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    for step in steps:
        trajectory.advance(step)
        parameters = trajectory.parameters()
        if not np.isfinite(parameters).all():
            return
        yield Snapshot(step, parameters[:-1], parameters[-1])
