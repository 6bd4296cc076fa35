"""Experiment ``norms``: ‖W‖, ‖b‖ and the lengths of hidden vectors and features against the number of datapoints.

Henighan et al. 2023, section "How Do Models Change with Dataset Size?", second figure. Theory is the regular T-gon of
least norm; beyond the T at which half of all datasets need a bias that AdamW cannot reach within the schedule
(`optimization.necessary-bias`, `optimization.reach`), its line is broken.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.findings import MEASURED, Finding, outcome_of
from experiments.grouping import medians, numbers, values_by
from experiments.norms.drawing import draw
from experiments.published import peak_outcome
from numerics import Run
from numerics.schedule import learning_rates
from theory import tgon_bias_norm, tgon_weight_norm
from theory.memorization.tgon import bias_overtakes_weights_at, tgon_radius_squared
from theory.number_format import number
from theory.optimization.reach import reach, tgon_within_reach
from verify.diagnosis import diagnose_run
from verify.figures.norms import published_norms

__all__ = ["KEYS", "collect", "draw", "findings", "summary"]

#: Its runs need no `numerics.observe`.
OBSERVED = False

#: Columns that tell runs apart.
KEYS = ("T", "seed")

#: What the paper sees peak around T = 30.
PEAKING = ("hidden_length", "feature_length", "weight_norm", "bias_norm")

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``theory`` (a row per T) and ``published``."""
    measured = pd.DataFrame([_row(run) for run in runs]).sort_values(["T", "seed"], kind="stable")
    setting = runs[0].setting
    bound = reach(learning_rates(setting), setting.weight_decay)
    sizes = np.arange(3, int(table["T"].max()) + 1)
    theory = pd.DataFrame({"T": sizes})
    theory["weight_norm"] = tgon_weight_norm(sizes)
    theory["bias_norm"] = tgon_bias_norm(sizes)
    theory["hidden_length"] = np.sqrt(tgon_radius_squared(sizes))
    chances = [tgon_within_reach(int(T), bound, setting.n, setting.sparsity) for T in sizes]
    theory["within_reach"] = np.round(chances, 3)
    theory["largest_bias"] = bound
    published = published_norms()
    return {"runs": measured, "theory": theory, "published": published[published["T"] <= sizes[-1]]}


def _row(run: Run) -> dict[str, object]:
    record = run.record
    return {
        "T": run.setting.T,
        "seed": run.setting.seed,
        "memorized": run.status == "memorized",
        "diagnosis": diagnose_run(run).name,
        "disjoint": run.data.has_disjoint_supports,
        "weight_norm": record.weight_norm,
        "bias_norm": record.bias_norm,
        "hidden_length": float(np.median(np.sqrt(record.radius_squared))),
        "feature_length": float(np.linalg.norm(run.W.astype(np.float64), axis=0).max()),
        "largest_bias": float(np.abs(run.b).max()),
    }


def findings(tables: Tables) -> list[Finding]:
    """The crossing of ‖b‖ and ‖W‖, where lengths peak, agreement with the T-gon, the reach, the published series."""
    runs, theory = tables["runs"], tables["theory"]
    largest = medians(values_by(runs, "T", "largest_bias"), max)
    most = max(largest, key=largest.__getitem__)
    ratios = [ratio for each in _ratios(tables, _memorized(tables)).values() for ratio in each]
    beyond = theory.loc[theory["within_reach"] < 0.5, "T"]
    inside = _published_inside(tables)
    return [
        _crossing(runs),
        _growth(runs),
        Finding(
            "‖W‖ of runs that memorize disjoint data, over the least",
            MEASURED,
            "smallest ratio",
            min(ratios, default=math.nan),
            n=len(ratios),
        ),
        Finding(
            "Largest bias of all runs",
            MEASURED,
            "absolute value",
            largest[most],
            n=len(runs),
            at=f"T = {most}",
        ),
        Finding(
            "Largest bias that steps of the learning rate reach",
            MEASURED,
            "absolute value",
            theory["largest_bias"].iloc[0],
        ),
        Finding(
            "A regular T-gon needs a larger bias on half of all datasets",
            MEASURED,
            "least T",
            float(beyond.min()),
        ),
        Finding(
            "The published ‖W‖ lies within the range of our seeds",
            MEASURED,
            "of the T in both",
            sum(inside.values()),
            n=len(inside),
        ),
    ]


def summary(tables: Tables) -> pd.DataFrame:
    """‖W‖ over the least where runs memorize disjoint data: all of them, and the regular T-gons among them."""
    runs, good = tables["runs"], _memorized(tables)
    disjoint = values_by(runs[runs["disjoint"]], "T", "seed")
    regular = _ratios(tables, good[good["diagnosis"] == "regular T-gon"])
    return pd.DataFrame(
        [
            {
                "T": T,
                "seeds on disjoint data": len(disjoint[T]),
                "memorize": len(every),
                "‖W‖ over the least: median (range)": _spread(every),
                "regular T-gons alone": _spread(regular.get(T, [])),
            }
            for T, every in _ratios(tables, good).items()
        ]
    )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    median, least, greatest = (number(float(of(values)), 4) for of in (np.median, np.min, np.max))
    return f"{median} ({least} to {greatest})"


def _memorized(tables: Tables) -> pd.DataFrame:
    runs = tables["runs"]
    return runs[runs["memorized"] & runs["disjoint"]]


def _ratios(tables: Tables, runs: pd.DataFrame) -> dict[int, list[float]]:
    """‖W‖ of runs over that of the regular T-gon, by T."""
    least = dict(zip(tables["theory"]["T"], tables["theory"]["weight_norm"], strict=True))
    return {
        T: [value / least[T] for value in each] for T, each in values_by(runs, "T", "weight_norm").items()
    }


def _crossing(runs: pd.DataFrame) -> Finding:
    """From where on ‖b‖ exceeds ‖W‖ in most seeds."""
    above = medians(
        values_by(runs.assign(above=runs["bias_norm"] > runs["weight_norm"]), "T", "above"), np.mean
    )
    most = [T for T, share in above.items() if share > 0.5]
    rises = bool(most) and min(above) < most[0] and most == [T for T in above if most[0] <= T]
    spans = min(above) < bias_overtakes_weights_at() <= max(above)
    return Finding(
        "‖b‖ starts below ‖W‖ and becomes larger (Jermyn)",
        outcome_of(rises, int(spans)),
        "least T with ‖b‖ above ‖W‖ in most seeds",
        most[0] if most else math.nan,
        n=len(runs),
    )


def _growth(runs: pd.DataFrame) -> Finding:
    """Which of four lengths are largest where the paper sees their peak."""
    tested = [peak_outcome(medians(values_by(runs, "T", column))) for column in PEAKING]
    agree = tested.count("agrees")
    return Finding(
        "Lengths and norms peak around T = 30",
        outcome_of(agree, len(tested) - tested.count("not tested")),
        "of four, largest at T of 20 to 45",
        agree,
        n=len(runs),
    )


def _published_inside(tables: Tables) -> dict[int, bool]:
    """Whether the published ‖W‖, read to 3 %, lies within the range of our seeds, memorizing or not, by T."""
    own = values_by(tables["runs"], "T", "weight_norm")
    published = zip(
        numbers(tables["published"], "T"), numbers(tables["published"], "weight_norm"), strict=True
    )
    return {
        int(T): min(own[int(T)]) * 0.97 <= value <= max(own[int(T)]) * 1.03
        for T, value in published
        if int(T) in own
    }
