"""Sweeps: many settings trained into one folder of runs."""

from numerics.sweeps.execution import run_sweep
from numerics.sweeps.file import read_sweep
from numerics.sweeps.table import sweep_table

__all__ = ["read_sweep", "run_sweep", "sweep_table"]
