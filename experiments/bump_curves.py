"""Test loss against dataset size for several values of one setting: table, summary and figure of such pages."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import draw_seeds, empty
from experiments.bump import Bump, find_bump, geometric_mean
from experiments.findings import Tables
from experiments.grouping import numbers, parts, values_by
from numerics import Run
from verify.style import DECAY_COLOURS, GREY, INK, VERMILLION

#: What the pages keep of every run, beside the value that tells curves apart.
COLUMNS = ["T", "sparsity", "seed", "status", "train_loss", "test_loss", "largest_feature_dimensionality"]

_MARKERS = ("o", "s", "^", "D", "v", "X")
_COLOURS = (VERMILLION, *DECAY_COLOURS)

#: Test losses over seeds for each value of a setting and each T.
Losses = Mapping[float, Mapping[int, Sequence[float]]]


def collect_curves(runs: Sequence[Run], table: pd.DataFrame, key: str) -> Tables:
    """Table ``runs``: every run with the value of ``key``."""
    return {"runs": table[[key, *COLUMNS]].sort_values([key, "T", "seed"], ignore_index=True)}


def losses_by(runs: pd.DataFrame, key: str) -> dict[float, dict[int, list[float]]]:
    """Test losses over seeds for each value of ``key``, ascending, and each T."""
    return {float(value): values_by(rows, "T", "test_loss") for value, rows in parts(runs, key)}


def bumps_of(losses: Losses) -> dict[float, Bump]:
    """The bump for each value with runs at three T or more."""
    return {value: find_bump(curve) for value, curve in losses.items() if len(curve) > 2}


def bumps_summary(tables: Tables, key: str, head: str) -> pd.DataFrame:
    """The bump at each value of ``key``, where its peak is, and the test loss at the largest T; ``head`` names
    the values.
    """
    losses = losses_by(tables["runs"], key)
    density = _density(tables["runs"])
    rows = [
        {
            head: f"{value:g}",
            "bump there": _there(bump),
            "T of the peak": bump.T,
            "T(1 − S)": f"{bump.T * density:.3g}",
            "test loss": str(bump.loss),
            "over smallest T": str(bump.over_first),
            "over largest T": str(bump.over_last),
            "test loss at largest T": f"{geometric_mean(losses[value][max(losses[value])]).value:.4g}",
        }
        for value, bump in bumps_of(losses).items()
    ]
    return pd.DataFrame(rows)


def _density(runs: pd.DataFrame) -> float:
    """1 − S, the same for all runs."""
    return 1 - float(runs["sparsity"].iloc[0])


def _there(bump: Bump) -> str:
    alone = math.isinf(bump.over_first.high) or math.isinf(bump.over_last.high)
    return "yes" if bump.there else "one seed at an end" if alone else "in every seed" if bump.apart else "no"


def draw_curves(tables: Tables, key: str, symbol: str) -> Figure:
    """Test loss above, largest feature dimensionality below, one curve for each value of ``key``."""
    runs = tables["runs"]
    figure = empty(9.6, 8.6, h_pad=0.06)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    excess, column = runs.assign(excess=runs["test_loss"] - 1), "largest_feature_dimensionality"
    for place, (value, rows) in enumerate(parts(excess, key)):
        style = {"color": _COLOURS[place % 6], "marker": _MARKERS[place % 6]}
        label = f"{symbol} = {value:g}"
        middle = [geometric_mean(each).value - 1 for each in values_by(rows, "T", "test_loss").values()]
        draw_seeds(top, rows["T"], rows["excess"], middle, label, **style)
        draw_seeds(
            bottom, rows["T"], rows[column], rows.groupby("T")[column].median().tolist(), label, **style
        )
    _finish(top, bottom, numbers(excess, "excess"), 10 / _density(runs))
    return figure


def _finish(top: Axes, bottom: Axes, excess: np.ndarray, scale: float) -> None:
    """Axes, the zero output's loss and the published scale of generalization."""
    top.axhline(0, color=INK, lw=1)
    top.annotate("zero output", (0.995, 0), xycoords=top.get_yaxis_transform(), color=INK, fontsize=11,
                 ha="right", va="bottom")  # fmt: skip
    top.set_yscale("symlog", linthresh=0.01, linscale=0.8)
    limits = min(-0.01, 2 * float(excess.min())), 3 * max(0.01, float(excess.max()))
    top.set(ylabel="test loss − 1", ylim=limits)
    top.legend(loc="upper left")
    for ax in (top, bottom):
        ax.axvline(scale, color=GREY, lw=1, ls=":")
    bottom.annotate("T(1 − S) = 10\n[scales.generalization]", (scale, 0.98), xytext=(-5, 0), color=INK, fontsize=11,
                    xycoords=bottom.get_xaxis_transform(), textcoords="offset points",
                    ha="right", va="top")  # fmt: skip
    bottom.set_xscale("log")
    bottom.xaxis.set_major_formatter("{x:.0f}")
    bottom.set(xlabel="datapoints T", ylabel="largest $D_f$", ylim=(0, None))
