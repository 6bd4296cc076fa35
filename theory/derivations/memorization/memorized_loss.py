"""The loss on fresh datapoints of a model that memorizes data with disjoint supports."""

from sympy import cos, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol
from theory.symbolic import overlap_gain

T, u, v, x, y, t, r, s, phi = symbol("T u v x y t r s phi")

UNIT = Interval(0, 1)

_TEST_LOSS = closed_form(
    "memorization.test-loss",
    on={
        (x, y, u, v, s): UNIT,
        t: Interval(0, 2),
        phi: Interval("1/8", "3/2"),
        T: Integers(2, 40),
        r: Interval("1/2", 8),
    },
    steps={
        "memorization.test-loss-point": equal(
            (x - t * cos(phi)) ** 2 + (y - t * sin(phi)) ** 2,
            x**2 + y**2 - 2 * t * (x * cos(phi) + y * sin(phi)) + t**2,
        ),
        "memorization.simplex-test-loss": equal(
            (1 - 1 / T) * u - v / T + 1 - (1 - 1 / T), u + (1 - (u + v)) / T
        ),
        "memorization.test-loss-neighbour": equal(
            cos(2 * pi / T) / (1 - cos(2 * pi / T)) * u + 1 - 1 / (1 - cos(2 * pi / T)),
            -(1 / (1 - cos(2 * pi / T)) - 1) * (1 - u),
            {T: Integers(4, 40)},
        ),
        "memorization.tgon-test-loss": equal(
            2 * u * (1 - r * (1 - u)) - (1 - r * (1 - u)) ** 2, overlap_gain(r, u)
        ),
        "memorization.test-loss-gain": equal(
            (1 - s / r) ** 2 - (r - 1) ** 2 * (s / r) ** 2, (1 - s) * (1 + s - 2 * s / r), {r: Interval(1, 8)}
        ),
    },
)
