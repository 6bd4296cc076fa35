"""The loss on fresh datapoints of a model W = Σ_t h_t X_tᵀ, b = Σ_t c_t X_t that memorizes data with disjoint supports.

A fresh x with u_t = X_t·x has outputs X_t ReLU(z_t) on the support of X_t, z = HᵀHu + c. So its loss, summed over
features, is ‖x‖² + Σ_t (ReLU(z_t)² − 2 u_t ReLU(z_t)) exactly (`memorization.test-loss`); zero output loses 1.
Expectations are to first order, leaving out fresh points that share two features: an error of order (T n p²)².
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from theory.arrays import Floats
from theory.features.amplitudes import Amplitude, normalized, presence
from theory.memorization.tgon import tgon_radius_squared

#: Features shared with the data by a fresh datapoint, on average, up to which the first order is used.
SHARED = 0.3


def loss_of_overlaps(hidden: ArrayLike, bias_coefficients: ArrayLike, overlaps: ArrayLike) -> float:
    """Mean loss over fresh datapoints of unit norm, exact (`memorization.test-loss`).
    `hidden` is (m, T), `bias_coefficients` (T,), `overlaps` the (T, N) X_t·x, an array or a SciPy sparse matrix.

    >>> square = [[1, 0, -1, 0], [0, 1, 0, -1]]
    >>> loss_of_overlaps(square, [0, 0, 0, 0], [[0.5], [0], [0], [0]])  # 1 − u² at T = 4
    0.75
    """
    H, c = np.asarray(hidden, dtype=np.float64), np.asarray(bias_coefficients, dtype=np.float64)
    u = np.asarray(overlaps.toarray() if hasattr(overlaps, "toarray") else overlaps, dtype=np.float64)
    fired = np.maximum(H.T @ (H @ u) + c[:, None], 0.0)
    return float(1 + np.mean(np.sum(fired * (fired - 2 * u), axis=0)))


def loss_given_data(hidden: ArrayLike, entries: Sequence[ArrayLike], n: int, sparsity: float) -> float | None:
    """Expected test loss of a model of zero loss, c_t = 1 − ‖h_t‖², given its dataset; first order in shared features.

    `hidden` is (m, T); `entries` has for each datapoint its non-zero X_tk. Fresh datapoints follow the law of data with
    n features. None where the data share features too often for it. Absolute error (T n p²)², about 1e-4 at T = 1 and
    0.01 at T = 10 for outputs that always fire (c > 0), less than 1e-5 up to T = 10 where none does.
    """
    present = presence(n, sparsity)
    if present * sum(map(np.size, entries)) > SHARED:
        return None
    H, law = np.asarray(hidden, dtype=np.float64), normalized(n, sparsity)
    c = 1 - np.sum(H**2, axis=0)
    changes = (
        present * _change(H.T @ H[:, t] * entry, c, t, entry, law)
        for t, found in enumerate(entries)
        for entry in np.asarray(found, dtype=np.float64)
    )
    resting = 1 + np.sum(np.maximum(c, 0.0) ** 2)  # no feature is shared: outputs of positive bias fire
    return float(resting + sum(changes))


def _change(slopes: Floats, c: Floats, t: int, entry: float, law: Amplitude) -> float:
    """What a feature of entry X_tk changes in the expected loss when it is present: z = slopes·a + c, u = X_tk a."""
    reached = np.flatnonzero((c > 0) | (slopes + c > 0))
    fired = sum(law.truncated(slopes[s], c[s], 2) - max(c[s], 0.0) ** 2 for s in reached)
    return float(fired - 2 * entry * law.truncated(slopes[t], c[t], 1, times=1))


@lru_cache(maxsize=1024)
def least_norm_test_loss(T: int, m: int, n: int, sparsity: float) -> float | None:
    """Expected test loss of the model of least norm that memorizes T ≥ 1 datapoints, over datasets and fresh points.

    For the simplex, T ≤ m + 1 (`memorization.simplex-test-loss`), and the T-gon, m = 2 (`memorization.tgon-test-loss`);
    None for other codes, and beyond the first order, `shared_features` > 0.3. n ≥ 1, 0 < sparsity < 1.

    >>> [round(least_norm_test_loss(T, 2, 10_000, 0.999), 5) for T in (1, 3, 4, 5, 8)]
    [1.99852, 1.33165, 0.9996, 0.99998, 1.0]
    """
    if (m + 1 < T and m != 2) or shared_features(T, n, sparsity) > SHARED:
        return None
    law = normalized(n, sparsity)
    if m + 1 < T:
        return float(1 - shared_features(T, n, sparsity) * _expected_gain(T, law))
    # the simplex: every output fires, so that the change is a polynomial of u = a a′
    saved = 2 / T * law.moment(1) ** 2 + (1 - 1 / T) * law.moment(2) ** 2
    return float(1 + 1 / T - shared_features(T, n, sparsity) * saved)


def _expected_gain(T: int, law: Amplitude) -> float:
    """E `overlap_gain` at u = a a′, two independent amplitudes: for each a, moments of the a′ above cos(2π/T)/a."""
    r = tgon_radius_squared(T)
    places, weights = law.nodes()
    order = np.argsort(places)
    places, weights = places[order], weights[order]
    first = np.searchsorted(places, (1 - 1 / r) / places, side="right")
    parts = []
    for power, factor in enumerate(overlap_gain(r, Polynomial([0, 1])).coef):
        terms = weights * places**power
        above = np.append(np.cumsum(terms[::-1])[::-1], 0.0)
        parts.append(factor * (terms @ above[first]))
    return float(sum(parts))


def shared_features(T: int, n: int, sparsity: float) -> float:
    """How many features a fresh datapoint shares with T datapoints, on average."""
    return T * n * presence(n, sparsity) ** 2


def overlap_gain(r: float, u: Any) -> Any:
    """u² − (r − 1)²(1 − u)²: where it is positive, u > 1 − 1/r = cos(2π/T), what a shared feature takes off the T-gon's
    loss. u = X_tk x_k in [0, 1] is its overlap, r the squared length, T ≥ 4 (`memorization.tgon-test-loss`).

    >>> overlap_gain(tgon_radius_squared(4), 0.5)
    0.25
    """
    return u**2 - (r - 1) ** 2 * (1 - u) ** 2
