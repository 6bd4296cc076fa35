"""The court: joins theory and trained models, and judges claims that can lose. Names are loaded when first used."""

from typing import TYPE_CHECKING

from numerics.lazy_names import lazy_names

if TYPE_CHECKING:
    from verify.checking import check
    from verify.claims.registry import CLAIMS, judge_model
    from verify.comparison import Comparison, compare
    from verify.diagnosis import Diagnosis, diagnose
    from verify.figures.hidden import plot
    from verify.figures.history import plot_history

__all__ = [
    "CLAIMS",
    "Comparison",
    "Diagnosis",
    "check",
    "compare",
    "diagnose",
    "judge_model",
    "plot",
    "plot_history",
]

__getattr__ = lazy_names(
    __name__,
    __all__,
    "diagnosis",
    "claims.registry",
    "checking",
    "comparison",
    "figures.hidden",
    "figures.history",
)
