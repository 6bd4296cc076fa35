"""The ReLU-output model h = W x, x' = ReLU(Wᵀ h + b) as a torch module, and how foreign models are read.

Shapes: W (m, n), b (n,), data X (n, T) with one column per datapoint. Loss: sum over features, mean over datapoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from numerics.data import as_numbers
from numerics.starts import draw_start
from theory.setting import Setting

#: Largest parameter that can be measured: outputs are of third order in parameters, errors of sixth.
LARGEST = 1e40


class ReluOutputModel(nn.Module):
    """The model of the paper with tied weights.

    Parameters
    ----------
    W : (m, n) weights.
    b : (n,) bias.

    >>> model = ReluOutputModel.initial(Setting(T=2, n=6))
    >>> model(torch.eye(6)).shape
    torch.Size([6, 6])

    """

    def __init__(self, W: Tensor, b: Tensor) -> None:
        super().__init__()
        self.W = nn.Parameter(W.detach().clone())
        self.b = nn.Parameter(b.detach().clone())

    @classmethod
    def initial(cls, setting: Setting) -> ReluOutputModel:
        """The start of a setting (Xavier weights, zero bias) in its dtype."""
        dtype = torch.float64 if setting.dtype == "float64" else torch.float32
        W, b = draw_start(setting)
        return cls(torch.as_tensor(W, dtype=dtype), torch.as_tensor(b, dtype=dtype))

    def encode(self, X: Tensor) -> Tensor:
        """Hidden vectors h = W X, (m, T)."""
        return self.W @ X

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruction ReLU(Wᵀ W X + b), (n, T)."""
        return torch.relu(self.W.T @ self.encode(X) + self.b[:, None])

    def loss(self, X: Tensor) -> Tensor:
        """(1/T) Σ_t ‖X_t - X'_t‖²."""
        loss: Tensor = (X - self(X)).square().sum() / X.shape[1]
        return loss


def read_parameters(model: Any, n: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(W, b) in float64 of a module or mapping with ``W`` and ``b``, a run, or a pair of arrays or tensors.

    Raises ValueError, in one line, on missing parameters, shapes that do not fit (W must be (m, n), b (n,)) and values
    that are not finite. ``n`` is the number of features the data has, when known.
    """
    if isinstance(model, (tuple, list)) and len(model) == 2:
        given = tuple(model)
    elif isinstance(model, dict):
        given = (model.get("W"), model.get("b"))
    else:
        given = (getattr(model, "W", None), getattr(model, "b", None))
    if given[0] is None or given[1] is None:
        raise ValueError(f"{type(model).__name__} has no W and b; give both, W (m, n) and b (n,)")
    W, b = (as_numbers(part, name) for part, name in zip(given, ("W", "b"), strict=True))
    if W.ndim != 2 or b.ndim != 1 or W.shape[1] != b.shape[0] or 0 in W.shape:
        hint = "; W looks transposed, try W.T" if W.shape[:1] == b.shape and W.ndim == 2 else ""
        raise ValueError(f"W has shape {W.shape}, b {b.shape}; they must be (m, n) and (n,){hint}")
    if n is not None and W.shape[1] != n:
        raise ValueError(f"the model has {W.shape[1]} features but the data has {n}; they must agree")
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError("W or b holds NaN or infinity; only finite parameters can be measured")
    if max(np.abs(W).max(), np.abs(b).max()) > LARGEST:
        raise ValueError(
            f"W or b holds numbers above {LARGEST:g}, whose products overflow; try smaller units"
        )
    return np.ascontiguousarray(W), np.ascontiguousarray(b)
