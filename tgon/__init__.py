"""The front door: every name a user of theory, trainer and court needs, loaded when it is first used.

    from tgon import Setting, predict, train, compare, measure

`tgon.testing` has what a user's own pytest suite imports; `tgon.cli` is the command line.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

# ruff: noqa: F403, F405 (type checkers alone see the names of the floors; those that are ours stand below)
if TYPE_CHECKING:
    from numerics import *
    from theory import *
    from verify import *

__all__ = [
    "CLAIMS",
    "MEMORIZED_ERROR",
    "Comparison",
    "Dataset",
    "Diagnosis",
    "Polished",
    "PolygonSolution",
    "Record",
    "ReluOutputModel",
    "Run",
    "RunFileError",
    "Runs",
    "Setting",
    "best_polygons",
    "check",
    "compare",
    "diagnose",
    "draw_dataset",
    "judge_model",
    "load_run",
    "measure",
    "observe",
    "plot",
    "plot_history",
    "polish",
    "polygon",
    "predict",
    "reconstruction_loss",
    "train",
]

#: The floors that the names come from, the lowest first: each needs those below it.
_FLOORS = ("theory", "numerics", "verify")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tgon' has no attribute {name!r}; it has {', '.join(__all__)}")
    floors = map(_floor, _FLOORS)
    return next(getattr(floor, name) for floor in floors if name in floor.__all__)


def _floor(name: str) -> Any:
    """A package of this program; ImportError where a file of the user has its name and is found first."""
    floor = import_module(name)
    ours = str(Path(__file__).parent.parent / name)
    if ours not in getattr(floor, "__path__", ()):
        raise ImportError(
            f"{floor.__file__} hides the package {name!r} that tgon needs; try another name for it"
        )
    return floor


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
