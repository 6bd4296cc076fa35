"""Experiment ``repeated-history``: one repeated datapoint over training, and near misses about the threshold.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): at T = 30 000 a datapoint that occurs five
times is embedded beside four features and suppresses the fifth; about the threshold some models memorize it and drop
it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, Outcome, Tables, found, found_share, outcome_within
from experiments.following import feature_rows, follow, outcomes, points_with_repeated, standing
from experiments.grouping import numbers
from experiments.repeated_history.drawing import draw
from numerics import Run
from numerics.repetition import find_transition
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
    history.loc[others, ["dimensionality", "largest_other"]] = np.nan
    (features,) = follow([shown], lambda _, snapshots: feature_rows(snapshots))
    own = shown.data.indices[: shown.data.indptr[1]]
    return {
        "history": history,
        "features": features.assign(own=features["feature"].isin(own)),
        "points": points_with_repeated(shown).assign(repeats=shown.setting.repeats, seed=shown.setting.seed),
        "theory": _theory(shown),
    }


def _shown(runs: Sequence[Run], ends: pd.DataFrame) -> Run:
    """The first seed at the published number of repeats that embeds its point; else the first seed there."""
    near = _nearest(ends)
    chosen = ends[ends["repeats"] == near].sort_values(["embedded", "seed"], ascending=[False, True])
    seed = int(chosen["seed"].iloc[0])
    return next(run for run in runs if run.setting.repeats == near and run.setting.seed == seed)


def _nearest(ends: pd.DataFrame) -> int:
    """The number of repeats that is nearest to the published one."""
    return int(min(set(ends["repeats"]), key=lambda R: abs(R - PUBLISHED_REPEATS)))


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
    alone = "The hidden vector alone grows long and falls below half of that"
    both = ends[ends["embedded"] & (ends["point_from"] != ends["features_from"])].dropna()
    before = int((both["point_from"] < both["features_from"]).sum())
    first = "The point is embedded before three features are stored"
    return [
        _published(ends),
        _suppressed(ends),
        _near_misses(ends),
        found_share(alone, MEASURED, "share of runs", int(ends["near_by_length"].sum()), len(ends)),
        found_share(first, MEASURED, "share of runs that embed it", before, len(both)),
        *_predicted(tables["theory"]),
    ]


def _published(ends: pd.DataFrame) -> Finding:
    near = _nearest(ends)
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
    return found_share(NEAR_MISSES, outcome, "share of runs", missed, len(ends))


def _predicted(theory: pd.DataFrame) -> list[Finding]:
    """The theory's threshold, NaN where the losses of its two states do not cross in the median draw."""
    low, high = numbers(theory, "between_low"), numbers(theory, "between_high")
    ends, until = (float(np.median(low)), float(np.median(high))), numbers(theory, "metastable_until")
    stays, longest = (
        float(np.median(until)),
        np.median(np.where(theory["metastable_censored"], np.inf, until)),
    )
    bounds = (stays, np.inf) if longest > stays else (np.nan, np.nan)
    threshold = Interval(ends[0] if ends[0] == ends[1] else np.nan, low.min(), high.max())
    crossed, stands = "Threshold by the numerical theory", "Its unembedded state stands until"
    return [
        found(crossed, MEASURED, "R, median and range of draws", threshold, len(low)),
        found(stands, MEASURED, "R, median of draws", Interval(stays, *bounds), len(low)),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """For each R how runs end: counts of seeds, and the mean number of features."""
    by_repeats = outcomes(tables["history"]).groupby("repeats")
    heads = {
        "seeds": ("seed", "size"),
        "embedded at the end": ("embedded", "sum"),
        "… and first by D_X": ("first", "sum"),
        "features stored (mean)": ("stored", "mean"),
        "near misses": ("near_miss", "sum"),
        "… by length alone": ("near_by_length", "sum"),
    }
    return by_repeats.agg(**heads).round(2).reset_index(names="R")
