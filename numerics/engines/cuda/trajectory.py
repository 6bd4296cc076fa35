"""The cuda engine: whole batches of runs on one GPU, six Triton kernels per step, steps replayed as a CUDA graph.
Equal to the reference engine up to rounding (tests state the tolerance and its terms). Runs of one shape, that is of
equal n, T, m, steps, dtype and Adam's ε, train together; each has the bits it would have alone, as blocks, parts and
warps are functions of n, T, m and the dtype. Memory O(runs (m (n + T) + nnz)), and nothing of size n × T.

Needs a GPU that torch can use and Triton, which comes with CUDA builds of torch. Without a GPU the kernels run,
slowly, in Triton's interpreter: `pip install triton`, and TRITON_INTERPRET=1 in the environment. That is for tests.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array
from torch import Tensor

from numerics.data import Dataset
from numerics.engines import check_stop
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

#: Steps of the longer of the two recorded graphs; the other holds one.
STEPS_PER_REPLAY = 50

#: Tiles of the sums over non-zeros: ``ROWS`` datapoints or features by ``LANES`` of their entries at a time.
SPARSE_POINTS: dict[str, int] = {"ROWS": 32, "LANES": 8}
SPARSE_FEATURES: dict[str, int] = {"ROWS": 16, "LANES": 32}

#: Programs per launch and run that the dense kernels aim for: several for each multiprocessor of a large GPU.
PROGRAMS = 2048

#: Columns that a part has at least; below this, adding up the parts costs more than it wins.
LEAST_COLUMNS = 64

_NEVER = 2**63 - 1

#: Recording a graph and replaying it is for one thread at a time.
_one_at_a_time = threading.Lock()


def interpreted() -> bool:
    """Whether kernels run in Triton's interpreter, on the CPU."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "on", "yes", "y")


def missing_for_cuda() -> str | None:
    """What this machine lacks for the cuda engine and what to try, in one line; None when nothing is missing."""
    if not torch.cuda.is_available() and not interpreted():
        return f"torch {torch.__version__} finds no CUDA device; try a CUDA build of torch, or engine='cpu'"
    try:
        import triton  # noqa: F401  (a broken install is found here, not by its files)
    except ImportError as error:
        return f"triton does not import ({error}); try pip install triton, or engine='cpu'"
    return None


def batch_shape(setting: Setting, data: Dataset | None = None) -> tuple[Any, ...]:
    """What runs of one batch have in common: m, steps, dtype, n, T, and the ε of their AdamW. The mean over features
    divides every gradient by n, which to Adam is an ε n times as large.
    """
    n, T = (setting.n, setting.T) if data is None else (data.n, data.T)
    epsilon = setting.adam_epsilon * (n if setting.loss == "mean" else 1)
    return setting.m, setting.steps, setting.dtype, n, T, epsilon


class DensePairs:
    """One direction of the dense pair interaction: its blocks and parts, and room for its results."""

    def __init__(self, runs: int, n_rows: int, n_columns: int, m: int, features: bool, like: Tensor) -> None:
        # rows per thread: as many as leave room for their vectors and sums in 255 registers
        widest = 128 << ((m <= 16) + (m <= 32 and like.dtype == torch.float32))
        block = min(widest, max(32, 1 << (n_rows - 1).bit_length()))
        self.warps = max(1, block * 4 // widest)
        self.parts = max(1, min(-(-n_columns // LEAST_COLUMNS), -(-PROGRAMS // -(-n_rows // block))))
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
        # row-compressed: of each entry the datapoint, and its place among the columns' entries
        by_feature = [
            csc_array((np.arange(len(data.values)), data.indices, data.indptr), (data.n, data.T)).tocsr()
            for data in datasets
        ]

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


def schedules(settings: Sequence[Setting], dtype: torch.dtype) -> Tensor:
    """(runs, 3, steps) decay factor, rate and root of each step, which is parameter · factor - rate · mean / (√square
    · root + ε); bias corrections are in rate and root.
    """
    rates, step = np.stack([*map(learning_rates, settings)]), np.arange(1, settings[0].steps + 1)
    factor = 1.0 - rates * np.array([[setting.weight_decay] for setting in settings])
    rate, root = rates / (1.0 - ADAM_BETA1**step), 1.0 / np.sqrt(1.0 - ADAM_BETA2**step)
    return torch.as_tensor(np.stack([factor, rate, np.broadcast_to(root, rate.shape)], axis=1)).to(dtype)


class BatchedCudaTrajectory:
    """Full-batch AdamW on the ReLU-output model, for several runs of one shape at once. One setting, dataset and start
    (W, b), of shapes (m, n) and (n,), of each run. Settings may differ in seeds, sparsity, learning rate and its
    schedule, and weight decay. ValueError: no run, runs of several shapes, or a machine without CUDA or Triton.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        datasets: Sequence[Dataset],
        starts: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    ) -> None:
        if (missing := missing_for_cuda()) is not None:
            raise ValueError(f"the cuda engine cannot run here: {missing}")
        shapes = {batch_shape(s, d) for s, d in zip(settings, datasets, strict=True)}
        if len(shapes) != 1:
            raise ValueError(
                f"runs of {len(shapes)} shapes (m, steps, dtype, n, T, ε): {sorted(shapes)}; a batch has one, so train "
                "the others in batches of their own"
            )
        self.step = 0
        self._rates = learning_rates(settings[0])
        self._device = torch.device("cpu" if interpreted() else "cuda")
        self._graphs: dict[int, Any] = {}
        dtype = torch.float64 if settings[0].dtype == "float64" else torch.float32
        runs, m, n, T = len(settings), settings[0].m, datasets[0].n, datasets[0].T
        self._shape = (runs, m, n, T)
        with _one_at_a_time:
            theta = np.stack([np.vstack([W, b[None, :]]) for W, b in starts])
            self._theta = torch.as_tensor(theta).to(device=self._device, dtype=dtype).contiguous()
            self._first, self._second = torch.zeros_like(self._theta), torch.zeros_like(self._theta)
            self._hidden, self._pulled = (self._theta.new_zeros((runs, m, T)) for _ in range(2))
            self._points = DevicePoints(datasets, dtype, self._device)
            self._by_point = DensePairs(runs, T, n, m, False, self._theta)
            self._by_feature = DensePairs(runs, n, T, m, True, self._theta)
            self._schedule = schedules(settings, dtype).to(self._device)
            epsilon = batch_shape(settings[0], datasets[0])[-1]
            constants = (2.0 / T, ADAM_BETA1, 1.0 - ADAM_BETA1, ADAM_BETA2, 1.0 - ADAM_BETA2, epsilon)
            self._constants = torch.tensor(constants, dtype=torch.float64).to(self._device, dtype)
            self._counter = torch.zeros(1, dtype=torch.int64, device=self._device)
            self._diverged = torch.empty(runs, dtype=torch.int64, device=self._device)
            self._look_for_divergence()

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop``; ValueError past the last step of the setting. A run that
        diverges stays as it was at that step, and the others go on.
        """
        check_stop(stop, self._rates)
        with _one_at_a_time:
            while self.step < stop:
                steps = STEPS_PER_REPLAY if stop - self.step >= STEPS_PER_REPLAY else 1
                self._take(steps)
                self.step += steps
            if self._device.type == "cuda":  # errors are raised here, and Ctrl-C does not wait for a queue
                torch.cuda.synchronize(self._device)

    @property
    def diverged_at(self) -> list[int | None]:
        """Of each run the first number of steps after which a parameter was infinite or NaN, else None."""
        return [None if step == _NEVER else step for step in self._diverged.tolist()]

    def parameters(self) -> NDArray[Any]:
        """(runs, m+1, n) copy of the current parameters, W above b."""
        return self._theta.cpu().numpy().copy()

    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of Adam's first and second moments, in the shape of the parameters."""
        return self._first.cpu().numpy().copy(), self._second.cpu().numpy().copy()

    def restore(self, step: int, parameters: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
        """Go to a state taken at ``step``; what follows has the bits it had then."""
        with _one_at_a_time:  # in place, because recorded graphs hold the addresses
            held = self._theta, self._first, self._second
            for target, source in zip(held, (parameters, first, second), strict=True):
                target.copy_(torch.as_tensor(np.ascontiguousarray(source)))
            self._counter.fill_(step)
            self.step = step
            self._look_for_divergence()

    def _look_for_divergence(self) -> None:
        """Of parameters that came from outside; the kernels look at those they change."""
        finite = torch.isfinite(self._theta).flatten(1).all(dim=1)
        self._diverged.copy_(torch.where(finite, _NEVER, self.step))

    def _take(self, steps: int) -> None:
        """Steps by replay of a recorded graph; the first of all are launched one by one, which compiles the kernels."""
        if self._graphs:
            self._graphs[steps].replay()
            return
        for _ in range(steps):
            self._launch_step()
        for recorded in (1, STEPS_PER_REPLAY) if self._device.type == "cuda" else ():
            self._graphs[recorded] = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graphs[recorded], capture_error_mode="thread_local"):
                for _ in range(recorded):
                    self._launch_step()

    def _launch_step(self) -> None:
        from numerics.engines.cuda import kernels

        runs, m, n, T = self._shape
        points, by_point, by_feature = self._points, self._by_point, self._by_feature
        theta, hidden, pulled = self._theta, self._hidden, self._pulled
        options = {"M": m, "num_warps": 4, "enable_fp_fusion": True}
        at_points, at_features = options | SPARSE_POINTS, options | SPARSE_FEATURES
        sparse = (points.indptr, points.indices)
        blocks = runs * -(-T // SPARSE_POINTS["ROWS"])
        kernels.encode[(blocks * m,)](theta, *sparse, points.values, hidden, self._counter, n, T, **at_points)
        kernels.gate[(blocks,)](theta, *sparse, points.values, hidden, points.gated, n, T, **at_points)
        by_point.launch(hidden, theta)
        kernels.pull[(blocks * m,)](
            theta, *sparse, points.gated, by_point.partial, pulled, n, T, by_point.parts, **at_points
        )
        by_feature.launch(theta, hidden)
        state = (theta, self._first, self._second)
        entries = (points.feature_indptr, points.points, points.places, points.values, points.gated)
        schedule = (self._schedule, self._constants, self._counter, self._diverged)
        sizes = (n, T, by_feature.parts, self._schedule.shape[2])
        kernels.finish[(runs * (m + 1) * -(-n // SPARSE_FEATURES["ROWS"]),)](
            *state, *entries, hidden, pulled, by_feature.partial, *schedule, *sizes, **at_features
        )


class CudaTrajectory:
    """One run: a batch of one."""

    def __init__(
        self, setting: Setting, data: Dataset, W: NDArray[np.float64], b: NDArray[np.float64]
    ) -> None:
        self._batch = BatchedCudaTrajectory([setting], [data], [(W, b)])
        self.step, self.diverged_at = 0, self._batch.diverged_at[0]

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop`` or ``diverged_at``; ValueError past the last step."""
        self._batch.advance(stop)
        self.diverged_at = self._batch.diverged_at[0]
        self.step = self._batch.step if self.diverged_at is None else self.diverged_at

    def parameters(self) -> NDArray[Any]:
        """(m+1, n) copy of the current parameters, W above b."""
        return np.asarray(self._batch.parameters()[0])

    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of Adam's first and second moments, in the shape of the parameters."""
        first, second = self._batch.moments()
        return first[0], second[0]

    def restore(self, step: int, parameters: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
        """Go to a state taken at ``step``; what follows has the bits it had then."""
        self._batch.restore(step, parameters[None], first[None], second[None])
        self.step, self.diverged_at = step, self._batch.diverged_at[0]
