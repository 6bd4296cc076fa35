"""Identities of the dimensionality, and its link to a Gaussian fit.

Normalisation: columns v_i of V, A = VVᵀ = Σ v_i v_iᵀ, D_i = ‖v_i‖⁴/(v_iᵀ A v_i). In an eigenbasis of A,
with eigenvalues α and β and a vector (u, v), two dimensions show each identity; more add more pairs of the
same kind.

Equation labels: `dimensionality.sum-bound`, `dimensionality.leverage`, `dimensionality.repeats`,
`dimensionality.gaussian` and their steps.
"""

from __future__ import annotations

from sympy import exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, R, alpha, beta, u, v, g, e, ell = symbol("T R alpha beta u v g e ell")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

EIGENVALUE, COORDINATE = Interval("1/4", 4), Interval(-2, 2)

_PLANE = {alpha: EIGENVALUE, beta: EIGENVALUE, u: COORDINATE, v: COORDINATE}
_shared_11, _shared_12, _shared_22 = 1 + h1**2 + h3**2, h1 * h2 + h3 * h4, h2**2 + h4**2

_SUM = Derivation(
    label="dimensionality.sum-bound",
    title="Dimensionalities add up to at most the rank",
    standing="theorem",
    assumptions=("finite columns; zero columns count 0",),
    source="Henighan et al. 2023 define the dimensionality; the bound is ours",
    steps=(
        Step(
            label="dimensionality.cauchy-schwarz",
            statement=equal(
                (alpha * u**2 + beta * v**2) * (u**2 / alpha + v**2 / beta) - (u**2 + v**2) ** 2,
                u**2 * v**2 * (alpha - beta) ** 2 / (alpha * beta),
            ),
            domain=_PLANE,
            why="Lagrange's identity for Cauchy–Schwarz, (vᵀAv)(vᵀA⁺v) ≥ ‖v‖⁴: D_i ≤ v_iᵀA⁺v_i, with equality exactly "
            "when v_i is an eigenvector of A.",
        ),
        Step(
            label="dimensionality.trace",
            statement=equal(
                (
                    _shared_22
                    + (_shared_22 * h1**2 - 2 * _shared_12 * h1 * h2 + _shared_11 * h2**2)
                    + (_shared_22 * h3**2 - 2 * _shared_12 * h3 * h4 + _shared_11 * h4**2)
                )
                / (_shared_11 * _shared_22 - _shared_12**2),
                2,
            ),
            domain={h1: COORDINATE, h2: Interval("1/4", 2), h3: COORDINATE, h4: COORDINATE},
            why="Σ v_iᵀA⁺v_i = tr(A⁺A) = rank V, here for the columns (1, 0), (h₁, h₂), (h₃, h₄).",
        ),
    ),
    conclusion="Σ D_i ≤ rank V, with equality exactly when every nonzero column is an eigenvector of VVᵀ.",
)

_LEVERAGE = Derivation(
    label="dimensionality.leverage",
    title="The largest dimensionality a probe can give is the leverage score",
    standing="theorem",
    assumptions=("probes v with v·v_j ≠ 0 for some j",),
    source="ours",
    steps=(
        Step(
            label="dimensionality.probe",
            statement=equal(
                (alpha * g**2 + beta * e**2) * (u**2 / alpha + v**2 / beta) - (u * g + v * e) ** 2,
                (alpha * g * v - beta * e * u) ** 2 / (alpha * beta),
            ),
            domain={**_PLANE, g: COORDINATE, e: COORDINATE},
            why="Cauchy–Schwarz again, for a probe w = (g, e): (w·v)²/(wᵀA w) ≤ vᵀA⁺v. The gap vanishes at the "
            "probe A⁺v = (u/α, v/β).",
        ),
    ),
    conclusion="D*_i = sup over probes = v_iᵀ(VVᵀ)⁺v_i; the probe v_i gives D_i ≤ D*_i ≤ 1, and Σ D*_i = rank V.",
)

_REPEATS = Derivation(
    label="dimensionality.repeats",
    title="Copies share a dimension",
    standing="theorem",
    assumptions=("every copy is counted as a column",),
    source="ours",
    steps=(
        Step(
            label="dimensionality.rank-one-update",
            statement=equal(
                ((beta + R * v**2) * u**2 - 2 * R * u * v * (u * v) + (alpha + R * u**2) * v**2)
                / ((alpha + R * u**2) * (beta + R * v**2) - (R * u * v) ** 2),
                (u**2 / alpha + v**2 / beta) / (1 + R * (u**2 / alpha + v**2 / beta)),
            ),
            domain={**_PLANE, R: Integers(1, 8)},
            why="Sherman–Morrison: with ℓ = vᵀA⁺v over the other columns, R copies of v have leverage ℓ/(1 + Rℓ) each.",
        ),
        Step(
            label="dimensionality.copies-bound",
            statement=equal(1 / R - ell / (1 + R * ell), 1 / (R * (1 + R * ell))),
            domain={R: Integers(1, 8), ell: Interval(0, 8)},
            why="Below 1/R; a vector outside the span of the others (ℓ → ∞) has exactly 1/R.",
        ),
    ),
    conclusion="R identical columns have D* ≤ 1/R each.",
)

_GAUSSIAN = Derivation(
    label="dimensionality.gaussian",
    title="Leverage is the surprise under a Gaussian fit",
    standing="theorem",
    assumptions=("the T hidden vectors have full rank", "the fit has mean zero and covariance VVᵀ/T"),
    source="ours",
    steps=(
        Step(
            label="dimensionality.likelihood",
            statement=equal(
                -log(exp(-(u**2) * T / (2 * alpha)) / sqrt(2 * pi * alpha / T))
                - log(exp(-(v**2) * T / (2 * beta)) / sqrt(2 * pi * beta / T)),
                T * (u**2 / alpha + v**2 / beta) / 2 + log((2 * pi) ** 2 * alpha * beta / T**2) / 2,
            ),
            domain={**_PLANE, T: Integers(2, 20)},
            why="The density in an eigenbasis is a product of normal densities of variances α/T and β/T.",
        ),
    ),
    conclusion="−ln p(v_i) = (T/2) D*_i + ½ ln det(2πΣ).",
)

DERIVATIONS = (_SUM, _LEVERAGE, _REPEATS, _GAUSSIAN)
