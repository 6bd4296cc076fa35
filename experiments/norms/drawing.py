"""The figure of experiment ``norms``."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from experiments.findings import Tables
from verify.style import BLUE, INK, SOFT, VERMILLION, Plot

#: What is drawn: column, axis label, equation label of the theory.
PANELS = (
    ("weight_norm", "weight norm ‖W‖", "memorization.tgon-norm"),
    ("bias_norm", "bias norm ‖b‖", "memorization.tgon-bias-norm"),
    ("hidden_length", "median length ‖h‖", "memorization.tgon-radius"),
    ("feature_length", "longest feature ‖w‖", ""),
)


def draw(tables: Tables) -> Figure:
    """Four panels, one per length."""
    figure = Plot(figsize=(9.6, 8.6))
    figure.set_layout_engine("constrained", h_pad=0.08)
    axes = figure.subplots(2, 2, sharex=True)
    for ax, (column, label, source) in zip(axes.flat, PANELS, strict=True):
        _draw_panel(ax, tables, column, source)
        ax.set_ylabel(label)
    for ax in axes[1]:
        ax.set_xlabel("datapoints T")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def _draw_panel(ax: Axes, tables: Tables, column: str, source: str) -> None:
    runs, theory, published = tables["runs"], tables["theory"], tables["published"]
    ax.set(xscale="log", yscale="log", ymargin=0.1)
    style: dict[str, Any] = {"s": 26, "edgecolor": BLUE, "lw": 0.9, "alpha": 0.65}
    for memorized, face, label in (
        (True, BLUE, "trained, memorized"),
        (False, "none", "trained, not memorized"),
    ):
        dots = runs[runs["memorized"] == memorized]
        ax.scatter(dots["T"], dots[column], facecolor=face, label=label, **style)
    if column in theory:
        positive = theory[column].where(theory[column] > 1e-9)
        near = theory["within_reach"] >= 0.5
        label = "regular T-gon of least norm"
        ax.plot(theory["T"], positive.where(near), "-", color=INK, lw=1.8, label=label)
        label = "… with biases out of reach for most datasets"
        ax.plot(theory["T"], positive.where(~near), ":", color=INK, lw=1.8, label=label)
        for T in theory["T"][theory[column] <= 1e-9]:
            ax.text(T, 0.015, f"0 at T = {T}", ha="center", fontsize=11, transform=ax.get_xaxis_transform())
        ax.set_title(f"[{source}]", fontsize=11, color=INK)
    else:
        ax.set_title("no prediction", fontsize=11, color=SOFT)
    if column in published:
        label = "published replication, one seed per T"
        ax.plot(published["T"], published[column], "x", color=VERMILLION, ms=9, mew=2, label=label)
    ticks = [T for T in (3, 5, 8, 12, 20, 30, 50, 100) if runs["T"].max() >= T]
    ax.set_xticks(ticks, [str(T) for T in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e4 * low else (1.0,)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
