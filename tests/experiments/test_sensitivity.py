"""Experiment ``sensitivity``: onsets by hand, what moves and what does not, on tables with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import sensitivity
from experiments.commentary import outcomes
from experiments.sensitivity import BASELINE, QUANTITIES
from experiments.tables import parsed_table, table_text
from numerics import train
from theory import Setting

NAMES = ("lr = 0.01", "loss = mean", "dtype = float64")


def _tables(*, onset=1.0, peak=1.0, reached=True, jitter=0.1):
    """Three changes on two datasets with two starts; the first has its onset and peak multiplied."""
    rows = []
    for place, change in enumerate((BASELINE, *NAMES)):
        features, height = (onset, peak) if place == 1 else (1.0, 1.0)
        for k in range(4):
            wobble = np.exp(jitter * ((k + place) % 4))
            onsets = (500 * features * wobble, reached or place != 1, 700 * wobble)
            rows.append((change, k // 2, k % 2, *onsets, 50 * height * wobble))
    columns = ["change", "data_seed", "seed", "feature_onset", "feature_reached", "loss_onset", "peak"]
    curves = pd.DataFrame(rows, columns=columns)
    return _of(curves.assign(loss_reached=True, peak_T=300, silent=0, steps=10_000))


def _of(curves):
    return {"curves": curves, "changes": sensitivity.changes_of(curves)}


def _found(tables):
    """Findings by statement and place, from tables as their files read."""
    written = {name: parsed_table(table_text(table)) for name, table in tables.items()}
    return {(each.statement, each.at): each for each in sensitivity.findings(written)}


def _moves(tables):
    """How many changes move onset of features, onset of the loss, and peak."""
    found = _found(tables)
    return [int(found[f"Changes that move {quantity.name}", ""].value) for quantity in QUANTITIES]


def test_nothing_moves_without_an_effect_beyond_the_spread():
    assert _moves(_tables()) == [0, 0, 0]
    assert set(outcomes(sensitivity.findings(_tables())).values()) == {"not decided"}
    assert set(sensitivity.summary(_tables())["moves"]) == {"–"}
    assert _moves(_tables(onset=1.2)) == [0, 0, 0]  # within the spread
    assert _moves(_tables(onset=1.5)) == [1, 0, 0]
    one = _tables(onset=9, peak=100)["curves"].query("data_seed == 0 and seed == 0")
    assert _moves(_of(one)) == [0, 0, 0]  # one seed moves nothing


def test_a_baseline_alone_tests_nothing():
    alone = _of(_tables()["curves"].query("change == @BASELINE"))
    assert set(outcomes(sensitivity.findings(alone)).values()) == {"not tested"}
    assert sensitivity.summary(alone).iloc[0, -1] == "–"


def test_without_a_whole_curve_of_the_baseline_that_is_said():
    table = pd.DataFrame(
        [
            {**Setting(T=T, seed=0, lr=lr).as_dict(), "train_loss": 0.5, "test_loss": 1.0, "weight_norm": 1.0,
             "bias_norm": 1.0, "largest_feature_dimensionality": 0.1}
            for T in (5, 10, 20) for lr in (1e-3, 1e-2) if (T, lr) != (10, 1e-3)
        ]
    )  # fmt: skip
    with pytest.raises(ValueError, match="no curve of the unchanged setting has all its T"):
        sensitivity.collect([], table)


@pytest.mark.parametrize(("factor", "reaches"), [(3.9, False), (4.1, True), (1 / 4.1, True)])
def test_the_published_gap_in_the_onset_is_a_factor_of_four(factor, reaches):
    onset, peak, *_ = sensitivity.findings(_tables(onset=factor))
    assert onset.outcome == ("agrees" if reaches else "not decided")
    assert peak.outcome == "not decided"
    assert onset.at == NAMES[0]
    assert onset.value == pytest.approx(factor, rel=0.2)
    assert onset.low < factor < onset.high


def test_an_onset_that_is_not_reached_is_a_bound():
    table = sensitivity.summary(_tables(onset=4, reached=False)).set_index("change")
    assert table.loc[NAMES[0], "features"].startswith("not by 2700")
    assert table.loc[NAMES[0], "features, times"].startswith("at least 4")
    reached = sensitivity.summary(_tables(onset=4)).set_index("change")
    assert not reached["features, times"].str.contains("at least").any()


def test_a_change_that_trains_nothing_is_named_and_counts_for_nothing():
    curves = _tables(peak=1 / 70)["curves"]
    assert _moves(_of(curves)) == [0, 0, 1]
    curves.loc[curves["change"] == NAMES[0], "silent"] = 6
    assert _moves(_of(curves)) == [0, 0, 0]
    assert sensitivity.summary(_of(curves)).set_index("change").loc[NAMES[0], "moves"] == "no output left"


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_an_onset_is_where_it_is_there_for_good(there):
    T = 2.0 ** np.arange(len(there))
    value, reached = sensitivity.onset(T, np.array(there))
    assert reached == there[-1]
    assert T[0] <= value <= T[-1]
    if reached:
        assert np.asarray(there)[value < T].all()
        assert value == T[0] or not there[int(np.searchsorted(T, value)) - 1]


@pytest.fixture(scope="module")
def trained():
    paper = Setting(T=4, n=40, sparsity=0.9, steps=60, seed=0, data_seed=0)
    cells = [
        paper.replace(T=T, data_seed=data_seed, seed=seed, **change)
        for data_seed in (0, 1)
        for seed in (0, 1)
        for T in (4, 9, 30)
        for change in ({}, {"lr": 0.02}, {"start": "xavier-uniform"})
    ]
    runs = list(train(cells, out=None, progress=False))
    rng = np.random.default_rng(0)
    table = pd.DataFrame([run.setting.as_dict() for run in runs])
    for name in ("train_loss", "weight_norm", "bias_norm"):
        table[name] = [getattr(run.record, name) for run in runs]
    seen = {"test_loss": 1 + rng.random(len(runs)), "largest_feature_dimensionality": rng.random(len(runs))}
    return sensitivity.collect(runs, table.assign(**seen))


def test_every_change_is_named_and_laid_beside_its_own_dataset_and_start(trained):
    changes = trained["changes"].set_index("change")
    best = "best of 2 starts by train loss"
    assert list(changes.index) == [BASELINE, "lr = 0.02", "start = xavier-uniform", best]
    assert list(changes["seeds"]) == [4, 4, 4, 2]
    assert changes.loc[BASELINE, "peak_shift"] == 0
    assert not changes.loc[BASELINE, ["peak_moved", "feature_onset_moved", "loss_onset_moved"]].any()
    rows = trained["runs"].query("change == @BASELINE and data_seed == 1")
    least = [group.loc[group["train_loss"].idxmin(), "test_loss"] for _, group in rows.groupby("T")]
    curve = trained["curves"].query("change == @best and data_seed == 1")
    assert float(curve["peak"].iloc[0]) == max(least)
    assert sensitivity.draw(trained).axes
    assert not sensitivity.summary(trained).astype(str).isin(["nan"]).any(axis=None)
