"""The tables of experiment ``digits``: networks trained here, and D* of toy models from the runs of the sweep.
D*·T/rank is D* in units of its mean, because all D* of a matrix add up to its rank (`dimensionality.leverage`); it is
at most T/rank, reached where an image has a direction of hidden space to itself. The environment variable TGON_MNIST
names a folder with the four MNIST files to train on in place of scikit-learn's digits.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.spatial import KDTree

from experiments.findings import Tables
from numerics import Run
from numerics.other_models.dense_network import Snapshot, TrainingPlan, train_classifier
from numerics.other_models.digits import Digits, load_mnist, shipped_digits
from theory.arrays import Floats
from theory.dimensionality import maximal_dimensionality

MNIST_FOLDER = "TGON_MNIST"

#: Share of labels that are replaced in the series "flipped".
FLIPPED = 0.05
#: An image has a direction to itself from here on.
ALONE = 0.99
#: Images shown of each kind.
SHOWN = 8
#: Bins of D*·T/rank from 0 to its largest value.
BINS = 60
#: Larger sets have too many pairs for nearest neighbours.
MOST_NEIGHBOURS = 10_000
#: D* by whether a network was trained, and its seed.
Scores = dict[tuple[bool, int], Floats]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``networks``, ``distribution``, ``images``, ``agreement``, ``set`` and ``toy``; trains the networks."""
    from rich.console import Console
    from rich.progress import track

    folder = os.environ.get(MNIST_FOLDER)
    digits = load_mnist(folder) if folder else shipped_digits()
    plans = track(training_plans(digits), "training classifiers", console=Console(stderr=True))
    return collect_networks(digits, plans) | {"toy": _toy(runs, table)}


def training_plans(digits: Digits) -> list[tuple[str, TrainingPlan]]:
    """Which networks are trained: series and plan. Sets of more than 10 000 images get fewer seeds and epochs."""
    large = digits.T > MOST_NEIGHBOURS
    seeds, last = (range(2), 10) if large else (range(5), 100)
    full = TrainingPlan(epochs=[epoch for epoch in (0, 1, 3, 10, 30, 100) if epoch <= last])
    sizes = [digits.T * share // 10 for share in (4, 6, 8)] if not large else [1000, 3000, 10_000]
    series = [("training", full)]
    series += [("size", replace(full, T=T, epochs=(last,))) for T in sizes]
    series += [("width", replace(full, width=width, epochs=(0, last))) for width in (32, 64, 128)]
    series.append(("flipped", replace(full, flipped=FLIPPED, epochs=(0, last // 10, last, 3 * last))))
    narrow = replace(full, width=128, flipped=FLIPPED, epochs=(0, last // 10, last, 10 * last))
    series += [("flipped", narrow)] * (not large)
    return [(name, replace(plan, seed=seed)) for name, plan in series for seed in seeds]


def collect_networks(digits: Digits, plans: Iterable[tuple[str, TrainingPlan]]) -> Tables:
    """The tables of all networks."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    rows, scores = [], Scores()
    for name, plan in plans:
        before = np.empty(0)
        for snapshot in train_classifier(digits, plan):
            with threadpool_limits(1):  # singular values must not hang on the number of cores
                D = maximal_dimensionality(snapshot.hidden)
            before = D if snapshot.epoch == 0 else before
            rows.append({"series": name, **_observed(snapshot, plan, D, before)})
            if name == "training" and snapshot.epoch in (0, plan.epochs[-1]):
                scores[snapshot.epoch > 0, plan.seed] = D
    distance = np.full(digits.T, np.nan)
    if digits.T <= MOST_NEIGHBOURS:  # to the nearest other image, in Euclid's norm
        distance = np.asarray(KDTree(digits.train_images).query(digits.train_images, k=2)[0])[:, 1]
    facts = {"name": digits.name, "images": digits.T, "pixels": digits.side**2, "side": digits.side}
    return {
        "networks": pd.DataFrame(rows),
        "distribution": _distribution(scores),
        "images": _images(digits, scores, distance),
        "agreement": _agreement(digits, scores, distance),
        "set": pd.DataFrame(facts.items(), columns=["key", "value"]).astype(str),
    }


def _distribution(scores: Scores) -> pd.DataFrame:
    """How many images have which D* in units of its mean, in bins up to the largest ceiling T/rank."""
    ceiling = max(len(D) / D.sum() for D in scores.values())
    edges = np.linspace(0, ceiling, BINS + 1)
    counts = []
    for (trained, seed), D in scores.items():
        found, _ = np.histogram(np.minimum(D * len(D) / D.sum(), ceiling), edges)
        counts.append(pd.DataFrame({"trained": trained, "seed": seed, "from": edges[:-1], "images": found}))
    return pd.concat(counts, ignore_index=True)


def _quantiles(D: Floats) -> dict[str, float]:
    parts = {"least": 0, "one_percent": 0.01, "median": 0.5, "ninety_nine_percent": 0.99, "largest": 1}
    return {name: float(np.quantile(D, part)) for name, part in parts.items()}


def _observed(snapshot: Snapshot, plan: TrainingPlan, D: Floats, before: Floats) -> dict[str, object]:
    flipped, pairs = snapshot.flipped, int(snapshot.flipped.sum() * (~snapshot.flipped).sum())
    # probability that one of them exceeds one of the rest, ties halved (area under the ROC curve)
    above = stats.mannwhitneyu(D[flipped], D[~flipped]).statistic / pairs if pairs else np.nan
    seen = ("epoch", "train_loss", "train_accuracy", "test_accuracy")
    return {
        "seed": plan.seed,
        "width": plan.width,
        "T": len(D),
        **{name: getattr(snapshot, name) for name in seen},
        "rank": round(float(D.sum())),
        **_quantiles(D),
        "alone": int(np.sum(D >= ALONE)),
        "agreement_with_start": _rank_correlation(D, before) if len(before) else np.nan,
        "flipped_above_others": above,
    }


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's correlation; NaN where either is constant or not known."""
    return float(stats.spearmanr(one, other).statistic) if np.ptp(one) * np.ptp(other) > 0 else np.nan


def _images(digits: Digits, scores: Scores, distance: Floats) -> pd.DataFrame:
    """The images of highest, middle and lowest D* of trained networks, medians over seeds, with their pixels.
    ``distance_percentile`` ranks the distance to the nearest other image among all images, 100 the farthest.
    """
    ranks = stats.rankdata(distance, nan_policy="propagate") - 0.5
    trained, untrained = (
        np.median([D for (kind, _), D in scores.items() if kind == wanted], axis=0)
        for wanted in (True, False)
    )
    order = np.argsort(-trained, kind="stable")
    half = (len(order) - SHOWN) // 2
    places = np.concatenate([order[:SHOWN], order[half : half + SHOWN], order[::-1][:SHOWN]])
    pixels = np.round(digits.train_images[places] * 255).astype(np.uint8)
    return pd.DataFrame(
        {
            "group": np.repeat(["highest", "middle", "lowest"], SHOWN),
            "place": places,
            "label": digits.train_labels[places],
            "trained": trained[places],
            "untrained": untrained[places],
            "distance_percentile": 100 * ranks[places] / digits.T,
            "pixels": [each.tobytes().hex() for each in pixels],
        }
    )


def _agreement(digits: Digits, scores: Scores, distance: Floats) -> pd.DataFrame:
    """Rank correlations of D*: between seeds, and with the distance of an image to its nearest neighbour."""
    pixels = maximal_dimensionality(digits.train_images.T)
    rows = []
    for (trained, seed), D in scores.items():
        others = [other for (kind, number), other in scores.items() if kind == trained and number != seed]
        between = np.mean([_rank_correlation(D, other) for other in others])
        beside = (_rank_correlation(D, other) for other in (pixels, distance))
        rows.append((trained, seed, between, *beside))
    columns = ["trained", "seed", "with_other_seeds", "with_pixels", "with_neighbour_distance"]
    return pd.DataFrame(rows, columns=columns)


def _toy(runs: Sequence[Run], table: pd.DataFrame) -> pd.DataFrame:
    """D* of the datapoints of toy models, in units of its mean rank/T, beside the test loss."""
    keys, rows = ["T", "data_seed", "seed"], []
    for run, loss in zip(runs, table["test_loss"], strict=True):
        D = maximal_dimensionality(run.record.hidden)
        own = {name: getattr(run.setting, name) for name in keys}
        rows.append({**own, "test_loss": loss, **_quantiles(D * len(D) / (D.sum() or 1))})
    return pd.DataFrame(rows).sort_values(keys)
