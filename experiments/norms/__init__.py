"""Experiment ``norms``: ‖W‖, ‖b‖ and the lengths of hidden vectors and features against the number of
datapoints.

Henighan et al. 2023, section "How Do Models Change with Dataset Size?", second figure. Theory is the regular T-gon of
least norm; beyond the T at which half of all datasets need a bias that AdamW cannot reach within the schedule
(`optimization.necessary-bias`, `optimization.reach`), its line is broken.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from experiments.findings import Finding, outcome_of
from experiments.grouping import listed, medians, numbers, values_by
from experiments.norms.drawing import draw
from experiments.published import PUBLISHED_PEAK, peak_outcome, published_norms
from numerics import Run
from numerics.schedule import learning_rates
from theory import tgon_bias_norm, tgon_weight_norm
from theory.memorization.tgon import bias_overtakes_weights_at, tgon_radius_squared
from theory.optimization.reach import reach, tgon_within_reach
from verify.diagnosis import definitions, diagnose_run

__all__ = ["collect", "describe", "draw", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: Two series agree where their ratio is within this factor.
AGREES = 1.1
#: What the paper sees peak there.
PEAKING = {
    "hidden_length": "median hidden length",
    "feature_length": "longest feature",
    "weight_norm": "‖W‖",
    "bias_norm": "‖b‖",
}

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``theory`` (a row per T) and ``published``."""
    measured = pd.DataFrame([_row(run) for run in runs]).sort_values(["T", "seed"], kind="stable")
    setting = runs[0].setting
    bound = reach(learning_rates(setting), setting.weight_decay)
    sizes = np.arange(3, int(table["T"].max()) + 1)
    theory = pd.DataFrame({"T": sizes})
    theory["weight_norm"] = tgon_weight_norm(sizes)
    theory["bias_norm"] = tgon_bias_norm(sizes)
    theory["hidden_length"] = np.sqrt(tgon_radius_squared(sizes))
    chances = [tgon_within_reach(int(T), bound, setting.n, setting.sparsity) for T in sizes]
    theory["within_reach"] = np.round(chances, 3)
    theory["largest_bias"] = bound
    published = published_norms()
    return {"runs": measured, "theory": theory, "published": published[published["T"] <= sizes[-1]]}


def _row(run: Run) -> dict[str, object]:
    record = run.record
    return {
        "T": run.setting.T,
        "seed": run.setting.seed,
        "memorized": run.status == "memorized",
        "diagnosis": diagnose_run(run).name,
        "disjoint": run.data.has_disjoint_supports,
        "weight_norm": record.weight_norm,
        "bias_norm": record.bias_norm,
        "hidden_length": float(np.median(np.sqrt(record.radius_squared))),
        "feature_length": float(np.linalg.norm(run.W.astype(np.float64), axis=0).max()),
        "largest_bias": float(np.abs(run.b).max()),
    }


def describe(tables: Tables) -> str:
    """Growth, agreement with the T-gon, the crossing of ‖b‖ and ‖W‖, the reach, and the published series."""
    return "\n".join([*(f"- {part}" for part in sentences(tables)), "", *_ratio_table(tables)])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    return [
        _against_theory(tables),
        _crossing(tables),
        _reach(tables),
        _growth(tables),
        _published(tables),
    ]


def _memorized(tables: Tables) -> pd.DataFrame:
    runs = tables["runs"]
    return runs[runs["memorized"] & runs["disjoint"]]


def _against_theory(tables: Tables) -> str:
    good = _memorized(tables)
    if good.empty:
        return "No run memorizes disjoint data: the theory of memorization has nothing to be compared with."
    least = dict(zip(tables["theory"]["T"], tables["theory"]["weight_norm"], strict=True))
    ratios = {
        T: [value / least[T] for value in each] for T, each in values_by(good, "T", "weight_norm").items()
    }
    lowest = min(min(each) for each in ratios.values())
    middle = medians(ratios)
    agree = [T for T, value in middle.items() if value <= AGREES]
    verdict = (
        "None of these runs is below the least norm; it bounds runs that memorize, and others may have less"
        if lowest >= 1
        else f"The lowest ratio is {lowest:.4f}, below 1 by what the remaining error allows or by a broken assumption"
    )
    return (
        f"Of runs that memorize data with disjoint supports, the median ‖W‖ is within 10 % of the regular "
        f"T-gon's at T = "
        f"{_row_of(agree) or 'none'}, above it at T = "
        f"{_row_of([T for T in middle if T not in agree]) or 'none'} (table "
        f"below). {verdict}. What is above is what decay had no time to remove "
        f"(`optimization.decay-budget`), two "
        "circles, and polygons that are not regular."
    )


def _ratio_table(tables: Tables) -> list[str]:
    """‖W‖ over the least: all that memorize, and the regular T-gons among them."""
    good = _memorized(tables)
    least = dict(zip(tables["theory"]["T"], tables["theory"]["weight_norm"], strict=True))
    runs = tables["runs"]
    seeds = {T: len(each) for T, each in values_by(runs[runs["disjoint"]], "T", "seed").items()}
    every = values_by(good, "T", "weight_norm")
    regular = values_by(good[good["diagnosis"] == "regular T-gon"], "T", "weight_norm")

    def cell(values: list[float], T: int) -> str:
        ratios = np.array(values) / least[T]
        return f"{np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f})" if len(ratios) else "–"

    head = [
        "| T | memorize, of seeds on disjoint data | ‖W‖ over the least: median (range) | regular T-gons alone |",
        "|---|---|---|---|",
    ]
    rows = [
        f"| {T} | {len(every.get(T, []))}/{seeds[T]} | {cell(every.get(T, []), T)} | "
        f"{cell(regular.get(T, []), T)} |"
        for T in seeds
        if T in every
    ]
    counted = (
        f"Counted are seeds whose datapoints share no feature, of {_seeds(runs)} for each T. "
        f"{definitions(['two circles', 'regular T-gon', 'irregular polygon'])}"
    )
    return [*head, *rows, "", counted] if rows else []


def _crossing(tables: Tables) -> Finding:
    runs = tables["runs"]
    above = {
        T: np.mean(np.array(b) > np.array(w))
        for (T, b), w in zip(
            values_by(runs, "T", "bias_norm").items(),
            values_by(runs, "T", "weight_norm").values(),
            strict=True,
        )
    }
    most = [T for T, share in above.items() if share > 0.5]
    predicted = bias_overtakes_weights_at()
    rises = bool(most) and min(above) < most[0] and most == [T for T in above if most[0] <= T]
    spans = min(above) < predicted <= max(above)
    judged = {"‖b‖ starts below ‖W‖ and becomes larger (Jermyn)": outcome_of(rises, int(spans))}
    if not most:
        return Finding(
            f"‖b‖ stays below ‖W‖ in most seeds at every T here; the theory has it above from T = {predicted} on.",
            judged,
        )
    whole = most == [T for T in above if most[0] <= T]
    seen = f"from T = {most[0]} on" if whole else f"at T = {listed(most)}"
    differ = [str(T) for T in above if (T in most) != (predicted <= T)]
    verdict = (
        f"T = {', '.join(differ)} {'differs' if len(differ) == 1 else 'differ'}"
        if differ
        else "every T here agrees"
        if min(above) < predicted
        else "every T here lies beyond it"
    )
    return Finding(
        f"‖b‖ exceeds ‖W‖ in most seeds {seen}; the theory says from T = {predicted} on "
        f"(`memorization.bias-overtakes`): {verdict}.",
        judged,
    )


def _reach(tables: Tables) -> str:
    theory, runs = tables["theory"], tables["runs"]
    bound = float(theory["largest_bias"].iloc[0])
    out = theory.loc[theory["within_reach"] < 0.5, "T"]
    largest = medians(values_by(runs, "T", "largest_bias"), max)
    most = max(largest, key=lambda T: largest[T])
    first = f"from T = {int(out.iloc[0])} on" if len(out) else "nowhere in this range"
    return (
        f"Steps of at most the learning rate take a bias to {bound:.4g} at most (`optimization.reach`; Adam "
        f"may exceed it "
        f"while gradients grow). The largest |b| of all runs is {largest[most]:.4g}, at T = {most}. A "
        f"regular T-gon needs "
        f"more than the former on half of all datasets {first}."
    )


def _growth(tables: Tables) -> Finding:
    """Where each length is largest, against the peak of the paper."""
    runs = tables["runs"]
    courses = {column: medians(values_by(runs, "T", column)) for column in PEAKING}
    told = "; ".join(_peak(course, PEAKING[column]) for column, course in courses.items())
    last = int(runs["T"].max())
    rise = last > PUBLISHED_PEAK[1] and all(
        _largest(courses[column]) == last for column in ("weight_norm", "bias_norm")
    )
    tested = [peak_outcome(course) for course in courses.values()]
    return Finding(
        "The paper sees hidden vectors and features longest around T = 30, falling fast after it, and the same course "
        f"of ‖W‖ and ‖b‖. Largest medians over seeds: {told}. "
        + (
            "Both norms rise as in the paper's first replication, until features are learned there. "
            if rise
            else ""
        )
        + f"What follows T = {last}, of the norms, is told on [dataset-size](dataset-size.md).",
        {
            "Lengths and norms peak around T = 30": outcome_of(
                tested.count("agrees"), len(tested) - tested.count("not tested")
            )
        },
    )


def _largest(course: Mapping[int, float]) -> int:
    return max(course, key=course.__getitem__)


def _peak(course: Mapping[int, float], name: str) -> str:
    peak, last, verdict = _largest(course), max(course), peak_outcome(course)
    if peak == last:
        rises = ", it rises to the end" if verdict == "differs" else ""
        return f"{name} {course[last]:.4g} at the last T = {last} ({verdict}{rises})"
    return f"{name} {course[peak]:.4g} at T = {peak}, {course[last]:.4g} at T = {last} (the place {verdict})"


def _published(tables: Tables) -> str:
    published, runs = tables["published"], tables["runs"]
    inside: list[int] = []
    outside: list[str] = []
    own = values_by(runs, "T", "weight_norm")
    for T, value in zip(numbers(published, "T").astype(int), numbers(published, "weight_norm"), strict=True):
        if T not in own:
            continue
        low, high = min(own[T]), max(own[T])
        if low * 0.97 <= value <= high * 1.03:
            inside.append(int(T))
        else:
            outside.append(f"T = {T} ({value:.3g}, ours {low:.3g} to {high:.3g})")
    if not inside and not outside:
        return "No published value lies at a T of these runs."
    return (
        f"The published ‖W‖ (one seed, read to 3 %) lies within the range of our {_seeds(runs)} seeds, memorizing or "
        f"not, at T = {_row_of(inside) or 'none'}"
        + (f", outside it at {'; '.join(outside)}." if outside else ", and nowhere outside it.")
    )


def _row_of(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _seeds(runs: pd.DataFrame) -> str:
    """How many seeds each T has: one number where all have as many."""
    counts = {len(each) for each in values_by(runs, "T", "seed").values()}
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
