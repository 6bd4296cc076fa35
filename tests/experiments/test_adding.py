"""Runs are added to tables, which are then those of all runs together; runs that tables have are not lost."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from click.testing import CliRunner

from experiments.making import gather, write_experiment
from experiments.registry import EXPERIMENTS, find_experiment
from experiments.tables import FORM, form_of
from numerics import train
from numerics.sweeps.file import read_sweep
from tgon.cli.main import main

_SMALL = "[setting]\nn = 40\nsparsity = 0.9\nsteps = 60\n"

#: A sweep of each experiment that can be added to, and the field whose last value comes later.
SWEEPS = {
    "dataset-size": (f"{_SMALL}[grid]\nT = [3, 8, 40, 70]\ndata_seed = '0:1'\nseed = '0:1'\n", "T"),
    "weight-decay": (f"{_SMALL}[grid]\nweight_decay = [0.001, 0.01]\nT = [3, 8, 40]\nseed = '0:1'\n", "weight_decay"),
    "training-steps": (f"{_SMALL[:-11]}[grid]\nsteps = [20, 60]\nT = [3, 8, 40]\nseed = '0:1'\n", "seed"),
    "heat-map": (f"{_SMALL}[grid]\nm = [2, 3]\nT = [3, 8, 40]\nseed = '0:1'\n", "m"),
    "scale-decay": (f"{_SMALL}[grid]\nweight_decay = [0.001, 1.0]\nT = [3, 8, 40]\nseed = '0:1'\n", "T"),
    "scale-sparsity": (
        "[setting]\nn = 40\nsteps = 60\n[[zip]]\nsparsity = [0.9, 0.9, 0.8, 0.8]\nT = [10, 40, 5, 20]\n"
        "[grid]\nseed = '0:1'\n",
        "sparsity",
    ),
    "repeated-map": (f"{_SMALL}[grid]\nT = [40, 80]\nrepeats = [2, 4]\nseed = '0:1'\n", "repeats"),
}  # fmt: skip

#: Tables that runs are not added to: pictures of sizes that had one, and trainings of its own.
APART = {("dataset-size", "points"), ("repeated-map", "sweeps")}


@pytest.fixture(autouse=True)
def _quick_theory(monkeypatch):
    """The theory's threshold takes seconds for each size, and no run hangs on it."""
    theory = {"n": 40, "draws": 1, "undecided": 0, "median": 3.0, "least": 2.0, "greatest": 4.0}
    stands = {"metastable_until": 5.0, "metastable_censored": False, "zero_bias": 3.0}
    monkeypatch.setattr(
        "experiments.repeated_map.collecting._theory",
        lambda n, T, _: theory | {"n": n, "T": T} | stands,
    )


@pytest.fixture(scope="module", params=SWEEPS)
def parts(request, tmp_path_factory):
    """An experiment, its sweep, and two folders: runs of all cells, and of those that came first."""
    name, folder = request.param, tmp_path_factory.mktemp("parts")
    text, field = SWEEPS[name]
    file = folder / f"{name}.toml"
    file.write_text(text)
    sweep = read_sweep(file)
    last = sweep.cells[-1]
    early = [cell for cell in sweep.cells if getattr(cell, field) != getattr(last, field)]
    assert 0 < len(early) < len(sweep.cells)
    train(sweep.cells, out=folder / "all", progress=False)
    train(early, out=folder / "early", progress=False)
    return find_experiment(name), sweep, file, folder


def test_added_runs_give_the_tables_of_all(parts):
    experiment, sweep, file, folder = parts
    whole = gather(experiment, sweep, folder / "all", source=str(file))
    early = gather(experiment, sweep, folder / "early", source=str(file))
    assert int(form_of(early)["missing"]) > 0
    added = gather(experiment, sweep, folder / "all", source=str(file), known=early)
    assert set(added) == set(whole)
    for name in set(whole) - {FORM}:
        if (experiment.name, name) not in APART:
            pd.testing.assert_frame_equal(added[name], whole[name], check_dtype=False)
    forms = [form_of(tables) for tables in (added, whole)]
    assert {key for key in forms[1] if forms[0].get(key) != forms[1][key]} <= {"seconds"}
    assert "absent" not in forms[0]
    assert experiment.module.describe(added)


def test_tables_that_have_every_run_are_left_alone(parts, tmp_path):
    experiment, sweep, file, folder = parts
    write_experiment(experiment, gather(experiment, sweep, folder / "all", source=str(file)), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    arguments = ("--runs", folder / "all", "--sweep", file, "--out", tmp_path, "--add")
    done = CliRunner().invoke(main, ["figure", experiment.name, *map(str, arguments)])
    assert done.exit_code == 2
    assert f"the tables have all {len(sweep.cells)} runs of {file} already" in done.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_the_command_adds_to_the_tables_in_its_folder(parts, tmp_path):
    experiment, _, file, folder = parts
    missing = []
    for runs, flags in (("early", ()), ("all", ("--add",))):
        arguments = ("--runs", folder / runs, "--sweep", file, "--out", tmp_path, *flags, "--json")
        done = CliRunner().invoke(main, ["figure", experiment.name, *map(str, arguments)])
        assert done.exit_code == 0, done.output
        missing.append(int(json.loads(done.stdout)["missing"]))
    assert missing[0] > 0 == missing[1]


def test_tables_of_runs_that_are_nowhere_else_are_not_replaced(parts, tmp_path):
    experiment, sweep, file, folder = parts
    write_experiment(experiment, gather(experiment, sweep, folder / "all", source=str(file)), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    arguments = ("--runs", folder / "early", "--sweep", file, "--out", tmp_path)
    done = CliRunner().invoke(main, ["figure", experiment.name, *map(str, arguments)])
    assert done.exit_code == 2
    lost = len(sweep.cells) - len(list((folder / "early").glob("*.safetensors")))
    assert (
        f"holds tables of {lost} runs that {folder / 'early'} has not; try --add to keep them" in done.stderr
    )
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize("name", [each.name for each in EXPERIMENTS if each.name not in SWEEPS])
def test_other_tables_cannot_be_added_to(name, tmp_path):
    (tmp_path / "form.csv").write_text("key,value\nform,full\n")
    (tmp_path / f"{name}.toml").write_text(f"{_SMALL}[grid]\nT = [3]\n")
    train(read_sweep(tmp_path / f"{name}.toml").cells, out=tmp_path, progress=False)
    arguments = ("--runs", tmp_path, "--sweep", tmp_path / f"{name}.toml", "--out", tmp_path, "--add")
    done = CliRunner().invoke(main, ["figure", name, *map(str, arguments)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{name}: its tables cannot be added to; leave out --add" in done.stderr


def test_tables_of_other_settings_or_forms_are_not_replaced(tmp_path):
    """The same rows by their keys, of another n, or as another form."""
    text, _ = SWEEPS["heat-map"]
    for name, each in (("one", text), ("other", text.replace("n = 40", "n = 50"))):
        (tmp_path / f"{name}.toml").write_text(f"{each}[tenth.grid]\nT = [4, 9, 41]\n")
        for form in ("full", "tenth"):
            train(
                read_sweep(tmp_path / f"{name}.toml", form=form).cells, out=tmp_path / "runs", progress=False
            )

    def figure(name, *flags):
        arguments = (
            "--runs",
            tmp_path / "runs",
            "--sweep",
            tmp_path / f"{name}.toml",
            "--out",
            tmp_path / "out",
        )
        return CliRunner().invoke(main, ["figure", "heat-map", *map(str, arguments), *flags])

    assert figure("one").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert "holds tables of 12 runs of n = 40, not 50; try another --out" in figure("other").stderr
    assert "holds tables of 12 runs of the full form; try another --out" in figure("one", "--tenth").stderr
    assert before == {path: path.read_bytes() for path in before}
    assert figure("one").exit_code == 0


def test_tables_of_other_settings_are_not_added_to(tmp_path):
    """The same rows by their keys, of another n; and rows that are no cells of the sweep at all."""
    text, _ = SWEEPS["heat-map"]
    files = {"one": text, "other": text.replace("n = 40", "n = 50"), "less": text.replace("[2, 3]", "[3]")}
    sweeps = {}
    for name, each in files.items():
        (tmp_path / f"{name}.toml").write_text(each)
        sweeps[name] = read_sweep(tmp_path / f"{name}.toml")
        train(sweeps[name].cells, out=tmp_path, progress=False)
    experiment = find_experiment("heat-map")
    known = gather(experiment, sweeps["one"], tmp_path, source="one")
    with pytest.raises(ValueError, match="runs that the tables have are of n = 40, not 50; leave out --add"):
        gather(experiment, sweeps["other"], tmp_path, source="other", known=known)
    with pytest.raises(ValueError, match="6 of the 12 runs that the tables have are none of the sweep"):
        gather(experiment, sweeps["less"], tmp_path, source="less", known=known)


def test_a_folder_without_tables_cannot_be_added_to(parts, tmp_path):
    experiment, _, file, folder = parts
    arguments = ("--runs", folder / "all", "--sweep", file, "--out", tmp_path, "--add")
    done = CliRunner().invoke(main, ["figure", experiment.name, *map(str, arguments)])
    assert done.exit_code == 2
    assert f"{tmp_path}: holds no tables to add to; leave out --add" in done.stderr


def test_what_cannot_be_added_is_refused(parts, tmp_path):
    experiment, sweep, file, folder = parts
    early = gather(experiment, sweep, folder / "early", source=str(file))
    with pytest.raises(ValueError, match=r"0 of the \d+ runs of .* that the tables lack \(\d+ they have\)"):
        gather(experiment, sweep, folder / "early", source=str(file), known=early)
    tables = gather(experiment, sweep, folder / "early", source=str(file), form="tenth")
    with pytest.raises(ValueError, match="of the tenth form, the runs of the full form"):
        gather(experiment, sweep, folder / "all", source=str(file), known=tables)
