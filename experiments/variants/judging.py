"""Which traits of the standard model each variant keeps, by the numbers of its runs alone."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from experiments.findings import Finding, Tables, measured, outcome_of
from experiments.following import STORED
from experiments.grouping import values_by
from numerics.other_models.variants import STANDARD, VARIANTS
from verify.statistics import lies_above

#: Largest squared error of a stored datapoint; datapoints have squared length 1. Looser than for the standard model,
#: because the fourth power hardly pulls on small errors.
STORED_ERROR = 0.01
#: Hidden vectors of a regular polygon differ in length by less than this (standard deviation over mean).
EVEN_LENGTHS = 0.1

#: What a variant can have of the standard model, and what is said of it. The bump: at its peak the test loss of every
#: seed lies above every seed at both ends. Polygons: of most seeds. Features: the median over seeds.
TRAITS = {
    "bump": "Variants that have the bump",
    "recovered": "Variants that predict better than the zero output at the largest T, every seed",
    "polygons": "Variants that store their datapoints as regular polygons at some T",
    "features": f"Variants that end with features of D_f at least {STORED}",
}


def summary(tables: Tables) -> pd.DataFrame:
    """A row per variant: what it stores, how, its test losses and largest D_f, and its traits."""
    rows = [
        {"variant": name} | _cells(rows) | {"has": ", ".join(traits_of(rows)) or "–"}
        for name, rows in tables["trained"].groupby("variant", sort=False)
    ]
    return pd.DataFrame(rows).fillna("–")


def findings(tables: Tables) -> list[Finding]:
    """Whether double descent is found where the second replication reports it, and how many variants have a trait."""
    trained = tables["trained"]
    traits = {str(name): traits_of(rows) for name, rows in trained.groupby("variant", sort=False)}
    tied = [each for each in VARIANTS if not each.untied]
    losses = [each.name for each in tied if not each.hidden_relu and each != STANDARD]
    closed = [each.name for each in tied if each.hidden_relu]
    relu = trained[trained["variant"].str.contains("ReLU")]
    dead, diverged = int((relu["dead_hidden_units"] > 0).sum()), int(trained["diverged"].sum())
    judged = trained[~trained["diverged"].astype(bool)].groupby("variant")["T"].nunique().min() > 2
    having = {trait: sum(trait in each for each in traits.values()) for trait in TRAITS}
    return [
        _double_descent("with other losses", losses, traits, judged),
        _double_descent("with a ReLU between the layers", closed, traits, judged),
        *(measured(TRAITS[trait], "variants", count, len(traits)) for trait, count in having.items()),
        measured("Runs with a ReLU on h that end with a unit closed to all data", "runs", dead, len(relu)),
        measured("Runs that diverged and are left out", "runs", diverged, len(trained)),
    ]


def _double_descent(change: str, names: list[str], traits: Mapping[str, list[str]], judged: bool) -> Finding:
    """Of these variants those with the bump and a loss below the zero output's after it."""
    said = f"There is double descent {change} (Hobbhahn)"
    there = [name for name in names if name in traits]
    having = sum({"bump", "recovered"} <= set(traits[name]) for name in there)
    outcome = outcome_of(having, judged * len(there))
    return Finding(said, outcome, "variants with it", having, n=len(there), at="; ".join(names))


def _finished(rows: pd.DataFrame) -> pd.DataFrame:
    """Runs that did not diverge, with whether all points are stored, and these as a regular polygon."""
    finished = rows[~rows["diverged"].astype(bool)]
    stored = finished["worst_point_error"] <= STORED_ERROR
    return finished.assign(stored=stored, regular=stored & _is_regular(finished))


def traits_of(rows: pd.DataFrame) -> list[str]:
    """Which of `TRAITS` a variant has, from the rows of its runs, in their order."""
    finished = _finished(rows)
    if finished.empty:
        return []
    losses = values_by(finished, "T", "test_loss")
    peak = max(losses, key=lambda T: float(np.median(losses[T])))
    first, last = losses[min(losses)], losses[max(losses)]
    features = values_by(finished, "T", "largest_feature_dimensionality")[max(losses)]
    seeds = rows.groupby("T").size()
    has = {
        "bump": lies_above(losses[peak], [*first, *last]),
        "recovered": max(last) < 1,
        "polygons": (finished.groupby("T")["regular"].sum() > seeds / 2).any(),
        "features": np.median(features) >= STORED,
    }
    return [trait for trait in TRAITS if has[trait]]


def _cells(rows: pd.DataFrame) -> dict[str, str]:
    """What the summary shows of a variant, but its traits."""
    finished = _finished(rows)
    if finished.empty:
        return {"all seeds store T points at T =": "all diverged"}
    good, sizes = finished[finished["stored"]], finished.groupby("T")
    everywhere = [str(T) for T, all_stored in sizes["stored"].all().items() if all_stored]
    shapes = [f"{each.sum()}/{len(each)} at {T}" for T, each in good.groupby("T")["regular"]]
    peak = int(str(sizes["test_loss"].median().idxmax()))
    losses = {int(str(T)): _span(each) for T, each in sizes["test_loss"]}
    first, last = min(losses), max(losses)
    return {
        "all seeds store T points at T =": ", ".join(everywhere) or "none",
        "regular polygons": ", ".join(shapes) or "–",
        "spread of lengths": f"{good['length_spread'].median():.2g}" if len(good) else "–",
        "largest test loss": f"{losses[peak]} at T = {peak}",
        "at both ends": f"{losses[first]}; {losses[last]}",
        "largest D_f": _span(sizes["largest_feature_dimensionality"].get_group(last)),
    }


def _is_regular(rows: pd.DataFrame) -> pd.Series:
    """Even lengths, and angular gaps nearer to those of T corners than of T + 1 corners with one left out.

    The latter stray by √(T − 1)/(T + 1) from 2π/T (root mean square, in units of 2π/T); half of that is the bound.
    """
    T = rows["T"]
    even = rows["gap_deviation"] < np.sqrt(T - 1) / (T + 1) / 2
    return pd.Series(even & (rows["length_spread"] < EVEN_LENGTHS))


def _span(values: pd.Series) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"
