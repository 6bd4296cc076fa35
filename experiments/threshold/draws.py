"""Thresholds of repeated data over draws, as one record: for the command line, a table on disk, and the notes.

R is a number of repeats, T/n its natural unit. The interval is for the median over draws (`repetition.boundary`).
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from theory.notes.pages import Section
from theory.notes.prose import in_markdown
from theory.notes.tables import Table
from theory.number_format import at_least, number
from theory.repetition.logistic_boundary import fit_boundary, median_interval
from theory.repetition.threshold import zero_bias_threshold

if TYPE_CHECKING:
    from numerics.repetition import Transition

__all__ = [
    "LEVEL",
    "TABLES",
    "summary",
    "threshold_section",
    "write_rows",
]

#: What intervals are meant to cover.
LEVEL = 0.95

#: Where the notes look for tables of thresholds, below the folder of experiments.
TABLES = "threshold/tables/*.csv"

#: The columns of that table, and where each stands in a summary.
_COLUMNS = {
    "T": ("T",),
    "n": ("n",),
    "sparsity": ("sparsity",),
    "features": ("features",),
    "draws": ("draws",),
    "undecided": ("undecided",),
    "equal_energy": ("equal_energy",),
    "median_repeats": ("repeats", "median"),
    "least_repeats": ("repeats", "least"),
    "greatest_repeats": ("repeats", "greatest"),
    "boundary": ("repeats_interval", "median"),
    "low": ("repeats_interval", "low"),
    "high": ("repeats_interval", "high"),
    "level": ("repeats_interval", "level"),
    "metastable_until": ("metastable_until", "median"),
    "metastable_censored": ("metastable_censored", "median"),
    "zero_bias": ("zero_bias", "mean"),
    "zero_bias_deviation": ("zero_bias", "deviation"),
}


def summary(
    T: int,
    n: int,
    sparsity: float,
    features: int,
    found: Sequence[Transition],
) -> dict[str, Any]:
    """The answer of `tgon threshold`: what `numerics.repetition.find_transition` found on each draw, as R.

    NaN where a number does not exist: an interval needs two draws whose thresholds differ.
    """
    closed = zero_bias_threshold(T, n, sparsity)
    unit = closed.equal_energy
    between = [(one.between[0] * unit, one.between[1] * unit) for one in found]
    known = [low for low, high in between if low == high]
    cuts = [one.metastable_censored for one in found]
    metastable = [one.metastable_until * unit for one in found]
    stays = _spread(metastable)
    longest = _spread(math.inf if cut else R for R, cut in zip(metastable, cuts, strict=True))
    return {
        "repeats": _spread(known),
        "metastable_until": stays,
        "equal_energy": unit,
        "fifth_energy": closed.fifth_energy,
        "repeats_interval": _interval(between),
        "zero_bias": {"mean": closed.repeats, "deviation": closed.deviation * unit},
        "metastable_censored": {name: longest[name] > stay for name, stay in stays.items()}
        | {"draws": sum(cuts)},
        "T": T,
        "n": n,
        "sparsity": sparsity,
        "features": features,
        "seeds": f"0:{len(between) - 1}",
        "draws": len(between),
        "undecided": len(between) - len(known),
    }


def _interval(between: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The fitted boundary, and beside it the interval that assumes no law."""
    low, high = ([ends[side] for ends in between] for side in (0, 1))
    nan = float("nan")
    fitted = {"median": nan, "low": nan, "high": nan, "scale": nan}
    try:
        found = fit_boundary(low, high, LEVEL)
        fitted = {"median": found.median, "low": found.low, "high": found.high, "scale": found.scale}
    except ValueError:  # fewer than two thresholds that differ
        pass
    free = median_interval(low, high, LEVEL)
    return {
        **fitted,
        "level": LEVEL,
        "method": "logistic boundary in log R over draws, likelihood ratio",
        "order_statistics": {"low": free.low, "high": free.high, "coverage": free.coverage},
    }


def _spread(values: Iterable[float]) -> dict[str, float]:
    """Median and range; NaN where there is nothing."""
    numbers = sorted(values) or [float("nan")]
    return {"median": statistics.median(numbers), "least": numbers[0], "greatest": numbers[-1]}


def write_rows(answers: Iterable[Mapping[str, Any]], path: Path) -> None:
    """The answers as a table, six digits each; written whole or not at all."""
    from numerics.training.runs import write_atomically

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for answer in answers:
        writer.writerow([_brief(_at(answer, keys)) for keys in _COLUMNS.values()])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.getvalue().encode())


def _at(answer: Mapping[str, Any], keys: Sequence[str]) -> Any:
    value: Any = answer
    for key in keys:
        value = value[key]
    return value


def _brief(value: Any) -> str:
    """Numbers alone, so that every column can be read as one: 1 for what is true."""
    return f"{value:.6g}" if isinstance(value, float | bool) else str(value)


def threshold_section(experiments: Path) -> Section:
    """The thresholds on disk, for the note on repeated data; a sentence where there are none."""
    rows: list[dict[str, str]] = []
    for path in sorted(experiments.glob(TABLES)):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    title = "Thresholds with free biases"
    if not rows:
        return Section(title, "No thresholds are on record beside these notes.")
    text = (
        "What the numerical model of `numerics/repetition.py` gives (drawn energies, free columns and biases, a sea): "
        "the R, in units of T/n, at which the state with the point on a vertex has the lower loss. The boundary is the "
        f"median of a logistic law in log R fitted to the draws, with its {100 * LEVEL:g} % interval "
        "(`repetition.boundary`); the interval is about draws, not about the model, which moves with the number of "
        "features kept. The point is seen to stay out up to the R of the column so named, its median over draws, with "
        "≥ where that is the last R looked at. At zero bias, mean ± deviation over draws (`repetition.zero-bias`). "
        "Written by `tgon threshold --csv` with the options of the first columns; the draws have the seeds from 0."
    )
    return Section(title, text, (Table("", _HEADS, tuple(_row(one) for one in rows)),))


_HEADS = (
    "T/n",
    "n",
    "S",
    "features",
    "draws",
    "boundary",
    "95 % interval",
    "range of draws",
    "stays out until",
    "zero bias",
)


def _row(cells: Mapping[str, str]) -> tuple[str, ...]:
    unit = float(cells["equal_energy"])

    def scaled(name: str) -> str:
        return number(float(cells[name]) / unit, 3)

    return (
        number(unit, 3),
        cells["n"],
        cells["sparsity"],
        cells["features"],
        cells["draws"] if cells["undecided"] == "0" else f"{cells['draws']}, {cells['undecided']} open",
        scaled("boundary"),
        f"{scaled('low')} to {scaled('high')}",
        f"{scaled('least_repeats')} to {scaled('greatest_repeats')}",
        in_markdown(at_least(scaled("metastable_until"), cells.get("metastable_censored") == "1")),
        f"{scaled('zero_bias')} ± {scaled('zero_bias_deviation')}",
    )
