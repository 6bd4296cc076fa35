"""Experiment ``digits``: maximal data dimensionality D* on a small classifier, and on the toy model.

Henighan et al. 2023, comment "Data Dimensionality of MNIST": on a network with 512 hidden units most images have
roughly the same D*, a few lie in both tails, and those of high D*, "almost 100x higher than typical", look like odd
outliers, tempting one to call them memorized. Here that reading is put to tests it can fail: an untrained network, the
images' own pixels, and images that the network can only fit by memorizing, because their labels were replaced.
"""

import numpy as np
import pandas as pd
from scipy import stats

from experiments.digits.collecting import ALONE, collect
from experiments.digits.drawing import draw, last_snapshots
from experiments.findings import Finding, Tables, found, measured, outcome_of
from experiments.grouping import median_range
from verify.statistics import mean_interval

__all__ = ["collect", "draw", "findings"]

#: D* of a toy model counts as uneven where its largest value is at least this many times its mean.
UNEVEN = 3.0
#: Images of largest D* are called odd below this probability that they are no odder than typical ones.
SURE = 0.05
#: How far outliers are published to stand out, almost, in units of typical D*.
PUBLISHED_SPREAD, ALMOST = 100, 0.8
#: What is published.
FAR = f"Some images have almost {PUBLISHED_SPREAD} times the typical D* (Olah)"
ODD = "Images of unusually high D* are odd (Olah)"
TRANSITION = "The transition to generalization shows in D* (Hobbhahn)"

_STAGES = {True: "trained", False: "untrained"}


def findings(tables: Tables) -> list[Finding]:
    """Spread, what training adds, replaced labels, odd images and the toy model."""
    return [*_spread(tables), *_training(tables), *_replaced(tables), *_odd(tables), *_toy(tables["toy"])]


def _measured(said: str, quantity: str, sample: pd.Series, at: str = "") -> Finding:
    """The mean over seeds with its interval."""
    return measured(said, quantity, mean_interval(sample), len(sample), at)


def _spread(tables: Tables) -> list[Finding]:
    end = last_snapshots(tables, "training")
    ceiling, largest = end["T"] / end["rank"], mean_interval(end["largest"] / end["median"])
    possible = int(ceiling.mean() >= PUBLISHED_SPREAD)
    far = outcome_of(possible * (largest.value >= ALMOST * PUBLISHED_SPREAD), possible)
    tails = end["ninety_nine_percent"] / end["one_percent"]
    return [
        found(FAR, far, "largest D* over the median", largest, len(end)),
        _measured("Ceiling of D* in units of its mean", "T/rank", ceiling),
        _measured("Images with a direction to themselves", f"images of D* ≥ {ALONE}", end["alone"]),
        _measured("How far D* varies between images", "99 % over 1 % quantile", tails),
    ]


def _training(tables: Tables) -> list[Finding]:
    rows = tables["networks"].query("series == 'training'")
    start, end = rows[rows["epoch"] == 0], last_snapshots(tables, "training")
    return [
        _measured("How far D* stands out", "largest D* over the median", start["largest"] / start["median"],
                  _STAGES[False]),
        _measured("Ceiling of D* in units of its mean", "T/rank", start["T"] / start["rank"], _STAGES[False]),
        _measured("How much of the order of the images is there before training",
                  "rank correlation of D*, trained and untrained", end["agreement_with_start"]),
        *(
            _measured("How well seeds agree on the order of the images", "rank correlation of D* between seeds",
                      _agreement(tables, trained)["with_other_seeds"], stage)
            for trained, stage in _STAGES.items()
        ),
    ]  # fmt: skip


def _agreement(tables: Tables, trained: bool) -> pd.DataFrame:
    return tables["agreement"][tables["agreement"]["trained"] == trained]


def _replaced(tables: Tables) -> list[Finding]:
    """What D* tells of images whose labels were replaced; changes are taken seed by seed, on the same images."""
    rows = tables["networks"].query("series == 'flipped'").sort_values(["seed", "epoch"])
    result = []
    for width in sorted(set(rows["width"]), reverse=True):
        seeds = rows[rows["width"] == width].groupby("seed")["flipped_above_others"]
        said, at = "How well D* tells images with replaced labels from others", f"{width} units"
        result += [
            _measured(said, "probability that such an image has the larger D*", seeds.last(), at),
            _measured(said, "its change by training", seeds.last() - seeds.first(), at),
        ]
    return result


def _odd(tables: Tables) -> list[Finding]:
    """Whether the images of largest D* are far from all others, beside typical ones, and whether D* goes with that."""
    groups = tables["images"].groupby("group")["distance_percentile"]
    far = {group: np.asarray(groups.get_group(group)) for group in ("highest", "middle", "lowest")}
    shown = len(far["highest"])
    judged = Finding(ODD, "not tested")
    if not np.isnan(far["highest"]).any():
        chance = float(stats.mannwhitneyu(far["highest"], far["middle"], alternative="greater").pvalue)
        quantity = "p that the tail is no farther from its nearest image"
        judged = Finding(ODD, "agrees" if chance < SURE else "not decided", quantity, chance, n=shown)
    quantity = "percentile of the distance to the nearest other image, median and range"
    others = {"that distance": "with_neighbour_distance", "D* of the pixels": "with_pixels"}
    return [
        judged,
        *(
            measured("Images shown, by D*", quantity, median_range(each), shown, f"{group} D*")
            for group, each in far.items()
        ),
        *(
            _measured("How far D* goes with oddness", f"rank correlation with {other}",
                      _agreement(tables, trained)[column], stage)
            for trained, stage in _STAGES.items() for other, column in others.items()
        ),
    ]  # fmt: skip


def _toy(toy: pd.DataFrame) -> list[Finding]:
    """From which T on D* is uneven, after smaller T where it is not."""
    course = toy.groupby("T")[["largest", "test_loss"]].median()
    largest, losses = course["largest"], course["test_loss"]
    uneven = (largest >= UNEVEN)[::-1].cummin()[::-1]
    even, spread = (course.index[chosen].tolist() for chosen in (~uneven, uneven))
    n, peak = toy["data_seed"].nunique(), course.index[int(losses.argmax())]
    first = spread[0] if spread and even else np.nan
    outcome = outcome_of(bool(spread and even), int(len(course) > 1))
    transition = f"T from which on the largest D*·T/2 is at least {UNEVEN:g}"
    said, quantity = "D* of the toy model", "largest D*·T/2, median over datasets"
    shown = dict.fromkeys([*even[-1:], *spread[:1], course.index[-1]])
    return [
        Finding(TRANSITION, outcome, transition, first, n=n),
        *(measured(said, quantity, largest[T], n, f"T = {T}") for T in shown),
        measured("Largest test loss of the toy model", "median", losses[peak], n, f"T = {peak}"),
    ]
