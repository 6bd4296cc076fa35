"""The derivation notes: what the registry holds, as Markdown that GitHub and pandoc read.

One note for each topic, found by the area of a derivation's label, an index, and the table of notation. Every
label of the registry is an anchor of its own in exactly one note. The same registry gives the same bytes.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sympy

from theory.derivations import symbols as notation
from theory.derivations.domains import COMPLETE, Integers, points
from theory.derivations.labels import LABELS
from theory.derivations.steps import COUNT, Derivation, Step, derivations, over_box
from theory.derivations.texts import read_table
from theory.notes.statements import display, sets_in_markdown
from theory.notes.tables import TOPICS_WITH_TABLES, tables


@dataclass(frozen=True, slots=True)
class Topic:
    """A note: the stem of its file, its title, how it begins, what tests it, and the areas of labels it takes.

    Tests are experiments, each named by the stem of its page in the folder `experiments` beside that of the notes;
    `untested` says what has none, and why. Besides the area of its name it takes the `others`.
    """

    name: str
    title: str
    opening: str = ""
    experiments: str = ""
    untested: str = ""
    others: tuple[str, ...] = ()

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas of labels that belong here."""
        return self.name, *self.others


#: The notes in reading order. A derivation whose area is not named here gets a note of its own.
TOPICS = tuple(
    Topic(**row | {"others": tuple(row.get("others", ()))})
    for row in read_table("theory.notes", "topics.toml")["topic"]
)

#: Symbols of reasons alone: the symbol, its meaning and the areas of labels in which it has it.
IN_WORDS = [
    (row["latex"], row["meaning"], row["areas"])
    for row in read_table("theory.notes", "in_words.toml")["symbol"]
]

_INDEX = """# Derivation notes

Written by `tgon notes` from the derivations that the package holds and checks; edit those, not these files.

## How to read them

**Theorem**: proved under its assumptions; the steps' reasons are the proof. **Closed form**: exact for the \
configuration it is about, without a claim that nothing does better. **Numerical**: computed, not proved. \
**Hypothesis**: held against trained models. A formula is claimed on the set written beside it and was evaluated \
there in ball arithmetic (256 bits, rounded outwards), at the ends of the set and at points between; that finds \
a wrong formula, the reason above it says why it is true.

A result or a step is cited by its label, and every label is a link. Symbols: [notation](notation.md).
"""

_UNDERIVED = """## Labels without a derivation

Cited in the code or above, and not, or not yet, derived step by step.

| label | what it stands for | how it is known |
| :-- | :-- | :-- |"""


def topic_of(label: str) -> Topic:
    """The topic of an equation label, by its area; one of its own where no topic takes the area.

    >>> topic_of("polygons.interference-sum").name, topic_of("novel.lemma").title
    ('generalization', 'Novel')
    """
    area = label.partition(".")[0]
    own = Topic(area, area.capitalize())
    return next((topic for topic in TOPICS if area in topic.areas), own)


def notes(found: Sequence[Derivation] | None = None) -> dict[str, str]:
    """File names and texts of all notes; `found` are the derivations, by default those of the registry."""
    found = derivations() if found is None else found
    grouped: dict[Topic, list[Derivation]] = {
        topic: [] for topic in TOPICS if topic.name in TOPICS_WITH_TABLES
    }
    for one in found:
        grouped.setdefault(topic_of(one.label), []).append(one)
    files = {label: f"{topic_of(one.label).name}.md" for one in found for label in one.labels}
    texts = {"README.md": _index(grouped, files), "notation.md": _notation()}
    texts |= {f"{topic.name}.md": _note(topic, members) for topic, members in grouped.items()}
    return {name: _linked(text, dict.fromkeys(LABELS, "README.md") | files) for name, text in texts.items()}


def _linked(text: str, files: Mapping[str, str]) -> str:
    """The text with every label in backticks a link to its anchor, but not beside the anchor itself."""

    def link(found: re.Match[str]) -> str:
        label = found[1]
        return f"[`{label}`]({files[label]}#{label})" if label in files else found[0]

    return re.sub(r"(?<!</a>)`([a-z]+\.[a-z-]+)`", link, text).rstrip() + "\n"


def _index(grouped: Mapping[Topic, Sequence[Derivation]], files: Collection[str]) -> str:
    lines = [_INDEX]
    for topic, members in grouped.items():
        lines += [f"## [{topic.title}]({topic.name}.md)", "", topic.opening, ""]
        if members:
            lines += ["| label | result | status |", "| :-- | :-- | :-- |"]
            lines += [*(f"| `{one.label}` | {one.title} | {one.standing} |" for one in members), ""]
    lines += [_UNDERIVED]
    lines += [
        f'| <a id="{label}"></a>`{label}` | {statement} | {known} |'
        for label, (statement, known) in LABELS.items()
        if label not in files
    ]
    return "\n".join(lines)


def _notation() -> str:
    convention = " ".join((notation.__doc__ or "").split("\n\n")[1].removeprefix("Conventions: ").split())
    lines = ["# Notation", "", convention[:1].upper() + convention[1:], "", "| symbol | meaning | values |"]
    lines += ["| :-- | :-- | :-- |"]
    lines += [f"| ${one.latex}$ | {one.every_meaning} | {one.values} |" for one in notation.NOTATION]
    lines += ["", "Symbols that stand in reasons only, with the notes they belong to.", ""]
    lines += ["| symbol | meaning | notes |", "| :-- | :-- | :-- |"]
    for symbol, meaning, areas in IN_WORDS:
        names = dict.fromkeys(topic_of(area).name for area in areas.split())
        lines.append(f"| {symbol} | {meaning} | {', '.join(f'[{name}]({name}.md)' for name in names)} |")
    return "\n".join(lines)


def _note(topic: Topic, members: Sequence[Derivation]) -> str:
    lines = [f"# {topic.title}", "", topic.opening, ""]
    lines += [
        "How to read this, and what the status of a result means: [the index](README.md). $W$, $b$, $X_t$ and $h_t$ "
        "are the model's and the data's as in [the notation](notation.md); other symbols are at the end.",
        "",
    ]
    for one in members:
        lines += _derivation(one)
    if numbers := tables(topic.name):
        lines += ["## Numbers", "", *(f"{table.markdown()}\n" for table in numbers)]
    tests = ", ".join(f"[{name}](../experiments/{name}.md)" for name in topic.experiments.split())
    if tests or topic.untested:
        lines += [
            "## Experiments",
            "",
            f"{f'Tested in {tests}. ' if tests else ''}{topic.untested}".strip(),
            "",
        ]
    return "\n".join([*lines, *_symbols(topic, members)])


def _symbols(topic: Topic, members: Sequence[Derivation]) -> list[str]:
    """The table of the symbols of a note, with what they mean in it."""
    used = {symbol for one in members for step in one.steps for symbol in step.statement.atoms(sympy.Symbol)}
    rows = [
        f"| ${one.latex}$ | {one.meaning_in(topic.areas)} | {one.values} |"
        for one in notation.NOTATION
        if one.symbol in used
    ]
    rows += [
        f"| {symbol} | {meaning} | |"
        for symbol, meaning, areas in IN_WORDS
        if not set(areas.split()).isdisjoint(topic.areas)
    ]
    return ["## Symbols", "", "| symbol | meaning | values |", "| :-- | :-- | :-- |", *rows] if rows else []


def _derivation(one: Derivation) -> list[str]:
    lines = [
        f'<a id="{one.label}"></a>',
        "",
        f"## {one.title}",
        "",
        f"**{one.standing.capitalize()}** `{one.label}`. {one.conclusion}",
        "",
        "**Assumptions.** " + _sentence(one.assumptions),
        "",
        f"**Source.** {_sentence(one.source)}",
        "",
    ]
    for place, step in enumerate(one.steps, 1):
        lines += [
            f'<a id="{step.label}"></a>**{place}.** `{step.label}` ({_checked(step)})',
            "",
            step.why,
            "",
            "$$",
            display(step.statement),
            "$$",
            "",
        ]
    return lines


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def _checked(step: Step) -> str:
    """How a step was confronted with numbers."""
    domain, where = step.domain, sets_in_markdown(step.domain)
    if not domain:
        return "checked as it stands"
    if step.check == over_box:
        return f"certified everywhere on {where}"
    sizes = [len(one.values) for one in domain.values() if isinstance(one, Integers)]
    every = "all " if len(sizes) == len(domain) and sympy.prod(sizes) <= COMPLETE else ""
    return f"checked at {every}{len(list(points(domain, COUNT)))} points of {where}"
