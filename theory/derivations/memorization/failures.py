"""Proofs about two circles and dropped points, the models that training in the plane gets stuck at.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x (inner) and y
(outer); unit datapoints, loss summed over features.
"""

from sympy import Derivative, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import equal, theorem
from theory.derivations.symbols import symbol

T, x, y, s, u, v, c, k, h1, h2, alpha = symbol("T x y s u v c k h1 h2 alpha")

INNER = Interval("3/4", 2)
OUTER = Interval(3, 6)
PLANE = Interval(-2, 2)

#: Least angle between neighbours of squared lengths x ≤ y.
_INTERFACE = acos((x - 1) / sqrt(x * y))

_TWO_CIRCLES = theorem(
    "stationary.two-circles",
    on={x: INNER, y: OUTER, s: Interval(0, 8)},
    steps={
        "stationary.interface-gap": equal(sin(_INTERFACE) ** 2 * (x * y), x * y - (x - 1) ** 2),
        "stationary.interface-inner-slope": equal(
            Derivative(_INTERFACE, x), -(x + 1) / (2 * x * sqrt(x * y - (x - 1) ** 2))
        ),
        "stationary.interface-outer-slope": equal(
            Derivative(_INTERFACE, y), (x - 1) / (2 * y * sqrt(x * y - (x - 1) ** 2))
        ),
        "stationary.inner-long-first": equal(
            (x + s) ** 2 - (x * (x + s) - (x - 1) ** 2), s * (x + s) + (x - 1) ** 2, {x: Interval(1, 4)}
        ),
        "stationary.inner-long-second": equal(
            (x + 1) ** 2 * (2 * y - 1) - x**2,
            2 * x + 1 + 2 * (x + 1) ** 2 * (y - 1),
            {x: Interval(1, 3), y: Interval(1, 8)},
        ),
        "stationary.inner-short-count": equal(
            pi - acos(1 - 1 / x) + acos(1 / x - 1), 2 * acos(1 / x - 1), {x: Interval("5/8", 1)}
        ),
        "stationary.inner-short-outer": equal(
            (3 - 2 * sqrt(2)) * (1 + x) - x * (1 - x), (x - (sqrt(2) - 1)) ** 2, {x: Interval("1/8", 1)}
        ),
        "stationary.inner-short-root": equal(
            4 * x**2 * (x * y) - 4 * x**2 * (x * y - (1 - x) ** 2),
            (2 * x * (1 - x)) ** 2,
            {x: Interval("1/8", 1), y: Interval(2, 8)},
        ),
        "stationary.inner-short-slope": equal(
            (x + 1) ** 2 * (1 + s) ** 2 * (1 + 2 * s) - 4 * x**3 * (1 + s),
            (1 + s) * ((1 - x) * (4 * x**2 + 3 * x + 1) + (x + 1) ** 2 * s * (3 + 2 * s)),
            {x: Interval("1/8", 1)},
        ),
    },
)

_own = 1 - c - u**2
_held = alpha - 2 * (1 - 1 / T)

_DROPPED = theorem(
    "stationary.dropped",
    on={
        T: Integers(2, 40),
        c: Interval(-1, 1),
        u: Interval("-3/2", 2),
        (h1, h2): PLANE,
        v: Interval(-2, "5/2"),
        k: Integers(4, 60),
        s: Interval("-3/4", 1),
        alpha: Interval(3, 6),
    },
    steps={
        "stationary.dropped-loss": equal(
            (1 - c) ** 2 + (T - 1) * c**2, 1 - 1 / T + T * (c - 1 / T) ** 2, {c: PLANE}
        ),
        "stationary.dropped-expansion": equal(
            _own**2 + (c + u * h1) ** 2 + (c + u * h2) ** 2 + (c - u * (h1 + h2)) ** 2,
            (1 - c) ** 2 + 3 * c**2 + u**2 * (h1**2 + h2**2 + (h1 + h2) ** 2 - 2 * (1 - c)) + u**4,
        ),
        "stationary.dropped-pair": equal(
            (1 - c - u**2) ** 2 + (1 - c - v**2) ** 2 + 2 * (c + u * v) ** 2,
            2 * (1 - c) ** 2 + 2 * c**2 - 2 * (u**2 + v**2) + 2 * c * (u + v) ** 2 + (u**2 + v**2) ** 2,
        ),
        "stationary.dropped-polygon": equal(k / (2 * (1 - cos(2 * pi / k))), k / (4 * sin(pi / k) ** 2)),
        "stationary.dropped-error": equal(
            (1 - 1 / T - u**2) ** 2 + (T - 1) / T**2 + 2 * u * s / T + alpha * u**2,
            1 - 1 / T + _held * (u + s / (T * _held)) ** 2 - s**2 / (T**2 * _held) + u**4,
            {T: Integers(5, 12)},
        ),
    },
)
