"""A model that memorizes some of the datapoints, however many there are: disjoint ones, on a regular polygon. K
datapoints without a common feature are reproduced exactly by the code of `memorization.reduction` on the K-gon of
`memorization.tgon-radius`, other columns and biases 0. Another one that shares weight s with one of them alone has
output at most s r + 1 − r, r = 1/(1 − cos(2π/K)): nothing unless s > cos(2π/K). So the train loss is near 1 − K/T at
any T: an upper bound on the least train loss, measured here on the data without assuming anything.
"""

import numpy as np
from numpy.typing import NDArray

from numerics import Dataset
from numerics.engines.cpu.trajectory import point_errors
from theory.arrays import Floats
from theory.memorization.tgon import tgon_bias_coefficient, tgon_hidden

#: Datapoints with fewer features than these are passed over, in turn: a store of few features is crowded by points that
#: have little else.
FEWEST = (1, 2, 3, 4, 5, 6, 8)


def disjoint_points(data: Dataset, fewest: int = 1) -> NDArray[np.int64]:
    """Datapoints with at least that many features, no two of which share one, small ones first; none can be added.

    >>> disjoint_points(Dataset.from_dense([[0.6, 1.0, 0.0], [0.8, 0.0, 1.0]])).tolist()
    [1, 2]
    """
    taken = np.zeros(data.n, dtype=np.bool_)
    chosen = []
    for t in np.argsort(np.diff(data.indptr), kind="stable"):
        features = data.indices[data.indptr[t] : data.indptr[t + 1]]
        if len(features) >= fewest and not taken[features].any():
            taken[features] = True
            chosen.append(int(t))
    return np.array(chosen, dtype=np.int64)


def packing(data: Dataset, points: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(W, b), (2, n) and (n,), that store these disjoint datapoints on a regular polygon; exact on them."""
    X, hidden = data.sparse()[:, points], tgon_hidden(len(points))
    b = float(tgon_bias_coefficient(len(points))) * X.sum(axis=1)
    return np.asarray((X @ hidden.T).T, dtype=np.float64), np.asarray(b, dtype=np.float64)


def best_packing(data: Dataset) -> tuple[int, float, tuple[Floats, Floats]]:
    """K, train loss and (W, b) of the best packing: over `FEWEST`, with all, 4/5, 16/25, … of the disjoint points."""
    zero: tuple[Floats, Floats] = np.zeros((2, data.n)), np.zeros(data.n)
    best = (0, 1.0, zero)
    for fewest in FEWEST:
        points = disjoint_points(data, fewest)
        # no packing of so many can lose less than what it leaves out
        while len(points) and 1 - len(points) / data.T < best[1]:
            model = packing(data, points)
            loss = float(point_errors(*model, data).mean())
            if loss < best[1]:
                best = len(points), loss, model
            points = points[: len(points) * 4 // 5]
    return best
