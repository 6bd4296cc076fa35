"""Foreign models and data: files of unknown making, read without ever unpickling.

A model is a safetensors file, a NumPy archive (npz) or a torch state dict with weights W (m, n) and a bias b (n,)
under whatever names; data is an array X (n, T), or a run file of this program, whose setting tells the data. The
kind of a file is told by its first bytes, not by its name. Every guess that was made is written down.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics import Dataset, Run, RunFileError, draw_dataset, load_run
from numerics.model import read_parameters

__all__ = ["ForeignFileError", "ForeignModel", "read_data", "read_model"]

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
    """A model read from a file.

    Attributes
    ----------
    W, b : (m, n) and (n,) in float64, finite.
    guesses : what was guessed on the way, one sentence each.
    run : the run, if the file is one of this program's.

    """

    W: NDArray[np.float64]
    b: NDArray[np.float64]
    guesses: tuple[str, ...] = ()
    run: Run | None = None


def read_model(path: str | Path) -> ForeignModel:
    """The model in a file; names, transposition and nesting are guessed and the guesses listed.

    Raises
    ------
    ForeignFileError
        No such file, a file that is damaged or of another kind, no W and b in it, or values that are not finite.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/model.npz", weight=np.ones((5, 2)), bias=np.zeros(5))
    ...     read_model(f"{folder}/model.npz").guesses[1]
    "W is the transpose of 'weight', which has shape (5, 2)"

    """
    path = Path(path)
    if (run := _read_run(path)) is not None:
        W, b = _checked(path, run.W, run.b)
        return ForeignModel(W, b, (), run)
    arrays = _squeezed(_read_arrays(path))
    bias_name, weight_name = _find_parameters(path, arrays)
    guesses = []
    if (weight_name, bias_name) != ("W", "b"):
        guesses.append(f"W is {weight_name!r} and b is {bias_name!r}")
    weight, bias = arrays[weight_name], arrays[bias_name]
    turned, why = _orientation(weight.shape, len(bias))
    if turned:
        guesses.append(f"W is the transpose of {weight_name!r}, which has shape {weight.shape}")
    elif why:
        guesses.append(f"{weight_name!r} {why}")
    guesses += _unused(arrays, weight_name, bias_name)
    W, b = _checked(path, weight.T if turned else weight, bias)
    return ForeignModel(W, b, tuple(guesses))


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
    try:
        return Dataset.from_dense(X), tuple(guesses)
    except ValueError as error:
        raise ForeignFileError(f"{path}: {error}") from None


def _read_run(path: Path) -> Run | None:
    """The run in a file of this program; None for any other file, ForeignFileError for a damaged run."""
    try:
        if not _is_run(path):
            return None
        return load_run(path)
    except RunFileError as error:
        raise ForeignFileError(str(error)) from None


def _is_run(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return "tgon" in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        return False


def _read_arrays(path: Path) -> Arrays:
    """Every array of a file by name; '' for the one array of an npy file."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ForeignFileError(f"{path}: not a regular file; give a file that holds arrays")
        with path.open("rb") as file:
            head = file.read(16)
        found = _reader(path, head)(path)
    except ForeignFileError:
        raise
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ForeignFileError(f"{path}: {reason}; try another file") from None
    except Exception as error:  # noqa: BLE001 (a damaged or hostile file may make its reader raise anything)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ForeignFileError(f"{path}: a damaged file ({reason}); copy or save it again") from None
    if not found:
        raise ForeignFileError(f"{path}: holds no arrays")
    return found


def _reader(path: Path, head: bytes) -> Callable[[Path], Arrays]:
    if head.startswith(_NPY):
        return _read_npy
    if head.startswith(_ZIP):
        return _read_torch if _is_torch_archive(path) else _read_npz
    if head.startswith(_PICKLE):
        return _read_torch
    if head[8:9] == b"{":
        return _read_safetensors
    raise ForeignFileError(
        f"{path}: neither safetensors nor npz nor a torch state dict; save the model as one of these"
    )


def _is_torch_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        raise ForeignFileError(
            f"{path}: a damaged or truncated archive (npz or torch); copy it again"
        ) from None


def _read_npy(path: Path) -> Arrays:
    return {"": _number_array(path, "X", _load_numpy(path))}


def _read_npz(path: Path) -> Arrays:
    try:
        with _load_numpy(path) as archive:
            return {name: _number_array(path, name, archive[name]) for name in archive.files}
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        if isinstance(error, ForeignFileError):
            raise
        raise ForeignFileError(
            f"{path}: a damaged npz file or one that holds Python objects ({error})"
        ) from None


def _load_numpy(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ForeignFileError(
            f"{path}: a damaged NumPy file or one that holds Python objects ({error})"
        ) from None


def _read_safetensors(path: Path) -> Arrays:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:  # torch also knows bfloat16
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise ForeignFileError(f"{path}: a damaged safetensors file ({error})") from None
    for name, tensor in tensors.items():
        if tensor.is_complex():
            raise ForeignFileError(f"{path}: {name!r} holds {tensor.dtype}, not real numbers")
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}


def _read_torch(path: Path) -> Arrays:
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            return dict(_tensors(torch.load(path, map_location="cpu", weights_only=True)))
    except Exception:  # noqa: BLE001 (an untrusted file may raise anything; nothing of it was executed)
        raise ForeignFileError(
            f"{path}: not a torch state dict that loads without unpickling; save model.state_dict(), or npz"
        ) from None


def _tensors(content: Any, prefix: str = "") -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Name and array of every tensor in nested mappings, names joined by dots."""
    if isinstance(content, Mapping):
        for name, item in content.items():
            yield from _tensors(item, f"{prefix}.{name}" if prefix else str(name))
    elif hasattr(content, "detach") and not content.is_complex():
        yield prefix, content.detach().double().numpy()


def _number_array(path: Path, name: str, array: Any) -> NDArray[np.float64]:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise ForeignFileError(
            f"{path}: {name!r} holds {getattr(array, 'dtype', type(array))}, not real numbers"
        )
    return array.astype(np.float64)


def _squeezed(arrays: Arrays) -> Arrays:
    """Arrays without a leading axis of length 1, as models stored as one of a batch of instances have."""
    return {
        name: array[0] if array.ndim in (2, 3) and array.shape[0] == 1 and _is_batched(arrays) else array
        for name, array in arrays.items()
    }


def _is_batched(arrays: Arrays) -> bool:
    return all(array.ndim in (2, 3) and array.shape[0] == 1 for array in arrays.values())


def _find_parameters(path: Path, arrays: Arrays) -> tuple[str, str]:
    """Names of bias and weight: a vector whose length is a side of a matrix; familiar names first, then larger n."""
    pairs = [
        (bias, weight)
        for bias in arrays
        for weight in arrays
        if arrays[bias].ndim == 1 and arrays[weight].ndim == 2 and len(arrays[bias]) in arrays[weight].shape
    ]
    if not pairs:
        shapes = ", ".join(f"{name or 'array'} {array.shape}" for name, array in list(arrays.items())[:6])
        raise ForeignFileError(
            f"{path}: no weights W (m, n) with a bias b (n,) among its arrays ({shapes}); "
            f"save an npz with W and b"
        )
    return min(pairs, key=lambda pair: _unlikeliness(arrays, *pair))


def _unlikeliness(arrays: Arrays, bias: str, weight: str) -> tuple[int, ...]:
    """Sorts pairs: the bias of the outputs has the longer side's length; then familiar names."""
    return (
        -len(arrays[bias]),
        _rank(weight, _WEIGHT_NAMES) + _rank(bias, _BIAS_NAMES),
        list(arrays).index(weight),
    )


def _rank(name: str, known: tuple[str, ...]) -> int:
    last = name.rpartition(".")[2]
    return known.index(last) if last in known else len(known)


def _orientation(shape: tuple[int, ...], n: int) -> tuple[bool, str]:
    """Whether the weights are stored as (n, m), and a remark where both readings fit."""
    if shape[0] == shape[1]:
        return False, f"has shape {shape}: taken as (m, n), though (n, m) fits as well"
    return shape[1] != n, ""


def _unused(arrays: Arrays, weight: str, bias: str) -> list[str]:
    """A sentence on every other array, and on how a second weight matrix differs from the first."""
    remarks = []
    for name, array in arrays.items():
        if name in (weight, bias):
            continue
        tied = array.shape == arrays[weight].shape[::-1] and np.array_equal(array, arrays[weight].T)
        remarks.append(
            f"{name!r} is the transpose of {weight!r}: weights are tied"
            if tied
            else f"{name!r} {array.shape} is ignored: the model read is ReLU(Wᵀ W x + b) with one W and one b"
        )
    return remarks


def _checked(path: Path, W: Any, b: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        return read_parameters((W, b))
    except ValueError as error:
        raise ForeignFileError(f"{path}: {error}") from None


def _find_data(path: Path, arrays: Arrays) -> str:
    matrices = {name: array for name, array in arrays.items() if array.ndim == 2}
    for name in ("", *_DATA_NAMES):
        if name in arrays:
            return name
    if len(matrices) != 1:
        raise ForeignFileError(
            f"{path}: holds {', '.join(map(repr, arrays))}; name the data X, an array (n, T)"
        )
    return next(iter(matrices))
