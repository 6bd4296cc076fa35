"""Models whose end state is known because they were built to have it: one generator per name of `verify.diagnosis`.

`build` gives the state itself at ``noise`` 0, and at 1 one that is disturbed by as much as leaves its name true:
jittered hidden vectors, noise on every parameter, which memorizing models get only as far as they still memorize.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from numerics import Dataset, measure
from theory import Setting, predict
from theory.arrays import Floats
from theory.features.polygon import polygon
from theory.memorization.failures import two_circles
from theory.memorization.tgon import tgon_hidden
from theory.polygon_geometry import polygon_vertices
from verify.thresholds import CODE_EXCESS, MEMORIZED_ERROR

Numbers = np.random.Generator

#: (T, m) whose least-norm codes are known or quickly found.
_CODES = (
    *((2, 1), (2, 2), (3, 5)),
    *((T, 3) for T in (4, 5, 6, 8, 9, 12)),
    *((6, 4), (8, 4), (7, 5), (10, 5)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Plain parameters, W (m, n) and b (n,); accepted wherever a model is."""

    W: Floats
    b: Floats


Built = tuple[Model, Dataset]


def build(name: str, numbers: Numbers, noise: float = 0.0) -> Built:
    """A model in the end state ``name``, one of `END_STATES`, and its data."""
    model, data = END_STATES[name](numbers, noise)
    met = measure(model, data).point_error <= MEMORIZED_ERROR / 2
    size = noise * 0.03 * float(np.sqrt(np.mean(model.W**2)))
    steps = numbers.normal(size=model.W.shape), numbers.normal(size=len(model.b))
    for _ in range(40 if size else 0):
        near = Model(model.W + size * steps[0], model.b + size * steps[1])
        if np.all(measure(near, data).point_error[met] <= MEMORIZED_ERROR / 2):
            return near, data
        size /= 2
    return model, data


def disjoint_data(numbers: Numbers, T: int, least: int = 1) -> Dataset:
    """T unit-norm datapoints of disjoint supports, ``least`` to five features each, and up to 20 unseen features."""
    owner = np.repeat(np.arange(-1, T), np.append(numbers.integers(0, 21), numbers.integers(least, 6, T)))
    numbers.shuffle(owner)
    X = np.where(owner[:, None] == np.arange(T), numbers.uniform(0.2, 1.0, (len(owner), T)), 0.0)
    return Dataset.from_dense(X / np.linalg.norm(X, axis=0))


def memorizer(numbers: Numbers, hidden: Floats, data: Dataset, c: Floats | None = None) -> Built:
    """W = HXᵀ and b = Xc, turned at random, c_t = 1 − ‖h_t‖² unless given; in a third of cases the data has copies."""
    turn = np.linalg.qr(numbers.normal(size=(len(hidden), len(hidden))))[0]
    X, order = data.dense(), numbers.permutation(data.T)
    c = 1 - np.sum(hidden**2, axis=0) if c is None else c
    model = Model(turn @ hidden @ X[:, order].T, X[:, order] @ c)
    if numbers.random() < 1 / 3:
        data = Dataset.from_dense(np.repeat(X, numbers.integers(1, 5, data.T), axis=1))
    return model, data


def _polar(radii: Floats, angles: Floats) -> Floats:
    return np.asarray(radii * np.stack([np.cos(angles), np.sin(angles)]))


def _tgon(numbers: Numbers, noise: float) -> Built:
    T = int(numbers.integers(3, 15))
    stray = noise * numbers.uniform(-1, 1, T) * 2 * np.pi / T / (8 * (T + 1))
    angles = 2 * np.pi * np.arange(T) / T + stray
    radius = np.linalg.norm(tgon_hidden(T)[:, 0]) * (1.05 + numbers.random() / 2)
    hidden = _polar(radius * (1 + 0.02 * noise * numbers.random(T)), angles)
    return memorizer(numbers, hidden, disjoint_data(numbers, T))


def _irregular(numbers: Numbers, noise: float) -> Built:
    T = int(numbers.integers(3, 13))
    stray = numbers.normal(size=T)
    stray -= stray.mean()
    stray *= numbers.uniform(1.0, 2.0) / (T + 1) / np.sqrt(np.mean(stray**2))
    gaps = 2 * np.pi / T * np.maximum(1 + stray, 0.3)
    gaps *= 2 * np.pi / gaps.sum()
    radius = (1.1 + noise * 0.1 * numbers.random()) / np.sqrt(1 - np.cos(gaps.min()))
    return memorizer(numbers, _polar(np.full(T, radius), np.cumsum(gaps)), disjoint_data(numbers, T))


def _two_circles(numbers: Numbers, noise: float) -> Built:
    T = int(numbers.integers(5, 13))
    inner = int(numbers.integers(1, 3))
    hidden = two_circles(T, [numbers.uniform(0.4, 0.7) * np.sum(tgon_hidden(T)[:, 0] ** 2)] * inner).hidden
    hidden = hidden * (1.05 + 0.03 * noise * numbers.random(T))
    return memorizer(numbers, hidden, disjoint_data(numbers, T))


def _dropped(numbers: Numbers, noise: float) -> Built:
    T = int(numbers.integers(5, 13))
    lost = int(numbers.integers(1, max(2, T // 4)))
    kept = tgon_hidden(T - lost) * (1 + numbers.random() / 2)
    hidden = np.hstack([kept, 0.05 * noise * numbers.normal(size=(2, lost))])
    c = np.append(1 - np.sum(kept**2, axis=0), np.full(lost, 1 / T))
    return memorizer(numbers, hidden, disjoint_data(numbers, T), c)


def _silent(numbers: Numbers, noise: float) -> Built:
    """A T-gon with one own output dead; the other columns of its datapoint make up for it."""
    T = int(numbers.integers(3, 13))
    data = disjoint_data(numbers, T, least=2)
    hidden, X = tgon_hidden(T) * (1.05 + 0.3 * numbers.random()), data.dense()
    t = int(numbers.integers(T))
    own = np.flatnonzero(X[:, t])
    dead = numbers.choice(own)
    kept = own[own != dead]
    share, square = np.sum(X[kept, t] ** 2), np.sum(hidden[:, t] ** 2)
    W, b = hidden @ X.T, X @ (1 - np.sum(hidden**2, axis=0))
    W[:, kept], b[kept] = W[:, kept] / share, X[kept, t] * (1 - square / share)
    W[:, dead], b[dead] = 0.0, -numbers.uniform(0.1, 1)
    return Model(W, b), data


def _least_norm_code(numbers: Numbers, noise: float) -> Built:
    T, m = _CODES[numbers.integers(len(_CODES))]
    hidden = predict(Setting(T=T, m=m)).hidden * (1 + noise * 0.003 * numbers.normal(size=T))
    return memorizer(numbers, hidden * (1.02 + 0.4 * numbers.random()), disjoint_data(numbers, T))


def _other_code(numbers: Numbers, noise: float) -> Built:
    """A least-norm code, shaken until its energy at its own scale is far above the least."""
    T, m = _CODES[numbers.integers(3, len(_CODES))]
    least = predict(Setting(T=T, m=m))
    shaken, slack, size = least.hidden, 1.0, 0.05
    while np.sum(shaken**2) < (1 + (3 - noise) * CODE_EXCESS) * slack * least.energy:
        shaken, size = least.hidden + size * numbers.normal(size=(m, T)), min(1.05 * size, 0.2)
        gram = shaken.T @ shaken
        slack = max(0.05, float(np.min((np.diag(gram)[:, None] - gram)[~np.eye(T, dtype=np.bool_)])))
    return memorizer(numbers, shaken * np.sqrt(1.05 / slack), disjoint_data(numbers, T))


def _single(numbers: Numbers, noise: float) -> Built:
    hidden = numbers.normal(size=(int(numbers.integers(1, 4)), 1)) * (1 + noise)
    return memorizer(numbers, hidden, disjoint_data(numbers, 1))


def sparse_data(numbers: Numbers, n: int, T: int, *, alone: bool, law: str) -> Dataset:
    """Up to T datapoints of n features, one active each or half of one on average, with amplitudes of a law."""
    present = (
        numbers.random((n, T)) < 0.5 / n
        if not alone
        else np.eye(n, dtype=np.bool_)[:, numbers.integers(0, n, T)]
    )
    X = present * (1.0 if law == "constant" else 1 - numbers.random((n, T)))
    X = X[:, X.any(axis=0)]
    return Dataset.from_dense(X / np.linalg.norm(X, axis=0) if law == "normalized" else X)


def _columns(numbers: Numbers, law: str, others: int) -> tuple[Floats, float]:
    """Columns of stored features (m, k) in one of the known arrangements, and their bias, beside so many others."""
    kind = numbers.integers(6)
    if kind < 3:
        k = int(numbers.integers(4 if law == "constant" else 3, 9))
        ring = polygon(k, law, n=k + others, sparsity=1 - 0.5 / (k + others))  # type: ignore[arg-type]
        return polygon_vertices(ring.k, ring.radius_squared), ring.bias
    pairs = int(numbers.integers(1, 5))
    if kind == 3:
        return np.hstack([np.eye(pairs), -np.eye(pairs)]), 0.0
    if kind == 4:
        simplex = predict(Setting(T=pairs + 1, m=pairs)).hidden
        return simplex / np.linalg.norm(simplex[:, 0]), 0.0
    planes = np.kron(np.eye(2), polygon_vertices(5, polygon(5, "free").radius_squared))
    return planes.astype(np.float64), 0.0


def _features(numbers: Numbers, noise: float) -> Built:
    law = str(numbers.choice(["constant", "uniform", "normalized"]))
    alone = law != "normalized" and bool(numbers.integers(2))
    others = int(numbers.choice([0, 1, 20])) if law != "constant" else 5
    columns, bias = _columns(numbers, law, others)
    m, k = columns.shape
    n = k + others
    W = np.hstack([columns, 0.05 * numbers.normal(size=(m, n - k))])
    b = np.append(np.full(k, bias), numbers.uniform(0, 0.01, n - k))
    order = numbers.permutation(n)
    data = sparse_data(numbers, n, 60 * n, alone=alone, law=law)
    size = noise * 0.05 * np.linalg.norm(columns[:, 0]) / np.sqrt(m)
    return Model((W + size * numbers.normal(size=W.shape))[:, order], b[order]), data


def _with_repeated(numbers: Numbers, stored: int, noise: float) -> Built:
    """A pentagon of ``stored`` features, its other vertices taken by datapoints that occur a hundred times."""
    n, points = 60, 5 - stored if stored else int(numbers.integers(1, 4))
    data = sparse_data(numbers, n, 4000, alone=False, law="normalized").dense()
    ring = polygon_vertices(5, 0.9)
    W, b = 0.03 * noise * numbers.normal(size=(2, n)), np.zeros(n)
    chosen = numbers.permutation(n)
    W[:, chosen[:stored]], b[chosen[:stored]] = ring[:, :stored], -0.08
    X = np.zeros((n, points))
    for t in range(points):
        own = chosen[stored + 5 * t : stored + 5 * t + 5]
        X[own, t] = numbers.uniform(0.7, 1, 5)
        X[:, t] /= np.linalg.norm(X[:, t])
        W[:, own], b[own] = np.outer(ring[:, -1 - t], X[own, t]), -0.02
    return Model(W, b), Dataset.from_dense(np.hstack([np.repeat(X, 100, axis=1), data]))


def _clusters(numbers: Numbers, noise: float) -> Built:
    """Three to six bundles of three to six datapoints each, which share a strong feature and have one of their own."""
    bundles = int(numbers.integers(3, 7))
    which = np.repeat(np.arange(bundles), numbers.integers(3, 7, bundles))
    T = len(which)
    X = np.vstack([np.eye(bundles)[:, which], numbers.uniform(0.2, 0.5) * np.eye(T)])
    hidden = tgon_hidden(bundles)
    W = np.hstack([hidden, 0.05 * noise * numbers.normal(size=(2, T))])
    b = np.append(1 - np.sum(hidden**2, axis=0), np.zeros(T))
    data = Dataset.from_dense(X / np.linalg.norm(X, axis=0))
    return Model(W, b), data


def _collapsed(numbers: Numbers, noise: float) -> Built:
    T = int(numbers.integers(3, 13))
    data = disjoint_data(numbers, T)
    W = 0.02 * noise * numbers.normal(size=(2, data.n)) / np.sqrt(data.n)
    if numbers.random() < 0.3:
        return Model(W, np.full(data.n, -numbers.uniform(0.1, 1))), data
    return Model(W, numbers.uniform(0.8, 1) * data.dense().mean(axis=1)), data


def _unfinished(numbers: Numbers, noise: float) -> Built:
    """A random start, or a T-gon half way to one."""
    T, kind = int(numbers.integers(4, 13)), numbers.integers(3)
    if kind == 0:
        n, m = int(numbers.integers(5, 30)), int(numbers.integers(2, 5))
        data = sparse_data(numbers, n, 60 * n, alone=False, law="uniform")
        return Model(numbers.normal(size=(m, n)) * np.sqrt(2 / (n + m)), np.zeros(n)), data
    model, data = memorizer(numbers, tgon_hidden(T), disjoint_data(numbers, T))
    start = numbers.normal(size=model.W.shape) * np.sqrt(2 / (2 + data.n))
    share = 0.0 if kind == 1 else 0.8 + 0.1 * noise * numbers.random()
    return Model(share * model.W + (1 - share) * start, share * model.b), data


#: The generator of each name but "diverged", which has no model.
END_STATES: dict[str, Callable[[Numbers, float], Built]] = {
    "regular T-gon": _tgon,
    "irregular polygon": _irregular,
    "two circles": _two_circles,
    "dropped point": _dropped,
    "silent own output": _silent,
    "minimum-norm code": _least_norm_code,
    "memorized code": _other_code,
    "single point": _single,
    "stored features": _features,
    "features and repeated points": lambda numbers, noise: _with_repeated(
        numbers, int(numbers.integers(2, 5)), noise
    ),
    "repeated points": lambda numbers, noise: _with_repeated(numbers, 0, noise),
    "clusters": _clusters,
    "collapsed": _collapsed,
    "not converged": _unfinished,
}
