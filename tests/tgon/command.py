"""The command line as tests call it."""

import json

import pytest
from click.testing import CliRunner, Result

from tgon.cli.main import main


def tgon(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def strict(text: str):
    """The document of a JSON text without NaN and infinity, which Python alone accepts."""
    return json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} in JSON"))


def answer(*arguments: object, code: int = 0):
    done = tgon(*arguments, "--json")
    assert done.exit_code == code, done.output
    document = strict(done.stdout)
    assert list(document) == ["version", "command", "setting", "result"]
    assert document["command"] == arguments[0]
    return document["result"]


def refusal(*arguments: object) -> str:
    """The one line on stderr of a refused command."""
    done = tgon(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("tgon: ")
    return line
