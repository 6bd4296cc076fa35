"""The figure of experiment ``sensitivity``."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from experiments.findings import Tables
from experiments.grouping import numbers
from experiments.sensitivity.judging import BASELINE, FEATURE_ONSET, LOSS_ONSET, PEAK, Quantity
from verify.style import BLUE, GREY, INK, VERMILLION, Plot


def draw(tables: Tables) -> Figure:
    """Onsets and peak of every change, one row each: seeds, mean and the baseline's own spread."""
    changes, curves = tables["changes"], tables["curves"]
    figure = Plot(figsize=(13.0, 1.6 + 0.36 * len(changes)))
    figure.set_layout_engine("constrained", w_pad=0.12)
    axes = figure.subplots(1, 3, sharey=True)
    labels = ("features: onset T", "test loss below 1: onset T", "peak test loss")
    for ax, quantity, label in zip(axes, (FEATURE_ONSET, LOSS_ONSET, PEAK), labels, strict=True):
        _draw_quantity(ax, changes, curves, quantity)
        ax.set_xscale("log")
        if quantity is not PEAK:
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.xaxis.set_major_formatter("{x:.0f}")
            ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlabel(label)
    axes[1].sharex(axes[0])
    axes[0].set_yticks(range(len(changes)), changes["change"])
    axes[0].set_ylim(len(changes) - 0.4, -0.6)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _draw_quantity(ax: Axes, changes: pd.DataFrame, curves: pd.DataFrame, quantity: Quantity) -> None:
    name = quantity.column
    plain = numbers(curves[curves["change"] == BASELINE], name)
    centre = float(np.mean(np.log10(plain)))
    ax.axvspan(plain.min() / 1.01, plain.max() * 1.01, color=GREY, alpha=0.35, lw=0,
               label="seeds of the baseline")  # fmt: skip
    if quantity.published:
        for sign in (-1, 1):
            where = 10 ** (centre + sign * quantity.gap)
            # a lower peak than that of no bump cannot be shown
            if quantity is PEAK and where < 0.9:
                continue
            label = "published gap away" if sign > 0 else None
            ax.axvline(where, color=VERMILLION, ls="--", lw=1.4, label=label)
    for place, row in enumerate(changes.to_dict("records")):
        own = curves[curves["change"] == row["change"]]
        there = np.asarray(own[quantity.reached], dtype=bool) if quantity.reached else np.full(len(own), True)
        heights = place + np.linspace(-0.18, 0.18, len(own))
        values, colour = numbers(own, name), VERMILLION if row[f"{name}_moved"] else BLUE
        ax.scatter(values[there], heights[there], s=22, color=colour, alpha=0.55, lw=0)
        ax.scatter(values[~there], heights[~there], s=34, color=colour, marker=">", lw=0)
        ax.plot([float(row[name])], [place], "|", ms=13, mew=2, color=INK)
    ax.plot([], [], "o", color=BLUE, alpha=0.55, label="one seed of a change within the spread")
    ax.plot([], [], "o", color=VERMILLION, alpha=0.55, label="… of a change that moves it")
    ax.plot([], [], ">", color=INK, label="not reached, lower bound")
    ax.plot([], [], "|", ms=13, mew=2, color=INK, label="geometric mean of seeds")
    ax.grid(axis="y", color=GREY, alpha=0.25, lw=0.8)
