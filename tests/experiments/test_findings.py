"""What pages say of published statements: each outcome is made by the numbers, and other numbers make another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.findings import Finding
from experiments.page import Entry, contents_page
from experiments.registry import EXPERIMENTS, find_experiment
from experiments.tables import form_folders, read_tables

ROOT = Path(__file__).parents[2]


def committed(name, form=0):
    """The tables of a committed form: the first, which is the full one where there is one, or the last."""
    return read_tables(form_folders(ROOT / "experiments" / name.replace("-", "_"))[form])


def outcomes(name, tables):
    found = {}
    for sentence in find_experiment(name).module.sentences(tables):
        if isinstance(sentence, Finding):
            assert not set(found) & set(sentence.outcomes)
            found |= sentence.outcomes
    return found


def changed(tables, name, **columns):
    """The tables with columns of one replaced by what a function makes of that table."""
    table = tables[name]
    return tables | {name: table.assign(**{column: make(table) for column, make in columns.items()})}


def rising(column, at):
    """The largest value at one place of a column, 1 elsewhere and 0.9 at its end, a little apart from row to row."""

    def make(table):
        place = table[column]
        apart = 1e-3 * (np.arange(len(place)) % 7)
        return np.where(place == at, 50.0, np.where(place == place.max(), 0.9, 1.0)) + apart

    return make


def flat(table):
    return 1 + 1e-3 * (np.arange(len(table)) % 7)


def at_the_end(runs):
    """Which rows have the largest T of their curve."""
    return runs["T"] == runs.groupby(["m", "density", "seed"])["T"].transform("max")


def constant(value):
    return lambda table: np.full(len(table), value)


#: Of each statement: its experiment, a change that makes runs agree, one that does not, and what they say then.
STATEMENTS = {
    "The test loss rises between memorization and generalization": (
        "dataset-size",
        ("runs", {"test_loss": rising("T", 300)}),
        ("runs", {"test_loss": flat}),
        "not decided",
    ),
    "Up to T = 30 the largest D_X is m/T, that of a T-gon": (
        "dataset-size",
        ("runs", {"largest_data_dimensionality": lambda runs: 2 / runs["T"]}),
        ("runs", {"largest_data_dimensionality": lambda runs: 3 / runs["T"]}),
        "differs",
    ),
    "Features are stored from T(1 − S) = 20 on (Jermyn's replication)": (
        "dataset-size",
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= 20_000, 0.3, 0.01)}),
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= 5000, 0.3, 0.01)}),
        "differs",
    ),
    "Features are stored from T(1 − S) = 5 on (the authors)": (
        "dataset-size",
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= 5000, 0.3, 0.01)}),
        ("runs", {"largest_feature_dimensionality": constant(0.1)}),
        "not tested",
    ),
    "Features end with a D_f notably below 2/5": (
        "dataset-size",
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= 5000, 0.3, 0.01)}),
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(runs["T"] >= 5000, 0.4, 0.01)}),
        "differs",
    ),
    "Between the regimes the test loss stays near 1": (
        "dataset-size",
        ("runs", {"test_loss": flat}),
        ("runs", {"test_loss": rising("T", 2000)}),
        "differs",
    ),
    "‖W‖ and ‖b‖ peak around T = 30": (
        "dataset-size",
        ("runs", dict.fromkeys(("weight_norm", "bias_norm"), rising("T", 30))),
        ("runs", dict.fromkeys(("weight_norm", "bias_norm"), rising("T", 3000))),
        "differs",
    ),
    "Both norms rise with T and fall far once features are learned (Jermyn)": (
        "dataset-size",
        ("runs", dict.fromkeys(("weight_norm", "bias_norm"), rising("T", 3000))),
        ("runs", dict.fromkeys(("weight_norm", "bias_norm"), lambda runs: runs["T"])),
        "differs",
    ),
    "With much data ‖b‖ is below ‖W‖ again (Jermyn)": (
        "dataset-size",
        ("runs", {"weight_norm": constant(1.0), "bias_norm": rising("T", 300)}),
        ("runs", {"weight_norm": constant(1.0), "bias_norm": constant(2.0)}),
        "differs",
    ),
    "With much data ‖W‖ is near √5": (
        "dataset-size",
        ("runs", {"weight_norm": constant(5**0.5)}),
        ("runs", {"weight_norm": constant(3.0)}),
        "differs",
    ),
    "‖b‖ starts below ‖W‖ and becomes larger (Jermyn)": (
        "norms",
        ("runs", {"weight_norm": constant(1.0), "bias_norm": lambda runs: runs["T"] / 10}),
        ("runs", {"weight_norm": constant(1.0), "bias_norm": lambda runs: 10 / runs["T"]}),
        "differs",
    ),
    "Lengths and norms peak around T = 30": (
        "norms",
        (
            "runs",
            dict.fromkeys(
                ("hidden_length", "feature_length", "weight_norm", "bias_norm"),
                lambda runs: -np.abs(np.log(runs["T"] / 30)),
            ),
        ),
        (
            "runs",
            dict.fromkeys(
                ("hidden_length", "feature_length", "weight_norm", "bias_norm"), lambda runs: runs["T"]
            ),
        ),
        "differs",
    ),
    "Small datasets are stored as regular T-gons": (
        "gallery",
        ("models", {"diagnosis": constant("regular T-gon")}),
        ("models", {"diagnosis": constant("two circles")}),
        "differs",
    ),
    "Large datasets are stored as five features": (
        "gallery",
        ("models", {"diagnosis": constant("stored features"), "stored": constant(5)}),
        ("models", {"diagnosis": constant("stored features"), "stored": constant(6)}),
        "differs",
    ),
    "Two circles need a large gap at their interface": (
        "failures",
        ("gaps", {"gap": lambda gaps: gaps["bound"] + 0.1}),
        ("gaps", {"gap": lambda gaps: gaps["bound"] + 20}),
        "differs",
    ),
    "Images of unusually high D* are odd (Olah)": (
        "digits",
        (
            "images",
            {"distance_percentile": lambda images: np.where(images["group"] == "highest", 95.0, 50.0)},
        ),
        ("images", {"distance_percentile": constant(50.0)}),
        "not decided",
    ),
    "The transition to generalization shows in D* (Hobbhahn)": (
        "digits",
        ("toy", {"largest": lambda toy: np.where(toy["T"] >= 500, 9.0, 1.0)}),
        ("toy", {"largest": constant(1.0)}),
        "differs",
    ),
    "There is double descent with other losses (Hobbhahn)": (
        "variants",
        ("trained", {"test_loss": rising("T", 300)}),
        ("trained", {"test_loss": flat}),
        "differs",
    ),
    "There is double descent with a ReLU between the layers (Hobbhahn)": (
        "variants",
        ("trained", {"test_loss": rising("T", 300)}),
        ("trained", {"test_loss": flat}),
        "differs",
    ),
    "Weight decay 1 removes the bump": (
        "weight-decay",
        (
            "runs",
            {
                "test_loss": lambda runs: np.where(
                    runs["weight_decay"] < 1, rising("T", 500)(runs), flat(runs)
                )
            },
        ),
        ("runs", {"test_loss": rising("T", 500)}),
        "differs",
    ),
    "Less weight decay makes the bump larger": (
        "weight-decay",
        ("runs", {"test_loss": lambda runs: 1 + (rising("T", 500)(runs) - 0.8) / runs["weight_decay"]}),
        ("runs", {"test_loss": lambda runs: 1 + (rising("T", 500)(runs) - 0.8) * runs["weight_decay"]}),
        "differs",
    ),
    "More steps make the bump larger": (
        "training-steps",
        ("runs", {"test_loss": lambda runs: rising("T", 500)(runs) * runs["steps"]}),
        ("runs", {"test_loss": lambda runs: rising("T", 500)(runs) / runs["steps"]}),
        "differs",
    ),
    "More data hurts in some regions": (
        "heat-map",
        ("runs", {"test_loss": rising("T", 50)}),
        ("runs", {"test_loss": flat}),
        "not decided",
    ),
    "More hidden dimensions hurt in some regions": (
        "heat-map",
        ("runs", {"test_loss": rising("m", 4)}),
        ("runs", {"test_loss": flat}),
        "not decided",
    ),
    "Above m = 3 results are much more consistent": (
        "heat-map",
        ("runs", {"test_loss": lambda runs: np.where(runs["m"] > 3, 1, 1 + 0.1 * runs["seed"])}),
        ("runs", {"test_loss": lambda runs: np.where(runs["m"] < 3, 1, 1 + 0.1 * runs["seed"])}),
        "differs",
    ),
    "At m = 2 features appear at one T(1 − S), whatever the sparsity (Jermyn)": (
        "scale-sparsity",
        ("scales", {"scale": lambda scales: 10 * flat(scales)}),
        ("scales", {"scale": lambda scales: 1e4 * scales["density"] * flat(scales)}),
        "differs",
    ),
    "At m = 2 features appear at roughly T(1 − S) = 10 (Jermyn)": (
        "scale-sparsity",
        ("scales", {"scale": constant(12.0)}),
        ("scales", {"scale": constant(30.0)}),
        "differs",
    ),
    "Behind the onset the largest D_f falls as T grows (Jermyn)": (
        "scale-sparsity",
        ("runs", {"largest_feature_dimensionality": lambda runs: np.where(at_the_end(runs), 0.3, 0.5)}),
        ("runs", {"largest_feature_dimensionality": constant(0.3)}),
        "differs",
    ),
    "The generalization scale does not move with weight decay (Jermyn)": (
        "scale-decay",
        ("scales", {"scale": lambda scales: 10 * flat(scales)}),
        ("scales", {"scale": lambda scales: 1e4 / scales["weight_decay"] * flat(scales)}),
        "differs",
    ),
    "A point that occurs 5 times at T/n = 3 is embedded (Jermyn)": (
        "repeated-history",
        ("history", {"length": constant(1.0)}),
        ("history", {"length": constant(0.1)}),
        "differs",
    ),
    "A repeated point replaces one of the features (Jermyn)": (
        "repeated-history",
        (
            "history",
            {
                "length": lambda history: np.where(history["repeats"] >= 4, 1.0, 0.1),
                "stored": lambda history: np.where(history["repeats"] >= 4, 4, 5),
            },
        ),
        (
            "history",
            {"length": lambda history: np.where(history["repeats"] >= 4, 1.0, 0.1), "stored": constant(5)},
        ),
        "not decided",
    ),
    "Some models memorize a repeated point and drop it again (Jermyn)": (
        "repeated-history",
        (
            "history",
            {
                "length": lambda history: np.where(history["step"] < history["step"].max(), 1.0, 0.1),
                "rank": constant(0.0),
            },
        ),
        ("history", {"length": constant(0.1)}),
        "not tested",
    ),
    "Each of several repeated points replaces a feature (Jermyn)": (
        "repeated-many",
        ("runs", {"stored": lambda runs: np.maximum(5 - runs["repeated_points"], 0)}),
        ("runs", {"stored": constant(5)}),
        "differs",
    ),
    "Of more than five repeated points five are embedded, and all features suppressed (Jermyn)": (
        "repeated-many",
        ("runs", {"embedded": constant(5), "stored": constant(0)}),
        ("runs", {"embedded": constant(8), "stored": constant(2)}),
        "differs",
    ),
    "At low T/n more than T/n repeats are needed (Jermyn)": (
        "repeated-map",
        (
            "runs",
            {
                "first": lambda runs: runs["repeats"] > 3 * runs["T"] / runs["n"],
                "largest_feature": constant(0.3),
            },
        ),
        ("runs", {"first": constant(True), "largest_feature": constant(0.3)}),
        "differs",
    ),
    "At larger T/n the boundary is R = 0.4 T/n (Jermyn)": (
        "repeated-map",
        (
            "boundaries",
            {
                "median": lambda rows: 0.4 * rows["T"] / rows["n"],
                "low": lambda rows: 0.3 * rows["T"] / rows["n"],
                "high": lambda rows: 0.5 * rows["T"] / rows["n"],
            },
        ),
        (
            "boundaries",
            {
                "median": lambda rows: 0.9 * rows["T"] / rows["n"],
                "low": lambda rows: 0.8 * rows["T"] / rows["n"],
                "high": lambda rows: 1.0 * rows["T"] / rows["n"],
            },
        ),
        "differs",
    ),
    "Some models learn features and forget them by the end (Jermyn)": (
        "forgetting",
        ("fates", {"feature": constant(7), "end": constant(0.05)}),
        ("fates", {"feature": constant(7), "end": constant(0.3)}),
        "not decided",
    ),
    "Storing points has the least train loss up to T = 5·10⁵ (July 2023)": (
        "envelope",
        ("published_size", {"train_loss": lambda rows: np.where(rows["T"] <= 400_000, 0.99, 0.9999)}),
        ("published_size", {"train_loss": lambda rows: np.where(rows["T"] <= 100_000, 0.99, 0.9999)}),
        "differs",
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_outcome_is_made_by_the_numbers(statement):
    name, agreeing, other, outcome = STATEMENTS[statement]
    tables = committed(name, -1 if name in SEEDS else 0)
    assert outcomes(name, changed(tables, agreeing[0], **agreeing[1]))[statement] == "agrees"
    assert outcomes(name, changed(tables, other[0], **other[1]))[statement] == outcome


#: Where the full form has too few seeds to decide anything.
SEEDS = {"repeated-history"}


def kept(tables, **wanted):
    """The tables without the rows that a function of each named table leaves out."""
    return tables | {
        name: tables[name][keep(tables[name])].reset_index(drop=True) for name, keep in wanted.items()
    }


#: Of each experiment tables that cannot bear on some of its statements, and how many of these are not tested then.
POOR = {
    "dataset-size": ({"runs": lambda runs: runs["T"] <= 10}, 8),
    "norms": ({"runs": lambda runs: runs["T"] <= 4, "theory": lambda theory: theory["T"] <= 4}, 2),
    "gallery": ({"models": lambda models: models["T"] < 20_000}, 1),
    "failures": (
        {"shares": lambda rows: rows["diagnosis"] != "two circles", "gaps": lambda gaps: gaps["T"] < 0},
        1,
    ),
    "variants": ({"trained": lambda rows: rows["variant"] == "standard"}, 2),
    "weight-decay": ({"runs": lambda runs: runs["weight_decay"] == 1.0}, 2),
    "training-steps": ({"runs": lambda runs: runs["steps"] == 5000}, 1),
    "heat-map": ({"runs": lambda runs: runs["m"] <= 2}, 1),
    "scale-sparsity": ({"scales": lambda scales: scales["density"] == 0.01}, 1),
    "scale-decay": ({"scales": lambda scales: scales["weight_decay"] == 1.0}, 1),
    "repeated-history": ({"history": lambda history: history["repeats"] <= 2}, 3),
    "repeated-many": ({"runs": lambda runs: runs["repeated_points"] <= 2}, 2),
    "forgetting": ({"fates": lambda fates: fates["feature"] < 0}, 1),
    "sensitivity": (
        {
            "changes": lambda rows: rows["change"] == "baseline",
            "curves": lambda rows: rows["change"] == "baseline",
        },
        2,
    ),
    "envelope": ({"published_size": lambda rows: rows["T"] <= 200_000}, 1),
}


@pytest.mark.parametrize("name", POOR)
def test_a_statement_stays_where_nothing_bears_on_it(name):
    tables = committed(name)
    wanted, untested = POOR[name]
    found = outcomes(name, kept(tables, **wanted))
    assert set(found) == set(outcomes(name, tables))
    assert list(found.values()).count("not tested") == untested


@pytest.mark.parametrize("name", [each.name for each in EXPERIMENTS])
def test_every_page_judges_the_same_statements_in_each_form(name):
    found = [
        set(outcomes(name, read_tables(folder)))
        for folder in form_folders(ROOT / "experiments" / name.replace("-", "_"))
    ]
    assert found[0]
    assert all(statements == found[0] for statements in found)


def test_absent_at_its_own_place_is_not_there():
    """Features that appear between T(1 − S) = 5 and 10 are not there at 5, whatever the rounding of 5 (1 − S)."""
    tables = changed(
        committed("dataset-size"),
        "runs",
        largest_feature_dimensionality=lambda runs: np.where(runs["T"] >= 10_000, 0.3, 0.01),
    )
    assert (
        outcomes("dataset-size", tables)["Features are stored from T(1 − S) = 5 on (the authors)"]
        == "differs"
    )


def test_a_place_that_hangs_on_the_bar_is_not_decided():
    """Between two bars for a stored feature, from half of one to all of it, lies the place of the replication."""
    tables = changed(
        committed("dataset-size"),
        "runs",
        largest_feature_dimensionality=lambda runs: np.select(
            [runs["T"] >= 20_000, runs["T"] >= 5000], [0.3, 0.15], 0.01
        ),
    )
    found = outcomes("dataset-size", tables)
    assert found["Features are stored from T(1 − S) = 20 on (Jermyn's replication)"] == "not decided"
    assert found["Features are stored from T(1 − S) = 5 on (the authors)"] == "not decided"
    assert found["Features end with a D_f notably below 2/5"] == "not decided"


def test_what_is_left_of_a_bump_decides():
    """Decay 1 that leaves nearly all of the height does not agree, not even in part."""
    runs = committed("weight-decay", -1)["runs"]
    strong = runs["weight_decay"] == 1.0
    loss = np.where(strong & (runs["T"] == runs["T"].max()), 60.0, rising("T", 500)(runs))
    judged = outcomes("weight-decay", {"runs": runs.assign(test_loss=loss)})
    assert judged["Weight decay 1 removes the bump"] == "differs"


def test_every_statement_has_both_sides():
    """Those that no change of a table can turn are named here, with the reason."""
    judged = {statement for each in EXPERIMENTS for statement in outcomes(each.name, committed(each.name))}
    left = judged - set(STATEMENTS)
    assert set(STATEMENTS) <= judged
    assert left == {
        "Some images have almost 100 times the typical D* (Olah)",  # digits have a ceiling of 3
        "Some models put their datapoints on two circles",  # told where there are such runs, as others are
        # told of a whole card
        "One difference in setup sets authors and Jermyn's replication apart in the onset of features",
        "One difference in setup sets authors and Jermyn's replication apart in the peak of the test loss",
    }


def test_the_list_of_pages_has_outcomes_by_form_and_none_of_previews():
    finding = Finding("It rises.", {"the loss rises": "agrees"})
    weaker = Finding("It may rise.", {"the loss rises": "not decided"})
    counts = {"n": "10", "runs": "3", "missing": "1"}
    forms = {form: counts | {"form": form} for form in ("full", "tenth", "preview")}
    experiment = find_experiment("norms")
    both = [
        Entry(forms["full"], [weaker]),
        Entry(forms["tenth"], [finding]),
        Entry(forms["preview"], [finding]),
    ]
    text = contents_page({experiment: both})
    assert "| the loss rises | not decided (full); agrees (tenth) | [norms](norms.md) |" in text
    assert "full: n = 10, 2 of 3 runs; tenth: n = 10, 2 of 3 runs; preview" in text
    assert "the loss rises" not in contents_page({experiment: both[2:]})


def test_a_size_that_is_bounded_on_one_side_leaves_the_published_line_open():
    """Sizes whose boundary lies above 0.4 T/n differ; one where no R leaves all points out may hold it."""
    tables = committed("repeated-map")
    sizes = tables["boundaries"]
    above = sizes.assign(
        median=0.9 * sizes["T"] / sizes["n"], low=0.8 * sizes["T"] / sizes["n"], high=sizes["T"] / sizes["n"]
    )
    statement = "At larger T/n the boundary is R = 0.4 T/n (Jermyn)"
    assert outcomes("repeated-map", tables | {"boundaries": above})[statement] == "differs"
    unbounded = above.assign(none_until=np.nan, all_from=0.5 * sizes["T"] / sizes["n"])
    unbounded.loc[sizes["T"] / sizes["n"] == 30, ["median", "low", "high"]] = np.nan
    assert outcomes("repeated-map", tables | {"boundaries": unbounded})[statement] == "not decided"
