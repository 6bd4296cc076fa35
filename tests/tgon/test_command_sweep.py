"""`tgon sweep`: training, state and table of many settings; one line for everything that is wrong."""

import sys

import pandas as pd
import pytest

import numerics.training.obtaining
from numerics import Runs, observe, train_one
from numerics.engines.cuda import trajectory as cuda
from numerics.sweeps import file as sweep_file
from numerics.sweeps import read_sweep, sweep_table
from tests.tgon.command import answer, refusal, tgon
from tests.tgon.conftest import SWEEP
from tgon.cli.options import SMALLER_FORMS


def sweep(*arguments):
    return tgon("sweep", *arguments)


def total(shown):
    """The numbers of the table's last row."""
    return next(
        line.split("total")[1].replace("│", " ").split() for line in shown.splitlines() if "total" in line
    )


def breaking(setting, **options):
    if setting.T == 2:
        raise MemoryError("no room")
    return train_one(setting, **options)


def test_a_sweep_trains_every_cell_and_answers_with_one_row_each(file, tmp_path):
    out, table = tmp_path / "runs", tmp_path / "rows.csv"
    document = answer("sweep", file, "--out", out, "--table", table)
    assert (document["cells"], document["done"], document["failed"], document["title"]) == (4, 4, 0, "Small")
    assert [(row["T"], row["seed"]) for row in document["rows"]] == [(3, 0), (3, 1), (2, 0), (2, 1)]
    cells = read_sweep(file).cells
    for row, cell in zip(document["rows"], cells, strict=True):
        assert {key: row[key] for key in cell.as_dict()} == cell.as_dict()
        assert row["test_loss"] == observe(train_one(cell))["test_loss"]
    written = pd.read_csv(table, dtype=str)
    expected = sweep_table(read_sweep(file), out)
    assert list(written.columns) == list(expected.columns)
    assert written["test_loss"].map(float).tolist() == expected["test_loss"].tolist()
    assert len(Runs.load(out)) == 4


def test_failed_cells_are_counted_and_passed_over_until_they_are_retried(file, tmp_path, monkeypatch):
    out = tmp_path / "runs"
    with monkeypatch.context() as broken:
        broken.setattr(numerics.training.obtaining, "train_one", breaking)
        assert answer("sweep", file, "--out", out)["failed"] == 2
    document = answer("sweep", file, "--out", out, "--status")
    assert "rows" not in document
    assert [{k: v for k, v in group.items() if v} for group in document["groups"]] == [
        {"group": "T = 3", "cells": 2, "done": 2},
        {"group": "T = 2", "cells": 2, "failed": 2, "reasons": {"MemoryError: no room": 2}},
    ]
    shown = sweep(file, "--out", out, "--status").stdout
    assert "MemoryError: no room (2)" in shown
    assert total(shown) == ["4", "2", "2", "0", "0"]
    again = f"tgon sweep {file} --out {out} --retry-failed"
    assert shown.splitlines()[-1] == f"Failed cells are passed over; {again} trains them again."
    done = sweep(file, "--out", out)
    assert done.exit_code == 0
    assert [line for line in done.stderr.splitlines() if "--retry-failed" in line] == [
        "tgon: passing over 2 cells of 4 that failed before; "
        "--retry-failed (retry_failed=True) trains what failed again"
    ]
    rows = answer("sweep", file, "--out", out)["rows"]
    assert [row["status"] for row in rows[2:]] == ["failed", "failed"]
    assert rows[2]["reason"] == "MemoryError: no room"
    assert rows[2]["test_loss"] is None
    assert answer("sweep", file, "--out", out, "--retry-failed")["done"] == 4


def test_what_is_wrong_in_a_file_is_said_in_its_keys(file, tmp_path, monkeypatch):
    """Not in options, which this command does not have; and with the file's name."""
    monkeypatch.setattr(cuda, "missing_for_cuda", lambda: "no GPU; try a GPU, or engine='cpu'")
    for text, said in (
        ("[setting]\nT = 3\nsteps = 20\nwarmup = 30", "try warmup = 1"),
        ("[setting]\nT = 3\nn = 2_000_000_000\nm = 3", "allowed are 5e+08; try n = 10000, m = 2"),
        ('engine = "cuda"\n[setting]\nT = 3', "no GPU; try a GPU, or engine = 'cpu'"),
        ("= ", "(at line 1, column 1)"),
    ):
        file.write_text(text)
        line = refusal("sweep", file, "--out", tmp_path / "runs")
        assert line.startswith(f"tgon: {file}: ")
        assert line.endswith(said)
        assert "--" not in line
    for missing in (tmp_path / "none.toml", tmp_path):
        assert str(missing) in refusal("sweep", missing, "--out", tmp_path / "runs")


def test_ctrl_c_says_what_is_kept(file, tmp_path, monkeypatch):
    """And how to go on."""
    out = tmp_path / "runs"

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("numerics.sweeps.run_sweep", interrupted)
    done = sweep(file, "--out", out)
    said = f"finished runs are kept in {out}; tgon sweep {file} --out {out} goes on from there"
    assert (done.exit_code, done.stderr) == (130, f"tgon: interrupted: {said}\n")


def test_the_flags_are_the_smaller_forms():
    assert sweep_file.SMALLER_FORMS == SMALLER_FORMS
    assert set(SMALLER_FORMS) == set(sweep_file.FORMS) - {"full"}


def test_a_preview_trains_the_smaller_form(file, tmp_path):
    assert answer("sweep", file, "--out", tmp_path / "runs", "--preview")["cells"] == 2
    assert answer("sweep", file, "--out", tmp_path / "runs", "--status")["left"] == 2


def test_duplicates_are_counted_once_and_named(file, tmp_path):
    file.write_text(SWEEP.replace("[3, 2]", "[3, 2, 3]"))
    done = sweep(file, "--out", tmp_path / "runs", "--status")
    assert total(done.stdout) == ["4", "0", "0", "0", "4"]
    unknown = f"tgon: there is no folder {tmp_path / 'runs'} yet: every cell is left\n"
    assert done.stderr == f"tgon: {file}: cells that occur twice count once, 2 here\n{unknown}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jobs", "0"], "--jobs"),
        (["--backend", "dask"], "try --backend dask --address tcp://localhost:8786"),
        (["--address", "tcp://localhost:1"], "--backend dask and --address go together"),
        (["--status", "--retry-failed"], "try one of them"),
        (["--table", "rows.txt"], "must end in .csv"),
        (["--table", "sweep.toml/rows.csv"], "try a folder that can be written"),
        (["--backend", "ray"], "'ray' is not one of"),
    ],
)
def test_options_that_do_not_fit_are_one_line(file, tmp_path, options, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refusal("sweep", file, "--out", tmp_path / "runs", *options)
    assert not (tmp_path / "runs").exists()


def test_a_folder_or_cluster_that_cannot_be_used_is_one_line(file, tmp_path, monkeypatch):
    assert "is a file" in refusal("sweep", file, "--out", file)
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = sweep(file, "--out", tmp_path / "runs", "--backend", "dask", "--address", "tcp://localhost:1")
    line = "tgon: --address: dask is not installed; try pip install -e '.[cluster]'"
    assert (done.exit_code, done.stderr.splitlines()[0]) == (2, line)
