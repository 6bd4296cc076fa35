"""Training many runs: seeds share the cores, finished runs are kept and reused, a kill loses seconds.

A failure of training (divergence, no memorization) is the status of a run, never an exception.
"""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np

from numerics.data import Dataset
from numerics.engines import EngineName, resolve_engine
from numerics.engines.cpu.trajectory import uses_all_cores
from numerics.training.checkpoints import claimed
from numerics.training.loop import Course, Interrupted, Progress, set_out, walk
from numerics.training.runs import Run, RunFileError, Runs, load_run, run_name, save_run
from numerics.training.times import timed
from theory.setting import Setting

__all__ = ["train", "train_one"]


def train(
    settings: Setting | Sequence[Setting],
    seeds: int | Iterable[int] = 1,
    *,
    engine: str = "auto",
    out: str | Path | None = "runs",
    progress: Progress | bool = True,
    threads: int | None = None,
) -> Runs:
    """Train every setting with every seed.

    Parameters
    ----------
    settings : one setting or several.
    seeds : how many seeds, counted from each setting's own ``seed``, or the seeds themselves. A seed draws dataset and
        start, except that a setting whose ``data_seed`` differs from its ``seed`` keeps its dataset.
    engine : "auto", "cpu", "cuda" or "reference"; "auto" is "cuda" where there is a GPU, else "cpu".
    out : folder of run files; runs found there are reused. None keeps them in memory only.
    progress : True shows a bar on stderr; a function is called with the number of steps just done.
    threads : runs in flight at once, by default one per core; on a GPU, runs of one shape train together instead.
        Results do not depend on it.

    Raises
    ------
    ValueError
        An unknown engine, no seeds, a negative seed.
    TypeError
        ``settings`` are no settings.
    OSError
        ``out`` cannot be written.
    KeyboardInterrupt
        After Ctrl-C, once running threads have stopped; finished runs are on disk, and runs in progress go on from
        their checkpoints when they are asked for again.

    Examples
    --------
    >>> train(Setting(T=2, n=50, sparsity=0.9, steps=40), seeds=2, out=None, progress=False)
    <Runs: 2 runs, 0 memorized>

    """
    name = resolve_engine(engine)
    wanted = _expand(_settings(settings), seeds)
    folder = None if out is None else prepare_folder(Path(out))
    if callable(progress):
        return _train_all(wanted, name, folder, progress, threads)
    from numerics.training.progress import progress_bar

    with progress_bar(wanted, shown=progress) as advance:
        return _train_all(wanted, name, folder, advance, threads)


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


def _settings(given: Setting | Sequence[Setting]) -> list[Setting]:
    """The settings of one or several; anything else is refused with what to try."""
    several = (
        [given] if isinstance(given, Setting) else list(given) if isinstance(given, Iterable) else [given]
    )
    for one in several:
        if not isinstance(one, Setting):
            raise TypeError(
                f"settings = {given!r}: a theory.Setting or several are needed; try train(Setting(T=8))"
            )
    return several


def _expand(settings: Sequence[Setting], seeds: int | Iterable[int]) -> list[Setting]:
    if isinstance(seeds, (int, np.integer)):
        wanted = [setting.replace(seed=setting.seed + k) for setting in settings for k in range(int(seeds))]
    else:
        listed = [int(seed) for seed in seeds]
        wanted = [setting.replace(seed=seed) for setting in settings for seed in listed]
    if not wanted:
        raise ValueError(
            f"nothing to train: {len(settings)} settings and seeds={seeds!r}; give at least one of each"
        )
    return wanted


def prepare_folder(folder: Path) -> Path:
    """The folder, made if need be and proven writable before any work is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        return folder


def finished_run(setting: Setting, engine: EngineName, folder: Path | None) -> Run | None:
    """The run of a setting where ``folder`` holds it whole; None, with a warning, where it is damaged."""
    if folder is None or not (path := folder / f"{run_name(setting, engine)}.safetensors").exists():
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


def obtain_run(
    setting: Setting, engine: EngineName, folder: Path | None, progress: Progress, stop: threading.Event
) -> Run:
    """The run of a setting: trained, resumed, or, if another process finished it meanwhile, read."""
    if folder is None:
        return train_one(setting, engine=engine, progress=progress, stop=stop)
    name = run_name(setting, engine)
    with claimed(folder / f".{name}.lock", stop.is_set) as mine:
        if not mine:
            raise Interrupted
        if (run := finished_run(setting, engine, folder)) is not None:
            progress(setting.steps)
            return run
        remove_leftovers(name, folder)
        checkpoint = folder / f"{name}.checkpoint"
        with timed(name, folder):
            run = train_one(setting, engine=engine, progress=progress, stop=stop, checkpoint=checkpoint)
        run = save_run(run, folder)
        checkpoint.unlink(missing_ok=True)
        return run


def remove_leftovers(name: str, folder: Path) -> None:
    """Remove what a process that was killed while writing the run of that name has left."""
    for leftover in folder.glob(f".{name}.*.part"):
        leftover.unlink(missing_ok=True)


def _train_all(
    wanted: list[Setting], engine: EngineName, folder: Path | None, progress: Progress, threads: int | None
) -> Runs:
    runs: dict[int, Run] = {}
    stop = threading.Event()
    causes: list[BaseException] = []

    def begin(places: list[int]) -> dict[int, Run]:
        # The flag goes up in the thread that fails: were it left to the main thread, a worker could begin further runs.
        try:
            if stop.is_set():
                raise Interrupted
            return obtain(places)
        except Interrupted:
            raise
        except BaseException as error:
            causes.append(error)
            stop.set()
            raise

    def obtain(places: list[int]) -> dict[int, Run]:
        settings = [wanted[k] for k in places]
        if engine != "cuda":
            return {
                k: obtain_run(setting, engine, folder, progress, stop)
                for k, setting in zip(places, settings, strict=True)
            }
        from numerics.training.batches import obtain_batch

        batch = obtain_batch(settings, engine, folder, [progress] * len(places), stop)
        return {places[at]: run for at, run in batch}

    for pieces, workers in _rounds(wanted, engine, threads):
        with ThreadPoolExecutor(workers) as pool:
            try:
                pending = [pool.submit(begin, places) for places in pieces]
                wait(pending, return_when=FIRST_EXCEPTION)
                if causes:
                    raise causes[0]  # not the Interrupted of a thread that only heard of it
                for work in pending:
                    runs |= work.result()
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return Runs([runs[k] for k in range(len(wanted))])


def _rounds(
    wanted: Sequence[Setting], engine: EngineName, threads: int | None
) -> Iterator[tuple[list[list[int]], int]]:
    """Places that are obtained in one go, and how many such at once.

    On a GPU batches of one shape, one after the other; else small runs beside each other, then large ones, each of
    which takes all cores, one after the other.
    """
    if engine == "cuda":
        from numerics.training.batches import cut_into_batches

        yield cut_into_batches(wanted), 1
        return
    for large, workers in ((False, threads or os.cpu_count() or 1), (True, 1)):
        yield [[k] for k, s in enumerate(wanted) if uses_all_cores(s.n, s.T, s.m) == large], workers
