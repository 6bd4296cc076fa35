"""Experiment ``dataset-size``: test loss, dimensionalities and pictures against the number of datapoints.

Henighan et al. 2023, sections "How Do Models Change with Dataset Size?" and "Superposition Double Descent". Losses are
summed over features; the zero output loses 1 exactly. Across n, datasets are compared at equal T(1 − S), how often a
feature is seen.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from numerics import Run
from theory.budgets import loss_budget
from theory.generalization import polygon
from theory.scales import hypothesis_generalization_scale
from verify.diagnosis import diagnose_run
from verify.experiments.clouds import points_of
from verify.experiments.dataset_size_drawing import draw, levels_of
from verify.experiments.following import STORED
from verify.experiments.grouping import least_of_each, medians, numbers, values_by
from verify.experiments.intervals import lies_above, separation
from verify.experiments.published import PUBLISHED_SPARSITY, published_test_loss

__all__ = ["collect", "describe", "draw"]

#: Sizes with pictures, where there are runs of that size; beside them the largest size.
PICTURED = (3, 5, 8, 15, 50, 300, 1000, 10_000)
MOST_PICTURED = 7

_COLUMNS = [
    "T", "data_seed", "seed", "status", "train_loss", "test_loss", "test_loss_error",
    "largest_data_dimensionality", "largest_feature_dimensionality", "weight_norm", "bias_norm",
]  # fmt: skip

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs`` (all, with ``chosen`` of least train loss for each T and data seed), ``points``,
    ``levels``.
    """
    best = least_of_each(table, ["T", "data_seed"], "train_loss")
    kept = table[_COLUMNS].assign(chosen=table.index.isin(best)).sort_values(["T", "data_seed", "seed"])
    sizes = _sizes(list(values_by(table, "T", "T")))
    first = min(run.setting.data_seed for run in runs)
    shown = [runs[k] for k in best if runs[k].setting.data_seed == first and runs[k].setting.T in sizes]
    pictured = [_pictured(run) for run in sorted(shown, key=lambda run: run.setting.T)]
    empty = pd.DataFrame(columns=["T", "kind", "x", "y"])
    points = pd.concat(pictured, ignore_index=True) if pictured else empty
    levels = _levels(runs[0].setting.n, runs[0].setting.sparsity)
    return {"runs": kept, "points": points, "levels": levels, "published": published_test_loss()}


def _sizes(available: list[int]) -> list[int]:
    wanted = sorted({max(available)}.union(PICTURED) & set(available))
    while len(wanted) > MOST_PICTURED:
        wanted.pop(1)
    return wanted


def _pictured(run: Run) -> pd.DataFrame:
    points = points_of(run, diagnose_run(run))
    points.insert(0, "T", run.setting.T)
    return points


def _levels(n: int, sparsity: float) -> pd.DataFrame:
    budget, ring = loss_budget(n, sparsity), polygon(5, law="normalized", n=n, sparsity=sparsity)
    values = {
        "n": n,
        "density": 1 - sparsity,
        "zero_output": budget.zero_output,
        "bias_only": budget.bias_only,
        "pentagon": budget.with_features(ring.gain, 5),
        "generalization_scale": hypothesis_generalization_scale(sparsity),
    }
    return pd.DataFrame({"level": list(values), "value": list(values.values())})


def describe(tables: Tables) -> str:
    """The bump, the two sides of it, the limit, and the published curve."""
    chosen = tables["runs"].query("chosen")
    losses = values_by(chosen, "T", "test_loss")
    parts = [
        _bump(losses, levels_of(tables)["density"]),
        _memorization(chosen),
        _generalization(chosen, tables),
        _limit(losses, tables),
        _published(losses, tables),
    ]
    return "\n".join(f"- {part}" for part in parts)


def _peak(losses: dict[int, list[float]]) -> int:
    return max(losses, key=lambda T: float(np.median(losses[T])))


def _bump(losses: dict[int, list[float]], density: float) -> str:
    peak, first, last = _peak(losses), min(losses), max(losses)
    there = all(lies_above(losses[peak], losses[end]) for end in (first, last))
    spread = f"{min(losses[peak]):.4g} to {max(losses[peak]):.4g}"
    ends = ", ".join(f"{np.median(losses[end]):.4g} at T = {end}" for end in (first, last))
    if not there:
        return (
            f"**The bump is not there**: the largest median test loss is at T = {peak} ({spread} over "
            f"dataset seeds), but "
            f"not every dataset seed there lies above those at both ends ({ends}, medians)."
        )
    chance = separation(losses[peak], losses[first])
    return (
        f"**The bump is there**: at T = {peak}, T(1 − S) = {peak * density:.3g}, the test loss is {spread} "
        f"over "
        f"{len(losses[peak])} dataset seeds, median {np.median(losses[peak]):.4g}, above every dataset seed "
        f"at both ends "
        f"({ends}, medians). Without a bump each such order has a chance of {chance} for one T; the T was "
        f"chosen among "
        f"{len(losses)}."
    )


def _memorization(chosen: pd.DataFrame) -> str:
    largest = medians(values_by(chosen, "T", "largest_data_dimensionality"))
    ratio = {T: value * T / 2 for T, value in largest.items() if T >= 3}
    near = [T for T, value in ratio.items() if abs(value - 1) <= 0.1]
    memorized = values_by(chosen.assign(memorized=chosen["status"] == "memorized"), "T", "memorized")
    all_of = [T for T, each in memorized.items() if all(each)]
    if not near:
        return "Nowhere is the median of the largest D_X within 10 % of m/T, what a regular T-gon has."
    most = max(ratio, key=lambda T: ratio[T])
    return (
        f"The largest D_X, median over dataset seeds, is within 10 % of m/T, what a regular T-gon has, at T "
        f"= "
        f"{_row(near)}; every chosen run memorizes at T = {_row(all_of) or 'none'}. Elsewhere some datapoint "
        f"has "
        f"more room than others: the largest ratio of D_X to m/T is {ratio[most]:.3g}, at T = {most}."
    )


def _generalization(chosen: pd.DataFrame, tables: Tables) -> str:
    level = levels_of(tables)
    largest = medians(values_by(chosen, "T", "largest_feature_dimensionality"))
    last = max(largest)
    reached = [T for T in largest if all(value >= STORED for size, value in largest.items() if size >= T)]
    if not reached:
        return (
            f"No feature takes half of a pentagon's dimensionality ({STORED}) at the largest T = {last}: D_f is "
            f"{largest[last]:.3g} in the median. By this measure these runs do not reach generalization."
        )
    below = [T for T in largest if reached[0] > T]
    seen = f"T(1 − S) = {reached[0] * level['density']:.3g}"
    before = f"between T = {below[-1]} and {reached[0]}" if below else f"before T = {reached[0]}"
    factor = level["generalization_scale"] / reached[0]
    agrees = "agrees within a factor of 3 with" if 1 / 3 <= factor <= 3 else "is more than a factor of 3 off"
    return (
        f"Features take over {before} ({seen}), from where on the largest D_f stays at or above {STORED}, "
        f"half of "
        f"2/5; that {agrees} the published scale T(1 − S) ≈ 10. At the largest T it is {largest[last]:.3g}, "
        f"{'below' if largest[last] < 0.4 else 'not below'} the 2/5 of five features without a sea of others."
    )


def _limit(losses: dict[int, list[float]], tables: Tables) -> str:
    level, last = levels_of(tables), max(losses)
    found = losses[last]
    better = sum(loss < level["zero_output"] for loss in found)
    units = level["n"]
    return (
        f"At T = {last} the median test loss is {np.median(found):.5g} ({min(found):.5g} to {max(found):.5g} over "
        f"dataset seeds); {better} of {len(found)} predict better than the zero output, which loses "
        f"{level['zero_output']:.5g}. Biases alone lose {level['bias_only']:.5g}, a pentagon of free radius and bias "
        f"at T → ∞ about {level['pentagon']:.5g}. In units of 1/n, a feature's share of the zero output's loss, "
        f"biases alone gain {units * (1 - level['bias_only']):.3g}, the pentagon "
        f"{units * (1 - level['pentagon']):.3g} and the median model {units * (1 - float(np.median(found))):.3g}."
    )


def _published(losses: dict[int, list[float]], tables: Tables) -> str:
    published = tables["published"].query("T < inf")
    level, peak = levels_of(tables), _peak(losses)
    size, loss = numbers(published, "T"), numbers(published, "test_loss")
    seen = size * (1 - PUBLISHED_SPARSITY)
    first = int(np.argmax(loss))
    second = int(np.argmax(np.where(seen >= 0.5, loss, -np.inf)))
    height = float(np.median(losses[peak])) - 1
    above = height / (loss[second] - 1)
    same_n = round(level["n"]) == 10_000
    text = (
        f"The published curve (n = 10 000) has its largest value {loss[first]:.5g} at T = {size[first]:.0f} "
        f"and, where "
        f"features are seen more than half a time, {loss[second]:.5g} at T(1 − S) = {seen[second]:.3g}. Ours "
        f"peaks at "
        f"T(1 − S) = {peak * level['density']:.3g} with median excess {height:.3g}, {above:.3g} times theirs "
        f"there"
    )
    text += "." if same_n else "; at a different n only the place can be compared."
    if above > 10:
        text += (
            " The replication printed with the paper also reports middle losses far above the published ones "
            "(up to "
            "5 000). What keeps the published ones small is not explained here."
        )
    return text


def _row(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
