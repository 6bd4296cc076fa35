"""The sea: its gain against an explicit model of ReLU outputs, its optimum against another search."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from theory.features.amplitudes import normalized, samples, uniform
from theory.features.free_bias import best_free_bias, ring_gain
from theory.features.sea import bands_gain, best_sea, ring_with_sea, sea_gain
from theory.polygon_geometry import interference_sum, polygon_vertices


def explicit_gain(k, radius_squared, bias, columns, energy, law):
    """The gain, n − loss/E a² of the model with these columns, feature by feature through ReLU(Wᵀ W x + b)."""
    copies = columns // k
    small = np.repeat(polygon_vertices(k, energy / columns), copies, axis=1)
    W = np.concatenate([polygon_vertices(k, radius_squared), small], axis=1)
    b = np.concatenate([np.full(k, bias), np.zeros(small.shape[1])])
    places, weights = law.nodes()
    gram, loss = W.T @ W, 0.0
    for a, weight in zip(places, weights, strict=True):
        loss += weight * np.sum((np.maximum(0, a * gram + b[:, None]) - a * np.eye(len(b))) ** 2)
    return len(b) - loss / law.moment(2)


@pytest.mark.parametrize("k", [4, 5, 6, 7])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_gain_is_that_of_an_explicit_model(k, share):
    law = samples(np.linspace(0.05, 1, 20) ** 1.5)
    columns, r, b = 20 * k, 0.8, -0.1
    energy = share * columns * b**2 / r
    formula = ring_gain(k, r, b, law)[0] + sea_gain(k, r, energy)
    assert explicit_gain(k, r, b, columns, energy, law) == pytest.approx(formula, abs=1e-11)


def test_beyond_silence_the_formula_is_no_longer_exact():
    law = samples(np.linspace(0.05, 1, 20))
    k, r, b, columns = 5, 0.8, -0.1, 100
    energy = 4 * columns * b**2 / r
    formula = ring_gain(k, r, b, law)[0] + sea_gain(k, r, energy)
    assert explicit_gain(k, r, b, columns, energy, law) < formula - 1e-3


def test_isotropic_directions_are_many_directions():
    """A sea on a 401-gon, larger than the vertices' formula for k ≡ 3, smaller for the pentagon."""
    for k in (5, 7):
        W = polygon_vertices(k, 0.7)
        V = polygon_vertices(401, 1.9 / 401)
        passed = np.sum(np.maximum(0, W.T @ V) ** 2) + np.sum(np.maximum(0, V.T @ V) ** 2)
        assert 2 * 1.9 - passed == pytest.approx(sea_gain(k, 0.7, 1.9, "isotropic"), abs=1e-3)
    assert sea_gain(5, 0.7, 1.9) > sea_gain(5, 0.7, 1.9, "isotropic")
    assert sea_gain(7, 0.7, 1.9) < sea_gain(7, 0.7, 1.9, "isotropic")


@pytest.mark.parametrize("directions", ["vertices", "isotropic"])
@pytest.mark.parametrize("k", [3, 5, 6, 9])
def test_the_best_sea_is_best(k, directions):
    for r in (0.2, 0.6, 1.0, 3.0):
        best = best_sea(k, r, directions)
        value = sea_gain(k, r, best, directions)
        assert all(sea_gain(k, r, q, directions) <= value + 1e-15 for q in np.linspace(0, 4, 41))
        passed = interference_sum(k) if directions == "vertices" else k / 4
        room = max(0, 2 - passed * r)
        assert value == pytest.approx(k * room**2 / (4 * passed), abs=1e-14)
    assert best_sea(5, 0.75, "isotropic") / 2 == pytest.approx(2 - 5 * 0.75 / 4)


@pytest.mark.parametrize(("k", "columns"), [(5, 100), (5, 1_000), (6, 300)])
def test_another_search_over_three_numbers_finds_nothing_better(k, columns):
    law = uniform()
    found = ring_with_sea(k, law, columns)
    assert found.gradient < 1e-9
    assert found.curvature < 0

    def loss(z):
        r, b, q = z
        return -(ring_gain(k, r, b, law)[0] + sea_gain(k, r, q))

    silent = {"type": "ineq", "fun": lambda z: columns * z[1] ** 2 / z[0] - z[2]}
    for start in ((0.8, -0.1, 1.0), (1.3, -0.3, 0.1), (0.6, -0.05, 2.0)):
        other = minimize(
            loss, start, method="SLSQP", constraints=[silent], bounds=[(0.1, 6), (-3, 0), (0, 4)]
        )
        feasible = silent["fun"](other.x) >= -1e-8
        assert not feasible or -other.fun <= found.gain + 1e-6
    assert math.isclose(found.sea_energy / columns * found.radius_squared, found.bias**2, rel_tol=1e-9)


def test_the_unit_of_amplitudes_does_not_matter():
    one, half = (ring_with_sea(5, samples(unit * np.linspace(0.05, 1, 20)), 100) for unit in (1.0, 0.5))
    assert (half.gain, half.radius_squared, half.sea_energy, 2 * half.bias) == pytest.approx(
        (one.gain, one.radius_squared, one.sea_energy, one.bias), rel=1e-6
    )


def test_the_sea_decides_for_the_pentagon():
    """Few columns: the lone hexagon. From about fifty on the pentagon with its sea, at every number above."""
    law = normalized()
    alone = best_free_bias(6, law).gain
    assert ring_with_sea(5, law, 40).gain < alone == pytest.approx(ring_with_sea(6, law, 40).gain)
    for columns in (60, 1_000):
        gains = {k: ring_with_sea(k, law, columns).gain for k in range(4, 8)}
        assert max(gains, key=gains.get) == 5, columns
        assert gains[5] > alone


@pytest.mark.parametrize("k", [4, 5, 6])
def test_many_columns_approach_two_bands(k):
    limit = bands_gain(k, 2)
    gaps = [limit - ring_with_sea(k, normalized(), 10.0**power).gain for power in (4, 6, 8)]
    assert 0 < gaps[2] < gaps[1] < gaps[0]
    assert gaps[1] / gaps[2] == pytest.approx(10, rel=0.1), "the gap closes like 1/√N"


@pytest.mark.parametrize("bands", [1, 2, 3, 7])
def test_bands_by_solving_the_linear_system(bands):
    shared = interference_sum(5) / 5
    cost = shared * (np.eye(bands) + np.ones((bands, bands)))
    energies = np.linalg.solve(cost, np.full(bands, 2.0))
    assert 2 * energies.sum() - energies @ cost @ energies / 2 == pytest.approx(
        bands_gain(5, bands), rel=1e-13
    )
