"""Obtaining runs: read where a folder holds them, gone on with where they have checkpoints, trained otherwise.

Each run has a lock, a checkpoint and a file of its own. On a GPU, runs of one shape take their steps side by side and
leave the files, bit for bit, that each would leave alone. A run that another process is at is waited for.
"""

import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from numerics.data import Dataset
from numerics.engines import EngineName, resolve_engine
from numerics.starts import draw_start
from numerics.training.checkpoints import claimed
from numerics.training.loop import Course, Interrupted, Progress, SideBySide, set_out, walk
from numerics.training.runs import Run, RunFileError, load_run, run_name, save_run
from numerics.training.times import timed
from theory.setting import Setting


def train_one(
    setting: Setting,
    *,
    engine: EngineName = "cpu",
    data: Dataset | None = None,
    start: tuple[Any, Any] | None = None,
    progress: Progress = lambda steps: None,
    stop: threading.Event | None = None,
    checkpoint: Path | None = None,
) -> Run:
    """Train one run in this thread, from the setting's own data and start unless others are given.

    ``data`` and ``start`` (W, b) replace what the seeds would draw; such a run has no identity on disk. With a
    ``checkpoint`` file the run goes on from it, and writes it every ten seconds and when ``stop`` is set; the result
    has the bits of an uninterrupted run, unless another version wrote the checkpoint: then a warning says so, and the
    run's ``trained_by`` names both. Raises `numerics.training.loop.Interrupted` when ``stop`` is set.
    """
    course = Course(setting, resolve_engine(engine), data=data, checkpoint=checkpoint, progress=progress)
    ((_, run),) = walk([course], set_out(course, start), stop)
    return run


def prepare_folder(folder: Path) -> Path:
    """The folder, made if need be and proven writable before any work is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


def finished_run(setting: Setting, engine: EngineName, folder: Path) -> Run | None:
    """The run of a setting where ``folder`` holds it whole; None, with a warning, where it is damaged."""
    if not (path := folder / f"{run_name(setting, engine)}.safetensors").exists():
        return None
    try:
        run = load_run(path)
    except RunFileError as error:
        warnings.warn(f"{error}; training it again", stacklevel=2)
        return None
    if run.name != path.stem:
        warnings.warn(f"{path}: holds another run than its name says; training it again", stacklevel=2)
        return None
    return run


def obtain(
    settings: Sequence[Setting],
    engine: EngineName,
    folder: Path | None,
    progress: Sequence[Progress],
    stop: threading.Event,
) -> Iterator[tuple[int, Run]]:
    """The place and run of each of several settings of one shape as soon as it is there.

    Raises `numerics.training.loop.Interrupted` when ``stop`` is set, after checkpoints are written.
    """
    if len(settings) > 1:
        yield from _obtain_batch(settings, engine, folder, progress, stop)
    else:
        yield 0, _obtain_run(settings[0], engine, folder, progress[0], stop)


def _obtain_run(
    setting: Setting, engine: EngineName, folder: Path | None, progress: Progress, stop: threading.Event
) -> Run:
    if folder is None:
        return train_one(setting, engine=engine, progress=progress, stop=stop)
    name = run_name(setting, engine)
    with claimed(folder / f".{name}.lock", stop.is_set) as mine:
        if not mine:
            raise Interrupted
        if (run := finished_run(setting, engine, folder)) is not None:
            progress(setting.steps)
            return run
        checkpoint = _clear(name, folder)
        with timed(name, folder):
            run = train_one(setting, engine=engine, progress=progress, stop=stop, checkpoint=checkpoint)
        return _keep(run, folder)


def _clear(name: str, folder: Path) -> Path:
    """Remove what a process that was killed while writing a run has left; where the run's checkpoint is kept."""
    for leftover in folder.glob(f".{name}.*.part"):
        leftover.unlink(missing_ok=True)
    return folder / f"{name}.checkpoint"


def _keep(run: Run, folder: Path) -> Run:
    """The run, on disk; its checkpoint is no longer needed."""
    saved = save_run(run, folder)
    (folder / f"{run.name}.checkpoint").unlink(missing_ok=True)
    return saved


def _obtain_batch(
    settings: Sequence[Setting],
    engine: EngineName,
    folder: Path | None,
    progress: Sequence[Progress],
    stop: threading.Event,
) -> Iterator[tuple[int, Run]]:
    if folder is None:
        courses = (Course(one, engine, progress=told) for one, told in zip(settings, progress, strict=True))
        yield from _walk_together(dict(enumerate(courses)), stop)
        return
    busy, going = [], {}
    with ExitStack() as locks:
        for k, setting in enumerate(settings):
            name = run_name(setting, engine)
            if not locks.enter_context(claimed(folder / f".{name}.lock", lambda: True)):
                busy.append(k)
            elif (run := finished_run(setting, engine, folder)) is not None:
                progress[k](setting.steps)
                yield k, run
            else:
                going[k] = Course(setting, engine, checkpoint=_clear(name, folder), progress=progress[k])
                locks.enter_context(timed(name, folder, among=len(settings)))
        for k, run in _walk_together(going, stop):
            yield k, _keep(run, folder)
    for k in busy:
        yield k, _obtain_run(settings[k], engine, folder, progress[k], stop)


def _walk_together(courses: Mapping[int, Course], stop: threading.Event) -> Iterator[tuple[int, Run]]:
    """Runs whose checkpoints stand at different steps go on in batches of their own."""
    for step in sorted({course.resumes_at for course in courses.values()}):
        places = [k for k, course in courses.items() if course.resumes_at == step]
        together = [courses[k] for k in places]
        for at, run in walk(together, _set_out_together(together), stop):
            yield places[at], run


def _set_out_together(courses: Sequence[Course]) -> SideBySide:
    """The trajectory of several courses that go on from one step."""
    from numerics.engines.cuda.trajectory import BatchedCudaTrajectory

    settings = [course.setting for course in courses]
    data, starts = [course.data for course in courses], [draw_start(setting) for setting in settings]
    trajectory = BatchedCudaTrajectory(settings, data, starts)
    states = [course.saved for course in courses if course.saved is not None]
    if states:
        parts = ([getattr(state, name) for state in states] for name in ("parameters", "first", "second"))
        trajectory.restore(states[0].step, *(np.stack(part) for part in parts))
    return trajectory
