"""The stability of the T-gon: points that satisfy the constraints stay within the tolerance of their energy."""

import dataclasses

import mpmath as mp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from numerics import Dataset, measure
from theory import Setting, predict
from verify.claims.tolerance import rounding, shape_deviation, shape_tolerance
from verify.strategies import Model


def _least_slack(hidden):
    """The least of |h_t|² − h_s·h_t over pairs: 1 or more memorizes."""
    gram = hidden.T @ hidden
    return np.min(np.diag(gram)[:, None] - gram + np.diag(np.full(len(gram), np.inf)))


def _exact_memorizer(hidden):
    """The zero-loss model on T one-hot datapoints with these hidden vectors, scaled until it is feasible."""
    hidden = hidden / np.sqrt(_least_slack(hidden))
    return measure(Model(hidden, 1 - (hidden**2).sum(axis=0)), Dataset.from_dense(np.eye(hidden.shape[1])))


@st.composite
def near_polygons(draw):
    T = draw(st.integers(3, 16))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    polygon = predict(Setting(T=T)).hidden
    disturbed = polygon + draw(st.sampled_from([1e-6, 1e-3, 1e-2, 0.05, 0.2])) * numbers.normal(size=(2, T))
    return disturbed if _least_slack(disturbed) > 0.1 else polygon


@given(near_polygons())
def test_memorizing_points_deviate_no_more_than_their_energy_allows(hidden):
    record = _exact_memorizer(hidden)
    assert record.memorized
    tolerance = shape_tolerance(record)
    assert tolerance is not None
    found = shape_deviation(record, predict(Setting(T=record.T)))
    floor = np.sqrt(rounding(record.T**2))  # the tolerance is a square root of a difference
    assert np.all(np.array(found) <= np.array(tolerance) + floor), (found, tolerance)


@given(st.integers(3, 30))
def test_the_polygon_itself_leaves_no_room(T):
    tolerance = shape_tolerance(_exact_memorizer(predict(Setting(T=T)).hidden))
    assert max(tolerance) < np.sqrt(rounding(T**2)) * 2 * T


@given(st.integers(4, 16))
def test_a_point_left_out_is_not_within_tolerance(T):
    """Negative control: T-1 of T vertices, respaced by their own energy, are not a regular T-gon."""
    record = _exact_memorizer(predict(Setting(T=T)).hidden[:, 1:])
    found = shape_deviation(record, predict(Setting(T=T)))
    assert found.gap > 0.01


def test_energy_below_the_bound_has_no_tolerance():
    """A forged record: shorter hidden vectors than possible, yet no error."""
    record = _exact_memorizer(predict(Setting(T=6)).hidden)
    for factor, refused in ((0.9, True), (1 - 1e-6, True), (1 - 1e-15, False), (1, False)):
        shorter = {"radius_squared": factor * record.radius_squared, "point_error": np.zeros(6)}
        assert (shape_tolerance(dataclasses.replace(record, **shorter)) is None) == refused


@given(st.floats(0.05, 50), st.floats(0, 50))
def test_a_gap_grows_with_the_difference_of_its_lengths(shorter, excess):
    """The least gap of two lengths is at least f(a) + ρ(a)d, and not f(a) + 2ρ(a)d."""

    def beyond(shorter, longer):
        a, d = (longer**2 + shorter**2) / 2, (longer**2 - shorter**2) / 2
        gap = np.arccos((shorter**2 - 1) / (shorter * longer))
        return gap - np.arccos(1 - 1 / a), d * min(1, 1 / np.sqrt(2 * a - 1)) / a

    if shorter * (2 * shorter + excess) >= 1:  # else no angle is wide enough for the pair
        found, promised = beyond(shorter, shorter + excess)
        assert found >= promised - np.sqrt(rounding(10))  # the root of an arccosine near its end
    found, promised = beyond(1.0, 1.01)
    assert found < 2 * promised


@given(near_polygons())
def test_the_tolerance_is_the_one_derived(hidden):
    """An independent rewrite: derivatives by mpmath, sums written out as in the derivation."""
    record = _exact_memorizer(hidden)
    record = dataclasses.replace(record, point_error=np.full(record.T, 1e-5), norms=1 - 1e-7)
    tolerance = shape_tolerance(record)
    T, s = record.T, (1 - mp.mpf(1e-7)) ** 2 - 2 * (1 - mp.mpf(1e-7)) * mp.sqrt(1e-5)
    order = np.argsort(np.arctan2(record.hidden[1], record.hidden[0]))
    y = [mp.mpf(float(x)) / s for x in record.radius_squared[order]]
    a = [(y[k] + y[(k + 1) % T]) / 2 for k in range(T)]
    mean = sum(y) / T

    def f(x):
        return mp.acos(1 - 1 / x)

    spare = 2 * mp.pi - T * f(mean)
    if spare < 1e-4:
        return  # a difference of nearly equal angles: float64 has no digits left to compare
    r = 1 / (1 - mp.cos(2 * mp.pi / T))
    along = mp.sqrt(2 * spare / mp.diff(f, max(a), 2) / T)  # rms of a_j - ā
    rho = min(1 / max(a), -mp.diff(f, max(a)))
    across = spare / rho / mp.sqrt(T)  # rms of d_j is at most Σd_j/√T
    energy = mp.mpf(float(record.radius_squared.sum()))
    radius = (s * (along + across) + abs(energy / T - r)) / r
    gap = (-mp.diff(f, min(a)) * along + spare / mp.sqrt(T) + spare / T) / (2 * mp.pi / T)
    low, high = np.linalg.eigvalsh(sum(np.outer(h, h) for h in record.hidden.T))
    excess, anisotropy = abs(energy / (T * r) - 1), (high - low) / (high + low)
    off = excess + anisotropy + anisotropy * excess
    assert np.isclose(tolerance.radius, float(radius), rtol=1e-6)
    assert np.isclose(tolerance.gap, float(gap), rtol=1e-6)
    if off < 0.99:
        assert np.isclose(tolerance.dimensionality, float((radius + off) / (1 - off)), rtol=1e-6)
