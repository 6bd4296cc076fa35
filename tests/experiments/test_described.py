"""What pages say is chosen by the numbers: each sentence on tables that have the effect, and on tables without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import dataset_size, failures, gallery, norms
from experiments.published import published_norms, published_test_loss
from numerics import Dataset, Run
from theory import Setting, tgon_bias_norm, tgon_weight_norm
from theory.memorization.failures import dropped_point_loss, two_circle_gap, two_circles
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import diagnose_run

SIZES = (3, 5, 10, 100, 300, 1000, 10_000)


def _dataset_size(losses, feature_dimensionality=0.3, jitter=1e-4):
    """Tables with a test loss for each of `SIZES`, four dataset seeds a little apart."""
    rows = [
        {
            "T": T,
            "data_seed": seed,
            "seed": 0,
            "status": "memorized" if T <= 5 else "not memorized",
            "train_loss": 0.1,
            "test_loss": loss + jitter * seed,
            "largest_data_dimensionality": 2 / T,
            "largest_feature_dimensionality": feature_dimensionality if T >= 1000 else 0.01,
            "weight_norm": 2.0 if T >= 1000 else float(T),
            "bias_norm": 0.5 if T >= 1000 else T**2 / 10,
            "chosen": True,
        }
        for T, loss in zip(SIZES, losses, strict=True)
        for seed in range(4)
    ]
    levels = {"n": 1000, "density": 0.01, "zero_output": 1.0, "bias_only": 0.99, "pentagon": 0.98}
    levels["generalization_scale"] = 1000.0
    return {
        "runs": pd.DataFrame(rows),
        "levels": pd.DataFrame({"level": list(levels), "value": list(levels.values())}),
        "published": published_test_loss(),
    }


def test_a_bump_is_described():
    text = dataset_size.describe(_dataset_size([1.08, 1.0, 1.01, 1.5, 90.0, 0.99, 0.99]))
    assert "**The bump is there**: at T = 300, T(1 − S) = 3" in text
    assert "divided by the 5 T it was chosen among" in text


@pytest.mark.parametrize(
    ("losses", "jitter"),
    [
        ([1.0] * 7, 1e-4),  # flat
        ([1.3, 1.2, 1.1, 1.05, 1.02, 1.0, 0.99], 1e-4),  # falling
        ([1.0, 1.0, 1.01, 1.02, 1.03, 1.04, 1.05], 1e-4),  # rising
        ([1.0, 1.0, 1.0, 1.0, 1.05, 1.0, 1.0], 0.05),  # a peak within the spread of seeds
    ],
)
def test_a_table_without_a_bump_is_not_described_as_having_one(losses, jitter):
    text = dataset_size.describe(_dataset_size(losses, jitter=jitter))
    assert "**The bump is not established**" in text
    assert "bump is there**" not in text


def test_the_course_of_the_norms_is_told():
    tables = _dataset_size([1.0] * 7)
    text = dataset_size.describe(tables)
    assert "‖W‖ from 3 to 300 at T = 300 and 2, ‖b‖ from 0.9 to 9e+03 at T = 300 and 0.5" in text
    assert "‖b‖ exceeds ‖W‖ at T = 100 to 300. At T = 10000 ‖W‖ is 0.894 times √5" in text
    runs = tables["runs"]
    gap = runs.assign(bias_norm=np.where(runs["T"].isin([3, 100]), 1e6, 0.1))
    assert "‖b‖ exceeds ‖W‖ at T = 3, 100. At" in dataset_size.describe(tables | {"runs": gap})


def test_what_models_gain_stands_beside_what_biases_and_pentagon_gain():
    text = dataset_size.describe(_dataset_size([1.0] * 6 + [0.985], jitter=0))
    assert "biases alone gain 10, the pentagon 20 and the median model 15." in text


def test_generalization_is_found_where_features_take_over():
    losses = [1.0] * 7
    found = dataset_size.describe(_dataset_size(losses))
    assert "are stored from T = 1000 on (T(1 − S) = 10, not at 300)" in found
    assert "with the authors and Jermyn's comment on what sets it the first agrees" in found
    assert "the zero output's at no T to the end" in found
    tables = _dataset_size([1.0] * 5 + [0.99, 0.99])
    tables["runs"].loc[tables["runs"]["T"] == 10_000, "largest_feature_dimensionality"] = 0.1
    lost = dataset_size.describe(tables)
    assert "are stored at no T to the end" in lost
    assert "the zero output's from T = 1000 on" in lost
    early = _dataset_size(losses)
    early["runs"]["largest_feature_dimensionality"] = 0.3
    assert "from T = 3 on (T(1 − S) = 0.03)" in dataset_size.describe(early)
    absent = dataset_size.describe(_dataset_size(losses, feature_dimensionality=0.1))
    assert "the runs do not show where generalization sets in" in absent
    assert "Published are onsets" not in absent


def test_the_published_curve_is_compared_where_features_are_seen_as_often():
    tables = _dataset_size([1.0] * 7)
    sizes = tables["runs"]["T"].replace({300: 200})
    tables["runs"] = tables["runs"].assign(T=sizes, test_loss=np.where(sizes == 200, 30.0, 1.0))
    text = dataset_size.describe(tables)
    assert "1.0148 at T(1 − S) = 2, where ours has 30 (median)" in text
    assert "far above the published ones" in text
    assert "At a different n only places" in text
    assert "where ours has" not in dataset_size.describe(_dataset_size([1.0] * 7))


def test_regular_polygons_are_found_by_dimensionality():
    tables = _dataset_size([1.0] * 7)
    assert "shows, at T = 3, 5 (2 of 2 T up to 30);" in dataset_size.describe(
        tables
    )  # up to the largest loss, the first of equals
    tables["runs"]["largest_data_dimensionality"] *= 1.2
    assert "Nowhere" in dataset_size.describe(tables)


def _norms(excess=1.02, crossing=True, lengths=lambda T: T / 3):
    """Tables of runs that lie a factor above the regular T-gon."""
    sizes = np.array([3, 5, 6, 7, 8, 10, 30])
    rows = [
        {
            "T": int(T),
            "seed": seed,
            "memorized": True,
            "disjoint": True,
            "diagnosis": "regular T-gon",
            "weight_norm": excess * tgon_weight_norm(T),
            "bias_norm": (excess if crossing else 0.3) * tgon_bias_norm(T),
            "hidden_length": lengths(T),
            "feature_length": lengths(T),
            "largest_bias": 5.0,
        }
        for T in sizes
        for seed in range(2)
    ]
    theory = pd.DataFrame({"T": sizes, "weight_norm": tgon_weight_norm(sizes), "largest_bias": 22.1})
    theory["within_reach"] = np.where(sizes < 24, 1.0, 0.0)
    return {"runs": pd.DataFrame(rows), "theory": theory, "published": published_norms().query("T <= 30")}


def test_norms_that_follow_the_theory_are_described_so():
    text = norms.describe(_norms())
    assert "within 10 % of the regular T-gon's at T = 3, 5, 6, 7, 8, 10, 30, above it at T = none" in text
    assert "| 7 | 2/2 | 1.020 (1.020 to 1.020) | 1.020 (1.020 to 1.020) |" in text
    assert "None of these runs is below the least norm; it bounds runs that memorize" in text
    assert (
        "from T = 7 on; the theory says from T = 7 on (`memorization.bias-overtakes`): every T here agrees"
        in text
    )
    assert "half of all datasets from T = 30 on" in text


def test_norms_that_do_not_are_not():
    text = norms.describe(_norms(excess=1.5, crossing=False, lengths=lambda T: 1 / T))
    assert "within 10 % of the regular T-gon's at T = none, above it at T = 3, 5, 6, 7, 8, 10, 30" in text
    assert "every T here agrees" not in text
    assert "The lowest ratio is 0.9" in norms.describe(_norms(excess=0.9))
    assert "nothing to be compared with" in norms.describe(
        {**_norms(), "runs": _norms()["runs"].assign(memorized=False)}
    )


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ([1, 5, 4], "longest feature 5 at T = 30, 4 at T = 100 (the place agrees)"),
        ([5, 4, 3], "longest feature 5 at T = 10, 3 at T = 100 (the place differs)"),
        ([1, 2, 3], "longest feature 3 at the last T = 100 (differs, it rises to the end)"),
    ],
)
def test_each_length_has_its_own_verdict_on_the_published_peak(course, words):
    """The other three always peak at T = 30."""
    names = ["hidden_length", "weight_norm", "bias_norm"]
    runs = pd.DataFrame({"T": [10, 30, 100], "feature_length": course} | {name: [1, 5, 4] for name in names})
    text = str(norms._growth({"runs": runs}))
    assert words in text
    assert text.count("the place agrees") == 3 + ("agrees" in words)
    assert "What follows T = 100, of the norms, is told on [dataset-size]" in text
    assert "first replication" not in text
    rising = runs.assign(weight_norm=[1, 2, 3], bias_norm=[1, 2, 3])
    assert "Both norms rise as in the paper's first replication" in str(norms._growth({"runs": rising}))
    early = norms._growth({"runs": runs.iloc[:2].assign(feature_length=[1, 2])})
    assert str(early).count("(not tested)") == 4
    assert list(early.outcomes.values()) == ["not tested"]


def test_the_published_norms_are_inside_or_outside():
    assert "outside it at" in norms.describe(_norms())
    assert "the range of our 2 seeds, memorizing or not, at" in norms.describe(_norms())
    uneven = {**_norms(), "runs": _norms()["runs"].iloc[1:]}
    assert "of our 1 to 2 seeds" in norms.describe(uneven)


def test_only_seeds_on_disjoint_data_are_counted():
    tables = _norms()
    runs = tables["runs"].assign(disjoint=(tables["runs"]["T"] != 7) | (tables["runs"]["seed"] == 0))
    text = norms.describe({**tables, "runs": runs})
    assert "| 7 | 1/1 | 1.020" in text
    assert "| 8 | 2/2 | 1.020" in text
    assert "share no feature, of 2 for each T." in text
    published = published_norms().query("T <= 10")
    tables = _norms()
    own = tables["runs"].drop(columns="weight_norm").merge(published[["T", "weight_norm"]], on="T")
    assert "nowhere outside it" in norms.describe({**tables, "runs": own, "published": published})


def _model(T, name, evidence="", norm=2.05, stored=0):
    return {
        "T": T,
        "n": 1000,
        "seed": 0,
        "train_loss": 0.1,
        "diagnosis": name,
        "stored": stored,
        "evidence": evidence,
        "gap_deviation": 0.01,
        "radius_deviation": 0.02,
        "feature_norm": norm,
    }


def test_the_gallery_names_what_it_shows():
    stored = _model(1000, "stored features", "5 columns of W of norm 0.9, the next 0.3", stored=5)
    text = gallery.describe({"models": pd.DataFrame([_model(5, "regular T-gon"), stored])})
    assert "those at T = 5 are regular and agree, those at T = none differ" in text
    assert (
        "have 2.05, +0.1% from the pentagon and -8.3% from √5: they agree with the pentagon within 15%"
        in text
    )
    assert "**regular T-gon**: memorized" in text
    assert "**two circles**" not in text
    far = gallery.describe(
        {"models": pd.DataFrame([_model(5, "two circles"), {**stored, "feature_norm": 3.0}])}
    )
    assert "those at T = none are regular and agree, those at T = 5 differ" in far
    assert "stray from 2π/T" not in far.split("- The paper")[1]
    assert "have 3, +46.4% from the pentagon and +34.2% from √5: they do not all agree" in far
    four = gallery.describe({"models": pd.DataFrame([{**stored, "stored": 4}])})
    assert "None of these models stores five" in four
    none = gallery.describe({"models": pd.DataFrame([_model(5, "two circles")])})
    assert "No model shown stores features" in none


def _run_of(hidden):
    """A run that stores one-hot datapoints at these hidden vectors, each with its exact bias."""
    T = hidden.shape[1]
    return Run(
        setting=Setting(T=T, n=max(T, 12)),
        engine="cpu",
        status="memorized",
        W=np.pad(hidden, ((0, 0), (0, max(T, 12) - T))),
        b=np.pad(1 - np.sum(hidden**2, axis=0), (0, max(T, 12) - T)),
        history_step=np.array([0]),
        history_loss=np.array([0.0]),
        given_data=Dataset.from_dense(np.eye(max(T, 12), T)),
    )


@pytest.mark.parametrize(("T", "inner"), [(8, [1.4]), (8, [1.439, 1.439]), (12, [2.0, 2.0, 2.0])])
def test_the_gaps_of_two_circles_are_measured(T, inner):
    """On the exact arrangement both interfaces have the gap of the formula, to the rounding of angles near π/2."""
    circles = two_circles(T, inner)
    run = _run_of(circles.hidden)
    assert diagnose_run(run).name == "two circles"
    rows = pd.DataFrame(failures.interface_gaps(run))
    assert len(rows) == 2
    gap = np.degrees(two_circle_gap(inner[0], circles.outer_squared))
    np.testing.assert_allclose(rows["gap"], gap, rtol=1e-9)
    np.testing.assert_allclose(rows["least_gap"], gap, rtol=1e-9)


def _failures(gaps, last=0.1):
    """Tables of a hundred seeds at T = 5 and T = 20, with a share of regular T-gons at the latter."""
    rows = []
    for T, share in ((5, 1.0), (20, last)):
        count = round(100 * share)
        names = ["regular T-gon"] * count + ["dropped point"] * (100 - count)
        rows += [
            {
                "T": T,
                "seed": k,
                "diagnosis": name,
                "memorized": name != "dropped point",
                "disjoint": True,
                "weight_ratio": 1.1,
                "dropped": int(name == "dropped point"),
                "train_loss": dropped_point_loss(T) if name == "dropped point" else 0.0,
            }
            for k, name in enumerate(names)
        ]
    listed = pd.DataFrame(rows)
    return {"runs": listed, "shares": failures._shares(listed), "gaps": pd.concat(gaps)}


def test_a_gap_that_memorization_rules_out_is_said():
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))
    fair = failures.describe(_failures([rows]))
    assert "what memorization costs, and mostly no more" in fair
    assert "rules out" not in fair
    narrow = failures.describe(_failures([rows.assign(gap=rows["gap"] - 5)]))
    assert "**2 are narrower than memorization allows**" in narrow
    unbound = failures.describe(_failures([rows.assign(gap=rows["gap"] - 5, active=False)]))
    assert (
        "of the 2 in the other runs, which give up features of small amplitude, 2 are, by at most 5°"
        in unbound
    )
    assert "rules out" not in unbound
    wide = failures.describe(_failures([rows.assign(gap=rows["gap"] + 20)]))
    assert "not fully explained by it" in wide
    assert "nothing to be held to" in failures.describe(_failures([rows.assign(disjoint=False)]))


def test_gaps_are_judged_by_the_error_of_their_own_run():
    """Two pairs that are exact, in one run; then with an error that allows ten degrees less than they have."""
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))
    exact = failures.describe(_failures([rows]))
    assert "have 2 pairs of neighbours across the interface, in 1 runs and so not independent" in exact
    assert "100% are within 2° of the least, the excess is 0.00° in the median, 0.0° in the mean" in exact
    assert "Without that error" not in exact
    uneven = rows.assign(gap=rows["gap"] - [0, 5], bound=rows["bound"] - [0, 15])
    text = failures.describe(_failures([uneven]))
    assert "none is narrower than the run's own error allows" in text
    assert (
        "50% are within 2° of the least, the excess is 5.00° in the median, 5.0° in the mean and 10.0° at"
        in text
    )
    assert "Without that error 1 would be too narrow by over 0.1°, at most 5.0°." in text


def test_shares_fall_or_do_not():
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))
    assert "the share of regular T-gons falls: 100% (96% to 100%) against 10%" in failures.describe(
        _failures([rows])
    )
    level = failures.describe(_failures([rows], last=1.0))
    assert "does not clearly fall" in level


def test_the_loss_of_dropped_points_agrees_or_does_not():
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))
    tables = _failures([rows])
    fair = failures.describe(tables)
    assert (
        "90 runs on disjoint data drop 1 to 1 points. Their train loss is 1.000 (median; 5 % and 95 % quantile "
        "1.000 and 1.000) times" in fair
    )
    assert "100% agree within 10%, 0% lose a third of it or less" in fair
    tables["runs"].loc[tables["runs"]["seed"] >= 55, "train_loss"] *= 0.8
    assert "50% agree within 10%, 0% lose" in failures.describe(tables)
    tables["runs"].loc[tables["runs"]["seed"] >= 82, "train_loss"] *= 0.4
    assert "50% agree within 10%, 20% lose a third" in failures.describe(tables)
    assert "drops a point" in failures.describe(_failures([rows], last=1.0))


def test_dropped_points_are_counted():
    hidden = np.concatenate([tgon_hidden(6), np.zeros((2, 2))], axis=1)
    run = _run_of(hidden)
    run.b[6:8] = 1 / 8  # the bias of a dropped point, its mean over the data
    assert diagnose_run(run).name == "dropped point"
    assert failures.count_dropped(run) == 2
