"""Tables of numbers for the notes, computed from the float functions.

Each function returns the tables of one topic. Numbers are rounded to fewer digits than any machine's
arithmetic could change; nothing here takes more than a few seconds. Normalisations are those of the modules the numbers
come from.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from theory.notes.statements import in_latex
from theory.notes.table import Table, by, table_of
from theory.number_format import number

#: The paper's schedule has Λ = 25; constant rates of the same sum give the same bounds to the digits shown.
RATES = [1e-3] * 25_000


def _memorization() -> tuple[Table, ...]:
    from sympy import Integer, cos, pi, radsimp

    from theory.memorization import tgon as formulas

    def exact(T: int) -> str:
        if T in (7, 9, 11):  # no short radicals
            return rf"${T}/(1 - \cos(2\pi/{T}))$"
        return f"${in_latex(radsimp(T / (1 - cos(2 * pi / T)) if T > 1 else Integer(0)))}$"

    def ratio(T: int) -> float | str:
        return bias(T) / weight(T) if T > 1 else "–"

    radius, weight, bias = formulas.tgon_radius_squared, formulas.tgon_weight_norm, formulas.tgon_bias_norm
    pairs = (weight, formulas.asymptotic_tgon_weight_norm), (bias, formulas.asymptotic_tgon_bias_norm)
    tgon = by(
        "The regular T-gon, $m = 2$ (`memorization.tgon-norm`, `memorization.tgon-bias-norm`).",
        r"$T$ | $\lVert h\rVert^2$ | $c$ | $\lVert W\rVert$ | $\lVert b\rVert$ | $\lVert b\rVert/\lVert W\rVert$ | "
        r"$D_X$ | $\lVert W\rVert^2$ exactly",
        range(1, 13),
        [radius, formulas.tgon_bias_coefficient, weight, bias, ratio, formulas.tgon_dimensionality, exact],
    )
    expansion = table_of(
        "Relative error of the two-term expansions of `memorization.asymptotic-norms`.",
        r"$T$ | $\lVert W\rVert$ | error | $\lVert b\rVert$ | error",
        (
            (str(T), *(x for norm, near in pairs for x in (norm(T), number(near(T) / norm(T) - 1, 2))))
            for T in (5, 10, 20, 50, 100)
        ),
    )
    return tgon, expansion


def _codes() -> tuple[Table, ...]:
    from theory.codes.bounds import best_lower_bound
    from theory.codes.known_codes import known_codes
    from theory.codes.programme import memorization_code

    rows = []
    for m, T in [*((3, T) for T in range(4, 10)), *((4, T) for T in range(5, 10))]:
        code = memorization_code(T, m, starts=4)
        bound, value = best_lower_bound(T, m)
        name = (
            "–"
            if code.name == "numerical"
            else re.sub(r"R\^\d+", r"$\g<0>$", code.name.replace(" + ", " and "))
        )
        rows.append((str(m), str(T), code.energy, value, f"`{bound}`", name, code.status))
    least = table_of(
        r"Least energies $\sum \lVert h\rVert^2$ found for $T$ datapoints in $m$ dimensions, and the largest proven "
        "lower bound.",
        "$m$ | $T$ | energy | bound | its label | configuration | status",
        rows,
    )
    apart = []
    for m, T in ((3, 5), (4, 7), (5, 9), (8, 12), (6, 11), (8, 15), (16, 24), (32, 48)):
        energy, (label, value) = known_codes(T, m)[0].energy, best_lower_bound(T, m)
        apart.append((str(m), str(T), energy, value, f"`{label}`", number((energy - value) / T, 2)))
    known = table_of(
        r"Known and open for $m + 2 \le T \le 2m - 1$: the construction (`codes.shifted-cross-polytope`), the largest "
        "proven bound, and how far apart they are, as a share of $T$. From $T = m + 5$ on they are apart.",
        "$m$ | $T$ | construction | bound | its label | apart",
        apart,
    )
    return least, known


def _generalization() -> tuple[Table, ...]:
    from theory.features.polygon import polygon
    from theory.polygon_geometry import interference_sum

    sizes = range(3, 14)

    def of(law: Any, quantity: str = "gain") -> Callable[[int], float]:
        return lambda k: float(getattr(polygon(k, law), quantity))

    gains = by(
        "Gain of a k-gon in units of one perfectly stored feature. Zero bias: unit length "
        "(`generalization.unit-gain`) and free length (`generalization.free-radius`). Free bias: constant, uniform, "
        "and normalized amplitudes $(n = 10000, S = 0.999)$.",
        "$k$ | $S_k$ | unit | free length | constant | uniform | normalized",
        sizes,
        [interference_sum, *map(of, ("unit", "free", "constant", "uniform", "normalized"))],
    )
    norms = by(
        r"$\lVert W\rVert$ and bias at these optima.",
        r"$k$ | $\lVert W\rVert$, free length | $\lVert W\rVert$, constant | $b$, constant | $\lVert W\rVert$, uniform "
        "| $b$, uniform",
        sizes,
        [
            of("free", "weight_norm"),
            *(of(law, name) for law in ("constant", "uniform") for name in ("weight_norm", "bias")),
        ],
    )
    return gains, norms


def _sea() -> tuple[Table, ...]:
    from theory.features.sea import bands_gain, best_sea, sea_gain

    bands = (1, 2, 3, 10, 100)
    return (
        table_of(
            "Gain of $B$ separated bands of k-gons at zero bias (`sea.bands`).",
            "$k$ | " + " | ".join(f"$B = {one}$" for one in bands),
            ((str(k), *(bands_gain(k, one) for one in bands)) for k in range(3, 10)),
        ),
        by(
            "A pentagon of squared radius $r$ and the sea that adds most to it (`sea.best-energy`), directions at its "
            "vertices.",
            "$r$ | energy $q$ | what it adds",
            (0.25, 0.5, 0.75, 0.8396, 1, 1.25),
            [lambda r: best_sea(5, r), lambda r: sea_gain(5, r, best_sea(5, r))],
        ),
    )


def _dimensionality() -> tuple[Table, ...]:
    from theory.memorization.tgon import simplex_dimensionality, tgon_dimensionality

    return (
        by(
            "Dimensionality of a vertex: the T-gon (`memorization.tgon-dimensionality`), the simplex in $T - 1$ "
            "dimensions (`memorization.simplex-dimensionality`), and the bound for each of $T$ copies of one "
            "datapoint (`dimensionality.repeats`).",
            "$T$ | T-gon | simplex | copies",
            (2, 3, 4, 5, 8, 12),
            [tgon_dimensionality, simplex_dimensionality, lambda T: 1 / T],
        ),
    )


def _scales() -> tuple[Table, ...]:
    from theory.memorization import overlap as scales

    settings = ((10_000, 0.999), (1_000, 0.99), (10_000, 0.998))
    laws = (
        scales.pair_overlap_probability,
        scales.first_overlap_scale,
        scales.typical_overlap_scale,
        scales.universal_overlap_scale,
    )
    return (
        table_of(
            "How overlap depends on the setting: $P$, the probability that a pair overlaps (`scales.pair-overlap`); "
            "the $T$ at which one overlapping pair is expected, at which a datapoint overlaps with one other, and at "
            "which it overlaps with all.",
            "$n$ | $S$ | $P$ | first pair | typical | universal",
            ((str(n), str(S), *(law(n, S) for law in laws)) for n, S in settings),
        ),
        table_of(
            "Probability that no two of $T$ datapoints overlap (`scales.disjoint-probability`).",
            "$T$ | " + " | ".join(f"$n = {n}$, $S = {S}$" for n, S in settings),
            (
                (str(T), *(scales.disjoint_probability(T, n, S) for n, S in settings))
                for T in (3, 5, 8, 12, 20)
            ),
        ),
    )


def _penalty() -> tuple[Table, ...]:
    from theory.memorization.finite_penalty import collapse_penalty, penalised_polygon

    shares = (0.0, 0.01, 0.1, 0.5, 0.9)
    found = {
        T: [penalised_polygon(T, share * collapse_penalty(T)) for share in shares] for T in (3, 4, 5, 6, 8)
    }
    captions = {"radius_squared": "The squared radius $r$", "bias_coefficient": "The bias coefficient $c$"}
    return tuple(
        table_of(
            rf"{caption} of the least loss $+\ \lambda (\lVert W\rVert^2 + \lVert b\rVert^2)$ on a T-gon, $\lambda$ "
            "given as a share of the collapse at $2/T$.",
            r"$T$ | $\lambda \to 0$ | " + " | ".join(map(str, shares[1:])),
            ((str(T), *(getattr(one, key) for one in optima)) for T, optima in found.items()),
        )
        for key, caption in captions.items()
    )


def _stationary() -> tuple[Table, ...]:
    from theory.memorization import failures
    from theory.memorization.tgon import tgon_energy, tgon_hidden

    def outer(x: float) -> float:
        return failures.two_circles(8, [x, x, x]).outer_squared

    circles = by(
        "Two circles on $T = 8$ datapoints: three of squared length $x$, five of the $y$ that the angles leave "
        f"(`stationary.two-circles`); the T-gon has energy {number(tgon_energy(8))}.",
        "$x$ | $y$ | energy",
        (1.5, 2, 2.5, 3, 3.4142),
        [outer, lambda x: 3 * x + 5 * outer(x)],
    )
    dropped = by(
        "One dropped point, the $T - 1$ others on their regular polygon (`stationary.dropped`): $T$ times the loss, "
        "and the curvature at the origin, held where it is positive.",
        r"$T$ | $T \cdot$ loss | curvature",
        (4, 5, 6, 8, 10, 12),
        [
            lambda T: T * failures.dropped_point_loss(T),
            lambda T: failures.dropped_point_curvature(tgon_hidden(T - 1)),
        ],
    )
    return circles, dropped


def _optimization() -> tuple[Table, ...]:
    from theory.memorization.tgon import tgon_radius_squared
    from theory.optimization import reach as formulas

    def within(T: int) -> str:
        return f"{formulas.tgon_within_reach(T, 22.12, 10_000, 0.999):.3f}"  # the law's error is below T·1e-4

    reach = by(
        r"What decay does within the paper's $\Lambda = 25$: the budget $\tau$, the share of a parameter without "
        "gradient that is left, and the reach from 0 of steps of length 1 and of Adam's longest "
        "(`optimization.reach`).",
        r"weight decay | $\tau$ | left | reach | reach at most",
        (0, 0.001, 0.01, 0.1, 0.5),
        [
            lambda decay: sum(RATES) * decay,
            lambda decay: formulas.surviving_fraction(RATES, decay),
            lambda decay: formulas.reach(RATES, decay),
            lambda decay: formulas.reach(RATES, decay, largest_update=formulas.adam_largest_step()),
        ],
    )
    longest = [formulas.adam_largest_step(step=step) for step in (1, 2, 5, 10, 30, 100)]
    steps = table_of(
        "Adam's longest possible step, in learning rates, after so many steps (`optimization.largest-step`).",
        r"steps | 1 | 2 | 5 | 10 | 30 | 100 | $\infty$",
        [("length", *longest, formulas.adam_largest_step())],
    )
    biases = by(
        "The largest bias a regular T-gon needs, at a datapoint with one feature, and the probability that the "
        "paper's data $(n = 10000, S = 0.999)$ keep it within 22.12 (`optimization.necessary-bias`).",
        "$T$ | largest bias | probability",
        (5, 8, 12, 16, 20, 22, 24, 26, 28),
        [lambda T: tgon_radius_squared(T) - 1, within],
    )
    return reach, steps, biases, _shrinking()


def _shrinking() -> Table:
    from theory.memorization.tgon import tgon_radius_squared, tgon_weight_norm
    from theory.optimization.decay_flow import symmetric_budget, symmetric_rate

    rows: list[tuple[float | str, ...]] = []
    for T in (3, 4, 5, 6, 8, 10, 12, 20):
        least = tgon_radius_squared(T)
        budgets = (symmetric_budget(factor**2 * least, least) for factor in (1.02, 1.1, 1.5, 2.0))
        rows.append((str(T), tgon_weight_norm(T), symmetric_rate(least), *budgets))
    return table_of(
        r"How a memorizing T-gon shrinks: its rate $-d \ln \lVert W\rVert/d\tau$ just above the least norm, and the "
        r"budget $\tau$ from a norm above the least one by the factor given, all parameters equally mobile "
        "(`optimization.symmetric-flow`).",
        r"$T$ | least $\lVert W\rVert$ | rate | $\tau$ from 1.02 | $\tau$ from 1.1 | $\tau$ from 1.5 | $\tau$ from 2",
        rows,
    )


def _repetition() -> tuple[Table, ...]:
    from theory.repetition.threshold import energy_of_rank, zero_bias_threshold

    found = []
    for n, S in ((1_000, 0.99), (10_000, 0.999)):
        rows = []
        for share in (1, 3, 10, 30, 100):
            point = zero_bias_threshold(share * n, n, S)
            energies = (energy_of_rank(rank, share * n, n, S) for rank in (1, 5, 10))
            rows.append((str(share), *(number(one, 3) for one in (*energies, point.mean, point.deviation))))
        found.append(
            table_of(
                f"$n = {n}$, $S = {S}$: mean energies of the strongest, fifth and tenth feature in units of $T/n$ "
                "(`repetition.order`), and the $R$ at which a point is worth a vertex at zero bias, mean and deviation "
                "over draws in the same unit (`repetition.zero-bias`): above $T/n$ where data are few.",
                "$T/n$ | $e_1$ | $e_5$ | $e_{10}$ | $R/(T/n)$ | deviation",
                rows,
            )
        )
    return tuple(found)


def _unequal() -> tuple[Table, ...]:
    from theory.memorization.unequal_norms import least_norm_tied, least_norm_untied, regular_polygon_cost

    sets = ("1, 1, 1", "1, 1, 3", "1, 1, 1, 1", "0.1, 1, 1, 1", "0.5, 1, 1, 1", "1, 1, 1, 3", "1, 1, 2, 2")
    rows = []
    for shown in (*sets, "1, 1, 1, 1, 1", "1, 1, 1, 1, 2"):
        norms = [float(one) for one in shown.split(",")]
        tied, untied = least_norm_tied(norms, starts=8), least_norm_untied(norms, starts=8)
        costs = (
            tied.encoder_cost,
            regular_polygon_cost(norms),
            (untied.encoder_cost + untied.decoder_cost) / 2,
            regular_polygon_cost(norms, untied=True) / 2,
        )
        rows.append((shown, *(number(cost, 4) for cost in costs), tied.status))
    return (
        table_of(
            r"Least $\lVert W\rVert^2$ found in the plane for datapoints of these norms (`unequal.programme`), and "
            r"half of the least $\lVert W\rVert^2 + \lVert V\rVert^2$ with a decoder $V$ of its own "
            "(`unequal.untied`), beside what the regular polygon costs.",
            "norms | tied | regular, tied | untied | regular, untied | status",
            rows,
        ),
    )


_BUILDERS = (_memorization, _codes, _stationary, _unequal, _penalty, _generalization, _sea, _optimization)
_TABLES = {one.__name__.lstrip("_"): one for one in (*_BUILDERS, _repetition, _dimensionality, _scales)}

#: The topics that have tables of numbers.
TOPICS_WITH_TABLES = frozenset(_TABLES)


@cache
def tables(topic: str) -> tuple[Table, ...]:
    """The tables of a topic, none for a topic without."""
    return _TABLES[topic]() if topic in _TABLES else ()
