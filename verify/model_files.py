"""Foreign models and data: files of unknown making, read without ever unpickling.

A model is a safetensors file, a NumPy archive (npz) or a torch state dict with weights W (m, n) and a bias b (n,)
under whatever names; data is an array X (n, T), or a run file of this program, whose setting tells the data. The
kind of a file is told by its first bytes, not by its name. Every guess that was made is written down.
"""

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics import Dataset, Run, RunFileError, draw_dataset, load_run
from numerics.model import read_parameters

Arrays = dict[str, NDArray[np.float64]]

#: Last parts of names, most likely first; a tied model is stored under its encoder's name as a rule.
_WEIGHT_NAMES = ("W", "weight", "weights", "W_enc", "W_down", "w", "kernel")
_BIAS_NAMES = ("b", "bias", "b_final", "b_dec", "biases", "b_out")
_DATA_NAMES = ("X", "x", "data", "features", "batch")

_ZIP, _NPY, _PICKLE = b"PK\x03\x04", b"\x93NUMPY", b"\x80"


class ForeignFileError(ValueError):
    """A file that cannot be read as a model or as data, in one line."""


@dataclass(frozen=True, slots=True, eq=False)
class ForeignModel:
    """A model read from a file: W (m, n) and b (n,), finite; what was guessed; the run, if the file is one of ours."""

    W: NDArray[np.float64]
    b: NDArray[np.float64]
    guesses: tuple[str, ...] = ()
    run: Run | None = None


def read_model(path: str | Path) -> ForeignModel:
    """The model in a file; names, transposition and nesting are guessed and the guesses listed.

    Raises ForeignFileError: No such file, a file that is damaged or of another kind, no W and b in it, or
    values that are not finite.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/model.npz", weight=np.ones((5, 2)), bias=np.zeros(5))
    ...     read_model(f"{folder}/model.npz").guesses[1]
    "W is the transpose of 'weight', which has shape (5, 2)"
    """
    path = Path(path)
    if (run := _read_run(path)) is not None:
        with _naming(path):
            return ForeignModel(*read_parameters((run.W, run.b)), (), run)
    arrays = _squeezed(_read_arrays(path))
    bias_name, weight_name = _find_parameters(path, arrays)
    weight, bias = arrays[weight_name], arrays[bias_name]
    guesses = []
    if (weight_name, bias_name) != ("W", "b"):
        guesses.append(f"W is {weight_name!r} and b is {bias_name!r}")
    turned = weight.shape[1] != len(bias)
    if turned:
        guesses.append(f"W is the transpose of {weight_name!r}, which has shape {weight.shape}")
    elif weight.shape[0] == weight.shape[1]:
        guesses.append(
            f"{weight_name!r} has shape {weight.shape}: taken as (m, n), though (n, m) fits as well"
        )
    guesses += _unused(arrays, weight_name, bias_name)
    with _naming(path):
        return ForeignModel(*read_parameters((weight.T if turned else weight, bias)), tuple(guesses))


def read_data(path: str | Path, n: int) -> tuple[Dataset, tuple[str, ...]]:
    """The dataset of ``n`` features in a file, and the guesses made: an array (n, T) or (T, n), or one of our runs.

    Raises ForeignFileError as `read_model` does, also for negative entries and for datapoints without a feature.
    """
    path = Path(path)
    if (run := _read_run(path)) is not None:
        if run.setting.n != n:
            raise ForeignFileError(
                f"{path}: a run with {run.setting.n} features, the model has {n}; they must agree"
            )
        return draw_dataset(run.setting), (f"data drawn from the setting of the run {path.name}",)
    arrays = _read_arrays(path)
    name = _find_data(path, arrays)
    X = arrays[name]
    guesses = [] if name in ("X", "") else [f"X is {name!r}"]
    if X.ndim != 2 or n not in X.shape:
        raise ForeignFileError(
            f"{path}: X has shape {X.shape}; the model has {n} features, so it must be ({n}, T) or (T, {n})"
        )
    if X.shape == (n, n):
        guesses.append(f"X has shape {X.shape}: taken as (n, T), one column per datapoint")
    elif X.shape[0] != n:
        guesses.append(f"X has shape {X.shape}: taken as (T, n), one row per datapoint")
        X = X.T
    with _naming(path):
        return Dataset.from_dense(X), tuple(guesses)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Inside, a ValueError becomes one that names the file."""
    try:
        yield
    except ValueError as error:
        raise ForeignFileError(f"{path}: {error}") from None


def _read_run(path: Path) -> Run | None:
    """The run in a file of this program; None for any other file, ForeignFileError for a damaged run."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            if "tgon" not in (file.metadata() or {}):
                return None
    except (SafetensorError, OSError, ValueError):
        return None
    try:
        return load_run(path)
    except RunFileError as error:
        raise ForeignFileError(str(error)) from None


def _read_arrays(path: Path) -> Arrays:
    """Every array of a file by name; '' for the one array of an npy file."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ForeignFileError(f"{path}: not a regular file; give a file that holds arrays")
    try:
        with path.open("rb") as file:
            head = file.read(16)
        found = _read_by_kind(path, head)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ForeignFileError(f"{path}: {reason}; try another file") from None
    except Exception as error:  # noqa: BLE001 (a damaged or hostile file may make its reader raise anything)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ForeignFileError(
            f"{path}: damaged, or no npz, safetensors or state dict that loads without unpickling ({reason}); "
            "save W and b as one of these"
        ) from None
    if not found:
        raise ForeignFileError(f"{path}: holds no arrays")
    for name, array in found.items():
        if array.dtype.kind not in "fiub":
            raise ForeignFileError(f"{path}: {name!r} holds {array.dtype}, not real numbers")
    return {name: array.astype(np.float64) for name, array in found.items()}


def _read_by_kind(path: Path, head: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a file that begins with ``head``; whatever its reader raises if it is damaged."""
    if head.startswith(_NPY):
        return {"": np.load(path, allow_pickle=False)}
    if head.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("data.pkl") for name in archive.namelist()):
                return _read_torch(path)
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    if head.startswith(_PICKLE):
        return _read_torch(path)
    if head[8:9] == b"{":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:  # torch also knows bfloat16
            return {name: _as_array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    raise ValueError("unknown first bytes")


def _read_torch(path: Path) -> dict[str, NDArray[Any]]:
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            return dict(_tensors(torch.load(path, map_location="cpu", weights_only=True)))
    except Exception:  # noqa: BLE001 (torch's own message advises to unpickle)
        raise ValueError("torch refuses it with weights_only=True") from None


def _tensors(content: Any, prefix: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and array of every real tensor in nested mappings, names joined by dots."""
    if isinstance(content, Mapping):
        for name, item in content.items():
            yield from _tensors(item, f"{prefix}.{name}" if prefix else str(name))
    elif hasattr(content, "detach") and not content.is_complex():
        yield prefix, _as_array(content)


def _as_array(tensor: Any) -> NDArray[Any]:
    array: NDArray[Any] = (tensor if tensor.is_complex() else tensor.double()).detach().numpy()
    return array


def _squeezed(arrays: Arrays) -> Arrays:
    """Arrays without a leading axis of length 1, as models stored as one of a batch of instances have."""
    batched = all(array.ndim in (2, 3) and len(array) == 1 for array in arrays.values())
    return {name: array[0] for name, array in arrays.items()} if batched else arrays


def _find_parameters(path: Path, arrays: Arrays) -> tuple[str, str]:
    """Names of bias and weight: a vector whose length is a side of a matrix; larger n first, then familiar names."""
    order = list(arrays)
    pairs = [
        (-len(b), _rank(weight, _WEIGHT_NAMES) + _rank(bias, _BIAS_NAMES), order.index(weight), bias, weight)
        for bias, b in arrays.items()
        for weight, W in arrays.items()
        if b.ndim == 1 and W.ndim == 2 and len(b) in W.shape
    ]
    if not pairs:
        shapes = ", ".join(f"{name or 'array'} {array.shape}" for name, array in list(arrays.items())[:6])
        raise ForeignFileError(
            f"{path}: no weights W (m, n) with a bias b (n,) among its arrays ({shapes}); "
            f"save an npz with W and b"
        )
    *_, bias, weight = min(pairs, key=lambda pair: pair[:3])
    return bias, weight


def _rank(name: str, known: tuple[str, ...]) -> int:
    last = name.rpartition(".")[2]
    return known.index(last) if last in known else len(known)


def _unused(arrays: Arrays, weight: str, bias: str) -> list[str]:
    """A sentence on every other array, and on how a second weight matrix differs from the first."""
    return [
        f"{name!r} is the transpose of {weight!r}: weights are tied"
        if np.array_equal(array, arrays[weight].T)
        else f"{name!r} {array.shape} is ignored: the model read is ReLU(Wᵀ W x + b) with one W and one b"
        for name, array in arrays.items()
        if name not in (weight, bias)
    ]


def _find_data(path: Path, arrays: Arrays) -> str:
    for name in ("", *_DATA_NAMES):
        if name in arrays:
            return name
    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    if len(matrices) != 1:
        raise ForeignFileError(
            f"{path}: holds {', '.join(map(repr, arrays))}; name the data X, an array (n, T)"
        )
    return matrices[0]
