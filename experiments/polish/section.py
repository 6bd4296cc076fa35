"""A section for the notes: where polishing takes trained models, and whether all of them end at the regular polygon.

It reads `experiments/polish/polished.csv`, which `tgon polish compare/runs/*.safetensors --table` writes after `make
compare`. Sentences are chosen by the numbers.

Defines no equations.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number

__all__ = ["LANDED", "polish_section"]

#: A polished norm is the least one if it is within this of it, relatively; what a landing is asked to show.
LANDED = 1e-6

_Row = Mapping[str, str]


def polish_section(experiments: Path) -> Section | None:
    """Where trained models end when they are polished, by T and by what they were; None without a table."""
    path = experiments / "polish" / "tables" / "polished.csv"
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[_Row] = list(csv.DictReader(file))
    groups: dict[tuple[int, str], list[_Row]] = {}
    for row in rows:
        groups.setdefault((int(row["T"]), row["diagnosis_before"]), []).append(row)
    text = (
        "The runs of `make compare`, each continued in float64 along the descent of ‖W‖² within the models of zero "
        "loss until the first-order conditions hold. Dropped points stay dropped, and the least norm is that of the "
        "points that are kept (`memorization.tgon-norm`). Where datapoints share a feature there is no prediction, and "
        "no zero loss unless those points are neighbours. Made by `tgon polish compare/runs/*.safetensors --table "
        f"experiments/polish/polished.csv`, {len(rows)} models. {_verdict(rows)}"
    )
    heads = (
        "T",
        "as trained",
        "models",
        "‖W‖ / least",
        "no shared feature",
        "at the least norm",
        "shared",
        "refused",
    )
    table = Table("", heads, tuple(_cells(T, name, groups[T, name]) for T, name in sorted(groups)))
    return Section("Where trained models are on the way to", text, (table,))


def _verdict(rows: Sequence[_Row]) -> str:
    """Whether every model on orthonormal data lands on the regular polygon of the points it keeps."""
    predicted = [row for row in rows if row["ratio_after"]]
    landed = [row for row in predicted if _landed(row)]
    where = f"{len(predicted)} on data without a shared feature"
    if not predicted:
        return "No model was polished on data without a shared feature."
    if len(landed) < len(predicted):
        others = sorted({f"{row['diagnosis']} at T = {row['T']}" for row in predicted if not _landed(row)})
        return f"Of the {where} {len(landed)} land on the least norm to a relative 1e-6; others: {', '.join(others)}."
    farthest = max(abs(float(row["ratio_after"]) - 1) for row in predicted)
    circles = sum(row["diagnosis_before"] == "two circles" for row in predicted)
    ordered = sum(row["keeps_order"] == "True" for row in predicted)
    return (
        f"All {where} land on the least norm of the points they keep, to a relative 1e{_power(farthest)}, {circles} "
        f"that were two circles among them; {ordered} keep the order of their points. No other stationary arrangement "
        "was met."
    )


def _power(value: float) -> int:
    """The least power of ten that is not below the value, from −12, the digits of the table, on."""
    return max(-12, math.ceil(math.log10(value))) if value > 0 else -12


def _landed(row: _Row) -> bool:
    return abs(float(row["ratio_after"]) - 1) <= LANDED


def _cells(T: int, name: str, rows: Sequence[_Row]) -> tuple[str, ...]:
    before = sorted(float(row["ratio_before"]) for row in rows if row["ratio_before"])
    predicted = [row for row in rows if row["ratio_after"]]
    refused = [row for row in rows if row["reason"]]
    return (
        str(T),
        name,
        str(len(rows)),
        f"{number(before[0], 4)} to {number(before[-1], 4)}" if before else "–",
        str(len(predicted)),
        str(sum(map(_landed, predicted))),
        str(len(rows) - len(predicted) - len(refused)),
        str(len(refused)),
    )
