"""Proofs about memorization codes beyond the simplex and the plane: a construction, and bounds.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`, E = Σ‖h_j‖² its energy. A point is light
when ‖h_j‖² < 1. The construction has k = 2m − T points that are shorter than the others and push all of them apart, by
σ. It is least for m + 2 ≤ T ≤ m + 4: one more such point would be paid for by some longer one, since what is left
across them has too few dimensions.
"""

from sympy import Derivative, Rational, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, closed_form, equal, theorem
from theory.derivations.symbols import symbol
from theory.symbolic import lifted

T, m, k, B, u, v, x, y, s, t, q, i, j, ell = symbol("T m k B u v x y s t q i j ell")
delta, kappa, mu, phi = symbol("delta kappa mu phi")

#: Simplex points, and cross-polytope points, of the construction.
SIMPLEX, CROSS = Integers(1, 12), Integers(4, 40, 2)

#: k times the product lost between two simplex points; the optimum 1 − √(B/T) lies inside for these sizes.
SHARE = Interval("1/64", "15/16")

#: A coordinate of a simplex point beside its own, √(1 − u) = 1 − k·this.
DENT = (1 - sqrt(1 - u)) / k

_ENERGY = (k - u) + B * (1 + u**2 / (k * (1 - u)))
_LEAST = lifted(k + B, B)

_SHIFTED = closed_form(
    "codes.shifted-cross-polytope",
    on={k: SIMPLEX, u: SHARE, B: CROSS},
    steps={
        "codes.shift-simplex": equal((1 - DENT) ** 2 + (k - 1) * DENT**2, 1 - u / k)
        & equal(-2 * (1 - DENT) * DENT + (k - 2) * DENT**2, -u / k),
        "codes.shift-across": equal(
            (1 - DENT) * (-u / (k * sqrt(1 - u))) + (k - 1) * DENT * u / (k * sqrt(1 - u)), -u / k
        ),
        "codes.shift-length": equal(Sum((u / (k * sqrt(1 - u))) ** 2, (j, 1, k)), u**2 / (k * (1 - u))),
        "codes.shift-slope": equal(
            Derivative(B * u**2 / (k * (1 - u)) - u, u), (B / (1 - u) ** 2 - (k + B)) / k
        ),
        "codes.shift-energy": equal(_ENERGY.subs(u, 1 - sqrt(B / (k + B))), _LEAST),
        "codes.shift-gain": equal((k + B) - _LEAST, (sqrt(k + B) - sqrt(B)) / (sqrt(k + B) + sqrt(B))),
    },
)

_CAPS = theorem(
    "codes.cap-bound",
    on={
        x: Interval("1/2", 6),
        s: Interval(0, 6),
        m: Integers(2, 12),
        T: Integers(3, 60),
        phi: Interval("1/64", "1/4"),
    },
    steps={
        "codes.cap-pair": equal(
            sqrt(x * (x + s)) * sqrt((1 - 1 / (2 * x)) * (1 - 1 / (2 * (x + s)))),
            sqrt((2 * x - 1) * (2 * x + 2 * s - 1)) / 2,
        )
        & equal((2 * x - 1) * (2 * x + 2 * s - 1) - (2 * x - 1) ** 2, 2 * s * (2 * x - 1)),
        "codes.cap-short": equal(
            (1 - x) ** 2 / x - Rational(1, 2), (1 - 2 * x) * (2 - x) / (2 * x), {x: Interval("1/16", "1/2")}
        ),
        "codes.cap-area": equal(
            Derivative(-((2 * x) ** (-m / 2)) / sqrt(2 * x - 1), x),
            m * (2 * x) ** (-m / 2 - 1) / sqrt(2 * x - 1) + (2 * x) ** (-m / 2) / sqrt(2 * x - 1) ** 3,
            {x: Interval("5/8", 6)},
        ),
        "codes.cap-plane": equal(1 / (2 * sin(pi / T) ** 2), 1 / (1 - cos(2 * pi / T))),
        "codes.cap-beside": at_least((T - 1) * sin(pi / T) ** 2, T * sin(pi / (2 * (T - 1))) ** 2),
        "codes.cap-sines": equal(sin(3 * phi) / sin(2 * phi), 2 * cos(phi) - 1 / (2 * cos(phi))),
    },
)

_LIGHT = theorem(
    "codes.light-points",
    on={k: Integers(1, 40), u: Interval(0, 1)},
    steps={
        "codes.light-sum": equal(k * (k - u) - k * (k - 1), k * (1 - u)),
    },
)

_RANK = theorem(
    "codes.rank-bound",
    on={s: Interval(0, 3), u: Interval(0, 1), q: Interval("1/8", 4), (k, i): SIMPLEX, B: Integers(2, 40)},
    steps={
        "codes.rank-lift": equal(u**2 / q - (2 * s * u - s**2 * q), (u - s * q) ** 2 / q),
        "codes.rank-least": (
            equal(_ENERGY - _LEAST, ((1 - u) * sqrt(k + B) - sqrt(B)) ** 2 / (k * (1 - u)))
            & equal(
                B * u**2 / (i * (1 - u)) - B * u**2 / (k * (1 - u)), B * u**2 * (k - i) / (i * k * (1 - u))
            ),
            {u: SHARE},
        ),
    },
)

_ORTHOPLEX = theorem(
    "codes.orthoplex-bound",
    on={
        (x, y): Interval(0, 4),
        s: Interval(0, 5),
        ell: Interval(1, 3),
        u: Interval(0, 1),
        v: Interval(-40, 0),
        m: Integers(3, 1000),
    },
    steps={
        "codes.orthoplex-moment": equal(
            3 * (x**2 + y**2 + s**2) - (x + y + s) ** 2, (x - y) ** 2 + (y - s) ** 2 + (s - x) ** 2
        ),
        "codes.orthoplex-root": equal(
            1 / ell - (1 - (ell**2 - 1) / 2), (ell - 1) ** 2 * (ell + 2) / (2 * ell)
        ),
        "codes.orthoplex-square": equal(
            u * (v + 13 * u / 4) - (u * (v + 3 * s + u) - s**2), (s - 3 * u / 2) ** 2, {s: Interval(0, 9)}
        ),
        "codes.orthoplex-end": equal(
            2 * m - 1 - sqrt(m) - Rational(13, 4),
            2 * (sqrt(m) - (1 + sqrt(35)) / 4) * (sqrt(m) + (sqrt(35) - 1) / 4),
        ),
    },
)

#: Where the price of a long n and that of a short one are the same.
_MEET = (sqrt(kappa**2 + 4) - kappa) / 2

#: The least cosine of two residuals that suffices, and the most that a point left out can lack beyond κ².
_COSINE, _MOST = (2 - sqrt(2)) / 4, 3 - 2 * sqrt(2)

_SHIFTED_BOUND = theorem(
    "codes.shifted-bound",
    on={
        (x, y): Interval("1/8", 4),
        kappa: Interval("1/64", 2),
        (phi, s, t): Interval(0, 3),
        delta: Interval(0, "31/32"),
        mu: Interval("1/64", "1/2"),
        T: Integers(5, 5),
    },
    steps={
        "codes.shifted-support": equal(
            kappa * sqrt(x) - kappa * sqrt(x) * cos(phi),
            2 * kappa * sqrt(x) * sin(phi / 2) ** 2,
            {kappa: Interval(0, 2)},
        ),
        "codes.shifted-loss": equal(
            _MOST - delta * (1 - 2 * delta) / (1 - delta), (sqrt(2) * (1 - delta) - 1) ** 2 / (1 - delta)
        ),
        "codes.shifted-cone": equal(
            (sqrt(x) * s + sqrt(y) * t) ** 2 - (x * s**2 + 2 * sqrt(x * y) * cos(phi) * s * t + y * t**2),
            4 * sqrt(x * y) * s * t * sin(phi / 2) ** 2,
        ),
        "codes.shifted-pair": equal(
            kappa * _MEET * (1 - 2 * mu) + mu * (1 - _MEET**2), (1 - mu) * kappa * _MEET
        ),
        "codes.shifted-spread": (
            equal(mu / (1 - mu) - _MOST, (4 - 2 * sqrt(2)) * (mu - _COSINE) / (1 - mu))
            & equal(4 * cos(2 * pi / T) ** 2 + 2 * cos(2 * pi / T), 1),
            {mu: Interval(0, "1/2")},
        ),
        "codes.shifted-balance": equal(kappa * (_MEET + kappa), kappa / _MEET),
    },
)
