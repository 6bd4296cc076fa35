"""Sweeps on one machine: the bits of `train`, failures that stop nothing, resuming, the table."""

import json
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import numerics.sweeps.cells
import numerics.training.obtaining
import numerics.training.threads
from numerics import Run, Runs, load_run, train, train_one
from numerics.engines.cpu import trajectory as cpu
from numerics.measurement.observables import OBSERVABLES, observe
from numerics.sweeps import CellState, Sweep, run_sweep, sweep_states, sweep_table
from numerics.training.runs import run_name
from tests.numerics.training.test_runs import same
from theory import Setting

SMALL = Setting(T=3, n=30, sparsity=0.85, steps=200, lr=0.01)

#: float32 overflows within a step.
DIVERGING = SMALL.replace(lr=1e37, weight_decay=0.0)

CELLS = tuple(SMALL.replace(T=T, seed=seed) for T in (3, 2) for seed in (0, 1))


def run(sweep: Sweep, folder: Path, **options: object) -> list[CellState]:
    return run_sweep(sweep, folder, progress=False, **options)  # type: ignore[arg-type]


def counts(states: list[CellState]) -> dict[str, int]:
    return dict(Counter(cell.state for cell in states))


@pytest.fixture
def broken(before_training: Callable[..., None]) -> list[int]:
    """The T whose cells raise."""
    which = [2]

    def breaking(setting: Setting) -> None:
        if setting.T in which:
            raise MemoryError("no room\nfor this")

    before_training(breaking)
    return which


@pytest.mark.parametrize("jobs", [1, 3, None])
def test_a_cell_has_the_bits_that_train_gives_it(tmp_path: Path, jobs: int | None) -> None:
    states = run(Sweep(CELLS), tmp_path, jobs=jobs)
    assert [(cell.setting, cell.state, cell.reason) for cell in states] == [(c, "done", "") for c in CELLS]
    direct = train([SMALL, SMALL.replace(T=2)], seeds=2, out=None, progress=False)
    found = [load_run(tmp_path / f"{run_name(cell, 'cpu')}.safetensors") for cell in CELLS]
    assert all(map(same, found, direct))
    assert not same(found[0], direct[1])


def test_large_cells_come_last_and_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = tuple(cell.replace(n=600) for cell in CELLS)
    monkeypatch.setattr(cpu, "ALL_CORES_FROM", 600 * 3 * 3)
    order, inside, most = [], [], []
    lock = threading.Lock()

    def watching(setting: Setting, **options: object) -> Run:
        with lock:
            order.append(setting.T)
            inside.append(setting.T)
            most.append(inside.count(3))
        made = train_one(setting, **options)  # type: ignore[arg-type]
        with lock:
            inside.remove(setting.T)
        return made

    monkeypatch.setattr(numerics.training.obtaining, "train_one", watching)
    run(Sweep(cells), tmp_path, jobs=4)
    assert order == [2, 2, 3, 3]
    assert max(most) == 1


def test_a_failed_cell_is_a_row_and_the_others_finish(tmp_path: Path, broken: list[int]) -> None:
    cells = (*CELLS, DIVERGING)
    states = run(Sweep(cells), tmp_path)
    assert [cell.state for cell in states] == ["done", "done", "failed", "failed", "failed"]
    assert [cell.reason for cell in states[2:4]] == ["MemoryError: no room for this"] * 2
    assert states[4].reason.startswith("diverged: not finite at step ")
    assert [cell.state for cell in sweep_states(Sweep(cells), tmp_path)] == [cell.state for cell in states]
    record = json.loads((tmp_path / f"{run_name(cells[2], 'cpu')}.failed.json").read_text())
    reason = "MemoryError: no room for this"
    assert record == {"setting": cells[2].as_dict(), "engine": "cpu", "reason": reason}
    assert not list(tmp_path.glob(".*"))  # no lock, nothing half written


def test_a_finished_or_failed_cell_is_not_trained_again(tmp_path: Path, trained: list[Setting]) -> None:
    sweep = Sweep((*CELLS, DIVERGING))
    run(sweep, tmp_path)
    assert sorted(map(str, trained)) == sorted(map(str, sweep.cells))
    trained.clear()
    with pytest.warns(UserWarning, match=r"1 cell of 5 that failed before; --retry-failed") as said:
        run(sweep, tmp_path)
    assert len(said) == 1
    assert trained == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing to say where nothing failed
        run(Sweep(CELLS), tmp_path)
    assert trained == []


def test_retry_trains_the_failed_cells_and_only_those(
    tmp_path: Path, broken: list[int], trained: list[Setting]
) -> None:
    run(Sweep((*CELLS, DIVERGING)), tmp_path)
    states = run(Sweep((*CELLS, DIVERGING)), tmp_path, retry_failed=True)
    assert counts(states) == {"done": 2, "failed": 3}  # they still fail
    broken.clear()
    trained.clear()
    fresh = SMALL.replace(seed=9)
    states = run(Sweep((*CELLS, DIVERGING, fresh)), tmp_path, retry_failed=True)
    assert counts(states) == {"done": 4, "failed": 1, "left": 1}
    assert sorted(map(str, trained)) == sorted(map(str, [*CELLS[2:], DIVERGING]))
    assert not list(tmp_path.glob("*.failed.json"))


def test_a_damaged_record_is_named_and_ignored(tmp_path: Path, broken: list[int]) -> None:
    run(Sweep(CELLS), tmp_path)
    path = tmp_path / f"{run_name(CELLS[2], 'cpu')}.failed.json"
    for damage in (b"", b"{}", b"[1]", b'{"reason": 3}', b'{"reason": ""}', b"\xff"):
        path.write_bytes(damage)
        with pytest.warns(UserWarning, match="not a record of a failure"):
            assert counts(sweep_states(Sweep(CELLS), tmp_path)) == {"done": 2, "failed": 1, "left": 1}


def test_a_refusing_disk_stops_the_sweep_and_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, saved = numerics.training.obtaining.save_run, []

    def filling_up(made: Run, folder: Path) -> Run:
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        saved.append(made)
        return real(made, folder)

    monkeypatch.setattr(numerics.training.obtaining, "save_run", filling_up)
    with pytest.raises(OSError, match="No space left"):
        run(Sweep(CELLS), tmp_path, jobs=1)
    assert len(Runs.load(tmp_path)) == 2
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".checkpoint", ".csv"}
    assert counts(sweep_states(Sweep(CELLS), tmp_path)) == {"done": 2, "left": 2}


def test_ctrl_c_stops_all_threads_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised where the main thread waits for its threads, as a signal is; runs in progress leave checkpoints."""
    long = [SMALL.replace(steps=200_000, seed=seed) for seed in range(2)]
    cells = (CELLS[0], *long)
    begun = threading.Event()

    def interrupted(pending: object) -> object:
        begun.wait()
        raise KeyboardInterrupt

    def waiting(setting: Setting, *, stop: threading.Event, progress: Any, **options: Any) -> Run:
        """A long run takes some steps, and no more before it is stopped."""

        def report(steps: int) -> None:
            progress(steps)
            if setting in long:
                begun.set()
                stop.wait()

        return train_one(setting, stop=stop, progress=report, **options)

    before = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(numerics.training.obtaining, "train_one", waiting)
        patch.setattr(numerics.training.threads, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(Sweep(cells), tmp_path, jobs=3)
    assert threading.active_count() == before
    assert not list(tmp_path.glob(".*"))
    assert list(tmp_path.glob("*.checkpoint"))
    assert "failed" not in counts(sweep_states(Sweep(cells), tmp_path))
    assert counts(run(Sweep(cells), tmp_path)) == {"done": 3}
    assert same(load_run(tmp_path / f"{run_name(long[0], 'cpu')}.safetensors"), train_one(long[0]))


def test_a_cell_that_another_process_trains_is_running(tmp_path: Path) -> None:
    """And one whose lock was left behind by a killed process is not."""
    names = [run_name(cell, "cpu") for cell in CELLS[:2]]
    held, left = (tmp_path / f".{name}.lock" for name in names)
    code = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'w') as file:\n"
        "    fcntl.flock(file, fcntl.LOCK_EX)\n    print(True, flush=True)\n    sys.stdin.read()"
    )
    left.touch()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(held)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert [cell.state for cell in sweep_states(Sweep(CELLS[:2]), tmp_path)] == ["running", "left"]
        other.communicate()
    assert [cell.state for cell in sweep_states(Sweep(CELLS[:2]), tmp_path)] == ["left", "left"]


def test_cells_without_a_file_are_not_looked_for_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(Sweep(CELLS[:1]), tmp_path)
    asked: list[Path] = []
    real = numerics.sweeps.cells.finished_run
    monkeypatch.setattr(
        "numerics.sweeps.cells.finished_run", lambda *given: asked.append(given[0]) or real(*given)
    )
    many = Sweep((*CELLS, *(SMALL.replace(seed=seed) for seed in range(100, 300))))
    assert counts(sweep_states(many, tmp_path)) == {"done": 1, "left": 203}
    assert asked == [CELLS[0]]


def test_the_table_has_one_row_per_cell_in_order(tmp_path: Path, broken: list[int]) -> None:
    cells = (DIVERGING, *reversed(CELLS))
    run(Sweep(cells), tmp_path)
    late = (*cells, SMALL.replace(seed=5))
    table = sweep_table(Sweep(late), tmp_path)
    assert [Setting(**row) for row in table[list(SMALL.as_dict())].to_dict("records")] == list(late)
    assert list(table.columns) == [*SMALL.as_dict(), "engine", "status", "reason", *OBSERVABLES]
    assert table["status"].tolist()[:3] == ["diverged", "failed", "failed"]
    assert table["status"].tolist()[5] == "left"
    assert (table["reason"] != "").tolist() == [True] * 3 + [False] * 3
    numbers = table[list(OBSERVABLES)].to_numpy()
    assert np.isnan(numbers[[0, 1, 2, 5]]).all()
    for row, cell in ((3, CELLS[1]), (4, CELLS[0])):
        np.testing.assert_array_equal(numbers[row], list(observe(train_one(cell)).values()))
    assert not np.array_equal(numbers[3], numbers[4])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"jobs": 0}, "jobs is 0"),
        ({"backend": "ray"}, "'ray' is not known; allowed are local, dask"),
        ({"backend": "dask"}, "address is None, backend dask"),
        ({"address": "tcp://localhost:1"}, "backend local"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        run(Sweep(CELLS), tmp_path / "runs", **options)
    with pytest.raises(ValueError, match="'gpu' is not known"):
        run(replace(Sweep(CELLS), engine="gpu"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_engine_of_the_sweep_is_used(tmp_path: Path, broken: list[int]) -> None:
    broken.append(3)
    assert counts(run(Sweep(CELLS[:1], engine="reference"), tmp_path)) == {"failed": 1}
    record = tmp_path / f"{run_name(CELLS[0], 'reference')}.failed.json"
    assert json.loads(record.read_text())["engine"] == "reference"
    assert counts(sweep_states(Sweep(CELLS[:1]), tmp_path)) == {"left": 1}  # another engine is another run
