"""Experiment ``repeated-map``: from how many repeats on a datapoint is memorized, against datapoints per feature.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): a map of R against T/N in two settings,
coloured by whether the point is among the first 0.1 % by D_X, with the line R = 0.4 T/N. Beside it: the hidden length
as a second criterion, fitted boundaries (`repetition.boundary`), the numerical theory, and sweeps in both directions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, Tables, found, found_share, outcome_of
from experiments.following import STORED, turning
from experiments.grouping import numbers
from experiments.repeated_map.collecting import CRITERIA, KEYS, collect, derived
from experiments.repeated_map.drawing import PUBLISHED_SLOPE, draw
from numerics.repetition import EMBEDDED
from theory.number_format import at_least
from verify.statistics import Interval

__all__ = ["KEYS", "collect", "derived", "draw", "findings", "summary"]

#: What is published of the boundary.
MORE_NEEDED = "At low T/n more than T/n repeats are needed (Jermyn)"
LINE = f"At larger T/n the boundary is R = {PUBLISHED_SLOPE:g} T/n (Jermyn)"


def _sizes(tables: Tables) -> pd.DataFrame:
    """A row per size: unit T/n, runs and how many store a feature, the boundary by either criterion, the theory.

    The ends low and high of a boundary without a fit are the R between which outcomes change; 0 and ∞ bound nothing.
    """
    size, boundaries, runs = ["n", "T"], tables["boundaries"], tables["runs"]
    fitted = boundaries["median"].notna()
    ends = boundaries.drop(columns="runs").assign(
        low=boundaries["low"].where(fitted, boundaries["none_until"].fillna(0.0)),
        high=boundaries["high"].where(fitted, boundaries["all_from"].fillna(np.inf)),
    )
    first, second = (ends[ends["criterion"] == name] for name in CRITERIA)
    by_size = runs.assign(storing=runs["largest_feature"] >= STORED).groupby(size)
    counts = by_size.agg(runs=("seed", "size"), storing=("storing", "sum")).reset_index()
    theory = tables["theory"].rename(columns={"median": "threshold"})
    sizes = (
        first.merge(second, on=size, suffixes=("", "_by_length"))
        .merge(counts, on=size)
        .merge(theory, on=size)
    )
    return sizes.assign(unit=sizes["T"] / sizes["n"], bounded=(sizes["low"] > 0) & np.isfinite(sizes["high"]))


def findings(tables: Tables) -> list[Finding]:
    """The boundary beside theory and published line, the two criteria, and hysteresis.

    Sizes at which most models store no feature are left out, as in the published map.
    """
    sizes = _sizes(tables)
    sizes = sizes[2 * sizes["storing"] > sizes["runs"]]
    bounded = sizes[sizes["bounded"]]
    meets = (bounded["low"] <= bounded["greatest"]) & (bounded["high"] >= bounded["least"])
    statement = "The boundary's interval meets the range of the theory's draws"
    differ = tables["runs"][CRITERIA[0]] != tables["runs"][CRITERIA[1]]
    return [
        _at_low(tables["runs"].merge(sizes[["n", "T", "unit"]], on=["n", "T"])),
        _published_line(sizes[sizes["unit"] > 1]),
        *(_boundary(row) for _, row in sizes.iterrows()),
        Finding(statement, MEASURED, "share of sizes bounded on both sides", meets.mean(), n=len(meets)),
        found_share("The two criteria differ", MEASURED, "share of runs", int(differ.sum()), len(differ)),
        *_hysteresis(tables["sweeps"], tables["runs"]),
    ]


def _at_low(runs: pd.DataFrame) -> Finding:
    """Whether most seeds fail at the least R trained above T/n, where T/n is low."""
    above = runs[(runs["unit"] <= 1) & (runs["repeats"] > runs["unit"])]
    least = above[above["repeats"] == above.groupby(["n", "T"])["repeats"].transform("min")]
    shares = least.groupby(["n", "T"])["first"].mean()
    outcome = outcome_of(int((shares < 0.5).sum()), len(shares))
    quantity = "share of seeds among the first by D_X, at the least R above T/n"
    return found_share(MORE_NEEDED, outcome, quantity, int(least["first"].sum()), len(least), "T/n ≤ 1")


def _published_line(sizes: pd.DataFrame) -> Finding:
    """Whether boundaries at larger T/n hold the published line; open where one that is bounded on one side may."""
    line = PUBLISHED_SLOPE * sizes["unit"]
    holds = (sizes["low"] <= line) & (line <= sizes["high"])
    on, of = int(holds[sizes["bounded"]].sum()), int(sizes["bounded"].sum())
    outcome = outcome_of(on, of) if on or not holds.any() else "not decided"
    share = on / of if of else np.nan
    return Finding(LINE, outcome, "share of boundaries whose interval holds it", share, n=of, at="T/n > 1")


def _boundary(size: pd.Series[Any]) -> Finding:
    """The boundary in units of T/n."""
    place = f"n = {size['n']}, T/n = {size['unit']:g}"
    scaled = Interval(*(size[name] / size["unit"] for name in ("median", "low", "high")))
    return found("Boundary by D_X", MEASURED, "R/(T/n)", scaled, size["runs"], place)


def _hysteresis(sweeps: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """In how many seeds a falling R keeps the point embedded below where fresh starts embed it, equal ones left out."""
    cold = runs[(runs["n"] == sweeps["n"].iloc[0]) & (runs["T"] == sweeps["T"].iloc[0])]
    less = more = 0
    for seed, down in sweeps[sweeps["direction"] == "down"].groupby("seed"):
        own = cold[cold["seed"] == seed]
        _, kept = turning(numbers(down, "repeats"), numbers(down, "length") > EMBEDDED)
        _, needed = turning(numbers(own, "repeats"), np.asarray(own["embedded"], dtype=np.bool_))
        less, more = less + (kept < needed), more + (kept > needed)
    statement = "A falling R keeps the point embedded where fresh starts leave it out"
    return [found_share(statement, MEASURED, "share of seeds, of those that differ", less, less + more)]


def summary(tables: Tables) -> pd.DataFrame:
    """For each size its runs, the boundary by either criterion, and what the theory and the published line say."""
    sizes = _sizes(tables)
    stays = zip(sizes["metastable_until"], sizes["metastable_censored"], strict=True)
    until = [at_least(f"{R:.3g}", censored) for R, censored in stays]
    return pd.DataFrame(
        {
            "n": sizes["n"],
            "T/n": sizes["unit"],
            "runs": sizes["runs"],
            "that store a feature": sizes["storing"],
            "R by D_X": _shown(sizes, "median", "low", "high"),
            "R by hidden length": _shown(sizes, "median_by_length", "low_by_length", "high_by_length"),
            "theory": _shown(sizes, "threshold", "least", "greatest"),
            "open draws": sizes["undecided"],
            "stays out until": until,
            f"{PUBLISHED_SLOPE:g} T/n": (PUBLISHED_SLOPE * sizes["unit"]).round(6),
        }
    )


def _shown(sizes: pd.DataFrame, *columns: str) -> list[str]:
    """Values with their ends; the ends alone without a value."""
    cells = []
    for value, low, high in sizes[list(columns)].to_numpy():
        ends = f"{low:.3g} to {high:.3g}".replace("inf", "∞")
        cells.append(ends if np.isnan(value) else f"{value:.3g} ({ends})")
    return cells
