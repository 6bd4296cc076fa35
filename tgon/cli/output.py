"""How a command answers: one strict JSON document, or tables for people, on stdout; its progress on stderr."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import click

from verify.strict_json import strict_json

if TYPE_CHECKING:
    from verify.claims.judging import Judgement

Item = TypeVar("Item")

#: The least width of a column that may take several lines, and what lies between two columns.
LEAST_WRAPPED, GAP = 24, 3


def chosen(flag: str) -> bool:
    """Whether a flag that every command has was given: wide or quiet."""
    return bool(click.get_current_context().meta.get(f"tgon.{flag}"))


def tracked(items: Sequence[Item], stage: str) -> Iterable[Item]:
    """The items one by one, with a bar of how many are done; drawn on stderr, and on a terminal only."""
    from rich.console import Console
    from rich.progress import track

    out = Console(stderr=True)
    silent = chosen("quiet") or not out.is_terminal
    return track(items, stage, console=out, transient=True, disable=silent)


def load_torch() -> None:
    """Import torch and what needs it, which takes seconds; a line on a terminal says so."""
    for module in tracked(["verify.checking"], "loading torch"):
        importlib.import_module(module)


def shown(value: Any, digits: int = 4) -> str:
    """A table cell, see `theory.number_format.shown`; the theory is loaded when there is an answer to show."""
    from theory.number_format import shown

    return shown(value, digits)


def print_json(result: Any) -> None:
    """One JSON document on stdout: the version, the command, what it was given, and its result with all digits."""
    ctx = click.get_current_context()
    document = {
        "version": version("tgon"),
        "command": ctx.info_name,
        "setting": {name: ctx.params[name] for name in sorted(ctx.params) if name != "as_json"},
        "result": result,
    }
    click.echo(strict_json(document))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    text: Sequence[str] = (),
    wrapped: str = "",
    optional: Sequence[str] = (),
    keys: int = 1,
) -> None:
    """A table of ``rows`` under ``columns``; where it is wider than the window, its other columns go on below, each
    part beginning with the first ``keys`` columns again. ``--wide`` prints one part.
    Columns named in ``text`` are aligned left, all others right; the one named ``wrapped`` may take several lines, and
    those named ``optional`` are left out where no row has a value.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    unused = {at for at in map(columns.index, optional) if all(row[at] in (None, "") for row in rows)}
    kept = [place for place in range(len(columns)) if place not in unused]
    columns, rows = [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]
    cells = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) + GAP for column in zip(columns, *cells, strict=True)]
    wide = chosen("wide")
    if wrapped in columns and not wide:
        at = columns.index(wrapped)
        widths[at] = min(widths[at], LEAST_WRAPPED + GAP)
    out = Console(highlight=False)
    out.width = max(out.width, sum(widths)) if wide else out.width
    out.print(Text(f"\n{title}"))
    for part in _parts(widths, out.width, keys):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place in part:
            side: Any = "left" if columns[place] in text else "right"
            fixed = columns[place] != wrapped
            table.add_column(Text(columns[place]), justify=side, overflow="fold", no_wrap=fixed)
        for row in cells:
            table.add_row(*(Text(row[place]) for place in part))
        out.print(table)


def _parts(widths: Sequence[int], width: int, keys: int) -> list[list[int]]:
    """The columns of each part of a table, so that every part fits: the first ``keys`` begin each of them.

    >>> _parts([4, 30, 30, 30], 80, 1)
    [[0, 1, 2], [0, 3]]
    """
    parts = [[*range(keys)]]
    for column in range(keys, len(widths)):
        if len(parts[-1]) > keys and sum(widths[place] for place in parts[-1]) + widths[column] > width:
            parts.append([*range(keys)])
        parts[-1].append(column)
    return parts


def print_text(text: str, indent: int = 0) -> None:
    """A text in lines that fit the window, so many columns from its left; lines after the first two more."""
    import textwrap

    from rich.console import Console

    ahead = " " * indent
    width = max(len(text) + indent, 1) if chosen("wide") else Console().width
    click.echo(textwrap.fill(text, width, initial_indent=ahead, subsequent_indent=f"{ahead}  "))


def print_claims(claims: Iterable[Judgement]) -> None:
    """The claims with what became of them."""
    click.echo("\nClaims")
    for one in claims:
        found = one.relation
        click.echo(f"  {one.verdict:<10}  {one.label} ({one.status}){found and ': '}{found}")
        about = "; ".join(part for part in (one.rejects, one.reason) if part)
        print_text(about, 14)
