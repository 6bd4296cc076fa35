"""Experiment ``heat-map``: test loss over dataset size T and hidden dimensions m; where more of either hurts. Henighan
et al. 2023, section "The Effect of m on Double Descent": there are regions where bigger models or more data hurt. More
of one *hurts* between two neighbouring cells if the geometric mean of the test loss over seeds rises, by Welch's
one-sided t-test on the logarithms at level 5 % divided by the number of neighbours in that direction. That is strict
with few seeds, so that pairs in which every seed of one cell lies above every seed of the other are shown, too.
"""

import itertools
from dataclasses import astuple
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from scipy import stats

from experiments.axes import empty, one_legend
from experiments.bump import LEVEL, bumps_summary, collect_curves, excess_mean, ratio_interval
from experiments.findings import Finding, Outcome, Tables, measured
from verify.statistics import lies_above
from verify.style import GREY, INK

#: Above this m the paper finds optimization more consistent.
FEW = 3
#: Spreads of logarithms over seeds differ much by this factor.
MUCH = 2

KEYS = ("m", "T", "seed")

collect = partial(collect_curves, key="m")
summary = partial(bumps_summary, key="m", head="m")


def rises(runs: pd.DataFrame, direction: str) -> pd.DataFrame:
    """All neighbours in ``direction``, "T" or "m", whether the loss rises between them or not.

    Columns: ``here`` and ``there``, cells (m, T); value, low and high of the factor between their test losses;
    ``sure``, the second is larger by the test that the module names; ``apart``, in every seed against every seed; n.
    """
    cells = dict(runs.groupby(["m", "T"])["test_loss"].agg(list))
    other = 0 if direction == "T" else 1
    ordered = sorted(cells, key=lambda cell: (cell[other], cell))
    pairs = [(a, b) for a, b in itertools.pairwise(ordered) if a[other] == b[other]]
    rows = []
    for here, there in pairs:
        before, after = cells[here], cells[there]
        sure = ratio_interval(after, before, level=1 - 2 * LEVEL / len(pairs)).low > 1
        factor, apart = ratio_interval(after, before), lies_above(after, before)
        rows.append((here, there, *astuple(factor), sure, apart, min(len(before), len(after))))
    return pd.DataFrame(rows, columns=["here", "there", "value", "low", "high", "sure", "apart", "n"])


def draw(tables: Tables) -> Figure:
    """The map, a number in each cell, arrows between cells where more hurts."""
    runs = tables["runs"]
    means = runs.assign(excess=runs["test_loss"] - 1).groupby(["m", "T"])["excess"].agg(excess_mean).unstack()
    dimensions, sizes, excess = sorted(set(runs["m"])), sorted(set(runs["T"])), means.to_numpy()
    figure = empty(max(7.0, 1.1 * len(sizes) + 2.4), max(4.2, 0.85 * len(dimensions) + 1.8))
    ax = figure.subplots()
    reach = max(float(np.nanmax(np.abs(excess))), 0.02)
    norm = SymLogNorm(linthresh=0.01, vmin=-reach, vmax=reach, base=10)
    shown = ax.imshow(excess, "PuOr_r", norm, origin="lower", aspect="auto")
    for (row, column), value in np.ndenumerate(excess):
        ink = "white" if abs(value) > min(3, 0.3 * reach) else INK
        if np.isfinite(value):
            ax.text(column, row, f"{1 + value:.4g}", ha="center", va="center", fontsize=11, color=ink)
    for direction, marker, label in (("T", ">", "more data hurt"), ("m", "^", "more hidden dimensions hurt")):
        for rise in rises(runs, direction).query("sure or apart").to_dict("records"):
            (m, T), (next_m, next_T) = rise["here"], rise["there"]
            x, y = sizes.index(T) + sizes.index(next_T), dimensions.index(m) + dimensions.index(next_m)
            kind = (INK, label) if rise["sure"] else ("white", "hollow: in every seed, but short of the test")
            ax.plot(x / 2, y / 2, marker, color=kind[0], label=kind[1], ms=8, mec=INK, mew=1)
    ax.set_xticks(range(len(sizes)), list(map(str, sizes)))
    ax.set_yticks(range(len(dimensions)), list(map(str, dimensions)))
    ax.set(xlabel="datapoints T", ylabel="hidden dimensions m")
    bar = figure.colorbar(shown, ax=ax, label="test loss − 1")
    bar.ax.set_ylim(float(np.nanmin(excess)), float(np.nanmax(excess)))
    bar.outline.set_edgecolor(GREY)
    one_legend(figure, [ax], ncols=3, columnspacing=1.2, fontsize=11)
    return figure


def findings(tables: Tables) -> list[Finding]:
    """Where more data hurts, where more hidden dimensions hurt, and whether seeds agree better above m = 3."""
    runs = tables["runs"]
    return [
        *_hurts(rises(runs, "T"), "More data", "hurts"),
        *_hurts(rises(runs, "m"), "More hidden dimensions", "hurt"),
        *_consistency(runs),
    ]


def _hurts(among: pd.DataFrame, more: str, hurt: str) -> list[Finding]:
    """The largest sure rise, or the likeliest; few seeds cannot show that something hurts nowhere."""
    published = f"{more} {hurt} in some regions"
    if among.empty:
        return [Finding(published, "not tested")]
    sure, apart = among[among["sure"]], int((among["apart"] & ~among["sure"]).sum())
    worst = sure.nlargest(1, "value") if len(sure) else among.nlargest(1, "low")
    ((m, T), (next_m, next_T), value, low, high, *_, n) = worst.iloc[0]
    place = f"m = {m}, T = {T} → m = {next_m}, T = {next_T}"
    outcome: Outcome = "agrees" if len(sure) else "not decided"
    return [
        Finding(published, outcome, "largest rise of the test loss, a factor", value, low, high, n, place),
        measured(f"{more}: pairs of neighbours that pass the test", "pairs", len(sure), len(among)),
        measured(f"{more}: further pairs that rise in every seed", "pairs", apart, len(among)),
    ]


def _consistency(runs: pd.DataFrame) -> list[Finding]:
    """Whether seeds of one cell differ less above m = 3, by rank sums over cells."""
    logarithms = np.log(runs["test_loss"])
    spreads = logarithms.groupby([runs["m"], runs["T"]]).std().dropna()
    few, many = (spreads[(spreads.index.get_level_values("m") > FEW) == side] for side in (False, True))
    published = f"Above m = {FEW} results are much more consistent"
    if few.empty or many.empty:
        return [Finding(published, "not tested")]
    chance, against = (stats.mannwhitneyu(few, many, alternative=side).pvalue for side in ("greater", "less"))
    outcome: Outcome = "differs" if against < LEVEL else "not decided"
    if chance < LEVEL and np.median(few) > MUCH * np.median(many):
        outcome = "agrees"
    said = "Seeds of one cell differ from their mean by a factor"
    quantity = "e to the deviation of the logarithm, median over cells"
    return [
        Finding(published, outcome, "p of rank sums over cells", min(chance, against), n=len(spreads)),
        measured(said, quantity, np.exp(np.median(few)), len(few), f"m ≤ {FEW}"),
        measured(said, quantity, np.exp(np.median(many)), len(many), f"m > {FEW}"),
    ]
