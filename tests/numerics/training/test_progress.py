"""What long training says on stderr."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from numerics.training.progress import compilation_announced, progress_bar
from theory import Setting

LINE = "tgon: compiling kernels for this machine, about 10 s, once for each m, dtype and range of sizes"


MODULE = """
from numba import njit

@njit(cache=True)
def first(x):
    return x + 1

@njit(cache=True)
def second(x):
    return x + 2

@njit
def not_kept(x):
    return x + 3
"""


def test_compilation_is_announced_once_and_only_when_it_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second process, here a second import, finds the cache on disk; what has no cache is passed over."""
    path = tmp_path / "kernels_of_a_test.py"
    path.write_text(MODULE)

    def imported() -> Any:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    kernels = imported()
    with compilation_announced():
        assert kernels.not_kept(1) == 4
        assert capsys.readouterr().err == ""
        assert (kernels.first(1), kernels.second(1)) == (2, 3)
    assert capsys.readouterr().err == f"{LINE}\n"
    again = imported()
    with compilation_announced():
        assert again.first(1) == 2
        assert again.first.stats.cache_hits
    again.second(1.5)  # compiled, for another type, when nobody listens
    assert capsys.readouterr().err == ""


def test_the_times_of_a_bar_say_which_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar([Setting(T=3, steps=40)]) as advance:
        advance(40)
    assert re.search(r"training 1 run .*100% elapsed 0:00:\d\d left 0:00:00", capsys.readouterr().err)


SWEEP = "[setting]\nT = 2\nn = 20\nsparsity = 0.8\nsteps = 20\n"


@pytest.mark.slow
def test_a_sweep_with_an_empty_cache_says_that_it_compiles(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(SWEEP)
    said = []
    for out in ("first", "second"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tgon.cli.main",
                "sweep",
                str(tmp_path / "sweep.toml"),
                "--out",
                str(tmp_path / out),
            ],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )
        said.append(done.stderr.count(LINE))
    assert said == [1, 0]
