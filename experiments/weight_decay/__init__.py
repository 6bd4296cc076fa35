"""Experiment ``weight-decay``: does decay remove the bump of the test loss? m = 4.

Henighan et al. 2023, section "Effect of Weight Decay and Epochs on Double Descent": less decay makes the bump larger,
and at weight decay 1.0 it is gone. The bump is defined in `experiments.bump`.

Defines no equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from experiments.bump import Bump, geometric_mean, ratio_interval
from experiments.bump_curves import (
    Losses,
    bumps_of,
    collect_curves,
    describe_curves,
    draw_curves,
    losses_by,
)
from experiments.findings import Finding, Outcome
from numerics import Run

__all__ = ["KEYS", "collect", "describe", "draw", "sentences"]

#: The paper's weight decay, and the one at which it finds no bump.
USUAL, STRONG = 0.01, 1.0

#: A bump is removed where surely no more than this share of its height is left.
REMOVED = 0.1

#: What the paper says of less decay; of bumps, so that at one weight decay at least there must be one.
ORDER = "Less weight decay makes the bump larger"

#: Columns that tell runs apart.
KEYS = ("weight_decay", "T", "seed")

Tables = dict[str, pd.DataFrame]


def collect(runs: Sequence[Run], table: pd.DataFrame) -> Tables:
    """Table ``runs``, one row per run."""
    return collect_curves(table, "weight_decay")


def draw(tables: Tables) -> Figure:
    """Test loss and largest feature dimensionality against T, one curve per weight decay."""
    return draw_curves(tables, "weight_decay", "weight decay")


def describe(tables: Tables) -> str:
    """The bump at each weight decay, whether strong decay removes it and whether weak decay raises it."""
    return describe_curves(tables, "weight_decay", ("weight decay", "weight decay"), sentences(tables))


def sentences(tables: Tables) -> list[str | Finding]:
    """What the page says, with what it judges."""
    losses = losses_by(tables["runs"], "weight_decay")
    bumps = bumps_of(losses)
    return [_removed(bumps), _order(bumps, losses)]


def _removed(bumps: Mapping[float, Bump]) -> Finding:
    outcome, text = _removal(bumps)
    return Finding(text, {f"Weight decay {STRONG:g} removes the bump": outcome})


def _removal(bumps: Mapping[float, Bump]) -> tuple[Outcome, str]:
    if USUAL not in bumps or STRONG not in bumps:
        return "not tested", (
            f"Weight decays {USUAL:g} and {STRONG:g} do not both have three T here; the paper's finding cannot be "
            "tested."
        )
    usual, strong = bumps[USUAL], bumps[STRONG]
    if not usual.there or usual.loss.low <= 1:
        return "not decided", (
            "That there is a bump is not established, so none can be seen to go: at the paper's weight decay "
            f"{USUAL:g} the largest inner test loss, {usual.loss} at T = {usual.T}, is {usual.over_first} times that "
            f"at the smallest T and {usual.over_last} times that at the largest. At {STRONG:g} it is {strong.loss} at "
            f"T = {strong.T}; the paper finds no bump there."
        )
    if strong.there:
        return "differs", (
            f"**The bump is not removed**: at weight decay {STRONG:g} the test loss is still {strong.loss} at T = "
            f"{strong.T}, {strong.over_first} times that at the smallest T; the paper finds none there."
        )
    said = (
        f"at {USUAL:g} the test loss is {usual.loss} at T = {usual.T}, at {STRONG:g} its largest inner value is "
        f"{strong.loss} at T = {strong.T}, {strong.over_first} times that at the smallest T and {strong.over_last} "
        "times that at the largest"
    )
    least, left, most = (
        (height - 1) / (usual.loss.value - 1)
        for height in (strong.loss.low, strong.loss.value, strong.loss.high)
    )
    if least <= 0 and most <= REMOVED:
        return "agrees", f"**Weight decay {STRONG:g} removes the bump**, as in the paper: {said}."
    if least <= 0:
        return "not decided", (
            f"Whether weight decay {STRONG:g} removes the bump is not decided by these seeds: {said}."
        )
    part: Outcome = "agrees in part" if most <= REMOVED else "differs" if least > REMOVED else "not decided"
    return part, (
        f"**Weight decay {STRONG:g} leaves {left:.2g} of the bump's height above zero output** and none above both "
        f"ends; the paper finds none at all: {said}."
    )


def _order(bumps: Mapping[float, Bump], losses: Losses) -> Finding:
    """Neighbouring weight decays, each at its own peak."""
    values = list(bumps)
    common = sorted(set.intersection(*(set(losses[value]) for value in values)))[1:] if values else []
    if len(values) < 2 or not common:
        return Finding(
            "Fewer than two weight decays have three T, so that none shows an order.", {ORDER: "not tested"}
        )
    largest = {
        value: losses[value][max(common, key=lambda T: geometric_mean(losses[value][T]).value)]
        for value in values
    }
    ratios = {
        (weak, strong): ratio_interval(largest[weak], largest[strong])
        for weak, strong in itertools.pairwise(values)
    }
    listed = "; ".join(f"{weak:g} over {strong:g}: {ratio}" for (weak, strong), ratio in ratios.items())
    lower = [f"from {strong:g} to {weak:g}" for (weak, strong), ratio in ratios.items() if ratio.high < 1]
    equal = [f"{weak:g} and {strong:g}" for (weak, strong), ratio in ratios.items() if ratio.low <= 1]
    outcome: Outcome = "not decided"
    if not equal:
        outcome, head = "agrees", "**Less decay makes the peak higher**, from each weight decay to the next"
    elif lower:
        outcome, head = (
            "differs",
            f"**Less decay makes the peak lower** {', '.join(lower)}, against the paper",
        )
    elif len(equal) == len(ratios):
        head = "No two neighbouring weight decays are told apart by these seeds"
    else:
        outcome = "agrees in part"
        head = f"{', '.join(equal)} are not told apart by these seeds; elsewhere less decay makes the peak higher"
    if not any(bump.there for bump in bumps.values()):
        outcome, head = (
            "not decided",
            f"Of bumps this says nothing, as none is established. {head.replace('**', '')}",
        )
    return Finding(
        f"{head}. Largest test loss at T = {common[0]} to {common[-1]}, which all have, ratio of neighbouring weight "
        f"decays: {listed}.",
        {ORDER: outcome},
    )
