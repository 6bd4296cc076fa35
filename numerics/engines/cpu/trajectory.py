"""The cpu engine: the whole training loop compiled, no (n, T) array, one run per thread. Equal to the reference engine
up to rounding (tests state the tolerance and its terms). Memory O(m (n + T) + nnz). Trajectories release the
interpreter lock, so small runs of different seeds share the cores through ordinary threads; large runs take all cores,
one after the other. Which of the two follows from the size of the problem alone, and sums run over fixed parts in a
fixed order: the bits do not depend on the number of threads.
"""

import threading
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from numerics.data import Dataset, as_dataset
from numerics.engines import check_stop, divergence
from numerics.engines.cpu import kernels
from numerics.engines.cpu.candidates import MOST_POINTS, Listing, forget, make_listing
from numerics.engines.cpu.interaction import (
    CUT,
    LEAST_POINTS,
    classify,
    count_listed,
    culling_arrays,
    prefers_culling,
    prefers_listing,
)
from numerics.engines.cpu.kd_order import ArrangedData, Arrangement
from numerics.engines.cpu.pairs import BLOCK, scratch_size
from numerics.engines.cpu.state import HeldState
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

_Array = np.ndarray[Any, Any]

#: Pair interactions times (m + 1) from which one run is worth all cores. A rule on counted work, never on the number of
#: cores or the clock: the same run takes the same sums in the same order everywhere.
ALL_CORES_FROM = 10_000_000

#: Steps between two arrangements of features and datapoints.
ARRANGE_EVERY = 500

#: Step from which runs that cannot cull are arranged a quarter as often: their features fall asleep early.
OFTEN_UNTIL = 10_000

#: The most parts, of whole blocks of features, that a large run is cut into; also the most cores it can use.
PARTS = 32

#: Held while a run uses all cores.
_all_cores = threading.Lock()


def uses_all_cores(n: int, T: int, m: int) -> bool:
    """Whether a run of this size takes all cores, so that runs are best trained one after the other."""
    return n > BLOCK and n * T * (m + 1) >= ALL_CORES_FROM


class _Workspace:
    """The arrays of one gradient evaluation, as the kernels want them: data by datapoint and by feature, scratch."""

    def __init__(self, data: Dataset, m: int, dtype: np.dtype[Any]) -> None:
        self.uses_all_cores = uses_all_cores(data.n, data.T, m)
        self.parts = min(PARTS, -(-data.n // BLOCK)) if self.uses_all_cores else 1
        self.data = ArrangedData(data, dtype)
        self.gradients = np.zeros((m + 1, data.n), dtype)
        self._scratch = (
            np.zeros((m, data.T), dtype),
            np.zeros((self.parts, m, data.T), dtype),
            np.zeros((self.parts, scratch_size(m)), dtype),
            np.zeros((m + 1) * data.n, dtype),
            np.zeros(2 * m * data.T, dtype),
            self.gradients,
        )
        self.arrange(Arrangement.initial(data.n, data.T))

    def arrange(self, arrangement: Arrangement) -> None:
        """Hold the data in this arrangement."""
        by_point, (features, *by_feature) = self.data.arranged(arrangement)
        bounds = np.full(self.parts + 1, len(features))
        self.arrays = (by_point, (bounds, features, *by_feature), self._scratch)
        if isinstance(culling := vars(self).get("culling"), Listing):
            forget(culling)

    @cached_property
    def culling(self) -> tuple[_Array, ...] | Listing:
        """Arrays of the culled sums."""
        (rows, n), T, dtype = self.gradients.shape, self.data.T, self.gradients.dtype
        if rows == 3:
            return culling_arrays(T, self.parts, dtype)
        return make_listing(n, T, rows - 1, self.parts, dtype)


class CpuTrajectory:
    """Full-batch AdamW on the ReLU-output model with compiled kernels. Features and datapoints are held in an
    `Arrangement`, renewed from the state every `ARRANGE_EVERY` steps, later less often where none culls; features wake
    between. So it is state, and `auxiliary` is what a checkpoint must keep of it.
    """

    def __init__(
        self, setting: Setting, data: Dataset, W: NDArray[np.float64], b: NDArray[np.float64]
    ) -> None:
        dtype = np.dtype(setting.dtype)
        self.step = 0
        self.diverged_at = divergence(0, W, b)
        self._rates = learning_rates(setting)
        self._weight_decay = setting.weight_decay
        # The mean over features divides every gradient by n, which to Adam is an ε n times as large.
        self._epsilon = setting.adam_epsilon * (data.n if setting.loss == "mean" else 1)
        self._can_cull = LEAST_POINTS <= data.T and (setting.m == 2 or data.T <= MOST_POINTS)
        self._scalars = np.zeros(10, dtype)
        self._scalars[9] = kernels.least_mean(self._epsilon, dtype)
        self._work = _Workspace(data, setting.m, dtype)
        decay = (1.0 - self._rates * self._weight_decay).astype(dtype).astype(np.float64)
        start = np.vstack([W, b[None, :]]).astype(dtype)
        self._held = HeldState(start, data.seen, data.T, decay)

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop``; ValueError past the last step of the setting."""
        check_stop(stop, self._rates)
        with _all_cores if self._work.uses_all_cores else nullcontext():
            while self.step < stop and self.diverged_at is None:
                every = ARRANGE_EVERY if self._can_cull or self.step < OFTEN_UNTIL else 4 * ARRANGE_EVERY
                if self.step % every == 0:
                    self._arrange()
                self.step = self._run(min(stop, (self.step // every + 1) * every))
                parameters, awake = self._held.rows[0], self._held.arrangement.awake
                self.diverged_at = divergence(self.step, parameters[:, :awake])

    @np.errstate(all="ignore")  # numbers may be as large as the dtype has them
    def _arrange(self) -> None:
        """Arrange the state anew, and decide by counted work whether to cull."""
        held, hidden = self._held, self._work.data.hidden(self._held.rows[0][:-1])
        rate = self._rates[self.step :].max() / (1.0 - ADAM_BETA1 ** (self.step + 1.0))
        held.arrange(self.step, hidden, rate, self._epsilon, self._can_cull)
        if self._can_cull:
            held.arrangement = replace(held.arrangement, culled=self._prefers_culling(hidden))
        self._work.arrange(held.arrangement)

    def _prefers_culling(self, hidden: _Array) -> bool:
        arrangement, T = self._held.arrangement, self._work.data.T
        points = np.take(hidden, arrangement.points, axis=1).astype(self._scalars.dtype)
        parameters = self._held.rows[0][:, : arrangement.awake]
        if isinstance(culling := self._work.culling, Listing):
            return prefers_listing(count_listed(parameters, points, culling), arrangement.awake, T)
        kinds = classify(parameters, points, culling)
        return prefers_culling(int((kinds == CUT).sum()), arrangement.awake, T)

    def _run(self, stop: int) -> int:
        """Take steps until ``stop`` or divergence; the step reached."""
        advance = kernels.advance_on_all_cores if self._work.uses_all_cores else kernels.advance
        held, work = self._held, self._work
        rows = tuple(map(tuple, (*held.rows, work.gradients)))
        counts = np.array([held.arrangement.awake, held.arrangement.settled])
        sleep = held.watch(), held.margins, held.log_decay, counts
        culling = work.culling if held.arrangement.culled else None
        constants = (self._weight_decay, ADAM_BETA1, ADAM_BETA2, self._epsilon)
        reached: int = advance(
            rows, *work.arrays, culling, sleep, self._scalars, self._rates, constants, self.step, stop
        )
        held.arrangement = replace(held.arrangement, awake=int(counts[0]))
        return reached

    def parameters(self) -> NDArray[Any]:
        """(m+1, n) copy of the current parameters, W above b."""
        return self._held.part(0, self.step)

    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of Adam's first and second moments, in the shape of the parameters."""
        return self._held.part(1, self.step), self._held.part(2, self.step)

    def restore(self, step: int, parameters: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
        """Go to a state taken at ``step``; with `restore_auxiliary` after it, what follows has the bits it had then."""
        self.step, self.diverged_at = step, divergence(step, parameters)
        self._held.restore(*(rows.astype(self._scalars.dtype) for rows in (parameters, first, second)))
        self._work.arrange(self._held.arrangement)

    def auxiliary(self) -> NDArray[np.uint8]:
        """The arrangement, and the state of sleeping features at the step they were last brought up to date."""
        return self._held.packed()

    def restore_auxiliary(self, packed: NDArray[np.uint8]) -> None:
        """Take back what `auxiliary` gave at this step, after `restore`."""
        self._held.unpack(packed)
        self._work.arrange(self._held.arrangement)


def point_errors(W: NDArray[np.float64], b: NDArray[np.float64], data: Dataset) -> NDArray[np.float64]:
    """(T,) squared error of every datapoint, evaluated in float64 without an (n, T) array. Accuracy: a few float64
    roundings of Σ y² + Σ x²; never below 0; NaN when a parameter is not finite, which the compiled loop may not
    notice. The loss is the mean of the result.
    """
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        return np.full(data.T, np.nan)
    rows = np.vstack([W, b[None, :]]).astype(np.float64, order="C")
    errors, outputs = np.zeros(data.T), np.zeros(BLOCK)
    entries, hidden = (data.indptr, data.indices, data.values), np.zeros((len(W), data.T))
    kernels.accumulate_point_errors(rows, *entries, hidden, outputs, errors)
    return np.maximum(errors, 0.0)  # a difference of sums: exact zeros come out as ±rounding


class _ReconstructionLoss(torch.autograd.Function):
    """Fused loss and gradients behind `reconstruction_loss`; under `torch.func` too."""

    @staticmethod
    def forward(W: Tensor, b: Tensor, data: Dataset) -> tuple[Tensor, Tensor, Tensor]:
        parameters = torch.cat([W, b[None, :]]).detach().contiguous().numpy()
        work = _Workspace(data, W.shape[0], parameters.dtype)
        kernels.compute_gradients(parameters, work.gradients, *work.arrays)
        errors = point_errors(parameters[:-1].astype(np.float64), parameters[-1].astype(np.float64), data)
        factor = 2.0 / data.T if np.isfinite(errors).all() else np.nan
        gradients = torch.from_numpy(work.gradients * parameters.dtype.type(factor))
        return torch.as_tensor(errors.mean(), dtype=W.dtype), gradients[:-1].clone(), gradients[-1].clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])

    @staticmethod
    def backward(ctx: Any, slope: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, None]:
        return *(_Scaled.apply(slope, part) for part in ctx.saved_tensors), None  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, places: tuple[int | None, ...], W: Tensor, b: Tensor, data: Dataset) -> Any:
        each = [
            [part] * info.batch_size if place is None else part.unbind(place)
            for part, place in zip((W, b), places, strict=False)
        ]
        found = [_ReconstructionLoss.apply(*parts, data) for parts in zip(*each, strict=True)]  # type: ignore[no-untyped-call]
        return tuple(map(torch.stack, zip(*found, strict=True))), (0, 0, 0)


class _Scaled(torch.autograd.Function):
    """A gradient times the slope of what was made of the loss; the gradient's own derivative is not known."""

    generate_vmap_rule = True

    @staticmethod
    def forward(slope: Tensor, gradient: Tensor) -> Tensor:
        return slope * gradient

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        raise RuntimeError(
            "reconstruction_loss can be differentiated once; try ReluOutputModel(W, b).loss(X)"
        )


def reconstruction_loss(W: Tensor, b: Tensor, data: Dataset | Tensor | _Array) -> Tensor:
    """(1/T) Σ_t ‖X_t - ReLU(Wᵀ W X_t + b)‖², fused and differentiable once, for your own torch training loop.

    W, b : (m, n) and (n,) CPU tensors of one dtype, float32 or float64.
    data : a `Dataset`, or X as a dense non-negative (n, T) tensor or array.

    >>> W = torch.eye(2, requires_grad=True)
    >>> loss = reconstruction_loss(W, torch.zeros(2), torch.eye(2))
    >>> loss.backward(); loss.item(), W.grad.abs().max().item()
    (0.0, 0.0)
    """
    dataset = as_dataset(data)
    kinds = {(part.device.type, part.dtype) for part in (W, b)}
    if kinds not in ({("cpu", torch.float32)}, {("cpu", torch.float64)}):
        raise ValueError(
            f"W is {W.dtype} on {W.device}, b is {b.dtype} on {b.device}; both must be float32 or float64 CPU tensors, "
            "try W.float().cpu() and b.float().cpu()"
        )
    if W.ndim != 2 or W.shape[0] < 1 or W.shape[1] != dataset.n or b.shape != (dataset.n,):
        raise ValueError(
            f"W has shape {tuple(W.shape)}, b {tuple(b.shape)}; they must be (m, {dataset.n}) and ({dataset.n},)"
        )
    result: Tensor = _ReconstructionLoss.apply(W, b, dataset)[0]  # type: ignore[no-untyped-call]
    return result
