"""The claims: what theory says of trained models, in a form that can lose."""

from verify.claims.registry import CLAIMS, judge_model

__all__ = ["CLAIMS", "judge_model"]
