"""The cells of a sweep on a dask cluster: workers train tasks of a few runs of one shape, this process writes. A task
computes with one thread, so a cluster wants one worker thread per core (``dask worker ADDRESS --nthreads 1 --nworkers
auto``). Dask gives the task of a worker that died to another one; a task whose workers died several times (its
scheduler's ``allowed-failures``) is cut into single runs, and a run that still kills its workers is a failed cell.
"""

import contextlib
import hashlib
import queue
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from numerics.engines import EngineName
from numerics.engines.versions import source_hash
from numerics.sweeps.cells import Ledger, failure_reason
from numerics.training.checkpoints import claimed
from numerics.training.obtaining import finished_run, train_one
from numerics.training.progress import work_of
from numerics.training.runs import Run, run_name, save_run
from numerics.training.threads import cut_by_shape, one_thread
from theory.setting import Setting

#: The most work of a task, about half a minute of one core, and its most runs: what a killed worker loses.
_TASK_WORK, _TASK_RUNS = 5e11, 16

#: Cells held by locks at once, so that another process sees them run; each is an open file.
_MOST_LOCKS = 400

#: Seconds to wait for the scheduler, and for its first worker.
_PATIENCE = 10, 10

#: Seconds without news after which the scheduler, and cells that other processes are at, are looked at.
_SILENCE = 0.25


class ClusterError(RuntimeError):
    """The cluster cannot be used; one line that says why and what to try."""


def train_on_cluster(ledger: Ledger, address: str, jobs: int | None) -> None:
    """Train every cell with ``jobs`` tasks in flight, two per worker thread unless given. ClusterError when the
    scheduler cannot be reached, is lost, or has no workers of this version; KeyboardInterrupt drops its tasks.
    """
    with _connected(address) as client:
        _Dispatch(ledger, client, jobs).run()


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        import distributed
    except ImportError:
        raise ClusterError("dask is not installed; try pip install -e '.[cluster]'") from None
    connect: Any = distributed.Client
    try:
        client = connect(address, timeout=_PATIENCE[0], set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no dask scheduler at {address!r} ({failure_reason(error)}); try --address tcp://localhost:8786"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE[1])
        except TimeoutError:
            raise ClusterError(
                f"the scheduler at {address} has no workers; try dask worker {address} --nthreads 1"
            ) from None
        for answer in client.run(version, on_error="return").values():
            if isinstance(answer, Exception) and not isinstance(answer, OSError):  # which a dead worker gives
                raise ClusterError(
                    f"the workers of {address} cannot load this program ({failure_reason(answer)}); install it there"
                )
        yield client


@cache
def version() -> str:
    """Of the engines, the defaults and what makes a run. Asked of a worker, this loads all that a task needs."""
    root = Path(__file__).parents[2]
    besides = [root / "theory" / "setting.py", *sorted((root / "numerics" / "training").glob("*.py"))]
    return source_hash() + hashlib.sha256(b"".join(path.read_bytes() for path in besides)).hexdigest()


def train_task(settings: Sequence[Setting], engine: EngineName, asked: str) -> list[Run | str]:
    """On a worker: the runs of some settings, each in this one thread; the reason in place of one that raised."""
    if asked != version():
        raise ClusterError("a worker runs another version of this program; install the same one everywhere")
    outcomes: list[Run | str] = []
    with one_thread():
        for setting in settings:
            try:
                outcomes.append(train_one(setting, engine=engine))
            except Exception as error:  # noqa: BLE001 (whatever one cell raises is its reason, the others go on)
                outcomes.append(failure_reason(error))
    return outcomes


def cut_into_tasks(settings: Sequence[Setting], threads: int) -> list[list[int]]:
    """Places of the settings in tasks of one shape (n, T, m, dtype), at least four per thread if there are enough."""
    limit = min(_TASK_WORK, sum(map(work_of, settings)) / (4 * threads)) if threads else _TASK_WORK
    return sorted(
        cut_by_shape(
            settings,
            lambda cell: (cell.n, cell.T, cell.m, cell.dtype),
            lambda cell: min(_TASK_RUNS, int(limit / work_of(cell))),
        )
    )


class _Dispatch:
    """Hands tasks to the cluster and writes down what comes back."""

    def __init__(self, ledger: Ledger, client: Any, jobs: int | None) -> None:
        self.ledger, self.client, self.jobs = ledger, client, jobs
        self.waiting = deque(cut_into_tasks(ledger.settings, sum(client.nthreads().values())))
        self.in_flight: dict[Any, list[int]] = {}
        self.busy: list[int] = []
        self.locks: dict[int, ExitStack] = {}
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self) -> None:
        """Until every cell has ended; locks are let go and tasks dropped whatever happens."""
        try:
            while self.waiting or self.in_flight or self.busy:
                self._submit_some()
                try:
                    self._settle(self.ended.get(timeout=_SILENCE))
                except queue.Empty:
                    self._look_around()
        finally:
            for lock in self.locks.values():
                lock.close()
            with contextlib.suppress(Exception):  # of a lost cluster
                self.client.cancel(list(self.in_flight))

    def _look_around(self) -> None:
        if self.client.status not in ("running", "connecting"):
            raise ClusterError("the scheduler was lost; the same command goes on from here once it is back")
        self.waiting.extend([place] for place in self.busy)
        self.busy.clear()

    def _submit_some(self) -> None:
        most = self.jobs or max(1, 2 * sum(self.client.nthreads().values()))
        while self.waiting and len(self.in_flight) < most:
            places = [place for place in self.waiting.popleft() if self._claim(place)]
            if not places:
                continue
            settings = [self.ledger.settings[place] for place in places]
            future = self.client.submit(train_task, settings, self.ledger.engine, version(), pure=False)
            self.in_flight[future] = places
            future.add_done_callback(self.ended.put)

    def _claim(self, place: int) -> bool:
        """Whether the cell is to be trained here: not if another process is at it or has finished it meanwhile."""
        ledger = self.ledger
        if len(self.locks) < _MOST_LOCKS:
            stack, name = ExitStack(), run_name(ledger.settings[place], ledger.engine)
            if not stack.enter_context(claimed(ledger.folder / f".{name}.lock", lambda: True)):
                self.busy.append(place)
                return False
            self.locks[place] = stack
        run = finished_run(ledger.settings[place], ledger.engine, ledger.folder)
        if run is not None:
            ledger.finish(place, run)
            self._release(place)
        return run is None

    def _release(self, place: int) -> None:
        if (lock := self.locks.pop(place, None)) is not None:
            lock.close()

    def _settle(self, future: Any) -> None:
        places = self.in_flight.pop(future)
        try:
            outcomes: list[Run | str] = future.result()
        except ClusterError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a worker raises, or its death)
            if future.status != "error":  # cancelled or lost: not the fault of its runs
                line = f"the cluster dropped a task ({failure_reason(error)})"
                raise ClusterError(f"{line}; the same command goes on from here") from None
            outcomes = [failure_reason(error)] if len(places) == 1 else []
            if not outcomes:
                self.waiting.extendleft([place] for place in reversed(places))
        for place, outcome in zip(places, outcomes, strict=False):
            if isinstance(outcome, str):
                self.ledger.fail(place, outcome)
            else:
                self.ledger.finish(place, save_run(outcome, self.ledger.folder), trained_elsewhere=True)
        for place in places:
            self._release(place)
