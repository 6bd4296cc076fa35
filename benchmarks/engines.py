"""Speed and memory of training, all that engines are judged by. Run on an idle machine: python benchmarks/engines.py.

Takes a quarter of an hour on two cores, and writes results.csv beside itself, times in milliseconds. Its tables:

speed : the rows of `numerics.benchmark.run`; the dense kernel, its arithmetic bound and their ratio (see bound.py), and
    one AdamW pass over n(m + 1) parameters, on one core.
growth : early time of one run alone: ``ms``, per pair, and per multiply-add of a pair (3m of them).
memory : growth of a process's peak by a dataset and a few steps, per n + T + non-zeros; ``n_T_bytes`` is what one
    float32 (n, T) array takes.
"""

import resource
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bound import check_mix, measure_adamw, measure_rate

from numerics import benchmark
from numerics.benchmark import FULL, in_process, measure_speed, setting_of, started
from numerics.data import draw_dataset
from numerics.engines.cpu import trajectory as cpu

#: Sizes (n, T, m) at which growth of time and of memory is measured.
GROWTH = (
    *((10_000, T, 2) for T in (100, 1_000, 10_000, 100_000)),
    *((n, 1_000, 2) for n in (1_000, 10_000, 100_000)),
    *((10_000, 1_000, m) for m in (1, 2, 5, 10, 20)),
)
MEMORY = (
    *((10_000, T, 2) for T in (1_000, 10_000, 100_000)),
    *((n, 1_000, 2) for n in (100_000, 1_000_000)),
    *((10_000, 1_000, m) for m in (10, 20)),
)


def measure_memory(n: int, T: int, m: int) -> dict[str, float]:
    """Bytes by which the peak of this process grows when data are drawn and a few steps taken, and the non-zeros. The
    baseline has everything imported and compiled, by a tiny problem of the same hidden dimension and the same kind.
    """
    usual = cpu.ALL_CORES_FROM
    cpu.ALL_CORES_FROM = 0 if cpu.uses_all_cores(n, T, m) else usual
    started("cpu", setting_of(50, 2, m), 2)
    cpu.ALL_CORES_FROM = usual
    unit = 1 if sys.platform == "darwin" else 1024
    baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started("cpu", setting_of(n, T, m), 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nonzeros = len(draw_dataset(setting_of(n, T, m)).values)
    return {"bytes": (peak - baseline) * unit, "process_bytes": peak * unit, "nonzeros": nonzeros}


def speed_rows() -> Iterator[dict[str, Any]]:
    """The rows of the package, with the dense kernel and AdamW beside them."""
    for row in benchmark.run(FULL, progress=print):
        kernel, bound = (rate / 1e9 for rate in measure_rate(row["m"]))
        kernels = {"kernel_gigapairs": kernel, "bound_gigapairs": bound, "kernel_share": kernel / bound}
        yield row | kernels | {"adamw": measure_adamw(row["n"], row["m"])}


def growth_rows() -> Iterator[dict[str, Any]]:
    """Time of a step at growing sizes."""
    for n, T, m in GROWTH:
        print(f"n = {n}, T = {T}, m = {m}: growth")
        size = {"n": n, "T": T, "m": m}
        timed = size | {"seconds": FULL.seconds, "late": 0}
        ms = statistics.median(in_process(measure_speed, timed)["engine"] for _ in range(FULL.repeats))
        each = {"ns_per_pair": ms * 1e6 / (n * T), "ps_per_multiply_add": ms * 1e9 / (n * T * 3 * m)}
        yield size | {"ms": ms} | each


def memory_rows() -> Iterator[dict[str, Any]]:
    """Memory of a process at growing sizes."""
    for n, T, m in MEMORY:
        print(f"n = {n}, T = {T}, m = {m}: memory")
        size = {"n": n, "T": T, "m": m}
        answer = in_process(measure_memory, size)
        entries, grown = int(answer["nonzeros"]), int(answer["bytes"])
        assert 0 <= grown <= answer["process_bytes"]
        per_item = {"nonzeros": entries, "bytes": grown, "bytes_per_item": grown / (n + T + entries)}
        yield size | per_item | {"n_T_bytes": 4 * n * T, "process_bytes": int(answer["process_bytes"])}


if __name__ == "__main__":
    check_mix()
    machine = benchmark.describe_machine()
    tables = {"speed": list(speed_rows()), "growth": list(growth_rows()), "memory": list(memory_rows())}
    written = benchmark.results_csv(tables, machine)
    (Path(__file__).parent / "results.csv").write_text(written, encoding="utf-8")
    print(written)
