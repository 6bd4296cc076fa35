"""Proofs about AdamW: reach, largest step, resting points, and the biases that exact memorization needs.

Normalisation: θ is one parameter, η the learning rate of a step, ω the weight decay; an update u = m̂/(√v̂ + ε)
moves θ to (1 − ηω)θ − ηu.
"""

from sympy import Derivative, Expr, Sum, binomial, cos, exp, log, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, at_most, closed_form, equal, theorem
from theory.derivations.symbols import symbol

T, n, j, k, b, t, u, v, x, X, p, phi, s = symbol("T n j k b t u v x X p phi s")
eta, omega, theta, beta1, beta2, epsilon = symbol("eta omega theta beta1 beta2 epsilon")

RATE = Interval("1/16", "1/2")
DECAY = Interval("1/8", 1)
PLANE = Interval(-2, 2)
MEMORY = {beta1: Interval("1/4", "1/2"), beta2: Interval("5/8", "15/16")}

_BUDGET = closed_form(
    "optimization.decay-budget",
    "The sum of the learning rates, and what decay can do with it",
    assumptions="linear warm-up over $k$ steps to the peak rate, then half a cosine to 0",
    source="Henighan et al. 2023, experiment setup, has the schedule; the budget is ours",
    steps={
        "optimization.warm-up": (
            equal(Sum((2 * j + 1) / (2 * k), (j, 0, k - 1)), k / 2),
            {k: Integers(2, 40)},
            "In units of the peak, step $j + 1$ of $k$ has the rate $(j + 1)/k$, $1/(2k)$ more than shown: $(k + "
            "1)/2$ in all.",
        ),
        "optimization.cosine": (
            equal(Sum(cos(pi * j / k), (j, 0, k - 1)), 1),
            {k: Integers(2, 40)},
            r"The cosines cancel in pairs but for the first, so rates $(1 + \cos (\pi j/k))/2$ add up to $(k + 1)/2$. "
            r"The paper's 2 500 and 47 500 steps at $10^{-3}$ add up to $\Lambda = 25.001$.",
        ),
        "optimization.decay-projection": (
            equal(u**2 + v**2 - (u * cos(phi) + v * sin(phi)) ** 2, (v * cos(phi) - u * sin(phi)) ** 2),
            {u: PLANE, v: PLANE, phi: Interval("1/4", 6)},
            r"On the zero-loss set decay acts through its component along the set, here a line at angle $\varphi$: "
            r"$\lVert \theta\rVert^2$ falls at twice the square of that, at most $2\lVert \theta\rVert^2$. In the "
            r"Euclidean metric decay of budget $\tau$ lowers $\lVert \theta\rVert$ by $e^{-\tau}$ at most. The excess "
            "over the minimum need not follow: `optimization.symmetric-flow`.",
        ),
    },
    conclusion=r"$\Lambda = \mathrm{lr} ((k + 1)/2 + (l + 1)/2)$ for $k$ warm-up and $l$ cosine steps, $\tau = "
    r"\mathrm{wd} \cdot \Lambda$; a norm cannot fall faster than $e^{-\tau}$ under decay alone.",
)

_REACH = theorem(
    "optimization.reach",
    "How far a parameter gets",
    assumptions=r"no update is larger than 1 (or $u$, with all lengths multiplied by $u$); $\eta \omega \lt 1$",
    steps={
        "optimization.reach-step": (
            equal(1 / omega - ((1 - eta * omega) * theta + eta), (1 - eta * omega) * (1 / omega - theta)),
            {theta: Interval(0, 9), eta: RATE, omega: DECAY},
            r"One step at the full update: the distance to $1/\omega$ shrinks by $1 - \eta \omega$. A smaller update "
            r"leaves it larger. By induction $\lvert \theta\rvert \le \Pi \lvert \theta_0\rvert + (1 - \Pi)/\omega$ "
            r"with $\Pi$ the product of all $1 - \eta \omega$, whatever the schedule.",
        ),
        "optimization.reach-sum": (
            equal(Sum(eta * (1 - eta * omega) ** j, (j, 0, k - 1)), (1 - (1 - eta * omega) ** k) / omega),
            {eta: RATE, omega: DECAY, k: Integers(1, 12)},
            r"The same for $k$ equal rates, as the sum of what is left of each step; it is $\Lambda$ for $\omega \to "
            "0$.",
        ),
        "optimization.surviving-bound": (
            at_most(1 - eta * omega, exp(-eta * omega)),
            {eta: Interval(0, "1/2"), omega: DECAY},
            r"What survives of a parameter without gradient is $\Pi \le e^{-\tau}$, close to it as $\eta \omega$ is "
            "small.",
        ),
    },
    conclusion=r"$\lvert \theta\rvert \le \Pi \lvert \theta_0\rvert + (1 - \Pi)/\omega$, and $\Lambda + \lvert "
    r"\theta_0\rvert$ without decay.",
)

_ratio = beta1**2 / beta2

_STEP = theorem(
    "optimization.largest-step",
    r"Adam's step is at most $(1 - \beta_1)/\sqrt{(1 - \beta_2)(1 - \beta_1^2/\beta_2)}$ learning rates long",
    assumptions=r"$0 \le \beta_1 \lt 1$, $\beta_1^2 \lt \beta_2 \lt 1$; $\varepsilon \ge 0$",
    steps={
        "optimization.step-series": (
            equal(Sum(_ratio**j, (j, 0, k - 1)), (1 - _ratio**k) / (1 - _ratio)),
            {**MEMORY, k: Integers(1, 12)},
            r"$m = (1 - \beta_1)\sum \beta_1^j g_j$ and $v = (1 - \beta_2)\sum \beta_2^j g_j^2$, $j$ the age of a "
            r"gradient. By the Cauchy–Schwarz inequality (`memorization.robust-contraction`) $(\sum \beta_1^j g_j)^2 "
            r"\le \sum (\beta_1^2/\beta_2)^j \cdot \sum \beta_2^j g_j^2$.",
        ),
        "optimization.step-attained": (
            equal(
                Sum(beta1**j * (beta1 / beta2) ** j, (j, 0, k - 1)) ** 2,
                (1 - _ratio**k) / (1 - _ratio) * Sum(beta2**j * (beta1 / beta2) ** (2 * j), (j, 0, k - 1)),
            ),
            {**MEMORY, k: Integers(1, 12)},
            r"Equality for $g_j = (\beta_1/\beta_2)^j$, gradients that grow by $\beta_2/\beta_1$ per step.",
        ),
        "optimization.step-limit": (
            equal(
                (1 - beta1) ** 2 / ((1 - beta2) * (1 - _ratio)),
                beta2 * (1 - beta1) ** 2 / ((1 - beta2) * (beta2 - beta1**2)),
            ),
            MEMORY,
            r"The square of the bound as the corrections $1 - \beta_1^t$ and $1 - \beta_2^t$ of $\hat m$ and $\hat v$ "
            r"go to 1: 9990/189 at $\beta_1 = 0.9$, $\beta_2 = 0.999$, a step of 7.2703.",
        ),
        "optimization.step-correction": (
            equal(
                (1 - beta1**k) ** 2 - (1 - beta2**k) * (1 - _ratio**k),
                (sqrt(beta2) ** k - (beta1 / sqrt(beta2)) ** k) ** 2,
            ),
            {**MEMORY, k: Integers(1, 12)},
            r"No earlier step is longer: after $k$ steps the square is that limit times $(1 - \beta_2^k)(1 - \rho^k)/"
            r"(1 - \beta_1^k)^2$, $\rho = \beta_1^2/\beta_2$, and $\beta_2^k + \rho^k \ge 2\beta_1^k$.",
        ),
    },
    conclusion=r"$\sup \lvert \hat{m}\rvert/\sqrt{\hat{v}} = (1 - \beta_1)/\sqrt{(1 - \beta_2)(1 - "
    r"\beta_1^2/\beta_2)}$.",
)


def resting(parameter: Expr) -> Expr:
    """Size of the gradient that holds a positive parameter."""
    return epsilon * omega * parameter / (1 - omega * parameter)


_STATIONARY = closed_form(
    "optimization.adamw-stationary",
    "Where AdamW rests",
    assumptions=r"gradients are constant, so that $\hat{m} = g$ and $\sqrt{\hat{v}} = \lvert g\rvert$; $0 \lt \theta "
    r"\lt 1/\omega$; $\theta \lt 0$ mirrors it",
    steps={
        "optimization.resting-gradient": (
            equal(resting(theta), (resting(theta) + epsilon) * omega * theta),
            {theta: Interval("1/8", "7/8"), omega: DECAY, epsilon: Interval("1/16", "1/4")},
            r"The step vanishes where $\lvert g\rvert/(\lvert g\rvert + \varepsilon) = \omega \lvert \theta\rvert$ "
            r"with $g$ against $\theta$: $\lvert g\rvert = (\lvert g\rvert + \varepsilon)\omega \lvert \theta\rvert$.",
        ),
        "optimization.resting-potential": (
            equal(Derivative(epsilon * (-theta - log(1 - omega * theta) / omega), theta), resting(theta)),
            {theta: Interval("1/8", "7/8"), omega: DECAY, epsilon: Interval("1/16", "1/4")},
            r"So it is a stationary point of $L + \varepsilon \sum (-\lvert \theta\rvert - \ln (1 - \omega \lvert "
            r"\theta\rvert)/\omega)$.",
        ),
        "optimization.resting-quadratic": (
            at_least(-log(1 - x) - x, x**2 / 2),
            {x: Interval(0, "3/4")},
            r"The series of the logarithm, $x = \omega \lvert \theta\rvert$: the penalty is at least $(\varepsilon "
            r"\omega /2)\lVert \theta\rVert^2$, and about that for small $\omega \lvert \theta\rvert$.",
        ),
    },
    conclusion=r"$\lvert g\rvert = \varepsilon \omega \lvert \theta\rvert/(1 - \omega \lvert \theta\rvert)$ at rest; "
    r"the penalty is about $(\varepsilon \omega /2)\lVert \theta\rVert^2$, which vanishes with $\varepsilon$.",
)

_BIAS = theorem(
    "optimization.necessary-bias",
    "The biases that exact memorization needs",
    assumptions=r"zero loss, datapoints with disjoint supports; $t h_j$ lies in the hull of the other $h_i$, $t \lt 1$",
    steps={
        "optimization.bias-depth": (
            equal(t * (X - b) + b, (1 - t) * (b + X * t / (1 - t))),
            {t: Interval(-1, "7/8"), X: Interval("1/8", 1), b: Interval(-3, 1)},
            r"Feature $k$ of point $j$: $w \cdot h_j = X_{jk} - b$ and $w \cdot h_i + b \le 0$ for the others, hence "
            r"for their averages: $w \cdot (t h_j) + b = t(X_{jk} - b) + b \le 0$. Tied or not.",
        ),
        "optimization.bias-chord": (
            equal((cos(phi + 2 * pi / T) + cos(phi - 2 * pi / T)) / 2, cos(2 * pi / T) * cos(phi)),
            {T: Integers(3, 40), phi: Interval(0, 6)},
            r"On a regular T-gon of any radius the middle of the two neighbours is $\cos (2\pi /T) h_j$, and the hull "
            r"of the others ends there: $t = \cos (2\pi /T)$.",
        ),
        "optimization.bias-tgon": (
            equal(cos(2 * pi / T) / (1 - cos(2 * pi / T)), 1 / (1 - cos(2 * pi / T)) - 1),
            {T: Integers(2, 40)},
            "So $t/(1 - t) = r - 1$ with the $r$ of `memorization.tgon-radius`, even if the polygon is larger.",
        ),
    },
    conclusion=r"$b_k \le -X_{jk} t/(1 - t)$, on a regular T-gon $b_k \le -X_{jk} (r - 1)$.",
)

_ENTRY = closed_form(
    "optimization.largest-entry",
    "The law of a datapoint's largest entry",
    assumptions="features are present independently with probability $p$, uniform on $[0, 1]$, then normalised",
    source="the data distribution is that of Henighan et al. 2023; the law is ours",
    steps={
        "optimization.entry-ratio": (
            equal(u**2 / (u**2 + (u * v) ** 2 + (u * x) ** 2), 1 / (1 + v**2 + x**2)),
            {u: Interval("1/8", 1), v: Interval(0, "3/4"), x: Interval("1/4", 1)},
            "Given that $u$ is the largest of $K$ uniform numbers, the others are uniform on $[0, u]$, so their "
            "ratios to it are uniform on $[0, 1]$ whatever $u$ is; here $K = 3$, and every further one adds its "
            r"$V^2$. The law is that of $1/\sqrt{1 + \sum V^2}$.",
        ),
        "optimization.entry-mixture": (
            equal(
                Sum(binomial(n, j) * p**j * (1 - p) ** (n - j) * s ** (j - 1), (j, 1, n)),
                ((1 - p + p * s) ** n - (1 - p) ** n) / s,
            ),
            {n: Integers(1, 24), p: Interval("1/8", "7/8"), s: Interval(1, 3)},
            r"The transform of $\sum V^2$ over $j - 1$ terms, $s$ that of one $V^2$, mixed over the binomial number "
            r"$j \ge 1$ of features that are present: for every $n$ the binomial theorem without its first term. This "
            "is what is inverted numerically. $T$ datapoints are independent, so the largest of all has the T-th "
            "power of the law.",
        ),
    },
    conclusion=r"$P(\text{largest}\ \le x) = P(\sum V^2 \ge 1/x^2 - 1)$, its T-th power for $T$ datapoints.",
)

DERIVATIONS = (_BUDGET, _REACH, _STEP, _STATIONARY, _BIAS, _ENTRY)
