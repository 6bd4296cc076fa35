"""Proofs about the regular T-gon: it is the global optimum in two hidden dimensions; its norms and dimensionality.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x, energy Σx.
"""

from sympy import Abs, And, Derivative, Expr, Min, Rational, Sum, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, at_least, at_most, equal, theorem
from theory.derivations.symbols import symbol
from theory.symbolic import radius

T, x, y, a, a1, a2, a3, ell, s, mu, d, i, j = symbol("T x y a a1 a2 a3 ell s mu d i j")

LENGTH = Interval("1/8", 4)
MEAN = Interval("1/2", 6)
INNER_MEAN = Interval("9/16", 6)
POINTS = Integers(2, 60)

_mean = (ell**2 + (ell + s) ** 2) / 2


def least_angle(mean: Expr) -> Expr:
    """f(a) = arccos(1 − 1/a), the least angle between neighbours of mean squared length a."""
    return acos(1 - 1 / mean)


_TGON = theorem(
    "memorization.tgon-norm",
    on={
        (x, y): LENGTH,
        ell: Interval("1/8", 2),
        s: Interval(0, 2),
        (a, a1, a2, a3): MEAN,
        T: POINTS,
        (d, i): Integers(1, 12),
    },
    steps={
        "memorization.pair-cosine": equal(
            Min((x - 1) / sqrt(x * y), (y - 1) / sqrt(x * y)), (Min(x, y) - 1) / sqrt(x * y)
        ),
        "memorization.mean-length": equal(
            1 - 1 / _mean - (ell**2 - 1) / (ell * (ell + s)),
            (_mean * ell * s + s**2 / 2) / (_mean * ell * (ell + s)),
        ),
        "memorization.mean-length-bound": at_most(
            (ell**2 - 1) / (ell * (ell + s)), 1 - 1 / _mean, {s: Interval(0, "1/16")}
        ),
        "memorization.mean-length-least": equal(1 - 1 / a - (-1), (2 * a - 1) / a),
        "memorization.wide-gap": equal(least_angle(a), pi - acos(1 / a - 1)),
        "memorization.angle-slope": equal(
            Derivative(least_angle(a), a), -1 / (a * sqrt(2 * a - 1)), {a: INNER_MEAN}
        ),
        "memorization.angle-curvature": equal(
            Derivative(least_angle(a), (a, 2)),
            (3 * a - 1) / (a**2 * (2 * a - 1) ** Rational(3, 2)),
            {a: INNER_MEAN},
        ),
        "memorization.angle-convex": at_least(3 * a - 1, Rational(1, 2)),
        "memorization.jensen": at_least(
            least_angle(a1) + least_angle(a2) + least_angle(a3), 3 * least_angle((a1 + a2 + a3) / 3)
        ),
        "memorization.angle-inverse": equal(least_angle(radius(T)), 2 * pi / T),
        "memorization.tgon-radius": equal(radius(T), 1 / (1 - cos(2 * pi / T))),
        "memorization.tgon-feasible": equal(
            (1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))),
            sin(pi * d / (d + i)) ** 2 / sin(pi / (d + i)) ** 2,
        )
        & at_least(sin(pi * d / (d + i)) ** 2, sin(pi / (d + i)) ** 2),
        "memorization.tgon-energy": equal(Sum(radius(T), (j, 1, T)), T / (1 - cos(2 * pi / T))),
    },
)


def penalised(length: Expr) -> Expr:
    """What a point of squared length x costs under ‖W‖² + μ‖b‖²: x + μ(1 − x)²."""
    return length + mu * (1 - length) ** 2


_PENALISED = theorem(
    "memorization.tgon-penalised",
    on={(x, y): LENGTH, mu: Interval(0, 3), T: POINTS},
    steps={
        "memorization.penalised-convex": equal(
            (penalised(x) + penalised(y)) / 2 - penalised((x + y) / 2), mu * (x - y) ** 2 / 4
        ),
        "memorization.penalised-slope": equal(Derivative(penalised(x), x), 1 - 2 * mu * (1 - x)),
        "memorization.penalised-threshold": equal(
            1 - 2 * mu * (1 - 1 / (1 - cos(2 * pi / T))),
            1 + 2 * mu * cos(2 * pi / T) / (1 - cos(2 * pi / T)),
        ),
        "memorization.penalised-pair": at_least(
            1 + 2 * mu * cos(pi) / (1 - cos(pi)), 0, {mu: Interval(0, 1)}
        ),
        "memorization.penalised-triangle": at_least(
            1 + 2 * mu * cos(2 * pi / 3) / (1 - cos(2 * pi / 3)), 0, {mu: Interval(0, "3/2")}
        ),
        "memorization.tgon-bias": equal(
            1 - 1 / (1 - cos(2 * pi / T)), -sin(pi * (T - 4) / (2 * T)) / (2 * sin(pi / T) ** 2)
        ),
        "memorization.penalised-point": equal(
            x + (1 - x) ** 2, Rational(3, 4) + (x - Rational(1, 2)) ** 2, {x: Interval(0, 2)}
        ),
    },
)

#: The largest of s/((1 + s)(2 + s)).
_SHARE = 3 - 2 * sqrt(2)

_STABILITY = theorem(
    "tolerance.tgon-stability",
    on={ell: Interval("1/8", 2), s: Interval(0, 2), y: Interval(0, 1), a: INNER_MEAN},
    steps={
        "tolerance.stability-cosine": equal(
            1 - 1 / _mean - (ell**2 - 1) / (ell * (ell + s)),
            (s * (2 * ell + s) / 2) / _mean * (1 - s * (ell**2 - 1) / (ell * (ell + s) * (2 * ell + s))),
        ),
        "tolerance.stability-factor": equal(
            _SHARE - s / ((1 + s) * (2 + s)),
            _SHARE * (s - sqrt(2)) ** 2 / ((1 + s) * (2 + s)),
            {s: Interval(0, 4)},
        ),
        "tolerance.stability-slope": equal(
            (1 - _SHARE * y) ** 2 * (1 + y) - (1 - y),
            y * (2 - 2 * _SHARE - _SHARE * y * (2 - _SHARE - _SHARE * y)),
        ),
        "tolerance.stability-curvature": equal(
            (3 * a - 1) / (a**2 * (2 * a - 1) ** Rational(3, 2)),
            1 / (a**2 * sqrt(2 * a - 1)) + 1 / (a * (2 * a - 1) ** Rational(3, 2)),
        ),
    },
)

#: Half the angle between neighbours on a regular polygon, and the cosine of the whole angle.
_half, _cosine = pi / T, cos(2 * pi / T)

LARGE = Integers(10, 10**6)
GOLDEN = (sqrt(5) - 1) / 2

_ASYMPTOTIC = theorem(
    "memorization.asymptotic-norms",
    on={T: POINTS},
    steps={
        "memorization.tgon-weight-norm": equal(sqrt(T / (1 - _cosine)), sqrt(T / 2) / sin(_half)),
        "memorization.tgon-bias-norm": equal(
            Sum((1 - 1 / (1 - _cosine)) ** 2, (j, 1, T)), (sqrt(T) * Abs(_cosine) / (1 - _cosine)) ** 2
        ),
        "memorization.weight-expansion": at_most(
            Abs(_half / sin(_half) - 1 - _half**2 / 6 - 7 * _half**4 / 360), 2 / T**6, {T: LARGE}
        ),
        "memorization.bias-expansion": at_most(
            Abs(_half**2 * _cosine / sin(_half) ** 2 - 1 + 5 * _half**2 / 3 - _half**4 / 15),
            11 / T**6,
            {T: LARGE},
        ),
    },
)

_OVERTAKES = theorem(
    "memorization.bias-overtakes",
    on={x: Interval(-1, "15/16")},
    steps={
        "memorization.norm-difference": equal(
            (x / (1 - x)) ** 2 - 1 / (1 - x), (x**2 + x - 1) / (1 - x) ** 2
        ),
        "memorization.golden-roots": equal((x - GOLDEN) * (x + GOLDEN + 1), x**2 + x - 1),
        "memorization.first-crossing": And(above(cos(2 * pi / 7), GOLDEN), above(GOLDEN, Rational(1, 2))),
    },
)

_DIMENSIONALITY = theorem(
    "memorization.tgon-dimensionality",
    on={T: Integers(3, 40)},
    steps={
        "memorization.polygon-frame": equal(1 / Sum(cos(2 * pi * d / T) ** 2, (d, 0, T - 1)), 2 / T),
        "memorization.pair-frame": equal(1 / Sum(cos(pi * d) ** 2, (d, 0, 1)), Rational(1, 2)),
    },
)
