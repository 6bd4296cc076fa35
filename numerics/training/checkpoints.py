"""Checkpoints: a killed or interrupted run goes on where it was, and ends with the very same bits. A checkpoint lives
beside the run it will become, under the run's name with the suffix ``.checkpoint``, and holds the state of the
trajectory and the history so far. It is written and verified like a run file. A run in progress is claimed by a lock
that dies with its process, so two processes on one folder share the work instead of doing it twice.
"""

import contextlib
import fcntl
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.training.runs import RunFileError, read_verified, read_versions, write_verified

_TENSORS = ("parameters", "first", "second", "auxiliary", "history_step", "history_loss")


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Everything ``run`` (a `run_name`) needs to go on from ``step``. ``parameters`` and Adam's ``first`` and
    ``second`` moments are (m+1, n), W above b; ``auxiliary`` is the rest of an engine's state, opaque bytes, none for
    most engines. ``trained_by`` is as in `numerics.training.runs.Run`, so far.
    """

    run: str
    step: int
    parameters: NDArray[Any]
    first: NDArray[Any]
    second: NDArray[Any]
    auxiliary: NDArray[np.uint8]
    history_step: NDArray[np.int64]
    history_loss: NDArray[np.float64]
    trained_by: tuple[str, ...] = ()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write atomically, replacing an older one; OSError if the disk refuses."""
    tensors = {name: getattr(checkpoint, name) for name in _TENSORS}
    facts = {"checkpoint": checkpoint.run, "step": checkpoint.step, "trained_by": checkpoint.trained_by}
    write_verified(path, tensors, json.dumps(facts))


def load_checkpoint(path: Path, run: str) -> Checkpoint | None:
    """The checkpoint of ``run`` at ``path``; None where there is none, and, with a warning, where it is damaged or of
    another run.
    """
    if not path.exists():
        return None
    try:
        tensors, description = read_verified(path, _TENSORS)
        facts = json.loads(description)
        if facts["checkpoint"] != run:
            raise RunFileError(f"{path}: the checkpoint of another run")
        return Checkpoint(run, int(facts["step"]), **tensors, trained_by=read_versions(facts))
    except (RunFileError, KeyError, TypeError, ValueError) as error:
        warnings.warn(f"{error}; starting that run from the beginning", stacklevel=2)
        return None


@contextlib.contextmanager
def claimed(path: Path, give_up: Callable[[], bool]) -> Iterator[bool]:
    """Hold the lock file ``path`` while inside; yields False when ``give_up()`` became true while waiting for it. The
    lock belongs to the process: a killed one lets go.
    """
    while (handle := _try_lock(path)) is None:
        if give_up():
            yield False
            return
        time.sleep(0.1)
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def _try_lock(path: Path) -> int | None:
    """A handle that holds the lock, or None; a lock on a file that was removed meanwhile is worth nothing."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def is_claimed(path: Path) -> bool:
    """Whether a process now holds the lock file ``path``."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
