"""What long training says on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from numerics.progress import compilation_announced

LINE = "tgon: compiling kernels for this machine, about 10 s, once"


def test_compilation_is_announced_once_and_only_when_it_happens(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = numba.njit(lambda x: x + 1), numba.njit(lambda x: x + 2)
    with compilation_announced():
        assert capsys.readouterr().err == ""
        assert (first(1), second(1)) == (2, 3)
    assert capsys.readouterr().err == f"{LINE}\n"
    with compilation_announced():
        first(1)
    first(1.5)  # compiled again, for another type, when nobody listens
    assert capsys.readouterr().err == ""


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
                "verify.cli",
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
