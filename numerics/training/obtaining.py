"""Obtaining runs: read where a folder holds them, gone on with where they have checkpoints, trained otherwise. Each
run has a lock, a checkpoint and a file of its own. On a GPU, runs of one shape take their steps side by side and leave
the files, bit for bit, that each would leave alone. A run that another process is at is waited for. How long training
took stands beside the files, which hold nothing that differs between two trainings of one setting.
"""

import math
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from numerics.data import Dataset
from numerics.engines import EngineName, resolve_engine
from numerics.training.checkpoints import claimed
from numerics.training.loop import Interrupted, Progress, RunInProgress, begin_training, train_to_the_end
from numerics.training.runs import Run, RunFileError, load_run, run_name, save_run
from theory.setting import Setting

#: The file, in a folder of runs: name of the run and seconds, separated by a comma; a resumed run has several lines.
TIMES = "times.csv"


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
    """Train one run in this thread, from the setting's own data and start unless others are given. ``data`` and
    ``start`` (W, b) replace what the seeds would draw; such a run has no identity on disk. With a ``checkpoint`` file
    the run goes on from it, and writes it every ten seconds, between calls of the engine, and when ``stop`` is set; the
    result has the bits of an uninterrupted run, unless another version wrote the checkpoint: then a warning says so,
    and the run's ``trained_by`` names both. Raises `numerics.training.loop.Interrupted` when ``stop`` is set.
    """
    run = RunInProgress(setting, resolve_engine(engine), data=data, checkpoint=checkpoint, progress=progress)
    ((_, finished),) = train_to_the_end([run], begin_training([run], start), stop)
    return finished


def prepare_folder(folder: Path) -> Path:
    """The folder, made if need be and proven writable before any work is done; locks of killed processes are gone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for lock in folder.glob(".*.lock"):
            with suppress(OSError), claimed(lock, lambda: True):
                pass
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        error.add_note(f"out = {str(folder)!r}: try a folder that can be written")
        raise


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
    """The place and run of each of several settings of one shape as soon as it is there. Raises
    `numerics.training.loop.Interrupted` when ``stop`` is set, after checkpoints are written.
    """
    if folder is None:
        yield from _trained(settings, engine, dict.fromkeys(range(len(settings))), progress, stop)
        return
    checkpoints, busy, alone = dict[int, Path | None](), list[int](), len(settings) == 1
    with ExitStack() as locks:
        for k, setting in enumerate(settings):
            name = run_name(setting, engine)
            lock = claimed(folder / f".{name}.lock", stop.is_set if alone else lambda: True)
            if not locks.enter_context(lock):
                busy.append(k)
            elif (run := finished_run(setting, engine, folder)) is not None:
                (folder / f"{name}.checkpoint").unlink(missing_ok=True)  # of a process that was killed here
                progress[k](setting.steps)
                yield k, run
            else:
                for leftover in folder.glob(f".{name}.*.part"):  # of a process that was killed while writing
                    leftover.unlink(missing_ok=True)
                checkpoints[k] = folder / f"{name}.checkpoint"
                locks.enter_context(timed(name, folder, checkpoints))
        for k, run in _trained(settings, engine, checkpoints, progress, stop):
            saved = save_run(run, folder)
            (folder / f"{run.name}.checkpoint").unlink(missing_ok=True)
            yield k, saved
    if busy and alone:
        raise Interrupted
    for k in busy:
        for _, run in obtain([settings[k]], engine, folder, [progress[k]], stop):
            yield k, run


def _trained(
    settings: Sequence[Setting],
    engine: EngineName,
    checkpoints: Mapping[int, Path | None],
    progress: Sequence[Progress],
    stop: threading.Event,
) -> Iterator[tuple[int, Run]]:
    """The places that have a checkpoint's and their runs; those whose checkpoints stand at one step go together."""
    if len(settings) == 1:
        for k, path in checkpoints.items():
            yield k, train_one(settings[k], engine=engine, progress=progress[k], stop=stop, checkpoint=path)
        return
    runs = {
        k: RunInProgress(settings[k], engine, checkpoint=path, progress=progress[k])
        for k, path in checkpoints.items()
    }
    for step in sorted({run.resumes_at for run in runs.values()}):
        places = [k for k, run in runs.items() if run.resumes_at == step]
        together = [runs[k] for k in places]
        for at, finished in train_to_the_end(together, begin_training(together), stop):
            yield places[at], finished


@contextmanager
def timed(name: str, folder: Path, among: Sized = (None,)) -> Iterator[None]:
    """Add the wall time of the block, shared ``among`` runs, to the run called ``name``, interrupted or not.
    The time of a piece that was killed is lost; that of a piece for which the disk has no room, too.
    """
    began = time.monotonic()
    try:
        yield
    finally:
        line = f"{name},{(time.monotonic() - began) / len(among):.3f}\n".encode()
        with suppress(OSError), open(folder / TIMES, "ab", buffering=0) as file:
            file.write(line)  # one write, so that lines of several processes do not mix


def training_seconds(names: Iterable[str], folder: Path) -> dict[str, float]:
    """Seconds that each of these runs took, for those of which it is known; damaged lines are passed over.

    >>> training_seconds(["a"], Path("no such folder"))
    {}
    """
    wanted, seconds = set(names), dict[str, float]()
    with suppress(OSError), open(folder / TIMES, encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, number = line.strip().partition(",")
            with suppress(ValueError):
                if name in wanted and 0 <= (taken := float(number)) < math.inf:
                    seconds[name] = seconds.get(name, 0.0) + taken
    return seconds
