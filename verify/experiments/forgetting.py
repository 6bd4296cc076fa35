"""Experiment ``forgetting``: features that are learned and forgotten between memorization and generalization.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): without repeats, at T = 10 000, some models
learn generalizing features and forget them by the end of training.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from numerics import Run
from numerics.engines.cpu import point_errors
from numerics.snapshots import Snapshot
from theory.dimensionality import dimensionality
from verify.experiments.following import STORED, at_least_twice, feature_rows, follow
from verify.experiments.forgetting_drawing import animate, draw
from verify.experiments.grouping import numbers
from verify.experiments.intervals import share_interval

__all__ = ["animate", "collect", "describe", "draw", "fates"]

#: A stored feature is forgotten where its D_f ends below this.
FORGOTTEN = 0.1

#: Pictures of one run: how many, features that were ever longest, and datapoints at even distances.
FRAMES, SHOWN_FEATURES, SHOWN_POINTS = 30, 40, 60

Tables = dict[str, pd.DataFrame]


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
    losses = [
        float(point_errors(one.W.astype(np.float64), one.b.astype(np.float64), run.data).mean())
        for one in snapshots
    ]
    where = {"T": run.setting.T, "seed": run.setting.seed}
    history = pd.DataFrame(
        {
            "step": [one.step for one in snapshots],
            "stored": np.sum(values >= STORED, axis=1),
            "largest": values.max(axis=1),
            "train_loss": losses,
        }
    )
    return history.assign(**where), fates(values).assign(**where)


def fates(values: np.ndarray) -> pd.DataFrame:
    """Features that were stored at two neighbouring snapshots of (snapshots, n) dimensionalities: columns feature,
    peak, end and forgotten; one row without a feature where there is none.
    """
    held = [
        int(i) for i in np.flatnonzero(values.max(axis=0) >= STORED) if at_least_twice(values[:, i] >= STORED)
    ]
    rows = [
        (i, float(values[:, i].max()), float(values[-1, i]), bool(values[-1, i] < FORGOTTEN)) for i in held
    ]
    return pd.DataFrame(rows or [(-1, 0.0, 0.0, False)], columns=["feature", "peak", "end", "forgotten"])


def _shown(runs: Sequence[Run], ends: pd.DataFrame) -> Run:
    """The run that forgets most features; among those that forget none, the one with the largest fall of a D_f."""
    fallen = (
        ends.assign(fall=ends["peak"] - ends["end"])
        .groupby(["T", "seed"])[["forgotten", "fall"]]
        .agg({"forgotten": "sum", "fall": "max"})
    )
    T, seed = fallen.sort_values(["forgotten", "fall"], kind="stable").index[-1]
    return next(run for run in runs if run.setting.T == T and run.setting.seed == seed)


def _frames(run: Run, snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    places = np.unique(np.linspace(0, len(snapshots) - 1, FRAMES).round().astype(int))
    kept = [snapshots[place] for place in places]
    longest = np.max([np.linalg.norm(one.W, axis=0) for one in snapshots], axis=0)
    features = np.argsort(-longest, kind="stable")[:SHOWN_FEATURES]
    points = np.unique(np.linspace(0, run.data.T - 1, SHOWN_POINTS).round().astype(int))
    rows = []
    for one in kept:
        for kind, cloud in (("feature", one.W[:, features]), ("hidden", run.data.project(one.W)[:, points])):
            rows.append(pd.DataFrame({"step": one.step, "kind": kind, "x": cloud[0], "y": cloud[1]}))
    frames = pd.concat(rows, ignore_index=True)
    return frames.assign(
        x=[float(f"{x:.4g}") for x in frames["x"]], y=[float(f"{y:.4g}") for y in frames["y"]]
    )


def describe(tables: Tables) -> str:
    """How many runs forget features, and what becomes of those that are learned."""
    lines = [
        "| T | runs | that store a feature at some time | features stored at some time | … forgotten "
        "| stored at the end (median) |",
        "|---|---|---|---|---|---|",
    ]
    for T, part in tables["fates"].groupby("T"):
        held = part[part["feature"] >= 0]
        history = tables["history"][tables["history"]["T"] == T]
        last = history[history["step"] == history["step"].max()]
        lines.append(
            f"| {T} | {part['seed'].nunique()} | {held['seed'].nunique()} | {len(held)} | "
            f"{int(held['forgotten'].sum())} | {np.median(numbers(last, 'stored')):g} |"
        )
    legend = (
        f"Stored: D_f of at least {STORED:g} at two neighbouring snapshots. Forgotten: D_f below {FORGOTTEN:g} at the "
        "end. Snapshots are spaced by even factors of the step."
    )
    parts = [_forgetting(tables["fates"], tables["history"]), _shown_run(tables)]
    return "\n".join([*(f"- {part}" for part in parts), "", *lines, "", legend])


def _forgetting(ends: pd.DataFrame, history: pd.DataFrame) -> str:
    by_run = ends.groupby(["T", "seed"])["forgotten"].sum()
    forgetful = int((by_run > 0).sum())
    share = share_interval(forgetful, len(by_run))
    held = ends[ends["feature"] >= 0]
    faded = f"{int((held['end'] < STORED).sum())} of {len(held)} features stored at some time end below {STORED:g}"
    if not forgetful:
        return (
            f"**No model forgets a feature** that it had stored, in {len(by_run)} runs (at most {share.high:.0%} "
            f"at 95 %, Clopper–Pearson); {faded}, none below {FORGOTTEN:g}."
        )
    sizes = sorted({int(T) for T in ends.loc[ends["forgotten"], "T"]})
    last = history[history["step"] == history["step"].max()].set_index(["T", "seed"])["stored"]
    empty = int(sum(last.get(run, 0) == 0 for run, count in by_run.items() if count > 0))
    return (
        f"**Models learn features and forget them**, as published: {forgetful} of {len(by_run)} runs "
        f"({share.low:.0%} to {share.high:.0%}, Clopper–Pearson), at T = {', '.join(map(str, sizes))}; "
        f"{int(ends['forgotten'].sum())} features in all; {faded}. Without a stored "
        f"feature at the end: {empty} of these {forgetful}"
        + ("; the others end with other features stored." if empty < forgetful else ".")
    )


def _shown_run(tables: Tables) -> str:
    features, ends = tables["features"], tables["fates"]
    T, seed = int(features["T"].iloc[0]), int(features["seed"].iloc[0])
    own = ends[(ends["T"] == T) & (ends["seed"] == seed) & (ends["feature"] >= 0)]
    if own.empty:
        return f"The run that is shown, T = {T}, seed {seed}, stores no feature at any time."
    steepest = own.iloc[int(np.argmax(numbers(own, "peak") - numbers(own, "end")))]
    return (
        f"The run that is shown, T = {T}, seed {seed}, stores {len(own)} features at some time and forgets "
        f"{int(own['forgotten'].sum())}; the largest fall of a D_f is from {steepest['peak']:.2f} to "
        f"{steepest['end']:.3f}."
    )
