"""Where models that store points have the least train loss, and where training finds them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from experiments.findings import MEASURED, Finding, Outcome
from experiments.following import STORED
from experiments.grouping import numbers, values_by

__all__ = ["PACKING", "findings", "least", "summary"]

#: The name of the constructed model that stores disjoint datapoints.
PACKING = "packing"

#: T up to which models that store points are published to have the least train loss, at n = 10 000, and the factor
#: within which a crossing agrees with it.
PUBLISHED_END, NEAR = 500_000, 2

#: What is published.
END = "Storing points has the least train loss up to T = 5·10⁵ (July 2023)"

Tables = dict[str, pd.DataFrame]
Row = Mapping[Hashable, Any]


def least(models: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """The row of least train loss of each T and data seed among those of these kinds: random, features, trained,
    start.
    """
    rows = models
    if "features" in wanted:
        rows = rows[(rows["largest_feature_dimensionality"] >= STORED) == wanted["features"]]
    if wanted.get("random"):
        rows = rows[rows["start"].isin(["xavier", "xavier-uniform"])]
    if "trained" in wanted:
        rows = rows[(rows["steps"] > 0) == wanted["trained"]]
    if "start" in wanted:
        rows = rows[rows["start"] == wanted["start"]]
    return rows.loc[rows.groupby(["T", "data_seed"])["train_loss"].idxmin()]


def summary(tables: Tables) -> pd.DataFrame:
    """For each T the least train losses of several kinds of models, means over data seeds."""
    pentagon = _pentagon(tables)
    return pd.DataFrame([_line(T, rows, pentagon) for T, rows in tables["models"].groupby("T")])


def _pentagon(tables: Tables) -> float:
    """The train loss of a pentagon on infinite data, at the n of the runs."""
    return float(tables["levels"].set_index("level")["value"]["pentagon"])


def _line(T: Hashable, rows: pd.DataFrame, pentagon: float) -> dict[str, str]:
    random, packed = least(rows, random=True), least(rows, start=PACKING)
    best = least(rows) if (rows["steps"] > 0).any() else rows.iloc[:0]  # a packing alone is no envelope
    memorizing = rows[rows["start"] == "memorizing"]["start_loss"]
    return {
        "T": str(T),
        "least train loss": _mean(best),
        "found from": "; ".join(sorted(set(map(_way, best.to_dict("records"))))) or "–",
        "stores": _stores(best),
        "random start": _mean(random),
        "it stores": _stores(random),
        "with features": _mean(least(rows, features=True, trained=True)),
        "packing": _mean(packed),
        "its K": " and ".join(map(str, sorted(set(packed["stored"])))) or "–",
        "less loss": _better(rows, pentagon),
        "memorizing start, untrained": f"{memorizing.max():.3g}" if len(memorizing) else "–",
    }


def _way(row: Row) -> str:
    return (
        str(row["start"]) if row["steps"] == 0 else f"{row['start']}, lr {row['lr']:g}, {row['steps']} steps"
    )


def _mean(rows: pd.DataFrame) -> str:
    return f"{numbers(rows, 'train_loss').mean():.5g}" if len(rows) else "–"


def _stores(rows: pd.DataFrame) -> str:
    has = set(rows["largest_feature_dimensionality"] >= STORED)
    return "–" if not has else "either" if len(has) > 1 else "features" if has == {True} else "points"


def _better(rows: pd.DataFrame, pentagon: float) -> str:
    """Whether storing points or features has less train loss at one T, on every data seed.

    Where nothing was trained, features stand for a pentagon on infinite data.
    """
    points, features = (numbers(least(rows, features=kind), "train_loss") for kind in (False, True))
    if not (rows["steps"] > 0).any():
        return "features" if len(points) and points.min() > pentagon else "–"
    if not len(points) or not len(features):
        return "–"
    return (
        "points"
        if points.max() < features.min()
        else "features"
        if features.max() < points.min()
        else "level"
    )


def findings(tables: Tables) -> list[Finding]:
    """Where storing points stops being better at the published n and here, and where training stops finding it."""
    return [
        _at_published_size(tables["published_size"]),
        _here(tables["models"], _pentagon(tables)),
        *_found(tables["models"]),
        *_starts(tables["models"]),
    ]


def _at_published_size(packed: pd.DataFrame) -> Finding:
    """Up to which T packings lose less than a pentagon at the published n, where no model is trained."""
    pentagon, losses = float(packed["pentagon"].iloc[0]), values_by(packed, "T", "train_loss")
    last = max((T for T, each in losses.items() if max(each) < pentagon), default=0)
    first = min((T for T, each in losses.items() if last < T and min(each) > pentagon), default=math.inf)
    outcome: Outcome = "agrees"
    if not last or first * NEAR < PUBLISHED_END or last > NEAR * PUBLISHED_END:
        outcome = "differs"
    elif math.isinf(first) and last < PUBLISHED_END:
        outcome = "not tested"
    quantity = "largest T with packings below a pentagon's loss, to the first with none"
    return Finding(END, outcome, quantity, last, last, first, n=packed["data_seed"].nunique(), at="n = 10000")


def _here(models: pd.DataFrame, pentagon: float) -> Finding:
    better = {int(str(T)): _better(rows, pentagon) for T, rows in models.groupby("T")}
    return _last_place("Where models that store points have less train loss than the best with features", models,
                       [T for T, kind in better.items() if kind == "points"],
                       [T for T, kind in better.items() if kind == "features"])  # fmt: skip


def _last_place(said: str, models: pd.DataFrame, there: Sequence[int], gone: Sequence[int]) -> Finding:
    """The largest T where something holds on every data seed, and the first after it where its contrary does."""
    last = max(there, default=math.nan)
    first = min((T for T in gone if not there or last < T), default=math.inf)
    quantity = "largest T, to the first with the contrary"
    return Finding(said, MEASURED, quantity, last, last, first, n=models["data_seed"].nunique())


def _found(models: pd.DataFrame) -> list[Finding]:
    """Up to which T the best random starts store points, and at how many T they miss the least loss found at all."""
    random = least(models, random=True)
    kinds = {int(str(T)): _stores(rows) for T, rows in random.groupby("T")}
    missed = sum(
        numbers(rows, "train_loss").min() > numbers(least(models[models["T"] == T]), "train_loss").max()
        for T, rows in random.groupby("T")
    )
    return [
        _last_place("Where the best random starts store points", models,
                    [T for T, kind in kinds.items() if kind == "points"],
                    [T for T, kind in kinds.items() if kind == "features"]),
        Finding("Sizes at which every random start misses the least train loss", MEASURED, "values of T", missed,
                n=len(kinds)),
    ]  # fmt: skip


def _starts(models: pd.DataFrame) -> list[Finding]:
    """What the polygonal starts save at the largest T trained, beside the random ones that store features."""
    T = models.loc[models["steps"] > 0, "T"].max()
    kinds: dict[str, dict[str, object]] = {
        "pentagon start": {"start": "pentagon"},
        "hexagon start": {"start": "hexagon"},
        "random starts with features": {"random": True, "features": True},
    }
    saved = {
        name: 1 - numbers(least(models[models["T"] == T], **kind), "train_loss")
        for name, kind in kinds.items()
    }
    return [
        Finding(
            "What models save of the zero output's loss at the largest T trained", MEASURED,
            "1 − train loss, mean and range over data seeds", each.mean(), each.min(), each.max(), n=len(each),
            at=f"{name}, T = {T}",
        )
        for name, each in saved.items() if len(each)
    ]  # fmt: skip
