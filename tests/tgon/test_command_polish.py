"""`tgon polish`: what it answers, and with which exit code."""

import csv

import numpy as np
import pytest

from tests.tgon.command import answer, refusal, tgon
from tgon.cli.polish import _exit_code
from theory.memorization.tgon import tgon_hidden, tgon_weight_norm


def saved(folder, hidden, X=None, dropped=()):
    """A model file with these hidden vectors on one-hot data, or with W = hidden on X; and the data's file."""
    T = hidden.shape[1]
    X = np.eye(T) if X is None else X
    W = hidden @ np.linalg.pinv(X)
    b = np.where(X > 0, X - W.T @ hidden, 0.0).sum(axis=1) / (X > 0).sum(axis=1)
    for point in dropped:
        b[point] = 1 / T
    np.savez(folder / "model.npz", W=W, b=b)
    np.savez(folder / "data.npz", X=X)
    return str(folder / "model.npz"), "--data", str(folder / "data.npz")


def test_it_answers_in_json_before_after_and_certificate(tmp_path):
    found = answer("polish", *saved(tmp_path, tgon_hidden(8) * 1.2))
    assert (found["diagnosis"], found["predicted_configuration"]) == ("regular T-gon", "8-gon")
    assert found["ratio_before"] == pytest.approx(1.2)
    assert found["ratio_after"] == pytest.approx(1.0, abs=1e-9)
    assert found["after"]["weight_norm"] == pytest.approx(tgon_weight_norm(8), rel=1e-9)
    assert found["certificate"].pop("holds") is True
    assert set(found["certificate"]) == {"stationarity", "primal", "complementarity", "dual"}
    assert max(found["certificate"].values()) < 1e-9
    assert (found["dropped"], found["shared_features"], found["keeps_order"]) == ([], 0, True)
    assert np.shape(found["hidden"]) == (2, 8)


def test_dropped_points_are_compared_with_the_polygon_of_the_others(tmp_path):
    hidden = np.concatenate([np.zeros((2, 1)), tgon_hidden(7) * 1.1], axis=1)
    found = answer("polish", *saved(tmp_path, hidden, dropped=[0]))
    assert (found["diagnosis"], found["dropped"]) == ("dropped point", [0])
    assert found["predicted_configuration"] == "7-gon"
    assert found["ratio_after"] == pytest.approx(1.0, abs=1e-9)
    assert found["after"]["train_loss"] == pytest.approx(7 / 64)


def test_shared_features_have_no_prediction_and_the_table_says_so(tmp_path):
    X = np.vstack([np.r_[0.3, 0.5, np.zeros(3)], np.eye(5)])
    arguments = saved(tmp_path, tgon_hidden(5) * 1.1, X / np.linalg.norm(X, axis=0))
    found = answer("polish", *arguments)
    assert found["predicted_weight_norm"] is found["ratio_after"] is None
    assert found["shared_features"] == 1
    done = tgon("polish", *arguments)
    assert done.exit_code == 0
    assert "No prediction" in done.stdout
    assert "Certificate holds" in done.stdout


def test_what_cannot_be_polished_is_one_line_and_bad_input(tmp_path):
    model, *data = saved(tmp_path, tgon_hidden(6))
    np.savez(tmp_path / "model.npz", W=np.ones((2, 6)), b=np.zeros(6))
    assert "train the model longer" in refusal("polish", model, *data)


def test_several_models_are_rows_and_a_refusal_is_one_of_them(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "bad").mkdir()
    good, *data = saved(tmp_path / "good", tgon_hidden(6) * 1.1)
    bad, *_ = saved(tmp_path / "bad", tgon_hidden(6))
    np.savez(bad, W=np.ones((2, 6)), b=np.zeros(6))
    table = tmp_path / "rows.csv"
    first, second, third = answer("polish", good, bad, tmp_path / "absent.npz", *data, "--table", table)
    assert first["ratio_after"] == pytest.approx(1.0, abs=1e-9)
    assert "train the model longer" in second["reason"]
    assert "absent.npz" in third["reason"]
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["model", "model", "absent"]
    assert (rows[0]["diagnosis"], rows[0]["dropped"], rows[0]["reason"]) == ("regular T-gon", "0", "")
    assert float(rows[0]["ratio_before"]) == pytest.approx(1.1)
    assert (rows[1]["ratio_after"], rows[1]["reason"] != "") == ("", True)
    assert "Polished" in tgon("polish", good, bad, *data).stdout


def test_several_refusals_and_nothing_else_are_nothing_judged(tmp_path):
    bad, *data = saved(tmp_path, tgon_hidden(6))
    np.savez(bad, W=np.ones((2, 6)), b=np.zeros(6))
    assert tgon("polish", bad, bad, *data).exit_code == 3


def test_exit_codes_tell_unsettled_and_impossible_ends_apart():
    for ratio, norm_error, holds, code in (
        (1.0, 0.0, True, 0),
        (1 - 1e-6, 0.0, True, 1),
        (1 - 1e-6, 1e-6, True, 0),
        (None, 0.0, True, 0),
        (1.0, 0.0, False, 3),
    ):
        found = {"certificate": {"holds": holds, "primal": 0.0}, "ratio_after": ratio}
        assert _exit_code(found | {"predicted_status": "theorem"}, norm_error) == code
