"""The derivation notes: what the registry holds, as Markdown that GitHub and pandoc read.

One note for each topic, found by the area of a derivation's label, an index, and the table of notation. Every
label of the registry is an anchor of its own in exactly one note. The same registry gives the same bytes.
Nothing is read or written here. What trained models did is on the pages of the experiments, which each note links to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy

from theory.derivations import symbols as notation
from theory.derivations.domains import COMPLETE, Domain, Integers, points
from theory.derivations.labels import LABELS
from theory.derivations.steps import AtPoints, Check, Derivation, OverBox, Step, derivations, relations
from theory.notes.notation_in_words import IN_WORDS
from theory.notes.prose import in_markdown
from theory.notes.tables import TOPICS_WITH_TABLES, Table, tables
from theory.notes.typesetting import display, sets_in_markdown

__all__ = ["Topic", "notes", "topic_of"]


@dataclass(frozen=True, slots=True)
class Topic:
    """A note: the stem of its file, its title, the areas of labels it takes, how it begins, and what tests it.

    Tests are experiments, each named by the stem of its page in the folder `experiments` beside the notes; `untested`
    says what has none, and why.
    """

    name: str
    title: str
    areas: tuple[str, ...]
    opening: str = ""
    experiments: tuple[str, ...] = ()
    untested: str = ""


#: The notes in reading order. A derivation whose area is not named here gets a note of its own.
TOPICS = (
    Topic(
        "memorization",
        "Memorization",
        ("memorization",),
        "What the least-norm model of zero loss looks like: first as inequalities between hidden vectors, for any "
        "number m of hidden dimensions, then solved, for T ≤ m + 1 by the simplex and for m = 2 by the regular T-gon.",
        ("compare", "norms", "gallery", "failures"),
    ),
    Topic(
        "codes",
        "Memorization codes",
        ("codes",),
        "The same programme for any T and m: the least Σ‖h_j‖² with ‖h_j‖² − h_i·h_j ≥ 1. Where it is not solved, a "
        "configuration is an upper bound and the proven lower bounds say how far it can be from the optimum. E is the "
        "energy Σ‖h_j‖²; `theory/code_bounds.py` has the proofs in full.",
        ("codes",),
    ),
    Topic(
        "stationary",
        "Where training gets stuck",
        ("stationary",),
        "Two circles and dropped points: models that training in the plane ends at though they are not optimal.",
        ("polish", "failures"),
    ),
    Topic(
        "unequal",
        "Unequal norms and untied decoders",
        ("unequal",),
        "What changes when the datapoints differ in norm, or when the decoder is free.",
        ("variants",),
        "Every dataset that is drawn here has unit norms, and only those variants have a decoder of their own.",
    ),
    Topic(
        "penalty",
        "A finite penalty",
        ("penalty",),
        "Loss + λ(‖W‖² + ‖b‖²) for λ > 0: the polygon shrinks, and collapses.",
        untested="No experiment has a finite λ: the decay of AdamW, the trainer, acts beside the gradient and not through "
        "the loss, and what it amounts to vanishes with Adam's ε (`optimization.adamw-stationary`).",
    ),
    Topic(
        "generalization",
        "Polygons of features",
        ("generalization", "polygons", "amplitudes"),
        "With infinite data the model stores features instead of datapoints. Why five of them, and for which laws of "
        "amplitudes.",
        ("sea", "gallery", "variants"),
    ),
    Topic(
        "sea",
        "The sea of small columns",
        ("sea",),
        "What the features that are not on the polygon contribute.",
        ("sea",),
    ),
    Topic(
        "optimization",
        "What training can reach",
        ("optimization",),
        "Weight decay, Adam and a finite schedule: how far parameters get, and where they rest.",
        ("decay-budget", "compare"),
    ),
    Topic(
        "repetition",
        "Repeated data",
        ("repetition",),
        "One datapoint among many, repeated R times: when it is worth a place of its own.",
        ("threshold", "repeated-threshold", "repeated-map", "repeated-many", "repeated-history"),
    ),
    Topic(
        "dimensionality",
        "Dimensionality",
        ("dimensionality",),
        "What share of a hidden dimension a vector has, and what these shares can add up to.",
        ("decay-budget", "codes", "compare", "digits"),
    ),
    Topic(
        "scales",
        "Scales of the dataset",
        ("scales",),
        "When datapoints stop being orthonormal.",
        ("scale-sparsity", "scale-decay", "dataset-size", "heat-map"),
    ),
)

_MARKS = {
    "theorem": "Theorem",
    "closed form": "Closed form",
    "numerical": "Numerical",
    "hypothesis": "Hypothesis",
}

_READING = (
    "**Theorem**: proved under its assumptions; the steps' reasons are the proof. **Closed form**: exact for the "
    "configuration it is about, without a claim that nothing does better. **Numerical**: computed, not proved. "
    "**Hypothesis**: held against trained models. A formula is claimed on the set written beside it and was evaluated "
    "there in ball arithmetic (256 bits, rounded outwards), at the ends of the set and at points between; that finds "
    "a wrong formula, the reason below it says why it is true."
)


def topic_of(label: str) -> Topic:
    """The topic of an equation label, by its area; one of its own where no topic takes the area.

    Examples
    --------
    >>> topic_of("polygons.interference-sum").name, topic_of("novel.lemma").title
    ('generalization', 'Novel')

    """
    area = label.partition(".")[0]
    own = Topic(area, area.capitalize(), (area,))
    return next((topic for topic in TOPICS if area in topic.areas), own)


def notes(found: Sequence[Derivation] | None = None) -> dict[str, str]:
    """File names and texts of all notes; `found` are the derivations, by default those of the registry."""
    found = derivations() if found is None else tuple(found)
    grouped: dict[Topic, list[Derivation]] = {
        topic: []
        for topic in TOPICS
        if topic.name in TOPICS_WITH_TABLES or any(topic_of(one.label) == topic for one in found)
    }
    for one in found:
        grouped.setdefault(topic_of(one.label), []).append(one)
    link = _Links(found)
    texts = {"README.md": _index(grouped, link, found), "notation.md": _notation()}
    for topic, members in grouped.items():
        texts[f"{topic.name}.md"] = _note(topic, members, link)
    return texts


class _Links:
    """Turns an equation label in backticks into a link to its anchor; leaves every other text alone."""

    def __init__(self, found: Sequence[Derivation]) -> None:
        self.files = dict.fromkeys(LABELS, "README.md") | {
            label: f"{topic_of(one.label).name}.md"
            for one in found
            for label in (one.label, *(step.label for step in one.steps))
        }

    def __call__(self, code: str) -> str:
        label = code.strip("`")
        return f"[`{label}`]({self.files[label]}#{label})" if label in self.files else code

    def text(self, sentence: str) -> str:
        """A sentence of the registry, in Markdown."""
        return in_markdown(sentence, self)


def _index(grouped: Mapping[Topic, Sequence[Derivation]], link: _Links, found: Sequence[Derivation]) -> str:
    lines = [
        "# Derivation notes",
        "",
        "Written by `tgon notes` from the derivations that the package holds and checks; edit those, not these files.",
        "",
        "## How to read them",
        "",
        _READING,
        "",
        "A result or a step is cited by its label, and every label is a link. Symbols: [notation](notation.md).",
        "",
    ]
    for topic, members in grouped.items():
        lines += [f"## [{topic.title}]({topic.name}.md)", "", in_markdown(topic.opening), ""]
        if members:
            lines += ["| label | result | status |", "| :-- | :-- | :-- |"]
            lines += [
                f"| {link(f'`{one.label}`')} | {link.text(one.title)} | {one.standing} |" for one in members
            ]
            lines.append("")
    held = {label for one in found for label in (one.label, *(step.label for step in one.steps))}
    lines += [
        "## Labels without a derivation",
        "",
        "Cited in the code or above, and not, or not yet, derived step by step.",
    ]
    lines += ["", "| label | what it stands for | how it is known |", "| :-- | :-- | :-- |"]
    lines += [
        f'| <a id="{label}"></a>`{label}` | {link.text(one.statement)} | {link.text(one.known)} |'
        for label, one in LABELS.items()
        if label not in held
    ]
    return _file(lines)


def _notation() -> str:
    convention = " ".join((notation.__doc__ or "").split("\n\n")[1].removeprefix("Conventions: ").split())
    lines = ["# Notation", "", in_markdown(convention[:1].upper() + convention[1:]), ""]
    lines += [
        *_symbols(notation.NOTATION),
        "Symbols that stand in reasons only, with the notes they belong to.",
        "",
    ]
    rows = [
        f"| {in_markdown(one.symbol)} | {in_markdown(one.meaning)} | "
        f"{', '.join(dict.fromkeys(f'[{topic.name}]({topic.name}.md)' for topic in map(topic_of, one.areas)))} |"
        for one in IN_WORDS
    ]
    return _file([*lines, "| symbol | meaning | notes |", "| :-- | :-- | :-- |", *rows])


def _symbols(entries: Sequence[notation.Notation], areas: Sequence[str] = ()) -> list[str]:
    """The table of symbols; of their meanings only those in some areas of labels, unless none are given."""
    return [
        "| symbol | meaning | values |",
        "| :-- | :-- | :-- |",
        *(
            f"| ${one.latex}$ | {in_markdown(one.meaning_in(areas) if areas else one.every_meaning)} | "
            f"{in_markdown(one.domain)} |"
            for one in entries
        ),
        "",
    ]


def _note(topic: Topic, members: Sequence[Derivation], link: _Links) -> str:
    lines = [f"# {topic.title}", "", link.text(topic.opening), ""]
    lines += [
        f"How to read this, and what the status of a result means: [the index](README.md). "
        f"{in_markdown('W, b, X_t and h_t')} are the model's and the data's as in [the notation](notation.md).",
        "",
    ]
    used = {symbol for one in members for step in one.steps for symbol in _symbols_of(step)}
    if used:
        shown = _symbols([one for one in notation.NOTATION if one.symbol in used], topic.areas)
        lines += ["## Symbols", "", *shown[:-1], *_in_words(topic), ""]
    for one in members:
        lines += _derivation(one, link)
    if numbers := tables(topic.name):
        lines += ["## Numbers", "", *_tables(numbers, link)]
    tests = ", ".join(f"[{name}](experiments/{name}.md)" for name in topic.experiments)
    if tests or topic.untested:
        lines += [
            "## Experiments",
            "",
            " ".join([f"Tested in {tests}."] * bool(tests) + [link.text(topic.untested)]).strip(),
            "",
        ]
    return _file(lines)


def _tables(shown: Sequence[Table], link: _Links) -> list[str]:
    lines: list[str] = []
    for table in shown:
        lines += [re.sub(r"(?<!\[)`[a-z-]+\.[a-z-]+`", lambda found: link(found[0]), table.markdown()), ""]
    return lines


def _in_words(topic: Topic) -> list[str]:
    """Rows of the table of symbols for those that no statement of the topic has."""
    return [
        f"| {in_markdown(one.symbol)} | {in_markdown(one.meaning)} | |"
        for one in IN_WORDS
        if not set(one.areas).isdisjoint(topic.areas)
    ]


def _symbols_of(step: Step) -> set[sympy.Symbol]:
    """The symbols a step shows, those that run through a sum among them."""
    return {symbol for relation in relations(step.statement) for symbol in relation.atoms(sympy.Symbol)}


def _derivation(one: Derivation, link: _Links) -> list[str]:
    lines = [
        f'<a id="{one.label}"></a>',
        "",
        f"## {in_markdown(one.title)}",
        "",
        f"**{_MARKS.get(one.standing, one.standing.capitalize())}** `{one.label}`. {link.text(one.conclusion)}",
        "",
        "**Assumptions.** " + _sentence("; ".join(link.text(each) for each in one.assumptions)),
        "",
        f"**Source.** {_sentence(in_markdown(one.source, link))}",
        "",
    ]
    for place, step in enumerate(one.steps, 1):
        lines += [
            f'<a id="{step.label}"></a>**{place}.** `{step.label}` {_checked(step.check, step.domain)}',
            "",
            "$$",
            display(step.statement),
            "$$",
            "",
            link.text(step.why),
            "",
        ]
    return lines


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + "."


def _checked(check: Check, domain: Domain) -> str:
    """How a step was confronted with numbers, in brackets."""
    if not domain:
        return "(checked as it stands)"
    where = sets_in_markdown(domain)
    if isinstance(check, OverBox):
        return f"(certified everywhere on {where})"
    if isinstance(check, AtPoints):
        count = len(list(points(domain, check.count)))
        sizes = [len(one.values) for one in domain.values() if isinstance(one, Integers)]
        every = len(sizes) == len(domain) and sympy.prod(sizes) <= COMPLETE
        return f"(checked at {'all ' if every else ''}{count} points of {where})"
    return f"(checked by {type(check).__name__} on {where})"


def _file(lines: Sequence[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"
