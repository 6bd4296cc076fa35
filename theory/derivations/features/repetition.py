"""Proofs about repeated data at zero bias: when a point is worth a vertex.

Normalisation: energies in units of T/n; r = ‖h‖² of the repeated point, w_k = X_k h on its own features.
"""

from sympy import Derivative, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import above, closed_form, equal, theorem
from theory.derivations.symbols import symbol

n, p, r, x, y, t = symbol("n p r x y t")

UNIT = Interval("1/8", "7/8")

_ZERO_BIAS = theorem(
    "repetition.zero-bias",
    r"At zero bias the point takes a vertex at $R = e_5 - \sum e_k X_k^2$",
    assumptions="zero bias; one active feature at a time, and the repeated point; exactly five directions are "
    "stored, four of them features when the point is; the point's own columns are $w_k = X_k h$; the "
    "point's features are none of the five strongest",
    source="ours; the observation, and an estimate of its order of magnitude, are in comments to Henighan et al. 2023",
    steps={
        "repetition.point-as-feature": (
            equal(p * (1 - r) ** 2 + (1 - p) * (1 - r) ** 2, 1 - (2 * r - r**2)),
            {p: UNIT, r: Interval("1/8", 2)},
            r"The point's output on its own feature $k$ is $X_k r$: the error is $\sum X_k^2(1 - r)^2$ (two features, "
            "$X_1^2 = p$), that of a feature of amplitude 1 on $h$; outputs elsewhere see $h$ as they see any column.",
        ),
        "repetition.own-features": (
            equal((1 - p * r) ** 2 + p * (1 - p) * r**2, 1 - p * (2 * r - r**2)),
            {p: UNIT, r: Interval("1/8", 2)},
            "Own feature $k$ alone, $p = X_k^2$, squared errors over $a^2$: $1 - p r$ on itself, $X_k X_j r$ on "
            "the others, whose $X_j^2$ add up to $1 - p$. It gains $X_k^2$ times what a feature on $h$ does, and "
            r"passes $X_k^2$ times as much to other columns. So the direction $h$ has the weight $R + \sum_k e_k "
            "X_k^2 =: t$.",
        ),
        "repetition.chord": (
            equal(y - ((1 - t) * x + t * y), (1 - t) * (y - x)),
            {t: Interval(0, 2), x: Interval(0, 4), y: Interval(1, 5)},
            "The best gain $G(t)$ of five directions of weights $e_1$, ..., $e_4$, $t$ is a maximum of functions "
            r"affine in $t$, hence convex. Put $t$ in units of $e_5$, $x = G(0)$, $y = G(1)$: for $t \lt 1$ the chord "
            r"gives $G(t) \le (1 - t)x + ty$, and for $t \gt 1$ its extension lies below $G$.",
        ),
        "repetition.five-exceed-four": (
            above(20 / (7 - sqrt(5)) - 4, 0),
            {},
            r"$x \lt y$ for equal energies: four features gain at most 4 (a loss is not negative), five at least the "
            r"pentagon's $20/(7 - \sqrt{5})$. For others $x \lt y$ as long as the fifth feature is stored at all. "
            "Then $G$ crosses $G(1)$, the five features' own value, exactly once, at $t = 1$.",
        ),
    },
    conclusion=r"Five features are better below $R = e_5 - \sum e_k X_k^2$ and four with the point above it, whatever "
    "the optimum's shape. Without energy of its own features the point needs $R = e_5$, $T/n$ for equal energies; "
    "with their mean energy $e_5 - 1$, which is 0 for equal energies. Not compared: a sixth direction, a sea, own "
    "columns not proportional to $X_k$, and biases.",
)
_ORDER = closed_form(
    "repetition.order",
    "The energy of a rank",
    assumptions="energies of different features are independent; `amplitudes.normalized-density`",
    steps={
        "repetition.exceed": (
            equal(
                Derivative((1 - p) ** n + n * p * (1 - p) ** (n - 1), p),
                -n * (n - 1) * p * (1 - p) ** (n - 2),
            ),
            {p: UNIT, n: Integers(2, 60)},
            r"The rank-th largest exceeds $x$ when at least `rank` energies do, each with $P(e \gt x) = p$: a "
            r"binomial tail. The slope of the rest, fewer than `rank`, is minus the density $n \cdot C(n - 1, "
            r"\mathrm{rank} - 1) p^{\mathrm{rank} - 1} (1 - p)^{n - \mathrm{rank}}$, here of the second of $n$. The "
            "integral of the tail over $x$ is the mean.",
        )
    },
    conclusion=r"$E e_j = \int P(\mathrm{Binomial} (n, P(e \gt x)) \ge j) dx$.",
)

DERIVATIONS = (_ZERO_BIAS, _ORDER)
