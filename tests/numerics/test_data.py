"""Datasets and starts: the law of the draw, one seed = one dataset, and what is refused."""

import hashlib
import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset, draw_start
from numerics.data import as_dataset, draw_test_dataset
from numerics.starts import first_copies
from theory import Setting

#: Standard errors a statistic may be off: 5 means that a right draw fails once in 1.7 million.
SIGMAS = 5.0

REPEATED = Setting(T=40, n=300, sparsity=0.9, repeats=3, seed=7)

#: Made by: `python -c "from numerics import *; from theory import Setting; print(draw_dataset(SETTING).digest())"`
GOLDEN_DATA = {
    Setting(T=5): "01ce484324f6902de1893c3ec43966f66ad144e179d6bd8559187e33eee6633c",
    REPEATED: "f3600d2af386cc0e0cee12e684b7661e1749cfc2f81ee9a8e16fa7a2acb47e39",
}

#: Made by: `hashlib.sha256(draw_start(Setting(T=5))[0].astype("<f8").tobytes()).hexdigest()`
GOLDEN_START = "4af8741bc29af18e7eb9add6d3d7409de6ba667a8ea55459ac505194a3ee062a"

small_settings = st.builds(
    Setting,
    T=st.integers(1, 12),
    n=st.integers(1, 60),
    sparsity=st.one_of(st.floats(1e-3, 0.999999), st.sampled_from([0.5, 0.99, 1 - 1e-12, 1e-17, 1 - 1e-16])),
    seed=st.integers(0, 2**63 - 1),
)


@pytest.mark.parametrize("setting", GOLDEN_DATA, ids=lambda setting: f"T={setting.T}")
def test_one_seed_is_one_dataset(setting: Setting) -> None:
    assert draw_dataset(setting).digest() == GOLDEN_DATA[setting]
    assert draw_dataset(setting.replace(data_seed=setting.seed + 1)).digest() != GOLDEN_DATA[setting]


def test_one_seed_is_one_start() -> None:
    def digest(setting: Setting) -> str:
        return hashlib.sha256(draw_start(setting)[0].astype("<f8").tobytes()).hexdigest()

    assert digest(Setting(T=5)) == GOLDEN_START
    assert digest(Setting(T=5, seed=1)) != GOLDEN_START


@given(small_settings)
def test_draws_are_datasets(setting: Setting) -> None:
    """Unit norms, no empty datapoint however small n·p, positive values; validation has run on construction."""
    data = draw_dataset(setting)
    assert (data.n, data.T) == (setting.n, setting.T)
    assert np.diff(data.indptr).min() >= 1
    # entries are scaled by one rounded norm: a few roundings of 1
    assert np.abs(data.norms - 1).max() <= (4 + np.diff(data.indptr).max()) * np.finfo(float).eps
    assert (data.indptr.dtype, data.indices.dtype, data.values.dtype) == (np.int64, np.int32, np.float64)
    assert data.digest() == draw_dataset(setting).digest()


@given(small_settings, st.integers(1, 12), st.integers(1, 3))
def test_repeats_are_copies_of_the_first_points(setting: Setting, repeats: int, points: int) -> None:
    setting = setting.replace(T=setting.T + repeats * points, repeats=repeats, repeated_points=points)
    X = draw_dataset(setting).dense()
    alone = setting.replace(T=setting.distinct, repeats=1, repeated_points=1)
    distinct = draw_dataset(alone).dense()
    assert (X[:, : repeats * points] == np.repeat(distinct[:, :points], repeats, axis=1)).all()
    assert (X[:, first_copies(setting)] == distinct).all()


@given(small_settings)
def test_what_does_not_concern_the_data_does_not_change_it(setting: Setting) -> None:
    other = setting.replace(m=5, steps=7, lr=0.5, weight_decay=0.3, dtype="float64")
    assert draw_dataset(other).digest() == draw_dataset(setting).digest()
    start, of_other_data = draw_start(setting), draw_start(setting.replace(T=setting.T + 3, data_seed=99))
    assert (start[0] == of_other_data[0]).all()
    assert not start[1].any()


def off(observed: float, expected: float, variance: float, count: int) -> float:
    """How many standard errors a mean of ``count`` draws is off."""
    return abs(observed - expected) / math.sqrt(variance / count)


LAW = Setting(T=20_000, n=12, sparsity=0.8, seed=5)


def presence(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Whether each feature is present, (T, n), and the first present feature of each datapoint."""
    present = (data.dense() > 0).T
    return present, present.argmax(axis=1)


def departures(data: Dataset, n: int, p: float) -> dict[str, float]:
    """Standard errors by which each statistic is off the law conditional on a non-empty datapoint."""
    present, first = presence(data)
    T = len(first)
    nonempty = -math.expm1(n * math.log1p(-p))
    rate = p / nonempty
    counts = present.sum(axis=1)
    mean_count = n * p / nonempty
    variance_count = (n * p * (1 - p) + (n * p) ** 2) / nonempty - mean_count**2
    law = p * (1 - p) ** np.arange(n) / nonempty
    observed = np.bincount(first, minlength=n) / T
    single = counts == 1
    pair_rate = p * p / nonempty
    return {
        "rate of each feature": max(off(present[:, i].mean(), rate, rate * (1 - rate), T) for i in range(n)),
        "count": off(counts.mean(), mean_count, variance_count, T),
        "first feature": max(off(observed[i], law[i], law[i] * (1 - law[i]), T) for i in range(n)),
        "pairs": max(
            off((present[:, i] & present[:, i + 1]).mean(), pair_rate, pair_rate * (1 - pair_rate), T)
            for i in range(n - 1)
        ),
        "single": off(single.mean(), s := n * p * (1 - p) ** (n - 1) / nonempty, s * (1 - s), T),
    }


def test_the_law_of_presence() -> None:
    data = draw_dataset(LAW)
    assert max(departures(data, LAW.n, LAW.density).values()) <= SIGMAS
    # controls: the law without the condition, a density 5 % off
    unconditional = LAW.density * (-math.expm1(LAW.n * math.log1p(-LAW.density)))
    assert departures(data, LAW.n, unconditional)["count"] > SIGMAS
    assert departures(data, LAW.n, LAW.density * 1.05)["count"] > SIGMAS


def test_tiny_density_gives_one_uniform_feature() -> None:
    """As n·p -> 0 a non-empty datapoint has one feature (more with probability below n·p), uniform over n."""
    setting = Setting(T=20_000, n=10, sparsity=1 - 1e-9)
    data = draw_dataset(setting)
    assert len(data.values) == setting.T
    shares = np.bincount(data.indices, minlength=10) / setting.T
    assert max(off(share, 0.1, 0.09, setting.T) for share in shares) <= SIGMAS
    assert (data.values == 1).all()


def test_the_largest_number_that_can_be_drawn_is_the_last_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    """(1 − 2⁻⁵³) P(not empty) rounds to P(not empty), beyond which there is none."""
    top = SimpleNamespace(
        random=partial(np.full, fill_value=1 - 2.0**-53), geometric=lambda p, size: np.full(size, 9)
    )
    monkeypatch.setattr("numerics.data.generator_of", lambda *given: top)
    assert draw_dataset(Setting(T=2, n=3, sparsity=0.9901886273344719)).indices.tolist() == [2, 2]


def test_a_dataset_that_no_memory_holds_is_refused_before_it_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for free, T, n in ((10**9, 10**9, 9), (10**9, 10**400, 9_000), (10**7, 10**7, 9_000), (10**9, 10**7, 9)):
        monkeypatch.setattr("numerics.data.available_memory", lambda free=free: free)
        with pytest.raises(ValueError, match=rf"T = {T} .*do not fit into the free memory; try T = \d+$"):
            draw_dataset(Setting(T=T, n=n))
    assert draw_dataset(Setting(T=100)).T == 100  # what any machine has is not asked for


def test_values_are_uniform() -> None:
    """Before scaling: with two features (both always present) the ratio of values is that of two uniforms.

    P(small/large < r) = r for uniforms, so ratios are uniform on (0, 1]: mean 1/2, variance 1/12, E r² = 1/3.
    """
    data = draw_dataset(Setting(T=20_000, n=2, sparsity=1e-9))
    X = data.dense()
    assert (X > 0).all()
    ratio = X.min(axis=0) / X.max(axis=0)
    assert off(ratio.mean(), 1 / 2, 1 / 12, data.T) <= SIGMAS
    assert off((ratio**2).mean(), 1 / 3, 1 / 5 - 1 / 9, data.T) <= SIGMAS
    assert off((X[0] > X[1]).mean(), 1 / 2, 1 / 4, data.T) <= SIGMAS
    squared = np.sqrt(ratio)  # control: another law of values
    assert off(squared.mean(), 1 / 2, 1 / 12, data.T) > SIGMAS


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_dense_and_sparse_agree(n: int, T: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    X = random.random((n, T)) * (random.random((n, T)) < 0.6)
    X[random.integers(n, size=T), np.arange(T)] = 0.5
    data = Dataset.from_dense(X)
    assert (data.dense() == X).all()
    assert (as_dataset(torch.tensor(X, requires_grad=True)).dense() == X).all()
    assert as_dataset(data) is data
    assert (data.seen == X.any(axis=1)).all()
    assert data.has_disjoint_supports == ((X.T @ X)[~np.eye(T, dtype=bool)] == 0).all()
    rows = random.normal(size=(3, n))
    bound = n * np.finfo(float).eps * (np.abs(rows) @ X)  # n products and n sums, each rounded, on both sides
    assert (np.abs(data.project(rows) - rows @ X) <= 2 * bound).all()
    norms = np.linalg.norm(X, axis=0)
    assert np.allclose(data.norms, norms, rtol=(n + 4) * np.finfo(float).eps, atol=0)
    assert data.has_unit_norms == bool((np.abs(norms - 1) <= 1e-6).all())


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("negative", [[[1.0, -0.5]]]),
        ("not finite", [[[1.0, np.nan]]]),
        ("not finite", [[[1.0, np.inf]]]),
        ("above 1e40", [[[1e170]]]),
        ("datapoint 1 has no feature", [[[1.0, 0.0]]]),
        ("no feature", [np.zeros((0, 2))]),
        ("at least one datapoint", [np.zeros((3, 0))]),
        ("must be \\(n, T\\)", [[1.0, 2.0]]),
        ("array of numbers", [[["a", "b"]]]),
        ("increase", [3, [0, 2, 3], [1, 0, 2], [1.0, 1.0, 1.0]]),
        ("0..2", [3, [0, 1], [3], [1.0]]),
        ("0..2", [3, [0, 1], [-1], [1.0]]),
        ("as many", [3, [0, 1], [0], [1.0, 2.0]]),
        ("indptr", [3, [0, 2], [0], [1.0]]),
        ("at least one", [3, [0], [], []]),
        ("no feature", [3, [0, 2, 1, 3], [0, 1, 2], [1.0, 1.0, 1.0]]),
        ("zero", [3, [0, 1], [0], [0.0]]),
        ("whole", [3, [0, 1], [0.5], [1.0]]),
        ("whole", [3, [0, 1], [2**32], [1.0]]),
        ("one-dimensional", [3, [[0, 1]], [0], [1.0]]),
    ],
)
def test_what_is_no_dataset_is_refused(said: str, given: list[Any]) -> None:
    """Dense, or as the columns of a sparse one."""
    first, *columns = given
    with pytest.raises(ValueError, match=said):
        Dataset(first, *map(np.array, columns)) if columns else as_dataset(first)


@pytest.mark.parametrize("draw", [draw_dataset, draw_test_dataset])
def test_a_number_is_no_setting_to_draw_from(draw: Any) -> None:
    with pytest.raises(TypeError, match=rf"setting = 5: .* try {draw.__name__}\(Setting\(5\)\)"):
        draw(5)
