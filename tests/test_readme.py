"""Every fenced block of the README works: Python and shell are executed, in order, in one empty folder.

TOML blocks are written to the file that their first line names. Shell blocks run line by line. Two kinds of line are
checked without doing what they say, because doing it would install or train for minutes: `make` targets must exist
(`make -n`), and lines of `pip` are only looked at.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.M | re.S)
#: TOML blocks by the file that their first line names.
TOML = {text.split("\n")[0].removeprefix("# "): text for language, text in BLOCKS if language == "toml"}
LANGUAGES = {"python", "sh", "text", "toml"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    for name, text in TOML.items():
        (folder / name).write_text(text)
    (folder / "experiments").symlink_to(ROOT / "experiments")
    return folder


def _run(command, folder):
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _commands(block):
    """The commands of a shell block: comments dropped, continued lines joined."""
    joined = block.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def test_every_block_says_its_language():
    assert {language for language, _ in BLOCKS} <= LANGUAGES
    assert {"python", "sh"} <= {language for language, _ in BLOCKS}


@pytest.mark.parametrize("number", [k for k, (language, _) in enumerate(BLOCKS) if language == "sh"])
def test_shell_block(number, folder):
    for line in _commands(BLOCKS[number][1]):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            _run(["make", "-n", "-C", str(ROOT), *words[1:]], folder)
        elif words[0] == "tgon":
            _run(words, folder)
        else:
            assert words[:3] == ["python", "-m", "pip"], f"unknown command in README: {line}"


@pytest.mark.parametrize("number", [k for k, (language, _) in enumerate(BLOCKS) if language == "python"])
def test_python_block(number, folder):
    _run([sys.executable, "-c", BLOCKS[number][1]], folder)
