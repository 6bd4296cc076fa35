"""Proofs about shared features: how often datapoints have them, and the loss of a memorizing model on fresh datapoints.

Normalisation: n features, each present with probability p in each datapoint, independently; T datapoints.
"""

from sympy import Product, Sum, cos, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_most, closed_form, equal, theorem
from theory.derivations.symbols import symbol
from theory.symbolic import overlap_gain

T, n, p, j, u, v, x, y, t, r, s, phi = symbol("T n p j u v x y t r s phi")

UNIT = Interval(0, 1)
DENSITY = Interval("1/16", "15/16")

_OVERLAP = theorem(
    "scales.pair-overlap",
    on={p: DENSITY, n: Integers(1, 20), T: Integers(1, 40)},
    steps={
        "scales.two-disjoint": equal(1 - Product(1 - p**2, (j, 1, n)), 1 - (1 - p**2) ** n),
        "scales.overlap-order": at_most(
            n * p**2 - (1 - (1 - p**2) ** n), n * (n - 1) * p**4 / 2, {p: Interval("1/64", 1)}
        ),
        "scales.expected-overlaps": equal(Sum(j, (j, 1, T - 1)), T * (T - 1) / 2),
        "scales.disjoint-probability": equal(
            (1 - p) ** T + T * p * (1 - p) ** (T - 1),
            (1 - p) ** (T - 1) * (1 + (T - 1) * p),
            {T: Integers(1, 20)},
        ),
        "scales.disjoint-filled": equal(
            (1 - p**2) ** n - 2 * (1 - p) ** n + (1 - p) ** (2 * n),
            (1 - (1 - p) ** n) ** 2 - (1 - (1 - p**2) ** n),
        ),
    },
)

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
