"""From runs to tables, from tables to figure and page, and the files that hold them.

The tables are drawn and described as their CSV files read, six digits each, so that nothing in a figure or on a page
hangs on what the files do not hold.

Defines no equations.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from numerics import Run, observe
from numerics.engines import resolve_engine
from numerics.runs import write_atomically
from numerics.sweep_file import FORMS, Form, Sweep
from numerics.training import finished_run
from numerics.training_times import training_seconds
from theory import Setting
from verify.canvas import SOFT, render, styled
from verify.experiments import EXPERIMENTS, Experiment
from verify.experiments.absent import absent_text, value_text
from verify.experiments.findings import Finding
from verify.experiments.grouping import with_rows
from verify.experiments.page import ANIMATION, Entry, Part, contents_page, page
from verify.options import form_flag

__all__ = [
    "CONTENTS",
    "FORM",
    "Written",
    "contents_of",
    "form_folders",
    "form_of",
    "gather",
    "lost_runs",
    "page_of",
    "picture",
    "read_tables",
    "write_experiment",
]

#: The table of what was run: columns key, value.
FORM = "form"

#: The list of all pages, beside them.
CONTENTS = "README.md"

#: The most T that are listed one by one.
MOST_SIZES = 20

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
    engine, told = resolve_engine(sweep.engine), _told(experiment, sweep, form, known)
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
        "form": form,
        "sweep": source,
        "engine": ", ".join(dict.fromkeys([*before.get("engine", engine).split(", "), engine])),
        "runs": len(sweep.cells),
        "missing": max(0, len(absent) - int(before.get("diverged", 0))),
        "diverged": len(finished) - len(runs) + int(before.get("diverged", 0)),
        "memorized": sum(run.status == "memorized" for run in runs) + int(before.get("memorized", 0)),
    }
    if absent:
        counts["absent"] = absent_text(sweep.cells, absent)
    times = training_seconds([run.name for run in finished], folder)
    timed = len(times) + int(before.get("timed", 0))
    if timed:
        seconds = round(sum(times.values())) + int(before.get("seconds", 0))
        counts |= {"timed": timed, "seconds": seconds}
    tables = (
        experiment.module.collect(runs, table) if known is None else _added(experiment, known, runs, table)
    )
    shown = _settings([cell for cell in sweep.cells if cell in told] + [run.setting for run in runs])
    tables = tables | {
        FORM: pd.DataFrame(
            [(key, str(value)) for key, value in (counts | shown).items()], columns=["key", "value"]
        )
    }
    return {name: _parsed(_text(table)) for name, table in tables.items()}


def _nothing(cells: int, told: int, finished: int, folder: Path, source: str, form: Form) -> str:
    if told == cells:
        return f"the tables have all {cells} runs of {source} already; leave out --add to make them anew"
    more = f" that the tables lack ({told} they have)" if told else ""
    return (
        f"{folder}: {finished} of the {cells - told} runs of {source}{more} are there, none of them usable; "
        f"try tgon sweep {source}{form_flag(form)} --out {folder}"
    )


def _told(experiment: Experiment, sweep: Sweep, form: Form, known: Tables | None) -> set[Setting]:
    """The cells of which tables have a row; ValueError where they cannot be added to."""
    if known is None:
        return set()
    if experiment.keys is None:
        raise ValueError(f"{experiment.name}: its tables cannot be added to; leave out --add")
    before = form_of(known)
    if before["form"] != form:
        raise ValueError(
            f"the tables are of the {before['form']} form, the runs of the {form} form; leave out --add"
        )
    rows = _rows(known["runs"], experiment.keys)
    told = {
        cell
        for cell, row in zip(sweep.cells, _cell_rows(sweep.cells, experiment.keys), strict=True)
        if row in rows
    }
    if len(told) < len(rows):
        raise ValueError(
            f"{len(rows) - len(told)} of the {len(rows)} runs that the tables have are none of the sweep; "
            "try the sweep file that they are of"
        )
    settings = _settings([cell for cell in sweep.cells if cell in told])
    other = [
        name for name, value in settings.items() if set(value.split(", ")) != set(before[name].split(", "))
    ]
    if other:
        given = ", ".join(f"{name} = {before[name]}, not {settings[name]}" for name in other)
        raise ValueError(f"the runs that the tables have are of {given}; leave out --add")
    return told


def _rows(table: pd.DataFrame, keys: Sequence[str]) -> set[str]:
    """The rows of some columns as they read in a file."""
    return set(_text(table[list(keys)]).splitlines()[1:])


def _cell_rows(cells: Sequence[Setting], keys: Sequence[str]) -> list[str]:
    """What `_rows` makes of each cell, in their order."""
    named = pd.DataFrame([{key: getattr(cell, key) for key in keys} for cell in cells])
    return _text(named).splitlines()[1:]


def _added(experiment: Experiment, known: Tables, runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """The tables with more runs, by the module's own ``add`` where it has more than rows."""
    module = experiment.module
    if hasattr(module, "add"):
        return module.add(known, runs, table)
    assert experiment.keys is not None
    return {"runs": with_rows(known["runs"], module.collect(runs, table)["runs"], experiment.keys)}


def lost_runs(experiment: Experiment, sweep: Sweep, folder: Path, form: Form, known: Tables) -> int:
    """How many runs tables of that form have that ``folder`` has not, so that new tables would lose them."""
    before = form_of(known)
    if before["form"] != form:
        return 0
    engine = resolve_engine(sweep.engine)
    found = [cell for cell in sweep.cells if finished_run(cell, engine, folder) is not None]
    if not found:  # nor are there new tables
        return 0
    if experiment.keys is None:
        return max(0, int(before["runs"]) - int(before["missing"]) - len(found))
    return len(_rows(known["runs"], experiment.keys) - set(_cell_rows(found, experiment.keys)))


def _settings(settings: Sequence[Setting]) -> dict[str, str]:
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


def _text(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _parsed(text: str) -> pd.DataFrame:
    table = pd.read_csv(StringIO(text))
    return table.astype({"value": str}) if list(table.columns) == ["key", "value"] else table


def read_tables(folder: Path) -> Tables:
    """The tables that `write_experiment` left in a folder.

    Raises
    ------
    ValueError
        The folder has no table of what was run, or a file is not a table.

    """
    if not (folder / f"{FORM}.csv").is_file():
        raise ValueError(
            f"{folder}: holds no {FORM}.csv; try a folder that tgon figure wrote, or --runs with a folder of "
            f"runs"
        )
    tables = {}
    for path in sorted(folder.glob("*.csv")):
        try:
            tables[path.stem] = _parsed(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{path}: not a table ({' '.join(str(error).split())}); make the folder anew with --runs"
            ) from None
    return tables


def form_of(tables: Tables) -> dict[str, str]:
    """What was run, by key."""
    return dict(zip(tables[FORM]["key"], tables[FORM]["value"], strict=True))


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


def form_folders(folder: Path) -> list[Path]:
    """Where the tables of an experiment's forms lie: in ``folder`` and, of smaller forms, in folders of their names."""
    places = (folder, *(folder / form for form in FORMS if form != "full"))
    return [place for place in places if (place / f"{FORM}.csv").is_file()]


def page_of(experiment: Experiment, forms: Mapping[str, Tables]) -> str:
    """The page in Markdown, from the tables of each form alone, by where they lie as seen from the page."""
    return page(
        experiment,
        [
            Part(
                form_of(tables),
                experiment.module.describe(tables),
                folder,
                [f"{name}.csv" for name in sorted(tables)],
            )
            for folder, tables in forms.items()
        ],
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_experiment` left: the page, and all files with it."""

    page: Path
    files: tuple[Path, ...]


def write_experiment(experiment: Experiment, tables: Tables, out: Path) -> Written:
    """Tables, figure (SVG and PNG), page, and the animation of an experiment that has one.

    A folder ``NAME/tenth`` or ``NAME/preview`` is a form beside others; the page is of all forms that lie there. For
    ``…/experiments/NAME`` it goes to ``…/notes/experiments/NAME.md``, beside a list of all pages, else into that
    folder itself. OSError if the disk refuses.
    """
    place = out.resolve()
    place.mkdir(parents=True, exist_ok=True)
    figure = picture(experiment, tables)
    contents = {place / f"{name}.csv": _text(table).encode() for name, table in tables.items()}
    contents[place / "figure.svg"] = render(figure, "svg")
    contents[place / "figure.png"] = render(figure, "png")
    if experiment.animated:
        contents[place / ANIMATION] = experiment.module.animate(tables)
    for path, content in contents.items():
        write_atomically(path, content)
    notes = _write_page(experiment, place)
    return Written(notes[0], (*contents, *notes))


def _write_page(experiment: Experiment, place: Path) -> list[Path]:
    """Write the page and, where pages lie together, their list."""
    beside = place.name in FORMS and (
        place.parent.name == experiment.name or (place.parent / f"{FORM}.csv").is_file()
    )
    home = place.parent if beside else place
    committed = home.parent.name == "experiments"
    notes = home.parents[1] / "notes" / "experiments" if committed else home
    notes.mkdir(parents=True, exist_ok=True)
    tables = {folder: read_tables(folder) for folder in form_folders(home)}
    latest = {
        form_of(each)["form"]: folder for folder, each in tables.items()
    }  # of one form the one in its own folder
    forms = {
        Path(os.path.relpath(folder, notes)).as_posix(): tables[folder]
        for folder in tables
        if folder in latest.values()
    }
    page = notes / f"{experiment.name}.md"
    write_atomically(page, page_of(experiment, forms).encode())
    if not committed:
        return [page]
    write_atomically(notes / CONTENTS, contents_of(home.parent).encode())
    return [page, notes / CONTENTS]


def contents_of(folder: Path) -> str:
    """The list of all pages in Markdown, of the experiments that lie in ``folder``."""
    found = {
        each: [_entry(each, place) for place in form_folders(folder / each.name)] for each in EXPERIMENTS
    }
    return contents_page({each: entries for each, entries in found.items() if entries})


def _entry(experiment: Experiment, folder: Path) -> Entry:
    tables = read_tables(folder)
    try:
        said = experiment.module.sentences(tables)
    except KeyError as error:
        raise ValueError(
            f"{folder}: its tables are not those of {experiment.name}, {error} is missing; make them anew with --runs"
        ) from error
    return Entry(form_of(tables), [sentence for sentence in said if isinstance(sentence, Finding)])
