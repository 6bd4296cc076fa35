"""Experiment ``published-curves``: why the authors' test loss and that of the first replication differ.

Henighan et al. 2023, first figure, and Jermyn's replication in its comments. The paper prints the loss as a sum over
features; code commonly averages over them too, which to Adam is an ε n times as large (`optimization.epsilon-mean`).
Runs here average; those of experiment ``dataset-size``, which sum, are laid beside them. Recorded losses are sums.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from experiments.bump import geometric_mean, ratio_interval
from experiments.dataset_size import levels_of, norm_findings, onset_findings, with_chosen
from experiments.findings import MEASURED, Finding, Outcome, Tables, found, outcome_of
from experiments.grouping import medians, numbers, values_by
from experiments.published import PUBLISHED_N, published_test_loss
from experiments.tables import read_tables
from numerics import Run
from verify.statistics import Interval, mean_interval
from verify.style import BLUE, GREEN, INK, VERMILLION, Plot

KEYS = ("T", "data_seed", "seed")

#: What reading the published curve off a figure leaves open.
READ_OFF = 3e-4

#: The losses that are compared, and how each is drawn: the authors' data, ours averaged, ours summed.
STYLES = {"mean": (BLUE, "o", "loss averaged over features"), "sum": (GREEN, "s", "loss summed, as printed")}

_COLUMNS = [
    *KEYS, "status", "train_loss", "test_loss", "test_loss_error", "weight_norm", "bias_norm",
    "median_hidden_length", "largest_feature_dimensionality",
]  # fmt: skip


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs`` (``chosen``: least train loss of each T and data seed), beside it summed and published losses."""
    n, density = runs[0].setting.n, runs[0].setting.density
    kept = table[_COLUMNS].sort_values(list(KEYS), ignore_index=True)
    level = pd.DataFrame({"level": ["n", "density"], "value": [n, density]})
    return derived({"runs": kept, "levels": level, "published": published_test_loss()})


def derived(tables: Tables) -> Tables:
    """The tables with the chosen runs marked, and the summed losses of the same n."""
    return tables | {"runs": with_chosen(tables["runs"]), "summed": _summed(levels_of(tables)["n"])}


def _summed(n: float) -> pd.DataFrame:
    """The chosen runs of ``dataset-size`` at this n; none where it has none."""
    home = Path(__file__).parents[1] / "dataset_size"
    columns = ["T", "data_seed", "test_loss", "weight_norm", "bias_norm", "largest_feature_dimensionality"]
    for folder in (home, home / "tenth"):
        if (folder / "tables").is_dir():
            tables = read_tables(folder)
            if levels_of(tables)["n"] == n:
                return tables["runs"].query("chosen")[columns].reset_index(drop=True)
    return pd.DataFrame(columns=columns)


def draw(tables: Tables) -> Figure:
    """Test losses above; norms and hidden lengths below."""
    figure = Plot(figsize=(9.6, 12))
    figure.set_layout_engine("constrained", h_pad=0.06)
    losses, norms, lengths = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1.6])
    frames = {"mean": tables["runs"].query("chosen"), "sum": tables["summed"]}
    for name, runs in frames.items():
        _draw_losses(losses, runs, name)
        for column, line in (("weight_norm", "-"), ("bias_norm", "--")):
            _draw_medians(norms, runs, column, name, line)
    published = tables["published"].query("T < inf")
    if round(levels_of(tables)["n"]) == PUBLISHED_N:
        theirs = numbers(published, "test_loss") - 1
        losses.plot(
            published["T"], theirs, "x", color=VERMILLION, ms=10, mew=2.5, label="published by the authors"
        )
    chosen = frames["mean"]
    _draw_medians(lengths, chosen, "median_hidden_length", "mean", "-")
    ratio = medians(values_by(chosen.assign(typical=_typical(chosen)), "T", "typical"))
    lengths.plot(list(ratio), list(ratio.values()), ":", color=BLUE, lw=2)
    losses.axhline(0, color=INK, lw=1)
    losses.set_yscale("symlog", linthresh=1e-3, linscale=0.6)
    highest = max(frame["test_loss"].max() for frame in frames.values() if len(frame)) - 1
    losses.set(ylabel="test loss − 1 (zero output: 0)", ylim=(-4e-3, 4 * max(0.01, float(highest))))
    losses.legend(loc="upper left")
    norms.set_yscale("log")
    norms.set(ylabel="‖W‖ (solid), ‖b‖ (dashed)")
    lengths.set_xscale("log")
    lengths.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    lengths.set(xlabel="datapoints T", ylabel="median ‖h‖ (solid)\n‖W‖/√T (dotted)", ylim=(0, None))
    return figure


def _draw_losses(ax: Axes, runs: pd.DataFrame, name: str) -> None:
    colour, marker, label = STYLES[name]
    curve = medians(values_by(runs, "T", "test_loss"), lambda each: geometric_mean(each).value)
    ax.scatter(runs["T"], numbers(runs, "test_loss") - 1, s=22, marker=marker, color=colour, alpha=0.45, lw=0)
    ax.plot(list(curve), [value - 1 for value in curve.values()], color=colour, lw=1.8, label=label)


def _draw_medians(ax: Axes, runs: pd.DataFrame, column: str, name: str, line: str) -> None:
    curve = medians(values_by(runs, "T", column))
    ax.plot(list(curve), list(curve.values()), line, color=STYLES[name][0], lw=1.8)


def _typical(runs: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """‖W‖/√T, the hidden length of a model whose norm is spread evenly over its datapoints."""
    return numbers(runs, "weight_norm") / np.sqrt(numbers(runs, "T"))


def findings(tables: Tables) -> list[Finding]:
    """Whether the averaged loss gives the published curve, and what of the paper holds with it."""
    chosen = tables["runs"].query("chosen")
    losses = values_by(chosen, "T", "test_loss")
    return [
        _curve(losses, tables),
        *_peaks(chosen),
        *(
            replace(each, statement=f"{each.statement}, loss averaged over features")
            for each in (*onset_findings(chosen, levels_of(tables)["density"]), *norm_findings(chosen))
        ),
        *_ratios(losses, values_by(tables["summed"], "T", "test_loss")),
    ]


def _curve(losses: Mapping[int, Sequence[float]], tables: Tables) -> Finding:
    """At how many published T the mean over dataset seeds and the published value agree within the seeds' spread."""
    statement = "The authors' test loss is that of the loss averaged over features"
    published = tables["published"].query("T < inf")
    within = [
        _agree(mean_interval(losses[int(T)]), loss)
        for T, loss in zip(published["T"], published["test_loss"], strict=True)
        if int(T) in losses and len(losses[int(T)]) > 1
    ]
    comparable = round(levels_of(tables)["n"]) == PUBLISHED_N
    return Finding(
        statement,
        outcome_of(sum(within), len(within) * comparable),
        "published T within the interval of the seeds, of those tested",
        sum(within),
        n=len(within),
    )


def _agree(ours: Interval, published: float) -> bool:
    return ours.low - READ_OFF <= published <= ours.high + READ_OFF


def _peaks(chosen: pd.DataFrame) -> list[Finding]:
    """Where the typical hidden length ‖W‖/√T is largest."""
    typical = values_by(chosen.assign(typical=_typical(chosen)), "T", "typical")
    course = medians(typical)
    peak = max(course, key=course.__getitem__)
    last = max(course)
    outcome: Outcome = "not tested" if last < 45 else "agrees" if 20 <= peak <= 50 else "differs"
    return [
        found(
            "Hidden lengths peak around T = 30, loss averaged over features",
            outcome,
            "‖W‖/√T where it is largest",
            mean_interval(typical[peak]),
            len(typical[peak]),
            f"T = {peak}",
        )
    ]


def _ratios(mean: Mapping[int, Sequence[float]], summed: Mapping[int, Sequence[float]]) -> list[Finding]:
    """At the T where the summed loss is largest, how far the two lie apart."""
    common = [T for T in summed if T in mean]
    if not common:
        return []
    T = max(common, key=lambda size: geometric_mean(summed[size]).value)
    ratio = ratio_interval(summed[T], mean[T])
    return [
        found(
            "Test loss of the summed loss over that of the averaged",
            MEASURED,
            "ratio",
            ratio,
            len(mean[T]),
            f"T = {T}",
        )
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """Test loss − 1, norms and D_f for each T: averaged, published, summed."""
    chosen, summed = tables["runs"].query("chosen"), tables["summed"]
    mean = {T: mean_interval(each) for T, each in values_by(chosen, "T", "test_loss").items()}
    comparable = round(levels_of(tables)["n"]) == PUBLISHED_N
    theirs = (
        dict(zip(tables["published"]["T"], tables["published"]["test_loss"], strict=True))
        if comparable
        else {}
    )
    own = medians(values_by(summed, "T", "test_loss"), lambda each: geometric_mean(each).value)
    columns = {
        "test loss − 1": [each.value - 1 for each in mean.values()],
        "from": [each.low - 1 for each in mean.values()],
        "to": [each.high - 1 for each in mean.values()],
        "published": [theirs.get(T, math.nan) - 1 for T in mean],
        "summed": [own.get(T, math.nan) - 1 for T in mean],
    }
    for head, column in (
        ("‖W‖", "weight_norm"),
        ("‖b‖", "bias_norm"),
        ("median ‖h‖", "median_hidden_length"),
        ("D_f", "largest_feature_dimensionality"),
    ):
        columns[head] = list(medians(values_by(chosen, "T", column)).values())
    return pd.DataFrame({"T": list(mean)} | columns)
