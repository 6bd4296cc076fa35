"""Proofs about memorization in any number m of hidden dimensions.

What zero loss on orthonormal data means for hidden vectors, the simplex, and what is left of it at a small
loss. Normalisation: unit datapoints X_t with disjoint supports, h_t = W X_t, c_t = X_t · b.
"""

from sympy import Max, Sum, cos, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, equal, theorem
from theory.derivations.symbols import symbol

T, X, p, q, u, v, w, g, e, c, x, y, s, t = symbol("T X p q u v w g e c x y s t")
beta, gamma, mu, epsilon, phi, scale, j = symbol("beta gamma mu epsilon phi lambda j")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

UNIT = Interval("1/8", 1)
PLANE = Interval(-2, 2)

_REDUCTION = theorem(
    "memorization.reduction",
    "A least-norm model of zero loss is determined by its hidden vectors",
    assumptions="datapoints are non-negative and orthonormal, so their supports are disjoint; the loss is zero",
    source="Henighan et al. 2023, section on the ReLU-output model's hidden vectors; the reduction is ours",
    steps={
        "memorization.merge-constraint": (
            equal(
                (p * (v * g + beta) + q * (w * g + gamma)) / (p + q),
                (p * v + q * w) / (p + q) * g + (p * beta + q * gamma) / (p + q),
            ),
            {p: UNIT, q: UNIT, v: PLANE, w: PLANE, g: PLANE, beta: Interval(-1, 2), gamma: Interval(-1, 2)},
            r"Write $w_k = X_{jk} v_k$ and $b_k = X_{jk} \beta_k$ for $k$ in the support of $X_j$. Zero loss asks "
            r"$v_k \cdot h_j + \beta_k = 1$ and $v_k \cdot h_i + \beta_k \le 0$ for $i \ne j$: linear in $(v_k, "
            r"\beta_k)$ once the hidden vectors are fixed. Two features of one point may therefore both be given "
            "their mean with weights $p = X_{jk}^2$, $q = X_{jl}^2$.",
        ),
        "memorization.merge-norm": (
            equal(p * v**2 + q * w**2, (p * v + q * w) ** 2 / (p + q) + p * q * (v - w) ** 2 / (p + q)),
            {p: UNIT, q: UNIT, v: PLANE, w: PLANE},
            r"The variance identity behind Jensen's inequality, for each coordinate of $v_k$ and for $\beta_k$. The "
            r"mean keeps $p v + q w$, hence $h_j = \sum X_{jk}^2 v_k$, and costs less unless $v = w$. A merged pair "
            "acts as one feature of weight $p + q$, so by induction all features of a point share one $v = h_j$ and "
            r"one $\beta = c_j$.",
        ),
        "memorization.norm-split": (
            equal(u**2 + v**2, (u * cos(phi) + v * sin(phi)) ** 2 + (v * cos(phi) - u * sin(phi)) ** 2),
            {u: PLANE, v: PLANE, phi: Interval(0, 6)},
            "Pythagoras for each row of $W$: its part in the span of the data and its part across, here for a "
            r"datapoint at angle $\varphi$ to a coordinate axis; for $T$ points complete $X$ to an orthonormal basis. "
            r"The first parts add up to $\sum \lVert W X_t\rVert^2 = \sum \lVert h_t\rVert^2$; the rest splits into "
            "seen and unseen columns of $W$.",
        ),
    },
    conclusion=r"$W = \sum h_t X_t^{\top}$ and $b = \sum c_t X_t$ on seen features; unseen features have $w = 0$ and "
    r"any $b \le 0$. Then $\lVert W\rVert^2 = \sum \lVert h_t\rVert^2$, and $\lVert b\rVert^2 = \sum c_t^2$ at its "
    "least.",
)

_PROGRAMME = theorem(
    "memorization.programme",
    "Zero loss as inequalities between hidden vectors",
    assumptions="the model has the form of `memorization.reduction`",
    steps={
        "memorization.own-output": (
            equal(X * (x + c) - X, X * (c - (1 - x))),
            {X: UNIT, x: Interval(0, 4), c: Interval(-3, 1)},
            r"Output $k$ at the own point is $X_{jk}(\lVert h_j\rVert^2 + c_j)$, with $x = \lVert h_j\rVert^2$; it "
            r"equals $X_{jk} \gt 0$ exactly when $c_j = 1 - \lVert h_j\rVert^2$.",
        ),
        "memorization.other-output": (
            equal(X * (u * g + v * e + (1 - (u**2 + v**2))), X * (1 - (u * (u - g) + v * (v - e)))),
            {X: UNIT, u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            r"Before the ReLU, output $k$ of the support of $X_j$ at point $i$ is $X_{jk}(h_i \cdot h_j + c_j)$, in "
            r"coordinates $h_j = (u, v)$, $h_i = (g, e)$. It is at most 0 exactly when $\lVert h_j\rVert^2 - h_i "
            r"\cdot h_j \ge 1$.",
        ),
        "memorization.pair-distance": (
            equal((u - g) ** 2 + (v - e) ** 2, (u * (u - g) + v * (v - e)) + (g * (g - u) + e * (e - v))),
            {u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            "Both constraints of a pair add up to its squared distance, which is therefore at least 2.",
        ),
        "memorization.no-shared-ray": (
            equal((x**2 - x * y) * (y**2 - x * y), -x * y * (x - y) ** 2),
            {x: Interval(0, 3), y: Interval(0, 3)},
            "On one ray, with lengths $x$ and $y$, zero included, the product of the two sides that must both be at "
            r"least 1 is not positive. So no hidden vector is 0 and no two share a ray once $T \ge 2$. A line has two "
            r"rays: $m = 1$ is feasible for $T \le 2$ only.",
        ),
    },
    conclusion=r"Zero loss is possible exactly for hidden vectors with $\lVert h_j\rVert^2 - h_i \cdot h_j \ge 1$ for "
    r"all $i \ne j$, with $c_j = 1 - \lVert h_j\rVert^2$.",
)

_SIMPLEX = theorem(
    "memorization.simplex",
    "Least energy $T - 1$ in any dimension, attained by the regular simplex",
    assumptions=r"`memorization.programme`; for attainment $T \le m + 1$",
    steps={
        "memorization.simplex-sum": (
            equal(
                sum(
                    own * (own - other)
                    for own in (h1, h2, h3, h4)
                    for other in (h1, h2, h3, h4)
                    if own != other
                ),
                4 * (h1**2 + h2**2 + h3**2 + h4**2) - (h1 + h2 + h3 + h4) ** 2,
            ),
            {h1: PLANE, h2: PLANE, h3: PLANE, h4: PLANE},
            "Sum of all $T(T - 1)$ constraints, checked for one coordinate and $T = 4$. For any $T$ both sides are "
            "quadratic and stay the same when points are exchanged, so two coefficients settle it: that of $h_1^2$ "
            r"is $T - 1$ on either side, that of $h_1 h_2$ is $-2$. The sum is at least $T(T - 1)$, so $\sum \lVert "
            r"h_j\rVert^2 \ge T - 1 + \lVert \sum h_j\rVert^2/T$. Equality needs $\sum h_j = 0$ and every constraint "
            "tight, which fixes all inner products: the regular simplex.",
        ),
        "memorization.simplex-feasible": (
            equal((T - 1) / T - (-1 / T), 1),
            {T: Integers(1, 40)},
            r"With $\lVert h_j\rVert^2 = (T - 1)/T$ and inner products $-1/T$, of rank $T - 1$, every constraint is "
            "tight.",
        ),
        "memorization.simplex-energy": (
            equal(Sum((T - 1) / T, (j, 1, T)), T - 1),
            {T: Integers(1, 40)},
            "$T$ squared lengths of $(T - 1)/T$ each.",
        ),
        "memorization.simplex-penalised": (
            equal(1 - 2 * mu * (1 - (T - 1) / T), 1 - 2 * mu / T),
            {T: Integers(1, 40), mu: Interval(0, 2)},
            r"$x + \mu (1 - x)^2$ is convex with slope $1 - 2\mu (1 - x)$. The slope at the simplex is not negative "
            r"for $\mu \le T/2$; by Jensen and `memorization.simplex-sum` the simplex is then least for $\lVert "
            r"W\rVert^2 + \mu \lVert b\rVert^2$ too.",
        ),
        "memorization.simplex-dimensionality": (
            equal(1 / (1 + Sum((-1 / (T - 1)) ** 2, (j, 2, T))), (T - 1) / T),
            {T: Integers(2, 40)},
            "Cosines between vertices are $-1/(T - 1)$.",
        ),
    },
    conclusion=r"$\sum \lVert h_t\rVert^2 \ge T - 1$ for every $m$, with equality only for the regular simplex, which "
    r"exists for $T \le m + 1$.",
)

_ROBUST = theorem(
    "memorization.robust",
    "No model with a small error on every datapoint has much less than the least energy",
    assumptions="non-negative unit datapoints with disjoint supports; every datapoint's squared error is at most "
    r"$\varepsilon \lt 1/4$; a datapoint's own active outputs are positive, automatic while $\sqrt{\varepsilon}$ is "
    "below its least positive entry",
    steps={
        "memorization.robust-contraction": (
            equal(
                (u**2 + v**2 + w**2) * (h1**2 + h2**2 + h3**2) - (u * h1 + v * h2 + w * h3) ** 2,
                (u * h2 - v * h1) ** 2 + (v * h3 - w * h2) ** 2 + (w * h1 - u * h3) ** 2,
            ),
            dict.fromkeys((u, v, w, h1, h2, h3), PLANE),
            r"Lagrange's identity, for three features: the Cauchy–Schwarz inequality $\lvert X_j \cdot "
            r"\text{error}\rvert \le \sqrt{\varepsilon}$ for a unit $X_j$. Where own active outputs are positive $X_j "
            r"\cdot \text{output}\ = \lVert h_j\rVert^2 + c_j$, so $\lVert h_j\rVert^2 + c_j \ge 1 - "
            r"\sqrt{\varepsilon}$. Else $\sum \lVert h\rVert^2$ can be as small as one likes: a feature of amplitude "
            r"$\sqrt{\varepsilon}$ that the model gives up may carry $h_j$ anywhere.",
        ),
        "memorization.robust-relu": (
            equal(Max(0, t) - t, Max(0, -t)),
            {t: PLANE},
            "A ReLU is never below its argument. At point $i$ the outputs on the support of $X_j$ are pure error, so "
            r"$\sqrt{\varepsilon} \ge X_j \cdot \text{output}\ \ge h_i \cdot h_j + c_j$ by Cauchy–Schwarz again.",
        ),
        "memorization.robust-constraint": (
            at_least((1 - sqrt(epsilon) + s) - (sqrt(epsilon) - t), 1 - 2 * sqrt(epsilon)),
            {epsilon: Interval(0, "1/4"), s: Interval(0, 1), t: Interval(0, 2)},
            r"Subtract: with slacks $s$, $t \ge 0$ in the two bounds, $\lVert h_j\rVert^2 - h_i \cdot h_j = (1 - "
            r"\sqrt{\varepsilon} + s) - (\sqrt{\varepsilon} - t)$.",
        ),
        "memorization.robust-scaling": (
            equal(
                (scale * u) * (scale * u - scale * g) + (scale * v) * (scale * v - scale * e),
                scale**2 * (u * (u - g) + v * (v - e)),
            ),
            {scale: Interval("1/2", 2), u: PLANE, v: PLANE, g: PLANE, e: PLANE},
            r"The programme is homogeneous: dividing every $h$ by the root of $1 - 2\sqrt{\varepsilon} \gt 0$ makes "
            r"it feasible, so its energy divided by $1 - 2\sqrt{\varepsilon}$ is at least the optimum of "
            "`memorization.programme`.",
        ),
    },
    conclusion=r"$\lVert W\rVert^2 \ge \sum \lVert h_t\rVert^2 \ge (1 - 2\sqrt{\varepsilon})$ times the least energy "
    "at zero loss, for every $m$.",
)

DERIVATIONS = (_REDUCTION, _PROGRAMME, _SIMPLEX, _ROBUST)
