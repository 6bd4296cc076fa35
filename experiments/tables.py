"""Tables of experiments as they lie in files: six digits each, one of them, ``form``, saying what was run."""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pandas as pd

from experiments.findings import Tables
from experiments.registry import Experiment, find_experiment
from numerics.sweeps.file import SMALLER_FORMS
from numerics.training.runs import write_atomically
from theory import Setting

#: The table of what was run: columns key, value.
FORM = "form"

#: The folder of tables, beside the figure.
TABLES = "tables"


def table_text(table: pd.DataFrame) -> str:
    """A table as its file reads."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def parsed_table(text: str) -> pd.DataFrame:
    """What a file of `table_text` says."""
    table = pd.read_csv(StringIO(text))
    return table.astype({"value": str}) if list(table.columns) == ["key", "value"] else table


def value_text(value: object) -> str:
    """A value of a setting as the table ``form`` and pages show it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def digest(tables: Tables) -> str:
    """A digest of all tables but that of what was run; a figure names it."""
    digest = hashlib.sha256()
    for name in sorted(set(tables) - {FORM}):
        digest.update(f"{name}\n{table_text(tables[name])}".encode())
    return digest.hexdigest()[:16]


def form_of(tables: Tables) -> dict[str, str]:
    """What was run, by key."""
    return dict(zip(tables[FORM]["key"], tables[FORM]["value"], strict=True))


def key_rows(runs: pd.DataFrame | Sequence[Setting], keys: Collection[str]) -> list[str]:
    """The key of each run, as it reads in a file."""
    if not isinstance(runs, pd.DataFrame):
        runs = pd.DataFrame([{key: getattr(each, key) for key in keys} for each in runs])
    return table_text(runs[list(keys)]).splitlines()[1:]


def joined(known: Tables, more: Tables, keys: Sequence[str]) -> Tables:
    """The rows of both, ordered by ``keys``; a row of ``more`` replaces known ones of its key. A table that has some
    of the keys is joined by those, one that has none is that of ``more``.

    >>> known = {"runs": pd.DataFrame({"T": [3, 9], "loss": [1.0, 2.0]})}
    >>> joined(known, {"runs": pd.DataFrame({"T": [5, 9], "loss": [3.0, 4.0]})}, ["T"])["runs"]["loss"].tolist()
    [1.0, 3.0, 4.0]
    """
    tables = known | more
    for name in set(known) & set(more) - {FORM}:
        own = [key for key in keys if key in known[name] and key in more[name]]
        if own and len(more[name]):
            there = pd.Series(key_rows(known[name], own), index=known[name].index, dtype=object)
            kept = known[name][~there.isin(key_rows(more[name], own))]
            tables[name] = pd.concat([kept, more[name]]).sort_values(own, kind="stable", ignore_index=True)
        elif own:
            tables[name] = known[name]
    return tables


def write_tables(tables: Tables, folder: Path) -> list[Path]:
    """Writes the tables beside those in ``folder`` and then puts them in their place, so that none is half new."""
    place, new, old = (folder / name for name in (TABLES, f"{TABLES}.new", f"{TABLES}.old"))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name, table in tables.items():
        write_atomically(new / f"{name}.csv", table_text(table).encode())
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return [place / f"{name}.csv" for name in tables]


def _form_file(folder: Path) -> Path:
    return folder / TABLES / f"{FORM}.csv"


def read_tables(folder: Path) -> Tables:
    """The tables that `write_tables` left in a folder; ValueError where there are none, or a file is no table."""
    if not _form_file(folder).is_file():
        raise ValueError(
            f"{folder}: holds no {TABLES}/{FORM}.csv; try a folder that tgon figure wrote, or --runs with a folder of "
            "runs"
        )
    again = "move the folder away and make it anew with --runs"
    tables: Tables = {}
    for path in sorted((folder / TABLES).glob("*.csv")):
        try:
            tables[path.stem] = parsed_table(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: not a table ({' '.join(str(error).split())}); {again}") from None
    form = tables[FORM]
    if list(form.columns) != ["key", "value"] or not {"form", "runs", "missing", "n"} <= set(form["key"]):
        raise ValueError(f"{_form_file(folder)}: not a table of what was run; {again}")
    return tables


def tables_beside(name: str) -> Tables:
    """The committed tables of the experiment of that name, which lie in a clone alone."""
    return read_tables(Path(__file__).parent / find_experiment(name).folder)


def check_beside(experiment: Experiment) -> None:
    """ValueError where committed tables that ``derived`` of an experiment reads are not there: outside a clone."""
    wanted, home = getattr(experiment.module, "BESIDE", ()), Path(__file__).parent
    if absent := [name for name in wanted if not form_folders(home / find_experiment(name).folder)]:
        needed = f"needs a clone of tgon, for the tables of {' and '.join(absent)}"
        raise ValueError(f"{experiment.name}: {needed}; try it there")


def form_folders(folder: Path) -> list[Path]:
    """Where the tables of an experiment's forms lie: in ``folder`` and, of smaller forms, in folders of their names."""
    places = (folder, *(folder / form for form in SMALLER_FORMS))
    return [place for place in places if _form_file(place).is_file()]


@contextmanager
def explained(experiment: Experiment, tables: Tables, folder: Path) -> Iterator[None]:
    """Whatever tables raise that are not those of the experiment, or are damaged, as one ValueError with the folder."""
    again = f"try --from experiments/{experiment.folder}, or move them away and make them anew with --runs"
    name = form_of(tables).get("experiment", experiment.name)
    if name != experiment.name:
        raise ValueError(f"{folder}: its tables are those of {name}, not of {experiment.name}; {again}")
    try:
        yield
    except (LookupError, ArithmeticError, TypeError, ValueError) as error:
        if isinstance(error, ValueError) and str(folder) in str(error):
            raise
        raise ValueError(
            f"{folder}: its tables are not those of {experiment.name}, or are damaged ({error}); {again}"
        ) from error
