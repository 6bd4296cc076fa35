"""The prose of a page, written by hand: ``commentary.md`` in the folder of an experiment. It begins with TOML between
two lines ``+++``: ``title``, ``question`` and ``caption``, and for each form a table, such as ``[full]``, of the
outcomes by statement and the digest ``tables`` that the text was written for. A form's text stands below ``## Full
form``, ``## Tenth form``, ``## Averaged form`` or ``## Preview form``; with one stamped form no heading is needed.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.findings import MEASURED, Finding
from numerics.sweeps.file import FORMS

_HEADING = re.compile(rf"^## ({'|'.join(FORMS)}) form$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commentary:
    """What people wrote of an experiment: ``stamps`` and ``texts`` (Markdown) by form."""

    title: str
    question: str
    caption: str
    stamps: Mapping[str, Mapping[str, str]]
    texts: Mapping[str, str]


def read_commentary(path: Path) -> Commentary:
    """The commentary in a file; ValueError with the file where it is none."""
    try:
        return parse_commentary(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def parse_commentary(text: str) -> Commentary:
    """The commentary that a text is; ValueError where it is none."""
    opening, head, body = [*text.split("+++\n", 2), "", ""][:3]
    stamp = tomllib.loads(head)
    title, question, caption = (str(stamp.pop(key, "")) for key in ("title", "question", "caption"))
    if opening or not (title and question and caption):
        raise ValueError("must begin with TOML between two lines +++ that gives title, question and caption")
    if unknown := set(stamp) - set(FORMS):
        raise ValueError(f"{', '.join(sorted(unknown))}: must be one of {', '.join(FORMS)}")
    before, *parts = _HEADING.split(body)
    texts = {form.lower(): part.strip() for form, part in zip(parts[::2], parts[1::2], strict=True)}
    if not texts and before.strip():
        if len(stamp) != 1:
            raise ValueError("a text without a heading such as ## Full form needs the stamp of one form")
        texts = dict.fromkeys(stamp, before.strip())
    return Commentary(title, question, caption, stamp, texts)


def outcomes(findings: Sequence[Finding]) -> dict[str, str]:
    """The outcome of each published statement."""
    return {each.statement: each.outcome for each in findings if each.outcome != MEASURED}


def stale(
    commentary: Commentary, form: str, findings: Sequence[Finding], tables: str
) -> dict[str, tuple[str, str]]:
    r"""What a text was not written for, outcomes and the digest ``tables``: (stamped, now); empty where it is fresh.

    >>> head = 'title = "t"\nquestion = "q"\ncaption = "c"\n[full]\ntables = "01"\n"It falls" = "agrees"\n'
    >>> written = parse_commentary(f"+++\n{head}+++\nIt falls.\n")
    >>> stale(written, "full", [Finding("It falls", "differs")], "01")
    {'It falls': ('agrees', 'differs')}
    """
    then, now = commentary.stamps.get(form, {}), {"tables": tables, **outcomes(findings)}
    pairs = {name: (then.get(name, "absent"), now.get(name, "absent")) for name in [*then, *now]}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
