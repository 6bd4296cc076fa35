"""The join of prediction and measurement."""

import json

import numpy as np
import pytest

from numerics import Runs, draw_test_dataset, measure, train
from tests.small_runs import diverged_run
from theory import Setting, predict
from verify import compare

_SMALL = Setting(T=3, n=120, sparsity=0.95, steps=400, lr=2e-2)


@pytest.fixture(scope="module")
def runs():
    return train([_SMALL, _SMALL.replace(T=4)], seeds=3, out=None, progress=False)


def test_rows_are_groups(runs):
    result = compare(runs)
    assert [(row.T, row.seeds) for row in result.rows] == [(3, 3), (4, 3)]
    assert all(row.share_low <= row.share <= row.share_high for row in result.rows)
    assert all(sum(row.diagnoses.values()) == row.seeds for row in result.rows)
    assert len(result.table()) == 2
    assert len(result.runs_table()) == 6


def test_norms_are_over_memorizing_runs_and_split(runs):
    row = compare(runs).rows[0]
    norms = [run.record.weight_norm for run in runs if run.setting.T == 3 and run.status == "memorized"]
    assert row.memorized == len(norms)
    if norms:
        assert row.least_weight_norm == min(norms)
        assert row.median_weight_norm == np.median(norms)
    else:
        assert row.least_weight_norm is None


def test_the_test_loss_of_a_group_is_that_of_its_runs_and_of_their_data():
    """Both over the runs that memorize disjoint data, each measured on the same fresh datapoints."""
    setting = Setting(T=4, n=1_000, sparsity=0.995, steps=4_000, lr=1e-2)
    runs = train(setting, seeds=4, out=None, progress=False)
    (row,) = compare(runs).rows
    good = [run for run in runs if run.status == "memorized" and run.data.has_disjoint_supports]
    assert good
    fresh = draw_test_dataset(setting)
    measured = [measure(run, run.data, test=fresh).test_loss for run in good]
    assert row.median_test_loss == np.median(measured)
    assert row.predicted_test_loss == np.median([predict(setting, data=run.data).test_loss for run in good])


def test_json_is_strict_and_html_says_the_verdict(runs):
    result = compare(runs)
    text = json.dumps(result.as_dict(), allow_nan=False)
    assert set(json.loads(text)) == {"rows", "claims", "verdict"}
    assert result.verdict in result._repr_html_()


def test_diverged_runs_are_rows_not_errors():
    result = compare(Runs([diverged_run(_SMALL)]))
    assert result.rows[0].diagnoses == {"diverged": 1}
    assert result.rows[0].least_weight_norm is None
    assert result.exit_code == 3
    assert result.verdict == "nothing could be judged"
    assert result.runs_table().iloc[0]["status"] == "diverged"


def test_diverged_runs_count_among_the_seeds_that_do_not_memorize(runs):
    result = compare([*runs, diverged_run(_SMALL.replace(T=4, seed=9))])
    (share,) = [claim for claim in result.claims if claim.label == "optimization.memorization-share"]
    counts = [sum(run.status == "memorized" for run in runs if run.setting.T == T) for T in (3, 4)]
    assert share.reason == f"T=3: {counts[0]}/3, T=4: {counts[1]}/4"


def test_without_a_prediction_the_row_says_so():
    runs = train(Setting(T=3, n=60, m=1, sparsity=0.95, steps=20), out=None, progress=False)
    row = compare(runs).rows[0]
    assert row.predicted_weight_norm is None
    assert row.least_ratio is None


def test_no_runs_is_an_error():
    with pytest.raises(ValueError, match="no runs"):
        compare(Runs([]))
