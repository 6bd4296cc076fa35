"""Tables of experiments as they lie in files: six digits each, one of them saying what was run.

Defines no equations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pandas as pd

from experiments.registry import Experiment
from numerics.sweeps.file import SMALLER_FORMS

__all__ = [
    "FORM",
    "TABLES",
    "digest",
    "explained",
    "form_folders",
    "form_of",
    "parsed_table",
    "read_tables",
    "sealed_tables",
    "table_text",
]

#: The table of what was run: columns key, value.
FORM = "form"

#: The folder of tables, beside the figure.
TABLES = "tables"

#: Its key for a digest of the other tables.
SEAL = "tables"

Tables = dict[str, pd.DataFrame]


def table_text(table: pd.DataFrame) -> str:
    """A table as its file reads."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def parsed_table(text: str) -> pd.DataFrame:
    """What a file of `table_text` says."""
    table = pd.read_csv(StringIO(text))
    return table.astype({"value": str}) if list(table.columns) == ["key", "value"] else table


def digest(tables: Tables) -> str:
    """A digest of all tables but that of what was run."""
    digest = hashlib.sha256()
    for name in sorted(set(tables) - {FORM}):
        digest.update(f"{name}\n{table_text(tables[name])}".encode())
    return digest.hexdigest()[:16]


def sealed_tables(tables: Tables) -> Tables:
    """The tables, of which that of what was run has a digest of the others, so that parts of two writings show."""
    form = tables[FORM][tables[FORM]["key"] != SEAL]
    seal = pd.DataFrame([(SEAL, digest(tables))], columns=["key", "value"])
    return tables | {FORM: pd.concat([form, seal], ignore_index=True)}


def form_of(tables: Tables) -> dict[str, str]:
    """What was run, by key."""
    return dict(zip(tables[FORM]["key"], tables[FORM]["value"], strict=True))


def _form_file(folder: Path) -> Path:
    return folder / TABLES / f"{FORM}.csv"


def read_tables(folder: Path) -> Tables:
    """The tables that `write_experiment` left in a folder.

    Raises
    ------
    ValueError
        The folder has no table of what was run, or a file is not a table.

    """
    if not _form_file(folder).is_file():
        raise ValueError(
            f"{folder}: holds no {TABLES}/{FORM}.csv; try a folder that tgon figure wrote, or --runs with a folder of "
            f"runs"
        )
    tables: Tables = {}
    for path in sorted((folder / TABLES).glob("*.csv")):
        try:
            tables[path.stem] = parsed_table(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{path}: not a table ({' '.join(str(error).split())}); move the folder away and make it anew with "
                "--runs"
            ) from None
    form = tables[FORM]
    sealed = dict(zip(form["key"], form["value"], strict=True)).get(SEAL) if "key" in form else None
    if sealed is not None and sealed != digest(tables):
        raise ValueError(
            f"{folder}: its tables are not those that were written together, as after an interruption or a change by "
            "hand; move them away and make them anew with --runs"
        )
    if list(form.columns) != ["key", "value"] or not {"form", "runs", "missing", "n"} <= set(form["key"]):
        raise ValueError(
            f"{_form_file(folder)}: not a table of what was run; move the folder away and make it anew with --runs"
        )
    return tables


def form_folders(folder: Path) -> list[Path]:
    """Where the tables of an experiment's forms lie: in ``folder`` and, of smaller forms, in folders of their names."""
    places = (folder, *(folder / form for form in SMALLER_FORMS))
    return [place for place in places if _form_file(place).is_file()]


@contextmanager
def explained(experiment: Experiment, tables: Tables, folder: Path) -> Iterator[None]:
    """Whatever tables raise that are not those of the experiment, or are damaged, as one ValueError with the folder."""
    again = f"try --from experiments/{experiment.name}, or move them away and make them anew with --runs"
    try:
        name = form_of(tables).get("experiment", experiment.name)
        if name != experiment.name:
            raise ValueError(f"{folder}: its tables are those of {name}, not of {experiment.name}; {again}")
        yield
    except KeyError as error:
        raise ValueError(
            f"{folder}: its tables are not those of {experiment.name}, {error} is missing; {again}"
        ) from error
    except (LookupError, ArithmeticError, TypeError) as error:
        raise ValueError(
            f"{folder}: its tables are damaged, or not those of {experiment.name} ({error}); {again}"
        ) from error
    except ValueError as error:
        if str(folder) in str(error):
            raise
        raise ValueError(f"{folder}: {error}; {again}") from error
