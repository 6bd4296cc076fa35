"""Findings of the first four experiments: tables that have the effect, and tables without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import dataset_size, failures, gallery, norms
from experiments.published import published_test_loss
from numerics import Dataset, Run
from theory import Setting, tgon_bias_norm, tgon_weight_norm
from theory.memorization.failures import dropped_point_loss, two_circle_gap, two_circles
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import diagnose_run
from verify.figures.norms import published_norms

SIZES = (3, 5, 10, 100, 300, 1000, 10_000)


def finding(module, tables, start, place=0):
    """The finding whose statement begins so, of several the one at that place."""
    return [each for each in module.findings(tables) if each.statement.startswith(start)][place]


def _dataset_size(losses, feature_dimensionality=0.3, jitter=1e-4):
    """Tables with a test loss for each of `SIZES`, four dataset seeds a little apart."""
    sizes, seeds = np.repeat(SIZES, 4), np.tile(np.arange(4), len(SIZES))
    late = sizes >= 1000
    runs = pd.DataFrame({"T": sizes, "data_seed": seeds, "seed": 0, "chosen": True, "train_loss": 0.1})
    runs["status"] = np.where(sizes <= 5, "memorized", "not memorized")
    runs["test_loss"] = np.repeat(losses, 4) + jitter * seeds
    runs["largest_data_dimensionality"] = 2 / sizes
    runs["largest_feature_dimensionality"] = np.where(late, feature_dimensionality, 0.01)
    runs["weight_norm"] = np.where(late, 2.0, sizes)
    runs["bias_norm"] = np.where(late, 0.5, sizes**2 / 10)
    levels = {"n": 1000, "density": 0.01, "zero_output": 1.0, "bias_only": 0.99, "pentagon": 0.98}
    levels["generalization_scale"] = 1000.0
    table = pd.DataFrame({"level": list(levels), "value": list(levels.values())})
    return {"runs": runs, "levels": table, "published": published_test_loss()}


@pytest.mark.parametrize(
    ("losses", "jitter", "outcome"),
    [
        ([1.08, 1.0, 1.01, 1.5, 90.0, 0.99, 0.99], 1e-4, "agrees"),
        ([1.0] * 7, 1e-4, "not decided"),  # flat
        ([1.3, 1.2, 1.1, 1.05, 1.02, 1.0, 0.99], 1e-4, "not decided"),  # falling
        ([1.0, 1.0, 1.01, 1.02, 1.03, 1.04, 1.05], 1e-4, "not decided"),  # rising
        ([1.0, 1.0, 1.0, 1.0, 1.05, 1.0, 1.0], 0.05, "not decided"),  # a peak within the spread of seeds
    ],
)
def test_a_bump_is_there_or_not(losses, jitter, outcome):
    found = finding(dataset_size, _dataset_size(losses, jitter=jitter), "The test loss rises")
    assert found.outcome == outcome
    if outcome == "agrees":
        assert (found.at, found.n) == ("T = 300", 4)
        assert found.low < 90 / 0.99 < found.high


def test_what_models_gain_stands_beside_what_biases_and_pentagon_gain():
    tables = _dataset_size([1.0] * 6 + [0.985], jitter=0)
    gains = [each.value for each in dataset_size.findings(tables) if each.statement.startswith("Gain")]
    np.testing.assert_allclose(gains, [15, 10, 20])


def test_generalization_is_found_where_features_take_over():
    tables = _dataset_size([1.0] * 7)
    authors = finding(dataset_size, tables, "Features are stored from T(1 − S) = 5 on")
    assert (authors.outcome, authors.value, authors.low) == ("agrees", 10, 3)
    tables["runs"].loc[tables["runs"]["T"] == 10_000, "largest_feature_dimensionality"] = 0.1
    assert finding(dataset_size, tables, "Features are stored").outcome == "not tested"
    absent = _dataset_size([1.0] * 7, feature_dimensionality=0.1)
    assert np.isnan(finding(dataset_size, absent, "Features are stored").value)


def test_the_published_curve_is_compared_where_features_are_seen_as_often():
    tables = _dataset_size([1.0] * 7)
    sizes = tables["runs"]["T"].replace({300: 200})
    tables["runs"] = tables["runs"].assign(T=sizes, test_loss=np.where(sizes == 200, 30.0, 1.0))
    found = finding(dataset_size, tables, "Between the regimes")
    assert (found.outcome, found.value, found.at) == ("not tested", 30.0, "T(1 − S) = 2")  # another n
    tables["levels"] = tables["levels"].replace({"value": {1000: 10_000}})
    assert finding(dataset_size, tables, "Between the regimes").outcome == "differs"
    assert finding(dataset_size, _dataset_size([1.0] * 7), "Between the regimes").outcome == "not tested"


def test_regular_polygons_are_found_by_dimensionality():
    tables = _dataset_size([1.0] * 7)
    found = finding(dataset_size, tables, "Up to T = 30")
    assert (found.outcome, found.value, found.n) == (
        "agrees",
        2,
        2,
    )  # up to the largest loss, the first of equals
    tables["runs"]["largest_data_dimensionality"] *= 1.2
    assert finding(dataset_size, tables, "Up to T = 30").outcome == "differs"


def _norms(excess=1.02, crossing=True, lengths=lambda T: T / 3):
    """Tables of runs that lie a factor above the regular T-gon, two seeds for each T."""
    sizes = np.array([3, 5, 6, 7, 8, 10, 30])
    T = np.repeat(sizes, 2)
    runs = pd.DataFrame({"T": T, "seed": np.tile([0, 1], len(sizes)), "memorized": True, "disjoint": True})
    runs = runs.assign(
        diagnosis="regular T-gon",
        weight_norm=excess * tgon_weight_norm(T),
        bias_norm=(excess if crossing else 0.3) * tgon_bias_norm(T),
        hidden_length=lengths(T),
        feature_length=lengths(T),
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
    nothing = tables | {"runs": tables["runs"].assign(memorized=False)}
    assert finding(norms, nothing, "‖W‖ of runs").n == len(norms.summary(nothing)) == 0


def test_only_seeds_on_disjoint_data_are_counted():
    tables = _norms()
    runs = tables["runs"].assign(disjoint=(tables["runs"]["T"] != 7) | (tables["runs"]["seed"] == 0))
    counted = norms.summary(tables | {"runs": runs}).set_index("T")["seeds on disjoint data"]
    assert (counted[7], counted[8]) == (1, 2)


@pytest.mark.parametrize(("course", "agree"), [([1, 5, 4], 4), ([5, 4, 3], 3), ([1, 2, 3], 3)])
def test_each_length_has_its_own_verdict_on_the_published_peak(course, agree):
    """The other three always peak at T = 30."""
    names = ["hidden_length", "weight_norm", "bias_norm"]
    runs = pd.DataFrame({"T": [10, 30, 100], "feature_length": course} | {name: [1, 5, 4] for name in names})
    found = norms._growth(runs)
    assert (found.value, found.outcome) == (agree, "agrees" if agree == 4 else "agrees in part")
    assert norms._growth(runs.iloc[:2].assign(feature_length=[1, 2])).outcome == "not tested"


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
    gap = np.degrees(two_circle_gap(inner[0], circles.outer_squared))
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

    assert (
        finding(failures, tables, "Train loss of runs").value,
        finding(failures, tables, "Of these").n,
    ) == (1.0, 90)
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
    assert failures.count_dropped(run) == 2
