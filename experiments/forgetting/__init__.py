"""Experiment ``forgetting``: features that are learned and forgotten between memorization and generalization.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): without repeats, at T = 10 000, some models
learn generalizing features and forget them by the end of training.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, Tables, found_share
from experiments.following import STORED, at_least_twice, feature_rows, follow
from experiments.forgetting.drawing import animate, draw
from experiments.grouping import numbers
from numerics import Run
from numerics.engines.cpu.trajectory import point_errors
from numerics.training.snapshots import Snapshot
from theory.dimensionality import dimensionality

__all__ = ["animate", "collect", "draw", "fates", "findings", "summary"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: A stored feature is lost where its D_f ends below `STORED`, and forgotten where it ends below this.
FORGOTTEN = 0.1

#: What is published of models at T = 10 000.
FORGETS = "Some models learn features and forget them by the end (Jermyn)"

#: Pictures of one run: how many, features that were ever longest, and datapoints at even distances.
FRAMES, SHOWN_FEATURES, SHOWN_POINTS = 30, 40, 60


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``history`` (every run), ``fates`` (its features), ``features`` and ``frames`` (of the run shown)."""
    seen = follow(runs, _look)
    history = pd.concat([each[0] for each in seen], ignore_index=True)
    ends = pd.concat([each[1] for each in seen], ignore_index=True)
    shown = _shown(runs, ends)
    ((features, frames),) = follow([shown], lambda run, kept: (feature_rows(kept), _frames(run, kept)))
    where = {"T": shown.setting.T, "seed": shown.setting.seed}
    return {"history": history, "fates": ends, "features": features.assign(**where), "frames": frames}


def _look(run: Run, snapshots: list[Snapshot]) -> tuple[pd.DataFrame, pd.DataFrame]:
    values = np.array([dimensionality(one.W) for one in snapshots])
    models = [(one.W.astype(np.float64), one.b.astype(np.float64)) for one in snapshots]
    history = pd.DataFrame(
        {
            "step": [one.step for one in snapshots],
            "stored": np.sum(values >= STORED, axis=1),
            "largest": values.max(axis=1),
            "train_loss": [float(point_errors(W, b, run.data).mean()) for W, b in models],
        }
    )
    where = {"T": run.setting.T, "seed": run.setting.seed}
    return history.assign(**where), fates(values).assign(**where)


def fates(values: np.ndarray) -> pd.DataFrame:
    """Features that were stored at two neighbouring snapshots of (snapshots, n) dimensionalities: columns feature,
    peak, end and forgotten; one row without a feature where there is none.
    """
    rows = [
        (i, values[:, i].max(), values[-1, i], bool(values[-1, i] < FORGOTTEN))
        for i in range(values.shape[1])
        if at_least_twice(values[:, i] >= STORED)
    ]
    return pd.DataFrame(rows or [(-1, 0.0, 0.0, False)], columns=["feature", "peak", "end", "forgotten"])


def _shown(runs: Sequence[Run], ends: pd.DataFrame) -> Run:
    """The run that forgets most features; among those that forget none, the one with the largest fall of a D_f."""
    falls = ends.assign(fall=ends["peak"] - ends["end"]).groupby(["T", "seed"])
    fallen = falls.agg({"forgotten": "sum", "fall": "max"})
    T, seed = fallen.sort_values(["forgotten", "fall"], kind="stable").index[-1]
    return next(run for run in runs if run.setting.T == T and run.setting.seed == seed)


def _frames(run: Run, snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    kept = [snapshots[place] for place in _spaced(len(snapshots), FRAMES)]
    longest = np.max([np.linalg.norm(one.W, axis=0) for one in snapshots], axis=0)
    features = np.argsort(-longest, kind="stable")[:SHOWN_FEATURES]
    points = _spaced(run.data.T, SHOWN_POINTS)
    clouds = []
    for one in kept:
        hidden = run.data.project(one.W)[:, points]
        for kind, (x, y) in (("feature", one.W[:, features]), ("hidden", hidden)):
            clouds.append(pd.DataFrame({"step": one.step, "kind": kind, "x": x, "y": y}))
    frames = pd.concat(clouds, ignore_index=True)
    return frames.assign(**{axis: [float(f"{each:.4g}") for each in frames[axis]] for axis in ("x", "y")})


def _spaced(count: int, wanted: int) -> np.ndarray:
    """At most so many of ``count`` places, at even distances, both ends included."""
    return np.unique(np.linspace(0, count - 1, wanted).round().astype(int))


def findings(tables: Tables) -> list[Finding]:
    """Of the models that store any feature, the share that lose all; and the share with a D_f below `FORGOTTEN`."""
    held = tables["fates"].query("feature >= 0")
    if held.empty:
        return [Finding(FORGETS, "not tested")]
    by_run = held.assign(lost=held["end"] < STORED).groupby(["T", "seed"])[["lost", "forgotten"]]
    emptied, faded = by_run.all()["lost"], by_run.any()["forgotten"]
    count, storing = int(emptied.sum()), len(emptied)
    falls = f"A stored feature falls below D_f = {FORGOTTEN:g}"
    share = "share that lose all, of models that store features"
    return [
        found_share(FORGETS, "agrees" if count else "not decided", share, count, storing),
        found_share(falls, MEASURED, "share of these models", int(faded.sum()), storing),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """For each T how many models store features at some time, and what becomes of these."""
    rows = []
    for T, part in tables["fates"].groupby("T"):
        held, history = part.query("feature >= 0"), tables["history"].query("T == @T")
        last = history[history["step"] == history["step"].max()]
        rows.append(
            {
                "T": T,
                "runs": part["seed"].nunique(),
                "that store features": held["seed"].nunique(),
                "features stored at some time": len(held),
                f"… that end below {STORED:g}": int((held["end"] < STORED).sum()),
                f"… below {FORGOTTEN:g}": int(held["forgotten"].sum()),
                "stored at the end (median)": np.median(numbers(last, "stored")),
            }
        )
    return pd.DataFrame(rows)
