"""What trained models did, as sections for the notes: the tables of comparisons and sweeps that lie beside the code.

A comparison's folder has `cells.csv` as `tgon compare` writes it. Norms are Frobenius norms, τ is the decay budget.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.codes.section import codes_section
from experiments.decay_budget.dimensionality import dimensionality_section
from experiments.decay_budget.section import decay_section
from experiments.polish.section import polish_section
from experiments.scale_sparsity.section import scales_section
from experiments.sea.features import repeated_section, sea_section
from experiments.sea.polygons import polygons_section
from experiments.threshold.draws import threshold_section
from theory.memorization.tgon import tgon_energy
from theory.notes.pages import Section, topic_of
from theory.notes.prose import in_markdown
from theory.notes.tables import Table
from theory.number_format import number
from theory.setting import MEMORIZED_ERROR

__all__ = ["training_sections"]

#: The heading where nothing trained is compared.
UNCOMPARED = "No comparison with trained models"

#: A topic whose tables are not on disk.
NOT_COMPARED = Section(UNCOMPARED, "No run of this kind is on record beside these notes.")

#: Why no trained model has a finite penalty.
PENALTY = Section(
    UNCOMPARED,
    "The trainer is AdamW, as in the paper. Its decay acts beside the gradient and not through the loss, so what it "
    "rests at has no finite λ: the penalty it amounts to vanishes with Adam's ε (`optimization.adamw-stationary`). No "
    "run here adds λ(‖W‖² + ‖b‖²) to the loss, so nothing measures these polygons or their collapse.",
)

#: The picture of a comparison that is shown in the notes.
PICTURE = "norms_against_T.png"

#: The columns of a table, and for each the columns of `cells.csv` it shows.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "T": ("T",),
    "m": ("m",),
    "τ": ("decay_budget",),
    "memorized": ("memorized", "seeds"),
    "‖W‖ predicted": ("predicted_weight_norm",),
    "least": ("least_weight_norm",),
    "median": ("median_weight_norm",),
    "least ratio": ("least_ratio",),
    "median ratio": ("median_ratio",),
    "‖b‖ predicted": ("predicted_bias_norm",),
    "median ‖b‖": ("median_bias_norm",),
}

#: A second table, for what stands in words.
_ENDS: dict[str, tuple[str, ...]] = {
    "T": ("T",),
    "τ": ("decay_budget",),
    "what became of the seeds": ("diagnoses",),
}

#: Columns that are shown as they are written.
_VERBATIM = ("T", "m", "memorized", "what became of the seeds")


def training_sections(experiments: Path) -> dict[str, list[Section]]:
    """Sections by note: the claims that trained models are held to, and how training compared where that is on disk."""
    sections: dict[str, list[Section]] = {}
    for topic, table in _claims().items():
        text = (
            "What `tgon compare` and `tgon check` judge; each claim has negative controls, which must fail."
        )
        sections.setdefault(topic, []).append(Section("What trained models are held to", text, (table,)))
    sections.setdefault("memorization", []).append(_compared(experiments))
    for topic, found in (
        ("codes", codes_section(experiments)),
        ("stationary", polish_section(experiments)),
        ("unequal", untied_section(experiments)),
        ("penalty", PENALTY),
        ("generalization", polygons_section(experiments)),
        ("optimization", decay_section(experiments)),
        ("sea", sea_section(experiments)),
        ("repetition", threshold_section(experiments)),
        ("repetition", repeated_section(experiments)),
        ("dimensionality", dimensionality_section(experiments)),
        ("scales", scales_section(experiments)),
    ):
        sections.setdefault(topic, []).append(found or NOT_COMPARED)
    return sections


def untied_section(experiments: Path) -> Section:
    """Why unequal norms are compared with no trained model, and what untied models of equal norms did."""
    text = (
        "No training compares with unequal norms: every dataset that is drawn here is scaled to unit norm, as in the "
        "paper, and the trained model is tied."
    )
    path = experiments / "variants" / "tables" / "trained.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["variant"] == "untied"]
        text += f" {_untied_sentence(rows)}" if rows else ""
    return Section(UNCOMPARED, text, pages=("variants",) if path.exists() else ())


def _untied_sentence(rows: Sequence[Mapping[str, str]]) -> str:
    """The cost of untied models that memorize against the bound of `unequal.untied`, or that there are none."""
    stored = [row for row in rows if float(row["worst_point_error"] or "inf") <= MEMORIZED_ERROR]
    if not stored:
        fewest = min(int(row["T"]) for row in rows)
        return (
            f"Models with a decoder of their own were trained at equal norms, but none of {len(rows)} memorizes its "
            f"data, down to T = {fewest}, so `unequal.untied` has nothing to be compared with."
        )
    ratios = [
        (float(row["weight_norm"]) ** 2 + float(row["decoder_norm"]) ** 2) / 2 / tgon_energy(int(row["T"]))
        for row in stored
    ]
    return (
        f"Of {len(rows)} models with a decoder of their own, at equal norms, {len(stored)} memorize their data. Half "
        f"of ‖W‖² + ‖V‖² is {number(min(ratios), 3)} to {number(max(ratios), 3)} times what the regular polygon costs "
        "(`unequal.untied`)."
    )


def _claims() -> Mapping[str, Table]:
    """The claims of the court, a table for each note."""
    from verify.claims.registry import CLAIMS

    rows: dict[str, list[tuple[str, ...]]] = {}
    for claim in CLAIMS:
        row = (f"`{claim.label}`", in_markdown(claim.statement), claim.status)
        rows.setdefault(topic_of(claim.label).name, []).append(row)
    return {topic: Table("", ("label", "claim", "status"), tuple(found)) for topic, found in rows.items()}


def _compared(experiments: Path) -> Section:
    """How training compared with the least norms, one table for each comparison found."""
    found = [(path, _read(path)) for path in sorted(experiments.glob("*/tables/cells.csv"))]
    tables = tuple(table for path, rows in found if rows for table in _tables(path.parents[1].name, rows))
    text = (
        "Models trained by `tgon compare`. Norms are over the seeds that memorized; ratios, of ‖W‖ to what is "
        "predicted, are over those among them whose datapoints are orthonormal, as the prediction assumes. A ratio "
        "can fall below 1 only by the error that training leaves (`memorization.robust`). A longer decay budget τ "
        "brings it towards 1 (`optimization.decay-budget`); seeds that do not get there often "
        "end on two circles or drop a point (`stationary.two-circles`, `stationary.dropped`)."
    )
    if not tables:
        text = "No comparison with trained models is on record beside these notes."
    drawn = tuple(
        f"../experiments/{path.parents[1].name}/{PICTURE}"
        for path, _ in found
        if (path.parents[1] / PICTURE).exists()
    )
    return Section("How training compared", text, tables, drawn)


def _read(path: Path) -> list[dict[str, str]]:
    """The rows of a file of cells; none if it lacks a column."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    needed = {name for names in (_COLUMNS | _ENDS).values() for name in names}
    return rows if rows and needed <= set(rows[0]) else []


def _tables(name: str, rows: Sequence[Mapping[str, str]]) -> Iterator[Table]:
    """One comparison; medians and least norms are over the seeds that memorized."""
    for columns, caption in ((_COLUMNS, "norms."), (_ENDS, "diagnoses.")):
        cells = (
            tuple(_cell(column, [row[one] for one in names]) for column, names in columns.items())
            for row in rows
        )
        yield Table(f"`experiments/{name}`: {caption}", tuple(columns), tuple(cells))


def _cell(column: str, values: Sequence[str]) -> str:
    """Counts and words as they are, numbers to four digits, a dash where there is none."""
    if column in _VERBATIM or not values[0]:
        return "/".join(values) or "–"
    return number(float(values[0]), 4)
