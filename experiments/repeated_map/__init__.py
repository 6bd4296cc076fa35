"""Experiment ``repeated-map``: from how many repeats on a datapoint is memorized, against datapoints per feature.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): a map of R against T/N in two settings,
coloured by whether the point is among the first 0.1 % by D_X, with the line R = 0.4 T/N. Beside it: the hidden length
as a second criterion, fitted boundaries (`repetition.boundary`), the threshold of the numerical theory over draws, and
sweeps in both directions.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from experiments.bump import LEVEL
from experiments.findings import Finding, outcome_of
from experiments.following import EMBEDDED, STORED
from experiments.grouping import numbers
from experiments.repeated_map.collecting import CRITERIA, KEYS, collect, derived
from experiments.repeated_map.drawing import PUBLISHED_SLOPE, draw
from theory.number_format import at_least

__all__ = ["KEYS", "collect", "derived", "describe", "draw", "sentences"]

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class _Size:
    """One size of the map: n, T, the fitted boundary by either criterion, the theory's row, and its runs."""

    n: int
    T: int
    boundary: dict[str, float]
    second: dict[str, float]
    theory: dict[str, float]
    runs: pd.DataFrame

    @property
    def unit(self) -> float:
        return self.T / self.n

    @property
    def storing(self) -> int:
        """How many runs store a feature."""
        return int((self.runs["largest_feature"] >= STORED).sum())

    @property
    def range(self) -> tuple[float, float]:
        """Interval of the boundary; without a fit, the R between which outcomes change. 0 and ∞ bound nothing."""
        row = self.boundary
        if np.isfinite(row["median"]):
            return row["low"], row["high"]
        return float(np.nan_to_num(row["none_until"], nan=0.0)), float(
            np.nan_to_num(row["all_from"], nan=np.inf)
        )

    @property
    def bounded(self) -> bool:
        return self.range[0] > 0 and bool(np.isfinite(self.range[1]))

    def __str__(self) -> str:
        return f"n = {self.n}, T/n = {self.unit:g}"


def _sizes(tables: Tables) -> list[_Size]:
    theory = {(row["n"], row["T"]): row for row in _records(tables["theory"])}
    found: dict[tuple[int, int], dict[str, dict[str, float]]] = {}
    for row in _records(tables["boundaries"]):
        found.setdefault((row["n"], row["T"]), {})[row["criterion"]] = row
    runs = tables["runs"]
    return [
        _Size(
            int(n),
            int(T),
            both["first"],
            both["embedded"],
            theory[n, T],
            runs[(runs["n"] == n) & (runs["T"] == T)],
        )
        for (n, T), both in sorted(found.items())
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def describe(tables: Tables) -> str:
    """The boundary beside theory and published line, the two criteria, and hysteresis."""
    sizes = _sizes(tables)
    lines = [
        "| n | T/n | runs | that store a feature | boundary R: first 0.1 % by D_X | … by hidden length "
        "| theory, range of draws | stays out until | 0.4 T/n |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(size) for size in sizes),
    ]
    return "\n".join([*(f"- {part}" for part in sentences(tables)), "", *lines, "", _LEGEND])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    sizes = _sizes(tables)
    with_features = [size for size in sizes if 2 * size.storing > len(size.runs)]
    return [
        _against_theory(with_features),
        *_against_published(with_features),
        *_featureless([size for size in sizes if size not in with_features]),
        _criteria(tables["runs"]),
        _hysteresis(tables["sweeps"], tables["runs"]),
    ]


_LEGEND = (
    "Boundaries are medians of a logistic law in log R with 95 % intervals by likelihood ratio "
    "(`repetition.boundary`); where outcomes do not overlap, or rise too little with R for an interval, there is no "
    "fit, and the two R between which they change are given. Theory: median threshold of the drawn-energy model of "
    "`numerics/repetition.py` (least to greatest of its draws; open, and left out: draws in which the losses of "
    "the two states do not cross where both exist), and the R until which its unembedded state stays a minimum. "
    f"A feature is stored where the largest D_f is at least {STORED:g}."
)


def _line(size: _Size) -> str:
    row = size.theory
    stands = at_least(f"{row['metastable_until']:.3g}", bool(row["metastable_censored"]))
    undecided = f", {int(row['undecided'])} of {int(row['draws'])} open" if row["undecided"] else ""
    return (
        f"| {size.n} | {size.unit:g} | {len(size.runs)} | {size.storing} | {_shown(size.boundary)} | "
        f"{_shown(size.second)} | {row['median']:.3g} ({row['least']:.3g} to {row['greatest']:.3g}){undecided} | "
        f"{stands} | {PUBLISHED_SLOPE * size.unit:.2g} |"
    )


def _shown(row: dict[str, float]) -> str:
    if np.isfinite(row["median"]):
        return f"{row['median']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
    low, high = row["none_until"], row["all_from"]
    below = f"above {low:g}" if np.isfinite(low) else "some at the least R"
    return f"{below}, all from {high:g}" if np.isfinite(high) else f"{below}, not all at the largest R"


def _against_theory(sizes: Sequence[_Size]) -> str:
    bounded = [size for size in sizes if size.bounded]
    meets: list[_Size] = []
    later: list[_Size] = []
    for size in bounded:
        low, high = size.range
        (meets if low <= size.theory["greatest"] and high >= size.theory["least"] else later).append(size)
    within = [
        size for size in later if size.theory["least"] <= size.range[0] <= size.theory["metastable_until"]
    ]
    medians = "; ".join(f"{size}: {_middle(size)}, theory {size.theory['median']:.3g}" for size in bounded)
    text = (
        f"The trained boundary's interval meets the range of the theory's threshold over draws in {len(meets)} of "
        f"{len(bounded)} sizes where runs bound it on both sides"
        + (f" (medians: {medians}; as both ranges are wide, a weak test)." if bounded else ": not tested.")
    )
    if without := [size for size in sizes if not size.bounded]:
        text += f" Elsewhere{_at(without)} they bound it on one side at most."
    if later:
        text += (
            f" Where it does not{_at(later)}, it lies above in {len(within)} of {len(later)}, where the theory still "
            "lets the unembedded state stand."
        )
    return text


def _middle(size: _Size) -> str:
    if np.isfinite(size.boundary["median"]):
        return f"{size.boundary['median']:.3g}"
    return f"between {size.range[0]:g} and {size.range[1]:g} in {len(size.runs)} runs"


def _at(sizes: Sequence[_Size]) -> str:
    return f" ({'; '.join(map(str, sizes))})" if sizes else ""


def _against_published(sizes: Sequence[_Size]) -> list[Finding]:
    """Whether more than T/n repeats are needed where T/n is low, and 0.4 T/n where it is larger."""
    few = [(size, *_least_above(size)) for size in sizes if size.unit <= 1]
    fails = sum(2 * held < of for _, _, held, of in few)
    listed = "; ".join(f"{size}: {held} of {of} at R = {R:g}" for size, R, held, of in few)
    low = (
        f"At T/n ≤ 1, published: more than T/n repeats are needed. At the least R trained above T/n most seeds fail in "
        f"{fails} of {len(few)} sizes (among the first by D_X in {listed}): "
        f"{outcome_of(fails, len(few))}."
    )
    many = [size for size in sizes if size.unit > 1 and size.bounded]
    ranges = [(size.range[0] / size.unit, size.range[1] / size.unit) for size in many]
    on = sum(low <= PUBLISHED_SLOPE <= high for low, high in ranges)
    counts = {
        "below the boundary": sum(low > PUBLISHED_SLOPE for low, _ in ranges),
        "within its interval": on,
        "above it": sum(high < PUBLISHED_SLOPE for _, high in ranges),
    }
    where = ", ".join(f"{place} in {count} of {len(many)} sizes" for place, count in counts.items() if count)
    listed = "; ".join(
        f"{size}: {low:.2g} to {high:.2g}" for size, (low, high) in zip(many, ranges, strict=True)
    )
    ends = [(size, size.range[0] / size.unit, size.range[1] / size.unit) for size in sizes]
    opens = [
        f"{size}: R/(T/n) below {high:.2g}" if high < np.inf else f"{size}: above {low:.2g}"
        for size, low, high in ends
        if size.unit > 1 and not size.bounded and low <= PUBLISHED_SLOPE <= high
    ]
    larger = outcome_of(on, len(many)) if on or not opens else "not decided"
    left = f" Runs bound it on one side only, and leave it open, at {'; '.join(opens)}." if opens else ""
    large = (
        f"At larger T/n the published R = {PUBLISHED_SLOPE:g} T/n lies {where} (R/(T/n) there: {listed}): "
        f"{outcome_of(on, len(many))}.{left}"
    )
    return [
        Finding(
            low if few else "At T/n ≤ 1, published: more than T/n repeats are needed: not tested.",
            {"At low T/n more than T/n repeats are needed (Jermyn)": outcome_of(fails, len(few))},
        ),
        Finding(
            large if many else f"At larger T/n, published: R = {PUBLISHED_SLOPE:g} T/n: not tested.",
            {f"At larger T/n the boundary is R = {PUBLISHED_SLOPE:g} T/n (Jermyn)": larger},
        ),
    ]


def _least_above(size: _Size) -> tuple[float, int, int]:
    """The least trained R above T/n, in how many seeds the point is among the first there, and of how many."""
    above = size.runs[size.runs["repeats"] > size.unit]
    own = above[above["repeats"] == above["repeats"].min()]
    return float(above["repeats"].min()), int(own["first"].sum()), len(own)


def _featureless(sizes: Sequence[_Size]) -> list[str]:
    """Sizes at which most models store no feature, which the published map leaves out."""
    return [
        f"At {size} only {size.storing} of {len(size.runs)} models store a feature; the published map is of datasets "
        "that are large enough for that, so this size is left out above. The point's hidden vector is longer than "
        f"{EMBEDDED:g} in {int(size.runs['embedded'].sum())} of them, up to {size.runs['length'].max():.3g}, and then "
        f"among the first by D_X in {int((size.runs['embedded'] & size.runs['first']).sum())}."
        for size in sizes
    ]


def _criteria(runs: pd.DataFrame) -> str:
    first, embedded = (np.asarray(runs[name], dtype=np.bool_) for name in CRITERIA)
    apart = int(np.sum(first != embedded))
    only = int(np.sum(embedded & ~first))
    if not apart:
        return f"Both criteria agree in all {len(runs)} runs."
    return (
        f"The two criteria differ in {apart} of {len(runs)} runs: in {only} the hidden vector is longer than "
        f"{EMBEDDED:g} without being among the first by D_X (a point stored through a feature it has, or beside "
        f"longer ones), in {apart - only} the point is among the first with a shorter one."
    )


def _hysteresis(sweeps: pd.DataFrame, runs: pd.DataFrame) -> str:
    n, T = int(sweeps["n"].iloc[0]), int(sweeps["T"].iloc[0])
    cold = runs[(runs["n"] == n) & (runs["T"] == T)]
    kept, needed, back, faded = [], [], [], []
    for seed, part in sweeps.groupby("seed"):
        down, up = (part[part["direction"] == way] for way in ("down", "up"))
        kept.append(_embedded_from(numbers(down, "repeats"), numbers(down, "length") > EMBEDDED))
        own = cold[cold["seed"] == seed]
        needed.append(_embedded_from(numbers(own, "repeats"), np.asarray(own["embedded"], dtype=np.bool_)))
        lengths = numbers(down.sort_values("repeats", ascending=False), "length")
        if np.any((lengths[:-1] > EMBEDDED) & (lengths[1:] < EMBEDDED / 2)):
            back.append(_embedded_from(numbers(up, "repeats"), numbers(up, "length") > EMBEDDED))
        elif lengths[-1] <= EMBEDDED:
            faded.append(lengths[-1])
    less, more = (
        sum(sign * warm < sign * fresh for warm, fresh in zip(kept, needed, strict=True)) for sign in (1, -1)
    )
    chance = float(binomtest(less, less + more).pvalue) if less + more else 1.0
    verdict = (
        "**the start is remembered**"
        if chance < LEVEL and less > more
        else "so few seeds do not decide whether the start is remembered"
    )
    text = (
        f"Sweeps on one dataset (n = {n}, T = {T}, {len(kept)} seeds): downward the point stays embedded to R = "
        f"{_row(kept)}, fresh starts of the same seeds embed it from R = {_row(needed)}; the former is less in "
        f"{less} of {len(kept)} and more in {more}; {verdict} (sign test, p = {chance:.2g})."
    )
    if back:
        text += (
            f" In {len(back)} of {len(kept)} the point is dropped in a jump, to less than half of {EMBEDDED:g}; upward "
            f"from there it is embedded again from R = {_row(back)}."
        )
    if faded:
        text += f" In {len(faded)} it shortens without a jump, to {_row(sorted(round(x, 3) for x in faded))}."
    return text


def _embedded_from(R: np.ndarray, embedded: np.ndarray) -> float:
    """The least R from which on all are embedded; infinite if the largest is not."""
    failing = R[~embedded].max(initial=0.0)
    return float(R[failing < R].min(initial=np.inf))


def _row(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
