"""Experiment ``repeated-map``: from how many repeats on a datapoint is memorized, against datapoints per feature.
Henighan et al. 2023, comment "Extension: Repeated Data Points" (Jermyn): a map of R against T/N in two settings,
coloured by whether the point is among the first 0.1 % by D_X, with the line R = 0.4 T/N. Beside it: the hidden length
as a second criterion, fitted boundaries (`repetition.boundary`), the numerical theory, and sweeps in both directions.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.axes import empty, one_legend
from experiments.findings import MEASURED, Finding, Tables, found_share, measured, outcome_of
from experiments.following import STORED, TOP, turning
from experiments.grouping import numbers, parts
from experiments.threshold import draws
from numerics import Dataset, Run
from numerics.engines import resolve_engine
from numerics.repetition import EMBEDDED, find_transition
from numerics.training.obtaining import train_one
from theory.number_format import at_least
from theory.repetition.logistic_boundary import fit_boundary
from verify.statistics import Interval
from verify.style import BLUE, GREEN, GREY, INK, VERMILLION, plain_numbers

#: Draws of the theory's threshold for each size.
DRAWS = 4

#: T/n of the sweeps in both directions, where there are such runs.
SWEPT = 3

#: Steps of each training of a sweep.
STEPS = 5_000

KEYS = ("n", "T", "repeats", "seed")

#: The published criterion and the second one.
CRITERIA = ("first", "embedded")

#: R over T/N of the published line, and what is published of the boundary.
PUBLISHED_SLOPE = 0.4
MORE_NEEDED = "At low T/n more than T/n repeats are needed (Jermyn)"
LINE = f"At larger T/n the boundary is R = {PUBLISHED_SLOPE:g} T/n (Jermyn)"


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``boundaries`` (by size and criterion), ``theory`` (by size) and ``sweeps``."""
    sizes = sorted({(run.setting.n, run.setting.T, run.setting.sparsity) for run in runs})
    theory = pd.DataFrame([_theory(*size) for size in sizes])
    return derived({"runs": kept(table), "theory": theory, "sweeps": swept(runs, SWEPT)})


def derived(tables: Tables) -> Tables:
    """The tables, with the boundaries of all runs."""
    return tables | {"boundaries": boundaries(tables["runs"])}


def kept(table: pd.DataFrame) -> pd.DataFrame:
    """Of each run where its point stands, and whether it is stored by either criterion."""
    length = table["repeated_hidden_length"] * table["median_hidden_length"]
    listed = table[["n", "sparsity", "T", "repeats", "seed"]].assign(
        rank=table["repeated_dimensionality_rank"],
        length=length,
        first=table["repeated_dimensionality_rank"] <= TOP,
        embedded=length > EMBEDDED,
        largest_feature=table["largest_feature_dimensionality"],
    )
    return listed.sort_values(list(KEYS), kind="stable", ignore_index=True)


def boundaries(listed: pd.DataFrame) -> pd.DataFrame:
    """The boundary of each size and criterion: median R with its interval, the largest R up to which no run succeeds,
    and the least from which on all do. NaN where the outcomes admit no fit: they do not rise with R, or all of them
    change between the same two R. Runs count as independent; those of one seed share the start, and little data.
    """
    rows = []
    for (n, T), part in parts(listed, "n", "T"):
        for name in CRITERIA:
            happened, R = part[name].to_numpy(dtype=np.bool_), numbers(part, "repeats")
            fitted = np.full(3, np.nan)
            with suppress(ValueError):  # no overlap of outcomes, or none that rises
                found = fit_boundary(np.where(happened, 0.0, R), np.where(happened, R, np.inf))
                if found.low > 0 or found.high < np.inf:
                    fitted = np.array([found.median, found.low, found.high])
            rows.append((n, T, name, len(R), *fitted, *turning(R, happened)))
    columns = ["n", "T", "criterion", "runs", "median", "low", "high", "none_until", "all_from"]
    return pd.DataFrame(rows, columns=columns).replace({"none_until": 0, "all_from": np.inf}, np.nan)


def _theory(n: int, T: int, sparsity: float) -> dict[str, Any]:
    features = min(draws.FEATURES, n)
    found = [find_transition(T, n, sparsity, k, features) for k in range(DRAWS)]
    answer = draws.summary(T, n, sparsity, features, found)
    stands = {name: answer[name]["median"] for name in ("metastable_until", "metastable_censored")}
    drawn = {name: answer[name] for name in ("n", "T", "draws", "undecided")}
    return {**drawn, **answer["repeats"], **stands, "zero_bias": answer["zero_bias"]["mean"]}


def swept(runs: Sequence[Run], unit: float) -> pd.DataFrame:
    """Sweeps in both directions from the runs of most repeats, at the least n and there the T nearest to ``unit`` n."""
    sizes = {(run.setting.n, run.setting.T) for run in runs}
    n, T = min(sizes, key=lambda size: (size[0], abs(np.log(size[1] / size[0] / unit))))
    own = [run for run in runs if (run.setting.n, run.setting.T) == (n, T)]
    repeats = sorted({1} | {run.setting.repeats for run in own})
    starts = [run for run in own if run.setting.repeats == repeats[-1]]
    both = pd.concat([sweep_both_ways(run, repeats) for run in starts], ignore_index=True)
    return both.assign(n=n, T=T)


def _sizes(tables: Tables) -> pd.DataFrame:
    """A row per size: unit T/n, runs and how many store a feature, the boundary by either criterion, the theory. The
    ends low and high of a boundary without a fit are the R between which outcomes change; 0 and ∞ bound nothing.
    """
    size, boundaries, runs = ["n", "T"], tables["boundaries"], tables["runs"]
    fitted = boundaries["median"].notna()
    ends = boundaries.drop(columns="runs").assign(
        low=boundaries["low"].where(fitted, boundaries["none_until"].fillna(0.0)),
        high=boundaries["high"].where(fitted, boundaries["all_from"].fillna(np.inf)),
    )
    first, second = (ends[ends["criterion"] == name] for name in CRITERIA)
    by_size = runs.assign(storing=runs["largest_feature"] >= STORED).groupby(size)
    counts = by_size.agg(runs=("seed", "size"), storing=("storing", "sum"))
    theory = tables["theory"].rename(columns={"median": "threshold"})
    sizes = first.merge(second, on=size, suffixes=("", "_by_length"))
    sizes = sizes.merge(counts, on=size).merge(theory, on=size)
    return sizes.assign(unit=sizes["T"] / sizes["n"], bounded=(sizes["low"] > 0) & np.isfinite(sizes["high"]))


def findings(tables: Tables) -> list[Finding]:
    """Boundary, criteria, hysteresis; without sizes at which most models store no feature, as published."""
    sizes = _sizes(tables)
    sizes = sizes[2 * sizes["storing"] > sizes["runs"]]
    bounded = sizes[sizes["bounded"]]
    meets = (bounded["low"] <= bounded["greatest"]) & (bounded["high"] >= bounded["least"])
    statement = "The boundary's interval meets the range of the theory's draws"
    differ = tables["runs"][CRITERIA[0]] != tables["runs"][CRITERIA[1]]
    boundaries = [
        measured("Boundary by D_X", "R/(T/n)", Interval(*row[["median", "low", "high"]] / row["unit"]),
                 row["runs"], f"n = {row['n']}, T/n = {row['unit']:g}")
        for _, row in sizes.iterrows()
    ]  # fmt: skip
    return [
        _at_low(tables["runs"].merge(sizes[["n", "T", "unit"]], on=["n", "T"])),
        _published_line(sizes[sizes["unit"] > 1]),
        *boundaries,
        measured(statement, "share of sizes bounded on both sides", meets.mean(), len(meets)),
        found_share("The two criteria differ", MEASURED, "share of runs", int(differ.sum()), len(differ)),
        hysteresis(tables["sweeps"], tables["runs"]),
    ]


def _at_low(runs: pd.DataFrame) -> Finding:
    """Whether most seeds fail at the least R trained above T/n, where T/n is low."""
    above = runs[(runs["unit"] <= 1) & (runs["repeats"] > runs["unit"])]
    least = above[above["repeats"] == above.groupby(["n", "T"])["repeats"].transform("min")]
    shares = least.groupby(["n", "T"])["first"].mean()
    outcome = outcome_of(int((shares < 0.5).sum()), len(shares))
    quantity = "share of seeds among the first by D_X, at the least R above T/n"
    return found_share(MORE_NEEDED, outcome, quantity, int(least["first"].sum()), len(least), "T/n ≤ 1")


def _published_line(sizes: pd.DataFrame) -> Finding:
    """Whether boundaries at larger T/n hold the published line; open where one that is bounded on one side may."""
    line = PUBLISHED_SLOPE * sizes["unit"]
    holds = (sizes["low"] <= line) & (line <= sizes["high"])
    on, of = int(holds[sizes["bounded"]].sum()), int(sizes["bounded"].sum())
    outcome = outcome_of(on, of) if on or not holds.any() else "not decided"
    share = on / of if of else np.nan
    return Finding(LINE, outcome, "share of boundaries whose interval holds it", share, n=of, at="T/n > 1")


def hysteresis(sweeps: pd.DataFrame, runs: pd.DataFrame) -> Finding:
    """In how many seeds a falling R keeps the point embedded below where fresh starts embed it, equal ones left out."""
    less = more = 0
    place = ["n", "T", "seed"]
    fresh = dict(parts(runs, *place))
    falling = dict(parts(sweeps[sweeps["direction"] == "down"], *place))
    for key in falling.keys() & fresh.keys():
        down, own = falling[key], fresh[key]
        _, kept = turning(numbers(down, "repeats"), numbers(down, "length") > EMBEDDED)
        _, needed = turning(numbers(own, "repeats"), np.asarray(own["embedded"], dtype=np.bool_))
        less, more = less + (kept < needed), more + (kept > needed)
    statement = "A falling R keeps the point embedded where fresh starts leave it out"
    return found_share(statement, MEASURED, "share of seeds, of those that differ", less, less + more)


def summary(tables: Tables) -> pd.DataFrame:
    """For each size its runs, the boundary by either criterion, and what the theory and the published line say."""
    sizes = _sizes(tables)
    stays = zip(sizes["metastable_until"], sizes["metastable_censored"], strict=True)
    until = [at_least(f"{R:.3g}", censored) for R, censored in stays]
    return pd.DataFrame(
        {
            "n": sizes["n"],
            "T/n": sizes["unit"],
            "runs": sizes["runs"],
            "that store a feature": sizes["storing"],
            "R by D_X": _shown(sizes, "median", "low", "high"),
            "R by hidden length": _shown(sizes, "median_by_length", "low_by_length", "high_by_length"),
            "theory": _shown(sizes, "threshold", "least", "greatest"),
            "open draws": sizes["undecided"],
            "stays out until": until,
            f"{PUBLISHED_SLOPE:g} T/n": (PUBLISHED_SLOPE * sizes["unit"]).round(6),
        }
    )


def _shown(sizes: pd.DataFrame, *columns: str) -> list[str]:
    """Values with their ends; the ends alone without a value."""
    cells = []
    for value, low, high in sizes[list(columns)].to_numpy():
        ends = f"{low:.3g} to {high:.3g}".replace("inf", "∞")
        cells.append(ends if np.isnan(value) else f"{value:.3g} ({ends})")
    return cells


def draw(tables: Tables) -> Figure:
    """One map for each n, and the sweeps in both directions."""
    sizes = sorted(set(tables["runs"]["n"]))
    figure = empty(4.3 * (len(sizes) + 1), 5.6, w_pad=0.08)
    axes = figure.subplots(1, len(sizes) + 1, squeeze=False)[0]
    units = tables["theory"]["T"] / tables["theory"]["n"]
    for ax, n in zip(axes, sizes, strict=False):
        ax.sharex(axes[0])
        ax.sharey(axes[0])
        ax.set(xscale="log", yscale="log", xlabel="datapoints per feature T/n", title=f"n = {n}")
        ax.set_xlim(0.6 * float(units.min()), max(1.5 * float(units.max()), 15.0))
        ax.set_ylim(0.9, 1.6 * max(float(tables["runs"]["repeats"].max()), 10.0))
        own = {name: table[table["n"] == n] for name, table in tables.items() if "n" in table}
        _draw_theory(ax, own["theory"].sort_values("T"))
        _draw_runs(ax, own["runs"])
        _draw_boundaries(ax, own["boundaries"])
        plain_numbers(ax.xaxis, at=(1, 3))
        plain_numbers(ax.yaxis, at=(1, 2, 3, 5))
        ax.tick_params(which="minor", length=0)
    axes[0].set_ylabel("repeats R")
    _draw_sweeps(axes[-1], tables["sweeps"])
    one_legend(figure, axes, ncols=2, fontsize=11)
    return figure


def _draw_theory(ax: Axes, theory: pd.DataFrame) -> None:
    unit, ends = theory["T"] / theory["n"], (theory["least"], theory["greatest"])
    ax.plot(unit, theory["median"], "-", color=GREEN, lw=1.8, label="theory: threshold, median of draws")
    ax.fill_between(unit, *ends, color=GREEN, alpha=0.2, lw=0, label="… range of draws")
    until, longer = theory["metastable_until"], theory["metastable_censored"]
    ax.plot(unit, until, ":", color=GREEN, lw=1.6, label="… unembedded state stands until")
    if longer.any():
        label = "… and longer: the scan of R ends there"
        ax.plot(unit[longer], until[longer], "^", color=GREEN, mfc="none", ms=7, label=label)
    line = np.array([0.8, 40.0])
    ax.plot(line, PUBLISHED_SLOPE * line, "-", color=INK, lw=1.2, label="published line, R = 0.4 T/n")


def _draw_runs(ax: Axes, runs: pd.DataFrame) -> None:
    for first, colour, marker, label in (
        (True, VERMILLION, "o", "trained: point among the first 0.1 % by $D_X$"),
        (False, BLUE, "x", "trained: it is not"),
    ):
        own = runs[runs["first"] == first]
        # seeds lie side by side
        place = own["T"] / own["n"] * (1 + 0.07 * (own["seed"] - runs["seed"].mean()))
        ax.plot(place, own["repeats"], marker, color=colour, ms=5, mew=1.4, alpha=0.8, label=label)


def _draw_boundaries(ax: Axes, boundaries: pd.DataFrame) -> None:
    fits = boundaries.query("criterion == 'first' and median == median")
    # an interval may be open
    bars = [fits["median"] - fits["low"], (fits["high"] - fits["median"]).clip(upper=1e3)]
    label, place = "fitted boundary, 95 % interval", 0.78 * fits["T"] / fits["n"]
    ax.errorbar(place, fits["median"], bars, fmt="s", color=INK, ms=6, capsize=3, label=label)


def _draw_sweeps(ax: Axes, sweeps: pd.DataFrame) -> None:
    for direction, colour, marker in (("down", VERMILLION, "v"), ("up", BLUE, "^")):
        half = sweeps[sweeps["direction"] == direction]
        lengths = half.pivot(index="repeats", columns="seed", values="length")
        lines = ax.plot(lengths, marker, ls="-", color=colour, ms=5, lw=1, alpha=0.7)
        lines[0].set_label(f"sweep of R on one dataset, {direction}ward, a line per seed")
    ax.axhline(EMBEDDED, color=GREY, ls=":", lw=1.1)
    n, T = int(sweeps["n"].iloc[0]), int(sweeps["T"].iloc[0])
    ax.set(xlabel="repeats R", ylabel="hidden length of the point", title=f"n = {n}, T/n = {T / n:g}")
    ax.set_ylim(0, None)


def sweep_both_ways(run: Run, repeats: Sequence[int], steps: int = STEPS) -> pd.DataFrame:
    """From a run with many repeats down to the fewest, and up again: columns direction, repeats, seed, length, loss.
    ``repeats`` increase and end at the run's own. ``length`` is that of the repeated point's hidden vector.
    """
    setting, drawn, engine, rows = run.setting, run.data, resolve_engine(run.engine), []
    for direction, order in (("down", reversed(repeats)), ("up", iter(repeats))):
        for R in order:
            fewer = drawn.sparse()[:, setting.repeats - R :]  # of the copies, which come first
            data = Dataset(setting.n, fewer.indptr.astype(np.int64), fewer.indices, fewer.data)
            own = setting.replace(T=data.T, repeats=R, steps=steps)
            start = run.W.astype(np.float64), run.b.astype(np.float64)
            run = train_one(own, engine=engine, data=data, start=start)
            length = float(np.linalg.norm(data.project(run.W.astype(np.float64))[:, 0]))
            rows.append((direction, R, setting.seed, length, float(run.history_loss[-1])))
    return pd.DataFrame(rows, columns=["direction", "repeats", "seed", "length", "train_loss"])
