"""Clouds of hidden vectors and features of one run at m = 2: their tables and pictures. A table has a row per point:
kind ("hidden", "feature", "predicted hidden", "predicted feature"), x, y, rounded to four digits. Large clouds are
thinned: their points are exchangeable but for the longest, which are all kept.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from numerics import Run
from theory import tgon_energy
from theory.arrays import Floats
from theory.features.polygon import polygon
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import Diagnosis
from verify.figures.clouds import cloud_legend, draw_cloud
from verify.figures.hidden import turned_onto

#: Points kept of a cloud: the longest ones, and as many of the rest at even distances.
LONGEST, OTHERS = 40, 160
#: The predicted polygon is drawn up to this many vertices, beyond which it is a circle to the eye.
MOST_VERTICES = 30


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


def draw_pictures(
    figure: Figure,
    grid: GridSpec,
    row: int,
    clouds: Iterable[tuple[str, pd.DataFrame]],
    names: Mapping[str, str],
    beside: Callable[[Axes, pd.DataFrame, str], None] = lambda *_: None,
) -> list[Axes]:
    """A column for each title and its points, from a row of the grid on: the contents of ``names`` below each other,
    with these names at the left and what ``beside`` draws; the panels of the first row.
    """
    first = []
    for column, (title, points) in enumerate(clouds):
        for line, (content, name) in enumerate(names.items()):
            ax = figure.add_subplot(grid[row + line, column])
            draw_cloud(ax, points, content)
            beside(ax, points, content)
            if line == 0:
                ax.set_title(title, fontsize=12)
                first.append(ax)
            if column == 0:
                ax.set_ylabel(name)
    return first


def explain_clouds(figure: Figure, kinds: pd.Series) -> None:
    """Below the figure what the points of those kinds are."""
    labels = {"hidden": "hidden vectors h = Wx of the datapoints", "feature": "features, the columns w of W"}
    labels = {kind: label for kind, label in labels.items() if kind in set(kinds)}
    names = {
        "predicted hidden": "T-gon [memorization.tgon-norm]",
        "predicted feature": "pentagon [generalization.pentagon]",
    }
    if "predicted feature" in set(kinds):
        labels["stored feature"] = "features much longer than all others"
    if found := [kind for kind in names if kind in set(kinds)]:
        labels[found[0]] = f"theory: {' or '.join(names[kind] for kind in found)}, turned onto them"
    figure.legend(handles=cloud_legend(labels), loc="outside lower center", ncols=1)
