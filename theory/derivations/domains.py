"""Where a statement is claimed: a set for each symbol, and the points at which it is checked, all rational and fixed.

First come the endpoints, because an inequality is tight there, then Roberts' low-discrepancy sequence (powers of the
generalised golden ratio), every other point of it moved to a face of the box.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy

Point: TypeAlias = dict[sympy.Symbol, sympy.Rational]

#: Rational coordinates are multiples of 2**-RESOLUTION of an interval's length.
RESOLUTION = 40

#: Grids of integers, and sets of corners, up to this size are checked completely.
COMPLETE = 256


@dataclass(frozen=True, slots=True)
class Interval:
    """The closed interval from `lower` to `upper`, both rational or strings such as "5/2"."""

    lower: Any
    upper: Any

    @property
    def ends(self) -> tuple[sympy.Rational, sympy.Rational]:
        """Both endpoints."""
        return sympy.Rational(self.lower), sympy.Rational(self.upper)

    def at(self, numerator: int) -> sympy.Rational:
        """The point that divides the interval at `numerator`/2**RESOLUTION."""
        lower, upper = self.ends
        return lower + (upper - lower) * sympy.Rational(numerator, 2**RESOLUTION)


@dataclass(frozen=True, slots=True)
class Integers:
    """Every `step`-th integer from `lower` to `upper` inclusive."""

    lower: int
    upper: int
    step: int = 1

    def __post_init__(self) -> None:
        if self.upper < self.lower or self.step < 1:
            raise ValueError(f"integers {self.lower}..{self.upper} by {self.step}: the set must not be empty")

    @property
    def values(self) -> range:
        """The integers themselves."""
        return range(self.lower, self.upper + 1, self.step)

    @property
    def ends(self) -> tuple[sympy.Rational, sympy.Rational]:
        """The least and the greatest of them."""
        return sympy.Integer(self.values[0]), sympy.Integer(self.values[-1])

    def at(self, numerator: int) -> sympy.Rational:
        """The integer whose rank divides the set, on a logarithmic scale, at `numerator`/2**RESOLUTION."""
        rank = math.floor(len(self.values) ** (numerator / 2**RESOLUTION)) - 1
        return sympy.Integer(self.values[rank])


Domain: TypeAlias = Mapping[sympy.Symbol, Interval | Integers]


def points(domain: Domain, count: int) -> Iterator[Point]:
    """Points of the product of the sets: all of a small grid of integers, else corners and `count` spread points.
    A domain without symbols has one point, the empty one. The same domain always gives the same points.

    >>> x = sympy.Symbol("x")
    >>> [point[x] for point in points({x: Interval(0, 1)}, 0)]
    [0, 1]
    """
    symbols = sorted(domain, key=lambda symbol: symbol.name)
    sets = [domain[symbol] for symbol in symbols]
    grids = [one.values for one in sets if isinstance(one, Integers)]
    if len(grids) == len(sets) and math.prod(map(len, grids)) <= COMPLETE:
        for values in itertools.product(*grids):
            yield dict(zip(symbols, map(sympy.Integer, values), strict=True))
        return
    if 2 ** len(sets) <= COMPLETE:
        for values in itertools.product(*(one.ends for one in sets)):
            yield dict(zip(symbols, values, strict=True))
    for number in range(1, count + 1):
        yield dict(zip(symbols, _spread(sets, number), strict=True))


def _spread(sets: list[Interval | Integers], number: int) -> list[sympy.Rational]:
    """The `number`-th point of Roberts' sequence; every other one on a face, the faces in turn."""
    ratio = _generalised_golden_ratio(len(sets))
    unit = 2**RESOLUTION
    spread = [one.at(round(unit * ratio ** -(axis + 1)) * number % unit) for axis, one in enumerate(sets)]
    if number % 2 == 0:
        axis, side = (number // 4) % len(sets), (number // 2) % 2
        spread[axis] = sets[axis].ends[side]
    return spread


def _generalised_golden_ratio(dimensions: int) -> float:
    """The positive root of x^(d+1) = x + 1, by its contraction; the golden ratio for d = 1."""
    ratio = 1.5
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    return ratio
