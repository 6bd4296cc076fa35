"""Experiment ``variants``: all are trained from the standard run's own dataset, and judged by their numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import variants
from experiments.commentary import outcomes
from experiments.variants import _is_regular, traits_of
from numerics import train
from numerics.other_models.variants import VARIANTS
from theory import Setting
from verify.stored_features import gap_deviation


@pytest.fixture(scope="module")
def tables():
    settings = [Setting(T=T, n=40, sparsity=0.9, steps=40, lr=0.02) for T in (4, 8, 30)]
    return variants.collect(train(settings, 2, out=None, progress=False))


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


def test_a_diverged_run_is_left_out_and_counted(tables):
    broken = tables["trained"].copy()
    numbers = broken.columns.drop(["variant", "T", "seed", "diverged"])
    broken.loc[broken["variant"] == "untied", numbers] = np.nan
    broken["diverged"] = broken["variant"] == "untied"
    table = variants.summary({"trained": broken}).set_index("variant")
    assert table.loc["untied"].iloc[0] == "all diverged"
    *_, counted = variants.findings({"trained": broken})
    assert (counted.value, counted.n) == (6, 36)
    variants.draw({**tables, "trained": broken})


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


FEATURES = {"largest_feature_dimensionality": [0.05, 0.05, 0.05, 0.3]}


@pytest.mark.parametrize(
    ("trait", "changes", "has"),
    [
        ("bump", {"test_loss": [1.0, 1.01, 40.0, 0.99]}, True),
        ("bump", {"test_loss": [1.0, 1.01, 1.02, 1.03]}, False),  # rising to the end
        ("bump", {"test_loss": [40.0, 1.01, 1.0, 0.99]}, False),  # falling from the start
        ("recovered", {"test_loss": [1.0, 1.0, 1.0, 0.9]}, True),
        ("recovered", {"test_loss": [0.9, 0.9, 0.9, 1.1]}, False),  # at small T only
        ("polygons", STORED, True),
        ("polygons", STORED | {"gap_deviation": [0.4] * 4}, False),  # as far off as with a corner left out
        ("polygons", STORED | {"length_spread": [0.3] * 4}, False),  # on two circles
        ("features", FEATURES, True),
        ("features", {"largest_feature_dimensionality": [0.3, 0.3, 0.3, 0.05]}, False),
    ],
)
def test_a_trait_is_found_where_it_is_and_nowhere_else(trait, changes, has):
    table = _table(**changes)["trained"]
    plain, tested = (traits_of(table[table["variant"] == name]) for name in ("plain", "tested"))
    assert (trait in tested) is has
    assert trait not in plain


def test_a_bump_without_generalization_is_no_double_descent():
    losses = [1.0, 1.01, 40.0, 1.02]
    table = _table(test_loss=losses)["trained"].replace({"variant": {"tested": "ReLU on h"}})
    found = outcomes(variants.findings({"trained": table}))
    assert found["There is double descent with a ReLU between the layers (Hobbhahn)"] == "differs"


@pytest.mark.parametrize("T", [3, 5, 8, 12])
def test_a_polygon_with_a_corner_left_out_is_not_regular(T):
    angle = 2 * np.pi * np.arange(T) / T
    missing = 2 * np.pi * np.arange(T) / (T + 1)
    for angles, regular in ((angle, True), (missing, False)):
        deviation = gap_deviation(np.stack([np.cos(angles), np.sin(angles)]))
        row = pd.DataFrame({"T": [T], "gap_deviation": [deviation], "length_spread": [0.0]})
        assert _is_regular(row).tolist() == [regular]
        assert deviation == pytest.approx(0 if regular else np.sqrt(T - 1) / (T + 1), abs=1e-12)
