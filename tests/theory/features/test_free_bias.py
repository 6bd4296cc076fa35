"""Free bias: optima under four laws, against the literature's numbers, other routes, and other searches."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad, differential_evolution

from theory.features.amplitudes import constant, normalized, samples, uniform
from theory.features.free_bias import best_free_bias, maximize, ring_gain
from theory.features.loss_budget import loss_budget
from theory.features.polygon import best_polygons, polygon

#: Length and bias of the optimum under the uniform law, its gain under the normalized one.
UNIFORM = {5: (1.17046, -0.28230), 6: (1.32053, -0.61814), 7: (1.44839, -0.96691), 8: (1.55045, -1.29119)}
NORMALIZED = {5: 4.7262, 6: 4.9630, 7: 4.9000, 8: 4.7530, 9: 4.6627}


def test_optima_have_the_known_numbers():
    for k, place in UNIFORM.items():
        best = best_free_bias(k, uniform())
        assert (round(math.sqrt(best.radius_squared), 5), round(best.bias, 5)) == place
        assert best.gradient < 1e-12
        assert best.curvature < 0
    for k, gain in NORMALIZED.items():
        best = best_free_bias(k, normalized())
        assert best.gain == pytest.approx(gain, abs=5e-5)
        assert best.gradient < 1e-10
        assert best.curvature < 0


def test_the_best_polygon_of_the_range_has_seven_uniform_and_six_normalized_vertices():
    solutions = [polygon(k, "uniform") for k in range(3, 13)]
    assert best_polygons(solutions) == {7}
    assert best_polygons(polygon(k, "normalized") for k in range(3, 11)) == {6}


def test_ten_uniform_features_know_the_golden_ratio():
    """At r = φ², b = −φ the gain is 5 and stationary, exactly in SymPy, and the search returns it."""
    r, b = sympy.symbols("r b")
    golden = (1 + sympy.sqrt(5)) / 2
    near = golden / 2
    cut = -b / r
    own = cut**3 / 3 + ((1 - r - b) ** 3 - cut**3) / (3 * (1 - r))
    gain = 10 * (1 - 3 * (own + 2 * (r * near + b) ** 3 / (3 * r * near)))
    at = {r: golden**2, b: -golden}
    assert [sympy.nsimplify(sympy.radsimp(sympy.expand(gain.diff(z).subs(at)))) for z in (r, b)] == [0, 0]
    assert sympy.radsimp(sympy.expand(gain.subs(at))) == 5
    best = best_free_bias(10, uniform())
    golden = (1 + math.sqrt(5)) / 2
    assert (best.radius_squared, -best.bias, best.gain) == pytest.approx((golden**2, golden, 5), abs=1e-9)


def test_the_atom_of_the_normalized_law_lets_the_gain_grow_with_k():
    """The T-gon stores the amplitude 1 without interference; beyond the range scanned that term wins."""
    law = normalized(100, 0.99)
    atom, k = float(law.masses[0]), 400
    r = 1 / (1 - math.cos(2 * math.pi / k))
    gain, _ = ring_gain(k, r, 1 - r, law)
    assert gain >= k * atom / law.moment(2) > best_free_bias(6, law).gain


@pytest.mark.parametrize("law", [uniform(), normalized(1_000, 0.99)], ids=lambda law: law.kind)
@pytest.mark.parametrize("k", [5, 6, 7, 9])
def test_another_search_finds_nothing_better(k, law):
    best = best_free_bias(k, law)
    found = differential_evolution(
        lambda z: -ring_gain(k, z[0], -z[0] * z[1], law)[0],
        [(0.1, k * k / 8), (-0.3, 1)],
        seed=1,
        maxiter=25,
        popsize=8,
        polish=True,
    )
    assert -found.fun <= best.gain + 1e-9


@given(
    r=st.floats(0.2, 6),
    share=st.floats(-0.3, 0.95),
    k=st.integers(1, 12),
    law=st.sampled_from([uniform(), normalized(1_000, 0.99), samples(np.linspace(0.1, 1, 7) ** 2)]),
)
@settings(max_examples=40, deadline=None)
def test_the_gradient_is_the_gain_s(r, share, k, law):
    # atoms have kinks where an output falls silent
    share = min(share, 0.0) if law.kind == "samples" else share
    place = np.array([r, -share * r])
    gain, gradient = (lambda z, part=part: ring_gain(k, *z, law)[part] for part in (0, 1))
    assert check_grad(gain, gradient, place, epsilon=1e-6) < 2e-3 * (1 + np.linalg.norm(gradient(place)))


@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize("law", ["uniform", "normalized"])
def test_up_to_four_features_are_exact(k, law):
    solution = polygon(k, law)
    assert (solution.radius_squared, solution.bias, solution.gain) == (1, 0, k)
    amplitude = uniform() if law == "uniform" else normalized()
    assert ring_gain(k, 1.0, 0.0, amplitude)[0] == pytest.approx(k, abs=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 12])
@pytest.mark.parametrize("others", [0, 2])
def test_constant_amplitudes_are_stored_exactly(k, others):
    """By the model itself on one-hot data, features off the polygon included: those must cost 1 each, and no more."""
    n = k + others
    solution, unit = polygon(k, constant(0.5), n=n), polygon(k, "constant", n=n)
    angle = 2 * np.pi * np.arange(k) / k
    W, X = np.zeros((2, n)), 0.5 * np.eye(n)
    W[:, :k] = math.sqrt(solution.radius_squared) * np.stack([np.cos(angle), np.sin(angle)])
    b = np.where(np.arange(n) < k, solution.bias, 0.0)
    loss = np.sum((np.maximum(0, W.T @ W @ X + b[:, None]) - X) ** 2) / 0.25
    assert (n - loss, solution.gain) == pytest.approx((k, k), abs=1e-12)
    assert np.linalg.norm(W) == pytest.approx(solution.weight_norm, rel=1e-14)
    assert unit.bias == 2 * solution.bias


def test_the_certificate_is_that_of_the_maximum_and_where_there_is_none_that_is_said():
    """In (ln r, b/largest), where the curvatures are −1 and −2."""

    def hill(r, b):
        x, y = math.log(r) - 0.5, b / 3 + 1
        return 3 - math.cosh(x) - 2 * math.cosh(y), -np.array([math.sinh(x) / r, 2 * math.sinh(y) / 3])

    top = maximize(hill, 3.0, 5)
    assert (top.radius_squared, top.bias, top.gain) == pytest.approx((math.exp(0.5), -3, 0), abs=1e-9)
    assert (top.gradient, top.curvature) == (pytest.approx(0, abs=1e-9), pytest.approx(-1, rel=1e-6))
    with pytest.raises(ArithmeticError, match="no start"):
        maximize(lambda r, b: (r + b, np.ones(2)), 1.0, 5)


def test_the_loss_budget():
    drawn = loss_budget()
    assert drawn.zero_output == 10_000 * drawn.feature_energy == 1
    assert 1 - drawn.bias_only == pytest.approx(7.403e-4, abs=5e-7)
    for gain, k in ((polygon(5, "free").gain, 5), (polygon(6, "normalized").gain, 6)):
        assert 0.9987 < drawn.with_features(gain, k) < 0.9989


@pytest.mark.parametrize(("n", "sparsity"), [(60, 0.95), (12, 0.4)])
def test_the_bias_only_loss_of_a_simulated_dataset(n, sparsity):
    generator, T = np.random.default_rng(2), 40_000
    X = generator.random((n, T)) * (generator.random((n, T)) > sparsity)
    X = X[:, X.sum(axis=0) > 0]
    X /= np.linalg.norm(X, axis=0)
    budget = loss_budget(n, sparsity)
    losses = np.sum((X - budget.best_bias) ** 2, axis=0)
    assert abs(losses.mean() - budget.bias_only) < 6 * losses.std() / math.sqrt(X.shape[1])
