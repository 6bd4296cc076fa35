"""Foreign files: every way a model may be stored is read, everything else is refused in one line."""

import contextlib
import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file

from numerics import draw_dataset, train
from theory import Setting
from verify.model_files import ForeignFileError, read_data, read_model

_SMALL = Setting(T=3, n=40, sparsity=0.9, steps=20)
_W = np.arange(1.0, 9.0).reshape(2, 4)
_B = np.array([-1.0, 0.0, 1.0, 2.0])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train(_SMALL, out=tmp_path_factory.mktemp("runs"), progress=False)[0]


def _tensors(arrays):
    return {name: torch.as_tensor(array) for name, array in arrays.items()}


def _safetensors(path, **arrays):
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


_WRITERS = {
    "npz": np.savez,
    "safetensors": _safetensors,
    "torch": lambda path, **arrays: torch.save(_tensors(arrays), path),
    "old torch": lambda path, **arrays: torch.save(
        _tensors(arrays), path, _use_new_zipfile_serialization=False
    ),
    "nested torch": lambda path, **arrays: torch.save({"step": 7, "state_dict": _tensors(arrays)}, path),
}


@pytest.mark.parametrize("write", _WRITERS.values(), ids=_WRITERS)
@pytest.mark.parametrize(
    ("weight_name", "bias_name", "stored"),
    [("W", "b", _W), ("encoder.weight", "decoder.bias", _W), ("weight", "bias", _W.T), ("foo", "bar", _W.T)],
)
def test_every_container_name_and_orientation(tmp_path, write, weight_name, bias_name, stored):
    path = tmp_path / "model.npz"
    write(path, **{weight_name: stored, bias_name: _B})
    model = read_model(path)
    np.testing.assert_array_equal(model.W, _W)
    np.testing.assert_array_equal(model.b, _B)
    guesses = " ".join(model.guesses)
    assert ("transpose" in guesses) == (stored.shape == (4, 2))
    assert (model.guesses == ()) == (write is not _WRITERS["nested torch"] and weight_name == "W")


def test_the_kind_of_a_file_is_not_told_by_its_name(tmp_path):
    _safetensors(tmp_path / "model.pt", W=_W, b=_B)
    np.testing.assert_array_equal(read_model(tmp_path / "model.pt").W, _W)


def test_an_autoencoder_of_linear_layers_is_read_as_tied_and_says_so(tmp_path):
    model = torch.nn.ModuleDict({"encoder": torch.nn.Linear(6, 2), "decoder": torch.nn.Linear(2, 6)})
    torch.save(model.state_dict(), tmp_path / "model.pt")
    found = read_model(tmp_path / "model.pt")
    np.testing.assert_array_equal(found.W, model["encoder"].weight.detach().double().numpy())
    np.testing.assert_array_equal(found.b, model["decoder"].bias.detach().double().numpy())
    assert any("'encoder.bias' (2,) is ignored" in guess for guess in found.guesses)
    assert any("'decoder.weight' (6, 2) is ignored" in guess for guess in found.guesses)


def test_a_tied_decoder_is_recognised(tmp_path):
    np.savez(tmp_path / "model.npz", W=_W, W_dec=_W.T, b=_B)
    assert "'W_dec' is the transpose of 'W': weights are tied" in read_model(tmp_path / "model.npz").guesses


def test_a_square_matrix_is_taken_as_it_is_and_says_so(tmp_path):
    np.savez(tmp_path / "model.npz", W=_W[:, :2], b=_B[:2])
    model = read_model(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.W, _W[:, :2])
    assert any("fits as well" in guess for guess in model.guesses)


def test_one_of_a_batch_and_half_precision(tmp_path):
    save_torch_file(
        {
            "W": torch.as_tensor(_W)[None].to(torch.bfloat16),
            "b": torch.as_tensor(_B)[None].to(torch.bfloat16),
        },
        tmp_path / "model.safetensors",
    )
    np.testing.assert_array_equal(read_model(tmp_path / "model.safetensors").W, _W)


def test_a_run_knows_its_data(run):
    model = read_model(run.path)
    np.testing.assert_array_equal(model.W, run.W)
    assert model.run.data.digest() == run.data.digest()
    data, guesses = read_data(run.path, 40)
    assert data.digest() == run.data.digest()
    assert "drawn from the setting" in guesses[0]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", ["X", "data", "anything", ""])
def test_data_under_any_name_and_orientation(tmp_path, name, turned):
    X = draw_dataset(_SMALL).dense()
    stored = X.T if turned else X
    path = tmp_path / "data"
    with path.open("wb") as file:  # without a name that would tell the kind
        if name:
            np.savez(file, **{name: stored})
        else:
            np.save(file, stored)
    data, guesses = read_data(path, 40)
    np.testing.assert_array_equal(data.dense(), X)
    assert ("one row per datapoint" in " ".join(guesses)) == turned


class _Malicious:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def _truncated(write):
    def make(path):
        write(path, W=_W, b=_B)
        path.write_bytes(path.read_bytes()[:-200])

    return make


def _holding(**arrays):
    def make(path):
        with path.open("wb") as file:
            np.savez(file, **arrays)

    return make


#: How to make a file that is no model, by what is wrong with it.
_NO_MODEL = {
    "no bias": _holding(W=_W),
    "shapes": _holding(W=_W, b=_B[:3]),
    "NaN in b": _holding(W=_W, b=np.full(4, np.nan)),
    "infinity in b": _holding(W=_W, b=np.full(4, np.inf)),
}

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
    "strings": _holding(W=np.array([["a", "b"]]), b=_B),
    "nothing": _holding(),
    "NaN": _holding(W=np.where(_W > 3, np.nan, _W).T, b=_B),
    **{f"truncated {name}": _truncated(write) for name, write in _WRITERS.items() if name != "npz"},
    "truncated npz": _truncated(lambda path, **arrays: _holding(**arrays)(path)),
}


def _refusal(read, path, *rest):
    with pytest.raises(ForeignFileError) as refusal:
        read(path, *rest)
    message = str(refusal.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("fault", [*_NO_MODEL, *_NO_ARRAYS])
def test_bad_models_are_refused_in_one_line(tmp_path, fault):
    (_NO_MODEL | _NO_ARRAYS)[fault](tmp_path / "file")
    _refusal(read_model, tmp_path / "file")


@pytest.mark.parametrize("fault", _NO_ARRAYS)
def test_bad_data_is_refused_in_one_line(tmp_path, fault):
    _NO_ARRAYS[fault](tmp_path / "file")
    _refusal(read_data, tmp_path / "file", 4)


@pytest.mark.parametrize(
    ("X", "word"),
    [
        (np.eye(5), "model has 4 features"),
        (-np.eye(4), "negative"),
        (np.zeros((4, 2)), "no feature"),
        (np.full((4, 2), np.nan), "not finite"),
        (np.ones(4), "shape"),
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
    with pytest.raises(ForeignFileError, match="checksum"):
        read_model(tmp_path / "run.safetensors")


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
        read_model(path)
        return
    _refusal(read_model, path)
