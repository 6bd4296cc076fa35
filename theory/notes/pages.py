"""The derivation notes: what the registry holds, as Markdown that GitHub and pandoc read, always the same bytes.

One note for each topic, an index and the table of notation, in the templates beside this file. Every label of the
registry is an anchor of its own in exactly one note.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2
import sympy

from theory.derivations.domains import COMPLETE, Integers, points
from theory.derivations.steps import COUNT, Derivation, Step, derivations
from theory.derivations.symbols import NOTATION
from theory.derivations.texts import read_table
from theory.notes.statements import display, sets_in_markdown
from theory.notes.tables import tables


@dataclass(frozen=True, slots=True)
class Topic:
    """A note: the stem of its file, its title, what it claims, the idea of the proof, what tests it, and its areas.
    Tests are experiments, each named by the stem of its page in the folder `experiments` beside that of the notes;
    `untested` says what has none, and why. A picture is a file of the repository, with its caption. Besides the area of
    labels of its name a note takes the `others`.
    """

    name: str
    title: str
    claim: str = ""
    idea: str = ""
    picture: str = ""
    caption: str = ""
    experiments: str = ""
    untested: str = ""
    others: str = ""

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of labels that belong here."""
        return self.name, *self.others.split()


#: The notes in reading order. A derivation whose area is not named here gets a note of its own.
TOPICS = tuple(Topic(**row) for row in read_table("theory.notes", "topics.toml")["topic"])

#: Equation labels that are cited without a derivation in the registry, with what they stand for and how that is known.
LABELS = read_table("theory.derivations", "labels.toml")

#: Symbols of reasons alone: the symbol, its meaning and the areas of labels in which it has it.
IN_WORDS = [
    (row["latex"], row["meaning"], row["areas"])
    for row in read_table("theory.notes", "in_words.toml")["symbol"]
]


def topic_of(label: str) -> Topic:
    """The topic of an equation label, by its area; one of its own where no topic takes the area.

    >>> topic_of("polygons.interference-sum").name, topic_of("novel.lemma").title
    ('generalization', 'Novel')
    """
    area = label.partition(".")[0]
    own = Topic(area, area.capitalize())
    return next((topic for topic in TOPICS if area in topic.areas), own)


def notes(found: Sequence[Derivation] | None = None) -> dict[str, str]:
    """File names and texts of all notes, in order; `found` are the derivations, by default those of the registry."""
    found = derivations() if found is None else found
    grouped: dict[Topic, list[Derivation]] = {topic: [] for topic in TOPICS}
    for one in found:
        grouped.setdefault(topic_of(one.label), []).append(one)
    where = {label: f"{topic_of(one.label).name}.md" for one in found for label in one.labels}
    underived = {label: entry for label, entry in LABELS.items() if label not in where}
    loader = jinja2.PackageLoader("theory", "notes")
    pages = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True)
    pages.filters |= {"sentence": _sentence, "checked": _checked, "display": display, "topic": topic_of}
    pages.globals |= {"notation": NOTATION, "in_words": IN_WORDS}
    index = pages.get_template("index.md.j2").render(grouped=grouped, underived=underived)
    texts = {"README.md": index}
    note = pages.get_template("note.md.j2")
    for topic, members in grouped.items():
        steps = [step.statement for one in members for step in one.steps]
        used = {symbol for statement in steps for symbol in statement.atoms(sympy.Symbol)}
        texts[f"{topic.name}.md"] = note.render(
            topic=topic, members=members, numbers=tables(topic.name), used=used
        )
    texts["notation.md"] = pages.get_template("notation.md.j2").render()
    return {name: _linked(text, dict.fromkeys(LABELS, "README.md") | where) for name, text in texts.items()}


def _linked(text: str, files: Mapping[str, str]) -> str:
    """The text with every label in backticks a link to its anchor, but not beside the anchor itself."""

    def link(found: re.Match[str]) -> str:
        label = found[1]
        return f"[`{label}`]({files[label]}#{label})" if label in files else found[0]

    return re.sub(r"(?<!</a>)`([a-z]+\.[a-z-]+)`", link, text).rstrip() + "\n"


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def _checked(step: Step) -> str:
    """How a step was confronted with numbers."""
    domain, where = step.domain, sets_in_markdown(step.domain)
    if not domain:
        return "Checked as it stands."
    sizes = [len(one.values) for one in domain.values() if isinstance(one, Integers)]
    every = "all " if len(sizes) == len(domain) and sympy.prod(sizes) <= COMPLETE else ""
    return f"Checked at {every}{len(list(points(domain, COUNT)))} points of {where}."
