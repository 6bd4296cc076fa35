"""Equation labels that are cited without a derivation in the registry, with what they stand for and how they are known.

A label belongs here while its statement is a definition, an approximation, a proof by hand in a docstring, or
open; a derivation that is registered under the label takes its place in the notes.
"""

from collections.abc import Mapping

_BY_HAND = "theorem, proof by hand in `theory/codes/bounds.py`"

#: Every label without a derivation that code, claims or the README cite: what it stands for, and how that is known.
LABELS: Mapping[str, tuple[str, str]] = {
    "codes.programme": (
        r"least $\sum \lVert h_j\rVert^2$ with $\lVert h_j\rVert^2 - h_i \cdot h_j \ge 1$ for all $i \ne j$, in any "
        "$m$",
        "definition",
    ),
    "codes.stationarity": (
        r"$H Q = 0$ at a minimum, with $Q = I - \mathrm{diag} (\sum_i \lambda_{ji}) + (\lambda + \lambda^{\top})/2$",
        "first-order condition",
    ),
    "codes.dual-energy": (
        r"at a minimum the multipliers add up to $\sum \lVert h_j\rVert^2$",
        "from `codes.stationarity`, by homogeneity",
    ),
    "codes.projection-step": (
        "the least change of $H$ that meets the constraints linearized",
        "definition, in `theory/codes/search.py`",
    ),
    "codes.equal-norm": (
        r"$T$ unit vectors of largest cosine $\mu$, lengthened alike until feasible, have energy $T/(1 - \mu)$",
        "closed form",
    ),
    "codes.simplex": ("the regular simplex, energy $T - 1$", "theorem, `memorization.simplex`"),
    "codes.tgon": ("the regular T-gon", "theorem, `memorization.tgon-norm`"),
    "codes.orthoplex": ("the cross-polytope, $T = 2m$, energy $T$", "theorem, `codes.orthoplex-bound`"),
    "codes.simplex-bound": (r"$\sum \lVert h_j\rVert^2 \ge T - 1$", "theorem, `memorization.simplex`"),
    "codes.averaging": ("the least energy over $T$ does not fall as $T$ grows", _BY_HAND),
    "dimensionality.definition": (
        r"$D_i = \lVert v_i\rVert^4/\sum_j (v_i \cdot v_j)^2$",
        "definition, Henighan et al. 2023",
    ),
    "optimization.excess": (
        r"the excess over the least norm falls like $e^{-\tau}$",
        r"hypothesis, refuted for regular polygons: they arrive at a finite $\tau$, `optimization.symmetric-flow`",
    ),
    "optimization.memorization-share": ("the share of seeds that memorize falls with $T$", "numerical"),
    "repetition.boundary": (
        r"$P(\text{threshold}\ \le R) = 1/(1 + \exp (-(\ln R - \mu)/s))$ over draws",
        "definition of a fit, `theory/repetition/logistic_boundary.py`",
    ),
    "scales.first-overlap": (r"$T = \sqrt{2/P}$: one overlapping pair is expected", "approximation"),
    "scales.typical-overlap": ("$T = 1/P$: a datapoint overlaps with one other", "approximation"),
    "scales.universal-overlap": (
        r"$T \exp (-n p (1 - e^{-p T})) = 1$: the last lonely datapoint",
        "approximation",
    ),
    "scales.generalization": ("$T = 10/(1 - S)$: models generalize from there on", "hypothesis"),
    "tolerance.rounding": (
        r"a float64 sum of $N$ products has a relative error below $2N\varepsilon$",
        "theorem",
    ),
    "tolerance.tgon-stability": (
        "how far memorizing points of a given energy and error can be from the regular T-gon",
        "theorem, proof by hand in `verify/claims/tolerance.py`",
    ),
}
