"""Every statement that pages judge, with changes of a committed table that make it agree, and others that do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments import epsilon_law
from experiments.commentary import outcomes
from experiments.epsilon_law import predicted
from experiments.registry import EXPERIMENTS, find_experiment
from experiments.repeated_threshold import AT_ROOT, LINE, PROPORTIONAL, SQUARE_ROOT
from experiments.tables import form_folders, read_tables
from theory.features.sea import best_sea
from verify.figures.norms import published_series

ROOT = Path(__file__).parents[2]

#: Every committed form: its experiment and its folder.
COMMITTED = [
    (each.name, folder) for each in EXPERIMENTS for folder in form_folders(ROOT / "experiments" / each.folder)
]


def committed(name, form=0):
    """The tables of a committed form: the first, which is the full one where there is one, or the last."""
    return read_tables([folder for own, folder in COMMITTED if own == name][form])


def judged(name, tables):
    """The outcome of each published statement, which is judged once."""
    found = find_experiment(name).module.findings(tables)
    assert len({each.statement for each in found if each.outcome != "measured"}) == len(outcomes(found))
    return outcomes(found)


def changed(tables, names, **columns):
    """The tables with columns of some replaced by a constant, or by what a function makes of the table."""
    return tables | {name: tables[name].assign(**columns) for name in names.split(",")}


def of(column, agreeing, other, *outcome):
    """One column that makes a statement agree, and one that makes it differ or have the outcome that is named."""
    return {column: agreeing}, {column: other}, *outcome


def flat(table):
    return 1 + 1e-3 * (np.arange(len(table)) % 7)


def rising(column, at):
    """The largest value at one place of a column, 1 elsewhere and 0.9 at its end, a little apart from row to row."""
    return lambda table: (
        flat(table) + np.select([table[column] == at, table[column] == table[column].max()], [49, -0.1])
    )


def split(column, at, low, high):
    """One value up to a place of a column, another beyond it."""
    return lambda table: np.where(table[column] <= at, low, high)


def at_the_end(runs):
    """Which rows have the largest T of their curve."""
    return runs["T"] == runs.groupby(["m", "density", "seed"])["T"].transform("max")


def stored_from(T, value=0.3):
    """A largest D_f of that value from T on, next to nothing before."""
    return {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= T, value, 0.01)}


def boundary(median):
    """A boundary at a multiple of T/n, with an interval of 0.1 to either side."""
    parts = {"median": median, "low": median - 0.1, "high": median + 0.1}
    return {name: lambda rows, part=part: part * rows["T"] / rows["n"] for name, part in parts.items()}


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
    return lambda runs: np.exp(-rate * runs["decay_budget"]) * (1 + 0.05 * np.sin(97 * runs.index))


def power(exponent):
    """Fitted laws of that exponent, known to a tenth."""
    return {"exponent": exponent, "exponent_low": exponent - 0.1, "exponent_high": exponent + 0.1}


def between(low, high):
    """Thresholds at T/n = 100, n = 300, all between these R."""
    return {"n": 300, "T": 30_000, "low": low, "high": high}


def biases(time=1, size=0, power=0.5, at=1.0, later=True, rate=0, first=1.0):
    """Biases that are halved at the predicted number, ε T^time n^size, and fall by a power from there on."""

    def long(runs):
        steps = runs["steps"] if later else 50_000 + 0 * runs["steps"]
        half = [predicted(*schedule) for schedule in zip(steps, runs["lr"], strict=True)]
        number = runs["adam_epsilon"] * 30 * (runs["T"] / 30) ** time * (runs["n"] / 300) ** size
        length = 99 * (1 + (2 ** (1 / power) - 1) * number / half / at) ** -power
        return length * (runs["lr"] / 1e-3) ** rate * np.where(runs["adam_epsilon"] == 1e-8, first, 1)

    return {"bias_norm": long, "weight_norm": 0.0}


NORMS = ("weight_norm", "bias_norm")
LENGTHS = ("hidden_length", "feature_length", *NORMS)

#: A bump of the test loss at T = 300, and none.
RISING = of("test_loss", rising("T", 300), flat)

#: By experiment and table each statement: columns that make runs agree, others, what runs then say ("differs").
STATEMENTS = {
    "dataset-size runs": {
        "The test loss rises between memorization and generalization": (*RISING, "not decided"),
        "Up to T = 30 the largest D_X is m/T, that of a T-gon": of(
            "largest_data_dimensionality", lambda runs: 2 / runs["T"], lambda runs: 3 / runs["T"]
        ),
        "Features are stored from T(1 − S) = 20 on (Jermyn's replication)": (
            stored_from(20_000),
            stored_from(5000),
        ),
        "Features are stored from T(1 − S) = 5 on (the authors)": (
            stored_from(5000),
            stored_from(0, 0.1),
            "not tested",
        ),
        "Features end with a D_f notably below 2/5": (stored_from(5000), stored_from(5000, 0.4)),
        "Between the regimes the test loss stays near 1": of("test_loss", flat, rising("T", 2000)),
        "‖W‖ and ‖b‖ peak around T = 30": (
            dict.fromkeys(NORMS, rising("T", 30)),
            dict.fromkeys(NORMS, rising("T", 3000)),
        ),
        "Both norms rise with T and fall far once features are learned (Jermyn)": (
            dict.fromkeys(NORMS, rising("T", 3000)),
            dict.fromkeys(NORMS, lambda runs: runs["T"]),
        ),
        "With much data ‖b‖ is below ‖W‖ again (Jermyn)": (
            {"weight_norm": 1.0, "bias_norm": rising("T", 300)},
            {"weight_norm": 1.0, "bias_norm": 2.0},
        ),
        "With much data ‖W‖ is near √5": of("weight_norm", 5**0.5, 3.0),
    },
    "norms runs": {
        "‖b‖ starts below ‖W‖ and becomes larger (Jermyn)": (
            {"weight_norm": 1.0, "bias_norm": lambda runs: runs["T"] / 10},
            {"weight_norm": 1.0, "bias_norm": lambda runs: 10 / runs["T"]},
        ),
        "Lengths and norms peak around T = 30": (
            dict.fromkeys(LENGTHS, lambda runs: -np.abs(np.log(runs["T"] / 30))),
            dict.fromkeys(LENGTHS, lambda runs: runs["T"]),
        ),
    },
    "gallery models": {
        "Small datasets are stored as regular T-gons": of("diagnosis", "regular T-gon", "two circles"),
        "Large datasets are stored as five features": (
            {"diagnosis": "stored features", "stored": 5},
            {"diagnosis": "stored features", "stored": 6},
        ),
    },
    "failures gaps": {
        "Two circles need a large gap at their interface": of(
            "gap", lambda gaps: gaps["bound"] + 0.1, lambda gaps: gaps["bound"] + 20
        )
    },
    "variants trained": {
        "There is double descent with other losses (Hobbhahn)": RISING,
        "There is double descent with a ReLU between the layers (Hobbhahn)": RISING,
    },
    "heat-map runs": {
        "More hidden dimensions hurt in some regions": of("test_loss", rising("m", 4), flat, "not decided"),
        "Above m = 3 results are much more consistent": of(
            "test_loss",
            lambda runs: np.where(runs["m"] > 3, 1, 1 + 0.1 * runs["seed"]),
            lambda runs: np.where(runs["m"] < 3, 1, 1 + 0.1 * runs["seed"]),
        ),
    },
    "scale-sparsity scales": {
        "At m = 2 features appear at roughly T(1 − S) = 10 (Jermyn)": of("scale", 12.0, 30.0),
    },
    "scale-sparsity runs": {
        "Behind the onset the largest D_f falls as T grows (Jermyn)": of(
            "largest_feature_dimensionality", lambda runs: np.where(at_the_end(runs), 0.3, 0.5), 0.3
        )
    },
    "repeated-history history": {
        "A point that occurs 5 times at T/n = 3 is embedded (Jermyn)": of("length", 1.0, 0.1),
    },
    "repeated-map runs": {
        "At low T/n more than T/n repeats are needed (Jermyn)": (
            {"first": lambda runs: runs["repeats"] > 3 * runs["T"] / runs["n"], "largest_feature": 0.3},
            {"first": True, "largest_feature": 0.3},
        )
    },
    "repeated-map boundaries": {
        "At larger T/n the boundary is R = 0.4 T/n (Jermyn)": (boundary(0.4), boundary(0.9))
    },
}

#: Statements that are judged of runs whose loss is averaged over features, too.
AVERAGED = [
    each for each in STATEMENTS["dataset-size runs"] if each.startswith(("Features", "‖W‖", "Both", "With"))
]
STATEMENTS["published-curves runs"] = {
    **{f"{each}, loss averaged over features": STATEMENTS["dataset-size runs"][each] for each in AVERAGED},
    "The authors' test loss is that of the loss averaged over features": of(
        "test_loss",
        lambda runs: runs["T"].map(published_series("test_loss").set_index("T")["test_loss"]).fillna(1.0),
        lambda runs: runs["T"] + 1.0,
    ),
    "Hidden lengths peak around T = 30, loss averaged over features": of(
        "weight_norm",
        lambda runs: np.sqrt(runs["T"]) * (9 - np.abs(np.log(runs["T"] / 30))),
        lambda runs: runs["T"],
    ),
}

BEST = "The ring that gains most is the one that training takes: a ring"

#: The same of what the notes say.
NOTED = {
    "test-loss runs": {
        "Predicted from the dataset to 2e-5 at T = 5 (`memorization.tgon-test-loss`)": of(
            "test_loss", lambda runs: runs["least_norm"] + 1e-5, lambda runs: runs["least_norm"] + 3e-5
        ),
        "At T = 8 and T = 10 a polygon loses what zero output loses, to 2e-5": of("test_loss", 1.0, 1.001),
        "Where runs memorize, their own vectors give at least half of test loss − 1 (`memorization.test-loss`)": of(
            "own_vectors", lambda runs: 1 + 0.6 * (runs["test_loss"] - 1), 1.5
        ),
    },
    "compare cells": {
        "A longer decay budget brings ‖W‖ nearer to the least norm (`optimization.decay-budget`)": of(
            "median_ratio", lambda cells: 1 + 1 / cells["decay_budget"], lambda cells: cells["decay_budget"]
        )
    },
    "epsilon-law runs,paper": {
        epsilon_law.SIZE: (biases(), biases(size=1)),
        epsilon_law.TIME: (biases(), biases(time=0)),
        epsilon_law.HALVED: (biases(), biases(at=9.0)),
        epsilon_law.ROOT: (biases(), biases(power=2)),
        epsilon_law.LATER: (biases(), biases(later=False)),
        epsilon_law.RATE: (biases(), biases(rate=1)),
        epsilon_law.KEPT: (biases(), biases(first=2)),
    },
    "decay-budget runs": {
        "The excess over the least norm falls like e^{−τ}, at a rate of 1 (`optimization.excess`)": of(
            "excess", falling(1.0), falling(2.0)
        ),
        "Fewer seeds memorize under the strongest decay than under the weakest": of(
            "status", split("weight_decay", 0.99, "memorized", "not memorized"), "memorized"
        ),
    },
    "polish polished": {
        "Every model on data without a shared feature lands on the least norm of the points it keeps": of(
            "ratio_after", 1.0, 1.00001
        ),
        "Two circles are not stationary for the norm: polishing takes them to the polygon "
        "(`stationary.two-circles`)": of(
            "ratio_after", 1.0, lambda rows: np.where(rows["diagnosis_before"] == "two circles", 1.1, 1.0)
        ),
    },
    "codes runs": {
        "No model has less energy than the least known code (`codes.programme`)": of("above", 0.0, -0.1),
        "The code of T + 1 points is refuted as a lower bound for T points": of("above_next", -0.1, 0.1),
        "Training finds unequal lengths where they are shorter (`codes.shifted-cross-polytope`)": of(
            "energy", lambda runs: 0.9 * runs["T"], lambda runs: 1.1 * runs["T"]
        ),
    },
    "sea runs": {
        "The pentagon with its sea gains more than larger rings (`sea.separated-gain`)": (
            gains(1),
            gains(-1),
        ),
        "Random starts end with a pentagon": (ring(5), ring(6)),
        f"{BEST} alone at zero bias": (ring(5), ring(6)),
        f"{BEST} alone with a free bias": (ring(6), ring(5)),
        f"{BEST} with its sea": (ring(5), ring(7)),
        "The sea beside a pentagon has the energy of `sea.separated-gain`": (
            sea("vertices"),
            sea("vertices") | {"sea_energy": 0.1},
        ),
        "The sea beside a pentagon has the energy of `sea.isotropic-energy`": (
            sea("isotropic"),
            sea("vertices") | {"sea_energy": 9.0},
        ),
        "The sea is silent at the pentagon, as the law of separated scales assumes": of(
            "sea_passing", 0.01, 0.06
        ),
    },
    "threshold n1000,n10000": {
        "The threshold with free biases is that at zero bias (`repetition.zero-bias`)": of(
            "zero_bias", lambda sizes: sizes["boundary"], lambda sizes: 2 * sizes["high"]
        )
    },
    "repeated-threshold laws": {
        PROPORTIONAL: (power(1.0), power(0.5)),
        SQUARE_ROOT: (power(0.5), power(1.0)),
    },
    "repeated-threshold thresholds": {
        LINE: (between(30.0, 50.0), between(9.0, 11.0)),
        AT_ROOT: (between(9.0, 11.0), between(30.0, 50.0)),
    },
}
