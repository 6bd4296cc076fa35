"""Clouds of hidden vectors and features of one run at m = 2: their tables and their panels. A table has a row per
point: kind ("hidden", "feature", "predicted hidden", "predicted feature"), x, y, rounded to four digits. Large clouds
are thinned: their points are exchangeable but for the longest, which are all kept.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from numerics import Run
from theory import tgon_energy
from theory.features.polygon import polygon
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import Diagnosis
from verify.figures.hidden import turned_onto
from verify.style import BLUE, GREEN, INK, VERMILLION, round_below

Floats = NDArray[np.float64]

#: Points kept of a cloud: the longest ones, and as many of the rest at even distances.
LONGEST, OTHERS = 40, 160
#: The predicted polygon is drawn up to this many vertices, beyond which it is a circle to the eye.
MOST_VERTICES = 30
#: Larger clouds become pixels in an SVG.
MOST_SHAPES = 60


def points_of(run: Run, diagnosis: Diagnosis | None) -> pd.DataFrame:
    """The cloud table of a run with m = 2, with the polygon that theory has for it where a diagnosis is given. That is
    the regular T-gon of least norm, unless the run stores features; then, where five columns stand out, the pentagon
    at b = 0 (`generalization.pentagon`).
    """
    hidden, W = run.record.hidden, run.W.astype(np.float64)
    clouds = {"hidden": _thinned(hidden), "feature": _thinned(W)}
    if diagnosis is not None:
        clouds |= _predicted(run.setting.T, diagnosis, hidden, W)
    rows = [
        pd.DataFrame({"kind": kind, "x": map(brief, cloud[0]), "y": map(brief, cloud[1])})
        for kind, cloud in clouds.items()
    ]
    return pd.concat(rows, ignore_index=True)


def _predicted(T: int, diagnosis: Diagnosis, hidden: Floats, W: Floats) -> dict[str, Floats]:
    """The polygon of theory, turned onto hidden vectors or features; nothing where there is none."""
    if diagnosis.name != "stored features":
        return {"predicted hidden": turned_onto(tgon_hidden(T), hidden)} if 2 <= T <= MOST_VERTICES else {}
    if diagnosis.stored != 5:
        return {}
    longest = W[:, np.argsort(-np.linalg.norm(W, axis=0))[:5]]
    pentagon = tgon_hidden(5) * np.sqrt(polygon(5, law="free").radius_squared * 5 / tgon_energy(5))
    return {"predicted feature": turned_onto(pentagon, longest)}


def brief(value: float) -> float:
    """A coordinate to the four digits of tables."""
    return float(f"{value:.4g}")


def _thinned(cloud: Floats) -> Floats:
    if cloud.shape[1] <= LONGEST + OTHERS:
        return cloud
    order = np.argsort(-np.linalg.norm(cloud, axis=0), kind="stable")
    rest = order[LONGEST:]
    places = np.linspace(0, len(rest) - 1, OTHERS).round().astype(int)
    return np.asarray(cloud[:, np.concatenate([order[:LONGEST], rest[places]])])


def draw_cloud(ax: Axes, points: pd.DataFrame, content: str) -> None:
    """Draw "hidden" or "feature" points and the polygon predicted for them, at a scale of their own."""
    own, predicted = (points[points["kind"] == kind] for kind in (content, f"predicted {content}"))
    colour = BLUE if content == "hidden" else GREEN
    if len(predicted):
        ring = pd.concat([predicted, predicted.iloc[:1]])
        ax.plot(ring["x"], ring["y"], "-", color=VERMILLION, lw=1.2)
        ax.plot(predicted["x"], predicted["y"], "o", mfc="none", mec=VERMILLION, ms=9, mew=1.3, clip_on=False)
    many = len(own) > MOST_SHAPES
    if content == "hidden" and not many:
        x, y = (np.stack([0 * own[name], own[name], np.nan * own[name]], axis=1).ravel() for name in "xy")
        ax.plot(x, y, "-", color=colour, lw=0.9, alpha=0.5)
    size, alpha = (3, 0.6) if many else (5, 1)
    ax.plot(
        own["x"], own["y"], "o", color=colour, mew=0, ms=size, alpha=alpha, rasterized=many, clip_on=False
    )
    ax.plot(0, 0, "+", color=INK, ms=6)
    reach = 1.15 * (float(pd.concat([own, predicted])[["x", "y"]].abs().to_numpy().max(initial=0)) or 1.0)
    tick = round_below(reach)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xticks([-tick, 0, tick], ["", "", f"{tick:g}"])
    ax.set_yticks([-tick, 0, tick], ["", "", f"{tick:g}"])


def cloud_legend(kinds: set[str]) -> list[Line2D]:
    """Handles for what panels of those kinds show."""
    found = [
        Line2D([], [], ls="", marker="o", color=BLUE, label="hidden vectors h = Wx of the datapoints"),
        Line2D([], [], ls="", marker="o", color=GREEN, label="features, the columns w of W"),
    ]
    names = {"predicted hidden": "T-gon [memorization.tgon-norm]"}
    names |= {"predicted feature": "pentagon [generalization.pentagon]"}
    label = " or ".join(text for kind, text in names.items() if kind in kinds)
    if label:
        label = f"theory: {label}, turned onto them"
        found.append(Line2D([], [], color=VERMILLION, marker="o", mfc="none", ms=9, label=label))
    return found
