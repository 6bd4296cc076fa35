"""Repeated datapoints and forgotten features: what is counted, and what is found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from experiments import forgetting, repeated_history, repeated_many, repeated_map
from experiments.following import outcomes, standing, stored_features
from experiments.repeated_history import IN_PLACE, NEAR_MISSES, REPLACES
from experiments.repeated_map import sweep_both_ways
from experiments.tables import form_folders, read_tables
from numerics import Run
from numerics.training.obtaining import train_one
from theory import Setting
from theory.dimensionality import dimensionality

ROOT = Path(__file__).parents[2]


def test_animations_are_small_and_those_of_their_tables(made):
    """The one that is written with a figure, and the committed ones."""
    folder = Path(made("forgetting")["out"])
    assert (folder / "animation.gif").read_bytes() == forgetting.animate(read_tables(folder))
    for each in (folder, *form_folders(ROOT / "experiments" / "forgetting")):
        assert (each / "animation.gif").stat().st_size < 1_500_000
        with Image.open(each / "animation.gif") as image:
            assert image.n_frames == read_tables(each)["frames"]["step"].nunique() > 3


def _run(W, repeats=3):
    n, nothing = np.shape(W)[1], np.zeros(0)
    setting = Setting(T=9, n=n, sparsity=0.8, repeats=repeats, steps=1)
    W = np.asarray(W, np.float32)
    return Run(setting, "cpu", "not memorized", W, np.zeros(n), nothing.astype(int), nothing)


def _pentagon(n=30):
    """Five features on a pentagon that are none of the first datapoint, and that datapoint."""
    W = np.zeros((2, n))
    data = _run(W).data
    own = data.indices[: data.indptr[1]]
    free = np.setdiff1d(np.arange(n), own)[:5]
    angle = 2 * np.pi * np.arange(5) / 5
    W[:, free] = [np.cos(angle), np.sin(angle)]
    return W, own, data.values[: len(own)], free


def test_own_columns_of_an_embedded_point_are_no_stored_features():
    W, own, values, free = _pentagon()
    assert stored_features(W, _run(W)) == 5
    W[:, free[0]] = 0.0
    W[:, own] = np.outer([1.0, 0.0], values)  # the point takes the vertex, by w_k = X_k h
    assert standing(W, _run(W))["length"] == pytest.approx(1.0)
    assert stored_features(W, _run(W)) == 4
    # without repeats the same columns are features like any others
    plain = stored_features(W, _run(W, repeats=1))
    assert plain == 4 + np.sum(np.linalg.norm(W[:, own], axis=0) ** 2 >= 0.5)


def test_an_own_feature_elsewhere_stays_a_feature():
    W, own, values, free = _pentagon()
    weakest = own[np.argmin(values)]
    there, elsewhere = W[:, free[0]].copy(), W[:, free[1]].copy()
    W[:, own] = np.outer(there, values)
    W[:, free[:2]], W[:, weakest] = 0.0, elsewhere
    assert standing(W, _run(W))["length"] > 0.4
    assert stored_features(W, _run(W)) == 3 + 1


def test_standing_counts_copies_once():
    W, own, values, _ = _pentagon()
    W[:, own] = np.outer([1.0, 0.0], values)
    run = _run(W)
    hidden = run.data.project(W)
    expected, with_copies_counted = dimensionality(hidden[:, 2:]), dimensionality(hidden)
    stands = standing(W, run)
    assert stands["dimensionality"] == expected[0] > with_copies_counted[0]
    assert stands["rank"] == np.mean(expected > expected[0])
    assert stands["largest_other"] == expected[1:].max()


def test_copies_are_taken_away_and_nothing_else(monkeypatch):
    run, seen = train_one(Setting(T=12, n=30, sparsity=0.9, repeats=5, seed=2, steps=1)), []
    monkeypatch.setattr(repeated_map, "train_one", lambda setting, data, **_: seen.append(data) or run)
    sweep_both_ways(run, [1, 3, 5])
    for R, data in zip((5, 3, 1, 1, 3, 5), seen, strict=True):
        assert np.array_equal(data.dense(), run.data.dense()[:, 5 - R :])


def test_a_sweep_goes_down_and_up_and_every_step_starts_from_the_one_before():
    run = train_one(Setting(T=30, n=40, sparsity=0.9, repeats=4, steps=50))
    swept = sweep_both_ways(run, [1, 2, 4], steps=30)
    assert list(swept["direction"]) == ["down"] * 3 + ["up"] * 3
    assert list(swept["repeats"]) == [4, 2, 1, 1, 2, 4]
    cold = train_one(run.setting.replace(steps=30))
    assert swept["train_loss"].iloc[0] < cold.history_loss[-1]


def _history(lengths, repeats=5, seed=0, stored=4.0, rank=0.0):
    history = pd.DataFrame({"step": np.arange(len(lengths)) * 10, "rank": rank, "length": lengths})
    return history.assign(stored=np.where(history["step"] > 0, stored, 0.0), repeats=repeats, seed=seed)


def _theory(*ends):
    """Draws with the threshold between two ends; the first scan of a long one ends at R = 3."""
    low, high = zip(*ends, strict=True)
    cut = [k == 0 and end > 5 for k, end in enumerate(low)]
    return pd.DataFrame(
        {"between_low": low, "between_high": high, "metastable_until": 3.0, "metastable_censored": cut}
    )


def _found(history, theory=None):
    """Findings by statement, those of what is measured by their first four words."""
    tables = {"history": history, "theory": _theory((2.0, 2.0), (2.2, 2.2)) if theory is None else theory}
    return {
        each.statement if each.outcome != "measured" else " ".join(each.statement.split()[:4]): each
        for each in repeated_history.findings(tables)
    }


@pytest.mark.parametrize(("stored", "outcome"), [(4, "agrees"), (5, "not decided")])
def test_a_replaced_feature_is_told_from_one_that_stays(stored, outcome):
    parts = [_history([0, 0.1, 1, 1], 5, seed, stored) for seed in range(4)]
    parts += [_history([0, 0.1, 0.1, 0.1], 2, seed, 5) for seed in range(4)]
    found = _found(pd.concat(parts))
    assert (found[REPLACES].outcome, found[REPLACES].value) == (outcome, 5 - stored)
    assert (found[IN_PLACE].value, found[IN_PLACE].n, found[IN_PLACE].at) == (1, 4, "R = 5")
    # features are stored from the first step on, the point later
    assert (found["The point is embedded"].value, found["The point is embedded"].n) == (0, 4)
    assert found[NEAR_MISSES].outcome == "not tested"


def test_the_threshold_of_the_theory_has_the_range_of_its_draws():
    found = _found(_history([0, 0.1, 1, 1]), _theory((6.0, 6.0), (6.6, 6.6)))
    threshold, stands = found["Threshold by the numerical"], found["Its unembedded state stands"]
    assert (threshold.value, threshold.low, threshold.high) == pytest.approx((6.3, 6.0, 6.6))
    assert (stands.value, stands.high) == (3, np.inf)  # the scan ended there
    assert np.isnan(_found(_history([0, 0.1, 1, 1]))["Its unembedded state stands"].high)


@pytest.mark.parametrize(("ends", "median"), [((0.0, 0.5), 2.0), ((3.0, np.inf), 2.2)])
def test_a_draw_without_a_threshold_counts_by_what_bounds_it(ends, median):
    found = _found(_history([0, 0.1, 1, 1]), _theory((2.0, 2.0), ends, (2.2, 2.2)))
    threshold = found["Threshold by the numerical"]
    assert (threshold.value, threshold.low, threshold.high) == (median, min(ends[0], 2), max(ends[1], 2.2))


@pytest.mark.parametrize(
    ("lengths", "rank", "missed", "by_length"),
    [
        ([0, 1, 1, 0.1], 0.0, True, True),
        ([0, 1, 1, 0.3], 0.0, True, False),  # not short enough to be dropped by length alone
        ([0, 1, 0.1, 0.1], 0.0, False, False),  # one snapshot is no stay
        ([0, 0.1, 1, 1], 0.0, False, False),  # it stays
        ([0, 0.3, 0.3, 0.1], 0.0, False, False),  # it was never long
        ([0, 1, 1, 0.1], 0.5, False, True),  # nor among the first
    ],
)
def test_near_misses_are_told_from_the_rest(lengths, rank, missed, by_length):
    history = _history(lengths, rank=rank)
    end = outcomes(history).iloc[0]
    assert bool(end["near_miss"]) is missed
    assert bool(end["near_by_length"]) is by_length
    found = _found(history)
    assert (found[NEAR_MISSES].outcome == "agrees") is missed
    assert (found[NEAR_MISSES].value, found["The hidden vector alone"].value) == (missed, by_length)


def test_both_criteria_are_given():
    """A long point that is not among the first is embedded, and counted apart."""
    ranks = {5: (0, 1, 0, 0), 2: (0, 1, 1, 1)}
    history = pd.concat(
        _history([0, 1, 1], R, seed, rank=0.002 * rank)
        for R, each in ranks.items()
        for seed, rank in enumerate(each)
    )
    shown = repeated_history.summary({"history": history})
    assert shown.iloc[:, :5].to_numpy().tolist() == [[2, 4, 4, 1, 4], [5, 4, 4, 3, 4]]
    assert _found(history)["The point is embedded"].n == 0  # both come at the same snapshot


@pytest.mark.parametrize(
    ("lost", "other", "outcome"),
    [
        ([0, 0.1, 0.1, 0.1], [0, 0.1, 1, 1], "not decided"),
        ([0, 0.1, 0.1, 0.1], [0, 0.1, 0.1, 0.1], "not tested"),
        ([0, 1, 1, 0.1], [0, 0.1, 1, 1], "agrees in part"),  # by length alone
    ],
)
def test_near_misses_are_held_against_the_published_ones(lost, other, outcome):
    history = pd.concat([_history(lost, rank=0.5), _history(other, seed=1, rank=0.5)])
    assert _found(history)[NEAR_MISSES].outcome == outcome


def _many(stored, embedded=lambda k, seed: min(k, 5)):
    rows = [
        (k, seed, embedded(k, seed), min(k, 5), stored(k), stored(k))
        for k in range(1, 9)
        for seed in range(3)
    ]
    columns = ["repeated_points", "seed", "embedded", "vertices", "stored", "stored_with_own"]
    return {"runs": pd.DataFrame(rows, columns=columns)}


@pytest.mark.parametrize(
    ("stored", "embedded", "said"),
    [
        (lambda k: max(5 - k, 0), lambda k, seed: min(k, 5), ("agrees", "agrees", 1)),
        (
            lambda k: max(5 - k, 0),
            lambda k, seed: min(k, 5 + (seed < 2)),
            ("agrees", "agrees in part", 1 / 3),
        ),
        (lambda k: 5, lambda k, seed: min(k, 5), ("differs", "agrees in part", 0)),
        (lambda k: max(5 - k // 2, 1), lambda k, seed: k, ("differs", "differs", 0)),
    ],
)
def test_points_that_replace_features_and_points_beyond_five(stored, embedded, said):
    replaced, _, beyond = repeated_many.findings(_many(stored, embedded))
    assert (replaced.outcome, beyond.outcome, beyond.value) == said
    assert (replaced.n, beyond.n) == (15, 9)


def test_runs_that_spread_widely_decide_nothing():
    runs = _many(lambda k: 5)["runs"]
    replaced, *_ = repeated_many.findings({"runs": runs.assign(stored=np.where(runs["seed"] == 1, 0, 5))})
    assert replaced.outcome == "not decided"
    assert replaced.low < 0 < replaced.high


def test_vertices_are_directions():
    angle = np.radians([0, 5, 90, 200, 355])
    assert repeated_many.vertices(np.array([np.cos(angle), np.sin(angle)])) == 3
    assert repeated_many.vertices(np.zeros((2, 0))) == 0
    assert repeated_many.vertices(np.ones((2, 4))) == 1
