"""Sleeping features take the steps they miss and wake in time. That they leave no trace of calls is in `test_bits`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset
from numerics.engines import start_trajectory
from numerics.engines.cpu import dormant_features as sleeping
from numerics.engines.cpu import trajectory as cpu
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.kd_order import ArrangedData, Arrangement, kd_order
from numerics.engines.cpu.state import HeldState, feature_order
from numerics.schedule import learning_rates
from tests.numerics.cases import EPS64, gamma, start_of, with_allowed_drift
from theory import Setting
from theory.setting import ADAM_BETA1, ADAM_BETA2

#: Most features are unseen; enough steps for them to fall asleep, with large ones that wake some.
SLEEPY = Setting(T=4, n=300, sparsity=0.99, steps=900, lr=1e-2, warmup=50, weight_decay=0.1, dtype="float64")


@given(m=st.integers(1, 5), seed=st.integers(0, 2**32 - 1), share=st.floats(0.8, 1.2))
def test_what_sleeps_is_inactive_on_the_whole_polytope(m: int, seed: int, share: float) -> None:
    """Until every reach has grown by the margin; points within, and on the boundary; float32."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(m, 200)) * random.random(200)
    reach, directions = sleeping.reaches(hidden), sleeping.directions(m)
    W, points = random.normal(size=(m, 300)), random.normal(size=(m, 2_000))
    b = -share * np.maximum((W.T @ hidden).max(axis=1), 0)
    parameters = np.vstack([W, b]).astype(np.float32)
    margins = sleeping.margins(parameters, reach)
    along = directions.T @ points
    for growth in (0.0, 0.1, 1.0):
        limits = (reach + growth)[:, None]
        edge = points * (limits / np.maximum(along, 1e-300)).min(axis=0, where=along > 0, initial=np.inf)
        assert (directions.T @ edge <= limits + 1e-12 * np.abs(limits).max()).all()
        z = parameters[:m].astype(float).T @ edge + parameters[m].astype(float)[:, None]
        assert (z[margins > growth] < 0).all()
    assert m > 2 or share < 1.19 or (margins > 0).any()
    assert (sleeping.margins(np.vstack([W, 2 * b]).astype(np.float32), reach) > 0).any()
    reached = np.vstack([W, -0.996 * (W.T @ hidden).max(axis=1)]).astype(np.float32)  # by a datapoint: awake
    assert not (sleeping.margins(reached, reach) > 0).any()
    assert m != 2 or (sleeping.margins(reached, 0.99 * reach) > 0).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_missed_steps_are_taken_at_once(dtype: str) -> None:
    """Against the products of the dense loop, k roundings each; a wrong rate is off by more."""
    kind, steps = np.dtype(dtype).type, 400
    setting = Setting(T=1, n=50, sparsity=0.9, steps=steps, weight_decay=0.3, dtype=dtype)
    decay = (1 - learning_rates(setting) * setting.weight_decay).astype(dtype).astype(np.float64)
    random = np.random.default_rng(0)
    parameters, first, second = (random.random((3, 50)).astype(dtype) for _ in range(3))
    held = HeldState(parameters, np.zeros(50, np.bool_), 1, decay)
    held.restore(parameters, first, second)
    held.arrangement = Arrangement(np.arange(50, dtype=np.int32), np.zeros(1, np.int32), awake=0, settled=100)
    products = [parameters.copy(), first.copy(), second.copy()]
    for step in range(100, steps):
        factors = kind(decay[step]), kind(ADAM_BETA1), kind(ADAM_BETA2)
        for rows, factor in zip(products, factors, strict=True):
            rows *= factor
    allowed = gamma(steps - 100 + 4, float(np.finfo(dtype).eps))
    for kind_of, product in enumerate(products):
        assert (np.abs(held.part(kind_of, steps) - product) <= allowed * np.abs(product)).all()
        assert (np.abs(held.part(kind_of, steps - 200) - product) > allowed * product).all()


def trained(
    setting: Setting, data: Dataset, W: np.ndarray, b: np.ndarray, *stops: int
) -> tuple[np.ndarray, list]:
    """The parameters at the last stop, and how many features were asleep at each."""
    trajectory, asleep = start_trajectory("cpu", setting, data, W, b), []
    for stop in stops:
        trajectory.advance(stop)
        asleep.append(setting.n - trajectory._held.arrangement.awake)
    return trajectory.parameters(), asleep


def test_sleeping_trajectories_equal_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "ARRANGE_EVERY", 50)
    run = SLEEPY, draw_dataset(SLEEPY), *start_of(SLEEPY)
    reference, allowed = with_allowed_drift(*run, EPS64)
    parameters, asleep = trained(*run, SLEEPY.steps)
    assert asleep[-1] > SLEEPY.n // 2
    assert np.abs(parameters - reference).max() <= allowed
    old = lambda self, kind, _: self.rows[kind][:, self.arrangement.awake :]  # noqa: E731
    monkeypatch.setattr(HeldState, "_settled", old)
    assert np.abs(trained(*run, SLEEPY.steps)[0] - reference).max() > allowed


def near_miss(setting: Setting) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """Two datapoints that will grow to norm 1, and unseen features that only the grown ones reach."""
    data = Dataset.from_dense(np.eye(setting.n)[:, :2])
    W, b = np.zeros((2, setting.n)), np.full(setting.n, -0.1)
    W[0, 0], W[0, 1], b[:2] = 0.3, -0.3, 0.0
    W[0, 2:] = 0.2
    return data, W, b


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_feature_wakes_when_a_datapoint_reaches_it(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    """Asleep at |h| = 0.3, active from |h| = 0.5 on; without the watch it sleeps on, and keeps what it had."""
    setting = Setting(T=2, n=40, sparsity=0.9, steps=300, lr=1e-2, weight_decay=0.1, warmup=0, dtype=dtype)
    run = setting, *near_miss(setting)
    reference, allowed = with_allowed_drift(*run, float(np.finfo(dtype).eps))
    parameters, asleep = trained(*run, 2, setting.steps)
    assert asleep == [setting.n - 2, 0]
    assert np.abs(parameters - reference).max() <= allowed
    monkeypatch.setattr(HeldState, "watch", lambda self: np.zeros((3, 0), dtype))
    assert np.abs(trained(*run, setting.steps)[0] - reference).max() > 100 * allowed


@given(st.integers(1, 3), st.integers(1, 200), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_a_kd_order_is_an_order_into_narrow_leaves(k: int, n: int, leaf: int, seed: int) -> None:
    """A permutation; its first cut separates one coordinate, whatever repeats there are."""
    coordinates = np.random.default_rng(seed).integers(0, 9, (k, n)).astype(float)
    order = kd_order(coordinates, leaf)
    assert sorted(order.tolist()) == list(range(n))
    middle = -(-n // leaf) // 2 * leaf
    if n > leaf:
        low, high = coordinates[:, order[:middle]], coordinates[:, order[middle:]]
        assert (low.max(axis=1) <= high.min(axis=1)).any()


@given(st.integers(0, 2**32 - 1))
def test_an_arrangement_only_permutes_the_data(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = draw_dataset(Setting(T=7, n=40, sparsity=0.9, seed=seed % 1000))
    features, points = (random.permutation(size).astype(np.int32) for size in (40, 7))
    X = data.dense()[features][:, points]
    arranged = ArrangedData(data, np.dtype("float64")).arranged(Arrangement(features, points, awake=40))
    (indptr, indices, values), (rows, at, numbers) = arranged
    by_point, by_feature = np.zeros_like(X), np.zeros_like(X)
    for t in range(7):
        by_point[indices[indptr[t] : indptr[t + 1]], t] = values[indptr[t] : indptr[t + 1]]
    by_feature[rows, at] = numbers
    assert (by_point == X).all()
    assert (by_feature == X).all()


#: Of parameters and reaches; warnings of NumPy are errors here.
SIZES = st.sampled_from([0.0, 5e-324, 1e-320, 1e-200, 1e-8, 1.0, 1e38, 1e154, 1e200, 1.7e308])


def drawn(seed: int, n: int = 70) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, size=(3, n))


@given(weight=SIZES, bias=SIZES, reach=st.one_of(SIZES, st.just(np.inf)), seed=st.integers(0, 9))
@example(weight=0.0, bias=1.7e308, reach=0.0, seed=0)
@example(weight=1.7e308, bias=1.0, reach=1.7e308, seed=0)
def test_every_finite_state_is_ordered(weight: float, bias: float, reach: float, seed: int) -> None:
    parameters = drawn(seed) * np.array([weight, weight, bias])[:, None]
    assert sorted(feature_order(parameters, reach)) == list(range(parameters.shape[1]))


def plain_order(parameters: np.ndarray, reach: float) -> np.ndarray:
    """As written in a formula, for sizes whose squares and quotients are ordinary numbers."""
    size = np.sqrt((parameters[:-1] ** 2).sum(axis=0))
    onset = np.clip(-parameters[-1] / (size * reach), -2.0, 2.0)
    return kd_order(np.vstack([parameters[:-1] / size, onset]), GROUP)


@given(st.tuples(*[st.floats(1e-30, 1e30)] * 3), st.integers(0, 9))
def test_ordinary_sizes_are_ordered_by_the_formula(sizes: tuple[float, ...], seed: int) -> None:
    weight, bias, reach = sizes
    parameters = drawn(seed) * np.array([weight, weight, bias])[:, None]
    assert np.array_equal(feature_order(parameters, reach), plain_order(parameters, reach))
