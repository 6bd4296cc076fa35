"""Every fenced block of the README and of the guide works: Python and shell run in order, in one empty folder a page.

They run in this process, but for `tgon predict`, which loads little; among the long tests in processes of their own.
TOML blocks are written to the file that their first line names. Two kinds of line are checked without doing what they
say, because doing it would install or train for minutes: `make` targets must exist (`make -n`), and lines of `pip` are
only looked at.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tgon.command import tgon

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "notes" / "guide").glob("*.md"))]


def blocks_of(page):
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), flags=re.M | re.S)


def _run(command, folder):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def _run_here(command, folder):
    if command[0] == "tgon" and command[1] != "predict":
        done = tgon(*command[1:])
        assert done.exit_code == 0, f"{command}\n{done.output}"
    elif command[1] == "-c":
        exec(compile(command[2], "a block of a page", "exec"), {"__name__": "__main__"})
    else:
        _run(command, folder)


def _run_shell(block, folder, run):
    """Comments are dropped and continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            _run(["make", "-n", "-C", str(ROOT), *words[1:]], folder)
        elif words[:1] == ["tgon"]:
            run(words, folder)
        else:
            assert not words or words[:3] == ["python", "-m", "pip"], f"unknown command: {line}"


@pytest.mark.parametrize(
    "run", [_run_here, pytest.param(_run, marks=pytest.mark.slow)], ids=["here", "apart"]
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_blocks_in_order(page, run, tmp_path, monkeypatch, request):
    _ = page.stem == "README" or request.getfixturevalue("undrawn")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    for language, text in blocks_of(page):
        assert language in ("python", "sh", "text", "toml"), f"a block without its language in {page.name}"
        if language == "toml":
            (tmp_path / text.split("\n")[0].removeprefix("# ")).write_text(text)
        elif language == "sh":
            _run_shell(text, tmp_path, run)
        elif language == "python":
            run([sys.executable, "-c", text], tmp_path)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert all((page.parent / link).exists() for link in links), links


def assert_plain(text, average):
    """No sentence has more than 35 words, and sentences have at most so many on average; a formula is one word."""
    prose = re.sub(r"^```.*?^```$|^[#|!].*?$|\(http\S+\)|\]\([^)]*\)", "", text, flags=re.M | re.S)
    prose = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "x", prose, flags=re.S)
    sentences = [s.split() for s in re.split(r"(?<=[.:?])\s+", prose) if len(s.split()) > 2]
    assert max(map(len, sentences)) <= 35, max(sentences, key=len)
    assert sum(map(len, sentences)) / len(sentences) <= average


def test_readme_is_short_and_guide_and_tutorials_are_plain():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    for page in [*PAGES, *(ROOT / "notes" / "tutorials").glob("*.md")]:
        if page.stem != "glossary":  # a table
            assert_plain(page.read_text(), 18)
