"""Experiment ``sensitivity``: which single change of the setting moves the onset of generalization, or the peak of the
test loss, as far as two published curves lie apart. Henighan et al. 2023, section "Comments & Replications": the first
replication sees features from T = 20 000 on, the authors from 5 000 on, and test losses up to 5 000 where theirs stay
near 1.01; neither side knows why. Losses are sums over features: the zero output loses 1. An onset is the geometric
mean of the two neighbouring T between which a quantity goes over for good. A change *moves* something where all its
seeds lie on one side of all seeds of the baseline, by more on average than those seeds spread.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import empty, one_legend
from experiments.bump import geometric_mean
from experiments.findings import Finding, Outcome, Tables, found, measured
from experiments.following import STORED
from experiments.grouping import for_good, numbers, parts
from experiments.published import PUBLISHED_ONSET
from experiments.tables import value_text
from numerics import Run
from theory import Setting
from verify.statistics import Interval, lies_above, mean_interval
from verify.style import BLUE, GREY, INK, VERMILLION, plain_numbers

#: The name of the unchanged setting: the paper's, but for what a preview makes smaller.
BASELINE = "baseline"
Row = Mapping[Hashable, Any]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a curve, larger than 0 and compared by its decimal logarithm. ``reached`` is the column that tells
    a value from a lower bound, ``short`` its name in a cell, ``gap`` the decimal logarithm of the replication's value
    over the authors', 0 where none is published, ``unit`` how shifts are told, as factors ("times") or in "decades".
    """

    column: str
    reached: str | None
    name: str
    short: str
    gap: float = 0.0
    unit: str = "times"

    def in_unit(self, decades: float) -> float:
        """A shift in decades, in `unit`."""
        return decades if self.unit == "decades" else 10.0**decades

    def shift_of(self, row: Row) -> Interval:
        """The shift of a change."""
        ends = (float(row[f"{self.column}_{part}"]) for part in ("shift", "low", "high"))
        return Interval(*map(self.in_unit, ends))

    def value_cell(self, row: Row) -> str:
        """Its value and range over seeds; with how many seeds do not reach it."""
        value, least, largest = (float(row[f"{self.column}{part}"]) for part in ("", "_least", "_largest"))
        missed = int(row[f"{self.column}_missed"])
        if missed == row["seeds"]:
            return f"not by {largest:.4g}"
        spread = "" if largest <= least * 1.0001 else f" ({least:.4g} to {largest:.4g})"
        return f"{value:.4g}{spread}" + (f", {missed} not by {largest:.4g}" if missed else "")

    def shift_cell(self, row: Row) -> str:
        """Its shift with interval, and whether it is a bound; a dash for the baseline."""
        if row["change"] == BASELINE:
            return "–"
        shift, form = self.shift_of(row), "+.2f" if self.unit == "decades" else ".3g"
        bound = row[f"{self.column}_bound"]
        spread = f" ({shift.low:{form}} to {shift.high:{form}})" if shift.high - shift.low > 1e-6 else ""
        words = f"{bound if isinstance(bound, str) else ''} {shift.value:{form}}{spread}"
        return words.strip().replace("-", "−")


_GAP = math.log10(PUBLISHED_ONSET[1] / PUBLISHED_ONSET[0])
FEATURE_ONSET = Quantity("feature_onset", "feature_reached", "the onset of features", "features", _GAP)
LOSS_ONSET = Quantity("loss_onset", "loss_reached", "where the test loss falls below 1", "loss below 1")
PEAK = Quantity("peak", None, "the peak of the test loss", "peak", math.log10(5000 / 1.01), "decades")
QUANTITIES = (FEATURE_ONSET, LOSS_ONSET, PEAK)


def summary(tables: Tables) -> pd.DataFrame:
    """Every change: its onsets and peak, their shifts against the baseline, and what it moves."""
    rows = []
    for row in tables["changes"].to_dict("records"):
        cells: dict[str, object] = {"change": row["change"], "seeds": row["seeds"]}
        for quantity in QUANTITIES:
            cells[quantity.short] = quantity.value_cell(row)
            cells[f"{quantity.short}, {quantity.unit}"] = quantity.shift_cell(row)
        cells["T of the peak"] = f"{row['peak_T']:.0f}"
        moved = ", ".join(each.short for each in QUANTITIES if row[f"{each.column}_moved"])
        rows.append(cells | {"moves": "no output left" if row["silent"] else moved or "–"})
    return pd.DataFrame(rows)


def findings(tables: Tables) -> list[Finding]:
    """Whether one change reaches the published gaps, how many move what, and what second changes add."""
    changes, curves = tables["changes"].to_dict("records"), tables["curves"]
    others = [row for row in changes if row["change"] != BASELINE and not row["silent"]]
    moving = [(each.name, sum(row[f"{each.column}_moved"] for row in others)) for each in QUANTITIES]
    peaks = geometric_mean(curves[curves["change"] == BASELINE]["peak"])
    return [
        *(_reaches(others, quantity) for quantity in (FEATURE_ONSET, PEAK)),
        *(measured(f"Changes that move {name}", "changes", many, len(others)) for name, many in moving),
        measured("Peak test loss of the baseline", "geometric mean", peaks, int(changes[0]["seeds"])),
        *_second_changes(curves),
    ]


def _reaches(others: Sequence[Row], quantity: Quantity) -> Finding:
    """Whether a change moves a quantity as far as the gap, in either direction; that these do not decides nothing."""
    said = f"One difference in setup sets authors and Jermyn's replication apart in {quantity.name}"
    if not others:
        return Finding(said, "not tested")
    decades = f"{quantity.column}_shift"
    reach = [row for row in others if row[f"{quantity.column}_moved"] and abs(row[decades]) >= quantity.gap]
    far = max(reach or others, key=lambda row: abs(float(row[decades])))
    label = f"farthest shift, {quantity.unit} (published gap: {quantity.in_unit(quantity.gap):.2g})"
    outcome: Outcome = "agrees" if reach else "not decided"
    return found(said, outcome, label, quantity.shift_of(far), int(far["seeds"]), str(far["change"]))


def _second_changes(curves: pd.DataFrame) -> list[Finding]:
    """Two changes together, against the first of them alone."""
    first = curves.assign(both=curves["change"], change=curves["change"].str.split(", ").str[0])
    pairs = first[first["both"] != first["change"]].merge(curves, on=["change", "data_seed", "seed"])
    rows = []
    for change, both in pairs.groupby("both", sort=False):
        for quantity in (PEAK, FEATURE_ONSET):
            shift = mean_interval(np.log10(both[f"{quantity.column}_x"] / both[f"{quantity.column}_y"]))
            said = f"A second change, beside the first of them alone, shifts {quantity.name}"
            rows.append(measured(said, quantity.unit, shift.map(quantity.in_unit), len(both), str(change)))
    return rows


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
    order = dict.fromkeys([BASELINE, *kept["change"]])
    kept = kept.sort_values(["data_seed", "seed", "T"], kind="stable")
    curves = pd.concat([_curves(kept, order), _selected(kept)], ignore_index=True)
    if curves.empty or BASELINE not in set(curves["change"]):
        raise ValueError("no curve of the unchanged setting has all its T; try training its missing runs")
    return {"runs": kept, "curves": curves, "changes": changes_of(curves)}


def _change(row: Mapping[Hashable, Any], steps: int) -> str:
    """What differs from the paper's setting with that many steps, such as "lr = 0.01"; `BASELINE` if nothing does."""
    paper = Setting(T=1).as_dict() | {"steps": steps}
    changed = {name: row[name] for name in FIELDS if row[name] != paper[name]}
    return ", ".join(f"{name} = {value_text(value)}" for name, value in changed.items()) or BASELINE


def _curves(kept: pd.DataFrame, order: Iterable[str]) -> pd.DataFrame:
    """A row for each change, dataset and start; curves that lack a size of others are left out."""
    return pd.DataFrame(
        {"change": change, "data_seed": data_seed, "seed": seed, **_curve(rows)}
        for change in order
        for (data_seed, seed), rows in parts(kept[kept["change"] == change], "data_seed", "seed")
        if len(rows) == kept["T"].nunique()
    )


def _selected(kept: pd.DataFrame) -> pd.DataFrame:
    """The baseline with, at each T, the start of least train loss; empty with one start for each dataset."""
    plain = kept[kept["change"] == BASELINE].reset_index(drop=True)
    starts, datasets = plain["seed"].nunique(), plain.groupby("data_seed")
    plain = datasets.filter(lambda rows: len(rows) == starts * rows["T"].nunique())
    if starts < 2 or plain.empty:
        return pd.DataFrame()
    best = plain.loc[plain.groupby(["data_seed", "T"])["train_loss"].idxmin()]
    name = f"best of {starts} starts by train loss"
    return _curves(best.assign(change=name, seed=-1), [name])


def _curve(rows: pd.DataFrame) -> dict[str, float | bool]:
    rows = rows.sort_values("T")
    T, loss = numbers(rows, "T"), numbers(rows, "test_loss")
    onsets = *onset(T, numbers(rows, "largest_feature_dimensionality") >= STORED), *onset(T, loss < 1)
    peak = int(np.argmax(loss))
    return {
        "steps": int(rows["steps"].iloc[0]),
        **dict(zip(("feature_onset", "feature_reached", "loss_onset", "loss_reached"), onsets, strict=True)),
        "peak": loss[peak],
        "peak_T": T[peak],
        "silent": int(np.sum(np.abs(numbers(rows, "train_loss") - 1) < SILENT)),
    }


def onset(T: np.ndarray, there: np.ndarray) -> tuple[float, bool]:
    """Where something is there for good, and whether it ever is; else the last T, a lower bound.

    >>> onset(np.array([1.0, 4.0, 9.0]), np.array([False, False, True]))
    (6.0, True)
    """
    ends = for_good(pd.Series(there, T))
    if ends is None:
        return float(T[-1]), False
    return math.sqrt(ends[0] * ends[1]) or float(ends[1]), True


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


def _shift(own: pd.DataFrame, plain: pd.DataFrame, quantity: Quantity) -> dict[str, object]:
    reached, name = quantity.reached, quantity.column
    missed, bounds = (int((~each[reached].astype(bool)).sum()) if reached else 0 for each in (own, plain))
    value, base = np.log10(own[name]), np.log10(plain[name])
    shift = mean_interval([_against_partner(row, plain, name) for row in own.to_dict("records")])
    apart = lies_above(value, base) or lies_above(base, value)
    beyond = abs(shift.value) > base.max() - base.min()
    return {
        name: 10 ** float(value.mean()),
        f"{name}_least": 10 ** float(value.min()),
        f"{name}_largest": 10 ** float(value.max()),
        f"{name}_missed": missed,
        f"{name}_bound": _BOUND[missed > 0, bounds > 0],
        f"{name}_shift": shift.value,
        f"{name}_low": shift.low,
        f"{name}_high": shift.high,
        f"{name}_moved": min(len(own), len(plain)) > 1 and apart and beyond,
    }


def _against_partner(row: Mapping[Hashable, Any], plain: pd.DataFrame, name: str) -> float:
    """Shift of one curve against the baseline on the same dataset and start, or on all starts of the dataset."""
    dataset = plain["data_seed"] == row["data_seed"]
    wider = (plain[dataset & (plain["seed"] == row["seed"])], plain[dataset], plain)
    return float(np.log10(row[name]) - np.log10(next(filter(len, wider))[name]).mean())


def draw(tables: Tables) -> Figure:
    """Onsets and peak of every change, one row each: seeds, mean and the baseline's own spread."""
    changes, curves = tables["changes"], tables["curves"]
    figure = empty(13.0, 1.6 + 0.36 * len(changes), w_pad=0.12)
    axes = figure.subplots(1, 3, sharey=True)
    labels = ("features: onset T", "test loss below 1: onset T", "peak test loss")
    for ax, quantity, label in zip(axes, QUANTITIES, labels, strict=True):
        _draw_quantity(ax, changes, curves, quantity)
        ax.set_xscale("log")
        if quantity is not PEAK:
            plain_numbers(ax.xaxis, at=(1, 2, 5))
        ax.set_xlabel(label)
    axes[1].sharex(axes[0])
    axes[0].set_yticks(range(len(changes)), changes["change"])
    axes[0].set_ylim(len(changes) - 0.4, -0.6)
    one_legend(figure, axes, ncols=3)
    return figure


def _draw_quantity(ax: Axes, changes: pd.DataFrame, curves: pd.DataFrame, quantity: Quantity) -> None:
    name = quantity.column
    plain = numbers(curves[curves["change"] == BASELINE], name)
    centre = float(np.mean(np.log10(plain)))
    span = plain.min() / 1.01, plain.max() * 1.01
    ax.axvspan(*span, color=GREY, alpha=0.35, lw=0, label="seeds of the baseline")
    if quantity.gap:
        for sign, label in ((-1, None), (1, "published gap away")):
            where = 10 ** (centre + sign * quantity.gap)
            if quantity is not PEAK or where >= 0.9:  # a lower peak than that of no bump cannot be shown
                ax.axvline(where, color=VERMILLION, ls="--", lw=1.4, label=label)
    for place, row in enumerate(changes.to_dict("records")):
        own = curves[curves["change"] == row["change"]]
        there = np.asarray(own[quantity.reached], dtype=bool) if quantity.reached else np.full(len(own), True)
        heights, values = place + np.linspace(-0.18, 0.18, len(own)), numbers(own, name)
        moves = (VERMILLION, "… of a change that moves it")
        colour, label = moves if row[f"{name}_moved"] else (BLUE, "one seed of a change within the spread")
        ax.scatter(values[there], heights[there], s=22, color=colour, alpha=0.55, lw=0, label=label)
        label = "not reached, lower bound"
        ax.scatter(values[~there], heights[~there], s=34, color=colour, marker=">", lw=0, label=label)
        ax.plot(float(row[name]), place, "|", ms=13, mew=2, color=INK, label="geometric mean of seeds")
    ax.grid(axis="y", color=GREY, alpha=0.25, lw=0.8)
