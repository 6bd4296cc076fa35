"""The reference engine: plain torch autograd and `torch.optim.AdamW`, the specification of every other engine. Dense:
it stores X and the outputs as (n, T) arrays, so use it for small problems and for comparison.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from numerics.data import Dataset
from numerics.engines import check_stop, divergence
from numerics.model import ReluOutputModel
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting


class ReferenceTrajectory:
    """Full-batch AdamW on the ReLU-output model, written as one would write it in a notebook."""

    def __init__(
        self, setting: Setting, data: Dataset, W: NDArray[np.float64], b: NDArray[np.float64]
    ) -> None:
        dtype = torch.float64 if setting.dtype == "float64" else torch.float32
        self._largest = torch.finfo(dtype).max
        self.step = 0
        self.diverged_at = divergence(0, W, b)
        self._rates = learning_rates(setting)
        self._shares = data.n if setting.loss == "mean" else 1
        self._X = torch.as_tensor(data.dense(), dtype=dtype)
        self._model = ReluOutputModel(torch.as_tensor(W, dtype=dtype), torch.as_tensor(b, dtype=dtype))
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(),
            lr=setting.lr,
            betas=(ADAM_BETA1, ADAM_BETA2),
            eps=setting.adam_epsilon,
            weight_decay=setting.weight_decay,
        )

    def advance(self, stop: int) -> None:
        """Take AdamW steps until ``step`` equals ``stop``; ValueError past the last step of the setting."""
        check_stop(stop, self._rates)
        while self.step < stop and self.diverged_at is None:
            self._optimizer.param_groups[0]["lr"] = float(self._rates[self.step])
            self._optimizer.zero_grad()
            (self._model.loss(self._X) / self._shares).backward()  # type: ignore[no-untyped-call]
            self.step += 1
            # torch refuses, with an error, a step size that its arithmetic cannot hold
            if self._rates[self.step - 1] / (1.0 - ADAM_BETA1**self.step) > self._largest:
                self._model.W.data.fill_(torch.nan)
            else:
                self._optimizer.step()
            self.diverged_at = divergence(self.step, self.parameters())

    def parameters(self) -> NDArray[Any]:
        """(m+1, n) copy of the current parameters, W above b."""
        return torch.cat([self._model.W, self._model.b[None, :]]).detach().numpy()

    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Copies of Adam's first and second moments, in the shape of the parameters."""
        first, second = (
            torch.cat([self._moment(self._model.W, name), self._moment(self._model.b, name)[None, :]]).numpy()
            for name in ("exp_avg", "exp_avg_sq")
        )
        return first, second

    def _moment(self, parameter: Tensor, name: str) -> Tensor:
        found: Tensor = self._optimizer.state[parameter].get(name, torch.zeros_like(parameter))
        return found.detach().clone()

    def restore(self, step: int, parameters: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> None:
        """Go to a state taken at ``step``; what follows has the bits it had then."""
        self.step, self.diverged_at = step, divergence(step, parameters)
        for parameter, rows in ((self._model.W, slice(None, -1)), (self._model.b, -1)):
            parameter.data = torch.as_tensor(parameters[rows], dtype=parameter.dtype).clone()
            if step:
                self._optimizer.state[parameter] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": torch.as_tensor(first[rows], dtype=parameter.dtype).clone(),
                    "exp_avg_sq": torch.as_tensor(second[rows], dtype=parameter.dtype).clone(),
                }
