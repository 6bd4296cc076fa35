"""The order in which features are held, at every size of the parameters. Warnings of NumPy are errors here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.kd_order import kd_order
from numerics.engines.cpu.state import feature_order

SIZES = st.sampled_from([0.0, 5e-324, 1e-320, 1e-200, 1e-8, 1.0, 1e38, 1e154, 1e200, 1.7e308])


def drawn(seed: int, n: int = 70) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, size=(3, n))


@given(weight=SIZES, bias=SIZES, reach=st.one_of(SIZES, st.just(np.inf)), seed=st.integers(0, 9))
@example(weight=0.0, bias=1.7e308, reach=0.0, seed=0)
@example(weight=1.7e308, bias=1.0, reach=1.7e308, seed=0)
def test_every_finite_state_is_ordered(weight: float, bias: float, reach: float, seed: int) -> None:
    parameters = drawn(seed) * np.array([weight, weight, bias])[:, None]
    assert sorted(feature_order(parameters, reach)) == list(range(parameters.shape[1]))


def plain_order(parameters: np.ndarray, reach: float) -> np.ndarray:
    """As written in a formula, for sizes whose squares and quotients are ordinary numbers."""
    size = np.sqrt((parameters[:-1] ** 2).sum(axis=0))
    onset = np.clip(-parameters[-1] / (size * reach), -2.0, 2.0)
    return kd_order(np.vstack([parameters[:-1] / size, onset]), GROUP)


@given(st.tuples(*[st.floats(1e-30, 1e30)] * 3), st.integers(0, 9))
def test_ordinary_sizes_are_ordered_by_the_formula(sizes: tuple[float, ...], seed: int) -> None:
    weight, bias, reach = sizes
    parameters = drawn(seed) * np.array([weight, weight, bias])[:, None]
    assert np.array_equal(feature_order(parameters, reach), plain_order(parameters, reach))


def test_the_formula_itself_warns_where_sizes_are_not_ordinary() -> None:
    for factors, reach in (((1e200, 1e200, 1.0), 1.0), ((0.0, 0.0, 1.0), 1.0), ((1.0, 1.0, 1e200), 1e-200)):
        with pytest.warns(RuntimeWarning):
            plain_order(drawn(0) * np.array(factors)[:, None], reach)
