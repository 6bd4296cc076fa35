"""Experiment ``variants``: all are trained from the standard run's own dataset, and described by their numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import variants
from numerics import train
from numerics.other_models.variants import VARIANTS
from theory import Setting
from verify.style import render


@pytest.fixture(scope="module")
def tables():
    settings = [Setting(T=T, n=40, sparsity=0.9, steps=80, lr=0.02) for T in (4, 8, 30)]
    return variants.collect(train(settings, 2, out=None, progress=False), pd.DataFrame())


def test_every_variant_has_every_cell(tables):
    trained = tables["trained"]
    assert len(trained) == len(VARIANTS) * 3 * 2
    assert trained.groupby("variant", sort=False).size().to_dict() == dict.fromkeys(
        [variant.name for variant in VARIANTS], 6
    )
    tied = trained[~trained["variant"].str.contains("untied")]
    assert (tied["weight_norm"] == tied["decoder_norm"]).all()
    assert (trained["dead_hidden_units"] >= 0).all()
    quadrant = tables["points"].query("kind == 'hidden' and variant.str.contains('ReLU')")
    assert len(quadrant)
    assert (quadrant[["x", "y"]] >= 0).all(axis=None)


def test_figure_and_page_come_from_the_tables(tables):
    first, second = (render(variants.draw(tables), "svg") for _ in range(2))
    assert first == second
    assert "nan" not in variants.describe(tables)


def test_a_diverged_run_is_left_out_and_counted(tables):
    broken = tables["trained"].copy()
    numbers = broken.columns.drop(["variant", "T", "seed", "diverged"])
    broken.loc[broken["variant"] == "untied", numbers] = np.nan
    broken["diverged"] = broken["variant"] == "untied"
    text = variants.describe({**tables, "trained": broken})
    assert "| untied | all diverged |" in text
    assert "6 of 36 runs diverged" in text
    variants.draw({**tables, "trained": broken})


def test_the_page_says_which_runs_it_trained_and_what_chance_gives(tables):
    """One inner T, two seeds against four: 1/15 for each of six variants."""
    text = variants.describe(tables)
    assert "`tgon figure` trains the other 30 itself" in text
    assert "(by chance, on average, at most 0.4 of 6: 1/15 at each of 1 inner T)" in text


def test_the_bound_on_gaps_is_wider_than_that_of_the_diagnosis_by_the_factor_given():
    T = np.array([5, 10, 10])
    factor = np.sqrt(T - 1) * [0.99, 0.99, 1.01]
    rows = pd.DataFrame({"T": T, "gap_deviation": factor / (2 * T + 2), "length_spread": 0.0})
    assert variants._is_regular(rows).tolist() == [True, True, False]


SIZES = (5, 8, 100, 1000)


def _table(**changes):
    """A variant "plain" without any trait, and "tested" with what is given as a value for each of `SIZES`."""
    plain = {
        "test_loss": [1.05, 1.04, 1.03, 1.02],
        "worst_point_error": [0.9] * 4,
        "gap_deviation": [0.01] * 4,
        "length_spread": [0.01] * 4,
        "largest_feature_dimensionality": [0.05] * 4,
    }
    rows = [
        {"variant": name, "T": T, "seed": seed, "diverged": False, "dead_hidden_units": 0}
        | {key: value[k] + (1e-6 * seed) for key, value in (plain | given).items()}
        for name, given in (("plain", {}), ("tested", changes))
        for k, T in enumerate(SIZES)
        for seed in range(3)
    ]
    return {"trained": pd.DataFrame(rows)}


STORED = {"worst_point_error": [1e-5, 1e-5, 0.9, 0.9]}


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("have the bump", {"test_loss": [1.0, 1.01, 40.0, 0.99]}),
        ("predict better than the zero output", {"test_loss": [1.0, 1.0, 1.0, 0.9]}),
        ("store their datapoints as regular polygons", STORED),
        ("end, at the largest T, with features", {"largest_feature_dimensionality": [0.05, 0.05, 0.05, 0.3]}),
    ],
)
def test_a_trait_is_described_where_it_is_and_nowhere_else(sentence, changes):
    line = next(line for line in variants.describe(_table(**changes)).splitlines() if sentence in line)
    assert line.startswith("- **tested** ")
    assert line.endswith("not so: plain.")
    without = next(line for line in variants.describe(_table()).splitlines() if sentence in line)
    assert without.startswith("- **None** ")


@pytest.mark.parametrize(
    ("sentence", "changes"),
    [
        ("have the bump", {"test_loss": [1.0, 1.01, 1.02, 1.03]}),  # rising to the end
        ("have the bump", {"test_loss": [40.0, 1.01, 1.0, 0.99]}),  # falling from the start
        ("predict better than the zero output", {"test_loss": [0.9, 0.9, 0.9, 1.1]}),  # at small T only
        (
            "regular polygons",
            STORED | {"gap_deviation": [0.4] * 4},
        ),  # as far off as a polygon with a corner left out
        ("regular polygons", STORED | {"length_spread": [0.3] * 4}),  # on two circles
        ("end, at the largest T, with features", {"largest_feature_dimensionality": [0.3, 0.3, 0.3, 0.05]}),
    ],
)
def test_what_only_resembles_a_trait_is_not_described_as_it(sentence, changes):
    line = next(
        line
        for line in variants.describe(_table(**changes)).splitlines()
        if sentence in line and "- " in line
    )
    assert line.startswith("- **None** ")


@pytest.mark.parametrize(
    ("losses", "found"),
    [([1.0, 1.01, 40.0, 0.99], True), ([1.0, 1.01, 40.0, 1.02], False), ([1.0, 0.99, 0.98, 0.97], False)],
)
def test_double_descent_is_a_bump_and_a_recovery(losses, found):
    """Of the names that the replication reports; a bump that is not followed by generalization is not enough."""
    table = _table(test_loss=losses)["trained"].replace({"variant": {"tested": "ReLU on h"}})
    text = variants.describe({"trained": table})
    assert ("we find it for **ReLU on h**" in text) == found
    assert ("we find it for **none** of these" in text) == (not found)


@pytest.mark.parametrize("T", [3, 5, 8, 12])
def test_a_polygon_with_a_corner_left_out_is_not_regular(T):
    angle = 2 * np.pi * np.arange(T) / T
    missing = 2 * np.pi * np.arange(T) / (T + 1)
    for angles, regular in ((angle, True), (missing, False)):
        deviation = variants._gap_deviation(np.stack([np.cos(angles), np.sin(angles)]))
        row = pd.DataFrame({"T": [T], "gap_deviation": [deviation], "length_spread": [0.0]})
        assert variants._is_regular(row).tolist() == [regular]
        assert deviation == pytest.approx(0 if regular else np.sqrt(T - 1) / (T + 1), abs=1e-12)
