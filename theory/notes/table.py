"""A table of a note: numbers as text, and Markdown; captions and heads are in `tables.toml`."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from theory.derivations.texts import read_table
from theory.number_format import number

Cell: TypeAlias = float | str
Column: TypeAlias = Callable[[Any], Cell]

_TEXTS = read_table("theory.notes", "tables.toml")


def heads(shown: str, values: Iterable[Any]) -> str:
    """Heads of columns that differ by a value each, for `%(heads)s` in `tables.toml`."""
    return " | ".join(shown % value for value in values)


def table_of(name: str, rows: Iterable[Iterable[Cell]], **values: Cell) -> str:
    """The table that `tables.toml` has under this name, below its caption, in Markdown. Numbers among the cells are
    rounded, integers are not; columns of numbers are aligned right. Raises ValueError: a row of another length.
    """
    heads = [head.strip() for head in (_TEXTS[name]["columns"] % values).split("|")]
    cells = [[number(one) if isinstance(one, float) else str(one) for one in row] for row in rows]
    sides = [
        "--:"
        if all(cell.lstrip("$").removeprefix(r"\ge ")[:1] in "-−–0123456789" for cell in column)
        else ":--"
        for _, *column in zip(heads, *cells, strict=True)
    ]
    lines = (f"| {' | '.join(line)} |" for line in (heads, sides, *cells))
    return "\n".join([_TEXTS[name]["caption"] % values, "", *lines]).lstrip()


def by(name: str, first: Iterable[Any], columns: Sequence[Column]) -> str:
    """A table with the values `first` in its first column, as they are, and functions of them in the others."""
    return table_of(name, ((str(one), *(column(one) for column in columns)) for one in first))
