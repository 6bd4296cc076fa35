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
    "How often datapoints share a feature",
    assumptions="features are present independently with probability $p$; empty datapoints are drawn again",
    source="the data distribution is that of Henighan et al. 2023; the counts are ours",
    steps={
        "scales.two-disjoint": (
            equal(1 - Product(1 - p**2, (j, 1, n)), 1 - (1 - p**2) ** n),
            {p: DENSITY, n: Integers(1, 20)},
            "A feature is in both datapoints with probability $p^2$; all $n$ miss independently. Neither is then "
            "empty, so given that neither is, divide by $(1 - (1 - p)^n)^2$.",
        ),
        "scales.overlap-order": (
            at_most(n * p**2 - (1 - (1 - p**2) ** n), n * (n - 1) * p**4 / 2),
            {p: Interval("1/64", 1), n: Integers(1, 20)},
            "Bonferroni's inequality: $n p^2$ is the probability up to $n^2p^4/2$.",
        ),
        "scales.expected-overlaps": (
            equal(Sum(j, (j, 1, T - 1)), T * (T - 1) / 2),
            {T: Integers(1, 40)},
            "Datapoint $j + 1$ has $j$ earlier ones; expectations add up whether pairs are independent or not.",
        ),
        "scales.disjoint-probability": (
            equal((1 - p) ** T + T * p * (1 - p) ** (T - 1), (1 - p) ** (T - 1) * (1 + (T - 1) * p)),
            {p: DENSITY, T: Integers(1, 20)},
            "All supports are disjoint when every feature is in no datapoint or in one; features are independent.",
        ),
        "scales.disjoint-filled": (
            equal(
                (1 - p**2) ** n - 2 * (1 - p) ** n + (1 - p) ** (2 * n),
                (1 - (1 - p) ** n) ** 2 - (1 - (1 - p**2) ** n),
            ),
            {p: DENSITY, n: Integers(1, 20)},
            "That none is empty besides, by inclusion and exclusion over $j$ empty ones: their features are absent "
            "there, and the others' supports disjoint, with probability $((1 - p)^{T - 1}(1 + (T - 1 - j)p))^n$. "
            r"At $T = 2$ this is the left side, and the right side is what the first step leaves. For $n \lt T$ it "
            "is 0: $T$ disjoint supports need $T$ features.",
        ),
    },
    conclusion=r"A pair overlaps with probability $(1 - (1 - p^2)^n)/(1 - (1 - p)^n)^2 \approx n p^2$, $T(T - 1)/2$ "
    r"times that many pairs are expected, and no pair overlaps with probability $\sum_j (-1)^j C(T, j) "
    r"((1 - p)^{T - 1}(1 + (T - 1 - j)p))^n/(1 - (1 - p)^n)^T$, which is 0 for $n \lt T$.",
)

DERIVATIONS = (_OVERLAP,)
