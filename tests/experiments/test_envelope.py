"""Experiment ``envelope``: packings are exact on what they store; findings follow from the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import envelope
from experiments.envelope import END, best_packing, disjoint_points, packing
from numerics import draw_dataset, train
from numerics.engines.cpu.trajectory import point_errors
from theory import Setting

settings = st.builds(
    Setting,
    T=st.integers(1, 60),
    n=st.integers(20, 80),
    sparsity=st.floats(0.7, 0.95),
    data_seed=st.integers(0, 99),
)


@given(settings, st.integers(1, 4))
def test_packed_points_are_disjoint_and_none_can_be_added(setting, fewest):
    data = draw_dataset(setting)
    chosen = disjoint_points(data, fewest)
    features = [set(data.indices[data.indptr[t] : data.indptr[t + 1]]) for t in range(data.T)]
    assert all(len(features[t]) >= fewest for t in chosen)
    taken = [each for t in chosen for each in features[t]]
    assert len(taken) == len(set(taken))
    for t in set(range(data.T)) - set(chosen.tolist()):
        assert len(features[t]) < fewest or features[t] & set(taken)


@given(settings)
def test_a_packing_is_exact_on_the_points_it_stores(setting):
    """Rounding: each output cancels from squared lengths of at most K²/16 + 1 times its entry to that entry."""
    data = draw_dataset(setting)
    points = disjoint_points(data)
    W, b = packing(data, points)
    X = data.dense()[:, points]
    errors = np.sum((np.maximum(W.T @ (W @ X) + b[:, None], 0) - X) ** 2, axis=0)
    assert errors.max() <= (64 * np.finfo(float).eps * (len(points) ** 2 / 16 + 1)) ** 2
    assert np.median(point_errors(np.zeros((2, data.n)), np.zeros(data.n), data)) == pytest.approx(1)


def test_the_best_packing_leaves_out_what_it_must():
    data = draw_dataset(Setting(T=300, n=200, sparsity=0.97))
    count, loss, model = best_packing(data)
    assert 1 - len(disjoint_points(data)) / data.T <= loss < 1
    assert loss == pytest.approx(point_errors(*model, data).mean(), rel=1e-12)
    assert 1 - count / data.T == pytest.approx(loss, abs=0.01)
    smaller = disjoint_points(data)[: count // 2]
    assert loss < point_errors(*packing(data, smaller), data).mean()


SIZES = (5, 100, 1000, 10_000)


def _tables(points, features, packed, further=0.999):
    """Random starts store points up to T = 100 and features later; one packing for each T."""
    rows = [(30_000, 0, "packing", 0, further, 0.01)]
    for k, T in enumerate(SIZES):
        for seed in (0, 1):
            early = T <= 100
            apart = 1e-5 * seed
            rows += [
                (T, seed, "xavier", 100, (points if early else features)[k] + apart, 0.01 if early else 0.4),
                (T, seed, "pentagon", 100, features[k] + apart, 0.4),
                (T, seed, "packing", 0, packed[k] + apart, 0.01),
            ]
    columns = ["T", "data_seed", "start", "steps", "train_loss", "largest_feature_dimensionality"]
    models = pd.DataFrame(rows, columns=columns).assign(lr=1e-3, start_loss=0.5, stored=5, weight_norm=5.0)
    levels = [("n", 1000), ("density", 0.01), ("pentagon", 0.988), ("first_overlap", 4.5)]
    return {
        "models": models,
        "levels": pd.DataFrame(levels, columns=["level", "value"]),
        "published_size": _packed([0.99, 0.995, 0.9985, 0.9989, 0.9995]),
    }


def _packed(losses):
    """Packings at the published n, where a pentagon loses 0.9988."""
    sizes = [100_000, 200_000, 300_000, 400_000, 500_000]
    rows = [(10_000, T, seed, 400, loss) for T, loss in zip(sizes, losses, strict=True) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["n", "T", "data_seed", "stored", "train_loss"])
    return table.assign(pentagon=0.9988)


POINTS, FEATURES = [0.1, 0.6, 0.98, 0.99], [0.9, 0.95, 0.97, 0.98]


def _found(tables):
    return {each.statement: each for each in envelope.findings(tables)}


HERE = "Where models that store points have less train loss than the best with features"
RANDOM = "Where the best random starts store points"
MISSED = "Sizes at which every random start misses the least train loss"


@pytest.mark.parametrize(
    ("points", "features", "packed", "further", "last", "first", "missed"),
    [
        (POINTS, FEATURES, [0.2, 0.7, 0.93, 0.995], 0.999, 1000, 10_000, 1),
        (POINTS, FEATURES, [1.0] * 4, 0.999, 100, 1000, 0),  # as far as training finds them
        ([0.95] * 4, [0.9] * 4, [1.0] * 4, 0.999, np.nan, 5, 2),
        (POINTS, FEATURES, [0.2, 0.7, 0.93, 0.95], 0.98, 10_000, np.inf, 2),  # no end is seen
        (POINTS, [0.9, 0.6, 0.97, 0.98], [0.2, 0.7, 0.93, 0.995], 0.999, 1000, 10_000, 1),
    ],
)
def test_storing_points_is_better_where_it_is(points, features, packed, further, last, first, missed):
    found = _found(_tables(points, features, packed, further))
    assert found[HERE].value == pytest.approx(last, nan_ok=True)
    assert found[HERE].high == first
    assert found[MISSED].value == missed
    assert (found[RANDOM].value, found[RANDOM].high) == (100, 1000)


def test_only_sizes_with_models_of_both_kinds_are_compared():
    tables = _tables(POINTS, [0.9, 0.6, 0.97, 0.98], [0.2, 0.7, 0.93, 0.995])
    few = tables["models"]
    few.loc[few["T"] == 5, "largest_feature_dimensionality"] = 0.1
    table = envelope.summary(tables).set_index("T")
    assert table["less loss"].to_dict() == {
        "5": "–", "100": "level", "1000": "points", "10000": "features", "30000": "features",
    }  # fmt: skip
    assert table.loc["30000"].tolist() == ["–"] * 6 + ["0.999", "5", "features", "–"]


@pytest.mark.parametrize(("packed", "first"), [(0.985, 10_000), (0.99, 6000)])
def test_a_size_without_trained_models_is_open_where_packings_are_below_the_pentagon(packed, first):
    tables = _tables(POINTS, FEATURES, [0.2, 0.7, 0.93, 0.995])
    untrained = tables["models"].query("T == 30000").assign(T=6000, train_loss=packed)
    found = _found({**tables, "models": pd.concat([tables["models"], untrained])})[HERE]
    assert (found.value, found.high) == (1000, first)


@pytest.mark.parametrize(
    ("losses", "last", "first", "outcome", "early"),
    [
        ([0.99, 0.995, 0.9985, 0.9989, 0.9995], 300_000, 400_000, "agrees", "agrees"),
        ([0.9989, 0.9995, 0.9995, 0.9995, 0.9995], 0, 100_000, "differs", "differs"),
        ([0.99, 0.9989, 0.9995, 0.9995, 0.9995], 100_000, 200_000, "differs", "differs"),
        ([0.99, 0.99, 0.99, 0.99, 0.99], 500_000, np.inf, "agrees", "not tested"),
    ],
)
def test_packings_at_the_published_size_end_where_they_end(losses, last, first, outcome, early):
    tables = _tables(POINTS, FEATURES, [0.2, 0.7, 0.93, 0.995]) | {"published_size": _packed(losses)}
    found = _found(tables)[END]
    assert (found.value, found.high, found.outcome) == (last, first, outcome)
    short = tables | {"published_size": _packed(losses).query("T < 450_000")}
    assert _found(short)[END].outcome == early


@pytest.fixture(scope="module")
def made():
    """Orthonormal data at T = 3, overlapping at T = 40."""
    base = Setting(T=3, n=200, sparsity=0.99, steps=40, seed=0, data_seed=3)
    cells = [
        base.replace(T=T, start=start) for T in (3, 40) for start in ("xavier", "memorizing", "pentagon")
    ]
    runs = list(train(cells, out=None, progress=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelope, "PUBLISHED_SIZES", (20, 40))
        return runs, envelope.collect(runs)


def test_packings_at_the_published_size_are_those_of_its_data(made):
    packed = made[1]["published_size"]
    assert packed[["n", "T", "data_seed"]].to_numpy().tolist() == [
        [10_000, T, k] for T in (20, 40) for k in (0, 1)
    ]
    assert (packed["train_loss"] >= 1 - packed["stored"] / packed["T"] - 1e-12).all()
    assert packed["stored"].between(10, 40).all()


def test_every_start_has_its_rows_and_is_drawn(made):
    runs, tables = made
    models = tables["models"]
    assert len(models) == len(runs) + 2 * 2 + len(envelope.FURTHER)
    assert set(models["T"]) == {3, 40, *(40 * factor for factor in envelope.FURTHER)}
    assert runs[0].data.has_disjoint_supports
    table = envelope.summary(tables).set_index("T")
    assert float(table.loc["3", "memorizing start, untrained"]) < 1e-12
    assert not table.isin(["nan"]).any(axis=None)
    starts = [each.at for each in envelope.findings(tables) if "save" in each.statement]
    assert starts[0] == "from pentagon, T = 40"
    assert envelope.draw(tables).axes
