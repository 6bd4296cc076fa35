"""Unequal norms and untied decoders: built models memorize, bounds hold, searches find nothing below them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.memorization.tgon import tgon_energy
from theory.memorization.unequal_norms import (
    UnequalModel,
    least_norm_tied,
    least_norm_untied,
    regular_polygon_cost,
    simplex_on_norms,
    slack_of,
)

NORMS = st.lists(st.floats(0.2, 5), min_size=2, max_size=6)
ROUNDING = 1e-12


def outputs(model):
    """(T, T) outputs contracted with the data, X_jᵀx'_i/s_j², of a model on one feature per datapoint."""
    X = np.diag(model.norms)
    W = model.hidden @ np.diag(1 / model.norms)
    V = np.diag(model.norms) @ model.decoder.T
    b = model.norms * (1 - np.sum(model.hidden * model.decoder, axis=0))
    return np.maximum(0, V @ (W @ X) + b[:, None]), X


@given(NORMS)
def test_the_weighted_simplex_memorizes_at_one_less_than_its_points(norms):
    T = len(norms)
    model = simplex_on_norms(norms, m=T - 1)
    found, wanted = outputs(model)
    assert np.abs(found - wanted).max() < ROUNDING * max(norms) ** 2 / min(norms)
    assert model.encoder_cost == pytest.approx(T - 1, rel=1e-12)
    assert model.decoder_cost == pytest.approx(T - 1, rel=1e-12)
    total = np.sum(1 / model.norms**2)
    gram = model.hidden.T @ model.hidden
    assert np.abs(gram - (np.diag(model.norms**2) - 1 / total)).max() < ROUNDING * max(norms) ** 2


@given(NORMS, st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_no_model_is_below_the_bound(norms, m, seed):
    """Random hidden vectors and decoders, scaled until they memorize, tied and untied."""
    rng = np.random.default_rng(seed)
    T = len(norms)
    hidden = rng.standard_normal((m, T)) * np.array(norms)
    hidden[:, : min(T, m + 1)] += simplex_on_norms(norms[: min(T, m + 1)], m).hidden
    room = 1 + slack_of(hidden, hidden / np.square(norms))
    if room > 1e-6:
        model = UnequalModel(np.array(norms), hidden, hidden / np.square(norms), "numerical")
        assert model.encoder_cost / room >= (T - 1) * (1 - ROUNDING)
    decoder = hidden / np.square(norms) + 0.3 * rng.standard_normal((m, T))
    room = 1 + slack_of(hidden, decoder)
    if room > 1e-6:
        model = UnequalModel(np.array(norms), hidden, decoder, "numerical")
        assert 2 * math.sqrt(model.encoder_cost * model.decoder_cost) / room >= 2 * (T - 1) * (1 - ROUNDING)


@pytest.mark.parametrize("T", [4, 7])
def test_at_equal_norms_neither_search_beats_the_tgon(T):
    """Tied: a theorem. Untied: numerical."""
    tied, untied = least_norm_tied([2.0] * T, 6), least_norm_untied([2.0] * T, 6)
    assert tied.encoder_cost == pytest.approx(tgon_energy(T), rel=1e-6)
    assert untied.encoder_cost + untied.decoder_cost == pytest.approx(2 * tgon_energy(T), rel=1e-6)
    assert regular_polygon_cost([2.0] * T) == pytest.approx(tgon_energy(T), rel=1e-12)
    assert regular_polygon_cost([2.0] * T, untied=True) == pytest.approx(2 * tgon_energy(T), rel=1e-12)


@pytest.mark.parametrize(
    ("norms", "tied_cost", "untied_cost"),
    [
        ([0.1, 1, 1, 1], 3.6972, 3.3670),  # below the 4 of equal norms
        ([1, 1, 1, 1, 10], 8.4602, 7.6893),
        ([0.1, 1, 1, 0.1, 1, 1], 18.8895, 10.6569),  # one start is not enough
    ],
)
def test_golden_searches(norms, tied_cost, untied_cost):
    """Made by 20 random starts of another program."""
    tied, untied = least_norm_tied(norms, 8), least_norm_untied(norms, 8)
    assert tied.encoder_cost == pytest.approx(tied_cost, abs=1e-4)
    assert (untied.encoder_cost + untied.decoder_cost) / 2 == pytest.approx(untied_cost, abs=1e-4)
    assert untied.encoder_cost == pytest.approx(untied.decoder_cost, rel=1e-12)
    assert tied.status == untied.status == "numerical"


@settings(max_examples=settings.default.max_examples // 8)
@given(st.lists(st.floats(0.3, 3), min_size=4, max_size=6))
def test_searches_return_models_that_memorize_within_the_polygons_cost(norms):
    tied, untied = least_norm_tied(norms, 6), least_norm_untied(norms, 6)
    for model in (tied, untied):
        found, wanted = outputs(model)
        assert np.abs(found - wanted).max() < 1e-9
        assert slack_of(model.hidden, model.decoder) > -2e-14
    both = untied.encoder_cost + untied.decoder_cost
    assert len(norms) - 1 <= tied.encoder_cost <= regular_polygon_cost(norms) * (1 + 1e-6)
    assert 2 * (len(norms) - 1) <= both <= regular_polygon_cost(norms, untied=True) * (1 + 1e-6)
