"""Sweeps: many settings trained into one folder of runs."""

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
