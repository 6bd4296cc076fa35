"""Sweeps: many settings trained into one folder of runs. Names are loaded when first used."""

from typing import TYPE_CHECKING

from numerics.lazy_names import lazy_names

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

__getattr__ = lazy_names(__name__, __all__, "file", "cells", "execution")
