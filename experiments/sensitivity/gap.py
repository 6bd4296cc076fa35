"""What the experiment ``sensitivity`` measures, in words, and how far two published curves lie apart in it.

Published values: Henighan et al. 2023, section "Comments & Replications", n = 10 000. Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from experiments.published import PUBLISHED_ONSET

__all__ = ["BASELINE", "FEATURE_ONSET", "LOSS_ONSET", "PEAK", "QUANTITIES", "Quantity"]

#: The name of the unchanged setting: the paper's, but for what a preview makes smaller.
BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a curve, larger than 0 and compared by its decimal logarithm.

    Attributes
    ----------
    column, reached : columns of its value and of whether that is a value, not a lower bound.
    text, short, up, down : words for it and its changes.
    published : the authors' value and the replication's; empty where they give none.
    decades : whether shifts are told in decades, not as factors.

    """

    column: str
    reached: str | None
    text: str
    short: str
    up: str
    down: str
    published: tuple[float, ...] = ()
    decades: bool = False

    @property
    def gap(self) -> float:
        """Decimal logarithm of the ratio of the published values."""
        return math.log10(self.published[1] / self.published[0])

    @property
    def gap_text(self) -> str:
        """The gap in words."""
        return f"{self.gap:.2g} decades" if self.decades else f"a factor of {10**self.gap:.3g}"

    def missed(self, curves: pd.DataFrame) -> int:
        """How many curves have a lower bound of it only."""
        return 0 if self.reached is None else int((~curves[self.reached].astype(bool)).sum())

    def reaches(self, row: Mapping[Hashable, Any]) -> bool:
        """Whether a change moves it, and as far as the gap, in either direction."""
        shift = abs(float(row[f"{self.column}_shift"]))
        return bool(row[f"{self.column}_moved"]) and shift >= self.gap

    def cell(self, row: Mapping[Hashable, Any]) -> str:
        """Its value and range over seeds; with how many seeds do not reach it."""
        value, least, largest = (float(row[f"{self.column}{part}"]) for part in ("", "_least", "_largest"))
        missed = int(row[f"{self.column}_missed"])
        if missed == row["seeds"]:
            return f"not by {largest:.4g}"
        spread = (
            f"{value:.4g}" if largest <= least * 1.0001 else f"{value:.4g} ({least:.4g} to {largest:.4g})"
        )
        return spread + (f", {missed} not by {largest:.4g}" if missed else "")

    def shift_cell(self, row: Mapping[Hashable, Any]) -> str:
        """Its shift with interval."""
        shift, low, high = (float(row[f"{self.column}_{part}"]) for part in ("shift", "low", "high"))
        bound = str(row[f"{self.column}_bound"])
        head = f"{bound} " if bound not in ("", "nan") else ""
        if self.decades and high - low < 1e-6:
            return f"{head}{shift:+.2f}"
        if self.decades:
            return f"{head}{shift:+.2f} ({low:+.2f} to {high:+.2f})"
        if high - low < 1e-6:
            return f"{head}× {10**shift:.3g}"
        return f"{head}× {10**shift:.3g} ({10**low:.3g} to {10**high:.3g})"


FEATURE_ONSET = Quantity(
    "feature_onset",
    "feature_reached",
    "the onset of features",
    "features",
    "later",
    "earlier",
    PUBLISHED_ONSET,
)
LOSS_ONSET = Quantity(
    "loss_onset", "loss_reached", "where the test loss falls below 1", "loss below 1", "later", "earlier"
)
PEAK = Quantity(
    "peak", None, "the peak of the test loss", "peak", "higher", "lower", (1.01, 5000), decades=True
)
QUANTITIES = (FEATURE_ONSET, LOSS_ONSET, PEAK)
