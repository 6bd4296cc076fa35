"""Milliseconds per training step: the plain torch loop against the cpu engine, side by side in one run.

    python benchmarks/engines.py [--T 10,100,1000] [--m 2] [--repeats 5] [--csv FILE]

Every timing is its own process, and the variants take turns, so a drift of the machine hits them alike. "default" and
"tuned" are the plain torch loop (the reference engine) with glibc's own memory thresholds and with raised ones, which
keep it from returning and faulting its n-by-T arrays at every step. "cpu" is one run; "cpu, all cores" is the time
per run and step with one run per core. From about T = 334 on a run takes all cores by itself, and the two are the
same. Medians are printed, with the range over repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import torch

from numerics import draw_dataset, draw_start
from numerics.engines import EngineName, Trajectory, start_trajectory
from numerics.engines.cpu import uses_all_cores
from theory import Setting

VARIANTS = ("default", "tuned", "cpu", "cpu, all cores")
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
SECONDS = 1.5


def _start(engine: EngineName, setting: Setting) -> Trajectory:
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    trajectory.advance(3)  # compile, touch memory
    return trajectory


def _seconds_per_step(trajectory: Trajectory) -> float:
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        chunk = max(1, int(steps / elapsed * 0.1)) if steps else 1
        trajectory.advance(trajectory.step + chunk)
        steps += chunk
    return elapsed / steps


def measure_variant(variant: str, T: int, m: int) -> float:
    """Milliseconds per step (and per run) of one variant, in this process."""
    setting = Setting(T=T, m=m, steps=10_000_000)
    if variant in ("default", "tuned"):
        return _seconds_per_step(_start("reference", setting)) * 1e3
    alone = variant == "cpu" or uses_all_cores(setting.n, T, m)  # a large run takes all cores by itself
    cores = 1 if alone else (os.cpu_count() or 1)
    trajectories = [_start("cpu", setting.replace(seed=seed)) for seed in range(cores)]
    if alone:  # in the thread that started it: a second thread would bring a second team of workers
        return _seconds_per_step(trajectories[0]) * 1e3
    with ThreadPoolExecutor(cores) as pool:
        return statistics.mean(pool.map(_seconds_per_step, trajectories)) * 1e3 / cores


def _in_process(variant: str, T: int, m: int) -> float:
    command = [sys.executable, __file__, "--one", variant, "--T", str(T), "--m", str(m)]
    environment = os.environ | (TUNED if variant == "tuned" else {})
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(json.loads(answer.stdout))


def machine() -> str:
    """One line on the processor and the libraries."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    libraries = f"torch {torch.__version__}, numba {numba.__version__}, numpy {np.__version__}"
    return f"{name}, {os.cpu_count()} cores; {libraries}"


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--T", default="10,100,1000")
    parser.add_argument("--m", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--one", choices=VARIANTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure_variant(given.one, int(given.T), given.m)))
        return
    print(f"# {machine()}; n = 10000, m = {given.m}, ms per step: median (range) of {given.repeats}")
    rows = ["T,m,variant,repeat,ms_per_step"]
    for T in map(int, given.T.split(",")):
        samples: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        for repeat in range(given.repeats):
            for variant in VARIANTS:
                samples[variant].append(_in_process(variant, T, given.m))
                rows.append(f'{T},{given.m},"{variant}",{repeat},{samples[variant][-1]:.6g}')
        for variant, values in samples.items():
            middle = statistics.median(values)
            ratios = ", ".join(
                f"{statistics.median(samples[plain]) / middle:.1f}x {plain}" for plain in ("default", "tuned")
            )
            spread = f"({min(values):.4f} to {max(values):.4f})"
            print(f"T={T:<6} {variant:<15} {middle:9.4f} {spread:24} {ratios}", flush=True)
    if given.csv:
        given.csv.write_text("\n".join([f"# {machine()}", *rows]) + "\n")


if __name__ == "__main__":
    main()
