"""Runs on disk: one file per run, safetensors, checked on every read, never unpickled. A file holds the tensors ``W``,
``b``, ``history_step``, ``history_loss`` and, as JSON metadata, the setting, the engine, the status, the version that
trained it and a SHA-256 over all of it. Its name is a hash of setting, engine and format, not of the version: a
finished run stays valid when the program changes, and says which version it is of. Files are written under a temporary
name, synced and renamed, so a killed process leaves either the whole run or nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from numerics.data import Dataset, draw_dataset
from numerics.measurement.record import measure
from theory.record import Record
from theory.setting import Setting

if TYPE_CHECKING:
    import pandas as pd

_FORMAT = 1
_TENSORS = ("W", "b", "history_step", "history_loss")

#: "memorized": every datapoint's squared error is at most MEMORIZED_ERROR. "diverged": NaN or infinity appeared.
RunStatus = Literal["memorized", "not memorized", "diverged"]


class RunFileError(ValueError):
    """A file that is not a whole, unaltered run."""


@dataclass(frozen=True, eq=False)
class Run:
    """One finished training run.

    setting, engine : what determined it.
    status : see `RunStatus`.
    diverged_at : for "diverged", the first number of steps after which a parameter was not finite, or the first
        recorded one at which the loss was not; None for other runs, and for files that do not say.
    W, b : trained parameters, (m, n) and (n,).
    history_step, history_loss : steps at which the train loss was recorded, and its float64 values.
    path : the file it lives in, if any.
    trained_by : the version of the engine and the machine (`numerics.engines.versions.engine_version`). Several, in
        order, where one went on from the checkpoint of another: such a run need not have the bits of an uninterrupted
        one. Empty for files that do not say.
    """

    setting: Setting
    engine: str
    status: RunStatus
    W: NDArray[Any]
    b: NDArray[Any]
    history_step: NDArray[np.int64]
    history_loss: NDArray[np.float64]
    path: Path | None = None
    given_data: Dataset | None = None
    diverged_at: int | None = None
    trained_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The run's identity, see `run_name`."""
        return run_name(self.setting, self.engine)

    @cached_property
    def data(self) -> Dataset:
        """The dataset it was trained on, drawn anew from its seed unless it was given."""
        return draw_dataset(self.setting) if self.given_data is None else self.given_data

    @cached_property
    def record(self) -> Record:
        """The measured record (`numerics.measure`); ValueError for a diverged run."""
        return measure((self.W, self.b), self.data)

    def __repr__(self) -> str:
        """What it is, what was measured, and where it lies."""
        measured = ", ".join(f"{name} {value:.4g}" for name, value in self._shown().items())
        return (
            f"<Run {self.status}: {self.setting}\n  {measured or f'not finite from step {self.diverged_at} on'}\n"
            f"  {self.path or 'in memory'}, engine {self.engine}>"
        )

    def _shown(self) -> dict[str, Any]:
        return {} if self.status == "diverged" else {name: getattr(self.record, name) for name in _SHOWN}


#: The numbers of a run that a notebook shows.
_SHOWN = ("train_loss", "weight_norm", "bias_norm")


class Runs(tuple[Run, ...]):
    """Runs in order."""

    def __repr__(self) -> str:
        memorized = sum(run.status == "memorized" for run in self)
        return f"<Runs: {len(self)} runs, {memorized} memorized>"

    def table(self) -> pd.DataFrame:
        """One row per run, as pandas: its setting, status and measured numbers, which a diverged run has not."""
        import pandas as pd

        return pd.DataFrame([run.setting.as_dict() | {"status": run.status} | run._shown() for run in self])

    def _repr_html_(self) -> str:
        shown = ["T", "seed", "status", *_SHOWN]
        return f"<p>{len(self)} runs</p>{self.table().reindex(columns=shown).to_html(index=False)}"

    @classmethod
    def load(cls, folder: str | Path) -> Runs:
        """Every run of a folder, in order of T, decay and seed; RunFileError on a broken file, OSError if none."""
        if not Path(folder).is_dir():
            raise FileNotFoundError(f"{folder}: no such folder of runs")
        runs = [load_run(path) for path in sorted(Path(folder).glob("*.safetensors"))]
        return cls(sorted(runs, key=lambda run: (run.setting.T, run.setting.weight_decay, run.setting.seed)))


def run_name(setting: Setting, engine: str) -> str:
    """Hash of everything that determines a run: settings, engine, file format."""
    identity = json.dumps({"format": _FORMAT, "engine": engine, "setting": setting.as_dict()}, sort_keys=True)
    return hashlib.sha256(identity.encode()).hexdigest()[:20]


def _checksum(tensors: dict[str, NDArray[Any]], description: str) -> str:
    sha = hashlib.sha256(description.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        sha.update(f"{name}{array.dtype.str}{array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def save_run(run: Run, folder: str | Path) -> Run:
    """Write a run atomically into ``folder`` and return it with its path; OSError if the disk refuses."""
    path = Path(folder) / f"{run.name}.safetensors"
    plain = {name: getattr(run, name) for name in ("engine", "status", "diverged_at", "trained_by")}
    description = {"format": _FORMAT, "setting": run.setting.as_dict()} | plain
    tensors = {name: getattr(run, name) for name in _TENSORS}
    write_verified(path, tensors, json.dumps(description, sort_keys=True))
    return dataclasses.replace(run, path=path)


def write_verified(path: Path, tensors: dict[str, NDArray[Any]], description: str) -> None:
    """Write tensors and a description with a SHA-256 over both, atomically; the same content gives the same bytes."""
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    metadata = {"tgon": description, "sha256": _checksum(contiguous, description)}
    write_atomically(path, _with_sorted_header(save(contiguous, metadata)))


def _with_sorted_header(content: bytes) -> bytes:
    """A safetensors file with the keys of its header in order: the library writes the metadata in a random one."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors must begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def read_verified(path: Path, names: tuple[str, ...]) -> tuple[dict[str, NDArray[Any]], str]:
    """Tensors and description of a file that `write_verified` wrote; RunFileError if it is not whole and unaltered."""
    try:
        content = path.read_bytes()  # not mapped: a file cut short meanwhile must not kill the process
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = header.pop("__metadata__", {})
        own = "tgon" in metadata and set(header) == set(names)
        tensors = load(content) if own else {}
    except (FileNotFoundError, IsADirectoryError):
        raise RunFileError(f"{path}: no such file") from None
    except (SafetensorError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise RunFileError(f"{path}: not a readable safetensors file ({error})") from None
    if not own:
        raise RunFileError(f"{path}: not a run of this program; try `tgon check` for foreign models")
    if _checksum(tensors, metadata["tgon"]) != metadata.get("sha256"):
        raise RunFileError(f"{path}: checksum does not match, damaged or edited; delete it to train it again")
    return tensors, metadata["tgon"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write under a temporary name in the same folder, sync, rename; on failure nothing is left behind."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def load_run(path: str | Path) -> Run:
    """Read and verify one run; RunFileError, in one line, when the file is not a whole, unaltered run."""
    path = Path(path)
    tensors, description = read_verified(path, _TENSORS)
    try:
        known: dict[str, Any] = _described(description) | tensors
        return Run(**known, path=path)
    except (KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunFileError(f"{path}: written by another version of this program ({reason})") from None


def _described(text: str) -> dict[str, Any]:
    """Setting, engine and status out of a file's description; KeyError, TypeError or ValueError if it has others."""
    found = json.loads(text)
    for name, values in (("format", (_FORMAT,)), ("status", get_args(RunStatus))):
        if found[name] not in values:
            raise ValueError(f"its {name} is {found[name]}")
    if not isinstance(diverged_at := found.get("diverged_at"), int | None):
        raise ValueError(f"its diverged_at is {diverged_at!r}")
    known = {name: found[name] for name in ("engine", "status")} | {"diverged_at": diverged_at}
    return known | {"setting": Setting(**found["setting"]), "trained_by": read_versions(found)}


def read_versions(facts: dict[str, Any]) -> tuple[str, ...]:
    """The versions a description names as ``trained_by``, none where it names none; ValueError for anything else."""
    versions = facts.get("trained_by", [])
    if not isinstance(versions, list) or not all(isinstance(version, str) for version in versions):
        raise ValueError(f"its trained_by is {versions!r}")
    return tuple(versions)
