"""Proofs about amplitudes and the free bias of a polygon of features.

Normalisation: amplitudes a after the scaling of the data, one active feature at a time, losses of one
feature; r the squared radius and b the bias of the k-gon.
"""

from sympy import Derivative, Expr, Rational, acos, cos, exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal, theorem
from theory.derivations.symbols import symbol

k, r, a, b, x, y, t, n, p, g = symbol("k r a b x y t n p g")


def _value_at(amplitude: Expr) -> Expr:
    """The value u before scaling that becomes this amplitude where the other squares add up to y."""
    return amplitude * sqrt(y) / sqrt(1 - amplitude**2)


_DENSITY = theorem(
    "amplitudes.normalized-density",
    "The density of a feature's value in data scaled to unit norm",
    assumptions="features are present independently with probability $p$, their values uniform on $[0, 1]$; each "
    "datapoint is scaled to unit norm",
    source="the data of Henighan et al. 2023, section 'Experiment Setup'; the density is ours",
    steps={
        "amplitudes.scaled-value": (
            equal(_value_at(x) ** 2 / (_value_at(x) ** 2 + y), x**2),
            {x: Interval("1/8", "7/8"), y: Interval("1/4", 4)},
            r"$a = u/\sqrt{u^2 + s}$ grows with $u$, and at $s = y$ it is $x$ for $u = x\sqrt{y}/\sqrt{1 - x^2}$. So "
            r"$P(a \le x \mid s = y)$ is that $u$, as long as $u \le 1$, that is $y \le (1 - x^2)/x^2$.",
        ),
        "amplitudes.conditional-density": (
            equal(Derivative(_value_at(x), x), sqrt(y) * (1 - x**2) ** Rational(-3, 2)),
            {x: Interval("1/8", "7/8"), y: Interval("1/4", 4)},
            "The density of a given $s = y$; its mean over $s$ is $f(x)$. $s = 0$ leaves an atom at $a = 1$.",
        ),
        "amplitudes.two-squares": (
            equal(
                Derivative(
                    2 * x**3 * (pi / 4 - acos(1 / x)) / 3
                    + (x * sqrt(x**2 - 1) + log(x + sqrt(x**2 - 1))) / 3,
                    x,
                ),
                2 * x**2 * (pi / 4 - acos(1 / x)),
            ),
            {x: Interval("9/8", "11/8")},
            r"Two squares add up to $s$ with density $\pi /4$ below 1 and $\pi /4 - \arccos (1/\sqrt{s})$ from 1 to "
            r"2: half the angle of the arc of radius $\sqrt{s}$ inside the unit square. With $x = \sqrt{s}$ this is "
            r"the integral behind $E[\sqrt{s}; s \le y]$.",
        ),
    },
    conclusion=r"$f(x) = (1 - x^2)^{-3/2} E[\sqrt{s}; s \le (1 - x^2)/x^2]$, with an atom $(1 - p)^{n - 1}$ at 1.",
)

_SECOND_MOMENT = theorem(
    "amplitudes.second-moment",
    r"$n p E a^2 = P(x \ne 0)$",
    assumptions="`amplitudes.normalized-density`",
    steps={
        "amplitudes.laplace-form": (
            equal(
                -Derivative((1 - p + p * exp(-t * x)) ** n, t),
                n * p * x * exp(-t * x) * (1 - p + p * exp(-t * x)) ** (n - 1),
            ),
            {n: Integers(1, 6), p: Interval("1/8", "7/8"), t: Interval(0, 2), x: Interval("1/4", 1)},
            r"$u^2/(u^2 + s) = \int u^2 \exp (-t(u^2 + s)) dt$ over $t \gt 0$. The Laplace transform of one square is "
            r"$1 - p + p\varphi (t)$, $\varphi$ the mean of $\exp (-t u^2)$ (here at one value $x$ of $u^2$; its mean "
            "over $u$ obeys the same chain rule). So $n p E a^2$ is the integral of this derivative: 1 at $t = 0$ "
            "less $(1 - p)^n$ at infinity.",
        ),
        "amplitudes.square-integral": (
            equal(Derivative(-x * exp(-t * (x + y)) / (x + y), t), x * exp(-t * (x + y))),
            {t: Interval(0, 2), x: Interval("1/4", 1), y: Interval("1/3", 4)},
            r"The integral over $t \gt 0$ used in the step before, with $x = u^2$ and $y = s$.",
        ),
    },
    conclusion=r"$\sum_i E x_i^2 = n p E a^2 = 1 - (1 - p)^n$, the probability of a datapoint that is not empty.",
)

_LOSS = theorem(
    "generalization.free-bias-loss",
    "One feature's loss on a polygon with a bias",
    assumptions=r"one active feature at a time; all $k$ features share $r$ and $b$; $b \le 0$, or no feature is off "
    "the polygon",
    steps={
        "generalization.own-and-others": (
            equal((a - (r * a + b)) ** 2 - a**2, (r * a + b) * ((r * a + b) - 2 * a)),
            {r: Interval("1/8", 3), a: Interval("1/8", 1), b: Interval(-2, 0)},
            "Where the own output is active; elsewhere the change is 0. The output $d$ vertices away should be 0 and "
            r"costs its own square, so that loss $-\ E a^2$ is a sum of expectations over intervals of $a$.",
        ),
        "generalization.four-features": (
            equal(cos(2 * pi / k), (k - 4) / 2),
            {k: Integers(2, 4)},
            "$k = 2$, 3, 4: the largest cosine to another vertex is $-1$, $-1/2$, 0, never positive. So $r = 1$, $b "
            "= 0$ is exact for every law; for a law with two different amplitudes $r a + b = a$ has no other "
            "solution.",
        ),
    },
    conclusion=r"$\mathrm{gain} (r, b) = k(1 - \mathrm{loss} /E a^2)$, and $k \le 4$ gains $k$.",
)

_CONSTANT = theorem(
    "generalization.constant-law",
    "Constant amplitudes: every $k$ is exact, from $k = 4$ on by the T-gon",
    assumptions="every amplitude is $a$; one active feature at a time",
    source="ours; the same polygon as `memorization.tgon-norm`",
    steps={
        "generalization.constant-sign": (
            equal(a * (1 - 1 / (1 - cos(2 * pi / k))), -a * cos(2 * pi / k) / (1 - cos(2 * pi / k))),
            {k: Integers(2, 12), a: Interval("1/8", 2)},
            r"The T-gon's bias $a(1 - r)$. It is positive for $k \lt 4$: then each of the $k$ outputs fires at $b$ "
            r"whenever a feature off the polygon is active. With such features $b \le 0$ is needed, and the own "
            r"output $r a + b = a$ then makes $r \ge 1$: $r = 1$, $b = 0$, without loss for $k \le 4$ "
            "(`generalization.four-features`).",
        ),
        "generalization.constant-own": (
            equal(a / (1 - cos(2 * pi / k)) + a * (1 - 1 / (1 - cos(2 * pi / k))), a),
            {k: Integers(2, 12), a: Interval("1/8", 2)},
            r"$r = 1/(1 - \cos (2\pi /k))$, $b = a(1 - r)$: the own output is $r a + b = a$.",
        ),
        "generalization.constant-neighbour": (
            equal(a * cos(2 * pi / k) / (1 - cos(2 * pi / k)) + a * (1 - 1 / (1 - cos(2 * pi / k))), 0),
            {k: Integers(2, 12), a: Interval("1/8", 2)},
            "The neighbour's output is at its threshold, and every other vertex has a smaller cosine: no loss. Of "
            r"all solutions without loss this has the least $\lVert W\rVert$ (`memorization.tgon-norm`).",
        ),
    },
    conclusion=r"The gain is $k$ for every $k$. Six points have length $\sqrt{2}$ and $b = -a$. For $k \le 3$ of "
    r"more features $r = 1$, $b = 0$ and $\lVert W\rVert = \sqrt{k}$; the T-gon, $b \gt 0$, only where "
    "there are no others.",
)

_UNIFORM = closed_form(
    "generalization.uniform-loss",
    "Uniform amplitudes: the loss in closed form",
    assumptions=r"amplitudes are uniform on $[0, 1]$; $-r \lt b \le 0$; `generalization.free-bias-loss`",
    steps={
        "generalization.uniform-own": (
            equal(Derivative(((1 - r) * x - b) ** 3 / (3 * (1 - r)), x), (x - (r * x + b)) ** 2),
            {r: Interval("9/8", 3), b: Interval(-1, 0), x: Interval("1/8", 1)},
            "The own output is active above the cut $-b/r$; $r = 1$ is the limit.",
        ),
        "generalization.uniform-cut": (
            equal((1 - r) * (-b / r) - b, -b / r),
            {r: Interval("9/8", 3), b: Interval(-1, 0)},
            r"At the cut $x = -b/r$ the error is the amplitude itself; below, a silent output costs $\int a^2 da = "
            "x^3/3$.",
        ),
        "generalization.uniform-neighbour": (
            equal(Derivative((r * g * x + b) ** 3 / (3 * r * g), x), (r * g * x + b) ** 2),
            {r: Interval("9/8", 3), g: Interval("1/8", "7/8"), b: Interval(-1, 0), x: Interval("1/8", 1)},
            r"A vertex at cosine $g \gt 0$ is active above $-b/(r g)$, where the antiderivative vanishes.",
        ),
    },
    conclusion="With $x = -b/r$, the amplitude below which the own output is silent, the loss is $x^3/3 + ((1 - r - "
    r"b)^3 - x^3)/(3(1 - r)) + \sum \max (0, r \cos (2\pi d/k) + b)^3/(3 r \cos (2\pi d/k))$, the sum over cosines "
    "above 0.",
)


_BIAS_ONLY = theorem(
    "generalization.bias-only",
    "The best constant output",
    assumptions="$W = 0$",
    steps={
        "generalization.constant-output": (
            equal(y - 2 * b * x + b**2, (y - x**2) + (b - x) ** 2),
            {b: Interval(-1, 1), x: Interval("1/8", 1), y: Interval("1/4", 4)},
            r"$x = E x_i = p E a$ and $y = E x_i^2$: the loss of output $b \ge 0$ is least at $b = p E a$, so $n$ "
            r"features lose $n E x_i^2 - n(p E a)^2$, and $n E x_i^2 = P(x \ne 0)$ by `amplitudes.second-moment`.",
        )
    },
    conclusion=r"Biases alone lose $P(x \ne 0) - n(p E a)^2$.",
)

DERIVATIONS = (_DENSITY, _SECOND_MOMENT, _LOSS, _CONSTANT, _UNIFORM, _BIAS_ONLY)
