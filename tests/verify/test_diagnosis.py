"""Every name of a diagnosis, on models built to deserve it."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from scipy.linalg import block_diag

from numerics import Dataset, measure
from numerics.data import distinct_points
from tests.small_runs import diverged_run
from theory import MEMORIZED_ERROR, Setting, predict
from theory.features.polygon import polygon
from theory.memorization.tgon import simplex_hidden, tgon_hidden
from theory.memorization.unequal_norms import least_norm_tied
from theory.polygon_geometry import polygon_vertices
from verify import diagnose
from verify.diagnosis import diagnose_run
from verify.end_states import _CODES, END_STATES, build, sparse_data
from verify.stored_features import arrangement, find_stored, nearest_law
from verify.strategies import Model, memorizing_models


def _one_hot(hidden, coefficient=None):
    coefficient = 1 - (hidden**2).sum(axis=0) if coefficient is None else coefficient
    return measure(Model(hidden, coefficient), Dataset.from_dense(np.eye(hidden.shape[1])))


def _two_circles(inner_gap):
    """Six neighbouring points of a 24-gon, two short ones on the other side."""
    angles = np.concatenate([np.arange(6) * 2 * np.pi / 24, [3.2, 3.2 + inner_gap]])
    radii = np.concatenate([np.full(6, 5.5), np.full(2, 1.6)])
    return radii * np.array([np.cos(angles), np.sin(angles)])


@given(memorizing_models(min_T=3))
def test_least_norm_memorizers_are_regular(case):
    assert diagnose(measure(*case)).name == "regular T-gon"


def _straying(share, T=10):
    """Gaps that stray to both sides of 2π/T by this share of 1/(2T + 2) of it."""
    angles = np.cumsum(2 * np.pi / T * (1 + share / (2 * T + 2) * np.resize([1, -1], T)))
    return 4.0 * np.array([np.cos(angles), np.sin(angles)])


def _one_longer(factor):
    return 2 * tgon_hidden(6) * np.where(np.arange(6) == 0, factor, 1.0)


def _one_corner_longer(squares):
    """A tetrahedron with one square so many times the others, which keep it the least at its scale."""
    return predict(Setting(T=4, m=3)).hidden * np.where(np.arange(4) == 0, np.sqrt(squares), 1.0)


#: Hidden vectors of one-hot datapoints, with the bias that each needs, and their names.
_SHAPES = {
    "two radii": (_two_circles(inner_gap=1.0), "two circles"),
    "a last gap of 2.28": (
        2.0 * np.array([np.cos(np.arange(5.0)), np.sin(np.arange(5.0))]),
        "irregular polygon",
    ),
    "gaps within the rule in words": (_straying(0.98), "regular T-gon"),
    "gaps beyond it": (_straying(1.02), "irregular polygon"),
    "lengths within a tenth": (_one_longer(1.09), "regular T-gon"),
    "lengths beyond": (_one_longer(1.11), "two circles"),
    "energy within a twentieth": (_one_corner_longer(1 + 4 * 0.049), "minimum-norm code"),
    "energy beyond": (_one_corner_longer(1 + 4 * 0.051), "memorized code"),
    "too short": (0.99 * tgon_hidden(5), "not converged"),
}


@pytest.mark.parametrize(("hidden", "name"), _SHAPES.values(), ids=_SHAPES)
def test_shapes_are_named(hidden, name):
    record = _one_hot(hidden)
    assert record.memorized == (name != "not converged")
    assert diagnose(record).name == name


@pytest.mark.parametrize(("norms", "lengths"), [([3] * 5, "0.0%"), ([1, 1, 1, 1.2, 1.2], "12.7%")])
def test_lengths_are_in_units_of_the_norms(norms, lengths):
    """The least norm for datapoints of two norms has two lengths as well: their ratio of 1.137 is no failure."""
    least = least_norm_tied(np.array(norms, dtype=float))
    b = norms * (1 - np.sum(least.hidden * least.decoder, axis=0))
    found = diagnose(measure((least.hidden / norms, b), np.diag(norms)))
    assert (found.name, f"radii within {lengths}" in found.evidence) == ("regular T-gon", True), found


@pytest.mark.parametrize(
    ("length", "error", "name"),
    [
        (0.49, 0.5, "dropped point"),
        (0.51, 0.5, "not converged"),
        (0.49, 0.11, "dropped point"),
        (0.49, 0.09, "two circles"),
        (0.51, 0.39, "two circles"),
        (0.51, 0.41, "not converged"),
    ],
)
def test_a_short_point_is_dropped_or_on_another_circle_or_neither(length, error, name):
    """Of eight points, less than half as long as the others and of an error of a tenth; or six tenths are kept."""
    record = _one_hot(tgon_hidden(8) * np.append(np.ones(7), length))
    assert diagnose(replace(record, point_error=np.append(np.zeros(7), error))).name == name


@pytest.mark.parametrize(("ratio", "name"), [(2.95, "not converged"), (3.05, "clusters")])
def test_bundles_are_clusters_where_they_lie_three_times_as_far_apart(ratio, name):
    """Pairs at angles ±d to the corners of a triangle: sin d within to sin(π/3 − d) between."""
    corners, tangent = tgon_hidden(3), 3**0.5 / (2 * ratio + 1)
    aside = np.repeat([-corners[1], corners[0]], 2, axis=1) * np.resize([1, -1], 6)
    X = np.vstack([np.repeat(np.eye(3), 2, axis=1), np.eye(6) / 2]) / 1.25**0.5
    model = np.hstack([corners, 2 * tangent * aside]), np.append(1 - np.sum(corners**2, axis=0), np.zeros(6))
    assert diagnose(measure(model, X), model, X).name == name
    pointing_nowhere = np.pad(model[0], ((0, 0), (0, 1))), np.append(model[1], 0.0)
    X = block_diag(X, 1.0)
    assert diagnose(measure(pointing_nowhere, X), pointing_nowhere, X).name == "not converged"


@pytest.mark.parametrize("seed", [46, 194])
def test_two_datapoints_of_a_bundle_may_nearly_coincide(seed):
    """Then the lengths at which points of one bundle join differ by more than bundles from points."""
    model, data = build("clusters", np.random.default_rng(seed), 0.5)
    assert diagnose(measure(model, data), model, data).name == "clusters"


@pytest.mark.parametrize(
    ("spread", "share", "name"),
    [
        (0.099, 1.0, "collapsed"),
        (0.101, 1.0, "not converged"),
        (0.05, 0.30, "collapsed"),
        (0.05, 0.28, "not converged"),
    ],
)
def test_outputs_that_hardly_differ_and_save_half_of_what_the_mean_does_have_collapsed(spread, share, name):
    """‖W‖ ‖h‖ on five one-hot datapoints; outputs of a share s of the mean save 2s − s² of that."""
    W = np.full((1, 5), np.sqrt(spread / 5**0.5))
    model = W, share / 5 - W[0] ** 2
    assert diagnose(measure(model, np.eye(5)), model, np.eye(5)).name == name


@pytest.mark.parametrize(("kind", "least"), [("clean", 0.98), ("perturbed", 0.90)])
def test_the_confusion_matrix_is_of_these_states_and_good(kind, least):
    """The committed table of benchmarks/diagnosis.py."""
    with (Path(__file__).parents[2] / "benchmarks" / f"diagnosis_{kind}.csv").open() as file:
        (_, *columns), *rows = csv.reader(file)
    assert columns == [name for name, *_ in rows] == list(END_STATES)
    matrix = np.array([counts for _, *counts in rows], dtype=int)
    assert matrix.sum() >= 300
    assert np.trace(matrix) >= least * matrix.sum()


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("name", END_STATES)
def test_models_of_known_end_states_are_named(name, noise, monkeypatch):
    """Two of each, the small twin of the confusion matrix; codes of four and five dimensions compile for seconds."""
    monkeypatch.setattr("verify.end_states._CODES", [code for code in _CODES if code[1] <= 3])
    for model, data in (build(name, np.random.default_rng(seed), noise) for seed in range(2)):
        found = diagnose(measure(model, data), model, data)
        assert found.name == name, found.evidence


def test_predictions_are_their_own_shapes_and_divergence_is_named():
    assert diagnose(predict(Setting(T=1))).name == "single point"
    assert diagnose(predict(Setting(T=4, m=3))).name == "minimum-norm code"
    assert diagnose(predict(Setting(T=2))).name == "minimum-norm code"
    found = diagnose_run(diverged_run(Setting(T=3, n=4)))
    assert (found.name, "step 4" in found.evidence) == ("diverged", True)


@pytest.mark.parametrize(("name", "error"), [("dropped point", 0.1), ("silent own output", 1e-4)])
def test_the_datapoints_of_a_failure_are_those_with_errors(name, error):
    for seed in range(5):
        model, data = build(name, np.random.default_rng(seed))
        errors = measure(model, data).point_error
        unmet = [t for t in distinct_points(data).first if errors[t] > error]
        found = diagnose(measure(model, data), model, data)
        assert list(found.datapoints) == unmet
        assert f"{len(unmet)} of " in found.evidence


def test_few_long_columns_are_stored_features():
    """Two hundred and forty datapoints of one of twelve features each, five features stored as a pentagon."""
    W = np.hstack([polygon_vertices(5, 1.0), np.full((2, 7), 0.05)])
    X = np.eye(12)[:, np.arange(240) % 12]
    found = diagnose(measure((W, np.zeros(12)), X), (W, np.zeros(12)), X)
    assert (found.name, found.features) == ("stored features", (0, 1, 2, 3, 4))
    assert "5 of 12 features stored: regular pentagon" in found.evidence
    assert "; the nearest amplitude law, any at zero bias, has norm " in found.evidence
    assert diagnose(measure((W, np.zeros(12)), X)).name != "stored features"


@pytest.mark.parametrize(
    ("times", "radius_squared", "stored"), [(9, 1.0, 0), (10, 1.0, 5), (12, 0.35, 0), (12, 0.5, 5)]
)
def test_a_feature_is_stored_from_ten_occurrences_on_where_six_tenths_are_kept(times, radius_squared, stored):
    """Own outputs are r, so that 1 − (1 − r)² is kept: all, 0.58 and 0.75."""
    points = distinct_points(Dataset.from_dense(np.eye(5)[:, np.arange(5 * times) % 5]))
    found = find_stored(polygon_vertices(5, radius_squared), np.zeros(5), points, memorized=False)
    assert len(found) == stored


@pytest.mark.parametrize("seed", range(8))
def test_an_octagon_is_found_on_thirty_occurrences_of_each_feature(seed):
    """Of its eight features one or two have amplitudes of which less than six tenths are kept, by chance."""
    numbers, octagon = np.random.default_rng(seed), polygon(8, "uniform")
    model = np.zeros((2, 20)), np.append(np.full(8, octagon.bias), np.zeros(12))
    model[0][:, :8] = polygon_vertices(8, octagon.radius_squared)
    X = np.tile(np.eye(20), 30) * numbers.uniform(size=600)
    found = diagnose(measure(model, X), model, X)
    assert found.features == tuple(range(8))
    assert "regular octagon" in found.evidence


def test_copies_of_memorized_one_hot_datapoints_are_no_features():
    X = np.eye(6)[:, np.arange(120) % 6]
    model = tgon_hidden(6), 1 - np.sum(tgon_hidden(6) ** 2, axis=0)
    assert diagnose(measure(model, X), model, X).name == "regular T-gon"


@pytest.mark.parametrize("law", ["constant", "uniform", "free"])
@pytest.mark.parametrize("k", [5, 7])
def test_rings_fit_the_law_that_they_were_built_for(k, law):
    ring = polygon(k, law)
    points = distinct_points(sparse_data(np.random.default_rng(k), k, 400, alone=True, law="uniform"))
    found = nearest_law(polygon_vertices(k, ring.radius_squared), np.full(k, ring.bias), points)
    named = "any at zero bias" if law == "free" else law
    assert found.startswith(f"the nearest amplitude law, {named}, has norm ")


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (polygon_vertices(6, 2.0), "regular hexagon"),
        (np.kron([[1, 0], [0.1, 1]], polygon_vertices(5, 1.0)), "2 regular pentagons"),
        (np.kron(np.eye(2), simplex_hidden(7, 6)), "2 regular simplices in 6 dimensions"),
        (np.hstack([np.eye(3), -np.eye(3)]), "3 antipodal pairs"),
        (simplex_hidden(4, 3), "regular tetrahedron"),
        (simplex_hidden(9, 8), "regular simplex in 8 dimensions"),
        (np.eye(3), "3 single directions"),
        (block_diag(polygon_vertices(5, 1.0), [[1, -1]]), "regular pentagon and antipodal pair"),
        (np.array([[1.0, 1.0, 1.0], [0.0, 0.2, 0.4]]), "irregular"),
        (np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]), "irregular"),
    ],
)
def test_arrangements_are_named(columns, name):
    assert arrangement(columns) == name


def test_multiples_of_one_datapoint_are_no_cluster():
    """A random start on one-hot data of many amplitudes: hidden vectors lie on as many rays as there are features."""
    numbers = np.random.default_rng(19)
    data = sparse_data(numbers, 7, 150, alone=True, law="uniform")
    model = Model(numbers.normal(size=(3, 7)) / 2, np.zeros(7))
    assert diagnose(measure(model, data), model, data).name == "not converged"


@pytest.mark.parametrize("seed", [1000, 1003])
def test_features_beside_repeated_points_are_found(seed):
    """Two features and three repeated points, whose own columns are no rivals of the features."""
    model, data = build("features and repeated points", np.random.default_rng(seed))
    found = diagnose(measure(model, data), model, data)
    assert (found.name, found.stored, len(found.datapoints)) == ("features and repeated points", 2, 3)


def test_a_silent_output_is_hopeless_only_where_all_else_is_met():
    """One feature of a datapoint is cut off: its other outputs can make up for it, or have done so."""
    model, data = build("silent own output", np.random.default_rng(0))
    assert "so training cannot mend it" in diagnose(measure(model, data), model, data).evidence
    X = np.kron(np.eye(5), [[0.28], [0.96]])
    W, b = 1.2 * tgon_hidden(5) @ X.T, X @ (1 - np.sum((1.2 * tgon_hidden(5)) ** 2, axis=0))
    W[:, 0], b[0] = 0.0, -0.5
    found = diagnose(measure((W, b), X), (W, b), X)
    assert (found.name, found.datapoints, found.features) == ("silent own output", (0,), (0,))
    assert "only what else is unmet can move it" in found.evidence


@pytest.mark.parametrize("copies", [1, 2])
def test_half_precision_is_allowed_for_with_and_without_copies(copies):
    hidden = 1.1 * tgon_hidden(20)
    model = torch.as_tensor(hidden).half(), torch.as_tensor(1 - np.sum(hidden**2, axis=0)).half()
    X = np.repeat(np.eye(20), copies, axis=1)
    record = measure(model, X)
    assert record.worst_point_error > MEMORIZED_ERROR
    assert diagnose(record, model, X).name == "regular T-gon"


def test_an_untrained_model_has_dropped_nothing():
    numbers = np.random.default_rng(0)
    record = _one_hot(1e-3 * numbers.normal(size=(2, 9)), np.zeros(9))
    assert diagnose(record).name == "not converged"
