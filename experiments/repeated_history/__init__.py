"""Experiment ``repeated-history``: one repeated datapoint over training, and near misses about the threshold.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): at T = 30 000 a datapoint that occurs five
times is embedded beside four features and suppresses the fifth; about the threshold some models memorize it and drop
it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.clouds import points_of
from experiments.findings import MEASURED, Finding, Outcome, found, outcome_within
from experiments.following import feature_rows, follow, outcomes, standing
from experiments.grouping import numbers
from experiments.repeated_history.drawing import draw
from numerics import Run
from numerics.repetition import find_transition
from numerics.starts import first_copies
from numerics.training.snapshots import Snapshot
from theory.repetition.threshold import zero_bias_threshold
from verify.statistics import Interval, mean_interval, share_interval

__all__ = ["collect", "draw", "findings", "summary"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: How often the published datapoint occurs.
PUBLISHED_REPEATS = 5
#: What is published of it, and beside that.
IN_PLACE = f"A point that occurs {PUBLISHED_REPEATS} times at T/n = 3 is embedded (Jermyn)"
REPLACES = "A repeated point replaces one of the features (Jermyn)"
NEAR_MISSES = "Some models memorize a repeated point and drop it again (Jermyn)"

#: Draws of the theory's threshold.
DRAWS = 5

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``history`` (every run; D_X for the one that is shown), ``features`` and ``points`` (of that one),
    ``theory``.
    """

    def look(run: Run, snapshots: list[Snapshot]) -> pd.DataFrame:
        rows = [{"step": one.step} | standing(one.W, run) for one in snapshots]
        return pd.DataFrame(rows).assign(repeats=run.setting.repeats, seed=run.setting.seed)

    history = pd.concat(follow(runs, look), ignore_index=True)
    shown = _shown(runs, outcomes(history))
    others = (history["repeats"] != shown.setting.repeats) | (history["seed"] != shown.setting.seed)
    history = history.drop(columns="largest_feature")
    history.loc[others, ["dimensionality", "largest_other"]] = np.nan
    (features,) = follow([shown], lambda _, snapshots: feature_rows(snapshots))
    own = shown.data.indices[: shown.data.indptr[1]]
    features = features.assign(own=features["feature"].isin(own))
    return {"history": history, "features": features, "points": _points(shown), "theory": _theory(shown)}


def _shown(runs: Sequence[Run], ends: pd.DataFrame) -> Run:
    """The first seed at the published number of repeats that embeds its point; else the first seed there."""
    near = min({run.setting.repeats for run in runs}, key=lambda R: abs(R - PUBLISHED_REPEATS))
    chosen = ends[ends["repeats"] == near].sort_values(["embedded", "seed"], ascending=[False, True])
    seed = int(chosen["seed"].iloc[0])
    return next(run for run in runs if run.setting.repeats == near and run.setting.seed == seed)


def _points(run: Run) -> pd.DataFrame:
    clouds = points_of(run, None)
    x, y = run.record.hidden[:, first_copies(run.setting)][:, 0]
    clouds = pd.concat([clouds, pd.DataFrame([{"kind": "repeated", "x": x, "y": y}])], ignore_index=True)
    return clouds.assign(repeats=run.setting.repeats, seed=run.setting.seed)


def _theory(run: Run) -> pd.DataFrame:
    T, n, sparsity = run.setting.T, run.setting.n, run.setting.sparsity
    found = [find_transition(T, n, sparsity, seed=k, features=min(120, n)) for k in range(DRAWS)]
    rows = [
        {
            "draw": k,
            "threshold": each.repeats,
            "between_low": each.between[0] * T / n,
            "between_high": each.between[1] * T / n,
            "metastable_until": each.metastable_until * T / n,
            "metastable_censored": each.metastable_censored,
            "zero_bias": zero_bias_threshold(T, n, sparsity).repeats,
        }
        for k, each in enumerate(found)
    ]
    return pd.DataFrame(rows)


def findings(tables: Tables) -> list[Finding]:
    """The end of the published case, the suppressed feature, near misses, the order in time, the theory's threshold."""
    ends = outcomes(tables["history"])
    by_length = share_interval(int(ends["near_by_length"].sum()), len(ends))
    return [
        _published(ends),
        _suppressed(ends),
        _near_misses(ends),
        found(
            "The hidden vector alone grows long and falls below half of that", MEASURED, "share of runs", by_length,
            len(ends),
        ),
        *_order(ends),
        *_predicted(tables["theory"]),
    ]  # fmt: skip


def _published(ends: pd.DataFrame) -> Finding:
    near = min(set(ends["repeats"]), key=lambda R: abs(R - PUBLISHED_REPEATS))
    embedded = ends.loc[ends["repeats"] == near, "embedded"]
    share = share_interval(int(embedded.sum()), len(embedded))
    outcome = outcome_within(share.low, share.high, 0.5) if near == PUBLISHED_REPEATS else "not tested"
    return found(IN_PLACE, outcome, "share of seeds that embed it", share, len(embedded), f"R = {near}")


def _suppressed(ends: pd.DataFrame) -> Finding:
    with_point, without = (numbers(ends[ends["embedded"] == side], "stored") for side in (True, False))
    if not len(with_point) or not len(without):
        return Finding(REPLACES, "not tested")
    beside, alone = mean_interval(with_point), mean_interval(without)
    fewer = Interval(alone.value - beside.value, alone.low - beside.high, alone.high - beside.low)
    outcome: Outcome = "agrees" if fewer.low > 0 and 0.5 <= fewer.value <= 1.5 else "not decided"
    return found(REPLACES, outcome, "features fewer with the point embedded", fewer, len(ends))


def _near_misses(ends: pd.DataFrame) -> Finding:
    missed = int(ends["near_miss"].sum())
    share = ends.groupby("repeats")["embedded"].transform("mean")
    outcome: Outcome = "agrees"
    if not missed:
        undecided = bool(((share > 0) & (share < 1)).any())
        by_length = bool(ends["near_by_length"].any())
        outcome = "not tested" if not undecided else "agrees in part" if by_length else "not decided"
    return found(NEAR_MISSES, outcome, "share of runs", share_interval(missed, len(ends)), len(ends))


def _order(ends: pd.DataFrame) -> list[Finding]:
    """Which comes first in runs that end with the point embedded, those left out in which both come at once."""
    both = ends[ends["embedded"] & ends["features_from"].notna()]
    before, after = (
        int(np.sum(sign * both["point_from"] < sign * both["features_from"])) for sign in (1, -1)
    )
    if not before + after:
        return []
    statement = "The point is embedded before three features are stored"
    return [
        found(
            statement,
            MEASURED,
            "share of runs that embed it",
            share_interval(before, before + after),
            before + after,
        )
    ]


def _predicted(theory: pd.DataFrame) -> list[Finding]:
    """The theory's threshold, NaN where the losses of its two states do not cross in the median draw."""
    low, high = numbers(theory, "between_low"), numbers(theory, "between_high")
    ends = float(np.median(low)), float(np.median(high))
    stays = float(np.median(theory["metastable_until"]))
    longest = np.median(np.where(theory["metastable_censored"], np.inf, numbers(theory, "metastable_until")))
    until = Interval(stays, stays, np.inf) if longest > stays else Interval(stays, np.nan, np.nan)
    threshold = Interval(ends[0] if ends[0] == ends[1] else np.nan, low.min(), high.max())
    return [
        found(
            "Threshold by the numerical theory", MEASURED, "R, median and range of draws", threshold, len(low)
        ),
        found("Its unembedded state stands until", MEASURED, "R, median of draws", until, len(low)),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """For each R how runs end: counts of seeds, and the mean number of features."""
    by_repeats = outcomes(tables["history"]).groupby("repeats")
    counts = by_repeats[["embedded", "first", "near_miss", "near_by_length"]].sum()
    counts.insert(0, "seeds", by_repeats.size())
    counts.insert(3, "stored", by_repeats["stored"].mean().round(2))
    heads = [
        "R",
        "seeds",
        "embedded at the end",
        "… and first by D_X",
        "features stored (mean)",
        "near misses",
    ]
    return counts.reset_index().set_axis([*heads, "… by length alone"], axis=1)
