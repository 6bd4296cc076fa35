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

import click

from theory.boundary import fit_boundary, median_interval
from theory.notes import Section
from theory.prose import in_markdown
from theory.repetition import zero_bias_threshold
from theory.tables import Table, number
from verify.answers import print_table, shown

if TYPE_CHECKING:
    from numerics.repetition import Transition

__all__ = [
    "LEVEL",
    "TABLES",
    "at_least",
    "print_threshold",
    "quoted",
    "summary",
    "threshold_section",
    "write_rows",
]

#: What intervals are meant to cover.
LEVEL = 0.95

#: Where the notes look for tables of thresholds, below the folder of experiments.
TABLES = "threshold/*.csv"

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


def at_least(shown: str, censored: bool) -> str:
    """A number as it is shown, behind "≥" where it is only a lower bound."""
    return f"≥ {shown}" if censored else shown


def print_threshold(answer: Mapping[str, Any]) -> None:
    """The answer of `tgon threshold` for people: first the R to quote, then what else is known of it."""
    click.echo(
        f"\nT = {answer['T']}, n = {answer['n']}, sparsity = {answer['sparsity']:g}: repeats R from which on training "
        f"loss is least with the point on a vertex of the pentagon, in place of a feature\n{quoted(answer)}"
    )
    print_table(
        "Other numbers",
        ["", "R", "range", "of what", "status"],
        _others(answer),
        text=["", "range", "of what", "status"],
    )
    click.echo(
        f"A feature has the energy T/n = {shown(answer['equal_energy'])} on average, the fifth-strongest "
        f"{shown(answer['fifth_energy'])} T/n.\nIntervals are about draws; R also moves with how many features are "
        f"kept, here the {answer['features']} strongest (--features)."
    )
    if answer["undecided"]:
        click.echo(
            f"On {answer['undecided']} of {_draws(answer)} the losses do not cross in the range searched; the interval "
            "counts them, the range of draws leaves them out."
        )


def quoted(answer: Mapping[str, Any]) -> str:
    """The line with the R to quote: the median over draws with its interval, or what there is instead of one."""
    fitted, unit = answer["repeats_interval"], answer["equal_energy"]
    found, spread = fitted["median"], f"{100 * fitted['level']:g} % interval {_range(fitted)} for the median"
    if math.isnan(found):
        found, spread = answer["repeats"]["median"], "no interval, try more --draws"
    if math.isnan(found):
        return f"  none: the losses do not cross in the range searched ({_draws(answer)})"
    below = "\n  R below 1: a point that occurs once has its vertex already." if found < 1 else ""
    return (
        f"  R = {shown(found)} = {shown(found / unit, 3)} T/n (numerical; {spread}; {_draws(answer)}){below}"
    )


def _draws(answer: Mapping[str, Any]) -> str:
    return "1 draw" if answer["draws"] == 1 else f"{answer['draws']} draws"


def _others(answer: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a table says of R beside the number to quote; one draw has no range."""
    drawn, zero, stays = answer["repeats"], answer["zero_bias"], answer["metastable_until"]
    free, censored = answer["repeats_interval"]["order_statistics"], answer["metastable_censored"]
    ends = {name: at_least(shown(value), censored[name]) for name, value in stays.items()}
    longest = ends["least"] if ends["least"] == ends["greatest"] else f"{ends['least']} … {ends['greatest']}"
    deviation = {"low": zero["mean"] - zero["deviation"], "high": zero["mean"] + zero["deviation"]}
    coverage = f"interval for the median, {100 * free['coverage']:.1f} %"
    of_draws: list[tuple[Any, ...]] = [
        ("median of the draws themselves", drawn["median"], _range(drawn), "all draws", "numerical"),
        ("the same, no law assumed for draws", None, _range(free), coverage, "numerical"),
        ("point seen to stay out until, median", ends["median"], longest, "all draws", "numerical"),
    ]
    if answer["draws"] == 1:
        of_draws = [("point seen to stay out until", ends["median"], None, None, "numerical")]
    return [
        *of_draws,
        ("at zero bias, mean over draws", zero["mean"], _range(deviation), "± one deviation", "closed form"),
        ("at zero bias and equal energies, T/n", answer["equal_energy"], None, None, "theorem"),
    ]


def _range(ends: Mapping[str, float]) -> str:
    """The ends of an interval, or of draws."""
    low, high = ("low", "high") if "low" in ends else ("least", "greatest")
    return shown([ends[low], ends[high]])


def write_rows(answers: Iterable[Mapping[str, Any]], path: Path) -> None:
    """The answers as a table, six digits each; written whole or not at all."""
    from numerics.runs import write_atomically

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
