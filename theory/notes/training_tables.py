"""Tables of numbers for the notes on training, repeated data and unequal norms, from the float functions.

Each function returns the tables of one topic. Rules as in `theory.notes.tables`: few digits, a few seconds.

Defines no equations.
"""

from __future__ import annotations

import math

from theory.notes.prose import in_markdown
from theory.notes.tables import Table, table_of
from theory.number_format import number

__all__ = ["optimization_tables", "repetition_tables", "unequal_tables"]

#: The paper's schedule has Λ = 25; constant rates of the same sum give the same bounds to the digits shown.
RATES = [1e-3] * 25_000


def optimization_tables() -> tuple[Table, ...]:
    """Reach by weight decay, Adam's largest steps, the biases a T-gon needs, and the budget it takes to shrink."""
    from theory.memorization.tgon import tgon_radius_squared, tgon_weight_norm
    from theory.optimization import reach as formulas
    from theory.optimization.decay_flow import symmetric_budget, symmetric_rate

    reach = table_of(
        "What decay does within the paper's Λ = 25: the budget τ, the share of a parameter without gradient that is "
        "left, and the reach from 0 of steps of length 1 and of Adam's longest (`optimization.reach`).",
        "weight decay | τ | left | reach | reach at most",
        (
            (
                f"{decay:g}",
                formulas.decay_budget(RATES, decay),
                formulas.surviving_fraction(RATES, decay),
                formulas.reach(RATES, decay),
                formulas.reach(RATES, decay, largest_update=formulas.adam_largest_step()),
            )
            for decay in (0.0, 0.001, 0.01, 0.1, 0.5)
        ),
    )
    steps = table_of(
        "Adam's longest possible step, in learning rates, after so many steps (`optimization.largest-step`).",
        "steps | " + " | ".join(("1", "2", "5", "10", "30", "100", "∞")),
        [
            (
                "length",
                *(formulas.adam_largest_step(step=step) for step in (1, 2, 5, 10, 30, 100)),
                formulas.adam_largest_step(),
            )
        ],
    )
    biases = table_of(
        "The largest bias a regular T-gon needs, at a datapoint with one feature, and the probability that the paper's "
        "data (n = 10000, S = 0.999) keep it within 22.12 (`optimization.necessary-bias`).",
        "T | largest bias | probability",
        (
            (str(T), tgon_radius_squared(T) - 1, _share(formulas.tgon_within_reach(T, 22.12, 10_000, 0.999)))
            for T in (5, 8, 12, 16, 20, 22, 24, 26, 28)
        ),
    )
    shrinking = table_of(
        "How a memorizing T-gon shrinks: its rate −d ln‖W‖/dτ just above the least norm, and the budget τ from a norm "
        "above the least one by the factor given, all parameters equally mobile (`optimization.symmetric-flow`).",
        "T | least ‖W‖ | rate | τ from 1.02 | τ from 1.1 | τ from 1.5 | τ from 2",
        (
            (
                str(T),
                tgon_weight_norm(T),
                symmetric_rate(tgon_radius_squared(T)),
                *(
                    symmetric_budget(factor**2 * tgon_radius_squared(T), tgon_radius_squared(T))
                    for factor in (1.02, 1.1, 1.5, 2.0)
                ),
            )
            for T in (3, 4, 5, 6, 8, 10, 12, 20)
        ),
    )
    return reach, steps, biases, shrinking


def repetition_tables() -> tuple[Table, ...]:
    """Energies of the strongest features and the zero-bias threshold, by T/n."""
    from theory.repetition.threshold import energy_of_rank, zero_bias_threshold

    settings = ((1_000, 0.99), (10_000, 0.999))
    return tuple(
        table_of(
            f"n = {n}, S = {S}: mean energies of the strongest, fifth and tenth feature in units of T/n "
            "(`repetition.order`), and the R at which a point is worth a vertex at zero bias, "
            "mean and deviation over draws in the same unit (`repetition.zero-bias`): above T/n where data are few.",
            "T/n | e_1 | e_5 | e_10 | R/(T/n) | deviation",
            (
                (
                    str(share),
                    *(_brief(energy_of_rank(rank, share * n, n, S)) for rank in (1, 5, 10)),
                    _brief(found.mean),
                    _brief(found.deviation),
                )
                for share in (1, 3, 10, 30, 100)
                for found in [zero_bias_threshold(share * n, n, S)]
            ),
        )
        for n, S in settings
    )


def unequal_tables() -> tuple[Table, ...]:
    """Least ‖W‖² at a few sets of norms, tied and untied, against the regular polygon on them."""
    from theory.memorization.unequal_norms import least_norm_tied, least_norm_untied, regular_polygon_cost

    sets: tuple[tuple[float, ...], ...] = (
        (1, 1, 1),
        (1, 1, 3),
        (1, 1, 1, 1),
        (0.1, 1, 1, 1),
        (0.5, 1, 1, 1),
        (1, 1, 1, 3),
        (1, 1, 2, 2),
        (1, 1, 1, 1, 1),
        (1, 1, 1, 1, 2),
    )
    rows = []
    for norms in sets:
        tied, untied = least_norm_tied(norms, starts=8), least_norm_untied(norms, starts=8)
        rows.append(
            (
                in_markdown(", ".join(f"{one:g}" for one in norms)),
                _brief(tied.encoder_cost, 4),
                _brief(regular_polygon_cost(norms), 4),
                _brief((untied.encoder_cost + untied.decoder_cost) / 2, 4),
                _brief(regular_polygon_cost(norms, untied=True) / 2, 4),
                tied.status,
            )
        )
    return (
        table_of(
            "Least ‖W‖² found in the plane for datapoints of these norms (`unequal.programme`), and half of the least "
            "‖W‖² + ‖V‖² with a decoder V of its own (`unequal.untied`), beside what the regular polygon costs.",
            "norms | tied | regular, tied | untied | regular, untied | status",
            rows,
        ),
    )


def _share(probability: float) -> str:
    """Three decimals: the law's own error is below T·1e-4."""
    return f"{probability:.3f}"


def _brief(value: float, digits: int = 3) -> str:
    """Fewer digits, for numbers that are only that accurate."""
    return number(value, digits) if math.isfinite(value) else "–"
