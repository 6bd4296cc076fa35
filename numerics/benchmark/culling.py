"""Times of culled steps beside dense ones, and the costs that decide between them.

    python -m numerics.benchmark.culling --T 300,1000,3000 --after 200,1000

trains each T with the paper's setting (n = 10 000, m = 2, float32, seed 0) on one thread, and at each number of steps
runs both variants of the same steps in turns: the table has the least and the median microseconds of a step, of
processor time, so that other programs count little. Then it fits `interaction.CUT_PAIR` and ``GROUP_COST`` to the times
of the sums over pairs alone. About a minute for each T below 1000; T = 10 000 takes longer.

    python -m numerics.benchmark.culling --m 3,4,10 --T 1000,3000 --after 200,1000,3000,8000

times candidate lists in the same way, a hundred steps a turn, so that their renewals are counted.
"""

from __future__ import annotations

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
from numerics.engines.cpu import kernels
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.candidate_sums import count_listed
from numerics.engines.cpu.candidates import Listing
from numerics.engines.cpu.interaction import CUT, classify, sum_culled
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.trajectory import CpuTrajectory
from numerics.starts import draw_start
from theory.setting import Setting

__all__ = ["Comparison", "compare_variants", "fit_costs", "time_lists"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Microseconds of a step, and of its sums over pairs alone, each variant in turns; and what was counted."""

    T: int
    step: int
    culled_step: tuple[float, ...]
    dense_step: tuple[float, ...]
    culled_sums: tuple[float, ...]
    dense_sums: tuple[float, ...]
    cut: int
    groups: int
    leaves: int


def _in_turns(calls: list[Callable[[], int]], turns: int) -> list[tuple[float, ...]]:
    """Microseconds of processor time per unit of work that each call reports, for every turn."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(turns + 1):
        for call, found in zip(calls, times, strict=True):
            start = time.process_time()
            done = call()
            if turn:  # the first may compile
                found.append((time.process_time() - start) / done * 1e6)
    return [tuple(found) for found in times]


def _step_times(trajectory: CpuTrajectory, steps: int, turns: int) -> list[tuple[float, ...]]:
    """Microseconds of culled and of dense steps, taken from the state the trajectory is in, again and again."""
    held, begin = trajectory._held, trajectory.step
    before = [rows.copy() for rows in held.rows]

    def take(culled: bool) -> int:
        held.arrangement = replace(held.arrangement, culled=culled)
        for rows, old in zip(held.rows, before, strict=True):
            rows[:] = old
        trajectory.step = begin
        return max(trajectory._run(begin + steps) - begin, 1)

    return _in_turns([lambda: take(True), lambda: take(False)], turns)


def _arranged(trajectory: CpuTrajectory) -> tuple[NDArray[Any], NDArray[Any]]:
    """Parameters of the features that are awake and hidden vectors, freshly arranged."""
    trajectory._arrange()
    held = trajectory._held
    hidden = np.take(trajectory._hidden(), held.arrangement.points, axis=1).astype(held.rows[0].dtype)
    return np.ascontiguousarray(held.rows[0][:, : held.arrangement.awake]), hidden


def compare_variants(trajectory: CpuTrajectory, turns: int = 20) -> Comparison:
    """Time both variants from the state of an m = 2 trajectory."""
    parameters, hidden = _arranged(trajectory)
    culling = trajectory._work.culling
    repeats = max(1, 2_000_000 // int(hidden.shape[1] * parameters.shape[1]))
    rows, gradients = kernels.as_rows(parameters), kernels.as_rows(np.zeros_like(parameters))
    pulled, scratch = np.zeros_like(hidden), np.zeros(kernels.scratch_size(2), hidden.dtype)

    def culled() -> int:
        for _ in range(repeats):
            sum_culled(rows, hidden, culling, gradients, pulled)
        return repeats

    def dense() -> int:
        for _ in range(repeats):
            kernels.sum_pairs(rows, hidden, gradients, pulled, scratch)
        return repeats

    kinds = classify(parameters, hidden, culling)
    culled_sums, dense_sums = _in_turns([culled, dense], turns)
    culled_step, dense_step = _step_times(trajectory, repeats, turns)
    return Comparison(
        T=hidden.shape[1],
        step=trajectory.step,
        culled_step=culled_step,
        dense_step=dense_step,
        culled_sums=culled_sums,
        dense_sums=dense_sums,
        cut=int((kinds == CUT).sum()),
        groups=kinds.shape[0],
        leaves=kinds.shape[1],
    )


def time_lists(trajectory: CpuTrajectory, turns: int = 6) -> tuple[list[tuple[float, ...]], float]:
    """Microseconds of a step with lists, and of one without, in turns; the share of all pairs that lists begin with."""
    parameters, hidden = _arranged(trajectory)
    listing = trajectory._work.culling
    assert isinstance(listing, Listing)
    share = count_listed(parameters, hidden, listing) / (parameters.shape[1] * hidden.shape[1])
    return _step_times(trajectory, 100, turns), share


def fit_costs(comparisons: list[Comparison]) -> tuple[float, float]:
    """(CUT_PAIR, GROUP_COST) that fit the least times of the sums, each error relative to its time."""
    pair = np.median([min(c.dense_sums) / (c.groups * GROUP * c.T) for c in comparisons])
    counted = np.array([[c.cut * GROUP * LANES, c.groups] for c in comparisons], dtype=float)
    spent = np.array([min(c.culled_sums) for c in comparisons]) / pair
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
    for m, T in itertools.product(*(vars(options)[name] for name in ("m", "T"))):
        setting = Setting(T=T, m=m)
        trajectory = CpuTrajectory(setting, draw_dataset(setting), *draw_start(setting))
        for after in options.after:
            trajectory.advance(after)
            state = trajectory.parameters(), *trajectory.moments()
            trajectory.restore(after, *state)
            if m == 2:
                found.append(result := compare_variants(trajectory))
                times = [result.culled_step, result.dense_step]
                share = result.cut / (result.groups * result.leaves)
            else:
                times, share = time_lists(trajectory)
            trajectory.restore(after, *state)
            culled, dense = (f"{min(part):8.0f} ({np.median(part):.0f})" for part in times)
            share_of = "cut" if m == 2 else "listed"
            print(
                f"m {m} T {T} step {after} culled {culled} dense {dense} {share_of} {share:.3f}", flush=True
            )
    if found:
        print("CUT_PAIR, GROUP_COST =", ", ".join(f"{cost:.3g}" for cost in fit_costs(found)))


if __name__ == "__main__":
    numba.set_num_threads(1)
    _main()
