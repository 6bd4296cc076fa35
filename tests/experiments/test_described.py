"""Findings of the first experiments: tables that have the effect, and tables without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments import dataset_size, failures, norms
from numerics import Dataset, Run
from tests.experiments.statements import changed, committed
from theory import Setting, tgon_bias_norm, tgon_weight_norm
from theory.memorization.failures import least_gaps, two_circles
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import diagnose_run


def finding(module, tables, start):
    """The first finding whose statement begins so."""
    return next(each for each in module.findings(tables) if each.statement.startswith(start))


def test_the_published_curve_is_compared_where_features_are_seen_as_often():
    tables = changed(
        committed("dataset-size"), "runs", test_loss=lambda runs: np.where(runs["T"] == 2000, 30.0, 1.0)
    )
    assert finding(dataset_size, tables, "Between the regimes").outcome == "differs"
    tables["levels"] = tables["levels"].replace({"value": {10_000: 1000}})
    found = finding(dataset_size, tables, "Between the regimes")
    assert (found.outcome, found.value, found.at) == ("not tested", 30.0, "T(1 − S) = 2")  # another n


def test_norms_are_laid_beside_the_theory():
    """Of runs that lie a factor above the regular T-gon, and those whose biases are too short to overtake."""
    factor = {"memorized": True, "disjoint": True, "diagnosis": "regular T-gon"}
    factor |= {"weight_norm": lambda runs: 1.02 * tgon_weight_norm(runs["T"])}
    tables = changed(
        committed("norms"), "runs", **factor, bias_norm=lambda runs: 1.02 * tgon_bias_norm(runs["T"])
    )
    assert finding(norms, tables, "‖W‖ of runs").value == pytest.approx(1.02, rel=5e-6)  # six digits
    assert finding(norms, tables, "‖b‖ starts").value == 7  # as `memorization.bias-overtakes` has it
    shorter = changed(tables, "runs", bias_norm=lambda runs: 0.3 * tgon_bias_norm(runs["T"]))
    assert finding(norms, shorter, "‖b‖ starts").value > 7
    row = norms.summary(tables).query("T == 7").iloc[0].tolist()
    assert row[1] == row[2] > 1
    assert [each[:4] for each in row[3:]] == ["1.02"] * 2
    first = changed(
        tables, "runs", disjoint=lambda runs: (runs["T"] != 7) | (runs["seed"] == runs["seed"].min())
    )
    assert norms.summary(first).set_index("T")["seeds on disjoint data"][7] == 1
    nothing = changed(tables, "runs", memorized=False)
    assert finding(norms, nothing, "‖W‖ of runs").n == len(norms.summary(nothing)) == 0


def _run_of(hidden):
    """A run that stores one-hot datapoints at these hidden vectors, each with its exact bias."""
    T = hidden.shape[1]
    n = max(T, 12)
    W, b = np.pad(hidden, ((0, 0), (0, n - T))), np.pad(1 - np.sum(hidden**2, axis=0), (0, n - T))
    history, data = (np.array([0]), np.array([0.0])), Dataset.from_dense(np.eye(n, T))
    return Run(Setting(T=T, n=n), "cpu", "memorized", W, b, *history, given_data=data)


@pytest.mark.parametrize(("T", "inner"), [(8, [1.4]), (8, [1.439, 1.439]), (12, [2.0, 2.0, 2.0])])
def test_the_gaps_of_two_circles_are_measured(T, inner):
    """On the exact arrangement both interfaces have the gap of the formula, to the rounding of angles near π/2."""
    circles = two_circles(T, inner)
    run = _run_of(circles.hidden)
    assert diagnose_run(run).name == "two circles"
    rows = pd.DataFrame(failures.interface_gaps(run))
    gap = np.degrees(least_gaps([inner[0], circles.outer_squared])[0])
    np.testing.assert_allclose(rows[["gap", "least_gap"]], np.full((2, 2), gap), rtol=1e-9)


def test_a_gap_that_memorization_rules_out_is_seen():
    rows = pd.DataFrame(failures.interface_gaps(_run_of(two_circles(8, [1.4]).hidden)))

    def judged(**columns):
        found = failures._gaps(rows.assign(**columns))
        return found[0].outcome, *(each.value for each in found[1:4])

    assert judged() == ("agrees", 1.0, 0.0, pytest.approx(np.nan, nan_ok=True))
    assert judged(gap=rows["gap"] - 1)[::2] == ("differs", 1.0)
    assert judged(gap=rows["gap"] - 1, active=False)[::3] == ("agrees", 1.0)
    assert judged(gap=rows["gap"] + 20)[:2] == ("differs", 0.0)
    assert judged(disjoint=False)[0] == "not tested"
    # the second pair is as wide as its own run's larger error allows it to be
    uneven = rows.assign(gap=rows["gap"] - [0, 5], bound=rows["bound"] - [0, 15])
    assert [each.value for each in failures._gaps(uneven)[:5:4]] == [5.0, 0.5]


def test_dropped_points_are_counted():
    run = _run_of(np.concatenate([tgon_hidden(6), np.zeros((2, 2))], axis=1))
    run.b[6:8] = 1 / 8  # the bias of a dropped point, its mean over the data
    assert diagnose_run(run).name == "dropped point"
    assert failures.collect([run])["runs"]["dropped"].tolist() == [2]
