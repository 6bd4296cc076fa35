"""The page of an experiment: question, figure, result, and how to make it again.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from experiments.findings import Finding
from experiments.registry import Experiment
from numerics.sweeps.file import Form, form_flag
from numerics.sweeps.meter import about
from theory import Setting

__all__ = ["ANIMATION", "Entry", "Part", "contents_page", "page"]

#: The file of an animation, beside the figure.
ANIMATION = "animation.gif"

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
    form : what was run, by key.
    result : the result in Markdown.
    folder : where its figure and tables lie, as seen from the page.
    tables : the names of their files.

    """

    form: Mapping[str, str]
    result: str
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
    statements = [
        f"| {statement} | {outcome} | [{experiment.name}]({experiment.name}.md) |"
        for experiment, forms in entries.items()
        for statement, outcome in _outcomes(forms).items()
    ]
    pages = [
        f"| [{experiment.title}]({experiment.name}.md) | {experiment.question} | "
        f"{'; '.join(_titled_extent(entry.form) for entry in forms)} |"
        for experiment, forms in entries.items()
    ]
    return "\n".join(
        [
            "# The paper's figures and comments, again",
            "",
            "One page for each experiment of the paper and of the comments printed with it, with intervals and with "
            "what is not explained.",
            "",
            "## What was published, and what these runs say",
            "",
            "Published statements in our words, of the authors where nobody else is named. What runs say is computed "
            "from their tables, as the page tells; *not decided* where they neither show it nor its contrary, *not "
            "tested* where no run bears on it. Full form: the size of the original, but for digits that stand in for "
            "MNIST; tenth: a tenth of its n and T.",
            "",
            "T datapoints of n features, each active with probability 1 − S; zero output, of a model that gives "
            "nothing, loses 1. D_f and D_X are the share of the hidden space that a feature or a datapoint has to "
            "itself, D* the largest share of a datapoint along any direction; ‖W‖, ‖b‖ norms; R repeats of a "
            "datapoint. Labels such as `scales.generalization` are those of [the notes](../README.md), symbols those "
            "of [the notation](../notation.md).",
            "",
            "| published | these runs | page |",
            "|---|---|---|",
            *statements,
            "",
            "## Pages",
            "",
            "Runs are those trained, of those that the form asks for. A preview is small, and proves no claim.",
            "",
            "| page | question | forms |",
            "|---|---|---|",
            *pages,
            "",
        ]
    )


def _outcomes(forms: Sequence[Entry]) -> dict[str, str]:
    """Of each statement the outcome in each form, previews left out."""
    found: dict[str, dict[str, str]] = {}
    for entry in forms:
        for finding in entry.findings if entry.form["form"] != "preview" else []:
            for statement, outcome in finding.outcomes.items():
                found.setdefault(statement, {})[entry.form["form"]] = outcome
    return {
        statement: "; ".join(f"{outcome} ({form})" for form, outcome in outcomes.items())
        for statement, outcomes in found.items()
    }


def _titled_extent(form: Mapping[str, str]) -> str:
    return f"{form['form']}: {_extent(form)}"


def _part(experiment: Experiment, part: Part, heading: str) -> list[str]:
    form, folder = part.form, part.folder
    name, flag = experiment.name, form_flag(cast(Form, form["form"]))
    home = f"experiments/{experiment.folder}"
    own = "" if form["sweep"] == f"{home}/sweep.toml" else f" --sweep {form['sweep']} --out OUT"
    return [
        *([_note(form)] if form["form"] != "full" else []),
        *([_missing(form)] if form["missing"] != "0" else []),
        f"![{experiment.title}]({folder}/figure.png)",
        f"*{experiment.caption}*",
        *([f"![{experiment.title}, over training]({folder}/{ANIMATION})"] if experiment.animated else []),
        f"{heading} Result",
        _plain(part.result.strip()) if form["form"] == "preview" else part.result.strip(),
        f"{heading} How it was made",
        f"```sh\ntgon sweep {form['sweep']}{flag} --out runs\ntgon figure {name}{flag} --runs runs{own}\n```",
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


def _plain(result: str) -> str:
    """Without bold print: that is for claims, and a preview proves none."""
    return result.replace("**", "")


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
        (f"`{name}`", form[name]) for name in paper if name in _ALWAYS or form.get(name, "") != paper[name]
    ]
    lines = [f"| {key} | {value} |" for key, value in rows]
    return "\n".join(
        ["| | |", "|---|---|", *lines, "", "Everything else is as in the paper (`tgon train --help`)."]
    )


_PAPER = Setting(T=1).as_dict()
