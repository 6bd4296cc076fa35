"""The command line: exact answers in strict JSON, tables for people, one line for everything that is wrong."""

import dataclasses
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import numerics
from numerics import Runs
from tests.tgon.command import answer, refusal, strict, tgon
from tgon.cli.main import main
from tgon.cli.options import LARGEST, parse_integers, setting_options
from theory import Setting
from verify.claims.registry import judge_claims

_TINY = ("--n", "120", "--sparsity", "0.97", "--steps", "300", "--lr", "0.01")
_DIVERGING = (*_TINY, "--lr", "1e12", "--weight-decay", 0)


def test_predict_has_the_documented_keys_in_their_order():
    found = answer("predict", "--T", "3:5,8")
    assert [row["T"] for row in found] == [3, 4, 5, 8]
    for row in found:
        assert list(row) == [
            "T", "m", "energy", "weight_norm", "bias_norm", "radius_squared", "bias_coefficient", "dimensionality",
            "configuration", "status", "exact", "lower_bound", "certificate", "test_loss",
            "assumptions",
        ]  # fmt: skip


def test_predict_marks_what_does_not_apply():
    [row] = answer("predict", "--T", 12, "--n", 5)
    held = {one["name"]: one["holds"] for one in row["assumptions"]}
    assert (row["status"], held["orthonormal data"], held["one penalty"]) == ("theorem", False, True)
    assert _row(tgon("predict", "--T", 12, "--n", 5).stdout, "status")[1] == "theorem, does not apply"
    assert "does not apply" not in tgon("predict", "--T", 5).stdout


def test_predict_gives_a_certificate_and_a_proven_bound():
    [row] = answer("predict", "--T", 9, "--m", 3)
    assert row["certificate"] < 1e-9
    assert row["lower_bound"] <= row["energy"] * (1 + 1e-12)
    assert row["lower_bound"] >= 9, "codes.orthoplex-bound"
    [tgon, large] = answer("predict", "--T", "7,1000")
    assert tgon["lower_bound"] == pytest.approx(tgon["energy"], rel=1e-12)
    assert tgon["certificate"] < 1e-9
    assert large["certificate"] is None
    for row in answer("predict", "--T", "3:60"):
        assert row["lower_bound"] <= row["energy"], "attained, so no rounding may lift it"
    [other] = answer("predict", "--T", 5, "--penalty", "both")
    assert other["certificate"] is None
    assert other["lower_bound"] is None


def _row(text, start):
    """The cells of the one table row whose first cell is that."""
    (line,) = [line for line in text.splitlines() if re.split(r"\s{2,}", line.strip())[0] == start]
    return re.split(r"\s{2,}", line.strip())


def test_predict_for_people_states_its_assumptions_for_every_T():
    done = tgon("predict", "--T", "1:4", "--m", 2)
    assert done.exit_code == 0
    said = [line.strip() for line in done.stdout.splitlines() if line.startswith("  ")]
    for name, verdicts in (
        ("orthonormal data", {"holds at T = 1", "open at T = 2:4"}),
        ("one penalty", {"does not hold at T = 1", "holds at T = 2:4"}),
        ("zero loss", {"open"}),
    ):
        found = {line.split(": ", 1)[1].split("; ")[0] for line in said if line.startswith(f"{name}: ")}
        assert found == verdicts
    assert all(f"at T = {T}: " in done.stdout for T in (2, 4)), "the ends of what differs"


def test_predict_for_people_has_the_bound_and_says_once_that_a_code_has_no_proof():
    """Ranges of equal ends are one number."""
    cells = _row(tgon("predict", "--T", "4,7", "--m", 3, "--wide").stdout, "7")
    bound = answer("predict", "--T", 7, "--m", 3)[0]["lower_bound"]
    assert float(cells[3]) == pytest.approx(bound, rel=1e-3)
    assert (cells.count("numerical"), cells[1], cells[6]) == (1, "no name", "1.266")
    assert _row(tgon("predict", "--T", 5).stdout, "‖W‖")[1] == "2.690"


def test_what_is_computed_is_shown_on_a_terminal_only(monkeypatch):
    """On stderr, so that a document on stdout stays one."""
    for command, stage in (
        (("predict", "--T", 3), "least norm"),
        (("polygon", "--k", 6), "best radius and bias"),
    ):
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        assert tgon(*command, "--json").stderr == ""
        monkeypatch.setenv("FORCE_COLOR", "1")
        done = tgon(*command, "--json")
        assert stage in done.stderr
        assert len(strict(done.stdout)["result"]) == 1


def test_of_one_polygon_none_is_called_the_best():
    rows = answer("polygon", "--k", "3:13", "--law", "free")
    assert list(rows[0]) == ["k", "radius_squared", "bias", "gain", "weight_norm", "best"]
    assert [row["k"] for row in rows if row["best"]] == [5]
    assert "best" not in tgon("polygon", "--k", 2).stdout
    (line,) = [line for line in tgon("polygon", "--k", "4:6").stdout.splitlines() if "best" in line]
    assert line.split()[0] == "5"


def test_polygon_refuses_other_laws_data_that_cannot_be_and_sizes_that_would_take_hours():
    line = refusal("polygon", "--k", "3:9", "--law", "cubic")
    assert all(f"'{law}'" in line for law in ("unit", "free", "constant", "uniform", "normalized"))
    for law in ("free", "normalized"):
        for option, value in (("--n", -3), ("--sparsity", "nan")):
            assert option in refusal("polygon", "--k", 5, "--law", law, option, value)
    assert "try --law free" in refusal("polygon", "--k", "3,100000", "--law", "uniform")
    assert "k = 5 of n = 3 features" in refusal("polygon", "--k", 5, "--law", "constant", "--n", 3)
    assert answer("polygon", "--k", 3, "--law", "constant")[0]["bias"] == 0
    assert answer("polygon", "--k", 3, "--law", "constant", "--n", 3)[0]["bias"] == pytest.approx(1 / 3)
    assert answer("polygon", "--k", 100_000)[0]["gain"] == pytest.approx(4)
    dense = answer("polygon", "--k", 5, "--law", "normalized", "--n", 30, "--sparsity", 0.9)[0]
    assert dense["gain"] != answer("polygon", "--k", 5, "--law", "normalized")[0]["gain"]


def test_threshold_gives_repeats_with_their_range():
    found = answer("threshold", "--T", 3000, "--n", 300, "--sparsity", 0.97, "--draws", 2, "--features", 20)
    assert list(found)[:4] == ["repeats", "metastable_until", "equal_energy", "fifth_energy"]
    assert found["equal_energy"] == 10
    repeats = found["repeats"]
    assert 0 < repeats["least"] <= repeats["median"] <= repeats["greatest"] < 30
    assert found["fifth_energy"] > 1
    assert "--T" in refusal("threshold", "--T", 0)


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=20), st.integers(1, LARGEST - 50), st.integers(0, 50)
)
def test_lists_name_each_integer_once_in_order_and_ranges_both_ends(values, first, length):
    assert parse_integers(",".join(map(str, values))) == tuple(dict.fromkeys(values))
    assert parse_integers(f"{first}:{first + length}") == tuple(range(first, first + length + 1))


@given(st.text(max_size=12))
def test_any_other_text_is_refused(text):
    if re.fullmatch(r"\s*[0-9]+(\s*:\s*[0-9]+)?(\s*,\s*[0-9]+(\s*:\s*[0-9]+)?)*\s*", text):
        return
    with pytest.raises(ValueError, match="try"):
        parse_integers(text)


def test_defaults_and_engines_are_those_there_are():
    @click.command()
    @setting_options
    def command(**given):
        """Answers with its options."""
        return given

    given = command.main([], standalone_mode=False)
    fields = {field.name: field.default for field in dataclasses.fields(Setting)}
    of_sweeps = {"repeated_points", "start", "start_bias", "schedule"}
    assert set(given) == set(fields) - {"T", "repeats", "data_seed"} - of_sweeps
    assert given.pop("warmup") is None, "the setting derives it from the steps"
    assert given == {name: fields[name] for name in given}
    offered = next(param for param in main.commands["train"].params if param.name == "engine").type.choices
    assert set(offered) == {"auto", *numerics.engines.ENGINES}


_BAD_LISTS = [
    *("0", "-3", "five", "8:3", "3,,5", "1.5", "1:1000000000", "1000000000", "3:", "nan", "", ","),
    "9" * 5000,
]


@pytest.mark.parametrize("text", _BAD_LISTS)
@pytest.mark.parametrize(
    "command", [("predict", "--T"), ("train", "--T"), ("compare", "--T"), ("polygon", "--k")]
)
def test_bad_lists(command, text):
    line = refusal(*command, text)
    assert "try" in line
    assert len(line) < 200


_BAD_OPTIONS = [
    *(("--sparsity", value) for value in ("0", "1", "nan", "inf", "-0.5", "2", "text")),
    *(("--n", value) for value in ("0", "-1", "1.5", "text", "99999999999")),
    *(("--m", value) for value in ("0", "-2", "x", "1000000000")),
    *(("--weight-decay", value) for value in ("-1", "nan", "inf", "x", "5000")),
    *(("--lr", value) for value in ("0", "-1", "nan", "inf")),
    *(("--steps", value) for value in ("0", "-5", "x")),
    *(("--warmup", value) for value in ("-1", "50001")),
    *(("--seed", value) for value in ("-1", "99999999999999999999", "x")),
    ("--dtype", "float16"),
]


@pytest.mark.parametrize(("option", "value"), _BAD_OPTIONS)
@pytest.mark.parametrize("command", ["predict", "train", "compare"])
def test_bad_values(command, option, value, tmp_path):
    out = () if command == "predict" else ("--out", tmp_path)
    line = refusal(command, "--T", 5, *out, option, value)
    assert "try" in line
    assert option.removeprefix("--").replace("-", "_") in line.replace("-", "_")


_NO_TRAINING = ("--seeds 0", "--seeds 1000000000", "--engine gpu", f"--seed {2**63 - 1} --seeds 2")
_BAD_USAGE = [
    *("predict", "predict --T", "predict --T 5 extra", "predict --T 5 --foo", "predict --T 5 --m 1"),
    *("predict --T 5 --penalty none", "compare --strong-T 0", "check", "foo", "--foo"),
    *("train --T 5 --out a\0b", "compare --T 5 --strong-T 5 --strong-decay -1"),
    *(f"{command} --T 5 {options}" for command in ("train", "compare") for options in _NO_TRAINING),
]


@pytest.mark.parametrize("line", _BAD_USAGE)
def test_bad_usage(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "try" in refusal(*line.split())
    assert not list(tmp_path.iterdir())


def test_a_slip_is_answered_with_what_was_meant():
    said = "tgon: No such option '--K'; did you mean one of: '--k', '--n'? try "
    assert refusal("polygon", "--K", "5").startswith(said)
    assert "did you mean one of: '--sparsity', '--penalty'?" in refusal("predict", "--spasity", 1)
    assert refusal("predit").startswith("tgon: No such command 'predit'; did you mean 'predict'? try ")


def test_a_bad_strong_decay_is_called_that(tmp_path):
    for value in ("nan", "5000"):
        line = refusal("compare", "--T", 3, "--strong-T", 3, "--strong-decay", value, "--out", tmp_path)
        assert "strong_decay" in line
        assert "try" in line
        assert "weight" not in line


def test_help_has_an_example_and_json():
    """And no command at all shows the help."""
    assert tgon().exit_code == 2
    heads = re.findall(r"^  ([a-z]+) +\S", tgon().stderr.split("Commands:")[1], flags=re.M)
    assert heads == list(main.commands), "in the order of work"
    for command in main.commands:
        done = tgon(command, "--help")
        assert done.exit_code == 0
        assert f"Example: tgon {command}" in done.stdout
        assert "--json" in done.stdout


@pytest.mark.parametrize("command", ["train", "compare"])
def test_an_out_that_cannot_be_a_folder(command, tmp_path):
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file", "/proc/nothing/here"):
        assert "try a folder that can be written" in refusal(command, "--T", 2, *_TINY, "--out", out)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("command", ["train", "compare"])
def test_a_full_disk_is_one_line_and_keeps_finished_runs(command, tmp_path, monkeypatch):
    written = []
    replace = os.replace

    def fill_up(source, target):
        if written and str(target).endswith(".safetensors"):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        written.extend([target] if str(target).endswith(".safetensors") else [])
        replace(source, target)

    monkeypatch.setattr(os, "replace", fill_up)
    done = tgon(command, "--T", "2,3", *_TINY, "--seeds", 1, "--out", tmp_path)
    assert done.exit_code == 2
    assert "No space left on device; finished runs are kept" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.output
    assert len(Runs.load(tmp_path / ("runs" if command == "compare" else ""))) == 1
    assert not list(tmp_path.rglob("*.part"))


def test_train_answers_one_object_for_one_run(tmp_path):
    found = answer("train", "--T", 2, *_TINY, "--out", tmp_path)
    assert list(found) == [
        "status", "train_loss", "worst_point_error", "energy", "weight_norm", "weight_norm_seen",
        "weight_norm_unseen", "bias_norm", "diverged_at", "diagnosis", "path", "T", "m", "weight_decay", "seed",
    ]  # fmt: skip
    run = numerics.load_run(found["path"])
    assert found["weight_norm"] == run.record.weight_norm
    assert run.setting.warmup == 15


def test_train_answers_a_list_for_several_runs(tmp_path):
    arguments = ("train", "--T", "2,3", "--seeds", 2, "--seed", 7, *_TINY, "--out", tmp_path)
    found = answer(*arguments)
    assert len(found) == 4
    assert answer(*arguments) == found
    assert {run.setting.seed for run in Runs.load(tmp_path)} == {7, 8}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_is_a_status(tmp_path):
    found = answer("train", "--T", 3, *_DIVERGING, "--out", tmp_path)
    assert found["status"] == found["diagnosis"] == "diverged"
    assert found["weight_norm"] is None
    assert found["diverged_at"] == 2
    done = tgon("train", "--T", 3, *_DIVERGING, "--out", tmp_path)
    assert "T = 3, seed 0: not finite from step 2 on; try a smaller --lr" in done.stdout


_COMPARED = ("compare", "--T", "3,5", "--strong-T", 3, "--seeds", 2, "--n", 120, "--sparsity", 0.97, "--steps", 1200,
             "--lr", 0.01)  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    return out, tgon(*_COMPARED, "--out", out, "--json")


def test_compare_answers_rows_claims_and_verdict(compared):
    out, done = compared
    found = strict(done.stdout)["result"]
    assert set(found) == {"rows", "claims", "verdict"}
    assert [(row["T"], row["weight_decay"], row["seeds"]) for row in found["rows"]] == [
        (3, 0.01, 2), (5, 0.01, 2), (3, 0.5, 2)
    ]  # fmt: skip
    held = [claim["holds"] for claim in found["claims"]]
    assert done.exit_code == (1 if False in held else 0 if True in held else 3)
    for claim in found["claims"]:
        assert {"label", "applies", "holds", "value", "bound", "reason"} <= set(claim)
    assert found == json.loads((out / "comparison.json").read_text(encoding="utf-8"))


def test_a_strong_decay_that_is_none_gives_no_cell_twice(tmp_path, undrawn):
    strong = ("--strong-T", 2, "--strong-decay", 0.01, "--seeds", 1)
    done = tgon("compare", "--T", 2, *strong, *_TINY, "--out", tmp_path, "--json", "--quiet")
    assert [row["seeds"] for row in strict(done.stdout)["result"]["rows"]] == [1]


def test_compare_writes_runs_and_a_report_with_the_command_that_writes_the_same(compared, undrawn):
    out, _ = compared
    assert len(Runs.load(out / "runs")) == 6
    page = (out / "report.html").read_text(encoding="utf-8")
    command = re.search(r"<pre>(.*)</pre>", page)[1]
    assert "--strong-T 3" in command
    assert "--json" not in command
    again = tgon(*command.split()[1:], "--json")
    assert again.stdout == compared[1].stdout


def test_the_folder_is_checked_and_polished_as_that_of_its_runs_is(compared):
    out, _ = compared
    found = strict(tgon("check", out, "--json").stdout)["result"]
    assert found == strict(tgon("check", out / "runs", "--json").stdout)["result"]
    assert sorted(row["seed"] for row in found) == [0, 0, 0, 1, 1, 1]
    assert not any(row["guesses"] for row in found)
    run = Runs.load(out / "runs")[0]
    single = strict(tgon("check", run.path, "--json").stdout)["result"]  # without --data
    assert single["measured"]["weight_norm"] == run.record.weight_norm
    (head,) = [line for line in tgon("polish", out, "--wide").stdout.splitlines() if "seed" in line]
    assert "reason" not in head
    assert "_" not in head


def test_a_violated_claim_exits_with_1(compared, undrawn, monkeypatch):
    def violate(*arguments):
        first, *others = judge_claims(*arguments)
        return (dataclasses.replace(first, applies=True, holds=False), *others)

    monkeypatch.setattr("verify.comparison.judge_claims", violate)
    out, _ = compared
    done = tgon(*_COMPARED, "--out", out)
    assert done.exit_code == 1
    assert "VIOLATED" in done.stdout


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nothing_to_judge_exits_with_3_and_is_drawn(tmp_path):
    done = tgon("compare", "--T", 3, *_DIVERGING, "--seeds", 1, "--out", tmp_path)
    assert done.exit_code == 3, done.output
    assert (tmp_path / "report.html").exists()


def test_check_a_foreign_model(tmp_path):
    """Names, measures, predicts and judges; says first what it is; measures on fresh datapoints, and draws."""
    W, b, X = np.eye(2, 4) / 2**0.5, np.array([0.5, 0.5, 0, 0]), np.eye(4, 2)
    W[0, 1], W[1, 1] = -W[0, 0], 0
    save_file({"encoder": W, "bias": b}, tmp_path / "model.safetensors")
    np.savez(tmp_path / "data.npz", X=X.T.copy())
    np.save(tmp_path / "test.npy", np.eye(4)[:, [0, 1, 1, 1, 2]])
    told = ("check", tmp_path / "model.safetensors", "--data", tmp_path / "data.npz")
    found = answer(*told)
    assert set(found) == {"diagnosis", "evidence", "measured", "predicted", "claims", "guesses"}
    assert found["measured"]["energy"] == pytest.approx(1)
    assert found["predicted"]["energy"] == pytest.approx(1)
    assert (found["measured"]["test_loss"], found["predicted"]["test_loss"]) == (None, None)
    assert len(found["guesses"]) == 3
    assert "a file cannot show" in found["guesses"][1]
    done = tgon(*told, "--test", tmp_path / "test.npy", "--figure", tmp_path / "model.png")
    assert done.exit_code == 0
    said = done.stdout.splitlines()
    assert said[0].startswith("minimum-norm code: ")
    assert said[1].startswith(
        "‖W‖ is 1.0000 times the least that memorizes these datapoints (2-gon, theorem)"
    )
    assert float(_row(done.stdout, "test loss")[1]) == 0.3  # one of five is another feature, 1 + 2 · (1/2)²
    assert "guessed: W is 'encoder' and b is 'bias'" in done.stdout
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")
    assert "try --figure model.png" in refusal(*told, "--figure", tmp_path / "model.jpg")


def test_one_datapoint_is_checked_and_polished_though_its_least_norm_is_0(tmp_path):
    np.savez(tmp_path / "model.npz", W=np.eye(2, 4) / 2**0.5, b=np.array([0.5, 0, 0, 0]), X=np.eye(4, 1))
    done = tgon("check", tmp_path / "model.npz")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("single point: ")
    assert "not read" not in done.stdout, "X is read, as data"
    assert tgon("polish", tmp_path / "model.npz").exit_code in (0, 3)


def test_check_of_several_models_is_one_table(tmp_path):
    """Instances, files and folders; data stored with the model; another model is no model, and not judged."""
    W, b, X = np.eye(2, 4) / 2**0.5, np.array([0.5, 0.5, 0, 0]), np.eye(4, 2)
    (tmp_path / "models").mkdir()
    np.savez(tmp_path / "models/20.npz", W=np.stack([W, 2 * W]), b=np.stack([b, b]), X=X)
    np.savez(tmp_path / "models/100.npz", W_enc=W, W_dec=2 * W, b=b, X=X)
    found = answer("check", tmp_path / "models")
    assert [row["instance"] for row in found] == ["0", "1", None]
    assert [row["diagnosis"] is None for row in found] == [False, False, True]
    assert "'W_dec' differs from the transpose of 'W_enc' by 1 of its norm" in found[2]["evidence"]
    assert found[2]["claims"] == []
    assert found[2]["measured"]["worst_point_error"] == pytest.approx(0.5)  # outputs 3/2 and 1/2 for 1 and 0
    assert [row["predicted"] is None for row in found] == [False, False, True]
    drawn = refusal("check", tmp_path / "models", "--figure", tmp_path / "m.png")
    assert "draws one model that is ReLU(WᵀWx + b), found 3" in drawn
    energy = answer("check", tmp_path / "models/20.npz", "--instance", 1)["measured"]["energy"]
    assert energy == pytest.approx(4)
    assert "holds 2 models" in refusal("check", tmp_path / "models/20.npz", "--instance", 2)
    done = tgon("check", tmp_path / "models/100.npz")
    assert (done.exit_code, done.stdout.partition(":")[0]) == (3, "not ReLU(WᵀWx + b)")
    (tmp_path / "models/20.npz").unlink()
    assert not re.search("instance|seed", tgon("check", *[tmp_path / "models/100.npz"] * 2).stdout), "empty"
    (row,) = answer("check", tmp_path / "models", code=3)  # a folder is a list, whatever it holds
    assert row["model"].endswith("100.npz")


@pytest.mark.parametrize("content", [None, b"", b"text", b"\x80\x04.", b"PK\x03\x04half"])
def test_check_refuses_bad_files(tmp_path, content):
    path = tmp_path / "model"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in refusal("check", path)
    for unread in (tmp_path / "none", tmp_path):
        assert refusal("check", unread).endswith("; try another file")
    assert refusal("polish", tmp_path) == refusal("check", tmp_path)
    np.savez(tmp_path / "model.npz", W=np.eye(2), b=np.zeros(2))
    assert str(path) in refusal("check", tmp_path / "model.npz", "--data", path)
    assert "try --data FILE" in refusal("check", tmp_path / "model.npz")


def test_claims_are_listed():
    found = answer("claims")
    assert "memorization.robust" in [claim["label"] for claim in found]
    assert all(set(claim) == {"label", "statement", "status"} for claim in found)
    assert "memorization.robust" in tgon("claims").stdout
    code = "import sys, verify.claims.registry; print({'torch', 'numba', 'sympy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"  # shown at once


@pytest.mark.parametrize("command", [[], ["predict"], ["sweep"]])
def test_help_loads_nothing_slow(command):
    slow = "numpy", "torch", "theory", "pydantic", "rich", "pandas", "matplotlib", "numba", "scipy", "sympy"
    code = f"""
import sys
from tgon.cli.main import main
try:
    main({[*command, "--help"]!r})
finally:
    print([name for name in {slow!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    assert done.stderr.strip() == "[]"


def test_ctrl_c_is_one_line_and_finished_runs_are_kept(tmp_path):
    """However slow the machine: the signal is sent when a run is finished, and far from all of them are."""
    command = ["train", "--T", "2", *_TINY, "--steps", "100000", "--seeds", "2000", "--out", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tgon.cli.main", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    while not list(tmp_path.glob("*.safetensors")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1] == (
        f"tgon: interrupted: finished runs are kept in {tmp_path}; the same command goes on from there"
    )
    assert 1 <= len(Runs.load(tmp_path)) < 2000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("everything", [False, True])
def test_a_full_standard_output_is_one_line_or_without_room_for_it_an_exit_code(everything):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tgon.cli.main", "polygon", "--k", "5", "--json"],
            stdout=full, stderr=full if everything else subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert everything or len(done.stderr.splitlines()) == 1


def test_a_document_says_what_was_asked_of_which_version():
    document = strict(tgon("polygon", "--k", "5", "--json").stdout)
    assert document["version"] == version("tgon")
    asked = {"k": [5], "law": "free", "n": 10_000, "sparsity": 0.999}
    assert (document["command"], document["setting"]) == ("polygon", asked)


def test_tables_fit_80_columns_and_lose_nothing(monkeypatch):
    """Columns that do not fit go on below, under the first column again; --wide leaves them beside each other."""
    monkeypatch.delenv("COLUMNS", raising=False)
    told = ("predict", "--T", "7:9", "--m", 3)
    narrow, wide = (tgon(*told, *more).stdout.partition("\nThese")[0] for more in ((), ("--wide",)))
    assert max(map(len, narrow.splitlines())) <= 80 < max(map(len, wide.splitlines()))
    kept = (set(re.sub("─+", "", text).split()) for text in (narrow, wide))
    assert next(kept) == next(kept)
    assert [len(re.findall(rf"(?m)^ *{T} ", narrow)) for T in (7, 8, 9)] == [2, 2, 2]
    long = answer("claims")[0]["statement"]
    assert long in tgon("claims", "--wide").stdout
    assert long not in tgon("claims").stdout
    for command in (("claims",), ("polygon", "--k", "3:9"), ("predict", "--T", "3:12")):
        lines = tgon(*command).stdout.partition("\nThese")[0].splitlines()
        assert max(map(len, lines)) <= 80, command


@pytest.mark.parametrize("name", list(main.commands))
def test_an_error_of_tgon_itself_is_one_line_and_never_a_violated_claim(name, monkeypatch):
    def broken(*_, **__):
        raise RecursionError("too deep " + "x" * 5000)

    monkeypatch.setattr(main.commands[name], "make_context", broken)
    done = tgon(name)
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 70
    assert len(line) < 500
    assert "RecursionError" in line
    assert "TGON_TRACEBACK" in line


def test_a_closed_pipe_is_not_a_violated_claim():
    command = [sys.executable, "-m", "tgon.cli.main", "polygon", "--k", "3:2000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
