"""The router names the law of data."""

import math
import re

import numpy as np
import pytest

from theory import polygon, route


def unit_columns(X):
    X = X[:, X.sum(axis=0) > 0]
    return X / np.linalg.norm(X, axis=0)


def one_hot(values, n=8, seed=0):
    X = np.zeros((n, len(values)))
    X[np.random.default_rng(seed).integers(0, n, len(values)), np.arange(len(values))] = values
    return X


def sparse(n, T, density, seed=0):
    generator = np.random.default_rng(seed)
    return unit_columns(generator.random((n, T)) * (generator.random((n, T)) < density))


def test_six_binary_points_are_the_tgon_not_the_uniform_hexagon():
    data = route(np.eye(6))
    assert data.law.kind == route([[2.0]]).law.kind == "constant"
    six = polygon(6, data.law, n=data.n)
    assert math.sqrt(six.radius_squared) == pytest.approx(math.sqrt(2), rel=1e-14)
    assert six.bias == pytest.approx(-1, rel=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_each_law_is_recognised(seed):
    generator = np.random.default_rng(seed)
    assert route(one_hot(np.full(30, 0.7))).law.atoms[0] == pytest.approx(0.7)
    uniform, chance = route(one_hot(generator.random(2_000))), math.log(2e6) / 2
    assert uniform.law.kind == "uniform"
    assert f"allowed {math.sqrt(chance / 2_000):.3f}" in uniform.evidence, "1e-6 by chance (DKW)"
    X = sparse(100, 2_000, 0.02, seed)
    data, allowed = route(X), math.sqrt(chance / X.shape[1]) + 2 / math.sqrt(np.count_nonzero(X))
    assert data.law.kind == "normalized"
    assert f"allowed {allowed:.3f}" in data.evidence
    sparsity = float(re.search(r"n = 100, S = ([\d.]+)", data.law.name)[1])
    assert sparsity == pytest.approx(0.98, abs=4 * 0.02 / math.sqrt(np.count_nonzero(X)))


def test_near_misses_are_samples():
    generator = np.random.default_rng(1)
    assert route(one_hot(generator.random(2_000) ** 2)).law.kind == "samples"
    assert route(one_hot(generator.random(2_000) / 2)).law.kind == "samples"
    assert route(generator.random((8, 500))).law.kind == "samples", "norms are not 1"
    mask = generator.random((50, 2_000)) < 0.1
    assert route(unit_columns(mask.astype(float))).law.kind == "samples", "binary before scaling"


def test_a_stored_dataset_is_routed_like_its_dense_array():
    class Columns:
        n, indptr, values = 3, [0, 1, 2, 3], [1.0, 1.0, 1.0]

    assert route(Columns()).law.kind == route(np.eye(3)).law.kind == "constant"
