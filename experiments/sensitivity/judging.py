"""What experiment ``sensitivity`` says of each change of the setting, and how far two published curves lie apart.

Published values: Henighan et al. 2023, section "Comments & Replications", n = 10 000.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.bump import geometric_mean
from experiments.findings import Finding, Outcome, Tables, found, measured
from experiments.published import PUBLISHED_ONSET
from verify.statistics import Interval, mean_interval

#: The name of the unchanged setting: the paper's, but for what a preview makes smaller.
BASELINE = "baseline"
Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a curve, larger than 0 and compared by its decimal logarithm.

    ``reached`` is the column that tells a value from a lower bound, ``short`` its name in a cell, ``published`` the
    authors' value and the replication's, ``unit`` how shifts are told, as factors ("times") or in "decades".
    """

    column: str
    reached: str | None
    name: str
    short: str
    published: tuple[float, ...] = ()
    unit: str = "times"

    @property
    def gap(self) -> float:
        """Decimal logarithm of the ratio of the published values."""
        return math.log10(self.published[1] / self.published[0])

    def shift(self, decades: Iterable[float]) -> Interval:
        """A shift in decades, its value and bounds, in `unit`."""
        return Interval(*(float(each) if self.unit == "decades" else 10.0 ** float(each) for each in decades))

    def shift_of(self, row: Row) -> Interval:
        """The shift of a change."""
        return self.shift(row[f"{self.column}_{part}"] for part in ("shift", "low", "high"))

    def value_cell(self, row: Row) -> str:
        """Its value and range over seeds; with how many seeds do not reach it."""
        value, least, largest = (float(row[f"{self.column}{part}"]) for part in ("", "_least", "_largest"))
        missed = int(row[f"{self.column}_missed"])
        if missed == row["seeds"]:
            return f"not by {largest:.4g}"
        spread = "" if largest <= least * 1.0001 else f" ({least:.4g} to {largest:.4g})"
        return f"{value:.4g}{spread}" + (f", {missed} not by {largest:.4g}" if missed else "")

    def shift_cell(self, row: Row) -> str:
        """Its shift with interval, and whether it is a bound; a dash for the baseline."""
        if row["change"] == BASELINE:
            return "–"
        shift, form = self.shift_of(row), "+.2f" if self.unit == "decades" else ".3g"
        bound = row[f"{self.column}_bound"]
        spread = f" ({shift.low:{form}} to {shift.high:{form}})" if shift.high - shift.low > 1e-6 else ""
        return f"{bound if isinstance(bound, str) else ''} {shift.value:{form}}{spread}".strip().replace(
            "-", "−"
        )


FEATURE_ONSET = Quantity(
    "feature_onset", "feature_reached", "the onset of features", "features", PUBLISHED_ONSET
)
LOSS_ONSET = Quantity("loss_onset", "loss_reached", "where the test loss falls below 1", "loss below 1")
PEAK = Quantity("peak", None, "the peak of the test loss", "peak", (1.01, 5000), unit="decades")
QUANTITIES = (FEATURE_ONSET, LOSS_ONSET, PEAK)


def summary(tables: Tables) -> pd.DataFrame:
    """Every change: its onsets and peak, their shifts against the baseline, and what it moves."""
    rows = []
    for row in tables["changes"].to_dict("records"):
        cells: dict[str, object] = {"change": row["change"], "seeds": row["seeds"]}
        for quantity in QUANTITIES:
            cells[quantity.short] = quantity.value_cell(row)
            cells[f"{quantity.short}, {quantity.unit}"] = quantity.shift_cell(row)
        cells["T of the peak"] = f"{row['peak_T']:.0f}"
        moved = ", ".join(each.short for each in QUANTITIES if row[f"{each.column}_moved"])
        rows.append(cells | {"moves": "no output left" if row["silent"] else moved or "–"})
    return pd.DataFrame(rows)


def findings(tables: Tables) -> list[Finding]:
    """Whether one change reaches the published gaps, how many move what, and what second changes add."""
    changes, curves = tables["changes"].to_dict("records"), tables["curves"]
    others = [row for row in changes if row["change"] != BASELINE and not row["silent"]]
    moving = {each.name: sum(row[f"{each.column}_moved"] for row in others) for each in QUANTITIES}
    peaks = geometric_mean(curves[curves["change"] == BASELINE]["peak"])
    return [
        *(_reaches(others, quantity) for quantity in (FEATURE_ONSET, PEAK)),
        *(
            measured(f"Changes that move {name}", "changes", count, len(others))
            for name, count in moving.items()
        ),
        measured("Peak test loss of the baseline", "geometric mean", peaks, int(changes[0]["seeds"])),
        *_second_changes(curves),
    ]


def _reaches(others: Sequence[Row], quantity: Quantity) -> Finding:
    """Whether a change moves a quantity as far as the gap, in either direction; that these do not decides nothing."""
    said = f"One difference in setup sets authors and Jermyn's replication apart in {quantity.name}"
    if not others:
        return Finding(said, "not tested")
    decades = f"{quantity.column}_shift"
    reach = [row for row in others if row[f"{quantity.column}_moved"] and abs(row[decades]) >= quantity.gap]
    far = max(reach or others, key=lambda row: abs(float(row[decades])))
    gap = quantity.shift([quantity.gap] * 3).value
    label = f"farthest shift, {quantity.unit} (published gap: {gap:.2g})"
    outcome: Outcome = "agrees" if reach else "not decided"
    return found(said, outcome, label, quantity.shift_of(far), int(far["seeds"]), str(far["change"]))


def _second_changes(curves: pd.DataFrame) -> list[Finding]:
    """Two changes together, against the first of them alone."""
    parts = {str(change): rows for change, rows in curves.groupby("change", sort=False)}
    rows = []
    for change, own in parts.items():
        first = change.split(", ")[0]
        if first == change or first not in parts:
            continue
        both = own.merge(parts[first], on=["data_seed", "seed"])
        for quantity in (PEAK, FEATURE_ONSET):
            shift = mean_interval(np.log10(both[f"{quantity.column}_x"] / both[f"{quantity.column}_y"]))
            said = f"A second change, beside the first of them alone, shifts {quantity.name}"
            interval = quantity.shift([shift.value, shift.low, shift.high])
            rows.append(measured(said, quantity.unit, interval, len(both), change))
    return rows
