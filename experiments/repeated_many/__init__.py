"""Experiment ``repeated-many``: several repeated datapoints, each in place of a feature.

Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): each repeated datapoint replaces a feature;
of more than five the model embeds five, and suppresses all features.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.clouds import draw_cloud, points_of
from experiments.findings import Finding, Outcome
from experiments.following import EMBEDDED, SHARED, STORED, stored_features
from experiments.grouping import numbers, tally, values_by
from experiments.repeated_history.drawing import draw_repeated
from numerics import Run
from numerics.starts import first_copies
from theory.dimensionality import dimensionality
from verify.style import GREEN, INK, VERMILLION, Plot

__all__ = ["collect", "describe", "draw", "sentences", "vertices"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: Vertices of the polygon that five features form.
VERTICES = 5

#: What is published of more points, and of up to five.
BEYOND = "Of more than five repeated points five are embedded, and all features suppressed (Jermyn)"
REPLACES = "Each of several repeated points replaces a feature (Jermyn)"

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs`` and ``points`` (of one seed for each number of repeated points)."""
    rows, clouds = [], []
    seed = min(run.setting.seed for run in runs)
    for run in sorted(runs, key=lambda run: (run.setting.repeated_points, run.setting.seed)):
        hidden = run.record.hidden[:, first_copies(run.setting)][:, : run.setting.repeated_points]
        lengths = np.linalg.norm(hidden, axis=0)
        facts: dict[str, float] = {
            "repeated_points": run.setting.repeated_points,
            "seed": run.setting.seed,
            "embedded": int(np.sum(lengths > EMBEDDED)),
            "vertices": vertices(hidden[:, lengths > EMBEDDED]),
            "stored": stored_features(run.W, run),
            "stored_with_own": int(np.sum(dimensionality(run.W) >= STORED)),
            "longest": float(lengths.max()),
            "train_loss": run.record.train_loss,
        }
        rows.append(facts)
        if run.setting.seed == seed:
            cloud = points_of(run, None)
            repeated = pd.DataFrame({"kind": "repeated", "x": hidden[0], "y": hidden[1]})
            cloud = pd.concat([cloud, repeated], ignore_index=True)
            clouds.append(cloud.assign(repeated_points=run.setting.repeated_points))
    return {"runs": pd.DataFrame(rows), "points": pd.concat(clouds, ignore_index=True)}


def vertices(hidden: np.ndarray) -> int:
    """How many vertices hidden vectors (2, k) take: neighbours nearer than `SHARED` degrees share one.

    Examples
    --------
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
    runs, points = tables["runs"], tables["points"]
    many = sorted(set(points["repeated_points"]))
    figure = Plot(figsize=(max(8.0, 1.65 * len(many)), 7.8))
    figure.set_layout_engine("constrained", h_pad=0.08)
    grid = figure.add_gridspec(3, len(many), height_ratios=[2.3, 1, 1])
    counts = figure.add_subplot(grid[0, :])
    _draw_counts(counts, runs)
    figure.legend(*counts.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for column, k in enumerate(many):
        own = points[points["repeated_points"] == k]
        for row, content in ((1, "hidden"), (2, "feature")):
            ax = figure.add_subplot(grid[row, column])
            draw_cloud(ax, own, content)
            draw_repeated(ax, own, content)
            if row == 1:
                ax.set_title(f"{k} point{'s' if k > 1 else ''}", fontsize=12)
            if column == 0:
                ax.set_ylabel("h" if row == 1 else "w")
    return figure


def _draw_counts(ax: Axes, runs: pd.DataFrame) -> None:
    many = np.unique(numbers(runs, "repeated_points"))
    ax.plot(
        many,
        np.minimum(many, VERTICES),
        "--",
        color=VERMILLION,
        lw=1.2,
        label="published: one vertex each, at most 5",
    )
    ax.plot(
        many,
        np.maximum(VERTICES - many, 0),
        "--",
        color=GREEN,
        lw=1.2,
        label="published: one feature less for each",
    )
    for column, colour, marker, label, side in (
        ("vertices", VERMILLION, "^", "trained: vertices that repeated points take", -0.08),
        ("stored", GREEN, "o", "trained: features stored", 0.08),
    ):
        spread = 0.05 * (numbers(runs, "seed") - runs["seed"].mean())
        ax.plot(
            numbers(runs, "repeated_points") + spread,
            runs[column],
            marker,
            color=colour,
            ms=4,
            alpha=0.4,
            mew=0,
        )
        for k, values in values_by(runs, "repeated_points", column).items():
            mean = np.mean(values)
            bar = [[mean - min(values)], [max(values) - mean]]
            ax.errorbar(
                k + side, mean, bar, fmt=marker, color=colour, mec=INK, ms=8, capsize=3,
                label=label if k == many[0] else None,
            )  # fmt: skip
    ax.set(xlabel="repeated datapoints", ylabel="how many", xticks=many, ylim=(-0.3, None))


def describe(tables: Tables) -> str:
    """Whether each point replaces a feature, and what becomes of more than five."""
    runs = tables["runs"]
    lines = [
        "| repeated points | seeds | embedded (mean) | vertices they take (mean) | features stored (mean) "
        "| with own columns (mean) |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for k, part in runs.groupby("repeated_points"):
        cells = [_mean(numbers(part, name)) for name in ("embedded", "vertices", "stored", "stored_with_own")]
        lines.append(f"| {k} | {len(part)} | {' | '.join(cells)} |")
    legend = (
        f"Embedded: hidden vector longer than {EMBEDDED:g}; embedded points within {SHARED:g}° share a vertex. Stored: "
        f"D_f of at least {STORED:g}, without the columns that an embedded point's own features have along it, as "
        "w_k = X_k h (`repetition.zero-bias`); the last column counts these, too. Means over seeds, with least and "
        "greatest where these differ."
    )
    return "\n".join([*(f"- {part}" for part in sentences(tables)), "", *lines, "", legend])


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    runs = tables["runs"]
    return [_replacement(runs), _sum(runs), _beyond(runs)]


def _mean(values: np.ndarray) -> str:
    least, greatest = values.min(), values.max()
    return f"{least:g}" if least == greatest else f"{values.mean():.2f} ({least:g} to {greatest:g})"


def _replacement(runs: pd.DataFrame) -> Finding:
    few = runs[runs["repeated_points"] <= VERTICES]
    k, stored, embedded = (numbers(few, name) for name in ("repeated_points", "stored", "embedded"))
    if len(np.unique(k)) < 3:
        return Finding("Too few numbers of points to say how features give way.", {REPLACES: "not tested"})
    slope, error = _slope(k, stored)
    low, high = slope - error, slope + error
    all_in = float(np.mean(embedded == k))
    outcome: Outcome = "differs"
    if low >= -1.25 and high <= -0.75:
        outcome, verdict = "agrees", "**each point replaces a feature**, as published"
    elif high < -1.25 or -0.75 < low <= high < 0:
        verdict = "features give way, but not one for each point as published"
    elif low > -0.75:
        verdict = "**features do not give way**, unlike published"
    else:
        outcome, verdict = "not decided", "these runs do not decide whether each replaces one"
    return Finding(
        f"Up to five repeated points, features stored change by {slope:.2f} for each point (t interval "
        f"{low:.2f} to {high:.2f}, least squares over runs): {verdict}. In {all_in:.0%} of these "
        "runs all repeated points are embedded.",
        {REPLACES: outcome},
    )


def _slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    from scipy import stats

    found = stats.linregress(x, y)
    # without any residual there is no standard error to divide by
    return float(found.slope), float(np.nan_to_num(stats.t.ppf(0.975, len(x) - 2) * found.stderr))


def _sum(runs: pd.DataFrame) -> str:
    total = numbers(runs, "vertices") + numbers(runs, "stored")
    return f"Vertices of points and stored features add up to {tally(total)}; a pentagon has {VERTICES}."


def _beyond(runs: pd.DataFrame) -> Finding:
    more = runs[runs["repeated_points"] > VERTICES]
    if more.empty:
        return Finding("No run has more than five repeated points: not tested.", {BEYOND: "not tested"})
    embedded, taken, stored = (numbers(more, name) for name in ("embedded", "vertices", "stored"))
    five, suppressed = embedded == VERTICES, stored == 0
    both = int(np.sum(five & suppressed))
    most = [
        2 * int(np.sum(each)) > len(more) for each in (five, suppressed)
    ]  # does each half hold in most runs?
    outcome: Outcome = "agrees" if both == len(more) else "agrees in part" if any(most) else "differs"
    text = (
        f"With more than {VERTICES} repeated points ({len(more)} runs; published: {VERTICES} are embedded, all "
        f"features suppressed): **{outcome}**, both in {both} runs, the former in {int(five.sum())}, the latter in "
        f"{int(suppressed.sum())}. Features left: {tally(stored)}. Points embedded: "
        f"{tally(embedded)}; vertices that they take: {tally(taken)}"
    )
    extra = embedded > VERTICES
    sharing = int(np.sum(extra & (taken <= VERTICES)))
    shared = (
        f"; in {sharing} of the {int(extra.sum())} with more points they share vertices"
        if extra.any()
        else ""
    )
    return Finding(f"{text}{shared}.", {BEYOND: outcome})
