"""A section for the notes: models that memorize in three and four hidden dimensions, beside the codes of least energy.

It reads a table as `experiments.decay_budget.section` describes. Energies are Σ‖h‖² over datapoints. A run is judged
where it
memorizes and no two of its datapoints share a feature, as `codes.programme` assumes. With a worst squared point error ε
it may lie below the least energy by the factor 1 − 2√ε and no further (`memorization.robust`). The negative control is
the code of T + 1 points: as a lower bound for T points it is wrong, and some run of every row should show that.

Defines no equations.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from experiments.decay_budget.section import Trained, grouped, made_by, read_trained
from theory.codes.programme import MemorizationCode, memorization_code
from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number

__all__ = ["codes_section"]

_HEADS = (
    "m",
    "T",
    "τ",
    "memorized",
    "orthonormal",
    "least energy",
    "of the code",
    "ratio",
    "median ratio",
    "ratio to T + 1 points",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """The runs of one m, T and weight decay; `judged` are those that the programme is about."""

    m: int
    T: int
    budget: float
    runs: tuple[Trained, ...]
    judged: tuple[Trained, ...]

    @property
    def code(self) -> MemorizationCode:
        return _code(self.T, self.m)

    def ratios(self) -> list[float]:
        """Energies over the least one, in increasing order."""
        return sorted(run.observed["energy"] / self.code.energy for run in self.judged)

    def below(self, energy: float) -> int:
        """How many runs refute this energy as a lower bound."""
        return sum(run.observed["energy"] < _allowed(run) * energy for run in self.judged)

    @property
    def cells(self) -> tuple[str, ...]:
        found = [run.observed["energy"] for run in self.judged]
        least = min(found, default=math.nan)
        shown = (
            number(least, 5),
            number(self.code.energy, 5),
            number(least / self.code.energy, 5),
            number(statistics.median(found) / self.code.energy, 5) if found else "–",
            number(least / _code(self.T + 1, self.m).energy, 3),
        )
        stored = sum(run.status == "memorized" for run in self.runs)
        return (
            str(self.m),
            str(self.T),
            number(self.budget, 3),
            f"{stored}/{len(self.runs)}",
            str(len(self.judged)),
            *(shown if found else ("–", shown[1], "–", "–", "–")),
        )


@cache
def _code(T: int, m: int) -> MemorizationCode:
    """As in the table of least energies."""
    return memorization_code(T, m, starts=2)


def _allowed(run: Trained) -> float:
    """The share of the least energy that a model with this error still needs (`memorization.robust`)."""
    return 1 - 2 * math.sqrt(run.observed["worst_point_error"])


def codes_section(experiments: Path) -> Section | None:
    """Least and median energy of the runs that memorize against that of the code; None without runs."""
    runs, missing = read_trained(experiments / "codes" / "tables" / "runs.csv")
    if not runs:
        return None
    rows = list(_rows(runs))
    text = (
        "Models in more hidden dimensions than two. The energy of a run is its Σ‖h‖². It is compared with the least "
        "energy known, that of the code in the first table under Numbers, over the seeds that memorize data without a "
        f"shared feature. {made_by('codes', experiments, runs, missing)} {' '.join(_verdicts(rows))}"
    )
    return Section("Codes of trained models", text, (Table("", _HEADS, tuple(row.cells for row in rows)),))


def _rows(runs: Sequence[Trained]) -> Iterator[_Row]:
    for (m, T, budget), found in grouped(
        runs, lambda run: (run.setting.m, run.setting.T, run.setting.decay_budget)
    ).items():
        judged = [run for run in found if run.status == "memorized" and run.observed["shared_features"] == 0]
        yield _Row(int(m), int(T), budget, tuple(found), tuple(judged))


def _verdicts(rows: Sequence[_Row]) -> Iterator[str]:
    """What the runs say about the codes, about the wrong theory, and about unequal lengths."""
    rows = [row for row in rows if row.judged]
    if not rows:
        yield "No seed memorized such data, so there is nothing to compare."
        return
    yield _bound_sentence(rows)
    yield from (_ratio_sentence(budget, rows) for budget in sorted({row.budget for row in rows}))
    yield _control_sentence(rows)
    yield from _length_sentence(rows)


def _bound_sentence(rows: Sequence[_Row]) -> str:
    judged = sum(len(row.judged) for row in rows)
    beaten = [row for row in rows if row.below(row.code.energy)]
    if not beaten:
        return f"None of {judged} runs has less energy than the code, beyond what its error allows."
    proven = any(row.code.status == "theorem" for row in beaten)
    verdict = "which the theorem forbids" if proven else "so a shorter code exists than the one found"
    where = ", ".join(dict.fromkeys(f"T = {row.T} with m = {row.m}" for row in beaten))
    count = sum(row.below(row.code.energy) for row in beaten)
    return f"{count} of {judged} runs have less energy than the code, {verdict}: {where}."


def _ratio_sentence(budget: float, rows: Sequence[_Row]) -> str:
    """How far above the code the best seed and the middle one of each row end at one budget."""
    ratios = [row.ratios() for row in rows if row.budget == budget]
    best, middle = [found[0] for found in ratios], [statistics.median(found) for found in ratios]
    return (
        f"At τ = {number(budget, 3)} the best seeds end {_above(min(best))} % to {_above(max(best))} % above it, the "
        f"median ones {_above(min(middle))} % to {_above(max(middle))} %."
    )


def _above(ratio: float) -> str:
    return number(100 * (ratio - 1), 2)


def _control_sentence(rows: Sequence[_Row]) -> str:
    refuted = sum(row.below(_code(row.T + 1, row.m).energy) > 0 for row in rows)
    rest = "" if refuted == len(rows) else "; in the others runs end too far above to tell the two apart"
    return (
        f"The code of T + 1 points, a wrong theory of T points, is refuted as a lower bound in {refuted} of "
        f"{len(rows)} rows{rest}."
    )


def _length_sentence(rows: Sequence[_Row]) -> Iterator[str]:
    """Where the shortest code has unequal lengths: whether runs are shorter than all codes of equal lengths."""
    unequal = [row for row in rows if not row.code.equal_norms and 2 * row.m > row.T]
    if unequal:
        below = sum(row.below(row.T) for row in unequal)
        verdict = "Training finds" if below else "Training does not find"
        sizes = ", ".join(dict.fromkeys(f"T = {row.T} with m = {row.m}" for row in unequal))
        each = ", ".join(
            f"{sum(row.below(row.T) for row in found)} of {sum(len(row.judged) for row in found)} at τ = "
            f"{number(budget, 3)}"
            for budget in sorted({row.budget for row in unequal})
            for found in [[row for row in unequal if row.budget == budget]]
        )
        yield (
            f"{verdict} unequal lengths where they are shorter ({sizes}; `codes.shifted-cross-polytope`): below T, the "
            f"least energy of equal lengths, lie {each}."
        )
