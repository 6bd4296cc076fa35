"""Proofs about repeated data at zero bias: when a point is worth a vertex, and how that grows with the data.

Normalisation: energies in units of T/n; r = ‖h‖² of the repeated point, w_k = X_k h on its own features.
"""

from sympy import Derivative, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, closed_form, equal, theorem
from theory.derivations.symbols import symbol

T, n, p, r, x, y, t, s, u, v = symbol("T n p r x y t s u v")

UNIT = Interval("1/8", "7/8")

_ZERO_BIAS = theorem(
    "repetition.zero-bias",
    on={p: UNIT, r: Interval("1/8", 2), t: Interval(0, 2), x: Interval(0, 4), y: Interval(1, 5)},
    steps={
        "repetition.point-as-feature": equal(p * (1 - r) ** 2 + (1 - p) * (1 - r) ** 2, 1 - (2 * r - r**2)),
        "repetition.own-features": equal((1 - p * r) ** 2 + p * (1 - p) * r**2, 1 - p * (2 * r - r**2)),
        "repetition.chord": equal(y - ((1 - t) * x + t * y), (1 - t) * (y - x)),
        "repetition.five-exceed-four": above(20 / (7 - sqrt(5)) - 4, 0),
    },
)
_ORDER = closed_form(
    "repetition.order",
    on={p: UNIT, n: Integers(2, 60)},
    steps={
        "repetition.exceed": equal(
            Derivative((1 - p) ** n + n * p * (1 - p) ** (n - 1), p), -n * (n - 1) * p * (1 - p) ** (n - 2)
        ),
    },
)

_SQUARE_ROOT = closed_form(
    "repetition.square-root",
    on={T: Integers(1, 40), (p, x, y): UNIT, (s, u, v): Interval(-2, 2)},
    steps={
        "repetition.energy-variance": equal(T * (p * y - (p * x) ** 2), (y / x - p * x) * (T * p * x)),
        "repetition.cancellation": equal(
            (x + s) - (p * (x + u) + (1 - p) * (x + v)), s - p * u - (1 - p) * v, {x: Interval(1, 9)}
        ),
    },
)
