"""Runs on disk: whole or not there, verified on every read, never unpickled."""

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import numba
import numpy as np
import pytest
import safetensors.numpy
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

import numerics
from numerics import Run, RunFileError, Runs, load_run, train_one
from numerics.engines import versions
from numerics.training import runs as runs_module
from numerics.training.runs import run_name, save_run, write_atomically
from theory import Setting

SMALL = Setting(T=2, n=12, sparsity=0.8, steps=30, lr=0.01)


def made_run(**changes: object) -> Run:
    """A run without training, with every kind of content."""
    setting = SMALL.replace(**changes)
    random = np.random.default_rng(setting.seed)
    dtype = np.dtype(setting.dtype)
    return Run(
        setting=setting,
        engine="cpu",
        status="not memorized",
        W=random.normal(size=(setting.m, setting.n)).astype(dtype),
        b=random.normal(size=setting.n).astype(dtype),
        history_step=np.array([0, 15, 30]),
        history_loss=np.array([1.0, 0.5, 0.25]),
    )


def same(one: Run, other: Run) -> bool:
    """Whether everything but the path is equal, bit by bit, types included."""
    plain = ("setting", "engine", "status")
    arrays = ("W", "b", "history_step", "history_loss")
    return all(getattr(one, name) == getattr(other, name) for name in plain) and all(
        getattr(one, name).dtype == getattr(other, name).dtype
        and getattr(one, name).shape == getattr(other, name).shape
        and getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in arrays
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_round_trip(tmp_path: Path, dtype: str) -> None:
    run = made_run(dtype=dtype, m=3)
    saved = save_run(run, tmp_path)
    assert saved.path == tmp_path / f"{run.name}.safetensors"
    assert same(saved, run)
    loaded = load_run(str(saved.path))
    assert same(loaded, run)
    assert loaded.path == saved.path
    assert loaded.record.as_dict() == run.record.as_dict()
    assert not same(made_run(dtype=dtype, m=3, seed=1), run)
    assert [path.name for path in tmp_path.iterdir()] == [saved.path.name]
    losses = {"status": "diverged", "history_loss": np.array([1.0, 2.0, np.inf])}
    for other in (train_one(SMALL), dataclasses.replace(run, W=np.full_like(run.W, np.nan), **losses)):
        assert same(load_run(save_run(other, tmp_path).path), other)


def test_the_header_is_in_order_whatever_the_library_does(tmp_path: Path) -> None:
    """One order in forty writes, of the library's as many."""
    paths = [save_run(made_run(), tmp_path).path for _ in range(40)]
    assert len({path.read_bytes() for path in paths}) == 1
    header_length = int.from_bytes(paths[0].read_bytes()[:8], "little")
    assert header_length % 8 == 0
    plain = {"W": np.zeros(2)}, {"tgon": "{}", "sha256": "0"}
    mixed = {safetensors.numpy.save(*plain) for _ in range(40)}
    assert len({runs_module._with_sorted_header(content) for content in mixed}) == 1
    if len(mixed) == 1:
        pytest.skip("this version of safetensors writes metadata in one order; the control shows nothing")


def test_the_name_is_what_determines_the_run() -> None:
    """Every value of a setting and the engine enter; the result does not."""
    names = {run_name(SMALL, "cpu"), run_name(SMALL, "reference")}
    changes = {
        "T": 3, "n": 13, "sparsity": 0.81, "m": 3, "repeats": 2, "steps": 31, "lr": 0.011, "warmup": 2,
        "weight_decay": 0.5, "seed": 1, "data_seed": 1, "dtype": "float64", "start": "pentagon", "start_bias": 0.1,
        "loss": "mean", "adam_epsilon": 1e-6, "schedule": "constant", "repeated_points": 2,
    }  # fmt: skip
    assert set(changes) == {field.name for field in dataclasses.fields(Setting)}
    names |= {run_name(SMALL.replace(**{name: value}), "cpu") for name, value in changes.items()}
    assert len(names) == len(changes) + 2
    assert dataclasses.replace(made_run(), status="memorized").name == made_run().name
    # made by: from numerics.training.runs import run_name; run_name(Setting(T=5), "cpu")
    assert run_name(Setting(T=5), "cpu") == "8cd6142e0654fb2ae95b"


def test_a_run_says_which_version_trained_it(tmp_path: Path) -> None:
    """Files of before, which do not, are read; the version is not in the name."""
    for named in ((), ("one",), ("one", "another")):
        run = dataclasses.replace(made_run(), trained_by=named)
        assert run.name == made_run().name
        assert load_run(save_run(run, tmp_path).path).trained_by == named
    run = made_run()
    tensors = {name: getattr(run, name) for name in ("W", "b", "history_step", "history_loss")}
    earlier = {"format": 1, "engine": "cpu", "setting": SMALL.as_dict(), "status": "memorized"}
    runs_module.write_verified(tmp_path / "run.safetensors", tensors, json.dumps(earlier))
    assert load_run(tmp_path / "run.safetensors").trained_by == ()


def test_the_version_is_that_of_sources_libraries_and_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = versions.engine_version("cpu")
    assert train_one(SMALL).trained_by == (plain,)
    monkeypatch.setattr(versions, "source_hash", versions.source_hash.__wrapped__)  # type: ignore[attr-defined]
    fresh = versions.engine_version.__wrapped__  # type: ignore[attr-defined]
    assert fresh("cpu") == plain != fresh("reference")
    for floor in ("numerics", "theory"):
        shutil.copytree(Path(numerics.__file__).parents[1] / floor, tmp_path / floor)
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "numerics" / "engines" / "versions.py"))
    assert fresh("cpu") == plain
    for name in ("numerics/engines/cpu/pairs.py", "numerics/schedule.py", "theory/setting.py"):
        with open(tmp_path / name, "a") as file:
            file.write("# edited")
        before, plain = plain, fresh("cpu")
        assert plain != before
    monkeypatch.setattr(numba, "__version__", "99")
    assert "numba 99," in fresh("cpu")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save_run(made_run(), tmp_path_factory.mktemp("run")).path.read_bytes()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "run.safetensors"


def refused_or_equal(path: Path, content: bytes) -> bool:
    """True when refused with RunFileError, False when it loads and is the run; anything else fails."""
    path.write_bytes(content)
    try:
        assert same(load_run(path), made_run())
    except RunFileError as error:
        if "\n" in str(error) or str(path) not in str(error):
            pytest.fail(f"not one line that names the file: {error}")
        return True
    return False


@pytest.mark.parametrize("mask", [1, 4, 128])
def test_every_flipped_bit_is_noticed(content: bytes, scratch: Path, mask: int) -> None:
    """In lengths, names, shapes, metadata and tensors; what loads all the same is padding of the header."""
    assert not refused_or_equal(scratch, content)
    start = 8 + int.from_bytes(content[:8], "little")
    flipped = (content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :] for at in range(len(content)))
    refused = [refused_or_equal(scratch, spoiled) for spoiled in flipped]
    assert all(refused[start:])
    assert sum(refused[:start]) > 0.95 * start


def test_truncated_extended_foreign_and_absent_files_are_noticed(content: bytes, scratch: Path) -> None:
    for length in {*range(0, len(content), 7), *range(20), len(content) - 1}:
        assert refused_or_equal(scratch, content[:length]), length
    for foreign in (
        content + b"\0", content + content, content[1:], b"", b"\0" * 8, b"\0" * 4096, b"\xff" * 4096, b"{}",
        b"just text\n" * 50, b"PK\x03\x04" + b"\0" * 100, b"\x80\x04cos\nsystem\n", b"\x02\0\0\0\0\0\0\0{}",
    ):  # fmt: skip
        assert refused_or_equal(scratch, foreign), foreign[:20]
    for absent in (scratch.parent / "none.safetensors", scratch.parent, scratch.parent / "none" / "run"):
        with pytest.raises(RunFileError, match=str(absent)):
            load_run(absent)


def test_foreign_models_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    W, b = np.zeros((2, 4), np.float32), np.zeros(4, np.float32)
    history = {"history_step": np.zeros(1, np.int64), "history_loss": np.zeros(1)}
    for tensors in ({"W": W, "b": b}, {"W": W, "b": b, **history}, {}):
        for metadata in (None, {"format": "pt"}, {"tgon": "{}"}, {"tgon": "{}", "sha256": "0"}):
            save_file(tensors, path, metadata)
            with pytest.raises(RunFileError):
                load_run(path)
    save_torch_file({"W": torch.zeros(2, 2, dtype=torch.bfloat16), "b": torch.zeros(2)}, path)
    with pytest.raises(RunFileError, match="not a run of this program"):
        load_run(path)


@pytest.mark.parametrize(
    "edit",
    [
        {"format": 2},
        {"format": "1"},
        {"setting": {"T": 0}},
        {"setting": {**SMALL.as_dict(), "new option": 1}},
        {"setting": 5},
        {"setting": None},
        {"status": None},
        {"engine": None},
        {"status": "finished"},
        {"trained_by": "one"},
        {"trained_by": [1]},
    ],
)
def test_other_formats_with_a_right_checksum_are_refused(tmp_path: Path, edit: dict) -> None:
    """As a later version of the program might write them; None stands for a missing key."""
    run = made_run()
    tensors = {name: getattr(run, name) for name in ("W", "b", "history_step", "history_loss")}
    description = {"format": 1, "engine": "cpu", "setting": SMALL.as_dict(), "status": "memorized"} | edit
    path = tmp_path / "run.safetensors"
    edited = json.dumps({key: value for key, value in description.items() if value is not None})
    for text in (edited, "not json", "[]"):
        save_file(tensors, path, {"tgon": text, "sha256": runs_module._checksum(tensors, text)})
        with pytest.raises(RunFileError) as caught:
            load_run(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt("No space")])
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_or_interrupted_write_leaves_the_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    earlier = save_run(made_run(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, broken)
        with pytest.raises(type(error), match="No space"):
            save_run(dataclasses.replace(made_run(), status="memorized"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [earlier.path.name]
    assert same(load_run(earlier.path), made_run())


def test_the_content_is_synced_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order of calls: write and sync the file, rename it, sync the folder."""
    calls: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(handle: int) -> None:
        calls.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")
        real_sync(handle)

    def replace(source: str, target: Path) -> None:
        assert Path(source).read_bytes() == b"content"
        calls.append("rename")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomically(tmp_path / "run", b"content")
    if not Path("/proc/self/fd").exists():
        calls[-1] = "sync folder"
    assert calls == ["sync file", "rename", "sync folder"]


def test_runs_are_a_sequence_in_order(tmp_path: Path) -> None:
    for T, seed in ((3, 1), (2, 0), (3, 0)):
        save_run(made_run(T=T, seed=seed), tmp_path)
    (tmp_path / ".half.safetensors.x.part").write_bytes(b"half a run")
    (tmp_path / "notes.txt").write_text("hello")
    runs = Runs.load(tmp_path)
    assert [(run.setting.T, run.setting.seed) for run in runs] == [(2, 0), (3, 0), (3, 1)]
    assert repr(runs) == "<Runs: 3 runs, 0 memorized>"
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    with pytest.raises(RunFileError, match="broken"):
        Runs.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Runs.load(tmp_path / "nowhere")


#: Ways in which a source could run code out of a file.
UNPICKLING = re.compile(
    r"^\s*(?:import|from) (?:pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\b|allow_pickle=(?!False)"
    r"|torch\.load\((?![^)]*weights_only=True)|\bread_pickle\(|(?<![\w.])eval\(",
    flags=re.M,
)


def test_nothing_is_unpickled() -> None:
    root = Path(numerics.__file__).parent.parent
    for floor in ("theory", "numerics", "verify", "experiments", "tgon"):
        files = sorted((root / floor).rglob("*.py"))
        assert files
        assert [path for path in files if UNPICKLING.search(path.read_text(encoding="utf-8"))] == []
    bare = "import pickle; from pickle import loads; import joblib; torch.load(path); eval(text); pd.read_pickle(path)"
    given = "np.load(path, allow_pickle=True); torch.load(path, weights_only=False)"
    for source in f"{bare}; {given}".split("; "):
        assert UNPICKLING.search(source), source
    assert not UNPICKLING.search("np.load(path, allow_pickle=False); torch.load(path, weights_only=True)")
