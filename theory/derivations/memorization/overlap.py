"""Proofs about overlap: when datapoints stop being orthonormal.

Normalisation: n features, each present with probability p in each datapoint, independently; T datapoints.
"""

from sympy import Product, Sum

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_most, equal, theorem
from theory.derivations.symbols import symbol

T, n, p, j = symbol("T n p j")

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
