"""Findings of the first four experiments: tables that have the effect, and tables without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import dataset_size, failures, gallery, norms
from experiments.published import published_test_loss
from numerics import Dataset, Run
from theory import Setting, tgon_bias_norm, tgon_weight_norm
from theory.memorization.failures import dropped_point_loss, least_gaps, two_circles
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import diagnose_run
from verify.figures.norms import published_norms

SIZES = (3, 5, 10, 100, 300, 1000, 10_000)


def finding(module, tables, start, place=0):
    """The finding whose statement begins so, of several the one at that place."""
    return [each for each in module.findings(tables) if each.statement.startswith(start)][place]


def _dataset_size(losses):
    """Tables with a test loss for each of `SIZES`, four dataset seeds."""
    sizes = np.repeat(SIZES, 4)
    runs = pd.DataFrame({"T": sizes, "chosen": True, "test_loss": np.repeat(losses, 4)}).assign(
        largest_data_dimensionality=2 / sizes,
        largest_feature_dimensionality=np.where(sizes >= 1000, 0.3, 0.01),
        weight_norm=1.0,
        bias_norm=1.0,
    )
    levels = {"n": 1000, "density": 0.01, "bias_only": 0.99, "pentagon": 0.98}
    table = pd.DataFrame(levels.items(), columns=["level", "value"])
    return {"runs": runs, "levels": table, "published": published_test_loss()}


def test_what_models_gain_stands_beside_what_biases_and_pentagon_gain():
    tables = _dataset_size([1.0] * 6 + [0.985])
    gains = [each.value for each in dataset_size.findings(tables) if each.statement.startswith("Gain")]
    np.testing.assert_allclose(gains, [15, 10, 20])


def test_generalization_is_found_where_features_take_over():
    tables = _dataset_size([1.0] * 7)
    authors = finding(dataset_size, tables, "Features are stored from T(1 − S) = 5 on")
    assert (authors.outcome, authors.value, authors.low) == ("agrees", 10, 3)
    tables["runs"].loc[tables["runs"]["T"] == 10_000, "largest_feature_dimensionality"] = 0.1
    assert np.isnan(finding(dataset_size, tables, "Features are stored").value)


def test_the_published_curve_is_compared_where_features_are_seen_as_often():
    tables = _dataset_size([1.0] * 7)
    sizes = tables["runs"]["T"].replace({300: 200})
    tables["runs"] = tables["runs"].assign(T=sizes, test_loss=np.where(sizes == 200, 30.0, 1.0))
    found = finding(dataset_size, tables, "Between the regimes")
    assert (found.outcome, found.value, found.at) == ("not tested", 30.0, "T(1 − S) = 2")  # another n
    tables["levels"] = tables["levels"].replace({"value": {1000: 10_000}})
    assert finding(dataset_size, tables, "Between the regimes").outcome == "differs"


def _norms(excess=1.02, crossing=True):
    """Tables of runs that lie a factor above the regular T-gon, two seeds for each T."""
    sizes = np.array([3, 5, 6, 7, 8, 10, 30])
    T = np.repeat(sizes, 2)
    runs = pd.DataFrame({"T": T, "seed": np.tile([0, 1], len(sizes)), "memorized": True, "disjoint": True})
    runs = runs.assign(
        diagnosis="regular T-gon",
        weight_norm=excess * tgon_weight_norm(T),
        bias_norm=(excess if crossing else 0.3) * tgon_bias_norm(T),
        hidden_length=T / 3,
        feature_length=T / 3,
        largest_bias=5.0,
    )
    theory = pd.DataFrame({"T": sizes, "weight_norm": tgon_weight_norm(sizes), "largest_bias": 22.1})
    theory["within_reach"] = np.where(sizes < 24, 1.0, 0.0)
    return {"runs": runs, "theory": theory, "published": published_norms().query("T <= 30")}


def test_norms_are_laid_beside_the_theory():
    tables = _norms()
    assert finding(norms, tables, "‖W‖ of runs").value == pytest.approx(1.02)
    assert finding(norms, tables, "‖b‖ starts").value == 7  # as `memorization.bias-overtakes` has it
    assert finding(norms, tables, "A regular T-gon needs").value == 30
    row = norms.summary(tables).query("T == 7").iloc[0].tolist()
    assert row == [7, 2, 2, *["1.02 (1.02 to 1.02)"] * 2]
    other = _norms(excess=0.9, crossing=False)
    assert finding(norms, other, "‖W‖ of runs").value == pytest.approx(0.9)
    assert finding(norms, other, "‖b‖ starts").value == 30
    runs = tables["runs"].assign(disjoint=(tables["runs"]["T"] != 7) | (tables["runs"]["seed"] == 0))
    counted = norms.summary(tables | {"runs": runs}).set_index("T")["seeds on disjoint data"]
    assert (counted[7], counted[8]) == (1, 2)
    nothing = tables | {"runs": tables["runs"].assign(memorized=False)}
    assert finding(norms, nothing, "‖W‖ of runs").n == len(norms.summary(nothing)) == 0


def test_the_published_norms_are_inside_or_outside():
    tables = _norms()
    assert finding(norms, tables, "The published ‖W‖").n > 0
    published = published_norms().query("T <= 10")
    own = tables["runs"].drop(columns="weight_norm").merge(published[["T", "weight_norm"]], on="T")
    found = finding(norms, tables | {"runs": own, "published": published}, "The published ‖W‖")
    assert found.value == found.n


def test_the_gallery_names_what_it_shows():
    small = {"T": 5, "n": 1000, "seed": 0, "train_loss": 0.1, "diagnosis": "regular T-gon", "evidence": ""}
    small |= {"stored": 0, "gap_deviation": 0.01, "radius_deviation": 0.02, "feature_norm": 2.05}
    large = small | {"T": 1000, "diagnosis": "stored features", "stored": 5}
    tables = {"models": pd.DataFrame([small, large])}
    assert finding(gallery, tables, "Gaps").value == 0.01
    five = finding(gallery, tables, "Large datasets")
    assert (five.outcome, five.at, round(five.value, 3)) == ("agrees", "T = 1000", 1.001)
    circles = {"models": pd.DataFrame([small | {"diagnosis": "two circles"}])}
    assert [each.outcome for each in gallery.findings(circles)[:2]] == ["differs", "not tested"]


def _run_of(hidden):
    """A run that stores one-hot datapoints at these hidden vectors, each with its exact bias."""
    T = hidden.shape[1]
    n = max(T, 12)
    return Run(
        setting=Setting(T=T, n=n),
        engine="cpu",
        status="memorized",
        W=np.pad(hidden, ((0, 0), (0, n - T))),
        b=np.pad(1 - np.sum(hidden**2, axis=0), (0, n - T)),
        history_step=np.array([0]),
        history_loss=np.array([0.0]),
        given_data=Dataset.from_dense(np.eye(n, T)),
    )


@pytest.mark.parametrize(("T", "inner"), [(8, [1.4]), (8, [1.439, 1.439]), (12, [2.0, 2.0, 2.0])])
def test_the_gaps_of_two_circles_are_measured(T, inner):
    """On the exact arrangement both interfaces have the gap of the formula, to the rounding of angles near π/2."""
    circles = two_circles(T, inner)
    run = _run_of(circles.hidden)
    assert diagnose_run(run).name == "two circles"
    rows = pd.DataFrame(failures.interface_gaps(run))
    gap = np.degrees(least_gaps([inner[0], circles.outer_squared])[0])
    np.testing.assert_allclose(rows[["gap", "least_gap"]], np.full((2, 2), gap), rtol=1e-9)


def test_a_gap_that_memorization_rules_out_is_seen():
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))

    def judged(**columns):
        found = failures._gaps(rows.assign(**columns))
        return found[0].outcome, *(each.value for each in found[1:4])

    assert judged() == ("agrees", 1.0, 0.0, pytest.approx(np.nan, nan_ok=True))
    assert judged(gap=rows["gap"] - 1)[::2] == ("differs", 1.0)
    assert judged(gap=rows["gap"] - 1, active=False)[::3] == ("agrees", 1.0)
    assert judged(gap=rows["gap"] + 20)[:2] == ("differs", 0.0)
    assert judged(disjoint=False)[0] == "not tested"
    # the second pair is as wide as its own run's larger error allows it to be
    uneven = rows.assign(gap=rows["gap"] - [0, 5], bound=rows["bound"] - [0, 15])
    assert [each.value for each in failures._gaps(uneven)[:5:4]] == [5.0, 0.5]


def _failures(last=0.1):
    """A hundred seeds at T = 5 and T = 20, with a share of regular T-gons at the latter; the others drop a point."""
    T, seed = np.repeat([5, 20], 100), np.tile(np.arange(100), 2)
    regular = (T == 5) | (seed < round(100 * last))
    runs = pd.DataFrame({"T": T, "seed": seed, "memorized": regular, "disjoint": True, "weight_ratio": 1.1})
    runs["diagnosis"] = np.where(regular, "regular T-gon", "dropped point")
    runs["dropped"] = np.where(regular, 0, 1)
    runs["train_loss"] = np.where(regular, 0.0, dropped_point_loss(20))
    gaps = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))
    return {"runs": runs, "shares": failures._shares(runs), "gaps": gaps}


def test_shares_of_seeds_stand_with_their_intervals():
    first, end = (finding(failures, _failures(), "Share of regular", place) for place in (0, 1))
    assert (first.value, first.at, end.value, end.n) == (1.0, "T = 5", 0.1, 100)
    assert end.high < first.low
    kinds = failures.summary(_failures()).set_index("kind")
    assert kinds["runs"].to_dict() == {"regular T-gon": 110, "dropped point": 90}
    assert kinds["‖W‖ over the least: median"]["regular T-gon"] == 1.1


def test_the_loss_of_dropped_points_agrees_or_does_not():
    tables = _failures()

    def shares():
        return [finding(failures, tables, "Of these", place).value for place in (0, 1)]

    assert finding(failures, tables, "Train loss of runs").value == 1.0
    assert finding(failures, tables, "Of these").n == 90
    assert shares() == [1.0, 0.0]
    tables["runs"].loc[tables["runs"]["seed"] >= 55, "train_loss"] *= 0.8
    assert shares() == [0.5, 0.0]
    tables["runs"].loc[tables["runs"]["seed"] >= 82, "train_loss"] *= 0.4
    assert shares() == [0.5, 0.2]
    assert finding(failures, _failures(last=1.0), "Of these").n == 0


def test_dropped_points_are_counted():
    run = _run_of(np.concatenate([tgon_hidden(6), np.zeros((2, 2))], axis=1))
    run.b[6:8] = 1 / 8  # the bias of a dropped point, its mean over the data
    assert diagnose_run(run).name == "dropped point"
    assert failures.collect([run], pd.DataFrame())["runs"]["dropped"].tolist() == [2]
