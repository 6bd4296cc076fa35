"""The T-gon's norms: closed forms, expansions for large T, crossing; and its dimensionality.

Normalisation: `memorization.tgon-norm`, with squared length 1/(1 − cos(2π/T)) and c = 1 − squared length.
"""

from sympy import Abs, And, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, at_most, equal, theorem
from theory.derivations.symbols import symbol

T, x, j, d = symbol("T x j d")

POINTS = Integers(2, 60)
LARGE = Integers(10, 10**6)
GOLDEN = (sqrt(5) - 1) / 2

_ASYMPTOTIC = theorem(
    "memorization.asymptotic-norms",
    "Norms of the T-gon for large $T$",
    assumptions="`memorization.tgon-norm`",
    source="Henighan et al. 2023 plot both norms against $T$; the expansions are ours",
    steps={
        "memorization.tgon-weight-norm": (
            equal(sqrt(T / (1 - cos(2 * pi / T))), sqrt(T / 2) / sin(pi / T)),
            {T: POINTS},
            r"Root of `memorization.tgon-norm`; $\sin (\pi /T) \gt 0$.",
        ),
        "memorization.tgon-bias-norm": (
            equal(
                Sum((1 - 1 / (1 - cos(2 * pi / T))) ** 2, (j, 1, T)),
                (sqrt(T) * Abs(cos(2 * pi / T)) / (1 - cos(2 * pi / T))) ** 2,
            ),
            {T: POINTS},
            r"$T$ equal bias coefficients $c = -\cos (2\pi /T)/(1 - \cos (2\pi /T))$.",
        ),
        "memorization.weight-expansion": (
            at_most(Abs(pi / T / sin(pi / T) - 1 - pi**2 / (6 * T**2) - 7 * pi**4 / (360 * T**4)), 2 / T**6),
            {T: LARGE},
            r"$\lVert W\rVert = T^{3/2}/(\sqrt{2} \pi) \cdot z/ \sin z$ at $z = \pi /T$, and $z/ \sin z = 1 + z^2/6 + "
            r"7z^4/360 + 31z^6/15120 + \dots$, all coefficients positive: the remainder is $31\pi^6/15120 \approx "
            "1.97$ at leading order.",
        ),
        "memorization.bias-expansion": (
            at_most(
                Abs(
                    (pi / T) ** 2 * cos(2 * pi / T) / sin(pi / T) ** 2
                    - 1
                    + 5 * pi**2 / (3 * T**2)
                    - pi**4 / (15 * T**4)
                ),
                11 / T**6,
            ),
            {T: LARGE},
            r"For $T \ge 4$, $\lVert b\rVert = T^{5/2}/(2\pi^2) \cdot z^2 \cos (2z)/ \sin^2 z = T^{5/2}/(2\pi^2) "
            r"\cdot (z^2/ \sin^2 z - 2z^2)$, and $z^2/ \sin^2 z = 1 + z^2/3 + z^4/15 + 2z^6/189 + \dots$, all "
            r"coefficients positive: $2\pi^6/189 \approx 10.2$ at leading order.",
        ),
    },
    conclusion=r"$\lVert W\rVert = T^{3/2}/(\sqrt{2} \pi) \cdot (1 + \pi^2/(6T^2) + 7\pi^4/(360T^4) + O(T^{-6}))$ and "
    r"$\lVert b\rVert = T^{5/2}/(2\pi^2) \cdot (1 - 5\pi^2/(3T^2) + \pi^4/(15T^4) + O(T^{-6}))$.",
)

_OVERTAKES = theorem(
    "memorization.bias-overtakes",
    "The bias norm overtakes the weight norm at $T = 7$",
    assumptions=r"`memorization.tgon-norm`; $T \ge 2$",
    source="Henighan et al. 2023 report bias norms that start smaller and end larger",
    steps={
        "memorization.norm-difference": (
            equal((x / (1 - x)) ** 2 - 1 / (1 - x), (x**2 + x - 1) / (1 - x) ** 2),
            {x: Interval(-1, "15/16")},
            r"$(\lVert b\rVert^2 - \lVert W\rVert^2)/T$ with $x = \cos (2\pi /T)$.",
        ),
        "memorization.golden-roots": (
            equal((x - GOLDEN) * (x + GOLDEN + 1), x**2 + x - 1),
            {x: Interval(-1, "15/16")},
            r"$x + (\sqrt{5} + 1)/2$ is positive for $x \ge -1$: $\lVert b\rVert \gt \lVert W\rVert$ exactly when $x$ "
            "exceeds the reciprocal golden ratio.",
        ),
        "memorization.first-crossing": (
            And(above(cos(2 * pi / 7), GOLDEN), above(GOLDEN, Rational(1, 2))),
            {},
            r"$\cos (2\pi /T)$ increases with $T$ and is $1/2$ at $T = 6$.",
        ),
    },
    conclusion=r"$\lVert b\rVert \lt \lVert W\rVert$ for $T = 2 \dots 6$ and $\lVert b\rVert \gt \lVert W\rVert$ for "
    r"every $T \ge 7$.",
)

_DIMENSIONALITY = theorem(
    "memorization.tgon-dimensionality",
    "On the T-gon every datapoint has dimensionality $2/T$",
    assumptions="`memorization.tgon-norm`",
    source="Henighan et al. 2023 define the dimensionality",
    steps={
        "memorization.polygon-frame": (
            equal(1 / Sum(cos(2 * pi * d / T) ** 2, (d, 0, T - 1)), 2 / T),
            {T: Integers(3, 40)},
            r"$D_X = 1/\sum \cos^2$ over the vertices; $\cos^2 = (1 + \cos (4\pi d/T))/2$ and the T-th roots of unity "
            r"to the second power add up to 0 for $T \ge 3$.",
        ),
        "memorization.pair-frame": (
            equal(1 / Sum(cos(pi * d) ** 2, (d, 0, 1)), Rational(1, 2)),
            {},
            "$T = 2$: an antipodal pair shares one dimension. A single point off the origin has $D_X = 1$.",
        ),
    },
    conclusion=r"$D_X = 2/T$ for $T \ge 3$ and $1/2$ for $T = 2$.",
)

DERIVATIONS = (_ASYMPTOTIC, _OVERTAKES, _DIMENSIONALITY)
