"""Missing cells by the axes of a sweep: the boxes are the cells, and nothing is said of a whole sweep."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Setting
from verify.experiments.absent import LONGEST, _boxes, absent_text, axes_of

GRID = [Setting(T=T, m=m, seed=seed) for T in (5, 10, 20, 50) for m in (1, 2, 4) for seed in (0, 1)]
SETTINGS = [{"lr": 1e-3}, {"lr": 3e-3}, {"lr": 1e-2}, {"weight_decay": 0.0}, {"steps": 999}]


@given(st.sets(st.sampled_from(GRID)))
def test_every_missing_run_is_counted_once(missing):
    text = absent_text(GRID, missing)
    assert sum(int(count) for count in re.findall(r"\((\d+) (?:of|runs?)", text)) == len(missing)
    assert bool(text) is bool(missing)
    assert len(text) <= LONGEST or "m =" not in text


@given(st.sets(st.tuples(*[st.integers(0, 3).map(lambda k: (k,))] * 3)))
def test_boxes_are_the_places_and_disjoint(places):
    inside = [here for box in _boxes(places, 3) for here in itertools.product(*box)]
    assert len(inside) == len(set(inside)) == len(places)
    assert set(inside) == places


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (lambda one: one.T >= 20, "T = 20, 50 (12 runs)"),
        (lambda one: one.T >= 10, "T = 10 … 50 (18 runs)"),
        (lambda one: one.m == 4, "T = 5 … 50, m = 4 (8 runs)"),
        (lambda one: one.seed == 1, "T = 5 … 50, seed = 1 (12 runs)"),
        (lambda one: one.T == 50 and one.m == 1, "T = 50, m = 1 (2 runs)"),
        (lambda one: "100101100110011001101001"[GRID.index(one)] == "1", "T = 5 … 50 (12 of 24 runs)"),
    ],
)
def test_cells_are_named_by_the_axes_on_which_they_are_not_all(missing, text):
    assert absent_text(GRID, [one for one in GRID if missing(one)]) == text


def test_fields_that_walk_together_are_one_axis():
    sparse = [
        Setting(T=T, n=100, sparsity=S, seed=k)
        for S, T in ((0.9, 10), (0.9, 50), (0.8, 5), (0.8, 25))
        for k in (0, 1)
    ]
    assert axes_of(sparse) == [("T",), ("seed",)]  # T alone tells the sparsity
    sparse += [Setting(T=50, n=100, sparsity=0.8, seed=k) for k in (0, 1)]
    assert axes_of(sparse) == [("T", "sparsity"), ("seed",)]
    late = [one for one in sparse if one.T == 50 or one.sparsity == 0.8]
    assert absent_text(sparse, late) == "T = 50 at sparsity = 0.9 and sparsity = 0.8 (8 runs)"


def test_changes_of_one_field_at_a_time_are_named_by_what_they_change():
    cells = [Setting(T=T, seed=0, **change) for T in (5, 10) for change in SETTINGS]
    slow = [one for one in cells if one.steps == 999 or one.weight_decay == 0]
    assert absent_text(cells, slow) == "T = 5, 10, weight_decay = 0 or steps = 999 (4 runs)"
    changed = "steps = 999; of the others weight_decay = 0; of the others lr = 0.003, 0.01"
    assert absent_text(cells, cells[1:5]) == f"T = 5, {changed} (4 runs)"


def test_places_on_a_long_axis_are_named_by_one_field_after_the_other():
    walked = [(n, T, R) for n, T in ((10, 10), (10, 30), (20, 20), (20, 30)) for R in (1, 2, 3)]
    walked += [(10, 50, R) for R in (2, 3, 4)]
    cells = [Setting(n=n, T=T, repeats=R, sparsity=0.8, seed=k) for n, T, R in walked for k in (0, 1)]
    assert axes_of(cells) == [("T", "n", "repeats"), ("seed",)]
    late = [one for one in cells if one.n == 20 or one.T == 30]
    assert absent_text(cells, late) == "n = 20; of the others T = 30 (18 runs)"
    some = [one for one in cells if one.n == 10 and one.T == 10]
    assert absent_text(cells, some) == "T = 10, n = 10, repeats = 1 … 3 (6 runs)"
    odd = [one for one in cells if one.T == 30 and one.repeats > 1]
    assert absent_text(cells, odd) == "4 of 15 settings of T, n, repeats (8 runs)"
