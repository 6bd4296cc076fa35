"""Sweeps: many settings trained into one folder of runs. Names are loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numerics.sweeps.cells import CellState, sweep_states, sweep_table
    from numerics.sweeps.execution import run_sweep
    from numerics.sweeps.file import Form, Sweep, SweepFileError, read_sweep

__all__ = [
    "CellState",
    "Form",
    "Sweep",
    "SweepFileError",
    "read_sweep",
    "run_sweep",
    "sweep_states",
    "sweep_table",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'numerics.sweeps' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    homes = (import_module(f"numerics.sweeps.{home}") for home in ("file", "cells", "execution"))
    return next(getattr(home, name) for home in homes if hasattr(home, name))
