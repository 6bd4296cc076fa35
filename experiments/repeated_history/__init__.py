"""Experiment ``repeated-history``: one repeated datapoint over training, and near misses about the threshold. Henighan
et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): at T = 30 000 a datapoint that occurs five times is
embedded beside four features and suppresses the fifth; about the threshold some models memorize it and drop it.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import empty
from experiments.findings import Finding, Outcome, Tables, found, found_share, measured, outcome_between
from experiments.following import STORED, feature_rows, follow, outcomes, points_with_repeated, standing
from experiments.grouping import parts
from experiments.threshold.draws import FEATURES
from numerics import Run
from numerics.repetition import EMBEDDED, find_transition
from numerics.training.loop import Snapshot
from theory.repetition.threshold import zero_bias_threshold
from verify.figures.clouds import draw_cloud
from verify.statistics import Interval, mean_interval, share_interval
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION

#: How often the published datapoint occurs.
PUBLISHED_REPEATS = 5
IN_PLACE = f"A point that occurs {PUBLISHED_REPEATS} times at T/n = 3 is embedded (Jermyn)"
REPLACES = "A repeated point replaces one of the features (Jermyn)"
NEAR_MISSES = "Some models memorize a repeated point and drop it again (Jermyn)"

#: Draws of the theory's threshold.
DRAWS = 5


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``history`` (every run; D_X for the one shown), ``features`` and ``points`` (of it), ``theory``."""

    def look(run: Run, snapshots: list[Snapshot]) -> pd.DataFrame:
        rows = [{"step": one.step} | standing(one.W, run) for one in snapshots]
        return pd.DataFrame(rows).assign(repeats=run.setting.repeats, seed=run.setting.seed)

    history = pd.concat(follow(runs, look), ignore_index=True)
    ends = outcomes(history).query("repeats == @PUBLISHED_REPEATS")
    if ends.empty:
        raise ValueError(
            f"no run has repeats = {PUBLISHED_REPEATS}, the published one; add it to the sweep file"
        )
    # the first seed that embeds its point; else the first one
    wanted = PUBLISHED_REPEATS, ends["seed"].iloc[int(ends["embedded"].argmax())]
    shown = next(run for run in runs if (run.setting.repeats, run.setting.seed) == wanted)
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


def _theory(run: Run) -> pd.DataFrame:
    size = run.setting.T, run.setting.n, run.setting.sparsity
    unit, features = run.setting.T / run.setting.n, min(FEATURES, run.setting.n)
    draws = [find_transition(*size, k, features) for k in range(DRAWS)]
    rows = [
        {
            "threshold": one.repeats,
            "between_low": unit * one.between[0],
            "between_high": unit * one.between[1],
            "metastable_until": unit * one.metastable_until,
            "metastable_censored": one.metastable_censored,
        }
        for one in draws
    ]
    theory = pd.DataFrame(rows).assign(zero_bias=zero_bias_threshold(*size).repeats)
    return theory.reset_index(names="draw")


def findings(tables: Tables) -> list[Finding]:
    """The end of the published case, the suppressed feature, near misses, the order in time, the theory's threshold."""
    ends = outcomes(tables["history"])
    alone = "The hidden vector alone grows long and falls below half of that"
    both = ends[ends["embedded"] & (ends["point_from"] != ends["features_from"])].dropna()
    before = int((both["point_from"] < both["features_from"]).sum())
    first = "The point is embedded before three features are stored"
    return [
        _published(ends.loc[ends["repeats"] == PUBLISHED_REPEATS, "embedded"]),
        _suppressed(ends),
        _near_misses(ends),
        found_share(alone, "measured", "share of runs", int(ends["near_by_length"].sum()), len(ends)),
        found_share(first, "measured", "share of runs that embed it", before, len(both)),
        *_predicted(tables["theory"]),
    ]


def _published(embedded: pd.Series) -> Finding:
    count, of, at = int(embedded.sum()), len(embedded), f"R = {PUBLISHED_REPEATS}"
    outcome = outcome_between(share_interval(count, of), 0.5, 1) if of else "not tested"
    return found_share(IN_PLACE, outcome, "share of seeds that embed it", count, of, at)


def _suppressed(ends: pd.DataFrame) -> Finding:
    beside, alone = (mean_interval(ends.loc[ends["embedded"] == side, "stored"]) for side in (True, False))
    if math.isnan(beside.value + alone.value):
        return Finding(REPLACES, "not tested")
    fewer = Interval(alone.value - beside.value, alone.low - beside.high, alone.high - beside.low)
    outcome: Outcome = "agrees" if fewer.low > 0 and 0.5 <= fewer.value <= 1.5 else "not decided"
    return found(REPLACES, outcome, "features fewer with the point embedded", fewer, len(ends))


def _near_misses(ends: pd.DataFrame) -> Finding:
    missed = int(ends["near_miss"].sum())
    undecided = (ends.groupby("repeats")["embedded"].nunique() > 1).any()
    by_length: Outcome = "agrees in part" if ends["near_by_length"].any() else "not decided"
    outcome: Outcome = "agrees" if missed else by_length if undecided else "not tested"
    return found_share(NEAR_MISSES, outcome, "share of runs", missed, len(ends))


def _predicted(theory: pd.DataFrame) -> list[Finding]:
    """The theory's threshold, NaN where the losses of its two states do not cross in the median draw."""
    low, high, until = (theory[name] for name in ("between_low", "between_high", "metastable_until"))
    crossing, stays = low.median() if low.median() == high.median() else np.nan, until.median()
    censored = until.mask(theory["metastable_censored"], np.inf).median() > stays
    bounds = (stays, np.inf) if censored else (np.nan, np.nan)
    threshold, stands = Interval(crossing, low.min(), high.max()), "Its unembedded state stands until"
    return [
        measured("Threshold by the numerical theory", "R, median and range of draws", threshold, len(low)),
        measured(stands, "R, median of draws", Interval(stays, *bounds), len(low)),
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


def draw(tables: Tables) -> Figure:
    """Top: D_f and D_X of one run over training, and where it ends. Below: the point's length in every run."""
    runs = list(parts(tables["history"], "repeats"))
    lines = -(-len(runs) // 2)
    figure = empty(10.5, 6.6 + 2.2 * lines, h_pad=0.08)
    grid = figure.add_gridspec(2 + lines, 3, height_ratios=[3, 3, *[2.2] * lines])
    _draw_history(figure.add_subplot(grid[0, :-1]), figure.add_subplot(grid[1, :-1]), tables)
    for row, (content, name) in enumerate({"feature": "features w", "hidden": "hidden vectors h"}.items()):
        ax = figure.add_subplot(grid[row, -1])
        draw_cloud(ax, tables["points"], content)
        draw_repeated(ax, tables["points"], content)
        ax.set_title(f"{name} at the end", fontsize=12)
    axes = grid[2:, :].subgridspec(lines, 2).subplots(sharex=True, sharey=True, squeeze=False)
    for ax, (R, history) in zip(axes.flat, runs, strict=False):
        _draw_lengths(ax, history)
        ax.set_title(f"R = {R}", fontsize=12)
    for ax in axes[:, 0]:
        ax.set_ylabel("‖h‖ of the point")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    axes[0, 0].set_ylim(0, 1.05 * float(tables["history"]["length"].max()))
    return figure


def _draw_features(ax: Axes, features: pd.DataFrame) -> None:
    """D_f against the step, a line per feature: those that end stored in colour, the datapoint's own dashed."""
    for _, part in features.groupby("feature", sort=False):
        stored, own = part["dimensionality"].iloc[-1] >= STORED, bool(part["own"].iloc[0])
        colour = VERMILLION if own else GREEN if stored else GREY
        ax.plot(part["step"], part["dimensionality"], "--" if own else "-", color=colour, lw=1.6, alpha=0.85)
    ax.axhline(0.4, color=INK, ls=":", lw=1.1)
    ax.set(ylabel="$D_f$ of features", ylim=(0, None))


def draw_repeated(ax: Axes, points: pd.DataFrame, content: str) -> None:
    """Repeated datapoints: triangles with rays among hidden vectors; among features, directions of embedded ones."""
    repeated = points.loc[points["kind"] == "repeated", ["x", "y"]].to_numpy()
    reach = ax.get_xlim()[1]
    for x, y in repeated:
        length = float(np.hypot(x, y))
        if content == "hidden":
            ax.plot([0, x], [0, y], "-", color=VERMILLION, lw=1.4)
        elif length > EMBEDDED:
            end = reach / length
            ax.plot([0, end * x], [0, end * y], "--", color=VERMILLION, lw=1.2, zorder=0)
    if content == "hidden":
        ax.plot(*repeated.T, "^", color=VERMILLION, mec="white", mew=0.5, ms=9, zorder=5)


def _draw_history(top: Axes, bottom: Axes, tables: Tables) -> None:
    points, history = tables["points"], tables["history"]
    R, seed = points["repeats"].iloc[0], points["seed"].iloc[0]
    own = history[(history["repeats"] == R) & (history["seed"] == seed)]
    _draw_features(top, tables["features"])
    place = top.get_yaxis_transform()
    top.text(1, 0.4, "2/5, a pentagon", ha="right", va="top", fontsize=11, transform=place)
    kinds = "features stored at the end green, the point's own dashed, others grey"
    top.set_title(f"R = {R}, seed {seed}: {kinds}", fontsize=12)
    for column, colour, width, label in (
        ("dimensionality", VERMILLION, 2, "the repeated datapoint"),
        ("largest_other", BLUE, 1.4, "largest of the other datapoints"),
    ):
        bottom.plot(own["step"], own[column], "-", color=colour, lw=width, label=label)
    bottom.set(ylabel="$D_X$ of datapoints", xlabel="step", ylim=(0, None))
    bottom.legend(loc="lower right", fontsize=11)
    top.sharex(bottom)
    bottom.set_xscale("log")


def _draw_lengths(ax: Axes, history: pd.DataFrame) -> None:
    for end, (_, part) in zip(outcomes(history).to_dict("records"), parts(history, "seed"), strict=True):
        missed = end["near_miss"] or end["near_by_length"]
        colour = INK if missed else VERMILLION if end["embedded"] else BLUE
        ax.plot(part["step"], part["length"], "--" if missed else "-", color=colour, lw=1.4, alpha=0.8)
    ax.axhline(EMBEDDED, color=GREY, ls=":", lw=1.1)
    ax.set_xscale("log")
