"""Fast full-batch training of the variants in `numerics.other_models.variants` for m = 2, without an n-by-T array.

With z = d_i·h_t + b_i, y = max(z, 0) and slope s(e) = ∂|e|^p/∂e, the loss differentiates to q_it = s(y - x)[z > 0] and

    ∂D_i = Σ_t q_it h_t,   ∂b_i = Σ_t q_it,   p_t = Σ_i q_it d_i  (0 where a ReLU on h is closed),   ∂W = P Xᵀ,

all over T; tied weights add ∂D to ∂W. q is first summed as if x were 0 everywhere, then put right on the non-zeros.

Sums run over features and datapoints in one fixed order in one thread: same input, same bits. Equality with torch
autograd is tested to the rounding of the sums.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from numerics.data import Dataset, draw_dataset
from numerics.other_models.variants import Floats, Variant, draw_variant_start
from numerics.schedule import learning_rates
from theory.setting import ADAM_BETA1, ADAM_BETA2, Setting

__all__ = ["VariantRun", "train_variant", "variant_errors", "variant_gradients", "variant_hidden"]

# NaN is looked for outside: fastmath lets the compiler assume it away.
_COMPILE: dict[str, Any] = {"fastmath": True, "error_model": "numpy", "boundscheck": False, "nogil": True}

#: Steps between two looks at whether parameters are finite.
_STEPS_PER_CALL = 500

#: Datapoints whose outputs are held at a time.
_POINTS_AT_ONCE = 256


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

    Raises
    ------
    ValueError
        m is not 2.

    Examples
    --------
    >>> from numerics.other_models.variants import STANDARD
    >>> train_variant(Setting(T=2, n=30, sparsity=0.9, steps=20), STANDARD).W.shape
    (2, 30)

    """
    _require_plane(setting.m)
    data = draw_dataset(setting)
    kind = np.float64 if setting.dtype == "float64" else np.float32
    parameters, first, second = _pack(*draw_variant_start(setting, variant), variant, kind)
    rates = learning_rates(setting)
    shares = data.n if setting.loss == "mean" else 1
    values = data.values.astype(kind)
    for begin in range(0, setting.steps, _STEPS_PER_CALL):
        end = min(begin + _STEPS_PER_CALL, setting.steps)
        step = np.arange(begin + 1, end + 1)
        scales = np.stack([rates[begin:end], 1 - ADAM_BETA1**step, np.sqrt(1 - ADAM_BETA2**step)])
        _advance(
            parameters, first, second, data.indptr, data.indices, values, scales, variant.power,
            variant.hidden_relu, setting.weight_decay, setting.adam_epsilon, shares,
        )  # fmt: skip
        progress(end - begin)
        if not np.isfinite(parameters).all():
            progress(setting.steps - end)
            break
    W, D, b = _unpack(parameters.astype(np.float64), variant)
    return VariantRun(setting, variant, W, D, b)


def variant_gradients(
    W: Floats, D: Floats, b: Floats, data: Dataset, variant: Variant
) -> tuple[Floats, Floats, Floats]:
    """∂loss/∂W, ∂loss/∂D, ∂loss/∂b in float64; with tied weights the first holds the sum and the second is 0."""
    _require_plane(len(W))
    parameters, *_ = _pack(W, D, b, variant, np.float64)
    gradient = np.zeros_like(parameters)
    _gradient(
        parameters, gradient, data.indptr, data.indices, data.values, variant.power, variant.hidden_relu
    )
    gradient /= data.T
    return gradient[:2], gradient[3:] if variant.untied else np.zeros_like(W), gradient[2]


def variant_hidden(run: VariantRun, data: Dataset) -> Floats:
    """(m, T) hidden vectors of ``data``."""
    hidden = data.project(run.W)
    return np.maximum(hidden, 0.0) if run.variant.hidden_relu else hidden


def variant_errors(run: VariantRun, data: Dataset, power: int) -> Floats:
    """(T,) Σ_i |x_it - x'_it|^power of each datapoint, power 1, 2 or 4; NaN where the run diverged."""
    if run.diverged:
        return np.full(data.T, np.nan)
    hidden, errors, columns = variant_hidden(run, data), np.empty(data.T), data.columns
    for begin in range(0, data.T, _POINTS_AT_ONCE):
        chosen = slice(begin, min(begin + _POINTS_AT_ONCE, data.T))
        first, last = data.indptr[chosen.start], data.indptr[chosen.stop]
        # not a matrix product: at two rows, threaded BLAS costs more than it saves
        outputs = np.multiply.outer(run.D[0], hidden[0, chosen]) + np.multiply.outer(
            run.D[1], hidden[1, chosen]
        )
        error = np.maximum(outputs + run.b[:, None], 0.0)
        error[data.indices[first:last], columns[first:last] - begin] -= data.values[first:last]
        powered = np.abs(error) if power == 1 else np.square(error)
        errors[chosen] = np.sum(np.square(powered) if power == 4 else powered, axis=0)
    return errors


def _require_plane(m: int) -> None:
    if m != 2:
        raise ValueError(f"m = {m}; variants are trained for m = 2 only")


def _pack(
    W: Floats, D: Floats, b: Floats, variant: Variant, kind: type[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows W, b and, where untied, D; and zeros of that shape for Adam's two moments."""
    rows = [W, b[None, :], D] if variant.untied else [W, b[None, :]]
    parameters = np.ascontiguousarray(np.concatenate(rows), dtype=kind)
    return parameters, np.zeros_like(parameters), np.zeros_like(parameters)


def _unpack(parameters: Floats, variant: Variant) -> tuple[Floats, Floats, Floats]:
    return parameters[:2], parameters[3:] if variant.untied else parameters[:2].copy(), parameters[2]


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def _slope(error: Any, power: int, two: Any) -> Any:
    """∂|e|^p/∂e; ``two`` is 2 in the type of ``error``, because a literal would promote float32."""
    if power == 2:
        return two * error
    if power == 4:
        return two * two * error * error * error
    return np.sign(error)


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def _pull_dense(
    d0: Any, d1: Any, b: Any, g0: Any, g1: Any, gb: Any, h0: Any, h1: Any, power: int
) -> tuple[Any, Any]:
    """One datapoint as if it were empty: adds q h and q to the gradients and returns Σ_i q_i d_i."""
    zero, one, two = b.dtype.type(0), b.dtype.type(1), b.dtype.type(2)
    p0, p1 = zero, zero
    if power == 2:
        for i in range(len(b)):
            q = two * max(d0[i] * h0 + d1[i] * h1 + b[i], zero)
            g0[i] += q * h0
            g1[i] += q * h1
            gb[i] += q
            p0 += q * d0[i]
            p1 += q * d1[i]
    elif power == 4:
        for i in range(len(b)):
            y = max(d0[i] * h0 + d1[i] * h1 + b[i], zero)
            q = two * two * y * y * y
            g0[i] += q * h0
            g1[i] += q * h1
            gb[i] += q
            p0 += q * d0[i]
            p1 += q * d1[i]
    else:
        for i in range(len(b)):
            q = one if d0[i] * h0 + d1[i] * h1 + b[i] > zero else zero
            g0[i] += q * h0
            g1[i] += q * h1
            gb[i] += q
            p0 += q * d0[i]
            p1 += q * d1[i]
    return p0, p1


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def _gradient(
    parameters: Any, gradient: Any, indptr: Any, indices: Any, values: Any, power: int, hidden_relu: bool
) -> None:
    """T times the gradient of the loss, in the layout of the parameters."""
    zero, two = parameters.dtype.type(0), parameters.dtype.type(2)
    w0, w1, b = parameters[0], parameters[1], parameters[2]
    first = 3 if len(parameters) == 5 else 0
    d0, d1 = parameters[first], parameters[first + 1]
    g0, g1, gb = gradient[first], gradient[first + 1], gradient[2]
    gradient[:] = zero
    for t in range(len(indptr) - 1):
        h0, h1 = zero, zero
        for k in range(indptr[t], indptr[t + 1]):
            h0 += w0[indices[k]] * values[k]
            h1 += w1[indices[k]] * values[k]
        if hidden_relu:
            h0, h1 = max(h0, zero), max(h1, zero)
        p0, p1 = _pull_dense(d0, d1, b, g0, g1, gb, h0, h1, power)
        for k in range(indptr[t], indptr[t + 1]):
            i = indices[k]
            z = d0[i] * h0 + d1[i] * h1 + b[i]
            if z > zero:
                q = _slope(z - values[k], power, two) - _slope(z, power, two)
                g0[i] += q * h0
                g1[i] += q * h1
                gb[i] += q
                p0 += q * d0[i]
                p1 += q * d1[i]
        if hidden_relu:
            p0 = p0 if h0 > zero else zero
            p1 = p1 if h1 > zero else zero
        for k in range(indptr[t], indptr[t + 1]):
            gradient[0, indices[k]] += p0 * values[k]
            gradient[1, indices[k]] += p1 * values[k]


@njit(**_COMPILE)  # type: ignore[untyped-decorator]
def _advance(
    parameters: Any,
    first: Any,
    second: Any,
    indptr: Any,
    indices: Any,
    values: Any,
    scales: Any,
    power: int,
    hidden_relu: bool,
    weight_decay: float,
    epsilon: float,
    shares: int,
) -> None:
    """AdamW steps, one per column of ``scales``: the rate and the corrections of both moments."""
    number = parameters.dtype.type
    gradient = np.zeros_like(parameters)
    beta1, beta2, eps = number(ADAM_BETA1), number(ADAM_BETA2), number(epsilon)
    rest1, rest2 = number(1.0 - ADAM_BETA1), number(1.0 - ADAM_BETA2)
    part = number(1.0 / (shares * (len(indptr) - 1)))
    for step in range(scales.shape[1]):
        _gradient(parameters, gradient, indptr, indices, values, power, hidden_relu)
        kept = number(1.0 - scales[0, step] * weight_decay)
        rate = number(scales[0, step] / scales[1, step])
        widen = number(1.0 / scales[2, step])
        for row in range(parameters.shape[0]):
            for i in range(parameters.shape[1]):
                g = gradient[row, i] * part
                first[row, i] = beta1 * first[row, i] + rest1 * g
                second[row, i] = beta2 * second[row, i] + rest2 * g * g
                moved = rate * first[row, i] / (np.sqrt(second[row, i]) * widen + eps)
                parameters[row, i] = parameters[row, i] * kept - moved
