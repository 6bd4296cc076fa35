"""The command that shows why a formula is true."""

import re

import pytest

from tests.tgon.command import answer, refusal, tgon
from tgon.cli.explain import in_unicode
from theory.derivations.steps import derivations


@pytest.mark.parametrize("name", ["explain", "derive"])
def test_a_derivation_has_each_reason_before_its_formula(name):
    found = answer(name, "memorization.jensen")
    assert found["label"] == "memorization.tgon-norm", "the label of a step leads to its derivation"
    (one,) = [step for step in found["steps"] if step["label"] == "memorization.jensen"]
    assert set(one) == {"label", "reason", "statement", "latex", "domain"}
    printed = tgon(name, "memorization.jensen").stdout
    places = [printed.index(step["label"]) for step in found["steps"]]
    assert places == sorted(places)
    assert places[0] < printed.index("Order the points") < printed.index("Min(x, y) - 1")
    number = 1 + [step["label"] for step in found["steps"]].index("memorization.jensen")
    assert printed.startswith(f"step {number} of memorization.tgon-norm\n")
    latex = tgon(name, "memorization.jensen", "--latex").stdout
    assert not re.search(r"\bell\b", tgon(name, "optimization.symmetric-flow").stdout), "ℓ in formulas too"
    assert all(f"{step['reason']}\n\n$$\n{step['latex']}\n$$" in latex for step in found["steps"])


def test_without_a_label_all_are_listed():
    listed = answer("explain")
    assert [one["label"] for one in listed] == [one.label for one in derivations()]
    assert listed[0]["label"] in tgon("explain").stdout


def test_an_unknown_label_names_the_nearest_and_a_claim_what_it_says():
    growth = "towards T^(3/2) and T^(5/2); try memorization.norm-split, the nearest that has one"
    assert refusal("explain", "memorization.norm-growth").endswith(growth)
    assert refusal("explain", "memorization.jensn").endswith("no derivation has it; try memorization.jensen")


def test_every_text_can_be_shown_in_a_terminal():
    for one in derivations():
        for text in (one.title, one.assumptions, one.conclusion, *(step.why for step in one.steps)):
            assert not set("$\\") & set(in_unicode(text)), text
