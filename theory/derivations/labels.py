"""Equation labels that are cited without a derivation in the registry, with what they stand for and why.

A label belongs here while its statement is a definition, an approximation, a proof by hand in a docstring, or
open; a derivation that is registered under the label takes its place in the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LABELS", "Label"]


@dataclass(frozen=True, slots=True)
class Label:
    """What a label stands for, and how it is known: by definition, by hand in a module, or not at all."""

    statement: str
    known: str


_BY_HAND = "theorem, proof by hand in `theory/code_bounds.py`"

#: Every label without a derivation that code, claims or the README cite.
LABELS: Mapping[str, Label] = {
    "codes.programme": Label("least Σ‖h_j‖² with ‖h_j‖² − h_i·h_j ≥ 1 for all i ≠ j, in any m", "definition"),
    "codes.stationarity": Label(
        "H Q = 0 at a minimum, with Q = I − diag(Σ_i λ_ji) + (λ + λᵀ)/2", "first-order condition"
    ),
    "codes.dual-energy": Label(
        "at a minimum the multipliers add up to Σ‖h_j‖²", "from `codes.stationarity`, by homogeneity"
    ),
    "codes.projection-step": Label(
        "the least change of H that meets the constraints linearized",
        "definition, in `theory/code_search.py`",
    ),
    "codes.equal-norm": Label(
        "T unit vectors of largest cosine μ, lengthened alike until feasible, have energy T/(1 − μ)",
        "closed form",
    ),
    "codes.simplex": Label("the regular simplex, energy T − 1", "theorem, `memorization.simplex`"),
    "codes.tgon": Label("the regular T-gon", "theorem, `memorization.tgon-norm`"),
    "codes.orthoplex": Label("the cross-polytope, T = 2m, energy T", "theorem, `codes.orthoplex-bound`"),
    "codes.simplex-bound": Label("Σ‖h_j‖² ≥ T − 1", "theorem, `memorization.simplex`"),
    "codes.averaging": Label("the least energy over T does not fall as T grows", _BY_HAND),
    "dimensionality.definition": Label("D_i = ‖v_i‖⁴/Σ_j (v_i·v_j)²", "definition, Henighan et al. 2023"),
    "optimization.excess": Label(
        "the excess over the least norm falls like e^{−τ}",
        "hypothesis, refuted for regular polygons: they arrive at a finite τ, `optimization.symmetric-flow`",
    ),
    "optimization.memorization-share": Label("the share of seeds that memorize falls with T", "numerical"),
    "repetition.boundary": Label(
        "P(threshold ≤ R) = 1/(1 + exp(−(log R − μ)/s)) over draws",
        "definition of a fit, `theory/boundary.py`",
    ),
    "scales.first-overlap": Label("T = √(2/P): one overlapping pair is expected", "approximation"),
    "scales.typical-overlap": Label("T = 1/P: a datapoint overlaps with one other", "approximation"),
    "scales.universal-overlap": Label(
        "T exp(−n p (1 − e^{−p T})) = 1: the last lonely datapoint", "approximation"
    ),
    "scales.generalization": Label("T = 10/(1 − S): models generalize from there on", "hypothesis"),
    "tolerance.rounding": Label("a float64 sum of N products has a relative error below 2Nε", "theorem"),
    "tolerance.tgon-stability": Label(
        "how far memorizing points of a given energy and error can be from the regular T-gon",
        "theorem, proof by hand in `verify/tolerance.py`",
    ),
}
