"""Experiment ``compare``: forty seeds of the paper's model for each T, beside the model of least norm. Norms are over
the seeds that memorized. Ratios, of ‖W‖ to what is predicted, are over those among them whose datapoints are
orthonormal, as the prediction assumes. `tgon compare` writes the tables, hidden vectors of one model for each T and
weight decay.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured
from experiments.grouping import cell, median_range, parts
from theory.dimensionality import dimensionality
from theory.number_format import number
from verify.claims.registry import CLAIMS
from verify.figures.norms import draw_norms_against_T

#: What the rounding of coordinates on disk, to five digits, can add to a sum of T ≤ 20 quotients of at most 1.
ROUNDED = 1e-3

SUMS = "The sum of D_X over the datapoints of a model is at most its rank (`dimensionality.sum-bound`)"
BUDGET = "A longer decay budget brings ‖W‖ nearer to the least norm (`optimization.decay-budget`)"
CAPTION = "What `tgon compare` and `tgon check` judge; each claim has negative controls, which must fail."


def findings(tables: Tables) -> list[Finding]:
    """Whether decay brings norms nearer to the least one, and sums of dimensionalities beside the rank."""
    medians = tables["cells"].pivot_table(index="T", columns="decay_budget", values="median_ratio").dropna()
    nearer = int((medians.iloc[:, -1] < medians.iloc[:, 0]).sum())
    hidden = parts(tables["hidden_vectors"].query("kind == 'hidden'"), "T", "m", "run", "seed")
    sums = pd.Series([dimensionality(np.array([part["x"], part["y"]])).sum() for _, part in hidden])
    within = int((sums <= 2 + ROUNDED).sum())
    return [
        found_count(BUDGET, "T at which the median does", nearer, len(medians)),
        found_count(SUMS, "models in the plane with at most 2", within, len(sums)),
        measured("Sum of D_X", "median, least and greatest over models", median_range(sums), len(sums)),
    ]


def summary(tables: Tables) -> dict[str, pd.DataFrame]:
    """Norms and diagnoses of each T and budget, and the claims."""
    norms = {
        "‖W‖ predicted": "predicted_weight_norm",
        "least": "least_weight_norm",
        "median": "median_weight_norm",
        "least ratio": "least_ratio",
        "median ratio": "median_ratio",
        "‖b‖ predicted": "predicted_bias_norm",
        "median ‖b‖": "median_bias_norm",
    }
    rows = [
        {
            "T": row["T"],
            "τ": number(row["decay_budget"], 4),
            "memorized": f"{row['memorized']:g}/{row['seeds']:g}",
            **{head: cell(row[name], 4) for head, name in norms.items()},
            "what became of the seeds": row["diagnoses"],
        }
        for row in tables["cells"].to_dict("records")
    ]
    claims = [(f"`{one.label}`", one.statement, one.status) for one in CLAIMS]
    return {"": pd.DataFrame(rows), CAPTION: pd.DataFrame(claims, columns=["label", "claim", "status"])}


def draw(tables: Tables) -> Figure:
    """‖W‖ and ‖b‖ against T."""
    return draw_norms_against_T(tables["norms_against_T"])
