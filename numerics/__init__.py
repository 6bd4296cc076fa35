"""What happens: datasets, training engines, measurement and runs on disk. Knows nothing of pass or fail."""

from numerics.data import Dataset, draw_dataset, draw_test_dataset
from numerics.engines.cpu import reconstruction_loss
from numerics.measurement import measure
from numerics.model import ReluOutputModel
from numerics.observables import observe
from numerics.polishing import Polished, polish
from numerics.runs import Run, RunFileError, Runs, load_run
from numerics.starts import draw_start
from numerics.training import train, train_one

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
