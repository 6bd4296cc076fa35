"""Identities of the dimensionality, and its link to a Gaussian fit.

Columns v_i of V, A = VVᵀ, D_i = ‖v_i‖⁴/(v_iᵀ A v_i). Two dimensions of an eigenbasis of A, with eigenvalues α and β and
a vector (u, v), show each identity; more add more pairs of the same kind.
"""

from sympy import exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import equal, theorem
from theory.derivations.symbols import symbol

T, R, alpha, beta, u, v, g, e, ell = symbol("T R alpha beta u v g e ell")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

EIGENVALUE, COORDINATE = Interval("1/4", 4), Interval(-2, 2)

_shared_11, _shared_12, _shared_22 = 1 + h1**2 + h3**2, h1 * h2 + h3 * h4, h2**2 + h4**2

_SUM = theorem(
    "dimensionality.sum-bound",
    on={(alpha, beta): EIGENVALUE, (u, v, h1, h3, h4): COORDINATE, h2: Interval("1/4", 2)},
    steps={
        "dimensionality.cauchy-schwarz": equal(
            (alpha * u**2 + beta * v**2) * (u**2 / alpha + v**2 / beta) - (u**2 + v**2) ** 2,
            u**2 * v**2 * (alpha - beta) ** 2 / (alpha * beta),
        ),
        "dimensionality.trace": equal(
            (
                _shared_22
                + (_shared_22 * h1**2 - 2 * _shared_12 * h1 * h2 + _shared_11 * h2**2)
                + (_shared_22 * h3**2 - 2 * _shared_12 * h3 * h4 + _shared_11 * h4**2)
            )
            / (_shared_11 * _shared_22 - _shared_12**2),
            2,
        ),
    },
)

_LEVERAGE = theorem(
    "dimensionality.leverage",
    on={(alpha, beta): EIGENVALUE, (u, v, g, e): COORDINATE},
    steps={
        "dimensionality.probe": equal(
            (alpha * g**2 + beta * e**2) * (u**2 / alpha + v**2 / beta) - (u * g + v * e) ** 2,
            (alpha * g * v - beta * e * u) ** 2 / (alpha * beta),
        ),
    },
)

_REPEATS = theorem(
    "dimensionality.repeats",
    on={(alpha, beta): EIGENVALUE, (u, v): COORDINATE, R: Integers(1, 8), ell: Interval(0, 8)},
    steps={
        "dimensionality.rank-one-update": equal(
            ((beta + R * v**2) * u**2 - 2 * R * u * v * (u * v) + (alpha + R * u**2) * v**2)
            / ((alpha + R * u**2) * (beta + R * v**2) - (R * u * v) ** 2),
            (u**2 / alpha + v**2 / beta) / (1 + R * (u**2 / alpha + v**2 / beta)),
        ),
        "dimensionality.copies-bound": equal(1 / R - ell / (1 + R * ell), 1 / (R * (1 + R * ell))),
    },
)

_GAUSSIAN = theorem(
    "dimensionality.gaussian",
    on={(alpha, beta): EIGENVALUE, (u, v): COORDINATE, T: Integers(2, 20)},
    steps={
        "dimensionality.likelihood": equal(
            -log(exp(-(u**2) * T / (2 * alpha)) / sqrt(2 * pi * alpha / T))
            - log(exp(-(v**2) * T / (2 * beta)) / sqrt(2 * pi * beta / T)),
            T * (u**2 / alpha + v**2 / beta) / 2 + log((2 * pi) ** 2 * alpha * beta / T**2) / 2,
        ),
    },
)
