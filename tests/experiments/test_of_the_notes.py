"""Experiments that test the notes: what their tables leave out, and what decides nothing."""

import math

import numpy as np
import pandas as pd
import pytest

from experiments.decay_budget import findings as budget_findings
from experiments.decay_budget import summary as budget_summary
from experiments.polish import summary as polish_summary
from experiments.repeated_threshold import LINE, PROPORTIONAL, boundary
from experiments.sea import summary as sea_summary
from tests.experiments.statements import between, changed, committed, judged, power
from tests.tgon.command import refusal


def test_two_circles_and_shared_features_are_no_excess():
    tables = committed("decay-budget")
    for column, value in (("length_jump", 1.2), ("shared_features", 1.0)):
        shown = budget_summary(changed(tables, "runs", **{column: value}))
        assert set(shown["seeds in excess"]) == {"0"}
        assert set(shown["excess, median"]) == {"–"}


def test_a_rate_needs_three_seeds():
    tables = committed("decay-budget")
    few = tables | {"runs": tables["runs"].query("seed < 2")}
    assert not [one for one in budget_findings(few) if one.statement == "Rate of the fall"]


def test_a_ring_that_does_not_stand_apart_is_none():
    shown = sea_summary(changed(committed("sea"), "runs", ring_jump=1.1))[""]
    assert set(shown["ring ends with"]) == {"no ring: 6", "no ring: 4", "no ring: 3"}
    assert set(shown["r"]) == {"–"}


_ONE_SEED = {"T": lambda rows: 30_000 - (rows.index > rows.query("law == 'first'").index[0])}


@pytest.mark.parametrize(
    ("statement", "table", "columns", "outcome"),
    [
        (PROPORTIONAL, "laws", power(0.75) | {"exponent_high": 1.2, "exponent_low": 0.4}, "not decided"),
        (PROPORTIONAL, "laws", {"exponent_low": -math.inf}, "not tested"),
        (LINE, "thresholds", between(1.0, math.inf), "not decided"),
        (LINE, "thresholds", between(9.0, 11.0) | _ONE_SEED, "not decided"),
    ],
)
def test_wide_intervals_decide_no_threshold(statement, table, columns, outcome):
    tables = changed(committed("repeated-threshold"), table, **columns)
    assert judged("repeated-threshold", tables)[statement] == outcome


def test_models_that_were_refused_are_counted():
    ratios = {"ratio_before": [1.5, 1.6, np.nan], "ratio_after": [1.0, 1.1, np.nan]}
    rows = pd.DataFrame(ratios | {"reason": [np.nan, np.nan, "datapoints 1 and 2 share a feature"]})
    rows = rows.assign(T=8, diagnosis_before="two circles")
    (row,) = polish_summary({"polished": rows}).to_dict("records")
    assert tuple(row.values()) == (8, "two circles", 3, "1.5 to 1.6", 2, 1, 0, 1)


def test_thresholds_without_a_law_have_a_range():
    ends = pd.DataFrame({"low": [3.0, 4.0, 3.0], "high": [6.0, 6.0, math.inf]})
    for rows in (ends, pd.concat([ends, ends])):  # few, and six that share the range from 4 to 6
        found = boundary(rows)
        assert math.isnan(found.value)
        assert (found.low, found.high) == (3.0, math.inf)


def test_tables_of_other_commands_are_not_made_from_runs(tmp_path):
    assert "try --from experiments/polish" in refusal("figure", "polish", "--runs", tmp_path)
