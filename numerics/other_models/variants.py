"""Variants of the ReLU-output model: another loss, a ReLU on the hidden vectors, weights that are not tied.

h = W x or ReLU(W x),  x' = ReLU(Dᵀ h + b) with D = W (tied) or free,  loss (1/T) Σ_t Σ_i |x_it - x'_it|^p, p = 1, 2, 4;
W and D (m, n), b (n,), X (n, T). Henighan et al. 2023, section "Comments & Replications", reports double descent "with
different loss functions or when adding a ReLU activation between the layers"; its footnote 1 expects hidden vectors of
different lengths from untied weights. `train_variant` takes gradients in NumPy, faster than autograd, from blocks of
datapoints that stay in the cache: with z = d_i·h_t + b_i, y = max(z, 0), s(e) = ∂|e|^p/∂e and q_it = s(y - x)[z > 0],

    ∂D_i = Σ_t q_it h_t,   ∂b_i = Σ_t q_it,   p_t = Σ_i q_it d_i  (0 where a ReLU on h is closed),   ∂W = P Xᵀ;

tied weights add ∂D to ∂W. q is taken as if x were 0, then put right on the non-zeros. At a kink the derivative is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from numerics.data import Dataset, draw_dataset, generator_of
from numerics.schedule import learning_rates
from numerics.starts import draw_start
from numerics.training.loop import RECORDS
from theory.arrays import Floats
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

#: Datapoints whose outputs are held at a time; more no longer fit the cache, and wake the threads of BLAS.
_POINTS_AT_ONCE = 128

#: A stream of random numbers that no dataset or start of the standard model uses.
_DECODER_STREAM = 16


@dataclass(frozen=True)
class Variant:
    """Which model is trained: p of the loss, whether h = ReLU(W x), and whether D is drawn independently of W."""

    name: str
    power: Literal[1, 2, 4] = 2
    hidden_relu: bool = False
    untied: bool = False

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
    kind = np.dtype(setting.dtype)
    W, D, b = (part.astype(kind) for part in draw_variant_start(setting, variant))
    parameters = [W, b, D] if variant.untied else [W, b]
    first, second = ([np.zeros_like(part) for part in parameters] for _ in range(2))
    X = draw_dataset(setting).sparse().astype(kind)
    every = -(-setting.steps // RECORDS)  # steps between two looks at whether parameters are finite
    shares = setting.n if setting.loss == "mean" else 1
    with np.errstate(all="ignore"):  # a run that diverges says so itself
        for step, rate in enumerate(learning_rates(setting).tolist(), start=1):
            gradients = variant_gradients(W, D if variant.untied else W, b, X, variant)
            for part, g, v, s in zip(parameters, gradients, first, second, strict=True):
                g /= shares
                v += (1 - ADAM_BETA1) * (g - v)
                s += (1 - ADAM_BETA2) * (g * g - s)
                deviation = np.sqrt(s / (1 - ADAM_BETA2**step)) + setting.adam_epsilon
                part *= 1 - rate * setting.weight_decay
                part -= rate / (1 - ADAM_BETA1**step) * (v / deviation)
            if step % every == 0:
                progress(every)
                if not all(np.isfinite(part).all() for part in parameters):
                    break
    progress(setting.steps - step // every * every)
    W, D, b = (part.astype(np.float64) for part in (W, D if variant.untied else W, b))
    return VariantRun(setting, variant, W, D, b)


def variant_hidden(run: VariantRun, data: Dataset) -> Floats:
    """(m, T) hidden vectors of ``data``."""
    hidden = data.project(run.W)
    return np.maximum(hidden, 0.0) if run.variant.hidden_relu else hidden


def variant_errors(run: VariantRun, data: Dataset, power: int) -> Floats:
    """(T,) Σ_i |x_it - x'_it|^power of each datapoint, power 1, 2 or 4; NaN where the run diverged."""
    if run.diverged:
        return np.full(data.T, np.nan)
    hidden, X, errors = variant_hidden(run, data).T, data.sparse(), np.empty(data.T)
    for chosen, places, values in _blocks(X):
        error = np.maximum(hidden[chosen] @ run.D + run.b, 0.0)
        error[places] -= values
        powered = np.abs(error) if power == 1 else np.square(error)
        errors[chosen] = np.sum(np.square(powered) if power == 4 else powered, axis=1)
    return errors


def _blocks(X: csc_array) -> list[tuple[slice, tuple[NDArray[np.int64], NDArray[np.int32]], NDArray[Any]]]:
    """Blocks of datapoints: which, and the places (datapoint, feature) and values of their non-zeros."""
    found = []
    for begin in range(0, X.shape[1], _POINTS_AT_ONCE):
        ends = X.indptr[begin : begin + _POINTS_AT_ONCE + 1]
        points = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        entries = slice(ends[0], ends[-1])
        found.append((slice(begin, begin + len(ends) - 1), (points, X.indices[entries]), X.data[entries]))
    return found


def _slope(error: NDArray[Any], power: int) -> NDArray[Any]:
    """∂|e|^p/∂e."""
    slope: NDArray[Any] = np.sign(error) if power == 1 else power * error
    return slope * error * error if power == 4 else slope


def variant_gradients(
    W: NDArray[Any], D: NDArray[Any], b: NDArray[Any], X: csc_array, variant: Variant
) -> list[NDArray[Any]]:
    """∂loss/∂W, ∂loss/∂b and, where untied, ∂loss/∂D; with tied weights the first holds the sum."""
    hidden = X.T @ W.T
    if variant.hidden_relu:
        hidden = np.maximum(hidden, 0)
    pulls, dD, db = np.empty_like(hidden), np.zeros_like(D), np.zeros_like(b)
    for chosen, places, values in _blocks(X):
        h = hidden[chosen]
        y = h @ D
        y += b
        np.maximum(y, 0, out=y)
        there = y[places]
        # the sign of an array of zeros and positive numbers is slow, a comparison is not
        q = (y > 0).astype(y.dtype) if variant.power == 1 else _slope(y, variant.power)
        q[places] = _slope(there - values, variant.power) * (there > 0)
        dD += h.T @ q
        db += q.sum(axis=0)
        pulls[chosen] = q @ D.T
    if variant.hidden_relu:
        pulls *= hidden > 0
    dW = (X @ pulls).T
    gradients = [dW, db, dD] if variant.untied else [dW + dD, db]
    return [gradient / X.shape[1] for gradient in gradients]
