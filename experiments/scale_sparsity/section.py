"""A section for the notes: the dataset size from which trained models store features, beside the hypothesis.

It reads the files scales.csv and form.csv of the experiments on that scale, in every form that lies there;
`experiments.crossing` defines it.
The hypothesis is T(1 − S) = 10 (`scales.generalization`). The overlap scales have no experiment of their own.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.bump import geometric_mean
from experiments.decay_budget.section import shown_interval
from experiments.grouping import numbers
from experiments.tables import form_folders, form_of, read_tables
from theory.notes.pages import Section
from theory.notes.prose import in_markdown
from theory.notes.tables import Table
from theory.number_format import number
from verify.statistics import Interval

__all__ = ["scales_section"]

#: How often a feature is seen at the scale, by the hypothesis.
SEEN = 10.0

#: Pages on this scale, with the column that tells groups apart, its head, and whether scales are T(1 − S) or T.
PAGES = {
    "scale-sparsity": ("density", "1 − S", True),
    "scale-decay": ("weight_decay", "weight decay", False),
}

#: Other pages that show where features take over.
MORE = ("dataset-size", "heat-map")


@dataclass(frozen=True, slots=True)
class _Group:
    """The scales T(1 − S) of the seeds of one n, one m and one value of what is varied."""

    n: str
    m: int
    varied: str
    head: str
    scale: Interval
    seeds: int


def scales_section(experiments: Path) -> Section | None:
    """The measured scale T(1 − S) beside 10, with links to its pages; None without tables."""
    found = [
        (name, group)
        for name in PAGES
        for folder in form_folders(experiments / name)
        for group in _groups(folder, *PAGES[name])
    ]
    if not found:
        return None
    text = (
        "The scale is the T at which the largest D_f of a seed rises through half its plateau, in units of how often a "
        "feature is seen, T(1 − S); geometric mean over seeds with 95 % interval. The hypothesis is 10 "
        f"(`scales.generalization`). {_verdict([group for _, group in found])} The scales of "
        "overlap are counts of the drawn data; training is not compared with them."
    )
    rows = tuple(
        (
            name,
            one.n,
            str(one.m),
            in_markdown(one.head),
            one.varied,
            str(one.seeds),
            shown_interval(one.scale),
        )
        for name, one in found
    )
    table = Table("", ("experiment", "n", "m", "varied", "value", "seeds", "T(1 − S)"), rows)
    names = [*dict.fromkeys(name for name, _ in found), *MORE]
    return Section("The generalization scale of trained models", text, (table,), pages=tuple(names))


def _groups(folder: Path, column: str, head: str, seen: bool) -> Iterator[_Group]:
    tables = read_tables(folder)
    form = form_of(tables)
    unit = 1.0 if seen else 1 - float(form["sparsity"])
    found = tables["scales"].dropna(subset=["scale"])
    for m in np.unique(numbers(found, "m")):
        rows = found[numbers(found, "m") == m]
        for value in np.unique(numbers(rows, column)):
            scales = unit * numbers(rows[numbers(rows, column) == value], "scale")
            yield _Group(form["n"], int(m), f"{value:g}", head, geometric_mean(scales), len(scales))


def _verdict(groups: Sequence[_Group]) -> str:
    """The range of the measured scales, and how many of their intervals hold 10."""
    values = [one.scale.value for one in groups]
    held = sum(one.scale.low <= SEEN <= one.scale.high for one in groups)
    mean = math.exp(sum(map(math.log, values)) / len(values))
    factor = max(mean / SEEN, SEEN / mean)
    side = "above" if mean > SEEN else "below"
    return (
        f"Measured are {number(min(values), 3)} to {number(max(values), 3)}, on average {number(mean, 3)}: a factor of "
        f"{number(factor, 2)} {side} it. {held} of the {len(groups)} intervals below hold {SEEN:g}."
    )
