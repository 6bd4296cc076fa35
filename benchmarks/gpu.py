"""Milliseconds per step of the cuda engine beside two limits of the device. Run: python benchmarks/gpu.py.

    python benchmarks/gpu.py --T 1000,10000 --m 2,10 --runs 8 --seconds 2

prints one JSON object for each T and m, in float32, with n that of `Setting`. ``ms_per_step`` is of the whole batch of
``runs`` runs. No step passes these limits: 4m + 3 single-precision instructions per pair (outputs once per direction:
2m multiply-adds and a maximum each way, one more add for the bias) at one per lane and clock; and every array once per
kernel that reads or writes it. Peaks are the driver's, shares None where it names no clock; boost clocks make
shares too large, throttling too small.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from numerics.benchmark import ms_per_step
from numerics.data import draw_dataset
from numerics.engines.cuda.trajectory import (
    STEPS_PER_REPLAY,
    BatchedCudaTrajectory,
    interpreted,
    missing_for_cuda,
)
from numerics.starts import draw_start
from theory.setting import Setting

#: Single-precision lanes of a multiprocessor by compute capability; 128 for all others from 8.6 on.
LANES = {(7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}

#: Multiprocessors, capability, clocks as the driver reports them, and the vendor's TFLOP/s and TB/s, to their digits.
DEVICES = {
    "A100 SXM 80 GB": (108, (8, 0), 1_410_000, 1_593_000, 5120, 19.5, 2.039),
    "H100 SXM": (132, (9, 0), 1_980_000, 2_619_000, 5120, 67.0, 3.35),
    "H200 SXM": (132, (9, 0), 1_980_000, 3_201_000, 6144, 67.0, 4.8),
    "RTX 4090": (128, (8, 9), 2_520_000, 10_501_000, 384, 82.6, 1.008),
}


def step_operations(n: int, T: int, m: int) -> int:
    """Single-precision instructions of the dense sums of one step of one run, a multiply-add counted once."""
    return n * T * (4 * m + 3)


def step_bytes(n: int, T: int, m: int, entries: int) -> int:
    """Bytes that one float32 step of one run reads and writes: parameters and moments, hidden vectors, non-zeros."""
    by_point = 3 * (4 + 4) + 4  # feature and value or gate for three kernels, the gate written
    by_feature = 4 + 8 + 4 + 4  # datapoint, place, value, gate
    return 4 * (8 * (m + 1) * n + 6 * m * T) + entries * (by_point + by_feature) + 3 * 8 * (T + 1)


def peak_operations(device: Any) -> float | None:
    """Single-precision instructions per second of a device (`torch.cuda.get_device_properties`); None if unknown."""
    clock = getattr(device, "clock_rate", 0)  # kHz
    lanes = LANES.get((device.major, device.minor), 128)
    return device.multi_processor_count * lanes * clock * 1e3 if clock else None


def peak_bytes(device: Any) -> float | None:
    """Bytes per second of a device's memory, two transfers per clock; None if unknown."""
    clock, width = getattr(device, "memory_clock_rate", 0), getattr(device, "memory_bus_width", 0)
    return 2 * clock * 1e3 * width / 8 if clock and width else None


def check_peaks() -> None:
    """AssertionError unless peaks are the vendors': two FLOP per multiply-add; 3 % is rounded off the memory clock."""
    names = "multi_processor_count", "major", "minor", "clock_rate", "memory_clock_rate", "memory_bus_width"
    for processors, capability, clock, memory_clock, width, teraflops, terabytes in DEVICES.values():
        facts = processors, *capability, clock, memory_clock, width
        device = SimpleNamespace(**dict(zip(names, facts, strict=True)))
        assert math.isclose(2 * peak_operations(device) / 1e12, teraflops, rel_tol=0.005)
        assert math.isclose(peak_bytes(device) / 1e12, terabytes, rel_tol=0.03)


def cuda_rows(T: Sequence[int], m: Sequence[int], runs: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Time the engine on this machine's GPU, one row per T and m, each for ``seconds`` after compilation."""
    device = torch.cuda.get_device_properties(torch.cuda.current_device())
    for points in T:
        for hidden in m:
            settings = [Setting(T=points, m=hidden, seed=seed, steps=200_000) for seed in range(runs)]
            data = [draw_dataset(setting) for setting in settings]
            batch = BatchedCudaTrajectory(settings, data, [draw_start(setting) for setting in settings])
            batch.advance(1)  # compiles and records
            batch.advance(1 + STEPS_PER_REPLAY)
            spent = ms_per_step(batch, seconds, settings[0].steps, STEPS_PER_REPLAY) / 1e3
            n, entries = settings[0].n, sum(len(part.values) for part in data)
            operations = runs * step_operations(n, points, hidden)
            traffic = runs * step_bytes(n, points, hidden, 0) + step_bytes(0, 0, hidden, entries)
            row: dict[str, Any] = {"T": points, "m": hidden, "runs": runs, "ms_per_step": spent * 1e3}
            shares = (("arithmetic", operations, peak_operations), ("bandwidth", traffic, peak_bytes))
            for name, done, peak in shares:
                row[f"{name}_share"] = done / spent / most if (most := peak(device)) else None
            yield row | {"device": device.name}


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--T", type=_numbers, default=[100, 1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--m", type=_numbers, default=[2, 10, 50])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    check_peaks()
    meaningless = "the interpreter is on, and its timings mean nothing; try without TRITON_INTERPRET"
    if missing := missing_for_cuda() or (meaningless if interpreted() else None):
        parser.error(f"the cuda engine cannot be timed here: {missing}")
    for row in cuda_rows(**vars(options)):
        print(json.dumps(row), flush=True)
