"""Polish: from a trained model on to the stationary model of zero loss and least norm that it is on the way to,
float64.

Training ends above the least norm (`optimization.decay-budget`). Polishing follows the descent of ‖W‖² (biases are
free) within zero loss, in short steps, until the first-order conditions hold (`theory.least_norm`). The
point is exactly stationary, but need not be the least of all. Dropped points, near the origin and not reconstructed,
stay so: columns 0, biases the data's mean 1/T, the others silent at the origin (`stationary.dropped-loss`); the norm
is then least among models that forget the same points. Unseen features get zero weight and bias.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset
from numerics.least_norm import DROPPED_ERROR, DROPPED_LENGTH
from numerics.least_norm.programme import Reduction
from numerics.measurement.record import measure, read_with_data
from theory.arrays import Floats
from theory.least_norm import Certificate, descended, finished
from theory.record import Record

#: Most steps of descent.
STEPS = 3_000
#: Where a constraint is violated by more than this, what was found is no model of zero loss.
FEASIBLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Polished:
    """A polished model W (m, n), b (n,), float64, after ``steps`` projection steps, and what certifies it: the records
    ``before`` and ``after``, and in ``certificate`` residuals of the first-order conditions (`codes.stationarity`).
    ``dropped`` (T,) are datapoints it forgets, ``shared`` counts features in two datapoints or more.
    """

    W: Floats
    b: Floats
    before: Record
    after: Record
    certificate: Certificate
    dropped: NDArray[np.bool_]
    shared: int
    steps: int

    @property
    def energy(self) -> float:
        """‖W‖², which is Σ_t ‖h_t‖² where datapoints are orthonormal."""
        return float(np.sum(self.W**2))

    @property
    def settled(self) -> bool:
        """Whether every residual of the certificate is below 1e-9."""
        return self.certificate.holds()

    @property
    def keeps_order(self) -> bool | None:
        """Whether the points that are kept stand in the same order around the origin as before; None unless m = 2."""
        if self.before.m != 2:
            return None
        before, after = (_cyclic_order(one.hidden[:, ~self.dropped]) for one in (self.before, self.after))
        return bool(np.array_equal(before, after))


def polish(model: Any, data: Dataset | Any) -> Polished:
    """The stationary point of "zero loss, least ‖W‖²" that descent from a trained model ends at. Any number of
    dimensions, norms and shared features; model and data as in `numerics.measure`. Residuals are below 1e-9 (1e-13 is
    typical) where `Polished.settled`, and energies about as accurate.

    Raises ValueError: A datapoint that is neither reconstructed (squared error below 0.1) nor dropped; a dropped one
    that shares a feature with another; more than 4000 constraints (reduced features times T); no model of zero loss
    near this one, as where two datapoints share a feature and others stand between them in the plane.

    >>> from theory.memorization.tgon import tgon_energy, tgon_hidden
    >>> H = tgon_hidden(5) * 1.3 + [[0.1], [0.0]]
    >>> found = polish((H, 1 - np.sum(H * H, axis=0)), np.eye(5))
    >>> round(found.energy / tgon_energy(5), 9), found.settled, found.keeps_order
    (1.0, True, True)
    """
    stored, dataset = read_with_data(model, data)
    W, b = stored.W, stored.b
    before = measure((W, b), dataset)
    dropped = _dropped(before)
    reduction = Reduction.of(dataset, dropped)
    columns, multipliers, steps = descended(reduction.programme, reduction.reduced(W), STEPS)
    columns, certificate = finished(reduction.programme, columns, multipliers)
    if not certificate.primal <= FEASIBLE:
        obstacle = _obstacle(before.hidden, dataset, dropped)
        raise ValueError(f"no model of zero loss is near this one{obstacle}; polish a run that memorizes")
    W, b = reduction.expanded(columns)
    after = measure((W, b), dataset)
    return Polished(W, b, before, after, certificate, dropped, reduction.shared, steps)


def _dropped(record: Record) -> NDArray[np.bool_]:
    lengths = np.sqrt(record.radius_squared)
    forgotten = record.point_error >= DROPPED_ERROR
    dropped: NDArray[np.bool_] = forgotten & (lengths <= DROPPED_LENGTH * np.median(lengths))
    if np.any(forgotten & ~dropped) or dropped.all():
        worst = int(np.argmax(np.where(dropped, 0.0, record.point_error)))
        raise ValueError(
            f"datapoint {worst} has a squared error of {record.point_error[worst]:.2g}; every datapoint must have "
            f"less than {DROPPED_ERROR:g} or be dropped, near the origin; train the model longer, or try another seed"
        )
    return dropped


def _cyclic_order(hidden: Floats) -> NDArray[np.intp]:
    """The points in order of angle, beginning with the first point."""
    order = np.argsort(np.arctan2(hidden[1], hidden[0]))
    return np.roll(order, -int(np.flatnonzero(order == 0)[0]))


def _obstacle(hidden: Floats, data: Dataset, dropped: NDArray[np.bool_]) -> str:
    """Datapoints in the plane that share a feature but are no neighbours, in words; "" where there are none."""
    if len(hidden) != 2:
        return ""
    order = np.flatnonzero(~dropped)[_cyclic_order(hidden[:, ~dropped])]
    for feature in np.flatnonzero(np.bincount(data.indices) > 1):
        points = data.columns[data.indices == feature]
        having = np.isin(order, points)
        if np.sum(having & ~np.roll(having, -1)) > 1:
            named = f"datapoints {points.tolist()} share a feature"
            return f": {named}, and zero loss needs them to be neighbours"
    return ""
