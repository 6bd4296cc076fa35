"""Measuring a trained model: the same record that the theory predicts. The weight norm is split as ‖W‖² = Σ_t ‖h_t‖² +
(seen weight outside the data span)² + (unseen weight)², exact for orthonormal data (`memorization.norm-split`); all
three parts are reported. Everything is evaluated in float64.
"""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from numerics.data import Dataset
from numerics.data_layouts import as_matrix, read_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.measurement.forward import check_forward
from numerics.model import checked, read_stored
from numerics.model_layouts import StoredModel
from theory.arrays import Floats
from theory.dimensionality import dimensionality
from theory.record import Assumption, Record


def measure(
    model: Any,
    data: Dataset | Any,
    *,
    test: Any = None,
    instance: int | None = None,
    forward: bool = True,
    rows: bool | None = None,
) -> Record:
    """What ``model`` does on ``data``, as a `Record` to lay beside `theory.predict`.

    model : a module or a mapping of arrays under any names, a run, or a pair W (m, n) or (n, m) and b (n,). A bias
        that is absent is zero.
    data : a `Dataset`, or X as a non-negative array or tensor, dense or sparse: (n, T), or (T, n) where only that
        fits. Datapoints without any feature are left out.
    test : fresh datapoints, like ``data``, on which the record's test loss is measured; without them it is None.
    instance : which model, where there are several.
    forward : whether a module's own forward is compared with ReLU(WᵀWx + b) on the data, and beyond it.
    rows : whether each row of X is a datapoint. None takes what fits, and warns where both do.

    Raises ValueError: A model that computes something else, by how much; parameters that are missing, do not fit the
    data or are not finite; data that is not a dataset.

    >>> record = measure((np.array([[1, -1]]) / 2**0.5, np.full(2, 0.5)), np.eye(2))
    >>> round(record.energy, 12), round(record.train_loss, 12)
    (1.0, 0.0)
    """
    stored, dataset = read_with_data(model, data, instance, forward, rows)
    W, b = stored.W, stored.b
    hidden = dataset.project(W)
    radius_squared = (hidden**2).sum(axis=0)
    errors = point_errors(W, b, dataset)
    seen = dataset.seen
    fresh = None if test is None else fitting_dataset(test, dataset.n, rows=rows)
    return Record(
        T=dataset.T,
        m=W.shape[0],
        configuration="measured",
        status="measured",
        energy=float(radius_squared.sum()),
        weight_norm=float(np.linalg.norm(W)),
        weight_norm_seen=float(np.linalg.norm(_outside_span(W, hidden, dataset))),
        weight_norm_unseen=float(np.linalg.norm(W[:, ~seen])),
        bias_norm=float(np.linalg.norm(b)),
        bias_norm_unseen=float(np.linalg.norm(b[~seen])),
        radius_squared=radius_squared,
        bias_coefficient=dataset.project(b[None, :])[0],
        dimensionality=dimensionality(hidden),
        hidden=hidden,
        point_error=errors,
        test_loss=None if fresh is None else float(point_errors(W, b, fresh).mean()),
        norms=dataset.norms,
        rounding_error=_rounding_error(W, b, hidden, dataset, stored.rounding),
        assumptions=_assumptions(W, b, hidden, dataset),
    )


def read_with_data(
    model: Any, data: Any, instance: int | None = None, forward: bool = True, rows: bool | None = None
) -> tuple[StoredModel, Dataset]:
    """A model, contiguous, and its data, as `measure` takes them; ValueError as there."""
    __tracebackhide__ = True  # in pytest
    given = data if isinstance(data, Dataset) else as_matrix(data)
    stored = read_stored(model, (given.n,) if isinstance(given, Dataset) else given.shape, instance)
    place = instance or 0, stored.instances
    dataset = fitting_dataset(given, stored.W.shape[1], place, rows)
    W, b = checked(stored.W, stored.b, dataset.n)
    if forward and isinstance(model, nn.Module) and type(model).forward is not nn.Module.forward:
        check_forward(model, W, b, dataset, *place)
    elif forward and stored.differences:
        why = "; ".join(stored.differences)
        raise ValueError(f"not ReLU(WᵀWx + b): {why}; try measure(model, X, forward=False) for W and b only")
    return replace(stored, W=W, b=b), dataset


def fitting_dataset(data: Any, n: int, place: tuple[int, int] = (0, 1), rows: bool | None = None) -> Dataset:
    """``data`` itself, or what `read_dataset` finds in it, with a warning where either orientation fits."""
    if isinstance(data, Dataset):
        return data
    found, notes = read_dataset(data, n, place, rows=rows)
    for note in notes:
        if "as well" in note:
            warnings.warn(note, stacklevel=4)
    return found


def _rounding_error(W: Floats, b: Floats, hidden: Floats, data: Dataset, rounding: float) -> float:
    """The largest squared error of a datapoint that relative rounding of every parameter can make."""
    if rounding == 0:
        return 0.0
    lengths, worst = data.project(np.abs(W)), 0.0
    for t in range(data.T):
        moved = (2 * rounding + rounding**2) * (np.abs(W).T @ lengths[:, t]) + rounding * np.abs(b)
        worst = max(worst, float(np.sum(moved[W.T @ hidden[:, t] + b + moved > 0] ** 2)))
    return worst


def _outside_span(W: Floats, hidden: Floats, data: Dataset) -> Floats:
    """(m, seen) part of the seen weight orthogonal to every datapoint."""
    X = data.sparse()[data.seen]
    seen_weight = W[:, data.seen]
    if data.has_disjoint_supports:
        squared = np.add.reduceat(data.values**2, data.indptr[:-1])
        return np.asarray(seen_weight - (X @ (hidden / squared).T).T)
    from scipy.sparse.linalg import lsqr

    coefficients = np.stack([lsqr(X, row, atol=1e-12, btol=1e-12)[0] for row in seen_weight])
    return np.asarray(seen_weight - (X @ coefficients.T).T)


def within_span(rows: Floats, data: Dataset) -> Floats:
    """The part of each row, (k, n), in the span of the datapoints: what is left of W or b without idle weight."""
    kept = np.zeros_like(rows)
    kept[:, data.seen] = rows[:, data.seen] - _outside_span(rows, data.project(rows), data)
    return kept


def _assumptions(W: Floats, b: Floats, hidden: Floats, data: Dataset) -> tuple[Assumption, ...]:
    outputs = np.einsum("mj,mj->j", W[:, data.indices], hidden[:, data.columns]) + b[data.indices]
    worst, off = int(np.argmin(outputs)), int(np.argmax(np.abs(data.norms - 1)))
    silent = int(np.sum(outputs <= 0))
    least = f"that of datapoint {data.columns[worst]}, feature {data.indices[worst]} is {outputs[worst]:.3g}"
    order = np.argsort(data.indices, kind="stable")
    again = np.flatnonzero(np.diff(data.indices[order]) == 0)
    shared = f"{len(again)} shared entries"
    if len(again):
        one, other = data.columns[order[again[0] : again[0] + 2]]
        shared = f"datapoints {one} and {other} share feature {data.indices[order[again[0]]]}; {shared}"
    unit, own = "every datapoint has norm 1", "every datapoint's own features have positive outputs"
    apart = "no feature occurs in two datapoints"
    ones, norm = data.has_unit_norms, f"datapoint {off} has norm {data.norms[off]:.6g}"
    return (
        Assumption("unit norm", unit, ones, f"all {data.T} have norm 1" if ones else norm),
        Assumption("disjoint supports", apart, not len(again), shared),
        Assumption("active outputs", own, not silent, f"{silent} of {len(outputs)} outputs silent; {least}"),
    )
