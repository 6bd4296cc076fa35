"""Thresholds of repeated data over draws, as one record: for the command line and for a table on disk. R is a number
of repeats, T/n its natural unit. The interval is for the median over draws (`repetition.boundary`).
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from numerics.repetition import Transition
from theory.repetition.logistic_boundary import fit_boundary, median_interval
from theory.repetition.threshold import zero_bias_threshold

#: Features that the model of an experiment keeps.
FEATURES = 120

#: The columns of the table whose names are not where they stand in a summary.
_COLUMNS = {
    "repeats.median": "median_repeats",
    "repeats.least": "least_repeats",
    "repeats.greatest": "greatest_repeats",
    "repeats_interval.median": "boundary",
    "repeats_interval.low": "low",
    "repeats_interval.high": "high",
    "repeats_interval.level": "level",
    "metastable_until.median": "metastable_until",
    "metastable_censored.median": "metastable_censored",
    "zero_bias.mean": "zero_bias",
    "zero_bias.deviation": "zero_bias_deviation",
}
_SIZE = ["T", "n", "sparsity", "features", "draws", "undecided", "equal_energy"]


def summary(T: int, n: int, sparsity: float, features: int, found: Sequence[Transition]) -> dict[str, Any]:
    """The answer of `tgon threshold`: what `numerics.repetition.find_transition` found on each draw, as R. NaN where a
    number does not exist: an interval needs two draws whose thresholds differ.
    """
    closed = zero_bias_threshold(T, n, sparsity)
    unit = closed.equal_energy
    between = [(one.between[0] * unit, one.between[1] * unit) for one in found]
    known = [low for low, high in between if low == high]
    cuts = [one.metastable_censored for one in found]
    metastable = [one.metastable_until * unit for one in found]
    stays = _spread(metastable)
    longest = _spread(math.inf if cut else R for R, cut in zip(metastable, cuts, strict=True))
    censored = {name: longest[name] > stay for name, stay in stays.items()}
    return {
        "repeats": _spread(known),
        "metastable_until": stays,
        "equal_energy": unit,
        "fifth_energy": closed.fifth_energy,
        "repeats_interval": _interval(between),
        "zero_bias": {"mean": closed.repeats, "deviation": closed.deviation * unit},
        "metastable_censored": censored | {"draws": sum(cuts)},
        "T": T,
        "n": n,
        "sparsity": sparsity,
        "features": features,
        "seeds": f"0:{len(between) - 1}",
        "draws": len(between),
        "undecided": len(between) - len(known),
    }


def _interval(between: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The boundary fitted at 95 %, and beside it the interval that assumes no law."""
    low, high = ([ends[side] for ends in between] for side in (0, 1))
    fitted = dict.fromkeys(("median", "low", "high", "scale"), math.nan)
    with suppress(ValueError):  # fewer than two thresholds that differ
        found = fit_boundary(low, high)
        fitted = {name: getattr(found, name) for name in fitted}
    free = median_interval(low, high)
    return {
        **fitted,
        "level": 0.95,
        "method": "logistic boundary in log R over draws, likelihood ratio",
        "order_statistics": {"low": free.low, "high": free.high, "coverage": free.coverage},
    }


def _spread(values: Iterable[float]) -> dict[str, float]:
    """Median and range; NaN where there is nothing."""
    numbers = sorted(values) or [math.nan]
    return {"median": statistics.median(numbers), "least": numbers[0], "greatest": numbers[-1]}


def write_rows(answers: Iterable[Mapping[str, Any]], path: Path) -> None:
    """The table of the answers, six digits each, 1 for what is true; written whole or not at all."""
    from numerics.training.runs import write_atomically

    table = pd.json_normalize(list(answers))[[*_SIZE, *_COLUMNS]].rename(columns=_COLUMNS)  # type: ignore[arg-type]
    table = table.astype({"metastable_censored": int})
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, float_format="%.6g", na_rep="nan", lineterminator="\n")
    write_atomically(path, text.encode())
