"""Upward and downward sweeps of the number of repeats on one dataset: where the memory of a start ends.

All steps of a sweep use one dataset, with its repeated point 1 … R times; each trains on from the model before it, with
a new schedule.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from numerics import Dataset, Run
from numerics.engines import resolve_engine
from numerics.training.obtaining import train_one

#: Steps of each training.
STEPS = 5_000


def with_copies(data: Dataset, copies: int, wanted: int) -> Dataset:
    """The dataset with its first point ``wanted`` times in place of ``copies`` times, 1 ≤ wanted ≤ copies.

    >>> data = Dataset.from_dense([[1, 1, 1, 0], [0, 0, 0, 1]])
    >>> with_copies(data, 3, 2).dense().tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    gone = copies - wanted
    values = int(data.indptr[gone])
    return Dataset(data.n, data.indptr[gone:] - values, data.indices[values:], data.values[values:])


def sweep_both_ways(run: Run, repeats: Sequence[int], steps: int = STEPS) -> pd.DataFrame:
    """From a run with many repeats down to the fewest, and up again: columns direction, repeats, seed, length, loss.

    ``repeats`` increase and end at the run's own. ``length`` is that of the repeated point's hidden vector.
    """
    setting, engine = run.setting, resolve_engine(run.engine)
    model = (run.W.astype(np.float64), run.b.astype(np.float64))
    rows = []
    for direction, order in (("down", reversed(repeats)), ("up", iter(repeats))):
        for R in order:
            data = with_copies(run.data, setting.repeats, R)
            own = setting.replace(T=data.T, repeats=R, steps=steps)
            trained = train_one(own, engine=engine, data=data, start=model)
            model = (trained.W.astype(np.float64), trained.b.astype(np.float64))
            length = float(np.linalg.norm(data.project(model[0])[:, 0]))
            rows.append((direction, R, setting.seed, length, float(trained.history_loss[-1])))
    return pd.DataFrame(rows, columns=["direction", "repeats", "seed", "length", "train_loss"])
