"""Figures: drawn from their tables alone, and the tables say what theory and runs say."""

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import train
from tests.numerics.least_norm.test_polishing import rotation
from theory import Setting, predict, tgon_weight_norm
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import diagnose_run
from verify.figures.hidden import turned_onto
from verify.figures.norms import published_series
from verify.report import FIGURES
from verify.style import render

ROOT = Path(__file__).parents[2]

_BY_NAME = {kind.name: kind for kind in FIGURES}


@pytest.fixture(scope="module")
def numbers(small_runs):
    """The table of each figure, by its name."""
    return {name: kind.numbers(small_runs) for name, kind in _BY_NAME.items()}


@pytest.mark.parametrize("name", _BY_NAME)
def test_a_figure_is_drawn_from_its_csv_alone(name, numbers):
    kind, numbers = _BY_NAME[name], numbers[name]
    written = pd.read_csv(StringIO(numbers.to_csv(index=False)))
    drawn = render(kind.draw(numbers), "svg")
    assert drawn.startswith(b"<?xml")
    assert drawn == render(kind.draw(written), "svg")
    column = {"hidden_vectors": "x", "norms_against_T": "value", "train_loss_history": "loss"}[name]
    assert drawn != render(kind.draw(numbers.assign(**{column: numbers[column] * 1.5})), "svg")


def test_the_comparison_shows_its_hidden_vectors(small_comparison):
    shown = small_comparison.figure()._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert shown == render(small_comparison.figure(), "png")


def test_hidden_vectors_are_those_of_the_memorizing_run_of_least_norm(small_runs, numbers):
    shown = numbers["hidden_vectors"].query("run == 'memorized'")
    assert set(shown["T"]), "no run of the small comparison memorizes; change it"
    for T, points in shown.groupby("T"):
        runs = [run for run in small_runs if run.setting.T == T and run.setting.weight_decay == 0.01]
        best = min((run for run in runs if run.status == "memorized"), key=lambda run: run.record.weight_norm)
        hidden = points[points["kind"] == "hidden"][["x", "y"]].to_numpy().T
        np.testing.assert_allclose(hidden, best.record.hidden, atol=1e-5)
        features = points[points["kind"].str.endswith("feature")]
        assert len(features) == best.setting.n


def test_failed_runs_are_named(small_runs, numbers):
    failed = numbers["hidden_vectors"].query("run == 'failed'")
    assert len(failed), "every run of the small comparison memorizes; change it"
    names = {(run.setting.T, run.setting.seed, diagnose_run(run).name) for run in small_runs}
    assert set(zip(failed["T"], failed["seed"], failed["diagnosis"], strict=True)) <= names


def test_norms_have_theory_every_seed_and_the_published_series(small_runs, numbers):
    weights = numbers["norms_against_T"].query("norm == 'weight_norm'")
    theory = weights[weights["series"] == "theory"]
    assert theory["T"].tolist() == list(range(2, 32))
    np.testing.assert_array_equal(theory["value"], tgon_weight_norm(theory["T"].to_numpy()))
    trained = weights[weights["series"] == "trained"]
    assert trained["value"].tolist() == [run.record.weight_norm for run in small_runs]
    published = weights[weights["series"] == "published"]
    assert published["T"].max() <= 31
    assert published["value"].tolist() == published_series("norms").query("T <= 31")["weight_norm"].tolist()


def test_histories_are_the_runs_and_their_legend_names_what_is_drawn(small_runs, numbers):
    history = numbers["train_loss_history"]
    recorded = np.concatenate([run.history_loss for run in small_runs])
    np.testing.assert_allclose(history["loss"], recorded, rtol=1e-5)
    for kinds in ({True, False}, {True}, {False}):
        (legend,) = _BY_NAME["train_loss_history"].draw(history[history["memorized"].isin(kinds)]).legends
        texts = [text.get_text() for text in legend.get_texts()]
        assert ("a seed that memorizes" in texts) is (True in kinds)
        assert ("a seed that does not" in texts) is (False in kinds)
        assert len(texts) == 2 + len(kinds)


@pytest.mark.parametrize("sizes", [1, 5])
def test_the_legend_of_hidden_vectors_lies_within_the_figure(sizes):
    table = pd.read_csv(ROOT / "experiments" / "compare" / "tables" / "hidden_vectors.csv")
    shown = table[table["T"].isin(sorted(set(table["T"]))[:sizes])]
    figure = _BY_NAME["hidden_vectors"].draw(shown)
    render(figure, "png")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert 0 <= box.y0 < box.y1 <= figure.bbox.height


@given(st.integers(2, 30), st.floats(0, 2 * np.pi), st.booleans(), st.randoms())
def test_turning_finds_every_rotated_reflected_relabelled_polygon(T, angle, reflected, random):
    polygon = tgon_hidden(T)
    moved = rotation(angle) @ (polygon * np.array([[1.0], [-1.0 if reflected else 1.0]]))
    order = random.sample(range(T), T)
    turned = turned_onto(polygon, moved[:, order])
    nearest = np.linalg.norm(turned[:, :, None] - moved[:, None, :], axis=0).min(axis=1)
    assert nearest.max() <= 1e-9 * np.linalg.norm(polygon, axis=0).max()


def test_turning_is_the_best_rotation():
    rng = np.random.default_rng(0)
    polygon, hidden = tgon_hidden(7), tgon_hidden(7) + rng.normal(size=(2, 7)) * 0.3
    turned = turned_onto(polygon, hidden)
    ordered = hidden[:, np.argsort(np.arctan2(hidden[1], hidden[0]))]
    least = ((turned - ordered) ** 2).sum()
    for angle in np.linspace(0, 2 * np.pi, 200):
        assert least <= ((rotation(angle) @ turned - ordered) ** 2).sum() + 1e-9


@pytest.mark.parametrize("m", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_other_dimensions_are_drawn_without_the_polygon(m):
    setting = Setting(T=2, n=60, sparsity=0.9, steps=30, m=m)
    runs = train([setting, setting.replace(T=3)], engine="reference", out=None, progress=False)
    for kind in FIGURES:
        numbers = kind.numbers(runs)
        assert render(kind.draw(numbers), "svg")
        assert "predicted" not in set(numbers.get("kind", ()))
        assert not {"theory", "published"} & set(numbers.get("series", ()))
    norms = _BY_NAME["norms_against_T"].numbers(runs)
    predicted = norms.query("norm == 'weight_norm' and series == 'prediction' and T == 2")["value"]
    assert predicted.item() == pytest.approx(predict(setting).weight_norm)
