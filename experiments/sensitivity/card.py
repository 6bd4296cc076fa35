"""The page of experiment ``sensitivity``: a card of all changes and sentences chosen by it. Defines no equations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import Finding, Outcome
from experiments.grouping import numbers
from experiments.published import published_test_loss
from experiments.sensitivity.gap import BASELINE, FEATURE_ONSET, PEAK, QUANTITIES, Quantity
from theory import Setting
from verify.statistics import Interval, mean_interval, separation

__all__ = ["describe", "sentences"]

Row = Mapping[Hashable, Any]


def describe(tables: dict[str, pd.DataFrame]) -> str:
    """A card of all changes, which of them move what, and whether one reaches the published gap."""
    changes = tables["changes"].to_dict("records")
    head = (
        "| change | seeds | features from T = | times | test loss below 1 from T = | times | peak test loss | "
        "decades | at T = (median) | moves |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    lines = [_line(row) for row in changes]
    return "\n".join([_HEAD, "", head, *lines, "", *(f"- {part}" for part in sentences(tables))])


def sentences(tables: dict[str, pd.DataFrame]) -> list[str | Finding]:
    """What the page says, with what it judges."""
    changes = tables["changes"].to_dict("records")
    plain, others = changes[0], [row for row in changes[1:] if not row["silent"]]
    parts: list[str | Finding] = [_setting(plain, tables["curves"])]
    if others:
        parts += [_moved(others, quantity, plain) for quantity in QUANTITIES]
        parts += [_reaches(others, quantity) for quantity in (FEATURE_ONSET, PEAK)]
        parts.append(_together(others))
    else:
        untested: dict[str, Outcome] = {
            _gap_said(quantity): "not tested" for quantity in (FEATURE_ONSET, PEAK)
        }
        parts.append(Finding("There is no change of the baseline to tell of.", untested))
    parts += [_level(changes), *_silent(changes), *_pairs(tables["curves"])]
    return [*parts, _reservation(changes[1:], tables["curves"])]


_HEAD = (
    "Onsets are geometric means of the two neighbouring T between which they lie, so that an onset without a range is "
    "one step of the grid, not precision; ranges are over seeds. *Times* and *decades* are shifts against the same "
    "datasets and starts at the baseline (mean, Student's 95 % interval). *Moves*: all seeds lie on one side of all "
    "seeds of the baseline, on average by more than those spread."
)


def _line(row: Row) -> str:
    cells = [str(row["change"]), str(row["seeds"])]
    for quantity in QUANTITIES:
        cells += [quantity.cell(row), quantity.shift_cell(row) if row["change"] != BASELINE else "–"]
    moved = [quantity.short for quantity in QUANTITIES if row[f"{quantity.column}_moved"]]
    cells += [f"{row['peak_T']:.0f}", "no output left" if row["silent"] else ", ".join(moved) or "–"]
    return f"| {' | '.join(cells)} |"


def _setting(plain: Row, curves: pd.DataFrame) -> str:
    rows = curves[curves["change"] == BASELINE]
    peaks = mean_interval(np.log10(numbers(rows, "peak")))
    across = Interval(*(10**each for each in (peaks.value, peaks.low, peaks.high)))
    steps, published = int(plain["steps"]), Setting(T=1).steps
    but = "" if steps == published else f" with {steps} steps in place of its {published}"
    return (
        f"The baseline is the paper's setting{but}; {len(rows)} curves ({rows['data_seed'].nunique()} datasets, "
        f"{rows['seed'].nunique()} starts on each): features from T = {FEATURE_ONSET.cell(plain)}, peak test loss "
        f"{across} (geometric mean, Student's 95 % interval of the logarithm). What this "
        "program does at the paper's own size: [dataset-size](dataset-size.md)."
    )


def _moved(others: Sequence[Row], quantity: Quantity, plain: Row) -> str:
    moved = [row for row in others if row[f"{quantity.column}_moved"]]
    if not moved:
        return f"**No change moves {quantity.text}** by more than the spread over seeds ({quantity.cell(plain)})."
    up = [row for row in moved if float(row[f"{quantity.column}_shift"]) > 0]
    listed = [
        f"{word}: " + "; ".join(f"{row['change']} ({quantity.shift_cell(row)})" for row in rows)
        for word, rows in ((quantity.up, up), (quantity.down, [row for row in moved if row not in up]))
        if rows
    ]
    return f"**{len(moved)} of {len(others)} changes move {quantity.text}**: {'. '.join(listed)}."


def _reaches(others: Sequence[Row], quantity: Quantity) -> Finding:
    reach = [row for row in others if quantity.reaches(row)]
    gap = f"{quantity.gap_text} ({quantity.published[0]:g} and {quantity.published[1]:g}, n = 10 000)"
    said = _gap_said(quantity)
    if reach:
        text = f"The published gap in {quantity.text}, {gap}, is reached by: {_names(reach)}."
        return Finding(text, {said: "agrees"})
    far = max(others, key=lambda row: abs(float(row[f"{quantity.column}_shift"])))
    return Finding(
        f"**No single change reaches the published gap in {quantity.text}**, {gap}; the farthest is {far['change']} "
        f"({quantity.shift_cell(far)}).",
        {said: "not decided"},
    )


def _gap_said(quantity: Quantity) -> str:
    return f"One difference in setup sets authors and Jermyn's replication apart in {quantity.text}"


def _names(rows: Sequence[Row]) -> str:
    return "; ".join(str(row["change"]) for row in rows)


def _together(others: Sequence[Row]) -> str:
    """Changes that move onset and peak the way in which the published curves differ."""
    both = []
    for row in others:
        shifts = [float(row[f"{quantity.column}_shift"]) for quantity in (FEATURE_ONSET, PEAK)]
        if shifts[0] * shifts[1] > 0 and all(row[f"{q.column}_moved"] for q in (FEATURE_ONSET, PEAK)):
            both.append(f"{row['change']} ({'later and higher' if shifts[1] > 0 else 'earlier and lower'})")
    way = "The replication's curve has its onset later and its peak higher than the authors'"
    return (
        f"{way}; these changes move both together: {'; '.join(both)}."
        if both
        else f"{way}; no change moves both together."
    )


def _level(changes: Sequence[Row]) -> str:
    """Which settings peak as low as the authors' curve; a model without outputs does so for nothing."""
    level = float(published_test_loss()["test_loss"].max())
    low = [row for row in changes if float(row["peak_largest"]) <= level]
    named = [f"{row['change']}{' (trains nothing)' if row['silent'] else ''}" for row in low]
    least, most = (pick(changes, key=lambda row: float(row["peak"])) for pick in (min, max))
    return (
        f"Peaks, geometric means over seeds, go from {least['peak']:.4g} ({least['change']}) to {most['peak']:.4g} "
        f"({most['change']}). On all seeds at or below {level:.5g}, the largest value of the authors' curve: "
        f"{'; '.join(named) or 'none'}."
    )


def _silent(changes: Sequence[Row]) -> list[str]:
    silent = [f"{row['change']} ({row['silent']} runs)" for row in changes if row["silent"]]
    told = f"No output is left, the train loss is the zero output's; not counted above: {'; '.join(silent)}."
    return [told] if silent else []


def _pairs(curves: pd.DataFrame) -> list[str]:
    """Two changes together, against the first of them alone."""
    told = []
    for change in dict.fromkeys(curves["change"]):
        first = str(change).split(", ")[0]
        if first == change or first not in set(curves["change"]):
            continue
        keys = ["data_seed", "seed"]
        both = curves[curves["change"] == change].merge(curves[curves["change"] == first], on=keys)
        shift = mean_interval(np.log10(numbers(both, "peak_x") / numbers(both, "peak_y")))
        onset = mean_interval(np.log10(numbers(both, "feature_onset_x") / numbers(both, "feature_onset_y")))
        spread = (
            (
                f" ({shift.low:+.2f} to {shift.high:+.2f})",
                f" ({10**onset.low:.3g} to {10**onset.high:.3g})",
            )
            if len(both) > 1
            else ("", "")
        )
        told.append(
            f"With {first}, the rest of “{change}” shifts the peak by {shift.value:+.2f} decades"
            f"{spread[0]} and the onset of features × {10**onset.value:.3g}{spread[1]}, "
            f"{len(both)} {'pair' if len(both) == 1 else 'pairs'}."
        )
    return told


def _reservation(others: Sequence[Row], curves: pd.DataFrame) -> str:
    count = int((curves["change"] == BASELINE).sum())
    chance = 2 * separation(range(count), range(count))
    false = len(QUANTITIES) * len(others) * float(chance)
    return (
        f"Without any effect a change would lie apart with a chance of {chance} for each quantity, so that of "
        f"{len(QUANTITIES) * len(others)} cells of this card about {false:.2g} would by accident; a single mark "
        "is weak, and runs share datasets and starts."
    )
