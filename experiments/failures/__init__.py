"""Experiment ``failures``: what became of many seeds at m = 2, and the gap between two circles.

Henighan et al. 2023, section "Optimization Failures in 2D". Names are those of `verify.diagnosis`. On two circles,
neighbours of squared lengths x ≤ y memorize, with squared errors of at most ε, only if the angle between them is at
least arccos((x − 1 + 2√ε)/√(xy)) (`stationary.interface-gap`, `memorization.robust-constraint`).

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.clouds import points_of
from experiments.failures.drawing import KINDS, draw
from experiments.findings import Finding, outcome_of
from experiments.grouping import numbers
from numerics import Run
from theory import tgon_energy
from theory.memorization.failures import dropped_point_loss
from verify.diagnosis import DROPPED_ERROR, DROPPED_LENGTH, definitions, diagnose_run
from verify.statistics import share_interval

__all__ = ["collect", "describe", "draw", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: A dropped run agrees where its loss is this near to that of `stationary.dropped-loss`.
DROPPED_TOLERANCE = 0.1

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``shares`` (by T and name), ``points`` (one run of each kind) and ``gaps`` (of two
    circles).
    """
    names = [diagnose_run(run) for run in runs]
    listed = pd.DataFrame(
        [
            {
                "T": run.setting.T,
                "seed": run.setting.seed,
                "diagnosis": name.name,
                "memorized": run.status == "memorized",
                "disjoint": run.data.has_disjoint_supports,
                "weight_ratio": run.record.weight_norm / np.sqrt(tgon_energy(run.setting.T)),
                "train_loss": run.record.train_loss,
                "dropped": count_dropped(run) if name.name == "dropped point" else 0,
            }
            for run, name in zip(runs, names, strict=True)
        ]
    ).sort_values(["T", "seed"], kind="stable")
    circles = [run for run, name in zip(runs, names, strict=True) if name.name == "two circles"]
    gaps = pd.DataFrame([row for run in circles for row in interface_gaps(run)], columns=_GAP_COLUMNS)
    return {"runs": listed, "shares": _shares(listed), "points": _examples(runs, listed), "gaps": gaps}


def count_dropped(run: Run) -> int:
    """Datapoints near the origin that are not reconstructed, as `verify.diagnosis` counts them."""
    lengths = np.sqrt(run.record.radius_squared)
    near = lengths <= DROPPED_LENGTH * np.median(lengths)
    return int(np.sum(near & (run.record.point_error >= DROPPED_ERROR)))


def _shares(listed: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for T in np.unique(numbers(listed, "T")).astype(int):
        names = listed.loc[listed["T"] == T, "diagnosis"]
        for name in [*KINDS, *sorted(set(names) - set(KINDS))]:
            count = int((names == name).sum())
            share = share_interval(count, len(names))
            rows.append((T, name, count, len(names), share.value, share.low, share.high))
    return pd.DataFrame(rows, columns=["T", "diagnosis", "count", "seeds", "share", "low", "high"])


def _examples(runs: Sequence[Run], listed: pd.DataFrame) -> pd.DataFrame:
    """The run of each kind, at the T where that kind is most frequent, that stands in the middle by its
    ‖W‖.
    """
    clouds = []
    for name in KINDS:
        kind = listed[listed["diagnosis"] == name]
        if kind.empty:
            continue
        T = int(kind["T"].mode().iloc[0])
        ordered = kind[kind["T"] == T].sort_values(["weight_ratio", "seed"])
        middle = ordered.iloc[(len(ordered) - 1) // 2]
        run = next(run for run in runs if run.setting.T == T and run.setting.seed == middle["seed"])
        points = points_of(run, diagnose_run(run))
        points = points[points["kind"].str.endswith("hidden")]
        points.insert(0, "seed", int(middle["seed"]))
        points.insert(0, "T", T)
        points.insert(0, "diagnosis", name)
        clouds.append(points)
    return pd.concat(clouds, ignore_index=True)


#: What is published of runs that fail to merge two circles.
CIRCLES = "Some models put their datapoints on two circles"
GAP = "Two circles need a large gap at their interface"

_GAP_COLUMNS = [
    "T",
    "seed",
    "disjoint",
    "active",
    "inner",
    "inner_squared",
    "outer_squared",
    "gap",
    "least_gap",
    "bound",
]


def interface_gaps(run: Run) -> list[dict[str, object]]:
    """Each pair of neighbours on different circles: squared lengths, angle, and the least angles for it, in
    degrees.

    ``least_gap`` is that of exact memorization, ``bound`` that of the run's own largest error; it binds runs whose own
    outputs are positive (``active``). Points are inner up to the largest jump of the ordered lengths.
    """
    hidden = run.record.hidden
    squared = np.sum(hidden**2, axis=0)
    ordered = np.sort(np.sqrt(squared))
    inner = int(np.argmax(ordered[1:] / ordered[:-1])) + 1
    inside = np.sqrt(squared) <= ordered[inner - 1]
    around = np.argsort(np.arctan2(hidden[1], hidden[0]))
    slack = 2 * np.sqrt(run.record.worst_point_error)
    rows: list[dict[str, object]] = []
    for one, other in zip(around, np.roll(around, -1), strict=True):
        if inside[one] == inside[other]:
            continue
        x, y = sorted((float(squared[one]), float(squared[other])))
        turn = np.arctan2(*hidden[::-1, other]) - np.arctan2(*hidden[::-1, one])
        least, bound = (np.arccos(np.clip((x - 1 + extra) / np.sqrt(x * y), -1, 1)) for extra in (0, slack))
        facts = (
            run.setting.T,
            run.setting.seed,
            run.data.has_disjoint_supports,
            run.record.assumes("active outputs"),
            inner,
            x,
            y,
            float(np.degrees(turn % (2 * np.pi))),
            float(np.degrees(least)),
            float(np.degrees(bound)),
        )
        rows.append(dict(zip(_GAP_COLUMNS, facts, strict=True)))
    return rows


def describe(tables: Tables) -> str:
    """Shares, what they cost, and the gap formula."""
    parts = sentences(tables)
    head = f"Shares of seeds stand with their 95 % intervals (Clopper–Pearson). {definitions(KINDS)}"
    return "\n".join([head, "", *(f"- {part}" for part in parts)])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    return [*_share_lines(tables), _norms(tables), _dropped(tables), _gaps(tables["gaps"])]


def _share_lines(tables: Tables) -> list[str | Finding]:
    shares = tables["shares"]
    regular = shares[shares["diagnosis"] == "regular T-gon"]
    lines: list[str | Finding] = []
    for name in dict.fromkeys(shares["diagnosis"]):
        own = shares[shares["diagnosis"] == name]
        if not own["count"].sum():
            continue
        top = own.iloc[int(np.argmax(own["share"]))]
        sizes = own.loc[own["count"] > 0, "T"]
        line = (
            f"**{name}**: {int(own['count'].sum())} of {int(own['seeds'].sum())} runs, at T = "
            f"{_span(list(sizes))}; "
            f"most often at T = {top['T']}, {top['share']:.0%} of seeds ({top['low']:.0%} to "
            f"{top['high']:.0%})."
        )
        lines.append(Finding(line, {CIRCLES: "agrees"}) if name == "two circles" else line)
    if not any(isinstance(line, Finding) for line in lines):
        lines.append(Finding("No run ends on two circles.", {CIRCLES: "not decided"}))
    first, last = regular.iloc[0], regular.iloc[-1]
    most = regular.iloc[int(np.argmax(regular["share"]))]
    falls = last["high"] < most["low"]
    lines.append(
        f"From T = {most['T']} to T = {last['T']} the share of regular T-gons "
        + ("falls" if falls else "does not clearly fall")
        + f": {most['share']:.0%} ({most['low']:.0%} to {most['high']:.0%}) against {last['share']:.0%} "
        f"({last['low']:.0%} to {last['high']:.0%}). At T = {first['T']} it is {first['share']:.0%}."
    )
    return lines


def _span(values: list[int]) -> str:
    return f"{values[0]}–{values[-1]}" if len(values) > 1 else f"{values[0]}"


def _norms(tables: Tables) -> str:
    runs = tables["runs"]
    good = runs[runs["memorized"] & runs["disjoint"]]
    parts = []
    for name in KINDS:
        ratios = numbers(good[good["diagnosis"] == name], "weight_ratio")
        if len(ratios):
            low, high = np.quantile(ratios, [0.05, 0.95])
            parts.append(f"{name} {np.median(ratios):.2f} ({low:.2f} to {high:.2f}, {len(ratios)} runs)")
    if not parts:
        return "No run memorizes disjoint data."
    return f"‖W‖ over the least, where disjoint data are memorized (median, 5 % and 95 % quantile): {'; '.join(parts)}."


def _dropped(tables: Tables) -> str:
    runs = tables["runs"]
    kind = runs[(runs["dropped"] > 0) & runs["disjoint"]]
    if kind.empty:
        return "No run on disjoint data drops a point."
    T, count = numbers(kind, "T").astype(int), numbers(kind, "dropped").astype(int)
    expected = [dropped_point_loss(int(size), int(many)) for size, many in zip(T, count, strict=True)]
    ratio = numbers(kind, "train_loss") / np.array(expected)
    low, high = np.quantile(ratio, [0.05, 0.95])
    agree, cheap = np.mean(np.abs(ratio - 1) <= DROPPED_TOLERANCE), np.mean(ratio <= 1 / 3)
    return (
        f"{len(kind)} runs on disjoint data drop {count.min()} to {count.max()} points. Their train loss is "
        f"{np.median(ratio):.3f} (median; 5 % and 95 % quantile {low:.3f} and {high:.3f}) times (D/T)(1 − 1/T), what D "
        f"dropped points cost "
        f"where all others "
        f"are exact and their hidden vectors add up to 0 (`stationary.dropped-loss`): {agree:.0%} agree within "
        f"{DROPPED_TOLERANCE:.0%}, {cheap:.0%} lose a third of it or less. Less is possible where the others do not "
        "add up to 0 (`stationary.dropped-error`)."
    )


def _gaps(gaps: pd.DataFrame) -> Finding:
    judged = gaps[gaps["disjoint"]]
    if judged.empty:
        return Finding(
            "No run on disjoint data ends on two circles: the gap formula has nothing to be held to.",
            {GAP: "not tested"},
        )
    angle, least, bound = (numbers(judged, name) for name in ("gap", "least_gap", "bound"))
    narrow, bound_holds = angle < bound - 1e-6, judged["active"].to_numpy(dtype=bool)
    violated = int(np.sum(narrow & bound_holds))
    verdict = (
        f"of {int(np.sum(bound_holds))} in runs whose own outputs are all positive, as the bound assumes, "
        + (
            "none is narrower than the run's own error allows, as memorization demands"
            if not violated
            else f"**{violated} are narrower than memorization allows**, which the theory rules out"
        )
    )
    if (others := judged[~bound_holds]).size:
        free = int(np.sum(narrow & ~bound_holds))
        verdict += (
            f"; of the {len(others)} in the other runs, which give up features of small amplitude, {free} are, "
            f"by at most {np.max((bound - angle)[~bound_holds], initial=0):.2g}°"
            if free
            else f"; nor is one of the {len(others)} in the other runs"
        )
    excess = angle - bound
    tight = float(np.mean(np.abs(excess) <= 2))
    priced = tight >= 0.5 and not violated
    explained = "what memorization costs, and mostly no more" if priced else "not fully explained by it"
    runs = len(judged[["T", "seed"]].drop_duplicates())
    below = least - angle
    without = int(np.sum(below > 0.1))
    return Finding(
        f"Two circles on disjoint data have {len(judged)} pairs of neighbours across the interface, in {runs} runs and "
        f"so not independent; {verdict}. Their angles are {np.median(angle):.1f}° in the median, the least angles "
        f"{np.median(bound):.1f}°; {tight:.0%} are within 2° of the least, the excess is {np.median(excess):.2f}° in "
        f"the median, {np.mean(excess):.1f}° in the mean and {np.max(excess):.1f}° at most "
        "(`stationary.interface-gap`, with the run's error by `memorization.robust-constraint`). "
        + (
            f"Without that error {without} would be too narrow by over 0.1°, at most {np.max(below):.1f}°. "
            if without
            else ""
        )
        + f"The “large angular gap” of the paper is {explained}.",
        {GAP: outcome_of(priced, 1)},
    )
