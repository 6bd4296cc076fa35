"""What became of each cell of a sweep, as the folder of runs tells it, and all of it as one table. A finished cell is
a run file. A cell whose training raised an exception leaves a small JSON record, under the run's name with the suffix
``.failed.json``; a diverged run is its own record. A cell in progress is held by a lock. A run file outweighs a
record, and a lock outweighs both.
"""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from numerics.engines import EngineName, resolve_engine
from numerics.measurement.observables import OBSERVABLES, observe
from numerics.sweeps.file import Sweep
from numerics.training.checkpoints import is_claimed
from numerics.training.obtaining import finished_run
from numerics.training.progress import Meter
from numerics.training.runs import Run, run_name, write_atomically
from theory.setting import Setting

if TYPE_CHECKING:
    import pandas as pd

State = Literal["done", "failed", "running", "left"]

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class CellState:
    """One cell: its setting, its group in the sweep, what became of it and, where it failed, why."""

    setting: Setting
    group: str
    state: State
    reason: str = ""


def sweep_states(sweep: Sweep, out: str | Path = "runs") -> list[CellState]:
    """What became of each cell so far, in order; each run file is read and verified, and nothing is trained.

    >>> [cell.state for cell in sweep_states(Sweep((Setting(T=3),)), out="no such folder")]
    ['left']
    """
    found = zip(sweep.cells, sweep.groups, _each(sweep, out, _find_state), strict=True)
    return [CellState(setting, group, state, reason) for setting, group, (state, reason, _) in found]


def sweep_table(sweep: Sweep, out: str | Path = "runs") -> pd.DataFrame:
    """One row per cell in order: every field of its setting, ``engine``, ``status``, ``reason``, then observables.
    ``status`` is that of the run ("memorized", "not memorized", "diverged"), or "failed", "running", "left" where
    there is none. ``reason`` says why a cell failed and is empty elsewhere. Observables
    (`numerics.measurement.observables.observe`) are computed anew from the run files and are NaN where there is no run
    or it diverged.

    >>> sweep_table(Sweep((Setting(T=3), Setting(T=5))), out="no such folder")[["T", "status"]].values.tolist()
    [[3, 'left'], [5, 'left']]
    """
    import pandas as pd

    fields = [field.name for field in dataclasses.fields(Setting)]
    columns = [*fields, "engine", "status", "reason", *OBSERVABLES]
    return pd.DataFrame(_each(sweep, out, _row), columns=columns)


def _each(
    sweep: Sweep, out: str | Path, look: Callable[[Setting, EngineName, Path | None], _Found]
) -> list[_Found]:
    """In order. Cells of which the folder holds a file are looked at in threads: what reads and hashes files releases
    the interpreter lock; of all others, which may be a million, the folder is not asked again.
    """
    engine, folder = resolve_engine(sweep.engine), Path(out)
    there = {name.strip(".").partition(".")[0] for name in os.listdir(folder)} if folder.is_dir() else set()
    cells = [(cell, folder if run_name(cell, engine) in there else None) for cell in sweep.cells]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda cell: look(cell, engine, folder), [cell for cell, place in cells if place])
        return [next(found) if place else look(cell, engine, None) for cell, place in cells]


def _row(setting: Setting, engine: EngineName, folder: Path | None) -> dict[str, Any]:
    state, reason, run = _find_state(setting, engine, folder)
    known = setting.as_dict() | {"engine": engine, "reason": reason}
    return known | ({"status": state} if run is None else {"status": run.status} | observe(run))


def _find_state(setting: Setting, engine: EngineName, folder: Path | None) -> tuple[State, str, Run | None]:
    """State of one cell, the reason where it failed, and its run where there is one; None holds nothing."""
    if folder is None:
        return "left", "", None
    name = run_name(setting, engine)
    if is_claimed(folder / f".{name}.lock"):
        return "running", "", None
    if (run := finished_run(setting, engine, folder)) is None:
        reason = _failure_reason(_record_path(name, folder))
        return ("failed" if reason else "left"), reason, None
    if run.status == "diverged":
        return "failed", f"diverged: not finite at step {run.history_step[-1]}", run
    return "done", "", run


def _record_path(name: str, folder: Path) -> Path:
    return folder / f"{name}.failed.json"


def _failure_reason(path: Path) -> str:
    """Why a cell failed; empty where no record says so, and, with a warning, where it is damaged."""
    if not path.exists():
        return ""
    with suppress(ValueError, KeyError, TypeError):
        if isinstance(reason := json.loads(path.read_bytes())["reason"], str) and reason:
            return reason
    warnings.warn(f"{path}: not a record of a failure; it is ignored", stacklevel=2)
    return ""


def failure_reason(error: BaseException) -> str:
    """An exception as the reason of a failure: its class and the first 300 characters of what it says."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The cells that are to be trained, in order, and what is written down when one of them ends. Its methods may be
    called from any thread; ``place`` is a cell's place in ``settings``.
    """

    settings: Sequence[Setting]
    engine: EngineName
    folder: Path
    meter: Meter

    def finish(self, place: int, run: Run, *, trained_elsewhere: bool = False) -> None:
        """Count a run that is on disk, diverged or not."""
        _record_path(run.name, self.folder).unlink(missing_ok=True)
        self.meter.settle(place, failed=run.status == "diverged", trained_elsewhere=trained_elsewhere)

    def fail(self, place: int, reason: str) -> None:
        """Remember, atomically, that a cell came to no run, and why."""
        setting = self.settings[place]
        record = {"setting": setting.as_dict(), "engine": self.engine, "reason": reason}
        path = _record_path(run_name(setting, self.engine), self.folder)
        write_atomically(path, json.dumps(record, indent=1).encode())
        self.meter.settle(place, failed=True)
