"""The on-disk cache of compiled code never answers for another source."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import numerics
from numerics import repeated_loss
from numerics.engines.cpu import compilation

ROOT = Path(numerics.__file__).parent.parent
ENGINE = Path("numerics", "engines", "cpu")
ROOMS = ("theory", "numerics", "verify", "experiments")


def test_compiled_functions_of_other_files_use_their_own_file_alone() -> None:
    """Those that are cached on disk; otherwise what they use goes to the engine, whose sources name its cache."""
    hashed = {(ENGINE / name).as_posix() for name in compilation.sources()}
    cached = {
        name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in hashed
        and "njit(cache=True" in path.read_text(encoding="utf-8")
    }
    assert cached == {"numerics/repeated_loss.py"}
    tree = ast.parse(Path(repeated_loss.__file__).read_text(encoding="utf-8"))
    elsewhere = {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS
        for name in node.names
    }
    compiled = [each.py_func for each in vars(repeated_loss).values() if hasattr(each, "py_func")]
    assert len(compiled) > 1
    assert not elsewhere & {name for each in compiled for name in each.__code__.co_names}


#: A function that compiles at once; before it, all hashed files are imported, so that none may need another one.
PROBE = """
from numba import njit
from numerics.engines.cpu.compilation import compiled
def _double(x):
    return 2 * x
double = compiled(_double, "double")
"""
DOUBLE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(f"numerics.engines.cpu.{name}")
from numerics.engines.cpu import probe
print(probe.double(2.0), sum(probe.double.stats.cache_hits.values()), probe.__file__)
"""


def test_an_edit_of_the_kernels_is_noticed(tmp_path: Path) -> None:
    """A copy of the hashed files with a cache of its own: a second process hits it, one after an edit does not."""
    folder = tmp_path / ENGINE
    folder.mkdir(parents=True)
    for package in (folder, *folder.relative_to(tmp_path).parents):
        (tmp_path / package / "__init__.py").touch()
    for name, source in compilation.sources().items():
        (folder / name).write_bytes(source)
        assert b"cache=True" not in source, "only `compiled` caches"
    (folder / "probe.py").write_text(PROBE, encoding="utf-8")
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}

    def hits(*modules: str) -> int:
        command = [sys.executable, "-c", DOUBLE, *modules]
        said = subprocess.check_output(command, env=environment, cwd=tmp_path, text=True)
        value, hits, where = said.split()
        assert Path(where).is_relative_to(tmp_path)
        assert value == "4.0"
        return int(hits)

    assert hits(*(Path(name).stem for name in compilation.sources())) == 0
    assert hits() == 1
    with open(folder / "pairs.py", "a", encoding="utf-8") as file:
        file.write("# edited\n")
    assert hits() == 0


OTHER_M = """
import sys
import torch
from numerics import reconstruction_loss

for m in map(int, sys.argv[1].split(",")):
    numbers = torch.Generator().manual_seed(m)
    W, b = (torch.rand(*shape, generator=numbers) - 0.5 for shape in ((m, 40), (40,)))
    X = torch.rand(40, 9, generator=numbers)
    fast = W.clone().requires_grad_()
    reconstruction_loss(fast, b, X).backward()
    plain = W.double().requires_grad_()
    outputs = torch.relu(plain.T @ plain @ X.double() + b.double()[:, None])
    ((X.double() - outputs).square().sum() / 9).backward()
    difference = (fast.grad - plain.grad).abs().max() / plain.grad.abs().max()
    assert difference < 1e-4, (m, difference)  # float32 against float64; another m's code is off by order 1
"""


@pytest.mark.slow
def test_cached_code_of_one_m_is_not_linked_into_another(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for order in ("2", "1,2"):  # the second process compiles m = 1 and loads m = 2
        command = [sys.executable, "-c", OTHER_M, order]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (order, done.returncode, done.stderr)
