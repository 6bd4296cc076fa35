"""Experiments: the figures of the paper, made again from runs that anyone can train, with their numbers and pages. An
experiment is a folder ``experiments/NAME``, with underscores: ``sweep.toml`` names its runs, and those of smaller forms
``tenth``, ``averaged`` and ``preview``; ``__init__.py`` has the functions of `ExperimentModule`; ``commentary.md`` the
prose (`experiments.commentary`); ``tables/`` and ``figure.png`` what `tgon figure NAME` makes (`experiments.making`),
another form's in a folder of its name. To add an experiment, write its folder and add its name to `NAMES`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from experiments.commentary import Commentary, read_commentary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from experiments.findings import Finding, Tables
    from numerics import Run

#: Experiments that test what the derivation notes say; the others, what was published.
OF_THE_NOTES = (
    "compare",
    "test-loss",
    "epsilon-law",
    "decay-budget",
    "polish",
    "codes",
    "sea",
    "threshold",
    "repeated-threshold",
)

#: The experiments in the order in which they are read.
NAMES = (
    "dataset-size",
    "published-curves",
    "norms",
    "gallery",
    "failures",
    "digits",
    "variants",
    "weight-decay",
    "training-steps",
    "sensitivity",
    "scale-sparsity",
    "scale-decay",
    "heat-map",
    "repeated-history",
    "repeated-many",
    "repeated-map",
    "forgetting",
    "envelope",
    *OF_THE_NOTES,
)


class ExperimentModule(Protocol):
    """What the package of an experiment defines. ``collect``, ``draw`` and ``findings`` it must have; no ``collect``
    where other commands write its tables, which then stand in its table ``form`` as ``made``. Beside these it may have
    ``KEYS``, the columns of its table ``runs`` that tell runs apart, so that runs can be added to its tables, and
    ``derived`` where some tables follow from others, with ``BESIDE``, the experiments whose committed tables that
    reads. A ``collect`` without ``table`` spares the test losses of `numerics.observe`, one for each run.
    """

    def collect(self, runs: Sequence[Run], table: pd.DataFrame) -> Tables:
        """Every number of figure and page, in tables below 200 kB. Row k of ``table`` is run k, as observed."""

    def derived(self, tables: Tables) -> Tables:
        """The tables, of which those that follow from others are made again after rows were added to these."""

    def draw(self, tables: Tables) -> Figure:
        """The figure, from the tables alone."""

    def findings(self, tables: Tables) -> list[Finding]:
        """What the tables say of what was published, and further numbers worth a row; no prose."""

    def summary(self, tables: Tables) -> pd.DataFrame | Tables:
        """A computed table of numbers that the page shows below the findings, or several by their captions."""

    def animate(self, tables: Tables) -> bytes:
        """A GIF, from the tables alone."""


@dataclass(frozen=True)
class Experiment:
    """One experiment; its module and its commentary are read when they are used.

    >>> Experiment("dataset-size").folder
    'dataset_size'
    """

    name: str

    @property
    def folder(self) -> str:
        """Name of its folder, which is its package too."""
        return self.name.replace("-", "_")

    @cached_property
    def commentary(self) -> Commentary:
        """Title, question, caption and prose."""
        return read_commentary(Path(__file__).parent / self.folder / "commentary.md")

    @property
    def module(self) -> ExperimentModule:
        """Its functions."""
        return cast(ExperimentModule, importlib.import_module(f"experiments.{self.folder}"))


EXPERIMENTS: tuple[Experiment, ...] = tuple(map(Experiment, NAMES))


def find_experiment(name: str) -> Experiment:
    """The experiment of that name; ValueError, in one line with the nearest names, where there is none.

    >>> find_experiment("dataset-size").name
    'dataset-size'
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=3, cutoff=0.4) or NAMES
        raise ValueError(f"{name!r}: no such experiment; did you mean {', '.join(near)}? try --list for all")
    return next(each for each in EXPERIMENTS if each.name == name)
