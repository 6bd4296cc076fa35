"""The command line; answers go to stdout, progress and errors to stderr, an error is one line. A command imports what
it needs when it runs, so that help is printed at once.
"""

import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import click

from tgon.cli.bench import bench
from tgon.cli.check import check
from tgon.cli.compare import compare
from tgon.cli.explain import claims, derive, explain
from tgon.cli.figure import figure
from tgon.cli.notes import notes
from tgon.cli.options import BadInput, Interrupted, in_one_line
from tgon.cli.polish import polish
from tgon.cli.polygon import polygon
from tgon.cli.predict import predict
from tgon.cli.sweep import sweep
from tgon.cli.threshold import threshold
from tgon.cli.train import train


class InternalError(click.ClickException):
    """An error of tgon itself, in one line with how to report it."""

    exit_code = 70


class OneLineErrors(click.Group):
    """A group of commands whose every error is one line on stderr, with the exit codes that `tgon --help` lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the line, which a command finds in ``ctx.meta`` as it was typed but for ``--json``."""
        if any("\0" in word for word in args):
            raise BadInput("a word of the line holds a NUL byte, which no name of a file has; try without it")
        ctx.meta["tgon.line"] = shlex.join(["tgon", *(word for word in args if word != "--json")])
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of work, as they were added."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; refused disk or memory is bad input, a warning is a line on stderr."""
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: _complain(str(message))
            try:
                return super().invoke(ctx)
            except (BrokenPipeError, SystemExit):  # rich exits with 1 at a closed pipe
                _silence(sys.stdout)
                raise click.exceptions.Exit(141) from None
            except OSError as error:
                raise BadInput(f"{in_one_line(error)}; try another folder or file") from error
            except KeyboardInterrupt:
                raise Interrupted("interrupted") from None
            except MemoryError:
                line = "not enough memory for what was asked; try smaller --n, --m, --T or --steps"
                raise BadInput(line) from None
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except Exception as error:
                raise InternalError(_report(error)) from error

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run the command line and exit; the signature is click's."""
        extra["standalone_mode"] = False
        try:
            code = super().main(args, *rest, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            code = error.exit_code
            try:
                _complain(_advise(error))
            except OSError:  # no room for the line either: the exit code alone can say it
                _silence(sys.stdout, sys.stderr)
        except (OSError, SystemExit) as error:  # no room for help; click exits with 1 at a closed pipe
            code = 141 if isinstance(error, SystemExit) else 2
            _silence(sys.stdout)
        sys.exit(code if isinstance(code, int) else 0)


def _silence(*streams: Any) -> None:
    """What is left to print goes nowhere, or Python complains as it exits."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(line: str) -> None:
    short = re.sub(r"\S{300,}", lambda word: f"{word[0][:100]} … ({len(word[0])} characters)", line)
    click.echo(f"tgon: {' '.join(short.split())}", err=True)


def _report(error: Exception) -> str:
    """What went wrong and where; the whole traceback is printed where TGON_TRACEBACK is set."""
    if "TGON_TRACEBACK" in os.environ:
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    line = f"an error of tgon itself: {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    return f"{line}; try TGON_TRACEBACK=1 to see where, and report it with the command"


def _advise(error: click.ClickException) -> str:
    """The error in one line; what to try is added where click does not say it."""
    line = re.sub(r"\. \(?Did you mean (.*)\?\)?$", r"; did you mean \1?", in_one_line(error)).rstrip(".")
    if near := sorted(getattr(error, "possibilities", None) or ()):  # the nearest first, not by the alphabet
        given = str(getattr(error, "option_name", getattr(error, "command_name", ""))).lower()
        nearest = sorted(near, key=lambda one: -SequenceMatcher(None, given, one).ratio())
        line = line.replace(", ".join(map(repr, near)), ", ".join(map(repr, nearest)))
    if "; try " in line or not isinstance(error, click.UsageError):
        return line
    joint = "" if line.endswith("?") else ";"
    param = getattr(error, "param", None)
    if param is not None and param.opts and isinstance(param.default, (int, float, str)):
        return f"{line}{joint} try {param.opts[0]} {param.default}"
    if param is not None and isinstance(error, click.MissingParameter) and param.metavar:
        return f"{line}{joint} try {param.opts[0]} with {param.metavar}"
    return f"{line}{joint} try {error.ctx.command_path if error.ctx else 'tgon'} --help"


@click.group(
    epilog="Example: tgon predict --T 3:12",
    cls=OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="tgon", prog_name="tgon")
def main() -> None:
    """Predict, train and judge the ReLU-output toy model of superposition and memorization.

    Exit codes: 0 done and no claim violated, 1 a claim is violated, 2 bad input, 3 nothing could be judged,
    70 an error of tgon itself, 130 interrupted, 141 output closed by its reader.
    """


for command in (predict, polygon, threshold, train, compare, check, polish, claims, explain, derive):
    main.add_command(command)
for command in (sweep, figure, notes, bench):
    main.add_command(command)


if __name__ == "__main__":
    main()
