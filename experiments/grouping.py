"""Columns of tables as plain numbers, by the values of another column."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from theory.number_format import number
from verify.statistics import Interval


def numbers(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as float64."""
    return np.asarray(table[column], dtype=np.float64)


def level_table(**values: float) -> pd.DataFrame:
    """The table ``levels`` of reference values."""
    return pd.DataFrame(values.items(), columns=["level", "value"])


def levels_of(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The reference values of the table ``levels``, by name."""
    return dict(zip(tables["levels"]["level"], tables["levels"]["value"], strict=True))


def values_by(table: pd.DataFrame, key: str, column: str) -> dict[int, list[float]]:
    """The values of a column for each integer of another, in ascending order.

    >>> values_by(pd.DataFrame({"T": [5, 3, 5], "loss": [1.0, 2.0, 3.0]}), "T", "loss")
    {3: [2.0], 5: [1.0, 3.0]}
    """
    return {int(value): numbers(rows, column).tolist() for value, rows in parts(table, key)}


def median_range(values: ArrayLike) -> Interval:
    """The median, with the least and the greatest value in place of the interval; NaN of none.

    >>> str(median_range([1.0, 2.0, 9.0]))
    '2 (1 to 9)'
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        return Interval(np.nan, np.nan, np.nan)
    return Interval(float(np.median(sample)), float(sample.min()), float(sample.max()))


def cell(value: float, digits: int) -> str:
    """A number as text; a dash for NaN.

    >>> cell(0.51234, 2), cell(np.nan, 2)
    ('0.51', '–')
    """
    return "–" if np.isnan(value) else number(value, digits)


def span(values: ArrayLike, digits: int) -> str:
    """The least and the greatest value as text; a dash of none.

    >>> span([2.0, 0.5], 3), span([], 3)
    ('0.5 to 2', '–')
    """
    sample = np.asarray(values, dtype=np.float64)
    return f"{number(sample.min(), digits)} to {number(sample.max(), digits)}" if len(sample) else "–"


def for_good(there: pd.Series) -> tuple[float, float] | None:
    """The last place > 0 where something is absent, 0 if none, and the next, where it stays; None if it never does.
    Places are the index, in ascending order.

    >>> for_good(pd.Series({1: True, 4: False, 9: True, 16: True}))
    (4, 9)
    """
    absent = max(there.index[~there], default=0)
    later = there.index[there.index > absent].tolist()
    return (absent, later[0]) if later else None


def parts(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The rows by the values of columns, in ascending order: the value, or a tuple of several, and its rows.

    >>> [(T, len(rows)) for T, rows in parts(pd.DataFrame({"T": [5, 3, 5]}), "T")]
    [(3, 1), (5, 2)]
    """
    yield from table.groupby(columns[0] if len(columns) == 1 else list(columns))
