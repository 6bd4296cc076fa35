"""Tables are keyed by run: runs are added to those that lie there, and no row is lost."""

import json

import pandas as pd
import pytest

from experiments.making import gather, write_experiment
from experiments.registry import find_experiment
from experiments.repeated_map import sweep_both_ways
from experiments.tables import FORM, form_of
from numerics import train
from numerics.sweeps.file import read_sweep
from tests.tgon.command import tgon

_SMALL = "[setting]\nn = 40\nsparsity = 0.9\nsteps = 60\n"

#: A sweep of each kind of experiment that can be added to, and the field whose last value comes later.
SWEEPS = {
    "dataset-size": (f"{_SMALL}[grid]\nT = [3, 8, 40, 70]\ndata_seed = '0:1'\nseed = '0:1'\n", "T"),
    "heat-map": (f"{_SMALL}[grid]\nm = [2, 3]\nT = [3, 8, 40]\nseed = '0:1'\n", "m"),
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
def _quick(empty, monkeypatch):
    """The theory's threshold takes seconds for each size, sweeps and figures too, and no run hangs on them."""
    monkeypatch.setattr(sweep_both_ways, "__defaults__", (20,))
    theory = {"n": 40, "draws": 1, "undecided": 0, "median": 3.0, "least": 2.0, "greatest": 4.0}
    stands = {"metastable_until": 5.0, "metastable_censored": False, "zero_bias": 3.0}
    monkeypatch.setattr(
        "experiments.repeated_map._theory", lambda n, T, _: theory | {"n": n, "T": T} | stands
    )


@pytest.fixture(scope="module", params=SWEEPS)
def parts(request, tmp_path_factory):
    """An experiment, its sweep, and folders of runs: of all cells, of the first, of the later ones."""
    name, folder = request.param, tmp_path_factory.mktemp("parts")
    text, field = SWEEPS[name]
    file = folder / f"{name}.toml"
    file.write_text(text)
    sweep = read_sweep(file)
    last = getattr(sweep.cells[-1], field)
    for part in ("all", "early", "late"):
        later = {"all": (True, False), "early": (False,), "late": (True,)}[part]
        cells = [cell for cell in sweep.cells if (getattr(cell, field) == last) in later]
        train(cells, out=folder / part, progress=False)
    return find_experiment(name), sweep, file, folder


def figure(name, runs, file, out, *flags):
    return tgon("figure", name, "--runs", runs, "--sweep", file, "--out", out, *flags)


@pytest.mark.parametrize("later", ["all", "late"])
def test_added_runs_give_the_tables_of_all(parts, later):
    experiment, sweep, file, folder = parts
    whole = gather(experiment, sweep, folder / "all", source=str(file))
    early = gather(experiment, sweep, folder / "early", source=str(file))
    assert int(form_of(early)["missing"]) > 0
    assert "absent" in form_of(early)
    added = gather(experiment, sweep, folder / later, source=str(file), known=early)
    assert set(added) == set(whole)
    for name in set(whole) - {FORM}:
        if (experiment.name, name) not in APART:
            pd.testing.assert_frame_equal(added[name], whole[name], check_dtype=False)
    forms = [form_of(tables) for tables in (added, whole)]
    assert {key for key in forms[0] | forms[1] if forms[0].get(key) != forms[1].get(key)} <= {"seconds"}
    assert repr(experiment.module.findings(added)) == repr(experiment.module.findings(whole))


def test_the_command_adds_and_loses_nothing(parts, tmp_path):
    """A folder that has nothing new changes nothing."""
    experiment, sweep, file, folder = parts
    missing = []
    for runs in ("early", "late", "all"):
        done = figure(experiment.name, folder / runs, file, tmp_path, "--json")
        assert done.exit_code == 0, done.output
        missing.append(int(json.loads(done.stdout)["result"]["missing"]))
    assert missing[0] > 0 == missing[1] == missing[2]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = figure(experiment.name, folder / "early", file, tmp_path)
    assert done.exit_code == 2
    assert f"none of them that the tables in --out lack ({len(sweep.cells)} they have)" in done.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_tables_of_other_runs_are_not_replaced(tmp_path):
    """The same keys of another n, another form, rows that are no cells of the sweep; all in one line."""
    text, _ = SWEEPS["heat-map"]
    files = {"one": text, "other": text.replace("n = 40", "n = 50"), "less": text.replace("[2, 3]", "[3]")}
    for name, each in files.items():
        (tmp_path / f"{name}.toml").write_text(f"{each}[tenth.grid]\nT = [4, 9, 41]\n")
        for form in ("full", "tenth"):
            sweep = read_sweep(tmp_path / f"{name}.toml", form=form)
            train(sweep.cells, out=tmp_path / "runs", progress=False)
    out = tmp_path / "out"
    assert figure("heat-map", tmp_path / "runs", tmp_path / "one.toml", out).exit_code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name, flags, says in (
        ("other", (), "--out holds tables of 12 runs of n = 40, not 50; try another --out"),
        ("one", ("--tenth",), "--out holds tables of 12 runs of the full form; try another --out"),
        ("less", (), "6 of the 12 runs that the tables in --out have are none of the sweep; try a sweep"),
    ):
        done = figure("heat-map", tmp_path / "runs", tmp_path / f"{name}.toml", out, *flags)
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
        assert says in done.stderr
    assert before == {path: path.read_bytes() for path in before}


def test_tables_without_keys_are_made_from_all_their_runs(tmp_path):
    file = tmp_path / "gallery.toml"
    file.write_text(f"{_SMALL}[grid]\nT = [3, 5]\nseed = '0:1'\n")
    cells = read_sweep(file).cells
    train(cells, out=tmp_path / "all", progress=False)
    train(cells[:3], out=tmp_path / "less", progress=False)
    experiment = find_experiment("gallery")
    tables = gather(experiment, read_sweep(file), tmp_path / "all", source=str(file))
    write_experiment(experiment, tables, tmp_path / "out")
    done = figure("gallery", tmp_path / "less", file, tmp_path / "out")
    assert "--out holds tables of 4 runs, here are 3; try another --out" in done.stderr
