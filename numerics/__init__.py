"""What happens: datasets, training engines, measurement and runs on disk. Knows nothing of pass or fail.

Names are loaded when first used, so that a sweep file is read, or refused, before torch is imported.
"""

import os
from typing import TYPE_CHECKING

from numerics.lazy_names import lazy_names

# Threads of a large run wait for each other at every step. Spinning long, the default of the OpenMP library that torch
# brings, costs whole time slices on a busy machine (eight times the processor time at load 13); spinning briefly
# costs 3 % on an idle one. The library reads this when it is loaded, so torch must come after; a user's choice stands.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if TYPE_CHECKING:
    from numerics.data import Dataset, draw_dataset, draw_test_dataset
    from numerics.engines.cpu.trajectory import reconstruction_loss
    from numerics.least_norm.polishing import Polished, polish
    from numerics.measurement.observables import observe
    from numerics.measurement.record import measure
    from numerics.model import ReluOutputModel
    from numerics.starts import draw_start
    from numerics.training.obtaining import train_one
    from numerics.training.runs import Run, RunFileError, Runs, load_run
    from numerics.training.seeds import train

__all__ = [
    "Dataset",
    "Polished",
    "ReluOutputModel",
    "Run",
    "RunFileError",
    "Runs",
    "draw_dataset",
    "draw_start",
    "draw_test_dataset",
    "load_run",
    "measure",
    "observe",
    "polish",
    "reconstruction_loss",
    "train",
    "train_one",
]

__getattr__ = lazy_names(
    __name__,
    __all__,
    "data",
    "starts",
    "model",
    "measurement.record",
    "training.runs",
    "measurement.observables",
    "training.obtaining",
    "training.seeds",
    "engines.cpu.trajectory",
    "least_norm.polishing",
)
