"""From runs to tables, from tables to figure and page, and the files that hold them. The tables are drawn and
described as their CSV files read, six digits each, so that figure and page hang on the files alone.
"""

import dataclasses
import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from experiments import tables as files
from experiments.findings import Tables
from experiments.page import Part, contents_page, page
from experiments.registry import EXPERIMENTS, Experiment
from numerics import Run, observe
from numerics.engines import resolve_engine
from numerics.sweeps.file import FORMS, SMALLER_FORMS, Form, Sweep, form_flag
from numerics.training.obtaining import finished_run, training_seconds
from numerics.training.runs import write_atomically
from theory import Setting
from verify.style import SOFT, render, styled

#: The list of all pages, beside them.
CONTENTS = "README.md"

#: The most integers that are listed one by one.
MOST_LISTED = 20

_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))


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
    Rows of ``known`` tables whose runs are not in the folder stay, and the runs that they lack are added. Cells
    without a run are counted and named in the table ``form``. Raises ValueError: No cell of the sweep is finished, or
    all diverged; rows of ``known`` would be lost; tables of other experiments are missing.
    """
    files.check_beside(experiment)
    engine = resolve_engine(sweep.engine)
    found = [finished_run(cell, engine, folder) for cell in sweep.cells]
    finished = [run for run in found if run is not None]
    kept = set() if known is None else _kept(experiment, sweep, form, known, finished)
    runs = [run for run in finished if run.status != "diverged" and run.setting not in kept]
    if not runs:
        lacking = f"that the tables in --out lack ({len(kept)} they have) " if kept else ""
        raise ValueError(
            f"{folder}: {len(finished)} of the {len(sweep.cells)} runs of {source} are there, none of them {lacking}"
            f"usable; try tgon sweep {source}{form_flag(form)} --out {folder}"
        )
    asked: dict[str, Any] = {"runs": runs}
    if "table" in inspect.signature(experiment.module.collect).parameters:
        rows = [{**run.setting.as_dict(), "status": run.status, **observe(run)} for run in runs]
        asked["table"] = pd.DataFrame(rows)
    tables = experiment.module.collect(**asked)
    before, keys = dict[str, str](), getattr(experiment.module, "KEYS", None)
    if known is not None and kept and keys is not None:
        before, tables = files.form_of(known), files.joined(known, tables, keys)
        tables = experiment.module.derived(tables) if hasattr(experiment.module, "derived") else tables
    shown = kept | {run.setting for run in runs}
    there = kept | {run.setting for run in finished}
    facts: dict[str, object] = {
        "experiment": experiment.name,
        "form": form,
        "sweep": source,
        "engine": ", ".join(dict.fromkeys([*before.get("engine", engine).split(", "), engine])),
        "runs": len(sweep.cells),
        "missing": sum(cell not in there for cell in sweep.cells),
        "diverged": len([run for run in finished if run.status == "diverged"]),
        "memorized": sum(run.status == "memorized" for run in runs) + int(before.get("memorized", 0)),
        "absent": _absent(sweep.cells, there),
        **_times(runs, folder, before),
        **_taken([cell for cell in sweep.cells if cell in shown]),
    }
    said = [(key, str(value)) for key, value in facts.items() if value != ""]
    tables = tables | {files.FORM: pd.DataFrame(said, columns=["key", "value"])}
    return {name: files.parsed_table(files.table_text(table)) for name, table in tables.items()}


def _kept(
    experiment: Experiment, sweep: Sweep, form: Form, known: Tables, finished: Sequence[Run]
) -> set[Setting]:
    """The cells whose rows stay because their runs are not all at hand; ValueError where rows would be lost. A preview
    is made again in minutes, and may be replaced by anything.
    """
    before, keys = files.form_of(known), getattr(experiment.module, "KEYS", None)
    there = int(before["runs"]) - int(before["missing"])
    if before["form"] == "preview" or not finished:
        return set()
    holds = f"--out holds tables of {there} runs"
    if before["form"] != form:
        raise ValueError(f"{holds} of the {before['form']} form; try another --out")
    for name, value in _taken(sweep.cells).items():
        several = any(mark in before.get(name, "") + value for mark in ",:")
        if name not in (*(keys or ("T", "seed")), "data_seed") and not several and before.get(name) != value:
            raise ValueError(f"{holds} of {name} = {before.get(name)}, not {value}; try another --out")
    if keys is None:
        if len(finished) < there:
            raise ValueError(f"{holds}, here are {len(finished)}; try another --out")
        return set()
    cells = dict(zip(files.key_rows(sweep.cells, keys), sweep.cells, strict=True))
    rows = files.key_rows(known["runs"], keys)
    if lost := len(set(rows) - set(cells)):
        raise ValueError(
            f"{lost} of the {len(rows)} runs that the tables in --out have are none of the sweep; try a sweep file of "
            "theirs and the new ones together, or another --out"
        )
    kept = {cells[row] for row in rows}
    return kept if kept - {run.setting for run in finished} else set()


def _absent(cells: Sequence[Setting], there: Collection[Setting]) -> str:
    """The values of each field of which there is no run, such as "T = 50000, 100000"."""
    without = {name: set(_values(there, name)) for name in (_FIELDS if there else ())}
    lacking = {name: [one for one in _values(cells, name) if one not in of] for name, of in without.items()}
    listed = {name: ", ".join(map(files.value_text, each)) for name, each in lacking.items() if each}
    return "; ".join(f"{name} = {each}" for name, each in listed.items())


def _times(runs: Sequence[Run], folder: Path, before: Mapping[str, str]) -> dict[str, int]:
    """How many runs have a training time, and their sum in seconds, with those of tables before."""
    times = training_seconds([run.name for run in runs], folder)
    timed = len(times) + int(before.get("timed", 0))
    seconds = round(sum(times.values())) + int(before.get("seconds", 0))
    return {"timed": timed, "seconds": seconds} if timed else {}


def _taken(settings: Sequence[Setting]) -> dict[str, str]:
    """Every value that each field of the settings takes; T in ascending order."""
    taken = {name: _values(settings, name) for name in _FIELDS}
    return {name: _listed(values) for name, values in (taken | {"T": sorted(taken["T"])}).items()}


def _values(settings: Collection[Setting], name: str) -> list[Any]:
    """Every value of a field, in the order in which they come."""
    return list(dict.fromkeys(getattr(each, name) for each in settings))


def _listed(values: list[Any]) -> str:
    """Values in a row; of integers three or more consecutive ones as a range, many as their ends."""
    if len(values) > 2 and all(type(value) is int for value in values):
        low, high = min(values), max(values)
        if sorted(values) == list(range(low, high + 1)):
            return f"{low}:{high}"
        if len(values) > MOST_LISTED:
            return f"{low} to {high}, {len(values)} values"
    return ", ".join(map(files.value_text, values))


def picture(experiment: Experiment, tables: Tables) -> Figure:
    """The figure; a smaller form says so, and that a preview bears no claim."""
    form = files.form_of(tables)
    with styled():
        figure = experiment.module.draw(tables)
        if form["form"] != "full":
            bears = ": no claim rests on it" if form["form"] == "preview" else ""
            note = f"{form['form']} form, n = {form['n']}{bears}"
            figure.suptitle(note, fontsize=12, color=SOFT, x=0.99, ha="right")
    return figure


def _part(experiment: Experiment, tables: Tables, folder: Path, notes: Path) -> Part:
    """What the tables in ``folder`` add to a page in ``notes``."""
    link = Path(os.path.relpath(folder, notes)).as_posix()
    with files.explained(experiment, tables, folder):
        names = [f"{files.TABLES}/{name}.csv" for name in sorted(tables)]
        summary = experiment.module.summary(tables) if hasattr(experiment.module, "summary") else {}
        summed = summary if isinstance(summary, dict) else {"": summary}
        form, digest = files.form_of(tables), files.digest(tables)
        return Part(form, experiment.module.findings(tables), summed, digest, link, names)


def write_experiment(experiment: Experiment, tables: Tables, out: Path) -> tuple[Path, list[Path]]:
    """Tables, figure (PNG), page, and the animation of an experiment that has one: the page, and all files. A folder
    ``NAME/tenth``, ``NAME/averaged`` or ``NAME/preview`` is a form beside others; the page is of all forms that lie
    there. Of an experiment's own folder it goes to ``notes/experiments/NAME.md``, beside a list of all pages, else
    into that folder itself. OSError if the disk refuses.
    """
    place = out.resolve()
    with files.explained(experiment, tables, out):
        figure = picture(experiment, tables)
        contents = {place / "figure.png": render(figure, "png", files.digest(tables))}
        if hasattr(experiment.module, "animate"):
            contents[place / "animation.gif"] = experiment.module.animate(tables)
    page, text = page_of(experiment, tables, place)
    made_elsewhere = "made" in files.form_of(tables) and place in files.form_folders(place)
    written = [] if made_elsewhere else files.write_tables(tables, place)
    for path, content in (contents | {page: text.encode()}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    written += [*contents, page]
    if page.parts[-3:-1] == ("notes", "experiments"):
        written.append(page.parent / CONTENTS)
        write_atomically(written[-1], contents_of(_home(experiment, place).parent).encode())
    return page, written


def _home(experiment: Experiment, place: Path) -> Path:
    """The folder of all forms of the experiment, one of which lies in ``place``."""
    beside = place.name in SMALLER_FORMS and (
        place.parent.name == experiment.folder or place.parent in files.form_folders(place.parent)
    )
    return place.parent if beside else place


def page_of(experiment: Experiment, tables: Tables, place: Path) -> tuple[Path, str]:
    """Where the page goes, and the page, of the tables that are to lie in ``place`` and of the forms beside them."""
    home = _home(experiment, place)
    committed = home.name == experiment.folder and home.parent.name == "experiments"
    notes = home.parents[1] / "notes" / "experiments" if committed else home
    found = {folder: files.read_tables(folder) for folder in files.form_folders(home) if folder != place}
    found[place] = tables
    # of one form in two places, that in the folder of its name
    folders = {files.form_of(found[folder])["form"]: folder for folder in sorted(found)}
    ordered = [folders[form] for form in FORMS if form in folders]
    parts = [_part(experiment, found[folder], folder, notes) for folder in ordered]
    return notes / f"{experiment.name}.md", page(experiment, parts)


def contents_of(folder: Path) -> str:
    """The list of all pages in Markdown, of the experiments that lie in ``folder``."""
    found: dict[Experiment, list[Part]] = {}
    for each in EXPERIMENTS:
        for place in files.form_folders(folder / each.folder):
            with files.explained(each, tables := files.read_tables(place), place):
                found.setdefault(each, []).append(Part(files.form_of(tables), each.module.findings(tables)))
    return contents_page(found)
