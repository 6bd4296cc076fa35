"""L-BFGS against SciPy's, and on functions whose minimum is known."""

import doctest

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from numerics.least_norm import descent
from numerics.least_norm.descent import descend


@pytest.mark.parametrize("size", [2, 10, 60])
def test_rosenbrock_s_valley_is_followed_to_its_end(size):
    z = descend(lambda z: (rosen(z), rosen_der(z)), np.full(size, -0.5), 1_000)
    assert rosen(z) < 1e-9
    assert rosen(z) <= minimize(rosen, np.full(size, -0.5), jac=rosen_der, method="L-BFGS-B").fun + 1e-8


def test_an_ill_conditioned_parabola():
    scales = np.geomspace(1, 1e4, 30)
    z = descend(lambda z: (float(scales @ z**2) / 2, scales * z), np.ones(30), 500)
    assert np.max(np.abs(z)) < 1e-4


def test_a_kink_stops_the_descent_without_a_rise():
    """The gradient jumps at 0: the value never rises, and the search ends."""
    z = descend(lambda z: (float(np.abs(z).sum()), np.sign(z)), np.array([1.0, -0.3]), 200)
    assert np.abs(z).sum() <= 1.3


def test_no_step_leaves_the_start():
    start = np.array([1.0, 2.0])
    assert np.array_equal(descend(lambda z: (float(z @ z), 2 * z), start, 0), start)


def test_examples_are_true():
    assert not doctest.testmod(descent).failed
