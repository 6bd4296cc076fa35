"""What a user may type, and one line for what is wrong. Only click and the standard library are imported here, so that
help is printed at once; `theory.Setting` checks values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from theory import Setting

Command = TypeVar("Command", bound=Callable[..., Any])

#: What a path may be: a file, or a folder.
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

#: The largest integer and the most integers that a list such as ``3:12`` may name.
LARGEST, LONGEST = 1_000_000, 10_000

#: The most numbers, m (n + T), that a model and its hidden vectors may hold: 4 GB in float64.
MOST_PARAMETERS = 500_000_000


class BadInput(click.ClickException):
    """A refused argument or file, in one line: what was given, what is allowed, what to try."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ctrl-C, in one line."""

    exit_code = 130


def parse_integers(text: str) -> tuple[int, ...]:
    """The integers, at least 1, that ``5``, ``3:12`` (ends included), ``3,5,8`` or a mix of them names, each once.
    Raises ValueError, in one line, for anything else.

    >>> parse_integers("3:5,8,4")
    (3, 4, 5, 8)
    """
    named: dict[int, None] = {}
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,18})(?::([0-9]{1,18}))?", part.strip())
        first, last = (int(end) for end in match.groups(match[1])) if match else (0, 0)
        if min(first, last) < 1 or max(first, last) > LARGEST:
            raise ValueError(f"must be integers from 1 to {LARGEST}; try 5, 3:12 or 3,5,8")
        if first > last:
            raise ValueError(f"a range runs upwards; try {last}:{first}")
        if len(named) + last - first >= LONGEST:
            raise ValueError(f"a list names at most {LONGEST} integers; try {first}:{first + 9}")
        named |= dict.fromkeys(range(first, last + 1))
    return tuple(named)


def _read_list(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> tuple[int, ...] | None:
    """The parsed list; a usage error that repeats what was given."""
    if given is None:
        return None
    try:
        return parse_integers(given)
    except ValueError as error:
        short = given if len(given) <= 40 else f"{given[:27]}...{given[-10:]}"
        raise click.BadParameter(f"{short!r}: {error}", context, parameter) from error


def in_one_line(error: BaseException) -> str:
    """An exception as one line, without the name of its class unless there is nothing else to say."""
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(text.split()) or type(error).__name__


@contextmanager
def refusals() -> Iterator[None]:
    """Inside, a ValueError is a refusal of the user's input and becomes one line with exit code 2."""
    try:
        yield
    except ValueError as error:
        line = re.sub(
            r"\b(try|or) (\w+)=",
            lambda found: f"{found[1]} --{found[2].replace('_', '-')} ",
            in_one_line(error),
        )
        raise BadInput(line) from error


@contextmanager
def keeping(folder: Path, again: str = "the same command") -> Iterator[None]:
    """Inside, refusals, Ctrl-C and a refusing disk become one line: what is kept, and that ``again`` goes on."""
    kept = f"finished runs are kept in {folder}; {again} goes on from there"
    try:
        with refusals():
            yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted: {kept}") from None
    except OSError as error:
        there = f"; {kept}" if folder.is_dir() else ""
        raise BadInput(f"--out: {in_one_line(error)}{there}; try a folder that can be written") from error


def make_settings(T: Sequence[int], given: dict[str, Any]) -> list[Setting]:
    """One `theory.Setting` for each T with the given values; None means the default."""
    from theory import Setting

    values = {name: value for name, value in given.items() if value is not None}
    with refusals():
        settings = [Setting(T=points, **values) for points in T]
    for setting in settings:
        check_size(setting)
    return settings


def check_size(setting: Setting, file: str | None = None) -> None:
    """Refuse a model that no memory would hold; what to try is said in options, or in the keys of a ``file``."""
    numbers = setting.m * (setting.n + setting.T)
    if numbers > MOST_PARAMETERS:
        where, remedy = ("", "--n 10000 --m 2") if file is None else (f"{file}: ", "n = 10000, m = 2")
        raise BadInput(
            f"{where}n = {setting.n}, m = {setting.m}, T = {setting.T} ask for m (n + T) = {numbers:.3g} numbers; "
            f"allowed are {MOST_PARAMETERS:.0e}; try {remedy}"
        )


def place_option(*names: str, endings: Sequence[str] = (), **more: Any) -> Callable[[Command], Command]:
    """An option that takes a file to write; one that cannot be is refused at once, and missing folders are made."""

    def check(_: click.Context, parameter: click.Parameter, file: Path | None) -> Path | None:
        if file is None:
            return None
        option = parameter.opts[0]
        if endings and file.suffix not in endings:
            example = f"{file.stem}{endings[0]}"
            raise BadInput(f"{option} {file}: must end in {' or '.join(endings)}; try {option} {example}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            refused = "" if os.access(file.parent, os.W_OK) else f"{file.parent}: no permission to write"
        except (FileExistsError, NotADirectoryError):
            refused = f"{file.parent}: not a folder"
        except OSError as error:
            refused = in_one_line(error)
        if refused:
            raise BadInput(f"{option}: {refused}; try a folder that can be written")
        return file

    return click.option(*names, type=FILE, callback=check, **more)


def integers_option(
    *names: str, metavar: str = "5 | 3:12 | 3,5,8", **more: Any
) -> Callable[[Command], Command]:
    """An option that takes a list of integers, of datapoints unless ``help`` says otherwise."""
    return click.option(*names, callback=_read_list, metavar=metavar, **({"help": "Datapoints."} | more))


def option(name: str, default: Any, description: str, kind: Any = None) -> Callable[[Command], Command]:
    """An option whose default is shown in the help; a list of words as its kind is a choice between them."""
    kind = click.Choice(kind) if isinstance(kind, list) else kind
    return click.option(name, type=kind, default=default, show_default=True, help=description)


def _together(*options: Any) -> Callable[[Command], Command]:
    """One decorator for several options, in the order in which help lists them."""
    return lambda command: reduce(lambda done, option: option(done), reversed(options), command)


_DATA = (
    option("--n", 10_000, "Number of features."),
    option("--sparsity", 0.999, "Probability that a feature is absent, between 0 and 1."),
)

#: ``--n`` and ``--sparsity``: what the data are like, with the paper's defaults.
data_options = _together(*_DATA)

#: The options of `theory.Setting` but T, with the paper's defaults; passed on by keyword.
setting_options = _together(
    *_DATA,
    option("--m", 2, "Hidden dimensions."),
    option("--steps", 50_000, "Full-batch AdamW steps."),
    option("--lr", 1e-3, "Peak learning rate."),
    click.option(
        "--warmup",
        type=int,
        show_default="5 % of the steps",
        help="Steps of linear warm-up, before the cosine.",
    ),
    option("--weight-decay", 1e-2, "Decoupled weight decay on W and b."),
    option("--seed", 0, "Seed of data and start; the first one where there are several."),
    option("--dtype", "float32", "Arithmetic of training.", ["float32", "float64"]),
    option("--loss", "sum", "Features are summed, or averaged too.", ["sum", "mean"]),
    option("--adam-epsilon", 1e-8, "Adam's ε."),
)


def run_options(seeds: int, out: str) -> Callable[[Command], Command]:
    """The options of training, beyond those of the setting: ``--seeds``, ``--engine`` and ``--out``."""
    engines = ["auto", "reference", "cpu", "cuda"]
    place = "Folder for all that is written; finished runs found there are reused."
    return _together(
        option("--seeds", seeds, "How many seeds, counted from --seed.", click.IntRange(1, LONGEST)),
        option("--engine", "auto", "Implementation of training.", engines),
        option("--out", out, place, click.Path()),
    )


#: `numerics.sweeps.file.SMALLER_FORMS`, written again so that help need not load what that module loads.
SMALLER_FORMS = ("tenth", "averaged", "preview")


def form_options(described: str) -> Callable[[Command], Command]:
    """A flag for each of `SMALLER_FORMS`, of which one may be given, as one parameter ``form``; their help names it."""

    def choose(context: click.Context, parameter: click.Parameter, given: bool) -> None:
        before = context.params.setdefault("form", "full")
        if given and before != "full":
            raise BadInput(f"--{before} and --{parameter.name} name two forms; try one of them")
        if given:
            context.params["form"] = parameter.name

    flag = partial(click.option, is_flag=True, expose_value=False, callback=choose)
    return _together(*(flag(f"--{name}", help=described.format(name)) for name in SMALLER_FORMS))


def _note(context: click.Context, parameter: click.Parameter, given: bool) -> None:
    context.meta[f"tgon.{parameter.name}"] = given


#: What every command has: ``--json``, passed on as ``as_json``, and ``--wide`` and ``--quiet``, see `output.chosen`.
json_option = _together(
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."),
    click.option(
        "--wide", is_flag=True, expose_value=False, callback=_note, help="Tables as wide as they are."
    ),
    click.option("--quiet", is_flag=True, expose_value=False, callback=_note, help="No progress."),
)
