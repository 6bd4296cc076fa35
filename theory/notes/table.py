"""A table of a note: numbers as text, and Markdown; captions and heads are in `tables.toml`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from theory.derivations.texts import read_table
from theory.number_format import number

Cell: TypeAlias = float | str
Column: TypeAlias = Callable[[Any], Cell]

_TEXTS = read_table("theory.notes", "tables.toml")


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, the heads of the columns, and cells, all in Markdown."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.caption}: every row must have {len(self.columns)} cells")

    def markdown(self) -> str:
        """The table under its caption; columns of numbers are aligned right."""
        numeric = [
            all(cell.lstrip("$").removeprefix(r"\ge ")[:1] in "-−–0123456789" for cell in cells)
            for cells in zip(*self.rows, strict=True)
        ]
        lines = [self.columns, ["--:" if right else ":--" for right in numeric], *self.rows]
        return "\n".join([self.caption, "", *(f"| {' | '.join(line)} |" for line in lines)]).lstrip()


def heads(shown: str, values: Iterable[Any]) -> str:
    """Heads of columns that differ by a value each, for `%(heads)s` in `tables.toml`."""
    return " | ".join(shown % value for value in values)


def table_of(name: str, rows: Iterable[Iterable[Cell]], **values: Cell) -> Table:
    """The table that `tables.toml` has under this name; numbers among the cells are rounded, integers are not."""
    cells = (tuple(number(one) if isinstance(one, float) else str(one) for one in row) for row in rows)
    heads = tuple(head.strip() for head in (_TEXTS[name]["columns"] % values).split("|"))
    return Table(_TEXTS[name]["caption"] % values, heads, tuple(cells))


def by(name: str, first: Iterable[Any], columns: Sequence[Column]) -> Table:
    """A table with the values `first` in its first column, as they are, and functions of them in the others."""
    return table_of(name, ((str(one), *(column(one) for column in columns)) for one in first))
