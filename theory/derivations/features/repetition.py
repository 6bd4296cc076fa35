"""Proofs about repeated data at zero bias: when a point is worth a vertex.

Normalisation: energies in units of T/n; r = ‖h‖² of the repeated point, w_k = X_k h on its own features.

Equation labels: `repetition.zero-bias`, `repetition.order` and their steps.
"""

from __future__ import annotations

from sympy import Derivative, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, above, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

n, p, r, x, y, t = symbol("n p r x y t")

UNIT = Interval("1/8", "7/8")

_ZERO_BIAS = Derivation(
    label="repetition.zero-bias",
    title="At zero bias the point takes a vertex at R = e_(5) − Σ e_k X_k²",
    standing="theorem",
    assumptions=(
        "zero bias",
        "one active feature at a time, and the repeated point",
        "the point's own columns are w_k = X_k h",
        "the point's features are none of the five strongest",
    ),
    source="ours; the observation, and an estimate of its order of magnitude, are in comments to Henighan et al. 2023",
    steps=(
        Step(
            label="repetition.point-as-feature",
            statement=equal(p * (1 - r) ** 2 + (1 - p) * (1 - r) ** 2, 1 - (2 * r - r**2)),
            domain={p: UNIT, r: Interval("1/8", 2)},
            why="The point's output on its own feature k is X_k r: the error is Σ X_k²(1 − r)² (two features, X_1² = "
            "p), that of a feature of amplitude 1 on h; outputs elsewhere see h as they see any column.",
        ),
        Step(
            label="repetition.own-features",
            statement=equal((1 - p * r) ** 2 + p * (1 - p) * r**2, 1 - p * (2 * r - r**2)),
            domain={p: UNIT, r: Interval("1/8", 2)},
            why="Own feature k alone, p = X_k², squared errors over a²: 1 − p r on itself, X_k X_j r on the others, "
            "whose X_j² add up to 1 − p. It gains X_k² times what a feature on h does, and passes X_k² times as "
            "much to other columns. So the direction h has the weight R + Σ_k e_k X_k² =: t.",
        ),
        Step(
            label="repetition.chord",
            statement=equal(y - ((1 - t) * x + t * y), (1 - t) * (y - x)),
            domain={t: Interval(0, 2), x: Interval(0, 4), y: Interval(1, 5)},
            why="The best gain G(t) of five directions of weights e_(1), ..., e_(4), t is a maximum of functions "
            "affine in t, hence convex. Put t in units of e_(5), x = G(0), y = G(1): for t < 1 the chord gives G(t) ≤ "
            "(1−t)x + ty, and for t > 1 its extension lies below G.",
        ),
        Step(
            label="repetition.five-exceed-four",
            statement=above(20 / (7 - sqrt(5)) - 4, 0),
            why="x < y for equal energies: four features gain at most 4 (a loss is not negative), five at least the "
            "pentagon's 20/(7 − √5). For others x < y as long as the fifth feature is stored at all. Then G crosses "
            "G(1), the five features' own value, exactly once, at t = 1.",
        ),
    ),
    conclusion="Five features are better below R = e_(5) − Σ e_k X_k² and four with the point above it, whatever the "
    "optimum's shape. Without energy of its own features the point needs R = e_(5), T/n for equal energies; with "
    "their mean energy e_(5) − 1, which is 0 for equal energies. Own columns not proportional to X_k, and biases, "
    "can only be compared numerically.",
)
_ORDER = Derivation(
    label="repetition.order",
    title="The energy of a rank",
    standing="closed form",
    assumptions=("energies of different features are independent", "`amplitudes.normalized-density`"),
    source="ours",
    steps=(
        Step(
            label="repetition.exceed",
            statement=equal(
                Derivative((1 - p) ** n + n * p * (1 - p) ** (n - 1), p),
                -n * (n - 1) * p * (1 - p) ** (n - 2),
            ),
            domain={p: UNIT, n: Integers(2, 60)},
            why="The rank-th largest exceeds x when at least `rank` energies do, each with P(e > x) = p: a binomial "
            "tail. The slope of the rest, fewer than `rank`, is minus the density n·C(n−1, rank−1) p^(rank−1) "
            "(1−p)^(n−rank), here of the second of n. The integral of the tail over x is the mean.",
        ),
    ),
    conclusion="E e_(j) = ∫ P(Binomial(n, P(e > x)) ≥ j) dx.",
)

DERIVATIONS = (_ZERO_BIAS, _ORDER)
