"""Experiment ``scale-sparsity``: whether features appear once each has been seen about ten times, at any sparsity.

Henighan et al. 2023, comment "What controls the generalization scale?" by Adam Jermyn: curves of the largest feature
dimensionality against T(1 − S) lie on top of each other and rise near 10 for m = 2, less cleanly for larger m. The
scale is defined in `experiments.crossing` and taken in units of T(1 − S), how often a feature is seen.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.bump import geometric_mean
from experiments.crossing import scale_defined, scale_text, scales_of, slope_interval
from experiments.findings import Finding, Outcome, outcome_of
from experiments.following import STORED
from experiments.grouping import numbers
from experiments.published import PUBLISHED_SEEN
from experiments.scale_drawing import Axis, draw_scales
from numerics import Run

__all__ = ["KEYS", "collect", "derived", "describe", "draw", "sentences"]

#: The scale counts as decided by T(1 − S) where the slope's whole interval is nearer to 0 than to ±1, that of T alone.
STILL = 0.5

_COLUMNS = [
    "m",
    "sparsity",
    "T",
    "seed",
    "status",
    "train_loss",
    "test_loss",
    "largest_feature_dimensionality",
]

_ONE_DIMENSION = (
    "Larger m, for which the published curves lie on each other less cleanly, are not among these runs."
)

#: Columns that tell runs apart.
KEYS = ("m", "sparsity", "T", "seed")

#: The m at which the published curves lie on top of each other, and what is said of them.
COLLAPSING = 2
COLLAPSE = "At m = 2 features appear at one T(1 − S), whatever the sparsity (Jermyn)"
SCALE = f"At m = 2 features appear at roughly T(1 − S) = {PUBLISHED_SEEN:g} (Jermyn)"
#: Roughly: within this factor.
ROUGHLY = 2
#: What is published as a puzzle; a D_f falls where it was larger by this factor; the D_f of one of five on a pentagon.
FALLS = "Behind the onset the largest D_f falls as T grows (Jermyn)"
OVER, ONE_OF_FIVE = 1.15, 2 / 5

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, one row per run, and ``scales``, one per m, sparsity and seed, ``scale`` being T(1 − S)."""
    kept = table[_COLUMNS].sort_values(list(KEYS), ignore_index=True)
    kept.insert(2, "density", (1 - kept["sparsity"]).round(9))
    kept.insert(4, "seen", kept["T"] * kept["density"])
    return _with_scales(kept)


def derived(tables: Tables) -> Tables:
    """The tables, with the scales of all runs."""
    return _with_scales(tables["runs"])


def _with_scales(kept: pd.DataFrame) -> Tables:
    scales = scales_of(kept, ["m", "density"])
    return {"runs": kept, "scales": scales.assign(scale=scales["scale"] * scales["density"])}


def draw(tables: Tables) -> Figure:
    """Curves against T(1 − S) above, scales against the density 1 − S below."""
    axis = Axis("density", "1 − S", "seen", "T(1 − S)", fixed_size=True)
    return draw_scales(tables["runs"], tables["scales"], axis, PUBLISHED_SEEN)


def describe(tables: Tables) -> str:
    """The scale at each sparsity, whether it is the same in units of T(1 − S), and whether it is 10."""
    scales = tables["scales"]
    dimensions = [int(m) for m in np.unique(numbers(scales, "m"))]
    lines = []
    for m in dimensions:
        for density in np.unique(numbers(scales.query("m == @m"), "density")):
            rows = scales.query("m == @m and density == @density")
            lines.append(f"| {m} | {density:g} | {scale_text(rows)} |")
    return "\n".join(
        [
            scale_defined("T(1 − S)"),
            "",
            "| m | 1 − S | seeds with a scale | plateau, median | scale T(1 − S) |",
            "|---|---|---|---|---|",
            *lines,
            "",
            *(f"- {part}" for part in sentences(tables)),
        ]
    )


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    scales = tables["scales"]
    dimensions = [int(m) for m in np.unique(numbers(scales, "m"))]
    parts: list[str | Finding] = []
    for m in dimensions:
        rows = scales.query("m == @m")
        outcome, text = _collapse(rows, m)
        parts.append(
            Finding(text, {COLLAPSE: outcome, SCALE: _near_published(rows)}) if m == COLLAPSING else text
        )
    if COLLAPSING not in dimensions:
        untested = f"No run has m = {COLLAPSING}, for which a collapse is published."
        parts.append(Finding(untested, {COLLAPSE: "not tested", SCALE: "not tested"}))
    parts.append(_overshoot(tables["runs"].query("m == @COLLAPSING")))
    return parts if max(dimensions) > COLLAPSING else [*parts, _ONE_DIMENSION]


def _overshoot(runs: pd.DataFrame) -> Finding:
    """In how many curves that end with stored features the largest D_f was larger at a smaller T."""
    curves = [
        numbers(rows.sort_values("T"), "largest_feature_dimensionality")
        for _, rows in runs.groupby(["density", "seed"])
    ]
    ended = [curve for curve in curves if np.sum(curve >= STORED) > 1 and curve[-1] >= STORED]
    peaks = [float(curve.max()) for curve in ended if curve.max() >= OVER * curve[-1]]
    alone = sum(peak > ONE_OF_FIVE for peak in peaks)
    text = (
        f"m = {COLLAPSING}: in {len(peaks)} of {len(ended)} curves with features stored at two T and at the last, the "
        f"largest D_f was at least {OVER:g} times its last value at a smaller T"
    )
    if peaks:
        text += (
            f", up to {max(peaks):.2g}; in {alone} of them above {ONE_OF_FIVE:g}, more than one of five features on a "
            "pentagon can have: one feature is then stored alone ([forgetting](forgetting.md) shows one in time)"
        )
    return Finding(f"{text}. Published as a puzzle.", {FALLS: outcome_of(len(peaks), len(ended))})


def _near_published(scales: pd.DataFrame) -> Outcome:
    """At how many sparsities the mean scale is near the published one."""
    means = [geometric_mean(rows).value for rows in _by_density(scales.dropna(subset=["scale"])).values()]
    return outcome_of(sum(1 / ROUGHLY <= mean / PUBLISHED_SEEN <= ROUGHLY for mean in means), len(means))


def _collapse(scales: pd.DataFrame, m: int) -> tuple[Outcome, str]:
    found = scales.dropna(subset=["scale"])
    means = [geometric_mean(rows) for rows in _by_density(found).values()]
    middle = [mean.value for mean in means]
    if len(middle) < 2:
        return "not tested", (
            f"m = {m}: fewer than two sparsities have a scale; nothing can be said about a collapse."
        )
    slope = slope_interval(found, "density")
    if math.isnan(slope.value):
        return (
            "not tested",
            f"m = {m}: no seed has a scale at two sparsities; nothing can be said about a collapse.",
        )
    ratio, spread = max(middle) / min(middle), _spread(found)
    whole = geometric_mean(middle)
    apart = f"largest over least mean scale is {ratio:.3g}, seeds of one sparsity differ by a factor of {spread:.3g}"
    numbers_said = (
        f"d ln T(1 − S) / d ln (1 − S) is {slope}, 0 for a collapse and 1 were T alone decisive; the {apart}"
    )
    near = (
        f"The mean scale over sparsities is {whole.value:.3g}, {whole.value / PUBLISHED_SEEN:.2g} times the published "
        f"{PUBLISHED_SEEN:g}"
        f"{_beside_published(found)}."
    )
    outcome: Outcome = "differs"
    if slope.low >= -STILL and slope.high <= STILL:
        outcome = "agrees"
        head = "**The curves collapse** as far as these seeds can tell"
    elif slope.low >= 1 - STILL and slope.high <= 1 + STILL:
        head = "**The curves do not collapse**: T alone decides"
    elif slope.low <= 0 <= slope.high:
        outcome = "not decided"
        head = "These seeds do not decide whether the curves collapse"
    else:
        head = "**The curves do not fully collapse**"
    return outcome, f"m = {m}: {head}: {numbers_said}. {near}"


def _beside_published(found: pd.DataFrame) -> str:
    """On which side of the published scale the intervals of the table lie; those of one seed are none."""
    intervals = [geometric_mean(rows) for rows in _by_density(found).values() if len(rows) > 1]
    below = sum(each.high < PUBLISHED_SEEN for each in intervals)
    above = sum(each.low > PUBLISHED_SEEN for each in intervals)
    if not intervals:
        return ""
    if below == len(intervals) or above == len(intervals):
        return f"; the intervals above all lie {'below' if below else 'above'} it"
    parts = [f"{len(intervals) - below - above} of {len(intervals)} intervals above contain it"]
    parts += [
        f"{count} {'lies' if count == 1 else 'lie'} {side}"
        for count, side in ((below, "below"), (above, "above"))
        if count
    ]
    return f"; {', '.join(parts)}"


def _spread(found: pd.DataFrame) -> float:
    """The usual factor between a seed and the mean of its sparsity: e to the pooled standard deviation of ln scale."""
    groups = [np.log(rows) for rows in _by_density(found).values()]
    freedom = sum(len(each) - 1 for each in groups)
    squares = sum(float(np.sum((each - each.mean()) ** 2)) for each in groups)
    return float(np.exp(np.sqrt(squares / freedom))) if freedom else 1.0


def _by_density(found: pd.DataFrame) -> dict[float, NDArray[np.float64]]:
    density, scale = numbers(found, "density"), numbers(found, "scale")
    return {float(value): scale[density == value] for value in np.unique(density)}
