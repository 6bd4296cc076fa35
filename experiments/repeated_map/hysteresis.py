"""Upward and downward sweeps of the number of repeats on one dataset: where the memory of a start ends.

All steps of a sweep use one dataset, with its repeated point 1 … R times; each trains on from the model before it, with
a new schedule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from numerics import Dataset, Run
from numerics.engines import resolve_engine
from numerics.training.obtaining import train_one

__all__ = ["STEPS", "sweep_both_ways", "with_copies"]

#: Steps of each training.
STEPS = 5_000


def with_copies(data: Dataset, copies: int, wanted: int) -> Dataset:
    """The dataset with its first point ``wanted`` times in place of ``copies`` times.

    Raises
    ------
    ValueError
        ``wanted`` outside 1 … ``copies``, or the first ``copies`` datapoints are not equal.

    Examples
    --------
    >>> data = Dataset.from_dense([[1, 1, 1, 0], [0, 0, 0, 1]])
    >>> with_copies(data, 3, 2).dense().tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

    """
    if not 1 <= wanted <= copies:
        raise ValueError(f"wanted = {wanted}: it must lie in 1..{copies}")
    length = int(data.indptr[1])
    first = (data.indices[: copies * length], data.values[: copies * length])
    if any(not np.array_equal(part, np.tile(part[:length], copies)) for part in first):
        raise ValueError(f"the first {copies} datapoints are not equal")
    left_out = (copies - wanted) * length
    lengths = np.diff(data.indptr)[copies - wanted :]
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Dataset(data.n, indptr, data.indices[left_out:], data.values[left_out:])


def sweep_both_ways(run: Run, repeats: Sequence[int], steps: int = STEPS) -> pd.DataFrame:
    """From a run with many repeats down to the fewest, and up again: columns direction, repeats, seed, length, loss.

    ``repeats`` increase and end at the run's own. ``length`` is that of the repeated point's hidden vector.
    """
    copies, setting = run.setting.repeats, run.setting
    model = (run.W.astype(np.float64), run.b.astype(np.float64))
    rows = []
    for direction, order in (("down", reversed(repeats)), ("up", iter(repeats))):
        for R in order:
            data = with_copies(run.data, copies, R)
            own = setting.replace(T=data.T, repeats=R, steps=steps)
            trained = train_one(own, engine=resolve_engine(run.engine), data=data, start=model)
            model = (trained.W.astype(np.float64), trained.b.astype(np.float64))
            length = float(np.linalg.norm(data.project(model[0])[:, 0]))
            rows.append((direction, R, setting.seed, length, float(trained.history_loss[-1])))
    return pd.DataFrame(rows, columns=["direction", "repeats", "seed", "length", "train_loss"])
