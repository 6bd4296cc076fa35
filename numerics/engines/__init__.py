"""Engines: one training loop, several implementations. ``reference`` is the specification: plain torch autograd and
`torch.optim.AdamW`. ``cpu`` and ``cuda`` are the fast ones and must equal it. An engine makes a `Trajectory` from a
dataset, a start and a setting; the trajectory is advanced in place. Same settings, engine and machine type give the
same bits, however the steps are cut into calls and whatever the number of threads.
"""

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset
from theory.setting import Setting

EngineName = Literal["reference", "cpu", "cuda"]
ENGINES: tuple[EngineName, ...] = ("reference", "cpu", "cuda")


class Trajectory(Protocol):
    """A training run in progress."""

    step: int
    #: The first number of steps after which a parameter was infinite or NaN; None as long as all are finite.
    diverged_at: int | None

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop`` or ``diverged_at``; ValueError past the last step."""

    def parameters(self) -> NDArray[Any]:
        """(m+1, n) copy of the current parameters, W above b."""

    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of Adam's first and second moments, in the shape of the parameters."""

    def restore(self, step: int, parameters: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
        """Go to a state taken at ``step``; what follows has the bits it had then, if the engine keeps no more."""


def divergence(step: int, *parameters: NDArray[Any]) -> int | None:
    """``step`` where a parameter is infinite or NaN, else None."""
    return None if all(np.isfinite(rows).all() for rows in parameters) else step


def check_stop(stop: int, rates: NDArray[np.float64]) -> None:
    """Refuse to go past the schedule: ValueError when ``stop`` exceeds the number of learning rates."""
    if stop > len(rates):
        raise ValueError(f"asked for step {stop}, but the setting has {len(rates)} steps; try more steps")


def available_engines() -> tuple[EngineName, ...]:
    """The engines that are fit for use on this machine; an interpreted cuda engine is not among them."""
    from numerics.engines.cuda.trajectory import interpreted, missing_for_cuda

    has_gpu = missing_for_cuda() is None and not interpreted()
    return ENGINES if has_gpu else tuple(engine for engine in ENGINES if engine != "cuda")


def resolve_engine(name: str) -> EngineName:
    """The engine that ``name`` means on this machine; "auto" is "cuda" where there is a GPU, else "cpu". Raises
    ValueError for an unknown name, and for "cuda" on a machine without CUDA or Triton.
    """
    if name == "auto":
        return "cuda" if "cuda" in available_engines() else "cpu"
    if name == "cuda":
        from numerics.engines.cuda.trajectory import missing_for_cuda

        if (missing := missing_for_cuda()) is not None:
            raise ValueError(f"engine 'cuda' cannot run here: {missing}")
    for engine in ENGINES:
        if name == engine:
            return engine
    raise ValueError(f"engine {name!r} is not known; allowed are auto, {', '.join(ENGINES)}")


def start_trajectory(
    engine: EngineName, setting: Setting, data: Dataset, W: NDArray[np.float64], b: NDArray[np.float64]
) -> Trajectory:
    """A trajectory at step 0 from the start (W, b)."""
    if W.shape != (setting.m, data.n) or b.shape != (data.n,):
        raise ValueError(
            f"the start has shapes W {W.shape}, b {b.shape}; it must have {(setting.m, data.n)} and {(data.n,)}"
        )
    if engine == "reference":
        from numerics.engines.reference import ReferenceTrajectory

        return ReferenceTrajectory(setting, data, W, b)
    if engine == "cuda":
        from numerics.engines.cuda.trajectory import CudaTrajectory

        return CudaTrajectory(setting, data, W, b)
    from numerics.engines.cpu.trajectory import CpuTrajectory

    return CpuTrajectory(setting, data, W, b)
