"""Speed and memory of training: the compiled engine beside the plain torch loop, and how both grow.

Regimes: milliseconds per step of the plain torch loop (the reference engine) with glibc's own memory thresholds
("default") and with raised ones ("tuned", which keep it from returning and faulting its n-by-T arrays at every step),
and of the cpu engine: one run alone, and per run when every core has one (large runs take all cores by themselves, and
the two are the same). Cost depends on the state of training, so the engine is timed early and late: after
`EARLY_STEPS` and after ``late`` steps of the paper's schedule. "Pairs" are n·T per step, summed one by one or not. The
dense kernel alone is set against its arithmetic bound, and a step against one AdamW pass over n(m + 1) parameters.

Growth: time per pair, and peak memory per n + T + non-zeros, one size after the other.

Every measurement is a process of its own, variants take turns, and medians over repeats are kept. Nothing here fails
on a timing.
"""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numerics.benchmark.process import EARLY_STEPS

__all__ = [
    "FULL",
    "QUICK",
    "GrowthRow",
    "MemoryRow",
    "Plan",
    "SpeedRow",
    "describe_machine",
    "results_csv",
    "run",
]

_TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
}

#: (n, T, m)
Size = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes
    ----------
    regimes, growth, memory : sizes (n, T, m) of the three tables.
    late : steps before the late state.
    seconds : per timing.
    repeats : of every regime and growth timing.
    slices : short calls per kernel rate.

    """

    regimes: tuple[Size, ...]
    growth: tuple[Size, ...]
    memory: tuple[Size, ...]
    late: int
    seconds: float
    repeats: int
    slices: int


_N = 10_000

#: About a quarter of an hour on two quiet cores.
FULL = Plan(
    regimes=(
        *((_N, T, 2) for T in (10, 100, 1_000, 10_000)),
        *((_N, 1_000, m) for m in (3, 4, 10)),
    ),
    growth=(
        *((_N, T, 2) for T in (100, 1_000, 10_000, 100_000)),
        *((n, 1_000, 2) for n in (1_000, 10_000, 100_000)),
        *((_N, 1_000, m) for m in (1, 2, 5, 10, 20)),
    ),
    memory=(
        *((_N, T, 2) for T in (1_000, 10_000, 100_000)),
        *((n, 1_000, 2) for n in (100_000, 1_000_000)),
        *((_N, 1_000, m) for m in (10, 20)),
    ),
    late=5_000,
    seconds=1.5,
    repeats=3,
    slices=500,
)

#: Under a minute; sizes are smaller, and one timing is no median.
QUICK = Plan(
    regimes=((2_000, 10, 2), (2_000, 200, 2)),
    growth=((2_000, 100, 2), (2_000, 1_000, 2)),
    memory=((2_000, 10_000, 2),),
    late=500,
    seconds=0.2,
    repeats=1,
    slices=50,
)


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """Milliseconds per step of one size in one state.

    ``default_ratio`` and ``tuned_ratio`` are plain loop over engine per run on all cores; ``gigapairs`` is n·T per
    nanosecond there. ``kernel_gigapairs`` and ``bound_gigapairs`` are of the dense kernel and its arithmetic bound on
    one core, ``adamw`` is one pass over n(m + 1) parameters on one core.
    """

    n: int
    T: int
    m: int
    state: str
    default: float
    tuned: float
    engine: float
    all_cores: float
    default_ratio: float
    tuned_ratio: float
    gigapairs: float
    kernel_gigapairs: float
    bound_gigapairs: float
    kernel_share: float
    adamw: float


@dataclass(frozen=True, slots=True)
class GrowthRow:
    """Early time of one run alone: per step (ms), per pair, per multiply-add of a pair (3m of them)."""

    n: int
    T: int
    m: int
    ms: float
    ns_per_pair: float
    ps_per_multiply_add: float


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """Growth of a process's peak by a dataset and a few steps; ``n_T_bytes`` is what one float32 (n, T) array takes."""

    n: int
    T: int
    m: int
    nonzeros: int
    bytes: int
    bytes_per_item: float
    n_T_bytes: int
    process_bytes: int


Row = SpeedRow | GrowthRow | MemoryRow


def describe_machine() -> dict[str, Any]:
    """Processor, cores, load and versions."""
    import llvmlite
    import numba
    import numpy as np
    import torch

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    versions = {module.__name__: module.__version__ for module in (torch, numba, llvmlite, np)}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "load": load,
        "system": platform.platform(),
        "python": platform.python_version(),
        **versions,
    }


def run(plan: Plan, progress: Callable[[str], None] = lambda line: None) -> Iterator[Row]:
    """Measure a plan, row by row; ``progress`` is told what is being measured.

    Raises RuntimeError, in one line, when a measurement's process fails.
    """
    for size in plan.regimes:
        progress(f"n = {size[0]}, T = {size[1]}, m = {size[2]}: plain loop and engine")
        yield from _speed_rows(plan, size)
    for n, T, m in plan.growth:
        progress(f"n = {n}, T = {T}, m = {m}: engine")
        ms = _median("engine", [_speed(plan, (n, T, m), late=0) for _ in range(plan.repeats)])
        yield GrowthRow(n, T, m, ms, ms * 1e6 / (n * T), ms * 1e9 / (n * T * 3 * m))
    for n, T, m in plan.memory:
        progress(f"n = {n}, T = {T}, m = {m}: memory")
        answer = _in_process({"kind": "memory", "n": n, "T": T, "m": m})
        entries, grown = int(answer["nonzeros"]), int(answer["bytes"])
        whole = int(answer["process_bytes"])
        yield MemoryRow(n, T, m, entries, grown, grown / (n + T + entries), 4 * n * T, whole)


def _speed_rows(plan: Plan, size: Size) -> Iterator[SpeedRow]:
    from numerics.benchmark.bound import measure_adamw, measure_rate

    n, T, m = size
    found: list[dict[str, float]] = []
    for _ in range(plan.repeats):
        answer = _speed(plan, size, late=plan.late, plain=True)
        tuned = _speed(plan, size, late=0, plain=True, engine=False, environment=_TUNED)
        found.append(answer | {"tuned": tuned["plain"]})
    rate, adamw = measure_rate(m, slices=plan.slices), measure_adamw(n, m, slices=plan.slices)
    default, tuned_ms = _median("plain", found), _median("tuned", found)
    for state, suffix in (("early", ""), ("late", "_late")):
        alone, shared = _median(f"engine{suffix}", found), _median(f"all_cores{suffix}", found)
        yield SpeedRow(
            n=n,
            T=T,
            m=m,
            state=state,
            default=default,
            tuned=tuned_ms,
            engine=alone,
            all_cores=shared,
            default_ratio=default / shared,
            tuned_ratio=tuned_ms / shared,
            gigapairs=n * T / shared / 1e6,
            kernel_gigapairs=rate.kernel / 1e9,
            bound_gigapairs=rate.bound / 1e9,
            kernel_share=rate.fraction,
            adamw=adamw,
        )


def _median(name: str, found: list[dict[str, float]]) -> float:
    return statistics.median(answer[name] for answer in found)


def _speed(
    plan: Plan,
    size: Size,
    late: int,
    plain: bool = False,
    engine: bool = True,
    environment: dict[str, str] | None = None,
) -> dict[str, float]:
    n, T, m = size
    request = {"kind": "speed", "n": n, "T": T, "m": m, "seconds": plan.seconds}
    return _in_process(request | {"late": late, "plain": plain, "engine": engine}, environment)


def _in_process(request: dict[str, Any], environment: dict[str, str] | None = None) -> dict[str, float]:
    command = [sys.executable, "-m", "numerics.benchmark.process", json.dumps(request)]
    done = subprocess.run(
        command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RuntimeError(f"measuring {request} failed: {reason}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def results_csv(rows: list[Row], machine: dict[str, Any]) -> str:
    """One line per number, ``table,n,T,m,state,quantity,value``, below a comment that describes the machine."""
    lines = io.StringIO()
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines.write(f"# {facts}; early: {EARLY_STEPS} steps\n")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(["table", "n", "T", "m", "state", "quantity", "value"])
    for row in rows:
        values = asdict(row)
        where = [values.pop(name) for name in ("n", "T", "m")]
        state = values.pop("state", "")
        table = type(row).__name__.removesuffix("Row").lower()
        writer.writerows([table, *where, state, name, f"{value:.6g}"] for name, value in values.items())
    return lines.getvalue()
