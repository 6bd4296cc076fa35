"""The figure of experiment ``envelope``."""

import numpy as np
from matplotlib.figure import Figure

from experiments.findings import Tables
from experiments.grouping import numbers, values_by
from verify.style import BLUE, DECAY_COLOURS, GREEN, GREY, INK, VERMILLION, Plot

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
    models, level = tables["models"], tables["levels"].set_index("level")["value"]
    figure = Plot(figsize=(9.6, 7.4))
    figure.set_layout_engine("constrained")
    ax = figure.subplots()
    saving = models[models["train_loss"] < 1]
    for start, (label, colour, marker) in _STARTS.items():
        rows = saving[saving["start"] == start]
        ax.scatter(
            numbers(rows, "T"), 1 - numbers(rows, "train_loss"), s=48, marker=marker, lw=1.4, label=label,
            facecolors=colour if marker == "x" else "none", edgecolors=None if marker == "x" else colour,
        )  # fmt: skip
    trained = models.loc[models["steps"] > 0, "T"].max()
    least = 1 - float(saving["train_loss"].max())
    for places, style, label in (
        (saving["T"] <= trained, "-", "most saved by any, where models were trained"),
        (saving["start"] == "xavier", "--", "most saved from random starts"),
    ):
        best = values_by(saving[places], "T", "train_loss")
        saved = [1 - min(each) for each in best.values()]
        ax.plot(list(best), saved, style, color=INK, lw=1.3, label=label, zorder=0)
    pentagon = 1 - level["pentagon"]
    ax.axhline(pentagon, color=GREY, ls=":", lw=1.6, label="pentagon, T → ∞ [generalization.bias-only]")
    ax.set(xscale="log", yscale="log", xlabel="datapoints T", ylabel="1 − train loss")
    ax.set_ylim(min(pentagon / 6, 0.7 * least), 1.3)
    ax.xaxis.set_major_formatter("{x:.0f}")
    top = ax.secondary_xaxis("top", functions=(
        lambda T: np.multiply(T, level["density"]), lambda seen: np.divide(seen, level["density"])
    ))  # fmt: skip
    top.set_xlabel("times a feature is seen, T(1 − S)")
    figure.legend(loc="outside lower center", ncols=2, fontsize=11)
    return figure
