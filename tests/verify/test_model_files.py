"""Foreign files: every way a model may be stored is read, everything else is refused in one line."""

import contextlib
import io
import json
import pickle
import resource
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from scipy.sparse import coo_array, save_npz

from numerics import RunFileError, draw_dataset, train
from numerics.measurement.forward import measure_layers
from theory import Setting
from verify import array_files
from verify.array_files import ForeignFileError
from verify.model_files import ForeignFile, model_files

_SMALL = Setting(T=3, n=40, sparsity=0.9, steps=20)
_W = np.arange(1.0, 9.0).reshape(2, 4)
_B = np.array([-1.0, 0.0, 1.0, 2.0])


def read_models(path, sides=()):
    return ForeignFile(path).models(sides)


def read_data(path, n, rows=None, place=(0, 1)):
    return ForeignFile(path, rows).data(n, place)


def _one(path, sides=()):
    [model] = read_models(path, sides)
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(_SMALL, out=tmp_path_factory.mktemp("runs"), progress=False)[0]


def _tensors(arrays):
    return {name: torch.as_tensor(array) for name, array in arrays.items()}


def _npz(path, **arrays):
    with path.open("wb") as file:  # under this name, whatever it ends with
        np.savez(file, **arrays)


def _safetensors(path, **arrays):
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


_WRITERS = {
    "npz": _npz,
    "safetensors": _safetensors,
    "torch": lambda path, **arrays: torch.save(_tensors(arrays), path),
    "old torch": lambda path, **arrays: torch.save(
        _tensors(arrays), path, _use_new_zipfile_serialization=False
    ),
    "nested torch": lambda path, **arrays: torch.save({"step": 7, "state_dict": _tensors(arrays)}, path),
}


_THREE, _BIASES = np.stack([_W, 2 * _W, 3 * _W]), np.stack([_B, _B, -_B])
_ADAM = {
    "state": {0: {"exp_avg": _W / 9, "step": np.ones(())}, 1: {"exp_avg": _B / 9}},
    "param_groups": [{"lr": 0.1}],
}
_OLD = {"W": -_W, "b": -_B}
_MORE = {
    "importance": _B**2,
    "I": _B**2,
    "X": np.eye(4),
    "loss": np.ones(9),
    "scale": np.ones(1),
    "weight_decay": np.array(1 / 9),
    "mask": np.ones((4, 2), np.int64),
}
_LAYERS = {"0.weight": _W, "0.bias": np.zeros(2), "2.weight": _W.T, "2.bias": _B}

#: What a torch file may hold, and what is found in it: how many models, or a word of what it differs by.
_LAYOUTS = {
    "as it is": ({"W": _W, "b": _B}, 1),
    "names of layers": ({"encoder.weight": _W, "decoder.bias": _B}, 1),
    "names of the field": ({"w1_2t": _W, "b_1t": _B}, 1),
    "transposed": ({"weight": _W.T, "bias": _B}, 1),
    "column": ({"W": _W, "b": _B[:, None]}, 1),
    "row": ({"W": _W.T, "b": _B[None]}, 1),
    "one number beside": ({"W": _W, "b": np.ones(1), "bias": _B}, 1),
    "list": ([_W, _B], 1),
    "list of numbers": ({"W": _W, "b": _B.tolist()}, 1),
    "weight norm": ({"W": _W, "b": _B, "weight_g": np.full((), 0.3)}, "'weight_g' (), norm 0.3"),
    "one of a batch": ({"W": _W[None], "b": _B[None]}, 1),
    "wrapped": ({"module._orig_mod.W": _W, "module._orig_mod.b": _B}, 1),
    "tied": ({"W_enc": _W, "W_dec": _W.T, "b": _B}, 1),
    "tied, same orientation": ({"W_enc": _W, "W_dec": _W, "b": _B}, 1),
    "linear layers": (_LAYERS, 1),
    "beside": ({"W": _W, "b": _B} | _MORE, 1),
    "optimizer first": ({"optimizer": _ADAM, "model": {"w": _W, "c": _B}}, 1),
    "optimizer last": ({"epoch": np.ones(()), "net": {"w": _W, "c": _B}, "o": _ADAM}, 1),
    "averages": ({"ema": _OLD, "model": {"W": _W, "b": _B}, "initial_state": _OLD}, 1),
    "averages beside": ({"ema_W": -_W, "W": _W, "b": _B, "ema_b": -_B}, 1),
    "averages alone": ({"ema": {"W": _W, "b": _B, "n_averaged": np.ones(())}}, 1),
    "history": ({"W_history": np.stack([-_W] * 5), "b_history": np.stack([-_B] * 5), "w": _W, "c": _B}, 1),
    "instances": ({"W": _THREE, "b_final": _BIASES}, 3),
    "instances, transposed": ({"W": _THREE.swapaxes(1, 2), "b": _BIASES[:, None]}, 3),
    "instances, columns": (
        {"linear.weight": _THREE, "b": _BIASES[:, :, None], "probability": np.ones((3, 1))},
        3,
    ),
    "instances in a list": ({"models": [{"W": w, "b": b} for w, b in zip(_THREE, _BIASES, strict=True)]}, 3),
    "steps": ({str(k): {"W": w, "b": b} for k, w, b in zip((0, 10, 100), _THREE, _BIASES, strict=True)}, 3),
    "instances, tied": ({"enc": _THREE, "dec": _THREE.swapaxes(1, 2), "b": _BIASES}, 3),
    "untied": (
        {"initial_layer.weight": _W, "final_layer.weight": _W.T + 1, "final_layer.bias": _B},
        "not tied",
    ),
    "untied, same orientation": ({"W": _W, "W_up": 2 * _W, "b": _B}, "not tied"),
    "encoder bias": (_LAYERS | {"0.bias": np.ones(2)}, "'0.bias' (2,), norm 1.41, is a bias of the encoder"),
    "bias of the encoder alone": (
        {"e.weight": _W, "e.bias": np.ones(2), "d.weight": _W.T},
        "bias of the encoder",
    ),
    "hidden layer": (
        {"0.weight": _W, "1.weight": np.eye(2)[::-1], "2.weight": _W.T, "2.bias": _B},
        "further layer",
    ),
    "wide hidden layer": (
        {"0.weight": np.ones((7, 4)), "1.weight": np.ones((2, 7)), "2.weight": np.ones((7, 2)), "3.bias": _B},
        "further layer",
    ),
    "bias before": ({"W": _W, "b": _B, "b_pre": np.ones(4)}, "'b_pre' (4,)"),
    "norm": ({"W": _W, "b": _B, "norm.weight": np.ones(4), "norm.bias": np.zeros(4)}, "'norm.weight' (4,)"),
    "scale": ({"W": _W, "b": _B, "scale": np.full(1, 2.0)}, "'scale' (1,), norm 2"),
    "scale of each hidden": (
        {"weight_g": np.full((2, 1), 2.0), "weight_v": _W, "bias": _B},
        "'weight_g' (2, 1), norm 2.83;",
    ),
    "one instance untied": ({"enc": _THREE, "dec": _THREE[[0, 1, 1]], "b": _BIASES}, "not tied"),
}


def _as_torch(content):
    if isinstance(content, dict):
        return {name: _as_torch(item) for name, item in content.items()}
    if isinstance(content, list):
        return [_as_torch(item) for item in content]
    return torch.tensor(np.array(content))


@pytest.mark.parametrize(("content", "expected"), _LAYOUTS.values(), ids=_LAYOUTS)
def test_every_layout_is_read_or_told_apart(tmp_path, content, expected):
    torch.save(_as_torch(content), tmp_path / "model.pt")
    assert ForeignFile(tmp_path / "model.pt").holds_data == (content is _LAYOUTS["beside"][0])
    found = read_models(tmp_path / "model.pt", (4, 30))
    if isinstance(expected, str):
        assert expected in "; ".join([*found[-1].differences, ""])
        return
    assert len(found) == expected
    for k, model in enumerate(found):
        np.testing.assert_array_equal(model.W, (k + 1) * _W)
        np.testing.assert_array_equal(model.b, _B if k < 2 else -_B)
        assert model.differences == ()


@pytest.mark.parametrize("write", _WRITERS.values(), ids=_WRITERS)
@pytest.mark.parametrize("name", ["model.npz", "model.pt", "model.safetensors", "model"])
def test_every_container_under_any_name(tmp_path, write, name):
    write(tmp_path / "made.npz", W=_W.T, bias=_B)
    model = _one((tmp_path / "made.npz").rename(tmp_path / name))
    np.testing.assert_array_equal(model.W, _W)
    assert any("transpose" in guess for guess in model.notes)


def test_no_bias_is_zero_and_says_so(tmp_path):
    """The sides of the data tell which side of W has the features."""
    np.save(tmp_path / "W.npy", _W)
    for sides, shape in (((4, 9), (2, 4)), ((2, 9), (4, 2))):
        model = _one(tmp_path / "W.npy", sides)
        assert model.W.shape == shape
        assert not model.b.any()
        assert "there is no bias: b = 0" in model.notes[0]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_is_the_bias_of_every_feature_and_says_so(tmp_path, shape):
    _npz(tmp_path / "model.npz", W=_W, b=np.full(shape, 0.5))
    model = _one(tmp_path / "model.npz")
    assert model.b.tolist() == [0.5] * 4
    assert any("one number" in note for note in model.notes)


def test_a_square_matrix_is_taken_as_it_is_and_says_so(tmp_path):
    np.savez(tmp_path / "model.npz", W=_W[:, :2], b=_B[:2])
    model = _one(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.W, _W[:, :2])
    assert any("fits as well" in guess for guess in model.notes)


@pytest.mark.parametrize(
    ("kind", "rounding"), [(torch.bfloat16, 2**-8), (torch.float16, 2**-11), (torch.float32, 0)]
)
def test_half_precision_is_told(tmp_path, kind, rounding):
    tensors = {name: torch.as_tensor(array).to(kind) for name, array in (("W", _W), ("b", _B))}
    save_torch_file(tensors, tmp_path / "model.safetensors")
    model = _one(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(model.W, _W)
    assert model.rounding == rounding
    assert any("half precision" in guess for guess in model.notes) == (rounding > 0)


@pytest.mark.parametrize("n", [500, 1000, 9999])
def test_a_safetensors_header_may_begin_like_a_pickle(tmp_path, n):
    _safetensors(tmp_path / "model.pt", W=np.ones((2, n), np.float32), b=np.ones(n, np.float32))
    assert (tmp_path / "model.pt").read_bytes()[:1] == b"\x80"
    assert _one(tmp_path / "model.pt").W.shape == (2, n)


def test_what_is_no_such_model_is_measured_as_it_is(tmp_path):
    """Norms, and the loss of the stored layers with a ReLU at their output."""
    data, D, c = draw_dataset(_SMALL), np.ones((40, 2)), np.array([1.0, -2.0])
    W, b = np.random.default_rng(0).normal(size=(2, 40)), np.linspace(-1, 1, 40)
    np.savez(tmp_path / "model.npz", **{"E.weight": W, "E.bias": c, "D.weight": D, "D.bias": b})
    found = measure_layers(_one(tmp_path / "model.npz"), data)
    X = data.dense()
    outputs = np.maximum(D @ (W @ X + c[:, None]) + b[:, None], 0)
    assert found["train_loss"] == pytest.approx(((outputs - X) ** 2).sum() / 3, rel=1e-12)
    tied = np.maximum(W.T @ W @ X + b[:, None], 0)
    assert found["largest_difference"] == pytest.approx(np.abs(outputs - tied).max(), rel=1e-12)


def test_a_folder_is_its_models_in_order(tmp_path):
    for name in ("step_100.npz", "step_20.npz", "X.npy", "log.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in model_files([tmp_path], tmp_path / "X.npy")] == ["step_20.npz", "step_100.npz"]


def test_a_run_knows_its_data(run):
    model = _one(run.path)
    np.testing.assert_array_equal(model.W, run.W)
    data, guesses = read_data(run.path, 40)
    assert (data.digest(), guesses) == (run.data.digest(), ())
    with pytest.raises(ForeignFileError, match="a run with 40 features, the model has 41"):
        read_data(run.path, 41)


def _csv(separator=",", **more):
    def write(path, X):
        np.savetxt(path, X, delimiter=separator, fmt="%.17g", comments="", **more)

    return write


_BESIDE = {"X_test": torch.ones(7, 40), "W": torch.ones(2, 40), "y": torch.ones(3), "mask": torch.ones(40, 3)}

#: Ways to store data, which all can be told from their content.
_DATA = {
    "npy": lambda path, X: np.save(path, X),
    "half": lambda path, X: np.save(path, X.astype("f2")),
    "big-endian": lambda path, X: np.save(path, X.astype(">f4")),
    **{
        f"npz {name}": lambda path, X, name=name: np.savez(path, **{name: X})
        for name in ("X", "data", "anything")
    },
    **{
        f"scipy {kind}": lambda path, X, kind=kind: save_npz(path, coo_array(X).asformat(kind))
        for kind in ("csr", "csc", "coo", "bsr", "dia")
    },
    "torch": lambda path, X: torch.save(torch.tensor(np.array(X)), path),
    "bfloat16": lambda path, X: torch.save(torch.tensor(np.array(X)).bfloat16(), path),
    "torch coo": lambda path, X: torch.save(torch.tensor(np.array(X)).to_sparse(), path),
    "torch csr": lambda path, X: torch.save(torch.tensor(np.array(X)).to_sparse_csr(), path),
    "beside test data": lambda path, X: torch.save({"X_train": torch.tensor(np.array(X))} | _BESIDE, path),
    "safetensors": lambda file, X: _safetensors(file.name, X=X),
    "CSV": _csv(),
    "spaces": _csv(" "),
    "semicolons": _csv(";"),
    "pandas": lambda path, X: pd.DataFrame(X).to_csv(path),
    "pandas without index": lambda path, X: pd.DataFrame(X).to_csv(path, index=False),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("write", _DATA.values(), ids=_DATA)
def test_data_under_any_name_kind_and_orientation(tmp_path, write, turned):
    """The same dataset, up to the rounding of its type; an empty datapoint is left out and counted."""
    X = np.insert(draw_dataset(_SMALL).dense(), 1, 0, axis=1)
    with (tmp_path / "data").open("wb") as file:  # without a name that would tell the kind
        write(file, X.T if turned else X)
    data, guesses = read_data(tmp_path / "data", 40)
    bound = 2**-8 if write is _DATA["bfloat16"] else 2**-11 if write is _DATA["half"] else 2**-24
    np.testing.assert_allclose(data.dense(), np.delete(X, 1, axis=1), rtol=bound, atol=0)
    assert ("one row per datapoint" in " ".join(guesses)) == turned
    assert any("1 of 4 datapoints are empty" in guess for guess in guesses)
    assert any("norms of datapoints" in guess for guess in guesses) == (bound > 1e-6)


def test_a_header_and_copies_and_lists_of_datapoints(tmp_path):
    X = draw_dataset(_SMALL).dense()
    _csv(header=",".join(f"feature {j}" for j in range(40)))(tmp_path / "X.csv", np.vstack([X.T, X.T]))
    data, guesses = read_data(tmp_path / "X.csv", 40)
    assert data.T == 6
    assert "6 datapoints, 3 of them distinct" in guesses
    (tmp_path / "X.txt").write_text("0,1,2\n1,0,0\n0,1,0")
    assert read_data(tmp_path / "X.txt", 3)[0].T == 2, "names of columns"
    torch.save([torch.tensor(x) for x in X.T[:2]], tmp_path / "X.pt")
    np.testing.assert_array_equal(read_data(tmp_path / "X.pt", 40)[0].dense(), X[:, :2])


def test_square_data_are_turned_by_their_norms_or_as_told(tmp_path):
    square = 0.999 * np.array([[0.6, 0.8, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # rows of norm 1, nearly
    np.save(tmp_path / "X.npy", square)
    for rows, expected, why in (
        (None, square.T, "rows have norm 1"),
        (False, square, ""),
        (True, square.T, ""),
    ):
        data, guesses = read_data(tmp_path / "X.npy", 3, rows)
        np.testing.assert_array_equal(data.dense(), expected)
        assert why in " ".join(guesses)
    np.save(tmp_path / "X.npy", np.ones((3, 3)) - np.tri(3) / 2)
    _csv()(tmp_path / "X.csv", np.ones((3, 3)) - np.tri(3) / 2)
    for name, other in (("X.npy", "rows"), ("X.csv", "columns")):
        assert f", though {other} fit as well (X.T, or --rows" in read_data(tmp_path / name, 3)[1][0]


@pytest.mark.parametrize("axes", [(1, 0, 2), (0, 1, 2), (0, 2, 1)])
def test_each_instance_has_its_own_data(tmp_path, axes):
    X = np.random.default_rng(0).random((3, 5, 4))  # (instances, T, n)
    np.save(tmp_path / "X.npy", X.transpose(axes))
    for k in range(3):
        np.testing.assert_array_equal(read_data(tmp_path / "X.npy", 4, place=(k, 3))[0].dense(), X[k].T)
    np.save(tmp_path / "X.npy", X[:, :3])
    assert "axis 0 fits as well" in read_data(tmp_path / "X.npy", 4, place=(0, 3))[1][0]
    with pytest.raises(ForeignFileError, match="for one model it must be a matrix"):
        read_data(tmp_path / "X.npy", 4)


def test_many_sparse_datapoints_are_never_dense(tmp_path, monkeypatch):
    """10⁴ features of 5·10⁴ datapoints, 4 GB if dense, in memory for a few times their half a million entries."""
    monkeypatch.setattr(array_files, "available_memory", lambda: 125_000_000)
    T, numbers = 50_000, np.random.default_rng(0)
    places = np.repeat(np.arange(T), 10), numbers.integers(0, 10_000, 10 * T)
    save_npz(tmp_path / "X.npz", coo_array((np.ones(10 * T), places), (T, 10_000)))
    assert read_data(tmp_path / "X.npz", 10_000)[0].T == T


@pytest.mark.parametrize(("before", "lower"), [(-1, False), (10**15, False), (1_000, True), (0, True)])
def test_reading_takes_the_memory_there_is_or_a_lower_limit_that_there_was(before, lower, monkeypatch):
    limits = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (before, -1))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    with array_files._within_memory():
        [(inside, _)] = limits
    assert inside == before if lower else 0 < inside < 10**15
    assert limits[1] == (before, -1)


class _Malicious:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def _truncated(path, write):
    write(path, W=_W, b=_B)
    path.write_bytes(path.read_bytes()[:-200])


def _holding(**arrays):
    return partial(_npz, **arrays)


#: How to make a file that is no model, by what is wrong with it.
_NO_MODEL = {
    "no matrix": _holding(W=_B),
    "shapes": _holding(W=_W, b=_B[:3]),
    "table": lambda path: _csv()(path, _W),
}


def _bomb(path):
    """A zip that says in 50 kB that it holds 50 MB, of which a little memory is too little."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("X.npy", "w") as file:
        np.lib.format.write_array(file, np.zeros((4, 1_600_000)))


def _expanded(path):
    torch.save({"X": torch.ones(1, 1).expand(4, 10**12)}, path)


def _many(path):
    header = json.dumps(
        {f"t{k}": {"dtype": "F32", "shape": [0, 4], "data_offsets": [0, 0]} for k in range(20_000)}
    )
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())


def _lying(path, columns):
    stored = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stored, {"descr": "<f8", "fortran_order": False, "shape": (4, columns)}
    )
    path.write_bytes(stored.getvalue() + bytes(64))


#: ... and neither model nor data.
_NO_ARRAYS = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("weights, as text"),
    "folder": lambda path: path.mkdir(),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"W": _W, "b": _B, "evil": _Malicious()})),
    "torch pickle": lambda path: torch.save({"W": torch.as_tensor(_W), "evil": _Malicious()}, path),
    "object arrays": _holding(W=np.array([_Malicious(), None]), b=_B),
    "complex": _holding(W=_W * 1j, b=_B),
    "strings": _holding(W=_W, b=np.array(["a", "b", "c", "d"])),
    "nothing": _holding(),
    "bomb": _bomb,
    "expanded": _expanded,
    "many arrays": _many,
    "lying header": partial(_lying, columns=10**15),
    "cut short": partial(_lying, columns=10),
    "sparse entry outside": _holding(indptr=[0, 1], indices=[10**6], data=[1.0], shape=[1, 4], format=b"csr"),
    "deep header": lambda path: path.write_bytes(
        (9_000).to_bytes(8, "little") + b'{"a":' * 1_800 + bytes(100)
    ),
    **{f"truncated {name}": partial(_truncated, write=write) for name, write in _WRITERS.items()},
}


def _refusal(read, path, *rest):
    with pytest.raises(ForeignFileError) as refusal:
        read(path, *rest)
    message = str(refusal.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("fault", [*_NO_MODEL, *_NO_ARRAYS])
def test_bad_files_are_refused_in_one_line(tmp_path, fault, monkeypatch):
    monkeypatch.setattr(array_files, "available_memory", lambda: 60_000_000)
    (_NO_MODEL | _NO_ARRAYS)[fault](tmp_path / "file")
    assert ("cut short" in _refusal(read_models, tmp_path / "file")) == (
        fault in ("lying header", "cut short")
    )
    if fault in _NO_ARRAYS:
        _refusal(read_data, tmp_path / "file", 4)


@pytest.mark.parametrize(
    ("X", "word"),
    [
        (np.eye(5), "model has 4 features"),
        (np.zeros((4, 2)), "empty"),
        (np.ones(4), "no matrix"),
    ],
)
def test_data_that_is_no_dataset_is_refused(tmp_path, X, word):
    path = tmp_path / "data.npy"
    np.save(path, X)
    with pytest.raises(ForeignFileError, match=word):
        read_data(path, 4)


def test_an_edited_run_is_refused(run, tmp_path):
    content = bytearray(run.path.read_bytes())
    content[-1] ^= 1
    (tmp_path / "run.safetensors").write_bytes(bytes(content))
    with pytest.raises(RunFileError, match="checksum"):
        read_models(tmp_path / "run.safetensors")


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_are_one_line_or_harmless(tmp_path, seed):
    """Damaged npz and npy files: whatever their readers raise, the user reads one line with the file's name."""
    numbers = np.random.default_rng(seed)
    path = tmp_path / ("model.npz" if seed % 2 else "model.npy")
    arrays = {"W": numbers.normal(size=(2, 6)), "b": numbers.normal(size=6)}
    if seed % 2:
        np.savez_compressed(path, **arrays)
    else:
        np.save(path, arrays["W"])
    content = bytearray(path.read_bytes())
    for place in numbers.integers(0, min(len(content), 400), size=3):
        content[place] ^= int(numbers.integers(1, 256))
    path.write_bytes(bytes(content))
    with contextlib.suppress(ForeignFileError):
        read_models(path)
        return
    _refusal(read_models, path)
