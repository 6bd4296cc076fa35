"""Runs that tables have, by their rows: to add others to them, and not to lose them. Defines no equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from experiments.absent import value_text
from experiments.grouping import with_rows
from experiments.registry import Experiment
from experiments.tables import form_of, table_text
from numerics import Run
from numerics.engines import resolve_engine
from numerics.sweeps.file import Form, Sweep
from numerics.training.seeds import finished_run
from theory import Setting

__all__ = ["added", "lost_runs", "settings_taken", "told_cells"]

#: The most T that are listed one by one.
MOST_SIZES = 20

#: Fields that runs of one table may always differ in.
_VARIED = ("T", "seed")

Tables = dict[str, pd.DataFrame]


def told_cells(experiment: Experiment, sweep: Sweep, form: Form, known: Tables | None) -> set[Setting]:
    """The cells of which tables have a row; ValueError where they cannot be added to."""
    if known is None:
        return set()
    assert experiment.keys is not None, f"{experiment.name} has no rows to add to"
    before = form_of(known)
    if before["form"] != form:
        raise ValueError(
            f"the tables are of the {before['form']} form, the runs of the {form} form; leave out --add"
        )
    rows = _rows(known["runs"], experiment.keys)
    places = zip(sweep.cells, _cell_rows(sweep.cells, experiment.keys), strict=True)
    told = {cell for cell, row in places if row in rows}
    if other := _other_settings(told, sweep, before, experiment.keys):
        raise ValueError(f"the runs that the tables have are of {other}; leave out --add")
    if len(told) < len(rows):
        raise ValueError(
            f"{len(rows) - len(told)} of the {len(rows)} runs that the tables have are none of the sweep; try a sweep "
            "file of theirs and the new ones together"
        )
    return told


def added(experiment: Experiment, known: Tables, runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """The tables with more runs, by the module's own ``add`` where it has more than rows."""
    module = experiment.module
    if hasattr(module, "add"):
        return module.add(known, runs, table)
    assert experiment.keys is not None
    return {"runs": with_rows(known["runs"], module.collect(runs, table)["runs"], experiment.keys)}


def lost_runs(experiment: Experiment, sweep: Sweep, folder: Path, form: Form, known: Tables) -> str:
    """What new tables would lose of ``known`` ones, so that they must not be replaced; empty if nothing.

    A preview is made again in minutes, and may be replaced by anything.
    """
    before = form_of(known)
    there = int(before["runs"]) - int(before["missing"])
    engine = resolve_engine(sweep.engine)
    found = [cell for cell in sweep.cells if finished_run(cell, engine, folder) is not None]
    if not found or before["form"] == "preview":  # without runs there are no new tables
        return ""
    if before["form"] != form:
        return f"{there} runs of the {before['form']} form"
    if other := _other_settings(found, sweep, before, experiment.keys or _VARIED):
        return f"{there} runs of {other}"
    if experiment.keys is None:
        lost = max(0, there - len(found))
    else:
        lost = len(_rows(known["runs"], experiment.keys) - set(_cell_rows(found, experiment.keys)))
    return f"{lost} runs that {folder} has not" if lost else ""


def _other_settings(
    cells: Collection[Setting], sweep: Sweep, before: Mapping[str, str], keys: Sequence[str]
) -> str:
    """What cells of a sweep have that runs of tables have not, in fields but ``keys`` with one value on both sides."""
    if not cells:
        return ""
    settings = settings_taken([cell for cell in sweep.cells if cell in cells])
    other = []
    for name, value in settings.items():
        both = before.get(name, value), value
        several = any(mark in each for each in both for mark in ",:")
        if name not in (*keys, "data_seed") and not several and both[0] != value:
            other.append(f"{name} = {both[0]}, not {value}")
    return ", ".join(other)


def _rows(table: pd.DataFrame, keys: Sequence[str]) -> set[str]:
    """The rows of some columns as they read in a file."""
    return set(table_text(table[list(keys)]).splitlines()[1:])


def _cell_rows(cells: Sequence[Setting], keys: Sequence[str]) -> list[str]:
    """What `_rows` makes of each cell, in their order."""
    named = pd.DataFrame([{key: getattr(cell, key) for key in keys} for cell in cells])
    return table_text(named).splitlines()[1:]


def settings_taken(settings: Sequence[Setting]) -> dict[str, str]:
    """Every value that each field of the settings takes."""
    fields = [field.name for field in dataclasses.fields(Setting)]
    taken = {name: list(dict.fromkeys(getattr(each, name) for each in settings)) for name in fields}
    shown = {name: _listed(sorted(values) if name == "T" else values) for name, values in taken.items()}
    sizes = sorted(taken["T"])
    if len(sizes) > MOST_SIZES:
        shown["T"] = f"{sizes[0]} to {sizes[-1]}, {len(sizes)} values"
    return shown


def _listed(values: list[object]) -> str:
    """Values in a row, three or more consecutive integers as a range."""
    numbers = [value for value in values if isinstance(value, int)]
    if len(numbers) == len(values) > 2 and sorted(numbers) == list(
        range(min(numbers), min(numbers) + len(numbers))
    ):
        return f"{min(numbers)}:{max(numbers)}"
    return ", ".join(map(value_text, values))
