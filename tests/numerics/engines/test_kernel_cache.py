"""The on-disk cache of compiled code never answers for another source."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import numerics
from numerics.engines.cpu import compilation

ROOT = Path(numerics.__file__).parent.parent
ENGINES = ROOT / "numerics" / "engines" / "cpu"


def engine_imports(source: str) -> set[str]:
    """Files of the engines' folder that a source imports, by file name; any other own import by its module."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif node.module == "numerics.engines.cpu":
            modules = [f"numerics.engines.cpu.{alias.name}" for alias in node.names]
        else:
            modules = ["." * node.level + (node.module or "")]
        found |= {
            module for module in modules if module.split(".")[0] in {"", "theory", "numerics", "verify"}
        }
    inside = "numerics.engines.cpu."
    return {f"{module.removeprefix(inside)}.py" if module.startswith(inside) else module for module in found}


def test_files_that_compiled_code_comes_from_are_hashed() -> None:
    """What a hashed file imports is hashed too: an edit anywhere changes the names in the cache."""
    assert {"kernels.py", "simd.py", "pairs.py"} <= set(compilation.sources())
    for name in compilation.sources():
        source = (ENGINES / name).read_text(encoding="utf-8")
        assert engine_imports(source) <= set(compilation.sources()), name
    for line in (
        "from theory.setting import ADAM_EPSILON",
        "import numerics.data",
        "from . import cpu",
        "from numerics.engines import cpu",
    ):
        assert not engine_imports(f"import math\n{line}") <= set(compilation.sources()), line


def frozen_in(source: str) -> set[str]:
    """Names imported from this project that functions marked as compiled use."""
    tree = ast.parse(source)
    own = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in {"theory", "numerics", "verify"}
        for alias in node.names
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    compiled = [f for f in functions if any("njit" in ast.unparse(mark) for mark in f.decorator_list)]
    bodies = [statement for function in compiled for statement in function.body]
    used = {node.id for body in bodies for node in ast.walk(body) if isinstance(node, ast.Name)}
    return used & own


def test_compiled_functions_of_other_files_use_their_own_file_alone() -> None:
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for room in ("theory", "numerics", "verify")
        for path in (ROOT / room).rglob("*.py")
    }
    hashed = {f"numerics/engines/cpu/{name}" for name in compilation.sources()}
    compiled = {
        name: source for name, source in sources.items() if "njit(cache=True" in source and name not in hashed
    }  # without a cache on disk nothing can be stale
    assert "numerics/repetition.py" in compiled
    assert {name: used for name, source in compiled.items() if (used := frozen_in(source))} == {}, (
        "move what is compiled to numerics/engines/cpu, whose sources name its cache"
    )
    wrong = (
        "from theory.setting import ADAM_EPSILON\n@njit(cache=True)\ndef f(x):\n    return x + ADAM_EPSILON\n"
    )
    assert frozen_in(wrong) == {"ADAM_EPSILON"}


SCRIPT = """
import numpy as np
from numerics.engines.cpu import kernels
rows = kernels.as_rows(np.array([[1.0, 2.0], [0.0, 0.0]]))
errors = np.zeros(1)
kernels.accumulate_point_errors(
    rows, np.array([0, 1]), np.array([0], np.int32), np.array([1.0]), np.zeros((1, 1)),
    np.zeros(kernels.BLOCK), errors,
)
print(errors[0], sum(kernels.accumulate_point_errors.stats.cache_hits.values()), kernels.__file__)
"""


@pytest.mark.parametrize(
    "edited",
    [pytest.param("the cached function", marks=pytest.mark.slow), "a function it calls", "another file"],
)
def test_an_edit_of_the_kernels_is_noticed(tmp_path: Path, edited: str) -> None:
    """A copy of the packages with a cache of its own: a second process hits the cache, one after an edit does not."""
    for room in ("theory", "numerics"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}

    def result() -> tuple[float, int]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        value, hits, where = done.stdout.split()
        assert Path(where).is_relative_to(tmp_path)
        return float(value), int(hits)

    # W = (1, 2), x = (1, 0): h = 1, outputs (1, 2), error 0 + 4
    assert result() == (4.0, 0)
    assert result() == (4.0, 1)
    files = {"another file": "pairs.py", "a function it calls": "sparse_terms.py"}
    path = tmp_path / "numerics" / "engines" / "cpu" / files.get(edited, "kernels.py")
    source = path.read_text(encoding="utf-8")
    if edited == "another file":
        changed, value = f"{source}# edited\n", 4
    elif edited == "the cached function":
        changed, value = (
            source.replace("total += y * y", "total += 3 * y * y"),
            3 * 5 - 1,
        )  # Σ3y² + (1-1)² - 1²
    else:
        # h = 2: outputs (2, 4), error (1-2)² + 16
        changed = source.replace("near[h + k] += values[j]", "near[h + k] += 2 * values[j]")
        value = 17
    assert changed != source
    path.write_text(changed, encoding="utf-8")
    assert result() == (value, 0)


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


def test_cached_code_of_one_m_is_not_linked_into_another(tmp_path: Path) -> None:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for order in ("2", "1,2"):  # the second process compiles m = 1 and loads m = 2
        command = [sys.executable, "-c", OTHER_M, order]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (order, done.returncode, done.stderr)
