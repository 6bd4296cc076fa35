"""What experiment ``sensitivity`` says of each change of the setting, and how far two published curves lie apart.

Published values: Henighan et al. 2023, section "Comments & Replications", n = 10 000.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, found
from experiments.grouping import numbers
from experiments.published import PUBLISHED_ONSET
from verify.statistics import Interval, mean_interval

__all__ = ["BASELINE", "FEATURE_ONSET", "LOSS_ONSET", "PEAK", "QUANTITIES", "Quantity", "findings", "summary"]

#: The name of the unchanged setting: the paper's, but for what a preview makes smaller.
BASELINE = "baseline"

Tables = dict[str, pd.DataFrame]
Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a curve, larger than 0 and compared by its decimal logarithm.

    Attributes
    ----------
    column, reached : columns of its value and of whether that is a value, not a lower bound.
    name, short : what it is, and that in a cell.
    unit : how shifts are told, as factors ("times") or in "decades".
    published : the authors' value and the replication's; empty where they give none.

    """

    column: str
    reached: str | None
    name: str
    short: str
    unit: str = "times"
    published: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """Decimal logarithm of the ratio of the published values."""
        return math.log10(self.published[1] / self.published[0])

    def missed(self, curves: pd.DataFrame) -> int:
        """How many curves have a lower bound of it only."""
        return 0 if self.reached is None else int((~curves[self.reached].astype(bool)).sum())

    def moved(self, row: Row) -> bool:
        """Whether a change moves it."""
        return bool(row[f"{self.column}_moved"])

    def shift(self, row: Row) -> Interval:
        """Its shift in `unit`."""
        return self.in_unit(
            Interval(*(float(row[f"{self.column}_{part}"]) for part in ("shift", "low", "high")))
        )

    def in_unit(self, decades: Interval) -> Interval:
        """A shift in decades, in `unit`."""
        if self.unit == "decades":
            return decades
        return Interval(*(10.0**each for each in (decades.value, decades.low, decades.high)))

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
        shift, form = self.shift(row), "+.2f" if self.unit == "decades" else ".3g"
        bound = str(row[f"{self.column}_bound"])
        spread = f" ({shift.low:{form}} to {shift.high:{form}})" if shift.high - shift.low > 1e-6 else ""
        return ("" if bound in ("", "nan") else f"{bound} ") + f"{shift.value:{form}}{spread}"


FEATURE_ONSET = Quantity(
    "feature_onset", "feature_reached", "the onset of features", "features", published=PUBLISHED_ONSET
)
LOSS_ONSET = Quantity("loss_onset", "loss_reached", "where the test loss falls below 1", "loss below 1")
PEAK = Quantity("peak", None, "the peak of the test loss", "peak", unit="decades", published=(1.01, 5000))
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
        moved = ", ".join(quantity.short for quantity in QUANTITIES if quantity.moved(row))
        rows.append(cells | {"moves": "no output left" if row["silent"] else moved or "–"})
    return pd.DataFrame(rows)


def findings(tables: Tables) -> list[Finding]:
    """Whether one change reaches the published gaps, how many move what, and what second changes add."""
    changes, curves = tables["changes"].to_dict("records"), tables["curves"]
    others = [row for row in changes if row["change"] != BASELINE and not row["silent"]]
    plain = curves[curves["change"] == BASELINE]
    peak = mean_interval(np.log10(numbers(plain, "peak")))
    across = Interval(*(10**each for each in (peak.value, peak.low, peak.high)))
    return [
        *(_reaches(others, quantity) for quantity in (FEATURE_ONSET, PEAK)),
        *(
            Finding(
                f"Changes that move {quantity.name}", MEASURED, "changes",
                sum(map(quantity.moved, others)), n=len(others),
            )
            for quantity in QUANTITIES if others
        ),
        found("Peak test loss of the baseline", MEASURED, "geometric mean", across, len(plain)),
        *_second_changes(curves),
    ]  # fmt: skip


def _reaches(others: Sequence[Row], quantity: Quantity) -> Finding:
    """Whether a change moves a quantity as far as the gap, in either direction; that these do not decides nothing."""
    said = f"One difference in setup sets authors and Jermyn's replication apart in {quantity.name}"
    if not others:
        return Finding(said, "not tested")
    reach = [
        row
        for row in others
        if quantity.moved(row) and abs(float(row[f"{quantity.column}_shift"])) >= quantity.gap
    ]
    gap = quantity.in_unit(Interval(*[quantity.gap] * 3)).value
    far = max(reach or others, key=lambda row: abs(float(row[f"{quantity.column}_shift"])))
    return found(
        said,
        "agrees" if reach else "not decided",
        f"farthest shift, {quantity.unit} (published gap: {gap:.2g})",
        quantity.shift(far),
        int(far["seeds"]),
        str(far["change"]),
    )


def _second_changes(curves: pd.DataFrame) -> list[Finding]:
    """Two changes together, against the first of them alone."""
    rows = []
    for change in map(str, dict.fromkeys(curves["change"])):
        first = change.split(", ")[0]
        if first == change or first not in set(curves["change"]):
            continue
        both = curves[curves["change"] == change].merge(
            curves[curves["change"] == first], on=["data_seed", "seed"]
        )
        for quantity in (PEAK, FEATURE_ONSET):
            ratio = numbers(both, f"{quantity.column}_x") / numbers(both, f"{quantity.column}_y")
            shift = quantity.in_unit(mean_interval(np.log10(ratio)))
            said = f"A second change, beside the first of them alone, shifts {quantity.name}"
            rows.append(found(said, MEASURED, quantity.unit, shift, len(both), change))
    return rows
