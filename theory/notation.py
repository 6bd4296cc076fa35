"""The one table of symbols and conventions.

Conventions: a datapoint is a column X_t of the n × T data matrix and has unit norm. The hidden vector is
h_t = W X_t, the output ReLU(Wᵀh_t + b). The loss is the *sum* over features and the *mean* over datapoints
of the squared error; averaging over features as well divides it by n. ‖W‖ is the Frobenius norm. A Xavier
start is normal with standard deviation √(2/(n + m)). Angles are in radians, lengths and norms without unit.

Symbols stand for real numbers. No symbol is declared positive where a proof has to show that it is.

Defines no equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy

__all__ = ["NOTATION", "Notation", "symbol"]


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
    _positive("p", "p", "density 1 − S; in a merge the weight X_jk² of a feature", "0 < p ≤ 1"),
    _positive(
        "q",
        "q",
        "the weight X_jl² of a second feature; energy of a sea of columns; mobility of weights over that of biases; "
        "squared length of a sum of light points",
        "> 0",
    ),
    _positive("X", "X_{jk}", "entry of a datapoint on its support", "0 < X ≤ 1"),
    _real("u", "u", "first coordinate of a hidden vector; what light points lack in squared length"),
    _real(
        "v",
        "v",
        "second coordinate of a hidden vector; in a merge v_k = w_k/X_jk",
    ),
    _real("w", "w", "in a merge the second feature's w_l/X_jl"),
    _real("g", "g", "first coordinate of another hidden vector; a cosine"),
    _real("e", "e", "second coordinate of another hidden vector"),
    _real("c", "c", "bias coefficient X_t · b of a datapoint"),
    _real(
        "beta",
        r"\beta",
        "in a merge b_k/X_jk; elsewhere the second eigenvalue of VVᵀ, or the sum of cosines over active steps",
    ),
    _real("gamma", r"\gamma", "in a merge the second feature's b_l/X_jl"),
    _positive(
        "alpha",
        r"\alpha",
        "first eigenvalue of VVᵀ; elsewhere a sum of squares: of active cosines, of all h_i·v; or a third weight",
    ),
    _nonnegative("x", "x", "squared length of a hidden vector", "≥ 0"),
    _nonnegative("y", "y", "squared length of another hidden vector", "≥ 0"),
    _positive("z", "z", "a small angle, π/T"),
    _positive(
        "a",
        "a",
        "mean squared length of two neighbours; amplitude of a feature that is present",
        "> 0",
    ),
    _positive("a1", "a_1", "mean squared length at the first gap", "≥ 1/2"),
    _positive("a2", "a_2", "mean squared length at the second gap", "≥ 1/2"),
    _positive("a3", "a_3", "mean squared length at the third gap", "≥ 1/2"),
    _nonnegative(
        "ell",
        r"\ell",
        "length of a vertex, or of the shorter of two neighbours; leverage of a vector before copies",
    ),
    _real("s", "s", "slack by which the longer exceeds the shorter, or a constraint its bound", "≥ 0"),
    _real("t", "t", "slack of a second constraint", "≥ 0"),
    _nonnegative(
        "mu", r"\mu", "weight of ‖b‖² in the penalty ‖W‖² + μ‖b‖²; least cosine of two residuals", "≥ 0"
    ),
    _nonnegative("epsilon", r"\varepsilon", "largest squared error of a datapoint; Adam's ε", "0 ≤ ε < 1/4"),
    _real("phi", r"\varphi", "an angle"),
    _real("lambda", r"\lambda", "a scale factor; weight of the penalty λ(‖W‖² + ‖b‖²)"),
    _count("k", "k", "vertices of a polygon of features; light points, or those of a simplex"),
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
    _count("B", "B", "bands of columns, each much smaller than the one before; points of a cross-polytope"),
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
