"""predict(): every configuration, its exact strings, its assumptions, its refusals."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Setting, predict
from theory.dimensionality import dimensionality
from theory.memorization.tgon import tgon_bias_norm, tgon_energy, tgon_weight_norm
from theory.setting import MEMORIZED_ERROR

PENALTIES = ("weights", "both")


def assert_memorizes(record):
    """Zero loss on distinct points: the record's hidden vectors and biases satisfy the programme."""
    H, c = record.hidden, record.bias_coefficient
    outputs = np.maximum(0, H.T @ H + c[:, None])
    same = np.all(H[:, :, None] == H[:, None, :], axis=0)  # copies share a column to the bit
    assert np.abs(outputs - same).max() < 1e-14 * (1 + record.radius_squared.max())
    assert np.sum(H**2, axis=0) == pytest.approx(record.radius_squared, rel=1e-13, abs=1e-300)
    assert record.dimensionality == pytest.approx(dimensionality(H), abs=1e-12)
    assert record.energy == pytest.approx(np.sum(H**2), rel=1e-13, abs=1e-300)


@given(st.integers(1, 300), st.sampled_from(PENALTIES))
def test_two_dimensions(T, penalty):
    record = predict(Setting(T=T), penalty)
    assert_memorizes(record)
    assert record.status == "theorem"
    if T > 1:
        assert record.energy == tgon_energy(T)
        assert record.weight_norm == math.sqrt(record.energy) == pytest.approx(tgon_weight_norm(T), rel=1e-14)
        assert record.bias_norm == pytest.approx(tgon_bias_norm(T), rel=1e-14, abs=0)
        assert record.configuration == f"{T}-gon"


@given(st.integers(1, 40), st.integers(1, 45), st.sampled_from(PENALTIES))
def test_simplices(T, m, penalty):
    if m + 1 < T or m == 2:
        return
    record = predict(Setting(T=T, m=m), penalty)
    assert_memorizes(record)
    assert record.status == "theorem"
    if T > 1:
        assert record.energy == T - 1
        assert np.abs(record.hidden.T @ record.hidden - (np.eye(T) - 1 / T)).max() <= 8 * 2**-52


@given(st.integers(1, 12), st.integers(1, 6), st.sampled_from(PENALTIES))
def test_repeats_are_one_point_of_the_programme(distinct, repeats, penalty):
    record = predict(Setting(T=distinct + repeats - 1, repeats=repeats), penalty)
    alone = predict(Setting(T=distinct), penalty)
    assert_memorizes(record)
    assert record.energy == alone.energy + (repeats - 1) * alone.radius_squared[0]
    assert (record.weight_norm, record.bias_norm) == (alone.weight_norm, alone.bias_norm)
    assert np.all(record.hidden[:, :repeats] == record.hidden[:, :1])
    assert np.all(record.dimensionality[:repeats] <= 1 / repeats + 1e-15)
    if repeats > 1:
        assert f"{repeats} times" in record.configuration
        assert "dimensionality" not in record.exact


def test_one_point_is_answered_for_both_penalties():
    weights, both = predict(Setting(T=1)), predict(Setting(T=1), "both")
    assert (weights.energy, weights.bias_norm, weights.dimensionality[0]) == (0, 1, 0)
    assert (both.energy, both.bias_norm, both.dimensionality[0]) == (0.5, 0.5, 1)
    assert both.energy + both.bias_norm**2 < weights.energy + weights.bias_norm**2


def test_assumptions_are_stated_and_decided_where_they_can_be():
    by_name = {one.name: one for one in predict(Setting(T=8)).assumptions}
    assert set(by_name) == {"orthonormal data", "zero loss", "decay budget", "one penalty", "rare overlap"}
    assert by_name["orthonormal data"].holds is None
    assert "0.279 overlapping pairs expected" in by_name["orthonormal data"].evidence
    assert "0.25" in by_name["decay budget"].evidence
    assert predict(Setting(T=100_000)).status == "theorem"


@pytest.mark.parametrize(("T", "m", "holds"), [(1, 2, False), (5, 2, True), (4, 3, True), (6, 3, None)])
def test_both_penalties_have_one_optimum_in_the_plane_and_for_simplices(T, m, holds):
    records = [predict(Setting(T=T, m=m), penalty) for penalty in PENALTIES]
    one, both = (each for record in records for each in record.assumptions if each.name == "one penalty")
    assert (one.holds, both.holds) == (holds, True)
    assert "is also the least of" in one.statement
    assert "is what decay on W and b favours" in both.statement


def test_orthonormality_is_refused_where_it_is_unlikely_or_impossible():
    for T, holds in ((1, True), (5, None), (24, None), (28, False), (1_000, False)):
        assert predict(Setting(T=T)).assumptions[0].holds is holds
    few = predict(Setting(T=5, n=3)).assumptions[0]
    assert few.holds is False
    assert few.evidence == "impossible: 5 disjoint supports need as many features, n is 3"


def test_as_dict_is_json_and_constant_arrays_are_numbers():
    record = json.loads(json.dumps(predict(Setting(T=5)).as_dict()))
    assert record["dimensionality"] == 0.4
    assert isinstance(record["radius_squared"], float)
    assert record["status"] == "theorem"


def test_beyond_the_simplex_the_best_known_code_answers():
    record = predict(Setting(T=8, m=4))
    outputs = np.maximum(0, record.hidden.T @ record.hidden + record.bias_coefficient[:, None])
    assert np.abs(outputs - np.eye(record.T)).max() < 1e-6
    assert (record.energy, record.status) == (pytest.approx(8, rel=1e-9), "theorem"), "the cross-polytope"
    assert predict(Setting(T=8, m=4), "both").energy == record.energy, "equal norms answer both penalties"
    assert [predict(Setting(T=8, m=m)).exact.get("dimensionality") for m in (4, 3)] == ["1/2", None]


@pytest.mark.parametrize("steps", [10_000, np.int64(10_000), 10_000.0, "10000"])
def test_the_warm_up_follows_the_steps_however_they_are_written(steps):
    assert Setting(T=5, steps=steps).warmup == 500
    assert Setting(T=5).replace(steps=steps).warmup == 500


@pytest.mark.parametrize("rounding", [None, 0.0, MEMORIZED_ERROR])
def test_memorized_is_decided_at_the_limit_by_the_worst_point_rounding_apart(rounding):
    record, limit = predict(Setting(T=5)), MEMORIZED_ERROR if not rounding else 4 * MEMORIZED_ERROR
    more = {} if rounding is None else {"rounding_error": rounding}
    for share, memorized in ((0.0, True), (1.0, True), (1.01, False)):
        assert replace(record, point_error=np.array([0.0, share * limit]), **more).memorized is memorized
    assert (record.norm_error, replace(record, norms=np.array([1.0, 0.5])).norm_error) == (0, 0.75)


def test_a_notebook_shows_closed_forms_as_latex():
    record = predict(Setting(T=6))
    assert r"\text{weight norm} &= 2 \sqrt{3}" in record._repr_html_()
    assert record.exact._repr_latex_().startswith(r"$\begin{aligned}\text{energy} &= 12 \\ ")
