"""Datasets: sparse, non-negative datapoints of unit norm, column-compressed. Normalisation. A feature is present with
probability p = 1 - S, its value is uniform on (0, 1], and every datapoint is scaled to ‖X_t‖ = 1 (Henighan et al.
2023, section "Experiment Setup"). A datapoint without any feature cannot be scaled; datapoints are drawn from the law
*conditional on being non-empty*. One seed gives one dataset on every engine (NumPy's PCG64, guarded by a golden hash).
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from theory.setting import Setting

#: Bytes that drawing takes at its peak for each entry, and for each datapoint.
_ENTRY_BYTES, _POINT_BYTES = 80, 60

_DATA_STREAM, START_STREAM, _TEST_STREAM = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """T datapoints with n features, column-compressed and checked on construction.

    n : number of features.
    indptr : (T+1,) int64, datapoint t holds entries indptr[t] to indptr[t+1].
    indices : (nnz,) int32, feature of each entry, increasing within a datapoint.
    values : (nnz,) float64, positive.

    Raises ValueError: An empty datapoint, an entry that is not positive and finite, or indices outside 0..n-1.

    >>> Dataset.from_dense([[1.0, 0.0], [0.0, 0.6], [0.0, 0.8]]).T
    2
    """

    n: int
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, kind in (("indptr", np.int64), ("indices", np.int32), ("values", np.float64)):
            object.__setattr__(self, name, _vector(getattr(self, name), kind, name))
        counts, values = np.diff(self.indptr), self.values
        if len(self.indptr) < 2 or self.indptr[0] != 0 or self.indptr[-1] != len(self.indices):
            raise ValueError("indptr must run from 0 to the number of entries, for at least one datapoint")
        if np.any(counts <= 0):
            raise ValueError(f"datapoint {np.argmin(counts)} has no feature; each needs at least one")
        if len(values) != len(self.indices):
            raise ValueError(f"{len(values)} values for {len(self.indices)} indices; they must be as many")
        if not np.all((values > 0) & np.isfinite(values)):
            raise ValueError(
                "data holds entries that are negative or not finite; try positive numbers, zeros left out"
            )
        if values.max() > 1e40 or values.min() < 1e-100:  # squares and their products must not overflow
            raise ValueError("data holds entries above 1e40 or below 1e-100; scale datapoints to norm 1")
        if self.indices.min() < 0 or self.indices.max() >= self.n:
            raise ValueError(f"feature indices must lie in 0..{self.n - 1}")
        if np.any((np.diff(self.indices) <= 0) & (np.diff(self.columns) == 0)):
            raise ValueError("feature indices must increase within each datapoint")

    @classmethod
    def from_dense(cls, X: ArrayLike) -> Dataset:
        """The dataset of a dense (n, T) array or tensor; zeros are absent features."""
        dense = as_numbers(X, "data")
        if dense.ndim != 2:
            raise ValueError(f"data has shape {dense.shape}; it must be (n, T), one column per datapoint")
        entries = scipy.sparse.csc_array(dense)
        return cls(dense.shape[0], entries.indptr.astype(np.int64), entries.indices, entries.data)

    @property
    def T(self) -> int:
        """Number of datapoints, copies counted."""
        return len(self.indptr) - 1

    @property
    def columns(self) -> NDArray[np.int64]:
        """(nnz,) the datapoint of each entry."""
        return np.repeat(np.arange(self.T), np.diff(self.indptr))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(n,) whether a feature occurs in any datapoint."""
        mask = np.zeros(self.n, dtype=np.bool_)
        mask[self.indices] = True
        return mask

    @property
    def has_disjoint_supports(self) -> bool:
        """Whether no feature occurs in two datapoints; non-negative datapoints are orthogonal exactly then."""
        return len(np.unique(self.indices)) == len(self.indices)

    @property
    def norms(self) -> NDArray[np.float64]:
        """(T,) ‖X_t‖."""
        return np.sqrt(np.add.reduceat(self.values**2, self.indptr[:-1]))

    @property
    def has_unit_norms(self) -> bool:
        """Whether every ‖X_t‖ is 1 to a relative 1e-6 (data may have been stored in float32)."""
        return bool(np.allclose(self.norms, 1.0, rtol=0.0, atol=1e-6))

    def dense(self) -> NDArray[np.float64]:
        """X as an (n, T) array; for small data and the reference engine."""
        return self.sparse().toarray()

    def sparse(self) -> scipy.sparse.csc_array:
        """X as a SciPy array."""
        return scipy.sparse.csc_array((self.values, self.indices, self.indptr), shape=(self.n, self.T))

    def project(self, rows: ArrayLike) -> NDArray[np.float64]:
        """(k, T) product of a (k, n) array with X, without a dense X."""
        terms = np.asarray(rows, dtype=np.float64)[:, self.indices] * self.values
        return np.add.reduceat(terms, self.indptr[:-1], axis=1)

    def digest(self) -> str:
        """SHA-256 of shape and entries (little-endian), the identity of the data."""
        sha = hashlib.sha256(f"{self.n},{self.T}".encode())
        for part, kind in ((self.indptr, "<i8"), (self.indices, "<i4"), (self.values, "<f8")):
            sha.update(np.ascontiguousarray(part, dtype=kind).tobytes())
        return sha.hexdigest()


def _vector(given: ArrayLike, kind: type[Any], name: str) -> NDArray[Any]:
    """``given`` as the number type that compiled code expects; ValueError if that would change a value."""
    array = np.asarray(given)
    with np.errstate(invalid="ignore"):
        converted = np.ascontiguousarray(array, dtype=kind)
    if array.ndim != 1 or (kind is not np.float64 and np.any(converted != array)):
        raise ValueError(f"{name} must be one-dimensional, and whole numbers where they are positions")
    return converted


def generator_of(seed: int, stream: int) -> np.random.Generator:
    """The generator of one of the independent streams of a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream,))))


def _draw_present(generator: np.random.Generator, cells: int, density: float) -> NDArray[np.int64]:
    """Which of ``cells`` independent cells are present: their positions, by geometric gaps."""
    parts, last = [], -1
    while last < cells:
        more = int((cells - last) * density * 1.05) + 64
        positions = last + np.cumsum(generator.geometric(density, size=more))
        parts.append(positions)
        last = int(positions[-1])
    positions = np.concatenate(parts)
    return positions[positions < cells]


def draw_dataset(setting: Setting) -> Dataset:
    """The dataset of a setting: T datapoints, copies first; random numbers come from ``data_seed`` alone. The first
    ``setting.repeated_points`` distinct datapoints occur ``setting.repeats`` times each. The first present feature of
    a datapoint follows the geometric law cut at n, the later ones are independent: exactly the law conditional on
    being non-empty.
    """
    _check_setting(setting, "draw_dataset")
    return _draw(generator_of(setting.data_seed, _DATA_STREAM), setting)


def draw_test_dataset(setting: Setting, T: int = 10_000) -> Dataset:
    """T fresh datapoints of the setting's law, the same ones for every dataset seed: common random numbers.

    >>> draw_test_dataset(Setting(T=3, n=50, sparsity=0.9), T=20).T
    20
    """
    _check_setting(setting, "draw_test_dataset")
    return _draw(generator_of(0, _TEST_STREAM), setting.replace(T=T, repeats=1, repeated_points=1))


def _check_setting(setting: object, function: str) -> None:
    if not isinstance(setting, Setting):
        raise TypeError(f"setting = {setting!r}: a Setting is needed; try {function}(Setting(5))")


def available_memory() -> int:
    """Bytes that can be had: of the machine, and of the group of processes where it has a limit."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, AttributeError):
        text = Path("/proc/meminfo").read_text()
        free = 1024 * int(re.search(r"MemAvailable:\s*(\d+)", text)[1])  # type: ignore[index]
    with suppress(OSError, ValueError):
        limit, used = (Path(f"/sys/fs/cgroup/memory.{name}").read_text() for name in ("max", "current"))
        free = min(free, int(limit) - int(used))
    return free


def _draw(generator: np.random.Generator, setting: Setting) -> Dataset:
    n, p, distinct = setting.n, setting.density, setting.distinct
    each = _ENTRY_BYTES * max(1.0, n * p) + _POINT_BYTES
    if 10**9 // each < setting.T and (most := available_memory() // each) < setting.T:
        raise ValueError(
            f"T = {setting.T} datapoints with n = {n}, sparsity = {setting.sparsity} do not fit into the free memory; "
            f"try T = {most:.0f}"
        )
    with np.errstate(divide="ignore"):  # a sparsity below eps/2 rounds p to 1: every feature is present
        log_absent = np.log1p(-p)
    anywhere = -np.expm1(n * log_absent)
    first = np.floor(np.log1p(-generator.random(distinct) * anywhere) / log_absent).astype(np.int64)
    first = np.minimum(first, n - 1)
    columns, features = np.divmod(_draw_present(generator, n * distinct, p), n)
    later = features > first[columns]
    columns = np.concatenate([np.arange(distinct), columns[later]])
    features = np.concatenate([first, features[later]])
    order = np.lexsort((features, columns))
    columns, features = columns[order], features[order]
    values = 1.0 - generator.random(len(columns))
    values /= np.sqrt(np.bincount(columns, weights=values**2))[columns]
    counts = np.bincount(columns)
    copies = np.ones(distinct, dtype=np.int64)
    copies[: setting.repeated_points] = setting.repeats
    lengths = np.repeat(counts, copies)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    first_entry = np.repeat(np.cumsum(counts) - counts, copies)
    entries = np.arange(indptr[-1]) + np.repeat(first_entry - indptr[:-1], lengths)
    return Dataset(n, indptr.astype(np.int64), features[entries].astype(np.int32), values[entries])


def as_dataset(data: Dataset | Any) -> Dataset:
    """``data`` itself, or the dataset of a dense (n, T) array or tensor; ValueError for anything else."""
    return data if isinstance(data, Dataset) else Dataset.from_dense(as_numbers(data, "data"))


def as_numbers(given: Any, name: str) -> NDArray[np.float64]:
    """A float64 array of an array, a nested list or a tensor of any real type; ValueError for anything else."""
    return as_array(given, name).astype(np.float64)


def as_array(given: Any, name: str) -> NDArray[Any]:
    """The array of `as_numbers` in its own type of numbers, without a copy where there is one already."""
    try:
        if hasattr(given, "detach"):
            given = given.detach().cpu()
            short = given.is_floating_point() and given.element_size() < 4
            given = (given.float() if short else given).numpy()  # NumPy does not know bfloat16
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise TypeError(array.dtype)
        return array
    except (TypeError, ValueError, AttributeError, RuntimeError, NotImplementedError):
        raise ValueError(
            f"{name} is a {type(given).__name__} that is not an array of numbers; give a real array or tensor"
        ) from None


@dataclass(frozen=True, slots=True, eq=False)
class DistinctPoints:
    """The distinct datapoints of a dataset in the order of their first copies.

    data : the distinct datapoints alone; the dataset itself where there are no copies.
    first : where the first copy of each stands in the dataset.
    copies : how often each occurs, itself counted.
    """

    data: Dataset
    first: NDArray[np.int64]
    copies: NDArray[np.int64]


@lru_cache(maxsize=1)  # a check asks for those of one dataset several times
def distinct_points(data: Dataset) -> DistinctPoints:
    """The distinct datapoints of ``data``; two are copies where all entries agree to seven decimals.

    >>> distinct_points(Dataset.from_dense(np.eye(3)[:, [0, 2, 0, 0]])).copies.tolist()
    [3, 1]
    """
    rounded = np.round(data.values, 7)
    places: dict[bytes, int] = {}
    bounds = zip(data.indptr[:-1].tolist(), data.indptr[1:].tolist(), strict=True)
    keys = (data.indices[at:to].tobytes() + rounded[at:to].tobytes() for at, to in bounds)
    which = np.array([places.setdefault(key, len(places)) for key in keys])
    _, first, copies = np.unique(which, return_index=True, return_counts=True)
    if len(first) < data.T:
        kept = data.sparse()[:, first]
        data = Dataset(data.n, kept.indptr.astype(np.int64), kept.indices, kept.data)
    return DistinctPoints(data, first, copies)
