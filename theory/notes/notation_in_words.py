"""Symbols that stand in reasons and conclusions only, by the areas of labels that use them.

`theory.derivations.symbols` has the symbols of statements, with their SymPy forms; these have none. Here too one
letter means
different things in different areas, and one thing in each.

Defines no equations.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["IN_WORDS", "InWords"]


@dataclass(frozen=True, slots=True)
class InWords:
    """A symbol as it is typed, what it means, and the areas of labels in which it does."""

    symbol: str
    meaning: str
    areas: tuple[str, ...]


#: In the order in which a reader meets them.
IN_WORDS: tuple[InWords, ...] = (
    InWords("E", "energy Σ‖h_j‖² of a code", ("memorization", "codes")),
    InWords("θ", "angle between two hidden vectors", ("memorization", "codes", "stationary")),
    InWords("f(a)", "least angle arccos(1 − 1/a) of neighbours", ("memorization", "stationary")),
    InWords("D_X", "dimensionality of a datapoint's hidden vector", ("memorization",)),
    InWords("α_j", "half angle of the cap about h_j", ("codes",)),
    InWords("P", "shift of the cross-polytope", ("codes",)),
    InWords("e_i", "what h_i lacks in squared length, 1 − ‖h_i‖²", ("codes",)),
    InWords("U", "sum of e_i over light points", ("codes",)),
    InWords("K", "short points that push the others apart, those with w_i > 0", ("codes",)),
    InWords("G", "Gram matrix of light points, or of K", ("codes",)),
    InWords("g_ij", "entries of G⁻¹", ("codes",)),
    InWords("w_i", "weights w = G⁻¹e of K in the point Σ w_i h_i", ("codes",)),
    InWords("σ", "squared length of Σ w_i h_i, which every other point has to add", ("codes",)),
    InWords("κ_j", "height of Σ w_i h_i along what h_j has across the others of K, w_j/√g_jj", ("codes",)),
    InWords(
        "n, ν_i", "part of a point in the span of K beyond −Σ w_i h_i, and its products n·h_i", ("codes",)
    ),
    InWords("r", "part of a point across the span of K", ("codes",)),
    InWords("z", "length of n from which on q alone suffices", ("codes",)),
    InWords("γ_ij", "cosine between h_i and h_j", ("codes",)),
    InWords("S", "sum of the unit vectors h_j/‖h_j‖", ("codes",)),
    InWords("l", "number of light points", ("codes",)),
    InWords("F", "sum of the T gaps, F_x and F_y its slopes", ("stationary",)),
    InWords("M", "second moment Σ h_i h_iᵀ of the points that are kept", ("stationary",)),
    InWords("D", "number of dropped points", ("stationary",)),
    InWords("λ, κ", "an eigenvalue of M, and a curvature at the origin", ("stationary",)),
    InWords("X_k", "entry of the dropped point at its feature k", ("stationary",)),
    InWords("s_j", "norm of datapoint j", ("unequal",)),
    InWords("Q", "sum of 1/s_j² over all points", ("unequal",)),
    InWords("V", "decoder, with the vector g_j for datapoint j", ("unequal",)),
    InWords("K", "number of active steps", ("penalty",)),
    InWords("D", "active neighbours to each side", ("penalty",)),
    InWords("E a²", "mean of a² over a feature's amplitudes", ("generalization", "amplitudes")),
    InWords("ΔL", "change of the loss by the features that are stored", ("generalization",)),
    InWords("P", "probability", ("generalization", "amplitudes", "optimization", "repetition")),
    InWords("s", "sum of the squares of a datapoint's other values", ("amplitudes",)),
    InWords("Λ", "sum of the learning rates of all steps", ("optimization",)),
    InWords("τ", "decay budget, weight decay times Λ", ("optimization",)),
    InWords("Π", "product of 1 − ηω over all steps", ("optimization",)),
    InWords("g", "gradient of a parameter, g_j that of age j", ("optimization",)),
    InWords("K", "number of features present in a datapoint", ("optimization",)),
    InWords("V", "ratio of a datapoint's other values to its largest", ("optimization",)),
    InWords("e_k", "energy of feature k in units of T/n; e_5 is the fifth largest", ("repetition",)),
    InWords("X_k", "entry of the repeated point at its own feature k", ("repetition",)),
    InWords("G(t)", "best gain of five directions, the last of weight t", ("repetition",)),
    InWords("C(n, k)", "binomial coefficient", ("repetition",)),
    InWords("V", "matrix of the vectors v_i, one in each column", ("dimensionality",)),
    InWords("A", "second moment VVᵀ, and A⁺ its pseudoinverse", ("dimensionality",)),
    InWords("D_i", "dimensionality of v_i, and D*_i the largest over probes", ("dimensionality",)),
)
