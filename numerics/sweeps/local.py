"""The cells of a sweep on this machine: small runs beside each other in threads, then large ones one by one.

On a GPU, runs of one shape train together, one such batch after the other.

Defines no equations.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial

from numerics.engines.cpu.trajectory import uses_all_cores
from numerics.sweeps.cells import Ledger, in_one_line
from numerics.training.loop import Interrupted
from numerics.training.seeds import obtain_run

__all__ = ["train_here"]

#: Seconds between two looks at what is shown.
_REFRESH = 0.25


def train_here(ledger: Ledger, jobs: int, refresh: Callable[[], None]) -> None:
    """Train every cell with ``jobs`` small runs in flight; ``refresh`` is called now and then, in this thread.

    OSError when the disk refuses: then the next cell would fare no better. KeyboardInterrupt stops all threads first.
    """
    if ledger.engine == "cuda":
        from numerics.training.batches import cut_into_batches

        _train_in_threads(ledger, deque(cut_into_batches(ledger.settings)), 1, refresh)
        return
    large = [uses_all_cores(cell.n, cell.T, cell.m) for cell in ledger.settings]
    _train_in_threads(ledger, deque([k] for k, is_large in enumerate(large) if not is_large), jobs, refresh)
    _train_in_threads(ledger, deque([k] for k, is_large in enumerate(large) if is_large), 1, refresh)


def _train_in_threads(
    ledger: Ledger, pieces: deque[list[int]], threads: int, refresh: Callable[[], None]
) -> None:
    stop = threading.Event()

    def work() -> None:
        while pieces and not stop.is_set():
            try:
                places = pieces.popleft()
            except IndexError:  # another thread took the last one
                return
            if len(places) > 1:
                _train_batch(ledger, places, stop)
            else:
                _train_cell(ledger, places[0], stop)

    with ThreadPoolExecutor(threads) as pool:
        try:
            pending = {pool.submit(work) for _ in range(min(threads, len(pieces)))}
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


def _train_batch(ledger: Ledger, places: list[int], stop: threading.Event) -> None:
    """Cells of one shape together; where that raises, those without a run alone, so that each has a reason."""
    from numerics.training.batches import obtain_batch

    settings = [ledger.settings[place] for place in places]
    advances = [partial(ledger.meter.advance, place) for place in places]
    left = list(places)
    try:
        for at, run in obtain_batch(settings, ledger.engine, ledger.folder, advances, stop):
            left.remove(places[at])
            ledger.finish(places[at], run)
    except (Interrupted, OSError):
        raise
    except Exception:  # noqa: BLE001 (whose fault it was shows when each is trained alone)
        for place in left:
            _train_cell(ledger, place, stop)
