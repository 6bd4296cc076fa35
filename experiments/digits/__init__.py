"""Experiment ``digits``: maximal data dimensionality D* on a small classifier, and on the toy model.

Henighan et al. 2023, comment "Data Dimensionality of MNIST": on a network with 512 hidden units most images have
roughly the same D*, a few lie in both tails, and those of high D*, "almost 100x higher than typical", look like odd
outliers, tempting one to call them memorized. Here that reading is put to tests it can fail: an untrained network, the
images' own pixels, and images that the network can only fit by memorizing, because their labels were replaced.

Defines no equations.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from experiments.digits.collecting import ALONE, FLIPPED, MNIST_FOLDER, collect
from experiments.digits.drawing import draw_digits, last_snapshots
from experiments.findings import Finding, Outcome, outcome_of
from experiments.grouping import numbers, values_by
from verify.statistics import mean_interval

__all__ = ["collect", "describe", "draw", "sentences"]

Tables = dict[str, pd.DataFrame]

#: From this probability on that a memorized image has the larger D*, D* is said to find them.
CLEAR = 0.75
#: D* of a toy model counts as uneven where its largest value is at least this many times its mean.
UNEVEN = 3.0
#: Images of largest D* are called odd below this probability that they are no odder than typical ones.
SURE = 0.05
#: How far outliers are published to stand out, almost, in units of typical D*.
PUBLISHED_SPREAD, ALMOST = 100, 0.8
#: What is published of their images.
ODD = "Images of unusually high D* are odd (Olah)"


def draw(tables: Tables) -> Figure:
    """Distribution, images, training, dataset size and width, replaced labels, toy model."""
    return draw_digits(tables)


def describe(tables: Tables) -> str:
    """Spread, what training adds, dataset size, flipped labels, odd images, toy model; each by its numbers."""
    text = "\n".join(f"- {part}" for part in sentences(tables))
    return text.replace("D*", "D\\*")  # a bare asterisk would end bold text


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    return [
        _distribution(tables), _training(tables), _sizes(tables), _memorized(tables), _odd(tables), _toy(tables),
        _not_here(tables),
    ]  # fmt: skip


def _distribution(tables: Tables) -> Finding:
    end = last_snapshots(tables, "training")
    ratio = mean_interval(numbers(end, "T") / numbers(end, "rank"))
    largest = mean_interval(numbers(end, "largest") / numbers(end, "median"))
    alone = mean_interval(numbers(end, "alone"))
    name = tables["set"].set_index("key")["value"]["name"]
    spread = float(np.mean(numbers(end, "ninety_nine_percent") / numbers(end, "one_percent")))
    beyond: Outcome = (
        "not tested"
        if ratio.value < PUBLISHED_SPREAD
        else outcome_of(largest.value >= ALMOST * PUBLISHED_SPREAD, 1)
    )
    return Finding(
        f"**Spread.** {name}: {end['T'].iloc[0]} images, {end['width'].iloc[0]} hidden units, "
        f"rank {end['rank'].mean():.0f}. D* adds up to the rank, so its mean is rank/T and nothing can exceed T/rank = "
        f"{ratio.value:.3g} times it. The largest is {largest} times the median (mean over {len(end)} "
        f"seeds, 95 %), and {alone.value:.3g} images on average reach D* ≥ {ALONE}: a direction to "
        f"themselves. Between the 1 % and 99 % "
        f"quantiles D* varies by a factor of {spread:.3g}. The published factor of almost 100 for 60 000 "
        f"images and 512 units is "
        f"near the ceiling there, 60 000/512 = 117: how far outliers can stand out is set by images per dimension.",
        {f"Some images have almost {PUBLISHED_SPREAD} times the typical D* (Olah)": beyond},
    )


def _training(tables: Tables) -> str:
    rows = tables["networks"].query("series == 'training'")
    end = last_snapshots(tables, "training")
    start = rows[rows["epoch"] == 0]
    before, after = (
        mean_interval(numbers(each, "largest") / numbers(each, "median")) for each in (start, end)
    )
    changed = after.low > before.high or after.high < before.low
    agreement = mean_interval(numbers(end, "agreement_with_start"))
    seeds = tables["agreement"].query("trained")
    same = mean_interval(numbers(seeds, "with_other_seeds"))
    others = mean_interval(numbers(tables["agreement"].query("not trained"), "with_other_seeds"))
    ceilings = [float(np.mean(numbers(each, "T") / numbers(each, "rank"))) for each in (start, end)]
    verdict = "more than seeds differ" if changed else "not more than seeds differ"
    order = (
        "much of the order of the images is there before training"
        if agreement.low > 0.5
        else "the order of the images is mostly made by training"
        if agreement.high < 0.5
        else "how much of the order is there before training is not settled by these seeds"
    )
    return (
        f"**Training.** The largest over the median goes from {before} to {after} in {int(end['epoch'].max())} epochs"
        f", {verdict}; its ceiling T/rank from {ceilings[0]:.3g} to {ceilings[1]:.3g}. The rank correlation of D* with "
        f"that of the same network untrained is {agreement}: {order}. Between two seeds it is {others} before training "
        f"and {same} after it. Train accuracy {end['train_accuracy'].mean():.4f}, test accuracy "
        f"{end['test_accuracy'].mean():.4f}."
    )


def _sizes(tables: Tables) -> str:
    ends = pd.concat([last_snapshots(tables, name) for name in ("training", "size", "width")])
    part = numbers(ends, "largest")
    ratio = numbers(ends, "T") / numbers(ends, "rank")
    full = ends["width"] == ends["width"].max()
    near = part[full].min() >= ALONE
    widths = values_by(ends[~full], "width", "largest")
    listed = ", ".join(
        f"{min(each):.2f} to {max(each):.2f} at {width} units" for width, each in widths.items()
    )
    some = (
        f"the largest D* is at least {ALONE} for every dataset size and seed: at {ends['width'].max()} units it says "
        "little else than T/rank"
        if near
        else f"the largest D* is {part[full].min():.2f} to {part[full].max():.2f} over dataset sizes and seeds"
    )
    return (
        f"**Dataset size and width.** T/rank from {ratio.min():.3g} to {ratio.max():.3g}. With "
        f"{ends['width'].max()} units "
        f"{some}. With all images and fewer units the largest D* is, from seed to seed, {listed or 'not measured'}."
    )


def _memorized(tables: Tables) -> str:
    rows = tables["networks"].query("series == 'flipped'")
    parts = [_found(rows[rows["width"] == width]) for width in sorted(set(rows["width"]), reverse=True)]
    return (
        f"**Replaced labels.** {FLIPPED:.0%} of the labels are replaced by another class at random; no "
        f"rule predicts them, "
        "so a network that fits them has memorized them. The probability that such an image has a "
        f"larger D* than another is 0.5 before training, up to the draw. {' '.join(parts)}"
    )


def _found(rows: pd.DataFrame) -> str:
    """What D* tells of replaced labels at one width; changes are taken seed by seed, on the same images."""
    ordered = rows.sort_values(["seed", "epoch"])
    start, end = ordered.groupby("seed").first(), ordered.groupby("seed").last()
    after = mean_interval(numbers(end, "flipped_above_others"))
    change = mean_interval(numbers(end, "flipped_above_others") - numbers(start, "flipped_above_others"))
    if after.low > CLEAR and change.low > 0:
        verdict = "**D* finds the memorized images**"
    elif after.low > 0.5 and change.low > 0:
        verdict = "**D* rises on memorized images, too little to find them by it**"
    elif change.high < 0:
        verdict = "**D* falls on memorized images**"
    else:
        verdict = "**D* does not find the memorized images**"
    return (
        f"With {rows['width'].iloc[0]} units, at train accuracy {end['train_accuracy'].mean():.4f}: "
        f"{after}, a change of {change} by training; {verdict}."
    )


def _odd(tables: Tables) -> Finding:
    rows = tables["agreement"]
    trained, untrained = (
        {column: mean_interval(numbers(rows[rows["trained"] == kind], column)) for column in rows.columns[3:]}
        for kind in (True, False)
    )
    distance = trained["with_neighbour_distance"]
    if np.isnan(distance.value):
        return Finding(
            f"**Odd images.** Too many images for nearest neighbours. Rank correlation of D* with D* of the pixels "
            f"themselves: {trained['with_pixels']} trained, {untrained['with_pixels']} untrained.",
            {ODD: "not tested"},
        )
    before = untrained["with_neighbour_distance"]
    goes = "goes" if distance.low > 0.3 else "hardly goes" if distance.high < 0.3 else "is not decided to go"
    change = (
        "training adds to it"
        if distance.low > before.high
        else "training takes from it"
        if distance.high < before.low
        else "training does not change it beyond the spread of seeds"
    )
    odd = _tail_chance(tables["images"]) < SURE
    return Finding(
        f"**Odd images.** {_tail(tables['images'])} Over all images D* {goes} with oddness: its rank correlation with "
        "that distance "
        f"is {distance} after training and {before} before: {change}. With D* of the pixels themselves: "
        f"{trained['with_pixels']} and {untrained['with_pixels']}.",
        {ODD: "agrees" if odd else "not decided"},
    )


def _tail_chance(images: pd.DataFrame) -> float:
    """How probable a tail as odd as that of largest D* is, were it no odder than typical images."""
    far = {str(group): numbers(rows, "distance_percentile") for group, rows in images.groupby("group")}
    return float(stats.mannwhitneyu(far["highest"], far["middle"], alternative="greater").pvalue)


def _tail(images: pd.DataFrame) -> str:
    """Whether the images of largest D* are odd, which is what the paper says of them, beside the typical ones."""
    far = {str(group): numbers(rows, "distance_percentile") for group, rows in images.groupby("group")}
    chance = _tail_chance(images)
    highest, middle, lowest = (
        f"{np.median(far[group]):.0f} ({far[group].min():.0f} to {far[group].max():.0f})"
        for group in ("highest", "middle", "lowest")
    )
    return (
        "The paper calls the images of unusually high D* odd. "
        f"Of the {len(far['highest'])} of largest D* after training, the distance to the nearest other image has the "
        f"percentile {highest}, median and range; of as many typical ones {middle}, of those of least D* {lowest}: "
        + (
            f"**the tail agrees** (p = {chance:.1g}, rank sums)"
            if chance < SURE
            else "whether the tail is odd is not decided"
        )
        + ". Whether the tail is as odd before training is not tested."
    )


def _toy(tables: Tables) -> Finding:
    largest, losses = (
        {T: float(np.median(each)) for T, each in values_by(tables["toy"], "T", column).items()}
        for column in ("largest", "test_loss")
    )
    sizes, worst = list(largest), max(losses, key=losses.__getitem__)
    spread = [T for T in sizes if all(value >= UNEVEN for size, value in largest.items() if size >= T)]
    even = [T for T in sizes if not spread or spread[0] > T]
    if not spread or not even:
        course = (
            f"all are {min(largest.values()):.3g} to {max(largest.values()):.3g}: **no transition shows in D***, "
            "against what Hobbhahn reports in the paper's comments"
        )
    else:
        values = [largest[T] for T in even]
        where = "is the next one" if even[-1] == worst else f"is {spread[0] / worst:.2g} times as large"
        course = (
            f"those up to T = {even[-1]} are {min(values):.3g} to {max(values):.3g}, from T = {spread[0]} on they are "
            f"{largest[spread[0]]:.3g} and more, {largest[sizes[-1]]:.3g} at T = {sizes[-1]}: "
            "**the transition shows in D***, as Hobbhahn reports in the paper's comments. "
            f"The largest test loss is at T = {worst}; the first "
            f"T with an uneven D* {where}"
        )
    return Finding(
        "**Toy model.** A regular T-gon has D*·T/2 = 1 for every datapoint. Of the largest D*·T/2, medians over "
        f"{len(set(tables['toy']['data_seed']))} datasets, {course}. Test losses are {min(losses.values()):.4g} to "
        f"{losses[worst]:.4g}.",
        {
            "The transition to generalization shows in D* (Hobbhahn)": outcome_of(
                bool(spread and even), int(len(sizes) > 1)
            )
        },
    )


def _not_here(tables: Tables) -> str:
    name = tables["set"].set_index("key")["value"]["name"]
    if name == "MNIST":
        return f"Trained on MNIST from the folder in {MNIST_FOLDER}."
    return (
        "**Not shown.** Whether odd images have large D* *because* they are memorized cannot be told from D* alone."
        f"\n- **To repeat.** `tgon figure` trains the classifiers itself; `{MNIST_FOLDER}=FOLDER tgon figure digits …` "
        "does so on MNIST, from the four files in FOLDER."
    )
