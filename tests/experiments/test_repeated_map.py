"""Experiment ``repeated-map``: boundaries of outcomes, and what is found beside theory and published line."""

import numpy as np
import pandas as pd

from experiments import repeated_map
from experiments.commentary import outcomes
from experiments.repeated_map import MORE_NEEDED, boundaries


def _runs(rows):
    """A table ``runs`` of models that store features, from its columns of outcomes."""
    runs = pd.DataFrame(rows, columns=["n", "T", "repeats", "seed", "first", "embedded"])
    return runs.assign(largest_feature=0.3, length=np.where(runs["embedded"], 1.0, 0.1))


#: The threshold in R at each T/n, as the theory has it.
THRESHOLDS = {1: 2.6, 3: 2.6, 10: 5.0}.get


def _map(threshold):
    """Outcomes with a threshold in R for each T/n, a few of them on the other side."""
    rows = []
    for T in (100, 300, 1000):
        for R in (2, 3, 4, 6, 8, 12, 16):
            for seed in range(4):
                happened = threshold(T / 100) * (0.6, 0.8, 1.25, 1.7)[seed] < R
                rows.append((100, T, R, seed, happened, happened))
    runs = _runs(rows)
    theory = pd.DataFrame({"T": [100, 300, 1000], "median": [2.6, 2.6, 5.0], "undecided": [0, 1, 0]})
    multiples = {"least": 0.8, "greatest": 1.2, "metastable_until": 9}
    theory = theory.assign(**{name: each * theory["median"] for name, each in multiples.items()})
    theory = theory.assign(n=100, metastable_censored=theory["T"] > 500)
    sweeps = [
        (way, R, seed, float(end <= R)) for way, end in (("down", 2.5), ("up", 5.0)) for seed in range(3)
        for R in (1, 2, 3, 4, 5, 6)
    ]  # fmt: skip
    frame = pd.DataFrame(sweeps, columns=["direction", "repeats", "seed", "length"]).assign(n=100, T=300)
    return {"runs": runs, "boundaries": boundaries(runs), "theory": theory, "sweeps": frame}


def _made(threshold, rows=None):
    """Tables with that threshold, in which ``rows`` of runs stand for all at their T."""
    tables = _map(threshold)
    if rows is not None:
        kept = tables["runs"][tables["runs"]["T"] != rows[0][1]]
        runs = pd.concat([kept, _runs(rows)], ignore_index=True)
        tables |= {"runs": runs, "boundaries": boundaries(runs)}
    return tables


def _found(tables, statement, at=""):
    """The one finding of that statement, at a place whose name ends so."""
    (one,) = (
        each
        for each in repeated_map.findings(tables)
        if each.statement.startswith(statement) and each.at.endswith(at)
    )
    return one


def test_outcomes_that_do_not_rise_bound_nothing():
    """An interval from 0 to infinity is no boundary, and meets no theory."""
    rows = [
        (100, 300, R, seed, happened, True)
        for R, happened in ((2, False), (3, True), (4, False))
        for seed in (0, 1)
    ]
    fitted = boundaries(_runs(rows)).set_index("criterion").loc["first"]
    assert np.isnan(fitted[["median", "low", "high"]].astype(float)).all()
    tables = _made(THRESHOLDS, rows)
    meets = _found(tables, "The boundary's interval meets")
    assert (meets.value, meets.n) == (1, 2)
    assert _found(tables, "Boundary", "T/n = 3").high == np.inf


def test_one_side_is_no_boundary():
    """Where all succeed from the second R on and some at the least, nothing bounds the boundary from below."""
    rows = [(100, 100, R, seed, R > 2 or seed == 0, True) for R in (2, 3, 4) for seed in range(4)]
    tables = _made(THRESHOLDS, rows)
    assert _found(tables, "The boundary's interval meets").n == 2
    assert _found(tables, "Boundary", "T/n = 1").low == 0
    needed = _found(tables, MORE_NEEDED)
    assert (needed.outcome, needed.value, needed.n) == ("agrees", 1 / 4, 4)


def test_sizes_without_features_are_left_out():
    tables = _map(THRESHOLDS)
    runs = tables["runs"]
    short = runs.assign(largest_feature=np.where((runs["T"] == 100) & (runs["repeats"] > 2), 0.1, 0.3))
    tables |= {"runs": short}
    assert repeated_map.summary(tables)["that store a feature"].tolist() == [4, 28, 28]
    assert outcomes(repeated_map.findings(tables))[MORE_NEEDED] == "not tested"
    assert _found(tables, "The boundary's interval meets").n == 2


def test_a_size_with_few_runs_has_ends_and_no_median():
    tables = _made(THRESHOLDS, [(100, 300, R, seed, R > 3, R > 3) for R in (3, 5) for seed in (0, 1)])
    ends = tables["boundaries"].query("T == 300 and criterion == 'first'")
    assert ends[["none_until", "all_from"]].to_numpy().tolist() == [[3, 5]]
    boundary = _found(tables, "Boundary", "T/n = 3")
    assert np.isnan(boundary.value)
    assert (boundary.low, boundary.high, boundary.n) == (1, 5 / 3, 4)
    assert repeated_map.summary(tables)["R by D_X"][1] == "3 to 5"


def test_the_boundary_of_the_theory_is_found_again():
    tables = _map(THRESHOLDS)
    shown = repeated_map.summary(tables)
    assert shown["stays out until"].tolist() == ["23.4", "23.4", "≥ 45"]
    assert shown["open draws"].tolist() == [0, 1, 0]
    meets = _found(tables, "The boundary's interval meets")
    assert (meets.value, meets.n) == (1, 3)
    assert _found(tables, "The two criteria differ").value == 0
    fits = tables["boundaries"]
    truth = np.array([2.6, 2.6, 2.6, 2.6, 5.0, 5.0])
    assert np.all((fits["low"] <= truth) & (truth <= fits["high"]) | fits["median"].isna())
    assert fits["median"].notna().any()
    assert _found(_map(lambda unit: 11.0), "The boundary's interval meets").value == 0


def test_hysteresis_is_counted_over_the_seeds_that_differ():
    """Downward points stay to R = 3; fresh starts embed them from R = 2, 3, 4, and later from 8."""
    tables = _map(lambda unit: 2.7)
    kept = _found(tables, "A falling R")
    assert (kept.value, kept.n) == (1 / 2, 2)
    later = tables["runs"].assign(embedded=lambda table: table["repeats"] >= 8)
    kept = _found(tables | {"runs": later}, "A falling R")
    assert (kept.value, kept.n) == (1, 3)
