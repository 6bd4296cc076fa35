"""Foreign models and data: files of unknown making, laid beside each other.

A model is any of the layouts of `numerics.model_layouts` in any of the files of `verify.array_files`, or a run of this
program, which knows its data. Every guess that was made is written down.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from numerics import Dataset, load_run
from numerics.data_layouts import read_dataset
from numerics.model import checked
from numerics.model_layouts import StoredModel, read_layout
from verify.array_files import ForeignFileError, metadata, read_arrays

#: Last parts of the names of data, most likely first; the nameless array of an npy file or a table is data.
_DATA_NAMES = (
    *("", "x", "x_train", "train_x", "xtrain", "train", "train_data", "data_train", "data", "dataset"),
    *("train_dataset", "inputs", "features", "datapoints", "points", "samples", "batch"),
)
#: ... of what is no training data, unless there is nothing else.
_NO_DATA = re.compile(
    r"(.*[._])?(x_?)?(test|val|valid\w*|labels?|targets?|masks?|y|w\w*|b|bias\w*|weight\w*)([._].*)?"
)

#: What no file of parameters can show.
_FORWARD = "its forward is ReLU(WᵀWx + b), which a file cannot show; check(module, X) in Python compares it"

#: Names of files in a folder that may hold models.
_MODEL_FILES = (".safetensors", ".npz", ".npy", ".pt", ".pth", ".bin", ".ckpt", ".pkl", ".th")


class ForeignFile:
    """A file that was read once: a run of this program, or arrays that may be models, their data, or both.

    ``rows`` tells whether each row of its data is a datapoint; without it what fits. Raises ForeignFileError: no such
    file, a damaged one, or one of another kind; RunFileError: a damaged run.
    """

    def __init__(self, path: str | Path, rows: bool | None = None) -> None:
        self.path, self._rows = Path(path), rows
        self.run = load_run(self.path) if self.path.is_file() and "tgon" in metadata(self.path) else None
        self._arrays, self._kind = ({}, "run") if self.run is not None else read_arrays(self.path)
        arrays, shapes = self._arrays, {tuple(array.shape) for array in self._arrays.values()}
        listed = len(arrays) > 1 and all(name.rpartition(".")[2].isdigit() for name in arrays)
        if listed and len(shapes) == 1 and len(*shapes) == 1:  # a list of datapoints
            arrays = {"": np.stack([np.asarray(vector) for vector in arrays.values()])}
        self._matrices = {name: array for name, array in arrays.items() if len(array.shape) in (2, 3)}
        self._known: dict[tuple[int, ...], tuple[Dataset, tuple[str, ...]]] = {}

    @property
    def holds_data(self) -> bool:
        """Whether it is a run, or an array has a name that only data has."""
        named = any(name and _data_rank(name) < len(_DATA_NAMES) for name in self._matrices)
        return self.run is not None or named

    @property
    def sides(self) -> Collection[int]:
        """The sides of what is most likely data, one of which is the number of features."""
        if self.run is not None:
            return (self.run.setting.n,)
        ranks = {name: _data_rank(name) for name in self._matrices}
        best = min(ranks.values(), default=0)
        return {side for name, array in self._matrices.items() if ranks[name] == best for side in array.shape}

    def data(self, n: int, place: tuple[int, int] = (0, 1)) -> tuple[Dataset, tuple[str, ...]]:
        """The dataset for a model of ``n`` features, instance so many of so many; ForeignFileError without one."""
        if (n, *place) not in self._known:
            with _naming(self.path):
                self._known[n, *place] = self._read_data(n, place)
        return self._known[n, *place]

    def _read_data(self, n: int, place: tuple[int, int]) -> tuple[Dataset, tuple[str, ...]]:
        if self.run is not None:
            if self.run.setting.n != n:
                raise ValueError(
                    f"a run with {self.run.setting.n} features, the model has {n}; they must agree"
                )
            return self.run.data, ()
        fitting = [name for name, array in self._matrices.items() if n in array.shape]
        if not fitting:
            shapes = ", ".join(
                f"{name or 'X'} has shape {tuple(a.shape)}" for name, a in self._matrices.items()
            )
            raise ValueError(
                f"{shapes or 'no matrix'}; the model has {n} features, so X must be ({n}, T) or (T, {n})"
            )
        fitting.sort(key=_data_rank)
        if len(fitting) > 1 and _data_rank(fitting[0]) == _data_rank(fitting[1]):
            two = f"{fitting[0]!r} and {fitting[1]!r}"
            raise ValueError(f"{len(fitting)} arrays may be the data, as {two}; name it X, an array (n, T)")
        data, notes = read_dataset(
            self._matrices[fitting[0]], n, place, rows=self._rows, usually_rows=self._kind == "table"
        )
        return data, notes if fitting[0] in ("", "X") else (f"X is {fitting[0]!r}", *notes)

    def models(self, sides: Collection[int] = ()) -> tuple[StoredModel, ...]:
        """The models in it; names, transposition and nesting are guessed and the guesses listed in their notes.

        ``sides`` are the sides of the data. Raises ForeignFileError where there is no W.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/model.npz", weight=np.ones((5, 2)), bias=np.zeros(5))
        ...     ForeignFile(f"{folder}/model.npz").models()[0].notes[1]
        "W is the transpose of 'weight', which has shape (5, 2)"
        """
        with _naming(self.path):
            if self.run is not None:
                return (StoredModel(*checked(self.run.W.astype(float), self.run.b.astype(float))),)
            if self._kind == "table":
                raise ValueError(
                    "a table of numbers, which may be data but no model; save an npz with W and b"
                )
            data = min(self._matrices, key=_data_rank) if self.holds_data else None
            found = read_layout({n: a for n, a in self._arrays.items() if n != data}, sides)
            return tuple(m if m.differences else replace(m, notes=(*m.notes, _FORWARD)) for m in found)


def _data_rank(name: str) -> int:
    last = name.rpartition(".")[2].lower()
    known = _DATA_NAMES.index(last) if last in _DATA_NAMES else len(_DATA_NAMES)
    return known + 100 * (_NO_DATA.fullmatch(name.lower()) is not None)


def model_files(paths: Sequence[str | Path], data: str | Path | None = None) -> list[Path]:
    """The files named, folders replaced by the models in them by number; ForeignFileError for a folder without any."""

    def order(path: Path) -> list[Any]:
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]

    found: list[Path] = []
    for path in map(Path, paths):
        folders = path, path / "runs"  # the second in a folder that `tgon compare` wrote
        models = [p for folder in folders for p in folder.glob("*") if p.suffix in _MODEL_FILES]
        inside = [p for p in models if p.parent == models[0].parent] if path.is_dir() else [path]
        found += sorted((p for p in inside if p == path or data is None or p != Path(data)), key=order)
    if not found:
        raise ForeignFileError(f"{paths[0]}: a folder without files of models; try another file")
    return found


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Inside, a ValueError becomes one that names the file."""
    try:
        yield
    except ValueError as error:
        raise ForeignFileError(f"{path}: {error}") from None
