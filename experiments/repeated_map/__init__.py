"""Experiment ``repeated-map``: from how many repeats on a datapoint is memorized, against datapoints per feature.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): a map of R against T/N in two settings,
coloured by whether the point is among the first 0.1 % by D_X, with the line R = 0.4 T/N. Beside it: the hidden length
as a second criterion, fitted boundaries (`repetition.boundary`), the threshold of the numerical theory over draws, and
sweeps in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, found, outcome_of
from experiments.following import EMBEDDED, STORED
from experiments.grouping import numbers
from experiments.repeated_map.collecting import CRITERIA, KEYS, collect, derived
from experiments.repeated_map.drawing import PUBLISHED_SLOPE, draw
from verify.statistics import Interval, share_interval

__all__ = ["KEYS", "collect", "derived", "draw", "findings", "summary"]

#: What is published of the boundary.
MORE_NEEDED = "At low T/n more than T/n repeats are needed (Jermyn)"
LINE = f"At larger T/n the boundary is R = {PUBLISHED_SLOPE:g} T/n (Jermyn)"

Tables = dict[str, pd.DataFrame]
Row = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class _Size:
    """One size of the map: n, T, the fitted boundary by either criterion, the theory's row, and its runs."""

    n: int
    T: int
    boundary: Row
    second: Row
    theory: Row
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
        return _bounds(self.boundary)

    @property
    def bounded(self) -> bool:
        return self.range[0] > 0 and bool(np.isfinite(self.range[1]))

    def __str__(self) -> str:
        return f"n = {self.n}, T/n = {self.unit:g}"


def _bounds(boundary: Row) -> tuple[float, float]:
    if np.isfinite(boundary["median"]):
        return boundary["low"], boundary["high"]
    low, high = boundary["none_until"], boundary["all_from"]
    return float(np.nan_to_num(low, nan=0.0)), float(np.nan_to_num(high, nan=np.inf))


def _sizes(tables: Tables) -> list[_Size]:
    def at(name: str, n: int, T: int) -> pd.DataFrame:
        return tables[name].query("n == @n and T == @T")

    sizes = []
    for n, T in sorted({(int(n), int(T)) for n, T in tables["boundaries"][["n", "T"]].to_numpy()}):
        both = at("boundaries", n, T).set_index("criterion").to_dict("index")
        (theory,) = at("theory", n, T).to_dict("records")
        first, embedded = (both[name] for name in CRITERIA)
        sizes.append(_Size(n, T, first, embedded, theory, at("runs", n, T)))
    return sizes


def findings(tables: Tables) -> list[Finding]:
    """The boundary beside theory and published line, the two criteria, and hysteresis.

    Sizes at which most models store no feature are left out, as in the published map.
    """
    sizes = [size for size in _sizes(tables) if 2 * size.storing > len(size.runs)]
    return [
        *_published(sizes),
        *(_boundary(size) for size in sizes),
        *_against_theory(sizes),
        _criteria(tables["runs"]),
        *_hysteresis(tables["sweeps"], tables["runs"]),
    ]


def _published(sizes: Sequence[_Size]) -> list[Finding]:
    """Whether more than T/n repeats are needed where T/n is low, and 0.4 T/n where it is larger."""
    low = Finding(MORE_NEEDED, "not tested")
    if few := [_least_above(size) for size in sizes if size.unit <= 1]:
        held, of = np.sum(few, axis=0)
        fails = sum(2 * held < of for held, of in few)
        quantity = "share of seeds among the first by D_X, at the least R above T/n"
        seeds = share_interval(int(held), int(of))
        low = found(MORE_NEEDED, outcome_of(fails, len(few)), quantity, seeds, int(of), "T/n ≤ 1")
    many = [(np.divide(size.range, size.unit), size.bounded) for size in sizes if size.unit > 1]
    closed = [ends for ends, bounded in many if bounded]
    holding = [low <= PUBLISHED_SLOPE <= high for (low, high), _ in many]
    on = sum(holds for holds, (_, bounded) in zip(holding, many, strict=True) if bounded)
    opens = any(holds for holds, (_, bounded) in zip(holding, many, strict=True) if not bounded)
    outcome = outcome_of(on, len(closed)) if on or not opens else "not decided"
    quantity = "share of boundaries whose interval holds it"
    share = on / len(closed) if closed else np.nan
    return [low, Finding(LINE, outcome, quantity, share, n=len(closed), at="T/n > 1")]


def _least_above(size: _Size) -> tuple[int, int]:
    """At the least trained R above T/n: in how many seeds the point is among the first, and of how many."""
    above = size.runs[size.runs["repeats"] > size.unit]
    own = above[above["repeats"] == above["repeats"].min()]
    return int(own["first"].sum()), len(own)


def _boundary(size: _Size) -> Finding:
    """The boundary in units of T/n; infinite and 0 where nothing bounds it."""
    ends = Interval(size.boundary["median"], *size.range)
    scaled = Interval(*(each / size.unit for each in (ends.value, ends.low, ends.high)))
    return found("Boundary by D_X", MEASURED, "R/(T/n)", scaled, len(size.runs), str(size))


def _against_theory(sizes: Sequence[_Size]) -> list[Finding]:
    bounded = [size for size in sizes if size.bounded]
    if not bounded:
        return []
    meets = sum(
        size.range[0] <= size.theory["greatest"] and size.range[1] >= size.theory["least"] for size in bounded
    )
    statement = "The boundary's interval meets the range of the theory's draws"
    return [
        Finding(
            statement, MEASURED, "share of sizes bounded on both sides", meets / len(bounded), n=len(bounded)
        )
    ]


def _criteria(runs: pd.DataFrame) -> Finding:
    first, embedded = (np.asarray(runs[name], dtype=np.bool_) for name in CRITERIA)
    share = share_interval(int(np.sum(first != embedded)), len(runs))
    return found("The two criteria differ", MEASURED, "share of runs", share, len(runs))


def _hysteresis(sweeps: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """In how many seeds a falling R keeps the point embedded below where fresh starts embed it, equal ones left out."""
    cold = runs[(runs["n"] == sweeps["n"].iloc[0]) & (runs["T"] == sweeps["T"].iloc[0])]
    less = more = 0
    for seed, down in sweeps[sweeps["direction"] == "down"].groupby("seed"):
        own = cold[cold["seed"] == seed]
        kept = _embedded_from(numbers(down, "repeats"), numbers(down, "length") > EMBEDDED)
        needed = _embedded_from(numbers(own, "repeats"), np.asarray(own["embedded"], dtype=np.bool_))
        less, more = less + (kept < needed), more + (kept > needed)
    if not less + more:
        return []
    share = share_interval(less, less + more)
    statement = "A falling R keeps the point embedded where fresh starts leave it out"
    return [found(statement, MEASURED, "share of seeds, of those that differ", share, less + more)]


def _embedded_from(R: np.ndarray, embedded: np.ndarray) -> float:
    """The least R from which on all are embedded; infinite if the largest is not."""
    failing = R[~embedded].max(initial=0.0)
    return float(R[failing < R].min(initial=np.inf))


def summary(tables: Tables) -> pd.DataFrame:
    """For each size its runs, the boundary by either criterion, and what the theory and the published line say."""
    return pd.DataFrame([_line(size) for size in _sizes(tables)])


def _line(size: _Size) -> dict[str, Any]:
    row = size.theory
    stands = f"{'≥ ' * bool(row['metastable_censored'])}{row['metastable_until']:.3g}"
    return {
        "n": size.n,
        "T/n": size.unit,
        "runs": len(size.runs),
        "that store a feature": size.storing,
        "R by D_X": _shown(size.boundary),
        "R by hidden length": _shown(size.second),
        "theory": _with_ends(row["median"], row["least"], row["greatest"]),
        "open draws": row["undecided"],
        "stays out until": stands,
        f"{PUBLISHED_SLOPE:g} T/n": round(PUBLISHED_SLOPE * size.unit, 6),
    }


def _shown(boundary: Row) -> str:
    """The fitted boundary; without a fit the two R between which outcomes change."""
    low, high = _bounds(boundary)
    if np.isfinite(boundary["median"]):
        return _with_ends(boundary["median"], low, high)
    return f"{low:g} to {high:g}".replace("inf", "∞")


def _with_ends(value: float, low: float, high: float) -> str:
    return f"{value:.3g} ({low:.3g} to {high:.3g})".replace("inf", "∞")
