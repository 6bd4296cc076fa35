"""Milliseconds per step of the cuda engine, and how far they are from two limits of the device that none passes: 4m +
3 single-precision instructions per pair (outputs once per direction: 2m multiply-adds and a maximum each way, one more
add for the bias) at one per lane and clock; and every array once per kernel that reads or writes it. Peaks are the
driver's; boost clocks above them make shares too large, throttling too small.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from numerics.benchmark.regimes import ms_per_step
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
_LANES = {(7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}


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
    lanes = _LANES.get((device.major, device.minor), 128)
    return device.multi_processor_count * lanes * clock * 1e3 if clock else None


def peak_bytes(device: Any) -> float | None:
    """Bytes per second of a device's memory, two transfers per clock; None if unknown."""
    clock, width = getattr(device, "memory_clock_rate", 0), getattr(device, "memory_bus_width", 0)
    return 2 * clock * 1e3 * width / 8 if clock and width else None


def cuda_rows(
    T: Sequence[int] = (100, 1_000, 10_000, 100_000, 1_000_000),
    m: Sequence[int] = (2, 10, 50),
    runs: int = 1,
    seconds: float = 2.0,
) -> Iterator[dict[str, Any]]:
    """Time the engine on this machine's GPU in float32, one row per T and m, each for ``seconds`` after compilation.
    ``ms_per_step`` is of the whole batch of ``runs`` runs, n that of `Setting`; shares are of the device's peaks, None
    where the driver names no clock. ValueError at the first row without CUDA or Triton.
    """
    meaningless = "the interpreter is on, and its timings mean nothing; try without TRITON_INTERPRET"
    if missing := missing_for_cuda() or (meaningless if interpreted() else None):
        raise ValueError(f"the cuda engine cannot be timed here: {missing}")
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
