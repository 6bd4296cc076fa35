"""Experiment ``codes``: models that memorize in three and four hidden dimensions, beside the codes of least energy.
Energies are Σ‖h‖² over datapoints. A run is judged where it memorizes and no two of its datapoints share a feature, as
`codes.programme` assumes. With a worst squared point error ε it may lie below the least energy by the factor 1 − 2√ε
and no further (`memorization.robust`). The code of T + 1 points is a wrong lower bound, which must be refuted.
"""

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured, outcome_of
from experiments.grouping import cell, median_range, numbers, parts, span
from numerics import Run
from theory.codes.programme import memorization_code
from theory.dimensionality import dimensionality
from theory.number_format import number
from verify.style import BLUE, VERMILLION, panels

KEYS = ("m", "T", "weight_decay", "seed")

#: What runs that differ only in seeds agree in.
GROUP = ("m", "T", "decay_budget")

#: A dimensionality within this share of the code's is near it.
NEAR = 0.01

BOUND = "No model has less energy than the least known code (`codes.programme`)"
CONTROL = "The code of T + 1 points is refuted as a lower bound for T points"
UNEQUAL = "Training finds unequal lengths where they are shorter (`codes.shifted-cross-polytope`)"
NEARNESS = "The largest D_X of a model is that of the code"


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Tables ``runs``, as observed and with how far they are from two codes, and ``codes``, by m and T."""
    wanted = sorted({(run.setting.m, run.setting.T + more) for run in runs for more in (0, 1)})
    codes = pd.DataFrame([_code(m, T) for m, T in wanted])
    sizes = table[["m", "T"]]
    own, following = sizes.merge(codes, "left"), sizes.assign(T=table["T"] + 1).merge(codes, "left")
    energy, largest = numbers(table, "energy"), numbers(table, "largest_data_dimensionality")
    judged = table.assign(
        decay_budget=[run.setting.decay_budget for run in runs],
        above=energy / numbers(own, "energy") - 1,
        above_next=energy / numbers(following, "energy") - 1,
        dimensionality_off=largest / numbers(own, "largest_dimensionality") - 1,
    )
    return {"runs": judged, "codes": codes}


def _code(m: int, T: int) -> dict[str, object]:
    code = memorization_code(T, m, starts=4)
    largest = float(dimensionality(code.hidden).max())
    facts: dict[str, object] = {"m": m, "T": T, "energy": code.energy, "largest_dimensionality": largest}
    return facts | {"equal_norms": code.equal_norms, "status": code.status}


def findings(tables: Tables) -> list[Finding]:
    """Whether any run beats its code or the wrong one, whether lengths are unequal, and how near runs come."""
    judged = _judged(tables)
    groups = [part for _, part in parts(judged, *GROUP)]
    refuted = sum(bool(_below(part, "above_next").any()) for part in groups)
    beaten = int(_below(judged, "above").sum())
    near = sum(abs(part["dimensionality_off"].median()) <= NEAR for part in groups)
    unequal = judged[~judged["equal_norms"].astype(bool) & (2 * judged["m"] > judged["T"])]
    shorter = unequal["energy"] < _allowed(unequal) * unequal["T"]
    shorter_than = "runs below T, the least energy of equal lengths"
    return [
        Finding(BOUND, outcome_of(len(judged) - beaten, len(judged)), "runs below it", beaten, n=len(judged)),
        found_count(CONTROL, "settings that do", refuted, len(groups)),
        found_count(UNEQUAL, shorter_than, int(shorter.sum()), len(unequal)),
        *(
            measured("Unequal lengths", "runs below T", part.sum(), len(part), _at(budget))
            for budget, part in shorter.groupby(unequal["decay_budget"])
        ),
        *_nearness(judged),
        measured(NEARNESS, "settings with a median within 1 %", near, len(groups)),
    ]


def _nearness(judged: pd.DataFrame) -> Iterator[Finding]:
    """How far above the code the best seed and the median one of each size end, at each budget."""
    for budget, part in parts(judged, "decay_budget"):
        sizes = 100 * part.groupby(["m", "T"])["above"].agg(["min", "median"])
        for column, who in (("min", "best seed"), ("median", "median seed")):
            quantity, above = f"{who} of each size: median and range over sizes", median_range(sizes[column])
            yield measured("Energy above the code, %", quantity, above, len(sizes), _at(budget))


def summary(tables: Tables) -> pd.DataFrame:
    """Of each m, T and τ: who memorizes, the least and median energy, and the largest D_X, beside the code's."""
    judged = dict(parts(_judged(tables), *GROUP))
    codes = {(code["m"], code["T"]): code for code in tables["codes"].to_dict("records")}
    rows = []
    for (m, T, budget), runs in parts(tables["runs"], *GROUP):
        code, found = codes[m, T], judged.get((m, T, budget), runs[:0])
        largest = found["largest_data_dimensionality"]
        rows.append(
            {
                "m": m,
                "T": T,
                "τ": number(budget, 3),
                "memorized": f"{(runs['status'] == 'memorized').sum()}/{len(runs)}",
                "orthonormal": len(found),
                "least energy": cell(found["energy"].min(), 5),
                "of the code": number(code["energy"], 5),
                "ratio": cell(1 + found["above"].min(), 5),
                "median ratio": cell(1 + found["above"].median(), 5),
                "ratio to T + 1 points": cell(1 + found["above_next"].min(), 3),
                "largest D_X, median": cell(largest.median(), 4),
                "its range": span(largest, 4),
                "of the code, D_X": number(code["largest_dimensionality"], 4),
                "off by": f"{cell(100 * found['dimensionality_off'].median(), 2)} %",
            }
        )
    return pd.DataFrame(rows)


def draw(tables: Tables) -> Figure:
    """Energy above the code against T, for each m."""
    judged = _judged(tables)
    figure, [axes] = panels(1, judged["m"].nunique(), 5.0, 4.4, sharey=True)
    for ax, (m, part) in zip(axes, parts(judged, "m"), strict=True):
        for (budget, runs), colour in zip(parts(part, "decay_budget"), (BLUE, VERMILLION), strict=False):
            label = f"decay budget {_at(budget)}"
            ax.scatter(runs["T"], runs["above"], s=16, alpha=0.6, color=colour, label=label)
        ax.set(yscale="log", xlabel="datapoints T", title=f"m = {m}", xticks=part["T"].unique())
    axes[0].set_ylabel("energy / that of the code − 1")
    axes[0].legend()
    return figure


def _judged(tables: Tables) -> pd.DataFrame:
    """The runs that the programme is about, with whether their code has equal norms."""
    runs = tables["runs"]
    kept = runs[(runs["status"] == "memorized") & (runs["shared_features"] == 0)]
    own = tables["codes"][["m", "T", "equal_norms"]]
    return kept.merge(own, on=["m", "T"], how="left")


def _allowed(runs: pd.DataFrame) -> pd.Series:
    """The share of the least energy that a model with this error still needs (`memorization.robust`)."""
    return 1 - 2 * runs["worst_point_error"] ** 0.5


def _below(runs: pd.DataFrame, above: str) -> pd.Series:
    """Which runs refute the code that ``above`` is relative to as a lower bound."""
    return (1 + runs[above]).lt(_allowed(runs))


def _at(budget: float) -> str:
    return f"τ = {number(budget, 3)}"
