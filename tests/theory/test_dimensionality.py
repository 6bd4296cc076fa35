"""Dimensionality and leverage: definitions, bounds, invariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from theory.dimensionality import dimensionality, maximal_dimensionality

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 12))
# Integer entries: exact ranks, with zero columns, copies and rank defects among them.
MATRICES = SHAPES.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 3)))


@given(MATRICES)
def test_it_is_the_definition(V):
    norms = np.linalg.norm(V, axis=0)
    for i, expected in enumerate(dimensionality(V)):
        if norms[i] == 0:
            assert expected == 0
        else:
            assert expected == pytest.approx(norms[i] ** 2 / np.sum((V[:, i] / norms[i] @ V) ** 2), rel=1e-13)


@given(MATRICES)
def test_sums_and_bounds(V):
    D, leverage, rank = dimensionality(V), maximal_dimensionality(V), np.linalg.matrix_rank(V)
    assert np.all(D >= 0)
    assert np.all(leverage + 1e-12 >= D)
    assert np.all(leverage <= 1 + 1e-12)
    assert leverage.sum() == pytest.approx(rank, abs=1e-12)
    assert D.sum() <= rank + 1e-12


@given(MATRICES, st.integers(-300, 300), st.integers(0, 2**32 - 1))
def test_scaling_and_rotation_change_nothing(V, exponent, seed):
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(V), len(V))))
    scaled = rotation @ V * 2.0**exponent
    assert dimensionality(scaled) == pytest.approx(dimensionality(V), abs=1e-12)
    assert maximal_dimensionality(scaled) == pytest.approx(maximal_dimensionality(V), abs=1e-12)


@given(MATRICES, st.integers(2, 6))
def test_copies_share_a_dimension(V, copies):
    repeated = np.hstack([np.repeat(V[:, :1], copies, axis=1), V[:, 1:]])
    assert np.all(maximal_dimensionality(repeated)[:copies] <= 1 / copies + 1e-12)
    assert np.all(dimensionality(repeated)[:copies] <= 1 / copies + 1e-12)


@given(MATRICES, st.integers(0, 2**32 - 1))
def test_no_probe_beats_the_leverage(V, seed):
    probes = np.random.default_rng(seed).standard_normal((20, len(V))) @ V
    total = np.sum(probes**2, axis=1, keepdims=True)
    shares = np.divide(probes**2, total, out=np.zeros_like(probes), where=total > 0)
    assert np.all(shares.max(axis=0) <= maximal_dimensionality(V) + 1e-12)


@pytest.mark.parametrize("function", [dimensionality, maximal_dimensionality])
def test_vectors_without_a_direction_have_no_dimension(function):
    assert function(np.zeros((3, 4))).tolist() == [0, 0, 0, 0]
    assert function(np.zeros((3, 0))).shape == (0,)
