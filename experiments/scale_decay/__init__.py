"""Experiment ``scale-decay``: whether the dataset size at which features appear moves with weight decay. Henighan et
al. 2023, comment "What controls the generalization scale?" by Adam Jermyn: were it the size at which superposition of
datapoints fails for lack of norm, more decay would lower it; it does not appear to move. Scale: `experiments.crossing`.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.crossing import KEPT, draw_scales, mean_scales, scales_of, slope_interval
from experiments.findings import MEASURED, Finding, Outcome, Tables, found
from experiments.grouping import numbers
from numerics import Run
from theory.memorization.overlap import hypothesis_generalization_scale

STAYS = "The generalization scale does not move with weight decay (Jermyn)"
#: The scale moves little if its change over the whole range of decays is surely within this factor.
STILL = 2.0
#: Over less than this range of decays little movement says little.
LEAST_RANGE = 10

KEYS = ("m", "weight_decay", "T", "seed")


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, one row per run, and ``scales``, one per m, weight decay and seed."""
    kept = table[["m", "sparsity", *KEYS[1:], *KEPT]].sort_values(list(KEYS), ignore_index=True)
    budgets = {run.setting.weight_decay: run.setting.decay_budget for run in runs}
    kept.insert(3, "decay_budget", kept["weight_decay"].map(budgets))
    return derived({"runs": kept})


def derived(tables: Tables) -> Tables:
    """The tables, with the scales of all runs."""
    return tables | {"scales": scales_of(tables["runs"], ["m", "weight_decay"])}


def draw(tables: Tables) -> Figure:
    """Curves against T above, scales against weight decay below."""
    expected = hypothesis_generalization_scale(float(tables["runs"]["sparsity"].iloc[0]))
    key, size = ("weight_decay", "weight decay"), ("T", "datapoints T")
    return draw_scales(tables["runs"], tables["scales"], key, size, expected)


def findings(tables: Tables) -> list[Finding]:
    """The factor by which the scale changes over the whole range of weight decays, and the slope behind it."""
    known = tables["scales"].dropna(subset=["scale"]).query("weight_decay > 0")
    decays = np.unique(numbers(known, "weight_decay"))
    slope = slope_interval(known, "weight_decay")
    if len(decays) < 2 or math.isnan(slope.value) or decays[-1] < LEAST_RANGE * decays[0]:
        return [Finding(STAYS, "not tested")]
    reach = math.log(decays[-1] / decays[0])
    change = slope.map(lambda each: math.exp(min(max(each * reach, -700), 700)))
    outcome: Outcome = "not decided"
    if change.low >= 1 / STILL and change.high <= STILL:
        outcome = "agrees"
    elif slope.high < 0 or slope.low > 0:
        outcome = "differs"
    seeds, between = known["seed"].nunique(), f"weight decay {decays[0]:g} to {decays[-1]:g}"
    return [
        found(STAYS, outcome, "factor of the scale", change, seeds, between),
        found("Movement of the scale", MEASURED, "d ln scale / d ln decay", slope, seeds, between),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """The scale at each weight decay; without gradients decay would shrink weights by the factor e^−τ."""
    table = mean_scales(tables["scales"], ["weight_decay"])
    budget = tables["runs"].groupby("weight_decay")["decay_budget"].first()
    table.insert(1, "budget τ", [float(f"{budget[decay]:.2g}") for decay in table["weight_decay"]])
    density = 1 - float(tables["runs"]["sparsity"].iloc[0])
    table["T(1 − S)"] = [float(f"{scale * density:.3g}") for scale in table["scale"]]
    return table.rename(columns={"weight_decay": "weight decay", "scale": "scale T"})
