"""Experiment ``variants``: which changes of the model keep memorization, the bump of the test loss and generalization.

Henighan et al. 2023, section "Comments & Replications": the second replication (n = 1 000, S = 0.99) reports double
descent for other losses and with a ReLU between the layers; footnote 1 there expects untied weights to give hidden
vectors of different lengths. Runs of the sweep are the standard model; the others are trained here.

A test loss is divided by what the zero output loses under the same loss, so that 1 is the same level for all. A run has
stored its datapoints where no squared error exceeds `STORED_ERROR`.

Defines no equations.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.findings import Finding, outcome_of
from experiments.following import STORED
from experiments.grouping import numbers, values_by
from experiments.variants.drawing import draw_variants
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
from verify.statistics import lies_above, separation

__all__ = ["STORED_ERROR", "collect", "describe", "draw", "sentences"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: Largest squared error of a stored datapoint; datapoints have squared length 1. Looser than for the standard model,
#: because the fourth power hardly pulls on small errors.
STORED_ERROR = 0.01
#: Hidden vectors of a regular polygon differ in length by less than this (standard deviation over mean).
EVEN_LENGTHS = 0.1
#: Sizes with pictures: hidden vectors at the first two, features (columns of the decoder) at the last that is there.
PICTURED_HIDDEN = (8, 12)
#: Features kept of a picture, the longest.
MOST_FEATURES = 150

Tables = dict[str, pd.DataFrame]
Floats = NDArray[np.float64]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``trained`` (a row per variant, T and seed) and ``points``; trains all variants but the standard one."""
    settings = [run.setting for run in runs]
    given = {run.setting: VariantRun(run.setting, STANDARD, *_weights(run)) for run in runs}
    wanted = [(setting, variant) for setting in settings for variant in VARIANTS if not variant.is_standard]
    wanted.sort(key=lambda cell: -cell[0].T)  # the longest first, so that no core waits at the end
    with (
        progress_bar([setting for setting, _ in wanted]) as advance,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        finished = pool.map(lambda cell: train_variant(cell[0], cell[1], advance), wanted)
        trained = dict(zip(wanted, finished, strict=True))
    trained |= {(setting, STANDARD): run for setting, run in given.items()}
    ordered = [trained[setting, variant] for variant in VARIANTS for setting in settings]
    test = draw_test_dataset(settings[0])
    rows = pd.DataFrame([_observed(run, test) for run in ordered])
    return {"trained": rows, "points": _points(ordered, rows)}


def _weights(run: Run) -> tuple[Floats, Floats, Floats]:
    W, b = run.W.astype(np.float64), run.b.astype(np.float64)
    return W, W, b


def _observed(run: VariantRun, test: Dataset) -> dict[str, object]:
    setting, power = run.setting, run.variant.power
    head = {"variant": run.variant.name, "T": setting.T, "seed": setting.seed, "diverged": run.diverged}
    if run.diverged:
        return head
    data = draw_dataset(setting)
    hidden = variant_hidden(run, data)
    lengths = np.linalg.norm(hidden, axis=0)
    zero = [float(np.sum(part.values**power) / part.T) for part in (data, test)]
    squared = variant_errors(run, test, 2)
    own = squared if power == 2 else variant_errors(run, test, power)
    return {
        **head,
        "train_loss": float(variant_errors(run, data, power).mean()) / zero[0],
        "test_loss": float(own.mean()) / zero[1],
        "squared_test_loss": float(squared.mean()),
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
    sizes = sorted({run.setting.T for run in runs})
    parts = []
    for T, kind in [(T, "hidden") for T in PICTURED_HIDDEN if T in sizes] + [(sizes[-1], "feature")]:
        for variant in VARIANTS:
            places = [k for k, run in enumerate(runs) if run.setting.T == T and run.variant == variant]
            places = [k for k in places if not runs[k].diverged]
            if not places:
                continue
            run = runs[places[int(np.argmin(numbers(rows.loc[places], "train_loss")))]]
            cloud = variant_hidden(run, draw_dataset(run.setting)) if kind == "hidden" else run.D
            longest = np.argsort(-np.linalg.norm(cloud, axis=0), kind="stable")[:MOST_FEATURES]
            cloud = cloud[:, np.sort(longest)].round(4)
            facts = {"variant": variant.name, "T": T, "seed": run.setting.seed, "kind": kind}
            parts.append(pd.DataFrame({**facts, "x": cloud[0], "y": cloud[1]}))
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["variant", "T", "kind", "x", "y"])
    )


def draw(tables: Tables) -> Figure:
    """Test losses and largest feature dimensionalities above hidden vectors and features of every variant."""
    return draw_variants(tables)


def describe(tables: Tables) -> str:
    """What each variant keeps of the standard picture: a table, and the variants by what they keep."""
    trained = tables["trained"]
    found = {str(variant): _traits(rows) for variant, rows in trained.groupby("variant", sort=False)}
    seeds = len(set(trained["seed"]))
    others = int(np.sum(trained["variant"] != STANDARD.name))
    head = (
        "| variant | all seeds store T points at T = | regular polygons | spread of lengths | largest test loss |"
        " at both ends | largest D_f |\n|---|---|---|---|---|---|---|"
    )
    lines = [f"| {variant!s} | {' | '.join(trait.cells)} |" for variant, trait in found.items()]
    return "\n".join(
        [
            "Test losses are in units of what the zero output loses under the same loss; a datapoint counts as stored "
            f"where its squared error is at most {STORED_ERROR}. Regular polygons and spread of lengths (median): over "
            f"the seeds that store all points; regular: lengths spread by less than {EVEN_LENGTHS:g} of their mean "
            "(standard deviation), gaps stray from 2π/T by less than half of what those of T + 1 corners with one left "
            "out do; on [failures](failures.md) lengths do not count and the bound is √(T − 1) times as tight. "
            f"Largest D_f: of columns of the decoder, at the largest T. {seeds} seeds for each variant and T: the "
            f"runs of the sweep are the {STANDARD.name} model, `tgon figure` trains the other {others} itself.",
            "",
            head,
            *lines,
            "",
            *(f"- {part}" for part in sentences(tables)),
        ]
    )


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    trained = tables["trained"]
    found = {str(variant): _traits(rows) for variant, rows in trained.groupby("variant", sort=False)}
    kept = {
        "have the bump: at its peak the test loss of every seed lies above every seed at both ends "
        f"{_by_chance(trained)}": "bump",
        "predict better than the zero output at the largest T, every seed": "recovered",
        "store their datapoints as regular polygons, for some T and most seeds": "polygon",
        f"end, at the largest T, with features that have D_f of at least {STORED}": "features",
    }
    parts: list[str | Finding] = []
    for text, trait in kept.items():
        having = [str(name) for name, each in found.items() if trait in each.has]
        missing = [str(name) for name, each in found.items() if trait not in each.has]
        does = f"**{'; '.join(having)}**" if having else "**None**"
        parts.append(f"{does} {text}" + (f"; not so: {'; '.join(missing)}." if missing and having else "."))
    return [*parts, _replicated(found), *_open(found, int(trained["T"].max())), *_why(trained)]


def _by_chance(trained: pd.DataFrame) -> str:
    """How many variants would have the bump, at most, if no test loss hung on T."""
    seeds, variants = (range(len(set(trained[column]))) for column in ("seed", "variant"))
    inner = len(set(trained["T"])) - 2
    once = separation(seeds, [*seeds, *seeds])
    return (
        f"(by chance, on average, at most {float(once) * inner * len(variants):.2g} of {len(variants)}: "
        f"{once} at each of {inner} inner T)"
    )


@dataclass(frozen=True)
class _Traits:
    """The cells of a variant in the table of the page, and what it has."""

    cells: tuple[str, ...]
    has: frozenset[str]
    judged: bool = True


def _traits(rows: pd.DataFrame) -> _Traits:
    finished = rows[~rows["diverged"].astype(bool)]
    if finished.empty:
        return _Traits(("all diverged", "–", "–", "–", "–", "–"), frozenset())
    stored = finished.assign(value=finished["worst_point_error"] <= STORED_ERROR)
    everywhere = [T for T, each in values_by(stored, "T", "value").items() if all(each)]
    good = stored[stored["value"]]
    regular = values_by(good.assign(value=_is_regular(good)), "T", "value") if len(good) else {}
    most = [T for T, each in regular.items() if sum(each) > len(rows[rows["T"] == T]) / 2]
    losses = values_by(finished, "T", "test_loss")
    peak = max(losses, key=lambda T: float(np.median(losses[T])))
    first, last = min(losses), max(losses)
    features = values_by(finished, "T", "largest_feature_dimensionality")[last]
    has = {
        "bump": lies_above(losses[peak], losses[first]) and lies_above(losses[peak], losses[last]),
        "recovered": max(losses[last]) < 1,
        "polygon": bool(most),
        "features": float(np.median(features)) >= STORED,
    }
    shapes = ", ".join(f"{int(sum(each))}/{len(each)} at {T}" for T, each in regular.items())
    cells = (
        ", ".join(map(str, everywhere)) or "none",
        shapes or "–",
        f"{float(np.median(good['length_spread'])):.2g}" if len(good) else "–",
        f"{_span(losses[peak])} at T = {peak}",
        f"{_span(losses[first])}; {_span(losses[last])}",
        _span(features),
    )
    return _Traits(cells, frozenset(trait for trait, true in has.items() if true), len(losses) > 2)


def _is_regular(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Even lengths, and angular gaps nearer to those of T corners than of T + 1 corners with one left out.

    The latter stray by √(T − 1)/(T + 1) from 2π/T (root mean square, in units of 2π/T); half of that is the bound.
    """
    T = numbers(rows, "T")
    even = numbers(rows, "gap_deviation") < np.sqrt(T - 1) / (T + 1) / 2
    return np.asarray(even & (numbers(rows, "length_spread") < EVEN_LENGTHS))


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def _replicated(found: Mapping[str, _Traits]) -> Finding:
    """Double descent, the bump and a loss below the zero output after it, against what the replication reports."""
    reported = [variant.name for variant in VARIANTS if not variant.untied]
    both = [str(name) for name, each in found.items() if each.has >= {"bump", "recovered"}]
    yes = [name for name in reported if name in both]
    no = [name for name in reported if name in found and name not in both]
    losses, closed = (
        [
            each.name
            for each in VARIANTS
            if not each.untied and each.hidden_relu == relu and each.name in found
        ]
        for relu in (False, True)
    )
    losses = [name for name in losses if name != STANDARD.name]
    several = all(each.judged for each in found.values())
    return Finding(
        "The second replication reports double descent with other losses and with a ReLU between the "
        "layers. Taken as "
        "the bump followed by a loss below that of the zero output, we find it for "
        + (f"**{'; '.join(yes)}**" if yes else "**none** of these")
        + (f", not for {'; '.join(no)}. " if no and yes else ". ")
        + "Which losses it used is not said in the paper. "
        + (
            f"Of the untied models {'; '.join(name for name in both if name not in reported) or 'none'} shows it."
        ),
        {
            "There is double descent with other losses (Hobbhahn)": outcome_of(
                len(set(losses) & set(both)), several * len(losses)
            ),
            "There is double descent with a ReLU between the layers (Hobbhahn)": outcome_of(
                len(set(closed) & set(both)), several * len(closed)
            ),
        },
    )


def _open(found: Mapping[str, _Traits], last: int) -> list[str]:
    """Variants whose bump is not over where the runs end."""
    names = [name for name, each in found.items() if "bump" in each.has and "recovered" not in each.has]
    if not names:
        return []
    return [
        f"Still worse than the zero output at T = {last}, though past the peak: {'; '.join(names)}. "
        f"Whether more data or "
        "longer training brings them below it is not tested here."
    ]


def _why(trained: pd.DataFrame) -> list[str]:
    """What the numbers say about why a variant differs."""
    notes = []
    dead = trained[trained["variant"].str.contains("ReLU")]
    if len(dead):
        count = int((dead["dead_hidden_units"] > 0).sum())
        notes.append(
            "With a ReLU on h all hidden vectors lie in one quadrant, so that T points share a quarter of "
            f"the circle; a unit that is closed for every datapoint gets no gradient. That ended {count} of "
            f"{len(dead)} such runs with a dead unit."
        )
    diverged = int(trained["diverged"].sum())
    if diverged:
        notes.append(f"{diverged} of {len(trained)} runs diverged and are left out.")
    return notes
