"""The one table of symbols and conventions.

Conventions: a datapoint is a column X_t of the n × T data matrix and has unit norm. The hidden vector is
h_t = W X_t, the output ReLU(Wᵀh_t + b). The loss is the *sum* over features and the *mean* over datapoints
of the squared error; averaging over features as well divides it by n. ‖W‖ is the Frobenius norm. A Xavier
start is normal with standard deviation √(2/(n + m)). Angles are in radians, lengths and norms without unit.

One letter may mean different things in different areas of labels.

Symbols stand for real numbers. No symbol is declared positive where a proof has to show that it is.

Defines no equations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sympy

__all__ = ["NOTATION", "Notation", "symbol"]


@dataclass(frozen=True, slots=True)
class Notation:
    """One symbol: its SymPy form, its LaTeX, what it means and where it lives.

    `areas` has what it means in some areas of labels, `meaning` what it means in all others; empty where it stands in
    no other.
    """

    symbol: sympy.Symbol
    latex: str
    meaning: str
    domain: str
    areas: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The symbol's name, unique in the table."""
        return str(self.symbol.name)

    def meaning_in(self, areas: Collection[str]) -> str:
        """What the symbol means in equations of these areas of labels.

        Examples
        --------
        >>> one = Notation(sympy.Symbol("a"), "a", "amplitude", "real", {"codes": "a cosine"})
        >>> one.meaning_in(["codes"]), one.meaning_in(["scales"])
        ('a cosine', 'amplitude')

        """
        own = dict.fromkeys(text for area, text in self.areas.items() if area in areas)
        return "; ".join(own) or self.meaning

    @property
    def every_meaning(self) -> str:
        """What the symbol means, first in general, then with the areas of labels where it is something else.

        Examples
        --------
        >>> Notation(sympy.Symbol("a"), "a", "amplitude", "real", {"codes": "a cosine"}).every_meaning
        'amplitude; in codes: a cosine'

        """
        named: dict[str, list[str]] = {}
        for area, text in self.areas.items():
            named.setdefault(text, []).append(area)
        parts = [self.meaning] if self.meaning else []
        return "; ".join(parts + [f"in {', '.join(areas)}: {text}" for text, areas in named.items()])


Areas = Mapping[str, str]


def _real(name: str, latex: str, meaning: str, domain: str = "real", areas: Areas | None = None) -> Notation:
    return Notation(sympy.Symbol(name, real=True), latex, meaning, domain, areas or {})


def _positive(
    name: str, latex: str, meaning: str, domain: str = "real, > 0", areas: Areas | None = None
) -> Notation:
    return Notation(sympy.Symbol(name, positive=True), latex, meaning, domain, areas or {})


def _nonnegative(
    name: str, latex: str, meaning: str, domain: str = "real, ≥ 0", areas: Areas | None = None
) -> Notation:
    return Notation(sympy.Symbol(name, nonnegative=True), latex, meaning, domain, areas or {})


def _count(
    name: str, latex: str, meaning: str, domain: str = "integer, ≥ 1", areas: Areas | None = None
) -> Notation:
    return Notation(sympy.Symbol(name, integer=True, positive=True), latex, meaning, domain, areas or {})


def _index(name: str, latex: str, meaning: str) -> Notation:
    return Notation(sympy.Symbol(name, integer=True), latex, meaning, "integer")


#: Every symbol of the project, in the order in which a reader meets them.
NOTATION: tuple[Notation, ...] = (
    _count("T", "T", "number of datapoints"),
    _count("n", "n", "number of features"),
    _count("m", "m", "hidden dimensions"),
    _count("R", "R", "copies of one datapoint"),
    _positive("S", "S", "sparsity, the probability that a feature is absent", "0 < S < 1"),
    _positive(
        "p",
        "p",
        "density 1 − S",
        "> 0",
        areas={
            "memorization": "in a merge the weight X_jk² of a feature",
            "repetition": "squared entry X_k² of the point at its own feature, or a probability (`repetition.exceed`)",
            "unequal": "weight X_jk² of a feature, or the first of three 1/s_j²",
        },
    ),
    _positive(
        "q",
        "q",
        "",
        "> 0",
        areas={
            "memorization": "in a merge the weight X_jl² of a second feature",
            "unequal": "weight X_jl² of a second feature, or the second of three 1/s_j²",
            "sea": "energy of a sea of columns, or of each band",
            "optimization": "mobility of weights over that of biases",
            "codes": (
                "squared length of a sum of light points (`codes.rank-lift`), or the product n·Σ w_i h_i "
                "(`codes.shifted-cone`)"
            ),
        },
    ),
    _positive("X", "X_{jk}", "entry of a datapoint on its support", "0 < X ≤ 1"),
    _real(
        "u",
        "u",
        "first coordinate of a hidden vector",
        areas={
            "memorization": "first coordinate of a hidden vector, of a row of W or of an error",
            "codes": "what light points lack in squared length",
            "dimensionality": "coordinate of a vector along the first eigenvector of VVᵀ",
            "optimization": "first coordinate of the parameters, or a datapoint's largest value",
            "stationary": "coordinate of a dropped point",
            "penalty": "an output before its ReLU, or cos(2π/T)",
            "unequal": "first coordinate of a hidden vector or of a decoder, or v_k = w_k/X_jk",
        },
    ),
    _real(
        "v",
        "v",
        "second coordinate of a hidden vector",
        areas={
            "memorization": "second coordinate where u is the first, or in a merge v_k = w_k/X_jk",
            "codes": "1 − T + √l",
            "dimensionality": "coordinate of a vector along the second eigenvector of VVᵀ",
            "optimization": (
                "second coordinate of the parameters, or the ratio of another value to a datapoint's largest"
            ),
            "stationary": "coordinate of a second dropped point",
            "penalty": "the product λT",
            "unequal": "second coordinate of a hidden vector or of a decoder, or v_l = w_l/X_jl",
        },
    ),
    _real(
        "w",
        "w",
        "",
        areas={
            "memorization": "in a merge the second feature's w_l/X_jl, or the third coordinate of an error",
            "unequal": "third coordinate of a decoder or of a vector of products",
        },
    ),
    _real(
        "g",
        "g",
        "first coordinate of another hidden vector",
        areas={
            "generalization": "a cosine between vertices",
            "dimensionality": "coordinate of a probe along the first eigenvector of VVᵀ",
        },
    ),
    _real(
        "e",
        "e",
        "second coordinate of another hidden vector",
        areas={
            "dimensionality": "coordinate of a probe along the second eigenvector of VVᵀ",
        },
    ),
    _real("c", "c", "bias coefficient X_t · b of a datapoint"),
    _real(
        "beta",
        r"\beta",
        "",
        areas={
            "memorization": "in a merge b_k/X_jk",
            "dimensionality": "second eigenvalue of VVᵀ",
            "penalty": "sum of cosines over active steps",
        },
    ),
    _real("gamma", r"\gamma", "in a merge the second feature's b_l/X_jl"),
    _positive(
        "alpha",
        r"\alpha",
        "",
        areas={
            "dimensionality": "first eigenvalue of VVᵀ",
            "penalty": "sum of squared cosines over active steps",
            "stationary": "second moment of the points that are kept, along their sum",
            "unequal": "the third of three 1/s_j²",
        },
    ),
    _nonnegative(
        "x",
        "x",
        "squared length of a hidden vector",
        "≥ 0",
        areas={
            "codes": "squared length of a hidden vector, or an eigenvalue",
            "amplitudes": "a value of a feature, its square or its mean",
            "generalization": "a value of a feature, its square or its mean",
            "sea": "squared length of a small column, or energy of a band",
            "repetition": "the gain G(0)",
            "optimization": "size of ωθ, or the ratio of another value to a datapoint's largest",
        },
    ),
    _nonnegative(
        "y",
        "y",
        "squared length of another hidden vector",
        "≥ 0",
        areas={
            "codes": "squared length of another hidden vector, or an eigenvalue",
            "amplitudes": "sum of a datapoint's other squares, or mean of a square",
            "generalization": "sum of a datapoint's other squares, or mean of a square",
            "sea": "weighted sum that a small column hears, or energy of another band",
            "repetition": "the gain G(1)",
        },
    ),
    _positive("z", "z", "a small angle, π/T"),
    _positive(
        "a",
        "a",
        "amplitude of a feature that is present",
        "> 0",
        areas={
            "memorization": "mean squared length of two neighbours",
        },
    ),
    _positive("a1", "a_1", "mean squared length at the first gap", "≥ 1/2"),
    _positive("a2", "a_2", "mean squared length at the second gap", "≥ 1/2"),
    _positive("a3", "a_3", "mean squared length at the third gap", "≥ 1/2"),
    _nonnegative(
        "ell",
        r"\ell",
        "",
        areas={
            "memorization": "length of the shorter of two neighbours",
            "codes": "length of a point that is not light",
            "dimensionality": "leverage of a vector before copies",
            "optimization": "length of a vertex",
        },
    ),
    _real(
        "s",
        "s",
        "",
        areas={
            "memorization": "slack of a constraint, or by which the longer of two neighbours exceeds the shorter",
            "codes": (
                "difference of two squared lengths (`codes.cap-bound`), a free factor (`codes.rank-lift`, "
                "`codes.shifted-cone`), an eigenvalue or ‖S‖ (`codes.orthoplex-bound`)"
            ),
            "optimization": "number whose power K − 1 is averaged",
            "stationary": "what the outer squared length exceeds the inner by, or the sum of the points that are kept",
            "penalty": "change of r",
        },
    ),
    _real(
        "t",
        "t",
        "",
        areas={
            "memorization": "slack of a second constraint, or an output before its ReLU",
            "codes": "a second factor",
            "amplitudes": "variable of the Laplace transform",
            "sea": "energy of a third band",
            "repetition": "weight of the direction h",
            "optimization": "factor that takes a hidden vector to the average of the others",
            "penalty": "change of c",
        },
    ),
    _nonnegative(
        "mu",
        r"\mu",
        "weight of ‖b‖² in the penalty ‖W‖² + μ‖b‖²",
        "≥ 0",
        areas={
            "codes": "least cosine of two residuals",
        },
    ),
    _nonnegative(
        "epsilon",
        r"\varepsilon",
        "largest squared error of a datapoint, below 1/4",
        "≥ 0",
        areas={
            "optimization": "Adam's ε",
        },
    ),
    _real("phi", r"\varphi", "an angle"),
    _real(
        "lambda",
        r"\lambda",
        "weight of the penalty λ(‖W‖² + ‖b‖²)",
        areas={
            "memorization": "a scale factor",
        },
    ),
    _count(
        "k",
        "k",
        "vertices of a polygon of features",
        areas={
            "codes": "light points, or those of a simplex",
            "optimization": "number of steps",
            "stationary": "vertices of the polygon that is kept",
            "penalty": "number of active steps",
        },
    ),
    _positive("r", "r", "squared length of a polygon's vertices"),
    _nonnegative("kappa", r"\kappa", "least height of a unit vector over a cone of hidden vectors", "≥ 0"),
    _nonnegative(
        "delta", r"\delta", "what a hidden vector lacks in squared length that is left out", "0 ≤ δ < 1"
    ),
    _index("d", "d", "step between two vertices of a polygon"),
    _index("j", "j", "index of a datapoint"),
    _count("i", "i", "a second count"),
    _positive("eta", r"\eta", "learning rate of a step"),
    _positive("omega", r"\omega", "weight decay"),
    _nonnegative("theta", r"\theta", "a parameter, its sign turned positive", "≥ 0"),
    _positive("beta1", r"\beta_1", "Adam's memory of gradients", "0 < β₁ < 1"),
    _positive("beta2", r"\beta_2", "Adam's memory of squared gradients", "β₁² < β₂ < 1"),
    _real("b", "b", "bias of a polygon's features"),
    _count(
        "B",
        "B",
        "",
        areas={
            "sea": "bands of columns, each much smaller than the one before",
            "codes": "points of a cross-polytope",
        },
    ),
    _positive("S_k", "S_k", "interference sum of the k-gon", "≥ 1"),
    _real("h1", "h_1", "one coordinate of the first hidden vector"),
    _real("h2", "h_2", "one coordinate of the second hidden vector"),
    _real("h3", "h_3", "one coordinate of the third hidden vector"),
    _real("h4", "h_4", "one coordinate of the fourth hidden vector"),
)

_BY_NAME = {entry.name: entry.symbol for entry in NOTATION}
if len(_BY_NAME) != len(NOTATION):
    raise ValueError("a symbol stands twice in the table of notation")


def symbol(names: str) -> tuple[sympy.Symbol, ...]:
    """The SymPy symbols with these names, separated by blanks.

    Raises
    ------
    KeyError
        A name that the table does not have.

    Examples
    --------
    >>> T, k = symbol("T k")
    >>> T.is_integer, k.is_positive
    (True, True)

    """
    return tuple(_BY_NAME[name] for name in names.split())
