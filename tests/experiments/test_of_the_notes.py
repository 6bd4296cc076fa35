"""Experiments that test the notes: each outcome is made by the numbers, and their tables by runs."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from experiments import epsilon_law
from experiments.decay_budget import findings as budget_findings
from experiments.decay_budget import summary as budget_summary
from experiments.epsilon_law import predicted
from experiments.polish import summary as polish_summary
from experiments.registry import OF_THE_NOTES
from experiments.repeated_threshold import AT_ROOT, LINE, PROPORTIONAL, SQUARE_ROOT, boundary
from experiments.sea import summary as sea_summary
from experiments.tables import form_of, read_tables
from numerics import train
from numerics.repetition import Transition
from numerics.sweeps.file import read_sweep
from tests.experiments.test_findings import changed, committed, judged
from tgon.cli.main import main
from theory.features.sea import best_sea

BEST = "The ring that gains most is the one that training takes: a ring"


def ring(k):
    return {"ring_columns": k, "ring_jump": 3.0}


def gains(pentagon):
    """Train gains that differ by 1 between the pentagon and other rings."""
    return {"train_gain": lambda runs: pentagon * (runs["ring_columns"] == 5) + 1e-3 * runs["seed"]}


def sea(directions):
    """Pentagons with the energy beside them that a law gives."""
    return ring(5) | {"ring_radius_squared": 0.9, "sea_energy": best_sea(5, 0.9, directions)}


def falling(rate):
    """Excesses that fall at a rate, a little apart from seed to seed."""
    return {
        "excess": lambda runs: np.exp(-rate * runs["decay_budget"]) * (1 + 0.05 * np.sin(97 * runs.index))
    }


def power(exponent):
    """Fitted laws of that exponent, known to a tenth."""
    return {"exponent": exponent, "exponent_low": exponent - 0.1, "exponent_high": exponent + 0.1}


def between(low, high):
    """Thresholds at T/n = 100, n = 300, all between these R."""
    return {"n": 300, "T": 30_000, "low": low, "high": high}


def biases(time=1, size=0, power=0.5, at=1.0, later=True, rate=0, first=1.0):
    """Biases that are halved at the predicted number, ε T^time n^size, and fall by a power from there on."""

    def long(runs):
        half = [
            predicted(steps if later else 50_000, lr)
            for steps, lr in zip(runs["steps"], runs["lr"], strict=True)
        ]
        number = runs["adam_epsilon"] * 30 * (runs["T"] / 30) ** time * (runs["n"] / 300) ** size
        length = 99 * (1 + (2 ** (1 / power) - 1) * number / half / at) ** -power
        return length * (runs["lr"] / 1e-3) ** rate * np.where(runs["adam_epsilon"] == 1e-8, first, 1)

    return {"bias_norm": long, "weight_norm": 0.0}


#: Where each is told, changes of a table that make it agree, and others, with the outcome they make ("differs").
STATEMENTS = {
    "Predicted from the dataset to 2e-5 at T = 5 (`memorization.tgon-test-loss`)": (
        "test-loss runs",
        {"test_loss": lambda runs: runs["least_norm"] + 1e-5},
        {"test_loss": lambda runs: runs["least_norm"] + 3e-5},
    ),
    "At T = 8 and T = 10 a polygon loses what zero output loses, to 2e-5": (
        "test-loss runs",
        {"test_loss": 1.0},
        {"test_loss": 1.001},
    ),
    "Where runs memorize, their own vectors give at least half of test loss − 1 (`memorization.test-loss`)": (
        "test-loss runs",
        {"own_vectors": lambda runs: 1 + 0.6 * (runs["test_loss"] - 1)},
        {"own_vectors": 1.5},
    ),
    "A longer decay budget brings ‖W‖ nearer to the least norm (`optimization.decay-budget`)": (
        "compare cells",
        {"median_ratio": lambda cells: 1 + 1 / cells["decay_budget"]},
        {"median_ratio": lambda cells: cells["decay_budget"]},
    ),
    **{
        statement: ("epsilon-law runs,paper", biases(), biases(**other))
        for statement, other in (
            (epsilon_law.SIZE, {"size": 1}),
            (epsilon_law.TIME, {"time": 0}),
            (epsilon_law.HALVED, {"at": 9.0}),
            (epsilon_law.ROOT, {"power": 2}),
            (epsilon_law.LATER, {"later": False}),
            (epsilon_law.RATE, {"rate": 1}),
            (epsilon_law.KEPT, {"first": 2}),
        )
    },
    "The excess over the least norm falls like e^{−τ}, at a rate of 1 (`optimization.excess`)": (
        "decay-budget runs",
        falling(1.0),
        falling(2.0),
    ),
    "Fewer seeds memorize under the strongest decay than under the weakest": (
        "decay-budget runs",
        {"status": lambda runs: np.where(runs["weight_decay"] < 1, "memorized", "not memorized")},
        {"status": "memorized"},
    ),
    "Every model on data without a shared feature lands on the least norm of the points it keeps": (
        "polish polished",
        {"ratio_after": 1.0},
        {"ratio_after": 1.00001},
    ),
    "Two circles are not stationary for the norm: polishing takes them to the polygon (`stationary.two-circles`)": (
        "polish polished",
        {"ratio_after": 1.0},
        {"ratio_after": lambda rows: np.where(rows["diagnosis_before"] == "two circles", 1.1, 1.0)},
    ),
    "No model has less energy than the least known code (`codes.programme`)": (
        "codes runs",
        {"above": 0.0},
        {"above": -0.1},
    ),
    "The code of T + 1 points is refuted as a lower bound for T points": (
        "codes runs",
        {"above_next": -0.1},
        {"above_next": 0.1},
    ),
    "Training finds unequal lengths where they are shorter (`codes.shifted-cross-polytope`)": (
        "codes runs",
        {"energy": lambda runs: 0.9 * runs["T"]},
        {"energy": lambda runs: 1.1 * runs["T"]},
    ),
    "The pentagon with its sea gains more than larger rings (`sea.separated-gain`)": (
        "sea runs",
        gains(1),
        gains(-1),
    ),
    "Random starts end with a pentagon": ("sea runs", ring(5), ring(6)),
    f"{BEST} alone at zero bias": ("sea runs", ring(5), ring(6)),
    f"{BEST} alone with a free bias": ("sea runs", ring(6), ring(5)),
    f"{BEST} with its sea": ("sea runs", ring(5), ring(7)),
    "The sea beside a pentagon has the energy of `sea.separated-gain`": (
        "sea runs",
        sea("vertices"),
        sea("vertices") | {"sea_energy": 0.1},
    ),
    "The sea beside a pentagon has the energy of `sea.isotropic-energy`": (
        "sea runs",
        sea("isotropic"),
        sea("vertices") | {"sea_energy": 9.0},
    ),
    "The sea is silent at the pentagon, as the law of separated scales assumes": (
        "sea runs",
        {"sea_passing": 0.01},
        {"sea_passing": 0.06},
    ),
    "The threshold with free biases is that at zero bias (`repetition.zero-bias`)": (
        "threshold n1000,n10000",
        {"zero_bias": lambda sizes: sizes["boundary"]},
        {"zero_bias": lambda sizes: 2 * sizes["high"]},
    ),
    PROPORTIONAL: ("repeated-threshold laws", power(1.0), power(0.5)),
    SQUARE_ROOT: ("repeated-threshold laws", power(0.5), power(1.0)),
    LINE: ("repeated-threshold thresholds", between(30.0, 50.0), between(9.0, 11.0)),
    AT_ROOT: ("repeated-threshold thresholds", between(9.0, 11.0), between(30.0, 50.0)),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_outcome_is_made_by_the_numbers(statement):
    place, agreeing, other, outcome = (*STATEMENTS[statement], "differs")[:4]
    name, table = place.split()
    tables = committed(name)
    assert judged(name, changed(tables, table, **agreeing))[statement] == "agrees"
    assert judged(name, changed(tables, table, **other))[statement] == outcome


def test_every_statement_has_both_sides():
    """But the sum of dimensionalities: no points in the plane are above its bound."""
    found = {statement for name in OF_THE_NOTES for statement in judged(name, committed(name))}
    assert found - set(STATEMENTS) == {
        "The sum of D_X over the datapoints of a model is at most its rank (`dimensionality.sum-bound`)"
    }


# What is left out


def test_two_circles_and_shared_features_are_no_excess():
    tables = committed("decay-budget")
    for column, value in (("length_jump", 1.2), ("shared_features", 1.0)):
        shown = budget_summary(changed(tables, "runs", **{column: value}))
        assert set(shown["seeds in excess"]) == {"0"}
        assert set(shown["excess, median"]) == {"–"}


def test_a_rate_needs_three_seeds():
    tables = committed("decay-budget")
    few = tables | {"runs": tables["runs"].query("seed < 2")}
    assert not [one for one in budget_findings(few) if one.statement == "Rate of the fall"]


def test_a_ring_that_does_not_stand_apart_is_none():
    shown = sea_summary(changed(committed("sea"), "runs", ring_jump=1.1))[""]
    assert set(shown["ring ends with"]) == {"no ring: 6", "no ring: 4", "no ring: 3"}
    assert set(shown["r"]) == {"–"}


_ONE_SEED = {"T": lambda rows: 30_000 - (rows.index > rows.query("law == 'first'").index[0])}


@pytest.mark.parametrize(
    ("statement", "table", "columns", "outcome"),
    [
        (PROPORTIONAL, "laws", power(0.75) | {"exponent_high": 1.2, "exponent_low": 0.4}, "not decided"),
        (PROPORTIONAL, "laws", {"exponent_low": -math.inf}, "not tested"),
        (LINE, "thresholds", between(1.0, math.inf), "not decided"),
        (LINE, "thresholds", between(9.0, 11.0) | _ONE_SEED, "not decided"),
    ],
)
def test_wide_intervals_decide_no_threshold(statement, table, columns, outcome):
    tables = changed(committed("repeated-threshold"), table, **columns)
    assert judged("repeated-threshold", tables)[statement] == outcome


def test_models_that_were_refused_are_counted():
    ratios = {"ratio_before": [1.5, 1.6, np.nan], "ratio_after": [1.0, 1.1, np.nan]}
    rows = pd.DataFrame(ratios | {"reason": [np.nan, np.nan, "datapoints 1 and 2 share a feature"]})
    rows = rows.assign(T=8, diagnosis_before="two circles")
    (row,) = polish_summary({"polished": rows}).to_dict("records")
    assert tuple(row.values()) == (8, "two circles", 3, "1.5 to 1.6", 2, 1, 0, 1)


def test_thresholds_without_a_law_have_a_range():
    ends = pd.DataFrame({"low": [3.0, 4.0, 3.0], "high": [6.0, 6.0, math.inf]})
    for rows in (ends, pd.concat([ends, ends])):  # few, and six that share the range from 4 to 6
        found = boundary(rows)
        assert math.isnan(found.value)
        assert (found.low, found.high) == (3.0, math.inf)


# From runs


TINY = {
    "epsilon-law": "steps=60\n[grid]\nT=[3, 30]\nadam_epsilon=[1e-8, 1e-4, 1e-1]\nseed='0:1'\n",
    "decay-budget": "steps=400\nlr=0.02\n[grid]\nT=[3, 5]\nweight_decay=[0.01, 0.1]\nseed='0:3'\n",
    "codes": "steps=400\nlr=0.02\nm=3\n[grid]\nT=[4, 5]\nweight_decay=[0.01, 0.1]\nseed='0:1'\n",
    "sea": "steps=60\n[grid]\nT=[60]\nstart=['xavier', 'pentagon']\nseed='0:1'\n",
    "repeated-threshold": "steps=60\nT=60\n[grid]\nrepeats=[2, 9]\nseed='0:1'\n",
}


def _transition(T, n, sparsity, seed, features):
    """What the numerical model finds, in units of T/n."""
    at = 0.5 + 0.01 * seed
    ends = {"metastable_until": 1.5, "kicked_until": 1.2, "step": 0.1, "embedded_from": 0.1, "zero_bias": 0.4}
    return Transition(threshold=at, between=(at, at), repeats=at * T / n, **ends)


@pytest.mark.parametrize("name", TINY)
def test_one_command_makes_tables_figure_and_page(name, tmp_path, monkeypatch):
    monkeypatch.setattr("experiments.repeated_threshold.find_transition", _transition)
    file, out = tmp_path / "sweep.toml", tmp_path / "out"
    file.write_text(f"[setting]\nn=60\nsparsity=0.95\n{TINY[name]}")
    train(read_sweep(file).cells, out=tmp_path / "runs", progress=False)
    options = ["figure", name, "--runs", tmp_path / "runs", "--sweep", file, "--out", out, "--json"]
    done = CliRunner().invoke(main, list(map(str, options)))
    assert done.exit_code == 0, done.output
    files = {Path(path).relative_to(out).as_posix() for path in json.loads(done.stdout)["result"]["written"]}
    kept = {f"tables/{table}.csv" for table in committed(name)}
    assert files == kept | {"figure.png", f"{name}.md"}
    fresh, known = read_tables(out), committed(name)
    for table in set(known) - {"form"}:
        assert set(known[table]) <= set(fresh[table]), table
    assert form_of(fresh)["missing"] == "0"


def test_tables_of_other_commands_are_not_made_from_runs(tmp_path):
    done = CliRunner().invoke(main, ["figure", "polish", "--runs", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "try --from experiments/polish" in done.stderr
