"""Proof that the regular T-gon is the global optimum in two hidden dimensions.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x, energy Σx.
"""

from sympy import Derivative, Expr, Min, Rational, Sum, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, at_most, equal, theorem
from theory.derivations.symbols import symbol

T, x, y, a, a1, a2, a3, ell, s, mu, d, i, j = symbol("T x y a a1 a2 a3 ell s mu d i j")

LENGTH = Interval("1/8", 4)
MEAN = Interval("1/2", 6)
INNER_MEAN = Interval("9/16", 6)
POINTS = Integers(2, 60)

_mean = (ell**2 + (ell + s) ** 2) / 2


def least_angle(mean: Expr) -> Expr:
    """f(a) = arccos(1 − 1/a), the least angle between neighbours of mean squared length a."""
    return acos(1 - 1 / mean)


_TGON = theorem(
    "memorization.tgon-norm",
    r"In two dimensions the least energy is $T/(1 - \cos (2\pi /T))$, attained only by the regular T-gon",
    assumptions=r"`memorization.programme`; $m = 2$ and $T \ge 2$",
    source="Henighan et al. 2023 show the polygons; global optimality is ours",
    steps={
        "memorization.pair-cosine": (
            equal(Min((x - 1) / sqrt(x * y), (y - 1) / sqrt(x * y)), (Min(x, y) - 1) / sqrt(x * y)),
            {x: LENGTH, y: LENGTH},
            r"Order the points by their angle about the origin, wherever it lies: the $T$ gaps add up to $2\pi$, "
            r"since no point is 0. For neighbours of squared lengths $x$, $y$ at an angle $\theta$ the two "
            r"constraints say $\sqrt{xy} \cos \theta \le x - 1$ and $\le y - 1$; the shorter one decides.",
        ),
        "memorization.mean-length": (
            equal(
                1 - 1 / _mean - (ell**2 - 1) / (ell * (ell + s)),
                (_mean * ell * s + s**2 / 2) / (_mean * ell * (ell + s)),
            ),
            {ell: Interval("1/8", 2), s: Interval(0, 2)},
            r"Lengths $\ell$ and $\ell + s$, $s \ge 0$, mean square $a$. The right side is not negative, and 0 only "
            r"for $s = 0$. Hence $\cos \theta \le (\ell^2 - 1)/(\ell (\ell + s)) \le 1 - 1/a$ whether $\ell$ is above "
            "or below 1, with equality only at equal lengths.",
        ),
        "memorization.mean-length-bound": (
            at_most((ell**2 - 1) / (ell * (ell + s)), 1 - 1 / _mean),
            {ell: Interval("1/8", 2), s: Interval(0, "1/16")},
            "The same as an inequality, near its equality $s = 0$.",
        ),
        "memorization.mean-length-least": (
            equal(1 - 1 / a - (-1), (2 * a - 1) / a),
            {a: MEAN},
            r"$-1 \le \cos \theta \le 1 - 1/a$ leaves only $a \ge 1/2$, so $f(a) = \arccos (1 - 1/a)$ is defined and "
            r"$\theta \ge f(a)$ for $\theta \le \pi$.",
        ),
        "memorization.wide-gap": (
            equal(least_angle(a), pi - acos(1 / a - 1)),
            {a: MEAN},
            r"$f(a) \le \pi$ because an arccosine is not negative: a gap $\theta \gt \pi$ satisfies $\theta \ge f(a)$ "
            "as well.",
        ),
        "memorization.angle-slope": (
            equal(Derivative(least_angle(a), a), -1 / (a * sqrt(2 * a - 1))),
            {a: INNER_MEAN},
            r"$f$ is strictly decreasing for $a \gt 1/2$.",
        ),
        "memorization.angle-curvature": (
            equal(Derivative(least_angle(a), (a, 2)), (3 * a - 1) / (a**2 * (2 * a - 1) ** Rational(3, 2))),
            {a: INNER_MEAN},
            "Differentiate once more.",
        ),
        "memorization.angle-convex": (
            at_least(3 * a - 1, Rational(1, 2)),
            {a: MEAN},
            r"The numerator of $f''$ is positive for $a \ge 1/2$, the denominator for $a \gt 1/2$: $f$ is strictly "
            "convex, up to the end $a = 1/2$ by continuity.",
        ),
        "memorization.jensen": (
            at_least(
                least_angle(a1) + least_angle(a2) + least_angle(a3), 3 * least_angle((a1 + a2 + a3) / 3)
            ),
            {a1: MEAN, a2: MEAN, a3: MEAN},
            "Jensen's inequality for the strictly convex $f$, shown for $T = 3$, with equality only at equal "
            "arguments. The means at the $T$ gaps add up to the energy $E$, each length being counted in two gaps, "
            r"so $2\pi = \sum \theta \ge \sum f(a) \ge T f(E/T)$.",
        ),
        "memorization.angle-inverse": (
            equal(least_angle(1 / (2 * sin(pi / T) ** 2)), 2 * pi / T),
            {T: POINTS},
            r"$f$ is decreasing, so $f(E/T) \le 2\pi /T$ means $E/T \ge 1/(2 \sin^2(\pi /T))$. For $T = 2$ both gaps "
            r"belong to one pair and the bound is $a \ge 1/2$ again.",
        ),
        "memorization.tgon-radius": (
            equal(1 / (2 * sin(pi / T) ** 2), 1 / (1 - cos(2 * pi / T))),
            {T: POINTS},
            "Double angle.",
        ),
        "memorization.tgon-feasible": (
            equal(
                (1 - cos(2 * pi * d / (d + i))) / (1 - cos(2 * pi / (d + i))),
                sin(pi * d / (d + i)) ** 2 / sin(pi / (d + i)) ** 2,
            )
            & at_least(sin(pi * d / (d + i)) ** 2, sin(pi / (d + i)) ** 2),
            {d: Integers(1, 12), i: Integers(1, 12)},
            "The left side, for vertices $d$ apart on the T-gon with $T = d + i$ of that radius, must be at least "
            r"1. It is: $\pi d/T$ lies between $\pi /T$ and $\pi - \pi /T$, and the sine, which rises up to $\pi "
            "/2$ and falls alike, is nowhere smaller there than at the ends. Tight for neighbours, $d = 1$ and $i "
            "= 1$.",
        ),
        "memorization.tgon-energy": (
            equal(Sum(1 / (2 * sin(pi / T) ** 2), (j, 1, T)), T / (1 - cos(2 * pi / T))),
            {T: POINTS},
            "$T$ equal squared lengths. Equality throughout needs equal lengths (`memorization.mean-length`), equal "
            r"means (`memorization.jensen`) and $\theta = f(a)$ at each gap: equal angles $2\pi /T$, the regular "
            "T-gon up to an orthogonal transformation and labels.",
        ),
    },
    conclusion=r"$\min \sum \lVert h_t\rVert^2 = T/(1 - \cos (2\pi /T))$, with $c = 1 - 1/(1 - \cos (2\pi /T))$; the "
    "minimiser is unique up to $O(2)$ and the order of the points.",
)


def penalised(length: Expr) -> Expr:
    """What a point of squared length x costs under ‖W‖² + μ‖b‖²: x + μ(1 − x)²."""
    return length + mu * (1 - length) ** 2


_PENALISED = theorem(
    "memorization.tgon-penalised",
    "Decay on the bias keeps the T-gon",
    assumptions=r"`memorization.programme`; $m = 2$; the penalty is $\lVert W\rVert^2 + \mu \lVert b\rVert^2$",
    steps={
        "memorization.penalised-convex": (
            equal((penalised(x) + penalised(y)) / 2 - penalised((x + y) / 2), mu * (x - y) ** 2 / 4),
            {x: LENGTH, y: LENGTH, mu: Interval(0, 3)},
            r"$c = 1 - x$ makes the penalty a sum of $x + \mu (1 - x)^2$ over points, convex: by Jensen it is at "
            "least $T$ times its value at the mean squared length, which is at least that of the T-gon.",
        ),
        "memorization.penalised-slope": (
            equal(Derivative(penalised(x), x), 1 - 2 * mu * (1 - x)),
            {x: LENGTH, mu: Interval(0, 3)},
            r"It increases with the mean squared length from $x = 1 - 1/(2\mu)$ on; the T-gon is optimal where its "
            "own squared length is not below that.",
        ),
        "memorization.penalised-threshold": (
            equal(
                1 - 2 * mu * (1 - 1 / (1 - cos(2 * pi / T))),
                1 + 2 * mu * cos(2 * pi / T) / (1 - cos(2 * pi / T)),
            ),
            {T: POINTS, mu: Interval(0, 3)},
            "The slope at the T-gon.",
        ),
        "memorization.penalised-pair": (
            at_least(1 + 2 * mu * cos(pi) / (1 - cos(pi)), 0),
            {mu: Interval(0, 1)},
            r"$T = 2$: not negative for $\mu \le 1$.",
        ),
        "memorization.penalised-triangle": (
            at_least(1 + 2 * mu * cos(2 * pi / 3) / (1 - cos(2 * pi / 3)), 0),
            {mu: Interval(0, "3/2")},
            r"$T = 3$: not negative for $\mu \le 3/2$.",
        ),
        "memorization.tgon-bias": (
            equal(1 - 1 / (1 - cos(2 * pi / T)), -sin(pi * (T - 4) / (2 * T)) / (2 * sin(pi / T) ** 2)),
            {T: POINTS},
            r"The bias coefficient $c = 1 - \lVert h\rVert^2$. For $T \ge 4$ the argument $\pi (T - 4)/(2T)$ lies in "
            r"$[0, \pi /2)$, so $c \le 0$ and the slope $1 - 2\mu c$ is at least 1: every $\mu \ge 0$ keeps the "
            "T-gon. $c$ changes sign at $T = 4$.",
        ),
        "memorization.penalised-point": (
            equal(x + (1 - x) ** 2, Rational(3, 4) + (x - Rational(1, 2)) ** 2),
            {x: Interval(0, 2)},
            r"$T = 1$ has no constraint. Least $\lVert W\rVert^2$ is 0, with $c = 1$; least $\lVert W\rVert^2 + "
            r"\lVert b\rVert^2$ is at $\lVert h\rVert^2 = c = 1/2$.",
        ),
    },
    conclusion=r"The T-gon of `memorization.tgon-norm` is optimal for $\mu \le 1$ at $T = 2$, $\mu \le 3/2$ at $T = "
    r"3$ and every $\mu \ge 0$ at $T \ge 4$.",
)

#: The largest of s/((1 + s)(2 + s)).
_SHARE = 3 - 2 * sqrt(2)

_STABILITY = theorem(
    "tolerance.tgon-stability",
    "Points of little more than the least energy are close to the regular T-gon",
    assumptions="`memorization.programme`, by `memorization.robust` for squared lengths over $1 - "
    r"2\sqrt{\varepsilon}$; $m = 2$, $T \ge 3$",
    steps={
        "tolerance.stability-cosine": (
            equal(
                1 - 1 / _mean - (ell**2 - 1) / (ell * (ell + s)),
                (s * (2 * ell + s) / 2) / _mean * (1 - s * (ell**2 - 1) / (ell * (ell + s) * (2 * ell + s))),
            ),
            {ell: Interval("1/8", 2), s: Interval(0, 2)},
            r"At a gap $\theta$ between lengths $\ell$ and $\ell + s$ let $a$ be the mean and $d = s(2\ell + s)/2$ "
            r"half the difference of the squares. As $\theta \ge f(a)$ (`memorization.mean-length`) and a cosine "
            r"falls by no more than its angle grows, $\theta - f(a) \ge 1 - 1/a - \cos \theta$, which is at least "
            r"the left side: $d/a$ times a factor. For $\ell \le 1$ the factor is at least 1.",
        ),
        "tolerance.stability-factor": (
            equal(_SHARE - s / ((1 + s) * (2 + s)), _SHARE * (s - sqrt(2)) ** 2 / ((1 + s) * (2 + s))),
            {s: Interval(0, 4)},
            r"For $\ell \gt 1$ let $y = 1 - 1/\ell^2$. By this formula for $s/\ell$ the factor is at least $1 - (3 - "
            r"2\sqrt{2}) y$.",
        ),
        "tolerance.stability-slope": (
            equal(
                (1 - _SHARE * y) ** 2 * (1 + y) - (1 - y),
                y * (2 - 2 * _SHARE - _SHARE * y * (2 - _SHARE - _SHARE * y)),
            ),
            {y: Interval(0, 1)},
            r"The right side is at least $y(2 - 4(3 - 2\sqrt{2})) \ge 0$. So the factor is at least $\sqrt{(1 - "
            r"y)/(1 + y)} = 1/\sqrt{2\ell^2 - 1} \ge 1/\sqrt{2a - 1}$. Together $\theta \ge f(a) + d \min (1, "
            r"1/\sqrt{2a - 1})/a$.",
        ),
        "tolerance.stability-curvature": (
            equal(
                (3 * a - 1) / (a**2 * (2 * a - 1) ** Rational(3, 2)),
                1 / (a**2 * sqrt(2 * a - 1)) + 1 / (a * (2 * a - 1) ** Rational(3, 2)),
            ),
            {a: INNER_MEAN},
            r"$f''$ falls with $a$, as does the factor of $d$. Over all gaps $2\pi = \sum \theta$; Taylor's formula "
            r"for $f$ about the mean of the $a$ bounds what $\sum (a - E/T)^2 f''/2$, $\sum d$ and $\sum (\theta - "
            r"f(a))$ can be: each is at most $2\pi - T f(E/T)$, with $f''$ and the factor of $d$ at the largest $a$.",
        ),
    },
    conclusion=r"The angle $2\pi - T f(E/T)$ that the energy leaves over bounds how far lengths and gaps are from "
    "those of the regular T-gon; it is 0 only there.",
)

DERIVATIONS = (_TGON, _PENALISED, _STABILITY)
