"""The court: joins theory and trained models, and judges claims that can lose.

Names are loaded when first used, so that the command line can answer before torch is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.claims.registry import CLAIMS, judge_model
    from verify.comparison import Comparison, compare
    from verify.diagnosis import Diagnosis, diagnose
    from verify.figures.hidden import plot
    from verify.figures.history import plot_history

_HOMES = {
    **dict.fromkeys(("Diagnosis", "diagnose"), "diagnosis"),
    **dict.fromkeys(("CLAIMS", "judge_model"), "claims.registry"),
    **dict.fromkeys(("Comparison", "compare"), "comparison"),
    "plot": "figures.hidden",
    "plot_history": "figures.history",
}

__all__ = ["CLAIMS", "Comparison", "Diagnosis", "compare", "diagnose", "judge_model", "plot", "plot_history"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'verify' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"verify.{_HOMES[name]}"), name)
