"""Runs that train together: on a GPU, those of one shape take their steps side by side.

A batch writes the files that its runs would write one by one: each has a lock, a checkpoint and a run file of its own,
and the bits it has alone. A run that another process is at is obtained afterwards; runs whose checkpoints stand at
different steps go on in batches of their own.

Defines no equations.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from numerics.engines import EngineName
from numerics.engines.cuda.trajectory import BatchedCudaTrajectory, batch_shape
from numerics.starts import draw_start
from numerics.training.checkpoints import claimed
from numerics.training.loop import Course, Progress, SideBySide, walk
from numerics.training.runs import Run, run_name, save_run
from numerics.training.seeds import finished_run, obtain_run, remove_leftovers
from numerics.training.times import timed
from theory.setting import Setting

__all__ = ["cut_into_batches", "obtain_batch"]

#: The most runs of a batch, and the most pairs n·T they have together: one run of that many keeps a GPU busy alone.
#: Counted, not measured.
MOST_RUNS, MOST_PAIRS = 64, 10**8


def cut_into_batches(settings: Sequence[Setting]) -> list[list[int]]:
    """Places of the settings in batches of one shape, each in order.

    Examples
    --------
    >>> cut_into_batches([Setting(T=T, seed=seed) for seed in (0, 1) for T in (3, 5)])
    [[0, 2], [1, 3]]

    """
    shapes: dict[tuple[Any, ...], list[int]] = {}
    for place, setting in enumerate(settings):
        shapes.setdefault(batch_shape(setting), []).append(place)
    batches = []
    for places in shapes.values():
        one = settings[places[0]]
        size = max(1, min(MOST_RUNS, MOST_PAIRS // (one.n * one.T)))
        batches += [places[first : first + size] for first in range(0, len(places), size)]
    return batches


def obtain_batch(
    settings: Sequence[Setting],
    engine: EngineName,
    folder: Path | None,
    progress: Sequence[Progress],
    stop: threading.Event,
) -> Iterator[tuple[int, Run]]:
    """The place and run of each setting of a batch as soon as it is there: trained, resumed, or read.

    Raises `numerics.training.loop.Interrupted` when ``stop`` is set, after checkpoints are written.
    """
    if folder is None:
        courses = [
            Course(setting, engine, progress=told) for setting, told in zip(settings, progress, strict=True)
        ]
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
                remove_leftovers(name, folder)
                checkpoint = folder / f"{name}.checkpoint"
                going[k] = Course(setting, engine, checkpoint=checkpoint, progress=progress[k])
                locks.enter_context(timed(name, folder, among=len(settings)))
        for k, run in _walk_together(going, stop):
            saved = save_run(run, folder)
            (folder / f"{run.name}.checkpoint").unlink(missing_ok=True)
            yield k, saved
    for k in busy:
        yield k, obtain_run(settings[k], engine, folder, progress[k], stop)


def _walk_together(courses: Mapping[int, Course], stop: threading.Event) -> Iterator[tuple[int, Run]]:
    for step in sorted({course.resumes_at for course in courses.values()}):
        places = [k for k, course in courses.items() if course.resumes_at == step]
        together = [courses[k] for k in places]
        for at, run in walk(together, _set_out_together(together), stop):
            yield places[at], run


def _set_out_together(courses: Sequence[Course]) -> SideBySide:
    """The trajectory of several courses that go on from one step."""
    settings = [course.setting for course in courses]
    trajectory = BatchedCudaTrajectory(
        settings, [course.data for course in courses], [draw_start(setting) for setting in settings]
    )
    states = [course.saved for course in courses if course.saved is not None]
    if states:
        parts = ([getattr(state, name) for state in states] for name in ("parameters", "first", "second"))
        trajectory.restore(states[0].step, *(np.stack(part) for part in parts))
    return trajectory
