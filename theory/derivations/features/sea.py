"""Proofs about a sea of small columns beside a polygon of features.

Normalisation: gains in units of one perfectly stored feature, one active feature at a time, amplitudes at
most 1; r the squared radius and b the bias of the k-gon, q = Σ‖w‖² the energy of the small columns, S_k as in
`theory.polygon_geometry`.

Equation labels: `sea.silence`, `sea.separated-gain`, `sea.bands` and their steps.
"""

from __future__ import annotations

from sympy import Derivative, Max, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

k, r, q, b, d, i, x, y, t, phi, S_k, B = symbol("k r q b d i x y t phi S_k B")

_SEPARATED = Derivation(
    label="sea.separated-gain",
    title="What small columns add to a polygon whose outputs they do not pass",
    standing="closed form",
    assumptions=(
        "one active feature at a time",
        "small columns have zero bias and equally much energy along each direction",
        "the polygon's outputs are silent when a small column's feature is active",
    ),
    source="ours",
    steps=(
        Step(
            label="sea.silence",
            statement=equal(r * q / i - b**2, (sqrt(r * q / i) + b) * (sqrt(r * q / i) - b)),
            domain={
                r: Interval("1/8", 2),
                q: Interval("1/4", 4),
                b: Interval(-1, "-1/8"),
                i: Integers(1, 12),
            },
            why="i columns of length √(q/i) pass at most √(r q/i) + b to an output of the polygon, amplitudes being at "
            "most 1. For b < 0 the second factor is positive, so that is at most 0 exactly when q ≤ i b²/r.",
        ),
        Step(
            label="sea.large-to-small",
            statement=equal(
                5 * (r * q / 5 * Sum(Max(0, cos(2 * pi * d / 5)) ** 2, (d, 0, 4))), r * q * (7 - sqrt(5)) / 4
            ),
            domain={r: Interval("1/8", 2), q: Interval("1/3", 4)},
            why="One vertex passes r‖w‖² max(0, cos)² to a small column: over k directions that share q equally the "
            "sum is r q S_k/k, and k vertices give r q S_k, here r q S_5.",
        ),
        Step(
            label="sea.small-to-small",
            statement=equal((1 - x) ** 2 + y * x - x**2, 1 - (2 * x - y * x)),
            domain={x: Interval("1/8", 1), y: Interval("1/4", 4)},
            why="A small feature with x = ‖w‖² loses (1 − x)² on itself and x max(0, cos)² Σ‖w'‖² on the others; y is "
            "that weighted sum, q S_k/k, its own x² included. Weighted over all, the gain is 2q − q² S_k/k.",
        ),
        Step(
            label="sea.best-energy",
            statement=equal(
                2 * q - S_k * (r * q + q**2 / k),
                k * (2 - S_k * r) ** 2 / (4 * S_k) - S_k / k * (q - k * (2 - S_k * r) / (2 * S_k)) ** 2,
            ),
            domain={q: Interval("1/4", 4), S_k: Interval(1, 4), r: Interval("1/8", 2), k: Integers(3, 12)},
            why="Complete the square: the best q is k(2 − S_k r)/(2 S_k), or 0 where that is negative.",
        ),
        Step(
            label="sea.half-circle",
            statement=equal(Derivative(phi / 2 + sin(2 * phi) / 4, phi), cos(phi) ** 2),
            domain={phi: Interval(-1, 1)},
            why="The mean of max(0, cos φ)² over the circle is this antiderivative from −π/2 to π/2 over 2π, 1/4: "
            "isotropic directions have k/4 in place of S_k.",
        ),
        Step(
            label="sea.isotropic-energy",
            statement=equal(
                2 * q - k * r * q / 4 - q**2 / 4, (2 - k * r / 4) ** 2 - (q / 2 - (2 - k * r / 4)) ** 2
            ),
            domain={q: Interval("1/4", 4), r: Interval("1/8", 2), k: Integers(3, 12)},
            why="Isotropic: the best WWᵀ = (q/2)·I of the sea is (2 − k r/4)·I.",
        ),
    ),
    conclusion="The gain is gain(r, b) + 2q − S_k(r q + q²/k), with S_k = k/4 for isotropic directions; exact where "
    "the small columns are silent at the polygon.",
)

_BANDS = Derivation(
    label="sea.bands",
    title="B separated bands at zero bias gain 2B/(B + 1) · k/S_k",
    standing="closed form",
    assumptions=("`sea.separated-gain` between any two bands", "biases tend to 0 from below"),
    source="ours",
    steps=(
        Step(
            label="sea.pairs-of-bands",
            statement=equal((B + Sum(2 * d + 1, (d, 0, B - 1))) / 2, B * (B + 1) / 2),
            domain={B: Integers(2, 24)},
            why="Bands of equal energy q pass q²S_k/k within themselves and once for every pair, larger to smaller. "
            "There are B² ordered pairs (a band added to d others adds 2d + 1); with the diagonal, half of B² + B "
            "remain.",
        ),
        Step(
            label="sea.equal-bands",
            statement=equal(
                2 * B * q - S_k / k * (B * (B + 1) / 2) * q**2,
                2 * B * k / ((B + 1) * S_k)
                - S_k / k * (B * (B + 1) / 2) * (q - 2 * k / ((B + 1) * S_k)) ** 2,
            ),
            domain={q: Interval("1/4", 4), S_k: Interval(1, 4), k: Integers(3, 12), B: Integers(1, 12)},
            why="Complete the square in the common energy: q = 2k/((B + 1) S_k).",
        ),
        Step(
            label="sea.bands-convex",
            statement=equal(
                x**2 + y**2 + t**2 + x * y + x * t + y * t,
                (x**2 + y**2 + t**2) / 2 + (x + y + t) ** 2 / 2,
            ),
            domain={x: Interval(0, 4), y: Interval(0, 3), t: Interval(0, 2)},
            why="The cost is a positive definite form symmetric in the bands (shown for three), so the gain is "
            "strictly concave and its only maximum has equal energies.",
        ),
    ),
    conclusion="B = 1 is k/S_k, two bands gain 4/3 of it, infinitely many twice: for every B the pentagon is best, by "
    "`generalization.pentagon`.",
)

DERIVATIONS = (_SEPARATED, _BANDS)
