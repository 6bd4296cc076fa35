"""The court: joins theory and trained models, and judges claims that can lose."""

from verify.claims import judge_model
from verify.comparison import Comparison, compare
from verify.diagnosis import Diagnosis, diagnose

__all__ = ["Comparison", "Diagnosis", "compare", "diagnose", "judge_model"]
