"""The ReLU-output model h = W x, x' = ReLU(Wᵀ h + b) as a torch module, and how foreign models are read. Shapes: W (m,
n), b (n,), data X (n, T) with one column per datapoint. Loss: sum over features, mean over datapoints.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from numerics.data import as_array
from numerics.model_layouts import StoredModel, flattened, read_layout
from numerics.starts import draw_start
from theory.arrays import Floats
from theory.setting import Setting

_Model = TypeVar("_Model")

#: Largest parameter that can be measured: outputs are of third order in parameters, errors of sixth.
LARGEST = 1e40


class ReluOutputModel(nn.Module):
    """The model of the paper with tied weights W (m, n) and bias b (n,).

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


def read_stored(model: Any, sides: Collection[int] = (), instance: int | None = None) -> StoredModel:
    """One model out of a module, a mapping of arrays, a run, a pair of arrays, or an object with ``W`` and ``b``.
    ``sides`` are the sides of the data. Raises ValueError, in one line, on missing parameters and shapes that do not
    fit, and where there are several instances and ``instance`` names none.
    """
    if isinstance(model, StoredModel):
        return model
    if isinstance(model, (tuple, list)) and len(model) == 2:
        given = dict(zip(("W", "b"), model, strict=True))
    elif isinstance(model, Mapping):
        given = dict(flattened(model))
    else:
        given = {name: getattr(model, name, None) for name in ("W", "b")}
        if isinstance(model, nn.Module) and not all(isinstance(part, Tensor) for part in given.values()):
            given = dict(model.state_dict()) | ({"W": model.W} if isinstance(given["W"], Tensor) else {})
    if not isinstance(model, (Mapping, nn.Module)) and any(given.get(name) is None for name in ("W", "b")):
        loading = "; load it first, or try tgon check FILE --data FILE" if isinstance(model, str) else ""
        raise ValueError(f"{type(model).__name__} has no W and b; give both, W (m, n) and b (n,){loading}")
    arrays = {
        name: value if hasattr(value, "dtype") else as_array(value, name)
        for name, value in given.items()
        if value is not None
    }
    return choose(read_layout(arrays, sides), instance)


def choose(found: Sequence[_Model], instance: int | None) -> _Model:
    """The one model, or the one that ``instance`` names by its place; ValueError otherwise."""
    if instance is None and len(found) == 1:
        return found[0]
    if instance is None or not 0 <= instance < len(found):
        asked = "" if instance is None else f", not {instance}"
        raise ValueError(f"holds {len(found)} models{asked}; try instance=0 to {len(found) - 1}")
    return found[instance]


def read_parameters(model: Any, n: int | None = None) -> tuple[Floats, Floats]:
    """(W, b) of `read_stored` in float64, of a model that is ReLU(WᵀWx + b), with finite numbers. Raises ValueError as
    that does. ``n`` is the number of features the data has, when known.
    """
    stored = read_stored(model, () if n is None else (n,))
    if stored.differences:
        raise ValueError(f"not ReLU(WᵀWx + b): {'; '.join(stored.differences)}")
    return checked(stored.W, stored.b, n)


def checked(W: Floats, b: Floats, n: int | None = None) -> tuple[Floats, Floats]:
    """W and b, contiguous; ValueError, in one line, if they are not finite or not of ``n`` features."""
    if n is not None and W.shape[1] != n:
        raise ValueError(f"the model has {W.shape[1]} features but the data has {n}; they must agree")
    if not (np.isfinite(W).all() and np.isfinite(b).all()):
        raise ValueError("W or b holds NaN or infinity; only finite parameters can be measured")
    if max(np.abs(W).max(), np.abs(b).max()) > LARGEST:
        raise ValueError(f"W or b holds numbers above {LARGEST:g}: products overflow; try smaller units")
    return np.ascontiguousarray(W), np.ascontiguousarray(b)
