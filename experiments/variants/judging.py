"""Which traits of the standard model each variant keeps, by the numbers of its runs alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.findings import MEASURED, Finding, outcome_of
from experiments.following import STORED
from experiments.grouping import numbers, values_by
from numerics.other_models.variants import STANDARD, VARIANTS, Variant
from verify.statistics import lies_above

__all__ = ["STORED_ERROR", "Traits", "findings", "summary", "traits_of"]

#: Largest squared error of a stored datapoint; datapoints have squared length 1. Looser than for the standard model,
#: because the fourth power hardly pulls on small errors.
STORED_ERROR = 0.01
#: Hidden vectors of a regular polygon differ in length by less than this (standard deviation over mean).
EVEN_LENGTHS = 0.1

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a variant has.

    Attributes
    ----------
    bump : at its peak the test loss of every seed lies above every seed at both ends.
    recovered : every seed predicts better than the zero output at the largest T.
    polygons : most seeds store their datapoints as regular polygons, for some T.
    features : at the largest T the median of the largest D_f is at least `STORED`.
    sizes : at how many T it has runs that did not diverge.
    cells : its row of the summary.

    """

    bump: bool
    recovered: bool
    polygons: bool
    features: bool
    sizes: int
    cells: dict[str, str]


_SAID = {
    "bump": "Variants that have the bump",
    "recovered": "Variants that predict better than the zero output at the largest T",
    "polygons": "Variants that store their datapoints as regular polygons at some T",
    "features": f"Variants that end with features of D_f at least {STORED}",
}


def summary(tables: Tables) -> pd.DataFrame:
    """A row per variant: what it stores, how, its test losses and largest D_f, and its traits."""
    return pd.DataFrame([{"variant": name} | traits.cells for name, traits in _found(tables).items()]).fillna(
        "–"
    )


def findings(tables: Tables) -> list[Finding]:
    """Whether double descent is found where the second replication reports it, and how many variants have a trait."""
    traits, trained = _found(tables), tables["trained"]
    reported = [each for each in VARIANTS if not each.untied]
    losses = [each for each in reported if not each.hidden_relu and each != STANDARD]
    closed = [each for each in reported if each.hidden_relu]
    relu = trained[trained["variant"].str.contains("ReLU")]
    dead, diverged = int((relu["dead_hidden_units"] > 0).sum()), int(trained["diverged"].sum())
    return [
        _double_descent("There is double descent with other losses (Hobbhahn)", losses, traits),
        _double_descent("There is double descent with a ReLU between the layers (Hobbhahn)", closed, traits),
        *(
            Finding(
                said,
                MEASURED,
                "variants",
                sum(getattr(each, trait) for each in traits.values()),
                n=len(traits),
            )
            for trait, said in _SAID.items()
        ),
        Finding(
            "Runs with a ReLU on h that end with a unit closed to all data",
            MEASURED,
            "runs",
            dead,
            n=len(relu),
        ),
        Finding("Runs that diverged and are left out", MEASURED, "runs", diverged, n=len(trained)),
    ]


def _double_descent(said: str, variants: Sequence[Variant], traits: dict[str, Traits]) -> Finding:
    """Of these variants those with the bump and a loss below the zero output's after it."""
    judged = [traits[each.name] for each in variants if each.name in traits]
    having = sum(each.bump and each.recovered for each in judged)
    several = all(each.sizes > 2 for each in traits.values())
    names = "; ".join(each.name for each in variants)
    return Finding(
        said, outcome_of(having, several * len(judged)), "variants with it", having, n=len(judged), at=names
    )


def _found(tables: Tables) -> dict[str, Traits]:
    return {str(name): traits_of(rows) for name, rows in tables["trained"].groupby("variant", sort=False)}


def traits_of(rows: pd.DataFrame) -> Traits:
    """The traits of one variant from the rows of its runs."""
    finished = rows[~rows["diverged"].astype(bool)]
    if finished.empty:
        return Traits(False, False, False, False, 3, {"all seeds store T points at T =": "all diverged"})
    stored = finished.assign(value=finished["worst_point_error"] <= STORED_ERROR)
    good = stored[stored["value"]]
    regular = values_by(good.assign(value=_is_regular(good)), "T", "value") if len(good) else {}
    losses = values_by(finished, "T", "test_loss")
    peak = max(losses, key=lambda T: float(np.median(losses[T])))
    first, last = losses[min(losses)], losses[max(losses)]
    features = values_by(finished, "T", "largest_feature_dimensionality")[max(losses)]
    everywhere = [str(T) for T, each in values_by(stored, "T", "value").items() if all(each)]
    shapes = [f"{int(sum(each))}/{len(each)} at {T}" for T, each in regular.items()]
    cells = {
        "all seeds store T points at T =": ", ".join(everywhere) or "none",
        "regular polygons": ", ".join(shapes) or "–",
        "spread of lengths": f"{float(np.median(good['length_spread'])):.2g}" if len(good) else "–",
        "largest test loss": f"{_span(losses[peak])} at T = {peak}",
        "at both ends": f"{_span(first)}; {_span(last)}",
        "largest D_f": _span(features),
    }
    has = {
        "bump": lies_above(losses[peak], [*first, *last]),
        "recovered": max(last) < 1,
        "polygons": any(sum(each) > len(rows[rows["T"] == T]) / 2 for T, each in regular.items()),
        "features": float(np.median(features)) >= STORED,
    }
    cells["has"] = ", ".join(trait for trait, true in has.items() if true) or "–"
    return Traits(**has, sizes=len(losses), cells=cells)


def _is_regular(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Even lengths, and angular gaps nearer to those of T corners than of T + 1 corners with one left out.

    The latter stray by √(T − 1)/(T + 1) from 2π/T (root mean square, in units of 2π/T); half of that is the bound.
    """
    T = numbers(rows, "T")
    even = numbers(rows, "gap_deviation") < np.sqrt(T - 1) / (T + 1) / 2
    return np.asarray(even & (numbers(rows, "length_spread") < EVEN_LENGTHS))


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
