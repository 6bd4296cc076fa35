"""Proofs about Adam's epsilon: the mean loss as a larger one, the speed of a small gradient, how an error closes, and
how long a polygon gets in the time that is left.
"""

from sympy import Derivative, cos, exp

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, n, g, eta, epsilon, delta, p, k = symbol("T n g eta epsilon delta p k")
r, c, phi, y, z = symbol("r c phi y z")

SMALL = Interval("1/16", "1/4")
GRADIENT = Interval("1/64", 4)

_EPSILON = closed_form(
    "optimization.epsilon",
    r"Adam's $\varepsilon$ acts through $n\varepsilon T$",
    assumptions=r"gradients are constant over Adam's memory; one datapoint alone moves its own biases; "
    r"the loss is a mean over $T$ datapoints of unit norm",
    source="ours; the published curves that it explains are those of Henighan et al. 2023 and of Jermyn's "
    "replication",
    steps={
        "optimization.epsilon-mean": (
            equal((g / n) / (g / n + epsilon), g / (g + n * epsilon)),
            {g: GRADIENT, n: Integers(1, 40), epsilon: SMALL},
            r"The mean over features divides every gradient by $n$. Adam's step is the same as for the "
            r"sum with "
            r"$n\varepsilon$ in place of $\varepsilon$, for every gradient: both moments scale alike.",
        ),
        "optimization.epsilon-speed": (
            equal(g / epsilon - g / (g + epsilon), g**2 / (epsilon * (g + epsilon))),
            {g: GRADIENT, epsilon: SMALL},
            r"$\hat m = g$ and $\sqrt{\hat v} = |g|$, so a step has the length $|g|/(|g| + \varepsilon)$ "
            r"learning rates: "
            r"at most 1, at most $|g|/\varepsilon$, and exactly one half at $|g| = \varepsilon$.",
        ),
        "optimization.epsilon-gradient": (
            equal(
                p * (2 * p * delta / T) + (1 - p) * (2 * (1 - p) * delta / T) + 4 * p * (1 - p) * delta / T,
                2 * delta / T,
            ),
            {p: Interval("1/8", "7/8"), delta: Interval("1/8", 1), T: Integers(2, 40)},
            r"The datapoint's loss is $\delta^2/T$, $\delta$ what its own output lacks. Its gradient "
            r"along the bias "
            r"coefficient $c$ is $2\delta/T$: entries $X_k$ weigh the biases' gradients $2X_k\delta/T$, "
            r"and $\sum X_k^2 = 1$ "
            r"(here $(p + 1 - p)^2$).",
        ),
        "optimization.epsilon-closing": (
            equal(
                Derivative(delta * exp(-2 * k * eta / (n * epsilon * T)), k),
                -eta / (n * epsilon) * (2 * delta / T) * exp(-2 * k * eta / (n * epsilon * T)),
            ),
            {
                delta: Interval("1/8", 1),
                k: Interval(0, 4),
                eta: SMALL,
                n: Integers(1, 6),
                epsilon: Interval("1/2", 1),
                T: Integers(2, 12),
            },
            r"Where the gradient is small against $n\varepsilon$ the step is $\eta g/(n\varepsilon)$. So "
            r"the error closes "
            r"like $e^{-2\Lambda/(n\varepsilon T)}$ over the budget $\Lambda = \sum\eta$.",
        ),
    },
    conclusion=r"One of $T$ datapoints moves a bias on its entry $X$ at the full rate while $X\delta \gg "
    r"n\varepsilon T/2$, and its error closes by $2\Lambda/(n\varepsilon T)$ powers of $e$ below. So $n\varepsilon T$, "
    r"with the loss summed over features $\varepsilon T$, is the one number through which $\varepsilon$ acts on a "
    r"given dataset.",
)

#: Where neighbours interfere: the least loss of a datapoint over r, what c lacks of its end after a time y, and c then.
_SPREAD = 1 + 2 * cos(phi) ** 2
_VALLEY = 2 * (cos(phi) + c * (1 - cos(phi))) ** 2 / _SPREAD
_LACK = cos(phi) / (1 - cos(phi)) * exp(-4 * (1 - cos(phi)) ** 2 * y / _SPREAD)
_REACHED = _LACK - cos(phi) / (1 - cos(phi))
_ANGLE = {phi: Interval("1/8", "5/4")}

_LENGTH = closed_form(
    "optimization.epsilon-length",
    r"How long a memorizing polygon gets in the time that $\varepsilon$ leaves",
    assumptions=r"gradients are small against $n\varepsilon$: gradient descent on the sum of the datapoints' losses "
    r"for $y = \Lambda/(n\varepsilon T)$; orthonormal datapoints on a regular polygon, neighbours at an angle "
    r"$\varphi$, of which only the nearest interfere; $r \gg 1$ rests where the loss is least; no decay",
    steps={
        "optimization.epsilon-valley": (
            equal(
                (1 - r - c) ** 2 + 2 * (r * cos(phi) + c) ** 2,
                _SPREAD * (r - (1 - c - 2 * c * cos(phi)) / _SPREAD) ** 2 + _VALLEY,
            ),
            {r: Interval(1, 9), c: Interval(-9, -1), **_ANGLE},
            r"A datapoint loses its own lack and twice the interference, squared. Both move with $r$, whose speed has "
            r"the factor $4r$: $r$ runs to the bottom of a valley, and $c$ creeps along it.",
        ),
        "optimization.epsilon-creep": (
            equal(Derivative(_VALLEY, c), 4 * (1 - cos(phi)) * (cos(phi) + c * (1 - cos(phi))) / _SPREAD),
            {c: Interval(-9, -1), **_ANGLE},
            r"The slope of the valley, small as $1 - \cos \varphi$: longer vectors part neighbours a little better.",
        ),
        "optimization.epsilon-reached": (
            equal(
                Derivative(_LACK, y),
                -4 * (1 - cos(phi)) * (cos(phi) + _REACHED * (1 - cos(phi))) / _SPREAD,
            ),
            {y: Interval("1/4", 9), **_ANGLE},
            r"$c$ after the time $y$, from $c = 0$. It ends at the T-gon's $-\cos \varphi/(1 - \cos \varphi)$.",
        ),
        "optimization.epsilon-share": (
            equal(4 - 3 * (4 * cos(phi) ** 2 / _SPREAD), 4 * (1 - cos(phi) ** 2) / _SPREAD),
            _ANGLE,
            r"With $z^2$ the exponent, $-c = \sqrt{y} \cdot \sqrt{4 \cos^2 \varphi/(1 + 2 \cos^2 \varphi)} \cdot "
            r"(1 - e^{-z^2})/z$; the second root is at most $\sqrt{4/3}$, and nearly that for many datapoints.",
        ),
        "optimization.epsilon-longest": (
            equal(Derivative((1 - exp(-(z**2))) / z, z), ((1 + 2 * z**2) * exp(-(z**2)) - 1) / z**2),
            {z: Interval("1/4", 3)},
            r"The last factor is largest at $e^{z^2} = 1 + 2z^2$: $z = 1.1209$, where it is $0.6382$. Fewer datapoints "
            r"arrive before, more creep more slowly.",
        ),
    },
    conclusion=r"$-c \le 0.737 \sqrt{\Lambda/(n\varepsilon T)}$ at every angle, reached by about $4.5 "
    r"(\Lambda/(n\varepsilon T))^{1/4}$ datapoints. Biases, $cX$, are half of what the schedule lets them reach, $B$, "
    r"at $n\varepsilon T = 2.17 \Lambda X^2/B^2$. That real models, which are no regular polygons, follow this is a "
    r"hypothesis; the experiment `epsilon-law` tests it.",
)

DERIVATIONS = (_EPSILON, _LENGTH)
