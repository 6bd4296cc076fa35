"""Experiment ``variants``: which changes of the model keep memorization, the bump of the test loss and generalization.

Henighan et al. 2023, section "Comments & Replications": the second replication (n = 1 000, S = 0.99) reports double
descent for other losses and with a ReLU between the layers; footnote 1 there expects untied weights to give hidden
vectors of different lengths. Runs of the sweep are the standard model; the others are trained here.

A test loss is divided by what the zero output loses under the same loss, so that 1 is the same level for all. A run has
stored its datapoints where no squared error exceeds `STORED_ERROR`.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.findings import Tables
from experiments.variants.drawing import draw
from experiments.variants.judging import STORED_ERROR, findings, summary
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
from theory.dimensionality import dimensionality

__all__ = ["STORED_ERROR", "collect", "draw", "findings", "summary"]

#: `collect` needs no test losses of the runs.
OBSERVED = False

#: Sizes with pictures: hidden vectors at the first two, features (columns of the decoder) at the last that is there.
PICTURED_HIDDEN = (8, 12)
#: Features kept of a picture, the longest.
MOST_FEATURES = 150
Floats = NDArray[np.float64]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``trained`` (a row per variant, T and seed) and ``points``; trains all variants but the standard one."""
    settings = [run.setting for run in runs]
    wanted = [(setting, variant) for setting in settings for variant in VARIANTS if not variant.is_standard]
    wanted.sort(key=lambda cell: -cell[0].T)  # the longest first, so that no core waits at the end
    with (
        progress_bar([setting for setting, _ in wanted]) as meter,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        advances = [partial(meter.advance, place) for place in range(len(wanted))]
        finished = pool.map(lambda cell, advance: train_variant(cell[0], cell[1], advance), wanted, advances)
        trained = dict(zip(wanted, finished, strict=True))
    trained |= {(run.setting, STANDARD): _standard(run) for run in runs}
    ordered = [trained[setting, variant] for variant in VARIANTS for setting in settings]
    test = draw_test_dataset(settings[0])
    rows = pd.DataFrame([_observed(run, test) for run in ordered])
    return {"trained": rows, "points": _points(ordered, rows)}


def _standard(run: Run) -> VariantRun:
    W, b = run.W.astype(np.float64), run.b.astype(np.float64)
    return VariantRun(run.setting, STANDARD, W, W, b)


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
        "gap_deviation": _gap_deviation(hidden),
        "length_spread": float(lengths.std() / max(lengths.mean(), 1e-300)),
        "dead_hidden_units": int(np.sum(hidden.max(axis=1) <= 0)) if run.variant.hidden_relu else 0,
        "weight_norm": float(np.linalg.norm(run.W)),
        "decoder_norm": float(np.linalg.norm(run.D)),
        "bias_norm": float(np.linalg.norm(run.b)),
        "largest_feature_dimensionality": float(dimensionality(run.D).max()),
    }


def _gap_deviation(hidden: Floats) -> float:
    """Root mean square of angular gaps about 2π/T, in units of 2π/T."""
    gaps = np.diff(np.sort(np.arctan2(hidden[1], hidden[0])), append=np.nan)
    gaps[-1] = 2 * np.pi - gaps[:-1].sum()
    return float(np.sqrt(np.mean((gaps * hidden.shape[1] / (2 * np.pi) - 1) ** 2)))


def _points(runs: Sequence[VariantRun], rows: pd.DataFrame) -> pd.DataFrame:
    """Of each variant the run of least train loss at each pictured size."""
    sizes = sorted(set(rows["T"]))
    clouds = []
    finished = rows[~rows["diverged"]]
    best = finished.groupby(["T", "variant"], sort=False)["train_loss"].idxmin()
    for T, kind in [(T, "hidden") for T in PICTURED_HIDDEN if T in sizes] + [(sizes[-1], "feature")]:
        for place in best.get(T, []):
            run = runs[place]
            cloud = variant_hidden(run, draw_dataset(run.setting)) if kind == "hidden" else run.D
            longest = np.argsort(-np.linalg.norm(cloud, axis=0), kind="stable")[:MOST_FEATURES]
            cloud = cloud[:, np.sort(longest)].round(4)
            facts = {"variant": run.variant.name, "T": T, "seed": run.setting.seed, "kind": kind}
            clouds.append(pd.DataFrame({**facts, "x": cloud[0], "y": cloud[1]}))
    return pd.concat(clouds, ignore_index=True)
