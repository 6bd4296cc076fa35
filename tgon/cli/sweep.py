"""The command that trains many settings: `sweep`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import BadInput, check_size, form_options, in_one_line, json_option, keeping, option
from tgon.cli.output import chosen, load_torch, print_json, print_table

if TYPE_CHECKING:
    from numerics.sweeps import CellState, Form, Sweep

_STATES = ("done", "failed", "running", "left")

#: The most reasons that a row of the table names.
_MOST_REASONS = 3


@click.command(
    epilog="Example: tgon sweep experiments/dataset_size/sweep.toml --preview --out runs --table rows.csv"
)
@click.argument("file", type=click.Path())
@option("--out", "runs", "Folder of run files; finished runs found there are reused.", click.Path())
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    show_default="one per core; on a cluster two per worker thread",
    help="Runs in flight at once.",
)
@option("--backend", "local", "Where to train.", ["local", "dask"])
@click.option("--address", metavar="tcp://HOST:PORT", help="Scheduler of --backend dask.")
@form_options("The form that FILE describes below [{}].")
@click.option("--status", "only_status", is_flag=True, help="Train nothing; say how far each group is.")
@click.option("--retry-failed", is_flag=True, help="Train the cells that failed before, and only those.")
@click.option(
    "--table", type=click.Path(), metavar="FILE.csv", help="Write one row per cell with its observables."
)
@json_option
def sweep(
    file: str, out: str, form: Form, only_status: bool, table: str | None, as_json: bool, **options: Any
) -> None:
    """Train every cell of FILE, a TOML file of settings, lists and ranges.

    A cell that fails is a row with a reason and stops nothing. Run again, the command goes on where it stopped: it
    passes over finished and failed cells.
    """
    from numerics.sweeps.file import form_flag

    options["progress"] = not chosen("quiet")
    _check_options(only_status=only_status, table=table, **options)
    if Path(out).exists() and not Path(out).is_dir():
        raise BadInput(f"--out {out}: is a file; try a folder that can be written")
    absent = only_status and not Path(out).exists()
    again = f"tgon sweep {file}{form_flag(form)} --out {out}"
    with keeping(Path(out), again):
        wanted = _read(file, form)
        states = _states(wanted, file, out, only_status, options)
    rows = _rows(wanted, out, table) if table or (as_json and not only_status) else None
    if as_json:
        print_json(_document(wanted, states, rows))
    else:
        _print_groups(wanted, states, out)
        if any(cell.state == "failed" for cell in states):
            click.echo(f"Failed cells are passed over; {again} --retry-failed trains them again.")
    if absent:
        prefix = "tgon: " if as_json else ""
        click.echo(f"{prefix}There is no folder {out} yet: every cell is left; {again} begins.", err=as_json)
    if table:
        click.echo(f"Table: {table}", err=as_json)


def _check_options(
    *, only_status: bool, table: str | None, backend: str, address: str | None, retry_failed: bool, **_: Any
) -> None:
    if backend == "dask" and not address:
        raise BadInput("--backend dask needs a scheduler; try --address tcp://localhost:8786")
    if address and backend != "dask":
        raise BadInput("--address is for a cluster; try --backend dask with it")
    if only_status and retry_failed:
        raise BadInput("--status trains nothing and --retry-failed trains; try one of them")
    if table is not None and (Path(table).suffix != ".csv" or not Path(table).absolute().parent.is_dir()):
        raise BadInput(f"--table {table!r}: must end in .csv, in a folder that exists; try --table sweep.csv")


def _read(file: str, form: Form) -> Sweep:
    """The sweep of a file; what is wrong with it is said in the file's own words, keys and not options."""
    from numerics.sweeps import SweepFileError, read_sweep

    try:
        wanted = read_sweep(file, form=form)
    except SweepFileError as error:
        raise BadInput(in_one_line(error)) from error
    except OSError as error:
        # a name without its ending, or the name of an experiment, may have been meant
        meant = (Path(f"{file}.toml"), Path("experiments") / Path(file).stem.replace("-", "_") / "sweep.toml")
        near = next((str(path) for path in meant if path.is_file()), "another file")
        raise BadInput(f"{in_one_line(error)}; try {near}") from error
    for cell in {(cell.n, cell.m, cell.T): cell for cell in wanted.cells}.values():
        check_size(cell, file)
    if wanted.duplicates:
        click.echo(f"tgon: {file}: cells that occur twice count once, {wanted.duplicates} here", err=True)
    return wanted


def _states(
    wanted: Sweep, file: str, out: str, only_status: bool, options: dict[str, Any]
) -> list[CellState]:
    load_torch()

    from numerics.sweeps import run_sweep, sweep_states
    from numerics.sweeps.cluster import ClusterError

    try:
        return sweep_states(wanted, out) if only_status else run_sweep(wanted, out, **options)
    except ClusterError as error:
        raise BadInput(f"--address: {in_one_line(error)}") from error
    except ValueError as error:  # the engine it names cannot run here
        line = re.sub(r"\b(try|or) (\w+)=", r"\1 \2 = ", in_one_line(error))
        raise BadInput(f"{file}: {line}") from error


def _rows(wanted: Sweep, out: str, table: str | None) -> list[dict[str, Any]]:
    from numerics.sweeps import sweep_table
    from numerics.training.runs import write_atomically

    frame = sweep_table(wanted, out)
    if table:
        write_atomically(Path(table), frame.to_csv(index=False).encode())
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _document(
    wanted: Sweep, states: Sequence[CellState], rows: list[dict[str, Any]] | None
) -> dict[str, Any]:
    groups = [
        {"group": name, "cells": len(cells), **_counts(cells), "reasons": dict(_reasons(cells))}
        for name, cells in _by_group(states).items()
    ]
    counts = {"cells": len(states), "duplicates": wanted.duplicates, **_counts(states), "groups": groups}
    return {"title": wanted.title, **counts} | ({} if rows is None else {"rows": rows})


def _by_group(states: Sequence[CellState]) -> dict[str, list[CellState]]:
    groups: dict[str, list[CellState]] = {}
    for cell in states:
        groups.setdefault(cell.group, []).append(cell)
    return groups


def _counts(states: Sequence[CellState]) -> dict[str, int]:
    found: Counter[str] = Counter(cell.state for cell in states)
    return {state: found[state] for state in _STATES}


def _reasons(states: Sequence[CellState]) -> list[tuple[str, int]]:
    """Reasons of failures with how many cells give each, the most frequent first; where each diverged is in its row."""
    reasons = ("diverged" if cell.reason.startswith("diverged") else cell.reason for cell in states)
    return Counter(filter(None, reasons)).most_common()


def _print_groups(wanted: Sweep, states: Sequence[CellState], out: str) -> None:
    rows = []
    for name, cells in _by_group(states).items():
        reasons = _reasons(cells)
        named = [f"{reason} ({count})" for reason, count in reasons[:_MOST_REASONS]]
        named += [f"{len(reasons) - _MOST_REASONS} more"] if len(reasons) > _MOST_REASONS else []
        rows.append([name, len(cells), *_counts(cells).values(), "; ".join(named)])
    rows.append(["total", len(states), *_counts(states).values(), ""])
    title = f"{wanted.title or 'Sweep'}; runs in {out}"
    print_table(title, ["group", "cells", *_STATES, "why"], rows, text=["group", "why"], wrapped="why")
