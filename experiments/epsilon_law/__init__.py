"""Experiment ``epsilon-law``: whether all that Adam's ε does hangs on one number. ε is that of the loss summed over
features; averaged, nε takes its place (`optimization.epsilon-mean`). Two sizes are trained; runs of ``dataset-size``
(summed) and ``published-curves`` (averaged) are a third, with two ε. Biases are *halved* where ‖b‖ is half of what
the same seed has at the least ε, interpolated in logarithms: between two ε, or between two T where a size has two ε
only. It is told of the T with *long biases*: ‖b‖ > ‖W‖ at the least ε, as in models that memorize.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from experiments.bump import geometric_mean, mean_losses, ratio_interval
from experiments.findings import MEASURED, Finding, Tables, found, measured, outcome_between
from experiments.following import STORED
from experiments.grouping import cell, for_good, numbers, parts, values_by
from experiments.published import PUBLISHED_N
from experiments.tables import form_of, tables_beside
from numerics import Run
from theory import Setting
from theory.number_format import number
from verify.claims.population_claims import halving_of
from verify.statistics import Interval
from verify.style import BLUE, GREEN, INK, VERMILLION, panels

KEYS = ("n", "T", "steps", "lr", "adam_epsilon", "seed")

#: The experiments whose committed runs have the paper's size.
BESIDE = ("dataset-size", "published-curves")

_MEASURED = ["status", "test_loss", "weight_norm", "bias_norm", "largest_feature_dimensionality"]

#: The paper's schedule; other runs change one thing of it.
SCHEDULE = {"steps": 50_000, "lr": 1e-3}

#: Adam's ε there, with the summed loss.
PAPER_EPSILON = 1e-8

#: T/n of the bump in every size: T = 100, 300 and 3000.
BUMP = (0.29, 0.34)

#: Exponents are of datasets up to this T/n, in which most features are seen about once or not at all.
FEW = 0.12

LOOKS = {300: (BLUE, "o"), 1000: (GREEN, "s"), PUBLISHED_N: (VERMILLION, "D")}

#: Up to this T tables tell who memorizes.
SMALL = 15

ROOT = "From the halving on ‖b‖ falls like ε^−1/2 (`optimization.epsilon-length`), not like 1/ε"
TIME = "There ‖b‖, over that at the least ε, falls with T as with ε: like T^−1/2, not alone with ε"
SIZE = "There n does not change it, so that εT decides and not nεT (`optimization.epsilon`)"
#: Each of them, the symbol whose exponent it is about, what it says and what its rival says.
EXPONENTS = ((ROOT, "ε", -0.5, -1.0), (TIME, "T", -0.5, 0.0), (SIZE, "n", 0.0, -0.5))
HALVED = "They are halved where `optimization.epsilon-length` says, within a factor of 3"
LATER = "A quarter of the steps moves the halving as `optimization.epsilon-length` says"
RATE = "Far behind the halving ‖b‖ hangs on the sum of the learning rates, not on the rate"
KEPT = "With the summed loss a smaller n may keep the paper's ε: its εT gives the same biases"


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs`` and ``paper``, the same of the runs at the paper's size."""
    return derived({"runs": table[[*KEYS, *_MEASURED]].sort_values(list(KEYS), ignore_index=True)})


def derived(tables: Tables) -> Tables:
    """The tables with the runs at the paper's size, whose ``seed`` is that of the dataset, each with several starts."""
    frames = []
    for name, loss in zip(BESIDE, ("sum", "mean"), strict=True):
        found = tables_beside(name)
        form, runs = form_of(found), found["runs"]
        scale = float(form["adam_epsilon"]) * (int(form["n"]) if loss == "mean" else 1)
        runs = runs.assign(n=int(form["n"]), adam_epsilon=scale, seed=runs["data_seed"], **SCHEDULE)
        frames.append(runs[[*KEYS, *_MEASURED]])
    return tables | {"paper": pd.concat(frames, ignore_index=True)}


def all_runs(tables: Tables) -> pd.DataFrame:
    """The runs of all sizes, with ``number`` εT, ``excess`` (test loss − 1)/n, and ``relative`` ‖b‖: to the least ε."""
    runs = pd.concat([tables["runs"], tables["paper"]], ignore_index=True)
    runs["number"] = runs["adam_epsilon"] * runs["T"]
    runs["excess"] = (runs["test_loss"] - 1) / runs["n"]
    alike = [runs[key] for key in ("n", "T", "steps", "lr", "seed")]
    runs["least"] = runs["adam_epsilon"] == runs["adam_epsilon"].groupby(alike).transform("min")
    own = runs["bias_norm"].where(runs["least"]).groupby(alike).transform("median")
    return runs.assign(relative=runs["bias_norm"] / own)


def with_long_biases(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of those n and T at which most models of least ε have ‖b‖ > ‖W‖, as those that memorize do."""
    long = (runs["bias_norm"] > runs["weight_norm"]).where(runs["least"])
    share = long.astype(float).groupby([runs["n"], runs["T"]]).transform("mean")
    return runs[share > 0.5]


def halvings(runs: pd.DataFrame) -> pd.DataFrame:
    """Where biases are halved: one row for each seed and T, or for each seed where a size has two ε only; ``at`` is
    what is held there, T or ε.
    """
    rows: list[tuple[object, ...]] = []
    for place, part in parts(with_long_biases(runs), "n", "steps", "lr", "seed"):
        grid = part.pivot_table(index="T", columns="adam_epsilon", values="relative", aggfunc="median")
        if len(grid.columns) > 2:
            rows += [(*place, str(T), T, halved(row.dropna())) for T, row in grid.iterrows()]
        elif len(grid.columns) == 2:
            epsilon = grid.columns[-1]
            rows.append((*place, f"at ε = {epsilon:g}", halved(grid[epsilon].dropna()), epsilon))
    table = pd.DataFrame(rows, columns=["n", "steps", "lr", "seed", "at", "T", "epsilon"]).dropna()
    return table.assign(number=table["T"] * table["epsilon"])


def halved(course: pd.Series, level: float = 0.5) -> float:
    """Where a course by ascending places falls below ``level`` for good, interpolated in logarithms; NaN if nowhere.

    >>> round(halved(pd.Series({1.0: 1.0, 100.0: 0.25})), 9)
    10.0
    """
    place, value = np.asarray(course.index, dtype=np.float64), np.asarray(course, dtype=np.float64)
    above = np.flatnonzero(value >= level)
    if not len(above) or above[-1] + 1 == len(value):
        return math.nan
    ends = slice(above[-1], above[-1] + 2)
    return float(np.exp(np.interp(-math.log(level), -np.log(value[ends].clip(1e-9)), np.log(place[ends]))))


@cache
def predicted(steps: float = SCHEDULE["steps"], lr: float = SCHEDULE["lr"]) -> float:
    """The εT at which biases on typical entries are halved, by `optimization.epsilon-length`."""
    return halving_of(Setting(T=1, steps=int(steps), lr=lr))


def draw(tables: Tables) -> Figure:
    """‖b‖ over that at the least ε against three candidates for the one number, with the bound; and the bump."""
    usual = _usual(all_runs(tables))
    rows, half = with_long_biases(usual)[lambda each: ~each["least"]], predicted()
    figure, [[alone, sized], [number, height]] = panels(2, 2, 5.7, 4.5)
    for ax, place, label, title in (
        (alone, rows["adam_epsilon"], "ε", "ε alone"),
        (sized, rows["n"] * rows["number"], "nεT", "ε, datapoints and features"),
        (number, rows["number"], "εT", "ε and datapoints"),
    ):
        _draw_sizes(ax, rows.assign(place=place), "relative")
        ax.set(xscale="log", yscale="log", ylim=(0.015, 1.6), title=title)
        ax.set(xlabel=f"{label}, loss summed over features", ylabel="‖b‖ over that at the least ε")
    alone.legend(loc="lower left")
    place = np.geomspace(half / 4, 10, 50)
    bound = "bound, half at 2.17 ΛX²/B²\n[optimization.epsilon-length]"
    number.plot(place, np.sqrt(half / place) / 2, "--", color=INK, label=bound)
    number.legend(handles=number.lines[-1:], loc="lower left")
    bump = usual[(usual["T"] / usual["n"]).between(*BUMP)]
    _draw_sizes(height, bump.assign(place=bump["number"]), "excess")
    height.set_xscale("log")
    height.set_yscale("symlog", linthresh=1e-5, linscale=0.5)
    height.axhline(0, color=INK, lw=1)
    height.set(xlabel="εT, loss summed over features", ylabel="(test loss − 1)/n", ylim=(-1e-4, 2))
    height.set_title("the bump, T ≈ n/3")
    return figure


def _draw_sizes(ax: Axes, rows: pd.DataFrame, column: str) -> None:
    """Every run, and a line through the medians of each n and T."""
    for n, part in parts(rows, "n"):
        colour, marker = LOOKS.get(n, LOOKS[300])
        ax.scatter(part["place"], part[column], s=16, marker=marker, color=colour, alpha=0.4, lw=0)
        ax.plot([], [], marker=marker, color=colour, lw=1.2, label=f"n = {n}")
        joined = ["n"] if part["T"].nunique() > part["adam_epsilon"].nunique() else ["n", "T"]
        for _, curve in parts(part, *joined):
            middle = curve.groupby("place")[column].median()
            if len(middle) > 2:
                ax.plot(middle.index, middle, "-", color=colour, lw=1.2)


def _usual(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with the paper's schedule."""
    return runs[(runs["steps"] == SCHEDULE["steps"]) & (runs["lr"] == SCHEDULE["lr"])]


def findings(tables: Tables) -> list[Finding]:
    """Whether εT decides alone, what theory says of biases, and what becomes of the bump."""
    runs = all_runs(tables)
    usual = _usual(runs)
    small = runs[(runs["n"] == 300) & (runs["T"] == 30)]
    return [
        *_exponents(usual),
        _halving(halvings(usual)),
        *_later(halvings(small[small["lr"] == SCHEDULE["lr"]])),
        *_rates(small),
        *_bumps(usual),
        *_kept(usual),
    ]


def _exponents(runs: pd.DataFrame) -> Iterator[Finding]:
    """Least squares of ln relative ‖b‖ on ln ε, ln T and ln n from the halving on, through medians over seeds. Each
    agrees where its whole interval is nearer to what is said than to its rival.
    """
    long = with_long_biases(runs)
    behind = long[(long["number"] >= predicted() / 2) & (long["T"] <= FEW * long["n"])]
    cells = behind[~behind["least"]].groupby(["adam_epsilon", "T", "n"])["relative"].median().reset_index()
    design = np.column_stack([np.ones(len(cells)), np.log(cells[["adam_epsilon", "T", "n"]])])
    value, rest, rank, _ = np.linalg.lstsq(design, np.log(numbers(cells, "relative")))
    free = len(design) - 4
    if rank < 4 or free < 1:
        return
    error = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * float(rest[0]) / free)
    half = float(stats.t.ppf(0.975, free)) * error
    for place, (statement, symbol, wanted, rival) in enumerate(EXPONENTS, 1):
        exponent = Interval(*(float(value[place]) + sign * float(half[place]) for sign in (0, -1, 1)))
        middle, side = (wanted + rival) / 2, math.copysign(1, wanted - rival)
        outcome = outcome_between(exponent, *sorted((middle, side * math.inf)))
        yield found(statement, outcome, f"exponent of {symbol} in ‖b‖", exponent, len(cells))


def _halving(points: pd.DataFrame) -> Finding:
    """The εT of the halving over that of theory, of each n and what is held the mean over seeds."""
    middles = np.exp(np.log(points["number"]).groupby([points["n"], points["at"]]).mean())
    ratio, quantity = geometric_mean(middles / predicted()), "εT, measured over predicted"
    return found(HALVED, outcome_between(ratio, 1 / 3, 3), quantity, ratio, len(middles))


def _later(points: pd.DataFrame) -> Iterator[Finding]:
    """How the halving moves with the number of steps."""
    halved_at = values_by(points, "steps", "number")
    if len(halved_at) > 1:
        few, many = min(halved_at), max(halved_at)
        wanted = predicted(few) / predicted(many)
        ratio = ratio_interval(halved_at[few], halved_at[many])
        quantity = f"ratio of εT (predicted: {number(wanted, 3)})"
        outcome = outcome_between(ratio, wanted / 1.5, 1.5 * wanted)
        yield found(LATER, outcome, quantity, ratio, len(halved_at[few]), "n = 300, T = 30")


def _rates(runs: pd.DataFrame) -> Iterator[Finding]:
    """‖b‖ at a larger learning rate and the same sum of rates, where ε is largest and at the paper's."""
    for epsilon in (1e-2, PAPER_EPSILON):
        rows = runs[runs["adam_epsilon"] == epsilon]
        fast, slow = rows[rows["lr"] != SCHEDULE["lr"]], _usual(rows)
        if len(fast) and len(slow):
            ratio = ratio_interval(fast["bias_norm"], slow["bias_norm"])
            outcome = outcome_between(ratio, 2 / 3, 1.5) if epsilon == 1e-2 else MEASURED
            said = RATE if epsilon == 1e-2 else "At the paper's ε"
            yield found(said, outcome, "‖b‖ at ten times the rate", ratio, len(fast), f"ε = {epsilon:g}")


def _bumps(runs: pd.DataFrame) -> Iterator[Finding]:
    """At each n, (test loss − 1)/n at the bump for the least ε, and the εT at which it is a tenth of that."""
    for n, part in parts(runs[(runs["T"] / runs["n"]).between(*BUMP)], "n"):
        high, place = part[part["least"]]["excess"], f"n = {n}, T = {part['T'].iloc[0]}"
        if (high <= 0).any():
            continue
        mean = geometric_mean(high)
        yield measured("Height of the bump", "(test loss − 1)/n at the least ε", mean, len(high), place)
        courses = [rows.groupby("number")["excess"].median() for _, rows in parts(part, "seed")]
        falls = [halved(course / course.iloc[0], 0.1) for course in courses if len(course) > 2]
        if falls and not np.isnan(falls).any():
            mean = geometric_mean(falls)
            yield measured("The bump has a tenth of its height", "εT", mean, len(falls), place)


def _kept(runs: pd.DataFrame) -> Iterator[Finding]:
    """Models of the least ε with one to nine times the paper's εT over those of its ε, paired by n, T and seed."""
    trained = runs[runs["n"] < PUBLISHED_N]
    times = trained["adam_epsilon"] * trained["n"] / (PAPER_EPSILON * PUBLISHED_N)
    keeping = trained[times.between(0.99, 9)].sort_values("adam_epsilon").drop_duplicates(["n", "T", "seed"])
    pairs = keeping.merge(trained[trained["adam_epsilon"] == PAPER_EPSILON], on=["n", "T", "seed"])
    if len(pairs):
        for column, statement in (("bias_norm", KEPT), ("test_loss", "Their test loss")):
            mean = geometric_mean(pairs[f"{column}_x"] / pairs[f"{column}_y"])
            outcome = outcome_between(mean, 0.9, 1.1) if statement == KEPT else MEASURED
            yield found(statement, outcome, f"{column.replace('_', ' ')}, ratio", mean, len(pairs))


def summary(tables: Tables) -> dict[str, pd.DataFrame]:
    """Bump, norms and onset by n and ε; halvings by n and T; who memorizes few datapoints."""
    runs = all_runs(tables)
    usual = _usual(runs)
    curves = [
        _curve(n, epsilon, part)
        for (n, epsilon), part in parts(usual, "n", "adam_epsilon")
        if part["T"].max() >= n
    ]
    few = usual[usual["T"] <= SMALL].assign(share=lambda rows: rows["status"] == "memorized")
    shares = few.pivot_table(index=["n", "T"], columns="adam_epsilon", values="share")
    shares = shares[shares.max(axis=1) > 0].rename(columns=lambda each: f"ε = {each:g}")
    bumps = "By n and ε: the bump, the largest ‖W‖, and from where on features are stored for good."
    return {
        bumps: pd.DataFrame(curves),
        "Where biases are halved.": pd.DataFrame(_halved_rows(halvings(runs))),
        "Share of runs that memorize.": shares.reset_index(),
    }


def _curve(n: int, epsilon: float, runs: pd.DataFrame) -> dict[str, object]:
    loss, medians = mean_losses(runs), runs.groupby("T").median(numeric_only=True)
    peak, length = max(loss, key=loss.__getitem__), medians["weight_norm"]
    onset = for_good(medians["largest_feature_dimensionality"] >= STORED)
    return {
        "n": n,
        "ε": f"{epsilon:g}",
        "largest test loss − 1": loss[peak] - 1,
        "at T": peak,
        "its log10": cell(math.log10(loss[peak] - 1) if loss[peak] > 1 else math.nan, 3),
        "largest ‖W‖": length.max(),
        "at T ": length.idxmax(),
        "features from T": f"{onset[1]:g}" if onset else "–",
    }


def _halved_rows(points: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (n, steps, lr, at), part in points.groupby(["n", "steps", "lr", "at"], sort=False):
        where = geometric_mean(part["number"])
        yield {"n": n, "T": at, "steps": steps, "lr": lr, "εT": where.value, "from": where.low,
               "to": where.high, "predicted": predicted(steps, lr), "seeds": len(part)}  # fmt: skip
