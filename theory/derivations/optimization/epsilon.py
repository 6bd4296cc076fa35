"""Proofs about Adam's epsilon: the mean loss as a larger one, the speed of a small gradient, how an "
"error closes.
"""

from sympy import Derivative, exp

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, n, g, eta, epsilon, delta, p, k = symbol("T n g eta epsilon delta p k")

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
    r"n\varepsilon T/2$, "
    r"and its error closes by $2\Lambda/(n\varepsilon T)$ powers of $e$ below. At $n\varepsilon T \approx "
    r"2X$ one datapoint no "
    r"longer moves a bias at the full rate.",
)

DERIVATIONS = (_EPSILON,)
