"""Speed and memory of training: the compiled engine beside the plain torch loop, and how both grow.

Every measurement is a process of its own, because allocator settings are read when one starts and its memory only ever
peaks once. Variants take turns, and medians over repeats are kept. Nothing here fails on a timing. Rows of the three
tables, all times in milliseconds per step:

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

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from numerics.data import draw_dataset
from numerics.engines import EngineName, Trajectory, start_trajectory
from numerics.engines.cpu import trajectory as cpu
from numerics.starts import draw_start
from theory.setting import Setting

#: Steps before the early state is timed: code is compiled, memory touched, Adam's first steps are over.
EARLY_STEPS = 20

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
    """What to measure: sizes (n, T, m) of the three tables, and how. ``late`` counts steps before the late state,
    ``seconds`` are per timing, ``slices`` are short calls per kernel rate.
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


def _setting(n: int, T: int, m: int) -> Setting:
    """The paper's setting at this size, with ten features per datapoint on average."""
    return Setting(T=T, n=n, m=m, sparsity=max(0.0, 1 - 10 / n))


def _start(engine: EngineName, setting: Setting, steps: int) -> Trajectory:
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
    setting = _setting(n, T, m)
    return {"plain": ms_per_step(_start("reference", setting, 1), seconds, setting.steps)}


def measure_speed(n: int, T: int, m: int, seconds: float, late: int) -> dict[str, float]:
    """Milliseconds per step of the cpu engine early and, unless ``late`` is 0, after so many steps. ``engine`` is one
    run alone; ``all_cores`` is per run when every core has one, the same for large runs.
    """
    setting, answer = _setting(n, T, m), dict[str, float]()
    seeds = range(1 if cpu.uses_all_cores(n, T, m) else os.cpu_count() or 1)
    runs = [_start("cpu", setting.replace(seed=seed), EARLY_STEPS) for seed in (0, *seeds)]
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


def measure_memory(n: int, T: int, m: int) -> dict[str, float]:
    """Bytes by which the peak of this process grows when data are drawn and a few steps taken, and the non-zeros. The
    baseline has everything imported and compiled, by a tiny problem of the same hidden dimension and the same kind.
    """
    import resource

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


def run(plan: Plan, progress: Callable[[str], None] = lambda line: None) -> Iterator[Row]:
    """Measure a plan, row by row, and tell ``progress``; RuntimeError when a measurement's process fails."""
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
        answer = in_process(measure_speed, timed | {"late": plan.late})
        answer["default"] = in_process(measure_plain, timed)["plain"]
        answer["tuned"] = in_process(measure_plain, timed, _TUNED)["plain"]
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
    ms = statistics.median(in_process(measure_speed, timed)["engine"] for _ in range(plan.repeats))
    yield {"ms": ms, "ns_per_pair": ms * 1e6 / (n * T), "ps_per_multiply_add": ms * 1e9 / (n * T * 3 * m)}


def _memory_rows(plan: Plan, size: dict[str, int]) -> Iterator[dict[str, Any]]:
    n, T, _ = size.values()
    answer = in_process(measure_memory, size)
    entries, grown = int(answer["nonzeros"]), int(answer["bytes"])
    per_item = {"nonzeros": entries, "bytes": grown, "bytes_per_item": grown / (n + T + entries)}
    yield per_item | {"n_T_bytes": 4 * n * T, "process_bytes": int(answer["process_bytes"])}


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


def results_csv(rows: list[Row], machine: dict[str, Any]) -> str:
    """One line per number, ``table,n,T,m,state,quantity,value``, below a comment that describes the machine."""
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines = [f"# {facts}; early: {EARLY_STEPS} steps", "table,n,T,m,state,quantity,value"]
    for table, row in rows:
        where = [table, *(str(row.get(name, "")) for name in _WHERE)]
        found = {name: value for name, value in row.items() if name not in _WHERE}
        lines += [",".join([*where, name, f"{value:.6g}"]) for name, value in found.items()]
    return "\n".join(lines) + "\n"
