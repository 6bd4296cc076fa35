"""Every letter that stands in a reason is in its note's table of symbols, and no entry of that table is stale."""

import re

import pytest

from theory.derivations.steps import derivations
from theory.derivations.symbols import NOTATION
from theory.notes.notation_in_words import IN_WORDS
from theory.notes.pages import TOPICS, topic_of

#: Letters that are explained where the notation is, or name what every reader of the field knows: O(x), the loss L.
EVERYWHERE = set("WbXhTRnmaLOEw") | {r"\pi"}
GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|delta|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|varphi|chi|psi|omega|"
    r"ell|Gamma|Delta|Lambda|Pi|Phi|Psi|Omega)(?![A-Za-z])"
)


def texts_of(area):
    return " ".join(
        text
        for one in derivations()
        if one.label.partition(".")[0] == area
        for text in (one.title, one.conclusion, one.assumptions, *(step.why for step in one.steps))
    )


def letters(text):
    """Greek letters, capitals, and letters with an index, in the mathematics of a text."""
    found = set()
    for latex in re.findall(r"\$([^$]+)\$", text):
        latex = re.sub(r"\\(text|mathrm)\{[^}]*\}|\\top", " ", latex)
        found |= set(GREEK.findall(latex))
        latex = re.sub(r"\\[A-Za-z]+", " ", latex)
        found |= set(re.findall(r"[A-Za-z](?=_)|[B-HJ-Z]", latex))
    return found


def symbols(topic):
    """The entries of the table of notation that stand in a topic's statements."""
    steps = [step for one in derivations() if topic_of(one.label) == topic for step in one.steps]
    used = {symbol for step in steps for symbol in step.statement.free_symbols}
    return [entry for entry in NOTATION if entry.symbol in used]


def unexplained(text, topic):
    words = {
        letter
        for symbol, _, areas in IN_WORDS
        if set(areas.split()) & set(topic.areas)
        for letter in re.findall(r"\\[A-Za-z]+|[A-Za-z]", symbol)
    }
    return letters(text) - EVERYWHERE - words - {entry.latex.partition("_")[0] for entry in symbols(topic)}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_letter_in_a_reason_is_explained(topic):
    assert not unexplained(" ".join(map(texts_of, topic.areas)), topic)


def test_a_letter_that_nobody_explains_is_found():
    topic = next(topic for topic in TOPICS if topic.name == "scales")
    assert unexplained(r"so $\xi$ grows, and with it $q_j$ and $2Z$", topic) == {r"\xi", "q", "Z"}


@pytest.mark.parametrize(("symbol", "areas"), [(symbol, areas) for symbol, _, areas in IN_WORDS])
def test_no_entry_is_stale(symbol, areas):
    for area in areas.split():
        for letter in re.findall(r"\\[A-Za-z]+|[A-Za-z]+", re.sub(r"_(\{\w+\}|\w)|\(.*?\)", "", symbol)):
            mathematics = " ".join(re.findall(r"\$([^$]+)\$", texts_of(area)))
            assert re.search(rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])", mathematics), (area, letter)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_tables_of_symbols_have_what_they_mean(topic, texts):
    """Every symbol of a statement has a meaning in its note, and none that holds in other areas alone."""
    text = texts[f"{topic.name}.md"]
    for entry in symbols(topic):
        meaning = entry.meaning_in(topic.areas)
        assert meaning, f"{entry.name} has no meaning in {topic.name}"
        assert f"| ${entry.latex}$ | {meaning} | " in text or "`" in meaning
    for symbol, meaning, areas in IN_WORDS:
        assert f"| {symbol} | {meaning} |" in texts["notation.md"]
        assert (f"| {symbol} | {meaning} |" in text) >= bool(set(areas.split()) & set(topic.areas))


def test_a_meaning_of_one_area_stays_there():
    areas = {area for topic in TOPICS for area in topic.areas}
    assert {"codes", "unequal"} <= {area for entry in NOTATION for area in entry.areas} <= areas
    (q,) = [entry for entry in NOTATION if entry.name == "q"]
    assert "sea" in q.meaning_in(["sea"])
    assert "sea" not in q.meaning_in(["optimization"])
    assert not q.meaning_in(["scales"])
