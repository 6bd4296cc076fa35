"""The court: joins theory and trained models, and judges claims that can lose.

Names are loaded when first used, so that the command line can answer before torch is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.claims.registry import CLAIMS, judge_model
    from verify.comparison import Comparison, compare
    from verify.diagnosis import Diagnosis, diagnose

__all__ = ["CLAIMS", "Comparison", "Diagnosis", "compare", "diagnose", "judge_model"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'verify' has no attribute {name!r}; it has {', '.join(__all__)}")
    homes = (import_module(f"verify.{home}") for home in ("diagnosis", "claims.registry", "comparison"))
    return next(getattr(home, name) for home in homes if hasattr(home, name))
