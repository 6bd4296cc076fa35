"""Experiment ``gallery``: hidden vectors and features of one model per number of datapoints, with predicted polygons.
Henighan et al. 2023, section "“Datapoint Features” vs “Generalizing Features”". Of several starts on one dataset, the
run of least train loss is shown.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import empty
from experiments.clouds import draw_pictures, explain_clouds, points_of
from experiments.findings import Finding, Tables, measured, outcome_of
from numerics import Run
from theory import predict
from theory.features.polygon import polygon
from theory.number_format import shown
from verify.claims.tolerance import shape_deviation
from verify.diagnosis import diagnose_run
from verify.style import INK

#: Panels side by side.
PER_LINE = 7


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``models`` (a row per T) and ``points``."""
    losses = pd.DataFrame([run.setting.as_dict() | {"train_loss": run.record.train_loss} for run in runs])
    models, clouds = [], []
    for run in (runs[place] for place in losses.groupby(["T", "n"])["train_loss"].idxmin()):
        setting, diagnosis = run.setting, diagnose_run(run)
        clouds.append(pd.DataFrame({"T": setting.T, "n": setting.n, **points_of(run, diagnosis)}))
        squared = np.sort(np.sum(run.W.astype(np.float64) ** 2, axis=0))[::-1]
        deviation = shape_deviation(run.record, predict(setting)) if run.status == "memorized" else None
        row = {
            **{name: getattr(setting, name) for name in ("T", "n", "data_seed", "seed")},
            "status": run.status,
            "train_loss": run.record.train_loss,
            "median_hidden_length": float(np.median(np.sqrt(run.record.radius_squared))),
            "gap_deviation": deviation.gap if deviation else np.nan,
            "radius_deviation": deviation.radius if deviation else np.nan,
            "feature_norm": float(np.sqrt(squared[:5].sum())),
        }
        models.append(row | {name: getattr(diagnosis, name) for name in ("name", "stored", "evidence")})
    listed = pd.DataFrame(models).rename(columns={"name": "diagnosis"})
    return {"models": listed, "points": pd.concat(clouds, ignore_index=True)}


def draw(tables: Tables) -> Figure:
    """Lines of panels, hidden vectors above features."""
    models = tables["models"]
    several = models["n"].nunique() > 1
    lines, columns = -(-len(models) // PER_LINE), min(PER_LINE, len(models))
    figure = empty(max(7.6, 1.75 * columns), 1.0 + 4.0 * lines, h_pad=0.06)
    grid = figure.add_gridspec(2 * lines, columns)
    for line in range(lines):
        shown = models[line * columns : (line + 1) * columns]
        clouds = (
            (f"T = {T}" + f"\nn = {n}" * several, tables["points"].query("T == @T and n == @n"))
            for T, n in zip(shown["T"], shown["n"], strict=True)
        )
        upper = draw_pictures(figure, grid, 2 * line, clouds, {"hidden": "", "feature": ""})
        for ax, name in zip(upper, shown["diagnosis"], strict=True):
            ax.set_xlabel(name, fontsize=11, color=INK)
    explain_clouds(figure, tables["points"]["kind"])
    return figure


def summary(tables: Tables) -> pd.DataFrame:
    """What each model stores."""
    losses = [shown(float(loss), 3) for loss in tables["models"]["train_loss"]]
    heads = {"seed": "start", "train_loss": "train loss", "diagnosis": "name", "evidence": "what it shows"}
    return tables["models"].assign(train_loss=losses)[["T", "n", *heads]].rename(columns=heads)


def findings(tables: Tables) -> list[Finding]:
    """How many small datasets end as regular T-gons and how regular those are, and the length of five features."""
    models = tables["models"]
    small = models[models["T"] <= 20]
    regular = small[small["diagnosis"] == "regular T-gon"]
    stored = models[models["diagnosis"] == "stored features"]
    five = stored[stored["stored"] == 5]
    predicted = polygon(5, law="free").weight_norm
    ratio, stray = five["feature_norm"] / predicted, "largest rms deviation"
    return [
        Finding("Small datasets are stored as regular T-gons", outcome_of(len(regular), len(small)),
                "of the models with T ≤ 20", len(regular), n=len(small)),
        Finding("Large datasets are stored as five features", outcome_of(len(five) > 0, int(len(stored) > 0)),
                "norm of the five over that of the pentagon, mean", ratio.mean(), n=len(five),
                at=f"T = {', '.join(five['T'].astype(str))}" if len(five) else ""),
        measured("The norm of the pentagon at b = 0", "norm", predicted),
        measured("Gaps of the regular T-gons stray", stray, regular["gap_deviation"].max(), len(regular)),
        measured("Squared lengths of the regular T-gons stray", stray, regular["radius_deviation"].max(), len(regular)),
    ]  # fmt: skip
