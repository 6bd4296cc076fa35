"""Experiment ``variants``: which changes of the model keep memorization, the bump of the test loss and generalization.
Henighan et al. 2023, section "Comments & Replications": the second replication (n = 1 000, S = 0.99) has double
descent for other losses and with a ReLU between the layers; footnote 1 there expects hidden vectors of different
lengths from untied weights. Runs of the sweep are the standard model; others are trained here. A test loss is in units
of what the zero output loses. A run has stored its datapoints where no squared error exceeds `STORED_ERROR`.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import LOOKS, draw_seeds, empty, one_legend
from experiments.findings import Finding, Tables, measured, outcome_of
from experiments.following import STORED
from experiments.grouping import values_by
from numerics import Run, draw_dataset, draw_test_dataset
from numerics.data import Dataset
from numerics.other_models.variants import (
    STANDARD,
    VARIANTS,
    VariantRun,
    train_variant,
    variant_errors,
    variant_hidden,
)
from numerics.training.progress import progress_bar
from numerics.training.threads import one_thread
from theory.dimensionality import dimensionality
from verify.figures.clouds import draw_cloud
from verify.statistics import lies_above
from verify.stored_features import gap_deviation
from verify.style import GREY

#: Largest squared error of a stored datapoint; datapoints have squared length 1. Looser than for the standard model,
#: because the fourth power hardly pulls on small errors.
STORED_ERROR = 0.01
#: Hidden vectors of a regular polygon differ in length by less than this (standard deviation over mean).
EVEN_LENGTHS = 0.1
#: Sizes with pictures: hidden vectors at the first two, features (columns of the decoder) at the last that is there.
PICTURED_HIDDEN = (8, 12)
#: Features kept of a picture, the longest.
MOST_FEATURES = 150

#: What a variant can have of the standard model, and what is said of it. The bump: at its peak the test loss of every
#: seed lies above every seed at both ends. Polygons: of most seeds. Features: the median over seeds.
TRAITS = {
    "bump": "Variants that have the bump",
    "recovered": "Variants that predict better than the zero output at the largest T, every seed",
    "polygons": "Variants that store their datapoints as regular polygons at some T",
    "features": f"Variants that end with features of D_f at least {STORED}",
}


def summary(tables: Tables) -> pd.DataFrame:
    """A row per variant: what it stores, how, its test losses and largest D_f, and its traits."""
    rows = [
        {"variant": name} | _cells(rows) | {"has": ", ".join(traits_of(rows)) or "–"}
        for name, rows in tables["trained"].groupby("variant", sort=False)
    ]
    return pd.DataFrame(rows).fillna("–")


def findings(tables: Tables) -> list[Finding]:
    """Whether double descent is found where the second replication reports it, and how many variants have a trait."""
    trained = tables["trained"]
    traits = {str(name): traits_of(rows) for name, rows in trained.groupby("variant", sort=False)}
    tied = [each for each in VARIANTS if not each.untied and each != STANDARD]
    losses, closed = ([each.name for each in tied if each.hidden_relu == relu] for relu in (False, True))
    relu = trained[trained["variant"].str.contains("ReLU")]
    dead, diverged = int((relu["dead_hidden_units"] > 0).sum()), int(trained["diverged"].sum())
    judged = trained[~trained["diverged"].astype(bool)].groupby("variant")["T"].nunique().min() > 2
    having = {trait: sum(trait in each for each in traits.values()) for trait in TRAITS}
    return [
        _double_descent("with other losses", losses, traits, judged),
        _double_descent("with a ReLU between the layers", closed, traits, judged),
        *(measured(TRAITS[trait], "variants", count, len(traits)) for trait, count in having.items()),
        measured("Runs with a ReLU on h that end with a unit closed to all data", "runs", dead, len(relu)),
        measured("Runs that diverged and are left out", "runs", diverged, len(trained)),
    ]


def _double_descent(change: str, names: list[str], traits: Mapping[str, list[str]], judged: bool) -> Finding:
    """Of these variants those with the bump and a loss below the zero output's after it."""
    said = f"There is double descent {change} (Hobbhahn)"
    there = [name for name in names if name in traits]
    having = sum({"bump", "recovered"} <= set(traits[name]) for name in there)
    outcome = outcome_of(having, judged * len(there))
    return Finding(said, outcome, "variants with it", having, n=len(there), at="; ".join(names))


def _finished(rows: pd.DataFrame) -> pd.DataFrame:
    """Runs that did not diverge, with whether all points are stored, and these as a regular polygon."""
    finished = rows[~rows["diverged"].astype(bool)]
    stored = finished["worst_point_error"] <= STORED_ERROR
    return finished.assign(stored=stored, regular=stored & _is_regular(finished))


def traits_of(rows: pd.DataFrame) -> list[str]:
    """Which of `TRAITS` a variant has, from the rows of its runs, in their order."""
    finished = _finished(rows)
    if finished.empty:
        return []
    losses, seeds = values_by(finished, "T", "test_loss"), rows.groupby("T").size()
    course = finished.groupby("T")["test_loss"].median()
    peak = course.index[int(course.argmax())]
    first, last = losses[min(losses)], losses[max(losses)]
    features = finished.loc[finished["T"] == max(losses), "largest_feature_dimensionality"]
    has = {
        "bump": lies_above(losses[peak], [*first, *last]),
        "recovered": max(last) < 1,
        "polygons": (finished.groupby("T")["regular"].sum() > seeds / 2).any(),
        "features": features.median() >= STORED,
    }
    return [trait for trait in TRAITS if has[trait]]


def _cells(rows: pd.DataFrame) -> dict[str, str]:
    """What the summary shows of a variant, but its traits."""
    finished = _finished(rows)
    if finished.empty:
        return {"all seeds store T points at T =": "all diverged"}
    good, sizes = finished[finished["stored"]], finished.groupby("T")
    everywhere = [str(T) for T, all_stored in sizes["stored"].all().items() if all_stored]
    shapes = [f"{each.sum()}/{len(each)} at {T}" for T, each in good.groupby("T")["regular"]]
    peak, losses = int(sizes["test_loss"].median().argmax()), sizes["test_loss"].agg(_span)
    return {
        "all seeds store T points at T =": ", ".join(everywhere) or "none",
        "regular polygons": ", ".join(shapes) or "–",
        "spread of lengths": f"{good['length_spread'].median():.2g}" if len(good) else "–",
        "largest test loss": f"{losses.iloc[peak]} at T = {losses.index[peak]}",
        "at both ends": f"{losses.iloc[0]}; {losses.iloc[-1]}",
        "largest D_f": sizes["largest_feature_dimensionality"].agg(_span).iloc[-1],
    }


def _is_regular(rows: pd.DataFrame) -> pd.Series:
    """Even lengths, and angular gaps nearer to those of T corners than of T + 1 corners with one left out. The latter
    stray by √(T − 1)/(T + 1) from 2π/T (root mean square, in units of 2π/T); half of that is the bound.
    """
    least = np.sqrt(rows["T"] - 1) / (rows["T"] + 1) / 2
    return rows["gap_deviation"].lt(least) & rows["length_spread"].lt(EVEN_LENGTHS)


def _span(values: pd.Series) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``trained`` (a row per variant, T and seed) and ``points``; trains all variants but the standard one."""
    settings = [run.setting for run in runs]
    wanted = [(setting, variant) for setting in settings for variant in VARIANTS if variant != STANDARD]
    wanted.sort(key=lambda cell: -cell[0].T)  # the longest first, so that no core waits at the end
    meters, pools = progress_bar([each for each, _ in wanted]), ThreadPoolExecutor(os.cpu_count())
    with one_thread(), meters as meter, pools as pool:
        advances = [partial(meter.advance, place) for place in range(len(wanted))]
        finished = pool.map(train_variant, *zip(*wanted, strict=True), advances)
        trained = dict(zip(wanted, finished, strict=True))
    for run in runs:
        W, b = run.W.astype(np.float64), run.b.astype(np.float64)
        trained[run.setting, STANDARD] = VariantRun(run.setting, STANDARD, W, W, b)
    ordered = [trained[setting, variant] for variant in VARIANTS for setting in settings]
    test = draw_test_dataset(settings[0])
    rows = pd.DataFrame([_observed(run, test) for run in ordered])
    return {"trained": rows, "points": _points(ordered, rows)}


def _observed(run: VariantRun, test: Dataset) -> dict[str, object]:
    setting, power = run.setting, run.variant.power
    head = {"variant": run.variant.name, "T": setting.T, "seed": setting.seed, "diverged": run.diverged}
    if run.diverged:
        return head
    data = draw_dataset(setting)
    hidden = variant_hidden(run, data)
    lengths = np.linalg.norm(hidden, axis=0)
    zero = [float(np.sum(part.values**power) / part.T) for part in (data, test)]
    return {
        **head,
        "train_loss": float(variant_errors(run, data, power).mean()) / zero[0],
        "test_loss": float(variant_errors(run, test, power).mean()) / zero[1],
        "squared_test_loss": float(variant_errors(run, test, 2).mean()),
        "worst_point_error": float(variant_errors(run, data, 2).max()),
        "gap_deviation": gap_deviation(hidden),
        "length_spread": float(lengths.std() / max(lengths.mean(), 1e-300)),
        "dead_hidden_units": int(np.sum(hidden.max(axis=1) <= 0)) if run.variant.hidden_relu else 0,
        "weight_norm": float(np.linalg.norm(run.W)),
        "decoder_norm": float(np.linalg.norm(run.D)),
        "bias_norm": float(np.linalg.norm(run.b)),
        "largest_feature_dimensionality": float(dimensionality(run.D).max()),
    }


def _points(runs: Sequence[VariantRun], rows: pd.DataFrame) -> pd.DataFrame:
    """Of each variant the run of least train loss at each pictured size."""
    clouds, last = [], rows["T"].max()
    best = rows[~rows["diverged"]].groupby(["T", "variant"], sort=False)["train_loss"].idxmin()
    for T, kind in [*((T, "hidden") for T in PICTURED_HIDDEN if T in set(rows["T"])), (last, "feature")]:
        for place in best.get(T, []):
            run = runs[place]
            cloud = variant_hidden(run, draw_dataset(run.setting)) if kind == "hidden" else run.D
            longest = np.argsort(-np.linalg.norm(cloud, axis=0), kind="stable")[:MOST_FEATURES]
            x, y = cloud[:, np.sort(longest)].round(4)
            facts = {"variant": run.variant.name, "T": T, "seed": run.setting.seed, "kind": kind}
            clouds.append(pd.DataFrame({**facts, "x": x, "y": y}))
    return pd.concat(clouds, ignore_index=True)


def draw(tables: Tables) -> Figure:
    """Losses and dimensionalities against T on top, a column of pictures for each variant below."""
    names = list(dict.fromkeys(tables["trained"]["variant"]))
    lines = list(dict.fromkeys(zip(tables["points"]["kind"], tables["points"]["T"], strict=True)))
    figure = empty(11.0, 5.2 + 1.9 * len(lines), h_pad=0.06)
    grid = figure.add_gridspec(1 + len(lines), len(names), height_ratios=[4.4, *[1.9] * len(lines)])
    half = len(names) // 2
    left, right = figure.add_subplot(grid[0, :half]), figure.add_subplot(grid[0, half:])
    for name, look in zip(names, LOOKS, strict=True):
        rows = tables["trained"].query("variant == @name")
        draw_seeds(left, rows["T"], rows["test_loss"] - 1, name, **look)
        draw_seeds(right, rows["T"], rows["largest_feature_dimensionality"], name, **look)
    for ax in (left, right):
        ax.set(xscale="log", xlabel="datapoints T")
        ax.xaxis.set_major_formatter("{x:.0f}")
    left.set_yscale("symlog", linthresh=0.01)
    left.axhline(0, color=GREY, lw=1)
    lowest = float(tables["trained"]["test_loss"].min()) - 1
    left.set(ylabel="test loss / zero output − 1", ylim=(3 * min(lowest, -0.003), None))
    right.axhline(0.4, color=GREY, lw=1, ls=":", label="pentagon alone 2/5")
    right.set(ylabel="largest $D_f$, decoder", ylim=(0, None))
    for place, (kind, T) in enumerate(lines, start=1):
        for column, name in enumerate(names):
            ax = figure.add_subplot(grid[place, column])
            draw_cloud(ax, tables["points"].query("variant == @name and T == @T and kind == @kind"), kind)
            if place == 1:
                ax.set_title(name.replace(", ", ",\n"), fontsize=11.5)
            if column == 0:
                ax.set_ylabel(f"{'hidden' if kind == 'hidden' else 'features'}\nT = {T}")
    one_legend(figure, [left, right], ncols=3)
    return figure
