"""From runs to tables, from tables to figure and page, and the files that hold them.

The tables are drawn and described as their CSV files read, six digits each, so that nothing in a figure or on a page
hangs on what the files do not hold.

Defines no equations.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd
from matplotlib.figure import Figure

from experiments.absent import absent_text
from experiments.adding import added, settings_taken, told_cells
from experiments.findings import Finding
from experiments.page import ANIMATION, Entry, Part, contents_page, page
from experiments.registry import EXPERIMENTS, Experiment
from experiments.tables import (
    FORM,
    TABLES,
    digest,
    explained,
    form_folders,
    form_of,
    parsed_table,
    read_tables,
    sealed_tables,
    table_text,
)
from numerics import observe
from numerics.engines import resolve_engine
from numerics.sweeps.file import FORMS, SMALLER_FORMS, Form, Sweep, form_flag
from numerics.training.runs import write_atomically
from numerics.training.seeds import finished_run
from numerics.training.times import training_seconds
from verify.style import SOFT, render, styled

__all__ = [
    "CONTENTS",
    "Written",
    "contents_of",
    "findings_of",
    "gather",
    "page_of",
    "picture",
    "write_experiment",
]

#: The list of all pages, beside them.
CONTENTS = "README.md"

Tables = dict[str, pd.DataFrame]


def gather(
    experiment: Experiment,
    sweep: Sweep,
    folder: Path,
    *,
    source: str,
    form: Form = "full",
    known: Tables | None = None,
) -> Tables:
    """The tables of an experiment from the finished runs of its sweep in ``folder``; ``source`` names the sweep file.

    Cells without a run are counted and named in the table ``form``. Runs that ``known`` tables have are not looked for:
    what is found is added to those tables.

    Raises
    ------
    ValueError
        No cell of the sweep is finished, or all diverged; nothing can be added to ``known``.

    """
    engine, told = resolve_engine(sweep.engine), told_cells(experiment, sweep, form, known)
    found = [None if cell in told else finished_run(cell, engine, folder) for cell in sweep.cells]
    finished = [run for run in found if run is not None]
    runs = [run for run in finished if run.status != "diverged"]
    if not runs:
        raise ValueError(_nothing(len(sweep.cells), len(told), len(finished), folder, source, form))
    table = pd.DataFrame(
        [
            {**run.setting.as_dict(), "status": run.status, **(observe(run) if experiment.observed else {})}
            for run in runs
        ]
    )
    before = {} if known is None else form_of(known)
    absent = [cell for cell, run in zip(sweep.cells, found, strict=True) if run is None and cell not in told]
    counts: dict[str, object] = {
        "experiment": experiment.name,
        "form": form,
        "sweep": source,
        "engine": ", ".join(dict.fromkeys([*before.get("engine", engine).split(", "), engine])),
        "runs": len(sweep.cells),
        "missing": len(absent),
        "diverged": len(finished) - len(runs),
        "memorized": sum(run.status == "memorized" for run in runs) + int(before.get("memorized", 0)),
    }
    if absent:
        counts["absent"] = absent_text(sweep.cells, absent)
    times = training_seconds([run.name for run in runs], folder)
    timed = len(times) + int(before.get("timed", 0))
    if timed:
        seconds = round(sum(times.values())) + int(before.get("seconds", 0))
        counts |= {"timed": timed, "seconds": seconds}
    tables = (
        experiment.module.collect(runs, table) if known is None else added(experiment, known, runs, table)
    )
    shown = settings_taken([cell for cell in sweep.cells if cell in told] + [run.setting for run in runs])
    tables = tables | {
        FORM: pd.DataFrame(
            [(key, str(value)) for key, value in (counts | shown).items()], columns=["key", "value"]
        )
    }
    return {name: parsed_table(table_text(table)) for name, table in tables.items()}


def _nothing(cells: int, told: int, finished: int, folder: Path, source: str, form: Form) -> str:
    if told == cells:
        return f"the tables have all {cells} runs of {source} already; leave out --add to make them anew"
    more = f" that the tables lack ({told} they have)" if told else ""
    return (
        f"{folder}: {finished} of the {cells - told} runs of {source}{more} are there, none of them usable; "
        f"try tgon sweep {source}{form_flag(form)} --out {folder}"
    )


def picture(experiment: Experiment, tables: Tables) -> Figure:
    """The figure; a smaller form says so, and that a preview bears no claim."""
    form = form_of(tables)
    with styled():
        figure = experiment.module.draw(tables)
        if form["form"] != "full":
            bears = ": no claim rests on it" if form["form"] == "preview" else ""
            note = f"{form['form']} form, n = {form['n']}{bears}"
            figure.suptitle(note, fontsize=12, color=SOFT, x=0.99, ha="right")
    return figure


def page_of(experiment: Experiment, forms: Mapping[str, Tables]) -> str:
    """The page in Markdown, from the tables of each form alone, by where they lie as seen from the page."""
    return page(experiment, [_part(experiment, each, link, Path(link)) for link, each in forms.items()])


def _part(experiment: Experiment, tables: Tables, link: str, folder: Path) -> Part:
    """What the tables in ``folder``, ``link`` as seen from the page, add to it."""
    with explained(experiment, tables, folder):
        names = [f"{TABLES}/{name}.csv" for name in sorted(tables)]
        summary = getattr(experiment.module, "summary", None)
        summed = None if summary is None else summary(tables)
        return Part(form_of(tables), findings_of(experiment, tables), summed, link, names)


def findings_of(experiment: Experiment, tables: Tables) -> list[Finding]:
    """What an experiment finds; nothing of one that does not tell it yet."""
    return experiment.module.findings(tables) if hasattr(experiment.module, "findings") else []


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_experiment` left: the page, and all files with it."""

    page: Path
    files: tuple[Path, ...]


def write_experiment(experiment: Experiment, tables: Tables, out: Path) -> Written:
    """Tables, figure (PNG), page, and the animation of an experiment that has one.

    A folder ``NAME/tenth`` or ``NAME/preview`` is a form beside others; the page is of all forms that lie there.
    Of an experiment's own folder it goes to ``notes/experiments/NAME.md``, beside a list of all pages, else into that
    folder itself. OSError if the disk refuses.
    """
    place = out.resolve()
    with explained(experiment, tables, out):
        figure = picture(experiment, tables)
        contents = {place / "figure.png": render(figure, "png", digest(tables))}
        if experiment.animated:
            contents[place / ANIMATION] = experiment.module.animate(tables)
    page, text = _page(experiment, tables, place)
    sealed = sealed_tables(tables)
    texts = {place / TABLES / f"{name}.csv": table_text(table).encode() for name, table in sealed.items()}
    for path, content in (texts | contents | {page: text.encode()}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    files = [*texts, *contents, page]
    if page.parts[-3:-1] == ("notes", "experiments"):
        home = _home(experiment, place)
        write_atomically(page.parent / CONTENTS, contents_of(home.parent).encode())
        files.append(page.parent / CONTENTS)
    return Written(page, tuple(files))


def _home(experiment: Experiment, place: Path) -> Path:
    """The folder of all forms of the experiment, one of which lies in ``place``."""
    beside = place.name in SMALLER_FORMS and (
        place.parent.name == experiment.folder or place.parent in form_folders(place.parent)
    )
    return place.parent if beside else place


def _page(experiment: Experiment, tables: Tables, place: Path) -> tuple[Path, str]:
    """The page with the tables that are to lie in ``place``, and where it goes."""
    home = _home(experiment, place)
    committed = home.name == experiment.folder and home.parent.name == "experiments"
    notes = home.parents[1] / "notes" / "experiments" if committed else home
    found = {folder: read_tables(folder) for folder in form_folders(home) if folder != place} | {
        place: tables
    }
    ordered = sorted(found, key=lambda folder: FORMS.index(cast(Form, form_of(found[folder])["form"])))
    # of one form in two places, that in the folder of its name
    latest = {form_of(found[folder])["form"]: folder for folder in sorted(found)}
    parts = [
        _part(experiment, found[folder], Path(os.path.relpath(folder, notes)).as_posix(), folder)
        for folder in ordered
        if folder in latest.values()
    ]
    return notes / f"{experiment.name}.md", page(experiment, parts)


def contents_of(folder: Path) -> str:
    """The list of all pages in Markdown, of the experiments that lie in ``folder``."""
    found = {
        each: [_entry(each, place) for place in form_folders(folder / each.folder)] for each in EXPERIMENTS
    }
    return contents_page({each: entries for each, entries in found.items() if entries})


def _entry(experiment: Experiment, folder: Path) -> Entry:
    tables = read_tables(folder)
    with explained(experiment, tables, folder):
        return Entry(form_of(tables), findings_of(experiment, tables))
