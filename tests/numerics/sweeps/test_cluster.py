"""Sweeps on a cluster: the bits of one machine, killed workers lose nothing, what kills its worker is a row."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import numba
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numerics.sweeps.cluster as cluster
from numerics import Run, Runs, train, train_one
from numerics.sweeps import CellState, Sweep, run_sweep, sweep_states
from numerics.sweeps.cells import Ledger
from numerics.sweeps.cluster import ClusterError, cut_into_tasks
from numerics.training.checkpoints import claimed
from numerics.training.progress import progress_bar, work_of
from numerics.training.runs import run_name
from tests.numerics.sweeps.test_sweeps import counts
from tests.numerics.training.test_runs import same
from theory import Setting

SMALL = Setting(T=3, n=30, sparsity=0.85, steps=200, lr=0.01)
CELLS = tuple(SMALL.replace(T=T, seed=seed) for T in (3, 2) for seed in range(4))
DIVERGING = SMALL.replace(lr=1e37, weight_decay=0.0)

#: Kills its worker, in `deadly_task`.
DEADLY = CELLS[5]


def deadly_task(settings: Sequence[Setting], engine: Any, version: str) -> list[Run | str]:
    """In place of `train_task`, on a worker process."""
    if DEADLY in settings:
        os._exit(1)
    return cluster.train_task(settings, engine, version)


def handed_out(work: Callable[[], Any] | None = None) -> Any:
    """A task of `Client`, done before it is handed out; one without work never ends."""
    task: Any = futures.Future()
    try:
        if work is not None:
            task.set_result(work())
        task.status = "finished"
    except Exception as error:  # noqa: BLE001
        task.set_exception(error)
        task.status = "error"
    return task


class Client:
    """A cluster of one worker inside this thread, where the death of a worker is an exception."""

    def __init__(self, deadly: Sequence[Setting] = (), threads: int = 1, silent: bool = False) -> None:
        self.deadly, self.threads, self.silent = deadly, threads, silent
        self.status = "running"
        self.submitted: list[list[Setting]] = []
        self.cancelled = False

    def nthreads(self) -> dict[str, int]:
        return {"worker": self.threads}

    def submit(self, task: Any, settings: list[Setting], engine: Any, version: str, pure: bool) -> Any:
        self.submitted.append(settings)

        def work() -> Any:
            if set(settings) & set(self.deadly):
                raise ChildProcessError("worker died")
            return task(settings, engine, version)

        return handed_out(None if self.silent else work)

    def cancel(self, tasks: Sequence[Any]) -> None:
        self.cancelled = True


def dispatch(
    client: Client, folder: Path, cells: Sequence[Setting] = CELLS, look: Callable[[], None] = lambda: None
) -> list[CellState]:
    """Train cells on a cluster; ``look`` is called whenever nothing has come back for a moment."""

    class Watched(cluster._Dispatch):
        def _look_around(self) -> None:
            look()
            super()._look_around()

    with progress_bar(cells, shown=False) as meter:
        Watched(Ledger(cells, "cpu", folder, meter), client, None).run()
    return sweep_states(Sweep(tuple(cells)), folder)


def test_what_kills_its_worker_is_a_row_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """Its task is cut into single runs, so that those that shared the task with it are trained."""
    client = Client(deadly=[DEADLY])
    states = dispatch(client, tmp_path)
    assert [cell.setting for cell in states if cell.state == "failed"] == [DEADLY]
    assert {cell.reason for cell in states} == {"", "ChildProcessError: worker died"}
    assert counts(states) == {"done": 7, "failed": 1}
    assert any(len(task) > 1 and DEADLY in task for task in client.submitted)
    assert [DEADLY] in client.submitted
    assert not list(tmp_path.glob(".*"))


def test_a_cell_that_raises_on_its_worker_is_a_row(
    tmp_path: Path, before_training: Callable[..., None]
) -> None:
    def breaking(setting: Setting) -> None:
        if setting == DEADLY:
            raise MemoryError("too large")

    before_training(breaking, cluster)
    client = Client()
    states = dispatch(client, tmp_path, (*CELLS, DIVERGING))
    assert counts(states) == {"done": 7, "failed": 2}
    assert states[5].reason == "MemoryError: too large"
    assert states[8].reason.startswith("diverged")
    each = chain.from_iterable(client.submitted)
    assert sorted(map(str, each)) == sorted(map(str, (*CELLS, DIVERGING)))


def test_cells_of_another_process_are_waited_for_and_not_trained(tmp_path: Path) -> None:
    """One that it finishes, and one that it leaves."""
    finished, left = CELLS[:2]
    client, looks = Client(), []
    locks = [claimed(tmp_path / f".{run_name(cell, 'cpu')}.lock", lambda: True) for cell in (finished, left)]
    assert all(lock.__enter__() for lock in locks)

    def look() -> None:
        looks.append(len(Runs.load(tmp_path)))
        if len(looks) == 2:
            cluster.save_run(train_one(finished), tmp_path)
            for lock in locks:
                lock.__exit__(None, None, None)

    states = dispatch(client, tmp_path, look=look)
    assert looks[:2] == [6, 6]  # all others are done by then
    assert counts(states) == {"done": 8}
    assert sorted(map(str, chain.from_iterable(client.submitted))) == sorted(map(str, CELLS[1:]))


def test_a_lost_scheduler_is_one_line_and_keeps_what_is_written(tmp_path: Path) -> None:
    class Lost(Client):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            task = super().submit(*arguments, **options)
            if len(self.submitted) == 2:
                self.status, task = "closed", futures.Future()
                task.set_exception(RuntimeError("connection\nlost"))
                task.status = "cancelled"
            return task

    with pytest.raises(ClusterError, match="goes on from here") as lost:
        dispatch(Lost(), tmp_path)
    assert "\n" not in str(lost.value)
    states = sweep_states(Sweep(CELLS), tmp_path)
    assert "failed" not in counts(states)
    assert counts(states)["done"] >= 1
    assert not list(tmp_path.glob(".*"))


def test_a_scheduler_that_is_silent_and_gone_is_noticed(tmp_path: Path) -> None:
    client = Client(silent=True)
    with pytest.raises(ClusterError, match="scheduler was lost"):
        dispatch(client, tmp_path, look=lambda: setattr(client, "status", "closed"))


def test_ctrl_c_drops_tasks_and_locks(tmp_path: Path) -> None:
    def interrupt() -> None:
        assert list(tmp_path.glob(".*.lock"))  # cells in flight are held
        raise KeyboardInterrupt

    client = Client(threads=2, silent=True)
    with pytest.raises(KeyboardInterrupt):
        dispatch(client, tmp_path, look=interrupt)
    assert client.cancelled
    assert not list(tmp_path.glob(".*"))
    assert "failed" not in counts(sweep_states(Sweep(CELLS), tmp_path))


def test_a_task_computes_in_one_thread_and_leaves_the_threads_as_they_were(
    before_training: Callable[..., None],
) -> None:
    seen = []
    before_training(lambda _: seen.append((numba.get_num_threads(), torch.get_num_threads())), cluster)
    torch.set_num_threads(2)
    before = numba.get_num_threads(), torch.get_num_threads()
    try:
        cluster.train_task(CELLS[:2], "cpu", cluster.version())
        assert (numba.get_num_threads(), torch.get_num_threads()) == before
    finally:
        torch.set_num_threads(1)
    assert seen == [(1, 1)] * 2


def test_a_worker_of_another_version_trains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cluster.train_task
    monkeypatch.setattr(cluster, "train_task", lambda settings, engine, _: real(settings, engine, "0" * 64))
    with pytest.raises(ClusterError, match="another version"):
        dispatch(Client(), tmp_path)
    assert counts(sweep_states(Sweep(CELLS), tmp_path)) == {"left": 8}


@given(
    st.lists(st.tuples(st.sampled_from([3, 5, 1000]), st.sampled_from([100, 10_000])), max_size=60),
    st.integers(0, 8),
)
def test_tasks_hold_every_cell_once_and_one_shape_each(shapes: list[tuple[int, int]], threads: int) -> None:
    cells = [Setting(T=T, n=n, seed=seed) for seed, (T, n) in enumerate(shapes)]
    tasks = cut_into_tasks(cells, threads)
    assert sorted(chain.from_iterable(tasks)) == list(range(len(cells)))
    for task in tasks:
        assert len({(cells[k].T, cells[k].n) for k in task}) == 1
        assert len(task) <= 16
        work = sum(work_of(cells[k]) for k in task)
        assert len(task) == 1 or work <= cluster._TASK_WORK
        if threads and len(task) > 1:
            assert work <= sum(map(work_of, cells)) / (4 * threads) * (1 + 1e-12)


def distributed() -> Any:
    return pytest.importorskip("distributed", reason="dask is not installed; pip install -e '.[cluster]'")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of one worker thread in this process."""
    with distributed().LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as here:
        yield here.scheduler_address


def test_a_cluster_gives_the_bits_of_one_machine(tmp_path: Path, scheduler: str) -> None:
    sweep = Sweep((*CELLS, DIVERGING))
    states = run_sweep(sweep, tmp_path, backend="dask", address=scheduler, progress=False)
    assert counts(states) == {"done": 8, "failed": 1}
    direct = train([SMALL, SMALL.replace(T=2), DIVERGING], seeds=4, out=None, progress=False)
    found = {run.name: run for run in Runs.load(tmp_path)}
    assert all(same(found[run.name], run) for run in direct[:9])


def test_a_cluster_that_cannot_be_used_is_one_line(
    tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", (0.5, 0.5))

    def refusal(address: str) -> str:
        with pytest.raises(ClusterError) as refused:
            run_sweep(Sweep(CELLS), tmp_path, backend="dask", address=address, progress=False)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    assert "no dask scheduler at 'tcp://127.0.0.1:1'" in refusal("tcp://127.0.0.1:1")
    assert "no dask scheduler at 'nonsense://x'" in refusal("nonsense://x")
    with distributed().LocalCluster(
        n_workers=0, processes=False, dashboard_address=":0", protocol="tcp"
    ) as empty:
        assert "has no workers; try dask worker" in refusal(empty.scheduler_address)
    monkeypatch.setattr(cluster, "version", lambda: str(threading.get_ident()))  # the worker has its own
    assert "another version" in refusal(scheduler)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install -e '.[cluster]'" in refusal(scheduler)
    assert counts(sweep_states(Sweep(CELLS), tmp_path)) == {"left": 8}


def test_a_worker_that_dies_while_it_is_asked_for_its_version_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, own = mock.MagicMock(), cluster.version()
    monkeypatch.setattr(distributed(), "Client", lambda *_, **__: client)
    for answer, said in ((own, ""), (ImportError("numba"), "cannot load this")):
        client.run.return_value = {"dead": OSError("closed"), "alive": answer}
        refused = pytest.raises(ClusterError, match=said) if said else nullcontext()
        with refused, cluster._connected("tcp://here:1") as found:
            assert found is client


@pytest.fixture
def two_processes() -> Iterator[Any]:
    with distributed().LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as workers:
        yield workers


def living_workers(workers: Any) -> set[int]:
    """Processes of a cluster's workers; a nanny has none while it starts another."""
    running = [nanny for nanny in list(workers.workers.values()) if nanny.status.name == "running"]
    return {nanny.pid for nanny in running if nanny.pid is not None}


@pytest.mark.slow
def test_a_worker_killed_in_mid_sweep_loses_no_cell(tmp_path: Path, two_processes: Any) -> None:
    """SIGKILL twice, each time to a worker that is training."""
    cells = tuple(SMALL.replace(steps=60_000, seed=seed) for seed in range(24))
    address, killed = two_processes.scheduler_address, []

    def kill() -> None:
        for after in (2, 8):
            while len(list(tmp_path.glob("*.safetensors"))) < after:
                time.sleep(0.02)
            while not (alive := living_workers(two_processes) - set(killed)):
                time.sleep(0.02)  # one dead, the other not restarted yet
            killed.append(min(alive))
            os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    states = run_sweep(Sweep(cells), tmp_path, backend="dask", address=address, progress=False)
    killer.join()
    assert len(set(killed)) == 2
    assert counts(states) == {"done": 24}
    runs = {run.name: run for run in Runs.load(tmp_path)}
    assert same(runs[run_name(cells[7], "cpu")], train_one(cells[7]))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_dask_gives_up_what_kills_its_workers(
    tmp_path: Path, two_processes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "train_task", deadly_task)
    address = two_processes.scheduler_address
    states = run_sweep(Sweep(CELLS), tmp_path, backend="dask", address=address, progress=False)
    assert counts(states) == {"done": 7, "failed": 1}
    assert states[5].reason.startswith("KilledWorker: ")
