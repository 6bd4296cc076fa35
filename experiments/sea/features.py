"""Sections for the notes: the sea beside a ring of features, and repeated points among features, in trained models.

Both read tables as `experiments.decay_budget.section` describes. A ring counts where its shortest column is at least
1.5 times as
long as the next one (`numerics.measurement.rings`). A repeated point counts as embedded where fewer than one in a
thousand distinct
datapoints have a larger D_X, the criterion of Henighan et al. 2023, and its hidden vector is longer than the numerical
model of the threshold asks (`numerics.repetition.EMBEDDED`).

Defines no equations.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from experiments.decay_budget.section import Trained, grouped, made_by, read_trained, shown_interval
from numerics.repetition import EMBEDDED
from theory.features.sea import best_sea, ring_with_sea
from theory.notes.pages import Section
from theory.notes.tables import Table
from theory.number_format import number
from theory.repetition.logistic_boundary import fit_boundary
from verify.diagnosis import FEATURE_RATIO
from verify.statistics import mean_interval, share_interval

__all__ = ["embedded", "repeated_section", "sea_section"]

#: The share of distinct datapoints that may have a larger D_X than an embedded point.
TOP_SHARE = 1e-3
#: The published threshold, in units of T/n (Henighan et al. 2023).
PUBLISHED = 0.4
#: The starts, in the order of the table.
STARTS = ("xavier", "pentagon", "hexagon", "heptagon")


# The sea


def sea_section(experiments: Path) -> Section | None:
    """What ring and sea each start ended with, beside the separated-scales law; None without runs."""
    runs, missing = read_trained(experiments / "sea" / "tables" / "runs.csv")
    runs = [run for run in runs if run.status != "diverged"]
    if not runs:
        return None
    groups = grouped(runs, lambda run: (run.setting.T, STARTS.index(run.setting.start)))
    by_T = grouped(runs, lambda run: (run.setting.T,))
    text = (
        "A ring is the columns of W before the largest jump of their norms, if that is by a factor of at least "
        f"{FEATURE_RATIO:g}; the sea is all others, with energy q. Gains are n(1 − loss), means over seeds, with the "
        "range of the train gain. The law of separated scales gives q from the ring's r (`sea.separated-gain`). "
        f"{made_by('sea', experiments, runs, missing)} "
        + " ".join(_verdict(int(T), found) for (T,), found in by_T.items())
        + _law_sentence(runs)
    )
    heads = ("T/n", "start", "ring ends with", "train gain", "range", "test gain", "r", "b", "q", "law / q")
    rows = tuple(_sea_row(found) for found in groups.values())
    return Section("Rings and seas of trained models", text, (Table("", heads, rows),))


def ring_of(run: Trained) -> int | None:
    """How many columns stand apart; None where they do so by less than `FEATURE_RATIO`."""
    return int(run.observed["ring_columns"]) if run.observed["ring_jump"] >= FEATURE_RATIO else None


def gain_of(run: Trained, loss: str = "train_loss") -> float:
    """n(1 − loss), in perfectly learned features."""
    return run.setting.n * (1 - run.observed[loss])


def _sea_row(runs: Sequence[Trained]) -> tuple[str, ...]:
    setting = runs[0].setting
    ends = Counter(ring_of(run) for run in runs)
    gains = sorted(gain_of(run) for run in runs)
    ringed = [(k, run.observed) for run in runs if (k := ring_of(run)) is not None]

    def mean(name: str) -> str:
        return number(statistics.fmean(observed[name] for _, observed in ringed), 3) if ringed else "–"

    ratios = [best_sea(k, one["ring_radius_squared"]) / one["sea_energy"] for k, one in ringed]
    return (
        number(setting.T / setting.n, 3),
        setting.start,
        ", ".join(
            f"{k or 'no ring'}: {count}" for k, count in sorted(ends.items(), key=lambda one: one[0] or 0)
        ),
        number(statistics.fmean(gains), 4),
        f"{number(gains[0], 4)} to {number(gains[-1], 4)}",
        number(statistics.fmean(gain_of(run, "test_loss") for run in runs), 4),
        mean("ring_radius_squared"),
        mean("ring_bias"),
        mean("sea_energy"),
        number(statistics.fmean(ratios), 3) if ratios else "–",
    )


def _verdict(T: int, runs: Sequence[Trained]) -> str:
    """In how many seeds the best pentagon beats the best hexagon or heptagon, and by how much, beside the theory."""
    setting = runs[0].setting
    margins = []
    for found in grouped(runs, lambda run: (run.setting.seed,)).values():
        five = [gain_of(run) for run in found if ring_of(run) == 5]
        more = [gain_of(run) for run in found if ring_of(run) in (6, 7)]
        margins += [max(five) - max(more)] if five and more else []
    where = f"At T/n = {number(T / setting.n, 3)}"
    melted = [run for run in runs if run.setting.start in ("hexagon", "heptagon") and ring_of(run) == 5]
    turned = (
        f"; {len(melted)} of the runs that began as hexagons or heptagons became pentagons" if melted else ""
    )
    if not margins:
        return f"{where} no seed has both a pentagon and a larger ring at the end, so they cannot be compared{turned}."
    law = setting_law(setting.n, setting.sparsity)
    predicted = law[5] - max(law[6], law[7])
    margin = mean_interval(margins)
    won = sum(one > 0 for one in margins)
    verdict = (
        "the pentagon with its sea beats larger rings"
        if margin.low > 0
        else "larger rings beat the pentagon with its sea"
        if margin.high < 0
        else "the pentagon and larger rings cannot be told apart"
    )
    return (
        f"{where} {verdict}: it is ahead in {won} of {len(margins)} seeds, by {shown_interval(margin)} features of "
        f"train gain, where separated scales at infinite data give {number(predicted, 3)}{turned}."
    )


def _law_sentence(runs: Sequence[Trained]) -> str:
    """How far the law of separated scales is from the seas beside trained pentagons, and what it leaves out."""
    found = [run.observed for run in runs if ring_of(run) == 5]
    if not found:
        return ""
    own, isotropic = (
        [best_sea(5, one["ring_radius_squared"], directions) / one["sea_energy"] for one in found]
        for directions in ("vertices", "isotropic")
    )
    within = min(own) <= 1 <= max(own)
    verdict = "straddles" if within else "puts too large" if min(own) > 1 else "puts too small"
    passing = [one["sea_passing"] for one in found]
    separated = "so it holds here" if max(passing) < 0.05 else "so the scales are not separated"
    return (
        f" The law {verdict} the sea beside a pentagon: predicted over measured q is {_range_of(own)} in {len(found)} "
        f"runs. For a sea in all directions alike (`sea.isotropic-energy`) it is {_range_of(isotropic)}. Both take the "
        f"sea to be silent at the pentagon; of its energy, {_range_of(passing)} lies in columns that pass a pentagon's "
        f"bias at amplitude 1, {separated}."
    )


def _range_of(values: Sequence[float]) -> str:
    return f"{number(min(values), 3)} to {number(max(values), 3)}"


def setting_law(n: int, sparsity: float) -> dict[int, float]:
    """The gain of the best pentagon, hexagon and heptagon, each with its sea of all other columns."""
    from theory.features.amplitudes import normalized

    return {k: ring_with_sea(k, normalized(n, sparsity), n - k).gain for k in (5, 6, 7)}


# Repeated points


def embedded(run: Trained) -> bool:
    """Whether the repeated point has a direction of its own."""
    length = run.observed["repeated_hidden_length"] * run.observed["median_hidden_length"]
    return run.observed["repeated_dimensionality_rank"] < TOP_SHARE and length > EMBEDDED


def repeated_section(experiments: Path) -> Section | None:
    """The share of runs that embed the repeated point, against R, beside the numerical threshold; None without runs."""
    folder = experiments / "repeated_threshold" / "tables"
    runs, missing = read_trained(folder / "runs.csv")
    runs = [run for run in runs if run.status != "diverged"]
    if not runs:
        return None
    groups = grouped(runs, lambda run: (run.setting.T / run.setting.n, run.setting.repeats))
    text = (
        "A point is embedded where fewer than one in a thousand datapoints have a larger D_X and its hidden vector is "
        f"longer than {EMBEDDED:g}. {made_by('repeated-threshold', experiments, runs, missing)} Runs of one seed share "
        "their start and most of the point, so each seed is one threshold, between the last R up to which all its runs "
        "leave the point out and the first from which on all embed it; the boundary is a logistic law in log R of them "
        f"(`repetition.boundary`). {_boundary_sentences(runs, folder / 'threshold.csv')}"
    )
    heads = (
        "T/n",
        "R",
        "R n/T",
        "embedded",
        "95 % interval",
        "median length",
        "median share with larger D_X",
    )
    rows = tuple(_repeated_row(unit, int(repeats), found) for (unit, repeats), found in groups.items())
    return Section("Repeated points in trained models", text, (Table("", heads, rows),))


def _repeated_row(unit: float, repeats: int, runs: Sequence[Trained]) -> tuple[str, ...]:
    stored = sum(embedded(run) for run in runs)
    share = share_interval(stored, len(runs))
    lengths = (run.observed["repeated_hidden_length"] * run.observed["median_hidden_length"] for run in runs)
    return (
        number(unit, 3),
        str(repeats),
        number(repeats / unit, 3),
        f"{stored}/{len(runs)}",
        f"{number(share.low, 2)} to {number(share.high, 2)}",
        number(statistics.median(lengths), 3),
        number(statistics.median(run.observed["repeated_dimensionality_rank"] for run in runs), 2),
    )


def _boundary_sentences(runs: Sequence[Trained], thresholds: Path) -> str:
    """Where the trained runs embed the point, and whether the model's interval meets that."""
    units = {run.setting.T / run.setting.n for run in runs}
    if len(units) != 1:
        return "Runs of several T/n have no common boundary."
    unit = units.pop()
    low, high = (list(ends) for ends in zip(*_ends(runs), strict=True))
    try:
        found = fit_boundary(low, high)
    except ValueError:  # one R can be the threshold of every seed: no law with a width
        ends = min(low) / unit, max(high) / unit
        middle = f"The thresholds of all seeds lie between {number(ends[0], 3)} and {number(ends[1], 3)}"
    else:
        ends = found.low / unit, found.high / unit
        middle = f"Half of the seeds embed it at {number(found.median / unit, 3)} ({_range(ends)})"
    published = "which holds" if ends[0] <= PUBLISHED <= ends[1] else "which leaves out"
    sentence = f"{_bracket(runs, unit)} {middle}, {published} the published {PUBLISHED:g}."
    model = _model_threshold(runs[0], thresholds)
    if model is None:
        return f"{sentence} No threshold of the numerical model is on record for this size."
    lies = (
        "agrees: the intervals meet"
        if model["low"] <= ends[1] and ends[0] <= model["high"]
        else "puts it lower than training does"
        if model["high"] < ends[0]
        else "puts it higher than training does"
    )
    late = "before" if ends[1] < model["metastable_until"] else "not clearly before"
    least = "at least " if model["metastable_censored"] else ""
    return (
        f"{sentence} The numerical model, at equal train loss, has {number(model['boundary'], 3)} "
        f"({_range((model['low'], model['high']))}) and {lies}. Training embeds the point {late} the "
        f"{least}{number(model['metastable_until'], 3)} up to which the model can keep it out."
    )


def _range(ends: tuple[float, float]) -> str:
    return f"{number(ends[0], 3)} to {number(ends[1], 3)}"


def _ends(runs: Sequence[Trained]) -> list[tuple[float, float]]:
    """For each seed, between which two R its threshold lies."""
    ends = []
    for found in grouped(runs, lambda run: (run.setting.seed,)).values():
        inside = [run.setting.repeats for run in found if embedded(run)]
        outside = [run.setting.repeats for run in found if not embedded(run)]
        before = [one for one in outside if not inside or one < min(inside)]
        after = [one for one in inside if not outside or one > max(outside)]
        ends.append((float(max(before, default=0)), float(min(after, default=math.inf))))
    return ends


def _bracket(runs: Sequence[Trained], unit: float) -> str:
    """Up to where no run embeds the point, and from where on all do."""
    inside = [run.setting.repeats for run in runs if embedded(run)]
    outside = [run.setting.repeats for run in runs if not embedded(run)]
    tried = sorted({run.setting.repeats for run in runs})
    none = [one for one in tried if not inside or one < min(inside)]
    every = [one for one in tried if not outside or one > max(outside)]
    first = f"up to R n/T = {number(none[-1] / unit, 3)} no run embeds the point" if none else ""
    last = f"from R n/T = {number(every[0] / unit, 3)} on all do" if every else ""
    text = ", ".join(part for part in (first, last) if part) or "at every R runs differ"
    return f"{text[0].upper()}{text[1:]}."


def _model_threshold(run: Trained, path: Path) -> dict[str, float] | None:
    """The row of `tgon threshold --csv` for this T, n and S with a fit, in units of T/n; a flag is as it stands."""
    if not path.exists():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    here = (run.setting.T, run.setting.n, run.setting.sparsity)
    names = ("boundary", "low", "high", "metastable_until")
    found = [
        {name: row[name] / row["equal_energy"] for name in names}
        | {"metastable_censored": row.get("metastable_censored", 0.0)}
        for row in rows
        if not math.isnan(row["boundary"]) and (row["T"], row["n"], row["sparsity"]) == here
    ]
    return found[0] if found else None
