"""Experiment ``published-curves``: why the authors' test loss and that of the first replication differ. Henighan et
al. 2023, first figure, and Jermyn's replication in its comments. The paper prints the loss as a sum over features;
code commonly averages over them too, which to Adam is an ε n times as large (`optimization.epsilon-mean`). Runs here
average; those of experiment ``dataset-size``, which sum, are laid beside them. Recorded losses are sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import draw_seeds, empty
from experiments.bump import excess_mean, geometric_mean, mean_losses, ratio_interval
from experiments.dataset_size import norm_findings, onset_findings, with_chosen
from experiments.findings import Finding, Tables, found, measured, outcome_of
from experiments.grouping import level_table, levels_of, values_by
from experiments.published import PUBLISHED_N, peak_outcome
from experiments.tables import form_folders, form_of, read_tables
from numerics import Run
from verify.figures.norms import published_series
from verify.statistics import mean_interval
from verify.style import BLUE, GREEN, INK, VERMILLION

KEYS = ("T", "data_seed", "seed")

#: What reading the published curve off a figure leaves open.
READ_OFF = 3e-4

STYLES = {"mean": (BLUE, "o", "loss averaged over features"), "sum": (GREEN, "s", "loss summed, as printed")}

_COLUMNS = [
    *KEYS, "status", "train_loss", "test_loss", "test_loss_error", "weight_norm", "bias_norm",
    "median_hidden_length", "largest_feature_dimensionality",
]  # fmt: skip


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs`` (``chosen``: least train loss of each T and data seed), beside it summed and published losses."""
    kept = table[_COLUMNS].sort_values(list(KEYS), ignore_index=True)
    levels = level_table(n=runs[0].setting.n, density=runs[0].setting.density)
    return derived({"runs": kept, "levels": levels, "published": published_series("test_loss")})


def derived(tables: Tables) -> Tables:
    """The tables with the chosen runs marked, and with those of ``dataset-size`` at the same n, where it has some."""
    columns = ["T", "data_seed", "test_loss", "weight_norm", "bias_norm", "largest_feature_dimensionality"]
    summed = pd.DataFrame(columns=columns)
    for other in map(read_tables, form_folders(Path(__file__).parents[1] / "dataset_size")):
        if levels_of(other)["n"] == levels_of(tables)["n"] and form_of(other)["form"] != "preview":
            summed = other["runs"].query("chosen")[columns].reset_index(drop=True)
    return tables | {"runs": with_chosen(tables["runs"]), "summed": summed}


def draw(tables: Tables) -> Figure:
    """Test losses above; norms and hidden lengths below."""
    figure = empty(9.6, 12, h_pad=0.06)
    losses, norms, lengths = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 1.6])
    frames = {"mean": tables["runs"].query("chosen"), "sum": tables["summed"]}
    for name, runs in frames.items():
        colour, marker, label = STYLES[name]
        draw_seeds(losses, runs["T"], runs["test_loss"] - 1, label, excess_mean, color=colour, marker=marker)
        for column, line in (("weight_norm", "-"), ("bias_norm", "--")):
            norms.plot(runs.groupby("T")[column].median(), line, color=colour, lw=1.8)
    if len(published := _comparable(tables)):
        look = {"color": VERMILLION, "ms": 10, "mew": 2.5, "label": "published by the authors"}
        losses.plot(published["T"], published["test_loss"] - 1, "x", **look)
    chosen = _typical(frames["mean"]).groupby("T")[["median_hidden_length", "typical"]].median()
    for column, line in (("median_hidden_length", "-"), ("typical", ":")):
        lengths.plot(chosen[column], line, color=BLUE, lw=1.8)
    losses.axhline(0, color=INK, lw=1)
    losses.set_yscale("symlog", linthresh=1e-3, linscale=0.6)
    highest = max(frame["test_loss"].max() for frame in frames.values() if len(frame)) - 1
    losses.set(ylabel="test loss − 1 (zero output: 0)", ylim=(-4e-3, 4 * max(0.01, float(highest))))
    losses.legend(loc="upper left")
    norms.set_yscale("log")
    norms.set(ylabel="‖W‖ (solid), ‖b‖ (dashed)")
    lengths.set_xscale("log")
    lengths.xaxis.set_major_formatter("{x:.0f}")
    lengths.set(xlabel="datapoints T", ylabel="median ‖h‖ (solid)\n‖W‖/√T (dotted)", ylim=(0, None))
    return figure


def _typical(runs: pd.DataFrame) -> pd.DataFrame:
    """With ‖W‖/√T, the hidden length of a model whose norm is spread evenly over its datapoints."""
    return runs.assign(typical=runs["weight_norm"] / np.sqrt(runs["T"]))


def _comparable(tables: Tables) -> pd.DataFrame:
    """The published losses at T < ∞, if ours are of the same n."""
    return tables["published"].query("T < inf")[: None if levels_of(tables)["n"] == PUBLISHED_N else 0]


def findings(tables: Tables) -> list[Finding]:
    """Whether the averaged loss gives the published curve, and what of the paper holds with it."""
    chosen = tables["runs"].query("chosen")
    losses = values_by(chosen, "T", "test_loss")
    return [
        _curve(losses, tables),
        _peak(chosen),
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
        ours.low - READ_OFF <= loss <= ours.high + READ_OFF
        for T, loss in zip(published["T"], published["test_loss"], strict=True)
        if len(each := losses.get(int(T), ())) > 1 and (ours := mean_interval(each))
    ]
    outcome = outcome_of(sum(within), len(within) * bool(len(_comparable(tables))))
    quantity = "published T within the interval of the seeds, of those tested"
    return Finding(statement, outcome, quantity, sum(within), n=len(within))


def _peak(chosen: pd.DataFrame) -> Finding:
    """Where the typical hidden length ‖W‖/√T is largest."""
    typical = _typical(chosen).groupby("T")["typical"]
    course, said = typical.median(), "Hidden lengths peak around T = 30, loss averaged over features"
    longest, at = typical.get_group(course.idxmax()), f"T = {course.idxmax()}"
    quantity = "‖W‖/√T where it is largest"
    return found(said, peak_outcome(course), quantity, mean_interval(longest), len(longest), at)


def _ratios(mean: Mapping[int, Sequence[float]], summed: Mapping[int, Sequence[float]]) -> list[Finding]:
    """At the T where the summed loss is largest, how far the two lie apart."""
    common = [T for T in summed if T in mean]
    if not common:
        return []
    T = max(common, key=lambda size: geometric_mean(summed[size]).value)
    said, ratio = "Test loss of the summed loss over that of the averaged", ratio_interval(summed[T], mean[T])
    return [measured(said, "ratio", ratio, len(mean[T]), f"T = {T}")]


def summary(tables: Tables) -> pd.DataFrame:
    """Test loss − 1, norms and D_f for each T: averaged, published, summed."""
    chosen = tables["runs"].query("chosen").groupby("T")
    mean = chosen["test_loss"].agg(mean_interval)
    ends = {"test loss − 1": "value", "from": "low", "to": "high"}
    table = pd.DataFrame({head: mean.map(attrgetter(end)) for head, end in ends.items()}).assign(
        published=_comparable(tables).set_index("T")["test_loss"],
        summed=pd.Series(mean_losses(tables["summed"]), dtype=np.float64),
    )
    shown = {"weight_norm": "‖W‖", "bias_norm": "‖b‖", "median_hidden_length": "median ‖h‖"}
    shown |= {"largest_feature_dimensionality": "D_f"}
    return (table - 1).join(chosen[list(shown)].median().rename(columns=shown)).reset_index()
