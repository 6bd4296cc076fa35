"""Experiment ``dataset-size``: test loss, dimensionalities and pictures against the number of datapoints. Henighan et
al. 2023, sections "How Do Models Change with Dataset Size?" and "Superposition Double Descent". Losses are summed over
features; the zero output loses 1 exactly. Across n, datasets are compared at equal T(1 − S).
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import published as paper
from experiments.axes import add_seen, draw_seeds, empty
from experiments.bump import excess_mean, find_bump, mean_losses
from experiments.clouds import draw_pictures, explain_clouds, points_of
from experiments.findings import Finding, Outcome, Tables, found, found_count, measured, outcome_of
from experiments.following import STORED
from experiments.grouping import for_good, level_table, levels_of, numbers, values_by
from numerics import Run
from theory.features.loss_budget import loss_budget
from theory.features.polygon import polygon
from theory.memorization.overlap import hypothesis_generalization_scale
from verify.diagnosis import diagnose_run
from verify.figures.norms import published_series
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION

#: Sizes with pictures, where there are runs of that size; beside them the largest size.
PICTURED = (3, 5, 8, 15, 50, 300, 1000, 10_000)
MOST_PICTURED = 7

#: Up to this T the paper calls datasets small: lengths and norms grow as memorization demands.
FEW = 30

#: What the paper says of D_f at the end, where a pentagon alone has 2/5, and what "notably" is taken to mean.
SMALL = "Features end with a D_f notably below 2/5"
NOTABLY = 0.9
#: D_f has come to its end where it changes by no more than this factor between the last two T.
SETTLED = 1.1
#: A lower bar for a stored feature, to see how far the onset hangs on it.
EARLY = STORED / 2

#: A norm is near another within this factor, and falls far where it falls by more than that one.
NEAR, MUCH = 1.15, 4

#: Where features are published to appear, as T(1 − S) of `PUBLISHED_ONSET`.
ONSETS = {
    5.0: "Features are stored from T(1 − S) = 5 on (the authors)",
    20.0: "Features are stored from T(1 − S) = 20 on (Jermyn's replication)",
}

PEAK = "‖W‖ and ‖b‖ peak around T = 30"
RISE = "Both norms rise with T and fall far once features are learned (Jermyn)"
BELOW = "With much data ‖b‖ is below ‖W‖ again (Jermyn)"
MUCH_DATA = "With much data ‖W‖ is near √5"

KEYS = ("T", "data_seed", "seed")

_COLUMNS = [
    *KEYS, "status", "train_loss", "test_loss", "test_loss_error",
    "largest_data_dimensionality", "largest_feature_dimensionality", "weight_norm", "bias_norm",
]  # fmt: skip


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs`` (``chosen``: least train loss of a T and data seed), ``points``, ``levels``, ``published``."""
    kept = with_chosen(table[_COLUMNS].sort_values(list(KEYS), ignore_index=True))
    best = table.loc[table.groupby(["T", "data_seed"])["train_loss"].idxmin()]
    shown = best[(best["data_seed"] == table["data_seed"].min()) & best["T"].isin(_sizes(table["T"]))]
    clouds = [points_of(runs[k], diagnose_run(runs[k])).assign(T=T) for k, T in shown["T"].items()]
    points = pd.concat(clouds, ignore_index=True)[["T", "kind", "x", "y"]]
    n, S = runs[0].setting.n, runs[0].setting.sparsity
    budget = loss_budget(n, S)
    levels = level_table(
        n=n,
        density=1 - S,
        zero_output=budget.zero_output,
        bias_only=budget.bias_only,
        pentagon=pentagon_loss(n, S),
        generalization_scale=hypothesis_generalization_scale(S),
    )
    return {"runs": kept, "points": points, "levels": levels, "published": published_series("test_loss")}


def derived(tables: Tables) -> Tables:
    """The tables, with the chosen of all runs, and of pictures those that are shown."""
    points = tables["points"]
    shown = points[points["T"].isin(_sizes(points["T"]))]
    return tables | {"runs": with_chosen(tables["runs"]), "points": shown}


def with_chosen(kept: pd.DataFrame) -> pd.DataFrame:
    """Marks the run of least train loss for each T and data seed."""
    return kept.assign(chosen=kept.index.isin(kept.groupby(["T", "data_seed"])["train_loss"].idxmin()))


def _sizes(available: pd.Series) -> list[int]:
    first, *others = sorted({available.max()}.union(PICTURED) & set(available))
    return [first, *others[-MOST_PICTURED + 1 :]]


def pentagon_loss(n: int, sparsity: float) -> float:
    """The loss of a pentagon of free radius and bias at T → ∞."""
    ring = polygon(5, law="normalized", n=n, sparsity=sparsity)
    return loss_budget(n, sparsity).with_features(ring.gain, 5)


def findings(tables: Tables) -> list[Finding]:
    """The bump, the two sides of it, the norms, the published curve, and the limit."""
    chosen, level = tables["runs"].query("chosen"), levels_of(tables)
    losses = values_by(chosen, "T", "test_loss")
    bump, last = find_bump(losses), max(losses)
    seeds, at = len(losses[bump.T]), f"T = {bump.T}"
    there: Outcome = "agrees" if bump.there else "not decided"
    rises = "The test loss rises between memorization and generalization"
    # behind the peak features are stored
    few = (
        chosen[chosen["T"].between(3, min(bump.T, FEW))].groupby("T")["largest_data_dimensionality"].median()
    )
    near = (few * few.index / 2 - 1).abs() <= 0.1
    polygons = "Up to T = 30 the largest D_X is m/T, that of a T-gon"
    gain, units, n = "Gain over the zero output of", "n (1 − test loss)", level["n"]
    median = n * (1 - float(np.median(losses[last])))
    return [
        found(rises, there, "test loss over that at the largest T", bump.over_last, seeds, at),
        found_count(polygons, "T within 10 % of m/T, of those tested", int(near.sum()), len(near)),
        *onset_findings(chosen, level["density"]),
        *norm_findings(chosen),
        _published(losses, tables),
        measured("Test loss at the peak", "loss", bump.loss, seeds, at),
        measured(f"{gain} the median model", units, median, at=f"T = {last}"),
        measured(f"{gain} biases alone", units, n * (1 - level["bias_only"])),
        measured(f"{gain} a pentagon of free radius and bias", units, n * (1 - level["pentagon"])),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """Medians over dataset seeds, of the test loss the geometric mean, for each T."""
    chosen, density = tables["runs"].query("chosen"), levels_of(tables)["density"]
    shown = {"largest_data_dimensionality": "D_X", "largest_feature_dimensionality": "D_f"}
    shown |= {"weight_norm": "‖W‖", "bias_norm": "‖b‖"}
    table = chosen.groupby("T")[list(shown)].median().rename(columns=shown).reset_index()
    table.insert(1, "T(1 − S)", table["T"] * density)
    table.insert(2, "test loss", list(mean_losses(chosen).values()))
    return table


def onset_findings(chosen: pd.DataFrame, density: float) -> list[Finding]:
    """From where on features are stored, beside what was published, and how large D_f is at the end."""
    largest = chosen.groupby("T")["largest_feature_dimensionality"].median()
    stored, early = (for_good(largest >= bar) for bar in (STORED, EARLY))
    before, last = largest.iloc[-2:]
    if stored is None or early is None or not early[0]:
        outcomes: list[Outcome] = ["not tested"] * 3
        ends = (math.nan, math.nan)
    else:
        ends = (stored[0] * density, stored[1] * density)
        settled = abs(math.log(last / before)) <= math.log(SETTLED)
        outcomes = [_place(seen / density, stored, early) for seen in ONSETS]
        outcomes.append(outcome_of(last <= NOTABLY * 2 / 5, 1) if settled else "not decided")
    quantity = "T(1 − S) from which the median of D_f is 0.2 or more (between neighbouring T)"
    places = [
        Finding(statement, outcome, quantity, ends[1], *ends, n=len(chosen))
        for statement, outcome in zip(ONSETS.values(), outcomes, strict=False)
    ]
    n, end = len(chosen), f"T = {largest.index[-1]}"
    return [*places, Finding(SMALL, outcomes[-1], "largest D_f, median", last, n=n, at=end)]


def _place(T: float, stored: tuple[float, float], early: tuple[float, float]) -> Outcome:
    """A place agrees where both bars put it, differs where neither does and it does not lie between them."""
    within = [low * 1.0001 < T <= high * 1.0001 for low, high in (stored, early)]
    between = min(early[0], stored[0]) * 1.0001 < T <= max(early[1], stored[1]) * 1.0001
    return "agrees" if all(within) else "not decided" if between else "differs"


def norm_findings(chosen: pd.DataFrame) -> list[Finding]:
    """The course of ‖W‖ and ‖b‖ over all T, beside what authors and replication see."""
    courses = chosen.groupby("T")[["weight_norm", "bias_norm"]].median()
    first, peaks, last, T = courses.iloc[0], courses.max(), courses.iloc[-1], courses.index[-1]
    peaking = [paper.peak_outcome(course) for _, course in courses.items()]
    agree, tested = peaking.count("agrees"), len(peaking) - peaking.count("not tested")
    fall = int(((first < peaks) & (peaks > MUCH * last)).sum())
    above = courses["bias_norm"] > courses["weight_norm"]
    stored = bool(chosen.loc[chosen["T"] == T, "largest_feature_dimensionality"].median() >= STORED)
    whole = stored and courses.index[0] < paper.PUBLISHED_PEAK[0]
    weight, bias, largest = last["weight_norm"], last["bias_norm"], peaks["weight_norm"]
    again, ratio = bool(above.any() and not above.iloc[-1]), weight / math.sqrt(5)
    near = 1 / NEAR <= ratio <= NEAR
    n, top, end = len(chosen), f"T = {courses['weight_norm'].idxmax()}", f"T = {T}"
    return [
        Finding(PEAK, outcome_of(agree, tested), "largest ‖W‖, median", largest, n=n, at=top),
        Finding(RISE, outcome_of(fall, 2 * whole), "peak of ‖W‖ over its end", largest / weight, n=n, at=top),
        Finding(BELOW, outcome_of(again, whole), "‖b‖ over ‖W‖", bias / weight, n=n, at=end),
        Finding(MUCH_DATA, outcome_of(near, stored), "‖W‖ over √5", ratio, n=n, at=end),
    ]


def _published(losses: dict[int, list[float]], tables: Tables) -> Finding:
    """Our loss at the T(1 − S) where the published one is largest behind memorization; compared at equal n only."""
    published, level = tables["published"].query("T < inf"), levels_of(tables)
    behind = published.assign(seen=published["T"] * (1 - paper.PUBLISHED_SPARSITY)).query("seen >= 0.5")
    second = behind.iloc[int(np.argmax(behind["test_loss"]))]
    own = next((each for T, each in losses.items() if math.isclose(T * level["density"], second["seen"])), [])
    median = float(np.median(own)) if own else math.nan
    far = median - 1 > 10 * (second["test_loss"] - 1)
    comparable = bool(own) and round(level["n"]) == paper.PUBLISHED_N
    said, outcome = "Between the regimes the test loss stays near 1", outcome_of(not far, int(comparable))
    at = f"T(1 − S) = {second['seen']:.3g}"
    return Finding(said, outcome, "median test loss", median, n=len(own), at=at)


def draw(tables: Tables) -> Figure:
    """Losses above dimensionalities, above two rows of pictures."""
    clouds = tables["points"].groupby("T", sort=False)
    figure = empty(9.6, 11.6, h_pad=0.06, rect=(0, 0, 0.97, 1))
    grid = figure.add_gridspec(4, len(clouds), height_ratios=[3.2, 2.6, 1.2, 1.2])
    top = figure.add_subplot(grid[0, :])
    middle = figure.add_subplot(grid[1, :], sharex=top)
    _draw_losses(top, tables)
    _draw_dimensionalities(middle, tables)
    pictures = ((f"T = {T}", points) for T, points in clouds)
    draw_pictures(figure, grid, 2, pictures, {"hidden": "", "feature": ""})
    explain_clouds(figure, tables["points"]["kind"])
    return figure


def _draw_losses(ax: Axes, tables: Tables) -> None:
    level, chosen = levels_of(tables), tables["runs"].query("chosen")
    ax.set_xscale("log")
    add_seen(ax, level["density"]).xaxis.set_major_formatter("{x:g}")
    excess, label = chosen["test_loss"] - 1, "trained: dataset seeds, their geometric mean"
    draw_seeds(ax, chosen["T"], excess, label, excess_mean, color=BLUE, marker="o")
    published = tables["published"].query("T < inf")
    places = numbers(published, "T") * (1 - paper.PUBLISHED_SPARSITY) / level["density"]
    label = "published, n = 10 000, placed by the axis above"
    theirs = numbers(published, "test_loss") - 1
    ax.plot(places, theirs, "x-", color=VERMILLION, lw=0.8, ms=8, mew=2, label=label)
    ax.axhline(level["zero_output"] - 1, color=INK, lw=1, label="zero output")
    pentagon = level["pentagon"] - 1
    ax.axhline(pentagon, color=INK, lw=1.4, ls="--", label="pentagon, T → ∞ [generalization.bias-only]")
    ax.set_yscale("symlog", linthresh=1e-3, linscale=0.6)
    ax.set(ylabel="test loss − 1", ylim=(3 * min(pentagon, excess.min()), 3 * max(0.01, excess.max())))
    ax.legend(loc="upper left", fontsize=11)


def _draw_dimensionalities(ax: Axes, tables: Tables) -> None:
    chosen, level = tables["runs"].query("chosen"), levels_of(tables)
    for column, colour, marker, label in (
        ("largest_data_dimensionality", BLUE, "o", "datapoints, largest $D_X$"),
        ("largest_feature_dimensionality", GREEN, "s", "features, largest $D_f$"),
    ):
        draw_seeds(ax, chosen["T"], chosen[column], label, color=colour, marker=marker)
    T = np.unique(numbers(chosen, "T"))
    tgon = "regular T-gon m/T [memorization.tgon-dimensionality]"
    ax.plot(T, np.minimum(1, 2 / T), "--", color=INK, lw=1.2, label=tgon)
    ax.axhline(0.4, color=GREY, lw=1, ls=":", label="pentagon alone 2/5")
    scale = level["generalization_scale"]
    ax.axvline(scale, ymax=0.52, color=GREY, lw=1, label="T(1 − S) = 10 [scales.generalization]")
    ax.xaxis.set_major_formatter("{x:.0f}")  # of both panels, which share it
    ax.set(xlabel="datapoints T", ylabel="dimensionality", ylim=(0, 1.02))
    ax.legend(loc="upper right", fontsize=11)
