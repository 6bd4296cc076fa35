"""Experiment ``decay-budget``: how near to the least norm training ends, and how many seeds memorize, against τ. τ is
the decay budget, weight decay · Σ lr (`optimization.decay-budget`). The excess of a run is √(Σ‖h‖²) over its least
value, less 1 (`memorization.tgon-norm`). It is of seeds that memorize data without a shared feature; those whose
lengths, in order, jump by 10 % or more are two circles (`stationary.two-circles`) and are left out.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured
from experiments.grouping import cell, numbers, parts, span
from numerics import Run
from theory.memorization.tgon import tgon_dimensionality, tgon_energy
from theory.number_format import number
from verify.statistics import mean_interval, share_interval
from verify.style import DECAY_COLOURS, INK, panels
from verify.thresholds import CIRCLE_RATIO

KEYS = ("T", "weight_decay", "seed")

#: A rate is told from at least this many seeds.
LEAST_SEEDS = 3
#: A dimensionality within this share of the theory's is near it.
NEAR = 0.01

FALL = "The excess over the least norm falls like e^{−τ}, at a rate of 1 (`optimization.excess`)"
FEWER = "Fewer seeds memorize under the strongest decay than under the weakest"


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs``: as observed, with the decay budget, the excess, and how far the largest D_X is from 2/T."""
    T, largest = numbers(table, "T"), numbers(table, "largest_data_dimensionality")
    judged = table.assign(
        decay_budget=[run.setting.decay_budget for run in runs],
        excess=np.sqrt(numbers(table, "energy") / tgon_energy(T)) - 1,
        dimensionality_off=largest / tgon_dimensionality(T) - 1,
    )
    return {"runs": judged}


def findings(tables: Tables) -> list[Finding]:
    """The rate of the fall against the hypothesis, the share that memorizes, and how near D_X is to 2/T."""
    rates = list(_rates(tables))
    held = sum(rate.low <= 1 <= rate.high for rate in rates)
    stored = tables["runs"].assign(stored=tables["runs"]["status"] == "memorized")
    counts = stored.groupby(["T", "decay_budget"])["stored"].agg(["sum", "size"]).groupby("T")
    ends = zip(counts.first().to_numpy(), counts.last().to_numpy(), strict=True)
    fewer = [share_interval(*greatest).high < share_interval(*least).low for least, greatest in ends]
    off = _polygons(tables).groupby(["T", "decay_budget"])["dimensionality_off"].median()
    near, statement = int((off.abs() <= NEAR).sum()), "The largest D_X of a model is that of the T-gon, 2/T"
    return [
        found_count(FALL, "intervals of the rate that hold 1", held, len(rates)),
        *rates,
        found_count(FEWER, "T at which they do", sum(fewer), len(fewer)),
        measured(statement, "settings with a median within 1 %", near, len(off)),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """Of each T and τ: who memorizes, the excess, and the largest D_X beside 2/T."""
    rows = []
    for (T, budget), runs in parts(tables["runs"], "T", "decay_budget"):
        stored, kept = runs[runs["status"] == "memorized"], _polygons({"runs": runs})
        share = share_interval(len(stored), len(runs))
        excess, largest = kept["excess"], kept["largest_data_dimensionality"]
        row = {
            "T": str(T),
            "τ": number(budget, 4),
            "memorized": f"{len(stored)}/{len(runs)}",
            "95 % interval": span([share.low, share.high], 2),
            "two circles": str(sum(stored["length_jump"] >= CIRCLE_RATIO)),
            "seeds in excess": str(len(kept)),
            "excess, median": cell(excess.median(), 3),
            "range": span(excess, 3),
            "largest D_X, median": cell(largest.median(), 4),
            "its range": span(largest, 4),
            "2/T": number(float(tgon_dimensionality(T)), 4),
            "off by": f"{cell(100 * kept['dimensionality_off'].median(), 2)} %" if len(kept) else "–",
        }
        rows.append(row)
    return pd.DataFrame(rows)


def draw(tables: Tables) -> Figure:
    """Excess and share that memorizes against τ."""
    figure, [[left, right]] = panels(1, 2, 5.4, 4.6)
    for (T, part), colour in zip(parts(tables["runs"], "T"), DECAY_COLOURS, strict=False):
        kept = _polygons({"runs": part})
        left.scatter(kept["decay_budget"], kept["excess"], s=16, color=colour, alpha=0.6, label=f"T = {T}")
        share = part.assign(stored=part["status"] == "memorized").groupby("decay_budget")["stored"].mean()
        right.plot(share.index, share, "o-", color=colour)
    medians = _polygons(tables).groupby("decay_budget")["excess"].median()
    budgets = np.geomspace(medians.index[0], medians.index[-1], 200)
    fall = medians.iloc[0] * np.exp(medians.index[0] - budgets)
    left.plot(budgets, fall, "--", color=INK, label="a fall like exp(−τ)")
    left.set(xscale="log", yscale="log", xlabel="decay budget τ", ylabel="excess over the least norm")
    left.set_ylim(bottom=5e-6)
    right.set(xscale="log", xlabel="decay budget τ", ylabel="share of seeds that memorize")
    right.set_ylim(-0.03, 1.03)
    left.legend()
    return figure


def _polygons(tables: Tables) -> pd.DataFrame:
    """The runs that the theorem is about and that are on their way to the regular polygon."""
    runs = tables["runs"]
    apart = (runs["shared_features"] == 0) & (runs["length_jump"] < CIRCLE_RATIO)
    return runs[(runs["status"] == "memorized") & apart]


def _rates(tables: Tables) -> Iterator[Finding]:
    """Between which budgets, the rate there, and of how many seeds that are on the polygon at both."""
    for T, part in parts(_polygons(tables), "T"):
        excess = part.pivot_table(index="seed", columns="decay_budget", values="excess")
        for low, high in pairwise(map(float, excess.columns)):
            both = excess[(excess[low] > 0) & (excess[high] > 0)]
            if len(both) >= LEAST_SEEDS:
                fall = np.log(both[low] / both[high]) / (high - low)
                quantity = "−d ln(excess)/dτ, paired by seed"
                at = f"T = {T}, τ = {number(low, 3)} to {number(high, 3)}"
                yield measured("Rate of the fall", quantity, mean_interval(fall), len(both), at)
