"""The page of an experiment: question, figure, findings, summary, commentary, and how to make it again."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

import numpy as np
import pandas as pd

from experiments.commentary import outcomes, stale
from experiments.findings import Finding
from experiments.registry import OF_THE_NOTES, Experiment
from numerics.sweeps.file import Form, form_flag
from numerics.training.progress import about
from theory import Setting
from theory.number_format import number, shown

#: The file of an animation, beside the figure.
ANIMATION = "animation.gif"

#: Stands before a text whose stamp does not agree with the tables and the findings above it.
STALE = "**The text below was written for other tables than those above.**"

#: Fields of the setting that are shown even where they have the paper's value.
_ALWAYS = ("T", "n", "sparsity", "m", "steps", "weight_decay", "seed", "data_seed")

_COUNTS = {
    "form": "form",
    "engine": "engine",
    "runs": "runs asked for",
    "missing": "not trained",
    "diverged": "diverged, left out",
    "memorized": "memorized",
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one form adds to a page.

    Attributes
    ----------
    form : what was run, by key; ``made`` is the command that made it, where that is not `tgon sweep`.
    findings, summary : what was found, and computed tables that stand below it, by their captions.
    digest : that of the tables.
    folder : where its figure and tables lie, as seen from the page.
    tables : the names of their files.

    """

    form: Mapping[str, str]
    findings: Sequence[Finding]
    summary: Mapping[str, pd.DataFrame]
    digest: str
    folder: str
    tables: Sequence[str]


def page(experiment: Experiment, parts: Sequence[Part]) -> str:
    """The page in Markdown: one part below the other, each under the name of its form where there are several."""
    texts = [f"# {experiment.title}", experiment.question]
    if len(parts) > 1:
        texts.append(f"On this page: {'; '.join(map(_contents, parts))}.")
    for part in parts:
        heading = "##"
        if len(parts) > 1:
            texts.append(f"## {_titled(part)}")
            heading = "###"
        texts += _part(experiment, part, heading)
    return "\n\n".join(texts) + "\n"


def _titled(part: Part) -> str:
    return f"{part.form['form'].capitalize()} form"


def _contents(part: Part) -> str:
    """A line of the list of contents: which form, at what n, and how much of it was trained."""
    anchor = _titled(part).lower().replace(" ", "-")
    return f"[{_titled(part).lower()}](#{anchor}), {_extent(part.form)}"


def _extent(form: Mapping[str, str]) -> str:
    trained = int(form["runs"]) - int(form["missing"])
    return f"n = {form['n']}, {trained} of {form['runs']} runs"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the list of all pages says of one form of an experiment: what was run, and what it found."""

    form: Mapping[str, str]
    findings: Sequence[Finding]


def contents_page(entries: Mapping[Experiment, Sequence[Entry]]) -> str:
    """The list of all pages in Markdown: what each says of what was published, and how much was trained for it."""
    published, noted = (
        [
            (statement, outcome, f"[{experiment.name}]({experiment.name}.md)")
            for experiment, forms in entries.items()
            if (experiment.name in OF_THE_NOTES) == of_the_notes
            for statement, outcome in _outcomes(forms).items()
        ]
        for of_the_notes in (False, True)
    )
    pages = [
        (
            f"[{experiment.title}]({experiment.name}.md)",
            experiment.question,
            "; ".join(f"{entry.form['form']}: {_extent(entry.form)}" for entry in forms),
        )
        for experiment, forms in entries.items()
    ]
    return (
        files("experiments")
        .joinpath("list_of_pages.md")
        .read_text(encoding="utf-8")
        .format(
            published=_table(["published", "these runs", "page"], published),
            noted=_table(["of the notes", "these runs", "page"], noted),
            pages=_table(["page", "question", "forms"], pages),
        )
    )


def _outcomes(forms: Sequence[Entry]) -> dict[str, str]:
    """Of each statement the outcome in each form, previews left out."""
    found: dict[str, dict[str, str]] = {}
    for entry in forms:
        for statement, outcome in outcomes(entry.findings).items() if entry.form["form"] != "preview" else ():
            found.setdefault(statement, {})[entry.form["form"]] = outcome
    return {
        statement: "; ".join(f"{outcome} ({form})" for form, outcome in outcomes.items())
        for statement, outcomes in found.items()
    }


def _part(experiment: Experiment, part: Part, heading: str) -> list[str]:
    form, folder = part.form, part.folder
    name, flag = experiment.name, form_flag(cast(Form, form["form"]))
    home = f"experiments/{experiment.folder}"
    sweep = form.get("sweep", f"{home}/sweep.toml")
    own = "" if sweep == f"{home}/sweep.toml" else f" --sweep {sweep} --out OUT"
    made = f"tgon sweep {sweep}{flag} --out runs\ntgon figure {name}{flag} --runs runs{own}"
    return [
        *([_note(form)] if form["form"] != "full" else []),
        *([_missing(form)] if form["missing"] != "0" else []),
        f"![{experiment.title}]({folder}/figure.png)",
        f"*{experiment.commentary.caption}*",
        *([f"![{experiment.title}, over training]({folder}/{ANIMATION})"] if experiment.animated else []),
        f"{heading} Result",
        *_result(experiment, part),
        f"{heading} How it was made",
        f"```sh\n{form.get('made', made)}\n```",
        _settings(form),
        f"Numbers: {', '.join(f'[{table}]({folder}/{table})' for table in part.tables)}; "
        f"`tgon figure {name} --from {'OUT' if own else home}` draws figure and page "
        "from them alone.",
    ]


def _note(form: Mapping[str, str]) -> str:
    """What a smaller form is; of a tenth form only where it has a tenth of the paper's n."""
    if form["form"] == "preview":
        return (
            "**Preview form**: smaller than the paper's setting so that two cores make it quickly. It shows what to "
            "expect and proves no claim."
        )
    if form["n"] != str(Setting(T=1).n // 10):
        return f"**Tenth form** of {form['sweep']}: what it shows holds for its settings, below."
    return (
        "**Tenth form**: a tenth of the paper's n and T at ten times the density, so that each feature is seen as "
        "often as in the paper; the rest is as in the paper. What it shows holds for this n."
    )


def _result(experiment: Experiment, part: Part) -> list[str]:
    """Findings, summary and the text that was written for them."""
    commentary, form = experiment.commentary, part.form["form"]
    texts = [_findings(part.findings)] if part.findings else []
    for caption, table in part.summary.items():
        texts += [caption] if caption else []
        texts += [_table(list(map(str, table.columns)), table.itertuples(index=False, name=None))]
    if form in commentary.texts:
        texts += [STALE] if stale(commentary, form, part.findings, part.digest) else []
        texts.append(commentary.texts[form])
    return texts


def _findings(findings: Sequence[Finding]) -> str:
    """The table of findings; columns that all leave empty are left out."""
    columns: dict[str, list[Any]] = {
        "statement": [each.statement for each in findings],
        "outcome": [each.outcome for each in findings],
        "quantity": [each.quantity for each in findings],
        "at": [each.at for each in findings],
        "value (95 % interval)": [_with_interval(each) for each in findings],
        "n": [each.n or "" for each in findings],
    }
    kept = {name: values for name, values in columns.items() if any(values)}
    return _table(list(kept), zip(*kept.values(), strict=True))


def _with_interval(finding: Finding) -> str:
    """Value and ends; the ends alone where they bound what has no value."""
    ends = "" if math.isnan(finding.low) else f"{_cell(finding.low)} to {_cell(finding.high)}"
    if math.isnan(finding.value):
        return ends
    return f"{_cell(finding.value)} ({ends})" if ends else _cell(finding.value)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(columns), *body])


def _cell(value: object) -> str:
    """Numbers to four digits, whole ones as they are; a dash for what is not; text as it is."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.number):
        return str(value).replace("|", "\\|")
    exact = float(value)
    if exact.is_integer():
        return f"{exact:.0f}".replace("-", "−")
    return number(exact, 4) if math.isfinite(exact) else shown(exact)


def _missing(form: Mapping[str, str]) -> str:
    named = f": {form['absent']}" if "absent" in form else ""
    return (
        f"**{form['missing']} of {form['runs']} runs are missing**{named}. What follows is about the others."
    )


def _settings(form: Mapping[str, str]) -> str:
    paper = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in _PAPER.items()}
    rows = [(title, form[key]) for key, title in _COUNTS.items() if key in form]
    if "seconds" in form:
        rows.append((f"training time of {form['timed']} runs, summed", about(float(form["seconds"]))))
    rows += [
        (f"`{name}`", form[name])
        for name in paper
        if name in form and (name in _ALWAYS or form[name] != paper[name])
    ]
    lines = [f"| {key} | {value} |" for key, value in rows]
    return "\n".join(
        ["| | |", "|---|---|", *lines, "", "Everything else is as in the paper (`tgon train --help`)."]
    )


_PAPER = Setting(T=1).as_dict()
