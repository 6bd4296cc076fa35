"""The figure of train losses: every seed against the step, one panel per group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

import numerics
from theory import MEMORIZED_ERROR
from verify.style import BLUE, INK, VERMILLION, panels, styled

#: Digits of powers of ten as text: mathtext, which is slow, would be parsed once more for every drawing.
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def train_loss_history_numbers(runs: Sequence[numerics.Run]) -> pd.DataFrame:
    """Every number of the figure: columns T, m, weight_decay, seed, memorized, step, loss (6 digits)."""
    tables = []
    for run in runs:
        facts = {name: getattr(run.setting, name) for name in ("T", "m", "weight_decay", "seed")}
        losses = [float(f"{loss:.6g}") for loss in run.history_loss]
        columns = {"memorized": run.status == "memorized", "step": run.history_step, "loss": losses}
        tables.append(pd.DataFrame(facts | columns))
    return pd.concat(tables, ignore_index=True)


def plot_history(runs: numerics.Run | Sequence[numerics.Run]) -> Figure:
    """The train loss of one run or of several against the step, a panel for each group."""
    several = runs if isinstance(runs, Sequence) else [runs]
    return draw_train_loss_history(train_loss_history_numbers(several))


def draw_train_loss_history(numbers: pd.DataFrame) -> Figure:
    """The figure of `train_loss_history_numbers`."""
    groups = [group for _, group in numbers.groupby(["T", "m", "weight_decay"], sort=False)]
    columns = min(len(groups), 4)
    with styled():
        size = {1: (5.3, 4.4), 2: (3.8, 3.1)}.get(columns, (2.7, 3.1))  # as wide as the legend below
        figure, axes = panels(-(-len(groups) // columns), columns, *size, sharey=True)
        flat = list(chain.from_iterable(axes))
        for ax in flat[len(groups) :]:
            ax.set_axis_off()
        for ax, group in zip(flat, groups, strict=False):
            _draw_histories(ax, group)
        for row in axes:
            row[0].set_ylabel("train loss")
        legend = _history_legend(set(numbers["memorized"]))
        figure.legend(handles=legend, loc="outside lower center", ncols=min(columns, 2))
    return figure


def _draw_histories(ax: Axes, group: pd.DataFrame) -> None:
    T, m, decay = group["T"].iloc[0], group["m"].iloc[0], group["weight_decay"].iloc[0]
    for _, history in group.groupby("seed", sort=False):
        colour, order = (BLUE, 2) if history["memorized"].iloc[0] else (VERMILLION, 3)
        ax.plot(history["step"], history["loss"], "-", color=colour, lw=0.9, alpha=0.55, zorder=order)
    ax.axhline(1 / T, color=INK, ls="--", lw=1.1, zorder=4)
    ax.axhline(MEMORIZED_ERROR, color=INK, ls=":", lw=1.3, zorder=4)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda loss, _: f"10{str(round(math.log10(loss))).translate(_RAISED)}")
    ax.set_title(f"T = {T}{'' if m == 2 else f', m = {m}'}\nweight decay {decay:g}")
    ax.set_xlabel("step")
    ax.xaxis.set_major_locator(MaxNLocator(2))


def _history_legend(memorized: set[bool]) -> list[Line2D]:
    """Handles of what is drawn: seeds of the kinds that there are, and the two levels."""
    levels = (
        (True in memorized, BLUE, "-", "a seed that memorizes"),
        (False in memorized, VERMILLION, "-", "a seed that does not"),
        (True, INK, "--", "one datapoint forgotten: 1/T"),
        (True, INK, ":", f"{MEMORIZED_ERROR:g}: allowed error of each datapoint"),
    )
    return [Line2D([], [], color=color, ls=ls, label=label) for drawn, color, ls, label in levels if drawn]
