"""The page of an experiment: question, figure, findings, summary, commentary, and how to make it again."""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import cast

import numpy as np
import pandas as pd

from experiments.commentary import outcomes, stale
from experiments.findings import Finding
from experiments.registry import OF_THE_NOTES, Experiment
from experiments.tables import value_text
from numerics.sweeps.file import Form, form_flag
from numerics.training.progress import about
from theory import Setting
from theory.number_format import number, shown

#: The file of an animation, beside the figure.
ANIMATION = "animation.gif"

#: What a smaller form is, what a tenth form keeps of Adam's ε by its loss and ε, and what stands before a stale text.
_TEXTS = tomllib.loads(files("experiments").joinpath("page.toml").read_text(encoding="utf-8"))
STALE = str(_TEXTS["stale"])

_PAPER = Setting(T=1).as_dict()

#: Fields of the setting that are shown even where they have the paper's value.
_ALWAYS = ("T", "n", "sparsity", "m", "steps", "weight_decay", "seed", "data_seed", "loss", "adam_epsilon")

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
    """What one form adds to a page; the list of all pages asks for ``form``, what was run by key, and findings alone.
    ``made`` is the command, where that is not `tgon sweep`; ``summary`` has computed tables by their captions,
    ``digest`` is that of the tables, ``tables`` are the names of their files, in ``folder`` as seen from the page.
    """

    form: Mapping[str, str]
    findings: Sequence[Finding]
    summary: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    digest: str = ""
    folder: str = ""
    tables: Sequence[str] = ()


def page(experiment: Experiment, parts: Sequence[Part]) -> str:
    """The page in Markdown: one part below the other, each under the name of its form where there are several."""
    texts = [f"# {experiment.commentary.title}", experiment.commentary.question]
    if len(parts) == 1:
        texts += _part(experiment, parts[0], "##")
    else:
        names = [part.form["form"] for part in parts]
        links = [
            f"[{name} form](#{name}-form), {_extent(part.form)}"
            for name, part in zip(names, parts, strict=True)
        ]
        texts.append(f"On this page: {'; '.join(links)}.")
        for name, part in zip(names, parts, strict=True):
            texts += [f"## {name.capitalize()} form", *_part(experiment, part, "###")]
    return "\n\n".join(texts) + "\n"


def _extent(form: Mapping[str, str]) -> str:
    """At what n it was run, and how much of it was trained."""
    trained = int(form["runs"]) - int(form["missing"])
    return f"n = {form['n']}, {trained} of {form['runs']} runs"


def contents_page(entries: Mapping[Experiment, Sequence[Part]]) -> str:
    """The list of all pages in Markdown: what each says of what was published, and how much was trained for it."""
    published: list[tuple[str, ...]] = []
    noted: list[tuple[str, ...]] = []
    pages = []
    for experiment, forms in entries.items():
        judged = noted if experiment.name in OF_THE_NOTES else published
        link, written = f"[{experiment.name}]({experiment.name}.md)", experiment.commentary
        judged += [(statement, outcome, link) for statement, outcome in _outcomes(forms).items()]
        extents = "; ".join(f"{each.form['form']}: {_extent(each.form)}" for each in forms)
        pages.append((f"[{written.title}]({experiment.name}.md)", written.question, extents))
    text = files("experiments").joinpath("list_of_pages.md").read_text(encoding="utf-8")
    return text.format(
        published=_table(["published", "these runs", "page"], published),
        noted=_table(["of the notes", "these runs", "page"], noted),
        pages=_table(["page", "question", "forms"], pages),
    )


def _outcomes(forms: Sequence[Part]) -> dict[str, str]:
    """Of each statement the outcome in each form, previews left out."""
    found: dict[str, list[str]] = {}
    for form in forms:
        if (name := form.form["form"]) != "preview":
            for statement, outcome in outcomes(form.findings).items():
                found.setdefault(statement, []).append(f"{outcome} ({name})")
    return {statement: "; ".join(each) for statement, each in found.items()}


def _part(experiment: Experiment, part: Part, heading: str) -> list[str]:
    form, folder = part.form, part.folder
    name, flag = experiment.name, form_flag(cast(Form, form["form"]))
    home = f"experiments/{experiment.folder}"
    sweep = form.get("sweep", f"{home}/sweep.toml")
    own = "" if sweep == f"{home}/sweep.toml" else f" --sweep {sweep} --out OUT"
    made = f"tgon sweep {sweep}{flag} --out runs\ntgon figure {name}{flag} --runs runs{own}"
    return [
        *_notes(form),
        f"![{experiment.commentary.title}]({folder}/figure.png)",
        f"*{experiment.commentary.caption}*",
        *[f"![{experiment.commentary.title}, over training]({folder}/{ANIMATION})"] * experiment.animated,
        f"{heading} Result",
        *_result(experiment, part),
        f"{heading} How it was made",
        f"```sh\n{form.get('made', made)}\n```",
        _settings(form),
        f"Numbers: {', '.join(f'[{table}]({folder}/{table})' for table in part.tables)}; "
        f"`tgon figure {name} --from {'OUT' if own else home}` draws figure and page "
        "from them alone.",
    ]


def _notes(form: Mapping[str, str]) -> Iterator[str]:
    """What a smaller form is, and which runs are missing."""
    if form["form"] in ("averaged", "preview"):
        yield _TEXTS[form["form"]]
    elif form["form"] == "tenth" and form["n"] == str(Setting(T=1).n // 10):
        kept = _TEXTS["epsilon"].get(f"{form.get('loss')} {form.get('adam_epsilon')}", "")
        yield f"{_TEXTS['tenth']} {kept}".strip()
    elif form["form"] == "tenth":
        yield f"**Tenth form** of {form.get('sweep')}: what it shows holds for its settings, below."
    if form["missing"] != "0":
        named = f": {form['absent']}" if "absent" in form else ""
        missing = f"**{form['missing']} of {form['runs']} runs are missing**{named}"
        yield f"{missing}. What follows is about the others."


def _result(experiment: Experiment, part: Part) -> list[str]:
    """Findings, summary and the text that was written for them."""
    commentary, form = experiment.commentary, part.form["form"]
    texts = [_findings(part.findings)] if part.findings else []
    for caption, table in part.summary.items():
        texts += [caption] if caption else []
        texts += [_markdown(table)]
    if form in commentary.texts:
        texts += [STALE] if stale(commentary, form, part.findings, part.digest) else []
        texts.append(commentary.texts[form])
    return texts


def _findings(findings: Sequence[Finding]) -> str:
    """The table of findings; columns that all leave empty are left out."""
    table = pd.DataFrame(
        {
            "statement": each.statement,
            "outcome": each.outcome,
            "quantity": each.quantity,
            "at": each.at,
            "value (95 % interval)": _with_interval(each),
            "n": each.n or "",
        }
        for each in findings
    )
    return _markdown(table.loc[:, (table != "").any()])


def _markdown(table: pd.DataFrame) -> str:
    return _table(list(map(str, table.columns)), table.itertuples(index=False, name=None))


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


def _settings(form: Mapping[str, str]) -> str:
    rows = [(title, form[key]) for key, title in _COUNTS.items() if key in form]
    if "seconds" in form:
        rows.append((f"training time of {form['timed']} runs, summed", about(float(form["seconds"]))))
    for name, value in _PAPER.items():
        if name in form and (name in _ALWAYS or form[name] != value_text(value)):
            rows.append((f"`{name}`", form[name]))
    lines = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows)]
    return "\n".join([*lines, "", "Everything else is as in the paper (`tgon train --help`)."])
