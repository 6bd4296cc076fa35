"""Where models that store points have the least train loss, and where training finds them."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from experiments.findings import Finding, Outcome, Tables, measured
from experiments.following import STORED
from experiments.grouping import parts, values_by
from verify.statistics import Interval

#: Random starts that end storing features.
RANDOM = "random starts with features"

#: The name of the constructed model that stores disjoint datapoints.
PACKING = "packing"

#: T up to which models that store points are published to have the least train loss, at n = 10 000, and the factor
#: within which a crossing agrees with it.
PUBLISHED_END, NEAR = 500_000, 2

#: What is published.
END = "Storing points has the least train loss up to T = 5·10⁵ (July 2023)"
Row = Mapping[Hashable, Any]


def least(rows: pd.DataFrame) -> pd.DataFrame:
    """The row of least train loss of each T and data seed."""
    return rows.loc[rows.groupby(["T", "data_seed"])["train_loss"].idxmin()]


def _kinds(models: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The least losses of several kinds of models."""
    features = models["largest_feature_dimensionality"] >= STORED
    random = models["start"].isin(["xavier", "xavier-uniform"])
    kinds = {
        "points": ~features,
        "features": features,
        "random": random,
        "features, trained": features & (models["steps"] > 0),
        RANDOM: random & features,
        **{start: models["start"] == start for start in (PACKING, "memorizing", "pentagon", "hexagon")},
    }
    return {name: least(models[chosen]) for name, chosen in kinds.items()}


def summary(tables: Tables) -> pd.DataFrame:
    """For each T the least train losses of several kinds of models, means over data seeds."""
    level = tables["levels"].set_index("level")["value"]
    return pd.DataFrame([_line(T, rows, level["pentagon"]) for T, rows in parts(tables["models"], "T")])


def _line(T: int, rows: pd.DataFrame, pentagon: float) -> dict[str, str]:
    kinds = _kinds(rows)
    best = least(rows) if (rows["steps"] > 0).any() else rows.iloc[:0]  # a packing alone is no envelope
    memorizing = kinds["memorizing"]["start_loss"]
    return {
        "T": str(T),
        "least train loss": _mean(best),
        "found from": "; ".join(sorted(set(map(_way, best.to_dict("records"))))) or "–",
        "stores": _stores(best),
        "random start": _mean(kinds["random"]),
        "it stores": _stores(kinds["random"]),
        "with features": _mean(kinds["features, trained"]),
        "packing": _mean(kinds[PACKING]),
        "its K": " and ".join(map(str, sorted(set(kinds[PACKING]["stored"])))) or "–",
        "less loss": _better(rows, pentagon),
        "memorizing start, untrained": f"{memorizing.max():.3g}" if len(memorizing) else "–",
    }


def _way(row: Row) -> str:
    return f"{row['start']}, lr {row['lr']:g}, {row['steps']} steps" if row["steps"] else str(row["start"])


def _mean(rows: pd.DataFrame) -> str:
    return f"{rows['train_loss'].mean():.5g}" if len(rows) else "–"


def _stores(rows: pd.DataFrame) -> str:
    has = set(rows["largest_feature_dimensionality"] >= STORED)
    return "–" if not has else "either" if len(has) > 1 else "features" if has == {True} else "points"


def _better(rows: pd.DataFrame, pentagon: float) -> str:
    """Whether storing points or features has less train loss at one T, on every data seed.

    Where nothing was trained, features stand for a pentagon on infinite data.
    """
    kinds = _kinds(rows)
    points, features = (kinds[kind]["train_loss"] for kind in ("points", "features"))
    if not (rows["steps"] > 0).any():
        return "features" if points.min() > pentagon else "–"
    below, above = points.max() < features.min(), features.max() < points.min()
    either = len(points) and len(features)
    return "–" if not either else "points" if below else "features" if above else "level"


def findings(tables: Tables) -> list[Finding]:
    """Where storing points stops being better at the published n and here, and where training stops finding it."""
    models, pentagon = tables["models"], tables["levels"].set_index("level")["value"]["pentagon"]
    random = _kinds(models)["random"]
    better = {T: _better(rows, pentagon) for T, rows in parts(models, "T")}
    stored = {T: _stores(rows) for T, rows in parts(random, "T")}
    least_found = least(models).groupby("T")["train_loss"].max()
    missed = random.groupby("T")["train_loss"].min().gt(least_found).loc[list(stored)]
    here = "Where models that store points have less train loss than the best with features"
    misses = "Sizes at which every random start misses the least train loss"
    return [
        _at_published_size(tables["published_size"]),
        _last(here, better, models),
        _last("Where the best random starts store points", stored, models),
        measured(misses, "values of T", int(missed.sum()), len(missed)),
        *_starts(models),
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


def _last(said: str, kinds: Mapping[int, str], models: pd.DataFrame) -> Finding:
    """The largest T of kind "points", on every data seed, and the first after it of kind "features"."""
    last = max((T for T, kind in kinds.items() if kind == "points"), default=math.nan)
    first = min((T for T, kind in kinds.items() if kind == "features" and not last >= T), default=math.inf)
    quantity = "largest T, to the first with the contrary"
    return measured(said, quantity, Interval(last, last, first), models["data_seed"].nunique())


def _starts(models: pd.DataFrame) -> list[Finding]:
    """What the polygonal starts save at the largest T trained, beside the random ones that store features."""
    T = models.loc[models["steps"] > 0, "T"].max()
    kinds = _kinds(models[models["T"] == T])
    said = "What models save of the zero output's loss at the largest T trained"
    quantity = "1 − train loss, mean and range over data seeds"
    saved = {name: 1 - kinds[name]["train_loss"] for name in ("pentagon", "hexagon", RANDOM)}
    return [
        measured(
            said, quantity, Interval(each.mean(), each.min(), each.max()), len(each), f"from {name}, T = {T}"
        )
        for name, each in saved.items()
        if len(each)
    ]
