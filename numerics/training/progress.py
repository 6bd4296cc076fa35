"""What long training says on stderr: a progress bar, and that kernels are being compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from theory.setting import Setting

__all__ = ["compilation_announced", "count_of", "progress_bar"]

#: The first run of a kind (m, dtype, with culling or without) compiles for about 7 s of one core, one with culling for
#: 14 s; a busy machine doubles it. Processes that start together all compile, and all say so.
_COMPILING = "compiling kernels for this machine, about 10 s, once for each m, dtype and range of sizes"


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
        TextColumn("training {task.fields[runs]}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
    )
    times = (TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(stderr=True)) as bar, compilation_announced():
        task = bar.add_task("", total=total, runs=count_of(len(settings), "run"))
        yield lambda steps: bar.advance(task, steps)


@contextmanager
def compilation_announced() -> Iterator[None]:
    """Inside, the first kernel that has to be compiled, and is not found in the cache on disk, is a line on stderr.

    Functions that have no such cache are small and compile every time; they are not announced.
    """
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

    listener = Announcing()
    untyped.register("numba:compile", listener)
    try:
        yield
    finally:
        untyped.unregister("numba:compile", listener)


def count_of(count: int, noun: str) -> str:
    """A number and its noun.

    Examples
    --------
    >>> count_of(1, "cell"), count_of(2, "cell")
    ('1 cell', '2 cells')

    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
