"""Proofs about memorization in any number m of hidden dimensions.

What zero loss on orthonormal data means for hidden vectors, the simplex, and what is left of it at a small
loss. Normalisation: unit datapoints X_t with disjoint supports, h_t = W X_t, c_t = X_t · b.

Equation labels: `memorization.reduction`, `memorization.programme`, `memorization.simplex`,
`memorization.robust`, and their steps, `memorization.norm-split`, `memorization.pair-distance` and
`memorization.simplex-penalised` among them.
"""

from __future__ import annotations

from sympy import Max, Sum, cos, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, at_least, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, X, p, q, u, v, w, g, e, c, x, y, s, t = symbol("T X p q u v w g e c x y s t")
beta, gamma, mu, epsilon, phi, scale, j = symbol("beta gamma mu epsilon phi lambda j")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

UNIT = Interval("1/8", 1)
PLANE = Interval(-2, 2)

_REDUCTION = Derivation(
    label="memorization.reduction",
    title="A least-norm model of zero loss is determined by its hidden vectors",
    standing="theorem",
    assumptions=(
        "datapoints are non-negative and orthonormal, so their supports are disjoint",
        "the loss is zero",
    ),
    source="Henighan et al. 2023, section on the ReLU-output model's hidden vectors; the reduction is ours",
    steps=(
        Step(
            label="memorization.merge-constraint",
            statement=equal(
                (p * (v * g + beta) + q * (w * g + gamma)) / (p + q),
                (p * v + q * w) / (p + q) * g + (p * beta + q * gamma) / (p + q),
            ),
            domain={
                p: UNIT,
                q: UNIT,
                v: PLANE,
                w: PLANE,
                g: PLANE,
                beta: Interval(-1, 2),
                gamma: Interval(-1, 2),
            },
            why="Write w_k = X_jk v_k and b_k = X_jk β_k for k in the support of X_j. Zero loss asks v_k·h_j + β_k = "
            "1 and v_k·h_i + β_k ≤ 0 for i ≠ j: linear in (v_k, β_k) once the hidden vectors are fixed. Two "
            "features of one point may therefore both be given their mean with weights p = X_jk², q = X_jl².",
        ),
        Step(
            label="memorization.merge-norm",
            statement=equal(
                p * v**2 + q * w**2, (p * v + q * w) ** 2 / (p + q) + p * q * (v - w) ** 2 / (p + q)
            ),
            domain={p: UNIT, q: UNIT, v: PLANE, w: PLANE},
            why="The variance identity behind Jensen's inequality, for each coordinate of v_k and for β_k. The mean "
            "keeps p v + q w, hence h_j = Σ X_jk² v_k, and costs less unless v = w. A merged pair acts as one "
            "feature of weight p + q, so by induction all features of a point share one v = h_j and one β = c_j.",
        ),
        Step(
            label="memorization.norm-split",
            statement=equal(
                u**2 + v**2, (u * cos(phi) + v * sin(phi)) ** 2 + (v * cos(phi) - u * sin(phi)) ** 2
            ),
            domain={u: PLANE, v: PLANE, phi: Interval(0, 6)},
            why="Pythagoras for each row of W: its part in the span of the data and its part across, here for a "
            "datapoint at angle φ to a coordinate axis; for T points complete X to an orthonormal basis. The "
            "first parts add up to Σ‖W X_t‖² = Σ‖h_t‖²; the rest splits into seen and unseen columns of W.",
        ),
    ),
    conclusion="W = Σ h_t X_tᵀ and b = Σ c_t X_t on seen features; unseen features have w = 0 and any b ≤ 0. Then "
    "‖W‖² = Σ‖h_t‖², and ‖b‖² = Σ c_t² at its least.",
)

_PROGRAMME = Derivation(
    label="memorization.programme",
    title="Zero loss as inequalities between hidden vectors",
    standing="theorem",
    assumptions=("the model has the form of `memorization.reduction`",),
    source="ours",
    steps=(
        Step(
            label="memorization.own-output",
            statement=equal(X * (x + c) - X, X * (c - (1 - x))),
            domain={X: UNIT, x: Interval(0, 4), c: Interval(-3, 1)},
            why="Output k at the own point is X_jk(‖h_j‖² + c_j), with x = ‖h_j‖²; it equals X_jk > 0 exactly when "
            "c_j = 1 − ‖h_j‖².",
        ),
        Step(
            label="memorization.other-output",
            statement=equal(X * (u * g + v * e + (1 - (u**2 + v**2))), X * (1 - (u * (u - g) + v * (v - e)))),
            domain={X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            why="Before the ReLU, output k of the support of X_j at point i is X_jk(h_i·h_j + c_j), in coordinates "
            "h_j = (u, v), h_i = (g, e). It is at most 0 exactly when ‖h_j‖² − h_i·h_j ≥ 1.",
        ),
        Step(
            label="memorization.pair-distance",
            statement=equal(
                (u - g) ** 2 + (v - e) ** 2, (u * (u - g) + v * (v - e)) + (g * (g - u) + e * (e - v))
            ),
            domain={u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            why="Both constraints of a pair add up to its squared distance, which is therefore at least 2.",
        ),
        Step(
            label="memorization.no-shared-ray",
            statement=equal((x**2 - x * y) * (y**2 - x * y), -x * y * (x - y) ** 2),
            domain={x: Interval(0, 3), y: Interval(0, 3)},
            why="On one ray, with lengths x and y, zero included, the product of the two sides that must both be at "
            "least 1 is not positive. So no hidden vector is 0 and no two share a ray once T ≥ 2. A line has two "
            "rays: m = 1 is feasible for T ≤ 2 only.",
        ),
    ),
    conclusion="Zero loss is possible exactly for hidden vectors with ‖h_j‖² − h_i·h_j ≥ 1 for all i ≠ j, with "
    "c_j = 1 − ‖h_j‖².",
)

_SIMPLEX = Derivation(
    label="memorization.simplex",
    title="Least energy T − 1 in any dimension, attained by the regular simplex",
    standing="theorem",
    assumptions=("`memorization.programme`", "for attainment T ≤ m + 1"),
    source="ours",
    steps=(
        Step(
            label="memorization.simplex-sum",
            statement=equal(
                sum(
                    own * (own - other)
                    for own in (h1, h2, h3, h4)
                    for other in (h1, h2, h3, h4)
                    if own != other
                ),
                4 * (h1**2 + h2**2 + h3**2 + h4**2) - (h1 + h2 + h3 + h4) ** 2,
            ),
            domain={h1: PLANE, h2: PLANE, h3: PLANE, h4: PLANE},
            why="Sum of all T(T−1) constraints, checked for one coordinate and T = 4. For any T both sides are "
            "quadratic and stay the same when points are exchanged, so two coefficients settle it: that of h_1² is "
            "T − 1 on either side, that of h_1 h_2 is −2. The sum is at least T(T−1), so Σ‖h_j‖² ≥ T − 1 + ‖Σh_j‖²/T. "
            "Equality needs Σh_j = 0 and every constraint tight, which fixes all inner products: the regular simplex.",
        ),
        Step(
            label="memorization.simplex-feasible",
            statement=equal((T - 1) / T - (-1 / T), 1),
            domain={T: Integers(1, 40)},
            why="With ‖h_j‖² = (T−1)/T and inner products −1/T, of rank T − 1, every constraint is tight.",
        ),
        Step(
            label="memorization.simplex-energy",
            statement=equal(Sum((T - 1) / T, (j, 1, T)), T - 1),
            domain={T: Integers(1, 40)},
            why="T squared lengths of (T−1)/T each.",
        ),
        Step(
            label="memorization.simplex-penalised",
            statement=equal(1 - 2 * mu * (1 - (T - 1) / T), 1 - 2 * mu / T),
            domain={T: Integers(1, 40), mu: Interval(0, 2)},
            why="x + μ(1−x)² is convex with slope 1 − 2μ(1−x). The slope at the simplex is not negative for μ ≤ T/2; "
            "by Jensen and `memorization.simplex-sum` the simplex is then least for ‖W‖² + μ‖b‖² too.",
        ),
        Step(
            label="memorization.simplex-dimensionality",
            statement=equal(1 / (1 + Sum((-1 / (T - 1)) ** 2, (j, 2, T))), (T - 1) / T),
            domain={T: Integers(2, 40)},
            why="Cosines between vertices are −1/(T−1).",
        ),
    ),
    conclusion="Σ‖h_t‖² ≥ T − 1 for every m, with equality only for the regular simplex, which exists for T ≤ m + 1.",
)

_ROBUST = Derivation(
    label="memorization.robust",
    title="No model with a small error on every datapoint has much less than the least energy",
    standing="theorem",
    assumptions=(
        "non-negative unit datapoints with disjoint supports",
        "every datapoint's squared error is at most ε < 1/4",
        "a datapoint's own active outputs are positive, automatic while √ε is below its least positive entry",
    ),
    source="ours",
    steps=(
        Step(
            label="memorization.robust-contraction",
            statement=equal(
                (u**2 + v**2 + w**2) * (h1**2 + h2**2 + h3**2) - (u * h1 + v * h2 + w * h3) ** 2,
                (u * h2 - v * h1) ** 2 + (v * h3 - w * h2) ** 2 + (w * h1 - u * h3) ** 2,
            ),
            domain=dict.fromkeys((u, v, w, h1, h2, h3), PLANE),
            why="Lagrange's identity, for three features: the Cauchy–Schwarz inequality |X_j·error| ≤ √ε for a unit "
            "X_j. Where own active outputs are positive X_j·output = ‖h_j‖² + c_j, so ‖h_j‖² + c_j ≥ 1 − √ε. Else "
            "Σ‖h‖² can be as small as one likes: a feature of amplitude √ε that the model gives up may carry h_j "
            "anywhere.",
        ),
        Step(
            label="memorization.robust-relu",
            statement=equal(Max(0, t) - t, Max(0, -t)),
            domain={t: PLANE},
            why="A ReLU is never below its argument. At point i the outputs on the support of X_j are pure error, so "
            "√ε ≥ X_j·output ≥ h_i·h_j + c_j by Cauchy–Schwarz again.",
        ),
        Step(
            label="memorization.robust-constraint",
            statement=at_least((1 - sqrt(epsilon) + s) - (sqrt(epsilon) - t), 1 - 2 * sqrt(epsilon)),
            domain={epsilon: Interval(0, "1/4"), s: Interval(0, 1), t: Interval(0, 2)},
            why="Subtract: with slacks s, t ≥ 0 in the two bounds, ‖h_j‖² − h_i·h_j = (1 − √ε + s) − (√ε − t).",
        ),
        Step(
            label="memorization.robust-scaling",
            statement=equal(
                (scale * u) * (scale * u - scale * g) + (scale * v) * (scale * v - scale * e),
                scale**2 * (u * (u - g) + v * (v - e)),
            ),
            domain={scale: Interval("1/2", 2), u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            why="The programme is homogeneous: dividing every h by the root of 1 − 2√ε > 0 makes it feasible, so its "
            "energy divided by 1 − 2√ε is at least the optimum of `memorization.programme`.",
        ),
    ),
    conclusion="‖W‖² ≥ Σ‖h_t‖² ≥ (1 − 2√ε) times the least energy at zero loss, for every m.",
)

DERIVATIONS = (_REDUCTION, _PROGRAMME, _SIMPLEX, _ROBUST)
