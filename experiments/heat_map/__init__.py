"""Experiment ``heat-map``: test loss over dataset size T and hidden dimensions m; where more of either hurts. Henighan
et al. 2023, section "The Effect of m on Double Descent": there are regions where bigger models or more data hurt. More
of one *hurts* between two neighbouring cells if the geometric mean of the test loss over seeds rises, by Welch's
one-sided t-test on the logarithms at level 5 % divided by the number of neighbours in that direction. That is strict
with few seeds, so that pairs in which every seed of one cell lies above every seed of the other are shown, too.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from scipy import stats

from experiments.axes import empty
from experiments.bump import LEVEL, bumps_summary, collect_curves, geometric_mean, ratio_interval
from experiments.findings import Finding, Outcome, Tables, found, measured
from experiments.grouping import parts, values_by
from verify.statistics import Interval, lies_above
from verify.style import GREY, INK

#: Above this m the paper finds optimization more consistent.
FEW = 3
#: Spreads of logarithms over seeds differ much by this factor.
MUCH = 2

KEYS = ("m", "T", "seed")

collect = partial(collect_curves, key="m")
summary = partial(bumps_summary, key="m", head="m")

#: Hidden dimensions m and dataset size T.
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rise:
    """Two neighbouring cells (m, T) and the factor between their test losses. ``sure``: the second is larger by the
    test that the module names; ``apart``: in every seed against every seed; ``n``: seeds.
    """

    here: Cell
    there: Cell
    factor: Interval
    sure: bool
    apart: bool
    n: int


def _cells(runs: pd.DataFrame) -> dict[Cell, list[float]]:
    return {
        (m, T): losses
        for m, rows in parts(runs, "m")
        for T, losses in values_by(rows, "T", "test_loss").items()
    }


def rises(runs: pd.DataFrame, direction: str) -> list[Rise]:
    """All neighbours in ``direction``, "T" or "m", whether the loss rises between them or not."""
    cells = _cells(runs)
    other = 0 if direction == "T" else 1
    ordered = sorted(cells, key=lambda cell: (cell[other], cell))
    pairs = [(a, b) for a, b in itertools.pairwise(ordered) if a[other] == b[other]]
    level = 1 - 2 * LEVEL / max(len(pairs), 1)
    found = []
    for here, there in pairs:
        before, after = cells[here], cells[there]
        sure, n = ratio_interval(after, before, level=level).low > 1, min(len(before), len(after))
        found.append(Rise(here, there, ratio_interval(after, before), sure, lies_above(after, before), n))
    return found


def draw(tables: Tables) -> Figure:
    """The map, a number in each cell, arrows between cells where more hurts."""
    runs = tables["runs"]
    mean = {cell: geometric_mean(losses).value for cell, losses in _cells(runs).items()}
    dimensions, sizes = (sorted({cell[k] for cell in mean}) for k in (0, 1))
    excess = np.array([[mean.get((m, T), np.nan) - 1 for T in sizes] for m in dimensions])
    figure = empty(max(7.0, 1.1 * len(sizes) + 2.4), max(4.2, 0.85 * len(dimensions) + 1.8))
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
    _draw_arrows(ax, runs, dimensions, sizes)
    ax.set_xticks(range(len(sizes)), list(map(str, sizes)))
    ax.set_yticks(range(len(dimensions)), list(map(str, dimensions)))
    ax.set(xlabel="datapoints T", ylabel="hidden dimensions m")
    bar = figure.colorbar(shown, ax=ax, label="test loss − 1")
    bar.ax.set_ylim(float(np.nanmin(excess)), float(np.nanmax(excess)))
    bar.outline.set_edgecolor(GREY)
    figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2, fontsize=11)
    return figure


def _draw_arrows(ax: Axes, runs: pd.DataFrame, dimensions: list[int], sizes: list[int]) -> None:
    """A mark between two cells where more hurts, hollow where only every seed rises; a name for each mark."""
    for direction, marker in (("T", ">"), ("m", "^")):
        for rise in rises(runs, direction):
            if rise.sure or rise.apart:
                x = (sizes.index(rise.here[1]) + sizes.index(rise.there[1])) / 2
                y = (dimensions.index(rise.here[0]) + dimensions.index(rise.there[0])) / 2
                ax.plot([x], [y], marker, color=INK if rise.sure else "white", ms=8, mec=INK, mew=1)
    for marker, colour, label in (
        (">", INK, "more data hurt"),
        ("^", INK, "more hidden dimensions hurt"),
        (">", "white", "hollow: in every seed, but short of the test"),
    ):
        ax.plot([], [], marker, color=colour, mec=INK, mew=1, ms=8, label=label)


def findings(tables: Tables) -> list[Finding]:
    """Where more data hurts, where more hidden dimensions hurt, and whether seeds agree better above m = 3."""
    runs = tables["runs"]
    return [
        *_hurts(rises(runs, "T"), "More data", "hurts"),
        *_hurts(rises(runs, "m"), "More hidden dimensions", "hurt"),
        *_consistency(runs),
    ]


def _hurts(among: Sequence[Rise], more: str, hurt: str) -> list[Finding]:
    """The largest sure rise, or the likeliest; few seeds cannot show that something hurts nowhere."""
    published = f"{more} {hurt} in some regions"
    if not among:
        return [Finding(published, "not tested")]
    sure = [rise for rise in among if rise.sure]
    worst = max(sure, key=lambda rise: rise.factor.value) if sure else max(among, key=lambda r: r.factor.low)
    (m, T), (next_m, next_T) = worst.here, worst.there
    place = f"m = {m}, T = {T} → m = {next_m}, T = {next_T}"
    outcome: Outcome = "agrees" if sure else "not decided"
    only_apart = sum(rise.apart and not rise.sure for rise in among)
    return [
        found(published, outcome, "largest rise of the test loss, a factor", worst.factor, worst.n, place),
        measured(f"{more}: pairs of neighbours that pass the test", "pairs", len(sure), len(among)),
        measured(f"{more}: further pairs that rise in every seed", "pairs", only_apart, len(among)),
    ]


def _consistency(runs: pd.DataFrame) -> list[Finding]:
    """Whether seeds of one cell differ less above m = 3, by rank sums over cells."""
    spreads = {cell: float(np.log(each).std(ddof=1)) for cell, each in _cells(runs).items() if len(each) > 1}
    few, many = ([each for (m, _), each in spreads.items() if (m > FEW) == side] for side in (False, True))
    published = f"Above m = {FEW} results are much more consistent"
    if not few or not many:
        return [Finding(published, "not tested")]
    chance, against = (
        float(stats.mannwhitneyu(few, many, alternative=side).pvalue) for side in ("greater", "less")
    )
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
