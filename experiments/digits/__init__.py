"""Experiment ``digits``: maximal data dimensionality D* on a small classifier, and on the toy model. Henighan et al.
2023, comment "Data Dimensionality of MNIST": on a network with 512 hidden units most images have roughly the same D*,
a few lie in both tails, and those of high D*, "almost 100x higher than typical", look like odd outliers, tempting one
to call them memorized. Here that reading is put to tests it can fail: an untrained network, the images' own pixels,
and images that the network can only fit by memorizing, because their labels were replaced.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from experiments.axes import draw_spread, empty
from experiments.digits.collecting import ALONE
from experiments.digits.collecting import collect as collect
from experiments.findings import Finding, Tables, found, measured, outcome_of
from experiments.grouping import for_good, median_range, parts
from verify.statistics import mean_interval
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, plain_numbers

#: D* of a toy model counts as uneven where its largest value is at least this many times its mean.
UNEVEN = 3.0
#: Images of largest D* are called odd below this probability that they are no odder than typical ones.
SURE = 0.05
#: How far outliers are published to stand out, almost, in units of typical D*.
PUBLISHED_SPREAD, ALMOST = 100, 0.8
FAR = f"Some images have almost {PUBLISHED_SPREAD} times the typical D* (Olah)"
ODD = "Images of unusually high D* are odd (Olah)"
TRANSITION = "The transition to generalization shows in D* (Hobbhahn)"

_STAGES = {True: "trained", False: "untrained"}


def findings(tables: Tables) -> list[Finding]:
    """Spread and what training adds to it, replaced labels, odd images and the toy model."""
    networks = tables["networks"].query("series == 'flipped'")
    return [*_spread(tables), *_replaced(networks), *_odd(tables), *_toy(tables["toy"])]


def _measured(said: str, quantity: str, sample: pd.Series, at: str = "") -> Finding:
    """The mean over seeds with its interval."""
    return measured(said, quantity, mean_interval(sample), len(sample), at)


def _spread(tables: Tables) -> list[Finding]:
    end = last_snapshots(tables, "training")
    ceiling, largest = end["T"] / end["rank"], mean_interval(end["largest"] / end["median"])
    possible = int(ceiling.mean() >= PUBLISHED_SPREAD)
    far = outcome_of(possible * (largest.value >= ALMOST * PUBLISHED_SPREAD), possible)
    tails, start = end["ninety_nine_percent"] / end["one_percent"], tables["networks"].query("epoch == 0")
    start = start[start["series"] == "training"]
    over, height = "largest D* over the median", "Ceiling of D* in units of its mean"
    return [
        found(FAR, far, over, largest, len(end)),
        _measured(height, "T/rank", ceiling),
        _measured("Images with a direction to themselves", f"images of D* ≥ {ALONE}", end["alone"]),
        _measured("How far D* varies between images", "99 % over 1 % quantile", tails),
        _measured("How far D* stands out", over, start["largest"] / start["median"], _STAGES[False]),
        _measured(height, "T/rank", start["T"] / start["rank"], _STAGES[False]),
        _measured("How much of the order of the images is there before training",
                  "rank correlation of D*, trained and untrained", end["agreement_with_start"]),
        *(
            _measured("How well seeds agree on the order of the images", "rank correlation of D* between seeds",
                      each["with_other_seeds"], _STAGES[trained])
            for trained, each in reversed(list(parts(tables["agreement"], "trained")))
        ),
    ]  # fmt: skip


def _replaced(rows: pd.DataFrame) -> Iterator[Finding]:
    """What D* tells of images whose labels were replaced; changes are taken seed by seed, on the same images."""
    said = "How well D* tells images with replaced labels from others"
    for width, own in reversed(list(parts(rows.sort_values("epoch"), "width"))):
        seeds, at = own.groupby("seed")["flipped_above_others"].agg(["first", "last"]), f"{width} units"
        yield _measured(said, "probability that such an image has the larger D*", seeds["last"], at)
        yield _measured(said, "its change by training", seeds["last"] - seeds["first"], at)


def _odd(tables: Tables) -> list[Finding]:
    """Whether the images of largest D* are far from all others, beside typical ones, and whether D* goes with that."""
    far = dict(tables["images"].groupby("group", sort=False)["distance_percentile"].agg(list))
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
                      each[column], _STAGES[trained])
            for trained, each in reversed(list(parts(tables["agreement"], "trained")))
            for other, column in others.items()
        ),
    ]  # fmt: skip


def _toy(toy: pd.DataFrame) -> list[Finding]:
    """From which T on D* is uneven, after smaller T where it is not."""
    course = toy.groupby("T")[["largest", "test_loss"]].median()
    largest, losses = course["largest"], course["test_loss"]
    even, uneven = for_good(largest >= UNEVEN) or (0, 0)
    n, peak = toy["data_seed"].nunique(), course.index[int(losses.argmax())]
    first, outcome = uneven if even else np.nan, outcome_of(even > 0, len(course) > 1)
    transition = f"T from which on the largest D*·T/2 is at least {UNEVEN:g}"
    said, quantity = "D* of the toy model", "largest D*·T/2, median over datasets"
    shown = dict.fromkeys([*filter(None, (even, uneven)), course.index[-1]])
    return [
        Finding(TRANSITION, outcome, transition, first, n=n),
        *(measured(said, quantity, largest[T], n, f"T = {T}") for T in shown),
        measured("Largest test loss of the toy model", "median", losses[peak], n, f"T = {peak}"),
    ]


_GROUPS = (("highest", "highest D*"), ("middle", "typical D*"), ("lowest", "lowest D*"))


def draw(tables: Tables) -> Figure:
    """Distribution, training, images, dataset size and width, toy model."""
    figure = empty(10.4, 10.4, h_pad=0.08, w_pad=0.06)
    grid = figure.add_gridspec(3, 2, height_ratios=[3.0, 2.6, 2.7])
    _draw_distribution(figure.add_subplot(grid[0, 0]), tables)
    _draw_training(figure.add_subplot(grid[0, 1]), tables)
    _draw_images(figure.add_subplot(grid[1, :]), tables)
    _draw_sizes(figure.add_subplot(grid[2, 0]), tables)
    _draw_toy(figure.add_subplot(grid[2, 1]), tables["toy"])
    return figure


def _draw_distribution(ax: Axes, tables: Tables) -> None:
    for (trained, rows), colour in zip(parts(tables["distribution"], "trained"), (GREY, BLUE), strict=True):
        images = rows.pivot(index="from", columns="seed", values="images")
        lines = ax.step(images.index, images, where="post", color=colour, lw=1, alpha=0.7)
        lines[0].set_label(_STAGES[trained])
    end, label = last_snapshots(tables, "training"), "ceiling T/rank, where D* = 1"
    ax.axvline((end["T"] / end["rank"]).mean(), color=INK, lw=1.2, ls="--", label=label)
    most = float(tables["distribution"]["images"].max())
    ax.set(yscale="log", xlabel="D* in units of its mean, D*·T/rank", ylabel="images", ylim=(0.7, 15 * most))
    ax.legend(loc="upper left", fontsize=11)


#: What is drawn of a distribution of D*.
_QUANTILES = {
    "largest": {"color": VERMILLION, "marker": "^", "label": "largest"},
    "ninety_nine_percent": {"color": BLUE, "marker": "s", "label": "99 % quantile"},
    "median": {"color": GREEN, "marker": "o", "label": "median"},
    "least": {"color": GREY, "marker": "v", "label": "least"},
}


def _draw_training(ax: Axes, tables: Tables) -> None:
    rows = tables["networks"].query("series == 'training'")
    for column, style in _QUANTILES.items():
        draw_spread(ax, rows["epoch"], rows[column] * rows["T"] / rows["rank"], **style)
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    plain_numbers(ax.xaxis)
    ax.set(xlabel="epochs", ylabel="D*·T/rank", ylim=(0, None))
    ax.legend(loc="center right", fontsize=11)


def _draw_images(ax: Axes, tables: Tables) -> None:
    """One row of images per group, each below its label and D*."""
    images, side = tables["images"], int(tables["set"].set_index("key")["value"]["side"])
    look: Any = {"cmap": "gray_r", "vmin": 0, "vmax": 255, "interpolation": "nearest"}
    for row, (group, title) in enumerate(_GROUPS):
        bottom = -1.4 * row
        ax.text(-0.4, bottom + 0.5, title, ha="right", va="center", fontsize=12)
        for column, image in enumerate(images[images["group"] == group].to_dict("records")):
            left = 1.35 * column
            pixels = np.frombuffer(bytes.fromhex(image["pixels"]), dtype=np.uint8).reshape(side, side)
            ax.imshow(pixels, **look, extent=(left, left + 1, bottom, bottom + 1))
            text = f"{image['label']}: {image['trained']:.2f}"
            ax.text(left + 0.5, bottom + 1.05, text, ha="center", va="bottom", fontsize=11)
    ax.set(xlim=(0, 1.35 * images["group"].value_counts().max()), ylim=(-1.4 * len(_GROUPS) + 1.4, 1.4))
    ax.set_axis_off()


def _draw_sizes(ax: Axes, tables: Tables) -> None:
    networks = tables["networks"]
    ends = pd.concat([last_snapshots(tables, name) for name in ("training", "size", "width")])
    ends = ends.assign(ratio=ends["T"] / ends["rank"], value=ends["largest"] * ends["T"] / ends["rank"])
    widest = int(networks["width"].max())
    for chosen, colour, marker, label in (
        (ends[ends["width"] == widest], BLUE, "o", f"{widest} units, fewer images"),
        (ends[ends["width"] < widest], GREEN, "s", "all images, fewer units"),
    ):
        ax.plot(chosen["ratio"], chosen["value"], marker, color=colour, ms=6, mew=0, alpha=0.7, label=label)
    line = np.geomspace(1, 1.1 * float(ends["ratio"].max()), 50)
    ax.plot(line, line, "--", color=INK, lw=1.2, label="ceiling, D* = 1")
    ax.set(xscale="log", yscale="log", xlabel="images per dimension, T/rank", ylabel="largest D*·T/rank")
    plain_numbers(ax.xaxis, ax.yaxis, at=(1, 2, 3, 5))
    ax.legend(loc="upper left", fontsize=11)


def _draw_toy(ax: Axes, toy: pd.DataFrame) -> None:
    for column in ("largest", "ninety_nine_percent", "median"):
        draw_spread(ax, toy["T"], toy[column], **_QUANTILES[column])
    losses = toy.groupby("T")["test_loss"].median()
    ax.axvline(float(losses.index[int(losses.argmax())]), color=GREY, lw=1, ls=":", label="largest test loss")
    ax.axhline(1, color=INK, lw=1, ls="--", label="regular T-gon")
    ax.set(xscale="log", yscale="log", xlabel="toy model, datapoints T", ylabel="D*·T/2")
    plain_numbers(ax.yaxis)
    ax.legend(loc="upper left", fontsize=11)


def last_snapshots(tables: Tables, series: str) -> pd.DataFrame:
    """The last snapshot of each network of a series."""
    rows = tables["networks"].query("series == @series")
    return rows[rows["epoch"] == rows.groupby(["width", "T", "seed"])["epoch"].transform("max")]
