"""Proofs about a finite L2 penalty: the pieces of the symmetric ansatz, and its collapse.

Normalisation: T orthonormal points on a regular T-gon of squared radius r with one bias coefficient c; the
objective is loss + λ(‖W‖² + ‖b‖²). Of the sums over active neighbours, K = 2D + 1 is their number, α the
sum of squared cosines and β the sum of cosines.
"""

from sympy import Expr, Max, Sum, cos, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, r, c, d, i, k, s, t, u, v = symbol("T r c d i k s t u v")
alpha, beta, penalty = symbol("alpha beta lambda")

#: Of the angle between neighbours on a regular polygon.
_cosine = cos(2 * pi / T)

RADIUS = Interval("1/8", 2)
BIAS = Interval(-2, 1)
PENALTY = Interval(0, 1)
POINTS = Integers(3, 40)

#: The loss where every output is positive: of T ≥ 3 points, and of two antipodal ones.
_ALL_ACTIVE, _PAIR = 1 - 2 * (r + c) + T * r**2 / 2 + T * c**2, (1 - r - c) ** 2 + (c - r) ** 2


def cost(radius: Expr, bias: Expr) -> Expr:
    """λ(‖W‖² + ‖b‖²) on the symmetric ansatz."""
    return penalty * T * (radius + bias**2)


#: The squared radius that is left, and the stiffness of the bias, for T points and for two.
_shrunk, _stiff = 2 / T - penalty, T * (1 + penalty)
_half, _double = (1 - penalty) / 2, 2 * (1 + penalty)

_COLLAPSE = closed_form(
    "penalty.collapse",
    on={T: POINTS, r: RADIUS, c: BIAS, penalty: PENALTY},
    steps={
        "penalty.all-active": equal(
            (1 - r - c) ** 2 + Sum((r * cos(2 * pi * d / T) + c) ** 2, (d, 1, T - 1)), _ALL_ACTIVE
        ),
        "penalty.collapse-square": equal(
            _ALL_ACTIVE + cost(r, c),
            1 + T * ((r - _shrunk) ** 2 - _shrunk**2) / 2 + _stiff * (c - 1 / _stiff) ** 2 - 1 / _stiff,
        ),
        "penalty.collapse-pair": equal(
            _PAIR + 2 * penalty * (r + c**2),
            1 + 2 * ((r - _half) ** 2 - _half**2) + _double * (c - 1 / _double) ** 2 - 1 / _double,
        ),
    },
)


def piece(radius: Expr, bias: Expr) -> Expr:
    """The objective less 1 where K outputs of a datapoint are positive."""
    squares = alpha * radius**2 + 2 * beta * radius * bias + k * bias**2
    return squares - 2 * (radius + bias) + cost(radius, bias)


_POLYGON = closed_form(
    "penalty.polygon",
    on={
        u: Interval(-2, 2),
        T: Integers(3, 14),
        i: Integers(1, 9),
        alpha: Interval(1, 6),
        beta: Interval(-1, 3),
        k: Integers(3, 9),
        r: RADIUS,
        c: BIAS,
        s: Interval(-1, 2),
        t: Interval("-1/2", 3),
        penalty: PENALTY,
        v: Interval(0, 1),
    },
    steps={
        "penalty.convex": equal(Max(0, u) ** 2, (u + Max(0, -u)) ** 2),
        "penalty.active-cosines": equal(
            Sum(cos(2 * pi * d / T), (d, -i, i)), sin(pi * (2 * i + 1) / T) / sin(pi / T)
        ),
        "penalty.active-squares": equal(
            Sum(cos(2 * pi * d / T) ** 2, (d, -i, i)),
            (2 * i + 1 + sin(2 * pi * (2 * i + 1) / T) / sin(2 * pi / T)) / 2,
        ),
        "penalty.piece": equal(
            piece(r + s, c + t) - piece(r, c),
            alpha * s**2
            + 2 * beta * s * t
            + (k + penalty * T) * t**2
            + 2 * s * (alpha * r + beta * c - (1 - penalty * T / 2))
            + 2 * t * (beta * r + (k + penalty * T) * c - 1),
            {T: Integers(10, 20)},
        ),
        "penalty.vanishing": equal(
            (3 - (1 + 2 * _cosine)) / (3 * (1 + 2 * _cosine**2) - (1 + 2 * _cosine) ** 2),
            1 / (1 - _cosine),
            {T: Integers(4, 40)},
        ),
        "penalty.vanishing-slope": equal(
            (2 * (1 - u) - v * (1 + v) / 2) * (1 - u) - (2 * (1 - u) ** 2 + v * (1 + 2 * u**2)),
            -v * ((1 + v) * (1 - u) / 2 + 1 + 2 * u**2),
            {u: Interval("-1/2", "15/16")},
        ),
    },
)
