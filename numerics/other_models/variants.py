"""Variants of the ReLU-output model: another loss, a ReLU on the hidden vectors, weights that are not tied.

h = W x or ReLU(W x),  x' = ReLU(Dᵀ h + b) with D = W (tied) or free,  loss (1/T) Σ_t Σ_i |x_it - x'_it|^p, p = 1, 2, 4.

The standard model is p = 2, no ReLU on h, tied. Henighan et al. 2023, section "Comments & Replications", reports double
descent "with different loss functions or when adding a ReLU activation between the layers"; footnote 1 there expects
hidden vectors of different lengths from untied weights.

This module is the specification in plain torch; `numerics.other_models.variant_training` is fast and must equal it.
Shapes as in
`numerics.model`: W and D (m, n), b (n,), X (n, T). At a kink the derivative is 0 (ReLU) and, for p = 1, 0 too.

Defines no equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from numerics.data import generator_of
from numerics.starts import draw_start
from theory.setting import Setting

__all__ = ["STANDARD", "VARIANTS", "Variant", "VariantModel", "draw_variant_start"]

Floats = NDArray[np.float64]

#: A stream of random numbers that no dataset or start of the standard model uses.
_DECODER_STREAM = 16


@dataclass(frozen=True)
class Variant:
    """Which model is trained.

    Attributes
    ----------
    name : in tables and figures.
    power : p of the loss.
    hidden_relu : whether h = ReLU(W x).
    untied : whether the decoder has weights D of its own, drawn like W but independently of it.

    """

    name: str
    power: Literal[1, 2, 4] = 2
    hidden_relu: bool = False
    untied: bool = False

    def __post_init__(self) -> None:
        if self.power not in (1, 2, 4):
            raise ValueError(f"power = {self.power!r}; allowed are 1, 2 and 4")

    @property
    def is_standard(self) -> bool:
        """Whether this is the model of the paper."""
        return self.power == 2 and not self.hidden_relu and not self.untied


STANDARD = Variant("standard")

VARIANTS = (
    STANDARD,
    Variant("absolute error", power=1),
    Variant("fourth power", power=4),
    Variant("ReLU on h", hidden_relu=True),
    Variant("untied", untied=True),
    Variant("untied, ReLU on h", hidden_relu=True, untied=True),
)


def draw_variant_start(setting: Setting, variant: Variant) -> tuple[Floats, Floats, Floats]:
    """Initial (W, D, b) in float64: W and b as in `draw_start`; D is W, or drawn as W is where untied.

    Examples
    --------
    >>> W, D, b = draw_variant_start(Setting(T=3, n=20), STANDARD)
    >>> bool((W == D).all())
    True

    """
    W, b = draw_start(setting)
    if not variant.untied:
        return W, W.copy(), b
    deviation = np.sqrt(2.0 / (setting.n + setting.m))
    return W, generator_of(setting.seed, _DECODER_STREAM).normal(size=W.shape) * deviation, b


class VariantModel(nn.Module):
    """A variant as a torch module; with `STANDARD`, the same function as `numerics.ReluOutputModel`.

    Examples
    --------
    >>> model = VariantModel.initial(Setting(T=2, n=6, m=2), Variant("ReLU on h", hidden_relu=True))
    >>> bool((model.encode(torch.eye(6)) >= 0).all())
    True

    """

    def __init__(self, W: Tensor, D: Tensor, b: Tensor, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.W = nn.Parameter(W.detach().clone())
        self.D = nn.Parameter(D.detach().clone()) if variant.untied else self.W
        self.b = nn.Parameter(b.detach().clone())

    @classmethod
    def initial(cls, setting: Setting, variant: Variant) -> VariantModel:
        """The start of a setting in its dtype."""
        dtype = torch.float64 if setting.dtype == "float64" else torch.float32
        W, D, b = (torch.as_tensor(part, dtype=dtype) for part in draw_variant_start(setting, variant))
        return cls(W, D, b, variant)

    def encode(self, X: Tensor) -> Tensor:
        """Hidden vectors, (m, T)."""
        h = self.W @ X
        return torch.relu(h) if self.variant.hidden_relu else h

    def forward(self, X: Tensor) -> Tensor:
        """Reconstruction, (n, T)."""
        return torch.relu(self.D.T @ self.encode(X) + self.b[:, None])

    def loss(self, X: Tensor) -> Tensor:
        """(1/T) Σ_t Σ_i |x - x'|^p."""
        error = X - self(X)
        powered = error.abs() if self.variant.power == 1 else error**self.variant.power
        result: Tensor = powered.sum() / X.shape[1]
        return result
