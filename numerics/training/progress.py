"""What long training says on stderr: bars with the time left in a terminal, elsewhere a line now and then. The work of
a run is n (T + `STEP_COST`) (m + 1) steps: the pair interactions of its features and datapoints, and AdamW over its
parameters, which costs as much as that many datapoints. Work that is not done now (runs that are read, steps taken
from a checkpoint, the rest of a diverged run) leaves the total, so that the time left comes from training alone.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from numerics.training.loop import RECORDS
from theory.setting import Setting

if TYPE_CHECKING:
    from rich.progress import Progress, Task

#: Datapoints whose pair interactions cost as much as the rest of a step: at n = 10 000, m = 2, a step of the cpu engine
#: takes about 7 µs and 0.55 µs more per datapoint, for T from 3 to 30.
STEP_COST = 12

#: Seconds between two lines where there is no terminal.
LINE_SECONDS = 30.0

#: Seconds of training from which the time left is estimated.
_SPEED_SECONDS = 600.0

#: Compiling takes about 7 s of one core, with culling 14 s; a busy machine doubles it.
_COMPILING = "compiling kernels for this machine, about 10 s, once for each m, dtype and range of sizes"


def work_of(setting: Setting) -> float:
    """Work of one run, in pair interactions."""
    return float(setting.n) * (setting.T + STEP_COST) * (setting.m + 1) * setting.steps


class Meter:
    """How far runs are, as tasks of rich's progress: the whole and each group, where there are several. Methods may be
    called from any thread. With ``lines``, a line is printed on stderr every `LINE_SECONDS`.
    """

    def __init__(
        self, bars: Progress, settings: Sequence[Setting], groups: Sequence[str], title: str, lines: bool
    ) -> None:
        self._bars, self._settings, self._title, self._lines = bars, settings, title, lines
        self._left = [work_of(setting) for setting in settings]
        self._lock, self._printed = threading.Lock(), time.monotonic()
        self._whole = self._task(title, sum(self._left), len(settings), visible=True)
        work: dict[str, list[float]] = {}
        for group, left in zip(groups, self._left, strict=False):
            work.setdefault(group, []).append(left)
        several = len(work) > 1
        tasks = {name: self._task(name, sum(each), len(each)) for name, each in work.items() if several}
        self._tasks = [(self._whole, *([tasks[groups[k]]] if several else [])) for k in range(len(settings))]

    def _task(self, name: str, work: float, runs: int, visible: bool = False) -> Task:
        self._bars.add_task(name, total=work, visible=visible, settled=0, runs=runs, failed=0, said="")
        return self._bars.tasks[-1]

    def advance(self, place: int, steps: int) -> None:
        """The run at ``place`` is ``steps`` further; more than training reports at once were not trained just now."""
        setting = self._settings[place]
        with self._lock:
            work = min(work_of(setting) / setting.steps * steps, self._left[place])
            self._take(place, work, now=steps <= -(-setting.steps // RECORDS))

    def settle(self, place: int, *, failed: bool, trained_elsewhere: bool = False) -> None:
        """The run at ``place`` needs no more work; a worker has just done all of it where ``trained_elsewhere``."""
        with self._lock:
            self._take(place, self._left[place], now=trained_elsewhere)
            for task in self._tasks[place]:
                settled, count = task.fields["settled"] + 1, task.fields["failed"] + failed
                said = f", {count} failed" if count else ""
                self._bars.update(task.id, settled=settled, failed=count, said=said)
                if settled == task.fields["runs"]:  # not what roundings leave; 100 % where nothing was left
                    total = task.completed or 1.0
                    self._bars.update(task.id, total=total, completed=total, visible=task is self._whole)

    def _take(self, place: int, work: float, now: bool) -> None:
        self._left[place] -= work
        for task in self._tasks[place]:
            if now:
                self._bars.update(task.id, advance=work, visible=True)
            else:
                self._bars.update(task.id, total=(task.total or work) - work)
        if self._lines and time.monotonic() - self._printed >= LINE_SECONDS:
            self._printed = time.monotonic()
            print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """How far everything is, in one line."""
        whole = self._whole
        runs = f"{whole.fields['settled']} of {count_of(whole.fields['runs'], 'run')}"
        said = f"{self._title}: {runs}{whole.fields['said']}, {whole.percentage:.0f} % of the work"
        return said if whole.finished else f"{said}, time left {about(whole.time_remaining)}"


@contextmanager
def progress_bar(
    settings: Sequence[Setting], groups: Sequence[str] = (), *, title: str = "training", shown: bool = True
) -> Iterator[Meter]:
    """A meter to tell how far the runs are; nothing is seen of it unless ``shown``."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    drawn = shown and (console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None))
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(
            "{task.percentage:3.0f} %, {task.fields[settled]}/{task.fields[runs]} runs{task.fields[said]}"
        ),
        *(TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()),
        console=console,
        speed_estimate_period=_SPEED_SECONDS,
        disable=not drawn,
    )
    meter = Meter(bars, settings, groups, title, lines=shown and not drawn)
    with bars, compilation_announced() if shown else nullcontext():
        yield meter
    if shown and not drawn:
        print(meter.line(), file=sys.stderr, flush=True)


@contextmanager
def compilation_announced() -> Iterator[None]:
    """Inside, the first kernel that has to be compiled, and is not found in the cache on disk, is a line on stderr."""
    from numba.core import caching, event

    untyped: Any = event

    class Announcing(untyped.Listener):  # type: ignore[misc]
        silent = True

        def on_start(self, event: Any) -> None:
            if self.silent and not isinstance(event.data["dispatcher"]._cache, caching.NullCache):
                self.silent = False
                print(f"tgon: {_COMPILING}", file=sys.stderr, flush=True)

        def on_end(self, event: Any) -> None:
            pass

    with untyped.install_listener("numba:compile", Announcing()):
        yield


def count_of(count: int, noun: str) -> str:
    """A number and its noun.

    >>> count_of(1, "run"), count_of(2, "run")
    ('1 run', '2 runs')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def about(seconds: float | None) -> str:
    """A duration in words, to two digits or so.

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
