"""Experiment ``repeated-map``: boundaries of outcomes, and a page that says only what the tables show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import repeated_map
from experiments.repeated_map.collecting import boundaries


def _runs(rows):
    """A table ``runs`` of models that store features, from its columns of outcomes."""
    runs = pd.DataFrame(rows, columns=["n", "T", "repeats", "seed", "first", "embedded"])
    return runs.assign(largest_feature=0.3, length=np.where(runs["embedded"], 1.0, 0.1))


def _map(threshold, sweeps_up=5.0):
    """Outcomes with a threshold in R for each T/n, a few of them on the other side."""
    rows = []
    for T in (100, 300, 1000):
        for R in (2, 3, 4, 6, 8, 12, 16):
            for seed in range(4):
                happened = threshold(T / 100) * (0.6, 0.8, 1.25, 1.7)[seed] < R
                rows.append((100, T, R, seed, happened, happened))
    runs = _runs(rows)
    theory = [
        {
            "n": 100,
            "T": T,
            "median": m,
            "least": 0.8 * m,
            "greatest": 1.2 * m,
            "metastable_until": 9 * m,
            "metastable_censored": T > 500,
            "draws": 4,
            "undecided": int(T == 300),
        }
        for T, m in ((100, 2.6), (300, 2.6), (1000, 5.0))
    ]
    sweeps = [
        (way, R, seed, float(end <= R)) for way, end in (("down", 2.5), ("up", sweeps_up)) for seed in range(3)
        for R in (1, 2, 3, 4, 5, 6)
    ]  # fmt: skip
    frame = pd.DataFrame(sweeps, columns=["direction", "repeats", "seed", "length"]).assign(n=100, T=300)
    return {"runs": runs, "boundaries": boundaries(runs), "theory": pd.DataFrame(theory), "sweeps": frame}


def test_outcomes_that_do_not_rise_bound_nothing():
    """An interval from 0 to infinity is no boundary, and meets no theory."""
    rows = [
        (100, 300, R, seed, happened, True)
        for R, happened in ((2, False), (3, True), (4, False))
        for seed in (0, 1)
    ]
    runs = _runs(rows)
    found = boundaries(runs).set_index("criterion").loc["first"]
    assert np.isnan(found[["median", "low", "high"]].astype(float)).all()
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    kept = tables["runs"][tables["runs"]["T"] != 300]
    tables["runs"] = pd.concat([kept, runs], ignore_index=True)
    text = repeated_map.describe({**tables, "boundaries": boundaries(tables["runs"])})
    assert "in 2 of 2 sizes where runs bound it on both sides (medians: n = 100, T/n = 1: " in text
    assert "Elsewhere (n = 100, T/n = 3) they bound it on one side at most." in text


def test_one_side_is_no_boundary():
    """Where all succeed from the second R on and some at the least, nothing bounds the boundary from below."""
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    rows = [(100, 100, R, seed, R > 2 or seed == 0, True) for R in (2, 3, 4) for seed in range(4)]
    tables["runs"] = pd.concat([tables["runs"].query("T != 100"), _runs(rows)], ignore_index=True)
    text = repeated_map.describe({**tables, "boundaries": boundaries(tables["runs"])})
    assert "in 2 of 2 sizes where" in text
    assert "Elsewhere (n = 100, T/n = 1) they bound it on one side at most." in text
    assert "in 1 of 1 sizes (among the first by D_X in n = 100, T/n = 1: 1 of 4 at R = 2): agrees." in text
    rows = [(*row[:4], row[2] > 2 or row[3] < 3, True) for row in rows]
    tables["runs"] = pd.concat([tables["runs"].query("T != 100"), _runs(rows)], ignore_index=True)
    text = repeated_map.describe({**tables, "boundaries": boundaries(tables["runs"])})
    assert "n = 100, T/n = 1: 3 of 4 at R = 2): differs." in text


@pytest.mark.parametrize(
    ("units", "says", "verdict"),
    [
        (lambda unit: 3 * unit**0.5, "below the boundary in 2 of 2 sizes", "differs"),
        (
            {1: 2.6, 3: 2.6, 10: 4.0}.get,
            "below the boundary in 1 of 2 sizes, within its interval in 1",
            "agrees in part",
        ),
    ],
)
def test_the_published_line_is_placed_against_the_boundaries(units, says, verdict):
    text = repeated_map.describe(_map(units))
    assert f"the published R = 0.4 T/n lies {says}" in text
    assert text.split("published R = 0.4")[1].split("\n")[0].endswith(f": {verdict}.")


def test_sizes_without_features_are_left_out():
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    runs = tables["runs"]
    short = runs.assign(largest_feature=np.where((runs["T"] == 100) & (runs["repeats"] > 2), 0.1, 0.3))
    text = repeated_map.describe({**tables, "runs": short})
    assert "At n = 100, T/n = 1 only 4 of 28 models store a feature" in text
    assert "At T/n ≤ 1, published: more than T/n repeats are needed: not tested." in text
    assert "in 2 of 2 sizes where" in text
    assert "store a feature; the" not in repeated_map.describe(tables)


def test_a_size_with_few_runs_has_ends_and_no_median():
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    rows = [(100, 300, R, seed, R > 3, R > 3) for R in (3, 5) for seed in (0, 1)]
    tables["runs"] = pd.concat([tables["runs"].query("T != 300"), _runs(rows)], ignore_index=True)
    text = repeated_map.describe({**tables, "boundaries": boundaries(tables["runs"])})
    assert "n = 100, T/n = 3: between 3 and 5 in 4 runs, theory 2.6;" in text


def test_only_a_jump_drops_the_point():
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    down = (tables["sweeps"]["direction"] == "down") & (tables["sweeps"]["seed"] == 1)
    faded = tables["sweeps"].assign(
        length=tables["sweeps"]["length"].where(~down, 0.3 + 0.1 * tables["sweeps"]["repeats"])
    )
    text = repeated_map.describe(
        {**tables, "sweeps": faded.assign(length=faded["length"].where(~down, faded["length"] - 0.02))}
    )
    assert "In 2 of 3 the point is dropped in a jump" in text
    assert "In 1 it shortens without a jump, to 0.38." in text
    assert "without a jump" not in repeated_map.describe(tables)


def test_the_map_marks_the_ranges_that_are_longer_than_the_scan():
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    longer = "… and longer: the scan of R ends there"
    (legend,) = repeated_map.draw(tables).legends
    assert [text.get_text() for text in legend.get_texts()].count(longer) == 1
    tables["theory"] = tables["theory"].assign(metastable_censored=False)
    (legend,) = repeated_map.draw(tables).legends
    assert longer not in [text.get_text() for text in legend.get_texts()]


def test_the_boundary_of_the_theory_is_found_again():
    tables = _map({1: 2.6, 3: 2.6, 10: 5.0}.get)
    assert "| ≥ 45 |" in repeated_map.describe(tables)
    assert repeated_map.describe(tables).count(", 1 of 4 open |") == 1
    text = repeated_map.describe(tables)
    assert "in 3 of 3 sizes where runs bound it on both sides" in text
    assert "Both criteria agree" in text
    fits = tables["boundaries"]
    truth = np.array([2.6, 2.6, 2.6, 2.6, 5.0, 5.0])
    assert np.all((fits["low"] <= truth) & (truth <= fits["high"]) | fits["median"].isna())
    assert fits["median"].notna().any()


def test_a_boundary_elsewhere_does_not_agree_with_the_theory():
    text = repeated_map.describe(_map(lambda unit: 11.0))
    assert "in 0 of 3 sizes" in text
    assert "where the theory still lets the unembedded state stand" in text


def test_hysteresis_is_said_only_where_starts_are_remembered():
    tables = _map(lambda unit: 2.7)
    text = repeated_map.describe(tables)  # fresh starts: from R = 2, 3, 4 and 6
    assert (
        "to R = 3, 3, 3, fresh starts of the same seeds embed it from R = 2, 3, 4; the former is less in 1 of 3"
        in text
    )
    assert "in 1 of 3 and more in 1; so few seeds do not decide" in text
    assert "upward from there it is embedded again from R = 5, 5, 5" in text
    later = tables["runs"].assign(embedded=lambda table: table["repeats"] >= 8)
    text = repeated_map.describe(tables | {"runs": later})
    assert (
        "in 3 of 3 and more in 0; so few seeds do not decide whether the start is remembered (sign test, p = 0.25)"
        in text
    )
    twice = {
        name: pd.concat([table, table.assign(seed=table["seed"] + 3)], ignore_index=True)
        for name, table in (("runs", later), ("sweeps", tables["sweeps"]))
    }
    text = repeated_map.describe(tables | twice)
    assert "in 6 of 6 and more in 0; **the start is remembered** (sign test, p = 0.031)" in text


def test_outcomes_without_overlap_have_ends_and_no_fit():
    runs = _map(lambda unit: 5.0)["runs"].assign(first=lambda table: table["repeats"] >= 6)
    found = boundaries(runs).query("criterion == 'first'")
    assert found["median"].isna().all()
    assert set(found["none_until"]) == {4}
    assert set(found["all_from"]) == {6}
    assert boundaries(runs.assign(first=False)).query("criterion == 'first'")["all_from"].isna().all()
