"""What is said of published statements: each outcome is made by the numbers, and other numbers make another one."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from experiments import (
    digits,
    envelope,
    forgetting,
    repeated_history,
    repeated_many,
    scale_decay,
    scale_sparsity,
    training_steps,
    weight_decay,
)
from experiments.commentary import stale
from experiments.findings import Finding
from experiments.page import Part, contents_page
from experiments.registry import NAMES, OF_THE_NOTES, find_experiment
from experiments.tables import digest, form_of, read_tables
from tests.experiments.statements import (
    COMMITTED,
    NOTED,
    ROOT,
    STATEMENTS,
    boundary,
    changed,
    committed,
    judged,
    stored_from,
)

#: Where the full form has too few seeds to decide anything.
SEEDS = {"repeated-history"}

#: What the tests of an experiment turn both ways themselves, on tables of their own.
ELSEWHERE = {
    *(digits.ODD, digits.TRANSITION, envelope.END, forgetting.FORGETS, training_steps.GROWTH),
    *(repeated_history.REPLACES, repeated_history.NEAR_MISSES, repeated_many.REPLACES, repeated_many.BEYOND),
    *(scale_decay.STAYS, scale_sparsity.COLLAPSE, weight_decay.REMOVAL, weight_decay.ORDER),
    "More data hurts in some regions",
}


@pytest.mark.parametrize(
    ("place", "statement"), [(place, each) for place, group in (STATEMENTS | NOTED).items() for each in group]
)
def test_an_outcome_is_made_by_the_numbers(place, statement):
    (agreeing, other, *outcome), (name, table) = (STATEMENTS | NOTED)[place][statement], place.split()
    tables = committed(name, -1 if name in SEEDS else 0)
    assert judged(name, changed(tables, table, **agreeing))[statement] == "agrees"
    assert judged(name, changed(tables, table, **other))[statement] == (outcome or ["differs"])[0]


def kept(tables, **wanted):
    """The tables without the rows that a function of each named table leaves out."""
    return tables | {
        name: tables[name][keep(tables[name])].reset_index(drop=True) for name, keep in wanted.items()
    }


#: Of each experiment tables that cannot bear on some of its statements, and how many of these are not tested then;
#: of those absent the tests of the experiment have such tables.
POOR = {
    "dataset-size": ({"runs": lambda runs: runs["T"] <= 10}, 8),
    "norms": ({"runs": lambda runs: runs["T"] <= 4, "theory": lambda theory: theory["T"] <= 4}, 2),
    "gallery": ({"models": lambda models: models["T"] < 20_000}, 1),
    "failures": (
        {"shares": lambda rows: rows["diagnosis"] != "two circles", "gaps": lambda gaps: gaps["T"] < 0},
        1,
    ),
    "variants": ({"trained": lambda rows: rows["variant"] == "standard"}, 2),
    "heat-map": ({"runs": lambda runs: runs["m"] <= 2}, 1),
    "scale-sparsity": ({"scales": lambda scales: scales["density"] == 0.01}, 1),
    "repeated-history": ({"history": lambda history: history["repeats"] <= 2}, 3),
    "repeated-many": ({"runs": lambda runs: runs["repeated_points"] <= 2}, 2),
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
    found = {statement for name in NAMES for statement in judged(name, committed(name))}
    turned = {statement for group in (STATEMENTS | NOTED).values() for statement in group}
    assert turned | ELSEWHERE <= found
    assert not turned & ELSEWHERE
    left = found - turned - ELSEWHERE
    assert left == {
        "Some images have almost 100 times the typical D* (Olah)",  # digits have a ceiling of 3
        "Some models put their datapoints on two circles",  # told where there are such runs, as others are
        # no points in the plane are above its bound
        "The sum of D_X over the datapoints of a model is at most its rank (`dimensionality.sum-bound`)",
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
    """What pages say of runs stands in their templates; results are numbers and written prose."""
    files = (ROOT / "experiments").rglob("*.py")
    assert [place for path in files for place in _prose(path)] == []
