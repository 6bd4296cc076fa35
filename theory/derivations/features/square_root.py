"""Proof that the threshold of repeats grows like the square root of the number of datapoints."""

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, p, x, y, s, u, v = symbol("T p x y s u v")

UNIT = Interval("1/8", "7/8")
DEVIATION = Interval(-2, 2)

_SQUARE_ROOT = closed_form(
    "repetition.square-root",
    on={T: Integers(1, 40), p: UNIT, x: UNIT, y: UNIT, s: DEVIATION, u: DEVIATION, v: DEVIATION},
    steps={
        "repetition.energy-variance": equal(T * (p * y - (p * x) ** 2), (y / x - p * x) * (T * p * x)),
        "repetition.cancellation": (
            equal((x + s) - (p * (x + u) + (1 - p) * (x + v)), s - p * u - (1 - p) * v),
            {x: Interval(1, 9)},
        ),
    },
)

DERIVATIONS = (_SQUARE_ROOT,)
