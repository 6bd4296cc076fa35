"""A sweep as one table: a row per cell in the order of the file, its setting, what became of it, its observables."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numerics.engines import EngineName, resolve_engine
from numerics.measurement.observables import OBSERVABLES, observe
from numerics.sweeps.cells import find_state, in_threads
from numerics.sweeps.file import Sweep
from theory.setting import Setting

if TYPE_CHECKING:
    import pandas as pd


def sweep_table(sweep: Sweep, out: str | Path = "runs") -> pd.DataFrame:
    """One row per cell in order: every field of its setting, ``engine``, ``status``, ``reason``, then observables.

    ``status`` is that of the run ("memorized", "not memorized", "diverged"), or "failed", "running", "left" where there
    is none. ``reason`` says why a cell failed and is empty elsewhere. Observables
    (`numerics.measurement.observables.observe`) are computed anew from the run files and are NaN where there is no
    run or it diverged.

    >>> sweep_table(Sweep((Setting(T=3), Setting(T=5))), out="no such folder")[["T", "status"]].values.tolist()
    [[3, 'left'], [5, 'left']]
    """
    import pandas as pd

    engine, folder = resolve_engine(sweep.engine), Path(out)
    rows = in_threads(lambda setting: _row(setting, engine, folder), sweep.cells)
    fields = [field.name for field in dataclasses.fields(Setting)]
    return pd.DataFrame(rows, columns=[*fields, "engine", "status", "reason", *OBSERVABLES])


def _row(setting: Setting, engine: EngineName, folder: Path) -> dict[str, Any]:
    state, reason, run = find_state(setting, engine, folder)
    known = setting.as_dict() | {"engine": engine, "reason": reason}
    if run is None:
        return known | {"status": state} | dict.fromkeys(OBSERVABLES, float("nan"))
    return known | {"status": run.status} | observe(run)
