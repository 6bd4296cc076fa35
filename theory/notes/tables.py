"""Tables of numbers for the notes, computed from the float functions.

Each function returns the tables of one topic. Numbers are rounded to fewer digits than any machine's
arithmetic could change; nothing here takes more than a few seconds.

Normalisations are those of the modules the numbers come from. Defines no equations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from theory.notes.prose import in_markdown
from theory.number_format import number, scientific

__all__ = ["TOPICS_WITH_TABLES", "Table", "table_of", "tables"]


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, the heads of the columns (both with Unicode mathematics), and cells in Markdown."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.caption}: every row must have {len(self.columns)} cells")

    def markdown(self) -> str:
        """The table in Markdown under its caption; columns of numbers are aligned right."""
        numeric = [
            all(row[place].lstrip("$").removeprefix(r"\ge ")[:1] in "-−–0123456789" for row in self.rows)
            for place in range(len(self.columns))
        ]
        lines = [
            [in_markdown(column) for column in self.columns],
            ["--:" if right else ":--" for right in numeric],
            *self.rows,
        ]
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{in_markdown(self.caption)}\n\n{body}".lstrip()


def table_of(caption: str, columns: str, rows: Iterable[tuple[float | str, ...]]) -> Table:
    """A table with the columns named between bars; numbers among the cells are rounded."""
    heads = tuple(head.strip() for head in columns.split("|"))
    return Table(
        caption,
        heads,
        tuple(tuple(one if isinstance(one, str) else number(one) for one in row) for row in rows),
    )


def _memorization() -> tuple[Table, ...]:
    from sympy import radsimp

    from theory.memorization import tgon as formulas
    from theory.memorization.exact import exact_tgon_energy
    from theory.notes.typesetting import in_latex

    shown = {T: in_latex(radsimp(exact_tgon_energy(T))) for T in (1, 2, 3, 4, 5, 6, 8, 10, 12)}
    tgon = table_of(
        "The regular T-gon, m = 2 (`memorization.tgon-norm`, `memorization.tgon-bias-norm`).",
        "T | ‖h‖² | c | ‖W‖ | ‖b‖ | ‖b‖/‖W‖ | D_X | ‖W‖² exactly",
        (
            (
                str(T),
                formulas.tgon_radius_squared(T),
                formulas.tgon_bias_coefficient(T),
                formulas.tgon_weight_norm(T),
                formulas.tgon_bias_norm(T),
                formulas.tgon_bias_norm(T) / formulas.tgon_weight_norm(T) if T > 1 else "–",
                formulas.tgon_dimensionality(T),
                f"${shown[T]}$" if T in shown else rf"${T}/(1 - \cos(2\pi/{T}))$",
            )
            for T in range(1, 13)
        ),
    )
    expansion = table_of(
        "Relative error of the two-term expansions of `memorization.asymptotic-norms`.",
        "T | ‖W‖ | error | ‖b‖ | error",
        (
            (
                str(T),
                formulas.tgon_weight_norm(T),
                f"{formulas.asymptotic_tgon_weight_norm(T) / formulas.tgon_weight_norm(T) - 1:.1e}",
                formulas.tgon_bias_norm(T),
                f"{formulas.asymptotic_tgon_bias_norm(T) / formulas.tgon_bias_norm(T) - 1:.1e}",
            )
            for T in (5, 10, 20, 50, 100)
        ),
    )
    return tgon, _with_powers(expansion)


def _with_powers(table: Table) -> Table:
    """With cells such as -1.9e-06 as powers of ten."""
    rows = tuple(tuple(scientific(cell) if "e-" in cell else cell for cell in row) for row in table.rows)
    return Table(table.caption, table.columns, rows)


def _codes() -> tuple[Table, ...]:
    from theory.codes.bounds import best_lower_bound
    from theory.codes.known_codes import known_codes
    from theory.codes.programme import memorization_code

    rows = []
    for m, sizes in ((3, range(4, 10)), (4, range(5, 10))):
        for T in sizes:
            code = memorization_code(T, m, starts=2)
            bound, value = best_lower_bound(T, m)
            name = "–" if code.name == "numerical" else in_markdown(code.name.replace(" + ", " and "))
            rows.append((str(m), str(T), code.energy, value, f"`{bound}`", name, code.status))
    return (
        table_of(
            "Least energies Σ‖h‖² found for T datapoints in m dimensions, and the largest proven lower bound.",
            "m | T | energy | bound | its label | configuration | status",
            rows,
        ),
        table_of(
            "Known and open for m + 2 ≤ T ≤ 2m − 1: the construction (`codes.shifted-cross-polytope`), the largest "
            "proven bound, and how far apart they are, as a share of T. From T = m + 5 on they are apart.",
            "m | T | construction | bound | its label | apart",
            (
                (str(m), str(T), energy, value, f"`{label}`", number((energy - value) / T, 2))
                for m, T in ((3, 5), (4, 7), (5, 9), (8, 12), (6, 11), (8, 15), (16, 24), (32, 48))
                for energy in [known_codes(T, m)[0].energy]
                for label, value in [best_lower_bound(T, m)]
            ),
        ),
    )


def _generalization() -> tuple[Table, ...]:
    from theory.features.polygon import polygon
    from theory.polygon_geometry import interference_sum

    sizes = range(3, 14)
    gains = table_of(
        "Gain of a k-gon in units of one perfectly stored feature. Zero bias: unit length "
        "(`generalization.unit-gain`) and free length (`generalization.free-radius`). Free bias: constant, uniform, "
        "and normalized amplitudes (n = 10000, S = 0.999).",
        "k | S_k | unit | free length | constant | uniform | normalized",
        (
            (
                str(k),
                interference_sum(k),
                *(polygon(k, law).gain for law in ("unit", "free", "constant", "uniform", "normalized")),
            )
            for k in sizes
        ),
    )
    norms = table_of(
        "‖W‖ and bias at these optima.",
        "k | ‖W‖, free length | ‖W‖, constant | b, constant | ‖W‖, uniform | b, uniform",
        (
            (
                str(k),
                polygon(k, "free").weight_norm,
                *(
                    value
                    for law in ("constant", "uniform")
                    for found in [polygon(k, law)]
                    for value in (found.weight_norm, found.bias)
                ),
            )
            for k in sizes
        ),
    )
    return gains, norms


def _sea() -> tuple[Table, ...]:
    from theory.features.sea import bands_gain, best_sea, sea_gain

    bands = (1, 2, 3, 10, 100)
    return (
        table_of(
            "Gain of B separated bands of k-gons at zero bias (`sea.bands`).",
            "k | " + " | ".join(f"B = {one}" for one in bands),
            ((str(k), *(bands_gain(k, one) for one in bands)) for k in range(3, 10)),
        ),
        table_of(
            "A pentagon of squared radius r and the sea that adds most to it (`sea.best-energy`), "
            "directions at its vertices.",
            "r | energy q | what it adds",
            (
                (number(r), best_sea(5, r), sea_gain(5, r, best_sea(5, r)))
                for r in (0.25, 0.5, 0.75, 0.8396, 1.0, 1.25)
            ),
        ),
    )


def _dimensionality() -> tuple[Table, ...]:
    from theory.memorization.tgon import simplex_dimensionality, tgon_dimensionality

    return (
        table_of(
            "Dimensionality of a vertex: the T-gon (`memorization.tgon-dimensionality`), the simplex in T − 1 "
            "dimensions (`memorization.simplex-dimensionality`), and the bound for each of T copies of one datapoint "
            "(`dimensionality.repeats`).",
            "T | T-gon | simplex | copies",
            ((str(T), tgon_dimensionality(T), simplex_dimensionality(T), 1 / T) for T in (2, 3, 4, 5, 8, 12)),
        ),
    )


def _scales() -> tuple[Table, ...]:
    from theory.memorization import overlap as scales

    settings = ((10_000, 0.999), (1_000, 0.99), (10_000, 0.998))
    return (
        table_of(
            "How overlap depends on the setting: P, the probability that a pair overlaps (`scales.pair-overlap`); the "
            "T at which one overlapping pair is expected, at which a datapoint overlaps with one other, and at which "
            "it overlaps with all.",
            "n | S | P | first pair | typical | universal",
            (
                (
                    str(n),
                    str(S),
                    scales.pair_overlap_probability(n, S),
                    scales.first_overlap_scale(n, S),
                    scales.typical_overlap_scale(n, S),
                    scales.universal_overlap_scale(n, S),
                )
                for n, S in settings
            ),
        ),
        table_of(
            "Probability that no two of T datapoints overlap (`scales.disjoint-probability`).",
            "T | " + " | ".join(f"n = {n}, S = {S}" for n, S in settings),
            (
                (str(T), *(scales.disjoint_probability(T, n, S) for n, S in settings))
                for T in (3, 5, 8, 12, 20)
            ),
        ),
    )


def _penalty() -> tuple[Table, ...]:
    from theory.memorization.finite_penalty import collapse_penalty, penalised_polygon

    shares = (0.0, 0.01, 0.1, 0.5, 0.9)
    return tuple(
        table_of(
            f"The {name} of the least loss + λ(‖W‖² + ‖b‖²) on a T-gon, λ given as a share of the collapse at 2/T.",
            "T | " + " | ".join("λ → 0" if share == 0 else f"{share}" for share in shares),
            (
                (
                    str(T),
                    *(getattr(penalised_polygon(T, share * collapse_penalty(T)), key) for share in shares),
                )
                for T in (3, 4, 5, 6, 8)
            ),
        )
        for name, key in (("squared radius r", "radius_squared"), ("bias coefficient c", "bias_coefficient"))
    )


def _stationary() -> tuple[Table, ...]:
    from theory.memorization import failures as stationary
    from theory.memorization.tgon import tgon_energy, tgon_hidden

    circles = table_of(
        "Two circles on T = 8 datapoints: three of squared length x, five of the y that the angles leave "
        "(`stationary.two-circles`); the T-gon has energy " + number(float(tgon_energy(8))) + ".",
        "x | y | energy",
        (
            (number(x), found.outer_squared, 3 * x + 5 * found.outer_squared)
            for x in (1.5, 2.0, 2.5, 3.0, 3.4142)
            for found in [stationary.two_circles(8, [x, x, x])]
        ),
    )
    dropped = table_of(
        "One dropped point, the T − 1 others on their regular polygon (`stationary.dropped`): T times the loss, and "
        "the curvature at the origin, held where it is positive.",
        "T | T · loss | curvature",
        (
            (
                str(T),
                T * stationary.dropped_point_loss(T),
                stationary.dropped_point_curvature(tgon_hidden(T - 1)),
            )
            for T in (4, 5, 6, 8, 10, 12)
        ),
    )
    return circles, dropped


def _optimization() -> tuple[Table, ...]:
    from theory.notes.training_tables import optimization_tables

    return optimization_tables()


def _repetition() -> tuple[Table, ...]:
    from theory.notes.training_tables import repetition_tables

    return repetition_tables()


def _unequal() -> tuple[Table, ...]:
    from theory.notes.training_tables import unequal_tables

    return unequal_tables()


_TABLES: dict[str, Callable[[], tuple[Table, ...]]] = {
    "memorization": _memorization,
    "codes": _codes,
    "stationary": _stationary,
    "unequal": _unequal,
    "penalty": _penalty,
    "generalization": _generalization,
    "sea": _sea,
    "optimization": _optimization,
    "repetition": _repetition,
    "dimensionality": _dimensionality,
    "scales": _scales,
}

#: The topics that have tables of numbers.
TOPICS_WITH_TABLES = frozenset(_TABLES)


@cache
def tables(topic: str) -> tuple[Table, ...]:
    """The tables of a topic, none for a topic without."""
    return _TABLES[topic]() if topic in _TABLES else ()
