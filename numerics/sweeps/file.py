"""Sweep files: a TOML file names the cells of a sweep, each a `theory.Setting`.

``[setting]`` holds fixed values. ``[grid]`` holds lists that are multiplied; lists of one ``[[zip]]`` table walk
together, several such tables multiply. Axes stand in the order of the file, the last one varies fastest. Wherever a
field takes integers, ``"3:12"`` (ends included) is a list or an item of one. Cells that occur twice are dropped.

``[preview.setting]``, ``[preview.grid]`` and ``[[preview.zip]]`` describe a smaller form of the same sweep: their keys
replace those keys wherever the rest of the file gives them. So do those of ``tenth``, by custom a tenth of the features
and of the datapoints at ten times the density: features are then seen as often as in the full form.

Defines no equations.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import math
import re
import tomllib
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ValidationError

from numerics.engines import ENGINES
from theory.setting import Setting, explain_invalid

__all__ = [
    "FORMS",
    "MOST_CELLS",
    "SMALLER_FORMS",
    "Form",
    "Sweep",
    "SweepFileError",
    "form_flag",
    "read_sweep",
]

#: What a sweep file may describe: the sweep itself, and smaller forms of it below a table of that name.
Form = Literal["full", "tenth", "preview"]
FORMS: tuple[Form, ...] = get_args(Form)
SMALLER_FORMS = tuple(form for form in FORMS if form != "full")

#: The most cells that a sweep may have.
MOST_CELLS = 1_000_000

_FIELDS = tuple(field.name for field in dataclasses.fields(Setting))
_INTEGER_FIELDS = frozenset(name for name, kind in typing.get_type_hints(Setting).items() if kind is int)
_FLOAT_FIELDS = frozenset(name for name, kind in typing.get_type_hints(Setting).items() if kind is float)
_TABLES = ("setting", "grid", "zip")
_TOP = ("title", "engine", *_TABLES, *SMALLER_FORMS)

#: One axis of a sweep: the values that its fields take together, one tuple per place on the axis.
_Axis = tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]


class SweepFileError(ValueError):
    """A sweep file that says what cannot be: one line with the file, the key, what was given, what is allowed."""


@dataclass(frozen=True)
class Sweep:
    """What to train: cells in order, each once.

    Attributes
    ----------
    cells : one setting per run.
    title : free text.
    engine : "auto" or an engine's name.
    duplicates : how many cells were dropped because an equal one came before.

    Examples
    --------
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
    r"""The sweep that a TOML file describes, or a smaller form of it.

    Raises
    ------
    SweepFileError
        What the file says is not a sweep, in any of its forms, or it has not the form that is asked for; one line.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
    ...     written = file.write('[grid]\nT = [3, "5:7"]\nseed = "0:9"')
    ...     file.flush()
    ...     len(read_sweep(file.name).cells)
    40

    """
    content = Path(path).read_bytes()
    try:
        document = tomllib.loads(
            content.decode("utf-8-sig")
        )  # some editors begin a file with a byte-order mark
        described = {"full": _parse(document)}
        for name in SMALLER_FORMS:
            if name in document:
                described[name] = _parse_smaller(document, name)
        if form not in described:
            raise SweepFileError(f"there is no {form} form; leave out --{form}, or add [{form}.setting]")
        return described[form]
    except UnicodeDecodeError as error:
        raise SweepFileError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SweepFileError(f"{path}: not TOML: {error}") from None
    except SweepFileError as error:
        raise SweepFileError(f"{path}: {' '.join(str(error).split())}") from None


def _parse_smaller(document: dict[str, Any], name: Form) -> Sweep:
    try:
        return _parse(_smaller(document, name))
    except SweepFileError as error:
        raise SweepFileError(f"in its {name} form: {error}") from None


def _smaller(document: dict[str, Any], name: Form) -> dict[str, Any]:
    """The document of a smaller form, from one whose full form has been parsed."""
    smaller = document[name]
    if not isinstance(smaller, dict):
        raise SweepFileError(
            f"{name} = {_shown(smaller)}: must be tables; write [{name}.setting] or [{name}.grid]"
        )
    for kind in smaller:
        _require_known(kind, _TABLES, f" in [{name}]")
    given = {kind: _table(smaller.get(kind, {}), kind) for kind in ("setting", "grid")}
    zips = _tables(smaller.get("zip", []))
    replaced = {key for table in (*given.values(), *zips) for key in table}

    def kept(table: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in table.items() if key not in replaced}

    form = {kind: value for kind, value in document.items() if kind not in (*SMALLER_FORMS, *_TABLES)}
    for kind in (
        *(kind for kind in document if kind in _TABLES),
        *smaller,
    ):  # axes stay in the order of the file
        if kind == "zip":
            form["zip"] = [table for table in map(kept, document.get("zip", [])) if table] + zips
        else:
            own = document.get(kind, {})
            here = {
                key: given[kind].get(key, value)
                for key, value in own.items()
                if key in given[kind] | kept(own)
            }
            form[kind] = here | given[kind]
    return form


def _parse(document: dict[str, Any]) -> Sweep:
    for key in document:
        if key in _FIELDS:
            raise SweepFileError(f"{key} stands outside a table; put it below [setting], [grid] or [[zip]]")
        _require_known(key, _TOP, "")
    title, engine = _text(document, "title", ""), _text(document, "engine", "auto")
    if engine not in ("auto", *ENGINES):
        raise SweepFileError(f"engine = {engine!r}: allowed are auto, {', '.join(ENGINES)}")
    fixed = _table(document.get("setting", {}), "setting")
    for key, value in fixed.items():
        _require_single(key, value)
    axes: list[_Axis] = []
    for kind in document:  # in the order of the file
        if kind == "grid":
            grid = _table(document["grid"], "grid")
            axes += [((key,), [(value,) for value in _values(key, grid[key], "grid")]) for key in grid]
        elif kind == "zip":
            axes += [_zip_axis(table) for table in _tables(document["zip"])]
    _require_once([tuple(fixed), *(names for names, _ in axes)])
    cells, count = _cells(fixed, axes)
    return Sweep(cells, title, engine, count - len(cells))


def _text(document: dict[str, Any], key: str, default: str) -> str:
    value = document.get(key, default)
    if not isinstance(value, str):
        raise SweepFileError(f"{key} = {_shown(value)}: must be text in quotes")
    return value


def _table(value: Any, kind: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SweepFileError(f"{kind} = {_shown(value)}: must be a table; write [{kind}] and its keys below")
    for key in value:
        _require_known(key, _FIELDS, f" in [{kind}]" if kind != "zip" else " in [[zip]]")
    return value


def _tables(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise SweepFileError("zip must be a list of tables; write [[zip]], with double brackets")
    return [_table(item, "zip") for item in value]


def _zip_axis(table: dict[str, Any]) -> _Axis:
    columns = {key: _values(key, value, "zip") for key, value in table.items()}
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        given = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise SweepFileError(f"lists of one [[zip]] must be equally long, but {given} values")
    return tuple(columns), list(zip(*columns.values(), strict=True)) or [()]


def _values(key: str, value: Any, kind: str) -> list[Any]:
    """The values of one list, its ranges written out."""
    if isinstance(value, str) and key in _INTEGER_FIELDS:
        value = [value]
    if not isinstance(value, list):
        example = "a list such as [3, 5] or a range" if key in _INTEGER_FIELDS else "a list"
        raise SweepFileError(
            f"{key} = {_shown(value)}: in {kind} it must be {example}; one value belongs in [setting]"
        )
    if not value:
        raise SweepFileError(f"{key} = []: an empty list leaves no cells; give at least one value")
    result: list[Any] = []
    for item in value:
        result += _range(key, item) if isinstance(item, str) and key in _INTEGER_FIELDS else [item]
        _require_number(key, item)
        _require_few(len(result), f"{key} alone")
    return result


def _range(key: str, text: str) -> Iterable[int]:
    match = re.fullmatch(r"\s*([0-9]{1,18})\s*(?::\s*([0-9]{1,18})\s*)?", text)
    if not match:
        raise SweepFileError(f"{key} = {_shown(text)}: must be an integer or a range such as '3:12'")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise SweepFileError(f"{key} = {text!r}: a range runs upwards; try '{last}:{first}'")
    _require_few(last - first + 1, f"{key} = {text!r}")
    return range(first, last + 1)


def _cells(fixed: dict[str, Any], axes: list[_Axis]) -> tuple[tuple[Setting, ...], int]:
    """The cells, each once, and how many there were with the repeated ones."""
    count = math.prod(len(places) for _, places in axes)
    _require_few(count, "the product of its lists")
    names = [name for fields, _ in axes for name in fields]
    cells: dict[Setting, None] = {}
    for places in itertools.product(*(places for _, places in axes)):
        varied = dict(zip(names, itertools.chain.from_iterable(places), strict=True))
        try:
            cells[Setting(**fixed, **varied)] = None
        except ValidationError as error:
            here = ", ".join(f"{name} = {_shown(value)}" for name, value in varied.items())
            line = re.sub(r"\b(try|or) (\w+)=", r"\1 \2 = ", explain_invalid(error))
            raise SweepFileError(f"{here and f'cell {here}: '}{line}") from None
    return tuple(cells), count


def _require_known(key: str, valid: Sequence[str], place: str) -> None:
    if key not in valid:
        nearest = difflib.get_close_matches(key, valid, n=1, cutoff=0.0)[0]
        raise SweepFileError(
            f"unknown key {key!r}{place}; did you mean {nearest!r}? known: {', '.join(valid)}"
        )


def _require_once(places: list[tuple[str, ...]]) -> None:
    seen: set[str] = set()
    for name in itertools.chain.from_iterable(places):
        if name in seen:
            raise SweepFileError(
                f"{name} is given in two places; keep one of [setting], [grid] and the [[zip]] tables"
            )
        seen.add(name)


def _require_single(key: str, value: Any) -> None:
    if isinstance(value, str) and key in _INTEGER_FIELDS and re.fullmatch(r"\s*[0-9]{1,18}\s*", value):
        raise _quoted(key, value)
    if isinstance(value, list) or (isinstance(value, str) and key in _INTEGER_FIELDS):
        raise SweepFileError(
            f"{key} = {_shown(value)}: [setting] takes one value; lists and ranges belong in [grid]"
        )
    _require_number(key, value)


def _require_number(key: str, value: Any) -> None:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise SweepFileError(f"{key} = {str(value).lower()}: must be a number or text")
    if isinstance(value, str) and key in _FLOAT_FIELDS:  # pydantic would read "0.9" as 0.9
        raise _quoted(key, value)


def _quoted(key: str, value: str) -> SweepFileError:
    return SweepFileError(
        f"{key} = {_shown(value)}: a number stands without quotes; try {key} = {_example(value)}"
    )


def _example(text: str) -> str:
    """The number in a text, 0.5 where there is none."""
    try:
        float(text)
    except ValueError:
        return "0.5"
    return text.strip()


def _require_few(count: int, what: str) -> None:
    if count > MOST_CELLS:
        raise SweepFileError(f"{what} makes {count} cells; allowed are {MOST_CELLS}, split the sweep")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:45]}...{text[-10:]}"


def form_flag(form: Form) -> str:
    """What asks for a form in a command, with a space before it; nothing for the full form.

    Examples
    --------
    >>> form_flag("full"), form_flag("tenth")
    ('', ' --tenth')

    """
    return "" if form == "full" else f" --{form}"
