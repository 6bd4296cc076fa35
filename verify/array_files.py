"""Arrays out of files of unknown making, without ever unpickling: npz, npy, safetensors, torch, SciPy, CSV.

The kind of a file is told by its content, not by its name. What would not fit into memory is refused before it is read,
by the sizes that the file declares. Files are read, not mapped: one that is cut short meanwhile is an error.
"""

from __future__ import annotations

import json
import math
import os
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from numerics.data import available_memory
from numerics.model_layouts import MOST_ARRAYS, PARAMETER, flattened

_ZIP, _NPY, _PICKLE = b"PK\x03\x04", b"\x93NUMPY", b"\x80"

#: The longest header of a safetensors file that is parsed; that of a thousand arrays is a hundredth of it.
_LONGEST_HEADER = 10_000_000

#: How often what a file holds may come to lie in memory while it is read and measured.
_COPIES = 2


class ForeignFileError(ValueError):
    """A file that cannot be read as a model or as data, in one line."""


def read_arrays(path: Path) -> tuple[dict[str, Any], str]:
    """Every array of a file by name ('' for the one of an npy file or a table), and the kind of the file.

    Arrays are NumPy's, torch's or SciPy's, with real numbers. Raises ForeignFileError, in one line.
    """
    if path.exists() and not path.is_file():
        raise ForeignFileError(f"{path}: not a regular file; try another file")
    try:
        with path.open("rb") as file, _within_memory(), warnings.catch_warnings(action="ignore"):
            _afford(os.fstat(file.fileno()).st_size)
            found, kind = _read_by_kind(file)
            kept = {name: array for name, array in found.items() if _is_real(array)}
            _afford(sum(_size(array) for array in kept.values()))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ForeignFileError(f"{path}: {reason}; try another file") from None
    except MemoryError:
        raise ForeignFileError(f"{path}: does not fit into memory; try a sparse or a smaller file") from None
    except Exception as error:  # noqa: BLE001 (a damaged or hostile file may make its reader raise anything)
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ForeignFileError(
            f"{path}: damaged, or none of npz, npy, safetensors, CSV and state dicts that load without unpickling "
            f"({reason}); save W and b, or X, as one of these"
        ) from None
    if lost := [name for name in found if name not in kept and PARAMETER.fullmatch(name.rpartition(".")[2])]:
        raise ForeignFileError(f"{path}: {lost[0]!r} holds no real numbers; save it as float32")
    if not kept:
        raise ForeignFileError(f"{path}: holds no arrays of real numbers")
    return kept, kind


def _afford(size: int) -> None:
    """MemoryError if so many bytes do not fit."""
    if _COPIES * size > available_memory():
        raise MemoryError(size)


@contextmanager
def _within_memory() -> Iterator[None]:
    """Inside, memory that the machine does not have is refused to this process, which would else be killed."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * os.sysconf("SC_PAGE_SIZE") + available_memory()
    bounded = before[0] if 0 <= before[0] < limit else limit
    resource.setrlimit(resource.RLIMIT_AS, (bounded, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _read_by_kind(file: IO[bytes]) -> tuple[Mapping[str, Any], str]:
    """The arrays of a file, and its kind; whatever its reader raises if it is damaged."""
    head, size = file.read(4096), os.fstat(file.fileno()).st_size
    file.seek(0)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8:
        return _read_safetensors(file.read()), "safetensors"
    if head.startswith(_NPY):
        return {"": _read_npy(file, size)}, "npy"
    if head.startswith(_ZIP):
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _count(len(members))
            _afford(sum(member.file_size for member in members))
            if not any(member.filename.endswith("data.pkl") for member in members):
                found = _read_npz(archive)
                sparse = {"format", "shape", "data"} <= found.keys()
                return {"": _sparse(found, file)} if sparse else found, "npz"
        file.seek(0)
        return _read_torch(file), "torch"
    if head.startswith(_PICKLE):
        return _read_torch(file), "torch"
    if head and b"\0" not in head:
        return {"": _read_table(file.read().decode("utf-8-sig"))}, "table"
    raise ValueError("unknown first bytes")


def _count(arrays: int) -> None:
    if arrays > 10 * MOST_ARRAYS:
        raise ValueError(f"holds {arrays} arrays")


def metadata(path: Path) -> Mapping[str, Any]:
    """What a safetensors file says of itself; nothing for any other file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length < _LONGEST_HEADER else {}
        said = header.get("__metadata__") if isinstance(header, dict) else None
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _read_safetensors(content: bytes) -> dict[str, Any]:
    from safetensors.torch import load  # torch also knows bfloat16

    if (length := int.from_bytes(content[:8], "little")) > _LONGEST_HEADER:
        raise ValueError(f"its header has {length} bytes")
    _count(len(json.loads(content[8 : 8 + length])))
    return dict(load(content))


def _read_npy(file: IO[bytes], size: int) -> Any:
    """The array of an npy file of so many bytes, which must hold what its header says; None for one of objects."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(file)
    if kind.hasobject:
        return None
    if math.prod(shape) * kind.itemsize > size:
        raise ValueError(f"cut short: it does not hold {shape} numbers")
    _afford(math.prod(shape) * kind.itemsize)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _read_npz(archive: zipfile.ZipFile) -> dict[str, Any]:
    found = {}
    for member in archive.infolist():
        if member.filename.endswith(".npy"):
            with archive.open(member) as file:
                found[member.filename.removesuffix(".npy")] = _read_npy(file, member.file_size)
    return found


def _sparse(parts: Mapping[str, Any], file: IO[bytes]) -> Any:
    """The matrix that `scipy.sparse.save_npz` took apart into these parts."""
    from scipy.sparse import load_npz

    _afford(8 * sum(int(side) for side in parts["shape"]) + sum(_size(part) for part in parts.values()))
    file.seek(0)
    return load_npz(file)


def _read_torch(file: IO[bytes]) -> dict[str, Any]:
    import torch

    try:
        with torch.sparse.check_sparse_tensor_invariants():  # type: ignore[no-untyped-call]
            return dict(flattened(torch.load(file, map_location="cpu", weights_only=True)))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 (torch's own message advises to unpickle)
        raise ValueError("torch refuses it with weights_only=True; try model.state_dict()") from None


def _read_table(text: str) -> Any:
    """The numbers of a table with commas, semicolons, tabs or spaces, with a header or without, without its index."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first, second = (line.strip() for line in [*lines, "", ""][:2])
    separator = next((mark for mark in ",;\t" if mark in first), None)
    heads = [head.strip().strip("\"'") for head in first.split(separator)]
    counted = heads == [str(k) for k in range(len(heads))] and (len(heads) > 2 or "." in second)
    try:
        np.array(heads, dtype=np.float64)
        header = counted
    except ValueError:
        header = True
    if len(lines) <= header:
        raise ValueError("text without numbers")
    table = np.loadtxt(lines, delimiter=separator, skiprows=int(header), ndmin=2)
    return table[:, 1:] if header and heads[0].lower() in ("", "index") else table


def _is_real(array: Any) -> bool:
    kind = getattr(array, "dtype", None)
    if kind is None or (hasattr(array, "is_quantized") and array.is_quantized):
        return False
    return not kind.is_complex if hasattr(kind, "is_complex") else kind.kind in "fiub"


def _size(array: Any) -> int:
    """Bytes of an array in float64; an expanded tensor of a file has more of them than the file."""
    if hasattr(array, "nnz"):
        return 16 * int(array.nnz)
    sparse = hasattr(array, "layout") and str(array.layout) != "torch.strided"
    return 16 * int(array._nnz()) if sparse else 8 * math.prod(array.shape)
