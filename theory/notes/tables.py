"""Tables of numbers for the notes, one function for each topic: seconds, and digits that no machine changes.

Captions and heads are in `tables.toml`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias

from theory import symbolic
from theory.codes.bounds import best_lower_bound
from theory.codes.known_codes import known_codes
from theory.codes.programme import memorization_code
from theory.derivations.texts import read_table
from theory.features.polygon import polygon
from theory.features.sea import bands_gain, best_sea, sea_gain
from theory.memorization import failures, tgon
from theory.memorization import overlap as scales
from theory.memorization.finite_penalty import collapse_penalty, penalised_polygon
from theory.memorization.unequal_norms import least_norm_tied, least_norm_untied, regular_polygon_cost
from theory.notes.statements import in_latex
from theory.number_format import number
from theory.optimization import reach
from theory.optimization.decay_flow import symmetric_budget, symmetric_rate
from theory.polygon_geometry import interference_sum
from theory.repetition.threshold import energy_law, zero_bias_threshold

Cell: TypeAlias = float | str
Column: TypeAlias = Callable[[Any], Cell]

_TEXTS = read_table("theory.notes", "tables.toml")

#: The paper's schedule has Λ = 25; constant rates of the same sum give the same bounds to the digits shown.
RATES = [1e-3] * 25_000


def heads(shown: str, values: Iterable[Any]) -> str:
    """Heads of columns that differ by a value each, for `%(heads)s` in `tables.toml`."""
    return " | ".join(shown % value for value in values)


def table_of(name: str, rows: Iterable[Iterable[Cell]], **values: Cell) -> str:
    """The table that `tables.toml` has under this name, below its caption, in Markdown. Numbers among the cells are
    rounded, integers are not; columns of numbers are aligned right. Raises ValueError: a row of another length.
    """
    heads = [head.strip() for head in (_TEXTS[name]["columns"] % values).split("|")]
    cells = [[number(one) if isinstance(one, float) else str(one) for one in row] for row in rows]
    sides = [
        "--:"
        if all(cell.lstrip("$").removeprefix(r"\ge ")[:1] in "-−–0123456789" for cell in column)
        else ":--"
        for _, *column in zip(heads, *cells, strict=True)
    ]
    lines = (f"| {' | '.join(line)} |" for line in (heads, sides, *cells))
    return "\n".join([_TEXTS[name]["caption"] % values, "", *lines]).lstrip()


def by(name: str, first: Iterable[Any], columns: Sequence[Column]) -> str:
    """A table with the values `first` in its first column, as they are, and functions of them in the others."""
    return table_of(name, ((str(one), *(column(one) for column in columns)) for one in first))


def _memorization() -> tuple[str, ...]:
    def exact(T: int) -> str:
        return f"${in_latex(symbolic.tgon(T)['energy']) if T > 1 else 0}$"

    def ratio(T: int) -> float | str:
        return bias(T) / weight(T) if T > 1 else "–"

    radius, weight, bias = tgon.tgon_radius_squared, tgon.tgon_weight_norm, tgon.tgon_bias_norm
    own, share = tgon.tgon_bias_coefficient, tgon.tgon_dimensionality
    pairs = (weight, tgon.asymptotic_tgon_weight_norm), (bias, tgon.asymptotic_tgon_bias_norm)
    errors = (
        (T, *(x for norm, near in pairs for x in (norm(T), number(near(T) / norm(T) - 1, 2))))
        for T in (5, 10, 20, 50, 100)
    )
    columns: list[Column] = [radius, own, weight, bias, ratio, share, exact]
    return by("tgon", range(1, 13), columns), table_of("expansion", errors)


def _codes() -> tuple[str, ...]:
    least: list[tuple[float | str, ...]] = []
    for m, T in [*((3, T) for T in range(4, 10)), *((4, T) for T in range(5, 10))]:
        code, (label, bound) = memorization_code(T, m, starts=4), best_lower_bound(T, m)
        name = "–" if code.name == "numerical" else code.name.replace(" + ", " and ")
        name = re.sub(r"R\^\d+", r"$\g<0>$", name)
        least.append((m, T, code.energy, bound, f"`{label}`", name, code.status))
    apart: list[tuple[float | str, ...]] = []
    for m, T in ((3, 5), (4, 7), (5, 9), (8, 12), (6, 11), (8, 15), (16, 24), (32, 48)):
        energy, (label, bound) = known_codes(T, m)[0].energy, best_lower_bound(T, m)
        apart.append((m, T, energy, bound, f"`{label}`", number((energy - bound) / T, 2)))
    return table_of("codes", least), table_of("open", apart)


def _generalization() -> tuple[str, ...]:
    def of(law: Any, quantity: str = "gain") -> Callable[[int], float]:
        return lambda k: float(getattr(polygon(k, law), quantity))

    gains = map(of, ("unit", "free", "constant", "uniform", "normalized"))
    norms = (of(law, name) for law in ("constant", "uniform") for name in ("weight_norm", "bias"))
    sizes = range(3, 14)
    return (
        by("gains", sizes, [interference_sum, *gains]),
        by("norms", sizes, [of("free", "weight_norm"), *norms]),
    )


def _sea() -> tuple[str, ...]:
    counts = (1, 2, 3, 10, 100)
    bands = ((k, *(bands_gain(k, count) for count in counts)) for k in range(3, 10))
    radii = (0.25, 0.5, 0.75, 0.8396, 1, 1.25)
    added = [lambda r: best_sea(5, r), lambda r: sea_gain(5, r, best_sea(5, r))]
    return table_of("bands", bands, heads=heads("$B = %d$", counts)), by("sea", radii, added)


def _dimensionality() -> tuple[str, ...]:
    columns: list[Column] = [tgon.tgon_dimensionality, tgon.simplex_dimensionality, lambda T: 1 / T]
    return (by("dimensionality", (2, 3, 4, 5, 8, 12), columns),)


def _scales() -> tuple[str, ...]:
    settings = ((10_000, 0.999), (1_000, 0.99), (10_000, 0.998))
    laws = (
        scales.pair_overlap_probability,
        scales.first_overlap_scale,
        scales.typical_overlap_scale,
        scales.universal_overlap_scale,
    )
    disjoint = ((T, *(scales.disjoint_probability(T, n, S) for n, S in settings)) for T in (3, 5, 8, 12, 20))
    return (
        table_of("overlap", ((n, str(S), *(law(n, S) for law in laws)) for n, S in settings)),
        table_of("disjoint", disjoint, heads=heads("$n = %d$, $S = %g$", settings)),
    )


def _penalty() -> tuple[str, ...]:
    shares = (0.0, 0.01, 0.1, 0.5, 0.9)
    found = {T: [penalised_polygon(T, one * collapse_penalty(T)) for one in shares] for T in (3, 4, 5, 6, 8)}

    def of(key: str, shown: str) -> str:
        rows = ((T, *(getattr(one, key) for one in optima)) for T, optima in found.items())
        return table_of("penalty", rows, quantity=shown, heads=heads("%g", shares[1:]))

    return of("radius_squared", "squared radius $r$"), of("bias_coefficient", "bias coefficient $c$")


def _stationary() -> tuple[str, ...]:
    circles = {x: failures.two_circles(8, [x, x, x]) for x in (1.5, 2, 2.5, 3, 3.4142)}
    rows = ((str(x), one.outer_squared, one.energy) for x, one in circles.items())
    columns = [
        lambda T: T * failures.dropped_point_loss(T),
        lambda T: failures.dropped_point_curvature(tgon.tgon_hidden(T - 1)),
    ]
    return (
        table_of("circles", rows, energy=number(tgon.tgon_energy(8))),
        by("dropped", (4, 5, 6, 8, 10, 12), columns),
    )


def _optimization() -> tuple[str, ...]:
    def within(T: int) -> str:
        return f"{reach.tgon_within_reach(T, 22.12, 10_000, 0.999):.3f}"  # the law's error is below T·1e-4

    factors, lengths = (1.02, 1.1, 1.5, 2.0), (1, 2, 5, 10, 30, 100)

    def shrinking(T: int) -> tuple[float, ...]:
        least = tgon.tgon_radius_squared(T)
        budgets = (symmetric_budget(factor**2 * least, least) for factor in factors)
        return T, tgon.tgon_weight_norm(T), symmetric_rate(least), *budgets

    columns = [
        lambda decay: sum(RATES) * decay,
        lambda decay: reach.surviving_fraction(RATES, decay),
        lambda decay: reach.reach(RATES, decay),
        lambda decay: reach.reach(RATES, decay, largest_update=reach.adam_largest_step()),
    ]
    longest = [reach.adam_largest_step(step=step) for step in (*lengths, None)]
    sizes = (5, 8, 12, 16, 20, 22, 24, 26, 28)
    return (
        by("reach", (0, 0.001, 0.01, 0.1, 0.5), columns),
        table_of("steps", [("length", *longest)], heads=heads("%d", lengths)),
        by("biases", sizes, [lambda T: tgon.tgon_radius_squared(T) - 1, within]),
        table_of(
            "shrinking",
            map(shrinking, (3, 4, 5, 6, 8, 10, 12, 20)),
            heads=heads(r"$\tau$ from %g", factors),
        ),
    )


def _repetition() -> tuple[str, ...]:
    def row(share: int, n: int, S: float) -> tuple[int | str, ...]:
        point = zero_bias_threshold(share * n, n, S)
        energies = (energy_law(share * n, n, S).rank_moments(rank, n)[0] for rank in (1, 5, 10))
        return share, *(number(one, 3) for one in (*energies, point.mean, point.deviation))

    shares = (1, 3, 10, 30, 100)
    settings = ((1_000, 0.99), (10_000, 0.999))
    return tuple(table_of("repetition", (row(one, n, S) for one in shares), n=n, S=S) for n, S in settings)


def _unequal() -> tuple[str, ...]:
    def row(shown: str) -> tuple[str, ...]:
        norms = [float(one) for one in shown.split(",")]
        tied, untied = least_norm_tied(norms, starts=8), least_norm_untied(norms, starts=8)
        costs = (
            tied.encoder_cost,
            regular_polygon_cost(norms),
            (untied.encoder_cost + untied.decoder_cost) / 2,
            regular_polygon_cost(norms, untied=True) / 2,
        )
        return shown, *(number(cost, 4) for cost in costs), tied.status

    sets = ("1, 1, 1", "1, 1, 3", "1, 1, 1, 1", "0.1, 1, 1, 1", "0.5, 1, 1, 1", "1, 1, 1, 3", "1, 1, 2, 2")
    return (table_of("unequal", map(row, (*sets, "1, 1, 1, 1, 1", "1, 1, 1, 1, 2"))),)


_BUILDERS = (_memorization, _codes, _stationary, _unequal, _penalty, _generalization, _sea, _optimization)
_TABLES = {one.__name__.lstrip("_"): one for one in (*_BUILDERS, _repetition, _dimensionality, _scales)}


@cache
def tables(topic: str) -> tuple[str, ...]:
    """The tables of a topic, none for a topic without."""
    return _TABLES[topic]() if topic in _TABLES else ()
