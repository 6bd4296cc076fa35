"""Parameters as people store them: which arrays are W and b, and what else is there that ReLU(WᵀWx + b) does not have.

W is (m, n) or (n, m), b (n,), (n, 1), (1, n) or absent, which is zero; several instances stand before these axes, or
as equal parts of one file. A model with more to it (a second weight matrix, a bias of the encoder, a further layer) is
told to be another one: `StoredModel.differences`.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch

from numerics.data import as_numbers
from theory.arrays import Floats

#: Last parts of names, most likely first; a tied model is stored under its encoder's name as a rule.
_WEIGHT_NAMES = ("W", "weight", "weights", "W_enc", "W_down", "w", "kernel")
_BIAS_NAMES = ("b", "bias", "b_final", "b_dec", "biases", "b_out")

#: Parts of names that belong to training: no parameter is looked for below them.
_TRAINING = re.compile(
    r"optim\w*|opt|opt_state|\w*exp_avg\w*|\w*momentum\w*|square_avg|grads?|gradients?|\w*scheduler\w*|param_groups"
)
#: ... that hold other states of the same parameters, not read where there are some of the same shapes.
_SECOND = re.compile(
    r"((\w+_)?(ema|swa|averaged?|shadow|history|snapshots?|trajectory)|(.*_)?init(ial)?)(_((state|model|param|weight|bias)\w*|[wWb]))?"
)
#: Last parts of names that no forward pass uses: data, what weighs the loss, what was noted down.
_BESIDE = re.compile(
    r"x|x_?\w*train\w*|\w*train_?x|x_?test\w*|\w*data(set|points?)?|points|inputs?|targets?|outputs?|samples?|h|hidden"
    r"|features|batch|labels?|i|\w*importances?|\w*prob\w*|\w*sparsity|\w*density|\w*loss(es)?|\w*history\w*|\w*norms"
    r"|\w*steps?|epochs?|num_batches_tracked|n_averaged|seeds?|lr",
    re.IGNORECASE,
)
#: Last parts of names of biases.
_BIAS = re.compile(r"(\w+_)?b(ias(es)?)?(_\w+)?", re.IGNORECASE)
#: Last parts of names without which a model or its data are not read whole.
PARAMETER = re.compile(rf"X|(\w+_)?w(eights?)?(_\w+)?|{_BIAS.pattern}", re.IGNORECASE)
#: Names of single numbers that change what a model computes.
_SCALE = re.compile(r"(?i)(.*_)?(scale|temperature|gain|gamma|slope|threshold)s?|weight(_g)?|original0")

#: Parents that are layers of one model, not models beside each other.
_LAYER = re.compile(r"(un)?emb\w*|(en|de)c\w*|\w*(up|down|in|out|readout)", re.IGNORECASE)

#: Relative difference up to which two stored matrices are one: what float32 keeps.
TIED = 1e-6

#: The most arrays that a model is looked for in.
MOST_ARRAYS = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class StoredModel:
    """One model as it is stored.

    W, b : (m, n) and (n,), in float64.
    label, instances : which one, and of how many.
    notes : what was taken for what.
    differences : why it is not ReLU(WᵀWx + b); none where it is.
    rounding : relative rounding of stored numbers in half precision, else 0.
    decoder, encoder_bias : (n, m) and (m,), where these are all it differs by; None elsewhere.
    """

    W: Floats
    b: Floats
    label: str = ""
    instances: int = 1
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    rounding: float = 0.0
    decoder: Floats | None = None
    encoder_bias: Floats | None = None


class _Pair(NamedTuple):
    """Names of weight and bias, and how many instances, hidden dimensions and features their shapes say."""

    weight: str
    bias: str | None
    instances: int
    m: int
    n: int
    turned: bool


def read_layout(arrays: Mapping[str, Any], sides: Collection[int] = ()) -> tuple[StoredModel, ...]:
    """The models in arrays or tensors under whatever names, one for each instance.

    ``sides`` are the sides of the data, one of which is the number of features. Raises ValueError where no array can
    be W.

    >>> [model] = read_layout({"weight": np.ones((5, 2)), "bias": np.zeros((5, 1))})
    >>> model.W.shape, model.b.shape
    ((2, 5), (5,))
    """
    trained = {name: array for name, array in arrays.items() if not _has_part(name, _TRAINING)}
    first = {name: array for name, array in trained.items() if not _has_part(name, _SECOND)}
    shapes = {tuple(array.shape) for array in first.values()}
    own = trained
    if any(_is_weight(name, array) for name, array in first.items()):
        known = {*shapes, ()}
        own = {n: a for n, a in trained.items() if n in first or known.isdisjoint((a.shape, a.shape[1:]))}
    if len(own) > MOST_ARRAYS:
        raise ValueError(f"holds {len(own)} arrays, more than a model of one layer has; save W and b alone")
    found = [model for label, part in _parts(own) for model in _read_part(part, label, sides)]
    left = sorted({name.rpartition(".")[0] or name for name in arrays if name not in own})
    note = (f"not read: {', '.join(map(repr, left[:4]))}{', …' if len(left) > 4 else ''}",) if left else ()
    return tuple(replace(model, notes=model.notes + note, instances=len(found)) for model in found)


def flattened(content: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Name and array of every tensor or array in nested mappings and lists, names joined by dots; no optimizer's."""
    if _last(prefix) in _BIAS_NAMES and isinstance(content, (int, float, list)):  # of numbers
        content = np.asarray(content)
    if hasattr(content, "dtype") and hasattr(content, "shape"):
        yield prefix, content
        return
    items: Any = enumerate(content) if isinstance(content, (list, tuple)) else ()
    if isinstance(content, Mapping) and not {"state", "param_groups"} <= set(map(str, content)):
        items = content.items()
    for name, item in items if depth < 32 else ():
        yield from flattened(item, f"{prefix}.{name}" if prefix else str(name), depth + 1)


def _has_part(name: str, pattern: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(part) for part in name.split("."))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_weight(name: str, array: Any) -> bool:
    return len(array.shape) >= 2 and math.prod(array.shape) > 0 and not _BESIDE.fullmatch(_last(name))


def _parts(arrays: Mapping[str, Any], depth: int = 0) -> list[tuple[str, Mapping[str, Any]]]:
    """The arrays; or, of several models (the same names and shapes below different parents), those of each."""
    below: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, array in arrays.items():
        below[".".join(name.split(".")[: depth + 1])][name] = array
    parts = {
        parent: part
        for parent, part in below.items()
        if len(part) > 1 and any(_is_weight(name, array) for name, array in part.items())
    }
    if len(parts) == 1 and depth < 8:
        inner = _parts(next(iter(parts.values())), depth + 1)
        return inner if len(inner) > 1 else [("", arrays)]
    shapes = {
        tuple(sorted((name[len(parent) :], tuple(a.shape)) for name, a in part.items()))
        for parent, part in parts.items()
    }
    square = any(shape[-1] == shape[-2] for own in shapes for _, shape in own if len(shape) >= 2)
    layers = any(_LAYER.fullmatch(_last(parent)) for parent in parts)
    return [("", arrays)] if len(parts) < 2 or len(shapes) > 1 or square or layers else list(parts.items())


def _read_part(arrays: Mapping[str, Any], label: str, sides: Collection[int]) -> list[StoredModel]:
    """One model, or one for each instance."""
    pair = _find_pair(arrays, sides)
    weights = as_numbers(arrays[pair.weight], "W").reshape(-1, *arrays[pair.weight].shape[-2:])
    weights = weights.swapaxes(1, 2) if pair.turned else weights
    biases = np.zeros((pair.instances, pair.n))
    if pair.bias is not None:
        stored = as_numbers(arrays[pair.bias], repr(pair.bias))
        biases = np.broadcast_to(stored.reshape(-1, 1 if stored.size == 1 else pair.n), biases.shape)
    notes = _notes(arrays, pair)
    others = {name: array for name, array in arrays.items() if name not in (pair.weight, pair.bias)}
    rounding = max(_rounding(arrays[name]) for name in (pair.weight, pair.bias) if name is not None)
    if rounding:
        notes.append(f"stored in half precision: numbers are rounded to a relative {rounding:.2g}")
    found = []
    for k in range(pair.instances):
        name = f"{label}[{k}]" if label and pair.instances > 1 else label or str(k)
        model = StoredModel(weights[k], biases[k], name, notes=tuple(notes), rounding=rounding)
        found.append(_with_others(model, others, pair, k))
    return found


def _find_pair(arrays: Mapping[str, Any], sides: Collection[int]) -> _Pair:
    """The likeliest weight and bias: n that fits the data, the larger n, a bias, familiar names."""
    order = list(arrays)
    weights = [name for name in order if _is_weight(name, arrays[name])]
    pairs = []
    for weight in weights:
        *lead, rows, columns = arrays[weight].shape
        for turned, n in ((False, columns), (True, rows))[: 1 if rows == columns else 2]:
            fitting = [name for name in order if name != weight and _is_bias(name, arrays[name], lead, n)]
            m = rows * columns // n
            for bias in (*fitting, None):
                names = _rank(weight, _WEIGHT_NAMES) + (_rank(bias, _BIAS_NAMES) if bias else 0)
                one = bias is None or math.prod(arrays[bias].shape) < n
                first = bool(sides) and n not in sides, one or (weight, bias, turned) != ("W", "b", False)
                key = (*first, -n, one, bias is None, names, order.index(weight))
                pairs.append((key, _Pair(weight, bias, math.prod(lead), m, n, turned)))
    if not pairs:
        few = list(arrays.items())[:6]
        shapes = ", ".join(f"{name or 'array'} {tuple(array.shape)}" for name, array in few)
        raise ValueError(f"no weights W (m, n) among its arrays ({shapes}); save an npz with W and b")
    return min(pairs, key=lambda pair: pair[0])[1]


def _rank(name: str, known: tuple[str, ...]) -> int:
    return known.index(_last(name)) if _last(name) in known else len(known)


def _is_bias(name: str, array: Any, lead: list[int], n: int) -> bool:
    """Whether an array can be one bias of n numbers, or one for each instance, or by its name one number for all."""
    if math.prod(array.shape) == 1 and _last(name) in _BIAS_NAMES:
        return True
    shape = [side for side in array.shape if side != 1]
    one, each = ([side for side in (*before, n) if side != 1] for before in ((), lead))
    return shape in (one, each) and len(array.shape) > 0 and not _BESIDE.fullmatch(_last(name))


def _rounding(array: Any) -> float:
    """Relative rounding of stored numbers in half precision; 0 for any other type, float32 included."""
    kind = array.dtype
    floating = kind.is_floating_point if isinstance(kind, torch.dtype) else kind.kind == "f"
    eps = float((torch if isinstance(kind, torch.dtype) else np).finfo(kind).eps) if floating else 0.0
    return eps / 2 if eps > 1e-5 else 0.0


def _notes(arrays: Mapping[str, Any], pair: _Pair) -> list[str]:
    weight, shape, notes = pair.weight, tuple(arrays[pair.weight].shape), []
    if pair.bias is None:
        unfit = [(n, tuple(a.shape)) for n, a in arrays.items() if _BIAS.fullmatch(_last(n))]
        for name, of in unfit:
            if math.prod(of) != 1 and [side for side in of if side != 1][-1:] != [pair.m]:
                raise ValueError(f"{weight!r} has shape {shape}, {name!r} {of}; they must be (m, n) and (n,)")
        notes.append(f"W is {weight!r}, and there is no bias: b = 0")
    elif (weight, pair.bias) != ("W", "b"):
        notes.append(f"W is {weight!r} and b is {pair.bias!r}")
    if pair.bias is not None and math.prod(arrays[pair.bias].shape) < pair.n:
        notes.append(f"{pair.bias!r} is one number, the bias of every feature")
    if pair.turned:
        notes.append(f"W is the transpose of {weight!r}, which has shape {shape}")
    elif pair.m == pair.n:
        notes.append(f"{weight!r} has shape {shape}: taken as (m, n), though (n, m) fits as well")
    if pair.instances > 1:
        notes.append(f"{weight!r} holds {pair.instances} instances")
    return notes


def _with_others(model: StoredModel, others: Mapping[str, Any], pair: _Pair, k: int) -> StoredModel:
    """The model with notes and differences for all arrays but its own W and b."""
    notes, differences, beside = list(model.notes), list[str](), list[str]()
    decoder = encoder_bias = None
    for name, array in others.items():
        shape = _role(array, others, pair) if not _BESIDE.fullmatch(_last(name)) else None
        if shape is None or (shape == () and not _SCALE.fullmatch(_last(name))):
            beside.append(repr(name))
            continue
        values = as_numbers(array, repr(name)).reshape(-1, *shape)
        value = values[k if len(values) == pair.instances else 0]
        if shape in ((pair.m, pair.n), (pair.n, pair.m)):
            other = min(
                (v for v in (value.T, value)[: 1 if pair.m == pair.n else 2] if v.shape == model.W.shape),
                key=lambda v: np.linalg.norm(v - model.W),
            )
            apart = float(np.linalg.norm(other - model.W) / (np.linalg.norm(model.W) or 1.0))
            if apart <= max(TIED, 2 * model.rounding, 2 * _rounding(array)):
                notes.append(f"{name!r} is the transpose of {pair.weight!r}: weights are tied")
                continue
            decoder = other.T
            untied = f"{name!r} differs from the transpose of {pair.weight!r} by {apart:.2g} of its norm"
            differences.append(f"weights are not tied: {untied}")
        elif shape == () or len(shape) == 1:
            if np.all(value == (1 if shape == () else 0)):
                notes.append(f"{name!r} is {1 if shape == () else 0} and changes nothing")
                continue
            what = f"{name!r} {tuple(array.shape)}, norm {np.linalg.norm(value):.3g}"
            if shape == (pair.m,) and pair.m != pair.n and _BIAS.fullmatch(_last(name)):
                encoder_bias = value
                what += ", is a bias of the encoder"
            differences.append(what)
        else:
            differences.append(f"{name!r} {tuple(array.shape)} is a further layer")
    if beside:
        notes.append(f"not read as parameters: {', '.join(beside[:6])}{', …' if len(beside) > 6 else ''}")
    if len(differences) > (decoder is not None) + (encoder_bias is not None):
        decoder = encoder_bias = None
    found = replace(model, notes=tuple(notes), differences=tuple(differences))
    return replace(found, decoder=decoder, encoder_bias=encoder_bias)


def _role(array: Any, others: Mapping[str, Any], pair: _Pair) -> tuple[int, ...] | None:
    """The shape in which an array can take part in what the model computes, or None."""
    shape, several = tuple(array.shape), (1, pair.instances)
    kind = array.dtype
    if not (kind.is_floating_point if isinstance(kind, torch.dtype) else kind.kind == "f") or 0 in shape:
        return None
    if math.prod(shape) == 1:
        return ()
    if shape[-2:] in ((pair.m, pair.n), (pair.n, pair.m)) and math.prod(shape[:-2]) in several:
        return shape[-2:]
    flat = [side for side in shape if side != 1]
    if flat[-1] in (pair.m, pair.n) and math.prod(flat[:-1]) in several:
        return (flat[-1],)
    sides = (side for other in others.values() if other is not array for side in other.shape)
    known = {pair.m, pair.n, *sides}
    joined = len(shape) >= 2 and {pair.m, pair.n} & set(shape[-2:]) and set(shape[-2:]) <= known
    return shape if joined else None
