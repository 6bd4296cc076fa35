"""What a module computes on data, laid beside ReLU(WᵀWx + b) with the W and b that were read from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from numerics.data import Dataset, as_numbers
from numerics.model_layouts import StoredModel, flattened
from theory.arrays import Floats

#: Numbers of a batch of outputs.
BATCH = 1 << 22


def check_forward(
    module: nn.Module, W: Floats, b: Floats, data: Dataset, instance: int = 0, instances: int = 1
) -> None:
    """ValueError if ``module(X)`` differs from ReLU(WᵀWX + b) on a datapoint by more than its arithmetic rounds, or
    beyond one, at half as much again with a part of their mean: a copy, a normalization or a missing ReLU may agree on
    the data alone. X is given as (T, n), (n, T) or (T, instances, n); the module is put into evaluation mode and back.
    Of several outputs the one that comes nearest counts.
    """
    __tracebackhide__ = True  # in pytest
    parameter = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(()))
    eps, worst, place = float(torch.finfo(parameter.dtype).eps), 0.0, ""
    size = max(2, BATCH // data.n)
    with _evaluating(module):
        for first, at in [*((first, "at") for first in range(0, data.T, size)), (0, "beyond")]:
            if worst > 0 and at == "beyond":
                break
            X = data.sparse()[:, first : first + size].toarray()
            X = X if at == "at" else 1.5 * X + X.mean(axis=1, keepdims=True) / 4
            entries = int(np.count_nonzero(X, axis=0).max())
            expected = np.maximum(W.T @ (W @ X) + b[:, None], 0)
            # sums of `entries` and of m products, each rounded, of parameters and data that were rounded themselves
            allowed = (entries + len(W) + 4) * eps * (np.abs(W).T @ (np.abs(W) @ X) + np.abs(b)[:, None] + X)
            outputs = _outputs(module, X, parameter, instance, instances)
            distances = [np.nan_to_num(np.abs(values - expected), nan=np.inf) for values in outputs]
            off = min(distances, key=np.max)
            off = np.where(off <= allowed, 0.0, off)
            j, t = np.unravel_index(int(off.argmax()), off.shape)
            if off[j, t] > worst:
                worst, place = float(off[j, t]), f"{at} datapoint {first + t}, feature {j}"
    if worst > 0:
        names = [name for name, _ in module.named_parameters()]
        known = f"; its parameters are {', '.join(names[:6])}" if len(names) > 2 else ""
        raise ValueError(
            f"the module's forward is not ReLU(WᵀWx + b): they differ by up to {worst:.3g}, {place}{known}; "
            "try measure(model, X, forward=False) for W and b only"
        )


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Inside, no part of the module trains and none draws from the caller's random numbers."""
    training = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for part, was in training.items():
            part.training = was


def _outputs(module: nn.Module, X: Floats, parameter: Tensor, instance: int, instances: int) -> list[Floats]:
    """Every (n, batch) output of the module, for whichever form of X it takes; ValueError if it takes none."""
    n, batch = X.shape
    # rows and columns must not be mistaken
    padding = 0 if batch not in (1, n) else 1 if batch + 1 != n else 2
    rows = torch.as_tensor(np.concatenate([X, *[X[:, :1]] * padding], axis=1).T.copy()).to(parameter)
    forms = [rows, rows.T] if instances == 1 else []
    found, refused = list[Floats](), "no output has the shape of the data"
    for form in [*forms, rows[:, None].expand(-1, instances, -1)]:
        try:
            outputs = [values for _, values in flattened([module(form.contiguous())])]
        except Exception as error:  # noqa: BLE001 (a module may raise anything for a shape it does not take)
            refused = (str(error).splitlines() or [type(error).__name__])[0]
            continue
        for values in (as_numbers(output, "output") for output in outputs if not output.dtype.is_complex):
            if values.ndim == 3 and values.shape[1] == instances:
                values = values[:, instance]
            found += [v[:, :batch] for v in (values.T, values) if v.shape == (n, batch + padding)]
    if not found:
        shapes = f"{tuple(rows.shape)} or {tuple(rows.T.shape)}"
        raise ValueError(
            f"the module takes no X of shape {shapes} ({refused}); try measure(model, X, forward=False)"
        )
    return found


def measure_layers(stored: StoredModel, data: Dataset) -> dict[str, float]:
    """What can be said of a stored model that is not ReLU(WᵀWx + b): norms, and how it does with a ReLU at its output.
    ``weight_norm`` and ``bias_norm`` are of W and b. Where it differs by an untied decoder D or a bias c of the
    encoder alone, ``train_loss`` and ``worst_point_error`` are those of ReLU(D(Wx + c) + b), and
    ``largest_difference`` is that of its outputs from ReLU(WᵀWx + b).
    """
    found = {"weight_norm": float(np.linalg.norm(stored.W)), "bias_norm": float(np.linalg.norm(stored.b))}
    parts = {"decoder_norm": stored.decoder, "encoder_bias_norm": stored.encoder_bias}
    if all(part is None for part in parts.values()):
        return found
    found |= {name: float(np.linalg.norm(part)) for name, part in parts.items() if part is not None}
    decoder = stored.W.T if stored.decoder is None else stored.decoder
    shift = np.zeros(len(stored.W)) if stored.encoder_bias is None else stored.encoder_bias
    hidden, b, errors, apart = data.project(stored.W), stored.b[:, None], list[Floats](), 0.0
    size = max(1, BATCH // data.n)
    for first in range(0, data.T, size):
        h = hidden[:, first : first + size]
        outputs = np.maximum(decoder @ (h + shift[:, None]) + b, 0)
        errors.append(((outputs - data.sparse()[:, first : first + size].toarray()) ** 2).sum(axis=0))
        apart = max(apart, float(np.abs(outputs - np.maximum(stored.W.T @ h + b, 0)).max()))
    squared = np.concatenate(errors)
    losses = {"train_loss": float(squared.mean()), "worst_point_error": float(squared.max())}
    return found | losses | {"largest_difference": apart}
