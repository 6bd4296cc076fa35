"""When datapoints overlap: closed forms against counting."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.memorization.overlap import (
    disjoint_probability,
    expected_overlapping_pairs,
    pair_overlap_probability,
    universal_overlap_scale,
)

PAPER = (10_000, 0.999)
SPARSITIES = st.floats(0.01, 0.9999)


@given(st.integers(1, 5_000), SPARSITIES)
def test_overlap_of_a_pair_is_one_minus_disjointness(n, sparsity):
    """To the accuracy that both state; they are probabilities, so that it is absolute too."""
    p, eps = 1 - sparsity, np.finfo(float).eps
    assert pair_overlap_probability(n, sparsity) == pytest.approx(
        1 - disjoint_probability(2, n, sparsity), abs=(n * np.log(n / p) + 16 * (1 + sparsity / p)) * eps
    )


@given(st.integers(1, 50), st.integers(1, 5_000), SPARSITIES)
def test_disjointness_lies_between_the_union_bound_and_the_worst_pair(T, n, sparsity):
    disjoint = disjoint_probability(T, n, sparsity)
    assert disjoint >= 1 - expected_overlapping_pairs(T, n, sparsity) - 1e-12
    assert disjoint <= (1.0 if T == 1 else 1 - pair_overlap_probability(n, sparsity)) + 1e-12


def test_closed_forms_agree_with_counting():
    """Fixed draws without an empty datapoint; five standard deviations of the count."""
    n, sparsity, T, draws = 8, 0.95, 3, 400_000
    present = np.random.default_rng(5).random((draws, n, T)) < 1 - sparsity
    present = present[present.any(axis=1).all(axis=1)]
    draws, counts = len(present), present.sum(axis=2)
    disjoint = np.mean(np.all(counts <= 1, axis=1))
    pairs = np.mean(np.any(present[:, :, 0] & present[:, :, 1], axis=1))
    for measured, p in (
        (disjoint, disjoint_probability(T, n, sparsity)),
        (pairs, pair_overlap_probability(n, sparsity)),
    ):
        assert abs(measured - p) <= 5 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.parametrize(
    ("T", "n", "p"), [(2, 1, 0.5), (3, 3, 0.8), (3, 9, 0.1), (5, 7, 0.01), (14, 60, 0.02)]
)
def test_disjointness_is_the_sum_over_empty_datapoints(T, n, p):
    """In rational arithmetic: the terms cancel, for n < T altogether."""
    p = Fraction(p)
    terms = (
        (-1) ** j * math.comb(T, j) * ((1 - p) ** (T - 1) * (1 + (T - 1 - j) * p)) ** n for j in range(T + 1)
    )
    expected = float(sum(terms) / (1 - (1 - p) ** n) ** T)
    assert disjoint_probability(T, n, 1 - float(p)) == pytest.approx(expected, rel=1e-11, abs=0)


def test_the_universal_scale_is_a_root_on_the_falling_side():
    root = universal_overlap_scale(*PAPER)

    def lonely(T):
        return T * math.exp(-10 * (1 - math.exp(-T / 1_000)))

    assert lonely(root) == pytest.approx(1, abs=1e-9)
    assert lonely(root * 0.9) > 1 > lonely(root * 1.1)
