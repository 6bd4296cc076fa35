"""The bump of the test loss: its definition keeps the laws of a ratio and rarely sees one in noise; both pages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import training_steps, weight_decay
from experiments.bump import LEVEL, dips_beside, find_bump, geometric_mean, ratio_interval
from verify.style import render

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
    bump = find_bump({T: [loss, loss * 1.01, loss * 1.02] for T, loss in zip(SIZES, RISE, strict=True)})
    assert (bump.T, bump.there, bump.inner) == (1000, True, 3)
    assert bump.over_first.value == pytest.approx(6 / 1.02)
    rising = find_bump({T: [T, T * 1.01] for T in (1, 2, 3, 4)})
    assert (rising.T, rising.there) == (3, False)
    assert not find_bump({T: [loss] for T, loss in zip(SIZES, RISE, strict=True)}).there


def test_a_peak_that_seeds_share_is_told_from_one_that_they_do_not():
    """Seeds that differ by factors: above both ends in all, which Welch's test does not see; then in all but one."""
    wide = {1: [1.0, 1.01, 1.02], 2: [1.5, 4.0, 300.0], 3: [0.98, 0.99, 1.0]}
    assert (find_bump(wide).there, find_bump(wide).apart) == (False, True)
    assert not find_bump(wide | {2: [1.015, 4.0, 300.0]}).apart


@given(st.lists(losses, min_size=3, max_size=6), st.floats(1e-2, 1e2), st.data())
def test_dips_are_the_least_means_beside_a_peak_below_each_of_its_seeds(curve, factor, data):
    curves = dict(enumerate(curve))
    peak = data.draw(st.integers(1, len(curve) - 2))
    dips = dips_beside(curves, peak)
    means = {T: np.log(each).mean() for T, each in curves.items()}
    least = [min(T for T in side if means[T] == min(means[k] for k in side))
             for side in (range(peak), range(peak + 1, len(curve)))]  # fmt: skip
    below = all(max(curves[T]) < min(curves[peak]) for T in least)
    assert dips == (tuple(least) if below else None)


@pytest.mark.parametrize(
    "bad", [{1: [1.0], 2: [1.0]}, {1: [1.0], 2: [], 3: [1.0]}, {1: [1.0], 2: [0.0], 3: [1.0]}]
)
def test_what_is_no_curve_is_refused(bad):
    with pytest.raises(ValueError, match=r"give at least three T|want test losses"):
        find_bump(bad)


def _tables(key, curves, jitter=0.01):
    """Runs of three seeds a little apart, one curve of test losses over `SIZES` for each value of ``key``."""
    rows = [
        {
            key: value,
            "sparsity": 0.99,
            "T": T,
            "seed": seed,
            "status": "not memorized",
            "train_loss": 0.5,
            "test_loss": loss * (1 + jitter * (seed + value % 0.37)),
            "largest_feature_dimensionality": 0.3 if T > 1000 else 0.02,
        }
        for value, curve in curves.items()
        for T, loss in zip(SIZES, curve, strict=True)
        for seed in (-1, 0, 1)
    ]
    return {"runs": pd.DataFrame(rows)}


def _scaled(curve, factor):
    return [1 + (loss - 1) * factor if loss > 2 else loss for loss in curve]


def test_strong_decay_removes_the_bump():
    tables = _tables("weight_decay", {0.001: _scaled(RISE, 2), 0.01: RISE, 1.0: FLAT})
    text = weight_decay.describe(tables)
    assert "**Weight decay 1 removes the bump**" in text
    assert "| 0.01 | yes | 1000 (10) |" in text
    assert "| 1 | no |" in text
    assert "**Less decay makes the peak higher**" in text


def test_what_strong_decay_leaves_above_zero_output_is_said():
    left = (1.4, 1.0, 1.2, 1.3, 0.99)
    text = weight_decay.describe(_tables("weight_decay", {0.01: RISE, 1.0: left}))
    assert "leaves 0.061 of the bump's height above zero output** and none above both ends" in text
    assert "removes the bump" not in text


def test_a_smaller_bump_behind_a_dip_is_said():
    """Above the dips at T = 50 and 3000, but below the smallest T; without the dip before it there is none."""
    left = (1.4, 1.0, 1.2, 1.3, 0.99)
    text = weight_decay.describe(_tables("weight_decay", {0.01: RISE, 1.0: left}))
    assert (
        "weight decay 1 at T = 1000 (1.29 to 1.316 over seeds), above T = 50 (at most 1.013) and T = 3000"
        in text
    )
    falling = weight_decay.describe(_tables("weight_decay", {0.01: RISE, 1.0: (1.4, 1.4, 1.3, 1.2, 0.99)}))
    assert "Smaller bumps" not in falling


def test_seeds_that_leave_it_open_remove_no_bump():
    """At decay 1 the mean is near 1, but the seeds allow a bump of the usual height."""
    tables = _tables("weight_decay", {0.01: RISE, 1.0: FLAT})
    runs = tables["runs"]
    strong = runs["weight_decay"] == 1.0
    inner = strong & ~runs["T"].isin([SIZES[0], SIZES[-1]])
    runs.loc[inner, "test_loss"] = 2.5 ** (1 + 2 * runs.loc[inner, "seed"])
    text = weight_decay.describe(tables)
    assert "Whether weight decay 1 removes the bump is not decided" in text
    assert "removes the bump**" not in text


def test_a_descent_that_is_not_seen_to_its_end_is_said():
    open_ended = (1.02, 1.0, 4.0, 6.0, 1.5)
    text = weight_decay.describe(_tables("weight_decay", {0.01: open_ended, 1.0: FLAT}))
    assert "still at or above 1 for weight decay 0.01 at T = 3000 (1.5)" in text
    assert "below the zero output's test loss" in weight_decay.describe(_tables("weight_decay", {0.01: RISE}))


def test_a_peak_that_every_seed_shows_short_of_the_test_is_said():
    """Seeds of the peak differ by factors: higher than after few steps in all, a bump in all, and no test sees it."""
    tables = _tables("steps", {2000: FLAT, 20000: RISE})
    runs = tables["runs"]
    peak = (runs["steps"] == 20000) & (runs["T"] == 1000)
    runs.loc[peak, "test_loss"] = 1e6 ** (1 + 0.9 * runs.loc[peak, "seed"])
    text = training_steps.describe(tables)
    assert "| 20000 | in every seed | 1000 (10) |" in text
    assert "| 2000 | no |" in text
    assert "not established after 20000 steps" in text
    assert "Smaller bumps" not in text


def test_a_curve_of_two_sizes_is_left_out():
    tables = _tables("steps", {2000: RISE, 20000: RISE})
    runs = tables["runs"]
    short = {"runs": runs[(runs["steps"] == 2000) | runs["T"].isin(SIZES[:2])]}
    assert "nothing can be said about growth" in training_steps.describe(short)


def test_a_bump_that_stays_is_not_described_as_removed():
    text = weight_decay.describe(_tables("weight_decay", {0.01: RISE, 1.0: RISE}))
    assert "**The bump is not removed**" in text
    assert "removes the bump" not in text
    assert "No two neighbouring weight decays are told apart" in text


def test_without_a_bump_there_is_none_to_remove():
    text = weight_decay.describe(_tables("weight_decay", {0.01: FLAT, 1.0: FLAT}))
    assert "That there is a bump is not established" in text
    assert "removes the bump" not in text
    assert "yes" not in text
    noisy = weight_decay.describe(_tables("weight_decay", {0.01: RISE, 1.0: FLAT}, jitter=0.6))
    assert "That there is a bump is not established" in noisy
    assert "cannot be tested" in weight_decay.describe(_tables("weight_decay", {0.1: RISE, 1.0: FLAT}))


def test_an_order_against_the_paper_is_said():
    tables = _tables("weight_decay", {0.01: RISE, 0.1: _scaled(RISE, 3), 1.0: FLAT})
    assert "**Less decay makes the peak lower** from 0.1 to 0.01, against the paper" in weight_decay.describe(
        tables
    )


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (_scaled(RISE, 3), "**More steps make the bump larger**"),
        (_scaled(RISE, 0.5), "**More steps make the bump smaller**"),
        (RISE, "is not decided by these seeds"),
        (FLAT, "That it is a bump is not established after 20000 steps"),
    ],
)
def test_growth_with_steps_is_what_the_numbers_say(last, says):
    text = training_steps.describe(_tables("steps", {2000: RISE, 20000: last}))
    assert says in text
    assert ("**More steps make the bump larger**" in text) == (says == "**More steps make the bump larger**")


def test_no_place_without_a_bump():
    text = training_steps.describe(_tables("steps", {2000: FLAT, 20000: FLAT}))
    assert "For no number of steps is a bump established." in text
    assert "T = 1000 after" in training_steps.describe(_tables("steps", {2000: FLAT, 20000: RISE}))


@pytest.mark.parametrize(("module", "key"), [(weight_decay, "weight_decay"), (training_steps, "steps")])
def test_tables_are_all_that_is_drawn(module, key):
    tables = _tables(key, {0.01: RISE, 1.0: FLAT})
    drawn = render(module.draw(tables), "svg")
    again = module.collect([], tables["runs"])
    assert render(module.draw(again), "svg") == drawn
    changed = tables["runs"].assign(test_loss=tables["runs"]["test_loss"] * 1.3)
    assert render(module.draw({"runs": changed}), "svg") != drawn
