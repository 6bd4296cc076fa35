"""Experiment ``dataset-size``: test loss, dimensionalities and pictures against the number of datapoints.

Henighan et al. 2023, sections "How Do Models Change with Dataset Size?" and "Superposition Double Descent". Losses are
summed over features; the zero output loses 1 exactly. Across n, datasets are compared at equal T(1 − S), how often a
feature is seen.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.bump import Bump, find_bump
from experiments.clouds import points_of
from experiments.dataset_size.drawing import draw, levels_of
from experiments.findings import Finding, Outcome, outcome_of
from experiments.following import STORED
from experiments.grouping import (
    for_good,
    least_of_each,
    listed,
    medians,
    numbers,
    values_by,
)
from experiments.published import (
    PUBLISHED_N,
    PUBLISHED_ONSET,
    PUBLISHED_PEAK,
    PUBLISHED_SEEN,
    PUBLISHED_SPARSITY,
    peak_outcome,
    published_test_loss,
)
from numerics import Run
from theory.features.loss_budget import loss_budget
from theory.features.polygon import polygon
from theory.memorization.overlap import hypothesis_generalization_scale
from verify.diagnosis import diagnose_run

__all__ = ["KEYS", "collect", "derived", "describe", "draw", "sentences"]

#: Sizes with pictures, where there are runs of that size; beside them the largest size.
PICTURED = (3, 5, 8, 15, 50, 300, 1000, 10_000)
MOST_PICTURED = 7

#: Up to this T the paper calls datasets small: lengths and norms grow as memorization demands.
FEW = 30

#: What the paper says of D_f at the end, where a pentagon alone has 2/5, and what "notably" is taken to mean.
SMALL = "Features end with a D_f notably below 2/5"
NOTABLY = 0.9
#: D_f has come to its end where it changes by no more than this factor between the last two T.
SETTLED = 1.1
#: A lower bar for a stored feature, to see how far the onset hangs on it.
EARLY = STORED / 2

#: A norm is near another within this factor, and falls far where it falls by more than that one.
NEAR, MUCH = 1.15, 4

#: How often a feature is seen, T(1 − S), where features are published to appear.
PUBLISHED_ONSETS = {
    "the authors": round(PUBLISHED_ONSET[0] * (1 - PUBLISHED_SPARSITY), 9),
    "Jermyn's comment on what sets it": PUBLISHED_SEEN,
    "Jermyn's replication": round(PUBLISHED_ONSET[1] * (1 - PUBLISHED_SPARSITY), 9),
}
#: Of these, what names a place and not a scale, for which scale-sparsity has a measure.
PLACES = ("the authors", "Jermyn's replication")

#: Columns that tell runs apart.
KEYS = ("T", "data_seed", "seed")

_COLUMNS = [
    "T", "data_seed", "seed", "status", "train_loss", "test_loss", "test_loss_error",
    "largest_data_dimensionality", "largest_feature_dimensionality", "weight_norm", "bias_norm",
]  # fmt: skip

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs`` (all, with ``chosen`` of least train loss for each T and data seed), ``points``,
    ``levels``.
    """
    best = least_of_each(table, ["T", "data_seed"], "train_loss")
    kept = _chosen(table[_COLUMNS].sort_values(list(KEYS), ignore_index=True))
    sizes = _sizes(list(values_by(table, "T", "T")))
    first = min(run.setting.data_seed for run in runs)
    shown = [runs[k] for k in best if runs[k].setting.data_seed == first and runs[k].setting.T in sizes]
    pictured = [_pictured(run) for run in sorted(shown, key=lambda run: run.setting.T)]
    empty = pd.DataFrame(columns=["T", "kind", "x", "y"])
    points = pd.concat(pictured, ignore_index=True) if pictured else empty
    levels = _levels(runs[0].setting.n, runs[0].setting.sparsity)
    return {"runs": kept, "points": points, "levels": levels, "published": published_test_loss()}


def derived(tables: Tables) -> Tables:
    """The tables, with the chosen of all runs, and of pictures those that are shown."""
    points = tables["points"]
    shown = _sizes([int(T) for T in np.unique(numbers(points, "T"))])
    return tables | {"runs": _chosen(tables["runs"]), "points": points[points["T"].isin(shown)]}


def _chosen(kept: pd.DataFrame) -> pd.DataFrame:
    """Marks the run of least train loss for each T and data seed."""
    best = least_of_each(kept, ["T", "data_seed"], "train_loss")
    return kept.assign(chosen=kept.index.isin(best))


def _sizes(available: list[int]) -> list[int]:
    wanted = sorted({max(available)}.union(PICTURED) & set(available))
    while len(wanted) > MOST_PICTURED:
        wanted.pop(1)
    return wanted


def _pictured(run: Run) -> pd.DataFrame:
    points = points_of(run, diagnose_run(run))
    points.insert(0, "T", run.setting.T)
    return points


def _levels(n: int, sparsity: float) -> pd.DataFrame:
    budget, ring = loss_budget(n, sparsity), polygon(5, law="normalized", n=n, sparsity=sparsity)
    values = {
        "n": n,
        "density": 1 - sparsity,
        "zero_output": budget.zero_output,
        "bias_only": budget.bias_only,
        "pentagon": budget.with_features(ring.gain, 5),
        "generalization_scale": hypothesis_generalization_scale(sparsity),
    }
    return pd.DataFrame({"level": list(values), "value": list(values.values())})


def describe(tables: Tables) -> str:
    """The bump, the two sides of it, the limit, and the published curve."""
    return "\n".join(f"- {part}" for part in sentences(tables))


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    chosen = tables["runs"].query("chosen")
    losses = values_by(chosen, "T", "test_loss")
    density, bump = float(levels_of(tables)["density"]), find_bump(losses)
    return [
        _bump(bump, losses, density),
        _memorization(chosen, bump.T),
        _generalization(chosen, density),
        _norms(chosen),
        _limit(losses, tables),
        _published(losses, tables),
    ]


def _bump(bump: Bump, losses: dict[int, list[float]], density: float) -> Finding:
    first, last = min(losses), max(losses)
    seen, over = bump.T * density, f"{bump.over_first} times that at T = {first} and {bump.over_last} times"
    said = (
        f"at T = {bump.T}, T(1 − S) = {seen:.3g}, the test loss is {bump.loss} (geometric mean over "
        f"{len(losses[bump.T])} dataset seeds, 95 % interval), {over} that at T = {last}"
    )
    head, tail = (
        (
            "**The bump is there**",
            f"above both by Welch's one-sided test at level 5 %, divided by the {bump.inner} T it was chosen among",
        )
        if bump.there
        else (
            "**The bump is not established**",
            "its largest value between both ends is not surely above them",
        )
    )
    outcome: Outcome = "agrees" if bump.there else "not decided"
    return Finding(
        f"{head}: {said}; {tail}.", {"The test loss rises between memorization and generalization": outcome}
    )


def _memorization(chosen: pd.DataFrame, peak: int) -> Finding:
    """How the largest D_X follows m/T up to the peak of the test loss; behind it features are stored."""
    largest = medians(values_by(chosen, "T", "largest_data_dimensionality"))
    ratio = {T: value * T / 2 for T, value in largest.items() if 3 <= T <= peak}
    near = [T for T, value in ratio.items() if abs(value - 1) <= 0.1]
    memorized = values_by(chosen.assign(memorized=chosen["status"] == "memorized"), "T", "memorized")
    all_of = [T for T, each in memorized.items() if all(each)]
    few = [T for T in ratio if T <= FEW]
    judged = {
        f"Up to T = {FEW} the largest D_X is m/T, that of a T-gon": outcome_of(
            len(set(few) & set(near)), len(few)
        )
    }
    if not near:
        return Finding(
            "Nowhere is the median of the largest D_X within 10 % of m/T, what a regular T-gon has.", judged
        )
    most = max(ratio, key=lambda T: ratio[T])
    return Finding(
        f"The largest D_X, median over dataset seeds, is within 10 % of m/T, what a regular T-gon has and the paper "
        f"shows, at T = {listed(near)} ({len(set(few) & set(near))} of "
        f"{len(few)} T up to {FEW}); every chosen run memorizes at T = {listed(all_of) or 'none'}. At the other T "
        f"up to the peak some datapoint has more room than m/T, most of all {ratio[most]:.3g} times as much at T = "
        f"{most}.",
        judged,
    )


def _generalization(chosen: pd.DataFrame, density: float) -> Finding:
    """From where on features are stored, and from where on the zero output is beaten, beside what was published."""
    largest = medians(values_by(chosen, "T", "largest_feature_dimensionality"))
    losses = medians(values_by(chosen, "T", "test_loss"))
    stored = for_good({T: value >= STORED for T, value in largest.items()})
    early = for_good({T: value >= EARLY for T, value in largest.items()})
    better = for_good({T: value < 1 for T, value in losses.items()})
    text = (
        f"Features with a D_f of {STORED} or more, half of a pentagon's 2/5, are stored {_from(stored, density)}; with "
        f"{EARLY} or more {_from(early, density)}; "
        f"the test loss is below the zero output's {_from(better, density)} (medians). At the largest T the largest "
        f"D_f is {largest[max(largest)]:.3g}."
    )
    if stored is None or early is None or not early[0]:
        untested: Outcome = "not tested"
        return Finding(
            f"{text} By one of these measures the runs do not show where generalization sets in.",
            dict.fromkeys([*map(_onset, PLACES), SMALL], untested),
        )
    within, early_too, perhaps = (
        [name for name, seen in PUBLISHED_ONSETS.items() if low * 1.0001 < seen / density <= high * 1.0001]
        for low, high in (stored, early, (min(early[0], stored[0]), max(early[1], stored[1])))
    )
    seen_out = abs(math.log(largest[max(largest)] / largest[sorted(largest)[-2]])) <= math.log(SETTLED)
    onsets = listed(f"{seen:g} ({name})" for name, seen in PUBLISHED_ONSETS.items())
    agrees = (
        f"with {' and '.join(within)} the first agrees"
        if within
        else "with none of them does the first agree"
    )
    return Finding(
        f"{text} Published are onsets of features at T(1 − S) = {onsets}: {agrees}.",
        {_onset(name): _place(name in within, name in early_too, name in perhaps) for name in PLACES}
        | {SMALL: outcome_of(largest[max(largest)] <= NOTABLY * 2 / 5, 1) if seen_out else "not decided"},
    )


def _place(here: bool, early: bool, between: bool) -> Outcome:
    """A place agrees where both bars put it, differs where neither does and it does not lie between them."""
    return "agrees" if here and early else "not decided" if between else "differs"


def _onset(name: str) -> str:
    return f"Features are stored from T(1 − S) = {PUBLISHED_ONSETS[name]:g} on ({name})"


def _from(ends: tuple[float, float] | None, density: float) -> str:
    if ends is None:
        return "at no T to the end"
    return f"from T = {ends[1]} on (T(1 − S) = {ends[1] * density:.3g}{f', not at {ends[0]}' if ends[0] else ''})"


def _norms(chosen: pd.DataFrame) -> Finding:
    """The course of ‖W‖ and ‖b‖ over all T, beside what authors and replication see."""
    courses = {
        name: medians(values_by(chosen, "T", column))
        for name, column in (("‖W‖", "weight_norm"), ("‖b‖", "bias_norm"))
    }
    weight, bias = courses.values()
    first, last = min(weight), max(weight)
    peaks = {name: max(course, key=course.__getitem__) for name, course in courses.items()}
    listed_peaks = ", ".join(
        f"{name} from {course[first]:.3g} to {course[peaks[name]]:.3g} at T = {peaks[name]} and {course[last]:.3g}"
        for name, course in courses.items()
    )
    above = [T for T in weight if bias[T] > weight[T]]
    before = first < PUBLISHED_PEAK[0]
    ratio = weight[last] / math.sqrt(5)
    stored = medians(values_by(chosen, "T", "largest_feature_dimensionality"))[last] >= STORED
    peaking = [peak_outcome(course) for course in courses.values()]
    fall = [course[first] < course[peaks[name]] > MUCH * course[last] for name, course in courses.items()]
    text = (
        f"Medians of the norms go, from T = {first} to {last}, {listed_peaks}; ‖b‖ exceeds ‖W‖ at T = "
        f"{_span(above, list(weight))}. At T = {last} ‖W‖ is {ratio:.3g} times √5, the norm of five unit columns; "
        "other columns add to it (`sea.separated-gain`)."
    )
    return Finding(
        text,
        {
            "‖W‖ and ‖b‖ peak around T = 30": outcome_of(
                peaking.count("agrees"), len(peaking) - peaking.count("not tested")
            ),
            "Both norms rise with T and fall far once features are learned (Jermyn)": outcome_of(
                sum(fall), len(fall) * (stored and before)
            ),
            "With much data ‖b‖ is below ‖W‖ again (Jermyn)": outcome_of(
                bool(above) and last not in above, int(stored and before)
            ),
            "With much data ‖W‖ is near √5": outcome_of(1 / NEAR <= ratio <= NEAR, int(stored)),
        },
    )


def _span(values: Sequence[int], of: Sequence[int]) -> str:
    """Values in a row; neighbours among all by their ends."""
    whole = len(values) > 1 and list(values) == [each for each in of if values[0] <= each <= values[-1]]
    return f"{values[0]} to {values[-1]}" if whole else listed(values) or "none"


def _limit(losses: dict[int, list[float]], tables: Tables) -> str:
    level, last = levels_of(tables), max(losses)
    found = losses[last]
    better = sum(loss < level["zero_output"] for loss in found)
    units = level["n"]
    return (
        f"At T = {last} the median test loss is {np.median(found):.5g} ({min(found):.5g} to {max(found):.5g} over "
        f"dataset seeds); {better} of {len(found)} predict better than the zero output, which loses "
        f"{level['zero_output']:.5g}. Biases alone lose {level['bias_only']:.5g}, a pentagon of free radius and bias "
        f"at T → ∞ about {level['pentagon']:.5g}. In units of 1/n, a feature's share of the zero output's loss, "
        f"biases alone gain {units * (1 - level['bias_only']):.3g}, the pentagon "
        f"{units * (1 - level['pentagon']):.3g} and the median model {units * (1 - float(np.median(found))):.3g}."
    )


def _published(losses: dict[int, list[float]], tables: Tables) -> Finding:
    published = tables["published"].query("T < inf")
    level = levels_of(tables)
    size, loss = numbers(published, "T"), numbers(published, "test_loss")
    seen = size * (1 - PUBLISHED_SPARSITY)
    first = int(np.argmax(loss))
    second = int(np.argmax(np.where(seen >= 0.5, loss, -np.inf)))
    own = [
        float(np.median(each))
        for T, each in losses.items()
        if math.isclose(T * level["density"], seen[second])
    ]
    text = (
        f"The published curve (n = {PUBLISHED_N}) has its largest value {loss[first]:.5g} at T = {size[first]:.0f} "
        f"and, where features are seen more than half a time, {loss[second]:.5g} at T(1 − S) = {seen[second]:.3g}"
    )
    text += f", where ours has {own[0]:.4g} (median)." if own else "."
    same = round(level["n"]) == PUBLISHED_N
    if not same:
        text += " At a different n only places can be compared."
    far = bool(own) and own[0] - 1 > 10 * (loss[second] - 1)
    if far:
        text += (
            " The replication printed with the paper also reports middle losses far above the published ones (up to "
            "5 000). What keeps the published ones small is not explained here."
        )
    return Finding(
        text,
        {"Between the regimes the test loss stays near 1": outcome_of(not far, int(same and bool(own)))},
    )
