"""Speed and memory of training: the compiled engine beside the plain torch loop, and how both grow.

Every measurement is a process of its own, variants take turns, and medians over repeats are kept. Nothing here fails
on a timing. Rows of the three tables, all times in milliseconds per step:

speed : plain torch loop (the reference engine) with glibc's own memory thresholds (``default``) and with raised ones
    (``tuned``, which keep it from returning and faulting its n-by-T arrays at every step); the cpu engine, one run
    alone (``engine``) and per run when every core has one (``all_cores``); plain loop over the latter (``_ratio``);
    n·T per nanosecond there (``gigapairs``, summed one by one or not); the dense kernel, its arithmetic bound and their
    ratio, and one AdamW pass over n(m + 1) parameters, on one core. Cost depends on the state of training: ``state`` is
    early, after `EARLY_STEPS`, or late, after ``late`` steps of the paper's schedule.
growth : early time of one run alone: ``ms``, per pair, and per multiply-add of a pair (3m of them).
memory : growth of a process's peak by a dataset and a few steps, per n + T + non-zeros; ``n_T_bytes`` is what one
    float32 (n, T) array takes.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numerics.benchmark.process import EARLY_STEPS

_TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
}

#: (n, T, m)
Size = tuple[int, int, int]

#: What tells rows of a table apart.
_WHERE = ("n", "T", "m", "state")

#: Table and row.
Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: sizes (n, T, m) of the three tables, and how.

    ``late`` counts steps before the late state, ``seconds`` are per timing, ``slices`` are short calls per kernel rate.
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
    facts = {"cpu": name, "cores": os.cpu_count(), "load": os.getloadavg()[0], "system": platform.platform()}
    return facts | {"python": platform.python_version()} | versions


def run(plan: Plan, progress: Callable[[str], None] = lambda line: None) -> Iterator[Row]:
    """Measure a plan, row by row; ``progress`` is told what is being measured.

    Raises RuntimeError, in one line, when a measurement's process fails.
    """
    tables = (
        ("speed", plan.regimes, _speed_rows),
        ("growth", plan.growth, _growth_rows),
        ("memory", plan.memory, _memory_rows),
    )
    for table, sizes, measured in tables:
        for n, T, m in sizes:
            progress(f"n = {n}, T = {T}, m = {m}: {table}")
            for row in measured(plan, {"n": n, "T": T, "m": m}):
                yield table, {"n": n, "T": T, "m": m} | row


def _speed_rows(plan: Plan, size: dict[str, int]) -> Iterator[dict[str, Any]]:
    from numerics.benchmark.bound import measure_adamw, measure_rate

    n, T, m = size.values()
    timed = size | {"seconds": plan.seconds}
    found = []
    for _ in range(plan.repeats):
        answer = _in_process("speed", timed | {"late": plan.late})
        answer["default"] = _in_process("plain", timed)["plain"]
        answer["tuned"] = _in_process("plain", timed, _TUNED)["plain"]
        found.append(answer)
    median = {name: statistics.median(answer[name] for answer in found) for name in found[0]}
    kernel, bound = (rate / 1e9 for rate in measure_rate(m, slices=plan.slices))
    adamw = measure_adamw(n, m, slices=plan.slices)
    for state, suffix in (("early", ""), ("late", "_late")):
        shared = median[f"all_cores{suffix}"]
        yield {
            "state": state,
            **{name: median[name] for name in ("default", "tuned")},
            "engine": median[f"engine{suffix}"],
            "all_cores": shared,
            **{f"{name}_ratio": median[name] / shared for name in ("default", "tuned")},
            "gigapairs": n * T / shared / 1e6,
            "kernel_gigapairs": kernel,
            "bound_gigapairs": bound,
            "kernel_share": kernel / bound,
            "adamw": adamw,
        }


def _growth_rows(plan: Plan, size: dict[str, int]) -> Iterator[dict[str, Any]]:
    n, T, m = size.values()
    timed = size | {"seconds": plan.seconds, "late": 0}
    ms = statistics.median(_in_process("speed", timed)["engine"] for _ in range(plan.repeats))
    yield {"ms": ms, "ns_per_pair": ms * 1e6 / (n * T), "ps_per_multiply_add": ms * 1e9 / (n * T * 3 * m)}


def _memory_rows(plan: Plan, size: dict[str, int]) -> Iterator[dict[str, Any]]:
    n, T, _ = size.values()
    answer = _in_process("memory", size)
    entries, grown = int(answer["nonzeros"]), int(answer["bytes"])
    per_item = {"nonzeros": entries, "bytes": grown, "bytes_per_item": grown / (n + T + entries)}
    yield per_item | {"n_T_bytes": 4 * n * T, "process_bytes": int(answer["process_bytes"])}


def _in_process(
    kind: str, request: dict[str, Any], environment: dict[str, str] | None = None
) -> dict[str, float]:
    command = [sys.executable, "-m", "numerics.benchmark.process", json.dumps({"kind": kind} | request)]
    done = subprocess.run(
        command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise RuntimeError(f"measuring {kind} of {request} failed: {reason}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def results_csv(rows: list[Row], machine: dict[str, Any]) -> str:
    """One line per number, ``table,n,T,m,state,quantity,value``, below a comment that describes the machine."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines = [f"# {facts}; early: {EARLY_STEPS} steps", "table,n,T,m,state,quantity,value"]
    for table, row in rows:
        where = [table, *(str(row.get(name, "")) for name in _WHERE)]
        lines += [
            ",".join([*where, name, f"{value:.6g}"]) for name, value in row.items() if name not in _WHERE
        ]
    return "\n".join(lines) + "\n"
