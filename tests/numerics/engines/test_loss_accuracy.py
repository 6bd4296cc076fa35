"""Losses over very many pairs lose no accuracy: sums run over blocks, then over blocks of sums.

With W = 0 every output is max(b_i, 0), whatever the datapoint, and `math.fsum` of n terms is the exact loss of n·T
pairs. The evaluation adds at most BLOCK squares (each rounded once), then n/BLOCK block sums, then what the non-zeros
correct, and NumPy takes the mean pairwise: at most 8 + 16 + log2(T/128) additions in a row.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from numerics import Dataset
from numerics.engines.cpu.kernels import BLOCK
from numerics.engines.cpu.trajectory import point_errors
from tests.numerics.cases import EPS64, gamma


@pytest.mark.parametrize(("n", "T"), [(20_000, 50), pytest.param(100_000, 10_000, marks=pytest.mark.slow)])
def test_a_loss_over_many_pairs_is_the_exact_sum(n: int, T: int) -> None:
    random = np.random.default_rng(n)
    b = random.normal(size=n) * 10.0 ** random.integers(-6, 3, size=n)  # nine orders of magnitude
    indptr, indices = np.arange(T + 1), random.integers(n, size=T).astype(np.int32)
    data = Dataset(n, indptr, indices, np.ones(T))
    errors = point_errors(np.zeros((2, n)), b, data)
    y = np.maximum(b, 0.0)
    dense = math.fsum(y * y)
    exact = math.fsum([*([dense] * T), *(1.0 - 2.0 * y[indices])]) / T
    roundings = BLOCK + n // BLOCK + 1 + 2 + 4 + 24 + max(0.0, math.log2(T / 128))
    size = dense + float(((1.0 + y[indices].max()) ** 2) * 2)
    assert abs(errors.mean() - exact) <= gamma(math.ceil(roundings), EPS64) * size
    single = float((y.astype(np.float32) ** 2).sum(dtype=np.float32))  # control: single precision is caught
    assert abs(single - dense) > gamma(math.ceil(roundings), EPS64) * size
