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
