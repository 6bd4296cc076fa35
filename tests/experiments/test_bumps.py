"""The bump of the test loss: its definition keeps the laws of a ratio, rarely sees one in noise; two pages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import training_steps, weight_decay
from experiments.bump import LEVEL, find_bump, geometric_mean, ratio_interval
from experiments.commentary import outcomes

SIZES = (5, 50, 500, 1000, 3000)
RISE, FLAT = (1.02, 1.0, 4.0, 6.0, 0.99), (1.02, 1.0, 1.0, 0.998, 0.99)

losses = st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=5)
EPS = 2.0**-52


@given(losses, losses, st.floats(1e-2, 1e2))
def test_a_ratio_mirrors_and_scales(upper, lower, factor):
    """Up to a few eps of the largest logarithm: of values at most 14, of bounds t ≤ 13 times the spread, 10."""
    here, back = ratio_interval(upper, lower), ratio_interval(lower, upper)
    scaled = ratio_interval(np.multiply(upper, factor), lower)
    rounding = 64 * EPS * (14 + 13 * 10)
    assert here.low <= here.value <= here.high
    assert abs(np.log(here.value) + np.log(back.value)) <= rounding
    assert abs(np.log(here.low) + np.log(back.high)) <= rounding
    assert abs(np.log(scaled.value / here.value) - np.log(factor)) <= rounding


@given(losses)
def test_the_geometric_mean_lies_between_and_inverts(values):
    mean, inverse = geometric_mean(values), geometric_mean(1 / np.array(values))
    assert min(values) * (1 - 1e-12) <= mean.value <= max(values) * (1 + 1e-12)
    assert mean.value * inverse.value == pytest.approx(1, rel=1e-12)


def test_welchs_interval_covers_as_often_as_it_says():
    """Unequal spreads, three values each: at least 95 % less five standard errors of 2000 samples."""
    rng = np.random.default_rng(0)
    samples = np.exp(rng.normal(size=(2000, 2, 3)) * [[0.1], [1.0]])
    covered = [each.low <= 1 <= each.high for each in (ratio_interval(*pair) for pair in samples)]
    assert np.mean(covered) >= 0.95 - 5 * np.sqrt(0.95 * 0.05 / 2000)


@pytest.mark.parametrize("ends", [0.01, 1.0])
@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_noise_is_seldom_a_bump(ends, seeds):
    """Eleven T without a bump, the ends as noisy as the rest or far less: at most the level, and five errors more."""
    rng = np.random.default_rng(seeds)
    spread = np.array([ends, *[1.0] * 9, ends])
    found = [
        find_bump(dict(enumerate(np.exp(rng.normal(size=(11, seeds)) * spread[:, None]).tolist()))).there
        for _ in range(400)
    ]
    assert np.mean(found) <= LEVEL + 5 * np.sqrt(LEVEL * (1 - LEVEL) / 400)


def test_a_bump_is_found_among_the_inner_sizes_only():
    bump = find_bump({T: [loss, loss * 1.01] for T, loss in zip(SIZES, RISE, strict=True)})
    assert (bump.T, bump.there) == (1000, True)
    assert bump.over_first.value == pytest.approx(6 / 1.02)
    rising = find_bump({T: [T, T * 1.01] for T in (1, 2, 3, 4)})
    assert (rising.T, rising.there) == (3, False)
    assert not find_bump({T: [loss] for T, loss in zip(SIZES, RISE, strict=True)}).there


@pytest.mark.parametrize("bad", [{1: [1.0], 2: [1.0]}, {1: [1.0], 2: [0.0], 3: [1.0]}])
def test_what_is_no_curve_is_refused(bad):
    with pytest.raises(ValueError, match=r"give at least three T|want test losses"):
        find_bump(bad)


def _tables(key, curves, jitter=0.01):
    """Runs of three seeds a little apart, one curve of test losses over `SIZES` for each value of ``key``."""
    rows = [
        (value, T, seed, loss * (1 + jitter * (seed + value % 0.37)), 0.3 if T > 1000 else 0.02)
        for value, curve in curves.items()
        for T, loss in zip(SIZES, curve, strict=True)
        for seed in (-1, 0, 1)
    ]
    runs = pd.DataFrame(rows, columns=[key, "T", "seed", "test_loss", "largest_feature_dimensionality"])
    return {"runs": runs.assign(sparsity=0.99, status="not memorized", train_loss=0.5)}


def _scaled(curve, factor):
    return [1 + (loss - 1) * factor if loss > 2 else loss for loss in curve]


REMOVAL, ORDER, GROWTH = weight_decay.REMOVAL, weight_decay.ORDER, training_steps.GROWTH
LEFT, OPEN = (1.4, 1.0, 1.2, 1.3, 0.99), (1.02, 1.0, 4.0, 6.0, 1.5)


@pytest.mark.parametrize(
    ("curves", "removal", "order"),
    [
        ({0.001: _scaled(RISE, 2), 0.01: RISE, 1.0: FLAT}, "agrees", "agrees"),
        ({0.01: RISE, 1.0: LEFT}, "agrees in part", "agrees"),  # 0.061 of the height is left, and no bump
        ({0.01: RISE, 1.0: RISE}, "differs", "not decided"),
        ({0.01: FLAT, 1.0: FLAT}, "not decided", "not decided"),  # no bump that could go
        ({0.1: RISE, 1.0: FLAT}, "not tested", "agrees"),
        ({0.01: RISE, 0.1: _scaled(RISE, 3), 1.0: FLAT}, "agrees", "differs"),
        ({0.01: RISE, 0.1: RISE, 1.0: FLAT}, "agrees", "agrees in part"),
        ({0.01: RISE}, "not tested", "not tested"),
    ],
)
def test_what_decay_does_is_what_the_curves_say(curves, removal, order):
    tables = _tables("weight_decay", curves)
    assert outcomes(weight_decay.findings(tables)) == {REMOVAL: removal, ORDER: order}


def test_seeds_that_leave_it_open_remove_no_bump():
    """At decay 1 the mean is near 1, but the seeds allow a bump of the usual height; then none is seen at 0.01."""
    tables = _tables("weight_decay", {0.01: RISE, 1.0: FLAT})
    runs = tables["runs"]
    inner = (runs["weight_decay"] == 1.0) & ~runs["T"].isin([SIZES[0], SIZES[-1]])
    runs.loc[inner, "test_loss"] = 2.5 ** (1 + 2 * runs.loc[inner, "seed"])
    assert outcomes(weight_decay.findings(tables))[REMOVAL] == "not decided"
    noisy = weight_decay.findings(_tables("weight_decay", {0.01: RISE, 1.0: FLAT}, jitter=0.6))
    assert outcomes(noisy)[REMOVAL] == "not decided"


@pytest.mark.parametrize(
    ("last", "outcome", "larger"),
    [
        (_scaled(RISE, 3), "agrees", 1),
        (_scaled(RISE, 0.5), "differs", 0),
        (RISE, "not decided", 0),
        (FLAT, "not decided", 0),  # after the most steps there is no bump
    ],
)
def test_growth_with_steps_is_what_the_numbers_say(last, outcome, larger):
    growth, neighbours = training_steps.findings(_tables("steps", {2000: RISE, 20000: last}))
    assert (growth.statement, growth.outcome) == (GROWTH, outcome)
    assert (neighbours.value, neighbours.n) == (larger, 1)


def test_a_curve_of_two_sizes_is_left_out():
    runs = _tables("steps", {2000: RISE, 20000: RISE})["runs"]
    short = {"runs": runs[(runs["steps"] == 2000) | runs["T"].isin(SIZES[:2])]}
    assert outcomes(training_steps.findings(short)) == {GROWTH: "not tested"}
    assert len(training_steps.summary(short)) == 1


def test_the_summary_tells_bumps_from_peaks_that_pass_no_test():
    """Seeds of the last peak differ by factors: a bump in each of them, and no test sees it."""
    tables = _tables("steps", {2000: FLAT, 10000: RISE, 20000: OPEN})
    runs = tables["runs"]
    peak = (runs["steps"] == 20000) & (runs["T"] == 1000)
    runs.loc[peak, "test_loss"] = 1e6 ** (1 + 0.9 * runs.loc[peak, "seed"])
    table = training_steps.summary(tables).set_index("steps")
    assert table["bump there"].to_dict() == {"2000": "no", "10000": "yes", "20000": "in every seed"}
    assert table.loc["10000", ["T of the peak", "T(1 − S)"]].tolist() == [1000, "10"]
    assert float(table.loc["20000", "test loss at largest T"]) == pytest.approx(1.5, rel=0.02)
    one = {"runs": runs[(runs["T"] != SIZES[-1]) | (runs["seed"] == 0)]}
    assert set(training_steps.summary(one)["bump there"]) == {"one seed at an end"}
