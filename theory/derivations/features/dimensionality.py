"""Identities of the dimensionality, and its link to a Gaussian fit.

Normalisation: columns v_i of V, A = VVᵀ = Σ v_i v_iᵀ, D_i = ‖v_i‖⁴/(v_iᵀ A v_i). In an eigenbasis of A,
with eigenvalues α and β and a vector (u, v), two dimensions show each identity; more add more pairs of the
same kind.
"""

from sympy import exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import equal, theorem
from theory.derivations.symbols import symbol

T, R, alpha, beta, u, v, g, e, ell = symbol("T R alpha beta u v g e ell")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

EIGENVALUE, COORDINATE = Interval("1/4", 4), Interval(-2, 2)

_PLANE = {alpha: EIGENVALUE, beta: EIGENVALUE, u: COORDINATE, v: COORDINATE}
_shared_11, _shared_12, _shared_22 = 1 + h1**2 + h3**2, h1 * h2 + h3 * h4, h2**2 + h4**2

_SUM = theorem(
    "dimensionality.sum-bound",
    "Dimensionalities add up to at most the rank",
    assumptions="finite columns; zero columns count 0",
    source="Henighan et al. 2023 define the dimensionality; the bound is ours",
    steps={
        "dimensionality.cauchy-schwarz": (
            equal(
                (alpha * u**2 + beta * v**2) * (u**2 / alpha + v**2 / beta) - (u**2 + v**2) ** 2,
                u**2 * v**2 * (alpha - beta) ** 2 / (alpha * beta),
            ),
            _PLANE,
            r"Lagrange's identity for Cauchy–Schwarz, $(v^{\top}Av)(v^{\top}A^+v) \ge \lVert v\rVert^4$: $D_i \le "
            r"v_i^{\top}A^+v_i$, with equality exactly when $v_i$ is an eigenvector of $A$.",
        ),
        "dimensionality.trace": (
            equal(
                (
                    _shared_22
                    + (_shared_22 * h1**2 - 2 * _shared_12 * h1 * h2 + _shared_11 * h2**2)
                    + (_shared_22 * h3**2 - 2 * _shared_12 * h3 * h4 + _shared_11 * h4**2)
                )
                / (_shared_11 * _shared_22 - _shared_12**2),
                2,
            ),
            {h1: COORDINATE, h2: Interval("1/4", 2), h3: COORDINATE, h4: COORDINATE},
            r"$\sum v_i^{\top}A^+v_i = \mathrm{tr} (A^+A) = \mathrm{rank}\ V$, here for the columns $(1, 0)$, $(h_1, "
            "h_2)$, $(h_3, h_4)$.",
        ),
    },
    conclusion=r"$\sum D_i \le \mathrm{rank}\ V$, with equality exactly when every nonzero column is an eigenvector "
    r"of $VV^{\top}$.",
)

_LEVERAGE = theorem(
    "dimensionality.leverage",
    "The largest dimensionality a probe can give is the leverage score",
    assumptions=r"probes $v$ with $v \cdot v_j \ne 0$ for some $j$",
    steps={
        "dimensionality.probe": (
            equal(
                (alpha * g**2 + beta * e**2) * (u**2 / alpha + v**2 / beta) - (u * g + v * e) ** 2,
                (alpha * g * v - beta * e * u) ** 2 / (alpha * beta),
            ),
            {**_PLANE, g: COORDINATE, e: COORDINATE},
            r"Cauchy–Schwarz again, for a probe $w = (g, e)$: $(w \cdot v)^2/(w^{\top}A w) \le v^{\top}A^+v$. The gap "
            r"vanishes at the probe $A^+v = (u/\alpha, v/\beta)$.",
        )
    },
    conclusion=r"$D_i^{\ast} = \sup$ over probes $= v_i^{\top}(VV^{\top})^+v_i$; the probe $v_i$ gives $D_i \le "
    r"D_i^{\ast} \le 1$, and $\sum D_i^{\ast} = \mathrm{rank}\ V$.",
)

_REPEATS = theorem(
    "dimensionality.repeats",
    "Copies share a dimension",
    assumptions="every copy is counted as a column",
    steps={
        "dimensionality.rank-one-update": (
            equal(
                ((beta + R * v**2) * u**2 - 2 * R * u * v * (u * v) + (alpha + R * u**2) * v**2)
                / ((alpha + R * u**2) * (beta + R * v**2) - (R * u * v) ** 2),
                (u**2 / alpha + v**2 / beta) / (1 + R * (u**2 / alpha + v**2 / beta)),
            ),
            {**_PLANE, R: Integers(1, 8)},
            r"Sherman–Morrison: with $\ell = v^{\top}A^+v$ over the other columns, $R$ copies of $v$ have leverage "
            r"$\ell /(1 + R\ell)$ each.",
        ),
        "dimensionality.copies-bound": (
            equal(1 / R - ell / (1 + R * ell), 1 / (R * (1 + R * ell))),
            {R: Integers(1, 8), ell: Interval(0, 8)},
            r"Below $1/R$; a vector outside the span of the others $(\ell \to \infty)$ has exactly $1/R$.",
        ),
    },
    conclusion=r"$R$ identical columns have $D^{\ast} \le 1/R$ each.",
)

_GAUSSIAN = theorem(
    "dimensionality.gaussian",
    "Leverage is the surprise under a Gaussian fit",
    assumptions=r"the $T$ hidden vectors have full rank; the fit has mean zero and covariance $VV^{\top}/T$",
    steps={
        "dimensionality.likelihood": (
            equal(
                -log(exp(-(u**2) * T / (2 * alpha)) / sqrt(2 * pi * alpha / T))
                - log(exp(-(v**2) * T / (2 * beta)) / sqrt(2 * pi * beta / T)),
                T * (u**2 / alpha + v**2 / beta) / 2 + log((2 * pi) ** 2 * alpha * beta / T**2) / 2,
            ),
            {**_PLANE, T: Integers(2, 20)},
            r"The density in an eigenbasis is a product of normal densities of variances $\alpha /T$ and $\beta /T$.",
        )
    },
    conclusion=r"$-\ln p(v_i) = (T/2) D_i^{\ast} + \tfrac{1}{2} \ln \det (2\pi \Sigma)$.",
)

DERIVATIONS = (_SUM, _LEVERAGE, _REPEATS, _GAUSSIAN)
