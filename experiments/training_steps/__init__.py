"""Experiment ``training-steps``: does the bump of the test loss grow with the number of steps? m = 4. Henighan et al.
2023, section "Effect of Weight Decay and Epochs on Double Descent": more epochs make it larger. The schedule is
stretched, its warm-up 5 % of the steps. The bump is defined in `experiments.bump`.
"""

from functools import partial

from experiments import bump
from experiments.findings import Finding, Outcome, Tables, found, measured

#: What the paper says of more steps; of bumps, so that after the most steps there must be one.
GROWTH = "More steps make the bump larger"

KEYS = ("steps", "T", "seed")

collect = partial(bump.collect_curves, key="steps")
draw = partial(bump.draw_curves, key="steps", symbol="steps")
summary = partial(bump.bumps_summary, key="steps", head="steps")


def findings(tables: Tables) -> list[Finding]:
    """Whether more steps make the bump larger, from the fewest to the most and from each number to the next."""
    losses = bump.losses_by(tables["runs"], "steps")
    bumps = bump.bumps_of(losses)
    if len(bumps) < 2:
        return [Finding(GROWTH, "not tested")]
    peaks = {steps: losses[steps][one.T] for steps, one in bumps.items()}
    few, *_, many = peaks
    ratio = bump.ratio_interval(peaks[many], peaks[few])
    outcome: Outcome = "not decided"
    if bumps[many].there and not ratio.low <= 1 <= ratio.high:
        outcome = "agrees" if ratio.low > 1 else "differs"
    next_ratios = bump.neighbour_ratios(peaks)
    larger = sum(each.high < 1 for each in next_ratios.values())
    between = f"{many:g} over {few:g} steps"
    said = "Neighbouring numbers of steps of which more make the peak surely higher"
    return [
        found(GROWTH, outcome, "ratio of the test losses at the peak", ratio, len(peaks[many]), between),
        measured(said, "pairs", larger, len(next_ratios)),
    ]
