"""Proofs about polygons of features on infinite data: interference sums, and why the pentagon.

Normalisation: gain = k − loss/E a² in units of one perfectly stored feature, zero bias; S_k as in
`theory.polygon_geometry`.
"""

from sympy import Derivative, Expr, Max, Rational, Sum, cos, pi, sec, sin, sqrt, tan

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, at_least, at_most, equal, theorem
from theory.derivations.symbols import symbol
from theory.symbolic import interference

k, r, d, i, phi, S_k = symbol("k r d i phi S_k")

EVEN, ONE_MOD_FOUR, THREE_MOD_FOUR = Integers(4, 60, 2), Integers(5, 61, 4), Integers(3, 63, 4)

_excess = sec(pi / k) - 1


def _passed(vertices: Expr) -> Expr:
    """The interference sum by its definition."""
    return Sum(Max(0, cos(2 * pi * d / vertices)) ** 2, (d, 0, vertices - 1))


_INTERFERENCE = theorem(
    "polygons.interference-sum",
    on={k: EVEN, i: Integers(1, 16), phi: Interval("1/8", 6)},
    steps={
        "polygons.even-sum": equal(_passed(k), k / 4),
        "polygons.positive-part-one": equal(
            _passed(4 * i + 1), Sum(cos(2 * pi * d / (4 * i + 1)) ** 2, (d, -i, i))
        ),
        "polygons.positive-part-three": equal(
            _passed(4 * i + 3), Sum(cos(2 * pi * d / (4 * i + 3)) ** 2, (d, -i, i))
        ),
        "polygons.dirichlet-kernel": equal(
            Sum(cos(d * phi), (d, -i, i)), sin((2 * i + 1) * phi / 2) / sin(phi / 2)
        ),
        "polygons.one-sum": equal(_passed(k), interference(1, k), {k: ONE_MOD_FOUR}),
        "polygons.three-sum": equal(_passed(k), interference(3, k), {k: THREE_MOD_FOUR}),
    },
)

_NEIGHBOURS = theorem(
    "generalization.neighbour-loss",
    on={k: Integers(4, 40)},
    steps={
        "generalization.neighbour-double-angle": equal(
            k * (2 * cos(2 * pi / k) ** 2 - 1) / 3, k * cos(4 * pi / k) / 3
        ),
        "generalization.neighbour-tail": equal(cos(4 * pi / k), sin(pi * (k - 8) / (2 * k))),
        "generalization.neighbour-pentagon": equal(
            5 * (2 * cos(2 * pi / 5) ** 2 - 1) / 3, -5 * (1 + sqrt(5)) / 12
        ),
        "generalization.neighbour-best": above(sqrt(5), 3 - Rational(4, 5)),
    },
)

_UNIT = theorem(
    "generalization.unit-gain",
    on={r: Interval("1/8", 2), S_k: Interval(1, 4), k: Integers(8, 40, 2)},
    steps={
        "generalization.feature-loss": equal((1 - r) ** 2 + r**2 * (S_k - 1), 1 - (2 * r - r**2 * S_k)),
        "generalization.pentagon-sum": equal(_passed(5), (7 - sqrt(5)) / 4),
        "generalization.unit-even-tail": at_most(k * (2 - k / 4), 0),
        "generalization.unit-odd-tail": at_least(k - _excess, 10 - sec(pi / 9), {k: Integers(9, 61, 4)}),
    },
)

_FREE = theorem(
    "generalization.free-radius",
    on={k: Integers(1, 12), r: Interval("1/8", 2), S_k: Interval(1, 4)},
    steps={
        "generalization.best-radius": equal(k * (2 * r - r**2 * S_k), k / S_k - k * S_k * (r - 1 / S_k) ** 2),
    },
)

_PENTAGON = theorem(
    "generalization.pentagon",
    on={k: THREE_MOD_FOUR, phi: Interval("1/64", "5/4")},
    steps={
        "generalization.three-gain": equal(k / (interference(3, k)), 4 - 4 * _excess / (k + _excess)),
        "generalization.one-gain": equal(k / (interference(1, k)), 4 / (1 - _excess / k), {k: ONE_MOD_FOUR}),
        "generalization.tail": equal(
            Derivative(phi * (sec(phi) - 1), phi), sec(phi) - 1 + phi * sec(phi) * tan(phi)
        ),
        "generalization.tail-slope": above(
            sec(phi) - 1 + phi * sec(phi) * tan(phi), 0, {phi: Interval("1/256", "2/3")}
        ),
        "generalization.pentagon-gain": equal(5 / _passed(5), 20 / (7 - sqrt(5))),
        "generalization.pentagon-best": above(20 / (7 - sqrt(5)), 4),
    },
)
