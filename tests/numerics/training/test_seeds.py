"""Training many runs: same bits always, finished runs kept, failures named, interruption harmless."""

import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numerics.training.loop
from numerics import Runs, draw_dataset, draw_start, load_run, measure, train, train_one
from numerics.engines import EngineName, available_engines
from numerics.training.loop import RECORDS, growing_steps, record_steps, take_snapshots
from numerics.training.obtaining import TIMES, timed, training_seconds
from numerics.training.runs import run_name
from tests.numerics.training.test_runs import same
from theory import MEMORIZED_ERROR, Setting

SMALL = Setting(T=3, n=30, sparsity=0.85, steps=250, lr=0.01)


def named(settings: Iterable[Setting]) -> list[tuple[int, int]]:
    return sorted((setting.T, setting.seed) for setting in settings)


def all_same(one: Runs, other: Runs) -> bool:
    return len(one) == len(other) and all(map(same, one, other))


@pytest.mark.parametrize("engine", available_engines())
def test_threads_and_repetition_change_no_bit(engine: EngineName) -> None:
    short = SMALL.replace(steps=60)
    runs = train(short, seeds=4, engine=engine, out=None, progress=False, threads=1)
    for threads in (1, 3, None):
        assert all_same(train(short, seeds=4, engine=engine, out=None, progress=False, threads=threads), runs)
    assert all(same(train_one(run.setting, engine=engine), run) for run in runs)
    assert not same(train_one(short.replace(seed=9), engine=engine), runs[0])


def test_order_and_seeds() -> None:
    """Setting by setting, seed by seed; an iterator of seeds serves every setting."""
    settings = [SMALL, SMALL.replace(T=2)]
    wanted = [(3, 0), (3, 1), (2, 0), (2, 1)]
    for seeds in (2, np.int64(2), [0, 1], iter([0, 1]), range(2), np.arange(2)):
        runs = train(settings, seeds, out=None, progress=False)
        assert [(run.setting.T, run.setting.seed) for run in runs] == wanted
    assert [run.setting.data_seed for run in runs] == [0, 1, 0, 1]
    own = train([3, np.int64(2)], out=None, progress=False, n=30, steps=5)
    assert [run.setting for run in own] == [Setting(T, n=30, steps=5) for T in (3, 2)]
    fixed_data = train(SMALL.replace(seed=5, data_seed=3), 2, out=None, progress=False)
    assert [(run.setting.seed, run.setting.data_seed) for run in fixed_data] == [(5, 3), (6, 3)]


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        (SMALL, {"seeds": 0}, "seeds=0"),
        (SMALL, {"seeds": -2}, "seeds=-2"),
        (SMALL, {"seeds": []}, "nothing to train"),
        (SMALL, {"threads": 0}, "threads = 0"),
        ([SMALL, 5], {"seeds": []}, "nothing to train"),  # 5 is Setting(5)
        (0, {}, "T = 0"),
        ([], {}, "0 settings"),
        (SMALL, {"engine": "gpu"}, "'gpu' is not known"),
        (SMALL, {"seeds": [-1]}, "seed"),
        (3, {"step": 9}, "step: no such setting; did you mean steps"),
        ([3, SMALL], {"steps": 9}, r"try setting.replace\(steps=9\)"),
        *((no_setting, {}, r"T or a Setting; try train\(8\)$") for no_setting in (5.5, None, [True], "x")),
    ],
)
def test_what_cannot_be_trained_is_refused(
    settings: object, options: dict, said: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        train(settings, out=tmp_path / "runs", progress=False, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, trained: list[Setting]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    for out in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(OSError, match="file") as refused:
            train(SMALL, out=out, progress=False)
        assert refused.value.__notes__ == [f"out = {str(out)!r}: try a folder that can be written"]
    assert trained == []


def test_finished_runs_are_reused(tmp_path: Path, trained: list[Setting]) -> None:
    first = train(SMALL, seeds=2, out=tmp_path, progress=False)
    assert named(trained) == [(3, 0), (3, 1)]
    trained.clear()
    again = train([SMALL, SMALL.replace(T=2)], seeds=2, out=tmp_path, progress=False)
    assert named(trained) == [(2, 0), (2, 1)]
    assert all_same(again[:2], first)
    assert [run.path for run in again[:2]] == [run.path for run in first]
    assert all_same(Runs.load(tmp_path)[2:], first)
    trained.clear()
    train(SMALL, seeds=2, engine="reference", out=tmp_path, progress=False)
    assert named(trained) == [(3, 0), (3, 1)]  # another engine is another run


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert train(SMALL, out=None, progress=False)[0].path is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "other run"])
def test_a_damaged_run_is_reported_and_trained_again(
    tmp_path: Path, trained: list[Setting], damage: str
) -> None:
    first = train(SMALL, seeds=2, out=tmp_path, progress=False)
    path = first[0].path
    other = first[1].path.read_bytes()
    path.write_bytes(other if damage == "other run" else path.read_bytes()[:-5])
    trained.clear()
    with pytest.warns(UserWarning, match="training it again") as caught:
        again = train(SMALL, seeds=2, out=tmp_path, progress=False)
    assert len(caught) == 1
    assert str(path) in str(caught[0].message)
    assert named(trained) == [(3, 0)]
    assert all_same(again, first)
    assert same(load_run(path), first[0])


def test_progress_adds_up(tmp_path: Path) -> None:
    """Each call with a positive number, all together every step: of new, reused and diverged runs alike."""
    settings = [SMALL, SMALL.replace(lr=1e12, weight_decay=0.0)]
    total = 2 * sum(setting.steps for setting in settings)
    for _ in range(2):
        done: list[int] = []
        train(settings, seeds=2, out=tmp_path, progress=done.append)
        assert sum(done) == total
        assert min(done) >= 0


@given(st.integers(1, 100_000))
def test_records_are_even_and_include_both_ends(steps: int) -> None:
    at = record_steps(steps)
    assert (at[0], at[-1]) == (0, steps)
    assert len(at) == min(steps, RECORDS) + 1
    gaps = np.diff(at)
    assert gaps.max() - gaps.min() <= 1


def test_the_history_is_the_loss_along_the_way() -> None:
    """Of the start at step 0, and of shorter walks of the same schedule's first steps."""
    run = train_one(SMALL)
    assert run.history_step.tolist() == record_steps(SMALL.steps)
    data = draw_dataset(SMALL)
    W, b = (part.astype(np.float32) for part in draw_start(SMALL))
    assert run.history_loss[0] == measure((W, b), data).train_loss
    assert run.history_loss[-1] == run.record.train_loss
    assert (run.W.dtype, run.W.shape, run.b.shape) == (np.float32, (2, 30), (30,))
    assert run.record.as_dict() == measure(run, data).as_dict()


def test_given_data_and_start_are_used() -> None:
    W, b = draw_start(SMALL.replace(seed=4))
    data = draw_dataset(SMALL.replace(data_seed=8))
    run = train_one(SMALL, data=data, start=(W, b))
    assert same(run, train_one(SMALL, data=data, start=(W.tolist(), b.tolist())))
    assert run.history_loss[0] == measure((W.astype(np.float32), b), data).train_loss
    assert not np.array_equal(run.W, train_one(SMALL).W)
    for wrong in ((W.T, b), (W[:1], b), (W, b[1:]), (W[:, 1:], b[1:])):
        with pytest.raises(ValueError, match="start has shapes"):
            train_one(SMALL, start=wrong)


def test_memorized_means_every_datapoint() -> None:
    run = train_one(SMALL.replace(steps=8_000, lr=3e-3, T=2))
    assert run.status == "memorized"
    assert run.record.worst_point_error <= MEMORIZED_ERROR
    assert train_one(SMALL.replace(steps=1)).status == "not memorized"
    # a mean below the limit is not enough: one of 30 datapoints is not memorized
    named = {2: "not memorized", 1: "memorized", np.nan: "diverged", np.inf: "diverged"}
    for worst, status in named.items():
        errors = np.array([0.0] * 29 + [worst * MEMORIZED_ERROR])
        assert numerics.training.loop._status(errors) == status


def test_a_run_is_timed_when_it_is_trained_and_not_when_it_is_read(tmp_path):
    began = time.monotonic()
    train(SMALL, out=tmp_path, progress=False)
    bound = time.monotonic() - began
    name = run_name(SMALL, "cpu")
    (seconds,) = training_seconds([name], tmp_path).values()
    assert 0 <= seconds <= bound
    (tmp_path / f"{name}.checkpoint").touch()  # as a process leaves it that is killed once its run is saved
    train(SMALL, out=tmp_path, progress=False)
    assert not (tmp_path / f"{name}.checkpoint").exists()
    assert (tmp_path / TIMES).read_text().count(name) == 1


def test_pieces_add_up_damaged_lines_do_not_and_an_interrupted_piece_counts(tmp_path):
    (tmp_path / TIMES).write_bytes(b"a,1.5\nb,2\n\xff\xfe,,\na,nan\na,inf\na,-3\na\na,x\na,0.25\n")
    assert training_seconds(["a", "b", "c"], tmp_path) == {"a": 1.75, "b": 2.0}
    with pytest.raises(KeyboardInterrupt), timed("c", tmp_path):
        raise KeyboardInterrupt
    assert set(training_seconds(["a", "b", "c"], tmp_path)) == {"a", "b", "c"}


def test_a_folder_that_refuses_the_file_loses_no_run(tmp_path):
    (tmp_path / TIMES).mkdir()
    assert train(SMALL, out=tmp_path, progress=False)[0].name == run_name(SMALL, "cpu")
    assert training_seconds([run_name(SMALL, "cpu")], tmp_path) == {}
    assert (tmp_path / f"{run_name(SMALL, 'cpu')}.safetensors").is_file()


REPEATED = Setting(T=12, n=60, sparsity=0.9, repeats=3, steps=120, seed=3)


@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_the_last_snapshot_has_the_bits_of_the_run(engine):
    run = train_one(REPEATED, engine=engine)
    *_, last = take_snapshots(REPEATED, [0, 17, 120], engine=engine)
    assert last.W.dtype == run.W.dtype
    assert np.array_equal(last.W, run.W)
    assert np.array_equal(last.b, run.b)


def test_a_snapshot_does_not_depend_on_the_others_and_the_first_is_the_start():
    fine = {one.step: one for one in take_snapshots(REPEATED, range(0, 121, 10))}
    for one in take_snapshots(REPEATED, [0, 30, 120]):
        assert np.array_equal(one.W, fine[one.step].W)
    assert not np.array_equal(fine[30].W, fine[120].W)
    for part, start in zip((fine[0].W, fine[0].b), draw_start(REPEATED), strict=True):
        assert np.array_equal(part, start.astype(np.float32))


def test_a_diverging_run_yields_only_what_is_finite():
    wild = REPEATED.replace(lr=1e30, weight_decay=0.0)
    taken = list(take_snapshots(wild, range(121)))
    assert 0 < len(taken) < 121
    assert all(np.isfinite(one.W).all() for one in taken)


def test_growing_steps_grow_by_even_factors():
    for steps, count in ((1, 5), (20, 60), (20_000, 60)):
        taken = growing_steps(steps, count)
        assert (taken[0], taken[-1]) == (0, steps)
        assert len(taken) <= count + 1
        assert all(later > step for step, later in itertools.pairwise(taken))
    late = np.array([step for step in growing_steps(1_000_000, 60) if step > 0])
    assert np.allclose(late[1:] / late[:-1], 1000 ** (1 / 59), rtol=1e-3)
