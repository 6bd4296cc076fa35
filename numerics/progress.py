"""A progress bar on stderr for long training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from theory.setting import Setting

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(settings: Sequence[Setting], *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of steps just done; draws a bar with the time left when ``shown``."""
    if not shown:
        yield lambda steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    total = sum(setting.steps for setting in settings)
    columns = (
        TextColumn("training {task.fields[runs]} runs"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
    )
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, runs=len(settings))
        yield lambda steps: bar.advance(task, steps)
