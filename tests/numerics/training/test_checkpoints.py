"""A run that is stopped or killed at any moment goes on from its checkpoint and ends with the same bits."""

from __future__ import annotations

import dataclasses
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numerics.training.loop
import numerics.training.obtaining
from numerics import Runs, train, train_one
from numerics.engines import EngineName, available_engines
from numerics.engines.versions import engine_version
from numerics.training.checkpoints import Checkpoint, claimed, load_checkpoint, save_checkpoint
from numerics.training.loop import Interrupted
from tests.numerics.training.test_runs import same
from theory import Setting

SMALL = Setting(T=3, n=30, sparsity=0.85, steps=250, lr=0.01)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step between two looks at the stop flag; checkpoints are written when it is set."""
    monkeypatch.setattr(numerics.training.loop, "WORK_PER_CALL", 1)


def train_in_pieces(setting: Setting, engine: EngineName, path: Path, stops: list[int]):
    """Stop after each of these numbers of calls, then go on to the end."""
    for calls in stops:
        stop, left = threading.Event(), [calls]

        def count(steps: int, stop: threading.Event = stop, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] <= 0:
                stop.set()

        try:
            return train_one(setting, engine=engine, checkpoint=path, stop=stop, progress=count)
        except Interrupted:
            assert path.exists()
    return train_one(setting, engine=engine, checkpoint=path)


@pytest.mark.parametrize("engine", available_engines())
@given(stops=st.lists(st.integers(1, 120), max_size=4), dtype=st.sampled_from(["float32", "float64"]))
def test_pieces_have_the_bits_of_the_whole(tmp_path_factory, engine, stops, dtype) -> None:
    setting = SMALL.replace(dtype=dtype)
    path = tmp_path_factory.mktemp("pieces") / "run.checkpoint"
    assert same(train_in_pieces(setting, engine, path, stops), train_one(setting, engine=engine))


def test_steps_are_not_taken_twice(tmp_path: Path) -> None:
    path, done = tmp_path / "run.checkpoint", []
    stop = threading.Event()

    def count(steps: int) -> None:
        done.append(steps)
        if sum(done) >= 100:
            stop.set()

    with pytest.raises(Interrupted):
        train_one(SMALL, checkpoint=path, stop=stop, progress=count)
    assert load_checkpoint(path).step == sum(done) == 100
    resumed: list[int] = []
    train_one(SMALL, checkpoint=path, progress=resumed.append)
    assert resumed[0] == 100
    assert sum(resumed) == SMALL.steps


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other run"])
def test_a_damaged_checkpoint_is_reported_and_the_run_starts_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.checkpoint"
    train_in_pieces(SMALL, "cpu", path, [50])
    assert path.exists()
    content = path.read_bytes()
    if damage == "other run":
        path = tmp_path / "another.checkpoint"
    spoiled = {
        "flip": content[:-9] + bytes([content[-9] ^ 4]) + content[-8:],
        "cut": content[:200],
        "empty": b"",
    }
    path.write_bytes(spoiled.get(damage, content))
    with pytest.warns(UserWarning, match="from the beginning"):
        run = train_one(SMALL, checkpoint=path)
    assert same(run, train_one(SMALL))


@pytest.mark.parametrize(
    "forge",
    [
        lambda found: {"step": SMALL.steps},
        lambda found: {"step": -1},
        lambda found: {"step": found.step + SMALL.steps // 2},
        lambda found: {"parameters": found.parameters[:-1]},
        lambda found: {"second": found.second[:, :-1]},
        lambda found: {"history_step": found.history_step + 1},
        lambda found: {"history_loss": found.history_loss[:-1]},
    ],
)
def test_a_whole_checkpoint_that_this_run_cannot_have_written_is_not_gone_on_from(
    tmp_path: Path, forge: Callable[[Checkpoint], dict[str, object]]
) -> None:
    path = tmp_path / "run.checkpoint"
    train_in_pieces(SMALL, "cpu", path, [50])
    found = load_checkpoint(path)
    save_checkpoint(dataclasses.replace(found, **forge(found)), path)
    with pytest.warns(UserWarning, match=r"not of this run; starting it from the beginning"):
        run = train_one(SMALL, checkpoint=path)
    assert same(run, train_one(SMALL))


def test_the_checkpoint_of_another_version_is_gone_on_from_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters and moments are taken over; what only that version could read is not."""
    path = tmp_path / "run.checkpoint"
    stop = threading.Event()
    with monkeypatch.context() as older:
        older.setattr(numerics.training.loop, "engine_version", lambda engine: "an older one")
        with pytest.raises(Interrupted):
            train_one(SMALL, checkpoint=path, stop=stop, progress=lambda steps: stop.set())
    found = load_checkpoint(path)
    assert found.trained_by == ("an older one",)
    foreign = dataclasses.replace(found, auxiliary=np.full(7, 255, np.uint8))
    save_checkpoint(foreign, path)
    with pytest.warns(
        UserWarning, match=r"another version \(an older one\).*need not have the bits"
    ) as caught:
        run = train_one(SMALL, checkpoint=path)
    assert len(caught) == 1
    assert run.trained_by == ("an older one", engine_version("cpu"))
    assert run.history_loss[: len(found.history_loss)].tolist() == found.history_loss.tolist()
    save_checkpoint(dataclasses.replace(foreign, trained_by=(engine_version("cpu"),)), path)
    with pytest.raises(ValueError):  # noqa: PT011 (control: read as its own, such bytes break)
        train_one(SMALL, checkpoint=path)
    save_checkpoint(dataclasses.replace(foreign, trained_by=()), path)
    with pytest.warns(UserWarning, match=r"another version \(unknown\)"):
        train_one(SMALL, checkpoint=path)


def test_a_checkpoint_of_this_version_goes_on_silently(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = train_in_pieces(SMALL, "cpu", tmp_path / "run.checkpoint", [20, 20])
    assert run.trained_by == (engine_version("cpu"),)


def test_nothing_but_runs_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / f".{train(SMALL, out=None, progress=False)[0].name}.safetensors.0123.part").write_bytes(
        b"torn"
    )
    train(SMALL, seeds=2, out=tmp_path, progress=False)
    assert sorted(path.suffix or path.name for path in tmp_path.iterdir()) == [".csv", *2 * [".safetensors"]]


def test_a_lock_is_held_until_let_go(tmp_path: Path) -> None:
    path = tmp_path / ".run.lock"
    looks: list[bool] = []
    with claimed(path, lambda: False) as first:
        assert first
        with claimed(path, lambda: len(looks) > 1 or bool(looks.append(True))) as second:
            assert not second
    with claimed(path, lambda: True) as third:
        assert third
    assert not path.exists()


_PROGRAM = """
import sys
import numerics.training.obtaining
import numerics.training.loop
from numerics import train
from theory import Setting

numerics.training.loop.WORK_PER_CALL, numerics.training.loop.CHECKPOINT_SECONDS = 2_000_000, 0.0
plain = numerics.training.obtaining.train_one

def reporting(setting, **options):
    run = plain(setting, **options)
    print("trained", setting.seed, flush=True)
    return run

numerics.training.obtaining.train_one = reporting
print("ready", flush=True)
train(Setting(T=4, n=600, sparsity=0.98, steps=6000), int(sys.argv[2]), out=sys.argv[1], progress=False)
"""


def _start(folder: Path, seeds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _PROGRAM, str(folder), str(seeds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _kill_until_done(folder: Path, kills: int) -> int:
    """Kill a training process ``kills`` times at random moments after it started; how often it died at work."""
    numbers, died = random.Random(0), 0
    for _ in range(kills):
        process = _start(folder, 2)
        assert process.stdout.readline() == "ready\n"
        time.sleep(numbers.uniform(0.0, 0.4))
        process.send_signal(signal.SIGKILL)
        died += process.wait() == -signal.SIGKILL
    last = _start(folder, 2)
    _, errors = last.communicate(timeout=300)
    assert last.returncode == 0, errors
    return died


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_killed_runs_end_with_the_same_bits(tmp_path: Path, kills: int) -> None:
    assert _kill_until_done(tmp_path / "killed", kills) >= kills // 2  # most kills came before the end
    whole = train(Setting(T=4, n=600, sparsity=0.98, steps=6000), 2, out=None, progress=False)
    assert all(map(same, Runs.load(tmp_path / "killed"), whole))
    assert {path.suffix for path in (tmp_path / "killed").iterdir()} == {".safetensors", ".csv"}


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    processes = [_start(tmp_path, 6) for _ in range(2)]
    seeds = []
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        seeds += [int(line.split()[1]) for line in output.splitlines() if line.startswith("trained")]
    assert sorted(seeds) == list(range(6))  # every seed, none twice
    assert len(Runs.load(tmp_path)) == 6
