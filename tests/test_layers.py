"""Imports go one way: theory <- numerics <- verify <- experiments <- tgon.

A room may be used without the ones above it.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import theory

ROOT = Path(theory.__file__).parent.parent
FLOORS = ("theory", "numerics", "verify", "experiments", "tgon", "tests")
ABOVE = {floor: set(FLOORS[k + 1 :]) for k, floor in enumerate(FLOORS[:-1])}
MODULES = [path for room in ABOVE for path in sorted((ROOT / room).rglob("*.py"))]


def imported(source: str) -> set[str]:
    """Top-level packages a source imports, anywhere in it."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_room_imports_from_above(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert not imported(path.read_text(encoding="utf-8")) & ABOVE[room]


def test_the_search_finds_imports() -> None:
    assert imported("def f():\n    from verify.claims.registry import x\n    import numerics.data as d") == {
        "verify",
        "numerics",
    }
    assert len(MODULES) > 20


@pytest.mark.parametrize(
    ("room", "absent"),
    [
        ("theory", {"torch", "numba", "numerics", "verify", "matplotlib"}),
        ("numerics", {"verify", "matplotlib"}),
    ],
)
def test_what_a_room_loads(room: str, absent: set[str]) -> None:
    code = f"import sys, {room}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert room in loaded
    assert not loaded & absent


@pytest.mark.parametrize(
    "name",
    [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == "numerics"
    ],
)
def test_examples_are_true(name: str) -> None:
    if name.endswith(".triton_kernels"):
        pytest.importorskip("triton", reason="triton is not installed; pip install triton")
    failed, _ = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert not failed
