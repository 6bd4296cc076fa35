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

from verify.experiments.following import EMBEDDED
from verify.experiments.grouping import numbers
from verify.experiments.repeated_map_collecting import CRITERIA, collect
from verify.experiments.repeated_map_drawing import PUBLISHED_SLOPE, draw
from verify.thresholds import at_least

__all__ = ["collect", "describe", "draw"]

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class _Size:
    """One size of the map: n, T, the fitted boundary of the published criterion, and the theory's row."""

    n: int
    T: int
    boundary: dict[str, float]
    second: dict[str, float]
    theory: dict[str, float]

    @property
    def unit(self) -> float:
        return self.T / self.n


def _sizes(tables: Tables) -> list[_Size]:
    theory = {(row["n"], row["T"]): row for row in _records(tables["theory"])}
    found: dict[tuple[int, int], dict[str, dict[str, float]]] = {}
    for row in _records(tables["boundaries"]):
        found.setdefault((row["n"], row["T"]), {})[row["criterion"]] = row
    return [
        _Size(int(n), int(T), both["first"], both["embedded"], theory[n, T])
        for (n, T), both in sorted(found.items())
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def describe(tables: Tables) -> str:
    """The boundary beside theory and published line, the two criteria, and hysteresis."""
    sizes = _sizes(tables)
    lines = [
        "| n | T/n | runs | boundary R: first 0.1 % by D_X | … by hidden length | theory, range of draws "
        "| stays out until | 0.4 T/n |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(size) for size in sizes),
    ]
    parts = [
        _against_theory(sizes),
        _against_published(sizes, tables["runs"]),
        _criteria(tables["runs"]),
        _hysteresis(tables["sweeps"], tables["runs"]),
    ]
    return "\n".join([*(f"- {part}" for part in parts), "", *lines, "", _LEGEND])


_LEGEND = (
    "Boundaries are medians of a logistic law in log R with 95 % intervals by likelihood ratio "
    "(`repetition.boundary`); where outcomes do not overlap, or rise too little with R for an interval, there is no "
    "fit, and the two R between which they change are given. Theory: median threshold of the drawn-energy model of "
    "`numerics/repetition.py` (least to greatest of its draws; open, and left out: draws in which the losses of "
    "the two states do not cross where both exist), and the R until which its unembedded state stays a minimum."
)


def _line(size: _Size) -> str:
    row = size.theory
    stands = at_least(f"{row['metastable_until']:.3g}", bool(row["metastable_censored"]))
    undecided = f", {int(row['undecided'])} of {int(row['draws'])} open" if row["undecided"] else ""
    return (
        f"| {size.n} | {size.unit:g} | {int(size.boundary['runs'])} | {_shown(size.boundary)} | {_shown(size.second)} "
        f"| {row['median']:.3g} ({row['least']:.3g} to {row['greatest']:.3g}){undecided} | {stands} | "
        f"{PUBLISHED_SLOPE * size.unit:.2g} |"
    )


def _shown(row: dict[str, float]) -> str:
    if np.isfinite(row["median"]):
        return f"{row['median']:.3g} ({row['low']:.3g} to {row['high']:.3g})"
    low, high = row["none_until"], row["all_from"]
    below = f"above {low:g}" if np.isfinite(low) else "some at the least R"
    return f"{below}, all from {high:g}" if np.isfinite(high) else f"{below}, not all at the largest R"


def _range(row: dict[str, float]) -> tuple[float, float]:
    """Interval of a boundary; where there is no fit, the R between which outcomes change."""
    if np.isfinite(row["median"]):
        return row["low"], row["high"]
    # a point that occurs once is not repeated
    return np.nan_to_num(row["none_until"], nan=1.0), np.nan_to_num(row["all_from"], nan=np.inf)


def _against_theory(sizes: Sequence[_Size]) -> str:
    meets: list[_Size] = []
    later: list[_Size] = []
    bounded = [size for size in sizes if np.isfinite(_range(size.boundary)[1])]
    for size in bounded:
        low, high = _range(size.boundary)
        reach = (size.theory["least"], size.theory["greatest"])
        (meets if low <= reach[1] and high >= reach[0] else later).append(size)
    within = [
        size
        for size in later
        if size.theory["least"] <= _range(size.boundary)[0] <= size.theory["metastable_until"]
    ]
    text = (
        f"The trained boundary's interval meets the range of the theory's threshold over draws in {len(meets)} of "
        f"{len(bounded)} sizes{_at(meets)}."
    )
    if len(bounded) < len(sizes):
        without = [size for size in sizes if size not in bounded]
        text += f" The runs of {len(without)}{_at(without)} put no upper bound on it."
    if later:
        text += (
            f" Elsewhere{_at(later)} it does not; in {len(within)} of {len(later)} it lies above, where the "
            "theory still lets the unembedded state stand."
        )
    return text


def _at(sizes: Sequence[_Size]) -> str:
    return f" ({'; '.join(f'n = {size.n}, T/n = {size.unit:g}' for size in sizes)})" if sizes else ""


def _against_published(sizes: Sequence[_Size], runs: pd.DataFrame) -> str:
    few = [size for size in sizes if size.unit <= 1]
    fails = [size for size in few if _fails_above_unit(size, runs)]
    text = (
        f"At T/n ≤ 1, more than T/n repeats are not enough for most seeds in {len(fails)} of {len(few)} sizes; "
        "published: more are needed."
    )
    many = [size for size in sizes if size.unit > 1 and np.isfinite(_range(size.boundary)[1])]
    if many:
        ranges = [
            (low / size.unit, high / size.unit) for size in many for low, high in [_range(size.boundary)]
        ]
        on = sum(low <= PUBLISHED_SLOPE <= high for low, high in ranges)
        text += (
            f" At larger T/n, R/(T/n) at the boundary lies in "
            f"{', '.join(f'{low:.2g} to {high:.2g}' for low, high in ranges)}{_at(many)}. The published 0.4 is within "
            f"{on} of these {len(many)}."
        )
    return text


def _fails_above_unit(size: _Size, runs: pd.DataFrame) -> bool:
    """Whether at the least trained R above T/n at most half of the seeds have the point among the first."""
    own = runs[(runs["n"] == size.n) & (runs["T"] == size.T) & (runs["repeats"] > size.unit)]
    return bool(own.loc[own["repeats"] == own["repeats"].min(), "first"].mean() <= 0.5)


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
    kept, needed, back = [], [], []
    for seed, part in sweeps.groupby("seed"):
        down, up = (part[part["direction"] == way] for way in ("down", "up"))
        kept.append(_embedded_from(numbers(down, "repeats"), numbers(down, "length") > EMBEDDED))
        own = cold[cold["seed"] == seed]
        needed.append(_embedded_from(numbers(own, "repeats"), np.asarray(own["embedded"], dtype=np.bool_)))
        if down.sort_values("repeats")["length"].iloc[0] <= EMBEDDED:
            back.append(_embedded_from(numbers(up, "repeats"), numbers(up, "length") > EMBEDDED))
    less = sum(warm < fresh for warm, fresh in zip(kept, needed, strict=True))
    verdict = "**the start is remembered**" if less > len(kept) / 2 else "**no clear hysteresis**"
    text = (
        f"Sweeps on one dataset (n = {n}, T = {T}, {len(kept)} seeds): downward the point stays embedded to R = "
        f"{_row(kept)}, fresh starts of the same seeds embed it from R = {_row(needed)}; the former is less in "
        f"{less} of {len(kept)}: {verdict}."
    )
    if back:
        text += (
            f" In {len(back)} of {len(kept)} the point is dropped at last; upward from there it is embedded again from "
            f"R = {_row(back)}."
        )
    return text


def _embedded_from(R: np.ndarray, embedded: np.ndarray) -> float:
    """The least R from which on all are embedded; infinite if the largest is not."""
    failing = R[~embedded].max(initial=0.0)
    return float(R[failing < R].min(initial=np.inf))


def _row(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
