"""Proofs about memorization codes beyond the simplex and the plane: a construction, and bounds.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`, E = Σ‖h_j‖² its energy. A point is light
when ‖h_j‖² < 1. The reasons here are short; `theory.codes.bounds` has them in full.

Equation labels: `codes.shifted-cross-polytope`, `codes.cap-bound`, `codes.light-points`, `codes.rank-bound`,
`codes.orthoplex-bound`, and their steps.
"""

from __future__ import annotations

from sympy import Derivative, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, m, k, B, u, v, x, y, s, q, j, ell = symbol("T m k B u v x y s q j ell")

#: Simplex points, and cross-polytope points, of the construction.
SIMPLEX, CROSS = Integers(1, 12), Integers(4, 40, 2)

#: k times the product lost between two simplex points; the optimum 1 − √(B/T) lies inside for these sizes.
SHARE = Interval("1/64", "15/16")

#: A coordinate of a simplex point beside its own, √(1 − u) = 1 − k·this.
DENT = (1 - sqrt(1 - u)) / k

_ENERGY = (k - u) + B * (1 + u**2 / (k * (1 - u)))
_LEAST = k + B - 1 + 2 * sqrt(B) / (sqrt(k + B) + sqrt(B))

_SHIFTED = Derivation(
    label="codes.shifted-cross-polytope",
    title="A simplex and a shifted cross-polytope for m + 2 ≤ T ≤ 2m − 1, shorter than any code of equal norms",
    standing="closed form",
    assumptions=(
        "`memorization.programme`",
        "k = 2m − T simplex points and B = 2(T − m) of a cross-polytope",
    ),
    source="ours",
    steps=(
        Step(
            label="codes.shift-simplex",
            statement=equal((1 - DENT) ** 2 + (k - 1) * DENT**2, 1 - u / k)
            & equal(-2 * (1 - DENT) * DENT + (k - 2) * DENT**2, -u / k),
            domain={k: SIMPLEX, u: SHARE},
            why="The k points h_i = e_i − d(1, ..., 1) with k d = 1 − √(1 − u): squared lengths 1 − u/k, products "
            "−u/k. Their constraints are tight.",
        ),
        Step(
            label="codes.shift-across",
            statement=equal(
                (1 - DENT) * (-u / (k * sqrt(1 - u))) + (k - 1) * DENT * u / (k * sqrt(1 - u)), -u / k
            ),
            domain={k: SIMPLEX, u: SHARE},
            why="The cross-polytope stands in the other m − k dimensions, each of its points shifted by P, whose k "
            "coordinates are −(u/k)/√(1 − u). Then h_i·P = −u/k: the constraints of the h_i against its points are "
            "tight; those the other way have 1 + ‖P‖² + u/k ≥ 1.",
        ),
        Step(
            label="codes.shift-length",
            statement=equal(Sum((u / (k * sqrt(1 - u))) ** 2, (j, 1, k)), u**2 / (k * (1 - u))),
            domain={k: SIMPLEX, u: SHARE},
            why="‖P‖². Two points P ± e_c of different axes have the product ‖P‖² and squared lengths 1 + ‖P‖²: tight. "
            "So the energy is E(u) = k − u + B(1 + ‖P‖²).",
        ),
        Step(
            label="codes.shift-slope",
            statement=equal(Derivative(B * u**2 / (k * (1 - u)) - u, u), (B / (1 - u) ** 2 - (k + B)) / k),
            domain={k: SIMPLEX, B: CROSS, u: SHARE},
            why="Increasing in u, and zero where (1 − u)² = B/T, T = k + B: the only minimum in (0, 1).",
        ),
        Step(
            label="codes.shift-energy",
            statement=equal(_ENERGY.subs(u, 1 - sqrt(B / (k + B))), _LEAST),
            domain={k: SIMPLEX, B: CROSS},
            why="The energy there.",
        ),
        Step(
            label="codes.shift-gain",
            statement=equal((k + B) - _LEAST, (sqrt(k + B) - sqrt(B)) / (sqrt(k + B) + sqrt(B))),
            domain={k: SIMPLEX, B: CROSS},
            why="What it is below T; T is the least of codes of equal norms here (Rankin 1955).",
        ),
    ),
    conclusion="Σ‖h‖² = T − 1 + 2√B/(√T + √B) with B = 2(T − m) is attained, so the least energy is at most that. "
    "Equality is proven for T ≤ m + 4 (`codes.shifted-bound`) and open beyond.",
)

_CAPS = Derivation(
    label="codes.cap-bound",
    title="Caps about the hidden vectors do not overlap",
    standing="theorem",
    assumptions=("`memorization.programme`", "m ≥ 2, T ≥ 3"),
    source="ours; for equal norms the cap bound of coding theory",
    steps=(
        Step(
            label="codes.cap-pair",
            statement=equal(
                sqrt(x * (x + s)) * sqrt((1 - 1 / (2 * x)) * (1 - 1 / (2 * (x + s)))),
                sqrt((2 * x - 1) * (2 * x + 2 * s - 1)) / 2,
            )
            & equal((2 * x - 1) * (2 * x + 2 * s - 1) - (2 * x - 1) ** 2, 2 * s * (2 * x - 1)),
            domain={x: Interval("1/2", 6), s: Interval(0, 6)},
            why="The cap about h_j has the half angle α_j with sin² α_j = min(1, 1/(2‖h_j‖²)). For squared lengths 1/2 "
            "≤ x ≤ y = x + s, √(xy) cos(α_i + α_j) is the root of the left side, less 1/2, so at least ((2x − 1) − "
            "1)/2 = x − 1, which the constraint of the shorter grants: √(xy) cos θ ≤ x − 1. The caps do not overlap.",
        ),
        Step(
            label="codes.cap-short",
            statement=equal((1 - x) ** 2 / x - Rational(1, 2), (1 - 2 * x) * (2 - x) / (2 * x)),
            domain={x: Interval("1/16", "1/2")},
            why="A point with x < 1/2 has a cap of 90°; there is at most one, by `memorization.pair-distance`. Its "
            "constraint gives cos θ ≤ −(1 − x)/√(xy), at most −1/√(2y) = −sin α_j.",
        ),
        Step(
            label="codes.cap-area",
            statement=equal(
                Derivative(-((2 * x) ** (-m / 2)) / sqrt(2 * x - 1), x),
                m * (2 * x) ** (-m / 2 - 1) / sqrt(2 * x - 1) + (2 * x) ** (-m / 2) / sqrt(2 * x - 1) ** 3,
            ),
            domain={x: Interval("5/8", 6), m: Integers(2, 12)},
            why="A cap's area grows like sin^{m−2} α, and dα/dx = −1/(2x√(2x − 1)), so the area's slope in x is "
            "−(2x)^{−m/2}(2x − 1)^{−1/2}: negative, and increasing as this shows. The area is decreasing and convex; "
            "by Jensen the areas fit on the sphere only if T equal caps of the mean x do.",
        ),
        Step(
            label="codes.cap-plane",
            statement=equal(1 / (2 * sin(pi / T) ** 2), 1 / (1 - cos(2 * pi / T))),
            domain={T: Integers(3, 60)},
            why="m = 2: T equal arcs of half angle π/T give the regular polygon's squared radius, so the bound is "
            "attained.",
        ),
    ),
    conclusion="E ≥ T x, where T caps with sin² α = 1/(2x) have the area of the sphere; with one point below 1/2, "
    "the T − 1 others share half of it. At m = 2 this is `memorization.tgon-norm`.",
)

_LIGHT = Derivation(
    label="codes.light-points",
    title="Light points are few",
    standing="theorem",
    assumptions=("`memorization.programme`", "T ≥ m + 2", "h_i is light where ‖h_i‖² < 1"),
    source="ours",
    steps=(
        Step(
            label="codes.light-sum",
            statement=equal(k * (k - u) - k * (k - 1), k * (1 - u)),
            domain={k: Integers(1, 40), u: Interval(0, 1)},
            why="k light points with Σ(1 − ‖h‖²) = U: the sum of their constraints, as in `memorization.simplex-sum`, "
            "says ‖Σh‖² ≤ k(k − U) − k(k − 1). They are independent: products with a light vector are negative, so a "
            "dependency Σ a_i h_i = 0 has neither two signs (a square would be a sum of negative terms) nor one (take "
            "the product with another vector). Hence 0 < ‖Σh‖², and U < 1.",
        ),
    ),
    conclusion="Light vectors are linearly independent, and U = Σ(1 − ‖h_i‖²) over them is below 1, with ‖Σh‖² ≤ k(1 − "
    "U).",
)

_RANK = Derivation(
    label="codes.rank-bound",
    title="What light points save, the others pay",
    standing="theorem",
    assumptions=("`memorization.programme`", "T ≥ m + 2"),
    source="ours",
    steps=(
        Step(
            label="codes.rank-lift",
            statement=equal(u**2 / q - (2 * s * u - s**2 * q), (u - s * q) ** 2 / q),
            domain={s: Interval(0, 3), u: Interval(0, 1), q: Interval("1/8", 4)},
            why="The Gram matrix G of the light points has no positive entry off its diagonal, so G⁻¹ ≥ 0 entrywise, "
            "and the projections of two others on their span have a product of at least σ = eᵀG⁻¹e, e_i = 1 − ‖h_i‖². "
            "It is at least 2s U − s²‖Σh‖² for every s, so σ ≥ U²/‖Σh‖² ≥ U²/(k(1 − U)).",
        ),
        Step(
            label="codes.rank-least",
            statement=equal(_ENERGY - _LEAST, ((1 - u) * sqrt(k + B) - sqrt(B)) ** 2 / (k * (1 - u))),
            domain={k: SIMPLEX, B: Integers(2, 40), u: SHARE},
            why="Residuals of points with ‖h‖² < 1 + σ have negative products with every other and are therefore "
            "independent; with the light ones they are at most m. The c = T − m others have ‖h‖² ≥ 1 + σ: E ≥ T − U + "
            "c σ, which is E(U) with B = c, k = T − c. It is at least E at its minimum.",
        ),
    ),
    conclusion="E ≥ T − 1 + 2√c/(√T + √c) with c = T − m. If only 2m − T points have ‖h‖² < 1 + σ, with the σ of "
    "`codes.rank-lift`, the same holds with B = 2c for c, which is the energy of `codes.shifted-cross-polytope`.",
)

_ORTHOPLEX = Derivation(
    label="codes.orthoplex-bound",
    title="The cross-polytope is least at T = 2m",
    standing="theorem",
    assumptions=("`memorization.programme`", "T ≥ 2m, m ≥ 2"),
    source="ours; for equal norms Rankin 1955",
    steps=(
        Step(
            label="codes.orthoplex-moment",
            statement=equal(
                3 * (x**2 + y**2 + s**2) - (x + y + s) ** 2, (x - y) ** 2 + (y - s) ** 2 + (s - x) ** 2
            ),
            domain={x: Interval(0, 4), y: Interval(0, 4), s: Interval(0, 5)},
            why="The Gram matrix γ of the T unit vectors has rank m and trace T, so Σγ², the sum of its m squared "
            "eigenvalues, is at least T²/m. Checked for m = 3. For any m the left side is m Σx² − (Σx)² over the "
            "eigenvalues: in it, as in the squared differences of all pairs, x² has the coefficient m − 1 and xy has "
            "−2. At T = 2m with S the sum of the vectors, ‖S‖² ≤ Σ γ_ij(1 + γ_ij) over i ≠ j.",
        ),
        Step(
            label="codes.orthoplex-root",
            statement=equal(1 / ell - (1 - (ell**2 - 1) / 2), (ell - 1) ** 2 * (ell + 2) / (2 * ell)),
            domain={ell: Interval(1, 3)},
            why="So 1/ℓ ≥ 1 − (ℓ² − 1)/2 for the length ℓ of a point that is not light: it bounds how little the "
            "products with light points, at most −(1 − x_i)/√(x_i x_j), take away.",
        ),
        Step(
            label="codes.orthoplex-square",
            statement=equal(u * (v + 13 * u / 4) - (u * (v + 3 * s + u) - s**2), (s - 3 * u / 2) ** 2),
            domain={u: Interval(0, 1), v: Interval(-40, 0), s: Interval(0, 9)},
            why="With E ≤ T and U > 0 one finds s² ≤ U(1 − T + √l + 3s + U) for s = ‖S‖ and l light points. By this "
            "step, with v = 1 − T + √l, that needs T − 1 − √l ≤ 13U/4 < 13/4.",
        ),
        Step(
            label="codes.orthoplex-end",
            statement=equal(
                2 * m - 1 - sqrt(m) - Rational(13, 4),
                2 * (sqrt(m) - (1 + sqrt(35)) / 4) * (sqrt(m) + (sqrt(35) - 1) / 4),
            ),
            domain={m: Integers(3, 1000)},
            why="But l ≤ m, and this is positive from m = 3 on: (1 + √35)/4 < √3. So U = 0, E ≥ T, and E = T makes all "
            "norms 1 and all products ≤ 0: the cross-polytope. m = 2 is `codes.cap-bound`; T > 2m follows because E/T "
            "does not fall as T grows (leave one point out, on average).",
        ),
    ),
    conclusion="E ≥ T for T ≥ 2m ≥ 4, with equality only at T = 2m and the cross-polytope.",
)

DERIVATIONS = (_SHIFTED, _CAPS, _LIGHT, _RANK, _ORTHOPLEX)
