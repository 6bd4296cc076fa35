"""Proofs about polygons of features on infinite data: interference sums, and why the pentagon.

Normalisation: gain = k − loss/E a² in units of one perfectly stored feature, zero bias; S_k as in
`theory.polygon_geometry`.
"""

from sympy import Derivative, Expr, Max, Rational, Sum, cos, pi, sec, sin, sqrt, tan

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, at_least, at_most, equal, theorem
from theory.derivations.symbols import symbol

k, r, d, i, phi, S_k = symbol("k r d i phi S_k")

EVEN, ONE_MOD_FOUR, THREE_MOD_FOUR = Integers(4, 60, 2), Integers(5, 61, 4), Integers(3, 63, 4)


def _passed(vertices: Expr) -> Expr:
    """The interference sum by its definition."""
    return Sum(Max(0, cos(2 * pi * d / vertices)) ** 2, (d, 0, vertices - 1))


_INTERFERENCE = theorem(
    "polygons.interference-sum",
    "What a vertex of the k-gon passes to all vertices through the ReLU",
    assumptions="vertices of unit length; zero bias",
    steps={
        "polygons.even-sum": (
            equal(_passed(k), k / 4),
            {k: EVEN},
            r"Even $k \ge 4$: the vertex opposite to $d$ has the opposite cosine, so the positive half carries half "
            r"of $\sum \cos^2 = k/2$. $(S_1 = S_2 = 1$ directly.)",
        ),
        "polygons.positive-part-one": (
            equal(_passed(4 * i + 1), Sum(cos(2 * pi * d / (4 * i + 1)) ** 2, (d, -i, i))),
            {i: Integers(1, 16)},
            r"$k = 4i + 1$: the cosine is positive for $\lvert d\rvert \lt k/4$, that is $\lvert d\rvert \le i$.",
        ),
        "polygons.positive-part-three": (
            equal(_passed(4 * i + 3), Sum(cos(2 * pi * d / (4 * i + 3)) ** 2, (d, -i, i))),
            {i: Integers(1, 16)},
            r"$k = 4i + 3$: again $\lvert d\rvert \le i$. $(k = 3$ has $i = 0$ and $S_3 = 1$.)",
        ),
        "polygons.dirichlet-kernel": (
            equal(Sum(cos(d * phi), (d, -i, i)), sin((2 * i + 1) * phi / 2) / sin(phi / 2)),
            {i: Integers(1, 16), phi: Interval("1/8", 6)},
            r"Dirichlet's kernel. With $\cos^2 = (1 + \cos (4\pi d/k))/2$ and $\varphi = 4\pi /k$ the sum is $(2i + "
            "1)/2$ plus half of it.",
        ),
        "polygons.one-sum": (
            equal(_passed(k), k / 4 - (sec(pi / k) - 1) / 4),
            {k: ONE_MOD_FOUR},
            r"$k \equiv 1$: $2i + 1 = (k + 1)/2$, and $\sin (\pi (k + 1)/k)/ \sin (2\pi /k) = -\sec (\pi /k)/2$.",
        ),
        "polygons.three-sum": (
            equal(_passed(k), k / 4 + (sec(pi / k) - 1) / 4),
            {k: THREE_MOD_FOUR},
            r"$k \equiv 3$: $2i + 1 = (k - 1)/2$, and $\sin (\pi (k - 1)/k)/ \sin (2\pi /k) = \sec (\pi /k)/2$.",
        ),
    },
    conclusion=r"$S_k = k/4$ for even $k \ge 4$ and $k/4 \mp (\sec (\pi /k) - 1)/4$ for $k \equiv 1$, 3 $\pmod{4}$.",
)

_NEIGHBOURS = theorem(
    "generalization.neighbour-loss",
    "The notebook's argument: unit columns, nearest neighbours",
    assumptions="unit columns; zero bias; nearest neighbours only; amplitudes uniform on $[0, 1]$",
    source="Henighan et al. 2023, accompanying notebook",
    steps={
        "generalization.neighbour-double-angle": (
            equal(k * (2 * cos(2 * pi / k) ** 2 - 1) / 3, k * cos(4 * pi / k) / 3),
            {k: Integers(4, 40)},
            r"$\Delta L/(1 - S) = -k E a^2 + 2k E a^2 \cos^2(2\pi /k)$ for $k \ge 4$, where the cosine is not "
            "negative, with $E a^2 = 1/3$.",
        ),
        "generalization.neighbour-tail": (
            equal(cos(4 * pi / k), sin(pi * (k - 8) / (2 * k))),
            {k: Integers(4, 40)},
            r"For $k \ge 8$ the argument lies in $[0, \pi /2)$: nothing is gained from 8 features on. $k = 1$, 2, 3 "
            "give $-k/3$, $k = 6$ gives $-1$ and $k = 7$ gives $-0.52$.",
        ),
        "generalization.neighbour-pentagon": (
            equal(5 * (2 * cos(2 * pi / 5) ** 2 - 1) / 3, -5 * (1 + sqrt(5)) / 12),
            {},
            "$k = 5$: $-1.34836$.",
        ),
        "generalization.neighbour-best": (
            above(sqrt(5), 3 - Rational(4, 5)),
            {},
            r"$5(1 + \sqrt{5})/12 \gt 4/3$, the gain of $k = 4$, is $\sqrt{5} \gt 16/5 - 1$.",
        ),
    },
    conclusion=r"The minimum over all $k$ is at 5, and $\lVert W\rVert = \sqrt{5}$ because five columns of unit "
    "length were assumed.",
)

_UNIT = theorem(
    "generalization.unit-gain",
    "Unit columns, all neighbours: gain $k(2 - S_k)$",
    assumptions="one active feature at a time; unit columns; zero bias",
    source="after Henighan et al. 2023, accompanying notebook; all neighbours are ours",
    steps={
        "generalization.feature-loss": (
            equal((1 - r) ** 2 + r**2 * (S_k - 1), 1 - (2 * r - r**2 * S_k)),
            {r: Interval("1/8", 2), S_k: Interval(1, 4)},
            "Loss of one feature in units of $E a^2$: own output $1 - r$, and $r^2$ times the interference without "
            "itself. The gain of $k$ features is $k(2r - r^2S_k)$, here at $r = 1$.",
        ),
        "generalization.pentagon-sum": (
            equal(_passed(5), (7 - sqrt(5)) / 4),
            {},
            r"$S_5$. The gains at $k = 1 \dots 7$ are 1, 2, 3, 4, $5(1 + \sqrt{5})/4 \approx 4.045$, 3 and 1.56.",
        ),
        "generalization.unit-even-tail": (
            at_most(k * (2 - k / 4), 0),
            {k: Integers(8, 40, 2)},
            r"Even $k \ge 8$; for $k \equiv 3$, $k \ge 11$, $S_k \gt k/4$ is larger still.",
        ),
        "generalization.unit-odd-tail": (
            at_least(k - (sec(pi / k) - 1), 10 - sec(pi / 9)),
            {k: Integers(9, 61, 4)},
            r"$k \equiv 1$, $k \ge 9$: $4S_k = k - (\sec (\pi /k) - 1)$ grows with $k$, and $10 - \sec (\pi /9) \gt "
            r"8$. So $S_k \gt 2$ and the gain is negative.",
        ),
    },
    conclusion="The gain is largest at $k = 5$ (4.045 against 4 at $k = 4$) and not positive from $k = 8$ on.",
)

_FREE = theorem(
    "generalization.free-radius",
    r"Free radius: $r = 1/S_k$, gain $k/S_k$, $\lVert W\rVert = \sqrt{k/S_k}$",
    assumptions="one active feature at a time; zero bias",
    steps={
        "generalization.best-radius": (
            equal(k * (2 * r - r**2 * S_k), k / S_k - k * S_k * (r - 1 / S_k) ** 2),
            {k: Integers(1, 12), r: Interval("1/8", 2), S_k: Interval(1, 4)},
            r"Complete the square: $r = 1/S_k$ is the best radius, and $\lVert W\rVert^2 = k r$.",
        )
    },
    conclusion=r"The gain and $\lVert W\rVert^2$ are both $k/S_k$.",
)

_PENTAGON = theorem(
    "generalization.pentagon",
    "The pentagon is the best single ring, for every $k$",
    assumptions="`generalization.free-radius`; `polygons.interference-sum`",
    source="Henighan et al. 2023 observe pentagons; the proof for every $k$ is ours",
    steps={
        "generalization.three-gain": (
            equal(k / (k / 4 + (sec(pi / k) - 1) / 4), 4 - 4 * (sec(pi / k) - 1) / (k + (sec(pi / k) - 1))),
            {k: THREE_MOD_FOUR},
            r"$k \equiv 3 \pmod{4}$: below 4, because $\sec \gt 1$. Even $k \ge 4$ gives exactly 4; $k = 1$ and 2 "
            "give 1 and 2.",
        ),
        "generalization.one-gain": (
            equal(k / (k / 4 - (sec(pi / k) - 1) / 4), 4 / (1 - (sec(pi / k) - 1) / k)),
            {k: ONE_MOD_FOUR},
            r"$k \equiv 1 \pmod{4}$: above 4, increasing with $(\sec (\pi /k) - 1)/k$.",
        ),
        "generalization.tail": (
            equal(Derivative(phi * (sec(phi) - 1), phi), sec(phi) - 1 + phi * sec(phi) * tan(phi)),
            {phi: Interval("1/64", "5/4")},
            r"$(\sec (\pi /k) - 1)/k$ is $\varphi (\sec \varphi - 1)/\pi$ at $\varphi = \pi /k$. For $0 \lt \varphi "
            r"\lt \pi /2$ every term of the slope is positive, so it falls as $k$ grows: among $k = 5$, 9, 13, ... "
            "the first is best, the whole tail included.",
        ),
        "generalization.tail-slope": (
            above(sec(phi) - 1 + phi * sec(phi) * tan(phi), 0),
            {phi: Interval("1/256", "2/3")},
            r"The same sign certified at every $\varphi$ from $1/256$ to $2/3 \gt \pi /5$, that is from $k = 5$ to $k "
            r"= 804$; below, the slope is $3\varphi^2/2 + O(\varphi^4)$.",
        ),
        "generalization.pentagon-gain": (
            equal(5 / _passed(5), 20 / (7 - sqrt(5))),
            {},
            r"The gain at $k = 5$, $\approx 4.19821$; its root $\approx 2.04895$ is $\lVert W\rVert$.",
        ),
        "generalization.pentagon-best": (
            above(20 / (7 - sqrt(5)), 4),
            {},
            r"More than every even $k$, and so than all others; and the gain tends to 4, since $\sec (\pi /k)$ tends "
            "to 1.",
        ),
    },
    certified=("generalization.tail-slope",),
    conclusion=r"$k = 5$ is the unique best $k \ge 1$, with gain $20/(7 - \sqrt{5})$ and $\lVert W\rVert = "
    r"\sqrt{20/(7 - \sqrt{5})}$. This is about $b = 0$: with a free bias and the amplitudes of the sparse data $(n = "
    "10000, S = 0.999)$ the hexagon leads the single rings, numerically, as the table under Numbers shows. Several "
    "rings are `sea.bands`.",
)

DERIVATIONS = (_INTERFERENCE, _NEIGHBOURS, _UNIT, _FREE, _PENTAGON)
