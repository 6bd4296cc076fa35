"""The proof that a simplex with a shifted cross-polytope is the least code for m + 2 ≤ T ≤ m + 4.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`, E = Σ‖h_j‖² its energy. The idea: points
that are shorter than the others push all others apart, by σ. The construction has k = 2m − T of them; one more would be
paid for by some longer point, since what is left across them has too few dimensions.

Equation labels: `codes.shifted-bound`, and its steps.
"""

from __future__ import annotations

from sympy import cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, x, y, s, t, delta, kappa, mu, phi = symbol("T x y s t delta kappa mu phi")

#: Where the price of a long n and that of a short one are the same.
_MEET = (sqrt(kappa**2 + 4) - kappa) / 2

#: The least cosine of two residuals that suffices, and the most that a point left out can lack beyond κ².
_COSINE, _MOST = (2 - sqrt(2)) / 4, 3 - 2 * sqrt(2)

_SHIFTED = Derivation(
    label="codes.shifted-bound",
    title="The shifted cross-polytope is least for m + 2 ≤ T ≤ m + 4",
    standing="theorem",
    assumptions=("`memorization.programme`", "m + 2 ≤ T ≤ m + 4 and T ≤ 2m"),
    source="ours; for T = m + 4 with the seven points on a sphere of Schütte and van der Waerden 1951",
    steps=(
        Step(
            label="codes.shifted-support",
            statement=equal(
                kappa * sqrt(x) - kappa * sqrt(x) * cos(phi), 2 * kappa * sqrt(x) * sin(phi / 2) ** 2
            ),
            domain={x: Interval("1/8", 4), kappa: Interval(0, 2), phi: Interval(0, 3)},
            why="With e_i = 1 − ‖h_i‖² let w ≥ 0 maximize 2w·e − ‖Σ w_i h_i‖² with as few positive weights as "
            "possible, and let K be the points that have one. (There is such a w, and the vectors of K are "
            "independent: among dependent points of positive weight take Σ a_i h_i = 0 with as few terms as "
            "possible, so at most m + 1. If no a_i is negative, the product with another point gives 0 ≤ −a·e. So "
            "along a or −a a weight falls to 0 and the value does not fall. Hence independent points suffice, and "
            "over those the value falls to −∞ as w grows.) So w = G⁻¹e with their Gram matrix G, and σ = w·e = ‖Σ "
            "w_i h_i‖². Any other point has 1 − ‖h‖² ≤ h·Σ w_i h_i ≤ −σ, so ‖h‖² ≥ 1 + σ. With g_ij for the entries "
            "of G⁻¹, now leave the j of least κ_j = w_j/√g_jj out of K, and write κ for it: σ falls by κ². A weight "
            "w_i ≥ κ√x becomes w_i − w_j g_ij/g_jj, at least this formula with x = g_ii and g_ij = √(x g_jj) cos φ: "
            "positive, as G⁻¹ is positive definite. So the next point can be left out in the same way, until none is "
            "left. In what follows K is what is left at some stage, with its own w, σ and κ; only ‖h‖² ≥ 1 + σ needs "
            "the first K.",
        ),
        Step(
            label="codes.shifted-loss",
            statement=equal(
                _MOST - delta * (1 - 2 * delta) / (1 - delta), (sqrt(2) * (1 - delta) - 1) ** 2 / (1 - delta)
            ),
            domain={delta: Interval(0, "31/32")},
            why="What the point left out lacks: ‖h_j‖² = 1 + σ′ − δ with σ′ = σ − κ², where σ′ and w′ are those of "
            "what is left of K (h′, n′, q′, r′ below belong to another point). Its product with Σ w_i′ h_i is at "
            "most −σ′, so the part of h_j across the others has a squared length s ≤ ‖h_j‖² − σ′ = 1 − δ; and, as s "
            "= 1/g_jj and w_j s = e_j − h_j·Σ w_i′ h_i, κ√s = w_j s ≥ e_j + σ′ = δ. Where δ > 0, then, δ ≤ κ√(1 − δ) "
            "< κ; and κ² + 3 − 2√2 ≥ δ by the formula, since κ² ≥ δ²/(1 − δ).",
        ),
        Step(
            label="codes.shifted-cone",
            statement=equal(
                (sqrt(x) * s + sqrt(y) * t) ** 2 - (x * s**2 + 2 * sqrt(x * y) * cos(phi) * s * t + y * t**2),
                4 * sqrt(x * y) * s * t * sin(phi / 2) ** 2,
            ),
            domain={
                x: Interval("1/8", 4),
                y: Interval("1/8", 4),
                s: Interval(0, 3),
                t: Interval(0, 3),
                phi: Interval(0, 3),
            },
            why="A point outside K is −Σ w_i h_i − n + r with r across the span of K, and ν_i = n·h_i = −h·h_i − e_i "
            "≥ 0. As ‖n‖² = νᵀG⁻¹ν, ‖n‖ ≤ Σ ν_i √g_ii, here for two terms; so q = n·Σ w_i h_i = w·ν ≥ κ‖n‖. And two "
            "such n have a product n·n′ ≥ 0: orthogonalize K in the reverse of the order in which its points are "
            "left out, and let κ_l be the κ of the stage at which h_l is. In these coordinates Σ w_i h_i is (κ_1, "
            "κ_2, ...). The coordinate l of every later point h, in K or outside, is at most −κ_l: minus it, times "
            "h_l's own coordinate l, is −h·h_l ≥ e_l plus the products of the coordinates before, where h has at "
            "most −κ_a and h_l has a negative one. So it is at least what −Σ w_i h_i gives, κ_l times that "
            "coordinate. Hence no coordinate of n is negative.",
        ),
        Step(
            label="codes.shifted-pair",
            statement=equal(kappa * _MEET * (1 - 2 * mu) + mu * (1 - _MEET**2), (1 - mu) * kappa * _MEET),
            domain={kappa: Interval("1/64", 2), mu: Interval("1/64", "1/2")},
            why="Let two points outside K have r·r′ ≥ μ‖r‖‖r′‖ with 0 ≤ μ ≤ 1/2, r the shorter, and write ‖h‖² = 1 + "
            "σ + b. The constraint says ‖h‖² ≥ 1 + h·h′, so b ≥ q + q′ + n·n′ + r·r′ ≥ q + μ‖r‖²; and b = 2q + ‖n‖² "
            "+ ‖r‖² − 1. Together (1 − μ) b ≥ q(1 − 2μ) + μ(1 − ‖n‖²). If ‖n‖ ≥ z = (√(κ² + 4) − κ)/2 then b ≥ q ≥ κ "
            "z. If not, put κ‖n‖ for q: the right side is concave in ‖n‖, it is μ at 0 and, by the formula, (1 − μ) "
            "κ z at z. So b is at least κ z or at least μ/(1 − μ).",
        ),
        Step(
            label="codes.shifted-spread",
            statement=equal(mu / (1 - mu) - _MOST, (4 - 2 * sqrt(2)) * (mu - _COSINE) / (1 - mu))
            & equal(4 * cos(2 * pi / T) ** 2 + 2 * cos(2 * pi / T), 1),
            domain={mu: Interval(0, "1/2"), T: Integers(5, 5)},
            why="Let K have k + i points, i ≥ 1. Outside are T − k − i = 2d + i, their r in d = T − m − i ≤ 3 "
            "dimensions. Of 2d + 1 vectors there two have a cosine of at least μ: 1/2 if d = 1, cos 72° = 0.309 in "
            "the plane, and 0.210 in space, where seven points on a sphere are at most 77.9° apart; a zero vector "
            "goes with any other. All are above (2 − √2)/4, so that μ/(1 − μ) ≥ 3 − 2√2. Take the shorter one away "
            "and look for the next pair: i points have a b of at least κ z or 3 − 2√2. (If d = 0 all r are 0, and "
            "all i = T − m ≥ 2 points serve.) For d = 4 one would need to know this of nine vectors.",
        ),
        Step(
            label="codes.shifted-balance",
            statement=equal(kappa * (_MEET + kappa), kappa / _MEET),
            domain={kappa: Interval("1/64", 2)},
            why="Each of these i points has ‖h‖² ≥ 1 + σ′ + κ² + b, and κ² + b ≥ δ: κ² + κ z = κ/z ≥ κ by the "
            "formula, the other case is `codes.shifted-loss`. So what it has beyond 1 + σ′ makes up for what the "
            "point left out lacks. Leave out points until k are left. The one left out from k + i points has i "
            "points that can make up for it; so, for i = 1, 2, ... in turn, each finds one that is not yet taken. "
            "One that makes up for another may have been left out before, but then lacks nothing itself, as σ only "
            "falls. In the mean, then, all points but the k last have ‖h‖² ≥ 1 + σ with the σ of those. With U = Σ "
            "e_i over the k last, E ≥ T − U + Bσ, B = 2(T − m). If U ≤ 0, E ≥ T. If not, ‖Σh‖² ≤ k(1 − U) over the k "
            "last, the sum of their constraints, light or not; they are independent, so U < 1; and as in the last "
            "sentence of `codes.rank-lift` σ ≥ U²/(k(1 − U)). `codes.rank-least` ends the proof. If K has fewer than "
            "k points to begin with, the T − |K| others have ‖h‖² ≥ 1 + σ, and the bound with T − |K| for B is "
            "larger.",
        ),
    ),
    conclusion="E ≥ T − 1 + 2√B/(√T + √B) with B = 2(T − m), which `codes.shifted-cross-polytope` attains, and at T = "
    "2m the cross-polytope. Open for m + 5 ≤ T ≤ 2m − 1.",
)

DERIVATIONS = (_SHIFTED,)
