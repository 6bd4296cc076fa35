"""The command that trains many settings: `sweep`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numerics import sweeps
from tgon.cli import options
from tgon.cli.output import chosen, load_torch, print_json, print_table

if TYPE_CHECKING:
    import pandas as pd

    from numerics.sweeps import CellState, Form, Sweep

_STATES = ("done", "failed", "running", "left")

#: The most reasons that a row of the table names.
_MOST_REASONS = 3


@click.command(
    epilog="Example: tgon sweep experiments/dataset_size/sweep.toml --preview --out runs --table rows.csv"
)
@click.argument("file", type=click.Path())
@options.option("--out", "runs", "Folder of run files; finished runs found there are reused.", options.FOLDER)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    show_default="one per core; on a cluster two per worker thread",
    help="Runs in flight at once.",
)
@options.option("--backend", "local", "Where to train.", ["local", "dask"])
@click.option("--address", metavar="tcp://HOST:PORT", help="Scheduler of --backend dask.")
@options.form_options("The form that FILE describes below [{}].")
@click.option("--status", "only_status", is_flag=True, help="Train nothing; say how far each group is.")
@click.option("--retry-failed", is_flag=True, help="Train the cells that failed before, and only those.")
@options.place_option(
    "--table", endings=[".csv"], metavar="FILE.csv", help="Write one row per cell with its observables."
)
@options.json_option
def sweep(
    file: str, out: Path, form: Form, only_status: bool, table: Path | None, as_json: bool, **how: Any
) -> None:
    """Train every cell of FILE, a TOML file of settings, lists and ranges.

    A cell that fails is a row with a reason and stops nothing. Run again, the command goes on where it stopped: it
    passes over finished and failed cells.
    """
    from numerics.sweeps.file import form_flag

    how["progress"] = not chosen("quiet")
    if (how["backend"] == "dask") != bool(how["address"]):
        line = "--backend dask and --address go together; try --backend dask --address tcp://localhost:8786"
        raise options.BadInput(line)
    if only_status and how["retry_failed"]:
        raise options.BadInput("--status trains nothing and --retry-failed trains; try one of them")
    again = f"tgon sweep {file}{form_flag(form)} --out {out}"
    with options.keeping(out, again):
        wanted = _read(file, form)
        states = _states(wanted, file, out, only_status, how)
    rows = sweeps.sweep_table(wanted, out) if table or (as_json and not only_status) else None
    if table and rows is not None:
        from numerics.training.runs import write_atomically

        write_atomically(table, rows.to_csv(index=False).encode())
    if as_json:
        print_json(_document(wanted, states, rows))
    else:
        _print_groups(wanted, states, out)
        if any(cell.state == "failed" for cell in states):
            click.echo(f"Failed cells are passed over; {again} --retry-failed trains them again.")
    if table:
        click.echo(f"Table: {table}", err=as_json)


def _read(file: str, form: Form) -> Sweep:
    """The sweep of a file; what is wrong with it is said in the file's own words, keys and not options."""
    try:
        wanted = sweeps.read_sweep(file, form=form)
    except sweeps.SweepFileError as error:
        raise options.BadInput(options.in_one_line(error)) from error
    except OSError as error:
        raise options.BadInput(
            f"{options.in_one_line(error)}; try another file, such as experiments/norms/sweep.toml"
        ) from error
    for cell in {(cell.n, cell.m, cell.T): cell for cell in wanted.cells}.values():
        options.check_size(cell, file)
    if wanted.duplicates:
        click.echo(f"tgon: {file}: cells that occur twice count once, {wanted.duplicates} here", err=True)
    return wanted


def _states(wanted: Sweep, file: str, out: Path, only_status: bool, how: dict[str, Any]) -> list[CellState]:
    if only_status and not out.exists():
        click.echo(f"tgon: there is no folder {out} yet: every cell is left", err=True)
    load_torch()

    from numerics.sweeps.cluster import ClusterError

    try:
        return sweeps.sweep_states(wanted, out) if only_status else sweeps.run_sweep(wanted, out, **how)
    except ClusterError as error:
        raise options.BadInput(f"--address: {options.in_one_line(error)}") from error
    except ValueError as error:  # the engine it names cannot run here
        line = re.sub(r"\b(try|or) (\w+)=", r"\1 \2 = ", options.in_one_line(error))
        raise options.BadInput(f"{file}: {line}") from error


def _document(wanted: Sweep, states: Sequence[CellState], rows: pd.DataFrame | None) -> dict[str, Any]:
    groups = [
        {"group": name, "cells": len(cells), **_counts(cells), "reasons": dict(_reasons(cells))}
        for name, cells in _by_group(states).items()
    ]
    counts = {"cells": len(states), "duplicates": wanted.duplicates, **_counts(states), "groups": groups}
    return {"title": wanted.title, **counts} | ({} if rows is None else {"rows": rows.to_dict("records")})


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


def _print_groups(wanted: Sweep, states: Sequence[CellState], out: Path) -> None:
    rows = []
    for name, cells in _by_group(states).items():
        reasons = _reasons(cells)
        named = [f"{reason} ({count})" for reason, count in reasons[:_MOST_REASONS]]
        named += [f"{len(reasons) - _MOST_REASONS} more"] if len(reasons) > _MOST_REASONS else []
        rows.append([name, len(cells), *_counts(cells).values(), "; ".join(named)])
    rows.append(["total", len(states), *_counts(states).values(), ""])
    title = f"{wanted.title or 'Sweep'}; runs in {out}"
    print_table(title, ["group", "cells", *_STATES, "why"], rows, text=["group", "why"], wrapped="why")
