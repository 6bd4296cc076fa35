"""The arithmetic bound of the dense kernel, and how much of it the kernel reaches. Per pair of a feature and a
datapoint the kernel needs 3m multiply-adds, one max and one add. The bound is the rate of just this mix, with every
operand in a register and nothing waited for: no loads, no stores, and more chains than latencies. Both are timed on
one core in turns, in slices shorter than a time slice of the scheduler; the fastest of many counts, as a busy machine
only slows.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from numerics.engines.cpu import kernels
from numerics.engines.cpu.compilation import INLINE
from numerics.engines.cpu.interaction import sum_pairs
from numerics.engines.cpu.pairs import REGISTER, REGISTERS, scratch_size
from numerics.engines.cpu.simd import from_source

#: Features and datapoints of one timed call of the kernel: below a millisecond for m <= 20.
_FEATURES, _POINTS = 1024, 1000

#: Vectors of pairs in a round of the mix: chains of one add and one max each.
_VECTORS = 4


@cache
def _mix(m: int, lanes: int) -> Any:
    """The operation mix: multiply-adds on half of the registers in turns, each of which depends on the last."""
    chains = REGISTERS // 2
    lines = ["def mix(numbers, rounds):", "    w, h = splat(numbers[0]), splat(numbers[1])"]
    lines += [f"    a{j} = splat(numbers[{2 + j}])" for j in range(chains)]
    lines += [f"    s{j} = splat(numbers[{2 + j}])" for j in range(_VECTORS)]
    lines.append("    for _ in range(rounds):")
    for j in range(_VECTORS):
        at = [k % chains for k in range(3 * m * j, 3 * m * (j + 1))]
        lines += [*(f"        a{k} = fma(a{k}, w, h)" for k in at), f"        s{j} = relu(add(s{j}, h))"]
    lines.append("    s = s0")
    lines += [f"    s = add(s, a{j})" for j in range(chains)] + [
        f"    s = add(s, s{j})" for j in range(1, _VECTORS)
    ]
    return from_source("mix", [*lines, "    return total(s)"], lanes)


def _mix_call(m: int, dtype: np.dtype[Any]) -> tuple[Callable[[], Any], int]:
    """A call of the mix of about a quarter of a millisecond, and its number of pairs."""
    lanes, rounds = REGISTER // dtype.itemsize, max(1, 20_000 // m)
    numbers = np.linspace(-2.0, 2.0, 2 + REGISTERS // 2).astype(dtype)
    numbers[:2] = 0.5, -0.25  # all chains tend to numbers of ordinary size
    mix = _mix(m, lanes)
    return lambda: mix(numbers, rounds), rounds * _VECTORS * lanes


def _kernel_call(m: int, dtype: np.dtype[Any]) -> tuple[Callable[[], Any], int]:
    random = np.random.default_rng(0)
    parameters, hidden = (
        random.normal(size=(rows, size)).astype(dtype) for rows, size in ((m + 1, _FEATURES), (m, _POINTS))
    )
    gradients, pulled = np.zeros_like(parameters), np.zeros_like(hidden)[None]
    scratch = np.zeros((1, scratch_size(m)), dtype)
    rows, sums = tuple(parameters), tuple(gradients)
    return lambda: sum_pairs(None, rows, hidden, sums, pulled, scratch), _FEATURES * _POINTS


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


def check_mix(m: int = 3, rounds: int = 4) -> None:
    """AssertionError unless the mix does its operations: sums would not come out, were a loop hoisted or dropped."""
    for dtype in (np.float32, np.float64):
        numbers = np.arange(2 + REGISTERS // 2, dtype=dtype)
        numbers[:2] = 0.5, -0.25
        a, s = numbers[2:].copy(), numbers[2 : 2 + _VECTORS].copy()
        for k in range(rounds * _VECTORS * 3 * m):
            place = k % (_VECTORS * 3 * m) % len(a)
            a[place] = a[place] * numbers[0] + numbers[1]
        for _ in range(rounds):
            s = np.maximum(s + numbers[1], 0)
        lanes = REGISTER // numbers.itemsize
        expected = lanes * (s.sum() + a.sum())
        np.testing.assert_allclose(_mix(m, lanes)(numbers, rounds), expected, rtol=100 * np.finfo(dtype).eps)


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
