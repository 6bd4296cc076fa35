"""Intervals cover as often as they say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verify.statistics import lies_above, mean_interval, share_interval


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(-100, 100))
def test_the_interval_of_a_mean_moves_with_the_sample(values, shift):
    here, there = mean_interval(values), mean_interval(np.array(values) + shift)
    rounding = 1e-10 * (1 + abs(shift) + max(map(abs, values)))
    assert here.low <= here.value <= here.high
    assert abs(there.low - here.low - shift) <= rounding
    assert abs(there.high - here.high - shift) <= rounding


def test_the_interval_of_a_mean_covers_as_often_as_it_says():
    """Of 4000 samples of normal numbers, a share within five standard errors of 95 %."""
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    covered = np.mean([abs(np.clip(0, each.low, each.high)) == 0 for each in map(mean_interval, draws)])
    assert abs(covered - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 4000)


@given(st.integers(1, 60), st.data())
def test_the_interval_of_a_share_holds_it_and_mirrors(trials, data):
    successes = data.draw(st.integers(0, trials))
    share, rest = share_interval(successes, trials), share_interval(trials - successes, trials)
    assert share.low <= share.value <= share.high
    assert abs(share.low - (1 - rest.high)) < 1e-9


def test_samples_lie_above_each_other_as_wholes():
    assert lies_above([3, 2], [1, 0])
    assert not any(lies_above(*pair) for pair in (([3, 1], [1, 0]), ([], [1]), ([1], [])))
