"""What a setting should lead to, with every assumption stated.

R copies of one datapoint are one point, so the polygon has T′ = T − R + 1 vertices. Arrays have T entries, the copies
first. Norms see distinct datapoints; Σ‖h_t‖² and dimensionalities count copies, as a measurement does. Where norms are
unequal theory does not say which vertex carries the copies; the record takes the first.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Floats
from theory.dimensionality import dimensionality
from theory.exact import Exact
from theory.memorization.memorized_loss import SHARED, least_norm_test_loss, loss_given_data, shared_features
from theory.memorization.overlap import disjoint_probability, expected_overlapping_pairs
from theory.memorization.tgon import (
    simplex_dimensionality,
    simplex_hidden,
    tgon_bias_coefficient,
    tgon_dimensionality,
    tgon_energy,
    tgon_hidden,
    tgon_radius_squared,
)
from theory.record import Assumption, Record, Status
from theory.setting import Setting, as_setting

#: What is least among models of zero loss: ‖W‖², or ‖W‖² + ‖b‖².
Penalty = Literal["weights", "both"]

#: Orthonormal data is refused as an assumption where all supports are disjoint with less than this
#: probability.
LIKELY_DISJOINT = 0.05


@dataclass(frozen=True, slots=True)
class _Optimum:
    """The least-norm model of distinct orthonormal points; arrays have one entry per point."""

    configuration: str
    status: Status
    energy: float
    radius_squared: Floats
    bias_coefficient: Floats
    dimensionality: Floats
    hidden: Floats
    exact: Exact


def predict(
    setting: Setting | int, penalty: Penalty = "weights", *, data: object = None, **values: Any
) -> Record:
    """Record of the model of zero loss and least norm: ‖W‖² (`"weights"`) or ‖W‖² + ‖b‖² (`"both"`). An integer is the
    T of a setting with these ``values``, else the paper's: ``predict(12, m=3)``.

    Given `data`, the setting's dataset as (n, T) array or an object with `indptr`, `indices` and `values`, its overlap
    is known and the test loss is that of this dataset; else it is the mean over datasets (`memorization.test-loss`).

    At m = 2, and for T ≤ m + 1, a theorem (`memorization.tgon-norm`, `memorization.simplex`); otherwise the best known
    code, a theorem only where a lower bound meets it. Wherever two penalties have an answer, they differ only at T = 1.
    Relative error of theorem numbers below 16 eps; `exact` has them as SymPy strings. Scalars of the weight outside the
    data span and of unseen features are 0: the least-norm model has none. Hidden vectors are one of many: an orthogonal
    transformation or another order does as well. Raises ValueError: Data of another T, no model of zero loss exists (m
    = 1 with three or more distinct points), no prediction is known (a code of unequal norms with ``penalty="both"``),
    the search for a code would be too large, or the penalty is unknown. Raises TypeError: `setting` is no setting.

    >>> record = predict(6)
    >>> round(record.energy, 12), record.configuration, record.exact["energy"]
    (12.0, '6-gon', '12')
    """
    setting = as_setting(setting, values, "predict")
    if penalty not in ("weights", "both"):
        raise ValueError(f"penalty = {penalty!r}: it must be 'weights' or 'both'; try penalty='weights'")
    distinct = setting.distinct
    optimum = _optimum(distinct, setting.m, penalty)
    copies = np.ones(distinct, dtype=np.intp)
    copies[: setting.repeated_points] = setting.repeats
    copied = np.repeat(np.arange(distinct), copies)
    repeated = setting.repeats > 1
    entries = None if data is None else _entries(data, setting.T, np.unique(copied, return_index=True)[1])
    points = "one vertex" if setting.repeated_points == 1 else f"{setting.repeated_points} vertices"
    hidden = optimum.hidden[:, copied]
    return Record(
        T=setting.T,
        m=setting.m,
        configuration=optimum.configuration + (f", {points} {setting.repeats} times" if repeated else ""),
        status=optimum.status,
        energy=optimum.energy + float((copies - 1) @ optimum.radius_squared),
        weight_norm=math.sqrt(optimum.energy),
        weight_norm_seen=0.0,
        weight_norm_unseen=0.0,
        bias_norm=float(np.linalg.norm(optimum.bias_coefficient)),
        bias_norm_unseen=0.0,
        radius_squared=optimum.radius_squared[copied],
        bias_coefficient=optimum.bias_coefficient[copied],
        dimensionality=dimensionality(hidden) if repeated else optimum.dimensionality,
        hidden=hidden,
        point_error=np.zeros(setting.T),
        exact=Exact("with_copies", optimum.exact, setting.T - distinct) if repeated else optimum.exact,
        test_loss=_test_loss(setting, optimum, penalty, entries),
        assumptions=_assumptions(setting, distinct, penalty, entries),
    )


def _entries(data: Any, T: int, distinct: NDArray[np.intp]) -> tuple[list[Floats], bool]:
    """The non-zero entries of the distinct datapoints, and whether no two share a feature."""
    if hasattr(data, "indptr"):
        parts = [slice(*ends) for ends in zip(data.indptr[:-1], data.indptr[1:], strict=True)]
        columns = [(data.indices[part], data.values[part]) for part in parts]
    else:
        columns = [(at, column[at]) for column in np.asarray(data).T for at in [np.flatnonzero(column)]]
    if len(columns) != T:
        raise ValueError(
            f"data of {len(columns)} datapoints for a setting with T = {T}; try Setting(T={len(columns)})"
        )
    features = np.concatenate([columns[t][0] for t in distinct])
    return [columns[t][1] for t in distinct], len(np.unique(features)) == len(features)


def _test_loss(
    setting: Setting, optimum: _Optimum, penalty: Penalty, entries: tuple[list[Floats], bool] | None
) -> float | None:
    if entries is not None:
        values, disjoint = entries
        return loss_given_data(optimum.hidden, values, setting.n, setting.sparsity) if disjoint else None
    if penalty == "both" and setting.distinct == 1:
        return None
    return least_norm_test_loss(setting.distinct, setting.m, setting.n, setting.sparsity)


def _optimum(T: int, m: int, penalty: Penalty) -> _Optimum:
    if T == 1 and penalty == "both":
        hidden = np.eye(m, 1) * math.sqrt(0.5)
        return _regular("point", hidden, 0.5, 0.5, 0.5, 1.0, Exact("equal_norms", 1, "1/2", 1))
    if m == 1 and T > 2:
        raise ValueError(
            f"T = {T} distinct datapoints with m = 1: one dimension memorizes at most 2; try m=2 or T=2"
        )
    if m == 2 and T >= 2:
        numbers = tgon_energy(T), tgon_radius_squared(T), tgon_bias_coefficient(T), tgon_dimensionality(T)
        return _regular(f"{T}-gon", tgon_hidden(T), *numbers, Exact("tgon", T))
    if m + 1 >= T:
        name, own = "origin" if T == 1 else "simplex", simplex_dimensionality(T)  # the squared radius too
        exact = Exact("equal_norms", T, f"{T - 1}/{T}", f"{T - 1}/{T}")
        return _regular(name, simplex_hidden(T, m), T - 1.0, own, 1 / T, own, exact)
    return _code(T, m, penalty)


def _regular(
    name: str, hidden: Floats, energy: float, radius: float, bias: float, share: float, exact: Exact
) -> _Optimum:
    """An optimum that is a theorem, whose points are all alike."""
    radii, biases, shares = (np.full(hidden.shape[1], one) for one in (radius, bias, share))
    return _Optimum(name, "theorem", energy, radii, biases, shares, hidden, exact)


@lru_cache(maxsize=256)
def _code(T: int, m: int, penalty: Penalty) -> _Optimum:
    from theory.codes.programme import memorization_code  # a search: loaded only where no theorem answers

    code = memorization_code(T, m)
    hidden, squared = code.hidden, code.radius_squared
    if penalty == "both" and not code.equal_norms:
        raise ValueError(
            f"penalty = 'both' with T = {T}, m = {m}: decay on b moves unequal norms; try penalty='weights'"
        )
    if code.exact is None:
        exact = Exact()
    elif code.equal_norms:  # a tight frame has D_X = m/T at every point
        frame = hidden @ hidden.T - code.energy / m * np.eye(m)
        tight = np.all(np.abs(frame) <= 1e-12 * code.energy)
        exact = Exact("equal_norms", T, f"({code.exact})/{T}", f"{m}/{T}" if tight else None)
    else:
        exact = Exact("shifted", T, m)
    return _Optimum(
        code.name, code.status, code.energy, squared, 1 - squared, dimensionality(hidden), hidden, exact
    )


def _assumptions(
    setting: Setting, distinct: int, penalty: Penalty, entries: tuple[list[Floats], bool] | None
) -> tuple[Assumption, ...]:
    shared = shared_features(distinct, setting.n, setting.sparsity)
    return (
        _orthonormal_data(setting, distinct, None if entries is None else entries[1]),
        Assumption(
            "zero loss",
            "the run reaches zero loss; every number is that of an exactly memorizing model",
            None,
            "decided by the worst squared error of a datapoint",
        ),
        Assumption(
            "decay budget",
            "weight decay has pulled the run to the least norm, approached from above as the budget τ grows",
            None,
            f"τ = weight_decay · Σ lr = {setting.decay_budget:.3g}",
        ),
        Assumption(
            "one penalty",
            "the least of ‖W‖² is also the least of ‖W‖² + ‖b‖²"
            if penalty == "weights"
            else "the least of ‖W‖² + ‖b‖² is what decay on W and b favours",
            *_penalties_agree(distinct, setting.m, penalty),
        ),
        Assumption(
            "rare overlap",
            f"for the test loss: a fresh datapoint shares one feature with the data at most; fails above {SHARED:g}",
            shared <= SHARED,
            f"{shared:.3g} shared features expected",
        ),
    )


def _penalties_agree(T: int, m: int, penalty: Penalty) -> tuple[bool | None, str]:
    if penalty == "both":
        return True, "the record minimises both norms"
    if T == 1:
        return False, "at T = 1 the two differ: h = 0, c = 1 against ‖h‖² = c = 1/2"
    if m <= 2 or m + 1 >= T:
        return True, "`memorization.tgon-penalised`, `memorization.simplex-penalised`"
    return None, "not proved beyond m = 2 and simplices; decay on b moves codes of unequal norms"


def _orthonormal_data(setting: Setting, distinct: int, disjoint_data: bool | None) -> Assumption:
    pairs = expected_overlapping_pairs(distinct, setting.n, setting.sparsity)
    disjoint = disjoint_probability(distinct, setting.n, setting.sparsity)
    evidence = f"{pairs:.3g} overlapping pairs expected, no overlap with probability {disjoint:.3g}"
    if distinct > setting.n:
        evidence = f"impossible: {distinct} disjoint supports need as many features, n is {setting.n}"
    holds = True if distinct == 1 else False if disjoint < LIKELY_DISJOINT else None
    if disjoint_data is not None:
        holds, evidence = disjoint_data, "seen in the data"
    return Assumption(
        "orthonormal data",
        f"no two distinct datapoints share a feature; counts as not holding below {LIKELY_DISJOINT:g}",
        holds,
        evidence,
    )
