"""Times of culled steps beside dense ones, and the costs that decide between them.

    python benchmarks/culling.py --T 300,1000,3000 --after 200,1000

trains each T with the paper's setting (n = 10 000, m = 2, float32, seed 0) on one thread, and at each number of steps
runs both variants of the same steps in turns: the table has the least and the median microseconds of a step, of
processor time, so that other programs count little. Then it fits `interaction.CUT_PAIR` and ``GROUP_COST`` to the times
of the sums over pairs alone. About a minute for each T below 1000; T = 10 000 takes longer.

    python benchmarks/culling.py --m 3,4,10 --T 1000,3000 --after 200,1000,3000,8000

times candidate lists in the same way, a hundred steps a turn, so that their renewals are counted.
"""

import argparse
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from numerics.data import draw_dataset
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.interaction import CUT, classify, sum_pairs
from numerics.engines.cpu.pairs import scratch_size
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.trajectory import CpuTrajectory
from numerics.starts import draw_start
from theory.setting import Setting


@dataclass(frozen=True, slots=True)
class Sums:
    """Least microseconds of the sums over pairs, culled and dense; how many leaves were cut, of how many groups."""

    T: int
    culled: float
    dense: float
    cut: int
    groups: int


def _in_turns(calls: list[Callable[[], int]], turns: int) -> list[list[float]]:
    """Microseconds of processor time per unit of work that each call reports, for every turn."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(turns + 1):
        for call, found in zip(calls, times, strict=True):
            start = time.process_time()
            done = call()
            if turn:  # the first may compile
                found.append((time.process_time() - start) / done * 1e6)
    return times


def time_steps(trajectory: CpuTrajectory, steps: int, turns: int) -> list[list[float]]:
    """Microseconds of culled and of dense steps, taken from the state the trajectory is in, again and again."""
    held, begin = trajectory._held, trajectory.step
    before, awake = [rows.copy() for rows in held.rows], held.arrangement.awake

    def take(culled: bool) -> int:
        held.arrangement = replace(held.arrangement, culled=culled, awake=awake)
        for rows, old in zip(held.rows, before, strict=True):
            rows[:] = old
        trajectory.step = begin
        return max(int(trajectory._run(begin + steps)) - begin, 1)

    return _in_turns([lambda: take(True), lambda: take(False)], turns)


def _arranged(trajectory: CpuTrajectory) -> tuple[NDArray[Any], NDArray[Any]]:
    """Parameters of the features that are awake and hidden vectors, freshly arranged."""
    trajectory._arrange()
    held = trajectory._held
    hidden = trajectory._work.data.hidden(held.rows[0][:-1])[:, held.arrangement.points].astype(held.rows[0].dtype)
    return np.ascontiguousarray(held.rows[0][:, : held.arrangement.awake]), hidden


def time_sums(trajectory: CpuTrajectory, repeats: int, turns: int) -> Sums:
    """Time the sums alone, from the state of an m = 2 trajectory."""
    parameters, hidden = _arranged(trajectory)
    culling = trajectory._work.culling
    rows, gradients = tuple(parameters), tuple(np.zeros_like(parameters))
    pulled, scratch = np.zeros_like(hidden)[None], np.zeros((1, scratch_size(2)), hidden.dtype)

    def repeated(function: Callable[..., Any], *arguments: Any) -> Callable[[], int]:
        return lambda: len([function(*arguments) for _ in range(repeats)])

    kinds = classify(parameters, hidden, culling)
    calls = [
        repeated(sum_pairs, culling, rows, hidden, gradients, pulled, scratch),
        repeated(sum_pairs, None, rows, hidden, gradients, pulled, scratch),
    ]
    least, dense_least = (min(times) for times in _in_turns(calls, turns))
    return Sums(hidden.shape[1], least, dense_least, int((kinds == CUT).sum()), kinds.shape[0])


def fit_costs(found: list[Sums]) -> tuple[float, float]:
    """(CUT_PAIR, GROUP_COST) that fit the times, each error relative to its time."""
    pair = np.median([one.dense / (one.groups * GROUP * one.T) for one in found])
    counted = np.array([[one.cut * GROUP * LANES, one.groups] for one in found], dtype=float)
    spent = np.array([one.culled for one in found]) / pair
    cut_pair, group_cost = nnls(counted / spent[:, None], np.ones(len(spent)))[0].tolist()
    return cut_pair, group_cost


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("--m", "2"), ("--T", "300,1000"), ("--after", "200,1000,3000")):
        parser.add_argument(
            name, default=default, type=lambda words: [int(word) for word in words.split(",")]
        )
    options = parser.parse_args()
    found = []
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; microseconds of a step, least (median)")
    for m, T in itertools.product(options.m, options.T):
        setting = Setting(T=T, m=m)
        trajectory = CpuTrajectory(setting, draw_dataset(setting), *draw_start(setting))
        for after in options.after:
            trajectory.advance(after)
            state = trajectory.parameters(), *trajectory.moments()
            trajectory.restore(after, *state)
            pairs = T * _arranged(trajectory)[0].shape[1]
            repeats = max(1, 2_000_000 // pairs) if m == 2 else 100
            if m == 2:
                found.append(time_sums(trajectory, repeats, turns=20))
            times = time_steps(trajectory, repeats, turns=20 if m == 2 else 6)
            trajectory.restore(after, *state)
            culled, dense = (f"{min(part):8.0f} ({np.median(part):.0f})" for part in times)
            print(f"m {m} T {T} step {after} culled {culled} dense {dense}", flush=True)
    if found:
        print("CUT_PAIR, GROUP_COST =", ", ".join(f"{cost:.3g}" for cost in fit_costs(found)))


if __name__ == "__main__":
    numba.set_num_threads(1)
    _main()
