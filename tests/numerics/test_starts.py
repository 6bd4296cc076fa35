"""Starts, schedules and losses of a setting, and the observables of a run."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import draw_dataset, draw_start, draw_test_dataset, measure, observe, train, train_one
from numerics.measurement.observables import OBSERVABLES
from numerics.schedule import learning_rates
from numerics.starts import first_copies
from tests.numerics.cases import EPS64, HIDDEN_DIMS, begin
from theory import Setting

SMALL = Setting(T=6, n=200, sparsity=0.99, steps=60, seed=3)


@pytest.mark.parametrize("start", ["xavier", "xavier-uniform"])
def test_random_starts_have_xaviers_deviation(start):
    W, b = draw_start(Setting(T=3, n=40_000, start=start, start_bias=-0.25))
    deviation = np.sqrt(2 / 40_002)
    # the variance of a variance of N normal numbers is 2/N of its square, of uniform ones less
    assert W.var() == pytest.approx(deviation**2, rel=5 * np.sqrt(2 / W.size))
    assert (b == -0.25).all()
    largest = np.abs(W).max() / deviation
    assert (largest <= np.sqrt(3)) == (start == "xavier-uniform")


@settings(max_examples=6)
@given(st.integers(2, 9), st.sampled_from([m for m in HIDDEN_DIMS if m > 1]), st.integers(0, 50))
def test_memorizing_start_has_zero_loss_on_disjoint_data(T, m, seed):
    setting = Setting(T=T, m=m, n=100_000, sparsity=0.9999, seed=seed, start="memorizing")
    data = draw_dataset(setting)
    record = measure(draw_start(setting), data)
    if data.has_disjoint_supports:
        assert record.worst_point_error < 1e-12 * max(1.0, record.energy)
        assert record.energy == pytest.approx(record.weight_norm**2, rel=1e-9)
    shifted = measure((draw_start(setting)[0], draw_start(setting)[1] + 0.1), data)
    assert shifted.worst_point_error > 1e-3, "another bias must not memorize"


@pytest.mark.parametrize(("start", "k"), [("pentagon", 5), ("hexagon", 6), ("heptagon", 7)])
def test_ring_starts_hold_the_most_frequent_features(start, k):
    setting = Setting(T=400, n=300, sparsity=0.98, m=3, start=start)
    W, b = draw_start(setting)
    on_ring = np.flatnonzero(b < 0)
    energies = (draw_dataset(setting).dense() ** 2).sum(axis=1)
    assert len(on_ring) == k
    assert energies[on_ring].min() >= np.delete(energies, on_ring).max()
    cosines = np.linalg.eigvalsh(W[:, on_ring].T @ W[:, on_ring])
    r = (W[:, on_ring[0]] ** 2).sum()
    np.testing.assert_allclose(cosines[-2:], k * r / 2, rtol=1e-12)  # a regular ring: WWᵀ = (k r/2) I
    np.testing.assert_allclose(cosines[:-2], 0, atol=1e-12 * k * r)


def test_mean_loss_is_the_sum_with_an_epsilon_n_times_as_large():
    mean = SMALL.replace(loss="mean", dtype="float64", adam_epsilon=1e-4)
    same = mean.replace(loss="sum", adam_epsilon=mean.n * mean.adam_epsilon)
    other = mean.replace(loss="sum")

    def trained(engine, setting):
        trajectory = begin(engine, setting)
        trajectory.advance(setting.steps)
        return trajectory.parameters()

    specified = trained("reference", mean)
    for engine, setting in (("cpu", mean), ("cpu", same), ("reference", same)):
        np.testing.assert_allclose(trained(engine, setting), specified, rtol=1e-9, atol=1e-12)
    assert np.abs(trained("cpu", other) - specified).max() > 1e-3


def test_test_data_are_fresh_common_and_lost_where_every_output_is_zero():
    test = draw_test_dataset(SMALL, T=50)
    assert test.digest() == draw_test_dataset(SMALL.replace(seed=9, T=40), T=50).digest()
    assert test.digest() != draw_dataset(SMALL.replace(T=50, seed=0)).digest()
    [run] = train(SMALL.replace(start_bias=-100.0, steps=1), out=None, progress=False)
    assert observe(run)["test_loss"] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("points", "hidden", "rank", "length"),
    [
        (1, [[2, 0, 0, 0, 0, 0], [0, -1, 1, -1, 1, -1]], 0.0, 2.0),
        (1, [[0, 2, 0, 0, 0, 0], [1, 0, 1, -1, 1, -1]], 1 / 6, 1.0),
        (2, [[2, 0, 0, 0, 0, 0], [0, 1, -2, 2, -2, 2]], 5 / 6, 0.5),
    ],
)
def test_observables_of_repeated_points(points, hidden, rank, length):
    """One point has a dimension to itself, five share the other; of several repeated ones that stand last counts."""
    setting = Setting(
        T=6 + 2 * points, n=20_000, sparsity=0.9995, repeats=3, repeated_points=points, seed=5, steps=1
    )
    X = draw_dataset(setting).dense()[:, first_copies(setting)]
    W = hidden @ np.linalg.pinv(X)
    seen = observe(dataclasses.replace(train_one(setting), W=W, b=np.zeros(setting.n)))
    assert tuple(seen) == OBSERVABLES
    assert seen["repeated_dimensionality_rank"] == pytest.approx(rank)
    assert seen["repeated_hidden_length"] == pytest.approx(length)
    assert seen["largest_data_dimensionality"] == pytest.approx(1.0)
    alone = setting.replace(repeats=1, repeated_points=1)
    assert np.isnan(observe(train_one(alone))["repeated_hidden_length"])


@given(
    steps=st.integers(1, 3000),
    share=st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0])),
    lr=st.floats(1e-6, 1.0),
    schedule=st.sampled_from(["cosine", "constant"]),
)
def test_the_schedule(steps: int, share: float, lr: float, schedule: str) -> None:
    warmup = int(share * steps)
    setting = Setting(T=2, steps=steps, warmup=warmup, lr=lr, schedule=schedule)
    rates = learning_rates(setting)
    assert rates.shape == (steps,)
    # a sum of `steps` numbers of which each has a few roundings, of a cosine's argument of size π among them
    allowed = (steps + 12) * EPS64 * lr * steps
    assert abs(rates.sum() - setting.learning_rate_sum) <= allowed
    assert abs(rates.sum() - setting.replace(lr=1.01 * lr).learning_rate_sum) > allowed
    assert rates.min() > 0
    assert rates.max() <= lr
    if warmup:
        assert rates[warmup - 1] == lr
        assert rates[0] == pytest.approx(lr / warmup, rel=2 * EPS64)
    if warmup < steps:
        assert rates[warmup] == lr
        falls = np.diff(rates[warmup:])
        assert (falls < 0).all() if schedule == "cosine" else not falls.any()
    assert (np.diff(rates[:warmup]) > 0).all()
