"""Panels of hidden vectors or features in the plane: the points, and the polygon that theory has for them. The points
are a table with columns kind, x, y; a kind ends in what it is of, "hidden" or "feature".
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, round_below

#: Larger clouds become pixels in an SVG, of smaller points.
MOST_SHAPES = 60

#: So many times longer than all others are features that stand out, and so few.
STANDS_OUT, MOST_STANDING = 1.5, 8

#: How each kind is drawn, from the back to the front.
_LOOKS: dict[str, dict[str, Any]] = {
    "predicted hidden": {"color": VERMILLION, "marker": "o", "mfc": "none", "ms": 9},
    "predicted feature": {"color": VERMILLION, "marker": "o", "mfc": "none", "ms": 9},
    "unseen feature": {"color": GREY, "marker": "o", "ls": "", "ms": 2},
    "seen feature": {"color": GREEN, "marker": "o", "ls": ""},
    "feature": {"color": GREEN, "marker": "o", "ls": ""},
    "stored feature": {"color": INK, "marker": "o", "ls": "", "ms": 8},
    "hidden": {"color": BLUE, "marker": "o", "ls": ""},
}


def draw_cloud(ax: Axes, points: pd.DataFrame, content: str, reach: float | None = None) -> None:
    """Draw the points that are "hidden" or "feature" and the polygon predicted for them, to ``reach`` from the origin,
    `reach_of` them unless given. A few features that are much longer than the rest are drawn as stored ones.
    """
    drawn = points[points["kind"].str.endswith(content)]
    drawn = drawn.assign(kind=drawn["kind"].mask(_standing_out(drawn), "stored feature"))
    for kind, look in _LOOKS.items():
        own = drawn[drawn["kind"] == kind]
        many = len(own) > MOST_SHAPES
        if own.empty:
            continue
        if kind.startswith("predicted"):
            own, look = pd.concat([own, own.iloc[:1]]), look | {"lw": 1.2, "mew": 1.3}
        else:
            look = {"mew": 0, "rasterized": many} | ({"ms": 3, "alpha": 0.6} if many else {"ms": 5}) | look
        if kind == "hidden" and not many:
            x, y = (np.stack([0 * own[name], own[name], np.nan * own[name]], axis=1).ravel() for name in "xy")
            ax.plot(x, y, "-", color=BLUE, lw=0.9, alpha=0.5)
        ax.plot(own["x"], own["y"], **look, clip_on=False)
    ax.plot(0, 0, "+", color=INK, ms=6)
    reach = 1.15 * (reach or reach_of(drawn, content))
    tick = round_below(reach)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xticks([-tick, 0, tick], ["", "", f"{tick:g}"])
    ax.set_yticks([-tick, 0, tick], ["", "", f"{tick:g}"])


def reach_of(points: pd.DataFrame, content: str) -> float:
    """How far from the origin the points that are "hidden" or "feature" lie along an axis; 1 without any."""
    shown = points.loc[points["kind"].str.endswith(content), ["x", "y"]]
    return float(shown.abs().to_numpy().max(initial=0)) or 1.0


def _standing_out(points: pd.DataFrame) -> NDArray[np.bool_]:
    """Which are three or a few more features, each longer than all others by far."""
    lengths = np.where(points["kind"] == "feature", np.hypot(points["x"], points["y"]), 0.0)
    ordered = np.sort(lengths)[::-1][: MOST_STANDING + 1]
    jumps = np.flatnonzero(ordered[2:-1] > STANDS_OUT * ordered[3:])
    return np.asarray(lengths >= (ordered[jumps[-1] + 2] if len(jumps) else np.inf))


def cloud_legend(labels: Mapping[str, str]) -> list[Line2D]:
    """A handle for each kind of point, with its label."""
    return [Line2D([], [], label=label, **_LOOKS[kind]) for kind, label in labels.items()]
