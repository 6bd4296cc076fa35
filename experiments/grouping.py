"""Columns of tables as plain numbers, by the values of another column."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["for_good", "least_of_each", "listed", "medians", "numbers", "tally", "values_by"]


def numbers(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as float64."""
    return np.asarray(table[column], dtype=np.float64)


def values_by(table: pd.DataFrame, key: str, column: str) -> dict[int, list[float]]:
    """The values of a column for each integer of another, in ascending order.

    Examples
    --------
    >>> values_by(pd.DataFrame({"T": [5, 3, 5], "loss": [1.0, 2.0, 3.0]}), "T", "loss")
    {3: [2.0], 5: [1.0, 3.0]}

    """
    found: dict[int, list[float]] = {int(value): [] for value in np.unique(numbers(table, key))}
    for place, value in zip(numbers(table, key), numbers(table, column), strict=True):
        found[int(place)].append(float(value))
    return found


def medians(
    values: Mapping[int, list[float]], reduce: Callable[[list[float]], float] = statistics.median
) -> dict[int, float]:
    """One number, the median unless told otherwise, for each list.

    Examples
    --------
    >>> medians({3: [1.0, 2.0, 9.0]})
    {3: 2.0}

    """
    return {key: reduce(each) for key, each in values.items()}


def listed(values: Iterable[object]) -> str:
    """Values in a row of text.

    Examples
    --------
    >>> listed([3, 5])
    '3, 5'

    """
    return ", ".join(map(str, values))


def for_good(there: Mapping[float, bool]) -> tuple[float, float] | None:
    """The last place > 0 where something is absent, 0 if none, and the next, where it stays; None if it never does.

    Examples
    --------
    >>> for_good({1: True, 4: False, 9: True, 16: True})
    (4, 9)

    """
    absent = max((place for place, each in there.items() if not each), default=0)
    later = [place for place in there if absent < place]
    return (absent, min(later)) if later else None


def tally(values: ArrayLike) -> str:
    """In how many runs each of a few values occurs, the most frequent first.

    Examples
    --------
    >>> tally([4, 5, 4]), tally([4, 4])
    ('4 in 2 of 3 runs, 5 in 1', '4 in all 2 runs')

    """
    counted = Counter(np.asarray(values, dtype=np.float64).tolist())
    (value, most), *rest = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    if not rest:
        return f"{value:g} in all {most} runs"
    return f"{value:g} in {most} of {counted.total()} runs, " + ", ".join(f"{v:g} in {k}" for v, k in rest)


def least_of_each(table: pd.DataFrame, keys: list[str], column: str) -> list[int]:
    """Places of the rows in which ``column`` is least among those that agree in ``keys``; the first of
    equals.

    Examples
    --------
    >>> least_of_each(pd.DataFrame({"T": [3, 3, 5], "loss": [2.0, 1.0, 9.0]}), ["T"], "loss")
    [1, 2]

    """
    best: dict[tuple[float, ...], int] = {}
    value = numbers(table, column)
    for place, group in enumerate(zip(*(numbers(table, key) for key in keys), strict=True)):
        if group not in best or value[place] < value[best[group]]:
            best[group] = place
    return sorted(best.values())
