"""What a batch of the cuda engine holds on the device besides parameters: data, schedules, parts of the dense sums.
Every choice made here (blocks, parts, warps) is a function of the shape n, T, m and the dtype alone, never of the
number of runs, of the data or of the clock: a run has the same bits alone and in any batch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array
from torch import Tensor

from numerics.data import Dataset
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

#: Programs per launch and run that the dense kernels aim for: several for each multiprocessor of a large GPU.
PROGRAMS = 2048

#: Columns that a part has at least; below this, adding up the parts costs more than it wins.
LEAST_COLUMNS = 64


def parts_for(n_rows: int, n_columns: int, block: int) -> int:
    """Into how many parts the columns of a pair interaction are cut; a function of the shape alone.

    >>> parts_for(10_000, 10, 512), parts_for(10_000, 1_000_000, 512), parts_for(10, 10_000, 32)
    (1, 103, 157)
    """
    return max(1, min(-(-n_columns // LEAST_COLUMNS), -(-PROGRAMS // -(-n_rows // block))))


class DensePairs:
    """One direction of the dense pair interaction: its blocks and parts, and room for its results."""

    def __init__(self, runs: int, n_rows: int, n_columns: int, m: int, features: bool, like: Tensor) -> None:
        # rows per thread: as many as leave room for their vectors and sums in 255 registers
        widest = 128 << ((m <= 16) + (m <= 32 and like.dtype == torch.float32))
        block = min(widest, max(32, 1 << (n_rows - 1).bit_length()))
        self.warps = max(1, block * 4 // widest)
        self.parts = parts_for(n_rows, n_columns, block)
        self.constants = {"N_COLUMNS": n_columns, "M": m, "FEATURE_ROWS": int(features), "BLOCK": block}
        self.partial = like.new_zeros((runs, self.parts, m + int(features), n_rows))
        self._n_rows, self._programs = n_rows, runs * self.parts * -(-n_rows // block)

    def launch(self, rows: Tensor, columns: Tensor) -> None:
        """Enqueue the sums over pairs of ``rows`` and ``columns``, into ``partial``."""
        from numerics.engines.cuda import kernels

        kernels.dense_pairs[(self._programs,)](
            rows,
            columns,
            self.partial,
            self._n_rows,
            self.parts,
            **self.constants,
            num_warps=self.warps,
            enable_fp_fusion=True,
        )


class DevicePoints:
    """The datasets of a batch on the device, by datapoint and by feature, offsets counting through all runs."""

    def __init__(self, datasets: Sequence[Dataset], dtype: torch.dtype, device: torch.device) -> None:
        bases = np.cumsum([0, *(len(data.values) for data in datasets)])
        by_feature = [_transposed(data) for data in datasets]

        def joined(parts: list[NDArray[Any]], kind: torch.dtype) -> Tensor:
            return torch.as_tensor(np.concatenate(parts)).to(device=device, dtype=kind)

        pairs = list(zip(bases[:-1], datasets, by_feature, strict=True))
        self.indptr = joined([base + data.indptr for base, data, _ in pairs], torch.int64)
        self.indices = joined([data.indices for data in datasets], torch.int32)
        self.values = joined([data.values for data in datasets], dtype)
        self.feature_indptr = joined([base + other.indptr for base, _, other in pairs], torch.int64)
        self.points = joined([other.indices for other in by_feature], torch.int32)
        self.places = joined([base + other.data for base, _, other in pairs], torch.int64)
        self.gated = torch.zeros_like(self.values)


def _transposed(data: Dataset) -> Any:
    """Row-compressed: of each entry the datapoint (``indices``) and its place among the columns' entries (``data``)."""
    places = np.arange(len(data.values), dtype=np.int64)
    return csc_array((places, data.indices, data.indptr), shape=(data.n, data.T)).tocsr()


def schedules(settings: Sequence[Setting], dtype: torch.dtype) -> Tensor:
    """(runs, 3, steps) decay factor, rate and root of each step, which is parameter · factor - rate · mean / (√square
    · root + ε); bias corrections are in rate and root.
    """
    rates, step = np.stack([*map(learning_rates, settings)]), np.arange(1, settings[0].steps + 1)
    factor = 1.0 - rates * np.array([[setting.weight_decay] for setting in settings])
    rate, root = rates / (1.0 - ADAM_BETA1**step), 1.0 / np.sqrt(1.0 - ADAM_BETA2**step)
    return torch.as_tensor(np.stack([factor, rate, np.broadcast_to(root, rate.shape)], axis=1)).to(dtype)
