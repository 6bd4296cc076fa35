"""Stored features: which columns of W hold one, how they are arranged, and the amplitude law that they fit.

A model that generalizes holds features in place of datapoints (`theory.features`): k columns of W stand on a polygon,
in antipodal pairs, on a simplex, and each returns its own feature wherever it occurs.
"""

from collections import Counter

import numpy as np
import scipy
from numpy.typing import NDArray

from numerics.data import DistinctPoints
from theory.arrays import Floats
from theory.features.amplitude_law import route
from theory.features.amplitudes import Amplitude
from theory.features.polygon import Law, polygon
from verify.claims.tolerance import relative_rms, sorted_gaps
from verify.thresholds import APART, DROPPED_LENGTH, SAMPLED, SEEN_OFTEN, STORED

Places = NDArray[np.intp]

#: A part of an arrangement that is no regular polygon and no regular simplex.
IRREGULAR = "irregular part"

_NAMES = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}
_SIMPLICES = {0: "single direction", 1: "antipodal pair", 2: "triangle", 3: "tetrahedron"}


def find_stored(W: Floats, b: Floats, points: DistinctPoints, memorized: bool) -> Places:
    """The features that are stored, by index: seen often, and returned both alone and where they occur.

    Where its few occurrences may by chance be why too much of a feature is missed, it is stored. A datapoint of several
    features counts once, however many copies it has; it may be stored as a whole. Where every datapoint is memorized,
    copies of one-hot datapoints count once, too.
    """
    data = points.data
    values, features, columns = data.values, data.indices, data.columns
    weights = np.where(np.diff(data.indptr) == 1, points.copies, 1)[columns]
    seen = np.bincount(features, weights if not memorized else None, minlength=data.n)
    enough = seen >= SEEN_OFTEN
    hidden = data.project(W)
    for projected in (
        np.sum(W**2, axis=0)[features] * values,
        np.sum(W[:, features] * hidden[:, columns], axis=0),
    ):
        output = np.maximum(projected + b[features], 0)
        beyond = (values - output) ** 2 - (1 - STORED) * values**2
        total = np.bincount(features, weights * beyond, minlength=data.n)
        enough &= total <= SAMPLED * np.sqrt(np.bincount(features, weights * beyond**2, minlength=data.n))
    return np.flatnonzero(enough)


def settled_share(
    W: Floats, b: Floats, points: DistinctPoints, stored: Places, taken: Places | None = None
) -> float:
    """How near the stored features are to a minimum of the loss: the share that they, and all features with columns of
    half their length or more, have of what descent gains. At most 200 features on at most 20 000 datapoints are looked
    at. The columns of the features ``taken`` are those of datapoints stored as a whole.
    """
    norms = np.linalg.norm(W, axis=0) * points.data.seen
    if taken is not None:
        norms[np.setdiff1d(taken, stored)] = 0.0
    rivals = np.flatnonzero(norms >= DROPPED_LENGTH * np.median(norms[stored]))
    stored = rivals[np.argsort(-norms[rivals], kind="stable")[:200]]
    rows = points.data.sparse().tocsr()[stored].tocsc()
    holding = np.flatnonzero(np.diff(rows.indptr))
    holding = holding[:: max(1, len(holding) // max(2000, min(100 * len(stored), 20_000)))]
    X, m = rows[:, holding].toarray(), len(W)
    weights = np.where(np.diff(points.data.indptr) == 1, points.copies, 1)[holding]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        V, c = parameters[: -len(stored)].reshape(m, -1), parameters[-len(stored) :]
        hidden = V @ X
        output = np.maximum(V.T @ hidden + c[:, None], 0)
        slope = 2 * weights * (output - X) * (output > 0)
        gradient = hidden @ slope.T + (V @ slope) @ X.T
        return float(np.sum(weights * (output - X) ** 2)), np.append(gradient, slope.sum(axis=1))

    start = np.append(W[:, stored], b[stored])
    energy = float(np.sum(weights * X**2))
    now = energy - loss(start)[0]
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
    later = energy - float(found.fun)
    return now / later if now > 0 else 0.0


def gap_deviation(vectors: Floats) -> float:
    """Root mean square of (gap between neighbours in angle)/(2π/k) − 1, of k vectors in the plane, (2, k)."""
    return relative_rms(sorted_gaps(vectors)[1], 2 * np.pi / vectors.shape[1])


def arrangement(columns: Floats) -> str:
    """How k nonzero vectors (m, k) stand to one another: the regular parts that span orthogonal spaces.

    >>> from theory.polygon_geometry import polygon_vertices
    >>> arrangement(polygon_vertices(5, 1.0)), arrangement(np.hstack([np.eye(3), -np.eye(3)]))
    ('regular pentagon', '3 antipodal pairs')
    """
    directions = columns / np.linalg.norm(columns, axis=0)
    linked = np.abs(directions.T @ directions) >= APART
    found, labels = scipy.sparse.csgraph.connected_components(linked, directed=False)
    whole = _part(directions)
    if whole != IRREGULAR or found == 1:
        return whole.removesuffix(" part")
    parts = Counter(_part(directions[:, labels == label]) for label in range(found))
    return " and ".join(
        name if count == 1 else f"{count} {_plural(name)}" for name, count in parts.most_common()
    )


def _plural(name: str) -> str:
    return name.replace("simplex", "simplices") if "simplex" in name else f"{name}s"


def _part(directions: Floats) -> str:
    """The name of a regular simplex or polygon of unit vectors; `IRREGULAR` for anything else."""
    k = directions.shape[1]
    left, sizes, _ = np.linalg.svd(directions, full_matrices=False)
    rank = int(np.sum(sizes**2 >= 0.1 * sizes[0] ** 2))
    cosines = (directions.T @ directions)[np.triu_indices(k, 1)]
    if k == rank + 1 and np.all(np.abs(cosines + 1 / rank) <= 1 / (2 * rank)):
        name = _SIMPLICES.get(rank, f"simplex in {rank} dimensions")
    elif k == 1:
        name = _SIMPLICES[0]
    elif rank == 2 and k >= 4 and gap_deviation(left[:, :2].T @ directions) < 1 / (2 * k + 2):
        name = _NAMES.get(k, f"{k}-gon")
    else:
        return IRREGULAR
    return name if k <= 2 else f"regular {name}"


def nearest_law(columns: Floats, bias: Floats, points: DistinctPoints) -> str:
    """Which amplitude law's k-gon has length and bias nearest to these (2, k) columns, and what they would be."""
    k, length = columns.shape[1], float(np.sqrt(np.mean(np.sum(columns**2, axis=0))))
    own = route(points.data).law
    laws: dict[str, Law | Amplitude] = {
        "any at zero bias": "free",
        "constant": "constant",
        "uniform": "uniform",
        own.kind: own,
    }
    found = {name: polygon(k, law) for name, law in laws.items()}
    ends = {name: (one.radius_squared**0.5, one.bias) for name, one in found.items()}
    name = min(ends, key=lambda law: np.hypot(length - ends[law][0], bias.mean() - ends[law][1]))
    return f"the nearest amplitude law, {name}, has norm {ends[name][0]:.4g} and bias {ends[name][1]:.4g}"
