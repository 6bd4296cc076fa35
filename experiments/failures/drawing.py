"""The figure of experiment ``failures``."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.clouds import cloud_legend, draw_cloud
from experiments.findings import Tables
from verify.style import BLUE, GREY, INK, VERMILLION, Plot

#: The kinds in the order in which they are stacked, and their colours and hatches.
KINDS: dict[str, tuple[str, str]] = {
    "regular T-gon": (BLUE, ""),
    "irregular polygon": ("#56B4E9", "//"),
    "two circles": ("#E69F00", ""),
    "dropped point": (VERMILLION, "\\\\"),
    "not converged": (GREY, ""),
}


def draw(tables: Tables) -> Figure:
    """Shares by T, one run of each kind, and the gaps."""
    points = tables["points"]
    shown = list(dict.fromkeys(points["diagnosis"]))
    figure = Plot(figsize=(9.6, 11.0))
    figure.set_layout_engine("constrained", h_pad=0.08)
    grid = figure.add_gridspec(3, max(len(shown), 1), height_ratios=[2.6, 1.5, 2.8])
    _draw_shares(figure.add_subplot(grid[0, :]), tables["shares"])
    for place, name in enumerate(shown):
        own = points[points["diagnosis"] == name]
        ax = figure.add_subplot(grid[1, place])
        draw_cloud(ax, own, "hidden")
        ax.set_title(f"{name.replace(' ', chr(10))}", fontsize=12)
        ax.set_xlabel(f"T = {own['T'].iloc[0]}, seed {own['seed'].iloc[0]}", fontsize=11)
    _draw_gaps(figure.add_subplot(grid[2, :]), tables["gaps"])
    handles = [each for each in cloud_legend(set(points["kind"])) if "features" not in str(each.get_label())]
    figure.legend(handles=handles, loc="outside lower center", ncols=1)
    return figure


def _draw_shares(ax: Axes, shares: pd.DataFrame) -> None:
    heights = shares.pivot(index="T", columns="diagnosis", values="share")
    bottom = 0 * heights.iloc[:, 0]
    for name in shares["diagnosis"].unique():
        if not heights[name].any():
            continue
        colour, hatch = KINDS.get(name, (INK, ""))
        ax.bar(heights.index, heights[name], bottom=bottom, width=0.86, color=colour, hatch=hatch,
               edgecolor="white", lw=0.6, label=name)  # fmt: skip
        bottom = bottom + heights[name]
    ax.set(xlabel="datapoints T", ylabel="share of seeds", ylim=(0, 1), xticks=heights.index)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=11)


def _draw_gaps(ax: Axes, gaps: pd.DataFrame) -> None:
    faces = {True: (BLUE, "disjoint supports"), False: ("none", "some datapoints share a feature")}
    for disjoint, (face, label) in faces.items():
        own = gaps[gaps["disjoint"] == disjoint]
        if len(own):
            ax.scatter(
                own["bound"], own["gap"], s=16, facecolor=face, edgecolor=BLUE, lw=0.7, alpha=0.6,
                label=f"neighbours on different circles, {label}", rasterized=len(own) > 300,
            )  # fmt: skip
    ends = [0.0, 180.0] if gaps.empty else [gaps["bound"].min() - 5, gaps["bound"].max() + 5]
    label = "least angle [stationary.interface-gap, memorization.robust-constraint]"
    ax.plot(ends, ends, "-", color=INK, lw=1.5, label=label)
    ax.set(
        xlabel="least angle (degrees), arccos((x − 1 + 2√ε)/√(xy)):\nsquared lengths x ≤ y, largest squared error ε "
        "of the run",
        ylabel="angle between them (degrees)",
    )
    ax.set_ylim(top=1.2 * ax.get_ylim()[1])  # room for the legend
    ax.legend(loc="upper right", fontsize=11)
