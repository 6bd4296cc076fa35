"""Snapshots: the parameters of a run at chosen steps, for histories in time.

Trajectories do not depend on how their steps are cut into calls, so the last snapshot has the bits of the finished run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset, draw_dataset
from numerics.engines import EngineName, Trajectory, resolve_engine, start_trajectory
from numerics.starts import draw_start
from theory.setting import Setting


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Parameters after ``step`` steps: W (m, n) and b (n,), copies in the run's arithmetic."""

    step: int
    W: NDArray[Any]
    b: NDArray[Any]


def growing_steps(steps: int, count: int) -> list[int]:
    """0 and up to ``count`` steps that grow by even factors from a thousandth of ``steps`` to ``steps``.

    Early training changes most: with an even spacing the first snapshots would miss it.

    >>> growing_steps(1000, 4)
    [0, 1, 10, 100, 1000]
    """
    if steps < 1 or count < 2:
        raise ValueError(f"steps = {steps}, count = {count}: at least 1 step and 2 counts; try count=60")
    return sorted({0, *(max(1, round(steps * 10.0 ** (3 * k / (count - 1) - 3))) for k in range(count))})


def take_snapshots(
    setting: Setting,
    steps: Iterable[int],
    *,
    engine: EngineName = "cpu",
    data: Dataset | None = None,
    start: tuple[Any, Any] | None = None,
) -> Iterator[Snapshot]:
    """Train one run and stop at each of ``steps`` to look; one snapshot after the other, none is kept.

    A run that diverges yields no more: what it had become is not a model. ``data`` and ``start`` (W, b) are as in
    `numerics.training.obtaining.train_one`.

    Raises ValueError: No steps, or steps that do not increase from 0 or more to at most ``setting.steps``.

    >>> taken = take_snapshots(Setting(T=2, n=50, sparsity=0.9, steps=40), [0, 20, 40])
    >>> [(one.step, one.W.shape) for one in taken]
    [(0, (2, 50)), (20, (2, 50)), (40, (2, 50))]
    """
    wanted = [int(step) for step in steps]
    if not wanted or wanted != sorted(set(wanted)) or wanted[0] < 0 or wanted[-1] > setting.steps:
        raise ValueError(
            f"steps {wanted[:5]} must increase from 0 or more to at most {setting.steps}; try [{setting.steps}]"
        )
    data = draw_dataset(setting) if data is None else data
    W, b = draw_start(setting) if start is None else (np.asarray(part, dtype=np.float64) for part in start)
    return _taken(start_trajectory(resolve_engine(engine), setting, data, W, b), wanted)


def _taken(trajectory: Trajectory, wanted: list[int]) -> Iterator[Snapshot]:
    for step in wanted:
        trajectory.advance(step)
        parameters = trajectory.parameters()
        if not np.isfinite(parameters).all():
            return
        yield Snapshot(step, parameters[:-1], parameters[-1])
