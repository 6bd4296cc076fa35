"""Experiment ``training-steps``: does the bump of the test loss grow with the number of steps? m = 4.

Henighan et al. 2023, section "Effect of Weight Decay and Epochs on Double Descent": more epochs make it larger. The
schedule is stretched, its warm-up 5 % of the steps. The bump is defined in `experiments.bump`.

Defines no equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from experiments.bump import Bump, ratio_interval
from experiments.bump_curves import (
    Losses,
    bumps_of,
    collect_curves,
    density_of,
    describe_curves,
    draw_curves,
    losses_by,
)
from experiments.findings import Finding, Outcome
from numerics import Run

__all__ = ["KEYS", "collect", "describe", "draw", "sentences"]

#: What the paper says of more steps; of bumps, so that after the most steps there must be one.
GROWTH = "More steps make the bump larger"

#: Columns that tell runs apart.
KEYS = ("steps", "T", "seed")

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs``, one row per run."""
    return collect_curves(table, "steps")


def draw(tables: Tables) -> Figure:
    """Test loss and largest feature dimensionality against T, one curve per number of steps."""
    return draw_curves(tables, "steps", "steps")


def describe(tables: Tables) -> str:
    """The bump at each number of steps, and whether more steps make it larger."""
    return describe_curves(tables, "steps", ("steps", "steps ="), sentences(tables))


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    losses = losses_by(tables["runs"], "steps")
    bumps = bumps_of(losses)
    return [_growth(bumps, losses), _moving(bumps, density_of(tables))]


def _growth(bumps: Mapping[float, Bump], losses: Losses) -> Finding:
    values = list(bumps)
    if len(values) < 2:
        return Finding(
            "Fewer than two numbers of steps have three T or more; nothing can be said about growth.",
            {GROWTH: "not tested"},
        )
    few, many = values[0], values[-1]
    ratio = ratio_interval(losses[many][bumps[many].T], losses[few][bumps[few].T])
    steps = [
        ratio_interval(losses[b][bumps[b].T], losses[a][bumps[a].T]) for a, b in itertools.pairwise(values)
    ]
    ascending = sum(each.low > 1 for each in steps)
    numbers = (
        f"the test loss at the peak is {bumps[many].loss} after {many:g} steps and {bumps[few].loss} after {few:g}, a "
        f"ratio of {ratio}; between {ascending} of {len(steps)} neighbouring numbers of steps its interval lies "
        "above 1"
    )
    what = "bump" if bumps[many].there else "largest test loss"
    beside = "" if bumps[many].there else f" That it is a bump is not established after {many:g} steps."
    outcome: Outcome = "not decided"
    head = f"Whether more steps make the {what} larger is not decided by these seeds"
    if ratio.low > 1:
        outcome, head = "agrees", f"**More steps make the {what} larger**, as in the paper"
    elif ratio.high < 1:
        outcome, head = "differs", f"**More steps make the {what} smaller**, against the paper"
    return Finding(f"{head}: {numbers}.{beside}", {GROWTH: outcome if bumps[many].there else "not decided"})


def _moving(bumps: Mapping[float, Bump], density: float) -> str:
    there = {value: bump.T for value, bump in bumps.items() if bump.there}
    if not there:
        return "For no number of steps is a bump established."
    places = ", ".join(f"T = {T} after {value:g}" for value, T in there.items())
    low, high = min(there.values()) * density, max(there.values()) * density
    spread = f"T(1 − S) = {low:.3g}" if low == high else f"T(1 − S) from {low:.3g} to {high:.3g}"
    return f"Where there is a bump, the peak is at {places}, as far as the grid of T tells: {spread}."
