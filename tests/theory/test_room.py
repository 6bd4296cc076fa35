"""The floor itself: every name is documented, texts cite labels, and the notation is one table."""

import importlib
import pathlib
import re

import pytest

import theory
from theory.derivations.steps import theorem
from theory.derivations.symbols import NOTATION, symbol

ROOM = pathlib.Path(theory.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOM).with_suffix("").parts)
    for path in ROOM.rglob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(f"theory.{name}")
    defined = {key: value for key, value in vars(module).items() if not key.startswith("_")}
    own = [value for value in defined.values() if getattr(value, "__module__", None) == module.__name__]
    assert [value for value in own if callable(value) and not value.__doc__] == []


def test_equation_labels_in_texts_are_names():
    for path in (*ROOM.rglob("*.py"), *ROOM.rglob("*.toml")):
        assert not re.search(r"THEORY\.md|issue #?\d|eq\. ?\(\d", path.read_text(encoding="utf-8")), path


def test_every_step_has_its_reason():
    with pytest.raises(ValueError, match=r"sea\.bands: the reasons .* must be those of the steps"):
        theorem("sea.bands", on={}, steps={})


def test_notation_is_one_table():
    names = [entry.name for entry in NOTATION]
    assert len(set(names)) == len(names)
    assert all(entry.every_meaning and entry.latex and entry.values for entry in NOTATION)
    assert symbol("T mu") == tuple(entry.symbol for entry in NOTATION if entry.name in ("T", "mu"))
    with pytest.raises(KeyError):
        symbol("nonsense")
