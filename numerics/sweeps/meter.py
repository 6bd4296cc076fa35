"""How far a sweep is and how long it will take: work counted in advance, time taken from what was trained just now.

The work of a cell is n (T + `STEP_COST`) (m + 1) steps: the pair interactions of its features and datapoints, and
AdamW over its parameters, which costs as much as that many datapoints. Work that was not done in this session (cells
finished before, steps taken from a checkpoint, the rest of a diverged run) does not count in the rate.

Defines no equations.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numerics.training.loop import RECORDS
from theory.setting import Setting

__all__ = ["STEP_COST", "Meter", "Part", "about", "work_of"]

#: Datapoints whose pair interactions cost as much as the rest of a step: at n = 10 000, m = 2, a step of the cpu engine
#: takes about 7 µs and 0.55 µs more per datapoint, for T from 3 to 30.
STEP_COST = 12

#: The rate is taken over the last half of the time so far, but over no less than this many seconds.
_LEAST_WINDOW = 30.0

#: Seconds before which no rate is given.
_FIRST_RATE = 2.0


def work_of(setting: Setting) -> float:
    """Work of one run, in pair interactions."""
    return float(setting.n) * (setting.T + STEP_COST) * (setting.m + 1) * setting.steps


@dataclass(slots=True)
class Part:
    """How far a part of a sweep, one group or the whole, is; ``work`` and ``left`` are work, the others cells."""

    name: str
    cells: int = 0
    settled: int = 0
    failed: int = 0
    work: float = 0.0
    left: float = 0.0
    through: float = 0.0

    @property
    def share(self) -> float:
        """The share of its work that is done."""
        return 1 - self.left / self.work if self.work else 1.0

    @property
    def in_progress(self) -> bool:
        """Whether some of its work is done and some is not."""
        return 0 < self.left < self.work


class Meter:
    """Counts the work of the cells that are to be trained; its methods may be called from any thread.

    Parameters
    ----------
    cells : what is to be trained, in the order in which it is begun.
    groups : the group of each of them.
    clock : seconds, increasing.

    """

    def __init__(
        self, cells: Sequence[Setting], groups: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cells, self._clock = cells, clock
        self._left = [work_of(cell) for cell in cells]
        self.total = Part("total")
        self.parts: dict[str, Part] = {}
        self._parts = [self.parts.setdefault(group, Part(group)) for group in groups]
        for work, part in zip(self._left, self._parts, strict=True):
            for whole in (self.total, part):
                whole.cells += 1
                whole.work += work
                whole.left += work
            part.through = self.total.through = self.total.work
        self._lock = threading.Lock()
        self._done = 0.0
        self._begin = clock()
        self._samples = [(self._begin, 0.0)]

    def advance(self, place: int, steps: int) -> None:
        """Cell ``place`` is ``steps`` further.

        Training reports at least `RECORDS` times per run; more steps at once than that were not trained just now.
        """
        cell = self._cells[place]
        work = work_of(cell) / cell.steps * steps
        with self._lock:
            self._take(place, min(work, self._left[place]))
            if steps <= -(-cell.steps // RECORDS):
                self._count(work)

    def settle(self, place: int, *, failed: bool, trained_elsewhere: bool = False) -> None:
        """Cell ``place`` needs no more work; a worker has just done all of it where ``trained_elsewhere``."""
        with self._lock:
            if trained_elsewhere:
                self._count(self._left[place])
            self._take(place, self._left[place])
            for whole in (self.total, self._parts[place]):
                whole.settled += 1
                whole.failed += failed
                if whole.settled == whole.cells:
                    whole.left = 0.0  # not what roundings leave

    def _take(self, place: int, work: float) -> None:
        self._left[place] -= work
        self.total.left -= work
        self._parts[place].left -= work

    def _count(self, work: float) -> None:
        self._done += work
        now = self._clock()
        if now - self._samples[-1][0] >= 1.0:
            self._samples.append((now, self._done))

    def rate(self) -> float | None:
        """Work per second, None while too little is known."""
        now = self._clock()
        elapsed = now - self._begin
        if elapsed < _FIRST_RATE or self._done == 0:
            return None
        since = now - max(_LEAST_WINDOW, elapsed / 2)
        then, before = self._samples[max(0, bisect_right(self._samples, (since, math.inf)) - 1)]
        if self._done == before:
            return self._done / elapsed
        return (self._done - before) / (now - then)

    def seconds_left(self, part: Part) -> float | None:
        """Seconds until ``part`` ends, None while no rate is known.

        A group ends when its last cell does, and what stands before that cell is done first.
        """
        rate = self.rate()
        if rate is None:
            return None
        ahead = part.through - (self.total.work - self.total.left)
        return max(part.left, ahead) / rate if part.left > 0 else 0.0


def about(seconds: float | None) -> str:
    """A duration in words, to two digits or so.

    Examples
    --------
    >>> about(42), about(190), about(7800), about(300_000), about(None)
    ('42 s', '3 min', '2 h 10 min', '3.5 days', 'unknown')

    """
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes / 1440:.1f} days"
