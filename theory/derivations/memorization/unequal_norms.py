"""Proofs about datapoints of unequal norms and decoders untied from W.

Normalisation: disjoint supports, ‖X_j‖ = s_j. The inverse squares 1/s_j² of three datapoints are written p,
q, α, and Q is their sum.
"""

from sympy import cos, pi

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, equal, theorem
from theory.derivations.symbols import symbol

X, p, q, alpha, u, v, w, g, e, c, x, y = symbol("X p q alpha u v w g e c x y")
d, i, r, h1, h2, h3 = symbol("d i r h1 h2 h3")

UNIT = Interval("1/8", 1)
SIZE = Interval("1/8", 3)
PLANE = Interval(-2, 2)

_PROGRAMME = theorem(
    "unequal.programme",
    on={(p, q, X): UNIT, (u, v, h1, c, g, e): PLANE, x: Interval(0, 4), y: SIZE},
    steps={
        "unequal.least-norm": equal(
            p * (u - h1 / (p + q)) ** 2 + q * (v - h1 / (p + q)) ** 2,
            p * u**2 + q * v**2 - (2 * h1 * (p * u + q * v) - h1**2) / (p + q),
        ),
        "unequal.own-output": equal(X * (x / y + c) - X, X * (c - (y - x) / y)),
        "unequal.other-output": equal(
            X * ((u * g + v * e) / y + (1 - (u**2 + v**2) / y)),
            (X / y) * (y - (u * (u - g) + v * (v - e))),
        ),
    },
)

_SIMPLEX = theorem(
    "unequal.simplex",
    on={(p, q, alpha): SIZE, (h1, h2, h3, u, v, w): PLANE},
    steps={
        "unequal.weighted-sum": equal(
            p * q * (h1 * (h1 - h2) + h2 * (h2 - h1))
            + p * alpha * (h1 * (h1 - h3) + h3 * (h3 - h1))
            + q * alpha * (h2 * (h2 - h3) + h3 * (h3 - h2)),
            (p + q + alpha) * (p * h1**2 + q * h2**2 + alpha * h3**2) - (p * h1 + q * h2 + alpha * h3) ** 2,
        ),
        "unequal.weighted-bound": equal(
            p * q * (1 / p + 1 / q) + p * alpha * (1 / p + 1 / alpha) + q * alpha * (1 / q + 1 / alpha),
            2 * (p + q + alpha),
        ),
        "unequal.simplex-feasible": equal((q + alpha) / (p * (p + q + alpha)) + 1 / (p + q + alpha), 1 / p),
        "unequal.simplex-gram": equal(
            u**2 / p + v**2 / q + w**2 / alpha - (u + v + w) ** 2 / (p + q + alpha),
            (
                p * q * (u / p - v / q) ** 2
                + p * alpha * (u / p - w / alpha) ** 2
                + q * alpha * (v / q - w / alpha) ** 2
            )
            / (p + q + alpha),
        ),
        "unequal.simplex-norm": equal(
            p * (1 / p - 1 / (p + q + alpha))
            + q * (1 / q - 1 / (p + q + alpha))
            + alpha * (1 / alpha - 1 / (p + q + alpha)),
            2,
        ),
    },
)

_EXISTENCE = theorem(
    "unequal.existence",
    on={x: Interval("1/8", 4), (d, i): Integers(1, 12), y: SIZE},
    steps={
        "unequal.polygon-feasible": at_least(
            x * (1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))), x
        ),
        "unequal.cross-feasible": equal(x * (x + y) - x**2, x * y, {x: SIZE}),
    },
)

_opening = 1 - cos(2 * pi / i)

_UNTIED = theorem(
    "unequal.untied",
    on={X: UNIT, (u, v, g, e, h1, h2, w, h3): PLANE, (p, q, alpha, r): SIZE, i: Integers(3, 30)},
    steps={
        "unequal.untied-output": equal(
            X * ((u * g + v * e) + (1 - (u * h1 + v * h2))), X * (1 - (u * (h1 - g) + v * (h2 - e)))
        ),
        "unequal.untied-sum": equal(
            u * (q * (h1 - h2) + alpha * (h1 - h3))
            + v * (p * (h2 - h1) + alpha * (h2 - h3))
            + w * (p * (h3 - h1) + q * (h3 - h2)),
            (p + q + alpha) * (u * h1 + v * h2 + w * h3) - (u + v + w) * (p * h1 + q * h2 + alpha * h3),
        ),
        "unequal.untied-square": equal(
            p * (h1 - h2) ** 2 + u**2 / p - 2 * u * (h1 - h2), (p * (h1 - h2) - u) ** 2 / p
        ),
        "unequal.untied-centre": equal(
            p * (h1 - (p * h1 + q * h2) / (p + q)) ** 2 + q * (h2 - (p * h1 + q * h2) / (p + q)) ** 2,
            p * h1**2 + q * h2**2 - (p * h1 + q * h2) ** 2 / (p + q),
        ),
        "unequal.untied-polygon": equal(
            r + 1 / (r * _opening**2) - 2 / _opening, (r * _opening - 1) ** 2 / (r * _opening**2)
        ),
    },
)
