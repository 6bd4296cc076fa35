"""The house: five floors, imports one way and in no circle, files and functions of a size that can be read."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tgon

ROOT = Path(tgon.__file__).parent.parent
FLOORS = ("theory", "numerics", "verify", "experiments", "tgon")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
}
trees = functools.cache(lambda: {name: ast.parse(path.read_bytes()) for name, path in FILES.items()})


def imported(tree: ast.AST) -> set[str]:
    """Every module that a source imports, anywhere in it; of `from a import b` both a and a.b."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def loaded_by(statement: str) -> set[str]:
    """Top-level packages that a fresh process has loaded after the statement."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_no_floor_imports_from_above() -> None:
    above = {floor: {*FLOORS[k + 1 :], "tests"} for k, floor in enumerate(FLOORS)}
    found = {
        (name, one)
        for name, tree in trees().items()
        for one in imported(tree)
        if one.split(".")[0] in above[name.split(".")[0]]
    }
    assert not found


def test_no_files_import_each_other_in_a_circle() -> None:
    """Packages are left out: their ``__init__`` re-exports what its own files hold."""
    graph = {
        name: {one for one in imported(tree) if one in FILES and FILES[one].stem != "__init__"} - {name}
        for name, tree in trees().items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_folders_files_and_functions_can_be_read() -> None:
    folders = Counter(path.parent for path in FILES.values() if path.stem != "__init__")
    assert {folder: count for folder, count in folders.items() if count > 15} == {}
    assert [p for p in FILES.values() if len(p.read_text(encoding="utf-8").splitlines()) > 400] == []
    functions = [
        (name, node.name, node.end_lineno - node.lineno + 1)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [function for function in functions if function[2] > 60] == []


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import theory", {"torch", "sympy", "scipy", "matplotlib", "numba", "flint", "numerics", "verify"}),
        ("from theory.derivations.steps import derivations; derivations()", {"torch"}),
        ("import numerics; numerics.train, numerics.polish", {"verify", "matplotlib", "pandas", "pytest"}),
        ("from numerics.sweeps import SweepFileError, read_sweep", {"torch", "numba", "pandas", "rich"}),
        ("import tgon", {"numpy", "torch", "sympy", "theory", "numerics", "verify", "pytest", "hypothesis"}),
        ("import tgon; tgon.predict(8).as_dict(); tgon.polygon(5)", {"torch", "sympy", "numba"}),
    ],
)
def test_what_an_import_loads(statement: str, absent: set[str]) -> None:
    assert not loaded_by(statement) & absent


def test_every_name_of_the_front_door_resolves() -> None:
    assert [name for name in tgon.__all__ if getattr(tgon, name) is None] == []
    assert set(tgon.__all__) <= set(dir(tgon))
    with pytest.raises(AttributeError, match="it has CLAIMS"):
        tgon.nonsense  # noqa: B018


def test_only_what_needs_triton_may_fail_to_import() -> None:
    """Doctests of a file that cannot be imported are passed over; no other file may hide there."""
    failed = {}
    for name in FILES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed[name] = error.name
    assert set(failed.values()) <= {"triton"}


@pytest.mark.parametrize("hiding", ["theory.py", "theory/__init__.py"])
def test_a_file_that_hides_a_floor_is_named(hiding, tmp_path):
    (tmp_path / hiding).parent.mkdir(exist_ok=True)
    (tmp_path / hiding).write_text("")
    (tmp_path / "mine.py").write_text("from tgon import predict")
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("ImportError: ")
    assert f"{tmp_path / hiding} hides the package 'theory'" in said


@pytest.mark.slow
def test_types_are_found_from_a_folder_of_the_user(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from tgon import Setting, compare, predict, train\n"
        "norm: float = predict(8).weight_norm\n"
        "reveal_type(compare(train(Setting(8), out=None)).table())\n"
        "Setting(8, weight_dekay=1)\n"
    )
    told = [sys.executable, "-m", "mypy", "--strict", "mine.py", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run(told, cwd=tmp_path, capture_output=True, text=True, check=False)
    own = [line for line in done.stdout.splitlines() if line.startswith("mine.py")]
    assert len(own) == 2, done.stdout
    assert "pandas.core.frame.DataFrame" in own[0]
    assert 'Unexpected keyword argument "weight_dekay" for "Setting"' in own[1]
