"""Runs followed over training: which features are stored, and where a repeated datapoint stands. A feature counts as
stored where D_f is at least `STORED`, half of what it has in a pentagon. A repeated datapoint counts as embedded where
its hidden vector is longer than `numerics.repetition.EMBEDDED`, and as among the first where at most `TOP` of the
distinct datapoints have a larger D_X, as in the paper's map.
"""

from collections.abc import Callable, Sequence
from threading import Event
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from experiments.clouds import points_of
from numerics import Run
from numerics.engines import resolve_engine
from numerics.repetition import EMBEDDED
from numerics.starts import first_copies
from numerics.training.loop import Snapshot, growing_steps, take_snapshots
from numerics.training.threads import train_in_threads
from theory.dimensionality import dimensionality

#: Snapshots of a run, beside its start.
SNAPSHOTS = 60

#: D_f from which on a feature counts as stored.
STORED = 0.2

#: Share of the distinct datapoints that may have a larger D_X than one "among the first".
TOP = 0.001

#: Vectors nearer than this angle (degrees) have the same direction.
SHARED = 20.0

#: A followed feature has had at least this D_f at some time, and there are at most so many.
NOTED, MOST_NOTED = 0.1, 12

Seen = TypeVar("Seen")


def standing(W: NDArray[np.floating], run: Run) -> dict[str, float]:
    """Where the first repeated datapoint of a run stands for weights W, among the distinct ones. Its rank is the share
    of distinct datapoints with a larger D_X, its length that of the hidden vector.
    """
    hidden = run.data.project(W)[:, first_copies(run.setting)]
    values = dimensionality(hidden)
    return {
        "dimensionality": float(values[0]),
        "rank": float(np.mean(values > values[0])),
        "length": float(np.linalg.norm(hidden[:, 0])),
        "largest_other": float(values[1:].max(initial=0.0)),
        "stored": float(stored_features(W, run)),
    }


def stored_features(W: NDArray[np.floating], run: Run) -> int:
    """Features with D_f of at least `STORED`, without the columns by which repeated datapoints are stored. Those are
    columns of an embedded point's own features within `SHARED` degrees of its hidden vector: its columns are w_k = X_k
    h (`repetition.zero-bias`), long where one feature dominates the point.
    """
    count = run.setting.repeated_points if run.setting.repeats > 1 else 0
    places = np.flatnonzero(first_copies(run.setting))[:count]
    hidden = run.data.project(W)[:, places]
    stored = dimensionality(W) >= STORED
    for t, h in zip(places, hidden.T, strict=True):
        length = float(np.linalg.norm(h))
        if length > EMBEDDED:
            own = run.data.indices[run.data.indptr[t] : run.data.indptr[t + 1]]
            cosine = h @ W[:, own] / (length * np.maximum(np.linalg.norm(W[:, own], axis=0), 1e-30))
            stored[own[cosine >= np.cos(np.radians(SHARED))]] = False
    return int(stored.sum())


def points_with_repeated(run: Run) -> pd.DataFrame:
    """The cloud table of a run, with a row of kind "repeated" for each repeated datapoint."""
    x, y = run.record.hidden[:, first_copies(run.setting)][:, : run.setting.repeated_points]
    repeated = pd.DataFrame({"kind": "repeated", "x": x, "y": y})
    return pd.concat([points_of(run, None), repeated], ignore_index=True)


def follow(runs: Sequence[Run], look: Callable[[Run, list[Snapshot]], Seen]) -> list[Seen]:
    """Train each run again, with snapshots, and ``look`` at them; in the order of the runs."""
    seen: dict[int, Seen] = {}

    def work(places: list[int], _: Event) -> None:
        for place in places:
            run = runs[place]
            steps, engine = growing_steps(run.setting.steps, SNAPSHOTS), resolve_engine(run.engine)
            seen[place] = look(run, list(take_snapshots(run.setting, steps, engine=engine)))

    train_in_threads([run.setting for run in runs], "cpu", None, work)
    return [seen[place] for place in range(len(runs))]


def feature_rows(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """Columns step, feature, dimensionality: the features that were ever prominent, over all snapshots."""
    values = np.array([dimensionality(one.W) for one in snapshots])
    most = values.max(axis=0)
    order = np.argsort(-most, kind="stable")[:MOST_NOTED]
    noted = order[most[order] >= NOTED]
    rows = [(one.step, int(i), values[k, i]) for i in noted for k, one in enumerate(snapshots)]
    return pd.DataFrame(rows, columns=["step", "feature", "dimensionality"])


def turning(R: NDArray[np.floating], happened: NDArray[np.bool_]) -> tuple[float, float]:
    """The largest R > 0 up to which nothing happened, 0 if none, and the least from which on all did, ∞ if none.

    >>> turning(np.array([2.0, 3.0, 3.0, 4.0]), np.array([False, False, True, True]))
    (2.0, 4.0)
    """
    first, last = R[happened].min(initial=np.inf), R[~happened].max(initial=0.0)
    return float(R[first > R].max(initial=0.0)), float(R[last < R].min(initial=np.inf))


def at_least_twice(happened: ArrayLike) -> NDArray[np.bool_]:
    """Whether something holds at two neighbouring snapshots (rows), so that it is no passing fluctuation.

    >>> at_least_twice([[False, True], [True, True], [False, False]]).tolist()
    [False, True]
    """
    holds = np.asarray(happened, dtype=np.bool_)
    return np.asarray(np.any(holds[1:] & holds[:-1], axis=0))


def outcomes(history: pd.DataFrame) -> pd.DataFrame:
    """One row per run: whether it ends embedded, whether it was before, features stored at the end, times. embedded
    asks for the length alone, first also for the rank. near_miss: at two neighbouring snapshots the point was embedded
    and among the first, at the end it is not embedded. near_by_length: the same of its length alone, which ends below
    half of what counts as embedded. point_from, features_from: shares of training, NaN for never.
    """
    rows = []
    for (repeats, seed), part in history.groupby(["repeats", "seed"]):
        long = (part["length"] > EMBEDDED).to_numpy()
        first = long & (part["rank"] <= TOP).to_numpy()
        last = part.iloc[-1]
        share = part["step"] / part["step"].max()
        row = {"repeats": repeats, "seed": seed, "embedded": long[-1], "first": first[-1]}
        row |= {"near_miss": not long[-1] and bool(at_least_twice(first))}
        row |= {"near_by_length": last["length"] < EMBEDDED / 2 and bool(at_least_twice(long))}
        row |= {"stored": float(last["stored"]), "point_from": share[long].min()}
        rows.append(row | {"features_from": share[part["stored"] >= 3].min()})
    return pd.DataFrame(rows)
