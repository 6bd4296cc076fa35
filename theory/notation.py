"""The one table of symbols and conventions.

Conventions: a datapoint is a column X_t of the n × T data matrix and has unit norm. The hidden vector is
h_t = W X_t, the output ReLU(Wᵀh_t + b). The loss is the *sum* over features and the *mean* over datapoints
of the squared error; averaging over features as well divides it by n. ‖W‖ is the Frobenius norm. A Xavier
start is normal with standard deviation √(2/(n + m)). Angles are in radians, lengths and norms without unit.

One letter may mean different things in different areas of labels: a part of a meaning that begins with "in AREA:" holds
there, a part without such a beginning in all other areas.

Symbols stand for real numbers. No symbol is declared positive where a proof has to show that it is.

Defines no equations.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import sympy

__all__ = ["NOTATION", "Notation", "symbol"]


#: How a part of a meaning begins that holds in some areas of labels only.
_AREAS = re.compile(r"in ([a-z]+(?:, [a-z]+)*): ")


@dataclass(frozen=True, slots=True)
class Notation:
    """One symbol: its SymPy form, its LaTeX, what it means and where it lives."""

    symbol: sympy.Symbol
    latex: str
    meaning: str
    domain: str

    @property
    def name(self) -> str:
        """The symbol's name, unique in the table."""
        return str(self.symbol.name)

    def meaning_in(self, areas: Collection[str]) -> str:
        """What the symbol means in equations of these areas of labels: the parts of the meaning that hold there.

        Examples
        --------
        >>> one = Notation(sympy.Symbol("a"), "a", "amplitude; in codes, sea: a cosine", "real")
        >>> one.meaning_in(["sea"]), one.meaning_in(["scales"])
        ('a cosine', 'amplitude')

        """
        own, plain = [], []
        for part in self.meaning.split("; "):
            named = _AREAS.match(part)
            if named is None:
                plain.append(part)
            elif not set(named[1].split(", ")).isdisjoint(areas):
                own.append(part[named.end() :])
        return "; ".join(own or plain)


def _real(name: str, latex: str, meaning: str, domain: str = "real") -> Notation:
    return Notation(sympy.Symbol(name, real=True), latex, meaning, domain)


def _positive(name: str, latex: str, meaning: str, domain: str = "real, > 0") -> Notation:
    return Notation(sympy.Symbol(name, positive=True), latex, meaning, domain)


def _nonnegative(name: str, latex: str, meaning: str, domain: str = "real, ≥ 0") -> Notation:
    return Notation(sympy.Symbol(name, nonnegative=True), latex, meaning, domain)


def _count(name: str, latex: str, meaning: str, domain: str = "integer, ≥ 1") -> Notation:
    return Notation(sympy.Symbol(name, integer=True, positive=True), latex, meaning, domain)


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
        "density 1 − S; in memorization: in a merge the weight X_jk² of a feature; in repetition: squared "
        "entry X_k² of the point at its own feature, or a probability (`repetition.exceed`); in unequal: "
        "weight X_jk² of a feature, or the first of three 1/s_j²",
        "> 0",
    ),
    _positive(
        "q",
        "q",
        "in memorization: in a merge the weight X_jl² of a second feature; in unequal: weight X_jl² of a "
        "second feature, or the second of three 1/s_j²; in sea: energy of a sea of columns, or of each band; "
        "in optimization: mobility of weights over that of biases; in codes: squared length of a sum of light "
        "points (`codes.rank-lift`), or the product n·Σ w_i h_i (`codes.shifted-cone`)",
        "> 0",
    ),
    _positive("X", "X_{jk}", "entry of a datapoint on its support", "0 < X ≤ 1"),
    _real(
        "u",
        "u",
        "first coordinate of a hidden vector; in memorization: first coordinate of a hidden vector, of a row "
        "of W or of an error; in codes: what light points lack in squared length; in dimensionality: "
        "coordinate of a vector along the first eigenvector of VVᵀ; in optimization: first coordinate of the "
        "parameters, or a datapoint's largest value; in stationary: coordinate of a dropped point; in "
        "penalty: an output before its ReLU, or cos(2π/T); in unequal: first coordinate of a hidden vector or "
        "of a decoder, or v_k = w_k/X_jk",
    ),
    _real(
        "v",
        "v",
        "second coordinate of a hidden vector; in memorization: second coordinate where u is the first, or in "
        "a merge v_k = w_k/X_jk; in codes: 1 − T + √l; in dimensionality: coordinate of a vector along the "
        "second eigenvector of VVᵀ; in optimization: second coordinate of the parameters, or the ratio of "
        "another value to a datapoint's largest; in stationary: coordinate of a second dropped point; in "
        "penalty: the product λT; in unequal: second coordinate of a hidden vector or of a decoder, or v_l = "
        "w_l/X_jl",
    ),
    _real(
        "w",
        "w",
        "in memorization: in a merge the second feature's w_l/X_jl, or the third coordinate of an error; in "
        "unequal: third coordinate of a decoder or of a vector of products",
    ),
    _real(
        "g",
        "g",
        "first coordinate of another hidden vector; in generalization: a cosine between vertices; in "
        "dimensionality: coordinate of a probe along the first eigenvector of VVᵀ",
    ),
    _real(
        "e",
        "e",
        "second coordinate of another hidden vector; in dimensionality: coordinate of a probe along the "
        "second eigenvector of VVᵀ",
    ),
    _real("c", "c", "bias coefficient X_t · b of a datapoint"),
    _real(
        "beta",
        r"\beta",
        "in memorization: in a merge b_k/X_jk; in dimensionality: second eigenvalue of VVᵀ; in penalty: sum "
        "of cosines over active steps",
    ),
    _real("gamma", r"\gamma", "in a merge the second feature's b_l/X_jl"),
    _positive(
        "alpha",
        r"\alpha",
        "in dimensionality: first eigenvalue of VVᵀ; in penalty: sum of squared cosines over active steps; in "
        "stationary: second moment of the points that are kept, along their sum; in unequal: the third of "
        "three 1/s_j²",
    ),
    _nonnegative(
        "x",
        "x",
        "squared length of a hidden vector; in codes: squared length of a hidden vector, or an eigenvalue; in "
        "amplitudes, generalization: a value of a feature, its square or its mean; in sea: squared length of "
        "a small column, or energy of a band; in repetition: the gain G(0); in optimization: size of ωθ, or "
        "the ratio of another value to a datapoint's largest",
        "≥ 0",
    ),
    _nonnegative(
        "y",
        "y",
        "squared length of another hidden vector; in codes: squared length of another hidden vector, or an "
        "eigenvalue; in amplitudes, generalization: sum of a datapoint's other squares, or mean of a square; "
        "in sea: weighted sum that a small column hears, or energy of another band; in repetition: the gain "
        "G(1)",
        "≥ 0",
    ),
    _positive("z", "z", "a small angle, π/T"),
    _positive(
        "a",
        "a",
        "amplitude of a feature that is present; in memorization: mean squared length of two neighbours",
        "> 0",
    ),
    _positive("a1", "a_1", "mean squared length at the first gap", "≥ 1/2"),
    _positive("a2", "a_2", "mean squared length at the second gap", "≥ 1/2"),
    _positive("a3", "a_3", "mean squared length at the third gap", "≥ 1/2"),
    _nonnegative(
        "ell",
        r"\ell",
        "in memorization: length of the shorter of two neighbours; in codes: length of a point that is not "
        "light; in dimensionality: leverage of a vector before copies; in optimization: length of a vertex",
    ),
    _real(
        "s",
        "s",
        "in memorization: slack of a constraint, or by which the longer of two neighbours exceeds the "
        "shorter; in codes: difference of two squared lengths (`codes.cap-bound`), a free factor "
        "(`codes.rank-lift`, `codes.shifted-cone`), an eigenvalue or ‖S‖ (`codes.orthoplex-bound`); in "
        "optimization: number whose power K − 1 is averaged; in stationary: what the outer squared length "
        "exceeds the inner by, or the sum of the points that are kept; in penalty: change of r",
    ),
    _real(
        "t",
        "t",
        "in memorization: slack of a second constraint, or an output before its ReLU; in codes: a second "
        "factor; in amplitudes: variable of the Laplace transform; in sea: energy of a third band; in "
        "repetition: weight of the direction h; in optimization: factor that takes a hidden vector to the "
        "average of the others; in penalty: change of c",
    ),
    _nonnegative(
        "mu",
        r"\mu",
        "weight of ‖b‖² in the penalty ‖W‖² + μ‖b‖²; in codes: least cosine of two residuals",
        "≥ 0",
    ),
    _nonnegative(
        "epsilon",
        r"\varepsilon",
        "largest squared error of a datapoint, below 1/4; in optimization: Adam's ε",
        "≥ 0",
    ),
    _real("phi", r"\varphi", "an angle"),
    _real("lambda", r"\lambda", "weight of the penalty λ(‖W‖² + ‖b‖²); in memorization: a scale factor"),
    _count(
        "k",
        "k",
        "vertices of a polygon of features; in codes: light points, or those of a simplex; in optimization: "
        "number of steps; in stationary: vertices of the polygon that is kept; in penalty: number of active "
        "steps",
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
        "in sea: bands of columns, each much smaller than the one before; in codes: points of a cross-polytope",
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
