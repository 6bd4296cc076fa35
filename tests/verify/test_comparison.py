"""The join of prediction and measurement."""

import numpy as np
import pandas as pd
import pytest
import torch

from numerics import Dataset, ReluOutputModel, Run, Runs, draw_test_dataset, measure, polish, train
from numerics.training.runs import save_run
from tests.small_runs import diverged_run
from tgon.testing import assert_claims
from theory import Setting, predict
from verify import CLAIMS, check, compare, diagnose, plot, plot_history
from verify.end_states import build
from verify.style import BLUE

_SMALL = Setting(T=3, n=120, sparsity=0.95, steps=400, lr=2e-2)


@pytest.fixture(scope="module")
def runs():
    return train([_SMALL, _SMALL.replace(T=4)], seeds=3, out=None, progress=False)


def test_rows_are_groups(runs):
    result = compare(runs)
    assert [(row.T, row.seeds) for row in result.rows] == [(3, 3), (4, 3)]
    assert all(row.share_low <= row.share <= row.share_high for row in result.rows)
    assert all(sum(row.diagnoses.values()) == row.seeds for row in result.rows)
    assert result.verdict in result._repr_html_()
    assert result.verdict.startswith("no seed memorized, so norms were not compared; try more steps or a ")


def test_norms_are_over_memorizing_runs(small_runs, small_comparison):
    assert {row.memorized > 0 for row in small_comparison.rows} == {True, False}
    assert "no seed memorized" not in small_comparison.verdict
    for row in small_comparison.rows:
        good = [run for run in small_runs if (run.setting.T, run.status) == (row.T, "memorized")]
        group = [run.record for run in good if run.setting.weight_decay == row.weight_decay]
        norms = [record.weight_norm for record in group]
        assert (row.seeds, row.memorized) == (3, len(norms))
        assert row.least_weight_norm == min(norms, default=None)
        assert row.least_sqrt_energy == min((record.energy**0.5 for record in group), default=None)
        assert row.median_weight_norm == (np.median(norms) if norms else None)


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


def test_ratios_are_over_orthonormal_data_only():
    """A T-gon of the least norm, and one twice as long whose data share a feature."""
    setting, runs = Setting(T=5, n=12), []
    for scale, shared in ((1.0, 0.0), (2.0, 0.004)):
        X, hidden = np.eye(12, 5), scale * predict(setting).hidden
        X[0, 1] = shared
        data = Dataset.from_dense(X / np.linalg.norm(X, axis=0))
        W, b = hidden @ np.eye(5, 12), np.append(1 - np.sum(hidden**2, axis=0), np.zeros(7))
        history = np.array([0]), np.array([0.0])
        runs.append(Run(setting, "cpu", "memorized", W, b, *history, given_data=data))
    (row,) = compare(Runs(runs)).rows
    assert (row.memorized, row.orthonormal) == (2, 1)
    assert row.median_ratio == pytest.approx(1.0)
    assert row.median_weight_norm == pytest.approx(1.5 * row.predicted_weight_norm)


def test_diverged_runs_are_rows_not_errors_and_count_among_the_seeds_that_do_not_memorize(runs):
    result = compare(Runs([diverged_run(_SMALL)]))
    assert result.rows[0].diagnoses == {"diverged": 1}
    assert result.exit_code == 3
    assert result.verdict.endswith("; nothing could be judged")
    assert result.runs_table().iloc[0]["status"] == "diverged"
    result = compare([*runs, diverged_run(_SMALL.replace(T=4, seed=9))])
    (share,) = [claim for claim in result.judgements if claim.label == "optimization.memorization-share"]
    counts = [sum(run.status == "memorized" for run in runs if run.setting.T == T) for T in (3, 4)]
    assert share.reason == f"T=3: {counts[0]}/3, T=4: {counts[1]}/4"


def test_a_row_without_a_prediction_says_so_and_no_runs_are_refused():
    runs = train(Setting(T=3, n=60, m=1, steps=20), engine="reference", out=None, progress=False)
    row = compare(runs).rows[0]
    assert row.predicted_weight_norm is None
    assert row.least_ratio is None
    with pytest.raises(ValueError, match="no runs"):
        compare(Runs([]))


def test_a_folder_is_compared_as_the_runs_in_it_and_claims_are_a_table(runs, tmp_path):
    for run in runs:
        save_run(run, tmp_path)
    result = compare(tmp_path)
    assert sorted(result.runs_table()["path"]) == sorted(map(str, tmp_path.glob("*.safetensors")))
    pd.testing.assert_frame_equal(result.table(), compare(runs).table())
    claims = result.claims()
    assert list(claims.index) == [claim.label for claim in CLAIMS]
    assert list(claims["verdict"]) == [claim.verdict for claim in result.judgements]
    assert (claims["rejected"] <= claims["wrong_theories"]).all()


def test_a_run_is_drawn_and_shown_in_three_lines(runs):
    assert repr(runs[0]).startswith(f"<Run {runs[0].status}: Setting(T=3, n=120, ")
    assert len(repr(runs[0]).splitlines()) == 3
    assert list(runs.table()["weight_norm"]) == [run.record.weight_norm for run in runs]
    assert runs._repr_html_().count("<tr") == 1 + len(runs)
    hidden, _ = plot(runs[0]).axes
    drawn = next(line for line in hidden.lines if line.get_marker() == "o" and line.get_mfc() == BLUE)
    np.testing.assert_allclose(drawn.get_xydata().T, runs[0].record.hidden, atol=1e-5)
    assert len(plot_history(runs).axes) == 2
    assert len(plot_history(runs[0]).axes) == 1


def test_a_module_of_your_own_is_checked_in_one_call_and_other_calls_say_so(runs):
    """The forward is compared; what is found is what its parts find."""
    data, module = runs[0].data, ReluOutputModel(torch.tensor(runs[0].W), torch.tensor(runs[0].b))
    found = check(module, data, test=draw_test_dataset(runs[0].setting, 50))
    assert found.diagnosis == diagnose(measure(module, data), module, data)
    assert found.record.weight_norm == pytest.approx(runs[0].record.weight_norm)
    assert found.record.test_loss is not None
    assert found.norm_ratio is None, "it does not memorize"
    code = check((np.array([[1, -1]]) / 2**0.5, np.full(2, 0.5)), np.eye(2)[[0, 1, 1]].T)
    long = np.array([[1.2, -1.2]]) / 2**0.5, np.full(2, 0.28)
    assert check(long, np.eye(2)).norm_ratio == pytest.approx(1.2)
    assert (code.record.T, code.distinct.T, code.as_dict()["predicted"]["T"]) == (3, 2, 2)
    assert repr(code).startswith(
        "<Checked: minimum-norm code, ‖W‖ 1.0000 times the least; memorization.norm-split holds"
    )
    assert found.as_dict()["claims"][0]["label"] == CLAIMS[0].label
    assert repr(found.claims).splitlines() == list(map(str, found.claims))
    assert "memorization.norm-split: holds; " in repr(code.claims)
    assert len(found.figure().axes) == 2
    rows = np.eye(2, 40)  # datapoints in rows, as batches have them
    pair = (rows[:1] - rows[1:]) / 2**0.5, rows.sum(axis=0) / 2
    found = check(pair, rows, test=rows)
    assert found.record.test_loss == pytest.approx(0)
    law = predict(Setting(T=2, m=1, n=40, sparsity=1 - 1 / 40), data=found.data)
    assert found.predicted.test_loss == pytest.approx(law.test_loss), "one of 40 features is present"
    assert diagnose(measure(pair, rows), pair, rows).name == "minimum-norm code"
    assert polish(pair, rows).settled
    assert_claims(pair, rows, at_least=["memorization.robust"])
    square = np.array([[1.0, 0.6], [0.0, 0.6]])
    with pytest.warns(UserWarning, match="one column per datapoint, though rows fit as well") as told:
        columns = check(code.stored, square).record
    assert told[0].filename == __file__
    assert [check(code.stored, square, rows=side).record.norms[0] for side in (False, True)] == [
        columns.norms[0],
        pytest.approx(np.sqrt(1.36)),
    ]
    octagon = check(*build("stored features", np.random.default_rng(6))).figure().axes[1]
    predicted, stored = (line.get_xydata() for line in octagon.lines if line.get_markersize() > 7)
    assert len(stored) == 8
    assert np.linalg.norm(stored[:, None] - predicted, axis=2).min(axis=1).max() <= 1e-4
    module.forward = lambda X: X
    with pytest.raises(ValueError, match="forward is not"):
        check(module, data)
    for call, advice in ((diagnose, "diagnosis"), (compare, ""), (plot, "figure")):
        with pytest.raises(TypeError, match=rf"try check\(model, data\).*{advice}"):
            call(module)
    assert repr(compare(runs)).startswith("<Comparison of 6 runs: ")
