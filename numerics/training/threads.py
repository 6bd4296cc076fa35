"""Many runs in the threads of one process: small runs beside each other, then large ones one by one. A large run takes
all cores by itself. On a GPU, batches of runs of one shape are trained one after the other.
"""

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

from numerics.engines import EngineName
from numerics.engines.cpu.trajectory import uses_all_cores
from numerics.training.loop import Interrupted
from theory.setting import Setting

#: The most runs of a batch, and the most pairs n·T they have together: one run of that many keeps a GPU busy alone.
#: Counted, not measured.
MOST_RUNS, MOST_PAIRS = 64, 10**8


def train_in_threads(
    settings: Sequence[Setting],
    engine: EngineName,
    threads: int | None,
    work: Callable[[list[int], threading.Event], None],
) -> None:
    """Call ``work`` with the places of settings that are obtained in one go, each place once; ``threads`` at once. The
    first exception of a thread sets the flag that ``work`` is given, and is raised once all threads have stopped; so
    is KeyboardInterrupt. `numerics.training.loop.Interrupted`, by which a thread obeys the flag, is no failure.
    """
    if engine == "cuda":
        _share(cut_into_batches(settings), 1, work)
        return
    for large, workers in ((False, threads or os.cpu_count() or 1), (True, 1)):
        places = [k for k, one in enumerate(settings) if uses_all_cores(one.n, one.T, one.m) == large]
        _share([[k] for k in places], workers, work)


def _share(
    pieces: Sequence[list[int]], workers: int, work: Callable[[list[int], threading.Event], None]
) -> None:
    stop, causes = threading.Event(), list[BaseException]()

    def begin(places: list[int]) -> None:
        if stop.is_set():
            return
        try:
            work(places, stop)
        except Interrupted:
            pass
        except BaseException as error:  # noqa: BLE001 (raised below, in the main thread)
            # Here and not there: until the main thread hears of it, this one could begin further runs.
            causes.append(error)
            stop.set()

    with ThreadPoolExecutor(workers) as pool:
        try:
            wait([pool.submit(begin, places) for places in pieces])
        except BaseException:
            stop.set()
            raise
    if causes:
        raise causes[0]


def cut_into_batches(settings: Sequence[Setting]) -> list[list[int]]:
    """Places of the settings in batches that a GPU trains together, each in order."""
    from numerics.engines.cuda.trajectory import batch_shape

    return cut_by_shape(settings, batch_shape, lambda one: min(MOST_RUNS, MOST_PAIRS // (one.n * one.T)))


def cut_by_shape(
    settings: Sequence[Setting], shape: Callable[[Setting], Hashable], size: Callable[[Setting], int]
) -> list[list[int]]:
    """Places of the settings in pieces of one shape, of at most ``size`` settings and at least one, in order."""
    places: dict[Hashable, list[int]] = {}
    for place, setting in enumerate(settings):
        places.setdefault(shape(setting), []).append(place)
    pieces = []
    for of_shape in places.values():
        while of_shape:
            most = max(1, size(settings[of_shape[0]]))
            pieces.append(of_shape[:most])
            of_shape = of_shape[most:]
    return pieces


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch and compiled code compute in one thread: sums run in one order, and cores are not fought for."""
    import numba
    import torch

    before = numba.get_num_threads(), torch.get_num_threads()
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before[0])
        torch.set_num_threads(before[1])
