"""Experiment ``repeated-threshold``: from how many repeats R on a datapoint is embedded, as a power of T/n.
Published is R = 0.4 T/n (Jermyn, comment to Henighan et al. 2023); `repetition.square-root` has the power ½. Each
seed of training and each draw of the numerical model is one threshold with two ends. In training they are the last R
up to which all runs of the seed leave the point out, and the first from which on all embed it, by the criteria of
``repeated-map``, whose runs are laid beside ours. Power laws are fitted to all thresholds of one n
(`repetition.boundary`).
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import one_legend
from experiments.findings import Finding, Outcome, Tables, found, measured
from experiments.following import turning
from experiments.grouping import median_range, numbers, parts
from experiments.repeated_map import CRITERIA, KEYS, PUBLISHED_SLOPE, hysteresis, kept, swept
from experiments.tables import tables_beside
from numerics import Run
from numerics.repetition import EMBEDDED, Transition, find_transition
from theory.number_format import number, shown
from theory.repetition.logistic_boundary import fit_boundary, fit_power_law
from theory.repetition.threshold import square_root_threshold
from verify.statistics import Interval
from verify.style import BLUE, GREEN, INK, ORANGE, PURPLE, VERMILLION, panels

#: Draws of the numerical model for each size, the T/n of these sizes, and the features that it keeps.
DRAWS, UNITS, FEATURES = 3, (1, 3, 10, 30, 100), 80

#: T/n at which R falls and rises on one dataset.
SWEPT = (3, 10)

#: The experiment whose committed runs are laid beside ours.
BESIDE = ("repeated-map",)

#: T/n at which the factor of a power law is given: within the range of all of them.
REFERENCE = 10

LAWS = {
    CRITERIA[0]: (VERMILLION, "training: first 0.1 % by $D_X$"),
    CRITERIA[1]: (BLUE, f"training: hidden vector longer than {EMBEDDED:g}"),
    "zero_bias": (ORANGE, "drawn energies at zero bias"),
    "equal_loss": (GREEN, "model: both states lose the same"),
    "kicked": (PURPLE, "model: left-out state returns from a kick until"),
    "metastable": (INK, "model: left-out state exists until"),
}

PROPORTIONAL = "The threshold is proportional to T/n (Jermyn)"
SQUARE_ROOT = "The threshold grows like the square root of T/n (`repetition.square-root`)"
LINE = "At the largest T/n trained the threshold is R = 0.4 T/n (Jermyn)"
AT_ROOT = "At the largest T/n trained the threshold is z_5(n) √(κ T/n) (`repetition.square-root`)"

#: From so many thresholds on, their range holds the median at 95 %: 1 − 2/2⁶.
ENOUGH = 6


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``sweeps`` in both directions, ``draws`` of the numerical model, ``thresholds``, ``laws``."""
    sizes = sorted({(run.setting.n, run.setting.sparsity) for run in runs})
    draws = [
        {"n": n, "T": unit * n, "seed": seed}
        | _ends(find_transition(unit * n, n, S, seed, min(FEATURES, n)), unit)
        for (n, S), unit, seed in product(sizes, UNITS, range(DRAWS))
    ]
    tables = {"runs": kept(table), "draws": pd.DataFrame(draws)}
    by_unit = {unit: [run for run in runs if unit * run.setting.n == run.setting.T] for unit in SWEPT}
    if sweeps := [swept(own, unit) for unit, own in by_unit.items() if own]:
        tables["sweeps"] = pd.concat(sweeps, ignore_index=True)
    return derived(tables)


def _ends(draw: Transition, unit: float) -> dict[str, float]:
    """Between which R each threshold of a draw lies; a scan of R that ended bounds it on one side only."""
    until, kicked = draw.metastable_until, draw.kicked_until
    ends = {
        "zero_bias": (draw.zero_bias, draw.zero_bias),
        "equal_loss": draw.between,
        "kicked": (kicked, kicked + draw.step),
        "metastable": (until, math.inf if draw.metastable_censored else until + draw.step),
    }
    return {"embedded_from": draw.embedded_from * unit} | {
        f"{name}_{side}": end * unit
        for name, both in ends.items()
        for side, end in zip(("low", "high"), both, strict=True)
    }


def derived(tables: Tables) -> Tables:
    """The tables, with the thresholds of all runs and draws, and their laws."""
    (known,) = (tables_beside(name)["runs"] for name in BESIDE)
    runs = pd.concat([tables["runs"], known[known["n"].isin(tables["runs"]["n"])]])
    rows = [
        (*place, name, *turning(numbers(part, "repeats"), np.asarray(part[name], dtype=np.bool_)))
        for place, part in parts(runs.drop_duplicates(list(KEYS)), "n", "T", "seed")
        for name in CRITERIA
    ]
    rows += [
        (row["n"], row["T"], row["seed"], name, row[f"{name}_low"], row[f"{name}_high"])
        for row in tables["draws"].to_dict("records")
        for name in LAWS
        if name not in CRITERIA
    ]
    thresholds = pd.DataFrame(rows, columns=["n", "T", "seed", "law", "low", "high"])
    laws = pd.DataFrame([_fitted(n, law, part) for (n, law), part in parts(thresholds, "n", "law")])
    return tables | {"thresholds": thresholds, "laws": laws}


def _fitted(n: int, law: str, part: pd.DataFrame) -> dict[str, Any]:
    """The power of T/n that thresholds follow, and the factor at `REFERENCE`; NaN where none can be fitted."""
    unit, fitted = part["T"] / n, (math.nan,) * 6
    with suppress(ValueError):
        fit = fit_power_law(unit, part["low"], part["high"], reference=REFERENCE)
        fitted = (fit.exponent, *fit.exponent_ends, fit.factor, *fit.factor_ends)
    names = [f"{name}{end}" for name in ("exponent", "repeats") for end in ("", "_low", "_high")]
    span = {"n": n, "law": law, "thresholds": len(part), "from": unit.min(), "to": unit.max()}
    return span | dict(zip(names, fitted, strict=True))


def findings(tables: Tables) -> list[Finding]:
    """The exponent of training beside 1 and ½, and its boundary where T/n is largest beside both laws."""
    first = CRITERIA[0]
    laws, thresholds = (table[table["law"] == first] for table in (tables["laws"], tables["thresholds"]))
    trained = laws[laws["exponent_low"] > -math.inf].to_dict("records")
    return [
        _judged(PROPORTIONAL, 1, trained),
        _judged(SQUARE_ROOT, 0.5, trained),
        *_at_largest(thresholds, tables["runs"]),
        *_kicked(tables["thresholds"].query("law == 'kicked'")),
        *([hysteresis(tables["sweeps"], tables["runs"])] if "sweeps" in tables else []),
    ]


def _kicked(thresholds: pd.DataFrame) -> Iterator[Finding]:
    """Up to which R/(T/n) the state without the point returns from a kick, the middle of the step that holds it."""
    said = "In the model the state without the point returns from a kick"
    quantity = "R/(T/n), middle of a step, median and range"
    for (n, T), own in parts(thresholds, "n", "T"):
        if T // n in UNITS[-3:]:
            middles = median_range(own[["low", "high"]].mean(axis=1) / (T / n))
            yield measured(said, quantity, middles, len(own), f"n = {n}, T/n = {T // n}")


def _interval(row: Mapping[Hashable, Any], name: str) -> Interval:
    return Interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _judged(statement: str, power: float, trained: Sequence[Mapping[Hashable, Any]]) -> Finding:
    """Whether the narrowest interval of the trained exponent holds a power, and not the rival one."""
    quantity = "power of T/n, first 0.1 % by D_X"
    if not trained:
        return Finding(statement, "not tested", quantity)
    row = min(trained, key=lambda row: row["exponent_high"] - row["exponent_low"])
    holds = {each: row["exponent_low"] <= each <= row["exponent_high"] for each in (0.5, 1)}
    outcome: Outcome = "not decided" if all(holds.values()) else "agrees" if holds[power] else "differs"
    at = f"n = {row['n']}, T/n = {row['from']:g} to {row['to']:g}"
    return found(statement, outcome, quantity, _interval(row, "exponent"), int(row["thresholds"]), at)


def _at_largest(trained: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """Whether the boundary where T/n is largest is where two laws have it; open where few or one-sided ends say."""
    unit = trained["T"] / trained["n"]
    largest = trained[unit == unit.max()]
    R, n, T = boundary(largest), int(largest["n"].iloc[0]), int(largest["T"].iloc[0])
    sparsity = float(runs.loc[runs["n"] == n, "sparsity"].iloc[0])
    rows = []
    for statement, law in ((LINE, PUBLISHED_SLOPE * T / n), (AT_ROOT, square_root_threshold(T, n, sparsity))):
        inside = R.low <= law <= R.high
        bounded = R.low > 0 and R.high < math.inf
        known = len(largest) >= ENOUGH and (bounded or not inside)
        outcome: Outcome = "not decided" if not known else "agrees" if inside else "differs"
        rows.append(found(statement, outcome, "R", R, len(largest), f"n = {n}, T/n = {unit.max():g}"))
    return rows


def boundary(thresholds: pd.DataFrame) -> Interval:
    """R at which half of `ENOUGH` or more thresholds are passed; else the range of their ends, and no value."""
    low, high = thresholds["low"], thresholds["high"]
    if len(low) >= ENOUGH:
        with suppress(ValueError):  # one R can be the threshold of every seed: no law with a width
            fitted = fit_boundary(low, high)
            return Interval(fitted.median, fitted.low, fitted.high)
    return Interval(math.nan, float(low.min()), float(high.max()))


def summary(tables: Tables) -> dict[str, pd.DataFrame]:
    """The laws, and the boundaries of training beside the square root, the model and the published line."""
    laws = [
        {
            "n": row["n"],
            "threshold": LAWS[row["law"]][1],
            "T/n": f"{row['from']:g} to {row['to']:g}",
            "thresholds": row["thresholds"],
            "exponent": _shown(_interval(row, "exponent")),
            f"R at T/n = {REFERENCE}": _shown(_interval(row, "repeats")),
        }
        for row in tables["laws"].to_dict("records")
    ]
    rows = []
    for (n, T), part in parts(tables["thresholds"], "n", "T"):
        own = dict(parts(part, "law"))
        cells = {LAWS[law][1]: _shown(boundary(own[law])) if law in own else "–" for law in LAWS}
        line = {f"{PUBLISHED_SLOPE:g} T/n": number(PUBLISHED_SLOPE * T / n, 3)}
        rows.append({"n": n, "T/n": number(T / n, 3)} | cells | line)
    return {"Power laws, with 95 % intervals": pd.DataFrame(laws), "R at each size": pd.DataFrame(rows)}


def _shown(value: Interval) -> str:
    """A number with its interval, or the ends alone; a dash of what nothing bounds."""
    if not value.low < value.high:
        return "–"
    ends = f"{shown(value.low, 3)} to {shown(value.high, 3)}"
    return ends if math.isnan(value.value) else f"{shown(value.value, 3)} ({ends})"


def draw(tables: Tables) -> Figure:
    """R against T/n for each n: thresholds of training with their ends, fitted laws, and the published line."""
    sizes = sorted(set(tables["thresholds"]["n"]))
    figure, [axes] = panels(1, len(sizes), 5.6, 5.6, sharey=True)
    for ax, n in zip(axes, sizes, strict=True):
        own = tables["thresholds"].query("n == @n")
        laws = {row["law"]: row for row in tables["laws"].query("n == @n").to_dict("records")}
        unit = np.array([own["T"].min() / n / 1.3, own["T"].max() / n * 1.3])
        for law, (colour, label) in LAWS.items():
            if law in laws:
                centers = laws[law]["repeats"] * (unit / REFERENCE) ** laws[law]["exponent"]
                style = "-" if law in CRITERIA else "--"
                ax.plot(unit, centers, style, color=colour, lw=1.8, label=label)
        _draw_ends(ax, own.query("law == @CRITERIA[0]"), LAWS[CRITERIA[0]][0])
        ax.plot(unit, PUBLISHED_SLOPE * unit, ":", color=INK, lw=2.2, label="published, R = 0.4 T/n")
        ax.set(xscale="log", yscale="log", xlabel="datapoints per feature T/n", title=f"n = {n}")
    axes[0].set(ylabel="repeats R", ylim=(0.8, 150))
    one_legend(figure, axes, ncols=len(sizes), fontsize=11)
    return figure


def _draw_ends(ax: Axes, thresholds: pd.DataFrame, colour: str) -> None:
    """A bar for each seed, from the last R without to the first with the point; open ends run out of the figure."""
    spread = 1 + 0.08 * (thresholds["seed"] - thresholds["seed"].mean())
    unit = thresholds["T"] / thresholds["n"] * spread
    low, high = thresholds["low"].clip(lower=0.1), thresholds["high"].clip(upper=1e4)
    ax.vlines(unit, low, high, color=colour, alpha=0.6)
