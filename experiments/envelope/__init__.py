"""Experiment ``envelope``: the least train loss that random and constructed starts end in, against T. The authors'
update of July 2023 to Henighan et al. calls the middle regime a failure of optimization: models that store datapoints
keep the lowest train loss up to about 5·10^5 points at n = 10 000. Beside it: runs from random, memorizing and
polygonal starts, and packings, as constructed and after training. A model *stores features* where the largest D_f is at
least `experiments.following.STORED`, else points.

A packing memorizes some of the datapoints, however many there are: K of them without a common feature, exactly, by
the code of `memorization.reduction` on the K-gon of `memorization.tgon-radius`, other columns and biases 0. A datapoint
that shares weight s with one of them alone has output at most s r + 1 − r, r = 1/(1 − cos(2π/K)): nothing unless s >
cos(2π/K). So the train loss is near 1 − K/T at any T: an upper bound on the least train loss, without an assumption.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.axes import add_seen, empty
from experiments.dataset_size import pentagon_loss
from experiments.findings import Finding, Outcome, Tables, measured
from experiments.following import STORED
from experiments.grouping import level_table, levels_of
from numerics import Dataset, Run, draw_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.training.obtaining import train_one
from theory import Setting
from theory.arrays import Floats
from theory.dimensionality import dimensionality
from theory.memorization.overlap import first_overlap_scale
from theory.memorization.tgon import tgon_bias_coefficient, tgon_hidden
from verify.statistics import Interval
from verify.style import BLUE, DECAY_COLOURS, GREEN, GREY, INK, VERMILLION

#: A datapoint is stored where its squared error is below half of what leaving it out costs.
STORED_ERROR = 0.5
#: Further T for it, in units of the largest T that is trained.
FURTHER = (2, 3, 5, 10, 30)
#: T of the packings at the published n, about the published end of their advantage, and datasets of each.
PUBLISHED_SIZES, DATASETS = (100_000, 200_000, 300_000, 400_000, 500_000), 2

#: The name of the constructed model that stores disjoint datapoints.
PACKING = "packing"
#: Datapoints with fewer features than these are passed over, in turn: a store of few features is crowded by points that
#: have little else.
FEWEST = (1, 2, 3, 4, 5, 6, 8)

#: T up to which models that store points are published to have the least train loss, at n = 10 000, and the factor
#: within which a crossing agrees with it.
PUBLISHED_END, NEAR = 500_000, 2

END = "Storing points has the least train loss up to T = 5·10⁵ (July 2023)"


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``models`` (runs, and packings as constructed and trained), ``levels``, ``published_size``."""
    rows = [_of_run(run, run.setting.start) for run in runs]
    table = pd.DataFrame([run.setting.as_dict() for run in runs])
    steps, largest = int(table["steps"].mode()[0]), int(table["T"].max())
    firsts = table.drop_duplicates(["T", "data_seed"]).index
    for setting in (runs[place].setting.replace(start="xavier", steps=steps) for place in firsts):
        row, data, model = _of_packing(setting)
        rows.append(row)
        if setting.m == 2:
            rows.append(_of_run(train_one(setting, data=data, start=model), f"{PACKING}, trained"))
        if largest == setting.T:
            rows += [_of_packing(setting.replace(T=largest * factor))[0] for factor in FURTHER]
    models = pd.DataFrame(rows).sort_values(["T", "data_seed"], kind="stable")
    n, S = runs[0].setting.n, runs[0].setting.sparsity
    levels = level_table(
        n=n, density=1 - S, pentagon=pentagon_loss(n, S), first_overlap=first_overlap_scale(n, S)
    )
    return {"models": models, "levels": levels, "published_size": packed_at_published_size()}


def packed_at_published_size() -> pd.DataFrame:
    """Packings as constructed at the published n and sparsity, beside the train loss of a pentagon at T → ∞."""
    rows = []
    for T, data_seed in itertools.product(PUBLISHED_SIZES, range(DATASETS)):
        setting = Setting(T=T, data_seed=data_seed)
        stored, loss, _ = best_packing(draw_dataset(setting))
        rows.append((setting.n, T, data_seed, stored, loss, pentagon_loss(setting.n, setting.sparsity)))
    return pd.DataFrame(rows, columns=["n", "T", "data_seed", "stored", "train_loss", "pentagon"])


def disjoint_points(data: Dataset, fewest: int = 1) -> NDArray[np.int64]:
    """Datapoints with at least that many features, no two of which share one, small ones first; none can be added.

    >>> disjoint_points(Dataset.from_dense([[0.6, 1.0, 0.0], [0.8, 0.0, 1.0]])).tolist()
    [1, 2]
    """
    taken = np.zeros(data.n, dtype=np.bool_)
    chosen = []
    for t in np.argsort(np.diff(data.indptr), kind="stable"):
        features = data.indices[data.indptr[t] : data.indptr[t + 1]]
        if len(features) >= fewest and not taken[features].any():
            taken[features] = True
            chosen.append(int(t))
    return np.array(chosen, dtype=np.int64)


def packing(data: Dataset, points: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(W, b), (2, n) and (n,), that store these disjoint datapoints on a regular polygon; exact on them."""
    X, hidden = data.sparse()[:, points], tgon_hidden(len(points))
    b = float(tgon_bias_coefficient(len(points))) * X.sum(axis=1)
    return np.asarray((X @ hidden.T).T, dtype=np.float64), np.asarray(b, dtype=np.float64)


def best_packing(data: Dataset) -> tuple[int, float, tuple[Floats, Floats]]:
    """K, train loss and (W, b) of the best packing: over `FEWEST`, with all, 4/5, 16/25, … of the disjoint points."""
    zero: tuple[Floats, Floats] = np.zeros((2, data.n)), np.zeros(data.n)
    best = (0, 1.0, zero)
    for fewest in FEWEST:
        points = disjoint_points(data, fewest)
        # no packing of so many can lose less than what it leaves out
        while len(points) and 1 - len(points) / data.T < best[1]:
            model = packing(data, points)
            loss = float(point_errors(*model, data).mean())
            if loss < best[1]:
                best = len(points), loss, model
            points = points[: len(points) * 4 // 5]
    return best


def _row(
    setting: Setting, start: str, losses: tuple[float, float], model: Any, data: Dataset
) -> dict[str, Any]:
    W, b = (part.astype(np.float64) for part in model)
    return {
        **{name: getattr(setting, name) for name in ("T", "data_seed")},
        "start": start,
        **{name: getattr(setting, name) for name in ("lr", "steps")},
        **dict(zip(("start_loss", "train_loss"), losses, strict=True)),
        "stored": int(np.sum(point_errors(W, b, data) < STORED_ERROR)),
        "largest_feature_dimensionality": float(dimensionality(W).max()),
        "weight_norm": float(np.linalg.norm(W)),
    }


def _of_run(run: Run, start: str) -> dict[str, Any]:
    losses = float(run.history_loss[0]), run.record.train_loss
    return _row(run.setting, start, losses, (run.W, run.b), run.data)


def _of_packing(setting: Setting) -> tuple[dict[str, Any], Dataset, Any]:
    data = draw_dataset(setting)
    _, loss, model = best_packing(data)
    return _row(setting, PACKING, (loss, loss), model, data) | {"lr": 0.0, "steps": 0}, data, model


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
        "random starts with features": random & features,
        **{start: models["start"] == start for start in (PACKING, "memorizing", "pentagon", "hexagon")},
    }
    return {name: least(models[chosen]) for name, chosen in kinds.items()}


def summary(tables: Tables) -> pd.DataFrame:
    """For each T the least train losses of several kinds of models, means over data seeds."""
    models, kinds = tables["models"], _kinds(tables["models"])
    best = least(models[models.groupby("T")["steps"].transform("any")])  # a packing alone is no envelope
    ways = best["start"] + [
        f", lr {lr:g}, {steps} steps" if steps else ""
        for lr, steps in zip(best["lr"], best["steps"], strict=True)
    ]
    stored = kinds[PACKING].groupby("T")["stored"].unique()
    untrained = kinds["memorizing"].groupby("T")["start_loss"].max()
    table = pd.DataFrame(
        {
            "least train loss": _mean(best),
            "found from": ways.groupby(best["T"]).agg(lambda each: "; ".join(sorted(set(each)))),
            "stores": _stores(best),
            "random start": _mean(kinds["random"]),
            "it stores": _stores(kinds["random"]),
            "with features": _mean(kinds["features, trained"]),
            "packing": _mean(kinds[PACKING]),
            "its K": stored.map(lambda each: " and ".join(map(str, sorted(each)))),
            "less loss": _better(models, levels_of(tables)["pentagon"]),
            "memorizing start, untrained": untrained.map("{:.3g}".format),
        }
    )
    return table.astype(object).fillna("–").set_index(table.index.astype(str)).reset_index(names="T")


def _mean(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby("T")["train_loss"].mean().map("{:.5g}".format)


def _stores(rows: pd.DataFrame) -> pd.Series:
    """What the models of each T store."""
    features = (rows["largest_feature_dimensionality"] >= STORED).groupby(rows["T"]).mean()
    return features.map(lambda share: {0: "points", 1: "features"}.get(share, "either"))


def _better(models: pd.DataFrame, pentagon: float) -> pd.Series:
    """What has less train loss at each T on every data seed; untrained, features are a pentagon at T = ∞."""
    kinds, trained = _kinds(models), models.groupby("T")["steps"].any()
    points, features = (
        kinds[kind].groupby("T")["train_loss"].agg(["min", "max"]).reindex(trained.index)
        for kind in ("points", "features")
    )
    cases = {
        "points": trained & (points["max"] < features["min"]),
        "features": (trained & (features["max"] < points["min"])) | (~trained & (points["min"] > pentagon)),
        "–": ~trained | points["min"].isna() | features["min"].isna(),
    }
    return pd.Series(np.select([*cases.values()], [*cases], "level"), index=trained.index)


def findings(tables: Tables) -> list[Finding]:
    """Where storing points stops being better at the published n and here, and where training stops finding it."""
    models = tables["models"]
    random, least_found = _kinds(models)["random"], least(models).groupby("T")["train_loss"].max()
    losses = random.groupby("T")["train_loss"].min()
    missed = losses > least_found[losses.index]
    here = "Where models that store points have less train loss than the best with features"
    misses = "Sizes at which every random start misses the least train loss"
    return [
        _at_published_size(tables["published_size"]),
        _last(here, _better(models, levels_of(tables)["pentagon"]), models),
        _last("Where the best random starts store points", _stores(random), models),
        measured(misses, "values of T", int(missed.sum()), len(missed)),
        *_starts(models),
    ]


def _at_published_size(packed: pd.DataFrame) -> Finding:
    """Up to which T packings lose less than a pentagon at the published n, where no model is trained."""
    pentagon, losses = packed["pentagon"].iloc[0], packed.groupby("T")["train_loss"].agg(["min", "max"])
    cases = {"points": losses["max"] < pentagon, "features": losses["min"] > pentagon}
    last, first = _ends(pd.Series(np.select([*cases.values()], [*cases], "level"), losses.index))
    outcome: Outcome = "agrees"
    if not last or first * NEAR < PUBLISHED_END or last > NEAR * PUBLISHED_END:
        outcome = "differs"
    elif math.isinf(first) and last < PUBLISHED_END:
        outcome = "not tested"
    quantity = "largest T with packings below a pentagon's loss, to the first with none"
    return Finding(END, outcome, quantity, last, last, first, n=packed["data_seed"].nunique(), at="n = 10000")


def _ends(kinds: pd.Series) -> tuple[float, float]:
    """The largest T of kind "points", 0 if none, and the first after it of kind "features", ∞ if none."""
    sizes = np.asarray(kinds.index, dtype=np.float64)
    last = sizes[kinds == "points"].max(initial=0)
    return float(last), float(sizes[(kinds == "features") & (sizes > last)].min(initial=math.inf))


def _last(said: str, kinds: pd.Series, models: pd.DataFrame) -> Finding:
    last, first = _ends(kinds)
    ends = Interval(last or math.nan, last or math.nan, first)
    return measured(said, "largest T, to the first with the contrary", ends, models["data_seed"].nunique())


def _starts(models: pd.DataFrame) -> list[Finding]:
    """What the polygonal starts save at the largest T trained, beside the random ones that store features."""
    T = models.loc[models["steps"] > 0, "T"].max()
    kinds = _kinds(models[models["T"] == T])
    said = "What models save of the zero output's loss at the largest T trained"
    quantity = "1 − train loss, mean and range over data seeds"
    starts = ("pentagon", "hexagon", "random starts with features")
    saved = {f"from {name}, T = {T}": 1 - kinds[name]["train_loss"] for name in starts}
    return [
        measured(said, quantity, Interval(each.mean(), each.min(), each.max()), len(each), at)
        for at, each in saved.items()
        if len(each)
    ]


#: Label, colour, marker of each start.
_STARTS = {
    "xavier": ("random start", BLUE, "o"),
    "memorizing": ("memorizing start", DECAY_COLOURS[2], "v"),
    "pentagon": ("pentagon start", GREEN, "p"),
    "hexagon": ("hexagon start", DECAY_COLOURS[1], "h"),
    "packing": ("packing of K points, as constructed", VERMILLION, "D"),
    "packing, trained": ("packing, trained", VERMILLION, "x"),
}


def draw(tables: Tables) -> Figure:
    """What models save of the zero output's loss, against T: all of them, and the most that any saves."""
    models, level = tables["models"], levels_of(tables)
    figure = empty(9.6, 7.4)
    ax = figure.subplots()
    saving = models[models["train_loss"] < 1]
    for start, (label, colour, marker) in _STARTS.items():
        rows = saving[saving["start"] == start]
        saved = 1 - rows["train_loss"]
        ax.plot(rows["T"], saved, marker, color=colour, mfc="none", ms=7, mew=1.4, label=label)
    trained = models.loc[models["steps"] > 0, "T"].max()
    least = 1 - float(saving["train_loss"].max())
    for places, style, label in (
        (saving["T"] <= trained, "-", "most saved by any, where models were trained"),
        (saving["start"] == "xavier", "--", "most saved from random starts"),
    ):
        saved = 1 - saving[places].groupby("T")["train_loss"].min()
        ax.plot(saved, style, color=INK, lw=1.3, label=label, zorder=0)
    pentagon = 1 - level["pentagon"]
    ax.axhline(pentagon, color=GREY, ls=":", lw=1.6, label="pentagon, T → ∞ [generalization.bias-only]")
    ax.set(xscale="log", yscale="log", xlabel="datapoints T", ylabel="1 − train loss")
    ax.set_ylim(min(pentagon / 6, 0.7 * least), 1.3)
    ax.xaxis.set_major_formatter("{x:.0f}")
    add_seen(ax, level["density"])
    figure.legend(loc="outside lower center", ncols=2, fontsize=11)
    return figure
