"""Proofs about Adam's epsilon: the mean loss as a larger one, the speed of a small gradient, how an error closes, and
how long a polygon gets in the time that is left.
"""

from sympy import Derivative, cos, exp

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, n, g, eta, epsilon, delta, p, k = symbol("T n g eta epsilon delta p k")
r, c, phi, y, z = symbol("r c phi y z")

SMALL = Interval("1/16", "1/4")
GRADIENT = Interval("1/64", 4)

_EPSILON = closed_form(
    "optimization.epsilon",
    on={
        g: GRADIENT,
        n: Integers(1, 40),
        (epsilon, eta): SMALL,
        p: Interval("1/8", "7/8"),
        delta: Interval("1/8", 1),
        T: Integers(2, 40),
        k: Interval(0, 4),
    },
    steps={
        "optimization.epsilon-mean": equal((g / n) / (g / n + epsilon), g / (g + n * epsilon)),
        "optimization.epsilon-speed": equal(
            g / epsilon - g / (g + epsilon), g**2 / (epsilon * (g + epsilon))
        ),
        "optimization.epsilon-gradient": equal(
            p * (2 * p * delta / T) + (1 - p) * (2 * (1 - p) * delta / T) + 4 * p * (1 - p) * delta / T,
            2 * delta / T,
        ),
        "optimization.epsilon-closing": equal(
            Derivative(delta * exp(-2 * k * eta / (n * epsilon * T)), k),
            -eta / (n * epsilon) * (2 * delta / T) * exp(-2 * k * eta / (n * epsilon * T)),
            {n: Integers(1, 6), epsilon: Interval("1/2", 1), T: Integers(2, 12)},
        ),
    },
)

#: Where neighbours interfere: the least loss of a datapoint over r, what c lacks of its end after a time y, and c then.
_SPREAD = 1 + 2 * cos(phi) ** 2
_VALLEY = 2 * (cos(phi) + c * (1 - cos(phi))) ** 2 / _SPREAD
_LACK = cos(phi) / (1 - cos(phi)) * exp(-4 * (1 - cos(phi)) ** 2 * y / _SPREAD)
_REACHED = _LACK - cos(phi) / (1 - cos(phi))

_LENGTH = closed_form(
    "optimization.epsilon-length",
    on={
        r: Interval(1, 9),
        c: Interval(-9, -1),
        phi: Interval("1/8", "5/4"),
        y: Interval("1/4", 9),
        z: Interval("1/4", 3),
    },
    steps={
        "optimization.epsilon-valley": equal(
            (1 - r - c) ** 2 + 2 * (r * cos(phi) + c) ** 2,
            _SPREAD * (r - (1 - c - 2 * c * cos(phi)) / _SPREAD) ** 2 + _VALLEY,
        ),
        "optimization.epsilon-creep": equal(
            Derivative(_VALLEY, c), 4 * (1 - cos(phi)) * (cos(phi) + c * (1 - cos(phi))) / _SPREAD
        ),
        "optimization.epsilon-reached": equal(
            Derivative(_LACK, y), -4 * (1 - cos(phi)) * (cos(phi) + _REACHED * (1 - cos(phi))) / _SPREAD
        ),
        "optimization.epsilon-share": equal(
            4 - 3 * (4 * cos(phi) ** 2 / _SPREAD), 4 * (1 - cos(phi) ** 2) / _SPREAD
        ),
        "optimization.epsilon-longest": equal(
            Derivative((1 - exp(-(z**2))) / z, z), ((1 + 2 * z**2) * exp(-(z**2)) - 1) / z**2
        ),
    },
)
