"""Proofs about datapoints of unequal norms and decoders untied from W.

Normalisation: disjoint supports, ‖X_j‖ = s_j. The inverse squares 1/s_j² of three datapoints are written p,
q, α, and Q is their sum.

Equation labels: `unequal.programme`, `unequal.simplex`, `unequal.existence`, `unequal.untied` and their steps.
"""

from __future__ import annotations

from sympy import cos, pi

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, at_least, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

X, p, q, alpha, u, v, w, g, e, c, x, y = symbol("X p q alpha u v w g e c x y")
d, i, r, h1, h2, h3 = symbol("d i r h1 h2 h3")

UNIT = Interval("1/8", 1)
SIZE = Interval("1/8", 3)
PLANE = Interval(-2, 2)

_PROGRAMME = Derivation(
    label="unequal.programme",
    title="Zero loss on datapoints of unequal norms",
    standing="theorem",
    assumptions=("datapoints have disjoint supports and norms s_j > 0", "the loss is zero"),
    source="Henighan et al. 2023, footnote 1, on the role of equal norms; the programme is ours",
    steps=(
        Step(
            label="unequal.least-norm",
            statement=equal(
                p * (u - h1 / (p + q)) ** 2 + q * (v - h1 / (p + q)) ** 2,
                p * u**2 + q * v**2 - (2 * h1 * (p * u + q * v) - h1**2) / (p + q),
            ),
            domain={p: UNIT, q: UNIT, u: PLANE, v: PLANE, h1: PLANE},
            why="As in `memorization.reduction`, with w_k = X_jk v_k and weights X_jk² that now add up to s_j² = "
            "p + q. Since h_j = Σ X_jk² v_k is p u + q v, the right side is Σ‖w_k‖² − ‖h_j‖²/s_j²: least where "
            "every v_k = h_j/s_j². So ‖W‖² = Σ‖h_j‖²/s_j².",
        ),
        Step(
            label="unequal.own-output",
            statement=equal(X * (x / y + c) - X, X * (c - (y - x) / y)),
            domain={X: UNIT, x: Interval(0, 4), c: PLANE, y: SIZE},
            why="Output k at the own point, with x = ‖h_j‖² and y = s_j²; it equals X_jk exactly for a bias X_jk "
            "c with c = 1 − ‖h_j‖²/s_j².",
        ),
        Step(
            label="unequal.other-output",
            statement=equal(
                X * ((u * g + v * e) / y + (1 - (u**2 + v**2) / y)),
                (X / y) * (y - (u * (u - g) + v * (v - e))),
            ),
            domain={X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE, y: SIZE},
            why="Output k of the support of X_j at point i, before the ReLU, with h_j = (u, v) and h_i = (g, e). "
            "It is at most 0 exactly when ‖h_j‖² − h_i·h_j ≥ s_j².",
        ),
    ),
    conclusion="Zero loss is possible exactly for ‖h_j‖² − h_i·h_j ≥ s_j² for all i ≠ j, at least at ‖W‖² = "
    "Σ‖h_j‖²/s_j².",
)

_SIMPLEX = Derivation(
    label="unequal.simplex",
    title="At any norms ‖W‖² ≥ T − 1, attained by a weighted simplex",
    standing="theorem",
    assumptions=("`unequal.programme`", "for attainment T ≤ m + 1"),
    source="ours",
    steps=(
        Step(
            label="unequal.weighted-sum",
            statement=equal(
                p * q * (h1 * (h1 - h2) + h2 * (h2 - h1))
                + p * alpha * (h1 * (h1 - h3) + h3 * (h3 - h1))
                + q * alpha * (h2 * (h2 - h3) + h3 * (h3 - h2)),
                (p + q + alpha) * (p * h1**2 + q * h2**2 + alpha * h3**2)
                - (p * h1 + q * h2 + alpha * h3) ** 2,
            ),
            domain={p: SIZE, q: SIZE, alpha: SIZE, h1: PLANE, h2: PLANE, h3: PLANE},
            why="Sum of all constraints, that of the pair (j, i) with weight 1/(s_i² s_j²), shown for one "
            "coordinate and T = 3: Q‖W‖² minus a square.",
        ),
        Step(
            label="unequal.weighted-bound",
            statement=equal(
                p * q * (1 / p + 1 / q) + p * alpha * (1 / p + 1 / alpha) + q * alpha * (1 / q + 1 / alpha),
                2 * (p + q + alpha),
            ),
            domain={p: SIZE, q: SIZE, alpha: SIZE},
            why="The same sum of the right sides s_j² is (T − 1)Q. Hence ‖W‖² ≥ T − 1 + ‖Σ h_j/s_j²‖²/Q. Equality "
            "needs every constraint tight and Σ h_j/s_j² = 0, which fixes all inner products.",
        ),
        Step(
            label="unequal.simplex-feasible",
            statement=equal((q + alpha) / (p * (p + q + alpha)) + 1 / (p + q + alpha), 1 / p),
            domain={p: SIZE, q: SIZE, alpha: SIZE},
            why="With ‖h_j‖² = s_j² − 1/Q, written over one denominator, and inner products −1/Q every constraint "
            "is tight.",
        ),
        Step(
            label="unequal.simplex-gram",
            statement=equal(
                u**2 / p + v**2 / q + w**2 / alpha - (u + v + w) ** 2 / (p + q + alpha),
                (
                    p * q * (u / p - v / q) ** 2
                    + p * alpha * (u / p - w / alpha) ** 2
                    + q * alpha * (v / q - w / alpha) ** 2
                )
                / (p + q + alpha),
            ),
            domain={p: SIZE, q: SIZE, alpha: SIZE, u: PLANE, v: PLANE, w: PLANE},
            why="Such vectors exist: their Gram matrix is positive semidefinite, and 0 only along the vector of "
            "the 1/s_j². Its rank is T − 1, so T ≤ m + 1 suffices, and Σ h_j/s_j² = 0.",
        ),
        Step(
            label="unequal.simplex-norm",
            statement=equal(
                p * (1 / p - 1 / (p + q + alpha))
                + q * (1 / q - 1 / (p + q + alpha))
                + alpha * (1 / alpha - 1 / (p + q + alpha)),
                2,
            ),
            domain={p: SIZE, q: SIZE, alpha: SIZE},
            why="‖W‖² = Σ‖h_j‖²/s_j² = T − 1, here for T = 3.",
        ),
    ),
    conclusion="‖W‖² ≥ T − 1 at any norms, with equality only for ‖h_j‖² = s_j² − 1/Q, h_i·h_j = −1/Q, Q = Σ "
    "1/s_j².",
)

_EXISTENCE = Derivation(
    label="unequal.existence",
    title="A tied model memorizes any number of datapoints of any norms in two dimensions",
    standing="theorem",
    assumptions=("`unequal.programme`", "m ≥ 2"),
    source="Henighan et al. 2023, footnote 1, asks for equal norms; the construction is ours",
    steps=(
        Step(
            label="unequal.polygon-feasible",
            statement=at_least(x * (1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))), x),
            domain={x: Interval("1/8", 4), d: Integers(1, 12), i: Integers(1, 12)},
            why="The regular T-gon, T = d + i, of squared radius x/(1 − cos(2π/T)), where x is the greatest s_j²: "
            "vertices d apart have ‖h_j‖² − h_i·h_j ≥ x, at least every s_j².",
        ),
        Step(
            label="unequal.cross-feasible",
            statement=equal(x * (x + y) - x**2, x * y),
            domain={x: SIZE, y: SIZE},
            why="T = 4: vectors of lengths s_j along the four half-axes. Orthogonal ones have ‖h_j‖² − 0 = s_j², "
            "opposite ones, of lengths x and y, more by xy > 0. Each adds 1 to ‖W‖², so 4 suffices at any norms.",
        ),
    ),
    conclusion="The regular T-gon memorizes at every choice of norms, though not at least norm; equal norms make "
    "it optimal, they are not needed to memorize. At T = 4 a cross of unequal lengths has ‖W‖² = 4.",
)

_opening = 1 - cos(2 * pi / i)

_UNTIED = Derivation(
    label="unequal.untied",
    title="Untying the decoder buys nothing on a simplex, nor among regular polygons",
    standing="theorem",
    assumptions=(
        "datapoints have disjoint supports and norms s_j > 0",
        "output ReLU(V h + b) with V free; the cost is ‖W‖² + ‖V‖²",
        "for the last step hidden vectors and decoders on regular polygons, equal norms",
    ),
    source="ours",
    steps=(
        Step(
            label="unequal.untied-output",
            statement=equal(
                X * ((u * g + v * e) + (1 - (u * h1 + v * h2))), X * (1 - (u * (h1 - g) + v * (h2 - e)))
            ),
            domain={X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE, h1: PLANE, h2: PLANE},
            why="By Jensen's inequality as before V = Σ X_j g_jᵀ and W = Σ h_j X_jᵀ/s_j². Own outputs fix the "
            "bias coefficient 1 − g_j·h_j; the output at h_i = (g, e) for g_j = (u, v), h_j = (h1, h2) is at most "
            "0 exactly when g_j·(h_j − h_i) ≥ 1.",
        ),
        Step(
            label="unequal.untied-sum",
            statement=equal(
                u * (q * (h1 - h2) + alpha * (h1 - h3))
                + v * (p * (h2 - h1) + alpha * (h2 - h3))
                + w * (p * (h3 - h1) + q * (h3 - h2)),
                (p + q + alpha) * (u * h1 + v * h2 + w * h3) - (u + v + w) * (p * h1 + q * h2 + alpha * h3),
            ),
            domain={
                p: SIZE,
                q: SIZE,
                alpha: SIZE,
                u: PLANE,
                v: PLANE,
                w: PLANE,
                h1: PLANE,
                h2: PLANE,
                h3: PLANE,
            },
            why="The constraint (j, i) with weight 1/s_i², summed, for one coordinate and T = 3 with decoders u, "
            "v, w: Q Σ g_j·(h_j − h̄), h̄ the mean with weights 1/s_j². The right sides add up to (T − 1)Q, so Σ "
            "g_j·(h_j − h̄) ≥ T − 1.",
        ),
        Step(
            label="unequal.untied-square",
            statement=equal(p * (h1 - h2) ** 2 + u**2 / p - 2 * u * (h1 - h2), (p * (h1 - h2) - u) ** 2 / p),
            domain={p: SIZE, u: PLANE, h1: PLANE, h2: PLANE},
            why="‖h_j − h̄‖²/s_j² + s_j²‖g_j‖² ≥ 2 g_j·(h_j − h̄), with h2 for h̄.",
        ),
        Step(
            label="unequal.untied-centre",
            statement=equal(
                p * (h1 - (p * h1 + q * h2) / (p + q)) ** 2 + q * (h2 - (p * h1 + q * h2) / (p + q)) ** 2,
                p * h1**2 + q * h2**2 - (p * h1 + q * h2) ** 2 / (p + q),
            ),
            domain={p: SIZE, q: SIZE, h1: PLANE, h2: PLANE},
            why="Taking differences to the weighted mean only lowers Σ‖h_j‖²/s_j²; shown for two. Hence ‖W‖² + "
            "‖V‖² ≥ 2(T − 1), which the tied simplex of `unequal.simplex` attains.",
        ),
        Step(
            label="unequal.untied-polygon",
            statement=equal(
                r + 1 / (r * _opening**2) - 2 / _opening, (r * _opening - 1) ** 2 / (r * _opening**2)
            ),
            domain={r: SIZE, i: Integers(3, 30)},
            why="On regular T-gons, T = i, with squared radius r of the hidden vectors the decoders have length "
            "1/(√r (1 − cos(2π/T))): a pair costs least at r = 1/(1 − cos(2π/T)), where it is tied.",
        ),
    ),
    conclusion="‖W‖² + ‖V‖² ≥ 2(T − 1) at any norms, so for T ≤ m + 1 the tied model is optimal; among regular "
    "polygons on equal norms the tied T-gon is. Whether an irregular untied model does better at equal norms is "
    "only known numerically (none was found).",
)

DERIVATIONS = (_PROGRAMME, _SIMPLEX, _EXISTENCE, _UNTIED)
