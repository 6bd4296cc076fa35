"""Experiment ``gallery``: hidden vectors and features of one model per number of datapoints, with predicted
polygons.

Henighan et al. 2023, section "“Datapoint Features” vs “Generalizing Features”". Of several starts on one dataset, the
run of least train loss is shown.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.clouds import cloud_legend, draw_cloud, points_of
from experiments.findings import Finding, outcome_of
from experiments.grouping import least_of_each, listed
from numerics import Run
from theory import predict
from theory.features.polygon import polygon
from verify.claims.tolerance import shape_deviation
from verify.diagnosis import definitions, diagnose_run
from verify.style import INK, Plot

__all__ = ["collect", "describe", "draw", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: Panels side by side.
PER_LINE = 7

#: A length of five features agrees with the pentagon's within this factor.
AGREES = 1.15

#: What the paper says of large datasets.
FIVE = "Large datasets are stored as five features"

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``models`` (a row per T) and ``points``."""
    losses = table.assign(train_loss=[run.record.train_loss for run in runs])
    best = least_of_each(losses, ["n", "T"], "train_loss")
    chosen = sorted((runs[place] for place in best), key=lambda run: (run.setting.T, run.setting.n))
    models, clouds = [], []
    for run in chosen:
        diagnosis = diagnose_run(run)
        points = points_of(run, diagnosis)
        points.insert(0, "n", run.setting.n)
        points.insert(0, "T", run.setting.T)
        clouds.append(points)
        named = {"diagnosis": diagnosis.name, "stored": diagnosis.stored, "evidence": diagnosis.evidence}
        models.append(_facts(run) | named)
    return {"models": pd.DataFrame(models), "points": pd.concat(clouds, ignore_index=True)}


def _facts(run: Run) -> dict[str, object]:
    lengths = np.sort(np.linalg.norm(run.W.astype(np.float64), axis=0))[::-1]
    deviation = shape_deviation(run.record, predict(run.setting)) if run.status == "memorized" else None
    return {
        "T": run.setting.T,
        "n": run.setting.n,
        "data_seed": run.setting.data_seed,
        "seed": run.setting.seed,
        "status": run.status,
        "train_loss": run.record.train_loss,
        "median_hidden_length": float(np.median(np.sqrt(run.record.radius_squared))),
        "gap_deviation": deviation.gap if deviation else np.nan,
        "radius_deviation": deviation.radius if deviation else np.nan,
        "feature_norm": float(np.sqrt(np.sum(lengths[:5] ** 2))),
    }


def draw(tables: Tables) -> Figure:
    """Lines of panels, hidden vectors above features."""
    models = tables["models"]
    lines = -(-len(models) // PER_LINE)
    columns = min(PER_LINE, len(models))
    figure = Plot(figsize=(max(7.6, 1.75 * columns), 1.0 + 4.0 * lines))
    figure.set_layout_engine("constrained", h_pad=0.06)
    axes = figure.subplots(2 * lines, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_visible(False)
    several = models["n"].nunique() > 1
    for place, (T, n, name) in enumerate(zip(models["T"], models["n"], models["diagnosis"], strict=True)):
        line, column = divmod(place, columns)
        points = tables["points"].query("T == @T and n == @n")
        for row, content in ((2 * line, "hidden"), (2 * line + 1, "feature")):
            ax = axes[row][column]
            ax.set_visible(True)
            draw_cloud(ax, points, content)
        size = f"T = {T}" + (f"\nn = {n}" if several else "")
        axes[2 * line][column].set_title(size)
        axes[2 * line][column].set_xlabel(name, fontsize=11, color=INK)
    handles = cloud_legend(set(tables["points"]["kind"]))
    figure.legend(handles=handles, loc="outside lower center", ncols=1)
    return figure


def describe(tables: Tables) -> str:
    """What each model stores, in numbers."""
    models = tables["models"]
    lines = [
        "| T | n | start | train loss | name | what it shows |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.T} | {row.n} | {row.seed} | {row.train_loss:.3g} | {row.diagnosis} | {row.evidence} |"
            for row in models.itertuples()
        ),
    ]
    return "\n".join(
        [*lines, "", definitions(models["diagnosis"]), "", *(f"- {part}" for part in sentences(tables))]
    )


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    return [_polygons(tables["models"]), _features(tables["models"])]


def _polygons(models: pd.DataFrame) -> Finding:
    small = models[models["T"] <= 20]
    regular = small[small["diagnosis"] == "regular T-gon"]
    agree, differ = (listed(rows["T"]) for rows in (regular, small.drop(regular.index)))
    strays = (
        f" Gaps of the regular ones stray from 2π/T by at most {regular['gap_deviation'].max():.1%} (rms), their "
        f"squared lengths from the least ones by at most {regular['radius_deviation'].max():.1%}."
    )
    return Finding(
        "The paper shows small datasets as clean T-gons. Of our models with T ≤ 20 those at "
        f"T = {agree or 'none'} are regular and agree, those at T = {differ or 'none'} differ; how often seeds end "
        f"so is counted in [failures](failures.md).{strays if agree else ''}",
        {"Small datasets are stored as regular T-gons": outcome_of(len(regular), len(small))},
    )


def _features(models: pd.DataFrame) -> Finding:
    stored = models[models["diagnosis"] == "stored features"]
    if stored.empty:
        last = models.iloc[-1]
        return Finding(
            f"No model shown stores features; at T = {last['T']} the name is “{last['diagnosis']}”.",
            {FIVE: "not tested"},
        )
    five = stored[stored["stored"] == 5]
    text = f"Features are stored at T = {listed(stored['T'])}."
    if five.empty:
        return Finding(f"{text} None of these models stores five.", {FIVE: "differs"})
    predicted = polygon(5, law="free").weight_norm
    verdict = (
        "agree"
        if (five["feature_norm"] / predicted).between(1 / AGREES, AGREES).all()
        else "do not all agree"
    )
    norms = [
        f"{norm:.4g}, {norm / predicted - 1:+.1%} from the pentagon and {norm / np.sqrt(5) - 1:+.1%} from √5"
        for norm in five["feature_norm"]
    ]
    return Finding(
        f"{text} Five of them stand out at T = {listed(five['T'])}. The pentagon at b = 0 has norm {predicted:.4g} "
        f"(`generalization.pentagon`), and √5 with unit lengths, which the paper compares with ‖W‖. The five "
        f"have {'; '.join(norms)}: they {verdict} with the pentagon within {AGREES - 1:.0%}.",
        {FIVE: "agrees"},
    )
