"""L-BFGS against SciPy's, and on functions whose minimum is known."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from theory.descent import descend


def each(function, gradient):
    return lambda points, _: (np.array(list(map(function, points))), np.array(list(map(gradient, points))))


@pytest.mark.parametrize("size", [2, 10, 60])
def test_rosenbrock_s_valley_is_followed_to_its_end(size):
    z = descend(each(rosen, rosen_der), np.full((1, size), -0.5), 1_000)[0]
    assert rosen(z) < 1e-9
    assert rosen(z) <= minimize(rosen, np.full(size, -0.5), jac=rosen_der, method="L-BFGS-B").fun + 1e-8


def test_a_start_does_not_see_the_others_and_is_told_its_place():
    starts = np.random.default_rng(0).normal(size=(5, 4))
    targets = np.arange(5.0)

    def objective(points, rows):
        away = points - targets[rows, None]
        return np.sum(away**4, axis=1), 4 * away**3

    together = descend(objective, starts, 40)
    for place in range(5):
        alone = descend(lambda z, _, at=place: objective(z, np.array([at])), starts[[place]], 40)
        assert np.array_equal(together[place], alone[0])


def test_a_kink_stops_the_descent_without_a_rise():
    """The gradient jumps at 0: the value never rises, and the search ends."""
    z = descend(each(lambda z: np.abs(z).sum(), np.sign), np.array([[1.0, -0.3]]), 200)
    assert np.abs(z).sum() <= 1.3
