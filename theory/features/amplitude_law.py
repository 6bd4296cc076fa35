"""Which law of amplitudes a dataset follows, and which closed form therefore applies to its polygons.

The first that fits, T being datapoints because entries of one are not independent:

- `constant`: every datapoint has one feature, all amplitudes equal (to 1e-6, data may come in float32);
- `uniform`: every datapoint has one feature, and the amplitudes pass a Kolmogorov test against U[0, 1];
- `normalized`: unit norms, and the amplitudes pass the test at the density of the data (empty datapoints excluded);
- `samples`: anything else, by its own amplitudes.

The test's bound is √(ln(2/δ)/(2 T)), δ = 1e-6 (Dvoretzky, Kiefer, Wolfowitz and Massart), plus what the estimate of the
density moves.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.arrays import Floats
from theory.features.amplitudes import Amplitude, constant, normalized, samples, uniform

#: How sure a rejection of a law is.
DELTA = 1e-6


@dataclass(frozen=True, slots=True)
class Route:
    """The law of a dataset and what follows."""

    law: Amplitude  #: the law of its amplitudes; pass it to `theory.polygon`
    n: int  #: its number of features
    evidence: str  #: why this law, in one sentence


def route(data: ArrayLike | object) -> Route:
    """The law of a dataset: a dense (n, T) array, or an object with `n`, `indptr` and `values`. Deterministic. Wrong
    with probability below 1e-6 where the law has a density. Raises ValueError: no positive entry, no (n, T) array.

    >>> route(np.eye(6)).law.kind
    'constant'
    """
    n, counts, values = _entries(data)
    if len(values) == 0 or not np.all(values > 0):
        raise ValueError("the data need positive entries and no negative ones; zeros are absent features")
    T = len(counts)
    one_hot = bool(np.all(counts == 1))
    if one_hot and np.ptp(values) <= 1e-6 * values.max():
        evidence = f"all {T} datapoints have one feature of one amplitude"
        return Route(constant(float(values.mean())), n, evidence)
    bound = math.sqrt(math.log(2 / DELTA) / (2 * T))
    if one_hot:
        distance = _distance(values, uniform())
        if distance <= bound:
            evidence = f"one feature each; distance {distance:.3f} from U[0, 1], allowed {bound:.3f}"
            return Route(uniform(), n, evidence)
    elif n > 1 and np.allclose(
        np.sqrt(np.add.reduceat(values**2, np.cumsum(counts) - counts)), 1.0, rtol=0, atol=1e-5
    ):
        law = normalized(n, _sparsity(n, float(counts.mean())))
        slack = 2 / math.sqrt(T * counts.mean())  # four deviations of the density move the law by this
        distance = _distance(values, law)
        if distance <= bound + slack:
            evidence = f"unit norms; distance {distance:.3f} from {law.name}, allowed {bound + slack:.3f}"
            return Route(law, n, evidence)
    evidence = f"none of the known laws: {len(values)} amplitudes of {T} datapoints"
    return Route(samples(values), n, evidence)


def _entries(data: object) -> tuple[int, NDArray[np.int64], Floats]:
    """(n, entries per datapoint, positive values), datapoint by datapoint; empty datapoints are dropped."""
    if hasattr(data, "indptr") and hasattr(data, "values") and hasattr(data, "n"):
        pointers = np.asarray(data.indptr, dtype=np.int64)
        counts = pointers[1:] - pointers[:-1]
        return int(data.n), counts[counts > 0], np.asarray(data.values, dtype=np.float64)
    dense = np.asarray(data, dtype=np.float64)
    if dense.ndim != 2:
        raise ValueError(f"data has shape {dense.shape}; it must be (n, T), one column per datapoint")
    columns, features = np.nonzero(dense.T)
    counts = np.bincount(columns, minlength=dense.shape[1])
    return dense.shape[0], counts[counts > 0], dense.T[columns, features]


def _distance(values: Floats, law: Amplitude) -> float:
    """Kolmogorov distance sup |F_values − F_law| over at most 400 quantiles of the values, both sides of each step."""
    ordered = np.sort(values)
    ranks = np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), 400)).astype(int))
    truth = np.array([law.probability_below(float(ordered[rank])) for rank in ranks])
    below = np.searchsorted(ordered, ordered[ranks], side="left") / len(ordered)
    upto = np.searchsorted(ordered, ordered[ranks], side="right") / len(ordered)
    atoms = np.array([law.masses[np.isclose(law.atoms, at)].sum() for at in ordered[ranks]])
    return float(max(np.max(truth - atoms - below), np.max(upto - truth), 0.0))


def _sparsity(n: int, mean: float) -> float:
    """S whose non-empty datapoints have this many entries on average: n p/(1 − (1 − p)^n)."""
    from scipy.optimize import brentq

    return 1 - float(brentq(lambda p: n * p / -math.expm1(n * math.log1p(-p)) - mean, 1e-12, 1 - 1e-12))
