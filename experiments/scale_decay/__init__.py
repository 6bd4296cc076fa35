"""Experiment ``scale-decay``: whether the dataset size at which features appear moves with weight decay.

Henighan et al. 2023, comment "What controls the generalization scale?" by Adam Jermyn: were it the size at which
superposition of datapoints fails for lack of norm, more decay would lower it; it does not appear to move. The scale is
defined in `experiments.crossing`.

Defines no equations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.bump import geometric_mean
from experiments.crossing import scale_defined, scale_text, scales_of, slope_interval
from experiments.findings import Finding, Outcome
from experiments.grouping import numbers
from experiments.scale_drawing import Axis, draw_scales
from numerics import Run
from theory.memorization.overlap import hypothesis_generalization_scale
from verify.statistics import Interval

__all__ = ["KEYS", "collect", "derived", "describe", "draw", "sentences"]

#: The scale moves little if its change over the whole range of decays is surely within this factor.
STILL = 2.0
#: Over less than this range of decays little movement says little.
LEAST_RANGE = 10

_COLUMNS = [
    "m", "sparsity", "weight_decay", "T", "seed", "status", "train_loss", "test_loss",
    "largest_feature_dimensionality",
]  # fmt: skip

#: Columns that tell runs apart.
KEYS = ("m", "weight_decay", "T", "seed")

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, one row per run, and ``scales``, one per m, weight decay and seed."""
    kept = table[_COLUMNS].sort_values(list(KEYS), ignore_index=True)
    budgets = {run.setting.weight_decay: run.setting.decay_budget for run in runs}
    kept.insert(3, "decay_budget", kept["weight_decay"].map(budgets))
    return _with_scales(kept)


def derived(tables: Tables) -> Tables:
    """The tables, with the scales of all runs."""
    return _with_scales(tables["runs"])


def _with_scales(kept: pd.DataFrame) -> Tables:
    return {"runs": kept, "scales": scales_of(kept, ["m", "weight_decay"])}


def draw(tables: Tables) -> Figure:
    """Curves against T above, scales against weight decay below."""
    expected = hypothesis_generalization_scale(float(tables["runs"]["sparsity"].iloc[0]))
    return draw_scales(
        tables["runs"], tables["scales"], Axis("weight_decay", "weight decay", "T", "datapoints T"), expected
    )


def describe(tables: Tables) -> str:
    """The scale at each weight decay, and how fast it moves."""
    scales, density = tables["scales"], 1 - float(tables["runs"]["sparsity"].iloc[0])
    lines = []
    for decay in np.unique(numbers(scales, "weight_decay")):
        rows = scales[numbers(scales, "weight_decay") == decay]
        found = numbers(rows.dropna(subset=["scale"]), "scale")
        seen = f"{geometric_mean(found).value * density:.3g}" if len(found) else "–"
        budget = float(tables["runs"].query("weight_decay == @decay")["decay_budget"].iloc[0])
        lines.append(f"| {decay:g} | {budget:.2g} | {scale_text(rows)} | {seen} |")
    return "\n".join(
        [
            f"{scale_defined('the T')} Without gradients decay would shrink weights by the factor e^−τ.",
            "",
            "| weight decay | budget τ | seeds with a scale | plateau, median | scale T | T(1 − S) |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            *(f"- {part}" for part in sentences(tables)),
        ]
    )


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    outcome, text = _movement(tables["scales"])
    return [Finding(text, {"The generalization scale does not move with weight decay (Jermyn)": outcome})]


def _movement(scales: pd.DataFrame) -> tuple[Outcome, str]:
    found = scales.dropna(subset=["scale"]).query("weight_decay > 0")
    decays = np.unique(numbers(found, "weight_decay"))
    slope = slope_interval(found, "weight_decay")
    if len(decays) < 2 or math.isnan(slope.value) or decays[-1] < LEAST_RANGE * decays[0]:
        return "not tested", (
            f"No two weight decays above 0, a factor of {LEAST_RANGE} apart, have a scale; nothing can be said about "
            "movement."
        )
    reach = float(decays[-1] / decays[0])
    bounds = np.clip(np.multiply([slope.value, slope.low, slope.high], math.log(reach)), -700, 700)
    change = Interval(*np.exp(bounds).tolist())
    said = (
        f"d ln scale / d ln decay is {slope}, mean over seeds at 95 %; from weight decay {decays[0]:g} to "
        f"{decays[-1]:g} that is a factor of {change}"
    )
    if change.low >= 1 / STILL and change.high <= STILL:
        moves = "is not seen to move" if change.low <= 1 <= change.high else "hardly moves"
        return "agrees", (
            f"**The scale {moves} with weight decay**, as published: {said}. This speaks against the first published "
            "hypothesis, that decay sets the scale by limiting the norm with which datapoints are stored."
        )
    if slope.high < 0:
        return "differs", (
            f"**More decay lowers the scale**: {said}. The published runs show no such movement; lack of norm would "
            "lower it."
        )
    if slope.low > 0:
        return "differs", (
            f"**More decay raises the scale**: {said}. Neither the published runs nor lack of norm say so."
        )
    return "not decided", (
        f"Whether the scale moves is not decided by these seeds: {said}; only within a factor of {STILL:g} would it "
        "count as still."
    )
