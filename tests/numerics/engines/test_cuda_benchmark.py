"""The limits that timings of the cuda engine are measured against; timings themselves are not tested."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from numerics.engines.cuda.benchmark import (
    cuda_rows,
    peak_bytes,
    peak_operations,
    step_bytes,
    step_operations,
)

#: Multiprocessors, capability, clocks as the driver reports them, and the vendor's TFLOP/s and TB/s, to their digits.
DEVICES = {
    "A100 SXM 80 GB": (108, (8, 0), 1_410_000, 1_593_000, 5120, 19.5, 2.039),
    "H100 SXM": (132, (9, 0), 1_980_000, 2_619_000, 5120, 67.0, 3.35),
    "H200 SXM": (132, (9, 0), 1_980_000, 3_201_000, 6144, 67.0, 4.8),
    "RTX 4090": (128, (8, 9), 2_520_000, 10_501_000, 384, 82.6, 1.008),
}


@pytest.mark.parametrize("name", DEVICES)
def test_peaks_are_the_vendors(name: str) -> None:
    """Two FLOP per multiply-add; 3 %: what data sheets round off the memory clock."""
    processors, (major, minor), clock, memory_clock, width, teraflops, terabytes = DEVICES[name]
    device = SimpleNamespace(
        multi_processor_count=processors,
        major=major,
        minor=minor,
        clock_rate=clock,
        memory_clock_rate=memory_clock,
        memory_bus_width=width,
    )
    assert 2 * peak_operations(device) / 1e12 == pytest.approx(teraflops, rel=0.005)
    assert peak_bytes(device) / 1e12 == pytest.approx(terabytes, rel=0.03)
    device.multi_processor_count += 2
    assert 2 * peak_operations(device) / 1e12 != pytest.approx(teraflops, rel=0.005)
    unknown = SimpleNamespace(multi_processor_count=1, major=9, minor=0)
    assert (peak_operations(unknown), peak_bytes(unknown)) == (None, None)


def test_counts() -> None:
    """Arithmetic is of every pair, memory is not."""
    assert step_operations(10, 7, 2) == 70 * 11
    assert step_operations(20, 14, 2) == 4 * step_operations(10, 7, 2)
    small, large = (step_bytes(scale * 1000, scale * 1000, 2, scale * 10_000) for scale in (1, 2))
    assert small < large < 2 * small
    assert step_bytes(1000, 1000, 2, 10_001) - step_bytes(1000, 1000, 2, 10_000) == 48


def test_a_machine_without_a_gpu_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"cannot be timed here: .* no CUDA device"):
        next(cuda_rows())
