"""The tables of experiment ``repeated-map``: outcomes, boundaries, thresholds of the theory, sweeps both ways."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments.findings import Tables
from experiments.following import TOP, turning
from experiments.grouping import numbers
from experiments.repeated_map.hysteresis import sweep_both_ways
from experiments.threshold.draws import drawn_summary
from numerics import Run
from numerics.repetition import EMBEDDED
from theory.repetition.logistic_boundary import fit_boundary

#: Draws of the theory's threshold for each size.
DRAWS = 4

#: T/n of the sweeps in both directions, where there are such runs.
SWEPT = 3

#: Columns that tell runs apart.
KEYS = ("n", "T", "repeats", "seed")

#: The published criterion and the second one.
CRITERIA = ("first", "embedded")


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, ``boundaries`` (by size and criterion), ``theory`` (by size) and ``sweeps``."""
    sizes = sorted({(run.setting.n, run.setting.T, run.setting.sparsity) for run in runs})
    theory = pd.DataFrame([_theory(*size) for size in sizes])
    return derived({"runs": _listed(table), "theory": theory, "sweeps": _sweeps(runs)})


def derived(tables: Tables) -> Tables:
    """The tables, with the boundaries of all runs."""
    return tables | {"boundaries": boundaries(tables["runs"])}


def _listed(table: pd.DataFrame) -> pd.DataFrame:
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
    """The boundary of each size and criterion: median R with its interval, the largest R up to which no
    run succeeds, and the least from which on all do.

    NaN where the outcomes admit no fit: they do not rise with R, or all of them change between the same two R. Runs
    count as independent; those of one seed share their start, and little of their datasets.
    """
    rows = []
    for (n, T), part in listed.groupby(["n", "T"]):
        for name in CRITERIA:
            happened, R = np.asarray(part[name], dtype=np.bool_), numbers(part, "repeats")
            rows.append((n, T, name, len(R), *_fitted(happened, R), *turning(R, happened)))
    columns = ["n", "T", "criterion", "runs", "median", "low", "high", "none_until", "all_from"]
    return pd.DataFrame(rows, columns=columns).replace({"none_until": 0, "all_from": np.inf}, np.nan)


def _fitted(happened: np.ndarray, R: np.ndarray) -> tuple[float, float, float]:
    try:
        found = fit_boundary(np.where(happened, 0.0, R), np.where(happened, R, np.inf))
    except ValueError:  # no overlap of outcomes, or none that rises
        return (np.nan,) * 3
    nothing = found.low == 0 and found.high == np.inf
    return (np.nan,) * 3 if nothing else (found.median, found.low, found.high)


def _theory(n: int, T: int, sparsity: float) -> dict[str, float]:
    answer = drawn_summary(T, n, sparsity, DRAWS)
    return {
        "n": n,
        "T": T,
        "draws": DRAWS,
        "undecided": answer["undecided"],
        **answer["repeats"],
        "metastable_until": answer["metastable_until"]["median"],
        "metastable_censored": answer["metastable_censored"]["median"],
        "zero_bias": answer["zero_bias"]["mean"],
    }


def _sweeps(runs: Sequence[Run]) -> pd.DataFrame:
    n = min(run.setting.n for run in runs)
    T = min((run.setting.T for run in runs if run.setting.n == n), key=lambda T: abs(np.log(T / n / SWEPT)))
    own = [run for run in runs if (run.setting.n, run.setting.T) == (n, T)]
    repeats = sorted({1} | {run.setting.repeats for run in own})
    starts = [run for run in own if run.setting.repeats == repeats[-1]]
    swept = pd.concat([sweep_both_ways(run, repeats) for run in starts], ignore_index=True)
    return swept.assign(n=n, T=T)
