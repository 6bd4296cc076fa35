"""Snapshots: the parameters of a run at chosen steps, for histories in time. Trajectories do not depend on how their
steps are cut into calls, so the last snapshot has the bits of the finished run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.data import draw_dataset
from numerics.engines import EngineName, start_trajectory
from numerics.starts import draw_start
from theory.setting import Setting


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Parameters after ``step`` steps: W (m, n) and b (n,), copies in the run's arithmetic."""

    step: int
    W: NDArray[Any]
    b: NDArray[Any]


def growing_steps(steps: int, count: int) -> list[int]:
    """0 and up to ``count`` steps, 2 or more, that grow by even factors from a thousandth of ``steps`` to ``steps``.
    Early training changes most: with an even spacing the first snapshots would miss it.

    >>> growing_steps(1000, 4)
    [0, 1, 10, 100, 1000]
    """
    return sorted({0, *(max(1, round(steps * 10.0 ** (3 * k / (count - 1) - 3))) for k in range(count))})


def take_snapshots(
    setting: Setting, steps: Iterable[int], *, engine: EngineName = "cpu"
) -> Iterator[Snapshot]:
    """Train one run and stop at each of the increasing ``steps`` to look; one snapshot after the other, none is kept.
    A run that diverges yields no more: what it had become is not a model.

    >>> taken = take_snapshots(Setting(T=2, n=50, sparsity=0.9, steps=40), [0, 20, 40])
    >>> [(one.step, one.W.shape) for one in taken]
    [(0, (2, 50)), (20, (2, 50)), (40, (2, 50))]
    """
    trajectory = start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))
    for step in steps:
        trajectory.advance(step)
        parameters = trajectory.parameters()
        if not np.isfinite(parameters).all():
            return
        yield Snapshot(step, parameters[:-1], parameters[-1])
