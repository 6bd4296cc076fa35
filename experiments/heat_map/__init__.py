"""Experiment ``heat-map``: test loss over dataset size T and hidden dimensions m; where more of either hurts.

Henighan et al. 2023, section "The Effect of m on Double Descent": there are regions where bigger models or more data
hurt. More of one *hurts* between two neighbouring cells if the geometric mean of the test loss over seeds rises, by
Welch's one-sided t-test on the logarithms at level 5 % divided by the number of neighbours in that direction. That is
strict with few seeds, so that pairs in which every seed of one cell lies above every seed of the other are shown, too.

Defines no equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from experiments.bump import LEVEL, geometric_mean, ratio_interval
from experiments.bump_curves import bumps_of, density_of, losses_by
from experiments.findings import Finding, Outcome
from experiments.grouping import numbers, values_by
from numerics import Run
from verify.statistics import Interval, lies_above, separation
from verify.style import GREY, INK, Plot

__all__ = ["KEYS", "Rise", "collect", "describe", "draw", "rises", "sentences"]

_COLUMNS = [
    "m",
    "T",
    "sparsity",
    "seed",
    "status",
    "train_loss",
    "test_loss",
    "largest_feature_dimensionality",
]

#: Above this m the paper finds optimization more consistent.
FEW = 3
#: Spreads of logarithms over seeds differ much by this factor.
MUCH = 2

#: Columns that tell runs apart.
KEYS = ("m", "T", "seed")

Tables = dict[str, pd.DataFrame]
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rise:
    """Two neighbouring cells (m, T) and the factor between their test losses.

    ``sure``: the second is larger by the test that the module names; ``apart``: in every seed against every seed.
    """

    here: Cell
    there: Cell
    factor: Interval
    sure: bool
    apart: bool


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs``, one row per run."""
    return {"runs": table[_COLUMNS].sort_values(list(KEYS), ignore_index=True)}


def _cells(runs: pd.DataFrame) -> dict[Cell, list[float]]:
    return {
        (m, T): losses
        for m in map(int, np.unique(numbers(runs, "m")))
        for T, losses in values_by(runs[numbers(runs, "m") == m], "T", "test_loss").items()
    }


def rises(runs: pd.DataFrame, direction: str) -> list[Rise]:
    """All neighbours in ``direction``, "T" or "m", whether the loss rises between them or not."""
    cells = _cells(runs)
    other = 0 if direction == "T" else 1
    pairs = [
        pair
        for fixed in sorted({cell[other] for cell in cells})
        for pair in itertools.pairwise(sorted(cell for cell in cells if cell[other] == fixed))
    ]
    strict = 2 * LEVEL / max(len(pairs), 1)
    return [
        Rise(
            here,
            there,
            ratio_interval(cells[there], cells[here]),
            ratio_interval(cells[there], cells[here], level=1 - strict).low > 1,
            lies_above(cells[there], cells[here]),
        )
        for here, there in pairs
    ]


def draw(tables: Tables) -> Figure:
    """The map, a number in each cell, arrows between cells where more hurts."""
    runs = tables["runs"]
    cells = _cells(runs)
    dimensions, sizes = (sorted({cell[k] for cell in cells}) for k in (0, 1))
    mean = {cell: geometric_mean(losses).value for cell, losses in cells.items()}
    excess = np.array([[mean.get((m, T), np.nan) - 1 for T in sizes] for m in dimensions])
    figure = Plot(figsize=(max(7.0, 1.1 * len(sizes) + 2.4), max(4.2, 0.85 * len(dimensions) + 1.8)))
    figure.set_layout_engine("constrained")
    ax = figure.subplots()
    reach = max(float(np.nanmax(np.abs(excess))), 0.02)
    shown = ax.imshow(
        excess, origin="lower", aspect="auto", cmap="PuOr_r",
        norm=SymLogNorm(linthresh=0.01, vmin=-reach, vmax=reach, base=10),
    )  # fmt: skip
    for (row, column), value in np.ndenumerate(excess):
        ink = "white" if abs(value) > min(3, 0.3 * reach) else INK
        if np.isfinite(value):
            ax.text(column, row, f"{1 + value:.4g}", ha="center", va="center", fontsize=11, color=ink)
    for direction, marker in (("T", ">"), ("m", "^")):
        for rise in rises(runs, direction):
            if rise.sure or rise.apart:
                x = (sizes.index(rise.here[1]) + sizes.index(rise.there[1])) / 2
                y = (dimensions.index(rise.here[0]) + dimensions.index(rise.there[0])) / 2
                ax.plot([x], [y], marker, color=INK if rise.sure else "white", ms=8, mec=INK, mew=1)
    ax.set_xticks(range(len(sizes)), list(map(str, sizes)))
    ax.set_yticks(range(len(dimensions)), list(map(str, dimensions)))
    ax.set(xlabel="datapoints T", ylabel="hidden dimensions m")
    bar = figure.colorbar(shown, ax=ax, label="test loss − 1")
    bar.ax.set_ylim(float(np.nanmin(excess)), float(np.nanmax(excess)))
    bar.outline.set_edgecolor(GREY)
    figure.legend(handles=_arrows(), loc="outside lower center", ncols=3, columnspacing=1.2, fontsize=11)
    return figure


def _arrows() -> list[Line2D]:
    """Handles for the marks between cells."""
    marks = (
        (">", INK, "more data hurt"),
        ("^", INK, "more hidden dimensions hurt"),
        (">", "white", "hollow: in every seed, but short of the test"),
    )
    return [
        Line2D([], [], ls="", marker=marker, color=colour, mec=INK, mew=1, ms=8, label=label)
        for marker, colour, label in marks
    ]


def describe(tables: Tables) -> str:
    """Where more data hurts, where more hidden dimensions hurt, and the bump for each m."""
    return "\n".join(
        [
            "Test losses are geometric means over seeds, intervals Welch's of the logarithms at 95 % for one pair of "
            "cells; *hurts* holds for all pairs of one direction together at level 5 %.",
            "",
            *(f"- {part}" for part in sentences(tables)),
        ]
    )


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    runs = tables["runs"]
    more_data, more_dimensions = rises(runs, "T"), rises(runs, "m")
    seeds = range(min(map(len, _cells(runs).values())))
    return [
        Finding(
            _hurts(more_data, "More data", "T") + _apart(more_data, seeds),
            {"More data hurts in some regions": _outcome(more_data)},
        ),
        Finding(
            _hurts(more_dimensions, "More hidden dimensions", "m") + _apart(more_dimensions, seeds),
            {"More hidden dimensions hurt in some regions": _outcome(more_dimensions)},
        ),
        _bumps(runs, density_of(tables)),
        _consistency(runs),
    ]


def _consistency(runs: pd.DataFrame) -> Finding:
    """Whether seeds of one cell differ less above m = 3, by rank sums over cells."""
    cells = {cell: np.log(losses) for cell, losses in _cells(runs).items() if len(losses) > 1}
    few, many = (
        [float(logs.std(ddof=1)) for (m, _), logs in cells.items() if (m > FEW) == side]
        for side in (False, True)
    )
    judged = f"Above m = {FEW} results are much more consistent"
    if not few or not many:
        return Finding(
            f"There are no cells on both sides of m = {FEW} to compare the spread of seeds.",
            {judged: "not tested"},
        )
    chance, against = (
        float(stats.mannwhitneyu(few, many, alternative=side).pvalue) for side in ("greater", "less")
    )
    spreads = [float(np.median(each)) for each in (few, many)]
    outcome: Outcome = "differs" if against < LEVEL else "not decided"
    if chance < LEVEL and spreads[0] > MUCH * spreads[1]:
        outcome = "agrees"
    factors = np.exp(spreads)
    return Finding(
        f"Test losses of one cell differ from their mean over seeds by a factor of {factors[0]:.3g} up to m = {FEW} "
        f"({len(few)} cells) and {factors[1]:.3g} above ({len(many)} cells; e to the standard deviation of the "
        f"logarithm, median over cells; p = {min(chance, against):.1g}, rank sums): published, much more consistent "
        f"above: {outcome}.",
        {judged: outcome},
    )


def _outcome(found: Sequence[Rise]) -> Outcome:
    """Few seeds can show that something hurts somewhere, not that it hurts nowhere."""
    if not found:
        return "not tested"
    return "agrees" if any(rise.sure for rise in found) else "not decided"


def _hurts(found: Sequence[Rise], what: str, direction: str) -> str:
    sure = [rise for rise in found if rise.sure]
    verb = "hurts" if direction == "T" else "hurt"
    if not sure:
        return f"{what} nowhere surely {verb}: of {len(found)} neighbours none has a surely larger test loss."
    worst = max(sure, key=lambda rise: rise.factor.value)
    moved, fixed, along = ("T", "m", 1) if direction == "T" else ("m", "T", 0)
    places = []
    for value in sorted({rise.here[1 - along] for rise in sure}):
        steps = [rise for rise in sure if rise.here[1 - along] == value]
        listed = ", ".join(f"{rise.here[along]} → {rise.there[along]}" for rise in steps)
        places.append(f"{fixed} = {value}: {moved} = {listed}")
    here, there = worst.here, worst.there
    return (
        f"**{what} {verb}** between {len(sure)} of {len(found)} neighbours, as the paper finds of some regions "
        f"({'; '.join(places)}). The largest rise is by a factor of {worst.factor}, from m = {here[0]}, T = {here[1]} "
        f"to m = {there[0]}, T = {there[1]}."
    )


def _apart(found: Sequence[Rise], seeds: range) -> str:
    """How many rise in every seed without passing the test, beside what chance would give."""
    count = sum(rise.apart and not rise.sure for rise in found)
    pairs = "pair" if count == 1 else "pairs"
    chance = float(separation(seeds, seeds)) * len(found)
    return (
        f" In {count} further {pairs} every seed of the larger side lies above every one of the smaller, where chance "
        f"alone would give about {chance:.2g} of {len(found)}."
    )


def _bumps(runs: pd.DataFrame, density: float) -> str:
    found = {int(m): bump for m, bump in bumps_of(losses_by(runs, "m")).items()}
    there = {m: bump for m, bump in found.items() if bump.there}
    listed = "; ".join(
        f"m = {m}: {bump.loss} at T = {bump.T}, T(1 − S) = {bump.T * density:.3g}"
        for m, bump in there.items()
    )
    text = "The bump, above both the smallest and the largest T: " + (listed or "none passes the test") + "."
    apart = [m for m, bump in found.items() if bump.apart and not bump.there]
    for m in apart:
        text += (
            f" For m = {m} every seed at T = {found[m].T} lies above every one at both ends, but seeds differ too much "
            "for the test."
        )
    rest = ", ".join(str(m) for m in found if m not in there and m not in apart)
    return text + (f" For m = {rest} none is told apart from both ends." if rest else "")
