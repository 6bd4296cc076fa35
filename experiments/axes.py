"""What figures of experiments share: empty figures, seeds with their middle, a second axis, one legend."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axes._secondary_axes import SecondaryAxis

from verify.style import DECAY_COLOURS, VERMILLION, Plot

LOOKS = [
    {"color": colour, "marker": marker}
    for colour, marker in zip((VERMILLION, *DECAY_COLOURS), "os^DvX", strict=True)
]


def empty(width: float, height: float, **pads: Any) -> Plot:
    """A figure of that size in inches whose layout keeps panels apart; ``pads`` as matplotlib's engine takes them."""
    figure = Plot(figsize=(width, height))
    figure.set_layout_engine("constrained", **pads)
    return figure


def draw_seeds(
    ax: Axes,
    place: pd.Series,
    values: pd.Series,
    label: str,
    middle: str | Callable[[pd.Series], float] = "median",
    **style: Any,
) -> None:
    """Every seed as a pale mark, and a line through the ``middle`` of those at each place."""
    ax.scatter(place, values, s=18, alpha=0.45, lw=0, **style)
    ax.plot(values.groupby(place).agg(middle), "-", lw=1.8, ms=5, label=label, **style)


def draw_spread(ax: Axes, place: pd.Series, values: pd.Series, **style: Any) -> None:
    """The mean of the seeds at each place, with bars from least to largest."""
    found = values.groupby(place).agg(["mean", "min", "max"])
    bars = [found["mean"] - found["min"], found["max"] - found["mean"]]
    ax.errorbar(found.index, found["mean"], bars, ms=6, lw=1.6, capsize=3, **style)


def add_seen(ax: Axes, density: float) -> SecondaryAxis:
    """A second axis above an axis of T: T(1 − S), how often a feature is seen."""
    to, back = partial(np.multiply, density), partial(np.multiply, 1 / density)
    top = ax.secondary_xaxis("top", functions=(to, back))
    top.set_xlabel("times a feature is seen, T(1 − S)")
    return top


def one_legend(figure: Plot, axes: Iterable[Axes], **style: Any) -> None:
    """Below the figure each name of the panels once."""
    named = {
        name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named.keys(), loc="outside lower center", **style)
