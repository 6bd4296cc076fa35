"""Experiment ``repeated-many``: several repeated datapoints, each in place of a feature. Henighan et al. 2023, comment
"Extension: Repeated Data Points" (Jermyn): each repeated datapoint replaces a feature; of more than five the model
embeds five, and suppresses all features.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from experiments.axes import draw_spread, empty, one_legend
from experiments.clouds import draw_pictures
from experiments.findings import MEASURED, Finding, Outcome, Tables, found, found_share, outcome_between
from experiments.following import SHARED, STORED, points_with_repeated, stored_features
from experiments.grouping import numbers, parts
from experiments.repeated_history import draw_repeated
from numerics import Run
from numerics.repetition import EMBEDDED
from numerics.starts import first_copies
from theory.dimensionality import dimensionality
from verify.statistics import Interval
from verify.style import GREEN, VERMILLION

#: Vertices of the polygon that five features form.
VERTICES = 5

BEYOND = "Of more than five repeated points five are embedded, and all features suppressed (Jermyn)"
REPLACES = "Each of several repeated points replaces a feature (Jermyn)"


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``runs`` and ``points`` (of one seed for each number of repeated points)."""
    rows, clouds = [], []
    for run in sorted(runs, key=lambda run: (run.setting.repeated_points, run.setting.seed)):
        many, seed = run.setting.repeated_points, run.setting.seed
        hidden = run.record.hidden[:, first_copies(run.setting)][:, :many]
        lengths = np.linalg.norm(hidden, axis=0)
        embedded = lengths > EMBEDDED
        row = {"repeated_points": many, "seed": seed, "embedded": embedded.sum()}
        row |= {"vertices": vertices(hidden[:, embedded]), "stored": stored_features(run.W, run)}
        row |= {"stored_with_own": np.sum(dimensionality(run.W) >= STORED), "longest": lengths.max()}
        rows.append(row | {"train_loss": run.record.train_loss})
        if seed == min(run.setting.seed for run in runs):
            clouds.append(points_with_repeated(run).assign(repeated_points=many))
    return {"runs": pd.DataFrame(rows), "points": pd.concat(clouds, ignore_index=True)}


def vertices(hidden: np.ndarray) -> int:
    """How many vertices hidden vectors (2, k) take: neighbours nearer than `SHARED` degrees share one.

    >>> vertices(np.array([[1.0, 1.0, 0.0], [0.0, 0.1, 1.0]]))
    2
    """
    if hidden.shape[1] < 2:
        return int(hidden.shape[1])
    angle = np.sort(np.degrees(np.arctan2(hidden[1], hidden[0])))
    gaps = np.diff(np.concatenate([angle, angle[:1] + 360]))
    return max(1, int(np.sum(gaps >= SHARED)))


def draw(tables: Tables) -> Figure:
    """Top: vertices of points and of features. Below: hidden vectors and features of one seed."""
    clouds = list(parts(tables["points"], "repeated_points"))
    figure = empty(max(8.0, 1.65 * len(clouds)), 7.8, h_pad=0.08)
    grid = figure.add_gridspec(3, len(clouds), height_ratios=[2.3, 1, 1])
    counts = figure.add_subplot(grid[0, :])
    _draw_counts(counts, tables["runs"])
    one_legend(figure, [counts], ncols=2)
    titled = ((f"{k} point{'s' if k > 1 else ''}", own) for k, own in clouds)
    draw_pictures(figure, grid, 1, titled, {"hidden": "h", "feature": "w"}, draw_repeated)
    return figure


def _draw_counts(ax: Axes, runs: pd.DataFrame) -> None:
    many = np.unique(numbers(runs, "repeated_points"))
    published = {
        "one vertex each, at most 5": (np.minimum(many, VERTICES), VERMILLION),
        "one feature less for each": (np.maximum(VERTICES - many, 0), GREEN),
    }
    for label, (line, colour) in published.items():
        ax.plot(many, line, "--", color=colour, lw=1.2, label=f"published: {label}")
    for column, colour, marker, label, side in (
        ("vertices", VERMILLION, "^", "trained: vertices that repeated points take", -0.08),
        ("stored", GREEN, "o", "trained: features stored", 0.08),
    ):
        place = runs["repeated_points"] + side
        ax.plot(place, runs[column], marker, color=colour, ms=4, alpha=0.4, mew=0)
        draw_spread(ax, place, runs[column], ls="", marker=marker, color=colour, label=label)
    ax.set(xlabel="repeated datapoints", ylabel="how many", xticks=many, ylim=(-0.3, None))


def findings(tables: Tables) -> list[Finding]:
    """Whether each point replaces a feature, and what becomes of more than five."""
    runs = tables["runs"]
    few, more = runs[runs["repeated_points"] <= VERTICES], runs[runs["repeated_points"] > VERTICES]
    all_in = int((few["embedded"] == few["repeated_points"]).sum())
    embedded = "Up to five repeated points are all embedded"
    share = found_share(embedded, MEASURED, "share of runs", all_in, len(few))
    return [_replacement(few), share, _beyond(more)]


def _replacement(few: pd.DataFrame) -> Finding:
    """Features stored against repeated points: slope of least squares with Student's interval."""
    k = numbers(few, "repeated_points")
    if len(np.unique(k)) < 3:
        return Finding(REPLACES, "not tested")
    line = stats.linregress(k, numbers(few, "stored"))
    # without any residual there is no standard error to divide by
    half = np.nan_to_num(stats.t.ppf(0.975, len(k) - 2) * line.stderr)
    slope = Interval(*(float(line.slope + side * half) for side in (0, -1, 1)))
    outcome = outcome_between(slope, -1.25, -0.75)
    return found(REPLACES, outcome, "features stored for each point, slope", slope, len(few))


def _beyond(more: pd.DataFrame) -> Finding:
    if more.empty:
        return Finding(BEYOND, "not tested")
    five, suppressed = more["embedded"] == VERTICES, more["stored"] == 0
    both, most = int((five & suppressed).sum()), max(five.mean(), suppressed.mean()) > 0.5
    outcome: Outcome = "agrees" if both == len(more) else "agrees in part" if most else "differs"
    return found_share(BEYOND, outcome, "share of runs with both", both, len(more))


def summary(tables: Tables) -> pd.DataFrame:
    """Means over seeds for each number of repeated points, with least and greatest where these differ."""
    heads = {
        "repeated points": ("repeated_points", "first"),
        "seeds": ("seed", "size"),
        "embedded": ("embedded", _mean),
        "vertices they take": ("vertices", _mean),
        "features stored": ("stored", _mean),
        "with own columns": ("stored_with_own", _mean),
    }
    return tables["runs"].groupby("repeated_points").agg(**heads)


def _mean(values: pd.Series) -> str:
    least, greatest = values.min(), values.max()
    return f"{least:g}" if least == greatest else f"{values.mean():.2f} ({least:g} to {greatest:g})"
