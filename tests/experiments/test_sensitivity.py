"""Experiment ``sensitivity``: onsets by hand, what moves and what does not, on tables with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import sensitivity
from experiments.sensitivity.gap import BASELINE
from experiments.tables import parsed_table, table_text
from numerics import train
from theory import Setting
from verify.style import render, styled

NAMES = ("lr = 0.01", "loss = mean", "dtype = float64")


def _tables(*, onset=1.0, peak=1.0, reached=True, jitter=0.1):
    """Three changes on two datasets with two starts; the first has its onset and peak multiplied."""
    rows = []
    for place, change in enumerate((BASELINE, *NAMES)):
        factors = (onset, peak) if place == 1 else (1.0, 1.0)
        for k, (data_seed, seed) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            wobble = np.exp(jitter * ((k + place) % 4))
            rows.append(
                {
                    "change": change,
                    "data_seed": data_seed,
                    "seed": seed,
                    "feature_onset": 500 * factors[0] * wobble,
                    "feature_reached": reached or place != 1,
                    "loss_onset": 700 * wobble,
                    "loss_reached": True,
                    "peak": 50 * factors[1] * wobble,
                    "peak_T": 300,
                    "silent": 0,
                    "steps": 10_000,
                }
            )
    curves = pd.DataFrame(rows)
    return {"curves": curves, "changes": sensitivity.changes_of(curves)}


def _said(**effect):
    written = {name: parsed_table(table_text(table)) for name, table in _tables(**effect).items()}
    return sensitivity.describe(written)


def test_without_an_effect_nothing_is_said_to_move():
    text = _said()
    for what in ("onset of features", "where the test loss falls below 1", "peak of the test loss"):
        assert f"No change moves {'the ' if what[0] != 'w' else ''}{what}" in text
    assert "changes move" not in text
    assert "is reached by" not in text
    assert "no change moves both together" in text


def test_a_baseline_with_fewer_steps_than_the_paper_is_called_that():
    assert (
        "The baseline is the paper's setting with 10000 steps in place of its 50000; 4 curves (2 datasets, 2"
        in _said()
    )
    tables = _tables()
    curves = tables["curves"].assign(steps=50_000)
    text = sensitivity.describe({"curves": curves, "changes": sensitivity.changes_of(curves)})
    assert "The baseline is the paper's setting; 4 curves" in text


def test_a_baseline_alone_says_nothing_of_changes():
    curves = _tables()["curves"].query("change == @BASELINE")
    text = sensitivity.describe({"curves": curves, "changes": sensitivity.changes_of(curves)})
    assert "The baseline is" in text
    assert "move" not in text.split("| moves |")[1]


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


def test_an_effect_within_the_spread_is_none():
    assert "changes move the onset" not in _said(onset=1.2)
    assert "1 of 3 changes move the onset of features**: later: lr = 0.01 (× 1.5" in _said(onset=1.5)


@pytest.mark.parametrize(
    ("factor", "reaches"), [(3.9, False), (4.1, True), (1 / 4.1, True), (1 / 3.9, False)]
)
def test_the_published_gap_in_the_onset_is_a_factor_of_four(factor, reaches):
    text = _said(onset=factor)
    assert (
        "gap in the onset of features, a factor of 4 (5000 and 20000, n = 10 000), is reached by" in text
    ) == reaches
    assert ("No single change reaches the published gap in the onset" in text) == (not reaches)
    assert "No single change reaches the published gap in the peak" in text


def test_onset_and_peak_move_together_or_not():
    assert "lr = 0.01 (later and higher)" in _said(onset=2, peak=10)
    assert "lr = 0.01 (earlier and lower)" in _said(onset=0.5, peak=0.1)
    assert "no change moves both together" in _said(onset=2, peak=0.1)


def test_an_onset_that_is_not_reached_is_a_bound():
    text = _said(onset=4, reached=False)
    assert "| lr = 0.01 | 4 | not by 2700 | at least × 4" in text
    assert "at least" not in _said(onset=4)


def test_the_low_peak_of_the_authors_is_found_where_it_is():
    assert "authors' curve: lr = 0.01." in _said(peak=1 / 70)
    assert "authors' curve: none." in _said()


def test_a_change_that_trains_nothing_is_named():
    tables = _tables(peak=1 / 70)
    tables["curves"].loc[tables["curves"]["change"] == NAMES[0], "silent"] = 6
    text = sensitivity.describe({**tables, "changes": sensitivity.changes_of(tables["curves"])})
    assert "authors' curve: lr = 0.01 (trains nothing)." in text
    assert (
        "No output is left, the train loss is the zero output's; not counted above: lr = 0.01 (24 runs)."
        in text
    )
    assert "No output is left" not in _said(peak=1 / 70)
    (line,) = [line for line in text.splitlines() if line.startswith("| lr = 0.01 |")]
    assert line.endswith("| no output left |")


def test_two_changes_are_laid_beside_the_first_of_them():
    curves = _tables(peak=100)["curves"]
    both = curves[curves["change"] == NAMES[0]].assign(change=f"{NAMES[0]}, loss = mean")
    both["peak"] /= 1000
    together = pd.concat([curves, both])
    text = sensitivity.describe({"curves": together, "changes": sensitivity.changes_of(together)})
    assert (
        "shifts the peak by -3.00 decades (-3.00 to -3.00) and the onset of features × 1 (1 to 1), 4 pairs"
        in text
    )
    assert "shifts the peak" not in _said(peak=100)
    one = pd.concat([curves, both.iloc[:1]])
    text = sensitivity.describe({"curves": one, "changes": sensitivity.changes_of(one)})
    assert "shifts the peak by -3.00 decades and the onset of features × 1, 1 pair" in text


def test_one_seed_moves_nothing():
    curves = _tables(onset=9, peak=100)["curves"].query("data_seed == 0 and seed == 0")
    text = sensitivity.describe({"curves": curves, "changes": sensitivity.changes_of(curves)})
    assert "changes move" not in text


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
    observed = [
        {
            "train_loss": run.record.train_loss,
            "test_loss": 1 + rng.random(),
            "largest_feature_dimensionality": rng.random(),
            "weight_norm": run.record.weight_norm,
            "bias_norm": run.record.bias_norm,
        }
        for run in runs
    ]
    table = pd.DataFrame([run.setting.as_dict() | seen for run, seen in zip(runs, observed, strict=True)])
    return sensitivity.collect(runs, table)


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


def test_the_figure_comes_from_the_tables(trained):
    with styled():
        first, second = (render(sensitivity.draw(trained), "svg") for _ in range(2))
    assert first == second
    assert "nan" not in sensitivity.describe(trained)
