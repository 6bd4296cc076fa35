"""Experiment ``envelope``: the least train loss that random and constructed starts end in, against T.

The authors' update of July 2023 to Henighan et al. says that the middle regime is a failure of optimization: models
that store datapoints keep the lowest train loss up to about 5·10^5 points at n = 10 000, far above the T where training
stops finding them. Laid beside it here: runs from random, memorizing and polygonal starts, and `packing`, a model
that stores disjoint datapoints whatever T, as constructed and after training.

A model *stores features* where the largest D_f is at least `experiments.following.STORED`, else points.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.envelope.drawing import draw
from experiments.envelope.judging import PACKING, findings, summary
from experiments.envelope.packing import best_packing
from experiments.findings import Tables
from numerics import Dataset, Run, draw_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.training.obtaining import train_one
from theory import Setting
from theory.dimensionality import dimensionality
from theory.features.loss_budget import loss_budget
from theory.features.polygon import polygon
from theory.memorization.overlap import first_overlap_scale

__all__ = ["collect", "draw", "findings", "summary"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: A datapoint is stored where its squared error is below half of what leaving it out costs.
STORED_ERROR = 0.5
#: Further T for it, in units of the largest T that is trained.
FURTHER = (2, 3, 5, 10, 30)
#: T of the packings at the published n, about the published end of their advantage, and datasets of each.
PUBLISHED_SIZES, DATASETS = (100_000, 200_000, 300_000, 400_000, 500_000), 2


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``models`` (a row per run, and per packing as constructed and as trained), ``levels`` and
    ``published_size`` (packings at the published n).
    """
    rows = [_of_run(run, run.setting.start) for run in runs]
    steps, largest = int(table["steps"].mode()[0]), max(run.setting.T for run in runs)
    first: dict[tuple[int, int], Setting] = {}
    for run in runs:
        plain = run.setting.replace(start="xavier", steps=steps)
        first.setdefault((plain.T, plain.data_seed), plain)
    for setting in first.values():
        row, data, model = _of_packing(setting)
        rows.append(row)
        if setting.m == 2:
            rows.append(_of_run(train_one(setting, data=data, start=model), f"{PACKING}, trained"))
        if largest == setting.T:
            rows += [_of_packing(setting.replace(T=largest * factor))[0] for factor in FURTHER]
    models = pd.DataFrame(rows).sort_values(["T", "data_seed"], kind="stable")
    setting = runs[0].setting
    scale = first_overlap_scale(setting.n, setting.sparsity)
    values = {
        "n": setting.n,
        "density": 1 - setting.sparsity,
        "pentagon": _pentagon(setting),
        "first_overlap": scale,
    }
    levels = pd.DataFrame(values.items(), columns=["level", "value"])
    return {"models": models, "levels": levels, "published_size": packed_at_published_size()}


def packed_at_published_size() -> pd.DataFrame:
    """Packings as constructed at the published n and sparsity, beside the train loss of a pentagon at T → ∞."""
    rows = []
    for T, data_seed in itertools.product(PUBLISHED_SIZES, range(DATASETS)):
        setting = Setting(T=T, data_seed=data_seed)
        stored, loss, _ = best_packing(draw_dataset(setting))
        rows.append((setting.n, T, data_seed, stored, loss, _pentagon(setting)))
    return pd.DataFrame(rows, columns=["n", "T", "data_seed", "stored", "train_loss", "pentagon"])


def _of_run(run: Run, start: str) -> dict[str, object]:
    setting = run.setting
    return {
        "T": setting.T, "data_seed": setting.data_seed, "start": start, "lr": setting.lr, "steps": setting.steps,
        "start_loss": float(run.history_loss[0]), "train_loss": run.record.train_loss,
        **_content(run.W, run.b, run.data),
    }  # fmt: skip


def _of_packing(setting: Setting) -> tuple[dict[str, object], Dataset, Any]:
    data = draw_dataset(setting)
    _, loss, model = best_packing(data)
    head = {"T": setting.T, "data_seed": setting.data_seed, "start": PACKING, "lr": 0.0, "steps": 0}
    return head | {"start_loss": loss, "train_loss": loss, **_content(*model, data)}, data, model


def _content(W: Any, b: Any, data: Dataset) -> dict[str, object]:
    W, b = np.asarray(W, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return {
        "stored": int(np.sum(point_errors(W, b, data) < STORED_ERROR)),
        "largest_feature_dimensionality": float(dimensionality(W).max()),
        "weight_norm": float(np.linalg.norm(W)),
    }


def _pentagon(setting: Setting) -> float:
    """The loss of a pentagon of free radius and bias at T → ∞."""
    ring = polygon(5, law="normalized", n=setting.n, sparsity=setting.sparsity)
    return loss_budget(setting.n, setting.sparsity).with_features(ring.gain, 5)
