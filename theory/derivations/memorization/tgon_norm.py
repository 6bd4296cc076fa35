"""The T-gon's norms: closed forms, expansions for large T, crossing; and its dimensionality.

Normalisation: `memorization.tgon-norm`, with squared length 1/(1 − cos(2π/T)) and c = 1 − squared length.
"""

from sympy import Abs, And, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, at_most, equal, theorem
from theory.derivations.symbols import symbol

T, x, j, d = symbol("T x j d")

#: Half the angle between neighbours on a regular polygon, and the cosine of the whole angle.
_half, _cosine = pi / T, cos(2 * pi / T)

POINTS = Integers(2, 60)
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
