"""Experiment ``repeated-threshold``: from how many repeats R on training embeds a datapoint among features.

The point is embedded where fewer than one in a thousand distinct datapoints have a larger D_X, the criterion of
Henighan et al. 2023, and its hidden vector is longer than `numerics.repetition.EMBEDDED`. Runs of one seed share their
start and most of the point, so each seed is one threshold: it lies between the last R up to which all its runs leave
the point out and the first from which on all embed it. The boundary is a logistic law in log R of these thresholds
(`repetition.boundary`). The numerical model is that of `tgon threshold`.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.axes import plain_numbers
from experiments.findings import Finding, Outcome, Tables, found, measured, outcome_of
from experiments.following import TOP, turning
from experiments.grouping import numbers, parts, span
from experiments.threshold.draws import drawn_summary, table_of
from numerics import Run
from numerics.repetition import EMBEDDED
from theory.number_format import number
from theory.repetition.logistic_boundary import fit_boundary
from verify.statistics import Interval, share_interval
from verify.style import BLUE, INK, VERMILLION, panels

KEYS = ("n", "T", "repeats", "seed")

#: Draws of the numerical model.
DRAWS = 9
#: The published threshold, in units of T/n (Henighan et al. 2023).
PUBLISHED = 0.4

FROM = "A point is embedded from the published R = 0.4 T/n on"
MEETS = "Training embeds the point at the threshold of the numerical model"
BEFORE = "Training embeds the point before the model can keep it out no longer"


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, as observed, and ``threshold``, what the numerical model gives for their size."""
    setting = runs[0].setting
    model = drawn_summary(setting.T, setting.n, setting.sparsity, DRAWS)
    return {"runs": table, "threshold": table_of([model])}


def findings(tables: Tables) -> list[Finding]:
    """Where training embeds the point, beside the published line and the numerical model."""
    runs, (model,) = _judged(tables), tables["threshold"].to_dict("records")
    unit, trained, seeds = model["equal_energy"], boundary(runs), runs["seed"].nunique()
    theory, (none_until, all_from) = _of_model(model), _turning(runs)
    published = outcome_of(trained.low <= PUBLISHED <= trained.high, 1)
    meets = outcome_of(theory.low <= trained.high and trained.low <= theory.high, 1)
    stays = model["metastable_until"] / unit
    before: Outcome = "agrees" if trained.high < stays else "not decided"
    until = "R n/T up to which it can" + (", at least" if model["metastable_censored"] else "")
    return [
        found(FROM, published, "R n/T at which half of the seeds embed it", trained, seeds),
        found(MEETS, meets, "R n/T of the model: median over draws", theory, DRAWS),
        Finding(BEFORE, before, until, stays),
        measured("No run embeds the point", "up to R n/T", none_until),
        measured("Every run embeds the point", "from R n/T on", all_from),
    ]


def _of_model(model: Mapping[Hashable, Any]) -> Interval:
    """The boundary of the numerical model in units of T/n."""
    return Interval(*(model[name] / model["equal_energy"] for name in ("boundary", "low", "high")))


def summary(tables: Tables) -> pd.DataFrame:
    """Of each T/n and R: how many runs embed the point, its length, and its rank by D_X."""
    rows = []
    for (unit, share), runs in parts(_judged(tables), "unit", "share"):
        many, stored = len(runs), int(runs["embedded"].sum())
        interval = share_interval(stored, many)
        rows.append(
            {
                "T/n": number(unit, 3),
                "R": f"{runs['repeats'].iloc[0]:g}",
                "R n/T": number(share, 3),
                "embedded": f"{stored}/{many}",
                "95 % interval": span([interval.low, interval.high], 2),
                "median length": number(runs["length"].median(), 3),
                "median share with larger D_X": number(runs["repeated_dimensionality_rank"].median(), 2),
            }
        )
    return pd.DataFrame(rows)


def draw(tables: Tables) -> Figure:
    """The length of the point's hidden vector against R, with the trained and the model's boundary."""
    runs, (model,) = _judged(tables), tables["threshold"].to_dict("records")
    figure, [[ax]] = panels(1, 1, 6.4, 4.4)
    for embedded, label in ((True, "embedded"), (False, "not embedded")):
        part = runs[runs["embedded"] == embedded]
        face = BLUE if embedded else "none"
        ax.scatter(part["share"], part["length"], s=32, facecolor=face, edgecolor=BLUE, label=label)
    spans = (
        (boundary(runs), BLUE, "boundary of training, 95 %"),
        (_of_model(model), VERMILLION, "of the model"),
    )
    for interval, colour, label in spans:
        low, high = np.clip([interval.low, interval.high], runs["share"].min(), runs["share"].max())
        ax.axvspan(low, high, color=colour, alpha=0.12, lw=0, label=label)
    ax.axvline(PUBLISHED, color=INK, ls="--", label="published")
    ax.set(xscale="log", xlabel="repeats R n/T", ylabel="length of the hidden vector")
    ax.set_xticks(runs["share"].unique())
    ax.set_xticks([], minor=True)
    plain_numbers(ax.xaxis)
    ax.legend(fontsize=10)
    return figure


def boundary(runs: pd.DataFrame) -> Interval:
    """R n/T at which half of the seeds embed the point; without a fit the range of their thresholds, and no value."""
    low, high = zip(*(_turning(part) for _, part in parts(runs, "seed")), strict=True)
    try:
        fitted = fit_boundary(low, high)
    except ValueError:  # one R can be the threshold of every seed: no law with a width
        return Interval(math.nan, min(low), max(high))
    return Interval(fitted.median, fitted.low, fitted.high)


def _judged(tables: Tables) -> pd.DataFrame:
    """The runs with T/n, R n/T, the length of the point, and whether it is embedded."""
    runs = tables["runs"]
    unit, length = runs["T"] / runs["n"], runs["repeated_hidden_length"] * runs["median_hidden_length"]
    embedded = (runs["repeated_dimensionality_rank"] < TOP) & (length > EMBEDDED)
    return runs.assign(unit=unit, share=runs["repeats"] / unit, length=length, embedded=embedded)


def _turning(runs: pd.DataFrame) -> tuple[float, float]:
    """The R n/T up to which no run embeds the point, and that from which on all do."""
    return turning(numbers(runs, "share"), np.asarray(runs["embedded"], dtype=np.bool_))
