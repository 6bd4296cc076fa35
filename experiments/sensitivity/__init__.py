"""Experiment ``sensitivity``: which single change of the setting moves the onset of generalization or the peak of the
test loss, and whether one moves them as far as two published curves lie apart.

Henighan et al. 2023, section "Comments & Replications": the first replication sees features from T = 20 000 on where
the authors see them from 5 000 on, and test losses up to 5 000 where the authors' stay near 1.01; neither side knows
why. Losses are summed over features, so that the zero output loses 1.

An onset is the geometric mean of the two neighbouring T between which a quantity goes over for good. A change *moves*
something where all its seeds lie on one side of all seeds of the baseline, by more on average than those
seeds spread.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from experiments.findings import Tables
from experiments.following import STORED
from experiments.grouping import for_good, least_of_each, numbers, parts
from experiments.sensitivity.drawing import draw
from experiments.sensitivity.judging import BASELINE, QUANTITIES, Quantity, findings, summary
from numerics import Run
from theory import Setting
from verify.statistics import lies_above, mean_interval

__all__ = ["collect", "draw", "findings", "summary"]

#: Fields whose change is looked at; the baseline has the paper's value of each, and the most common ``steps``.
FIELDS = ("steps", "lr", "schedule", "weight_decay", "start", "start_bias", "loss", "adam_epsilon", "dtype")

#: A run whose train loss is this near to 1 has lost every output: it is the zero output's.
SILENT = 1e-6


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``curves`` (onsets and peak of every change and seed) and ``changes`` (a row per change)."""
    kept = table[["T", "data_seed", "seed", "steps", "train_loss", "test_loss", "largest_feature_dimensionality",
                  "weight_norm", "bias_norm"]].copy()  # fmt: skip
    steps = int(table["steps"].mode()[0])
    kept.insert(0, "change", [_change(row, steps) for row in table.to_dict("records")])
    order = list(dict.fromkeys([BASELINE, *kept["change"]]))
    kept = kept.sort_values(["data_seed", "seed", "T"], kind="stable")
    curves = pd.concat([_curves(kept, order), _selected(kept)], ignore_index=True)
    if curves.empty or BASELINE not in set(curves["change"]):
        raise ValueError("no curve of the unchanged setting has all its T; try training its missing runs")
    return {"runs": kept, "curves": curves, "changes": changes_of(curves)}


def _change(row: Mapping[Hashable, Any], steps: int) -> str:
    """What differs from the paper's setting with that many steps, such as "lr = 0.01"; `BASELINE` if nothing does."""
    paper = Setting(T=1).as_dict() | {"steps": steps}
    changed = {name: row[name] for name in FIELDS if row[name] != paper[name]}
    shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in changed.items()}
    return ", ".join(f"{name} = {value}" for name, value in shown.items()) or BASELINE


def _curves(kept: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """A row for each change, dataset and start; curves that lack a size of others are left out."""
    sizes = kept["T"].nunique()
    rows = [
        {"change": change, "data_seed": data_seed, "seed": seed, **_curve(rows)}
        for change in order
        for (data_seed, seed), rows in parts(kept[kept["change"] == change], "data_seed", "seed")
        if len(rows) == sizes
    ]
    return pd.DataFrame(rows)


def _selected(kept: pd.DataFrame) -> pd.DataFrame:
    """The baseline with, at each T, the start of least train loss; empty with one start for each dataset."""
    plain = kept[kept["change"] == BASELINE].reset_index(drop=True)
    starts = plain["seed"].nunique()
    full = plain.groupby(["data_seed", "T"])["seed"].transform("size") == starts
    plain = plain[full.groupby(plain["data_seed"]).transform("all")].reset_index(drop=True)
    if starts < 2 or plain.empty:
        return pd.DataFrame()
    best = plain.loc[least_of_each(plain, ["data_seed", "T"], "train_loss")]
    name = f"best of {starts} starts by train loss"
    return _curves(best.assign(change=name, seed=-1), [name])


def _curve(rows: pd.DataFrame) -> dict[str, float | bool]:
    rows = rows.sort_values("T")
    T, loss = numbers(rows, "T"), numbers(rows, "test_loss")
    feature, reached = onset(T, numbers(rows, "largest_feature_dimensionality") >= STORED)
    below, fallen = onset(T, loss < 1)
    peak = int(np.argmax(loss))
    return {
        "steps": int(rows["steps"].iloc[0]),
        "feature_onset": feature,
        "feature_reached": reached,
        "loss_onset": below,
        "loss_reached": fallen,
        "peak": loss[peak],
        "peak_T": T[peak],
        "silent": int(np.sum(np.abs(numbers(rows, "train_loss") - 1) < SILENT)),
    }


def onset(T: np.ndarray, there: np.ndarray) -> tuple[float, bool]:
    """Where something is there for good, and whether it ever is; else the last T, a lower bound.

    >>> onset(np.array([1.0, 4.0, 9.0]), np.array([False, False, True]))
    (6.0, True)
    """
    ends = for_good(dict(zip(T.tolist(), there.tolist(), strict=True)))
    if ends is None:
        return float(T[-1]), False
    last, first = ends
    return (math.sqrt(last * first) if last else float(first)), True


def changes_of(curves: pd.DataFrame) -> pd.DataFrame:
    """A row per change: for each of `QUANTITIES` the shift against the same datasets and starts at the baseline.

    Shifts are decimal logarithms, means over pairs with Student's 95 % interval.
    """
    plain = curves[curves["change"] == BASELINE]
    rows = []
    for change, own in curves.groupby("change", sort=False):
        row: dict[str, object] = {"change": change, "seeds": len(own)}
        for quantity in QUANTITIES:
            row |= _shift(own, plain, quantity)
        row |= {"peak_T": float(np.median(own["peak_T"])), "silent": int(own["silent"].sum())}
        rows.append(row | {"steps": int(own["steps"].iloc[0])})
    return pd.DataFrame(rows)


#: What a shift between curves with and without onsets is.
_BOUND = {(False, False): "", (True, False): "at least", (False, True): "at most", (True, True): "unsure"}


def _missed(curves: pd.DataFrame, quantity: Quantity) -> int:
    """How many curves have a lower bound of it only."""
    return 0 if quantity.reached is None else int((~curves[quantity.reached].astype(bool)).sum())


def _shift(own: pd.DataFrame, plain: pd.DataFrame, quantity: Quantity) -> dict[str, object]:
    name, missed = quantity.column, _missed(own, quantity)
    value, base = np.log10(own[name]), np.log10(plain[name])
    shift = mean_interval([_against_partner(row, plain, name) for row in own.to_dict("records")])
    apart = lies_above(value, base) or lies_above(base, value)
    beyond = abs(shift.value) > base.max() - base.min()
    return {
        name: 10 ** float(value.mean()),
        f"{name}_least": 10 ** float(value.min()),
        f"{name}_largest": 10 ** float(value.max()),
        f"{name}_missed": missed,
        f"{name}_bound": _BOUND[missed > 0, _missed(plain, quantity) > 0],
        f"{name}_shift": shift.value,
        f"{name}_low": shift.low,
        f"{name}_high": shift.high,
        f"{name}_moved": min(len(own), len(plain)) > 1 and apart and beyond,
    }


def _against_partner(row: Mapping[Hashable, Any], plain: pd.DataFrame, name: str) -> float:
    """Shift of one curve against the baseline on the same dataset and start, or on all starts of the dataset."""
    same = plain[plain["data_seed"] == row["data_seed"]]
    if (same["seed"] == row["seed"]).any():
        same = same[same["seed"] == row["seed"]]
    return float(np.log10(row[name]) - np.log10((same if len(same) else plain)[name]).mean())
