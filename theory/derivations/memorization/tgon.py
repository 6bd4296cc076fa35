"""Proof that the regular T-gon is the global optimum in two hidden dimensions.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x, energy Σx.

Equation labels: `memorization.tgon-norm` and its steps, among them `memorization.tgon-radius`; and
`memorization.tgon-penalised` and its steps.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Min, Rational, Sum, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, at_least, at_most, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, x, y, a, a1, a2, a3, ell, s, mu, d, i, j = symbol("T x y a a1 a2 a3 ell s mu d i j")

LENGTH = Interval("1/8", 4)
MEAN = Interval("1/2", 6)
INNER_MEAN = Interval("9/16", 6)
POINTS = Integers(2, 60)

_mean = (ell**2 + (ell + s) ** 2) / 2


def least_angle(mean: Expr) -> Expr:
    """f(a) = arccos(1 − 1/a), the least angle between neighbours of mean squared length a."""
    return acos(1 - 1 / mean)


_TGON = Derivation(
    label="memorization.tgon-norm",
    title="In two dimensions the least energy is T/(1 − cos(2π/T)), attained only by the regular T-gon",
    standing="theorem",
    assumptions=("`memorization.programme`", "m = 2 and T ≥ 2"),
    source="Henighan et al. 2023 show the polygons; global optimality is ours",
    steps=(
        Step(
            label="memorization.pair-cosine",
            statement=equal(Min((x - 1) / sqrt(x * y), (y - 1) / sqrt(x * y)), (Min(x, y) - 1) / sqrt(x * y)),
            domain={x: LENGTH, y: LENGTH},
            why="Order the points by their angle about the origin, wherever it lies: the T gaps add up to 2π, since "
            "no point is 0. For neighbours of squared lengths x, y at an angle θ the two constraints say √(xy) "
            "cos θ ≤ x − 1 and ≤ y − 1; the shorter one decides.",
        ),
        Step(
            label="memorization.mean-length",
            statement=equal(
                1 - 1 / _mean - (ell**2 - 1) / (ell * (ell + s)),
                (_mean * ell * s + s**2 / 2) / (_mean * ell * (ell + s)),
            ),
            domain={ell: Interval("1/8", 2), s: Interval(0, 2)},
            why="Lengths ℓ and ℓ + s, s ≥ 0, mean square a. The right side is not negative, and 0 only for s = 0. "
            "Hence cos θ ≤ (ℓ²−1)/(ℓ(ℓ+s)) ≤ 1 − 1/a whether ℓ is above or below 1, with equality only at equal "
            "lengths.",
        ),
        Step(
            label="memorization.mean-length-bound",
            statement=at_most((ell**2 - 1) / (ell * (ell + s)), 1 - 1 / _mean),
            domain={ell: Interval("1/8", 2), s: Interval(0, "1/16")},
            why="The same as an inequality, near its equality s = 0.",
        ),
        Step(
            label="memorization.mean-length-least",
            statement=equal(1 - 1 / a - (-1), (2 * a - 1) / a),
            domain={a: MEAN},
            why="−1 ≤ cos θ ≤ 1 − 1/a leaves only a ≥ 1/2, so f(a) = arccos(1 − 1/a) is defined and θ ≥ f(a) for θ ≤ "
            "π.",
        ),
        Step(
            label="memorization.wide-gap",
            statement=equal(least_angle(a), pi - acos(1 / a - 1)),
            domain={a: MEAN},
            why="f(a) ≤ π because an arccosine is not negative: a gap θ > π satisfies θ ≥ f(a) as well.",
        ),
        Step(
            label="memorization.angle-slope",
            statement=equal(Derivative(least_angle(a), a), -1 / (a * sqrt(2 * a - 1))),
            domain={a: INNER_MEAN},
            why="f is strictly decreasing for a > 1/2.",
        ),
        Step(
            label="memorization.angle-curvature",
            statement=equal(
                Derivative(least_angle(a), (a, 2)), (3 * a - 1) / (a**2 * (2 * a - 1) ** Rational(3, 2))
            ),
            domain={a: INNER_MEAN},
            why="Differentiate once more.",
        ),
        Step(
            label="memorization.angle-convex",
            statement=at_least(3 * a - 1, Rational(1, 2)),
            domain={a: MEAN},
            why="The numerator of f″ is positive for a ≥ 1/2, the denominator for a > 1/2: f is strictly convex, up "
            "to the end a = 1/2 by continuity.",
        ),
        Step(
            label="memorization.jensen",
            statement=at_least(
                least_angle(a1) + least_angle(a2) + least_angle(a3), 3 * least_angle((a1 + a2 + a3) / 3)
            ),
            domain={a1: MEAN, a2: MEAN, a3: MEAN},
            why="Jensen's inequality for the strictly convex f, shown for T = 3, with equality only at equal "
            "arguments. The means at the T gaps add up to the energy E, each length being counted in two gaps, "
            "so 2π = Σθ ≥ Σf(a) ≥ T f(E/T).",
        ),
        Step(
            label="memorization.angle-inverse",
            statement=equal(least_angle(1 / (2 * sin(pi / T) ** 2)), 2 * pi / T),
            domain={T: POINTS},
            why="f is decreasing, so f(E/T) ≤ 2π/T means E/T ≥ 1/(2 sin²(π/T)). For T = 2 both gaps belong to one "
            "pair and the bound is a ≥ 1/2 again.",
        ),
        Step(
            label="memorization.tgon-radius",
            statement=equal(1 / (2 * sin(pi / T) ** 2), 1 / (1 - cos(2 * pi / T))),
            domain={T: POINTS},
            why="Double angle.",
        ),
        Step(
            label="memorization.tgon-feasible",
            statement=at_least((1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))), 1),
            domain={d: Integers(1, 12), i: Integers(1, 12)},
            why="The T-gon with T = d + i of that radius satisfies the constraint between vertices d apart, tightly "
            "for neighbours d = 1 and i = 1.",
        ),
        Step(
            label="memorization.tgon-energy",
            statement=equal(Sum(1 / (2 * sin(pi / T) ** 2), (j, 1, T)), T / (1 - cos(2 * pi / T))),
            domain={T: POINTS},
            why="T equal squared lengths. Equality throughout needs equal lengths (`memorization.mean-length`), equal "
            "means (`memorization.jensen`) and θ = f(a) at each gap: equal angles 2π/T, the regular T-gon up to "
            "an orthogonal transformation and labels.",
        ),
    ),
    conclusion="min Σ‖h_t‖² = T/(1 − cos(2π/T)), with c = 1 − 1/(1 − cos(2π/T)); the minimiser is unique up to "
    "O(2) and the order of the points.",
)


def penalised(length: Expr) -> Expr:
    """X + μ(1 − x)², what a point of squared length x costs under ‖W‖² + μ‖b‖²."""
    return length + mu * (1 - length) ** 2


_PENALISED = Derivation(
    label="memorization.tgon-penalised",
    title="Decay on the bias keeps the T-gon",
    standing="theorem",
    assumptions=("`memorization.programme`", "m = 2", "the penalty is ‖W‖² + μ‖b‖²"),
    source="ours",
    steps=(
        Step(
            label="memorization.penalised-convex",
            statement=equal(
                (penalised(x) + penalised(y)) / 2 - penalised((x + y) / 2),
                mu * (x - y) ** 2 / 4,
            ),
            domain={x: LENGTH, y: LENGTH, mu: Interval(0, 3)},
            why="c = 1 − x makes the penalty a sum of x + μ(1−x)² over points, convex: by Jensen it is at least T "
            "times its value at the mean squared length, which is at least that of the T-gon.",
        ),
        Step(
            label="memorization.penalised-slope",
            statement=equal(Derivative(penalised(x), x), 1 - 2 * mu * (1 - x)),
            domain={x: LENGTH, mu: Interval(0, 3)},
            why="It increases with the mean squared length from x = 1 − 1/(2μ) on; the T-gon is optimal where its own "
            "squared length is not below that.",
        ),
        Step(
            label="memorization.penalised-threshold",
            statement=equal(
                1 - 2 * mu * (1 - 1 / (1 - cos(2 * pi / T))),
                1 + 2 * mu * cos(2 * pi / T) / (1 - cos(2 * pi / T)),
            ),
            domain={T: POINTS, mu: Interval(0, 3)},
            why="The slope at the T-gon.",
        ),
        Step(
            label="memorization.penalised-pair",
            statement=at_least(1 + 2 * mu * cos(pi) / (1 - cos(pi)), 0),
            domain={mu: Interval(0, 1)},
            why="T = 2: not negative for μ ≤ 1.",
        ),
        Step(
            label="memorization.penalised-triangle",
            statement=at_least(1 + 2 * mu * cos(2 * pi / 3) / (1 - cos(2 * pi / 3)), 0),
            domain={mu: Interval(0, "3/2")},
            why="T = 3: not negative for μ ≤ 3/2.",
        ),
        Step(
            label="memorization.tgon-bias",
            statement=equal(
                1 - 1 / (1 - cos(2 * pi / T)), -sin(pi * (T - 4) / (2 * T)) / (2 * sin(pi / T) ** 2)
            ),
            domain={T: POINTS},
            why="The bias coefficient c = 1 − ‖h‖². For T ≥ 4 the argument π(T−4)/(2T) lies in [0, π/2), so c ≤ 0 and "
            "the slope 1 − 2μc is at least 1: every μ ≥ 0 keeps the T-gon. c changes sign at T = 4.",
        ),
        Step(
            label="memorization.penalised-point",
            statement=equal(x + (1 - x) ** 2, Rational(3, 4) + (x - Rational(1, 2)) ** 2),
            domain={x: Interval(0, 2)},
            why="T = 1 has no constraint. Least ‖W‖² is 0, with c = 1; least ‖W‖² + ‖b‖² is at ‖h‖² = c = 1/2.",
        ),
    ),
    conclusion="The T-gon of `memorization.tgon-norm` is optimal for μ ≤ 1 at T = 2, μ ≤ 3/2 at T = 3 and every μ ≥ 0 "
    "at T ≥ 4.",
)

DERIVATIONS = (_TGON, _PENALISED)
