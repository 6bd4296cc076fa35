"""Experiment ``forgetting``: features that are learned and forgotten between memorization and generalization.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): without repeats, at T = 10 000, some models
learn generalizing features and forget them by the end of training.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.findings import Finding
from experiments.following import STORED, at_least_twice, feature_rows, follow
from experiments.forgetting.drawing import animate, draw
from experiments.grouping import numbers
from numerics import Run
from numerics.engines.cpu.trajectory import point_errors
from numerics.training.snapshots import Snapshot
from theory.dimensionality import dimensionality
from verify.statistics import share_interval

__all__ = ["animate", "collect", "describe", "draw", "fates", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: A stored feature is lost where its D_f ends below `STORED`, and forgotten where it ends below this.
FORGOTTEN = 0.1

#: The T of the published model.
PUBLISHED_T = 10_000

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
    """How many of the runs that store features lose them, and what becomes of those that are learned."""
    lines = [
        f"| T | runs | that store a feature at some time | features stored at some time | … that end below {STORED:g} "
        f"| … below {FORGOTTEN:g} | stored at the end (median) |",
        "|---|---|---|---|---|---|---|",
    ]
    for T, part in tables["fates"].groupby("T"):
        held = _held(part)
        history = tables["history"][tables["history"]["T"] == T]
        last = history[history["step"] == history["step"].max()]
        lines.append(
            f"| {T} | {part['seed'].nunique()} | {held['seed'].nunique()} | {len(held)} | "
            f"{int((held['end'] < STORED).sum())} | {int(held['forgotten'].sum())} | "
            f"{np.median(numbers(last, 'stored')):g} |"
        )
    legend = (
        f"Stored: D_f of at least {STORED:g} at two neighbouring snapshots; lost: below that at the end. Snapshots are "
        "spaced by even factors of the step."
    )
    return "\n".join([*(f"- {part}" for part in sentences(tables)), "", *lines, "", legend])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    return [_forgetting(tables["fates"]), _shown_run(tables)]


def _held(ends: pd.DataFrame) -> pd.DataFrame:
    return ends[ends["feature"] >= 0]


def _forgetting(ends: pd.DataFrame) -> Finding:
    """Runs that lose every feature they stored, of those that store any; whether a D_f fades below `FORGOTTEN`."""
    held, runs = _held(ends), len(ends.groupby(["T", "seed"]))
    published = f"published: some do, at T = {PUBLISHED_T}"
    statement = "Some models learn features and forget them by the end (Jermyn)"
    if held.empty:
        text = f"**No run stores a feature** at any time, of {runs}; {published}: not tested."
        return Finding(text, {statement: "not tested"})
    by_run = held.assign(lost=held["end"] < STORED).groupby(["T", "seed"])[["lost", "forgotten"]]
    emptied, faded = (by_run.all()["lost"], by_run.any()["forgotten"])
    storing, count = len(emptied), int(emptied.sum())
    share = share_interval(count, storing)
    text = (
        f"**{_of(count, storing)} that store features lose all of them** by the end ({_by_size(emptied)}; "
        f"{share.low:.0%} to {share.high:.0%}, Clopper–Pearson); {runs - storing} of {runs} models never store one. "
        f"{published[0].upper()}{published[1:]}: {'agrees' if count else 'not seen'}."
    )
    lost = held[held["end"] < STORED]
    if len(lost):
        text += (
            f" D_f of {len(lost)} of the {len(held)} features falls from {_range(lost['peak'])} to "
            f"{_range(lost['end'])}."
        )
    below = share_interval(int(faded.sum()), storing)
    return Finding(
        f"{text} In {int(faded.sum())} of {storing} models ({below.low:.0%} to {below.high:.0%}) a stored feature "
        f"falls below {FORGOTTEN:g}.",
        {statement: "agrees" if count else "not decided"},
    )


def _of(count: int, of: int) -> str:
    return f"All {of} models" if count == of else f"{count or 'None'} of the {of} models"


def _by_size(emptied: pd.Series) -> str:
    return ", ".join(f"{int(part.sum())} of {len(part)} at T = {T}" for T, part in emptied.groupby(level="T"))


def _range(values: pd.Series) -> str:
    low, high = f"{values.min():.2f}", f"{values.max():.2f}"
    return low if low == high else f"{low}–{high}"


def _shown_run(tables: Tables) -> str:
    features, ends = tables["features"], tables["fates"]
    T, seed = int(features["T"].iloc[0]), int(features["seed"].iloc[0])
    own = _held(ends[(ends["T"] == T) & (ends["seed"] == seed)])
    if own.empty:
        return f"The run that is shown, T = {T}, seed {seed}, stores no feature at any time."
    steepest = own.iloc[int(np.argmax(numbers(own, "peak") - numbers(own, "end")))]
    return (
        f"The run that is shown, T = {T}, seed {seed}, stores {len(own)} features at some time and loses "
        f"{int((own['end'] < STORED).sum())}; the largest fall of a D_f is from {steepest['peak']:.2f} to "
        f"{steepest['end']:.2f}."
    )
