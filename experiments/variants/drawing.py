"""The figure of experiment ``variants``."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.clouds import draw_cloud
from experiments.findings import Tables
from verify.style import DECAY_COLOURS, GREY, INK, VERMILLION, Plot

_MARKERS = ("o", "s", "^", "v", "D", "X")
_COLOURS = (INK, *DECAY_COLOURS[:4], VERMILLION)


def draw(tables: Tables) -> Figure:
    """Losses and dimensionalities against T on top, a column of pictures for each variant below."""
    names = list(dict.fromkeys(tables["trained"]["variant"]))
    rows = list(dict.fromkeys(zip(tables["points"]["kind"], tables["points"]["T"], strict=True)))
    figure = Plot(figsize=(11.0, 5.2 + 1.9 * len(rows)))
    figure.set_layout_engine("constrained", h_pad=0.06)
    grid = figure.add_gridspec(1 + len(rows), len(names), height_ratios=[4.4, *[1.9] * len(rows)])
    half = len(names) // 2
    left, right = figure.add_subplot(grid[0, :half]), figure.add_subplot(grid[0, half:])
    _draw_series(left, tables["trained"], names, "test_loss", offset=1.0)
    left.set_yscale("symlog", linthresh=0.01)
    left.axhline(0, color=GREY, lw=1)
    lowest = float(tables["trained"]["test_loss"].min()) - 1
    left.set(ylabel="test loss / zero output − 1", ylim=(3 * min(lowest, -0.003), None))
    _draw_series(right, tables["trained"], names, "largest_feature_dimensionality")
    right.axhline(0.4, color=GREY, lw=1, ls=":")
    right.annotate("pentagon alone 2/5", (0.5, 0.4), xycoords=right.get_yaxis_transform(), color=INK,
                   fontsize=11, va="bottom")  # fmt: skip
    right.set(ylabel="largest $D_f$, decoder", ylim=(0, None))
    for place, (kind, T) in enumerate(rows, start=1):
        for column, name in enumerate(names):
            ax = figure.add_subplot(grid[place, column])
            points = tables["points"].query("variant == @name and T == @T and kind == @kind")
            if points.empty:
                ax.set_axis_off()
                continue
            draw_cloud(ax, points, kind)
            if place == 1:
                ax.set_title(name.replace(", ", ",\n"), fontsize=11.5)
            if column == 0:
                ax.set_ylabel(f"{'hidden' if kind == 'hidden' else 'features'}\nT = {T}")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_series(ax: Axes, trained: pd.DataFrame, names: list[str], column: str, offset: float = 0.0) -> None:
    """Every seed as a small open mark and their median as a line, per variant."""
    for name, colour, marker in zip(names, _COLOURS, _MARKERS, strict=False):
        rows = trained[trained["variant"] == name].dropna(subset=[column])
        ax.scatter(
            rows["T"], rows[column] - offset, s=16, marker=marker, facecolor="none", edgecolor=colour, lw=0.8, zorder=3
        )  # fmt: skip
        middle = rows.groupby("T")[column].median() - offset
        ax.plot(middle.index, middle, "-", marker=marker, ms=5, color=colour, lw=1.6, label=name)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.set_xlabel("datapoints T")
