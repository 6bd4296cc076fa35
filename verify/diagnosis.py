"""What a model became, in words: a diagnosis of every end state, from hidden vectors, columns and outputs.

The names, in the order in which they are tried:

- "diverged": the loss is not finite (the trainer says so);
- "stored features": columns of W hold features, on a polygon or another arrangement: the model generalizes;
- "features and repeated points": some datapoints that are repeated more often than others are stored beside them;
- "repeated points": only those are stored, no feature and not most of the others;
- "single point": T = 1, memorized;
- "collapsed": the outputs do not depend on the datapoint, and the loss leaves it so;
- "dropped point": a few datapoints near the origin, not reconstructed, all others are;
- "silent own output": everything is met but outputs that a datapoint's own features never switch on: their gradient
  is zero, so that they stay silent unless other outputs move them;
- "two circles": hidden vectors of datapoints of like norms on circles of different radii (m = 2);
- "regular T-gon", "irregular polygon": memorized, m = 2: gaps within 1/(2T + 2) of 2π/T in the mean square, half of
  what 2π/(T + 1) strays, or not; lengths do not count;
- "minimum-norm code", "memorized code": memorized, other m: on the least-norm code up to its scale, or not;
- "clusters": hidden vectors in bundles, whose means are what is reconstructed;
- "not converged": anything else.

Shape is a matter of distinct datapoints: copies are counted once. Dropped points and two circles are stationary points
that are not the least-norm optimum (Henighan et al. 2023, section "Optimization Failures in 2D"). The thresholds are
those of `verify.thresholds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics import Run, measure
from numerics.data import Dataset, DistinctPoints, distinct_points
from numerics.measurement.record import read_with_data
from theory import Record, Setting, predict
from theory.arrays import Floats
from theory.number_format import shown
from verify.claims.tolerance import at_unit_norm, shape_deviation
from verify.stored_features import Places, arrangement, find_stored, nearest_law, settled_share
from verify.thresholds import (
    CIRCLE_RATIO,
    CLUSTER_RATIO,
    CODE_EXCESS,
    CONSTANT_OUTPUT,
    DROPPED_ERROR,
    DROPPED_LENGTH,
    MAJORITY,
    MEMORIZED_ERROR,
    SETTLED,
    STORED,
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A name, the numbers that led to it, and which datapoints and features it is about.

    ``datapoints`` are columns of the data, from 0, the first copies of dropped, silent or repeated ones; ``features``
    are those that are stored, or silent.
    """

    name: str
    evidence: str
    datapoints: tuple[int, ...] = ()
    features: tuple[int, ...] = ()

    @property
    def stored(self) -> int:
        """How many features are stored."""
        return len(self.features) if "features" in self.name else 0


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """Parameters and distinct datapoints, with what follows at each entry of the data."""

    W: Floats
    b: Floats
    points: DistinctPoints
    record: Record

    def silent(self) -> NDArray[np.bool_]:
        """(nnz,) whether the own output of an entry is at or below the edge of its ReLU."""
        features, columns = self.points.data.indices, self.points.data.columns
        projected = np.sum(self.W[:, features] * self.record.hidden[:, columns], axis=0)
        return np.asarray(projected + self.b[features] <= 0)


def diagnose_run(run: Run) -> Diagnosis:
    """The diagnosis of a run; "diverged" where there is nothing to measure."""
    if run.status == "diverged":
        return Diagnosis("diverged", f"loss was not finite at step {int(run.history_step[-1])}")
    return diagnose(run.record, run, run.data)


def diagnose(record: Record, model: Any = None, data: Any = None) -> Diagnosis:
    """Name what a measured record shows: one of the names at the head of this module.

    ``model`` and ``data`` are those that the record was measured on, as `numerics.measure` takes them; it may be on the
    distinct datapoints alone. Without them copies cannot be told, and only the names that hidden vectors and errors
    decide are given.

    >>> from theory import Setting, predict
    >>> diagnose(predict(Setting(T=5))).name
    'regular T-gon'
    """
    if not isinstance(record, Record):
        raise TypeError(
            f"record is a {type(record).__name__}, not a Record; try check(model, data).diagnosis"
        )
    if model is None or data is None:
        return _dropped(record, np.arange(record.T)) or _shape(record)
    stored, data = read_with_data(model, data)
    parameters = stored.W, stored.b
    points = distinct_points(data)
    if points.data.T != record.T:
        record = replace(measure(parameters, points.data), rounding_error=record.rounding_error)
    given = _Model(*parameters, points, record)
    found = _generalizing(given) or (None if record.memorized else _collapsed(given))
    found = found or _dropped(record, points.first) or _silent(given, few=True)
    found = found or _shape(record, given)
    if points.data is data:
        return found
    return replace(found, evidence=f"{points.data.T} distinct of {data.T} datapoints; {found.evidence}")


def _generalizing(model: _Model) -> Diagnosis | None:
    """The diagnosis of a model that stores features, repeated datapoints, or both."""
    W, b, points, record = model.W, model.b, model.points, model.record
    stored, data = find_stored(W, b, points, record.memorized), points.data
    kept = record.point_error <= (1 - STORED) * data.norms**2
    repeated = (points.copies > np.median(points.copies)) & (np.diff(data.indptr) > 1)
    explained = np.bincount(data.columns, data.values**2 * np.isin(data.indices, stored), minlength=data.T)
    own = kept & repeated & (explained < MAJORITY * data.norms**2)
    taken = np.unique(data.indices[own[data.columns]]).astype(np.intp)
    if len(stored) and settled_share(W, b, points, stored, taken) < SETTLED:
        stored, own = stored[:0], kept & repeated
    if record.memorized and not len(stored):
        return None
    beside = f"{own.sum()} of {repeated.sum()} repeated datapoints stored"
    name, evidence = "repeated points", f"{beside}, {kept[~repeated].sum()} of the others"
    if len(stored):
        name = "features and repeated points" if own.any() else "stored features"
        evidence = f"{len(stored)} of {data.n} features stored: {_arranged(model, stored)}"
        evidence += f"; {beside}" if own.any() else ""
    elif not (own.any() and np.mean(own[repeated]) >= MAJORITY > np.mean(kept[~repeated])):
        return None
    return Diagnosis(name, evidence, tuple(points.first[own].tolist()), tuple(stored.tolist()))


def _arranged(model: _Model, stored: Places) -> str:
    """Arrangement, norms and biases of the stored features; for a ring also the nearest amplitude law."""
    columns, bias = model.W[:, stored], model.b[stored]
    shape = arrangement(columns)
    norms = np.linalg.norm(columns, axis=0)
    evidence = f"{shape} of norm {_range(norms)} and bias {_range(bias)}"
    if len(model.W) != 2 or len(stored) < 3 or shape == "irregular":
        return evidence
    return f"{evidence}; {nearest_law(columns, bias, model.points)}"


def _collapsed(model: _Model) -> Diagnosis | None:
    """The diagnosis of a model whose outputs are the same everywhere: all silent, or near the mean of the data."""
    record, data = model.record, model.points.data
    weights = model.points.copies / model.points.copies.sum()
    mean = data.sparse() @ weights
    gain = weights @ (data.norms**2 - record.point_error)
    spread = float(np.linalg.norm(model.W) * np.max(np.linalg.norm(record.hidden, axis=0) / data.norms))
    silent = bool(model.silent().all())
    if not (silent or (spread <= CONSTANT_OUTPUT and gain >= MAJORITY * (mean @ mean))):
        return None
    state = "every own output is silent" if silent else "the outputs are near the mean of the data"
    return Diagnosis("collapsed", f"{state}; they differ by {spread:.2g} or less between datapoints")


def _dropped(record: Record, places: Places) -> Diagnosis | None:
    """The diagnosis of a model that forgets a few datapoints, which lie near the origin."""
    lengths, errors = np.sqrt(record.radius_squared), record.point_error / np.square(record.norms)
    dropped = (errors >= DROPPED_ERROR) & (lengths <= DROPPED_LENGTH * np.median(lengths))
    if dropped.all() or not dropped.any() or np.median(errors[~dropped]) >= DROPPED_ERROR:
        return None
    chosen = tuple(places[dropped].tolist())
    evidence = (
        f"{len(chosen)} of {record.T} datapoints near the origin ({_listed(chosen)}), with squared errors of "
        f"{_range(record.point_error[dropped])}; the largest of all is {record.worst_point_error:.2g}"
    )
    return Diagnosis("dropped point", evidence, chosen)


def _silent(model: _Model, few: bool) -> Diagnosis | None:
    """The diagnosis of a model whose errors are those of silent own outputs: all of it, or mostly of a ``few``."""
    record, data, silent = model.record, model.points.data, model.silent()
    columns, features, lost = data.columns[silent], data.indices[silent], data.values[silent] ** 2
    rest = record.point_error - np.bincount(columns, lost, minlength=record.T)
    unmet = record.point_error > MEMORIZED_ERROR
    theirs = np.mean(unmet) <= MAJORITY and np.all(rest[unmet] <= (1 - MAJORITY) * record.point_error[unmet])
    if record.memorized or not (theirs if few else rest.max() <= MEMORIZED_ERROR):
        return None
    entries = [
        f"datapoint {model.points.first[columns[at]]}, feature {features[at]}, squared error {lost[at]:.2g}"
        for at in np.argsort(-lost, kind="stable")
    ]
    left = max(float(rest.max()), 0.0)
    ahead = "so training cannot mend it" if left <= MEMORIZED_ERROR else "only what else is unmet can move it"
    evidence = (
        f"{len(lost)} of {len(silent)} own outputs ({_listed(entries, '; ')}), everything else is met to {left:.1g}; "
        f"a silent output has no gradient, {ahead}"
    )
    places = np.unique(model.points.first[columns])
    return Diagnosis(
        "silent own output", evidence, tuple(places.tolist()), tuple(np.unique(features).tolist())
    )


def _shape(record: Record, model: _Model | None = None) -> Diagnosis:
    """The diagnosis of a model by the arrangement of its hidden vectors."""
    lengths = np.sqrt(record.radius_squared)
    if record.T == 1 and record.memorized:
        return Diagnosis("single point", f"length {lengths[0]:.4g}, {_error(record)}")
    if record.m == 2 and record.T >= 3 and (circles := _two_circles(record, lengths)) is not None:
        return circles
    if not record.memorized:
        found = _clusters(model) or _silent(model, few=False) if model is not None else None
        met = int(np.sum(record.point_error <= MEMORIZED_ERROR))
        return found or Diagnosis(
            "not converged", f"{met} of {record.T} datapoints memorized; {_error(record)}"
        )
    return _polygon(record) if record.m == 2 and record.T >= 3 else _code(record, lengths)


def _two_circles(record: Record, lengths: Floats) -> Diagnosis | None:
    ordered = np.sort(lengths)
    jumps = ordered[1:] / np.maximum(ordered[:-1], np.finfo(float).tiny)
    errors = record.point_error / np.square(record.norms)
    if np.median(errors) >= DROPPED_ERROR or errors.max() > 1 - STORED or jumps.max() < CIRCLE_RATIO:
        return None
    if np.max(record.norms) >= CIRCLE_RATIO * np.min(record.norms):  # the least-norm lengths differ as well
        return None
    inner = int(np.argmax(jumps)) + 1
    inside = f"{inner} {'point' if inner == 1 else 'points'} at length {_range(ordered[:inner])}"
    outside = f"{record.T - inner} at {_range(ordered[inner:])}"
    return Diagnosis("two circles", f"{inside}, {outside}; {_error(record)}")


def _polygon(record: Record) -> Diagnosis:
    deviation = shape_deviation(at_unit_norm(record), predict(Setting(T=record.T)))
    shape = (
        f"gaps within {deviation.gap:.1%} of 2π/{record.T}, squared radii within {deviation.radius:.1%} (rms)"
    )
    return Diagnosis(
        "regular T-gon" if deviation.gap < 1 / (2 * record.T + 2) else "irregular polygon", shape
    )


def _code(record: Record, lengths: Floats) -> Diagnosis:
    """The diagnosis of a memorizing model that is no polygon, by its energy once it is scaled to touch a constraint."""
    gram = record.hidden.T @ record.hidden
    slack = float(np.min((np.diag(gram)[:, None] - gram)[~np.eye(record.T, dtype=np.bool_)]))
    if slack <= 0 or (record.status == "measured" and not record.assumes("disjoint supports")):
        return Diagnosis("memorized code", f"lengths {_range(lengths)}")
    excess = record.energy / (slack * predict(Setting(T=record.T, m=record.m)).energy) - 1
    name = "minimum-norm code" if excess <= CODE_EXCESS else "memorized code"
    return Diagnosis(name, f"lengths {_range(lengths)}; energy {excess:.1%} above the least at its scale")


def _clusters(model: _Model) -> Diagnosis | None:
    """The diagnosis of a model that returns the mean of each bundle of datapoints; multiples of one count once."""
    record, data = model.record, model.points.data
    rays = distinct_points(Dataset(data.n, data.indptr, data.indices, data.values / data.norms[data.columns]))
    chosen = rays.first[:: max(1, len(rays.first) // 2000)]
    lengths = np.sqrt(record.radius_squared[chosen])
    if len(chosen) < 6 or lengths.min() == 0:
        return None
    merges = scipy.cluster.hierarchy.linkage((record.hidden[:, chosen] / lengths).T, "single")
    heights = np.maximum(merges[:, 2], np.finfo(float).eps)
    jumps = heights[1:] / heights[:-1]
    # At most half as many bundles as points: two of many points may nearly coincide.
    least = len(chosen) - 1 - len(chosen) // 2
    at = least + int(np.argmax(jumps[least:]))
    labels = scipy.cluster.hierarchy.fcluster(merges, heights[at], "distance") - 1
    sizes = np.bincount(labels)
    sums = data.sparse()[:, chosen] @ np.eye(len(sizes))[labels]
    explained = float(np.sum(np.sum(sums**2, axis=0) / sizes))
    gain = float(np.sum(data.norms[chosen] ** 2 - record.point_error[chosen]))
    if jumps[at] < CLUSTER_RATIO or gain < MAJORITY * explained:
        return None
    evidence = f"{len(sizes)} bundles of {shown(sizes.tolist())} datapoints, {jumps[at]:.3g} times as far apart as wide"
    return Diagnosis("clusters", f"{evidence}; {_error(record)}")


def _error(record: Record) -> str:
    return f"largest squared error of a datapoint {record.worst_point_error:.2g}"


def _range(values: Floats) -> str:
    return shown([float(values.min()), float(values.max())], 3)


def _listed(items: Sequence[object], separator: str = ", ") -> str:
    """The first five of ``items``, and an ellipsis for more."""
    return separator.join(map(str, items[:5])) + (f"{separator}…" if len(items) > 5 else "")
