"""Experiment ``polish``: where trained models are on the way to. Each is continued in float64 along the descent of
‖W‖² within the models of zero loss until the first-order conditions hold. Dropped points stay dropped, and the least
norm is that of the points that are kept (`memorization.tgon-norm`). Where datapoints share a feature there is no
prediction, and no zero loss unless those points are neighbours. The table is that of `tgon polish --table`.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured
from experiments.grouping import parts, span
from verify.style import BLUE, DECAY_COLOURS, GREY, INK, VERMILLION, panels

#: A polished norm is the least one if it is within this of it, relatively.
LANDED = 1e-6

LEAST = "Every model on data without a shared feature lands on the least norm of the points it keeps"
CIRCLES = "Two circles are not stationary for the norm: polishing takes them to the polygon (`stationary.two-circles`)"


def findings(tables: Tables) -> list[Finding]:
    """Who lands on the least norm, how exactly, and who keeps the order of points."""
    rows = tables["polished"]
    known = rows[rows["ratio_after"].notna()]
    circles = known[known["diagnosis_before"] == "two circles"]
    off = float((known["ratio_after"] - 1).abs().max())
    ordered = int((known["keeps_order"].astype(str) == "True").sum())
    return [
        found_count(LEAST, "models", int(_landed(known).sum()), len(known)),
        found_count(CIRCLES, "models", int(_landed(circles).sum()), len(circles)),
        measured("Farthest from the least norm", "relative distance", off, len(known)),
        measured("The order of points on the polygon is kept", "models", ordered, len(known)),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """Of each T and diagnosis as trained: the norm before, and where polishing ends."""
    rows = tables["polished"]
    known, refused = rows["ratio_after"].notna(), rows["reason"].notna()
    marked = rows.assign(known=known, landed=_landed(rows), shared=~known & ~refused, refused=refused)
    heads = {
        "models": ("T", "size"),
        "‖W‖ / least": ("ratio_before", lambda ratios: span(ratios.dropna(), 4)),
        "no shared feature": ("known", "sum"),
        "at the least norm": ("landed", "sum"),
        "shared": ("shared", "sum"),
        "refused": ("refused", "sum"),
    }
    table = marked.groupby(["T", "diagnosis_before"]).agg(**heads)
    return table.reset_index(names=["T", "as trained"])


def draw(tables: Tables) -> Figure:
    """‖W‖ over the least norm of the points kept, as trained, and the line on which polishing ends."""
    rows = tables["polished"].dropna(subset=["ratio_before"])
    figure, [[ax]] = panels(1, 1, 7.0, 4.6)
    colours = (VERMILLION, GREY, BLUE, DECAY_COLOURS[2], INK)
    for place, (name, part) in enumerate(parts(rows, "diagnosis_before")):
        shifted = part["T"] + 0.25 * (place - 1.5) + np.linspace(-0.08, 0.08, len(part))
        ax.scatter(shifted, part["ratio_before"], s=18, alpha=0.7, color=colours[place], label=name)
    ax.axhline(1, color=INK, lw=1, label="after polishing")
    ax.set(xlabel="datapoints T", ylabel="‖W‖ / least norm of the points kept", yscale="log")
    ax.set_yticks([1, 1.5, 2, 3, 4], ["1", "1.5", "2", "3", "4"], minor=False)
    ax.legend(fontsize=10)
    return figure


def _landed(rows: pd.DataFrame) -> pd.Series:
    return (rows["ratio_after"] - 1).abs() <= LANDED
