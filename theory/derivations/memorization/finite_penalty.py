"""Proofs about a finite L2 penalty: the pieces of the symmetric ansatz, and its collapse.

Normalisation: T orthonormal points on a regular T-gon of squared radius r with one bias coefficient c; the
objective is loss + λ(‖W‖² + ‖b‖²). Of the sums over active neighbours, K = 2D + 1 is their number, α the
sum of squared cosines and β the sum of cosines.
"""

from sympy import Expr, Max, Sum, cos, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, r, c, d, i, k, s, t, u, v = symbol("T r c d i k s t u v")
alpha, beta, penalty = symbol("alpha beta lambda")

RADIUS = Interval("1/8", 2)
BIAS = Interval(-2, 1)
PENALTY = Interval(0, 1)
POINTS = Integers(3, 40)


def all_active(radius: Expr, bias: Expr) -> Expr:
    """The loss where every output is positive, T ≥ 3."""
    return 1 - 2 * (radius + bias) + T * radius**2 / 2 + T * bias**2


def pair(radius: Expr, bias: Expr) -> Expr:
    """The loss of two antipodal points where both outputs are positive."""
    return (1 - radius - bias) ** 2 + (bias - radius) ** 2


def cost(radius: Expr, bias: Expr) -> Expr:
    """λ(‖W‖² + ‖b‖²) on the symmetric ansatz."""
    return penalty * T * (radius + bias**2)


_COLLAPSE = closed_form(
    "penalty.collapse",
    r"Under a finite penalty the polygon shrinks to the origin continuously, at $\lambda = 2/T$",
    assumptions="unit datapoints with disjoint supports, $m = 2$; the symmetric ansatz: hidden vectors on a regular "
    "T-gon, one bias coefficient; every output is positive, as it is near the collapse, where $r$ is small and $c$ "
    "is not",
    steps={
        "penalty.all-active": (
            equal(
                (1 - r - c) ** 2 + Sum((r * cos(2 * pi * d / T) + c) ** 2, (d, 1, T - 1)), all_active(r, c)
            ),
            {T: POINTS, r: RADIUS, c: BIAS},
            "Over a full turn the cosines add up to 0 and their squares to $T/2$.",
        ),
        "penalty.collapse-square": (
            equal(
                all_active(r, c) + cost(r, c),
                1
                + T * ((r - (2 / T - penalty)) ** 2 - (2 / T - penalty) ** 2) / 2
                + T * (1 + penalty) * (c - 1 / (T * (1 + penalty))) ** 2
                - 1 / (T * (1 + penalty)),
            ),
            {T: POINTS, r: RADIUS, c: BIAS, penalty: PENALTY},
            r"Complete the squares: least at $r = 2/T - \lambda$, which is 0 at $\lambda = 2/T$, and at $c = 1/(T(1 + "
            r"\lambda))$, before and after the collapse. Beyond $\lambda = 2/T$ the least $r \ge 0$ is 0.",
        ),
        "penalty.collapse-pair": (
            equal(
                pair(r, c) + 2 * penalty * (r + c**2),
                1
                + 2 * ((r - (1 - penalty) / 2) ** 2 - ((1 - penalty) / 2) ** 2)
                + 2 * (1 + penalty) * (c - 1 / (2 * (1 + penalty))) ** 2
                - 1 / (2 * (1 + penalty)),
            ),
            {r: RADIUS, c: BIAS, penalty: PENALTY},
            r"$T = 2$, where the squares of the two cosines add up to 2: $r = (1 - \lambda)/2$, with the collapse at "
            r"$\lambda = 1 = 2/T$ and the bias of every other $T$.",
        ),
    },
    conclusion=r"Where all outputs are positive $r = 2/T - \lambda$ and $c = 1/(T(1 + \lambda))$ for $T \ge 3$, $r = "
    r"(1 - \lambda)/2$ for $T = 2$. From $\lambda = 2/T$ on $r = 0$.",
)


def piece(radius: Expr, bias: Expr) -> Expr:
    """The objective less 1 where K outputs of a datapoint are positive."""
    squares = alpha * radius**2 + 2 * beta * radius * bias + k * bias**2
    return squares - 2 * (radius + bias) + cost(radius, bias)


_POLYGON = closed_form(
    "penalty.polygon",
    "The penalised polygon, piece by piece",
    assumptions="unit datapoints with disjoint supports, $m = 2$; the symmetric ansatz: hidden vectors on a regular "
    "T-gon, one bias coefficient",
    steps={
        "penalty.convex": (
            equal(Max(0, u) ** 2, (u + Max(0, -u)) ** 2),
            {u: Interval(-2, 2)},
            r"The squared ReLU is the least of $(u + s)^2$ over $s \ge 0$, a partial minimum of a convex function, "
            "hence convex, and $u$ is linear in $(r, c)$; so is the squared error of a positive own output. The "
            r"objective is convex in $(r, c)$ where $r + c \gt 0$: one stationary point, the minimum. Where $r + c "
            r"\le 0$ it is at least 1, more than at $r = 0$, $c = 1/(T(1 + \lambda))$.",
        ),
        "penalty.active-cosines": (
            equal(Sum(cos(2 * pi * d / T), (d, -i, i)), sin(pi * (2 * i + 1) / T) / sin(pi / T)),
            {T: Integers(3, 14), i: Integers(1, 9)},
            r"Dirichlet's kernel: $\beta$ for $D = i$ active neighbours to each side.",
        ),
        "penalty.active-squares": (
            equal(
                Sum(cos(2 * pi * d / T) ** 2, (d, -i, i)),
                (2 * i + 1 + sin(2 * pi * (2 * i + 1) / T) / sin(2 * pi / T)) / 2,
            ),
            {T: Integers(3, 14), i: Integers(1, 9)},
            r"Double angle and Dirichlet's kernel again: $\alpha$.",
        ),
        "penalty.piece": (
            equal(
                piece(r + s, c + t) - piece(r, c),
                alpha * s**2
                + 2 * beta * s * t
                + (k + penalty * T) * t**2
                + 2 * s * (alpha * r + beta * c - (1 - penalty * T / 2))
                + 2 * t * (beta * r + (k + penalty * T) * c - 1),
            ),
            {
                alpha: Interval(1, 6),
                beta: Interval(-1, 3),
                k: Integers(3, 9),
                T: Integers(10, 20),
                r: RADIUS,
                c: BIAS,
                s: Interval(-1, 2),
                t: Interval("-1/2", 3),
                penalty: PENALTY,
            },
            r"On a piece the loss is $(1 - r - c)^2 - (r + c)^2 + \sum (r \cos + c)^2$ over the $K$ active steps, the "
            "own one with cosine 1 among them; 1 is left out. Two linear equations make it stationary. The piece "
            "whose outputs have the signs it assumes holds the minimum.",
        ),
        "penalty.vanishing": (
            equal(
                (3 - (1 + 2 * cos(2 * pi / T)))
                / (3 * (1 + 2 * cos(2 * pi / T) ** 2) - (1 + 2 * cos(2 * pi / T)) ** 2),
                1 / (1 - cos(2 * pi / T)),
            ),
            {T: Integers(4, 40)},
            r"At $\lambda \to 0$ only the nearest neighbours are active, $K = 3$: the two equations give the squared "
            "radius of `memorization.tgon-radius`.",
        ),
        "penalty.vanishing-slope": (
            equal(
                (2 * (1 - u) - v * (1 + v) / 2) * (1 - u) - (2 * (1 - u) ** 2 + v * (1 + 2 * u**2)),
                -v * ((1 + v) * (1 - u) / 2 + 1 + 2 * u**2),
            ),
            {u: Interval("-1/2", "15/16"), v: Interval(0, 1)},
            r"With $u = \cos (2\pi /T)$, $v = \lambda T$: $r(1 - u) - 1$ has the sign of the right side, so $r$ lies "
            r"below the T-gon's for every $\lambda \gt 0$ on this piece.",
        ),
    },
    conclusion=r"$r = ((1 - \lambda T/2)(K + \lambda T) - \beta)/(\alpha (K + \lambda T) - \beta^2)$ and $c = (\alpha "
    r"- \beta (1 - \lambda T/2))/(\alpha (K + \lambda T) - \beta^2)$ with the sums over the active neighbours.",
)

DERIVATIONS = (_COLLAPSE, _POLYGON)
