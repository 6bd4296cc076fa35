"""The cells of a sweep on this machine: small runs beside each other in threads, then large ones one by one.

Defines no equations.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from numerics.engines.cpu import uses_all_cores
from numerics.sweep_cells import Ledger, in_one_line
from numerics.training import obtain_run
from numerics.training_loop import Interrupted

__all__ = ["train_here"]

#: Seconds between two looks at what is shown.
_REFRESH = 0.25


def train_here(ledger: Ledger, jobs: int, refresh: Callable[[], None]) -> None:
    """Train every cell with ``jobs`` small runs in flight; ``refresh`` is called now and then, in this thread.

    OSError when the disk refuses: then the next cell would fare no better. KeyboardInterrupt stops all threads first.
    """
    large = [uses_all_cores(cell.n, cell.T, cell.m) for cell in ledger.settings]
    _train_in_threads(ledger, deque(k for k, is_large in enumerate(large) if not is_large), jobs, refresh)
    _train_in_threads(ledger, deque(k for k, is_large in enumerate(large) if is_large), 1, refresh)


def _train_in_threads(ledger: Ledger, places: deque[int], threads: int, refresh: Callable[[], None]) -> None:
    stop = threading.Event()

    def work() -> None:
        while places and not stop.is_set():
            try:
                place = places.popleft()
            except IndexError:  # another thread took the last one
                return
            _train_cell(ledger, place, stop)

    with ThreadPoolExecutor(threads) as pool:
        try:
            pending = {pool.submit(work) for _ in range(min(threads, len(places)))}
            while pending:
                done, pending = wait(pending, _REFRESH, FIRST_EXCEPTION)
                for ended in done:
                    ended.result()
                refresh()
        except BaseException:
            stop.set()
            raise


def _train_cell(ledger: Ledger, place: int, stop: threading.Event) -> None:
    advance = partial(ledger.meter.advance, place)
    try:
        run = obtain_run(ledger.settings[place], ledger.engine, ledger.folder, advance, stop)
    except (Interrupted, OSError):
        raise
    except Exception as error:  # noqa: BLE001 (whatever one cell raises is its reason, the others go on)
        ledger.fail(place, in_one_line(error))
    else:
        ledger.finish(place, run)
