"""The report of a comparison: tables, figures with their numbers, and one self-contained HTML page.

`write_report` fills a folder::

    cells.csv            one row per group: shares, norms, predictions, ratios
    runs.csv             one row per run: setting, measured numbers, diagnosis
    comparison.json      rows, claims with their controls, verdict
    figures/NAME.svg     each figure, as .png too, and every number drawn as .csv
    report.html          all of it on one page that loads nothing

The page shows the same rows, claims and figures; nothing in it is computed anew. It bears the date at which it is made,
or that of SOURCE_DATE_EPOCH, with which the same runs give the same bytes on the same machine and commit.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from numerics.benchmark import describe_machine
from numerics.training.runs import write_atomically
from theory.derivations.texts import read_table
from theory.number_format import shown
from verify.claims.registry import CLAIMS, powers
from verify.figures.hidden import draw_hidden_vectors, hidden_vectors_numbers
from verify.figures.history import draw_train_loss_history, train_loss_history_numbers
from verify.figures.norms import draw_norms_against_T, norms_against_T_numbers
from verify.strict_json import strict_json
from verify.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, SOFT, VERMILLION, render, round_below

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from numerics import Run
    from verify.comparison import Comparison, Row

#: Where the source lies: a git checkout, or the folder of installed packages.
CHECKOUT = Path(__file__).resolve().parents[1]

#: Colours of figures, by their names on the page: those of a dark page are others.
THEMED = {"#000000": "ink", "#ffffff": "page", INK: "ink", SOFT: "soft", GREY: "grey", BLUE: "blue"}
THEMED |= {VERMILLION: "vermillion", GREEN: "green", ORANGE: "orange", PURPLE: "purple", SKY: "sky"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of groups: its head, where its value comes from, and what it means."""

    head: str
    source: str
    meaning: str

    def value(self, row: Row) -> Any:
        """The value in a row: one attribute, several in one text, or counts by name."""
        if "{" in self.source:
            return self.source.format(**asdict(row))
        found = getattr(row, self.source)
        return ", ".join(f"{n} {name}" for name, n in found.items()) if isinstance(found, dict) else found


_TEXTS = read_table("verify", "report.toml")

#: The tables of groups, with their titles.
GROUP_TABLES: tuple[tuple[str, tuple[Column, ...]], ...] = tuple(
    (table["title"], tuple(Column(*column) for column in table["columns"])) for table in _TEXTS["table"]
)


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure of the report: its name, its numbers and its drawing; `report.toml` says what it shows.

    A page has one drawing for each value of the columns ``parts``; without any the page draws the numbers itself.
    """

    name: str
    numbers: Callable[[Sequence[Run]], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figure]
    parts: tuple[str, ...] = ()


FIGURES: tuple[FigureKind, ...] = (
    FigureKind("hidden_vectors", hidden_vectors_numbers, draw_hidden_vectors),
    FigureKind("norms_against_T", norms_against_T_numbers, draw_norms_against_T, ("norm",)),
    FigureKind(
        "train_loss_history",
        train_loss_history_numbers,
        draw_train_loss_history,
        parts=("T", "m", "weight_decay"),
    ),
)


def write_report(result: Comparison, folder: str | Path, command: str = "") -> Path:
    """Write everything this module's head lists into ``folder`` and return the path of the page.

    ``command`` is what the reader should type to get the same. Each file is replaced as a whole or not at all; OSError
    if the disk refuses.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    contents = {"cells.csv": _csv(result.table()), "runs.csv": _csv(result.runs_table())}
    contents["comparison.json"] = strict_json(result.as_dict()).encode()
    numbers = {kind.name: kind.numbers(result.runs) for kind in FIGURES}
    for kind in FIGURES:
        name, figure = f"figures/{kind.name}", kind.draw(numbers[kind.name])
        contents[f"{name}.svg"] = render(figure, "svg")
        figure.set_layout_engine("none")  # as laid out just now
        contents[f"{name}.png"] = render(figure, "png")
        contents[f"{name}.csv"] = _csv(numbers[kind.name])
    contents["report.html"] = render_report(result, numbers, command, folder).encode()
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return folder / "report.html"


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def render_report(
    result: Comparison, numbers: Mapping[str, pd.DataFrame], command: str = "", folder: str | Path = "."
) -> str:
    """The page as HTML, to lie in ``folder``; ``numbers`` are those of `FIGURES`, by name."""
    rules: Any = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(autoescape=True, **rules)
    environment.filters["shown"] = shown
    settings = [run.setting.as_dict() | {"engine": run.engine} for run in result.runs]
    template = environment.from_string(files("verify").joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        result=result,
        command=command,
        made_with=_provenance(),
        setting={name: _spread({each[name]: None for each in settings}) for name in settings[0]},
        tables=GROUP_TABLES,
        regimes={claim.label: claim.regime for claim in CLAIMS},
        formulas={claim.label: list(map(Markup, claim.formula)) for claim in CLAIMS},
        powers=powers(),
        derivations={claim.label: derivation_page(claim.label, Path(folder)) for claim in result.judgements},
        models=_models(numbers["hidden_vectors"]),
        captions=_TEXTS["captions"],
        figures=[(kind, _drawings(kind, numbers[kind.name])) for kind in FIGURES],
    )


def _provenance() -> dict[str, Any]:
    """When, by which code and on what machine the page is made; the commit only where this is a git checkout."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    date = datetime.fromtimestamp(int(epoch) if epoch.isdecimal() else int(time.time()), UTC)
    facts = {"date": f"{date:%Y-%m-%d %H:%M} UTC", "tgon": version("tgon")}
    if (CHECKOUT / ".git").exists():
        ask = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        with suppress(OSError, subprocess.SubprocessError):
            facts["commit"] = subprocess.run(ask, capture_output=True, check=True, text=True).stdout.strip()
    return facts | {name: fact for name, fact in describe_machine().items() if name != "load"}


def derivation_page(label: str, folder: Path) -> tuple[str, str]:
    """Where a label is derived: path below the checkout, and a link from ``folder`` if that lies in it; else empty."""
    for page in sorted((CHECKOUT / "notes" / "derivations").glob("*.md")):
        if f'<a id="{label}">' in page.read_text(encoding="utf-8"):
            place = page.relative_to(CHECKOUT).as_posix() + f"#{label}"
            near = folder.resolve().is_relative_to(CHECKOUT)
            return place, os.path.relpath(CHECKOUT / place, folder.resolve()) if near else ""
    return "", ""


def _spread(values: Mapping[Any, None]) -> str:
    found = list(values)
    if len(found) > 8:
        return f"{min(found)} to {max(found)} ({len(found)} values)"
    return ", ".join(shown(value, 6) for value in found)


def _models(numbers: pd.DataFrame) -> list[dict[str, Any]]:
    """Two drawings of each run of the figure of hidden vectors, the second of its features: points within ±90, y
    downwards, and how long the round length ``unit`` is among them.
    """
    drawings: list[dict[str, Any]] = []
    of_features = numbers["kind"].astype(str).str.endswith("feature")
    for (*_, features), own in numbers.groupby(["T", "run", of_features], sort=False):
        scale = 90 / (float(own[["x", "y"]].abs().to_numpy().max()) or 1.0)
        placed = own.assign(x=own["x"] * scale, y=-own["y"] * scale).round(1).drop_duplicates()
        clouds = {kind: cloud[["x", "y"]].to_numpy().tolist() for kind, cloud in placed.groupby("kind")}
        unit = round_below(100 / scale)
        about = {"features": features, "clouds": clouds, "unit": unit, "unit_drawn": round(unit * scale, 1)}
        facts = {name: own[name].iloc[0] for name in ("T", "seed", "diagnosis", "weight_norm")}
        drawings.append(facts | about)
    return drawings


def _drawings(kind: FigureKind, numbers: pd.DataFrame) -> list[Markup]:
    """A figure in parts that a narrow page has below each other; none of one that the page draws itself."""
    parts = [part for _, part in numbers.groupby(list(kind.parts), sort=False)] if kind.parts else []
    drawn = [render(kind.draw(part), "svg").decode() for part in parts]
    return [_inline(drawing, kind.name, place) for place, drawing in enumerate(drawn)]


def _inline(drawing: str, name: str, place: int) -> Markup:
    """An SVG as part of a page: without its head and metadata, with the page's colours and identifiers of its own."""
    body = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-{place}-", body)
    for colour, themed in THEMED.items():
        body = body.replace(f": {colour.lower()}", f": var(--{themed})")
    return Markup(body.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-caption" ', 1))
