"""Memorization codes: certificates, published codes, proven bounds, and invalid codes that must be refused."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
import scipy
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import symbolic
from theory.arrays import Floats
from theory.codes.bounds import best_lower_bound, cap_bound, lower_bounds
from theory.codes.known_codes import (
    _CATALOGUE,
    MemorizationCode,
    equal_norm_hidden,
    known_codes,
    shifted_cross_polytope,
)
from theory.codes.programme import (
    _best_of_search,
    _distinct,
    certify,
    memorization_code,
    optimal_multipliers,
    programme_of,
)
from theory.codes.search import _soft_maximal_cosine, shaken, slacks
from theory.least_norm import certificate_of, descended, least_distance
from theory.memorization.tgon import tgon_energy, tgon_hidden

#: Largest minimal angle of T points on the sphere in R^3, degrees, to the digits published (Sloane's tables
#: of packings in three dimensions; T <= 14 and T = 24 are proven optimal). An energy from an angle rounded to
#: half a unit of the fifth decimal is off by less than 3e-7 relative: cot(θ/2) times the angle's error.
PUBLISHED_ANGLES = {
    4: 109.47122,
    5: 90.0,
    6: 90.0,
    7: 77.86954,
    8: 74.85849,
    9: 70.52878,
    10: 66.14682,
    11: 63.43495,
    12: 63.43495,
    13: 57.13670,
    14: 55.67057,
    15: 53.65785,
    16: 52.24440,
    24: 43.69077,
}
PUBLISHED_ROUNDING = 3e-7

UNEQUAL = [(5, 3), (6, 4), (7, 4), (7, 5), (8, 5), (9, 5), (10, 6), (11, 6)]


@functools.cache
def code(T: int, m: int) -> MemorizationCode:
    # Of 13 points one start in twenty reaches the best code.
    return memorization_code(T, m, starts=None if T == 13 else 8)


def feasible(directions: Floats, spread: Floats) -> Floats:
    """Hidden vectors with lengths as unequal as `spread`, scaled up until the programme holds; needs distinct rays."""
    hidden = directions / np.linalg.norm(directions, axis=0) * spread
    least = float(np.min(slacks(hidden))) + 1
    if least <= 1e-6:
        hidden = equal_norm_hidden(directions)
        least = float(np.min(slacks(hidden))) + 1
    return np.asarray(hidden / math.sqrt(least))


@st.composite
def feasible_points(draw: st.DrawFn) -> Floats:
    m = draw(st.integers(2, 6))
    T = draw(st.integers(2, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inequality = draw(st.sampled_from([0.0, 0.05, 0.5]))
    return feasible(generator.normal(size=(m, T)), np.exp(inequality * generator.normal(size=T)))


SIZES = [(T, 3) for T in (4, 5, 6, 7, 9, 12, 15, 20)] + [(T, 4) for T in (6, 8, 11, 14)]
WHOLE_RANGE = [(T, m) for m in (3, 4) for T in range(4, 25)] + [(40, 5), (64, 8)]


@pytest.mark.parametrize(
    ("T", "m", "find"),
    [(T, m, code) for T, m in SIZES]
    + [pytest.param(T, m, memorization_code, marks=pytest.mark.slow) for T, m in WHOLE_RANGE],
)
def test_certificate_holds_and_no_proven_bound_is_beaten(T, m, find):
    found = find(T, m)
    multipliers = optimal_multipliers(found.hidden)
    assert certify(found.hidden).holds()
    label, bound = best_lower_bound(T, m, found.energy)
    assert found.energy >= bound * (1 - 1e-12), (found.energy, label)
    for other in known_codes(T, m):
        assert found.energy <= other.energy * (1 + 1e-9), other.name
    assert multipliers.sum() == pytest.approx(found.energy, rel=1e-9)  # codes.dual-energy
    if m + 1 < T < 2 * m:
        assert found.energy < T - 1e-3
        assert not found.equal_norms


def test_what_is_feasible_but_not_optimal_fails_the_certificate():
    found = code(9, 3)
    multipliers = optimal_multipliers(found.hidden)
    for size in (1e-3, 1e-6):
        moved = found.hidden + size * np.random.default_rng(0).normal(size=found.hidden.shape)
        assert not certify(moved, multipliers).holds()
    assert certify(found.hidden, -multipliers).dual > 0.01
    too_long = certify(1.1 * code(7, 3).hidden)
    assert too_long.primal == 0.0
    assert too_long.stationarity > 0.1
    generic = feasible(np.random.default_rng(1).normal(size=(3, 7)), np.ones(7))
    assert certify(generic).stationarity > 1e-2
    equal = certify(known_codes(5, 3)[1].hidden)  # where unequal norms win
    assert equal.primal < 1e-12
    assert not equal.holds(1e-3)


@pytest.mark.parametrize(
    ("T", "find"),
    [(T, code) for T in PUBLISHED_ANGLES if T <= 16]
    + [pytest.param(T, memorization_code, marks=pytest.mark.slow) for T in PUBLISHED_ANGLES],
)
def test_energy_is_at_or_below_published_spherical_codes(T, find):
    published = T / (1 - math.cos(math.radians(PUBLISHED_ANGLES[T])))
    assert find(T, 3).energy <= published * (1 + PUBLISHED_ROUNDING)


@pytest.mark.parametrize(("T", "m"), _CATALOGUE)
def test_named_codes_are_feasible_and_have_their_exact_energy(T, m):
    (named,) = known_codes(T, m)
    assert named.hidden.shape == (m, T)
    assert abs(float(np.min(slacks(named.hidden)))) < 1e-12
    assert named.energy == pytest.approx(float(sympy.sympify(named.exact)), rel=1e-12)


@pytest.mark.parametrize(
    ("T", "m"), [pytest.param(*size, marks=[pytest.mark.slow] * (size != (9, 3))) for size in _CATALOGUE]
)
def test_a_search_finds_nothing_better_than_a_named_code(T, m):
    assert _best_of_search(T, m, known_codes(T, m), 16).name == known_codes(T, m)[0].name


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_point_is_that_of_nonnegative_least_squares(seed):
    """From no guess or a wrong one, with repeated rows and equalities; Lawson and Hanson, chapter 23, is the oracle."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(int(generator.integers(1, 20)), 9))
    rows, equality = (
        np.concatenate([rows, 2 * rows[:3]]),
        generator.random(len(rows) + len(rows[:3])) < seed % 2 / 8,
    )
    point = generator.normal(size=9)
    values = rows @ (point - generator.normal(size=9)) + generator.exponential(size=len(rows)) * ~equality
    active = generator.random(len(rows)) < seed % 3 / 4
    system = np.column_stack([rows, rows @ point - values])
    system = np.concatenate([system, -system[equality]]).T
    residual = system @ scipy.optimize.nnls(system, np.eye(10)[-1])[0] - np.eye(10)[-1]
    nearest, multipliers = least_distance(point, rows, values, equality, active)
    assert nearest == pytest.approx(-residual[:-1] / residual[-1], abs=1e-9)
    assert rows.T @ multipliers == pytest.approx(2 * nearest, abs=1e-9)
    assert np.min(multipliers[~equality], initial=0.0) >= 0
    none = np.zeros(2, dtype=bool)
    assert least_distance(np.zeros(2), np.array([[1.0, 0.0], [-1.0, 0.0]]), -np.ones(2), none, none) is None


SIMPLICES = [(1, 1), (2, 1), (1, 5), (2, 2), (3, 2), (4, 3), (4, 7), (8, 7), (64, 63)]
PROVEN = [
    *((T, m, T - 1) for T, m in SIMPLICES),
    *((T, 2, T / (1 - math.cos(2 * math.pi / T))) for T in (2, 3, 4, 5, 8, 13, 64)),
    *((2 * m, m, 2 * m) for m in (2, 3, 4, 9, 32)),
]


@pytest.mark.parametrize(("T", "m", "energy"), PROVEN)
def test_simplex_polygon_and_orthoplex_are_proven(T, m, energy):
    found = memorization_code(T, m)
    assert found.status == "theorem"
    assert found.energy == pytest.approx(energy, rel=1e-12, abs=0)
    assert float(sympy.sympify(found.exact)) == pytest.approx(energy, rel=1e-14, abs=0)
    assert best_lower_bound(T, m)[1] == pytest.approx(energy, rel=1e-12)
    assert certify(found.hidden).holds(1e-12 if m + 1 >= T else 1e-9)
    assert (found.name == f"{T}-gon") == (m == 2 and T > 1)
    if m == 2 and T > 3:
        assert cap_bound(T, 2) == pytest.approx(energy, rel=1e-12)


@pytest.mark.parametrize(("T", "m"), [*UNEQUAL, (11, 7), (20, 13), (64, 40)])
def test_unequal_norms_win_below_the_orthoplex(T, m):
    named = shifted_cross_polytope(T, m)
    formula = float(symbolic.shifted_energy.subs({symbolic.T: T, symbolic.m: m}))
    assert named.energy == pytest.approx(formula, rel=1e-12)
    assert float(sympy.sympify(named.exact)) == pytest.approx(formula, rel=1e-14)
    assert certify(named.hidden).holds(1e-11)
    assert (T, m) not in UNEQUAL or code(T, m).name == named.name


@given(feasible_points())
@settings(max_examples=200, deadline=None)
def test_no_feasible_point_beats_a_bound_or_the_code(hidden):
    m, T = hidden.shape
    assert float(np.min(slacks(hidden))) > -1e-9
    energy = float(np.sum(hidden**2))
    for label, bound in lower_bounds(T, m).items():
        assert energy >= bound * (1 - 1e-12), (label, energy, bound)
    if (T, m) in UNEQUAL or m == 3:
        assert energy >= code(T, m).energy * (1 - 1e-9)


def test_the_best_bound_is_the_largest_and_lowered_by_rounding_only():
    """A bound that is attained is the energy itself; one that is truly above is never lowered to it."""
    rounded = 0
    for T in range(3, 300):
        bounds = lower_bounds(T, 2)
        energy = float(tgon_energy(T))
        label, bound = best_lower_bound(T, 2, energy)
        assert bound <= energy
        assert bound == pytest.approx(max(bounds.values()), rel=1e-13)
        assert bounds[label] == pytest.approx(bound, rel=1e-13)
        rounded += max(bounds.values()) > energy
    assert rounded, "the minimum would not be needed"
    assert best_lower_bound(8, 4, 7.0) == best_lower_bound(8, 4) == ("codes.orthoplex-bound", 8.0)
    assert best_lower_bound(4, 3)[0] == "codes.simplex-bound"


def test_strategy_reaches_unequal_norms_and_every_regime():
    """The strategy above would prove nothing if it drew equal norms, or one regime, only."""
    seen = set()

    @given(feasible_points())
    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    def collect(hidden):
        m, T = hidden.shape
        squared = np.sum(hidden**2, axis=0)
        regime = "simplex" if m + 1 >= T else "between" if 2 * m > T else "crowded"
        seen.add((regime, bool(np.ptp(squared) > 0.01)))

    collect()
    assert seen == set(itertools.product(("simplex", "between", "crowded"), (True, False)))


def test_the_shifted_bound_is_sharp_and_ends_where_its_proof_does():
    """One part in a thousand more is beaten; so is one dimension more for what is left, and T = m + 5 is not held."""
    for T, m in UNEQUAL[:-1]:
        assert code(T, m).status == "theorem"
        assert code(T, m).energy == pytest.approx(lower_bounds(T, m)["codes.shifted-bound"], rel=1e-12)
        surplus = math.sqrt(2 * (T - m) + 1)
        assert code(T, m).energy < T - 1 + 2 * surplus / (math.sqrt(T) + surplus)
    assert "codes.shifted-bound" not in lower_bounds(11, 6)
    assert "codes.shifted-bound" not in lower_bounds(7, 3), "seven points in space are heavier"
    assert known_codes(11, 6)[0].optimal is False


@pytest.mark.parametrize("m", [2, 3, 5])
def test_caps_grow_like_the_sphere_fills(m):
    """Energy grows as T^(1+2/(m−1)): a slope, so a wrong power of the cap's angle cannot pass."""
    slope = math.log(cap_bound(40_000, m) / cap_bound(10_000, m)) / math.log(4)
    assert slope == pytest.approx(1 + 2 / (m - 1), abs=0.01)


def test_a_search_has_the_same_bits_again_leaves_heavier_codes_and_a_simplex_may_be_larger_than_it():
    first, second = memorization_code(7, 3, starts=4), memorization_code(7, 3, starts=4)
    assert first.hidden.tobytes() == second.hidden.tobytes()
    flat = MemorizationCode(name="5-gon", hidden=np.vstack([tgon_hidden(5), np.zeros(5)]))
    assert certify(flat.hidden).holds()
    assert _best_of_search(5, 3, (flat,), 8).energy == pytest.approx(code(5, 3).energy)
    assert memorization_code(501, 500).energy == pytest.approx(500)


@pytest.mark.parametrize(
    ("T", "m", "starts"), [(7, 3, 192), (17, 3, 384), (45, 5, 79), (60, 4, 55), (200, 3, 16)]
)
def test_searches_have_fewer_starts_where_each_is_large(T, m, starts, monkeypatch):
    monkeypatch.setattr("theory.codes.programme.known_codes", lambda T, m: ())
    monkeypatch.setattr("theory.codes.programme._best_of_search", lambda *given: given[-1])
    assert memorization_code(T, m) == starts


def test_what_a_search_goes_on_from_lies_near_its_code_and_has_energies_of_its_own():
    moves = shaken(code(7, 3).hidden, 0.01, 400) - code(7, 3).hidden
    assert np.std(moves) == pytest.approx(0.01, rel=0.05)
    found = [(energy, moves, moves) for energy in (2.0, 1.0, 1.0 + 5e-7, 2.0 + 5e-6, *range(3, 12))]
    assert [energy for energy, *_ in _distinct(found)] == [1.0, 2.0, 2.0 + 5e-6, 3, 4, 5, 6, 7]


def test_what_spreads_directions_is_the_slope_of_its_value():
    spread, start = _soft_maximal_cosine(4.0), np.random.default_rng(0).normal(size=18)
    slopes = scipy.optimize.approx_fprime(start, lambda z: spread(z.reshape(1, 3, 6), None)[0][0])
    assert spread(start.reshape(1, 3, 6), None)[1].ravel() == pytest.approx(slopes, abs=1e-6)


@pytest.mark.parametrize(("T", "m"), [(1, 3), (4, 3), (5, 4)])
def test_a_code_far_inside_its_constraints_shrinks_to_the_least_one(T, m):
    """No constraint is near at first: the least-distance problem has no columns and is solved by the origin."""
    long, programme = 3 * known_codes(T, m)[0].hidden + (T == 1), programme_of(T)
    assert np.min(slacks(long)) > 1
    hidden, multipliers, _ = descended(programme, long, 400)
    assert float(np.sum(hidden**2)) == pytest.approx(T - 1, abs=1e-9)
    assert certificate_of(programme, hidden, multipliers).holds(1e-8)
    assert not certify(long).holds(1e-8)
