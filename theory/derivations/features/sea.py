"""Proofs about a sea of small columns beside a polygon of features.

Normalisation: gains in units of one perfectly stored feature, one active feature at a time, amplitudes at
most 1; r the squared radius and b the bias of the k-gon, q = Σ‖w‖² the energy of the small columns, S_k as in
`theory.polygon_geometry`.
"""

from sympy import Derivative, Max, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

k, r, q, b, d, i, x, y, t, phi, S_k, B = symbol("k r q b d i x y t phi S_k B")

_SEPARATED = closed_form(
    "sea.separated-gain",
    "What small columns add to a polygon whose outputs they do not pass",
    assumptions="one active feature at a time; small columns have zero bias and equally much energy along each "
    "direction; the polygon's outputs are silent when a small column's feature is active",
    steps={
        "sea.silence": (
            equal(r * q / i - b**2, (sqrt(r * q / i) + b) * (sqrt(r * q / i) - b)),
            {r: Interval("1/8", 2), q: Interval("1/4", 4), b: Interval(-1, "-1/8"), i: Integers(1, 12)},
            r"$i$ columns of length $\sqrt{q/i}$ pass at most $\sqrt{r q/i} + b$ to an output of the polygon, "
            r"amplitudes being at most 1. For $b \lt 0$ the second factor is positive, so that is at most 0 exactly "
            r"when $q \le i b^2/r$.",
        ),
        "sea.large-to-small": (
            equal(
                5 * (r * q / 5 * Sum(Max(0, cos(2 * pi * d / 5)) ** 2, (d, 0, 4))), r * q * (7 - sqrt(5)) / 4
            ),
            {r: Interval("1/8", 2), q: Interval("1/3", 4)},
            r"One vertex passes $r\lVert w\rVert^2 \max (0, \cos)^2$ to a small column: over $k$ directions that "
            "share $q$ equally the sum is $r q S_k/k$, and $k$ vertices give $r q S_k$, here $r q S_5$.",
        ),
        "sea.small-to-small": (
            equal((1 - x) ** 2 + y * x - x**2, 1 - (2 * x - y * x)),
            {x: Interval("1/8", 1), y: Interval("1/4", 4)},
            r"A small feature with $x = \lVert w\rVert^2$ loses $(1 - x)^2$ on itself and $x \max (0, \cos)^2 \sum "
            r"\lVert w'\rVert^2$ on the others; $y$ is that weighted sum, $q S_k/k$, its own $x^2$ included. Weighted "
            "over all, the gain is $2q - q^2 S_k/k$.",
        ),
        "sea.best-energy": (
            equal(
                2 * q - S_k * (r * q + q**2 / k),
                k * (2 - S_k * r) ** 2 / (4 * S_k) - S_k / k * (q - k * (2 - S_k * r) / (2 * S_k)) ** 2,
            ),
            {q: Interval("1/4", 4), S_k: Interval(1, 4), r: Interval("1/8", 2), k: Integers(3, 12)},
            "Complete the square: the best $q$ is $k(2 - S_k r)/(2 S_k)$, or 0 where that is negative.",
        ),
        "sea.half-circle": (
            equal(Derivative(phi / 2 + sin(2 * phi) / 4, phi), cos(phi) ** 2),
            {phi: Interval(-1, 1)},
            r"The mean of $\max (0, \cos \varphi)^2$ over the circle is this antiderivative from $-\pi /2$ to $\pi "
            r"/2$ over $2\pi$, $1/4$: isotropic directions have $k/4$ in place of $S_k$.",
        ),
        "sea.isotropic-energy": (
            equal(2 * q - k * r * q / 4 - q**2 / 4, (2 - k * r / 4) ** 2 - (q / 2 - (2 - k * r / 4)) ** 2),
            {q: Interval("1/4", 4), r: Interval("1/8", 2), k: Integers(3, 12)},
            r"Isotropic: the best $WW^{\top} = (q/2) \cdot I$ of the sea is $(2 - k r/4) \cdot I$.",
        ),
    },
    conclusion=r"The gain is $\mathrm{gain} (r, b) + 2q - S_k(r q + q^2/k)$, with $S_k = k/4$ for isotropic "
    "directions; exact where the small columns are silent at the polygon.",
)

_BANDS = closed_form(
    "sea.bands",
    r"$B$ separated bands at zero bias gain $2B/(B + 1) \cdot k/S_k$",
    assumptions="`sea.separated-gain` between any two bands; biases tend to 0 from below",
    steps={
        "sea.pairs-of-bands": (
            equal((B + Sum(2 * d + 1, (d, 0, B - 1))) / 2, B * (B + 1) / 2),
            {B: Integers(2, 24)},
            "Bands of equal energy $q$ pass $q^2S_k/k$ within themselves and once for every pair, larger to smaller. "
            "There are $B^2$ ordered pairs (a band added to $d$ others adds $2d + 1$); with the diagonal, half of "
            "$B^2 + B$ remain.",
        ),
        "sea.equal-bands": (
            equal(
                2 * B * q - S_k / k * (B * (B + 1) / 2) * q**2,
                2 * B * k / ((B + 1) * S_k)
                - S_k / k * (B * (B + 1) / 2) * (q - 2 * k / ((B + 1) * S_k)) ** 2,
            ),
            {q: Interval("1/4", 4), S_k: Interval(1, 4), k: Integers(3, 12), B: Integers(1, 12)},
            "Complete the square in the common energy: $q = 2k/((B + 1) S_k)$.",
        ),
        "sea.bands-convex": (
            equal(
                x**2 + y**2 + t**2 + x * y + x * t + y * t, (x**2 + y**2 + t**2) / 2 + (x + y + t) ** 2 / 2
            ),
            {x: Interval(0, 4), y: Interval(0, 3), t: Interval(0, 2)},
            "The cost is a positive definite form symmetric in the bands (shown for three), so the gain is strictly "
            "concave and its only maximum has equal energies.",
        ),
    },
    conclusion="$B = 1$ is $k/S_k$, two bands gain $4/3$ of it, infinitely many twice: for every $B$ the pentagon is "
    "best, by `generalization.pentagon`.",
)

DERIVATIONS = (_SEPARATED, _BANDS)
