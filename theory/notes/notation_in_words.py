"""Symbols that stand in reasons and conclusions only, by the areas of labels that use them.

`theory.derivations.symbols` has the symbols of statements, with their SymPy forms; these have none. Here too one
letter means different things in different areas, and one thing in each.
"""

from __future__ import annotations

__all__ = ["IN_WORDS"]

#: A symbol, its meaning and the areas of labels in which it has it, in the order in which a reader meets them.
IN_WORDS: tuple[tuple[str, str, str], ...] = (
    ("$E$", r"energy $\sum \lVert h_j\rVert^2$ of a code", "memorization codes"),
    (r"$\theta$", "angle between two hidden vectors", "memorization codes stationary"),
    ("$f(a)$", r"least angle $\arccos (1 - 1/a)$ of neighbours", "memorization stationary"),
    ("$D_X$", "dimensionality of a datapoint's hidden vector", "memorization"),
    (r"$\alpha_j$", "half angle of the cap about $h_j$", "codes"),
    ("$P$", "shift of the cross-polytope", "codes"),
    ("$e_i$", r"what $h_i$ lacks in squared length, $1 - \lVert h_i\rVert^2$", "codes"),
    ("$U$", "sum of $e_i$ over light points", "codes"),
    ("$K$", r"short points that push the others apart, those with $w_i \gt 0$", "codes"),
    ("$G$", "Gram matrix of light points, or of $K$", "codes"),
    ("$g_{ij}$", "entries of $G^{-1}$", "codes"),
    ("$w_i$", r"weights $w = G^{-1}e$ of $K$ in the point $\sum w_i h_i$", "codes"),
    (r"$\sigma$", r"squared length of $\sum w_i h_i$, which every other point has to add", "codes"),
    (
        r"$\kappa_j$",
        r"height of $\sum w_i h_i$ along what $h_j$ has across the others of $K$, $w_j/\sqrt{g_{jj}}$",
        "codes",
    ),
    (
        r"$n$, $\nu_i$",
        r"part of a point in the span of $K$ beyond $-\sum w_i h_i$, and its products $n \cdot h_i$",
        "codes",
    ),
    ("$r$", "part of a point across the span of $K$", "codes"),
    ("$z$", "length of $n$ from which on $q$ alone suffices", "codes"),
    (r"$\gamma_{ij}$", "cosine between $h_i$ and $h_j$", "codes"),
    ("$S$", r"sum of the unit vectors $h_j/\lVert h_j\rVert$", "codes"),
    ("$l$", "number of light points", "codes"),
    ("$F$", "sum of the $T$ gaps, $F_x$ and $F_y$ its slopes", "stationary"),
    ("$M$", r"second moment $\sum h_i h_i^{\top}$ of the points that are kept", "stationary"),
    ("$D$", "number of dropped points", "stationary"),
    (r"$\lambda$, $\kappa$", "an eigenvalue of $M$, and a curvature at the origin", "stationary"),
    ("$X_k$", "entry of the dropped point at its feature $k$", "stationary"),
    ("$s_j$", "norm of datapoint $j$", "unequal"),
    ("$Q$", "sum of $1/s_j^2$ over all points", "unequal"),
    ("$V$", "decoder, with the vector $g_j$ for datapoint $j$", "unequal"),
    ("$K$", "number of active steps", "penalty"),
    ("$D$", "active neighbours to each side", "penalty"),
    ("$E a^2$", "mean of $a^2$ over a feature's amplitudes", "generalization amplitudes"),
    (r"$\Delta L$", "change of the loss by the features that are stored", "generalization"),
    ("$P$", "probability", "generalization amplitudes optimization repetition"),
    ("$s$", "sum of the squares of a datapoint's other values", "amplitudes"),
    (r"$\Lambda$", "sum of the learning rates of all steps", "optimization"),
    (r"$\tau$", r"decay budget, weight decay times $\Lambda$", "optimization"),
    (r"$\Pi$", r"product of $1 - \eta \omega$ over all steps", "optimization"),
    ("$g$", "gradient of a parameter, $g_j$ that of age $j$", "optimization"),
    ("$K$", "number of features present in a datapoint", "optimization"),
    ("$V$", "ratio of a datapoint's other values to its largest", "optimization"),
    ("$e_k$", "energy of feature $k$ in units of $T/n$; $e_5$ is the fifth largest", "repetition"),
    ("$X_k$", "entry of the repeated point at its own feature $k$", "repetition"),
    ("$G(t)$", "best gain of five directions, the last of weight $t$", "repetition"),
    ("$C(n, k)$", "binomial coefficient", "repetition"),
    ("$V$", "matrix of the vectors $v_i$, one in each column", "dimensionality"),
    ("$A$", r"second moment $VV^{\top}$, and $A^+$ its pseudoinverse", "dimensionality"),
    ("$D_i$", r"dimensionality of $v_i$, and $D_i^{\ast}$ the largest over probes", "dimensionality"),
)
