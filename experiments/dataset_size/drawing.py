"""The figure of experiment ``dataset-size``."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.bump import geometric_mean
from experiments.clouds import cloud_legend, draw_cloud
from experiments.findings import Tables
from experiments.grouping import numbers, values_by
from experiments.published import PUBLISHED_SPARSITY
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, Plot


def levels_of(tables: Tables) -> dict[str, float]:
    """The reference values of the table ``levels``, by name."""
    return dict(zip(tables["levels"]["level"], tables["levels"]["value"], strict=True))


def draw(tables: Tables) -> Figure:
    """Losses above dimensionalities, above two rows of pictures."""
    sizes = list(dict.fromkeys(tables["points"]["T"]))
    figure = Plot(figsize=(9.6, 11.6))
    figure.set_layout_engine("constrained", h_pad=0.06, rect=(0, 0, 0.97, 1))
    grid = figure.add_gridspec(4, max(len(sizes), 1), height_ratios=[3.2, 2.6, 1.2, 1.2])
    top = figure.add_subplot(grid[0, :])
    middle = figure.add_subplot(grid[1, :], sharex=top)
    _draw_losses(top, tables)
    _draw_dimensionalities(middle, tables)
    for place, T in enumerate(sizes):
        points = tables["points"].query("T == @T")
        for row, content in ((2, "hidden"), (3, "feature")):
            ax = figure.add_subplot(grid[row, place])
            draw_cloud(ax, points, content)
            if content == "hidden":
                ax.set_title(f"T = {T}", fontsize=12)
    handles = cloud_legend(set(tables["points"]["kind"]))
    figure.legend(handles=handles, loc="outside lower center", ncols=1)
    return figure


def _log_axis(ax: Axes) -> None:
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:.0f}")


def _draw_losses(ax: Axes, tables: Tables) -> None:
    level, chosen = levels_of(tables), tables["runs"].query("chosen")
    losses = values_by(chosen, "T", "test_loss")
    _log_axis(ax)
    top = ax.secondary_xaxis(
        "top",
        functions=(
            lambda T: np.multiply(T, level["density"]),
            lambda seen: np.divide(seen, level["density"]),
        ),
    )
    top.set_xlabel("times a feature is seen, T(1 − S)")
    top.xaxis.set_major_formatter("{x:g}")
    excess = numbers(chosen, "test_loss") - 1
    ax.scatter(chosen["T"], excess, s=26, color=BLUE, alpha=0.5, lw=0, label="trained, one dataset seed")
    middle = [geometric_mean(each).value - 1 for each in losses.values()]
    ax.plot(list(losses), middle, "-", color=BLUE, lw=2, label="their geometric mean")
    published = tables["published"].query("T < inf")
    places = numbers(published, "T") * (1 - PUBLISHED_SPARSITY) / level["density"]
    label = "published, n = 10 000, placed by the axis above"
    theirs = numbers(published, "test_loss") - 1
    ax.plot(places, theirs, "x-", color=VERMILLION, lw=0.8, ms=8, mew=2, label=label)
    ax.axhline(level["zero_output"] - 1, color=INK, lw=1, label="zero output")
    pentagon = level["pentagon"] - 1
    ax.axhline(pentagon, color=INK, lw=1.4, ls="--", label="pentagon, T → ∞ [generalization.bias-only]")
    ax.set_yscale("symlog", linthresh=1e-3, linscale=0.6)
    ax.set(ylabel="test loss − 1", ylim=(3 * min(pentagon, excess.min()), 3 * max(0.01, excess.max())))
    ax.legend(loc="upper left", fontsize=11)


def _draw_dimensionalities(ax: Axes, tables: Tables) -> None:
    chosen, level = tables["runs"].query("chosen"), levels_of(tables)
    for column, colour, marker, label in (
        ("largest_data_dimensionality", BLUE, "o", "datapoints, largest $D_X$"),
        ("largest_feature_dimensionality", GREEN, "s", "features, largest $D_f$"),
    ):
        ax.scatter(chosen["T"], chosen[column], s=24, marker=marker, color=colour, alpha=0.5, lw=0)
        middle = chosen.groupby("T")[column].median()
        ax.plot(middle.index, middle, "-", color=colour, lw=2, marker=marker, ms=3, label=label)
    T = np.unique(numbers(chosen, "T"))
    tgon = "regular T-gon m/T [memorization.tgon-dimensionality]"
    ax.plot(T, np.minimum(1, 2 / T), "--", color=INK, lw=1.2, label=tgon)
    ax.axhline(0.4, color=GREY, lw=1, ls=":", label="pentagon alone 2/5")
    scale = level["generalization_scale"]
    ax.axvline(scale, ymax=0.52, color=GREY, lw=1, label="T(1 − S) = 10 [scales.generalization]")
    _log_axis(ax)
    ax.set(xlabel="datapoints T", ylabel="dimensionality", ylim=(0, 1.02))
    ax.legend(loc="upper right", fontsize=11)
