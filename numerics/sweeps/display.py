"""What a running sweep shows on stderr: bars in a terminal, elsewhere a line now and then.

Defines no equations.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from numerics.sweeps.meter import Meter, Part, about
from numerics.training.progress import compilation_announced, count_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["progress_line", "sweep_display"]

#: Seconds between two lines where there is no terminal.
LINE_SECONDS = 30.0

#: The most groups in progress that are shown: in a terminal, in a line.
MOST_BARS, MOST_NAMED = 8, 3

#: What a full bar counts.
_STEPS = 1000


@contextmanager
def sweep_display(meter: Meter, *, shown: bool = True) -> Iterator[Callable[[], None]]:
    """A function to call now and then, which brings what is shown up to date."""
    from rich.console import Console

    console = Console(stderr=True)
    if not shown:
        yield lambda: None
    elif console.is_terminal:
        with _bars(console) as bars, compilation_announced():
            yield lambda: _draw(bars, meter)
            _draw(bars, meter)
    else:
        with compilation_announced():
            yield _lines(meter)
        print(progress_line(meter), file=sys.stderr, flush=True)


def progress_line(meter: Meter) -> str:
    """How far everything is, and the first groups in progress, in one line."""
    total = meter.total
    parts = [
        f"sweep: {total.settled} of {count_of(total.cells, 'cell')}, {100 * total.share:.0f} % of the work"
    ]
    parts += [f"{total.failed} failed"] if total.failed else []
    parts += [f"time left {about(meter.seconds_left(total))}"] if total.left else []
    for part in islice(_in_progress(meter), MOST_NAMED):
        parts.append(
            f"{part.name}: {part.settled} of {part.cells}, time left {about(meter.seconds_left(part))}"
        )
    return "; ".join(parts)


def _in_progress(meter: Meter) -> Iterator[Part]:
    return (part for part in meter.parts.values() if part.in_progress)


def _lines(meter: Meter) -> Callable[[], None]:
    last = time.monotonic()

    def line_if_due() -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_SECONDS:
            last = time.monotonic()
            print(progress_line(meter), file=sys.stderr, flush=True)

    return line_if_due


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TextColumn("{task.fields[cells]}"),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("time left {task.fields[left]}"),
        console=console,
    )


def _draw(bars: Progress, meter: Meter) -> None:
    """One bar for the whole, one for each of the first groups in progress; bars of other groups go."""
    wanted = [meter.total, *islice(_in_progress(meter), MOST_BARS)]
    present: dict[str, TaskID] = {task.description: task.id for task in bars.tasks}
    for name in present.keys() - {part.name for part in wanted}:
        bars.remove_task(present[name])
    for part in wanted:
        cells = f"{part.settled}/{count_of(part.cells, 'cell')}" + (
            f", {part.failed} failed" if part.failed else ""
        )
        done, left = int(_STEPS * part.share), about(meter.seconds_left(part))
        if part.name not in present:
            present[part.name] = bars.add_task(part.name, total=_STEPS, cells="", left="")
        bars.update(present[part.name], completed=done, cells=cells, left=left)
