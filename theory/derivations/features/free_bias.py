"""Proofs about amplitudes and the free bias of a polygon of features.

Normalisation: amplitudes a after the scaling of the data, one active feature at a time, losses of one
feature; r the squared radius and b the bias of the k-gon.
"""

from sympy import Derivative, Rational, acos, cos, exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal, theorem
from theory.derivations.symbols import symbol

k, r, a, b, x, y, t, n, p, g = symbol("k r a b x y t n p g")

#: Of the angle between neighbours on a regular polygon.
_cosine = cos(2 * pi / k)

#: The value u before scaling that becomes the amplitude x where the other squares add up to y.
_value = x * sqrt(y) / sqrt(1 - x**2)
_arc, _root = pi / 4 - acos(1 / x), sqrt(x**2 - 1)

_DENSITY = theorem(
    "amplitudes.normalized-density",
    on={x: Interval("1/8", "7/8"), y: Interval("1/4", 4)},
    steps={
        "amplitudes.scaled-value": equal(_value**2 / (_value**2 + y), x**2),
        "amplitudes.conditional-density": equal(
            Derivative(_value, x), sqrt(y) * (1 - x**2) ** Rational(-3, 2)
        ),
        "amplitudes.two-squares": equal(
            Derivative(2 * x**3 * _arc / 3 + (x * _root + log(x + _root)) / 3, x),
            2 * x**2 * _arc,
            {x: Interval("9/8", "11/8")},
        ),
    },
)

_left = 1 - p + p * exp(-t * x)

_SECOND_MOMENT = theorem(
    "amplitudes.second-moment",
    on={
        n: Integers(1, 6),
        p: Interval("1/8", "7/8"),
        t: Interval(0, 2),
        x: Interval("1/4", 1),
        y: Interval("1/3", 4),
    },
    steps={
        "amplitudes.laplace-form": equal(
            -Derivative(_left**n, t), n * p * x * exp(-t * x) * _left ** (n - 1)
        ),
        "amplitudes.square-integral": equal(
            Derivative(-x * exp(-t * (x + y)) / (x + y), t), x * exp(-t * (x + y))
        ),
    },
)

_LOSS = theorem(
    "generalization.free-bias-loss",
    on={r: Interval("1/8", 3), a: Interval("1/8", 1), b: Interval(-2, 0), k: Integers(2, 4)},
    steps={
        "generalization.own-and-others": equal(
            (a - (r * a + b)) ** 2 - a**2, (r * a + b) * ((r * a + b) - 2 * a)
        ),
        "generalization.four-features": equal(_cosine, (k - 4) / 2),
    },
)

_CONSTANT = theorem(
    "generalization.constant-law",
    on={k: Integers(2, 12), a: Interval("1/8", 2)},
    steps={
        "generalization.constant-sign": equal(a * (1 - 1 / (1 - _cosine)), -a * _cosine / (1 - _cosine)),
        "generalization.constant-own": equal(a / (1 - _cosine) + a * (1 - 1 / (1 - _cosine)), a),
        "generalization.constant-neighbour": equal(
            a * _cosine / (1 - _cosine) + a * (1 - 1 / (1 - _cosine)), 0
        ),
    },
)

_UNIFORM = closed_form(
    "generalization.uniform-loss",
    on={r: Interval("9/8", 3), b: Interval(-1, 0), x: Interval("1/8", 1), g: Interval("1/8", "7/8")},
    steps={
        "generalization.uniform-own": equal(
            Derivative(((1 - r) * x - b) ** 3 / (3 * (1 - r)), x), (x - (r * x + b)) ** 2
        ),
        "generalization.uniform-cut": equal((1 - r) * (-b / r) - b, -b / r),
        "generalization.uniform-neighbour": equal(
            Derivative((r * g * x + b) ** 3 / (3 * r * g), x), (r * g * x + b) ** 2
        ),
    },
)

_BIAS_ONLY = theorem(
    "generalization.bias-only",
    on={b: Interval(-1, 1), x: Interval("1/8", 1), y: Interval("1/4", 4)},
    steps={
        "generalization.constant-output": equal(y - 2 * b * x + b**2, (y - x**2) + (b - x) ** 2),
    },
)
