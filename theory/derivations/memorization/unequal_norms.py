"""Proofs about datapoints of unequal norms and decoders untied from W.

Normalisation: disjoint supports, ‖X_j‖ = s_j. The inverse squares 1/s_j² of three datapoints are written p,
q, α, and Q is their sum.
"""

from sympy import cos, pi

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, equal, theorem
from theory.derivations.symbols import symbol

X, p, q, alpha, u, v, w, g, e, c, x, y = symbol("X p q alpha u v w g e c x y")
d, i, r, h1, h2, h3 = symbol("d i r h1 h2 h3")

UNIT = Interval("1/8", 1)
SIZE = Interval("1/8", 3)
PLANE = Interval(-2, 2)

_PROGRAMME = theorem(
    "unequal.programme",
    "Zero loss on datapoints of unequal norms",
    assumptions=r"datapoints have disjoint supports and norms $s_j \gt 0$; the loss is zero",
    source="Henighan et al. 2023, footnote 1, on the role of equal norms; the programme is ours",
    steps={
        "unequal.least-norm": (
            equal(
                p * (u - h1 / (p + q)) ** 2 + q * (v - h1 / (p + q)) ** 2,
                p * u**2 + q * v**2 - (2 * h1 * (p * u + q * v) - h1**2) / (p + q),
            ),
            {p: UNIT, q: UNIT, u: PLANE, v: PLANE, h1: PLANE},
            "As in `memorization.reduction`, with $w_k = X_{jk} v_k$ and weights $X_{jk}^2$ that now add up to "
            r"$s_j^2 = p + q$. Since $h_j = \sum X_{jk}^2 v_k$ is $p u + q v$, the right side is $\sum \lVert "
            r"w_k\rVert^2 - \lVert h_j\rVert^2/s_j^2$: least where every $v_k = h_j/s_j^2$. So $\lVert W\rVert^2 = "
            r"\sum \lVert h_j\rVert^2/s_j^2$.",
        ),
        "unequal.own-output": (
            equal(X * (x / y + c) - X, X * (c - (y - x) / y)),
            {X: UNIT, x: Interval(0, 4), c: PLANE, y: SIZE},
            r"Output $k$ at the own point, with $x = \lVert h_j\rVert^2$ and $y = s_j^2$; it equals $X_{jk}$ exactly "
            r"for a bias $X_{jk} c$ with $c = 1 - \lVert h_j\rVert^2/s_j^2$.",
        ),
        "unequal.other-output": (
            equal(
                X * ((u * g + v * e) / y + (1 - (u**2 + v**2) / y)),
                (X / y) * (y - (u * (u - g) + v * (v - e))),
            ),
            {X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE, y: SIZE},
            "Output $k$ of the support of $X_j$ at point $i$, before the ReLU, with $h_j = (u, v)$ and $h_i = (g, "
            r"e)$. It is at most 0 exactly when $\lVert h_j\rVert^2 - h_i \cdot h_j \ge s_j^2$.",
        ),
    },
    conclusion=r"Zero loss is possible exactly for $\lVert h_j\rVert^2 - h_i \cdot h_j \ge s_j^2$ for all $i \ne j$, "
    r"at least at $\lVert W\rVert^2 = \sum \lVert h_j\rVert^2/s_j^2$.",
)

_SIMPLEX = theorem(
    "unequal.simplex",
    r"At any norms $\lVert W\rVert^2 \ge T - 1$, attained by a weighted simplex",
    assumptions=r"`unequal.programme`; for attainment $T \le m + 1$",
    steps={
        "unequal.weighted-sum": (
            equal(
                p * q * (h1 * (h1 - h2) + h2 * (h2 - h1))
                + p * alpha * (h1 * (h1 - h3) + h3 * (h3 - h1))
                + q * alpha * (h2 * (h2 - h3) + h3 * (h3 - h2)),
                (p + q + alpha) * (p * h1**2 + q * h2**2 + alpha * h3**2)
                - (p * h1 + q * h2 + alpha * h3) ** 2,
            ),
            {p: SIZE, q: SIZE, alpha: SIZE, h1: PLANE, h2: PLANE, h3: PLANE},
            "Sum of all constraints, that of the pair $(j, i)$ with weight $1/(s_i^2 s_j^2)$, shown for one "
            r"coordinate and $T = 3$: $Q\lVert W\rVert^2$ minus a square.",
        ),
        "unequal.weighted-bound": (
            equal(
                p * q * (1 / p + 1 / q) + p * alpha * (1 / p + 1 / alpha) + q * alpha * (1 / q + 1 / alpha),
                2 * (p + q + alpha),
            ),
            {p: SIZE, q: SIZE, alpha: SIZE},
            r"The same sum of the right sides $s_j^2$ is $(T - 1)Q$. Hence $\lVert W\rVert^2 \ge T - 1 + \lVert \sum "
            r"h_j/s_j^2\rVert^2/Q$. Equality needs every constraint tight and $\sum h_j/s_j^2 = 0$, which fixes all "
            "inner products.",
        ),
        "unequal.simplex-feasible": (
            equal((q + alpha) / (p * (p + q + alpha)) + 1 / (p + q + alpha), 1 / p),
            {p: SIZE, q: SIZE, alpha: SIZE},
            r"With $\lVert h_j\rVert^2 = s_j^2 - 1/Q$, written over one denominator, and inner products $-1/Q$ every "
            "constraint is tight.",
        ),
        "unequal.simplex-gram": (
            equal(
                u**2 / p + v**2 / q + w**2 / alpha - (u + v + w) ** 2 / (p + q + alpha),
                (
                    p * q * (u / p - v / q) ** 2
                    + p * alpha * (u / p - w / alpha) ** 2
                    + q * alpha * (v / q - w / alpha) ** 2
                )
                / (p + q + alpha),
            ),
            {p: SIZE, q: SIZE, alpha: SIZE, u: PLANE, v: PLANE, w: PLANE},
            "Such vectors exist: their Gram matrix is positive semidefinite, and 0 only along the vector of the "
            r"$1/s_j^2$. Its rank is $T - 1$, so $T \le m + 1$ suffices, and $\sum h_j/s_j^2 = 0$.",
        ),
        "unequal.simplex-norm": (
            equal(
                p * (1 / p - 1 / (p + q + alpha))
                + q * (1 / q - 1 / (p + q + alpha))
                + alpha * (1 / alpha - 1 / (p + q + alpha)),
                2,
            ),
            {p: SIZE, q: SIZE, alpha: SIZE},
            r"$\lVert W\rVert^2 = \sum \lVert h_j\rVert^2/s_j^2 = T - 1$, here for $T = 3$.",
        ),
    },
    conclusion=r"$\lVert W\rVert^2 \ge T - 1$ at any norms, with equality only for $\lVert h_j\rVert^2 = s_j^2 - "
    r"1/Q$, $h_i \cdot h_j = -1/Q$, $Q = \sum 1/s_j^2$.",
)

_EXISTENCE = theorem(
    "unequal.existence",
    "A tied model memorizes any number of datapoints of any norms in two dimensions",
    assumptions=r"`unequal.programme`; $m \ge 2$",
    source="Henighan et al. 2023, footnote 1, asks for equal norms; the construction is ours",
    steps={
        "unequal.polygon-feasible": (
            at_least(x * (1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))), x),
            {x: Interval("1/8", 4), d: Integers(1, 12), i: Integers(1, 12)},
            r"The regular T-gon, $T = d + i$, of squared radius $x/(1 - \cos (2\pi /T))$, where $x$ is the greatest "
            r"$s_j^2$: vertices $d$ apart have $\lVert h_j\rVert^2 - h_i \cdot h_j \ge x$, at least every $s_j^2$.",
        ),
        "unequal.cross-feasible": (
            equal(x * (x + y) - x**2, x * y),
            {x: SIZE, y: SIZE},
            r"$T = 4$: vectors of lengths $s_j$ along the four half-axes. Orthogonal ones have $\lVert h_j\rVert^2 - "
            r"0 = s_j^2$, opposite ones, of lengths $x$ and $y$, more by $xy \gt 0$. Each adds 1 to $\lVert "
            r"W\rVert^2$, so 4 suffices at any norms.",
        ),
    },
    conclusion="The regular T-gon memorizes at every choice of norms, though not at least norm; equal norms make it "
    r"optimal, they are not needed to memorize. At $T = 4$ a cross of unequal lengths has $\lVert W\rVert^2 = 4$.",
)

_opening = 1 - cos(2 * pi / i)

_UNTIED = theorem(
    "unequal.untied",
    "Untying the decoder buys nothing on a simplex, nor among regular polygons",
    assumptions=r"datapoints have disjoint supports and norms $s_j \gt 0$; output $\mathrm{ReLU} (V h + b)$ with $V$ "
    r"free; the cost is $\lVert W\rVert^2 + \lVert V\rVert^2$; for the last step hidden vectors and decoders on "
    "regular polygons, equal norms",
    steps={
        "unequal.untied-output": (
            equal(X * ((u * g + v * e) + (1 - (u * h1 + v * h2))), X * (1 - (u * (h1 - g) + v * (h2 - e)))),
            {X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE, h1: PLANE, h2: PLANE},
            r"By Jensen's inequality as before $V = \sum X_j g_j^{\top}$ and $W = \sum h_j X_j^{\top}/s_j^2$. Own "
            r"outputs fix the bias coefficient $1 - g_j \cdot h_j$; the output at $h_i = (g, e)$ for $g_j = (u, v)$, "
            r"$h_j = (h_1, h_2)$ is at most 0 exactly when $g_j \cdot (h_j - h_i) \ge 1$.",
        ),
        "unequal.untied-sum": (
            equal(
                u * (q * (h1 - h2) + alpha * (h1 - h3))
                + v * (p * (h2 - h1) + alpha * (h2 - h3))
                + w * (p * (h3 - h1) + q * (h3 - h2)),
                (p + q + alpha) * (u * h1 + v * h2 + w * h3) - (u + v + w) * (p * h1 + q * h2 + alpha * h3),
            ),
            {p: SIZE, q: SIZE, alpha: SIZE, u: PLANE, v: PLANE, w: PLANE, h1: PLANE, h2: PLANE, h3: PLANE},
            "The constraint $(j, i)$ with weight $1/s_i^2$, summed, for one coordinate and $T = 3$ with decoders "
            r"$u$, $v$, $w$: $Q \sum g_j \cdot (h_j - \bar{h})$, $\bar{h}$ the mean with weights $1/s_j^2$. The right "
            r"sides add up to $(T - 1)Q$, so $\sum g_j \cdot (h_j - \bar{h}) \ge T - 1$.",
        ),
        "unequal.untied-square": (
            equal(p * (h1 - h2) ** 2 + u**2 / p - 2 * u * (h1 - h2), (p * (h1 - h2) - u) ** 2 / p),
            {p: SIZE, u: PLANE, h1: PLANE, h2: PLANE},
            r"$\lVert h_j - \bar{h}\rVert^2/s_j^2 + s_j^2\lVert g_j\rVert^2 \ge 2 g_j \cdot (h_j - \bar{h})$, with "
            r"$h_2$ for $\bar{h}$.",
        ),
        "unequal.untied-centre": (
            equal(
                p * (h1 - (p * h1 + q * h2) / (p + q)) ** 2 + q * (h2 - (p * h1 + q * h2) / (p + q)) ** 2,
                p * h1**2 + q * h2**2 - (p * h1 + q * h2) ** 2 / (p + q),
            ),
            {p: SIZE, q: SIZE, h1: PLANE, h2: PLANE},
            r"Taking differences to the weighted mean only lowers $\sum \lVert h_j\rVert^2/s_j^2$; shown for two. "
            r"Hence $\lVert W\rVert^2 + \lVert V\rVert^2 \ge 2(T - 1)$, which the tied simplex of `unequal.simplex` "
            "attains.",
        ),
        "unequal.untied-polygon": (
            equal(r + 1 / (r * _opening**2) - 2 / _opening, (r * _opening - 1) ** 2 / (r * _opening**2)),
            {r: SIZE, i: Integers(3, 30)},
            "On regular T-gons, $T = i$, with squared radius $r$ of the hidden vectors the decoders have length "
            r"$1/(\sqrt{r} (1 - \cos (2\pi /T)))$: a pair costs least at $r = 1/(1 - \cos (2\pi /T))$, where it is "
            "tied.",
        ),
    },
    conclusion=r"$\lVert W\rVert^2 + \lVert V\rVert^2 \ge 2(T - 1)$ at any norms, so for $T \le m + 1$ the tied model "
    "is optimal; among regular polygons on equal norms the tied T-gon is. Whether an irregular untied model does "
    "better at equal norms is only known numerically (none was found).",
)

DERIVATIONS = (_PROGRAMME, _SIMPLEX, _EXISTENCE, _UNTIED)
