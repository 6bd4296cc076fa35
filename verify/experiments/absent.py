"""Which cells of a sweep have no run, in a few words on the axes of the sweep. Defines no equations."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from theory import Setting

__all__ = ["absent_text", "axes_of", "value_text"]

#: The longest text; where it would be longer, cells are told apart by fewer axes.
LONGEST = 160

#: Settings that walk together are named one by one up to so many.
MOST_NAMED = 3

_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
_SEEDS = ("data_seed", "seed")

#: Fields that walk together, the places of a sweep on them, and a set of such places for each axis.
_Axis = tuple[str, ...]
_Place = tuple[Any, ...]
_Box = tuple[frozenset[_Place], ...]


def absent_text(cells: Sequence[Setting], missing: Collection[Setting]) -> str:
    """The missing cells by the axes of the sweep, with their numbers of runs; empty where none is missing.

    Examples
    --------
    >>> cells = [Setting(T=T, seed=seed) for T in (3, 5, 8, 12) for seed in (0, 1)]
    >>> absent_text(cells, cells[3:])
    'T = 5, seed = 1 (1 run); T = 8, 12 (4 runs)'

    """
    if not missing:
        return ""
    axes = axes_of(cells)
    absent = set(missing)
    for kept in range(len(axes), 0, -1):
        text = "; ".join(_parts(cells, absent, axes[:kept]))
        if len(text) <= LONGEST or kept == 1:
            return text
    return f"{len(absent)} of {len(cells)} runs"


def axes_of(cells: Sequence[Setting]) -> list[_Axis]:
    """Fields that vary and that no other one determines; those that are not every pair of values walk together.

    T comes first, seeds last.

    Examples
    --------
    >>> axes_of([Setting(T=T, sparsity=S, seed=k) for T, S in ((5, 0.9), (9, 0.9), (9, 0.8)) for k in (0, 1)])
    [('T', 'sparsity'), ('seed',)]

    """
    values = {name: [getattr(cell, name) for cell in cells] for name in _FIELDS}
    varied: list[str] = []
    for name in sorted(_FIELDS, key=lambda name: (name in _SEEDS, _FIELDS.index(name))):
        count = len(set(values[name]))
        follows = any(
            len(set(zip(values[other], values[name], strict=True))) == len(set(values[other]))
            for other in varied
        )
        if count > 1 and not follows:
            varied.append(name)
    axes: list[list[str]] = []
    for name in varied:
        joined = [axis for axis in axes if any(not _multiply(values[name], values[other]) for other in axis)]
        axes = [axis for axis in axes if axis not in joined] + [[*itertools.chain(*joined), name]]
    order = {name: k for k, name in enumerate(varied)}
    return [
        tuple(sorted(axis, key=order.__getitem__)) for axis in sorted(axes, key=lambda axis: order[axis[0]])
    ]


def _multiply(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(set(zip(one, other, strict=True))) == len(set(one)) * len(set(other))


def _parts(cells: Sequence[Setting], absent: set[Setting], axes: Sequence[_Axis]) -> list[str]:
    """One text for each box of places, those that lack all their runs apart from those that lack some."""

    def place(cell: Setting) -> tuple[_Place, ...]:
        return tuple(tuple(getattr(cell, name) for name in axis) for axis in axes)

    asked, lacking = (Counter(map(place, group)) for group in (cells, absent))
    whole: list[list[_Place]] = [list(dict.fromkeys(here[k] for here in asked)) for k in range(len(axes))]
    order = {here: k for k, here in enumerate(asked)}
    parts = []
    for complete in (False, True):
        found = [here for here in lacking if (lacking[here] == asked[here]) is complete]
        for box in _boxes(found, len(axes)):
            inside = list(itertools.product(*box))
            count, of = (sum(counts[here] for here in inside) for counts in (lacking, asked))
            runs = f"{count} {'run' if count == 1 else 'runs'}" if complete else f"{count} of {of} runs"
            first = min(order[here] for here in inside)
            parts.append((first, f"{_text(box, axes, whole)} ({runs})"))
    return [text for _, text in sorted(parts)]


def _boxes(places: Iterable[tuple[_Place, ...]], axes: int) -> list[_Box]:
    """Disjoint products of sets that hold these places and no others; seeds are joined first."""
    boxes: list[_Box] = [tuple(frozenset([value]) for value in here) for here in places]
    for k in reversed(range(axes)):
        joined: dict[_Box, frozenset[_Place]] = {}
        for box in boxes:
            rest = (*box[:k], *box[k + 1 :])
            joined[rest] = joined.get(rest, frozenset()) | box[k]
        boxes = [(*rest[:k], values, *rest[k:]) for rest, values in joined.items()]
    return boxes


def _text(box: _Box, axes: Sequence[_Axis], whole: Sequence[Sequence[_Place]]) -> str:
    """A box by the axes on which it is not everything; by the first one, T, at least."""
    said = [
        _side(axis, values, every)
        for k, (axis, values, every) in enumerate(zip(axes, box, whole, strict=True))
        if k == 0 or len(values) < len(every)
    ]
    return ", ".join(said)


def _side(axis: _Axis, values: frozenset[_Place], every: Sequence[_Place]) -> str:
    if len(axis) == 1:
        return f"{axis[0]} = {_listed([value for (value,) in values], [value for (value,) in every])}"
    if len(values) == len(every) and len(axis) > 2:
        return f"every setting of {', '.join(axis)}"
    if len(axis) == 2:
        first, second = zip(*every, strict=True)
        # the field with fewer values is the one that has a list of the other
        outer, inner = (0, 1) if len(set(first)) < len(set(second)) else (1, 0)
        texts: list[str] = []
        entire = []
        outers = [one[outer] for one in every]
        for value in dict.fromkeys(outers):
            own, there = ([one[inner] for one in some if one[outer] == value] for some in (values, every))
            if len(own) == len(there):
                entire.append(value)
            elif own:
                texts.append(f"{axis[inner]} = {_listed(own, there)} at {axis[outer]} = {value_text(value)}")
        texts += [f"{axis[outer]} = {_listed(entire, outers)}"] if entire else []
        return " and ".join(texts)
    if len(values) > MOST_NAMED:
        return (
            _by_fields(axis, values, every) or f"{len(values)} of {len(every)} settings of {', '.join(axis)}"
        )
    varied = [k for k in range(len(axis)) if len({one[k] for one in values}) > 1]
    if len(varied) == 1 and len(axis) > 2:
        columns = list(zip(*values, strict=True))
        texts = [
            f"{axis[k]} = {_listed(columns[k] if k in varied else columns[k][:1], [one[k] for one in every])}"
            for k in range(len(axis))
        ]
        return ", ".join(texts)
    usual = [Counter(column).most_common(1)[0][0] for column in zip(*every, strict=True)]
    named = [
        ", ".join(
            f"{name} = {value_text(value)}"
            for name, value, common in zip(axis, one, usual, strict=True)
            if value != common or "T" in axis
        )
        for one in every
        if one in values
    ]
    return " or ".join(each or "none of the changes" for each in named)


def _by_fields(axis: _Axis, values: frozenset[_Place], every: Sequence[_Place]) -> str:
    """The places as all that have one value of a field, then of the others all that have one of another; or empty."""
    columns = [list(dict.fromkeys(column)) for column in zip(*every, strict=True)]
    others, texts = list(every), []
    for k in sorted(range(len(axis)), key=lambda k: len(columns[k])):
        lacking = {one[k] for one in others} - {one[k] for one in others if one not in values}
        if lacking:
            texts.append(f"{axis[k]} = {_listed(lacking, columns[k])}")
            others = [one for one in others if one[k] not in lacking]
    return "" if values & set(others) else "; of the others ".join(texts)


def _listed(values: Collection[Any], every: Sequence[Any]) -> str:
    """Values in the order of the sweep; three or more neighbours by their ends."""
    order = list(dict.fromkeys(every))
    if all(isinstance(value, int | float) for value in order):
        order.sort()
    runs: list[list[Any]] = []
    for k, value in enumerate(order):
        if value in values:
            if runs and k and order[k - 1] == runs[-1][-1]:
                runs[-1].append(value)
            else:
                runs.append([value])
    texts = [
        f"{value_text(run[0])} … {value_text(run[-1])}" if len(run) > 2 else ", ".join(map(value_text, run))
        for run in runs
    ]
    return ", ".join(texts)


def value_text(value: object) -> str:
    """A value of a field as pages show it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
