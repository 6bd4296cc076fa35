"""The arithmetic bound of the dense kernel, and how much of it the kernel reaches. Per pair of a feature and a
datapoint the kernel needs 3m multiply-adds, one max and one add. The bound is the rate of just this mix, with every
operand in a register: independent chains long enough to hide latencies, no loads, no stores. Both are timed on one
core in turns, in slices shorter than a time slice of the scheduler; the fastest of many counts, as a busy machine only
slows.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from numerics.engines.cpu import kernels
from numerics.engines.cpu.compilation import INLINE, compiled
from numerics.engines.cpu.pairs import REGISTERS, dense_pairs, scratch_size
from numerics.engines.cpu.simd import LANES, from_source

#: Features and datapoints of one timed call of the kernel: below a millisecond for m <= 20.
_FEATURES, _POINTS = 1024, 1000

#: The operation mix in chains numbered j, of which a line with {j} is written once for each; z starts from a sum, so
#: nothing can be hoisted.
_MIX = """
def mix(numbers, m, rounds):
    w, h = splat(numbers[0]), splat(numbers[1])
    s = splat(numbers[2])
    g{j} = q{j} = splat(numbers[3 + {j}])
    for _ in range(rounds):
        y{j} = g{j}
        for k in range(m):
            y{j} = fma(w, h, y{j})
        y{j} = relu(y{j})
        s = add(s, y{j})
        for k in range(m):
            g{j} = fma(y{j}, h, g{j})
            q{j} = fma(y{j}, w, q{j})
    s = add(s, add(g{j}, q{j}))
    return total(s)
"""


@cache
def _mix(chains: int) -> Any:
    lines = _MIX.splitlines()
    written = (line.format(j=j) for line in lines for j in range(chains if "{j}" in line else 1))
    return from_source("mix", written)


def _mix_call(m: int, dtype: np.dtype[Any]) -> tuple[Callable[[], Any], int]:
    """A call of the mix of about a quarter of a millisecond, and its number of pairs."""
    chains = max(1, REGISTERS // (4 * LANES * dtype.itemsize))
    rounds = max(1, 20_000 // m)
    numbers = np.full(3 + chains, -1.0, dtype)  # z stays negative: y = 0, and no sum ever grows or gets tiny
    numbers[:2] = 1e-3, -1e-3
    mix = _mix(chains)
    return lambda: mix(numbers, m, rounds), rounds * chains * LANES


def _sum_pairs(parameters, hidden, gradients, pulled, scratch):
    """`dense_pairs` of all features, to be timed alone."""
    dense_pairs(parameters, hidden, gradients, pulled, scratch, 0, parameters[0].size)


sum_pairs = compiled(_sum_pairs, "sum_pairs")


def _kernel_call(m: int, dtype: np.dtype[Any]) -> tuple[Callable[[], Any], int]:
    random = np.random.default_rng(0)
    parameters, hidden = (
        random.normal(size=(rows, size)).astype(dtype) for rows, size in ((m + 1, _FEATURES), (m, _POINTS))
    )
    gradients, pulled = np.zeros_like(parameters), np.zeros_like(hidden)
    scratch = np.zeros(scratch_size(m), dtype)
    rows, sums = tuple(parameters), tuple(gradients)
    return lambda: sum_pairs(rows, hidden, sums, pulled, scratch), _FEATURES * _POINTS


def _fastest(calls: Sequence[Callable[[], Any]], slices: int) -> list[float]:
    """Seconds of the fastest of many calls of each, in turns."""
    best = [float("inf")] * len(calls)
    for turn in range(slices + 1):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            if turn:  # the first compiles
                best[place] = min(best[place], time.perf_counter() - start)
    return best


def check_mix(m: int = 3, rounds: int = 4, chains: int = 2) -> None:
    """AssertionError unless the mix does its operations: sums would not come out, were a loop hoisted or dropped."""
    for dtype in (np.float32, np.float64):
        numbers = np.array([0.5, 0.25, 0.0, 1.0, 2.0], dtype)
        s, g, q = 0.0, [1.0, 2.0], [1.0, 2.0]
        for _ in range(rounds):
            y = [max(each + m * 0.5 * 0.25, 0.0) for each in g]
            s += sum(y)
            g = [each + m * 0.25 * out for each, out in zip(g, y, strict=True)]
            q = [each + m * 0.5 * out for each, out in zip(q, y, strict=True)]
        expected = LANES * (s + sum(g) + sum(q))
        np.testing.assert_allclose(_mix(chains)(numbers, m, rounds), expected, rtol=100 * np.finfo(dtype).eps)
        assert np.isfinite(_mix_call(2, np.dtype(dtype))[0]())


def measure_rate(m: int, dtype: str = "float32", slices: int = 500) -> tuple[float, float]:
    """Pairs per second on one core at T = 1000, of the kernel and of its bound; the fastest of ``slices`` each."""
    calls = [_kernel_call(m, np.dtype(dtype)), _mix_call(m, np.dtype(dtype))]
    spent = _fastest([call for call, _ in calls], slices)
    kernel, bound = (pairs / seconds for (_, pairs), seconds in zip(calls, spent, strict=True))
    return kernel, bound


@njit(**INLINE)
def _adamw_pass(adamw: Any, rows: Any, first: Any, second: Any, gradients: Any, scalars: Any) -> bool:
    finite = True
    for k in range(len(rows)):
        finite &= adamw(rows[k], first[k], second[k], gradients[k], scalars, 0, rows[k].size)
    return finite


def measure_adamw(n: int, m: int, dtype: str = "float32", slices: int = 500) -> float:
    """Milliseconds of one AdamW pass over n(m + 1) parameters on one core, the fastest of ``slices``."""
    random = np.random.default_rng(0)
    rows = [tuple(random.random((m + 1, n)).astype(dtype)) for _ in range(4)]
    least = kernels.least_mean(1e-8, dtype)
    scalars = np.array([1.0, 1.0 - 1e-5, 1e-3, 1.0, 1e-8, 0.9, 0.999, 0.1, 0.001, least], dtype)
    return _fastest([lambda: _adamw_pass(kernels.adamw, *rows, scalars)], slices)[0] * 1e3
