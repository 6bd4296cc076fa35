"""The reference engine: plain torch autograd and `torch.optim.AdamW`, the specification of every other engine.

Dense: it stores X and the outputs as (n, T) arrays, so use it for small problems and for comparison.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from numerics.data import Dataset
from numerics.engines import check_stop
from numerics.model import ReluOutputModel
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON, Setting

__all__ = ["ReferenceTrajectory"]


class ReferenceTrajectory:
    """Full-batch AdamW on the ReLU-output model, written as one would write it in a notebook."""

    def __init__(
        self, setting: Setting, data: Dataset, W: NDArray[np.float64], b: NDArray[np.float64]
    ) -> None:
        dtype = torch.float64 if setting.dtype == "float64" else torch.float32
        self.step = 0
        self._rates = learning_rates(setting)
        self._X = torch.as_tensor(data.dense(), dtype=dtype)
        self._model = ReluOutputModel(torch.as_tensor(W, dtype=dtype), torch.as_tensor(b, dtype=dtype))
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(),
            lr=setting.lr,
            betas=(ADAM_BETA1, ADAM_BETA2),
            eps=ADAM_EPSILON,
            weight_decay=setting.weight_decay,
        )

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop``; ValueError past the last step of the setting."""
        check_stop(stop, self._rates)
        for step in range(self.step, stop):
            self._optimizer.param_groups[0]["lr"] = float(self._rates[step])
            self._optimizer.zero_grad()
            self._model.loss(self._X).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
        self.step = max(self.step, stop)

    def parameters(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """(m+1, n) copy of the current parameters, W above b."""
        stacked = torch.cat([self._model.W, self._model.b[None, :]]).detach()
        result: NDArray[np.float32] | NDArray[np.float64] = stacked.numpy()
        return result
