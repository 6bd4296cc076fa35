"""The report of a comparison: tables, figures with their numbers, and one self-contained HTML page.

`write_report` fills a folder::

    cells.csv            one row per group: shares, norms, predictions, ratios
    runs.csv             one row per run: setting, measured numbers, diagnosis
    comparison.json      rows, claims with their controls, verdict
    figures/NAME.svg     each figure, as .png too, and every number drawn as .csv
    report.html          all of it on one page that loads nothing

The page shows the same rows, claims and figures; nothing in it is computed anew.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from numerics.training.runs import write_atomically
from theory import MEMORIZED_ERROR
from theory.number_format import shown
from verify.figures.files import FIGURES
from verify.strict_json import in_json
from verify.style import render

if TYPE_CHECKING:
    import pandas as pd

    from verify.comparison import Comparison, Row


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of groups: its head, what it means, and its value in a `verify.comparison.Row`."""

    head: str
    meaning: str
    value: Callable[[Row], Any]


def _columns(*described: tuple[str, str, str | Callable[[Row], Any]]) -> tuple[Column, ...]:
    """Columns T and decay, and those described: head, meaning, and an attribute of the row or a function of it."""
    group = ("T", "datapoints", "T"), ("decay", "weight decay", "weight_decay")
    return tuple(
        Column(head, meaning, attrgetter(value) if isinstance(value, str) else value)
        for head, meaning, value in (*group, *described)
    )


#: How many seeds memorize, and how far above the least norm they end.
NORM_COLUMNS = _columns(
    ("τ", "decay budget: weight decay times the sum of all learning rates", "decay_budget"),
    (
        "memorized",
        f"seeds whose every datapoint has a squared error of at most {MEMORIZED_ERROR:g}, of all seeds",
        lambda row: f"{row.memorized}/{row.seeds}",
    ),
    (
        "95 % share",
        "confidence interval of the share of seeds that memorize (Clopper-Pearson)",
        lambda row: f"{row.share_low:.2f}–{row.share_high:.2f}",
    ),
    ("‖W‖ least", "least Frobenius norm of W among memorizing runs", "least_weight_norm"),
    ("‖W‖ median", "its median over memorizing runs", "median_weight_norm"),
    ("predicted", "least ‖W‖ of any model of zero loss", "predicted_weight_norm"),
    (
        "orthonormal",
        "memorizing runs whose data is orthonormal; where datapoints share a feature, ‖W‖ may be below the prediction",
        "orthonormal",
    ),
    ("ratio least", "least ‖W‖ over the prediction, among the orthonormal", "least_ratio"),
    ("ratio median", "its median", "median_ratio"),
)

#: Where the weight is, by `memorization.norm-split`, and the bias.
SPLIT_COLUMNS = _columns(
    ("√Σ‖h‖²", "norm of the hidden vectors: the weight that does the work", "median_sqrt_energy"),
    ("seen ⊥", "norm of seen weight outside the span of the data", "median_weight_norm_seen"),
    ("unseen", "norm of the columns of features that occur nowhere", "median_weight_norm_unseen"),
    ("‖b‖", "bias norm", "median_bias_norm"),
    ("predicted ‖b‖", "bias norm of the least-norm model", "predicted_bias_norm"),
    ("test loss", "mean loss on fresh datapoints, where data is orthonormal", "median_test_loss"),
    ("predicted loss", "that of the least-norm model of the same data", "predicted_test_loss"),
    (
        "diagnoses",
        "what the runs of the group became, all of them",
        lambda row: ", ".join(f"{count} {name}" for name, count in row.diagnoses.items()),
    ),
)

#: The tables of groups, with their titles.
GROUP_TABLES: tuple[tuple[str, tuple[Column, ...]], ...] = (
    ("Share of seeds that memorize, and the norm they reach", NORM_COLUMNS),
    ("Where the weight is: medians over memorizing runs", SPLIT_COLUMNS),
)


def write_report(result: Comparison, folder: str | Path, command: str = "") -> Path:
    """Write everything this module's head lists into ``folder`` and return the path of the page.

    ``command`` is what the reader should type to get the same. Each file is replaced as a whole or not at all; OSError
    if the disk refuses.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    contents = {"cells.csv": _csv(result.table()), "runs.csv": _csv(result.runs_table())}
    document = json.dumps(in_json(result.as_dict()), indent=2, ensure_ascii=False, allow_nan=False)
    contents["comparison.json"] = document.encode()
    drawings = {}
    for kind in FIGURES:
        numbers = kind.numbers(result.runs)
        figure = kind.draw(numbers)
        drawing = render(figure, "svg")
        drawings[kind.name] = drawing.decode()
        for ending, content in (("svg", drawing), ("png", render(figure, "png")), ("csv", _csv(numbers))):
            contents[f"figures/{kind.name}.{ending}"] = content
    contents["report.html"] = render_report(result, drawings, command).encode()
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return folder / "report.html"


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def render_report(result: Comparison, drawings: Mapping[str, str], command: str = "") -> str:
    """The page as HTML; ``drawings`` has the SVG text of each of `verify.figures.files.FIGURES` by name."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["shown"] = shown
    template = environment.from_string(files("verify").joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        verdict=result.verdict,
        exit_code=result.exit_code,
        command=command,
        setting=_common_setting(result),
        tables=GROUP_TABLES,
        rows=result.rows,
        claims=result.judgements,
        judged=_judged(result.rows),
        figures=[(kind, _inline(drawings[kind.name], kind.name)) for kind in FIGURES],
        versions={name: version(name) for name in ("tgon", "numpy", "torch", "numba")}
        | {"python": platform.python_version()},
    )


def _common_setting(result: Comparison) -> dict[str, str]:
    """Every value that some run has, by name: one value, or the range of those there are."""
    tables = [run.setting.as_dict() | {"engine": run.engine} for run in result.runs]
    return {name: _spread({table[name]: None for table in tables}) for name in tables[0]}


def _judged(rows: Sequence[Row]) -> str:
    """The groups whose runs the claims are judged on, by weight decay."""
    sizes: dict[float, list[int]] = {}
    for row in rows:
        sizes.setdefault(row.weight_decay, []).append(row.T)
    return "; ".join(
        f"weight decay {decay:g} at T = {', '.join(map(str, dict.fromkeys(own)))}"
        for decay, own in sizes.items()
    )


def _spread(values: Mapping[Any, None]) -> str:
    found = list(values)
    if len(found) > 8:
        return f"{min(found)} to {max(found)} ({len(found)} values)"
    return ", ".join(shown(value, 6) for value in found)


def _inline(drawing: str, name: str) -> Markup:
    """An SVG as part of a page: without its head and metadata, with identifiers that no other figure has."""
    body = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    return Markup(body.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-caption" ', 1))
