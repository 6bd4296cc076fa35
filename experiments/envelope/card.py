"""The page of experiment ``envelope``: a table of least train losses and sentences chosen by it.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import Finding, Outcome
from experiments.following import STORED
from experiments.grouping import listed, numbers, values_by
from theory.setting import MEMORIZED_ERROR

__all__ = ["PACKING", "describe", "sentences"]

#: The name of the constructed model that stores disjoint datapoints.
PACKING = "packing"

#: T up to which models that store points are published to have the least train loss, at n = 10 000, and the factor
#: within which a crossing agrees with it.
PUBLISHED_END, NEAR = 500_000, 2

#: What is published.
END = "Storing points has the least train loss up to T = 5·10⁵ (July 2023)"

Row = Mapping[Hashable, Any]


def describe(tables: dict[str, pd.DataFrame]) -> str:
    """Least train loss per T and where it comes from; where storing points stops being better, and being found."""
    models = tables["models"]
    head = (
        "| T | least train loss | found from | stores | least from a random start | stores | least with features "
        "| packing as constructed | its K |\n|---|---|---|---|---|---|---|---|---|"
    )
    sizes = [int(T) for T in np.unique(numbers(models, "T"))]
    lines = [_line(models[models["T"] == T], T) for T in sizes]
    return "\n".join([_HEAD, "", head, *lines, "", *(f"- {part}" for part in sentences(tables))])


def sentences(tables: dict[str, pd.DataFrame]) -> list[str | Finding]:
    """What the page says, with what it judges."""
    models = tables["models"]
    level = dict(zip(tables["levels"]["level"], tables["levels"]["value"], strict=True))
    sizes = [int(T) for T in np.unique(numbers(models, "T"))]
    return [
        _better(models, sizes, level),
        _at_published_size(tables["published_size"]),
        _found(models, sizes, level),
        _memorizing(models, level),
        _starts(models),
    ]


_HEAD = (
    f"Train losses are means over data seeds of the least over learning rates and steps; a model counts as storing "
    f"features where the largest D_f is at least {STORED}, *either* where data seeds differ in that. *Packing* stores "
    "K disjoint datapoints, found by a greedy search, on a regular K-gon and gives the others no output; as "
    "constructed it needs no training and bounds the least train loss from above. A dash: nothing was trained there."
)


def least(models: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """The row of least train loss of each data seed among those of these kinds: random, features, start."""
    rows = models
    if "features" in wanted:
        has = rows["largest_feature_dimensionality"] >= STORED
        rows = rows[has == wanted["features"]]
    if wanted.get("random"):
        rows = rows[rows["start"].isin(["xavier", "xavier-uniform"])]
    if "trained" in wanted:
        rows = rows[(rows["steps"] > 0) == wanted["trained"]]
    if "start" in wanted:
        rows = rows[rows["start"] == wanted["start"]]
    return rows.loc[rows.groupby(["T", "data_seed"])["train_loss"].idxmin()]


def _line(rows: pd.DataFrame, T: int) -> str:
    best, random, features = least(rows), least(rows, random=True), least(rows, features=True, trained=True)
    built = least(rows, start=PACKING)
    if not (rows["steps"] > 0).any():  # a packing alone is no envelope
        best = best.iloc[:0]
    ways = "; ".join(sorted(set(map(_way, best.to_dict("records")))))
    cells = [
        str(T), _mean(best), ways or "–", _stores(best),
        _mean(random), _stores(random), _mean(features), _mean(built),
        " and ".join(map(str, sorted(set(built["stored"])))) or "–",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _way(row: Row) -> str:
    return (
        str(row["start"]) if row["steps"] == 0 else f"{row['start']}, lr {row['lr']:g}, {row['steps']} steps"
    )


def _mean(rows: pd.DataFrame) -> str:
    return f"{numbers(rows, 'train_loss').mean():.5g}" if len(rows) else "–"


def _stores(rows: pd.DataFrame) -> str:
    has = set(rows["largest_feature_dimensionality"] >= STORED)
    return "–" if not has else "either" if len(has) > 1 else "features" if has == {True} else "points"


def _better(models: pd.DataFrame, sizes: Sequence[int], level: Mapping[str, float]) -> str:
    """At which T the least train loss belongs to models that store points, on every data seed."""
    wins: list[int] = []
    loses: list[int] = []
    level_with: list[int] = []
    without: list[int] = []
    for T in sizes:
        rows = models[models["T"] == T]
        points, features = (numbers(least(rows, features=kind), "train_loss") for kind in (False, True))
        if not (rows["steps"] > 0).any():
            if len(points) and points.min() > level["pentagon"]:
                loses.append(T)
        elif not len(features):
            without.append(T)
        elif len(points):
            below, above = points.max() < features.min(), features.max() < points.min()
            (wins if below else loses if above else level_with).append(T)
    if not wins:
        missing = f" No model tried stores features at T = {listed(without)}." if without else ""
        return f"**Nowhere do models that store points have less train loss** on every data seed.{missing}"
    last, after = max(wins), [T for T in loses if max(wins) < T]
    text = (
        f"**Models that store points have less train loss at T = {listed(wins)}** (T(1 − S) up to "
        f"{last * level['density']:.3g}) than the best that stores features, on every data seed"
    )
    for what, places in (("no model tried stores features", without), ("the losses overlap", level_with)):
        if before := [size for size in places if size < last]:
            text += f"; {what} at T = {listed(before)}"
    if not after:
        return f"{text}; where that ends is not seen in this range."
    open_sizes = [T for T in sizes if last < T < after[0]]
    below = [T for T in open_sizes if numbers(least(models[models["T"] == T], features=False), "train_loss").max()
             < level["pentagon"]]  # fmt: skip
    if below:
        text += f"; perhaps to T = {max(below)}, where packings are below a pentagon's loss and nothing was trained"
    return (
        f"{text}; not at T = {after[0]} (T(1 − S) = {after[0] * level['density']:.3g}), where none that was tried gets "
        f"below a pentagon's loss (without trained models there, {level['pentagon']:.5g} of infinite data)."
    )


def _at_published_size(packed: pd.DataFrame) -> Finding:
    """Up to which T packings lose less than a pentagon at the published n, where no model is trained."""
    n, pentagon = int(packed["n"].iloc[0]), float(packed["pentagon"].iloc[0])
    losses = values_by(packed, "T", "train_loss")
    stored = values_by(packed, "T", "stored")
    ahead = [T for T, each in losses.items() if max(each) < pentagon]
    behind = [T for T, each in losses.items() if min(each) > pentagon]
    last = max(ahead, default=0)
    first = min((T for T in behind if last < T), default=math.inf)
    outcome: Outcome = "agrees"
    if not ahead or first * NEAR < PUBLISHED_END or last > NEAR * PUBLISHED_END:
        outcome = "differs"
    elif math.isinf(first) and last < PUBLISHED_END:
        outcome = "not tested"
    ends = f"and behind it from T = {first}" if behind else "and nowhere behind it"
    counts = "; ".join(f"{listed(each)} at T = {T}" for T, each in stored.items())
    text = (
        f"At the published n = {n} packings alone, constructed and not trained, are ahead of a pentagon's loss of "
        f"infinite data, 1 − {1 - pentagon:.4g}, up to T = {listed(ahead[-1:]) or 'none'} on every dataset {ends} "
        f"(points stored: {counts}). Published (the authors' update of July 2023): ahead to T = 5·10⁵: {outcome}"
        f"{f', within a factor of {NEAR}' if outcome == 'agrees' else ''}. The search for packings is greedy, so that "
        "there may be better ones; a trained pentagon has somewhat less loss on finite data. Sizes of different n are "
        "not compared by T(1 − S) here: a packing saves about K/T with K growing as n does, a pentagon a constant "
        "over n."
    )
    return Finding(text, {END: outcome})


def _found(models: pd.DataFrame, sizes: Sequence[int], level: Mapping[str, float]) -> str:
    """Up to which T random starts end in models that store points; whether that is far below where these are best."""
    found = []
    for T in sizes:
        rows = least(models[models["T"] == T], random=True)
        if len(rows) and (rows["largest_feature_dimensionality"] < STORED).all():
            found.append(T)
    trained = [T for T in sizes if len(least(models[models["T"] == T], random=True))]
    if not found or not trained:
        return "No random start ends storing points."
    last = max(found)
    after = [
        T
        for T in trained
        if last < T
        and (least(models[models["T"] == T], random=True)["largest_feature_dimensionality"] >= STORED).all()
    ]
    missed = []
    for T in trained:
        rows = models[models["T"] == T]
        random = numbers(least(rows, random=True), "train_loss")
        if random.min() > numbers(least(rows), "train_loss").max():
            missed.append(T)
    text = f"The best random starts store points, on every data seed, up to T = {last}"
    text += f", and features from T = {after[0]} on." if after else "; nowhere do all store features."
    if missed:
        listed = ", ".join(map(str, missed))
        text += f" They miss the least train loss found at all, on every data seed, at T = {listed}."
    return text


def _memorizing(models: pd.DataFrame, level: Mapping[str, float]) -> str:
    rows = models[models["start"] == "memorizing"]
    if rows.empty:
        return "There are no runs from the memorizing start."
    worst = {T: max(each) for T, each in values_by(rows, "T", "start_loss").items()}
    exact = [T for T, loss in worst.items() if loss <= MEMORIZED_ERROR]
    broken = {T: loss for T, loss in worst.items() if loss > MEMORIZED_ERROR}
    text = (
        "The memorizing start is exact on orthonormal data only (first shared feature near T = "
        f"{level['first_overlap']:.3g}): "
    )
    text += f"here at T = {listed(exact)}" if exact else "here at no T"
    if broken:
        text += "; its loss before training is " + ", ".join(
            f"{loss:.3g} at T = {T}" for T, loss in broken.items()
        )
    return text + "."


def _starts(models: pd.DataFrame) -> str:
    """What the polygonal starts end as, against the random ones that store features."""
    parts = []
    for start in ("pentagon", "hexagon"):
        rows = models[models["start"] == start]
        T = rows["T"].max() if len(rows) else 0
        own, other = (numbers(least(models[models["T"] == T], **kind), "train_loss")
                      for kind in ({"start": start}, {"random": True, "features": True}))  # fmt: skip
        if len(own) and len(other):
            word = "below" if own.max() < other.min() else "above" if own.min() > other.max() else "beside"
            parts.append(
                f"from the {start}, {own.mean():.5g}, {word} the {other.mean():.5g} of random starts with features"
            )
    return (
        f"At the largest T trained, {T}: {'; '.join(parts)}." if parts else "No polygonal start to compare."
    )
