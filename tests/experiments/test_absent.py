"""Missing cells field by field: the counts are the cells', and nothing is said of a field that they do not touch."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.absent import absent_text
from theory import Setting

GRID = [Setting(T=T, m=m, seed=seed) for T in (5, 10, 20, 50) for m in (1, 2, 4) for seed in (0, 1)]


@given(st.sets(st.sampled_from(GRID), max_size=len(GRID) - 1))
def test_every_named_field_counts_every_missing_run_once(missing):
    text = absent_text(GRID, missing)
    for part in text.split("; ") if text else []:
        counted = 0
        for listed, count, of in re.findall(r"([^()]+) \((\d+) of (\d+)", part):
            ends = re.search(r"(\d+) … (\d+)$", listed)
            name = part.partition(" = ")[0]
            values = {getattr(one, name) for one in GRID}
            inside = (
                sum(int(ends[1]) <= value <= int(ends[2]) for value in values)
                if ends
                else len(listed.split(" = ")[-1].strip(", ").split(", "))
            )
            assert int(count) <= int(of)
            counted += inside * int(count)
        assert counted == len(missing)


@given(st.sets(st.sampled_from(GRID)))
def test_a_field_is_silent_just_where_the_missing_runs_are_spread_evenly(missing):
    named = {part.partition(" = ")[0] for part in absent_text(GRID, missing).split("; ")}
    for name in ("T", "m", "seed"):
        counts = {
            sum(getattr(one, name) == value for one in missing)
            for value in {getattr(one, name) for one in GRID}
        }
        assert (name in named) is (len(counts) > 1)


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (lambda one: False, ""),
        (lambda one: one.T >= 20, "T = 20, 50 (6 of 6 each)"),
        (lambda one: one.T >= 10, "T = 10 … 50 (6 of 6 each)"),
        (lambda one: one.m == 4, "m = 4 (8 of 8)"),
        (lambda one: one.T == 50 and one.m == 1, "T = 50 (2 of 6); m = 1 (2 of 8)"),
        (lambda one: one.T == 50 and one.seed == 1, "T = 50 (3 of 6); seed = 1 (3 of 12)"),
    ],
)
def test_missing_runs_are_named_by_the_fields_that_they_do_not_share_evenly(missing, text):
    assert absent_text(GRID, [one for one in GRID if missing(one)]) == text


def test_a_field_that_another_one_tells_is_silent():
    cells = [Setting(T=T, n=n, sparsity=1 - 10 / n, seed=0) for n in (100, 1000) for T in (5, 10)]
    assert absent_text(cells, cells[:2]) == "n = 100 (2 of 2)"


def test_a_field_that_would_take_many_numbers_is_silent():
    cells = [Setting(T=T, seed=seed) for T in range(3, 23) for seed in range(20)]
    steps = [one for one in cells if one.seed < one.T - 3]
    assert absent_text(cells, steps) == ""
    assert absent_text(cells, [one for one in steps if one.T < 8]).startswith("T = 4 (1 of 20), 5 (2 of 20)")
