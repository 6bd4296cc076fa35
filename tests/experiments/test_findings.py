"""What is said of published statements: each outcome is made by the numbers, and other numbers make another one."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from experiments.commentary import outcomes, stale
from experiments.findings import Finding
from experiments.page import Part, contents_page
from experiments.published import published_test_loss
from experiments.registry import EXPERIMENTS, NAMES, OF_THE_NOTES, find_experiment
from experiments.tables import digest, form_folders, form_of, read_tables

ROOT = Path(__file__).parents[2]
HOME = ROOT / "experiments"
COMMITTED = [(each.name, folder) for each in EXPERIMENTS for folder in form_folders(HOME / each.folder)]


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


def flat(table):
    return 1 + 1e-3 * (np.arange(len(table)) % 7)


def rising(column, at):
    """The largest value at one place of a column, 1 elsewhere and 0.9 at its end, a little apart from row to row."""
    return lambda table: (
        flat(table) + np.select([table[column] == at, table[column] == table[column].max()], [49, -0.1])
    )


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


NORMS = ("weight_norm", "bias_norm")
LENGTHS = ("hidden_length", "feature_length", *NORMS)

#: A bump of the test loss at T = 300, and none.
RISING = ({"test_loss": rising("T", 300)}, {"test_loss": flat})

#: By experiment and table each statement: columns that make runs agree, others, what runs then say ("differs").
STATEMENTS = {
    "dataset-size runs": {
        "The test loss rises between memorization and generalization": (*RISING, "not decided"),
        "Up to T = 30 the largest D_X is m/T, that of a T-gon": (
            {"largest_data_dimensionality": lambda runs: 2 / runs["T"]},
            {"largest_data_dimensionality": lambda runs: 3 / runs["T"]},
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
        "Between the regimes the test loss stays near 1": (
            {"test_loss": flat},
            {"test_loss": rising("T", 2000)},
        ),
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
        "With much data ‖W‖ is near √5": ({"weight_norm": 5**0.5}, {"weight_norm": 3.0}),
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
        "Small datasets are stored as regular T-gons": (
            {"diagnosis": "regular T-gon"},
            {"diagnosis": "two circles"},
        ),
        "Large datasets are stored as five features": (
            {"diagnosis": "stored features", "stored": 5},
            {"diagnosis": "stored features", "stored": 6},
        ),
    },
    "failures gaps": {
        "Two circles need a large gap at their interface": (
            {"gap": lambda gaps: gaps["bound"] + 0.1},
            {"gap": lambda gaps: gaps["bound"] + 20},
        )
    },
    "digits images": {
        "Images of unusually high D* are odd (Olah)": (
            {"distance_percentile": lambda images: np.where(images["group"] == "highest", 95.0, 50.0)},
            {"distance_percentile": 50.0},
            "not decided",
        )
    },
    "digits toy": {
        "The transition to generalization shows in D* (Hobbhahn)": (
            {"largest": lambda toy: np.where(toy["T"] >= 500, 9.0, 1.0)},
            {"largest": 1.0},
        )
    },
    "variants trained": {
        "There is double descent with other losses (Hobbhahn)": RISING,
        "There is double descent with a ReLU between the layers (Hobbhahn)": RISING,
    },
    "weight-decay runs": {
        "Weight decay 1 removes the bump": (
            {
                "test_loss": lambda runs: np.where(
                    runs["weight_decay"] < 1, rising("T", 500)(runs), flat(runs)
                )
            },
            {"test_loss": rising("T", 500)},
        ),
        "Less weight decay makes the bump larger": (
            {"test_loss": lambda runs: 1 + (rising("T", 500)(runs) - 0.8) / runs["weight_decay"]},
            {"test_loss": lambda runs: 1 + (rising("T", 500)(runs) - 0.8) * runs["weight_decay"]},
        ),
    },
    "training-steps runs": {
        "More steps make the bump larger": (
            {"test_loss": lambda runs: rising("T", 500)(runs) * runs["steps"]},
            {"test_loss": lambda runs: rising("T", 500)(runs) / runs["steps"]},
        )
    },
    "heat-map runs": {
        "More data hurts in some regions": (
            {"test_loss": rising("T", 50)},
            {"test_loss": flat},
            "not decided",
        ),
        "More hidden dimensions hurt in some regions": (
            {"test_loss": rising("m", 4)},
            {"test_loss": flat},
            "not decided",
        ),
        "Above m = 3 results are much more consistent": (
            {"test_loss": lambda runs: np.where(runs["m"] > 3, 1, 1 + 0.1 * runs["seed"])},
            {"test_loss": lambda runs: np.where(runs["m"] < 3, 1, 1 + 0.1 * runs["seed"])},
        ),
    },
    "scale-sparsity scales": {
        "At m = 2 features appear at one T(1 − S), whatever the sparsity (Jermyn)": (
            {"scale": lambda scales: 10 * flat(scales)},
            {"scale": lambda scales: 1e4 * scales["density"] * flat(scales)},
        ),
        "At m = 2 features appear at roughly T(1 − S) = 10 (Jermyn)": ({"scale": 12.0}, {"scale": 30.0}),
    },
    "scale-sparsity runs": {
        "Behind the onset the largest D_f falls as T grows (Jermyn)": (
            {"largest_feature_dimensionality": lambda runs: np.where(at_the_end(runs), 0.3, 0.5)},
            {"largest_feature_dimensionality": 0.3},
        )
    },
    "scale-decay scales": {
        "The generalization scale does not move with weight decay (Jermyn)": (
            {"scale": lambda scales: 10 * flat(scales)},
            {"scale": lambda scales: 1e4 / scales["weight_decay"] * flat(scales)},
        )
    },
    "repeated-history history": {
        "A point that occurs 5 times at T/n = 3 is embedded (Jermyn)": ({"length": 1.0}, {"length": 0.1}),
        "A repeated point replaces one of the features (Jermyn)": (
            {
                "length": lambda history: np.where(history["repeats"] >= 4, 1.0, 0.1),
                "stored": lambda history: np.where(history["repeats"] >= 4, 4, 5),
            },
            {"length": lambda history: np.where(history["repeats"] >= 4, 1.0, 0.1), "stored": 5},
            "not decided",
        ),
        "Some models memorize a repeated point and drop it again (Jermyn)": (
            {
                "length": lambda history: np.where(history["step"] < history["step"].max(), 1.0, 0.1),
                "rank": 0.0,
            },
            {"length": 0.1},
            "not tested",
        ),
    },
    "repeated-many runs": {
        "Each of several repeated points replaces a feature (Jermyn)": (
            {"stored": lambda runs: np.maximum(5 - runs["repeated_points"], 0)},
            {"stored": 5},
        ),
        "Of more than five repeated points five are embedded, and all features suppressed (Jermyn)": (
            {"embedded": 5, "stored": 0},
            {"embedded": 8, "stored": 2},
        ),
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
    "forgetting fates": {
        "Some models learn features and forget them by the end (Jermyn)": (
            {"feature": 7, "end": 0.05},
            {"feature": 7, "end": 0.3},
            "not decided",
        )
    },
    "envelope published_size": {
        "Storing points has the least train loss up to T = 5·10⁵ (July 2023)": (
            {"train_loss": lambda rows: np.where(rows["T"] <= 400_000, 0.99, 0.9999)},
            {"train_loss": lambda rows: np.where(rows["T"] <= 100_000, 0.99, 0.9999)},
        )
    },
}

#: Statements that are judged of runs whose loss is averaged over features, too.
AVERAGED = [
    each for each in STATEMENTS["dataset-size runs"] if each.startswith(("Features", "‖W‖", "Both", "With"))
]
STATEMENTS["published-curves runs"] = {
    **{f"{each}, loss averaged over features": STATEMENTS["dataset-size runs"][each] for each in AVERAGED},
    "The authors' test loss is that of the loss averaged over features": (
        {
            "test_loss": lambda runs: (
                runs["T"].map(published_test_loss().set_index("T")["test_loss"]).fillna(1.0)
            )
        },
        {"test_loss": lambda runs: runs["T"] + 1.0},
    ),
    "Hidden lengths peak around T = 30, loss averaged over features": (
        {"weight_norm": lambda runs: np.sqrt(runs["T"]) * (9 - np.abs(np.log(runs["T"] / 30)))},
        {"weight_norm": lambda runs: runs["T"]},
    ),
}

#: Where the full form has too few seeds to decide anything.
SEEDS = {"repeated-history"}


@pytest.mark.parametrize(
    ("place", "statement"), [(place, each) for place in STATEMENTS for each in STATEMENTS[place]]
)
def test_an_outcome_is_made_by_the_numbers(place, statement):
    (agreeing, other, *outcome), (name, table) = STATEMENTS[place][statement], place.split()
    tables = committed(name, -1 if name in SEEDS else 0)
    assert judged(name, changed(tables, table, **agreeing))[statement] == "agrees"
    assert judged(name, changed(tables, table, **other))[statement] == (outcome or ["differs"])[0]


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
    "sensitivity": (dict.fromkeys(["changes", "curves"], lambda rows: rows["change"] == "baseline"), 2),
    "envelope": ({"published_size": lambda rows: rows["T"] <= 200_000}, 1),
}


@pytest.mark.parametrize("name", POOR)
def test_a_statement_stays_where_nothing_bears_on_it(name):
    tables = committed(name)
    wanted, untested = POOR[name]
    found = judged(name, kept(tables, **wanted))
    assert set(found) == set(judged(name, tables))
    assert list(found.values()).count("not tested") == untested


@pytest.mark.parametrize("name", NAMES)
def test_every_page_judges_the_same_statements_in_each_form(name):
    first, *others = [set(judged(name, read_tables(folder))) for own, folder in COMMITTED if own == name]
    assert first or name in OF_THE_NOTES
    assert all(statements == first for statements in others)


def test_a_place_that_hangs_on_the_bar_is_not_decided():
    """Features between T(1 − S) = 5 and 10 are not there at 5, whatever the rounding; others lie between two bars."""
    authors, tables = "Features are stored from T(1 − S) = 5 on (the authors)", committed("dataset-size")
    assert judged("dataset-size", changed(tables, "runs", **stored_from(10_000)))[authors] == "differs"
    level = {"largest_feature_dimensionality": lambda runs: np.interp(runs["T"], [4999, 5000, 19_999, 20_000],
                                                                      [0.01, 0.15, 0.15, 0.3])}  # fmt: skip
    found = judged("dataset-size", changed(tables, "runs", **level))
    assert found["Features are stored from T(1 − S) = 20 on (Jermyn's replication)"] == "not decided"
    assert found[authors] == found["Features end with a D_f notably below 2/5"] == "not decided"


def test_every_statement_has_both_sides():
    """Those that no change of a table can turn are named here, with the reason."""
    names = [name for name in NAMES if name not in OF_THE_NOTES]
    found = {statement for name in names for statement in judged(name, committed(name))}
    turned = {statement for group in STATEMENTS.values() for statement in group}
    left = found - turned
    assert turned <= found
    assert left == {
        "Some images have almost 100 times the typical D* (Olah)",  # digits have a ceiling of 3
        "Some models put their datapoints on two circles",  # told where there are such runs, as others are
        # told of a whole card
        "One difference in setup sets authors and Jermyn's replication apart in the onset of features",
        "One difference in setup sets authors and Jermyn's replication apart in the peak of the test loss",
    }


def test_the_list_of_pages_has_outcomes_by_form_and_none_of_previews():
    finding = Finding("the loss rises", "agrees")
    weaker = Finding("the loss rises", "not decided")
    counts = {"n": "10", "runs": "3", "missing": "1"}
    forms = {form: counts | {"form": form} for form in ("full", "tenth", "preview")}
    experiment = find_experiment("norms")
    both = [Part(forms["full"], [weaker]), Part(forms["tenth"], [finding]), Part(forms["preview"], [finding])]
    text = contents_page({experiment: both})
    assert "| the loss rises | not decided (full); agrees (tenth) | [norms](norms.md) |" in text
    assert "full: n = 10, 2 of 3 runs; tenth: n = 10, 2 of 3 runs; preview" in text
    assert "the loss rises" not in contents_page({experiment: both[2:]})


def test_a_size_that_is_bounded_on_one_side_leaves_the_published_line_open():
    """Sizes whose boundary lies above 0.4 T/n differ; one where no R leaves all points out may hold it."""
    tables = committed("repeated-map")
    sizes = tables["boundaries"]
    statement = "At larger T/n the boundary is R = 0.4 T/n (Jermyn)"
    above = changed(tables, "boundaries", **boundary(0.9))["boundaries"]
    assert judged("repeated-map", tables | {"boundaries": above})[statement] == "differs"
    unbounded = above.assign(none_until=np.nan, all_from=0.5 * sizes["T"] / sizes["n"])
    unbounded.loc[sizes["T"] / sizes["n"] == 30, ["median", "low", "high"]] = np.nan
    assert judged("repeated-map", tables | {"boundaries": unbounded})[statement] == "not decided"


@pytest.mark.parametrize(("name", "folder"), COMMITTED, ids=lambda each: str(getattr(each, "name", each)))
def test_a_commentary_was_written_for_the_outcomes_of_its_tables(name, folder):
    """A stale one is to be read again, changed where it is wrong, and stamped with what is named here."""
    experiment, tables = find_experiment(name), read_tables(folder)
    form = form_of(tables)["form"]
    assert experiment.commentary.texts.get(form), f"{name}: no text for the {form} form"
    assert stale(experiment.commentary, form, experiment.module.findings(tables), digest(tables)) == {}


def _prose(path):
    """F-strings that end in a full stop or are longer than a label, outside errors that are raised."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in raised:
            fixed = " ".join(part.value for part in node.values if isinstance(part, ast.Constant))
            if len([word for word in fixed.split() if word.isalpha()]) > (4 if fixed.endswith(".") else 14):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_experiment_composes_sentences():
    """Pages of `experiments.page` say what was run and how, in one line each; results are numbers and written prose."""
    files = [path for path in HOME.rglob("*.py") if path.name != "page.py"]
    assert [place for path in files for place in _prose(path)] == []
