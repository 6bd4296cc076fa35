"""Hypothesis strategies: settings, datasets, and models that memorize exactly, approximately or not at all.

Each regime that a test may need is reached in one of 20 examples or more, each end state in one of 50. What a failure
shrinks to can be read: one-hot data, hidden vectors in order.
"""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np

from numerics import Dataset
from theory import Setting, predict
from verify.end_states import END_STATES, Model, build

__all__ = [
    "Model",
    "datasets",
    "end_states",
    "memorizing_models",
    "orthonormal_datasets",
    "random_models",
    "settings",
]

_GENERATORS = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))


@st.composite
def settings(draw: st.DrawFn, *, max_T: int = 12, max_n: int = 300, max_steps: int = 300) -> Setting:
    """Small settings over the whole domain: every T, m, sparsity, decay, warm-up and dtype."""
    T = draw(st.integers(1, max_T))
    steps = draw(st.integers(1, max_steps))
    return Setting(
        T=T,
        n=draw(st.integers(1, max_n)),
        sparsity=draw(st.floats(0.01, 0.999)),
        m=draw(st.integers(1, 3)),
        repeats=draw(st.integers(1, T)),
        steps=steps,
        lr=draw(st.sampled_from([1e-4, 1e-3, 1e-2])),
        warmup=draw(st.integers(0, steps)),
        weight_decay=draw(st.sampled_from([0.0, 1e-2, 0.5])),
        seed=draw(st.integers(0, 2**31)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        start=draw(st.sampled_from(["xavier", "xavier-uniform"])),
        start_bias=draw(st.sampled_from([0.0, -0.1, 0.1])),
        loss=draw(st.sampled_from(["sum", "mean"])),
        adam_epsilon=draw(st.sampled_from([1e-8, 1e-4])),
        schedule=draw(st.sampled_from(["cosine", "constant"])),
    )


@st.composite
def datasets(draw: st.DrawFn, *, max_T: int = 12, max_n: int = 60) -> Dataset:
    """Unit-norm datasets, sparse to dense; features may be shared or not, unseen, and datapoints repeated."""
    T, n = draw(st.integers(1, max_T)), draw(st.integers(1, max_n))
    apart, copied = draw(st.booleans()) and n >= T, draw(st.booleans())
    numbers = draw(_GENERATORS)
    density = draw(st.sampled_from([0.02, 0.2, 0.9]))
    X = numbers.uniform(0.05, 1.0, (n, T)) * (numbers.random((n, T)) < density)
    owner = np.append(np.arange(T), numbers.integers(0, T, max(0, n - T)))[:n]
    if apart:
        X *= owner[:, None] == np.arange(T)
    X[np.arange(T) if apart else numbers.integers(0, n, T), np.arange(T)] = 1.0
    if copied:
        X = X[:, numbers.integers(0, T, T)]
    return Dataset.from_dense(X / np.linalg.norm(X, axis=0))


@st.composite
def orthonormal_datasets(draw: st.DrawFn, *, min_T: int = 2, max_T: int = 12) -> Dataset:
    """Unit-norm datapoints with disjoint supports of one to five features, and up to twenty unseen features.

    The simplest is one-hot; about half have equal entries in order, the others random ones at random places.
    """
    T = draw(st.integers(min_T, max_T))
    sizes = draw(st.just([1] * T) | st.lists(st.integers(1, 5), min_size=T, max_size=T))
    owner = np.repeat(np.arange(T + 1), [*sizes, draw(st.integers(0, 20))])
    values = np.ones(len(owner))
    if draw(st.booleans()):
        numbers = draw(_GENERATORS)
        numbers.shuffle(owner)
        values = numbers.uniform(0.2, 1.0, len(owner))
    X = np.where(owner[:, None] == np.arange(T), values[:, None], 0.0)
    return Dataset.from_dense(X / np.linalg.norm(X, axis=0))


@st.composite
def memorizing_models(
    draw: st.DrawFn, *, min_T: int = 2, max_T: int = 12, max_excess: float = 0.0
) -> tuple[Model, Dataset]:
    """Planar models of zero loss on orthonormal data, with that data: the least-norm T-gon, turned and relabelled.

    ``max_excess`` lets the hidden vectors be longer than necessary by up to this relative amount; they stay exact
    memorizers, because scaling all of them up only slackens the constraints.
    """
    data = draw(orthonormal_datasets(min_T=min_T, max_T=max_T))
    hidden, X = predict(Setting(T=data.T)).hidden * (1 + max_excess * draw(st.floats(0, 1))), data.dense()
    if draw(st.booleans()):
        numbers = draw(_GENERATORS)
        turn = np.linalg.qr(numbers.normal(size=(2, 2)))[0]
        hidden = turn @ hidden[:, numbers.permutation(data.T)]
    return Model(hidden @ X.T, X @ (1 - (hidden**2).sum(axis=0))), data


@st.composite
def end_states(
    draw: st.DrawFn, *, names: tuple[str, ...] = tuple(END_STATES), max_noise: float = 1.0
) -> tuple[str, Model, Dataset]:
    """Models near each end state of `verify.diagnosis`, with its name and the data; exact ones at ``max_noise`` 0."""
    name, noise = draw(st.sampled_from(names)), draw(st.floats(0, max_noise))
    return name, *build(name, draw(_GENERATORS), noise)


@st.composite
def random_models(
    draw: st.DrawFn, *, max_m: int = 3, max_T: int = 8, max_n: int = 40
) -> tuple[Model, Dataset]:
    """Gaussian parameters of any size, with a dataset: models that memorize nothing."""
    data = draw(datasets(max_T=max_T, max_n=max_n))
    numbers = draw(_GENERATORS)
    scale = draw(st.sampled_from([0.0, 0.1, 1.0, 10.0]))
    m = draw(st.integers(1, max_m))
    return Model(scale * numbers.normal(size=(m, data.n)), scale * numbers.normal(size=data.n)), data
