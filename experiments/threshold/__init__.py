"""Experiment ``threshold``: the R at which a point takes a vertex of the pentagon, by the numerical model. The model
(`numerics.repetition`) has drawn energies, free columns and biases, and a sea. R is in units of T/n. The boundary is
the median of a logistic law in log R fitted to the draws (`repetition.boundary`); its interval is about draws, not
about the model. Tables are those of `tgon threshold --csv`.
"""

import pandas as pd
from matplotlib.figure import Figure

from experiments.findings import Finding, Tables, found_count, measured
from experiments.grouping import parts, span
from theory.number_format import at_least, number
from verify.statistics import Interval
from verify.style import DECAY_COLOURS, INK, panels

SAME = "The threshold with free biases is that at zero bias (`repetition.zero-bias`)"


def findings(tables: Tables) -> list[Finding]:
    """Whether free biases move the threshold, and the boundary of each size."""
    sizes = _sizes(tables)
    same = int(sizes["zero_bias"].between(sizes["low"], sizes["high"]).sum())
    statement = "The state with the point on a vertex has the lower loss from this R n/T on"
    boundaries = [
        measured(statement, "median over draws", Interval(size["boundary"], size["low"], size["high"]),
                 int(size["draws"]), f"T/n = {size['equal_energy']:g}, n = {size['n']:g}")
        for size in sizes.to_dict("records")
    ]  # fmt: skip
    return [found_count(SAME, "sizes whose interval holds it", same, len(sizes)), *boundaries]


def summary(tables: Tables) -> pd.DataFrame:
    """Of each size: draws, their range, up to where the point can stay out, and the threshold at zero bias."""
    return pd.DataFrame(
        [
            {
                "T/n": number(row["equal_energy"], 3),
                "n": row["n"],
                "S": row["sparsity"],
                "features": row["features"],
                "draws": f"{row['draws']}" + (f", {row['undecided']} open" if row["undecided"] else ""),
                "range of draws": span([row["least_repeats"], row["greatest_repeats"]], 3),
                "stays out until": at_least(number(row["metastable_until"], 3), row["metastable_censored"]),
                "zero bias": f"{number(row['zero_bias'], 3)} ± {number(row['zero_bias_deviation'], 3)}",
            }
            for row in _sizes(tables).to_dict("records")
        ]
    )


def draw(tables: Tables) -> Figure:
    """The boundary, and the threshold at zero bias, against T/n."""
    figure, [[ax]] = panels(1, 1, 6.4, 4.6)
    for (n, part), colour in zip(parts(_sizes(tables), "n"), DECAY_COLOURS, strict=False):
        unit, error = part["equal_energy"], [part["boundary"] - part["low"], part["high"] - part["boundary"]]
        ax.errorbar(unit, part["boundary"], error, fmt="o", color=colour, label=f"boundary, n = {n:g}")
        ax.plot(unit, part["zero_bias"], "--", color=colour, label=f"theory at zero bias, n = {n:g}")
    ax.axhline(1, color=INK, lw=0.8)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="datapoints per feature T/n", ylabel="threshold R in units of T/n")
    ax.legend()
    return figure


def _sizes(tables: Tables) -> pd.DataFrame:
    """A row for each size, with every R in units of T/n."""
    rows = pd.concat([tables[name] for name in sorted(tables) if name != "form"], ignore_index=True)
    repeats = ["boundary", "low", "high", "least_repeats", "greatest_repeats", "metastable_until"]
    repeats += ["zero_bias", "zero_bias_deviation"]
    rows[repeats] = rows[repeats].div(rows["equal_energy"], axis=0)
    return rows.sort_values(["n", "equal_energy"], ignore_index=True)
