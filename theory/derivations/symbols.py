r"""The one table of symbols and conventions.

Conventions: a datapoint is a column $X_t$ of the $n \times T$ data matrix and has unit norm. The hidden vector is
$h_t = W X_t$, the output $\mathrm{ReLU} (W^{\top}h_t + b)$. The loss is the *sum* over features and the *mean* over
datapoints of the squared error; averaging over features as well divides it by $n$. $\lVert W\rVert$ is the Frobenius
norm. A Xavier start is normal with standard deviation $\sqrt{2/(n + m)}$. Angles are in radians, lengths and norms
without unit.

One letter may mean different things in different areas of labels.
Symbols stand for real numbers. No symbol is declared positive where a proof has to show that it is.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import sympy


@dataclass(frozen=True, slots=True)
class Notation:
    """One symbol: its SymPy form, its LaTeX, what it means and which values it takes.

    `areas` has what it means in some areas of labels, `meaning` what it means in all others; empty where it stands in
    no other.
    """

    symbol: sympy.Symbol
    latex: str
    meaning: str
    values: str
    areas: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The symbol's name, unique in the table."""
        return str(self.symbol.name)

    def meaning_in(self, areas: Collection[str]) -> str:
        """What the symbol means in equations of these areas of labels.

        >>> one = Notation(sympy.Symbol("a"), "a", "amplitude", "real", {"codes": "a cosine"})
        >>> one.meaning_in(["codes"]), one.meaning_in(["scales"]), one.every_meaning
        ('a cosine', 'amplitude', 'amplitude; in codes: a cosine')
        """
        own = dict.fromkeys(text for area, text in self.areas.items() if area in areas)
        return "; ".join(own) or self.meaning

    @property
    def every_meaning(self) -> str:
        """What the symbol means, first in general, then with the areas of labels where it is something else."""
        named: dict[str, list[str]] = {}
        for area, text in self.areas.items():
            named.setdefault(text, []).append(area)
        parts = [self.meaning] if self.meaning else []
        return "; ".join(parts + [f"in {', '.join(areas)}: {text}" for text, areas in named.items()])


def _kind(usual: str, **assumptions: bool) -> Callable[..., Notation]:
    """What makes symbols with these assumptions, whose values are `usual` where nothing else is said."""

    def entry(name: str, meaning: str = "", values: str = usual, latex: str = "", **areas: str) -> Notation:
        one = sympy.Symbol(name, **assumptions)
        return Notation(one, latex or sympy.latex(one), meaning, values, areas)

    return entry


_real = _kind("real", real=True)
_positive = _kind(r"$\gt 0$", positive=True)
_nonnegative = _kind(r"$\ge 0$", nonnegative=True)
_count = _kind(r"integer, $\ge 1$", integer=True, positive=True)
_index = _kind("integer", integer=True)

#: Every symbol of the project, in the order in which a reader meets them.
NOTATION: tuple[Notation, ...] = (
    _count("T", "number of datapoints"),
    _count("n", "number of features"),
    _count("m", "hidden dimensions"),
    _count("R", "copies of one datapoint"),
    _positive("S", "sparsity, the probability that a feature is absent", values=r"$0 \lt S \lt 1$"),
    _positive(
        "p",
        "density $1 - S$",
        memorization="in a merge the weight $X_{jk}^2$ of a feature",
        repetition="squared entry $X_k^2$ of the point at its own feature, or a probability (`repetition.exceed`)",
        unequal="weight $X_{jk}^2$ of a feature, or the first of three $1/s_j^2$",
    ),
    _positive(
        "q",
        memorization="in a merge the weight $X_{jl}^2$ of a second feature",
        unequal="weight $X_{jl}^2$ of a second feature, or the second of three $1/s_j^2$",
        sea="energy of a sea of columns, or of each band",
        optimization="mobility of weights over that of biases",
        codes=r"squared length of a sum of light points (`codes.rank-lift`), or the product $n \cdot \sum w_i h_i$ "
        "(`codes.shifted-cone`)",
    ),
    _positive("X", "entry of a datapoint on its support", values=r"$0 \lt X \le 1$", latex="X_{jk}"),
    _real(
        "u",
        "first coordinate of a hidden vector",
        memorization="first coordinate of a hidden vector, of a row of $W$ or of an error",
        codes="what light points lack in squared length",
        dimensionality=r"coordinate of a vector along the first eigenvector of $VV^{\top}$",
        optimization="first coordinate of the parameters, or a datapoint's largest value",
        stationary="coordinate of a dropped point",
        penalty=r"an output before its ReLU, or $\cos (2\pi /T)$",
        unequal="first coordinate of a hidden vector or of a decoder, or $v_k = w_k/X_{jk}$",
    ),
    _real(
        "v",
        "second coordinate of a hidden vector",
        memorization="second coordinate where $u$ is the first, or in a merge $v_k = w_k/X_{jk}$",
        codes=r"$1 - T + \sqrt{l}$",
        dimensionality=r"coordinate of a vector along the second eigenvector of $VV^{\top}$",
        optimization="second coordinate of the parameters, or the ratio of another value to a datapoint's largest",
        stationary="coordinate of a second dropped point",
        penalty=r"the product $\lambda T$",
        unequal="second coordinate of a hidden vector or of a decoder, or $v_l = w_l/X_{jl}$",
    ),
    _real(
        "w",
        memorization="in a merge the second feature's $w_l/X_{jl}$, or the third coordinate of an error",
        unequal="third coordinate of a decoder or of a vector of products",
    ),
    _real(
        "g",
        "first coordinate of another hidden vector",
        generalization="a cosine between vertices",
        dimensionality=r"coordinate of a probe along the first eigenvector of $VV^{\top}$",
    ),
    _real(
        "e",
        "second coordinate of another hidden vector",
        dimensionality=r"coordinate of a probe along the second eigenvector of $VV^{\top}$",
    ),
    _real("c", r"bias coefficient $X_t \cdot b$ of a datapoint"),
    _real(
        "beta",
        memorization="in a merge $b_k/X_{jk}$",
        dimensionality=r"second eigenvalue of $VV^{\top}$",
        penalty="sum of cosines over active steps",
    ),
    _real("gamma", "in a merge the second feature's $b_l/X_{jl}$"),
    _positive(
        "alpha",
        dimensionality=r"first eigenvalue of $VV^{\top}$",
        penalty="sum of squared cosines over active steps",
        stationary="second moment of the points that are kept, along their sum",
        unequal="the third of three $1/s_j^2$",
    ),
    _nonnegative(
        "x",
        "squared length of a hidden vector",
        codes="squared length of a hidden vector, or an eigenvalue",
        amplitudes="a value of a feature, its square or its mean",
        generalization="a value of a feature, its square or its mean",
        sea="squared length of a small column, or energy of a band",
        repetition="the gain $G(0)$",
        optimization=r"size of $\omega \theta$, or the ratio of another value to a datapoint's largest",
    ),
    _nonnegative(
        "y",
        "squared length of another hidden vector",
        codes="squared length of another hidden vector, or an eigenvalue",
        amplitudes="sum of a datapoint's other squares, or mean of a square",
        generalization="sum of a datapoint's other squares, or mean of a square",
        sea="weighted sum that a small column hears, or energy of another band",
        repetition="the gain $G(1)$",
    ),
    _positive("z", r"a small angle, $\pi /T$"),
    _positive(
        "a",
        "amplitude of a feature that is present",
        memorization="mean squared length of two neighbours",
    ),
    _positive("a1", "mean squared length at the first gap", values=r"$\ge 1/2$"),
    _positive("a2", "mean squared length at the second gap", values=r"$\ge 1/2$"),
    _positive("a3", "mean squared length at the third gap", values=r"$\ge 1/2$"),
    _nonnegative(
        "ell",
        memorization="length of the shorter of two neighbours",
        codes="length of a point that is not light",
        dimensionality="leverage of a vector before copies",
        optimization="length of a vertex",
    ),
    _real(
        "s",
        memorization="slack of a constraint, or by which the longer of two neighbours exceeds the shorter",
        codes="difference of two squared lengths (`codes.cap-bound`), a free factor (`codes.rank-lift`, "
        r"`codes.shifted-cone`), an eigenvalue or $\lVert S\rVert$ (`codes.orthoplex-bound`)",
        optimization="number whose power $K - 1$ is averaged",
        stationary="what the outer squared length exceeds the inner by, or the sum of the points that are kept",
        penalty="change of $r$",
    ),
    _real(
        "t",
        memorization="slack of a second constraint, or an output before its ReLU",
        codes="a second factor",
        amplitudes="variable of the Laplace transform",
        sea="energy of a third band",
        repetition="weight of the direction $h$",
        optimization="factor that takes a hidden vector to the average of the others",
        penalty="change of $c$",
    ),
    _nonnegative(
        "mu",
        r"weight of $\lVert b\rVert^2$ in the penalty $\lVert W\rVert^2 + \mu \lVert b\rVert^2$",
        codes="least cosine of two residuals",
    ),
    _nonnegative(
        "epsilon",
        "largest squared error of a datapoint, below $1/4$",
        latex=r"\varepsilon",
        optimization=r"Adam's $\varepsilon$",
    ),
    _real("phi", "an angle", latex=r"\varphi"),
    _real(
        "lambda",
        r"weight of the penalty $\lambda (\lVert W\rVert^2 + \lVert b\rVert^2)$",
        memorization="a scale factor",
    ),
    _count(
        "k",
        "vertices of a polygon of features",
        codes="light points, or those of a simplex",
        optimization="number of steps",
        stationary="vertices of the polygon that is kept",
        penalty="number of active steps",
    ),
    _positive("r", "squared length of a polygon's vertices"),
    _nonnegative("kappa", "least height of a unit vector over a cone of hidden vectors"),
    _nonnegative(
        "delta",
        "what a hidden vector lacks in squared length that is left out",
        values=r"$0 \le \delta \lt 1$",
    ),
    _index("d", "step between two vertices of a polygon"),
    _index("j", "index of a datapoint"),
    _count("i", "a second count"),
    _positive("eta", "learning rate of a step"),
    _positive("omega", "weight decay"),
    _nonnegative("theta", "a parameter, its sign turned positive"),
    _positive("beta1", "Adam's memory of gradients", values=r"$0 \lt \beta_1 \lt 1$"),
    _positive("beta2", "Adam's memory of squared gradients", values=r"$\beta_1^2 \lt \beta_2 \lt 1$"),
    _real("b", "bias of a polygon's features"),
    _count(
        "B",
        sea="bands of columns, each much smaller than the one before",
        codes="points of a cross-polytope",
    ),
    _positive("S_k", "interference sum of the k-gon", values=r"$\ge 1$"),
    _real("h1", "one coordinate of the first hidden vector"),
    _real("h2", "one coordinate of the second hidden vector"),
    _real("h3", "one coordinate of the third hidden vector"),
    _real("h4", "one coordinate of the fourth hidden vector"),
)

_BY_NAME = {entry.name: entry.symbol for entry in NOTATION}


def symbol(names: str) -> tuple[sympy.Symbol, ...]:
    """The SymPy symbols with these names, separated by blanks; a KeyError for one that the table does not have.

    >>> T, k = symbol("T k")
    >>> T.is_integer, k.is_positive
    (True, True)
    """
    return tuple(_BY_NAME[name] for name in names.split())
