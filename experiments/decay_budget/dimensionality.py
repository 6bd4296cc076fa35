"""A section for the notes: the dimensionality of datapoints in models that memorize, against what theory gives them.

In the plane it reads `experiments/decay-budget/runs.csv`, in more dimensions `experiments/codes/runs.csv`, both as
`experiments.decay_budget.section` describes, and for sums `hidden_vectors.csv` of comparisons. The largest D_X of a
run is compared
with that of the least code for its T and m, 2/T on a T-gon (`memorization.tgon-dimensionality`); the sum over all
datapoints with the rank (`dimensionality.sum-bound`).

Defines no equations.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from experiments.decay_budget.section import Trained, grouped, read_trained
from theory.codes.programme import memorization_code
from theory.dimensionality import dimensionality
from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number
from verify.diagnosis import CIRCLE_RATIO

__all__ = ["dimensionality_section"]

#: Sweeps whose runs are compared; those in the plane count where they are on the way to the polygon.
SWEEPS = ("decay_budget", "codes")

#: What the rounding of coordinates on disk, to five digits, can add to a sum of T ≤ 20 quotients of at most 1.
ROUNDED = 1e-3

_Points = dict[tuple[str, ...], list[tuple[float, float]]]


def dimensionality_section(experiments: Path) -> Section | None:
    """The largest D_X of runs that memorize beside that of the code, and sums beside the rank; None without runs."""
    runs = [
        run
        for name in SWEEPS
        for run in read_trained(experiments / name / "tables" / "runs.csv")[0]
        if _judged(run)
    ]
    groups = grouped(runs, lambda run: (run.setting.m, run.setting.T, run.setting.decay_budget))
    rows = [_row(int(m), int(T), budget, found) for (m, T, budget), found in groups.items()]
    sums = list(_sums(experiments))
    if not rows and not sums:
        return None
    read = " and ".join(f"`experiments/{name}/tables/runs.csv`" for name in SWEEPS)
    text = (
        f"The runs of {read} that memorize data without a shared feature; those on two circles are left out. The "
        "largest D_X of a run is compared with the largest of the code of least energy for its T and m, which is 2/T "
        f"in the plane. {' '.join((*_nearness(rows), *_sum_sentences(sums)))}"
    )
    table = Table(
        "",
        ("m", "T", "τ", "seeds", "largest D_X, median", "range", "of the code", "median off by"),
        tuple(cells for cells, _ in rows),
    )
    return Section("Dimensionality of trained models", text, (table,) if rows else ())


def _judged(run: Trained) -> bool:
    """Whether the run memorizes orthonormal data and, in the plane, is no pair of circles."""
    seen = run.observed
    circles = run.setting.m == 2 and seen["length_jump"] >= CIRCLE_RATIO
    return run.status == "memorized" and seen["shared_features"] == 0 and not circles


@cache
def _largest(T: int, m: int) -> float:
    return float(dimensionality(memorization_code(T, m, starts=2).hidden).max())


def _row(m: int, T: int, budget: float, runs: Sequence[Trained]) -> tuple[tuple[str, ...], float]:
    """The cells of a row, and how far its median is off, relatively."""
    found = sorted(run.observed["largest_data_dimensionality"] for run in runs)
    off = statistics.median(found) / _largest(T, m) - 1
    cells = (
        str(m),
        str(T),
        number(budget, 3),
        str(len(runs)),
        number(statistics.median(found), 4),
        f"{number(found[0], 4)} to {number(found[-1], 4)}",
        number(_largest(T, m), 4),
        f"{number(100 * off, 2)} %",
    )
    return cells, off


def _nearness(rows: Sequence[tuple[tuple[str, ...], float]]) -> Iterator[str]:
    if rows:
        offs = [abs(off) for _, off in rows]
        near = sum(off <= 0.01 for off in offs)
        cells, off = max(rows, key=lambda row: abs(row[1]))
        yield (
            f"The median is within 1 % of that in {near} of {len(rows)} rows; it is farthest off, by "
            f"{number(100 * off, 2)} %, at m = {cells[0]}, T = {cells[1]}, τ = {cells[2]}."
        )


# Sums


def _sums(experiments: Path) -> Iterator[tuple[int, float]]:
    """The dimensions and Σ D_X of every trained model of two dimensions whose hidden vectors are on disk."""
    for path in sorted(experiments.glob("*/tables/hidden_vectors.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            models: _Points = {}
            for row in csv.DictReader(file):
                if row["kind"] == "hidden":
                    key = tuple(row[name] for name in ("T", "m", "run", "seed"))
                    models.setdefault(key, []).append((float(row["x"]), float(row["y"])))
        for key, points in models.items():
            yield int(key[0]), float(dimensionality(np.array(points).T).sum())


def _sum_sentences(sums: Sequence[tuple[int, float]]) -> Iterator[str]:
    if sums:
        found = [total for _, total in sums]
        above = sum(total > 2 + ROUNDED for total in found)
        verdict = "none is above" if above == 0 else f"{above} are above"
        yield (
            f"The sum of D_X over the datapoints of a model is at most its rank (`dimensionality.sum-bound`): of "
            f"{len(sums)} models in the plane whose hidden vectors `tgon compare` wrote down, {verdict} 2; sums are "
            f"{number(min(found), 4)} to {number(max(found), 4)}."
        )
