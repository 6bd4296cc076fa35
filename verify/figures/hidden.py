"""The figure of hidden vectors: chosen runs, the predicted polygon turned onto them (m = 2), and the features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from numerics import Dataset, Run
from theory import Record, Setting, polygon, predict
from theory.arrays import Floats
from theory.features.amplitude_law import route
from theory.polygon_geometry import polygon_vertices
from verify.diagnosis import Diagnosis, diagnose_run
from verify.figures.clouds import cloud_legend, draw_cloud, reach_of
from verify.stored_features import arrangement
from verify.style import SOFT, panels, styled

#: Panels that are compared share a scale unless their contents differ by more than this.
LARGEST_RATIO = 4.0

#: Panels side by side before the figure goes on below.
PANELS_PER_LINE = 5

#: Unseen features drawn per panel, evenly spaced: they are exchangeable, and thousands look like hundreds.
MOST_UNSEEN = 200

_COLUMNS = ["T", "m", "run", "seed", "diagnosis", "weight_norm", "train_loss", "kind", "x", "y"]

#: What the legend says of each kind of point.
LABELS = {
    "hidden": "trained hidden vector h = W X",
    "predicted hidden": "predicted: regular T-gon, ‖h‖² = 1/(1 − cos 2π/T)  [memorization.tgon-radius]",
    "predicted feature": "predicted: best regular k-gon for the data's amplitudes  [generalization.ring-law]",
    "seen feature": "column of W, seen feature",
    "stored feature": "column of W, stored feature",
    "unseen feature": f"column of W, unseen feature (up to {MOST_UNSEEN})",
}

#: Inches the legend needs.
LEAST_WIDTH = 7.6


def hidden_vectors_numbers(runs: Sequence[Run]) -> pd.DataFrame:
    """Every point of the figure, one row per hidden vector, vertex of the prediction and feature (column of W). For
    each T the memorizing run of least ‖W‖ is shown, and of the most frequent diagnosis of failed ones the run of median
    train loss. Diverged runs are left out; without any other the table is empty.

    Columns: T, m, run ("memorized" or "failed"), seed, diagnosis, weight_norm, train_loss, kind ("hidden", "predicted",
    "predicted feature", "seen feature", "unseen feature", "stored feature"), x, y (rounded to 1e-5). For m > 2 the two
    directions of largest extent of the hidden vectors, without a prediction. Of several series of settings, the one
    with the most values of T. At most `MOST_UNSEEN` unseen features of a run are kept.
    """
    tables = [_points(run, role) for alike in _by_size(runs) for role, run in _chosen(alike).items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def plot(run: Run) -> Figure:
    """Hidden vectors of one run with the predicted polygon, and its columns of W; ValueError if it diverged."""
    if not isinstance(run, Run):
        raise TypeError(
            f"a {type(run).__name__} is no run; try check(model, data).figure() for a model of your own"
        )
    return draw_hidden_vectors(_points(run, "memorized" if run.status == "memorized" else "failed"))


def _by_size(runs: Sequence[Run]) -> list[list[Run]]:
    """Finished runs, one list per T, of the series of settings with the most values of T."""
    series: dict[Setting, dict[int, list[Run]]] = {}
    for run in runs:
        if run.status != "diverged":
            alike = run.setting.replace(T=run.setting.repeats, seed=0, data_seed=0)
            series.setdefault(alike, {}).setdefault(run.setting.T, []).append(run)
    longest = max(series.values(), key=len, default={})
    return [longest[T] for T in sorted(longest)]


def _chosen(runs: list[Run]) -> dict[str, Run]:
    """The memorizing run of least ‖W‖ and a typical failed run, as far as there are such."""
    chosen = {}
    if memorized := [run for run in runs if run.status == "memorized"]:
        chosen["memorized"] = min(memorized, key=lambda run: run.record.weight_norm)
    if failed := [(diagnose_run(run).name, run) for run in runs if run.status != "memorized"]:
        [(frequent, _)] = Counter(name for name, _ in failed).most_common(1)
        ordered = sorted(
            (run for name, run in failed if name == frequent), key=lambda run: run.record.train_loss
        )
        chosen["failed"] = ordered[(len(ordered) - 1) // 2]
    return chosen


def _points(run: Run, role: str) -> pd.DataFrame:
    setting, predicted = run.setting, None
    if setting.m == 2 and setting.T >= 2:
        predicted = predict(setting).hidden
    about = {"run": role, "seed": setting.seed}
    return model_points(run.record, run.W, run.data, diagnose_run(run), predicted, about)


def model_points(
    record: Record,
    W: NDArray[Any],
    data: Dataset,
    diagnosis: Diagnosis,
    predicted: Floats | None,
    about: Mapping[str, Any],
) -> pd.DataFrame:
    """The points of one model, as in `hidden_vectors_numbers`: ``predicted`` (2, T) are the vertices to turn onto
    the hidden vectors of a model that stores no feature, ``about`` has its run and seed.
    """
    hidden, seen, unseen = record.hidden, data.seen, np.flatnonzero(~data.seen)
    # m > 2: the plane of largest extent
    frame: Floats = np.eye(2, len(hidden)) if len(hidden) <= 2 else np.linalg.svd(hidden)[0][:, :2].T
    stored = list(diagnosis.features) if diagnosis.stored else []
    clouds = {
        "hidden": frame @ hidden,
        "seen feature": frame @ W[:, seen],
        "unseen feature": frame @ W[:, unseen[:: -(-len(unseen) // MOST_UNSEEN) or 1]],
        "stored feature": frame @ W[:, stored],
    }
    if len(W) == 2 and stored and arrangement(W[:, stored]).startswith("regular"):
        best = polygon(len(stored), route(data).law, n=data.n)
        vertices = polygon_vertices(best.k, best.radius_squared)
        clouds["predicted feature"] = turned_onto(vertices, W[:, stored])
    elif predicted is not None and not stored:
        clouds["predicted"] = turned_onto(predicted, hidden)
    points = [pd.DataFrame({"kind": kind, "x": cloud[0], "y": cloud[1]}) for kind, cloud in clouds.items()]
    table = pd.concat(points, ignore_index=True).round({"x": 5, "y": 5})
    numbers = {name: float(f"{getattr(record, name):.6g}") for name in ("weight_norm", "train_loss")}
    facts = {"T": record.T, "m": record.m, **about, "diagnosis": diagnosis.name} | numbers
    return pd.DataFrame(facts, index=table.index).join(table)


def turned_onto(polygon: Floats, hidden: Floats) -> Floats:
    """A regular (2, T) polygon turned so that it lies as near to ``hidden`` as can be, both in order of angle.

    Orthogonal Procrustes: the rotation by the argument of Σ h_j conj(p_j). Cyclic relabelling and reflection map a
    regular polygon to itself, so turning is all there is.

    >>> square = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    >>> bool(np.allclose(np.sort(turned_onto(square, 3 * square)), np.sort(square)))
    True
    """
    vertices, points = _in_order(polygon), _in_order(hidden)
    overlap = np.sum(points * vertices.conj())
    turned = vertices * (overlap / abs(overlap) if overlap else 1.0)
    return np.array([turned.real, turned.imag])


def _in_order(vectors: Floats) -> NDArray[np.complex128]:
    numbers: NDArray[np.complex128] = vectors[0] + 1j * vectors[1]
    return numbers[np.argsort(np.angle(numbers), kind="stable")]


def draw_hidden_vectors(numbers: pd.DataFrame) -> Figure:
    """The figure of `hidden_vectors_numbers`; an empty table gives a panel that says so."""
    numbers = numbers.replace({"kind": {"predicted": "predicted hidden"}})
    sizes = list(dict.fromkeys(numbers["T"]))
    if not sizes:
        with styled():
            figure, axes = panels(1, 1, 4.4, 1.2)
            _write(axes[0][0], "every run diverged")
        return figure
    found = set(numbers["run"])
    roles = [("memorized", "hidden"), ("memorized", "feature"), ("failed", "hidden")]
    if found == {"failed"} and len(sizes) == 1:  # one model, not a comparison
        roles = [("failed", "hidden"), ("failed", "feature")]
    elif "failed" not in found:
        roles = roles[:2]
    side_by_side = len(sizes) < len(roles)  # few T: one line each, the roles beside each other
    lines = -(-len(sizes) // PANELS_PER_LINE)
    rows, columns = lines * len(roles), min(len(sizes), PANELS_PER_LINE)
    if side_by_side:
        rows, columns = len(sizes), len(roles)
    width = max(2.2 * columns, LEAST_WIDTH)
    with styled():
        figure, axes = panels(rows, columns, width / columns, 2.7 + (1.8 / rows if side_by_side else 0))
        for ax in chain.from_iterable(axes):
            ax.set_axis_off()
        for role, (run, content) in enumerate(roles):
            cells = {T: numbers[(numbers["T"] == T) & (numbers["run"] == run)] for T in sizes}
            reach = _shared_reach(cells, content)
            for place, (T, cell) in enumerate(cells.items()):
                line, column = divmod(place, PANELS_PER_LINE)
                ax = axes[place][role] if side_by_side else axes[line * len(roles) + role][column]
                _draw_cell(ax, cell, T, run, content, reach, side_by_side or column == 0)
        kinds = set(numbers["kind"])
        handles = cloud_legend({kind: label for kind, label in LABELS.items() if kind in kinds})
        figure.legend(handles=handles, loc="outside lower center", ncols=1)
    return figure


def _shared_reach(cells: Mapping[int, pd.DataFrame], content: str) -> float | None:
    """The largest reach of the cells; None, for a scale of each, where the smallest could not be seen at it."""
    reaches = [reach_of(cell, content) for cell in cells.values() if len(cell)] or [1.0]
    return max(reaches) if max(reaches) <= LARGEST_RATIO * min(reaches) else None


def _draw_cell(
    ax: Axes, cell: pd.DataFrame, T: int, run: str, content: str, reach: float | None, named: bool
) -> None:
    if cell.empty:
        _write(ax, f"T = {T}\n" + ("every run\nmemorizes" if run == "failed" else "no run\nmemorizes"))
        return
    ax.set_axis_on()
    first = cell.iloc[0]
    draw_cloud(ax, cell, content, reach)
    about = {"memorized": f"‖W‖ = {first['weight_norm']:.4g}", "failed": first["diagnosis"]}[run]
    seed = f"T = {T}" + (f", seed {first['seed']}" if first["seed"] != "" else "")
    ax.set_title(f"{seed}\n{about}" if content == "hidden" else "", fontsize=12)
    if named:
        plane = "" if first["m"] <= 2 else f",\n2 of {first['m']} directions"
        ax.set_ylabel(f"{'features w' if content == 'feature' else 'hidden h'}{plane}")


def _write(ax: Axes, text: str) -> None:
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=SOFT, transform=ax.transAxes)
