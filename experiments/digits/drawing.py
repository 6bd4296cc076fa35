"""The figure of experiment ``digits``."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from experiments.digits.collecting import FLIPPED
from experiments.findings import Tables
from experiments.grouping import numbers
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, Plot

_GROUPS = (("highest", "highest D*"), ("middle", "typical D*"), ("lowest", "lowest D*"))

_PLAIN, _NONE = "{x:g}", NullFormatter()


def draw(tables: Tables) -> Figure:
    """Distribution, images, training, dataset size and width, flipped labels, toy model."""
    figure = Plot(figsize=(10.4, 13.2))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.06)
    grid = figure.add_gridspec(4, 2, height_ratios=[3.0, 2.6, 2.7, 2.7])
    _draw_distribution(figure.add_subplot(grid[0, 0]), tables)
    _draw_training(figure.add_subplot(grid[0, 1]), tables)
    _draw_images(figure.add_subplot(grid[1, :]), tables)
    _draw_sizes(figure.add_subplot(grid[2, 0]), tables)
    _draw_flipped(figure.add_subplot(grid[2, 1]), tables)
    left = figure.add_subplot(grid[3, 0])
    _draw_toy(left, figure.add_subplot(grid[3, 1], sharex=left), tables["toy"])
    return figure


def _draw_distribution(ax: Axes, tables: Tables) -> None:
    for kind, colour, label in ((False, GREY, "untrained"), (True, BLUE, "trained")):
        rows = tables["distribution"][tables["distribution"]["trained"] == kind]
        for k, (_, seed) in enumerate(rows.groupby("seed")):
            ax.step(seed["from"], seed["images"], where="post", color=colour, lw=1, alpha=0.7,
                    label=label if k == 0 else None)  # fmt: skip
    end = last_snapshots(tables, "training")
    ceiling = float(np.mean(numbers(end, "T") / numbers(end, "rank")))
    ax.axvline(ceiling, color=INK, lw=1.2, ls="--", label="ceiling T/rank, where D* = 1")
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
        _spread(ax, rows["epoch"], rows[column] * rows["T"] / rows["rank"], **style)
    ax.set_xscale("symlog", linthresh=1, linscale=0.5)
    ax.xaxis.set_major_formatter(_PLAIN)
    ax.set(xlabel="epochs", ylabel="D*·T/rank", ylim=(0, None))
    ax.legend(loc="center right", fontsize=11)


def _spread(ax: Axes, key: pd.Series, value: pd.Series, **style: str) -> None:
    """Mean of ``value`` over seeds, with bars from least to largest."""
    found = value.groupby(key).agg(["mean", "min", "max"])
    bars = [found["mean"] - found["min"], found["max"] - found["mean"]]
    ax.errorbar(found.index, found["mean"], yerr=bars, ms=6, lw=1.6, capsize=3, **style)  # type: ignore[arg-type]


def _draw_images(ax: Axes, tables: Tables) -> None:
    """One row of images per group, each below its label and D*."""
    images, side = tables["images"], int(tables["set"].set_index("key")["value"]["side"])
    step_x, step_y = round(1.35 * side), round(1.4 * side)
    columns = int(images.groupby("group").size().max())
    page: NDArray[np.uint8] = np.zeros((step_y * len(_GROUPS), step_x * columns), dtype=np.uint8)
    for row, (group, title) in enumerate(_GROUPS):
        bottom = row * step_y + step_y
        ax.text(-0.4 * side, bottom - side / 2, title, ha="right", va="center", fontsize=12)
        for column, (_, image) in enumerate(images[images["group"] == group].iterrows()):
            pixels = np.frombuffer(bytes.fromhex(str(image["pixels"])), dtype=np.uint8).reshape(side, side)
            left = column * step_x
            page[bottom - side : bottom, left : left + side] = pixels
            text = f"{image['label']}: {image['trained']:.2f}"
            ax.text(left + side / 2, bottom - 1.06 * side, text, ha="center", va="bottom", fontsize=11)
            ax.plot(left - 0.5 + side * np.array([0, 1, 1, 0, 0]),
                    bottom - 0.5 - side * np.array([0, 0, 1, 1, 0]), color=GREY, lw=0.8)  # fmt: skip
    ax.imshow(page, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
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
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        axis.set_ticks([tick for tick in (1, 2, 3, 5, 10, 20, 30, 50, 100) if low <= tick <= high])
        axis.set_major_formatter(_PLAIN)
        axis.set_minor_formatter(_NONE)
    ax.legend(loc="upper left", fontsize=11)


def _draw_flipped(ax: Axes, tables: Tables) -> None:
    rows = tables["networks"].query("series == 'flipped'")
    widths = sorted(set(rows["width"]), reverse=True)
    for width, colour, marker in zip(widths, (BLUE, GREEN), "os", strict=False):
        chosen = rows[rows["width"] == width]
        label = f"P(D* of replaced > of others), {width} units"
        _spread(ax, chosen["epoch"], chosen["flipped_above_others"], color=colour, marker=marker, label=label)
        label = f"train accuracy, {width} units"
        _spread(ax, chosen["epoch"], chosen["train_accuracy"], color=colour, ls=":", label=label)
    ax.axhline(0.5, color=INK, lw=1, ls="--", label="no difference")
    ax.set_xscale("symlog", linthresh=10, linscale=0.5)
    ax.xaxis.set_major_formatter(_PLAIN)
    ax.set(xlabel=f"epochs, {FLIPPED:.0%} of labels replaced", ylabel="probability", ylim=(0, 1.05))
    ax.set_xlim(-1, None)
    ax.legend(loc="lower right", fontsize=11)


def _draw_toy(left: Axes, right: Axes, toy: pd.DataFrame) -> None:
    for column in ("largest", "ninety_nine_percent", "median"):
        _spread(left, toy["T"], toy[column], **_QUANTILES[column])
    left.axhline(1, color=INK, lw=1, ls="--", label="regular T-gon")
    left.set(xscale="log", yscale="log", xlabel="toy model, datapoints T", ylabel="D*·T/2")
    left.yaxis.set_major_formatter(_PLAIN)
    left.yaxis.set_minor_formatter(_NONE)
    left.legend(loc="upper left", fontsize=11)
    _spread(right, toy["T"], toy["test_loss"] - 1, color=BLUE, marker="o", label="test loss")
    right.axhline(0, color=INK, lw=1)
    right.set_yscale("symlog", linthresh=1e-2)
    lowest = float(toy["test_loss"].min()) - 1
    right.set(xlabel="toy model, datapoints T", ylabel="test loss − 1", ylim=(3 * min(lowest, -1e-3), None))


def last_snapshots(tables: Tables, series: str) -> pd.DataFrame:
    """The last snapshot of each network of a series."""
    rows = tables["networks"].query("series == @series")
    keys = ["width", "T", "seed"]
    return rows[rows["epoch"] == rows.groupby(keys)["epoch"].transform("max")]
