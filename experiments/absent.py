"""Which cells of a sweep have no run, field by field. Defines no equations."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from theory import Setting

__all__ = ["absent_text", "value_text"]

#: The most groups of values that are listed of one field.
MOST_GROUPS = 4

_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
_SEEDS = ("data_seed", "seed")


def absent_text(cells: Sequence[Setting], missing: Collection[Setting]) -> str:
    """Of each value of a field, how many of its cells are missing; empty where none is.

    Not named are a field that lacks the same share of each of its values, one that another field tells, one that would
    take more than `MOST_GROUPS` numbers, and values that lack none. Neighbouring values that lack the same number of
    the same number stand together.

    Examples
    --------
    >>> cells = [Setting(T=T, seed=seed) for T in (3, 5, 8, 12) for seed in (0, 1)]
    >>> absent_text(cells, cells[4:])
    'T = 8, 12 (2 of 2 each)'
    >>> absent_text(cells, cells[3:])
    'T = 5 (1 of 2), 8, 12 (2 of 2 each); seed = 0 (2 of 4), 1 (3 of 4)'

    """
    absent = set(missing)
    texts: list[str] = []
    before: list[list[Any]] = []
    for name in sorted(_FIELDS, key=lambda name: name in _SEEDS):
        values = [getattr(cell, name) for cell in cells]
        told = any(len(set(zip(other, values, strict=True))) == len(set(other)) for other in before)
        asked, lacking = Counter(values), Counter(getattr(cell, name) for cell in absent)
        even = all(lacking[value] * len(cells) == asked[value] * len(absent) for value in asked)
        shares = [] if told or even else _shares(asked, lacking)
        if 0 < len(shares) <= MOST_GROUPS:
            texts.append(f"{name} = {', '.join(shares)}")
        before.append(values)
    return "; ".join(texts)


def _shares(asked: Counter[Any], lacking: Counter[Any]) -> list[str]:
    values = list(asked)
    if all(isinstance(value, int | float) for value in values):
        values.sort()
    texts = []
    for (count, of), group in groupby(values, key=lambda value: (lacking[value], asked[value])):
        same = list(map(value_text, group))
        listed = f"{same[0]} … {same[-1]}" if len(same) > 2 else ", ".join(same)
        if count:
            texts.append(f"{listed} ({count} of {of}{' each' if len(same) > 1 else ''})")
    return texts


def value_text(value: object) -> str:
    """A value of a field as pages show it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
