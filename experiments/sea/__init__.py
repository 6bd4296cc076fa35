"""Experiment ``sea``: which ring of features, and what sea beside it, each start ends with, against closed forms. A
ring is the columns of W before the largest jump of their norms, if that is by a factor of at least `FEATURE_RATIO`
(`numerics.observe`); the sea is all others, with energy q. Gains are n(1 − loss). The closed forms are a
ring alone at zero bias (`generalization.free-radius`), one with a free bias (`generalization.free-bias-loss`), and a
ring with its sea (`sea.separated-gain`), the last two with the amplitudes of the runs' n and S, all for infinite data.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import one_legend
from experiments.findings import Finding, Outcome, Tables, found, found_count, measured, outcome_of
from experiments.grouping import cell, median_range, numbers, parts, span
from numerics import Run
from theory.features.amplitudes import normalized
from theory.features.polygon import best_polygons, polygon
from theory.features.sea import Directions, best_sea, ring_with_sea
from theory.number_format import number
from verify.statistics import mean_interval
from verify.style import BLUE, DECAY_COLOURS, GREEN, GREY, VERMILLION, panels

KEYS = ("T", "start", "seed")

#: The starts, in the order of the table.
STARTS = ("xavier", "pentagon", "hexagon", "heptagon")
#: The sizes that a best ring is looked for among, and those that are compared with a sea.
SIZES, SEA_SIZES = range(3, 10), range(5, 8)
#: The columns of a ring are at least this much longer than the next one.
FEATURE_RATIO = 1.5
#: Scales are separated where less than this share of the sea's energy passes the bias.
SEPARATED = 0.05

PENTAGON = "The pentagon with its sea gains more than larger rings (`sea.separated-gain`)"
BEST = "The ring that gains most is the one that training takes"
ENERGY = "The sea beside a pentagon has the energy of"
SILENT = "The sea is silent at the pentagon, as the law of separated scales assumes"
CAPTION = "The closed forms at these n and S: squared radius r and bias b of a ring of k, and the k of greatest gain."


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, as observed and with gains, and ``closed_forms``, by form and k."""
    n = numbers(table, "n")
    gains = {f"{kind}_gain": n * (1 - numbers(table, f"{kind}_loss")) for kind in ("train", "test")}
    setting = runs[0].setting
    return {"runs": table.assign(**gains), "closed_forms": closed_forms(setting.n, setting.sparsity)}


def closed_forms(n: int, sparsity: float) -> pd.DataFrame:
    """Gain, squared radius and bias of every ring by each closed form, and the k of greatest gain."""
    zero = [polygon(k, "free", n=n, sparsity=sparsity) for k in SIZES]
    free = [polygon(k, "normalized", n=n, sparsity=sparsity) for k in SIZES]
    seas = [ring_with_sea(k, normalized(n, sparsity), n - k) for k in SEA_SIZES]
    forms: dict[str, tuple[Sequence[Any], int]] = {
        "a ring alone at zero bias": (zero, min(best_polygons(zero))),
        "a ring alone with a free bias": (free, min(best_polygons(free))),
        "a ring with its sea": (seas, max(seas, key=lambda one: one.gain).k),
    }
    columns = ["k", "radius_squared", "bias", "gain"]
    return pd.DataFrame(
        {"form": form} | {name: getattr(one, name) for name in columns} | {"best": best}
        for form, (rings, best) in forms.items()
        for one in rings
    )


def findings(tables: Tables) -> list[Finding]:
    """Whether pentagons win, which closed form has the k, r and b of training, and how large the sea is."""
    margins = list(_margins(tables))
    ahead = sum(one.low > 0 for one in margins)
    return [
        found_count(PENTAGON, "T/n at which they surely do", ahead, len(margins)),
        *margins,
        *_best(tables),
        *_sea(_rings(tables).query("ring == 5")),
        *_lengths(tables),
    ]


def _margins(tables: Tables) -> Iterator[Finding]:
    """The lead in train gain of the best pentagon of a seed over its best hexagon or heptagon."""
    for unit, part in parts(_rings(tables), "unit"):
        best = part.pivot_table(index="seed", columns="ring", values="train_gain", aggfunc="max")
        best = best.reindex(columns=[5, 6, 7])
        lead = (best[5] - best[[6, 7]].max(axis=1)).dropna()
        at = f"T/n = {number(unit, 3)}, ahead in {int((lead > 0).sum())} of {len(lead)} seeds"
        statement = "Lead of the pentagon over larger rings"
        yield measured(statement, "features of train gain", mean_interval(lead), len(lead), at)


def _best(tables: Tables) -> Iterator[Finding]:
    """The k that random starts end with, and which closed forms gain most there."""
    runs = _rings(tables).query("start == 'xavier'")
    k, count = runs["ring"].mode()[0], runs["ring"].value_counts().max()
    outcome = outcome_of(int((runs["ring"] == 5).sum()), len(runs))
    pentagons, commonest = "Random starts end with a pentagon", "runs with the commonest ring"
    yield Finding(pentagons, outcome, commonest, count, n=len(runs), at=f"k = {k}")
    forms = tables["closed_forms"]
    for form, best in forms.groupby("form", sort=False)["best"].first().items():
        yield Finding(f"{BEST}: {form}", "agrees" if best == k else "differs", "its k", best)
    gains = forms[forms["form"] == "a ring with its sea"].set_index("k")["gain"]
    lead, statement = float(gains[5] - gains.drop(5).max()), "Lead of the pentagon by separated scales"
    yield measured(statement, "features of gain, infinite data", lead)


def _sea(runs: pd.DataFrame) -> Iterator[Finding]:
    """How the law of separated scales does beside trained pentagons."""
    laws: dict[str, Directions] = {"sea.separated-gain": "vertices", "sea.isotropic-energy": "isotropic"}
    for label, law in laws.items():
        ratio = median_range(_law_ratios(runs, law))
        outcome: Outcome = "agrees" if ratio.low <= 1 <= ratio.high else "differs"
        quantity = "predicted over measured q: median, least and greatest"
        yield found(f"{ENERGY} `{label}`", outcome, quantity, ratio, len(runs))
    passing = median_range(runs["sea_passing"])
    outcome = "agrees" if passing.high < SEPARATED else "differs"
    quantity = "share of q that passes a pentagon's bias at amplitude 1: median, least and greatest"
    yield found(SILENT, outcome, quantity, passing, len(runs))


def _lengths(tables: Tables) -> Iterator[Finding]:
    """Squared radius and bias of the rings that random starts end with."""
    ringed = _rings(tables).query("start == 'xavier' and ring > 0")
    for name, column in (("r", "ring_radius_squared"), ("b", "ring_bias")):
        for unit, rows in parts(ringed, "unit"):
            said, mean = f"{name} of the rings that random starts end with", mean_interval(rows[column])
            yield measured(said, "mean over seeds", mean, len(rows), f"T/n = {number(unit, 3)}")


def summary(tables: Tables) -> dict[str, pd.DataFrame]:
    """What each start ends with, and of each closed form the best k, with pentagon and rings that training takes."""
    runs, forms = _rings(tables), tables["closed_forms"]
    runs["place"] = runs["start"].map(STARTS.index)
    rows = [_row(part) for _, part in parts(runs, "unit", "place")]
    ended = runs[(runs["ring"] > 0) & (runs["start"] == "xavier")]["ring"]
    heads = {"form": "closed form", "best": "best k", "k": "k", "radius_squared": "r", "bias": "b"}
    shown = forms[forms["k"].isin({5, 6, *ended})][list(heads)].rename(columns=heads)
    rounded = {head: [number(each, 3) for each in shown[head]] for head in ("r", "b")}
    return {"": pd.DataFrame(rows), CAPTION: shown.assign(**rounded)}


def _row(runs: pd.DataFrame) -> dict[str, str]:
    ringed, gain = runs[runs["ring"] > 0], runs["train_gain"]
    ratios = _law_ratios(ringed, "vertices")
    return {
        "T/n": number(float(runs["unit"].iloc[0]), 3),
        "start": str(runs["start"].iloc[0]),
        "ring ends with": ", ".join(f"{k or 'no ring'}: {len(part)}" for k, part in parts(runs, "ring")),
        "train gain": number(gain.mean(), 4),
        "range": span(gain, 5),
        "test gain": number(runs["test_gain"].mean(), 4),
        "r": cell(ringed["ring_radius_squared"].mean(), 3),
        "b": cell(ringed["ring_bias"].mean(), 3),
        "q": cell(ringed["sea_energy"].mean(), 3),
        "law / q": cell(ratios.mean(), 3),
    }


def draw(tables: Tables) -> Figure:
    """Train gain by start, coloured by the ring that a run ends with, a panel for each T/n."""
    runs = _rings(tables)
    colours = {0: GREY, 5: BLUE, 6: VERMILLION, 7: GREEN}
    figure, [axes] = panels(1, runs["unit"].nunique(), 4.2, 4.2)
    for ax, (unit, part) in zip(axes, parts(runs, "unit"), strict=True):
        for k, kept in parts(part, "ring"):
            places = kept["start"].map(STARTS.index) + 0.06 * (kept["seed"] - kept["seed"].mean())
            colour, label = colours.get(k, DECAY_COLOURS[2]), f"ring of {k}" if k else "no ring"
            ax.scatter(places, kept["train_gain"], s=34, color=colour, alpha=0.8, label=label)
        ax.set_xticks(range(len(STARTS)), STARTS)
        ax.set(title=f"T/n = {number(unit, 3)}", ylabel="train gain n(1 − loss)")
    one_legend(figure, axes, ncols=9)
    return figure


def _rings(tables: Tables) -> pd.DataFrame:
    """The runs with T/n and the number of columns that stand apart, 0 where they do so by too little."""
    runs = tables["runs"]
    ring = np.where(runs["ring_jump"] >= FEATURE_RATIO, runs["ring_columns"], 0)
    return runs.assign(unit=runs["T"] / runs["n"], ring=ring.astype(int))


def _law_ratios(runs: pd.DataFrame, law: Directions) -> pd.Series:
    """Predicted over measured energy of the sea, of each run with a ring."""
    energy = [best_sea(k, r, law) for k, r in zip(runs["ring"], runs["ring_radius_squared"], strict=True)]
    return pd.Series(energy, index=runs.index, dtype=np.float64) / runs["sea_energy"]
