"""Proofs about AdamW: reach, largest step, resting points, and the biases that exact memorization needs.

Normalisation: θ is one parameter, η the learning rate of a step, ω the weight decay; an update u = m̂/(√v̂ + ε)
moves θ to (1 − ηω)θ − ηu.

Equation labels: `optimization.decay-budget`, `optimization.reach`, `optimization.largest-step`,
`optimization.adamw-stationary`, `optimization.necessary-bias`, `optimization.largest-entry` and their steps,
`optimization.decay-projection` among them.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Sum, binomial, cos, exp, log, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, at_least, at_most, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, n, j, k, b, t, u, v, x, X, p, phi, s = symbol("T n j k b t u v x X p phi s")
eta, omega, theta, beta1, beta2, epsilon = symbol("eta omega theta beta1 beta2 epsilon")

RATE = Interval("1/16", "1/2")
DECAY = Interval("1/8", 1)
PLANE = Interval(-2, 2)
MEMORY = {beta1: Interval("1/4", "1/2"), beta2: Interval("5/8", "15/16")}

_BUDGET = Derivation(
    label="optimization.decay-budget",
    title="The sum of the learning rates, and what decay can do with it",
    standing="closed form",
    assumptions=("linear warm-up over k steps to the peak rate, then half a cosine to 0",),
    source="Henighan et al. 2023, experiment setup, has the schedule; the budget is ours",
    steps=(
        Step(
            label="optimization.warm-up",
            statement=equal(Sum((2 * j + 1) / (2 * k), (j, 0, k - 1)), k / 2),
            domain={k: Integers(2, 40)},
            why="In units of the peak, step j + 1 of k has the rate (j + 1)/k, 1/(2k) more than shown: (k + 1)/2 "
            "in all.",
        ),
        Step(
            label="optimization.cosine",
            statement=equal(Sum(cos(pi * j / k), (j, 0, k - 1)), 1),
            domain={k: Integers(2, 40)},
            why="The cosines cancel in pairs but for the first, so rates (1 + cos(πj/k))/2 add up to (k + 1)/2. "
            "The paper's 2 500 and 47 500 steps at 1e-3 add up to Λ = 25.001.",
        ),
        Step(
            label="optimization.decay-projection",
            statement=equal(
                u**2 + v**2 - (u * cos(phi) + v * sin(phi)) ** 2, (v * cos(phi) - u * sin(phi)) ** 2
            ),
            domain={u: PLANE, v: PLANE, phi: Interval("1/4", 6)},
            why="On the zero-loss set decay acts through its component along the set, here a line at angle φ: "
            "‖θ‖² falls at twice the square of that, at most 2‖θ‖². In the Euclidean metric decay of budget τ "
            "lowers ‖θ‖ by e^{−τ} at most. The excess over the minimum "
            "need not follow: `optimization.symmetric-flow`.",
        ),
    ),
    conclusion="Λ = lr((k+1)/2 + (l+1)/2) for k warm-up and l cosine steps, τ = wd·Λ; a norm cannot fall faster "
    "than e^{−τ} under decay alone.",
)

_REACH = Derivation(
    label="optimization.reach",
    title="How far a parameter gets",
    standing="theorem",
    assumptions=("no update is larger than 1 (or u, with all lengths multiplied by u)", "ηω < 1"),
    source="ours",
    steps=(
        Step(
            label="optimization.reach-step",
            statement=equal(
                1 / omega - ((1 - eta * omega) * theta + eta), (1 - eta * omega) * (1 / omega - theta)
            ),
            domain={theta: Interval(0, 9), eta: RATE, omega: DECAY},
            why="One step at the full update: the distance to 1/ω shrinks by 1 − ηω. A smaller update leaves it "
            "larger. By induction |θ| ≤ Π|θ₀| + (1 − Π)/ω with Π the product of all 1 − ηω, whatever the schedule.",
        ),
        Step(
            label="optimization.reach-sum",
            statement=equal(
                Sum(eta * (1 - eta * omega) ** j, (j, 0, k - 1)), (1 - (1 - eta * omega) ** k) / omega
            ),
            domain={eta: RATE, omega: DECAY, k: Integers(1, 12)},
            why="The same for k equal rates, as the sum of what is left of each step; it is Λ for ω → 0.",
        ),
        Step(
            label="optimization.surviving-bound",
            statement=at_most(1 - eta * omega, exp(-eta * omega)),
            domain={eta: Interval(0, "1/2"), omega: DECAY},
            why="What survives of a parameter without gradient is Π ≤ e^{−τ}, close to it as ηω is small.",
        ),
    ),
    conclusion="|θ| ≤ Π|θ₀| + (1 − Π)/ω, and Λ + |θ₀| without decay.",
)

_ratio = beta1**2 / beta2

_STEP = Derivation(
    label="optimization.largest-step",
    title="Adam's step is at most (1−β₁)/√((1−β₂)(1−β₁²/β₂)) learning rates long",
    standing="theorem",
    assumptions=("0 ≤ β₁ < 1, β₁² < β₂ < 1", "ε ≥ 0"),
    source="ours",
    steps=(
        Step(
            label="optimization.step-series",
            statement=equal(Sum(_ratio**j, (j, 0, k - 1)), (1 - _ratio**k) / (1 - _ratio)),
            domain={**MEMORY, k: Integers(1, 12)},
            why="m = (1−β₁)Σβ₁^j g_j and v = (1−β₂)Σβ₂^j g_j², j the age of a gradient. By the Cauchy–Schwarz "
            "inequality (`memorization.robust-contraction`) (Σβ₁^j g_j)² ≤ Σ(β₁²/β₂)^j · Σβ₂^j g_j².",
        ),
        Step(
            label="optimization.step-attained",
            statement=equal(
                Sum(beta1**j * (beta1 / beta2) ** j, (j, 0, k - 1)) ** 2,
                (1 - _ratio**k) / (1 - _ratio) * Sum(beta2**j * (beta1 / beta2) ** (2 * j), (j, 0, k - 1)),
            ),
            domain={**MEMORY, k: Integers(1, 12)},
            why="Equality for g_j = (β₁/β₂)^j, gradients that grow by β₂/β₁ per step.",
        ),
        Step(
            label="optimization.step-limit",
            statement=equal(
                (1 - beta1) ** 2 / ((1 - beta2) * (1 - _ratio)),
                beta2 * (1 - beta1) ** 2 / ((1 - beta2) * (beta2 - beta1**2)),
            ),
            domain=MEMORY,
            why="The square of the bound as the corrections 1 − β₁^t and 1 − β₂^t of m̂ and v̂ go to 1: 9990/189 "
            "at β₁ = 0.9, β₂ = 0.999, a step of 7.2703. That no earlier step is longer is checked numerically.",
        ),
    ),
    conclusion="sup |m̂|/√v̂ = (1−β₁)/√((1−β₂)(1−β₁²/β₂)).",
)


def resting(parameter: Expr) -> Expr:
    """Size of the gradient that holds a positive parameter."""
    return epsilon * omega * parameter / (1 - omega * parameter)


_STATIONARY = Derivation(
    label="optimization.adamw-stationary",
    title="Where AdamW rests",
    standing="closed form",
    assumptions=("gradients are constant, so that m̂ = g and √v̂ = |g|", "0 < θ < 1/ω; θ < 0 mirrors it"),
    source="ours",
    steps=(
        Step(
            label="optimization.resting-gradient",
            statement=equal(resting(theta), (resting(theta) + epsilon) * omega * theta),
            domain={theta: Interval("1/8", "7/8"), omega: DECAY, epsilon: Interval("1/16", "1/4")},
            why="The step vanishes where |g|/(|g| + ε) = ω|θ| with g against θ: |g| = (|g| + ε)ω|θ|.",
        ),
        Step(
            label="optimization.resting-potential",
            statement=equal(
                Derivative(epsilon * (-theta - log(1 - omega * theta) / omega), theta), resting(theta)
            ),
            domain={theta: Interval("1/8", "7/8"), omega: DECAY, epsilon: Interval("1/16", "1/4")},
            why="So it is a stationary point of L + εΣ(−|θ| − ln(1 − ω|θ|)/ω).",
        ),
        Step(
            label="optimization.resting-quadratic",
            statement=at_least(-log(1 - x) - x, x**2 / 2),
            domain={x: Interval(0, "3/4")},
            why="The series of the logarithm, x = ω|θ|: the penalty is at least (εω/2)‖θ‖², and about that for "
            "small ω|θ|.",
        ),
    ),
    conclusion="|g| = εω|θ|/(1 − ω|θ|) at rest; the penalty is about (εω/2)‖θ‖², which vanishes with ε.",
)

_BIAS = Derivation(
    label="optimization.necessary-bias",
    title="The biases that exact memorization needs",
    standing="theorem",
    assumptions=(
        "zero loss, datapoints with disjoint supports",
        "t h_j lies in the hull of the other h_i, t < 1",
    ),
    source="ours",
    steps=(
        Step(
            label="optimization.bias-depth",
            statement=equal(t * (X - b) + b, (1 - t) * (b + X * t / (1 - t))),
            domain={t: Interval(-1, "7/8"), X: Interval("1/8", 1), b: Interval(-3, 1)},
            why="Feature k of point j: w·h_j = X_jk − b and w·h_i + b ≤ 0 for the others, hence for their "
            "averages: w·(t h_j) + b = t(X_jk − b) + b ≤ 0. Tied or not.",
        ),
        Step(
            label="optimization.bias-chord",
            statement=equal((cos(phi + 2 * pi / T) + cos(phi - 2 * pi / T)) / 2, cos(2 * pi / T) * cos(phi)),
            domain={T: Integers(3, 40), phi: Interval(0, 6)},
            why="On a regular T-gon of any radius the middle of the two neighbours is cos(2π/T) h_j, and the hull "
            "of the others ends there: t = cos(2π/T).",
        ),
        Step(
            label="optimization.bias-tgon",
            statement=equal(cos(2 * pi / T) / (1 - cos(2 * pi / T)), 1 / (1 - cos(2 * pi / T)) - 1),
            domain={T: Integers(2, 40)},
            why="So t/(1 − t) = r − 1 with the r of `memorization.tgon-radius`, even if the polygon is larger.",
        ),
    ),
    conclusion="b_k ≤ −X_jk t/(1 − t), on a regular T-gon b_k ≤ −X_jk (r − 1).",
)

_ENTRY = Derivation(
    label="optimization.largest-entry",
    title="The law of a datapoint's largest entry",
    standing="closed form",
    assumptions=(
        "features are present independently with probability p, uniform on [0, 1], then normalised",
    ),
    source="the data distribution is that of Henighan et al. 2023; the law is ours",
    steps=(
        Step(
            label="optimization.entry-ratio",
            statement=equal(u**2 / (u**2 + (u * v) ** 2 + (u * x) ** 2), 1 / (1 + v**2 + x**2)),
            domain={u: Interval("1/8", 1), v: Interval(0, "3/4"), x: Interval("1/4", 1)},
            why="Given that u is the largest of K uniform numbers, the others are uniform on [0, u], so their "
            "ratios to it are uniform on [0, 1] whatever u is; here K = 3, and every further one adds its V². The law "
            "is that of 1/√(1 + Σ V²).",
        ),
        Step(
            label="optimization.entry-mixture",
            statement=equal(
                Sum(binomial(n, j) * p**j * (1 - p) ** (n - j) * s ** (j - 1), (j, 1, n)),
                ((1 - p + p * s) ** n - (1 - p) ** n) / s,
            ),
            domain={n: Integers(1, 24), p: Interval("1/8", "7/8"), s: Interval(1, 3)},
            why="The transform of Σ V² over j − 1 terms, s that of one V², mixed over the binomial number j ≥ 1 of "
            "features that are present: for every n the binomial theorem without its first term. This is what is "
            "inverted numerically. T datapoints are independent, so the largest of all has the T-th power of the law.",
        ),
    ),
    conclusion="P(largest ≤ x) = P(Σ V² ≥ 1/x² − 1), its T-th power for T datapoints.",
)

DERIVATIONS = (_BUDGET, _REACH, _STEP, _STATIONARY, _BIAS, _ENTRY)
