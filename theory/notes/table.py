"""A table of a note: numbers as text, and Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from theory.number_format import number


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


def table_of(caption: str, columns: str, rows: Iterable[Iterable[float | str]]) -> Table:
    """A table with the columns named between bars; numbers among the cells are rounded."""
    cells = (tuple(one if isinstance(one, str) else number(one) for one in row) for row in rows)
    return Table(caption, tuple(head.strip() for head in columns.split("|")), tuple(cells))


def by(
    caption: str, columns: str, first: Iterable[Any], others: Sequence[Callable[[Any], float | str]]
) -> Table:
    """A table with the values `first` in its first column, as they are, and functions of them in the others."""
    return table_of(caption, columns, ((str(one), *(column(one) for column in others)) for one in first))
