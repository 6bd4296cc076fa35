"""One measurement of the benchmark in a process of its own: `python -m numerics.benchmark.process REQUEST`.

Allocator settings are read when a process starts, and memory of a process only ever peaks once; so every measurement
gets a fresh one. REQUEST and the answer on stdout are JSON.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numerics.data import draw_dataset
from numerics.engines import EngineName, Trajectory, start_trajectory
from numerics.engines.cpu import trajectory as cpu
from numerics.starts import draw_start
from theory.setting import Setting

__all__ = ["benchmark_setting", "measure_memory", "measure_speed"]

#: Steps before the early state is timed: code is compiled, memory touched, Adam's first steps are over.
EARLY_STEPS = 20


def benchmark_setting(n: int, T: int, m: int) -> Setting:
    """The paper's setting at this size, with ten features per datapoint on average."""
    return Setting(T=T, n=n, m=m, sparsity=max(0.0, 1 - 10 / n))


def _start(engine: EngineName, setting: Setting, steps: int) -> Trajectory:
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    trajectory.advance(steps)
    return trajectory


def _ms_per_step(trajectory: Trajectory, seconds: float, last: int) -> float:
    first, start = trajectory.step, time.perf_counter()
    while True:
        steps, elapsed = trajectory.step - first, time.perf_counter() - start
        if elapsed >= seconds or trajectory.step >= last:
            return elapsed / steps * 1e3
        chunk = max(1, int(steps / elapsed * seconds / 10)) if steps else 1
        trajectory.advance(min(trajectory.step + chunk, last))


def _ms_on_all_cores(trajectories: list[Trajectory], seconds: float, last: int) -> float:
    """Milliseconds per step and run when every core has a run."""
    with ThreadPoolExecutor(len(trajectories)) as pool:
        times = list(pool.map(lambda each: _ms_per_step(each, seconds, last), trajectories))
    return statistics.mean(times) / len(trajectories)


def measure_speed(request: dict[str, Any]) -> dict[str, float]:
    """Milliseconds per step of what the request asks for: engine, its state after ``late`` steps, plain loop."""
    setting = benchmark_setting(request["n"], request["T"], request["m"])
    seconds, last = request["seconds"], setting.steps
    half = last // 2  # what early steps may use up: small sizes would reach the end before they are late
    answer: dict[str, float] = {}
    if request["engine"]:
        trajectory = _start("cpu", setting, EARLY_STEPS)
        answer["engine"] = answer["all_cores"] = _ms_per_step(trajectory, seconds, half)
        if request["late"]:
            trajectory.advance(max(trajectory.step, request["late"]))
            answer["engine_late"] = answer["all_cores_late"] = _ms_per_step(trajectory, seconds, last)
        if not cpu.uses_all_cores(setting.n, setting.T, setting.m):
            cores = range(os.cpu_count() or 1)
            several = [_start("cpu", setting.replace(seed=seed), EARLY_STEPS) for seed in cores]
            answer["all_cores"] = _ms_on_all_cores(several, seconds, half)
            if request["late"]:
                for each in several:
                    each.advance(max(each.step, request["late"]))
                answer["all_cores_late"] = _ms_on_all_cores(several, seconds, last)
    if request["plain"]:
        answer["plain"] = _ms_per_step(_start("reference", setting, 1), seconds, last)
    return answer


def measure_memory(request: dict[str, Any]) -> dict[str, float]:
    """Bytes by which the peak of this process grows when data are drawn and a few steps taken, and the non-zeros.

    The baseline has everything imported and compiled, by a tiny problem of the same hidden dimension and the same kind.
    """
    n, T, m = request["n"], request["T"], request["m"]
    usual = cpu.ALL_CORES_FROM
    cpu.ALL_CORES_FROM = 0 if cpu.uses_all_cores(n, T, m) else usual
    _start("cpu", benchmark_setting(50, 2, m), 2)
    cpu.ALL_CORES_FROM = usual
    unit = 1 if sys.platform == "darwin" else 1024
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    setting = benchmark_setting(n, T, m)
    _start("cpu", setting, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "bytes": float((peak - baseline) * unit),
        "process_bytes": float(peak * unit),
        "nonzeros": float(len(draw_dataset(setting).values)),
    }


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    measure = {"speed": measure_speed, "memory": measure_memory}[wanted["kind"]]
    print(json.dumps(measure(wanted)))
