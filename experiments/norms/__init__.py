"""Experiment ``norms``: ‖W‖, ‖b‖ and the lengths of hidden vectors and features against the number of datapoints.
Henighan et al. 2023, section "How Do Models Change with Dataset Size?", second figure. Theory is the regular T-gon of
least norm; beyond the T at which half of all datasets need a bias that AdamW cannot reach within the schedule
(`optimization.necessary-bias`, `optimization.reach`), its line is broken.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import empty, one_legend
from experiments.findings import Finding, Tables, measured, outcome_of
from experiments.grouping import median_range
from experiments.published import peak_outcome
from numerics import Run
from numerics.schedule import learning_rates
from theory import tgon_bias_norm, tgon_weight_norm
from theory.memorization.tgon import bias_overtakes_weights_at, tgon_radius_squared
from theory.optimization.reach import reach, tgon_within_reach
from verify.diagnosis import diagnose_run
from verify.figures.norms import draw_norm, published_series
from verify.style import INK, SOFT

KEYS = ("T", "seed")

OVERTAKES = "‖b‖ starts below ‖W‖ and becomes larger (Jermyn)"


def collect(runs: Sequence[Run]) -> Tables:
    """Tables ``runs``, ``theory`` (a row per T) and ``published``."""
    rows = [
        {
            "T": run.setting.T,
            "seed": run.setting.seed,
            "memorized": run.status == "memorized",
            "diagnosis": diagnose_run(run).name,
            "disjoint": run.data.has_disjoint_supports,
            "weight_norm": run.record.weight_norm,
            "bias_norm": run.record.bias_norm,
            "hidden_length": float(np.median(np.sqrt(run.record.radius_squared))),
            "feature_length": float(np.linalg.norm(run.W.astype(np.float64), axis=0).max()),
            "largest_bias": float(np.abs(run.b).max()),
        }
        for run in runs
    ]
    setting = runs[0].setting
    bound = reach(learning_rates(setting), setting.weight_decay)
    sizes = np.arange(3, max(run.setting.T for run in runs) + 1)
    chances = [tgon_within_reach(int(T), bound, setting.n, setting.sparsity) for T in sizes]
    theory = pd.DataFrame({"T": sizes}).assign(
        weight_norm=tgon_weight_norm(sizes),
        bias_norm=tgon_bias_norm(sizes),
        hidden_length=np.sqrt(tgon_radius_squared(sizes)),
        within_reach=np.round(chances, 3),
        largest_bias=bound,
    )
    published = published_series("norms")
    ordered = pd.DataFrame(rows).sort_values(list(KEYS), kind="stable")
    return {"runs": ordered, "theory": theory, "published": published[published["T"] <= sizes[-1]]}


def findings(tables: Tables) -> list[Finding]:
    """The crossing of ‖b‖ and ‖W‖, where lengths peak, agreement with the T-gon, the reach, the published series."""
    runs, theory = tables["runs"], tables["theory"]
    most = runs.iloc[int(runs["largest_bias"].argmax())]
    ratios = _memorized(tables)["ratio"]
    beyond = theory.loc[theory["within_reach"] < 0.5, "T"]
    own = runs.groupby("T")["weight_norm"].agg(["min", "max"])
    both = tables["published"].join(own, on="T", how="inner")
    inside = both["weight_norm"].between(both["min"] * 0.97, both["max"] * 1.03)  # read to 3 %
    return [
        _crossing(runs),
        _growth(runs),
        measured("‖W‖ of runs that memorize disjoint data, over the least", "smallest ratio",
                 ratios.min(), len(ratios)),
        measured("Largest bias of all runs", "absolute value", most["largest_bias"], len(runs),
                 f"T = {most['T']}"),
        measured("Largest bias that steps of the learning rate reach", "absolute value",
                 theory["largest_bias"].iloc[0]),
        measured("A regular T-gon needs a larger bias on half of all datasets", "least T", float(beyond.min())),
        measured("The published ‖W‖ lies within the range of our seeds", "of the T in both", int(inside.sum()),
                 len(inside)),
    ]  # fmt: skip


def summary(tables: Tables) -> pd.DataFrame:
    """‖W‖ over the least where runs memorize disjoint data: all of them, and the regular T-gons among them."""
    good = _memorized(tables)
    polygons = good[good["diagnosis"] == "regular T-gon"]
    every, regular = (part.groupby("T")["ratio"] for part in (good, polygons))
    heads = {
        "seeds on disjoint data": tables["runs"].groupby("T")["disjoint"].sum(),
        "memorize": every.size(),
        "‖W‖ over the least: median (range)": every.agg(median_range).map(str),
        "regular T-gons alone": regular.agg(median_range).map(str),
    }
    return pd.DataFrame(heads, index=every.size().index).fillna("–").reset_index()


def _memorized(tables: Tables) -> pd.DataFrame:
    """The runs that memorize disjoint data, with the ratio of ‖W‖ to that of the regular T-gon."""
    runs = tables["runs"]
    least = runs["T"].map(tables["theory"].set_index("T")["weight_norm"])
    return runs.assign(ratio=runs["weight_norm"] / least)[runs["memorized"] & runs["disjoint"]]


def _crossing(runs: pd.DataFrame) -> Finding:
    """From where on ‖b‖ exceeds ‖W‖ in most seeds."""
    above = (runs["bias_norm"] > runs["weight_norm"]).groupby(runs["T"]).mean() > 0.5
    most = above.index[above].tolist()
    rises = bool(most) and above.index[0] < most[0] and bool(above.loc[most[0] :].all())
    spans = above.index[0] < bias_overtakes_weights_at() <= above.index[-1]
    quantity, outcome = "least T with ‖b‖ above ‖W‖ in most seeds", outcome_of(rises, int(spans))
    return Finding(OVERTAKES, outcome, quantity, [*most, math.nan][0], n=len(runs))


def _growth(runs: pd.DataFrame) -> Finding:
    """Which of four lengths are largest where the paper sees their peak."""
    tested = [peak_outcome(runs.groupby("T")[column].median()) for column, *_ in PANELS]
    agree, said = tested.count("agrees"), "Lengths and norms peak around T = 30"
    outcome = outcome_of(agree, len(tested) - tested.count("not tested"))
    return Finding(said, outcome, "of four, largest at T of 20 to 45", agree, n=len(runs))


#: What is drawn: column, axis label, equation label of the theory.
PANELS = (
    ("weight_norm", "weight norm ‖W‖", "memorization.tgon-norm"),
    ("bias_norm", "bias norm ‖b‖", "memorization.tgon-bias-norm"),
    ("hidden_length", "median length ‖h‖", "memorization.tgon-radius"),
    ("feature_length", "longest feature ‖w‖", ""),
)


def draw(tables: Tables) -> Figure:
    """Four panels, one per length."""
    figure = empty(9.6, 8.6, h_pad=0.08)
    axes = figure.subplots(2, 2, sharex=True)
    runs, theory = tables["runs"], tables["theory"]
    near = theory["within_reach"] >= 0.5
    lengths = theory[[column for column, *_ in PANELS if column in theory]]
    curves = {
        "regular T-gon of least norm": lengths.where(near).assign(T=theory["T"]),
        "… with biases out of reach for most datasets": lengths.mask(near).assign(T=theory["T"]),
    }
    for ax, (column, label, source) in zip(axes.flat, PANELS, strict=True):
        draw_norm(ax, column, curves, {"trained": runs}, tables["published"])
        ax.set_title(f"[{source}]" if source else "no prediction", fontsize=11, color=INK if source else SOFT)
        ax.set_ylabel(label)
    for ax in axes[1]:
        ax.set_xlabel("datapoints T")
    one_legend(figure, [axes[0, 0]], ncols=2)
    return figure
