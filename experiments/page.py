"""The page of an experiment: question, figure, findings, summary, commentary, and how to make it again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jinja2
import numpy as np
import pandas as pd

from experiments.commentary import outcomes, stale
from experiments.findings import Finding
from experiments.registry import OF_THE_NOTES, Experiment
from experiments.tables import value_text
from numerics.sweeps.file import form_flag
from numerics.training.progress import about
from theory import Setting
from theory.number_format import number, shown


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

    @property
    def extent(self) -> str:
        """At what n it was run, and how much of it was trained."""
        trained = int(self.form["runs"]) - int(self.form["missing"])
        return f"n = {self.form['n']}, {trained} of {self.form['runs']} runs"


def page(experiment: Experiment, parts: Sequence[Part]) -> str:
    """The page in Markdown: one part below the other, each under the name of its form where there are several."""
    paper = {name: value_text(value) for name, value in Setting(T=1).as_dict().items()}
    values = {"experiment": experiment, "parts": parts, "paper": paper}
    return _PAGES.get_template("page.md.j2").render(values).rstrip() + "\n"


def contents_page(entries: Mapping[Experiment, Sequence[Part]]) -> str:
    """The list of all pages in Markdown: what each says of what was published, and how much was trained for it."""
    return _PAGES.get_template("list_of_pages.md.j2").render(entries=entries).rstrip() + "\n"


def _outcomes(forms: Sequence[Part]) -> dict[str, str]:
    """Of each statement the outcome in each form, previews left out."""
    found: dict[str, list[str]] = {}
    for form in forms:
        if (name := form.form["form"]) != "preview":
            for statement, outcome in outcomes(form.findings).items():
                found.setdefault(statement, []).append(f"{outcome} ({name})")
    return {statement: "; ".join(each) for statement, each in found.items()}


def _findings(findings: Sequence[Finding]) -> pd.DataFrame:
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
    return table.loc[:, (table != "").any()]


def _with_interval(finding: Finding) -> str:
    """Value and ends; the ends alone where they bound what has no value."""
    ends = "" if math.isnan(finding.low) else f"{_cell(finding.low)} to {_cell(finding.high)}"
    if math.isnan(finding.value):
        return ends
    return f"{_cell(finding.value)} ({ends})" if ends else _cell(finding.value)


def _table(table: pd.DataFrame) -> str:
    """A table in Markdown."""
    lines = [map(str, table.columns), *(map(_cell, row) for row in table.itertuples(index=False, name=None))]
    head, *body = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(table.columns), *body])


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


_LOADER = jinja2.PackageLoader("experiments", ".")
_PAGES = jinja2.Environment(
    loader=_LOADER, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGES.filters |= {"findings": _findings, "table": _table, "cell": _cell, "outcomes": _outcomes}
_PAGES.filters |= {"flag": form_flag, "about": lambda seconds: about(float(seconds))}
_PAGES.globals |= {"stale": stale, "of_the_notes": OF_THE_NOTES}
