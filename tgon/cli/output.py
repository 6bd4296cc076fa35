"""How a command answers: one strict JSON document, or tables for people, on stdout; its progress on stderr."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from verify.strict_json import in_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from verify.claims.judging import Judgement

#: Columns of a table that goes into a file or a pipe, where no terminal sets them.
PLAIN_WIDTH = 132

#: The least width of a column that may take several lines.
LEAST_WRAPPED = 24


@contextmanager
def computing(stages: int) -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each of so many stages as it begins; draws a bar on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    out = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("elapsed"), TimeElapsedColumn())
    with Progress(
        *columns, console=out, transient=True, redirect_stdout=False, disable=not out.is_terminal
    ) as bar:
        task = bar.add_task("", total=stages, completed=-1)  # the first stage begins at 0
        yield lambda stage: bar.update(task, description=stage, advance=1, refresh=True)


def shown(value: Any, digits: int = 4) -> str:
    """A table cell, see `theory.number_format.shown`; the theory is loaded when there is an answer to show."""
    from theory.number_format import shown

    return shown(value, digits)


def print_json(document: Any) -> None:
    """One JSON document on stdout; numbers with all their digits."""
    click.echo(json.dumps(in_json(document), indent=2, ensure_ascii=False, allow_nan=False))


def console() -> Console:
    """A console on stdout, wide enough for a table when it is not a terminal."""
    from rich.console import Console

    found = Console(highlight=False)
    if found.is_terminal or "COLUMNS" in os.environ:
        return found
    return Console(highlight=False, width=PLAIN_WIDTH)


def _least_width(table: Table) -> int:
    """Columns below which the table would lose digits: those of every cell that must not be wrapped, and borders."""
    from rich.console import Console
    from rich.measure import Measurement

    unbounded = Console(highlight=False, width=10_000)
    kept = [column for column in table.columns if column.no_wrap]
    widths = [
        max(
            Measurement.get(unbounded, unbounded.options, cell).maximum
            for cell in (column.header, *column.cells)
        )
        for column in kept
    ]
    return sum(widths) + 3 * len(table.columns) + LEAST_WRAPPED * (len(table.columns) - len(kept))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    text: Sequence[str] = (),
    wrapped: str = "",
) -> None:
    """A table of ``rows`` under ``columns``.
    Columns named in ``text`` are aligned left, all others right; the one named ``wrapped`` may take several lines.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        side: Any = "left" if column in text else "right"
        table.add_column(Text(column), justify=side, overflow="fold", no_wrap=column != wrapped)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    out = console()
    out.width = max(out.width, _least_width(table))  # too wide for the window beats numbers cut short
    out.print(Text(f"\n{title}"))
    out.print(table)


def print_claims(claims: Iterable[Judgement]) -> None:
    """The claims with what became of them; a control counts where it fails, and only there."""
    heads = ["claim", "status", "verdict", "value", "bound", "controls", "why"]
    rows = [
        [one.label, one.status, one.verdict, shown(one.value, 7), one.bound, _controls(one), one.reason]
        for one in claims
    ]
    print_table("Claims", heads, rows, text=[*heads[:3], *heads[5:]], wrapped="why")


def _controls(claim: Judgement) -> str | None:
    failed = sum(control.outcome == "fails as it must" for control in claim.controls)
    return f"{failed}/{len(claim.controls)} fail" if claim.controls else None
