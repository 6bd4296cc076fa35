"""The proof that a simplex with a shifted cross-polytope is the least code for m + 2 ≤ T ≤ m + 4.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`, E = Σ‖h_j‖² its energy. The idea: points
that are shorter than the others push all others apart, by σ. The construction has k = 2m − T of them; one more would be
paid for by some longer point, since what is left across them has too few dimensions.
"""

from sympy import cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import equal, theorem
from theory.derivations.symbols import symbol

T, x, y, s, t, delta, kappa, mu, phi = symbol("T x y s t delta kappa mu phi")

#: Where the price of a long n and that of a short one are the same.
_MEET = (sqrt(kappa**2 + 4) - kappa) / 2

#: The least cosine of two residuals that suffices, and the most that a point left out can lack beyond κ².
_COSINE, _MOST = (2 - sqrt(2)) / 4, 3 - 2 * sqrt(2)

_SHIFTED = theorem(
    "codes.shifted-bound",
    r"The shifted cross-polytope is least for $m + 2 \le T \le m + 4$",
    assumptions=r"`memorization.programme`; $m + 2 \le T \le m + 4$ and $T \le 2m$",
    source="ours; for $T = m + 4$ with the seven points on a sphere of Schütte and van der Waerden 1951",
    steps={
        "codes.shifted-support": (
            equal(kappa * sqrt(x) - kappa * sqrt(x) * cos(phi), 2 * kappa * sqrt(x) * sin(phi / 2) ** 2),
            {x: Interval("1/8", 4), kappa: Interval(0, 2), phi: Interval(0, 3)},
            r"With $e_i = 1 - \lVert h_i\rVert^2$ let $w \ge 0$ maximize $2w \cdot e - \lVert \sum w_i h_i\rVert^2$ "
            "with as few positive weights as possible, and let $K$ be the points that have one. (There is such a "
            r"$w$, and the vectors of $K$ are independent: among dependent points of positive weight take $\sum a_i "
            "h_i = 0$ with as few terms as possible, so at most $m + 1$. If no $a_i$ is negative, the product with "
            r"another point gives $0 \le -a \cdot e$. So along a or $-a$ a weight falls to 0 and the value does not "
            r"fall. Hence independent points suffice, and over those the value falls to $-\infty$ as $w$ grows.) So "
            r"$w = G^{-1}e$ with their Gram matrix $G$, and $\sigma = w \cdot e = \lVert \sum w_i h_i\rVert^2$. Any "
            r"other point has $1 - \lVert h\rVert^2 \le h \cdot \sum w_i h_i \le -\sigma$, so $\lVert h\rVert^2 \ge 1 "
            r"+ \sigma$. With $g_{ij}$ for the entries of $G^{-1}$, now leave the $j$ of least $\kappa_j = "
            r"w_j/\sqrt{g_{jj}}$ out of $K$, and write $\kappa$ for it: $\sigma$ falls by $\kappa^2$. A weight $w_i "
            r"\ge \kappa \sqrt{x}$ becomes $w_i - w_j g_{ij}/g_{jj}$, at least this formula with $x = g_{ii}$ and "
            r"$g_{ij} = \sqrt{x g_{jj}} \cos \varphi$: positive, as $G^{-1}$ is positive definite. So the next point "
            "can be left out in the same way, until none is left. In what follows $K$ is what is left at some stage, "
            r"with its own $w$, $\sigma$ and $\kappa$; only $\lVert h\rVert^2 \ge 1 + \sigma$ needs the first $K$.",
        ),
        "codes.shifted-loss": (
            equal(
                _MOST - delta * (1 - 2 * delta) / (1 - delta), (sqrt(2) * (1 - delta) - 1) ** 2 / (1 - delta)
            ),
            {delta: Interval(0, "31/32")},
            r"What the point left out lacks: $\lVert h_j\rVert^2 = 1 + \sigma' - \delta$ with $\sigma' = \sigma - "
            r"\kappa^2$, where $\sigma'$ and $w'$ are those of what is left of $K$ $(h'$, $n'$, $q'$, $r'$ below "
            r"belong to another point). Its product with $\sum w_i' h_i$ is at most $-\sigma'$, so the part of $h_j$ "
            r"across the others has a squared length $s \le \lVert h_j\rVert^2 - \sigma' = 1 - \delta$; and, as $s = "
            r"1/g_{jj}$ and $w_j s = e_j - h_j \cdot \sum w_i' h_i$, $\kappa \sqrt{s} = w_j s \ge e_j + \sigma' = "
            r"\delta$. Where $\delta \gt 0$, then, $\delta \le \kappa \sqrt{1 - \delta} \lt \kappa$; and $\kappa^2 + "
            r"3 - 2\sqrt{2} \ge \delta$ by the formula, since $\kappa^2 \ge \delta^2/(1 - \delta)$.",
        ),
        "codes.shifted-cone": (
            equal(
                (sqrt(x) * s + sqrt(y) * t) ** 2 - (x * s**2 + 2 * sqrt(x * y) * cos(phi) * s * t + y * t**2),
                4 * sqrt(x * y) * s * t * sin(phi / 2) ** 2,
            ),
            {
                x: Interval("1/8", 4),
                y: Interval("1/8", 4),
                s: Interval(0, 3),
                t: Interval(0, 3),
                phi: Interval(0, 3),
            },
            r"A point outside $K$ is $-\sum w_i h_i - n + r$ with $r$ across the span of $K$, and $\nu_i = n \cdot "
            r"h_i = -h \cdot h_i - e_i \ge 0$. As $\lVert n\rVert^2 = \nu^{\top}G^{-1}\nu$, $\lVert n\rVert \le \sum "
            r"\nu_i \sqrt{g_{ii}}$, here for two terms; so $q = n \cdot \sum w_i h_i = w \cdot \nu \ge \kappa \lVert "
            r"n\rVert$. And two such $n$ have a product $n \cdot n' \ge 0$: orthogonalize $K$ in the reverse of the "
            r"order in which its points are left out, and let $\kappa_l$ be the $\kappa$ of the stage at which $h_l$ "
            r"is. In these coordinates $\sum w_i h_i$ is $(\kappa_1, \kappa_2, \dots)$. The coordinate $l$ of every "
            r"later point $h$, in $K$ or outside, is at most $-\kappa_l$: minus it, times $h_l$'s own coordinate $l$, "
            r"is $-h \cdot h_l \ge e_l$ plus the products of the coordinates before, where $h$ has at most "
            r"$-\kappa_a$ and $h_l$ has a negative one. So it is at least what $-\sum w_i h_i$ gives, $\kappa_l$ "
            "times that coordinate. Hence no coordinate of $n$ is negative.",
        ),
        "codes.shifted-pair": (
            equal(kappa * _MEET * (1 - 2 * mu) + mu * (1 - _MEET**2), (1 - mu) * kappa * _MEET),
            {kappa: Interval("1/64", 2), mu: Interval("1/64", "1/2")},
            r"Let two points outside $K$ have $r \cdot r' \ge \mu \lVert r\rVert\lVert r'\rVert$ with $0 \le \mu \le "
            r"1/2$, $r$ the shorter, and write $\lVert h\rVert^2 = 1 + \sigma + b$. The constraint says $\lVert "
            r"h\rVert^2 \ge 1 + h \cdot h'$, so $b \ge q + q' + n \cdot n' + r \cdot r' \ge q + \mu \lVert "
            r"r\rVert^2$; and $b = 2q + \lVert n\rVert^2 + \lVert r\rVert^2 - 1$. Together $(1 - \mu) b \ge q(1 - "
            r"2\mu) + \mu (1 - \lVert n\rVert^2)$. If $\lVert n\rVert \ge z = (\sqrt{\kappa^2 + 4} - \kappa)/2$ then "
            r"$b \ge q \ge \kappa z$. If not, put $\kappa \lVert n\rVert$ for $q$: the right side is concave in "
            r"$\lVert n\rVert$, it is $\mu$ at 0 and, by the formula, $(1 - \mu) \kappa z$ at $z$. So $b$ is at least "
            r"$\kappa z$ or at least $\mu /(1 - \mu)$.",
        ),
        "codes.shifted-spread": (
            equal(mu / (1 - mu) - _MOST, (4 - 2 * sqrt(2)) * (mu - _COSINE) / (1 - mu))
            & equal(4 * cos(2 * pi / T) ** 2 + 2 * cos(2 * pi / T), 1),
            {mu: Interval(0, "1/2"), T: Integers(5, 5)},
            r"Let $K$ have $k + i$ points, $i \ge 1$. Outside are $T - k - i = 2d + i$, their $r$ in $d = T - m - i "
            r"\le 3$ dimensions. Of $2d + 1$ vectors there two have a cosine of at least $\mu$: $1/2$ if $d = 1$, "
            r"$\cos 72$° $= 0.309$ in the plane, and 0.210 in space, where seven points on a sphere are at most 77.9° "
            r"apart; a zero vector goes with any other. All are above $(2 - \sqrt{2})/4$, so that $\mu /(1 - \mu) \ge "
            r"3 - 2\sqrt{2}$. Take the shorter one away and look for the next pair: $i$ points have a $b$ of at least "
            r"$\kappa z$ or $3 - 2\sqrt{2}$. (If $d = 0$ all $r$ are 0, and all $i = T - m \ge 2$ points serve.) For "
            "$d = 4$ one would need to know this of nine vectors.",
        ),
        "codes.shifted-balance": (
            equal(kappa * (_MEET + kappa), kappa / _MEET),
            {kappa: Interval("1/64", 2)},
            r"Each of these $i$ points has $\lVert h\rVert^2 \ge 1 + \sigma' + \kappa^2 + b$, and $\kappa^2 + b \ge "
            r"\delta$: $\kappa^2 + \kappa z = \kappa /z \ge \kappa$ by the formula, the other case is "
            r"`codes.shifted-loss`. So what it has beyond $1 + \sigma'$ makes up for what the point left out lacks. "
            "Leave out points until $k$ are left. The one left out from $k + i$ points has $i$ points that can make "
            "up for it; so, for $i = 1$, 2, ... in turn, each finds one that is not yet taken. One that makes up for "
            r"another may have been left out before, but then lacks nothing itself, as $\sigma$ only falls. In the "
            r"mean, then, all points but the $k$ last have $\lVert h\rVert^2 \ge 1 + \sigma$ with the $\sigma$ of "
            r"those. With $U = \sum e_i$ over the $k$ last, $E \ge T - U + B\sigma$, $B = 2(T - m)$. If $U \le 0$, $E "
            r"\ge T$. If not, $\lVert \sum h\rVert^2 \le k(1 - U)$ over the $k$ last, the sum of their constraints, "
            r"light or not; they are independent, so $U \lt 1$; and as in the last sentence of `codes.rank-lift` "
            r"$\sigma \ge U^2/(k(1 - U))$. `codes.rank-least` ends the proof. If $K$ has fewer than $k$ points to "
            r"begin with, the $T - \lvert K\rvert$ others have $\lVert h\rVert^2 \ge 1 + \sigma$, and the bound with "
            r"$T - \lvert K\rvert$ for $B$ is larger.",
        ),
    },
    conclusion=r"$E \ge T - 1 + 2\sqrt{B}/(\sqrt{T} + \sqrt{B})$ with $B = 2(T - m)$, which "
    r"`codes.shifted-cross-polytope` attains, and at $T = 2m$ the cross-polytope. Open for $m + 5 \le T \le 2m - 1$.",
)

DERIVATIONS = (_SHIFTED,)
