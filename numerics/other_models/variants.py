"""Variants of the ReLU-output model: another loss, a ReLU on the hidden vectors, weights that are not tied.

h = W x or ReLU(W x),  x' = ReLU(Dᵀ h + b) with D = W (tied) or free,  loss (1/T) Σ_t Σ_i |x_it - x'_it|^p, p = 1, 2, 4;
W and D (m, n), b (n,), X (n, T). Henighan et al. 2023, section "Comments & Replications", reports double descent "with
different loss functions or when adding a ReLU activation between the layers"; its footnote 1 expects hidden vectors of
different lengths from untied weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from numerics.data import Dataset, draw_dataset, generator_of
from numerics.schedule import learning_rates
from numerics.starts import draw_start
from numerics.training.loop import RECORDS
from theory.arrays import Floats
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

#: Datapoints whose outputs are held at a time: those of all would leave the cache.
_POINTS_AT_ONCE = 512

#: A stream of random numbers that no dataset or start of the standard model uses.
_DECODER_STREAM = 16


@dataclass(frozen=True)
class Variant:
    """Which model is trained: p of the loss, whether h = ReLU(W x), and whether D is drawn independently of W."""

    name: str
    power: Literal[1, 2, 4] = 2
    hidden_relu: bool = False
    untied: bool = False


#: The model of the paper.
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
    """Initial (W, D, b) in float64: W and b as in `draw_start`; D is W, or drawn as W is where untied."""
    W, b = draw_start(setting)
    if not variant.untied:
        return W, W.copy(), b
    deviation = np.sqrt(2.0 / (setting.n + setting.m))
    return W, generator_of(setting.seed, _DECODER_STREAM).normal(size=W.shape) * deviation, b


@dataclass(frozen=True, eq=False)
class VariantRun:
    """One finished training run of a variant: parameters in float64, D equal to W where tied."""

    setting: Setting
    variant: Variant
    W: Floats
    D: Floats
    b: Floats

    @property
    def diverged(self) -> bool:
        """Whether parameters are not finite."""
        return not all(np.isfinite(part).all() for part in (self.W, self.D, self.b))


def train_variant(
    setting: Setting, variant: Variant, progress: Callable[[int], None] = lambda steps: None
) -> VariantRun:
    """Train a variant from the dataset and start of a setting; full-batch AdamW as in the reference engine.

    >>> train_variant(Setting(T=2, n=30, sparsity=0.9, steps=20), STANDARD).W.shape
    (2, 30)
    """
    dtype = torch.float64 if setting.dtype == "float64" else torch.float32
    W, D, b = (torch.tensor(part, dtype=dtype) for part in draw_variant_start(setting, variant))
    parameters = [part.requires_grad_() for part in ((W, b, D) if variant.untied else (W, b))]
    D = D if variant.untied else W
    betas, decay = (ADAM_BETA1, ADAM_BETA2), setting.weight_decay
    optimizer = torch.optim.AdamW(parameters, betas=betas, eps=setting.adam_epsilon, weight_decay=decay)
    everything = torch.as_tensor(draw_dataset(setting).dense().T, dtype=dtype).contiguous()
    every = -(-setting.steps // RECORDS)  # steps between two looks at whether parameters are finite
    shares = setting.n if setting.loss == "mean" else 1
    for step, rate in enumerate(learning_rates(setting).tolist(), start=1):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        for X in torch.split(everything, _POINTS_AT_ONCE):
            hidden = torch.relu(X @ W.T) if variant.hidden_relu else X @ W.T
            error = torch.relu(hidden @ D + b) - X
            powers = error.abs() if variant.power == 1 else error.square() ** (variant.power // 2)
            (powers.sum() / (setting.T * shares)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if step % every == 0:
            progress(every)
            if not all(torch.isfinite(part).all() for part in parameters):
                break
    progress(setting.steps - step // every * every)
    return VariantRun(setting, variant, *(part.detach().double().numpy() for part in (W, D, b)))


def variant_hidden(run: VariantRun, data: Dataset) -> Floats:
    """(m, T) hidden vectors of ``data``."""
    hidden = data.project(run.W)
    return np.maximum(hidden, 0.0) if run.variant.hidden_relu else hidden


def variant_errors(run: VariantRun, data: Dataset, power: int) -> Floats:
    """(T,) Σ_i |x_it - x'_it|^power of each datapoint, power 1, 2 or 4; NaN where the run diverged."""
    if run.diverged:
        return np.full(data.T, np.nan)
    outputs = np.maximum(run.D.T @ variant_hidden(run, data) + run.b[:, None], 0.0)
    return np.asarray(np.sum(np.abs(outputs - data.dense()) ** power, axis=0))
