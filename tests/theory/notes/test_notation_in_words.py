"""Every letter that stands in a reason is in its note's table of symbols, and no entry of that table is stale."""

import re

import pytest

from theory.derivations.steps import derivations
from theory.derivations.symbols import NOTATION
from theory.notes.notation_in_words import IN_WORDS
from theory.notes.pages import TOPICS, notes, topic_of
from theory.notes.prose import in_markdown

GREEK = "αβγδεζηθκλμνξρστφχψωΓΔΛΠΦΨΩℓ"

#: Letters that are explained where the notation is, or name what every reader of the field knows: O(x), the loss L.
EVERYWHERE = set("WbXhTRnmaLOEw")


def texts_of(area):
    return " ".join(
        text
        for one in derivations()
        if one.label.partition(".")[0] == area
        for text in (one.title, one.conclusion, *one.assumptions, *(step.why for step in one.steps))
    )


def letters(text):
    """Greek letters, capitals, and letters with an index, as they are typed."""
    text = re.sub(r"`[^`]*`|\bReLU\b", " ", text)
    found = {letter for letter in text if letter in GREEK}
    found |= set(re.findall(r"(?<![A-Za-z])([A-Za-z])(?=_[A-Za-z0-9{])", text))
    return found | set(re.findall(r"(?<![A-Za-z])([B-HJ-Z])(?![A-Za-z])", text))


def symbols(topic):
    """Every symbol of a topic's statements."""
    return {
        symbol
        for one in derivations()
        if topic_of(one.label) == topic
        for step in one.steps
        for symbol in step.statement.free_symbols
    }


def in_statements(topic):
    """The first letters of the symbols in a topic's statements, in Unicode."""
    used = symbols(topic)
    greek = dict(zip(map(in_markdown, GREEK), GREEK, strict=True))
    shown = (f"${entry.latex.partition('_')[0]}$" for entry in NOTATION if entry.symbol in used)
    return {greek.get(latex, latex[1]) for latex in shown}


def unexplained(text, topic):
    words = {letter for one in IN_WORDS if set(one.areas) & set(topic.areas) for letter in one.symbol}
    return letters(text) - EVERYWHERE - words - in_statements(topic)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_letter_in_a_reason_is_explained(topic):
    assert not unexplained(" ".join(map(texts_of, topic.areas)), topic)


def test_a_letter_that_nobody_explains_is_found():
    topic = next(topic for topic in TOPICS if topic.name == "scales")
    assert unexplained("so ξ grows, and with it q_j and Z", topic) == {"ξ", "q", "Z"}


@pytest.mark.parametrize("entry", IN_WORDS, ids=lambda entry: f"{entry.areas[0]}-{entry.symbol}")
def test_no_entry_is_stale(entry):
    for area in entry.areas:
        for letter in re.findall(r"[A-Za-zα-ωΑ-Ω]+", re.sub(r"_\w+", "", entry.symbol)):
            standing = rf"(?<![A-Za-z]){re.escape(letter)}(?![a-z])"
            assert re.search(standing, re.sub(r"`[^`]*`", " ", texts_of(area))), f"{letter} in {area}"


def test_they_are_in_the_notes():
    texts = notes()
    for entry in IN_WORDS:
        row = f"| {in_markdown(entry.symbol)} | {in_markdown(entry.meaning)} |"
        assert row in texts["notation.md"]
        assert all(row in texts[f"{topic_of(f'{area}.x').name}.md"] for area in entry.areas)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_table_of_symbols_has_what_they_mean_in_its_note(topic):
    """Every symbol of a statement has a meaning there, and the note has none that holds in other areas alone."""
    used = symbols(topic)
    text = notes()[f"{topic.name}.md"]
    for entry in (entry for entry in NOTATION if entry.symbol in used):
        meaning = entry.meaning_in(topic.areas)
        assert meaning, f"{entry.name} has no meaning in {topic.name}"
        assert f"| ${entry.latex}$ | {in_markdown(meaning)} | " in text


def test_areas_in_meanings_are_areas():
    areas = {area for topic in TOPICS for area in topic.areas}
    found = {area for entry in NOTATION for area in entry.areas}
    assert {"codes", "unequal"} <= found <= areas


def test_a_meaning_of_one_area_stays_there():
    (q,) = [entry for entry in NOTATION if entry.name == "q"]
    assert "sea" in q.meaning_in(["sea"])
    assert "sea" not in q.meaning_in(["optimization"])
    assert not q.meaning_in(["scales"])
