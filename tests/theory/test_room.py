"""The room itself: light to import, every name documented, every example true."""

import ast
import doctest
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

import theory
from theory.derivations.symbols import NOTATION, symbol

ROOM = pathlib.Path(theory.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOM).with_suffix("").parts)
    for path in ROOM.rglob("*.py")
    if path.stem != "__init__"
)


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sorted(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOM.parent
    )
    return set(done.stdout.split())


def test_import_is_light():
    assert not loaded_by("import theory") & {"torch", "sympy", "scipy", "matplotlib", "numba", "flint"}
    assert "sympy" not in loaded_by(
        "import theory; theory.predict(theory.Setting(T=8)).as_dict(); theory.polygon(5)"
    )


def test_derivations_do_not_need_torch():
    assert "torch" not in loaded_by("from theory.derivations.steps import derivations; derivations()")


@pytest.mark.parametrize("name", MODULES)
def test_the_room_imports_nothing_from_the_others(name):
    tree = ast.parse((ROOM / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    ]
    assert not {one.split(".")[0] for one in imported} & {"torch", "numerics", "verify", "random"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    module = importlib.import_module(f"theory.{name}")
    failed, _ = doctest.testmod(module)
    assert not failed


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(f"theory.{name}")
    for public in module.__all__:
        value = getattr(module, public)
        if callable(value) and hasattr(value, "__module__") and not hasattr(value, "__origin__"):
            assert value.__doc__, f"{name}.{public} has no docstring"
    assert len((ROOM / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8").splitlines()) <= 400


def test_equation_labels_in_texts_are_names():
    for name in MODULES:
        text = (ROOM / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert not re.search(r"THEORY\.md|issue #?\d|eq\. ?\(\d", text), name


def test_notation_is_one_table():
    names = [entry.name for entry in NOTATION]
    assert len(set(names)) == len(names)
    assert all(entry.every_meaning and entry.latex and entry.domain for entry in NOTATION)
    assert symbol("T mu") == tuple(entry.symbol for entry in NOTATION if entry.name in ("T", "mu"))
    with pytest.raises(KeyError):
        symbol("nonsense")
