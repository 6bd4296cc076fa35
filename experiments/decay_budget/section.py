"""Sections for the notes: what sweeps of trained models gave, beside the theory they test.

Each section reads one table that `tgon sweep experiments/NAME.toml --out RUNS --table experiments/NAME/runs.csv` wrote,
of the full or of a smaller form; the settings shown are those of its rows. Every sentence about agreement is chosen by
the numbers. Rows without a finished run are left out and counted.

Defines no equations.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numerics.sweeps.file import form_flag
from theory.memorization.tgon import tgon_energy
from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number
from theory.setting import Setting
from verify.diagnosis import CIRCLE_RATIO
from verify.statistics import Interval, mean_interval, share_interval

if TYPE_CHECKING:
    from numerics.sweeps.file import Form

__all__ = ["Trained", "decay_section", "grouped", "made_by", "read_trained", "shown_interval"]

#: A rate is told from at least this many seeds.
LEAST_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """One finished run of a sweep's table: its setting, its status and its observables."""

    setting: Setting
    status: str
    observed: dict[str, float]


def read_trained(path: Path) -> tuple[list[Trained], int]:
    """The finished runs of a sweep's table, and how many rows have none; nothing where there is no such file."""
    if not path.exists():
        return [], 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fields = {name: type(value) for name, value in Setting(T=1).as_dict().items()}
    finished = [row for row in rows if row["status"] in ("memorized", "not memorized", "diverged")]
    runs = []
    for row in finished:
        given: dict[str, Any] = {name: kind(row.pop(name)) for name, kind in fields.items()}
        status = row.pop("status")
        observed = {name: float(row[name] or "nan") for name in row if name not in ("engine", "reason")}
        runs.append(Trained(Setting(**given), status, observed))
    return runs, len(rows) - len(finished)


def made_by(name: str, experiments: Path, runs: Sequence[Trained], missing: int) -> str:
    """The command and the settings that the runs have in common, in a sentence."""
    common = [
        f"{field} = {value}"
        for field, value in (
            ("n", _only(runs, "n")),
            ("S", _only(runs, "sparsity")),
            ("steps", _only(runs, "steps")),
        )
        if value
    ]
    form = form_of_runs(experiments / name.replace("-", "_") / "sweep.toml", runs)
    said = "" if form == "full" else ", a smaller form of the sweep"
    left = f" {missing} of its cells are not trained yet." if missing else ""
    folder = f"experiments/{name.replace('-', '_')}"
    command = f"tgon sweep {folder}/sweep.toml{form_flag(form)} --table {folder}/tables/runs.csv"
    return f"Made by `{command}`{said}: {', '.join(common)}, {len(runs)} runs.{left}"


def form_of_runs(file: Path, runs: Sequence[Trained]) -> Form:
    """The first form of a sweep file that holds all the runs; full where none does."""
    from numerics.sweeps.file import FORMS, SweepFileError, read_sweep

    settings = {run.setting for run in runs}
    for form in FORMS:
        try:
            if settings <= set(read_sweep(file, form=form).cells):
                return form
        except (OSError, SweepFileError):
            continue
    return "full"


def _only(runs: Sequence[Trained], field: str) -> str:
    values = {getattr(run.setting, field) for run in runs}
    return f"{values.pop():g}" if len(values) == 1 else ""


def shown_interval(found: Interval, digits: int = 3) -> str:
    """A number with its 95 % interval, for a cell or a sentence; a dash where there is none."""
    if math.isnan(found.value):
        return "–"
    return f"{number(found.value, digits)} ({number(found.low, digits)} to {number(found.high, digits)})"


def grouped(
    runs: Iterable[Trained], key: Callable[[Trained], tuple[float, ...]]
) -> dict[tuple[float, ...], list[Trained]]:
    """The runs by a key, keys in increasing order."""
    groups: dict[tuple[float, ...], list[Trained]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return dict(sorted(groups.items()))


# The decay budget


def decay_section(experiments: Path) -> Section | None:
    """Excess over the least norm, and the share that memorizes, against the decay budget; None without runs."""
    runs, missing = read_trained(experiments / "decay_budget" / "tables" / "runs.csv")
    if not runs:
        return None
    groups = grouped(runs, lambda run: (run.setting.T, run.setting.decay_budget))
    rates = list(_rates(groups))
    text = (
        "The excess is √(Σ‖h‖²) over its least value, less 1, of seeds that memorize orthonormal data, median and "
        "range; seeds whose lengths, in order, jump by 10 % or more are two circles (`stationary.two-circles`) and are "
        f"left out of it. {made_by('decay-budget', experiments, runs, missing)} The hypothesis is a fall like "
        f"e^{{−τ}}, a rate of 1 (`optimization.excess`). {_rate_sentence(rates)} {_share_sentences(groups)}"
    )
    heads = (
        "T",
        "τ",
        "memorized",
        "95 % interval",
        "two circles",
        "excess",
        "least",
        "greatest",
        "seeds in it",
    )
    rows = [_decay_row(int(T), budget, found) for (T, budget), found in groups.items()]
    measured = Table("", heads, tuple(rows))
    caption = "The rate at which the excess falls between two budgets, per unit of τ, paired by seed."
    fall = Table(
        caption, ("T", "τ", "seeds", "rate", "against the hypothesis"), tuple(rate.row for rate in rates)
    )
    return Section(
        "Excess and success against the decay budget", text, (measured, fall) if rates else (measured,)
    )


def _decay_row(T: int, budget: float, runs: Sequence[Trained]) -> tuple[str, ...]:
    stored = [run for run in runs if run.status == "memorized"]
    share = share_interval(len(stored), len(runs))
    excess = sorted(_excess(run) for run in stored if _on_the_polygon(run))
    spread = (statistics.median(excess), excess[0], excess[-1]) if excess else ()
    return (
        str(T),
        number(budget, 4),
        f"{len(stored)}/{len(runs)}",
        f"{number(share.low, 2)} to {number(share.high, 2)}",
        str(sum(run.observed["length_jump"] >= CIRCLE_RATIO for run in stored)),
        *([number(value, 3) for value in spread] or ["–"] * 3),
        str(len(excess)),
    )


def _on_the_polygon(run: Trained) -> bool:
    """Whether the theorem applies and the run is on its way to the regular polygon."""
    return (
        run.status == "memorized"
        and run.observed["shared_features"] == 0
        and run.observed["length_jump"] < CIRCLE_RATIO
    )


def _excess(run: Trained) -> float:
    return math.sqrt(run.observed["energy"] / tgon_energy(run.setting.T)) - 1


@dataclass(frozen=True, slots=True)
class _Rate:
    """How fast the excess fell between two budgets, −d log(excess)/dτ, over seeds that are on the polygon at both."""

    T: int
    budgets: tuple[float, float]
    seeds: int
    interval: Interval

    @property
    def verdict(self) -> str:
        if self.interval.low <= 1 <= self.interval.high:
            return "agrees"
        if self.interval.high < 1:
            return "slower" if self.interval.high > 0 else "it grows"
        return "faster"

    @property
    def row(self) -> tuple[str, ...]:
        low, high = (number(one, 3) for one in self.budgets)
        return (str(self.T), f"{low} to {high}", str(self.seeds), shown_interval(self.interval), self.verdict)


def _rates(groups: dict[tuple[float, ...], list[Trained]]) -> Iterator[_Rate]:
    for (T, low), (following, high) in pairwise(groups):
        before, after = (
            {run.setting.seed: _excess(run) for run in groups[where] if _on_the_polygon(run)}
            for where in ((T, low), (following, high))
        )
        seeds = [seed for seed in before if seed in after and min(before[seed], after[seed]) > 0]
        if following == T and len(seeds) >= LEAST_SEEDS:
            falls = [math.log(before[seed] / after[seed]) / (high - low) for seed in seeds]
            yield _Rate(int(T), (low, high), len(seeds), mean_interval(falls))


def _rate_sentence(rates: Sequence[_Rate]) -> str:
    """How many of the rates the hypothesis got right."""
    if not rates:
        return "Too few seeds are on the polygon at two budgets to tell a rate."
    count = Counter(rate.verdict for rate in rates)
    return (
        f"That rate lies within {count['agrees']} of the {len(rates)} intervals below; the excess falls faster in "
        f"{count['faster']}, slower in {count['slower']}, and grows in {count['it grows']}."
    )


def _share_sentences(groups: dict[tuple[float, ...], list[Trained]]) -> str:
    """Whether the least and the greatest budget differ in the share that memorizes, by their intervals."""
    sentences = []
    for T in dict.fromkeys(T for T, _ in groups):
        budgets = [budget for other, budget in groups if other == T]
        shares = [
            share_interval(
                sum(run.status == "memorized" for run in groups[T, budget]), len(groups[T, budget])
            )
            for budget in (budgets[0], budgets[-1])
        ]
        if shares[1].high < shares[0].low:
            verdict = "fewer seeds memorize under the strongest decay than under the weakest"
        elif shares[1].low > shares[0].high:
            verdict = "more seeds memorize under the strongest decay than under the weakest"
        else:
            verdict = "decay makes no difference to the share that these seeds could show"
        sentences.append(f"At T = {T:g} {verdict}.")
    return " ".join(sentences)
