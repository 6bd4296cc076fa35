"""The T-gon's norms: closed forms, expansions for large T, crossing; and its dimensionality.

Normalisation: `memorization.tgon-norm`, with squared length 1/(1 − cos(2π/T)) and c = 1 − squared length.

Equation labels: `memorization.asymptotic-norms`, `memorization.bias-overtakes`,
`memorization.tgon-dimensionality` and their steps, `memorization.tgon-bias-norm` among them.
"""

from __future__ import annotations

from sympy import Abs, And, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, above, at_most, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, x, j, d = symbol("T x j d")

POINTS = Integers(2, 60)
LARGE = Integers(10, 10**6)
GOLDEN = (sqrt(5) - 1) / 2

_ASYMPTOTIC = Derivation(
    label="memorization.asymptotic-norms",
    title="Norms of the T-gon for large T",
    standing="theorem",
    assumptions=("`memorization.tgon-norm`",),
    source="Henighan et al. 2023 plot both norms against T; the expansions are ours",
    steps=(
        Step(
            label="memorization.tgon-weight-norm",
            statement=equal(sqrt(T / (1 - cos(2 * pi / T))), sqrt(T / 2) / sin(pi / T)),
            domain={T: POINTS},
            why="Root of `memorization.tgon-norm`; sin(π/T) > 0.",
        ),
        Step(
            label="memorization.tgon-bias-norm",
            statement=equal(
                Sum((1 - 1 / (1 - cos(2 * pi / T))) ** 2, (j, 1, T)),
                (sqrt(T) * Abs(cos(2 * pi / T)) / (1 - cos(2 * pi / T))) ** 2,
            ),
            domain={T: POINTS},
            why="T equal bias coefficients c = −cos(2π/T)/(1 − cos(2π/T)).",
        ),
        Step(
            label="memorization.weight-expansion",
            statement=at_most(
                Abs(pi / T / sin(pi / T) - 1 - pi**2 / (6 * T**2) - 7 * pi**4 / (360 * T**4)), 2 / T**6
            ),
            domain={T: LARGE},
            why="‖W‖ = T^{3/2}/(√2 π) · z/sin z at z = π/T, and z/sin z = 1 + z²/6 + 7z⁴/360 + 31z⁶/15120 + ..., all "
            "coefficients positive: the remainder is 31π⁶/15120 ≈ 1.97 at leading order.",
        ),
        Step(
            label="memorization.bias-expansion",
            statement=at_most(
                Abs(
                    (pi / T) ** 2 * cos(2 * pi / T) / sin(pi / T) ** 2
                    - 1
                    + 5 * pi**2 / (3 * T**2)
                    - pi**4 / (15 * T**4)
                ),
                11 / T**6,
            ),
            domain={T: LARGE},
            why="For T ≥ 4, ‖b‖ = T^{5/2}/(2π²) · z² cos(2z)/sin² z = T^{5/2}/(2π²) · (z²/sin² z − 2z²), and z²/sin² z "
            "= 1 + z²/3 + z⁴/15 + 2z⁶/189 + ..., all coefficients positive: 2π⁶/189 ≈ 10.2 at leading order.",
        ),
    ),
    conclusion="‖W‖ = T^{3/2}/(√2 π)·(1 + π²/(6T²) + 7π⁴/(360T⁴) + O(T⁻⁶)) and ‖b‖ = T^{5/2}/(2π²)·(1 − 5π²/(3T²) + "
    "π⁴/(15T⁴) + O(T⁻⁶)).",
)

_OVERTAKES = Derivation(
    label="memorization.bias-overtakes",
    title="The bias norm overtakes the weight norm at T = 7",
    standing="theorem",
    assumptions=("`memorization.tgon-norm`", "T ≥ 2"),
    source="Henighan et al. 2023 report bias norms that start smaller and end larger",
    steps=(
        Step(
            label="memorization.norm-difference",
            statement=equal((x / (1 - x)) ** 2 - 1 / (1 - x), (x**2 + x - 1) / (1 - x) ** 2),
            domain={x: Interval(-1, "15/16")},
            why="(‖b‖² − ‖W‖²)/T with x = cos(2π/T).",
        ),
        Step(
            label="memorization.golden-roots",
            statement=equal((x - GOLDEN) * (x + GOLDEN + 1), x**2 + x - 1),
            domain={x: Interval(-1, "15/16")},
            why="x + (√5+1)/2 is positive for x ≥ −1: ‖b‖ > ‖W‖ exactly when x exceeds the reciprocal golden ratio.",
        ),
        Step(
            label="memorization.first-crossing",
            statement=And(above(cos(2 * pi / 7), GOLDEN), above(GOLDEN, Rational(1, 2))),
            why="cos(2π/T) increases with T and is 1/2 at T = 6.",
        ),
    ),
    conclusion="‖b‖ < ‖W‖ for T = 2..6 and ‖b‖ > ‖W‖ for every T ≥ 7.",
)

_DIMENSIONALITY = Derivation(
    label="memorization.tgon-dimensionality",
    title="On the T-gon every datapoint has dimensionality 2/T",
    standing="theorem",
    assumptions=("`memorization.tgon-norm`",),
    source="Henighan et al. 2023 define the dimensionality",
    steps=(
        Step(
            label="memorization.polygon-frame",
            statement=equal(1 / Sum(cos(2 * pi * d / T) ** 2, (d, 0, T - 1)), 2 / T),
            domain={T: Integers(3, 40)},
            why="D_X = 1/Σcos² over the vertices; cos² = (1 + cos(4πd/T))/2 and the T-th roots of unity to the second "
            "power add up to 0 for T ≥ 3.",
        ),
        Step(
            label="memorization.pair-frame",
            statement=equal(1 / Sum(cos(pi * d) ** 2, (d, 0, 1)), Rational(1, 2)),
            why="T = 2: an antipodal pair shares one dimension. A single point off the origin has D_X = 1.",
        ),
    ),
    conclusion="D_X = 2/T for T ≥ 3 and 1/2 for T = 2.",
)

DERIVATIONS = (_ASYMPTOTIC, _OVERTAKES, _DIMENSIONALITY)
