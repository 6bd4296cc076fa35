"""Experiment ``test-loss``: the loss of memorizing models on fresh datapoints, predicted and measured. Predictions
have no fitted number. That of least norm knows the dataset alone, and holds where no two datapoints share a feature
(`memorization.test-loss`). That of the run's own vectors takes W and b within the span of the data, on the same
fresh datapoints: on disjoint supports the exact form with the run's h_t and c_t. What it lacks of the measured loss
is weight outside the data span; of that, columns of unseen features are told apart.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured
from experiments.grouping import numbers, span
from numerics import Run, draw_dataset, draw_test_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.measurement.record import within_span
from theory import Setting, predict
from theory.memorization.failures import two_circles
from theory.memorization.memorized_loss import loss_of_overlaps
from theory.memorization.tgon import tgon_hidden
from theory.number_format import number
from verify.diagnosis import diagnose_run
from verify.style import BLUE, GREY, INK, VERMILLION, panels, plain_numbers

KEYS = ("T", "seed")

#: Fresh datapoints; a rare overlap decides T = 5.
FRESH = 200_000

#: How near the measured loss a prediction has to be, or else which share of test loss − 1 it may miss.
NEAR, SHARE = 2e-5, 0.5

FIVE = "Predicted from the dataset to 2e-5 at T = 5 (`memorization.tgon-test-loss`)"
EIGHT = "At T = 8 and T = 10 a polygon loses what zero output loses, to 2e-5"
SHORT = "Own vectors give less than half of test loss − 1"
OWN = "Where runs memorize, their own vectors give at least half of test loss − 1 (`memorization.test-loss`)"


def collect(runs: Sequence[Run]) -> Tables:
    """Table ``runs``, a row per run, and ``circles``: the exact form of models that were constructed."""
    rows = pd.DataFrame([_row(run) for run in runs])
    return {"circles": circles(runs[0].setting), "runs": rows.sort_values(list(KEYS), kind="stable")}


def _row(run: Run) -> dict[str, object]:
    data, fresh = run.data, draw_test_dataset(run.setting, FRESH)
    W, b = run.W.astype(np.float64), run.b.astype(np.float64)[None, :]
    errors = point_errors(W, b[0], fresh)
    predicted, record = predict(run.setting, data=data), run.record
    return {
        "T": run.setting.T,
        "seed": run.setting.seed,
        "memorized": run.status == "memorized",
        "diagnosis": diagnose_run(run).name,
        "disjoint": data.has_disjoint_supports,
        "test_loss": errors.mean(),
        "test_loss_error": errors.std() / np.sqrt(FRESH),
        "least_norm": predicted.test_loss,
        "own_vectors": point_errors(within_span(W, data), within_span(b, data)[0], fresh).mean(),
        "without_unseen": point_errors(W * data.seen, b[0] * data.seen, fresh).mean(),
        "norm_ratio": record.weight_norm / predicted.weight_norm,
        "energy_ratio": (record.energy**0.5) / predicted.weight_norm,
        "largest_bias_coefficient": float(record.bias_coefficient.max()),
    }


def circles(setting: Setting) -> pd.DataFrame:
    """Exact test losses at T = 8 on a dataset without shared feature: long polygons, and one point on an inner circle.

    The inner squared length is that of the polygon where all points lie on one circle.
    """
    eight = setting.replace(T=8)
    drawn = (draw_dataset(eight.replace(data_seed=seed)) for seed in itertools.count())
    data = next(each for each in drawn if each.has_disjoint_supports)
    overlaps = data.sparse().T @ draw_test_dataset(eight, FRESH).sparse()
    models = [(factor * tgon_hidden(8), "one circle") for factor in (1.0, 1.5, 2.0)]
    models += [(two_circles(8, [inner]).hidden, "two circles") for inner in (0.6, 0.8, 1.0, 2.0)]
    rows = []
    for hidden, name in models:
        squared = np.sum(hidden**2, axis=0)
        loss = loss_of_overlaps(hidden, 1 - squared, overlaps)
        norm = float(np.linalg.norm(hidden))
        rows.append((name, float(squared.min()), norm, float(1 - squared.min()), loss))
    return pd.DataFrame(rows, columns=["points on", "inner ‖h‖²", "‖W‖", "largest c", "test loss"])


def findings(tables: Tables) -> list[Finding]:
    """How near predictions come, up to which T, and what T = 3 is made of."""
    runs = tables["runs"]
    known = runs[runs["least_norm"].notna()]
    off = (known["test_loss"] - known["least_norm"]).abs()
    five, eight, three = known["T"] == 5, known["T"].isin([8, 10]), runs[runs["T"] == 3]
    missed = np.abs(numbers(runs, "own_vectors") - numbers(runs, "test_loss"))
    kept = missed <= np.maximum(NEAR, SHARE * np.abs(numbers(runs, "test_loss") - 1))
    memorized = runs["memorized"].to_numpy()
    unseen = np.abs(numbers(three, "without_unseen") - numbers(three, "test_loss"))
    return [
        found_count(FIVE, "runs", int((off[five] <= NEAR).sum()), int(five.sum())),
        found_count(EIGHT, "runs", int((off[eight] <= NEAR).sum()), int(eight.sum())),
        found_count(OWN, "runs", int((kept & memorized).sum()), int(memorized.sum())),
        measured(SHORT, "least T", float(runs["T"][~kept].min()), len(runs)),
        measured("Unseen columns at T = 3", "largest change of the loss", float(unseen.max()), len(three)),
    ]


def summary(tables: Tables) -> dict[str, pd.DataFrame]:
    """Of each T: the measured loss, the predictions, and what sets runs apart from least norm; constructed models."""
    rows = [
        {
            "T": T,
            "disjoint data": f"{int(part['disjoint'].sum())}/{len(part)}",
            "measured": span(part["test_loss"], 6),
            "least norm": span(part["least_norm"].dropna(), 6),
            "own vectors": span(part["own_vectors"], 6),
            "without unseen columns": span(part["without_unseen"], 6),
            "‖W‖ / least": span(part["norm_ratio"][part["disjoint"]], 3),
            "√Σ‖h‖² / least": span(part["energy_ratio"][part["disjoint"]], 3),
            "largest c": span(part["largest_bias_coefficient"], 3),
        }
        for T, part in tables["runs"].groupby("T")
    ]
    shown = tables["circles"].map(lambda one: one if isinstance(one, str) else number(one, 5))
    return {
        "Trained models, from the least value to the greatest.": pd.DataFrame(rows),
        "Constructed models of zero loss in the exact form, T = 8.": shown,
    }


def draw(tables: Tables) -> Figure:
    """Test loss − 1 against T: measured, from the run's own vectors, and from the dataset alone."""
    runs = tables["runs"]
    figure, [[ax]] = panels(1, 1, 7.4, 4.8)
    marks = (
        ("test_loss", "measured", INK, "o", 0.0),
        ("own_vectors", "own hidden vectors", BLUE, "x", 0.03),
        ("least_norm", "least norm, from the dataset", VERMILLION, "_", -0.03),
    )
    for column, label, colour, marker, shift in marks:
        ax.scatter(runs["T"] * (1 + shift), runs[column] - 1, color=colour, marker=marker, s=42, label=label)
    ax.axhline(0, color=GREY, lw=1)
    ax.set(xlabel="datapoints T", ylabel="test loss − 1", xscale="log", xticks=runs["T"].unique())
    ax.set_yscale("symlog", linthresh=1e-5)
    ax.set_ylim(-1e-3, 1)
    plain_numbers(ax.xaxis)
    ax.legend(fontsize=10)
    return figure
