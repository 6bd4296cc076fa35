"""The command that shows why a formula is true."""

import re

import pytest

from tests.tgon.command import answer, refusal, tgon
from tgon.cli.explain import in_unicode
from theory.derivations.steps import derivations
from verify.claims.registry import CLAIMS


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


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.label)
def test_a_claim_has_its_regime_its_judge_its_controls_and_what_was_measured(claim):
    found = answer("explain", claim.label)
    assert found["claim"]["regime"] == claim.regime
    assert found["claim"]["controls"] == list(claim.controls)
    assert found["claim"]["measured"]["smallest found"]
    assert (found["steps"] is not None) == any(claim.label in one.labels for one in derivations())
    printed = " ".join(tgon("explain", claim.label).stdout.split())
    assert claim.statement in printed
    assert found["claim"]["judged_by"].replace("`", "") in printed


def test_an_unknown_label_names_the_nearest():
    assert refusal("explain", "memorization.jensn").endswith("no derivation has it; try memorization.jensen")
    assert refusal("explain", "repetition.embeded-share").endswith("try repetition.embedded-share")
    assert answer("explain", "memorization.jensen")["claim"] is None


def test_every_text_can_be_shown_in_a_terminal():
    for one in derivations():
        for text in (one.title, one.assumptions, one.conclusion, *(step.why for step in one.steps)):
            assert not set("$\\") & set(in_unicode(text)), text
