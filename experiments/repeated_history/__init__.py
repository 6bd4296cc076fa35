"""Experiment ``repeated-history``: one repeated datapoint over training, and near misses about the threshold.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): at T = 30 000 a datapoint that occurs five
times is embedded beside four features and suppresses the fifth; about the threshold some models memorize it and drop
it.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.clouds import points_of
from experiments.findings import Finding, Outcome, outcome_within
from experiments.following import EMBEDDED, STORED, TOP, feature_rows, follow, outcomes, standing
from experiments.grouping import numbers, tally
from experiments.repeated_history.drawing import draw
from numerics import Run
from numerics.repetition import find_transition
from numerics.starts import first_copies
from numerics.training.snapshots import Snapshot
from theory.number_format import at_least
from theory.repetition.threshold import zero_bias_threshold
from verify.statistics import mean_interval, share_interval

__all__ = ["collect", "describe", "draw", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: How often the published datapoint occurs.
PUBLISHED_REPEATS = 5
#: What is published beside that.
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


def describe(tables: Tables) -> str:
    """The end of the published case, the suppressed feature, the order in time, and near misses."""
    ends = outcomes(tables["history"])
    lines = [
        "| R | embedded at the end, of seeds | … and among the first by D_X | features stored (mean) | near misses "
        "| … by length alone |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {R} | {int(part['embedded'].sum())}/{len(part)} | {int(part['first'].sum())}/{len(part)} | "
        f"{part['stored'].mean():.2f} | {int(part['near_miss'].sum())} | {int(part['near_by_length'].sum())} |"
        for R, part in ends.groupby("repeats")
    ]
    legend = (
        f"Embedded: hidden vector longer than {EMBEDDED:g}. First: at most {TOP:.1%} of datapoints have a larger D_X"
        f"{_very_first(tables['history'])}. Stored: D_f of at least {STORED:g}, without the columns that the point's "
        "own features have along it. Near miss: embedded and first at two neighbouring snapshots, not embedded at the "
        f"end; by length alone: longer than {EMBEDDED:g} at two neighbouring snapshots, shorter than half of that at "
        "the end."
    )
    return "\n".join([*(f"- {part}" for part in sentences(tables)), "", *lines, "", legend])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    ends = outcomes(tables["history"])
    return [
        _published(ends, tables["theory"]),
        _suppressed(ends),
        _order(ends),
        _near_misses(ends),
        _near_by_length(ends),
    ]


def _very_first(history: pd.DataFrame) -> str:
    """What the share comes to where it is less than one datapoint."""
    ranks = numbers(history, "rank")
    return ", here none" if ranks.max(initial=0.0) > 0 and ranks[ranks > 0].min() > TOP else ""


def _published(ends: pd.DataFrame, theory: pd.DataFrame) -> Finding:
    near = min(set(ends["repeats"]), key=lambda R: abs(R - PUBLISHED_REPEATS))
    part = ends[ends["repeats"] == near]
    share = share_interval(int(part["embedded"].sum()), len(part))
    verdict = "as published" if share.value > 0.5 else "unlike the published one"
    judged: dict[str, Outcome] = {
        f"A point that occurs {PUBLISHED_REPEATS} times at T/n = 3 is embedded (Jermyn)": (
            outcome_within(share.low, share.high, 0.5) if near == PUBLISHED_REPEATS else "not tested"
        )
    }
    return Finding(
        f"At R = {near} the point ends embedded in {int(part['embedded'].sum())} of {len(part)} seeds "
        f"({share.low:.0%} to {share.high:.0%}, Clopper–Pearson), {verdict}, and in {int(part['first'].sum())} among "
        f"the first by D_X. The first R at which half of the seeds embed it is {_half(ends, 'embedded')}; by D_X, "
        f"{_half(ends, 'first')}. {_predicted(near, theory)}",
        judged,
    )


def _half(ends: pd.DataFrame, criterion: str) -> str:
    share = ends.groupby("repeats")[criterion].mean()
    return f"{share[share >= 0.5].index.min()}" if (share >= 0.5).any() else "none"


def _predicted(near: int, theory: pd.DataFrame) -> str:
    """What the numerical theory says of R, with the draws whose threshold is only bounded."""
    low, high = numbers(theory, "between_low"), numbers(theory, "between_high")
    least, greatest = float(np.median(low)), float(np.median(high))
    median = f"R = {least:.3g}" if least == greatest else f"{_between(least, greatest)}"
    above = near > high.max()
    longest = np.where(theory["metastable_censored"], np.inf, numbers(theory, "metastable_until"))
    stands = float(np.median(theory["metastable_until"]))
    until = at_least(f"{stands:.3g}", bool(np.median(longest) > stands))
    bounded = theory[low < high]
    rest = low == high
    known = f"; {low[rest].min():.3g} to {high[rest].max():.3g} over draws" if rest.any() else ""
    text = (
        f"The numerical theory puts the threshold at {median} (median{known}), "
        f"{'below' if above else 'not clearly below'} {near}, and lets the unembedded state stand until "
        f"R {until if until.startswith('≥') else f'= {until}'}."
    )
    if bounded.empty:
        return text
    listed = "; ".join(
        f"draw {int(row['draw'])}: {_between(float(row['between_low']), float(row['between_high']))}"
        for _, row in bounded.iterrows()
    )
    return (
        f"{text} In {len(bounded)} of {len(theory)} draws the losses of the two states do not cross where both exist, "
        f"so that the threshold is only bounded ({listed})."
    )


def _between(low: float, high: float) -> str:
    """R between two ends, of which 0 and ∞ say nothing."""
    return (
        f"R > {low:.3g}"
        if np.isinf(high)
        else f"R < {high:.3g}"
        if low <= 0
        else f"{low:.3g} < R < {high:.3g}"
    )


def _suppressed(ends: pd.DataFrame) -> Finding:
    with_point, without = (numbers(ends[ends["embedded"] == side], "stored") for side in (True, False))
    if not len(with_point) or not len(without):
        return Finding(
            "All runs end alike, so that they cannot show whether the point replaces a feature.",
            {REPLACES: "not tested"},
        )
    fewer = float(without.mean() - with_point.mean())
    apart = mean_interval(with_point).high < mean_interval(without).low
    replaced = apart and 0.5 <= fewer <= 1.5
    verdict = (
        "**the point replaces about one feature**, as published"
        if replaced
        else "this does not show that the point replaces one feature"
    )
    return Finding(
        f"Features stored at the end, with the point embedded: {tally(with_point)}; without: {tally(without)}: "
        f"{verdict}.",
        {REPLACES: "agrees" if replaced else "not decided"},
    )


def _order(ends: pd.DataFrame) -> str:
    both = ends[ends["embedded"] & ends["features_from"].notna()]
    if len(both) < 3:
        return "Too few runs end with the point embedded to say what is learned first."
    point, features = (numbers(both, name) for name in ("point_from", "features_from"))
    before, after = int(np.sum(point < features)), int(np.sum(point > features))
    share = share_interval(before, before + after) if before + after else None
    order = "neither is clearly first"
    if share is not None and (share.low > 0.5 or share.high < 0.5):
        order = "the point is first" if share.low > 0.5 else "features are first"
    return (
        f"Of {len(both)} runs that end with the point embedded, {before} had it so before three features were stored, "
        f"{after} after, {len(both) - before - after} at the same snapshot: {order}. In the "
        f"median the point is embedded from {np.median(point):.1%} of training on, the third feature stored from "
        f"{np.median(features):.1%}."
    )


def _near_misses(ends: pd.DataFrame) -> Finding:
    missed = ends[ends["near_miss"]]
    if missed.empty:
        share = ends.groupby("repeats")["embedded"].transform("mean")
        about = int(((share > 0) & (share < 1)).sum())
        by_length = bool(ends["near_by_length"].any())
        verdict = "not tested" if not about else "not seen" if not by_length else "agrees only by length"
        of_these = f" (at most {share_interval(0, about).high:.0%} of these)" if about else ""
        outcome: Outcome = "not tested" if not about else "agrees in part" if by_length else "not decided"
        out = ends[~ends["embedded"]]
        nearest = ""
        if len(out) and not by_length:  # else the next sentence tells of it
            one = out.iloc[int(np.argmax(numbers(out, "peak") - numbers(out, "end")))]
            nearest = (
                f" The largest fall is at R = {int(one['repeats'])}, seed {int(one['seed'])}: the hidden vector "
                f"reaches {one['peak']:.2f} and ends at {one['end']:.2f}."
            )
        return Finding(
            f"**No near miss** in {len(ends)} runs ({_at_most(ends)}), {about} of them at R where seeds end "
            f"differently{of_these}; published: some, about the threshold: {verdict}.{nearest}",
            {NEAR_MISSES: outcome},
        )
    longest = missed.iloc[int(np.argmax(numbers(missed, "lasting")))]
    return Finding(
        f"**Near misses are there**, as published: {_counted(missed, ends)}, {_places(missed)}. The longest, "
        f"R = {int(longest['repeats'])}, seed {int(longest['seed'])}, is embedded at {longest['lasting']:.0%} of "
        f"the snapshots, its hidden vector then up to {longest['peak']:.2f} long.",
        {NEAR_MISSES: "agrees"},
    )


def _near_by_length(ends: pd.DataFrame) -> str:
    missed = ends[ends["near_by_length"]]
    if missed.empty:
        back = ends[ends["fell_back"]]
        listed = "; ".join(
            f"R = {int(row['repeats'])}, seed {int(row['seed'])}: {row['peak']:.2f}, then {row['end']:.2f}"
            for row in back.to_dict("records")
        )
        slight = (
            f" Less than half of it is lost where it falls back below {EMBEDDED:g}: {listed}."
            if listed
            else ""
        )
        return f"By length alone there is none ({_at_most(ends)}).{slight}"
    most = missed.iloc[int(np.argmax(numbers(missed, "peak")))]
    return (
        f"By length alone, without asking for a D_X among the first, {_counted(missed, ends)} memorize and drop the "
        f"point, {_places(missed)}: the hidden vector of "
        f"R = {int(most['repeats'])}, seed {int(most['seed'])} reaches {most['peak']:.2f} and ends at "
        f"{most['end']:.2f}."
    )


def _counted(missed: pd.DataFrame, ends: pd.DataFrame) -> str:
    share = share_interval(len(missed), len(ends))
    return f"{len(missed)} of {len(ends)} runs ({share.low:.0%} to {share.high:.0%})"


def _places(missed: pd.DataFrame) -> str:
    return f"at R = {', '.join(str(R) for R in sorted(set(missed['repeats'])))}"


def _at_most(ends: pd.DataFrame) -> str:
    return f"at most {share_interval(0, len(ends)).high:.0%} at 95 %"
