"""Experiment ``weight-decay``: does decay remove the bump of the test loss? m = 4. Henighan et al. 2023, section
"Effect of Weight Decay and Epochs on Double Descent": less decay makes the bump larger, and at weight decay 1.0 it is
gone. The bump is defined in `experiments.bump`.
"""

from collections.abc import Mapping
from functools import partial

from experiments import bump
from experiments.findings import Finding, Outcome, Tables, found, measured, outcome_of

#: The paper's weight decay, and the one at which it finds no bump.
USUAL, STRONG = 0.01, 1.0

#: A bump is removed where surely no more than this share of its height is left.
REMOVED = 0.1

#: What the paper says; the order is one of bumps, so that at one weight decay at least there must be one.
REMOVAL, ORDER = "Weight decay 1 removes the bump", "Less weight decay makes the bump larger"

KEYS = ("weight_decay", "T", "seed")

collect = partial(bump.collect_curves, key="weight_decay")
draw = partial(bump.draw_curves, key="weight_decay", symbol="weight decay")
summary = partial(bump.bumps_summary, key="weight_decay", head="weight decay")


def findings(tables: Tables) -> list[Finding]:
    """Whether strong decay removes the bump, and whether less decay raises it."""
    losses = bump.losses_by(tables["runs"], "weight_decay")
    bumps = bump.bumps_of(losses)
    return [_removal(bumps, losses), *_order(bumps, losses)]


def _removal(bumps: Mapping[float, bump.Bump], losses: bump.Losses) -> Finding:
    if USUAL not in bumps or STRONG not in bumps:
        return Finding(REMOVAL, "not tested")
    usual, strong = bumps[USUAL], bumps[STRONG]
    if not usual.there or usual.loss.low <= 1:
        lower = min(usual.over_first, usual.over_last, key=lambda ratio: ratio.low)
        quantity, at = "peak over the higher of its ends", f"weight decay {USUAL:g}, T = {usual.T}"
        return found(REMOVAL, "not decided", quantity, lower, len(losses[USUAL][usual.T]), at)
    height = usual.loss.value - 1
    left = strong.loss.map(lambda loss: (loss - 1) / height)
    outcome: Outcome = "differs" if strong.there or left.low > REMOVED else "not decided"
    if not strong.there and left.high <= REMOVED:
        outcome = "agrees" if left.low <= 0 else "agrees in part"
    quantity = "share of the bump's height above zero output that is left"
    return found(REMOVAL, outcome, quantity, left, len(losses[STRONG][strong.T]), f"T = {strong.T}")


def _order(bumps: Mapping[float, bump.Bump], losses: bump.Losses) -> list[Finding]:
    """Neighbouring weight decays, each at its own largest test loss among the inner T that all have."""
    values = list(bumps)
    common = sorted(set.intersection(*(set(losses[value]) for value in values)))[1:] if values else []
    if len(values) < 2 or not common:
        return [Finding(ORDER, "not tested")]
    largest = {
        value: max((losses[value][T] for T in common), key=lambda each: bump.geometric_mean(each).value)
        for value in values
    }
    ratios = bump.neighbour_ratios(largest)
    outcome: Outcome = "not decided"
    if any(each.there for each in bumps.values()):
        rising = sum(ratio.low > 1 for ratio in ratios.values())
        falling = any(ratio.high < 1 for ratio in ratios.values())
        outcome = "differs" if falling else outcome_of(rising, len(ratios)) if rising else "not decided"
    n = min(map(len, largest.values()))
    least = min(ratios, key=lambda pair: ratios[pair].low)
    judged = found(ORDER, outcome, "least ratio of largest test losses", ratios.pop(least), n, least)
    said, quantity = "Less weight decay, the other pairs of neighbours", "ratio of largest test losses"
    return [judged, *(measured(said, quantity, ratio, n, pair) for pair, ratio in ratios.items())]
