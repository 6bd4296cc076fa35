"""Experiment ``scale-sparsity``: whether features appear once each has been seen about ten times, at any sparsity.
Henighan et al. 2023, comment "What controls the generalization scale?" by Adam Jermyn: curves of the largest feature
dimensionality against T(1 − S) lie on top of each other and rise near 10 for m = 2, less cleanly for larger m. The
scale is defined in `experiments.crossing` and taken in units of T(1 − S), how often a feature is seen.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.bump import geometric_mean
from experiments.crossing import KEPT, draw_scales, mean_scales, scales_of, slope_interval
from experiments.findings import MEASURED, Finding, Outcome, Tables, found, found_share, outcome_of
from experiments.following import STORED
from experiments.published import PUBLISHED_SEEN
from numerics import Run
from verify.statistics import Interval

#: The scale counts as decided by T(1 − S) where the slope's whole interval is nearer to 0 than to ±1, that of T alone.
STILL = 0.5

KEYS = ("m", "sparsity", "T", "seed")

#: The m at which the published curves lie on top of each other, and what is said of them.
COLLAPSING = 2
COLLAPSE = "At m = 2 features appear at one T(1 − S), whatever the sparsity (Jermyn)"
SCALE = f"At m = 2 features appear at roughly T(1 − S) = {PUBLISHED_SEEN:g} (Jermyn)"
#: Roughly: within this factor.
ROUGHLY = 2
#: What is published as a puzzle; a D_f falls where it was larger by this factor.
FALLS = "Behind the onset the largest D_f falls as T grows (Jermyn)"
OVER = 1.15


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, one row per run, and ``scales``, one per m, sparsity and seed, ``scale`` being T(1 − S)."""
    kept = table[[*KEYS, *KEPT]].sort_values(list(KEYS), ignore_index=True)
    kept.insert(2, "density", (1 - kept["sparsity"]).round(9))
    kept.insert(4, "seen", kept["T"] * kept["density"])
    return derived({"runs": kept})


def derived(tables: Tables) -> Tables:
    """The tables, with the scales of all runs."""
    scales = scales_of(tables["runs"], ["m", "density"])
    return tables | {"scales": scales.assign(scale=scales["scale"] * scales["density"])}


def draw(tables: Tables) -> Figure:
    """Curves against T(1 − S) above, scales against the density 1 − S below."""
    key, size = ("density", "1 − S"), ("seen", "T(1 − S)")
    return draw_scales(tables["runs"], tables["scales"], key, size, PUBLISHED_SEEN, fixed_size=True)


def findings(tables: Tables) -> list[Finding]:
    """Whether the scale is one T(1 − S) at every sparsity, whether it is 10, and whether D_f falls behind it."""
    scales = tables["scales"].dropna(subset=["scale"])
    parts = []
    for m in sorted({COLLAPSING, *tables["scales"]["m"].astype(int)}):
        rows, place = scales[scales["m"] == m], f"m = {m}"
        seeds, slope = rows["seed"].nunique(), slope_interval(rows, "density")
        means = [geometric_mean(part).value for _, part in rows.groupby("density")["scale"]]
        near = sum(1 / ROUGHLY <= mean / PUBLISHED_SEEN <= ROUGHLY for mean in means)
        here = m == COLLAPSING  # elsewhere nothing is published
        moves, lies = (COLLAPSE, SCALE) if here else ("Movement of the scale", "Mean scale")
        collapses, close = (_collapse(slope), outcome_of(near, len(means))) if here else (MEASURED, MEASURED)
        parts.append(found(moves, collapses, "d ln T(1 − S) / d ln(1 − S)", slope, seeds, place))
        parts.append(found(lies, close, "T(1 − S)", geometric_mean(means), seeds, place))
    return [*parts, _overshoot(tables["runs"].query("m == @COLLAPSING"))]


def _collapse(slope: Interval) -> Outcome:
    """The slope of the scale is 0 were T(1 − S) alone decisive, 1 were T alone."""
    if np.isnan(slope.value):
        return "not tested"
    if slope.low >= -STILL and slope.high <= STILL:
        return "agrees"
    as_T = slope.low >= 1 - STILL and slope.high <= 1 + STILL
    return "not decided" if slope.low <= 0 <= slope.high and not as_T else "differs"


def _overshoot(runs: pd.DataFrame) -> Finding:
    """In how many curves that end with stored features the largest D_f was larger at a smaller T."""
    stored = runs.assign(stored=runs["largest_feature_dimensionality"] >= STORED).sort_values("T")
    curves = stored.groupby(["density", "seed"])
    largest = curves["largest_feature_dimensionality"].agg(["max", "last"])
    ended = largest[(curves["stored"].sum() > 1) & curves["stored"].last()]
    over, of = int((ended["max"] >= OVER * ended["last"]).sum()), len(ended)
    quantity = f"share of curves with a D_f {OVER:g} times its last at a smaller T"
    return found_share(FALLS, outcome_of(over, of), quantity, over, of, f"m = {COLLAPSING}")


def summary(tables: Tables) -> pd.DataFrame:
    """The scale at each m and sparsity."""
    table = mean_scales(tables["scales"], ["m", "density"])
    return table.rename(columns={"density": "1 − S", "scale": "scale T(1 − S)"})
