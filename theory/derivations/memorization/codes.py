"""Proofs about memorization codes beyond the simplex and the plane: a construction, and bounds.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`, E = Σ‖h_j‖² its energy. A point is light
when ‖h_j‖² < 1. `theory.codes.bounds` has the longest of the reasons in full.
"""

from sympy import Derivative, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, closed_form, equal, theorem
from theory.derivations.symbols import symbol

T, m, k, B, u, v, x, y, s, q, i, j, ell, phi = symbol("T m k B u v x y s q i j ell phi")

#: Simplex points, and cross-polytope points, of the construction.
SIMPLEX, CROSS = Integers(1, 12), Integers(4, 40, 2)

#: k times the product lost between two simplex points; the optimum 1 − √(B/T) lies inside for these sizes.
SHARE = Interval("1/64", "15/16")

#: A coordinate of a simplex point beside its own, √(1 − u) = 1 − k·this.
DENT = (1 - sqrt(1 - u)) / k

_ENERGY = (k - u) + B * (1 + u**2 / (k * (1 - u)))
_LEAST = k + B - 1 + 2 * sqrt(B) / (sqrt(k + B) + sqrt(B))

_SHIFTED = closed_form(
    "codes.shifted-cross-polytope",
    r"A simplex and a shifted cross-polytope for $m + 2 \le T \le 2m - 1$, shorter than any code of equal norms",
    assumptions="`memorization.programme`; $k = 2m - T$ simplex points and $B = 2(T - m)$ of a cross-polytope",
    steps={
        "codes.shift-simplex": (
            equal((1 - DENT) ** 2 + (k - 1) * DENT**2, 1 - u / k)
            & equal(-2 * (1 - DENT) * DENT + (k - 2) * DENT**2, -u / k),
            {k: SIMPLEX, u: SHARE},
            r"The $k$ points $h_i = e_i - d(1, \dots, 1)$ with $k d = 1 - \sqrt{1 - u}$: squared lengths $1 - u/k$, "
            "products $-u/k$. Their constraints are tight.",
        ),
        "codes.shift-across": (
            equal((1 - DENT) * (-u / (k * sqrt(1 - u))) + (k - 1) * DENT * u / (k * sqrt(1 - u)), -u / k),
            {k: SIMPLEX, u: SHARE},
            "The cross-polytope stands in the other $m - k$ dimensions, each of its points shifted by $P$, whose $k$ "
            r"coordinates are $-(u/k)/\sqrt{1 - u}$. Then $h_i \cdot P = -u/k$: the constraints of the $h_i$ against "
            r"its points are tight; those the other way have $1 + \lVert P\rVert^2 + u/k \ge 1$.",
        ),
        "codes.shift-length": (
            equal(Sum((u / (k * sqrt(1 - u))) ** 2, (j, 1, k)), u**2 / (k * (1 - u))),
            {k: SIMPLEX, u: SHARE},
            r"$\lVert P\rVert^2$. Two points $P \pm e_c$ of different axes have the product $\lVert P\rVert^2$ and "
            r"squared lengths $1 + \lVert P\rVert^2$: tight. So the energy is $E(u) = k - u + B(1 + \lVert "
            r"P\rVert^2)$.",
        ),
        "codes.shift-slope": (
            equal(Derivative(B * u**2 / (k * (1 - u)) - u, u), (B / (1 - u) ** 2 - (k + B)) / k),
            {k: SIMPLEX, B: CROSS, u: SHARE},
            "Increasing in $u$, and zero where $(1 - u)^2 = B/T$, $T = k + B$: the only minimum in $(0, 1)$.",
        ),
        "codes.shift-energy": (
            equal(_ENERGY.subs(u, 1 - sqrt(B / (k + B))), _LEAST),
            {k: SIMPLEX, B: CROSS},
            "The energy there.",
        ),
        "codes.shift-gain": (
            equal((k + B) - _LEAST, (sqrt(k + B) - sqrt(B)) / (sqrt(k + B) + sqrt(B))),
            {k: SIMPLEX, B: CROSS},
            "What it is below $T$; $T$ is the least of codes of equal norms here (Rankin 1955).",
        ),
    },
    conclusion=r"$\sum \lVert h\rVert^2 = T - 1 + 2\sqrt{B}/(\sqrt{T} + \sqrt{B})$ with $B = 2(T - m)$ is attained, "
    r"so the least energy is at most that. Equality is proven for $T \le m + 4$ (`codes.shifted-bound`) and open "
    "beyond.",
)

_CAPS = theorem(
    "codes.cap-bound",
    "Caps about the hidden vectors do not overlap",
    assumptions=r"`memorization.programme`; $m \ge 2$, $T \ge 3$",
    source="ours; for equal norms the cap bound of coding theory",
    steps={
        "codes.cap-pair": (
            equal(
                sqrt(x * (x + s)) * sqrt((1 - 1 / (2 * x)) * (1 - 1 / (2 * (x + s)))),
                sqrt((2 * x - 1) * (2 * x + 2 * s - 1)) / 2,
            )
            & equal((2 * x - 1) * (2 * x + 2 * s - 1) - (2 * x - 1) ** 2, 2 * s * (2 * x - 1)),
            {x: Interval("1/2", 6), s: Interval(0, 6)},
            r"The cap about $h_j$ has the half angle $\alpha_j$ with $\sin^2 \alpha_j = \min (1, 1/(2\lVert "
            r"h_j\rVert^2))$. For squared lengths $1/2 \le x \le y = x + s$, $\sqrt{xy} \cos (\alpha_i + \alpha_j)$ "
            "is the root of the left side, less $1/2$, so at least $((2x - 1) - 1)/2 = x - 1$, which the constraint "
            r"of the shorter grants: $\sqrt{xy} \cos \theta \le x - 1$. The caps do not overlap.",
        ),
        "codes.cap-short": (
            equal((1 - x) ** 2 / x - Rational(1, 2), (1 - 2 * x) * (2 - x) / (2 * x)),
            {x: Interval("1/16", "1/2")},
            r"A point with $x \lt 1/2$ has a cap of 90°; there is at most one, by `memorization.pair-distance`. Its "
            r"constraint gives $\cos \theta \le -(1 - x)/\sqrt{xy}$, at most $-1/\sqrt{2y} = -\sin \alpha_j$.",
        ),
        "codes.cap-area": (
            equal(
                Derivative(-((2 * x) ** (-m / 2)) / sqrt(2 * x - 1), x),
                m * (2 * x) ** (-m / 2 - 1) / sqrt(2 * x - 1) + (2 * x) ** (-m / 2) / sqrt(2 * x - 1) ** 3,
            ),
            {x: Interval("5/8", 6), m: Integers(2, 12)},
            r"A cap's area grows like $\sin^{m - 2} \alpha$, and $d\alpha /dx = -1/(2x\sqrt{2x - 1})$, so the area's "
            "slope in $x$ is $-(2x)^{-m/2}(2x - 1)^{-1/2}$: negative, and increasing as this shows. The area is "
            "decreasing and convex; by Jensen the areas fit on the sphere only if $T$ equal caps of the mean $x$ do.",
        ),
        "codes.cap-plane": (
            equal(1 / (2 * sin(pi / T) ** 2), 1 / (1 - cos(2 * pi / T))),
            {T: Integers(3, 60)},
            r"$m = 2$: $T$ equal arcs of half angle $\pi /T$ give the regular polygon's squared radius, so the bound "
            "is attained.",
        ),
        "codes.cap-beside": (
            at_least((T - 1) * sin(pi / T) ** 2, T * sin(pi / (2 * (T - 1))) ** 2),
            {T: Integers(3, 60)},
            r"$m = 2$ with a short point: $T - 1$ equal arcs of half angle $2\varphi = \pi /(2(T - 1))$ share the "
            r"other half circle, so the energy is above $(T - 1)/(2\sin^2 2\varphi)$. That is no less than the "
            r"polygon's $T/(2\sin^2(\pi /T))$, and as much at $T = 3$.",
        ),
        "codes.cap-sines": (
            equal(sin(3 * phi) / sin(2 * phi), 2 * cos(phi) - 1 / (2 * cos(phi))),
            {phi: Interval("1/64", "1/4")},
            r"Why, from $T = 4$ on: $3\varphi \le \pi /T \le \pi /2$ and $\varphi \le \pi /12$, so $\sin (\pi /T)/\sin "
            r"2\varphi$ is at least this, at least $\sqrt{2}$, and $2 \gt T/(T - 1)$.",
        ),
    },
    conclusion=r"$E \ge T x$, where $T$ caps with $\sin^2 \alpha = 1/(2x)$ have the area of the sphere; with one "
    "point below $1/2$, the $T - 1$ others share half of it. At $m = 2$ this is `memorization.tgon-norm`.",
)

_LIGHT = theorem(
    "codes.light-points",
    "Light points are few",
    assumptions=r"`memorization.programme`; $T \ge m + 2$; $h_i$ is light where $\lVert h_i\rVert^2 \lt 1$",
    steps={
        "codes.light-sum": (
            equal(k * (k - u) - k * (k - 1), k * (1 - u)),
            {k: Integers(1, 40), u: Interval(0, 1)},
            r"$k$ light points with $\sum (1 - \lVert h\rVert^2) = U$: the sum of their constraints, as in "
            r"`memorization.simplex-sum`, says $\lVert \sum h\rVert^2 \le k(k - U) - k(k - 1)$. They are "
            r"independent: products with a light vector are negative, so a dependency $\sum a_i h_i = 0$ has "
            "neither two signs (a square would be a sum of negative terms) nor one (take the product with another "
            r"vector; it exists, as a shortest dependency has at most $m + 1$ terms and $T \ge m + 2$). Hence $0 "
            r"\lt \lVert \sum h\rVert^2$, and $U \lt 1$.",
        )
    },
    conclusion=r"Light vectors are linearly independent, and $U = \sum (1 - \lVert h_i\rVert^2)$ over them is below "
    r"1, with $\lVert \sum h\rVert^2 \le k(1 - U)$.",
)

_RANK = theorem(
    "codes.rank-bound",
    "What light points save, the others pay",
    assumptions=r"`memorization.programme`; $T \ge m + 2$",
    steps={
        "codes.rank-lift": (
            equal(u**2 / q - (2 * s * u - s**2 * q), (u - s * q) ** 2 / q),
            {s: Interval(0, 3), u: Interval(0, 1), q: Interval("1/8", 4)},
            r"The Gram matrix $G$ of the light points has no positive entry off its diagonal, so $G^{-1} \ge 0$ "
            r"entrywise, and the projections of two others on their span have a product of at least $\sigma = "
            r"e^{\top}G^{-1}e$, $e_i = 1 - \lVert h_i\rVert^2$. It is at least $2s U - s^2\lVert \sum h\rVert^2$ for "
            r"every $s$, so $\sigma \ge U^2/\lVert \sum h\rVert^2 \ge U^2/(k(1 - U))$.",
        ),
        "codes.rank-least": (
            equal(_ENERGY - _LEAST, ((1 - u) * sqrt(k + B) - sqrt(B)) ** 2 / (k * (1 - u)))
            & equal(
                B * u**2 / (i * (1 - u)) - B * u**2 / (k * (1 - u)),
                B * u**2 * (k - i) / (i * k * (1 - u)),
            ),
            {k: SIMPLEX, i: SIMPLEX, B: Integers(2, 40), u: SHARE},
            r"Residuals of points with $\lVert h\rVert^2 \lt 1 + \sigma$ have negative products with every other "
            "and are therefore independent; with the $i$ light ones they are at most $m$. At least $c = T - m$ "
            r"others have $\lVert h\rVert^2 \ge 1 + \sigma$: $E \ge T - U + c \sigma$. With $\sigma \ge U^2/(i(1 - "
            r"U))$ and $i \le m = T - c$ that is at least $E(U)$ with $B = c$, $k = T - c$, by the second formula, "
            r"and so at least $E$ at its minimum. Without light points $E \ge T$.",
        ),
    },
    conclusion=r"$E \ge T - 1 + 2\sqrt{c}/(\sqrt{T} + \sqrt{c})$ with $c = T - m$. If only $2m - T$ points have "
    r"$\lVert h\rVert^2 \lt 1 + \sigma$, with the $\sigma$ of `codes.rank-lift`, the same holds with $B = 2c$ for "
    "$c$, which is the energy of `codes.shifted-cross-polytope`.",
)

_ORTHOPLEX = theorem(
    "codes.orthoplex-bound",
    "The cross-polytope is least at $T = 2m$",
    assumptions=r"`memorization.programme`; $T \ge 2m$, $m \ge 2$",
    source="ours; for equal norms Rankin 1955",
    steps={
        "codes.orthoplex-moment": (
            equal(3 * (x**2 + y**2 + s**2) - (x + y + s) ** 2, (x - y) ** 2 + (y - s) ** 2 + (s - x) ** 2),
            {x: Interval(0, 4), y: Interval(0, 4), s: Interval(0, 5)},
            r"The Gram matrix $\gamma$ of the $T$ unit vectors has rank $m$ and trace $T$, so $\sum \gamma^2$, the "
            "sum of its $m$ squared eigenvalues, is at least $T^2/m$. Checked for $m = 3$. For any $m$ the left side "
            r"is $m \sum x^2 - (\sum x)^2$ over the eigenvalues: in it, as in the squared differences of all pairs, "
            "$x^2$ has the coefficient $m - 1$ and $xy$ has $-2$. At $T = 2m$ with $S$ the sum of the vectors, "
            r"$\lVert S\rVert^2 \le \sum \gamma_{ij}(1 + \gamma_{ij})$ over $i \ne j$.",
        ),
        "codes.orthoplex-root": (
            equal(1 / ell - (1 - (ell**2 - 1) / 2), (ell - 1) ** 2 * (ell + 2) / (2 * ell)),
            {ell: Interval(1, 3)},
            r"So $1/\ell \ge 1 - (\ell^2 - 1)/2$ for the length $\ell$ of a point that is not light: it bounds how "
            r"little the products with light points, at most $-(1 - x_i)/\sqrt{x_i x_j}$, take away.",
        ),
        "codes.orthoplex-square": (
            equal(u * (v + 13 * u / 4) - (u * (v + 3 * s + u) - s**2), (s - 3 * u / 2) ** 2),
            {u: Interval(0, 1), v: Interval(-40, 0), s: Interval(0, 9)},
            r"With $E \le T$ and $U \gt 0$ one finds $s^2 \le U(1 - T + \sqrt{l} + 3s + U)$ for $s = \lVert S\rVert$ "
            r"and $l$ light points. By this step, with $v = 1 - T + \sqrt{l}$, that needs $T - 1 - \sqrt{l} \le 13U/4 "
            r"\lt 13/4$.",
        ),
        "codes.orthoplex-end": (
            equal(
                2 * m - 1 - sqrt(m) - Rational(13, 4),
                2 * (sqrt(m) - (1 + sqrt(35)) / 4) * (sqrt(m) + (sqrt(35) - 1) / 4),
            ),
            {m: Integers(3, 1000)},
            r"But $l \le m$, and this is positive from $m = 3$ on: $(1 + \sqrt{35})/4 \lt \sqrt{3}$. So $U = 0$, $E "
            r"\ge T$, and $E = T$ makes all norms 1 and all products $\le 0$: the cross-polytope. $m = 2$ is "
            r"`memorization.tgon-norm`, with its uniqueness. $T \gt 2m$ follows because $E/T$ does not fall as $T$ "
            "grows (leave one point out, on average); $E = T$ there would make every $2m$ points a cross-polytope, "
            "and two points that complete the same $2m - 1$ would be equal.",
        ),
    },
    conclusion=r"$E \ge T$ for $T \ge 2m \ge 4$, with equality only at $T = 2m$ and the cross-polytope.",
)

DERIVATIONS = (_SHIFTED, _CAPS, _LIGHT, _RANK, _ORTHOPLEX)
