"""Polygons of features: interference sums, gains, and why the pentagon."""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from theory.features.polygon import best_polygons, polygon
from theory.polygon_geometry import interference_sum, polygon_vertices
from theory.symbolic import interference

LAWS = ("unit", "free")


def test_interference_sum_equals_its_exact_twin(assert_accurate):
    assert_accurate(interference_sum, lambda k: interference(k, k) if k > 2 else sympy.Integer(1), 4)


@given(st.integers(1, 2_000))
def test_interference_sum_equals_its_definition(k):
    passed = np.maximum(0, np.cos(2 * np.pi * np.arange(k) / k)) ** 2
    assert abs(interference_sum(k) - np.sum(passed)) <= 4 * k * 2**-52


@pytest.mark.parametrize("law", LAWS)
def test_the_pentagon_is_best_of_all(law):
    solutions = [polygon(k, law) for k in range(1, 2_000)]
    assert best_polygons(solutions) == {5}
    gains = np.array([solution.gain for solution in solutions])
    if law == "free":
        one_mod_four = gains[4::4]
        assert np.all(np.diff(one_mod_four[:40]) < 0), "the tail k = 5, 9, 13, ... falls"
        assert gains[-1] == pytest.approx(4, abs=1e-6)
    else:
        assert np.all(gains[7:] <= 0)


def test_gains_that_agree_to_rounding_are_equally_good():
    six = polygon(6, "free")
    assert list(six.as_dict()) == [*six.__slots__]
    for loss, best in ((1e-13, {6, 8}), (1e-11, {6})):
        assert best_polygons([six, replace(polygon(8, "free"), gain=six.gain * (1 - loss))]) == best


@given(st.integers(1, 60), st.floats(0.05, 3))
def test_no_radius_beats_the_free_one(k, radius_squared):
    """The gain at any radius, from a direct sum over outputs."""
    V = polygon_vertices(k, radius_squared)
    outputs = np.maximum(0, V.T @ V)
    gain = k - np.sum((outputs - np.eye(k)) ** 2)
    best = polygon(k, "free").gain
    assert gain <= best + 1e-12 * k * (1 + radius_squared**2)
