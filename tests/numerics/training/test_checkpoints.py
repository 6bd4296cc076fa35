"""A run that is stopped or killed at any moment goes on from its checkpoint and ends with the same bits."""

import dataclasses
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

import numerics.training.loop
from numerics import train, train_one
from numerics.engines import EngineName, available_engines
from numerics.engines.versions import engine_version
from numerics.training.checkpoints import claimed, load_checkpoint, save_checkpoint
from numerics.training.loop import Interrupted
from numerics.training.obtaining import prepare_folder
from numerics.training.runs import run_name
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
@settings(max_examples=8)
@given(stops=st.lists(st.integers(1, 120), max_size=4), dtype=st.sampled_from(["float32", "float64"]))
def test_pieces_have_the_bits_of_the_whole(tmp_path_factory, engine, stops, dtype) -> None:
    setting = SMALL.replace(dtype=dtype)
    path = tmp_path_factory.mktemp("pieces") / "run.checkpoint"
    assert same(train_in_pieces(setting, engine, path, stops), train_one(setting, engine=engine))


@pytest.mark.parametrize("damage", ["cut", "other run"])
def test_a_checkpoint_that_this_run_cannot_have_written_is_not_gone_on_from(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "run.checkpoint"
    train_in_pieces(SMALL.replace(lr=0.02) if damage == "other run" else SMALL, "cpu", path, [50])
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:200])
    with pytest.warns(UserWarning, match="from the beginning"):
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
    found = load_checkpoint(path, run_name(SMALL, "cpu"))
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
    with pytest.raises(SafetensorError):  # control: read as its own, such bytes break
        train_one(SMALL, checkpoint=path)
    save_checkpoint(dataclasses.replace(foreign, trained_by=()), path)
    with pytest.warns(UserWarning, match=r"another version \(unknown\)"):
        train_one(SMALL, checkpoint=path)


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


#: Trains, and kills itself at the given one of the moments at which something happens: a report, a sync, a rename.
_PROGRAM = """
import os, signal, sys, threading
import numerics.training.loop
from numerics import train
from theory import Setting

numerics.training.loop.WORK_PER_CALL, numerics.training.loop.CHECKPOINT_SECONDS = 2_000_000, 0.0
moments, lock = int(sys.argv[3]), threading.Lock()

def pass_by():
    global moments
    with lock:
        moments -= 1
        if moments == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def watched(call):
    def watching(*arguments):
        pass_by()
        return call(*arguments)
    return watching

os.fsync, os.replace = watched(os.fsync), watched(os.replace)
setting = Setting(T=4, n=600, sparsity=0.98, steps=6000)
train(setting, int(sys.argv[2]), out=sys.argv[1], progress=lambda steps: pass_by())
"""


def train_elsewhere(folder: Path, seeds: int, killed_at: int = -1) -> int:
    """Train in a process that kills itself at a moment of its work; its exit code."""
    command = [sys.executable, "-c", _PROGRAM, str(folder), str(seeds), str(killed_at)]
    return subprocess.run(command, check=False).returncode


def test_what_a_killed_process_left_locked_goes_and_a_lock_in_use_stays(tmp_path: Path) -> None:
    (tmp_path / ".finished.lock").touch()
    with claimed(tmp_path / ".busy.lock", lambda: False):
        prepare_folder(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".busy.lock"]


@pytest.mark.parametrize("kills", [1, pytest.param(25, marks=pytest.mark.slow)])
def test_killed_runs_end_with_the_same_bytes(tmp_path: Path, kills: int) -> None:
    """Those of a process that was not killed. Two runs have eight hundred moments, more than all kills use."""
    numbers = random.Random(0)
    for _ in range(kills):
        assert train_elsewhere(tmp_path / "killed", 2, numbers.randint(1, 30)) == -signal.SIGKILL
    setting = Setting(T=4, n=600, sparsity=0.98, steps=6000)
    if kills > 1:
        assert train_elsewhere(tmp_path / "killed", 2) == 0
    train(setting, 2, out=tmp_path / "killed", progress=False)
    for run in train(setting, 2, out=tmp_path / "whole", progress=False):
        assert (tmp_path / "killed" / run.path.name).read_bytes() == run.path.read_bytes()
    assert {path.suffix for path in (tmp_path / "killed").iterdir()} == {".safetensors", ".csv"}


def test_two_calls_share_the_work(tmp_path: Path, before_training: Callable[..., None]) -> None:
    """Every seed is trained once, whoever does it: locks hold between threads as between processes."""
    trained: list[int] = []
    before_training(lambda setting: trained.append(setting.seed))
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(train, SMALL, 6, out=tmp_path, progress=False) for _ in range(2)]
    assert all(map(same, *(call.result() for call in calls)))
    assert sorted(trained) == list(range(6))
