"""Starts: the initial weights and biases of a run. Random starts are Xavier's; constructed ones place a run in the
basin of a known solution, so that training shows whether it stays there and at what loss. Random numbers come from
``seed`` alone, as NumPy's PCG64, the same on every engine.
"""

import numpy as np
from numpy.typing import NDArray

from numerics.data import START_STREAM, draw_dataset, generator_of
from theory.setting import RINGS, Setting

_Start = tuple[NDArray[np.float64], NDArray[np.float64]]


def draw_start(setting: Setting) -> _Start:
    """Initial (W, b), (m, n) and (n,), of a setting, see ``Setting.start``. Random weights have standard deviation
    √(2/(n+m)), biases ``start_bias``; they depend on ``seed`` alone. Constructed starts depend on the setting's
    dataset too. Raises ValueError: start = "memorizing" where no zero-loss model exists (m = 1 with three or more
    distinct datapoints).

    >>> W, b = draw_start(Setting(T=5, n=100, sparsity=0.99, start="pentagon"))
    >>> int((b < 0).sum())  # the five vertices have negative biases, every other bias is 0
    5
    """
    generator = generator_of(setting.seed, START_STREAM)
    deviation = np.sqrt(2.0 / (setting.n + setting.m))
    if setting.start == "xavier-uniform":
        W = generator.uniform(-1.0, 1.0, size=(setting.m, setting.n)) * np.sqrt(3.0) * deviation
    else:
        W = generator.normal(size=(setting.m, setting.n)) * deviation
    b = np.full(setting.n, setting.start_bias)
    if setting.start == "memorizing":
        return _memorizing(setting, b)
    if setting.start in RINGS:
        _place_ring(W, b, RINGS[setting.start], setting)
    return W, b


def _memorizing(setting: Setting, b: NDArray[np.float64]) -> _Start:
    """W = Σ h_t X_tᵀ, b = Σ c_t X_t over distinct datapoints (`memorization.reduction`); exact on orthonormal data."""
    from theory.prediction import predict

    data = draw_dataset(setting)
    code = predict(setting.replace(T=setting.distinct, repeats=1, repeated_points=1))
    X = data.sparse()[:, first_copies(setting)]
    W: NDArray[np.float64] = np.asarray(X @ code.hidden.T).T
    return W, np.where(data.seen, np.asarray(X @ code.bias_coefficient), b)


def first_copies(setting: Setting) -> NDArray[np.bool_]:
    """(T,) which datapoints come first among their copies."""
    mask = np.ones(setting.T, dtype=np.bool_)
    copies = setting.repeats * setting.repeated_points
    mask[:copies] = np.arange(copies) % setting.repeats == 0
    return mask


def _place_ring(W: NDArray[np.float64], b: NDArray[np.float64], k: int, setting: Setting) -> None:
    """Put the k features of most energy Σ_t x_it² on the best free-bias ring of the setting's amplitude law."""
    from theory.features.amplitudes import normalized
    from theory.features.free_bias import best_free_bias

    ring = best_free_bias(k, normalized(setting.n, setting.sparsity))
    data = draw_dataset(setting)
    energies = np.bincount(data.indices, data.values**2, data.n)
    features = np.argsort(-energies, kind="stable")[:k]
    angle = 2 * np.pi * np.arange(k) / k
    W[:, features] = 0.0
    W[:2, features] = np.sqrt(ring.radius_squared) * np.stack([np.cos(angle), np.sin(angle)])
    b[features] = ring.bias
