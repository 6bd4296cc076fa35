"""Milliseconds per training step: the compiled engine beside the plain torch loop, and the machine both run on.

Every measurement is a process of its own, because allocator settings are read when one starts. Variants take turns, and
medians over repeats are kept. `benchmarks/engines.py` measures more.
"""

import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numerics.data import draw_dataset
from numerics.engines import EngineName, Trajectory, start_trajectory
from numerics.engines.cpu.trajectory import uses_all_cores
from numerics.starts import draw_start
from theory.setting import Setting

#: Steps before the early state is timed: code is compiled, memory touched, Adam's first steps are over.
EARLY_STEPS = 20

#: The memory thresholds of glibc, raised: it keeps large arrays instead of returning them at every step.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
}

#: What tells rows of a table apart.
WHERE = ("n", "T", "m", "state")


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes (n, T, m) to measure, and how: ``late`` counts steps before the late state, ``seconds`` are per timing."""

    sizes: tuple[tuple[int, int, int], ...]
    late: int
    seconds: float
    repeats: int


#: About ten minutes on two quiet cores.
FULL = Plan(
    sizes=(*((10_000, T, 2) for T in (10, 100, 1_000, 10_000)), *((10_000, 1_000, m) for m in (3, 4, 10))),
    late=5_000,
    seconds=1.5,
    repeats=3,
)

#: Under a minute; sizes are smaller, and one timing is no median.
QUICK = Plan(sizes=((2_000, 10, 2), (2_000, 200, 2)), late=500, seconds=0.2, repeats=1)


def describe_machine() -> dict[str, Any]:
    """Processor, cores, load (None where the system does not say) and versions."""
    import llvmlite
    import numba
    import numpy as np
    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    versions = {module.__name__: module.__version__ for module in (torch, numba, llvmlite, np)}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    facts = {"cpu": name, "cores": os.cpu_count(), "load": load, "system": platform.platform()}
    return facts | {"python": platform.python_version()} | versions


def setting_of(n: int, T: int, m: int) -> Setting:
    """The paper's setting at this size, with ten features per datapoint on average."""
    return Setting(T=T, n=n, m=m, sparsity=max(0.0, 1 - 10 / n))


def started(engine: EngineName, setting: Setting, steps: int) -> Trajectory:
    """A trajectory of the setting after so many steps."""
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    trajectory.advance(steps)
    return trajectory


def ms_per_step(trajectory: Any, seconds: float, last: int, grain: int = 1) -> float:
    """Milliseconds per step over some seconds, or up to step ``last``. A call takes a tenth of the time, so that
    waiting for a device at its end costs nothing, and a multiple of ``grain`` steps.
    """
    first, start = trajectory.step, time.perf_counter()
    while True:
        steps, elapsed = trajectory.step - first, time.perf_counter() - start
        if elapsed >= seconds or trajectory.step >= last:
            return float(elapsed / steps * 1e3)
        chunk = max(1, int(steps / elapsed * seconds / 10) // grain) * grain if steps else grain
        trajectory.advance(min(trajectory.step + chunk, last))


def measure_plain(n: int, T: int, m: int, seconds: float) -> dict[str, float]:
    """Milliseconds per step of the plain torch loop."""
    setting = setting_of(n, T, m)
    return {"plain": ms_per_step(started("reference", setting, 1), seconds, setting.steps)}


def measure_speed(n: int, T: int, m: int, seconds: float, late: int) -> dict[str, float]:
    """Milliseconds per step of the cpu engine early and, unless ``late`` is 0, after so many steps. ``engine`` is one
    run alone; ``all_cores`` is per run when every core has one, the same for large runs.
    """
    setting, answer = setting_of(n, T, m), dict[str, float]()
    seeds = range(1 if uses_all_cores(n, T, m) else os.cpu_count() or 1)
    runs = [started("cpu", setting.replace(seed=seed), EARLY_STEPS) for seed in (0, *seeds)]
    # Early steps may use up half of them: small sizes would reach the end before they are late.
    for suffix, last in (("", setting.steps // 2), ("_late", setting.steps))[: 1 + (late > 0)]:
        if suffix:
            for each in runs:
                each.advance(max(each.step, late))
        answer[f"engine{suffix}"] = answer[f"all_cores{suffix}"] = ms_per_step(runs[0], seconds, last)
        if len(seeds) > 1:
            with ThreadPoolExecutor(len(seeds)) as pool:
                times = list(pool.map(lambda each, last=last: ms_per_step(each, seconds, last), runs[1:]))
            answer[f"all_cores{suffix}"] = statistics.mean(times) / len(times)
    return answer


def run(plan: Plan, progress: Callable[[str], None] = lambda line: None) -> Iterator[dict[str, Any]]:
    """Measure a plan, row by row, two for each size, and tell ``progress``; RuntimeError when a process fails.

    n, T, m, state : the size, and early, after `EARLY_STEPS`, or late, after ``late`` steps of the paper's schedule.
    default, tuned : the plain torch loop (the reference engine) with glibc's own memory thresholds and with raised
        ones, which keep it from returning and faulting its n-by-T arrays at every step.
    engine, all_cores : the cpu engine, one run alone and per run when every core has one.
    default_ratio, tuned_ratio : the plain loop over the latter.
    gigapairs : n·T per nanosecond there, summed one by one or not.
    """
    for n, T, m in plan.sizes:
        size = {"n": n, "T": T, "m": m}
        progress(f"n = {n}, T = {T}, m = {m}")
        timed, found = size | {"seconds": plan.seconds}, []
        for _ in range(plan.repeats):
            answer = in_process(measure_speed, timed | {"late": plan.late})
            answer["default"] = in_process(measure_plain, timed)["plain"]
            answer["tuned"] = in_process(measure_plain, timed, TUNED)["plain"]
            found.append(answer)
        median = {name: statistics.median(answer[name] for answer in found) for name in found[0]}
        plain = {name: median[name] for name in ("default", "tuned")}
        for state, suffix in (("early", ""), ("late", "_late")):
            shared = median[f"all_cores{suffix}"]
            own = {"engine": median[f"engine{suffix}"], "all_cores": shared}
            ratios = {f"{name}_ratio": ms / shared for name, ms in plain.items()}
            yield size | {"state": state} | plain | own | ratios | {"gigapairs": n * T / shared / 1e6}


def in_process(
    measure: Callable[..., dict[str, float]],
    request: dict[str, Any],
    environment: dict[str, str] | None = None,
) -> dict[str, float]:
    """What a measurement returns in a fresh process, which starts with ``environment`` besides this one's."""
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(measure, **request).result()
    except Exception as error:  # noqa: BLE001 (whatever a measurement raises, or the death of its process)
        reason = " ".join(str(error).split())
        raise RuntimeError(f"{measure.__name__} of {request} failed: {reason}") from None
    finally:
        os.environ.clear()
        os.environ.update(before)


def results_csv(tables: dict[str, list[dict[str, Any]]], machine: dict[str, Any]) -> str:
    """One line per number, ``table,n,T,m,state,quantity,value``, below a comment that describes the machine."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines = [f"# {facts}; early: {EARLY_STEPS} steps", "table,n,T,m,state,quantity,value"]
    for table, row in ((table, row) for table, rows in tables.items() for row in rows):
        where = [table, *(str(row.get(name, "")) for name in WHERE)]
        found = {name: value for name, value in row.items() if name not in WHERE}
        lines += [",".join([*where, name, f"{value:.6g}"]) for name, value in found.items()]
    return "\n".join(lines) + "\n"
