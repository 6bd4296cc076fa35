"""Proofs about polygons of features on infinite data: interference sums, and why the pentagon.

Normalisation: gain = k − loss/E a² in units of one perfectly stored feature, zero bias; S_k as in
`theory.polygon_geometry`.

Equation labels: `polygons.interference-sum`, `generalization.neighbour-loss`, `generalization.unit-gain`,
`generalization.free-radius`, `generalization.pentagon` and their steps.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Max, Rational, Sum, cos, pi, sec, sin, sqrt, tan

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, OverBox, Step, above, at_least, at_most, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

k, r, d, i, phi, S_k = symbol("k r d i phi S_k")

EVEN, ONE_MOD_FOUR, THREE_MOD_FOUR = Integers(4, 60, 2), Integers(5, 61, 4), Integers(3, 63, 4)


def _passed(vertices: Expr) -> Expr:
    """The interference sum by its definition."""
    return Sum(Max(0, cos(2 * pi * d / vertices)) ** 2, (d, 0, vertices - 1))


_INTERFERENCE = Derivation(
    label="polygons.interference-sum",
    title="What a vertex of the k-gon passes to all vertices through the ReLU",
    standing="theorem",
    assumptions=("vertices of unit length", "zero bias"),
    source="ours",
    steps=(
        Step(
            label="polygons.even-sum",
            statement=equal(_passed(k), k / 4),
            domain={k: EVEN},
            why="Even k ≥ 4: the vertex opposite to d has the opposite cosine, so the positive half carries half of "
            "Σcos² = k/2. (S_1 = S_2 = 1 directly.)",
        ),
        Step(
            label="polygons.positive-part-one",
            statement=equal(_passed(4 * i + 1), Sum(cos(2 * pi * d / (4 * i + 1)) ** 2, (d, -i, i))),
            domain={i: Integers(1, 16)},
            why="k = 4i + 1: the cosine is positive for |d| < k/4, that is |d| ≤ i.",
        ),
        Step(
            label="polygons.positive-part-three",
            statement=equal(_passed(4 * i + 3), Sum(cos(2 * pi * d / (4 * i + 3)) ** 2, (d, -i, i))),
            domain={i: Integers(1, 16)},
            why="k = 4i + 3: again |d| ≤ i. (k = 3 has i = 0 and S_3 = 1.)",
        ),
        Step(
            label="polygons.dirichlet-kernel",
            statement=equal(Sum(cos(d * phi), (d, -i, i)), sin((2 * i + 1) * phi / 2) / sin(phi / 2)),
            domain={i: Integers(1, 16), phi: Interval("1/8", 6)},
            why="Dirichlet's kernel. With cos² = (1 + cos(4πd/k))/2 and φ = 4π/k the sum is (2i+1)/2 plus half of it.",
        ),
        Step(
            label="polygons.one-sum",
            statement=equal(_passed(k), k / 4 - (sec(pi / k) - 1) / 4),
            domain={k: ONE_MOD_FOUR},
            why="k ≡ 1: 2i + 1 = (k+1)/2, and sin(π(k+1)/k)/sin(2π/k) = −sec(π/k)/2.",
        ),
        Step(
            label="polygons.three-sum",
            statement=equal(_passed(k), k / 4 + (sec(pi / k) - 1) / 4),
            domain={k: THREE_MOD_FOUR},
            why="k ≡ 3: 2i + 1 = (k−1)/2, and sin(π(k−1)/k)/sin(2π/k) = sec(π/k)/2.",
        ),
    ),
    conclusion="S_k = k/4 for even k ≥ 4 and k/4 ∓ (sec(π/k) − 1)/4 for k ≡ 1, 3 (mod 4).",
)

_NEIGHBOURS = Derivation(
    label="generalization.neighbour-loss",
    title="The notebook's argument: unit columns, nearest neighbours",
    standing="theorem",
    assumptions=("unit columns", "zero bias", "nearest neighbours only", "amplitudes uniform on [0, 1]"),
    source="Henighan et al. 2023, accompanying notebook",
    steps=(
        Step(
            label="generalization.neighbour-double-angle",
            statement=equal(k * (2 * cos(2 * pi / k) ** 2 - 1) / 3, k * cos(4 * pi / k) / 3),
            domain={k: Integers(4, 40)},
            why="ΔL/(1−S) = −k E a² + 2k E a² cos²(2π/k) for k ≥ 4, where the cosine is not negative, with E a² = 1/3.",
        ),
        Step(
            label="generalization.neighbour-tail",
            statement=equal(cos(4 * pi / k), sin(pi * (k - 8) / (2 * k))),
            domain={k: Integers(4, 40)},
            why="For k ≥ 8 the argument lies in [0, π/2): nothing is gained from 8 features on. k = 1, 2, 3 give "
            "−k/3, k = 6 gives −1 and k = 7 gives −0.52.",
        ),
        Step(
            label="generalization.neighbour-pentagon",
            statement=equal(5 * (2 * cos(2 * pi / 5) ** 2 - 1) / 3, -5 * (1 + sqrt(5)) / 12),
            why="k = 5: −1.34836.",
        ),
        Step(
            label="generalization.neighbour-best",
            statement=above(sqrt(5), 3 - Rational(4, 5)),
            why="5(1+√5)/12 > 4/3, the gain of k = 4, is √5 > 16/5 − 1.",
        ),
    ),
    conclusion="The minimum over all k is at 5, and ‖W‖ = √5 because five columns of unit length were assumed.",
)

_UNIT = Derivation(
    label="generalization.unit-gain",
    title="Unit columns, all neighbours: gain k(2 − S_k)",
    standing="theorem",
    assumptions=("one active feature at a time", "unit columns", "zero bias"),
    source="after Henighan et al. 2023, accompanying notebook; all neighbours are ours",
    steps=(
        Step(
            label="generalization.feature-loss",
            statement=equal((1 - r) ** 2 + r**2 * (S_k - 1), 1 - (2 * r - r**2 * S_k)),
            domain={r: Interval("1/8", 2), S_k: Interval(1, 4)},
            why="Loss of one feature in units of E a²: own output 1 − r, and r² times the interference without "
            "itself. The gain of k features is k(2r − r²S_k), here at r = 1.",
        ),
        Step(
            label="generalization.pentagon-sum",
            statement=equal(_passed(5), (7 - sqrt(5)) / 4),
            domain={},
            why="S_5. The gains at k = 1..7 are 1, 2, 3, 4, 5(1+√5)/4 ≈ 4.045, 3 and 1.56.",
        ),
        Step(
            label="generalization.unit-even-tail",
            statement=at_most(k * (2 - k / 4), 0),
            domain={k: Integers(8, 40, 2)},
            why="Even k ≥ 8; for k ≡ 3, k ≥ 11, S_k > k/4 is larger still.",
        ),
        Step(
            label="generalization.unit-odd-tail",
            statement=at_least(k - (sec(pi / k) - 1), 10 - sec(pi / 9)),
            domain={k: Integers(9, 61, 4)},
            why="k ≡ 1, k ≥ 9: 4S_k = k − (sec(π/k) − 1) grows with k, and 10 − sec(π/9) > 8. So S_k > 2 and the gain "
            "is negative.",
        ),
    ),
    conclusion="The gain is largest at k = 5 (4.045 against 4 at k = 4) and not positive from k = 8 on.",
)

_FREE = Derivation(
    label="generalization.free-radius",
    title="Free radius: r = 1/S_k, gain k/S_k, ‖W‖ = √(k/S_k)",
    standing="theorem",
    assumptions=("one active feature at a time", "zero bias"),
    source="ours",
    steps=(
        Step(
            label="generalization.best-radius",
            statement=equal(k * (2 * r - r**2 * S_k), k / S_k - k * S_k * (r - 1 / S_k) ** 2),
            domain={k: Integers(1, 12), r: Interval("1/8", 2), S_k: Interval(1, 4)},
            why="Complete the square: r = 1/S_k is the best radius, and ‖W‖² = k r.",
        ),
    ),
    conclusion="The gain and ‖W‖² are both k/S_k.",
)

_PENTAGON = Derivation(
    label="generalization.pentagon",
    title="The pentagon is the best single ring, for every k",
    standing="theorem",
    assumptions=("`generalization.free-radius`", "`polygons.interference-sum`"),
    source="Henighan et al. 2023 observe pentagons; the proof for every k is ours",
    steps=(
        Step(
            label="generalization.three-gain",
            statement=equal(
                k / (k / 4 + (sec(pi / k) - 1) / 4), 4 - 4 * (sec(pi / k) - 1) / (k + (sec(pi / k) - 1))
            ),
            domain={k: THREE_MOD_FOUR},
            why="k ≡ 3 (mod 4): below 4, because sec > 1. Even k ≥ 4 gives exactly 4; k = 1 and 2 give 1 and 2.",
        ),
        Step(
            label="generalization.one-gain",
            statement=equal(k / (k / 4 - (sec(pi / k) - 1) / 4), 4 / (1 - (sec(pi / k) - 1) / k)),
            domain={k: ONE_MOD_FOUR},
            why="k ≡ 1 (mod 4): above 4, increasing with (sec(π/k) − 1)/k.",
        ),
        Step(
            label="generalization.tail",
            statement=equal(Derivative(phi * (sec(phi) - 1), phi), sec(phi) - 1 + phi * sec(phi) * tan(phi)),
            domain={phi: Interval("1/64", "5/4")},
            why="(sec(π/k) − 1)/k is φ(sec φ − 1)/π at φ = π/k. For 0 < φ < π/2 every term of the slope is positive, "
            "so it falls as k grows: among k = 5, 9, 13, ... the first is best, the whole tail included.",
        ),
        Step(
            label="generalization.tail-slope",
            statement=above(sec(phi) - 1 + phi * sec(phi) * tan(phi), 0),
            domain={phi: Interval("1/256", "2/3")},
            check=OverBox(),
            why="The same sign certified at every φ from 1/256 to 2/3 > π/5, that is from k = 5 to k = 804; below, "
            "the slope is 3φ²/2 + O(φ⁴).",
        ),
        Step(
            label="generalization.pentagon-gain",
            statement=equal(5 / _passed(5), 20 / (7 - sqrt(5))),
            why="The gain at k = 5, ≈ 4.19821; its root ≈ 2.04895 is ‖W‖.",
        ),
        Step(
            label="generalization.pentagon-best",
            statement=above(20 / (7 - sqrt(5)), 4),
            why="More than every even k, and so than all others; and the gain tends to 4, since sec(π/k) tends to 1.",
        ),
    ),
    conclusion="k = 5 is the unique best k ≥ 1, with gain 20/(7 − √5) and ‖W‖ = √(20/(7 − √5)). This is about b = 0: "
    "with a free bias and the amplitudes of the sparse data (n = 10000, S = 0.999) the hexagon leads the single rings, "
    "numerically, as the table under Numbers shows. Several rings are `sea.bands`.",
)

DERIVATIONS = (_INTERFERENCE, _NEIGHBOURS, _UNIT, _FREE, _PENTAGON)
