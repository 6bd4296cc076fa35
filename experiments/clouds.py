"""Clouds of hidden vectors and features of one run at m = 2: their tables and what legends say. A table has a row per
point: kind ("hidden", "feature", "predicted hidden", "predicted feature"), x, y, rounded to four digits. Large clouds
are thinned: their points are exchangeable but for the longest, which are all kept.
"""

import numpy as np
import pandas as pd

from numerics import Run
from theory import tgon_energy
from theory.arrays import Floats
from theory.features.polygon import polygon
from theory.memorization.tgon import tgon_hidden
from verify.diagnosis import Diagnosis
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


def labels_of(kinds: set[str]) -> dict[str, str]:
    """What legends say of points of those kinds, by kind."""
    labels = {"hidden": "hidden vectors h = Wx of the datapoints", "feature": "features, the columns w of W"}
    if "predicted feature" in kinds:
        labels["stored feature"] = "features much longer than all others"
    names = {
        "predicted hidden": "T-gon [memorization.tgon-norm]",
        "predicted feature": "pentagon [generalization.pentagon]",
    }
    if found := [kind for kind in names if kind in kinds]:
        labels[found[0]] = f"theory: {' or '.join(names[kind] for kind in found)}, turned onto them"
    return labels
