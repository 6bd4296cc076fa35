"""Proofs about two circles and dropped points, the models that training in the plane gets stuck at.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x (inner) and y
(outer); unit datapoints, loss summed over features.
"""

from sympy import Derivative, Expr, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import equal, theorem
from theory.derivations.symbols import symbol

T, x, y, s, u, v, c, k, h1, h2, alpha = symbol("T x y s u v c k h1 h2 alpha")

INNER = Interval("3/4", 2)
OUTER = Interval(3, 6)
PLANE = Interval(-2, 2)


def interface(inner: Expr, outer: Expr) -> Expr:
    """Least angle between neighbours of squared lengths inner ≤ outer."""
    return acos((inner - 1) / sqrt(inner * outer))


_TWO_CIRCLES = theorem(
    "stationary.two-circles",
    "Two circles memorize, but are never stationary for the norm",
    assumptions=r"`memorization.programme`, $m = 2$, $T \ge 5$; $q$ neighbouring points have squared length $x$, the "
    "other $k = T - q$, two or more, a greater one $y$; every gap is tight (a loose one lets all lengths shrink)",
    source="Henighan et al. 2023, section on optimization failures, shows such models; the analysis is ours",
    steps={
        "stationary.interface-gap": (
            equal(sin(interface(x, y)) ** 2 * (x * y), x * y - (x - 1) ** 2),
            {x: INNER, y: OUTER},
            r"The constraint of the inner point binds at the interface: $h_i \cdot h_j = \sqrt{xy} \cos \theta = x - "
            r"1$, while the outer one is left with $y - (x - 1) \gt 1$.",
        ),
        "stationary.interface-inner-slope": (
            equal(Derivative(interface(x, y), x), -(x + 1) / (2 * x * sqrt(x * y - (x - 1) ** 2))),
            {x: INNER, y: OUTER},
            "A longer inner point frees angle.",
        ),
        "stationary.interface-outer-slope": (
            equal(Derivative(interface(x, y), y), (x - 1) / (2 * y * sqrt(x * y - (x - 1) ** 2))),
            {x: INNER, y: OUTER},
            r"For $x \ge 1$ a longer outer point even costs angle. Within a circle the slope is $f'(y) = "
            r"-1/(y\sqrt{2y - 1})$ of `memorization.angle-slope`. Let $F$ be the sum of the $T$ gaps. The claim is "
            r"$F_x/q \lt F_y/k$: exchanging squared length between the circles at equal energy then frees angle, and "
            "all lengths can shrink.",
        ),
        "stationary.inner-long-first": (
            equal((x + s) ** 2 - (x * (x + s) - (x - 1) ** 2), s * (x + s) + (x - 1) ** 2),
            {x: Interval(1, 4), s: Interval(0, 8)},
            r"$x \ge 1$, with $y = x + s$: $xy - (x - 1)^2 \le y^2$.",
        ),
        "stationary.inner-long-second": (
            equal((x + 1) ** 2 * (2 * y - 1) - x**2, 2 * x + 1 + 2 * (x + 1) ** 2 * (y - 1)),
            {x: Interval(1, 3), y: Interval(1, 8)},
            r"So $(x + 1)^2 y^2 (2y - 1) \gt x^2 y^2$ for $y \ge 1$: twice the interface's slope in $x$ exceeds "
            r"$\lvert f'(y)\rvert$. Since $\lvert f'(x)\rvert \ge \lvert f'(y)\rvert$ by `memorization.angle-convex`, "
            r"$-F_x \ge (q - 1)\lvert f'(x)\rvert + 2\lvert \text{slope}\rvert \gt q\lvert f'(y)\rvert$, while $-F_y "
            r"\le (k - 1)\lvert f'(y)\rvert \lt k\lvert f'(y)\rvert$.",
        ),
        "stationary.inner-short-count": (
            equal(pi - acos(1 - 1 / x) + acos(1 / x - 1), 2 * acos(1 / x - 1)),
            {x: Interval("5/8", 1)},
            r"$x \lt 1$: inner gaps $f(x) = \pi - \arccos (1/x - 1)$ and interface gaps exceed $\pi /2$, and there "
            r"are $q + 1$ of them: $q \le 2$. So $k \ge 3$, the $k - 1 \ge 2$ outer gaps share less than $\pi$, and "
            r"$y \gt 1$.",
        ),
        "stationary.inner-short-outer": (
            equal((3 - 2 * sqrt(2)) * (1 + x) - x * (1 - x), (x - (sqrt(2) - 1)) ** 2),
            {x: Interval("1/8", 1)},
            r"$x(1 - x)/(1 + x) \le 3 - 2\sqrt{2}$, so with $y \ge 1$ the interface's slope in $y$ is at most 0.18 "
            "times that in $x$.",
        ),
        "stationary.inner-short-root": (
            equal(4 * x**2 * (x * y) - 4 * x**2 * (x * y - (1 - x) ** 2), (2 * x * (1 - x)) ** 2),
            {x: Interval("1/8", 1), y: Interval(2, 8)},
            r"Hence $4x^2(xy - (1 - x)^2) \le 4x^3y$.",
        ),
        "stationary.inner-short-slope": (
            equal(
                (x + 1) ** 2 * (1 + s) ** 2 * (1 + 2 * s) - 4 * x**3 * (1 + s),
                (1 + s) * ((1 - x) * (4 * x**2 + 3 * x + 1) + (x + 1) ** 2 * s * (3 + 2 * s)),
            ),
            {x: Interval("1/8", 1), s: Interval(0, 8)},
            r"With $y = 1 + s$: $(x + 1)^2y^2(2y - 1) \ge 4x^3y$, so $\lvert f'(y)\rvert$ is at most the interface's "
            r"slope $g$ in $x$. Then $-F_x/q \ge 2g/q \ge g$ for $q \le 2$, and $-F_y/k \le ((k - 1) + 0.36)g/k \lt "
            "g$.",
        ),
    },
    conclusion=r"For $T \ge 5$ no two-circle arrangement is stationary for $\lVert W\rVert^2$ at zero loss: lengths "
    "even out and shrink, towards the T-gon. Two circles are what decay has not yet undone.",
)

_own = 1 - c - u**2
_held = alpha - 2 * (1 - 1 / T)

_DROPPED = theorem(
    "stationary.dropped",
    "When a dropped point stays at the origin",
    assumptions=r"unit datapoints with disjoint supports; the others are memorized, with $\lVert h_j\rVert^2 \gt 1$; "
    "the others' hidden vectors are held fixed",
    source="Henighan et al. 2023, section on optimization failures, shows such models; the analysis is ours",
    steps={
        "stationary.dropped-loss": (
            equal((1 - c) ** 2 + (T - 1) * c**2, 1 - 1 / T + T * (c - 1 / T) ** 2),
            {T: Integers(2, 40), c: PLANE},
            r"With $h = 0$ feature $k$ of the dropped point outputs $X_k c$ everywhere. Over $\sum X_k^2 = 1$ its "
            "squared errors are least at $c = 1/T$. The others' features stay silent at the origin, where they have "
            r"$1 - \lVert h_j\rVert^2 \lt 0$. So $T$ times the loss is $1 - 1/T$.",
        ),
        "stationary.dropped-expansion": (
            equal(
                _own**2 + (c + u * h1) ** 2 + (c + u * h2) ** 2 + (c - u * (h1 + h2)) ** 2,
                (1 - c) ** 2 + 3 * c**2 + u**2 * (h1**2 + h2**2 + (h1 + h2) ** 2 - 2 * (1 - c)) + u**4,
            ),
            {c: Interval(-1, 1), u: Interval("-3/2", 2), h1: PLANE, h2: PLANE},
            r"Move the point's column to $v$, of coordinate $u$ along an eigenvector of $M = \sum h_i h_i^{\top}$, "
            r"with three others that add up to 0 (else there is a term linear in $v$). Outputs near $c = 1/T \gt 0$ "
            r"are all positive, and the silent ones stay silent. The curvature is $\lambda - 2(1 - 1/T)$, $\lambda$ "
            "the eigenvalue. Features of unequal columns only add variance.",
        ),
        "stationary.dropped-pair": (
            equal(
                (1 - c - u**2) ** 2 + (1 - c - v**2) ** 2 + 2 * (c + u * v) ** 2,
                2 * (1 - c) ** 2 + 2 * c**2 - 2 * (u**2 + v**2) + 2 * c * (u + v) ** 2 + (u**2 + v**2) ** 2,
            ),
            {c: Interval(-1, 1), u: Interval("-3/2", 2), v: Interval(-2, "5/2")},
            "Two dropped points, at $u$ and $v$: what they do to each other. For $D$ of them the quadratic part is "
            r"$\sum (\lambda - 2)\lVert v_d\rVert^2 + (2/T)\lVert \sum v_d\rVert^2$, softest at $\sum v_d = 0$: the "
            r"condition is $\lambda \gt 2$.",
        ),
        "stationary.dropped-polygon": (
            equal(k / (2 * (1 - cos(2 * pi / k))), k / (4 * sin(pi / k) ** 2)),
            {k: Integers(4, 60)},
            r"A memorizing k-gon, $k = T - 1$, has $M = (kr/2) I$ with $r = 1/(1 - \cos (2\pi /k))$. The right side "
            r"grows with $k$ and is 2 at $k = 4$, above $2(1 - 1/T)$: a single dropped point is held for every $T \ge "
            "5$. (At $T = 5$, where the lengths are 1, the others' features that begin to speak only add error.)",
        ),
        "stationary.dropped-error": (
            equal(
                (1 - 1 / T - u**2) ** 2 + (T - 1) / T**2 + 2 * u * s / T + alpha * u**2,
                1 - 1 / T + _held * (u + s / (T * _held)) ** 2 - s**2 / (T**2 * _held) + u**4,
            ),
            {T: Integers(5, 12), u: Interval("-3/2", 2), s: Interval("-3/4", 1), alpha: Interval(3, 6)},
            r"Others that add up to $s \ne 0$, with second moment $\alpha$ along $s$, at $c = 1/T$: the least over "
            r"$u$ is $1 - 1/T - s^2/(T^2\kappa)$ up to the fourth order, $\kappa = \alpha - 2(1 - 1/T)$, so the "
            "dropped point's error falls below $1 - 1/T$. If the others are free they can grow by a factor, which "
            r"keeps their loss 0 and makes every constraint loose, and then shift, so that $s \ne 0$, as near to the "
            "start as one likes.",
        ),
    },
    conclusion="With the others held and adding up to 0, a dropped point is a strict minimum where "
    r"$\lambda_{\min}(M) \gt 2(1 - 1/T)$, several are where $\lambda_{\min}(M) \gt 2$. With the others free it is no "
    "local minimum of the loss, only a stationary point: nothing but decay keeps the others a regular polygon.",
)

DERIVATIONS = (_TWO_CIRCLES, _DROPPED)
