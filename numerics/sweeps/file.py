"""Sweep files: a TOML file names the cells of a sweep, each a `theory.Setting`. ``[setting]`` holds fixed values.
``[grid]`` holds lists, or single values, that are multiplied; lists of one ``[[zip]]`` table walk together, several
such tables multiply. Axes stand in the order of the file, the last one varies fastest. Wherever a field takes
integers, ``"3:12"`` (ends included) is a list or an item of one. Cells that occur twice are dropped.

``[preview.setting]``, ``[preview.grid]`` and ``[[preview.zip]]`` describe a smaller form of the same sweep: their keys
replace those keys wherever the rest of the file gives them. So do those of ``tenth``, by custom a tenth of the
features and of the datapoints at ten times the density: features are then seen as often as in the full form.
``averaged`` is by custom that form with the loss averaged over features too.
"""

import dataclasses
import difflib
import itertools
import math
import re
import tomllib
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from numerics.engines import ENGINES
from theory.setting import Setting

#: What a sweep file may describe: the sweep itself, and smaller forms of it below a table of that name.
Form = Literal["full", "tenth", "averaged", "preview"]
FORMS: tuple[Form, ...] = get_args(Form)
SMALLER_FORMS = tuple(form for form in FORMS if form != "full")

#: The most cells that a sweep may have.
MOST_CELLS = 1_000_000

_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
_KINDS = typing.get_type_hints(Setting)
_TABLES = {"setting": "[setting]", "grid": "[grid]", "zip": "[[zip]]"}


class SweepFileError(ValueError):
    """A sweep file that says what cannot be: one line with the file, the key, what was given, what is allowed."""


@dataclass(frozen=True)
class Sweep:
    """What to train: cells in order, each once; ``duplicates`` counts those dropped as an equal one came before.

    >>> Sweep(tuple(Setting(T=T, seed=seed) for T in (3, 5) for seed in (0, 1))).groups
    ('T = 3', 'T = 3', 'T = 5', 'T = 5')
    """

    cells: tuple[Setting, ...]
    title: str = ""
    engine: str = "auto"
    duplicates: int = 0

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Fields that tell groups apart: those that vary, but seeds and a warm-up that follows the steps."""
        derived = all(cell.warmup == cell.steps // 20 for cell in self.cells)
        quiet = {"seed", "data_seed"} | ({"warmup"} if derived else set())
        return tuple(
            name
            for name in _FIELDS
            if name not in quiet and len({getattr(cell, name) for cell in self.cells}) > 1
        )

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The group of each cell, such as "T = 3, n = 1000": cells that differ in their seeds alone share one."""
        return tuple(
            ", ".join(f"{name} = {getattr(cell, name)}" for name in self.varied) or "all cells"
            for cell in self.cells
        )


def read_sweep(path: str | Path, *, form: Form = "full") -> Sweep:
    r"""The sweep that a TOML file describes, or a smaller form of it. Raises SweepFileError: What the file says is not
    a sweep, in any of its forms, or it lacks this form; one line. Raises OSError: The file cannot be read.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
    ...     written = file.write('[grid]\nT = [3, "5:7"]\nseed = "0:9"')
    ...     file.flush()
    ...     len(read_sweep(file.name).cells)
    40
    """
    if Path(path).exists() and not Path(path).is_file():  # a pipe may never end
        raise SweepFileError(f"{path}: not a regular file; try a TOML file")
    content = Path(path).read_bytes()
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))  # a file may begin with a byte-order mark
        described = {"full": _parse(document, "full")}
        described |= {name: _parse(document, name) for name in SMALLER_FORMS if name in document}
        if form not in described:
            raise SweepFileError(f"there is no {form} form; leave out --{form}, or add [{form}.setting]")
        return described[form]
    except UnicodeDecodeError as error:
        raise SweepFileError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SweepFileError(f"{path}: not TOML: {error}") from None
    except SweepFileError as error:
        raise SweepFileError(f"{path}: {' '.join(str(error).split())}") from None


class _Axis(NamedTuple):
    """What a table gives: equally long lists of values that its fields take together; one for each key of a grid."""

    table: str
    columns: dict[str, list[Any]]


def _parse(document: dict[str, Any], form: Form) -> Sweep:
    for key in document:
        if key in _FIELDS:
            raise SweepFileError(f"{key} stands outside a table; put it below [setting], [grid] or [[zip]]")
        _require_known(key, ("title", "engine", *_TABLES, *SMALLER_FORMS), "")
    title, engine = document.get("title", ""), document.get("engine", "auto")
    if not isinstance(title, str):
        raise SweepFileError(f"title = {_shown(title)}: must be text in quotes")
    if engine not in ("auto", *ENGINES):
        raise SweepFileError(f"engine = {engine!r}: allowed are auto, {', '.join(ENGINES)}")
    axes = _axes({key: value for key, value in document.items() if key in _TABLES})
    try:
        if form != "full":
            if not isinstance(tables := document[form], dict):
                raise SweepFileError(f"{form} = {_shown(tables)}: must be tables; write [{form}.setting]")
            axes = _replaced(axes, _axes(tables, f" in [{form}]"))
        cells, count = _cells(axes)
    except SweepFileError as error:
        raise error if form == "full" else SweepFileError(f"in its {form} form: {error}") from None
    return Sweep(cells, title, engine, count - len(cells))


def _axes(tables: dict[str, Any], place: str = "") -> list[_Axis]:
    """The axes of a form in the order of the file."""
    axes: list[_Axis] = []
    for name in tables:
        _require_known(name, tuple(_TABLES), place)
        several = tables[name] if name == "zip" else [tables[name]]
        if not isinstance(several, list):
            raise SweepFileError("zip must be a list of tables; write [[zip]], with double brackets")
        for table in several:
            if not isinstance(table, dict):
                raise SweepFileError(f"{name} = {_shown(table)}: must be a table; write {_TABLES[name]}")
            for key in table:
                _require_known(key, _FIELDS, f" in {_TABLES[name]}")
                if any(key in axis.columns for axis in axes):
                    raise SweepFileError(f"{key} is given in two places; keep one of them")
            columns = {key: _values(key, value, name) for key, value in table.items()}
            if name != "zip":
                axes += [_Axis(name, {key: column}) for key, column in columns.items()]
            elif columns:
                lengths = {key: len(column) for key, column in columns.items()}
                if len(set(lengths.values())) > 1:
                    given = ", ".join(f"{key} has {length}" for key, length in lengths.items())
                    raise SweepFileError(f"lists of one [[zip]] must be equally long, but {given} values")
                axes.append(_Axis(name, columns))
    return axes


def _replaced(axes: list[_Axis], smaller: list[_Axis]) -> list[_Axis]:
    """The axes with those of a smaller form in their places, or behind the others of their table."""
    replaced = {key for axis in smaller for key in axis.columns}
    found, rest = [], list(smaller)
    for axis in axes:
        same = [one for one in rest if one.columns.keys() == axis.columns.keys()]
        here = [one for one in same if one.table == axis.table != "zip"]
        kept = {key: column for key, column in axis.columns.items() if key not in replaced}
        found += here or ([_Axis(axis.table, kept)] if kept else [])
        rest = [one for one in rest if one not in here]
    tables = [axis.table for axis in (*axes, *smaller)]
    return sorted(found + rest, key=lambda axis: tables.index(axis.table))


def _values(key: str, given: Any, table: str) -> list[Any]:
    """The values of one key, ranges written out."""
    if given == []:
        raise SweepFileError(f"{key} = []: an empty list leaves no cells; give at least one value")
    result: list[Any] = []
    for item in given if isinstance(given, list) else [given]:
        if isinstance(item, bool):  # pydantic would read true as 1
            raise SweepFileError(f"{key} = {str(item).lower()}: must be a number or text")
        if isinstance(item, str) and _KINDS[key] is float:  # pydantic would read "0.9" as 0.9
            raise SweepFileError(f"{key} = {_shown(item)}: a number stands without quotes")
        result += _range(key, item) if isinstance(item, str) and _KINDS[key] is int else [item]
    if table == "setting" and (len(result) > 1 or isinstance(given, list)):
        what = "[setting] takes one value; lists and ranges belong in [grid]"
        raise SweepFileError(f"{key} = {_shown(given)}: {what}")
    return result


def _range(key: str, text: str) -> range:
    match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?::\s*([0-9]{1,18})\s*)?", text)
    if not match:
        raise SweepFileError(f"{key} = {_shown(text)}: must be an integer or a range such as '3:12'")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise SweepFileError(f"{key} = {text!r}: a range runs upwards; try '{last}:{first}'")
    _require_few(last - first + 1, f"{key} = {text!r}")
    return range(first, last + 1)


def _cells(axes: list[_Axis]) -> tuple[tuple[Setting, ...], int]:
    """The cells, each once, and how many there were with the repeated ones."""
    places = [list(zip(*axis.columns.values(), strict=True)) for axis in axes]
    count = math.prod(map(len, places))
    _require_few(count, "the product of its lists")
    names = [name for axis in axes for name in axis.columns]
    fixed = {name for axis in axes if axis.table == "setting" for name in axis.columns}
    cells: dict[Setting, None] = {}
    for place in itertools.product(*places):
        values = dict(zip(names, itertools.chain.from_iterable(place), strict=True))
        try:
            cells[Setting(**values)] = None
        except ValueError as error:
            free = {name: value for name, value in values.items() if name not in fixed}
            here = ", ".join(f"{name} = {_shown(value)}" for name, value in free.items())
            line = re.sub(r"\b(try|or) (\w+)=", r"\1 \2 = ", str(error))
            raise SweepFileError(f"{here and f'cell {here}: '}{line}") from None
    return tuple(cells), count


def _require_known(key: str, valid: Sequence[str], place: str) -> None:
    if key not in valid:
        nearest = difflib.get_close_matches(key, valid, n=1, cutoff=0.0)[0]
        known = ", ".join(valid)
        raise SweepFileError(f"unknown key {key!r}{place}; did you mean {nearest!r}? known: {known}")


def _require_few(count: int, what: str) -> None:
    if count > MOST_CELLS:
        raise SweepFileError(f"{what} makes {count} cells; allowed are {MOST_CELLS}, split the sweep")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:45]}...{text[-10:]}"


def form_flag(form: Form) -> str:
    """What asks for a form in a command, with a space before it; nothing for the full form.

    >>> form_flag("full"), form_flag("tenth")
    ('', ' --tenth')
    """
    return "" if form == "full" else f" --{form}"
