"""Adam's epsilon: how long polygons get, and how many datapoints halve their reach."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.optimization.epsilon import halving_number, longest_coefficient


def flow(angle, time):
    """The bias coefficient −c of a polygon after gradient descent on length and bias from a short start."""

    def speed(_, state):
        length, c = state
        lack, overlap = 1 - length**2 - c, max(length**2 * np.cos(angle) + c, 0)
        return 4 * length * (lack - 2 * overlap * np.cos(angle)), 2 * lack - 4 * overlap

    return -solve_ivp(speed, (0, time), (0.1, 0), method="LSODA", rtol=1e-9, atol=1e-10).y[1, -1]


@pytest.mark.parametrize("time", [25, 2_500, 25_000])
def test_no_polygon_gets_longer_than_the_bound_and_the_one_it_names_nearly_does(time):
    """The whole flow stays below the valley's, the more the shorter the time; 4.51 Λ^¼ datapoints get longest."""
    bound = longest_coefficient(time, 1, 1.0)
    reached = {T: flow(2 * np.pi / T, time) for T in np.geomspace(5, 100, 31)}
    best = max(reached, key=reached.__getitem__)
    assert (1 - 2 / np.sqrt(time)) * bound < reached[best] < bound
    assert best == pytest.approx(4.51 * time**0.25, rel=0.1)


def test_at_the_halving_number_the_bound_is_half_the_reach():
    number = halving_number(25.0, 0.3, 22.12)
    assert 0.3 * longest_coefficient(25.0, 1, number) == pytest.approx(22.12 / 2)
