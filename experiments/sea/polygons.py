"""A section for the notes: which polygon of features training takes from random starts, beside three closed forms.

It reads `experiments/sea/runs.csv` as `experiments.decay_budget.section` describes, and of it the Xavier starts
alone. A ring counts
as in `experiments.sea.features`. The closed forms are a ring alone at zero bias (`generalization.free-radius`), one
with a
free bias (`generalization.free-bias-loss`), and a ring with its sea (`sea.separated-gain`), the last two with the
amplitudes of the runs' n and S; all are for infinite data.

Defines no equations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from experiments.decay_budget.section import Trained, grouped, made_by, read_trained, shown_interval
from experiments.sea.features import ring_of
from theory.features.amplitudes import normalized
from theory.features.polygon import best_polygons, polygon
from theory.features.sea import ring_with_sea
from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number
from verify.statistics import Interval, mean_interval

__all__ = ["polygons_section"]

#: The sizes that a best one is looked for among, and those that are compared with a sea.
SIZES, SEA_SIZES = range(3, 10), range(5, 8)


@dataclass(frozen=True, slots=True)
class _Law:
    """What one closed form says: its name, the best k, and squared radius and bias by k."""

    name: str
    best: int
    rings: dict[int, tuple[float, float]]


def polygons_section(experiments: Path) -> Section | None:
    """The k, squared radius and bias of the rings that random starts end with; None without runs."""
    every, missing = read_trained(experiments / "sea" / "tables" / "runs.csv")
    runs = [run for run in every if run.status != "diverged" and run.setting.start == "xavier"]
    if not runs:
        return None
    settings = {(run.setting.n, run.setting.sparsity) for run in runs}
    title = "Which polygon training takes"
    if len(settings) != 1:
        return Section(title, "Runs of several n or S have no common closed form, so none is compared.")
    groups = grouped(runs, lambda run: (run.setting.T,))
    laws = _laws(*settings.pop())
    text = (
        "The Xavier starts of the sweep: models that begin without a polygon. Here r is the mean squared length and b "
        "the mean bias of a ring's columns, means over seeds with 95 % intervals; closed forms are for infinite data. "
        f"{made_by('sea', experiments, every, missing)} {' '.join(_verdicts(runs, groups, laws))}"
    )
    measured = Table(
        "",
        ("T/n", "ring ends with", "r", "b"),
        tuple(_row(found) for found in groups.values()),
    )
    seen = sorted({5, 6} | {k for run in runs if (k := ring_of(run)) is not None})
    forms = Table(
        "The closed forms at these n and S: squared radius and bias of a ring of k, and the k of greatest gain.",
        ("closed form", "best k", *(f"{name}, k = {k}" for k in seen for name in ("r", "b"))),
        tuple(
            (law.name, str(law.best), *(cell for k in seen for cell in _cells(law.rings.get(k))))
            for law in laws
        ),
    )
    return Section(title, text, (measured, forms))


@cache
def _laws(n: int, sparsity: float) -> tuple[_Law, ...]:
    zero, free = ([polygon(k, law, n=n, sparsity=sparsity) for k in SIZES] for law in ("free", "normalized"))
    seas = [ring_with_sea(k, normalized(n, sparsity), n - k) for k in SEA_SIZES]
    return (
        *(
            _Law(name, min(best_polygons(found)), {one.k: (one.radius_squared, one.bias) for one in found})
            for name, found in (("a ring alone at zero bias", zero), ("a ring alone with a free bias", free))
        ),
        _Law(
            "a ring with its sea",
            max(seas, key=lambda one: one.gain).k,
            {one.k: (one.radius_squared, one.bias) for one in seas},
        ),
    )


def _cells(ring: tuple[float, float] | None) -> tuple[str, str]:
    return ("–", "–") if ring is None else (number(ring[0], 3), number(ring[1], 3))


def _row(runs: Sequence[Trained]) -> tuple[str, ...]:
    setting = runs[0].setting
    ends = Counter(ring_of(run) for run in runs)
    return (
        number(setting.T / setting.n, 3),
        ", ".join(f"{k or 'no ring'}: {ends[k]}" for k in sorted(ends, key=lambda one: one or 0)),
        shown_interval(_mean(runs, "ring_radius_squared")),
        shown_interval(_mean(runs, "ring_bias")),
    )


def _mean(runs: Sequence[Trained], name: str) -> Interval:
    return mean_interval([run.observed[name] for run in runs if ring_of(run) is not None])


def _verdicts(
    runs: Sequence[Trained], groups: dict[tuple[float, ...], list[Trained]], laws: Sequence[_Law]
) -> Iterator[str]:
    """Which closed forms have the k that training takes, and how near their radius and bias are to the trained ones."""
    ends = Counter(ring_of(run) for run in runs)
    k, count = ends.most_common(1)[0]
    if k is None:
        yield f"{count} of {len(runs)} runs end without a ring, more than with any one."
        return
    yield f"{count} of {len(runs)} runs end with a ring of {k}."
    others = [f"{law.name} gains most at {law.best}" for law in laws if law.best != k]
    right = [law.name for law in laws if law.best == k]
    yield (
        f"Of the closed forms {' and '.join(right) or 'none'} {'gain' if len(right) > 1 else 'gains'} most at that k"
        + (f"; {', and '.join(others)}." if others else ".")
    )
    for place, (name, said) in enumerate((("ring_radius_squared", "r"), ("ring_bias", "b"))):
        known = {law.name: law.rings[k][place] for law in laws if k in law.rings}
        found: dict[str, list[str]] = {}
        for group in groups.values():
            rings = [run for run in group if ring_of(run) == k]
            if rings and known:
                where = number(rings[0].setting.T / rings[0].setting.n, 3)
                found.setdefault(_nearest(_mean(rings, name), known), []).append(where)
        if found:
            yield f"For {said}, {'; '.join(f'at T/n = {_listed(where)} {words}' for words, where in found.items())}."


def _nearest(mean: Interval, known: dict[str, float]) -> str:
    """The closed form that is nearest to a measured mean, and on which side of its interval it lies."""
    name = min(known, key=lambda one: abs(known[one] - mean.value))
    within = mean.low <= known[name] <= mean.high
    verdict = "within" if within else "above" if known[name] > mean.high else "below"
    return f"{name} comes nearest with {number(known[name], 3)}, {verdict} the interval"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
