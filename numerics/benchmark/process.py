"""One measurement of the benchmark in a process of its own: `python -m numerics.benchmark.process REQUEST`.

Allocator settings are read when a process starts, and memory of a process only ever peaks once; so every measurement
gets a fresh one. REQUEST and the answer on stdout are JSON.
"""

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

#: Steps before the early state is timed: code is compiled, memory touched, Adam's first steps are over.
EARLY_STEPS = 20


def _setting(n: int, T: int, m: int) -> Setting:
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


def measure_plain(n: int, T: int, m: int, seconds: float) -> dict[str, float]:
    """Milliseconds per step of the plain torch loop."""
    setting = _setting(n, T, m)
    return {"plain": _ms_per_step(_start("reference", setting, 1), seconds, setting.steps)}


def measure_speed(n: int, T: int, m: int, seconds: float, late: int) -> dict[str, float]:
    """Milliseconds per step of the cpu engine early and, unless ``late`` is 0, after so many steps.

    ``engine`` is one run alone; ``all_cores`` is per run when every core has one, the same for large runs.
    """
    setting, answer = _setting(n, T, m), dict[str, float]()
    seeds = range(1 if cpu.uses_all_cores(n, T, m) else os.cpu_count() or 1)
    runs = [_start("cpu", setting.replace(seed=seed), EARLY_STEPS) for seed in (0, *seeds)]
    # Early steps may use up half of them: small sizes would reach the end before they are late.
    for suffix, last in (("", setting.steps // 2), ("_late", setting.steps))[: 1 + (late > 0)]:
        if suffix:
            for each in runs:
                each.advance(max(each.step, late))
        answer[f"engine{suffix}"] = answer[f"all_cores{suffix}"] = _ms_per_step(runs[0], seconds, last)
        if len(seeds) > 1:
            with ThreadPoolExecutor(len(seeds)) as pool:
                times = list(pool.map(lambda each, last=last: _ms_per_step(each, seconds, last), runs[1:]))
            answer[f"all_cores{suffix}"] = statistics.mean(times) / len(times)
    return answer


def measure_memory(n: int, T: int, m: int) -> dict[str, float]:
    """Bytes by which the peak of this process grows when data are drawn and a few steps taken, and the non-zeros.

    The baseline has everything imported and compiled, by a tiny problem of the same hidden dimension and the same kind.
    """
    usual = cpu.ALL_CORES_FROM
    cpu.ALL_CORES_FROM = 0 if cpu.uses_all_cores(n, T, m) else usual
    _start("cpu", _setting(50, 2, m), 2)
    cpu.ALL_CORES_FROM = usual
    unit = 1 if sys.platform == "darwin" else 1024
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    setting = _setting(n, T, m)
    _start("cpu", setting, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nonzeros = len(draw_dataset(setting).values)
    return {"bytes": (peak - baseline) * unit, "process_bytes": peak * unit, "nonzeros": nonzeros}


MEASURES: dict[str, Any] = {"plain": measure_plain, "speed": measure_speed, "memory": measure_memory}

if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    print(json.dumps(MEASURES[request.pop("kind")](**request)))
