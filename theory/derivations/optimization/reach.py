"""Proofs about AdamW: reach, largest step, resting points, the biases that exact memorization needs, and how decay
shrinks a regular polygon on the models of zero loss.

Normalisation: θ is one parameter, η the learning rate of a step, ω the weight decay; an update u = m̂/(√v̂ + ε)
moves θ to (1 − ηω)θ − ηu. Of a polygon ℓ is the length and r = ℓ² the squared length of the vertices, 1 − r their bias
coefficient; q the mobility of the weights over that of the biases.
"""

from sympy import Derivative, Sum, binomial, cos, exp, log, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, at_most, closed_form, equal, theorem
from theory.derivations.symbols import symbol

T, n, j, k, b, t, u, v, x, X, p, phi, s, r, q, ell = symbol("T n j k b t u v x X p phi s r q ell")
eta, omega, theta, beta1, beta2, epsilon = symbol("eta omega theta beta1 beta2 epsilon")

RATE = Interval("1/16", "1/2")
DECAY = Interval("1/8", 1)
PLANE = Interval(-2, 2)

_BUDGET = closed_form(
    "optimization.decay-budget",
    on={k: Integers(2, 40), (u, v): PLANE, phi: Interval("1/4", 6)},
    steps={
        "optimization.warm-up": equal(Sum((2 * j + 1) / (2 * k), (j, 0, k - 1)), k / 2),
        "optimization.cosine": equal(Sum(cos(pi * j / k), (j, 0, k - 1)), 1),
        "optimization.decay-projection": equal(
            u**2 + v**2 - (u * cos(phi) + v * sin(phi)) ** 2, (v * cos(phi) - u * sin(phi)) ** 2
        ),
    },
)

_REACH = theorem(
    "optimization.reach",
    on={theta: Interval(0, 9), eta: RATE, omega: DECAY, k: Integers(1, 12)},
    steps={
        "optimization.reach-step": equal(
            1 / omega - ((1 - eta * omega) * theta + eta), (1 - eta * omega) * (1 / omega - theta)
        ),
        "optimization.reach-sum": equal(
            Sum(eta * (1 - eta * omega) ** j, (j, 0, k - 1)), (1 - (1 - eta * omega) ** k) / omega
        ),
        "optimization.surviving-bound": at_most(
            1 - eta * omega, exp(-eta * omega), {eta: Interval(0, "1/2")}
        ),
    },
)

_ratio = beta1**2 / beta2

_STEP = theorem(
    "optimization.largest-step",
    on={beta1: Interval("1/4", "1/2"), beta2: Interval("5/8", "15/16"), k: Integers(1, 12)},
    steps={
        "optimization.step-series": equal(Sum(_ratio**j, (j, 0, k - 1)), (1 - _ratio**k) / (1 - _ratio)),
        "optimization.step-attained": equal(
            Sum(beta1**j * (beta1 / beta2) ** j, (j, 0, k - 1)) ** 2,
            (1 - _ratio**k) / (1 - _ratio) * Sum(beta2**j * (beta1 / beta2) ** (2 * j), (j, 0, k - 1)),
        ),
        "optimization.step-limit": equal(
            (1 - beta1) ** 2 / ((1 - beta2) * (1 - _ratio)),
            beta2 * (1 - beta1) ** 2 / ((1 - beta2) * (beta2 - beta1**2)),
        ),
        "optimization.step-correction": equal(
            (1 - beta1**k) ** 2 - (1 - beta2**k) * (1 - _ratio**k),
            (sqrt(beta2) ** k - (beta1 / sqrt(beta2)) ** k) ** 2,
        ),
    },
)

#: Size of the gradient that holds a positive parameter.
_RESTING = epsilon * omega * theta / (1 - omega * theta)

_STATIONARY = closed_form(
    "optimization.adamw-stationary",
    on={theta: Interval("1/8", "7/8"), omega: DECAY, epsilon: Interval("1/16", "1/4"), x: Interval(0, "3/4")},
    steps={
        "optimization.resting-gradient": equal(_RESTING, (_RESTING + epsilon) * omega * theta),
        "optimization.resting-potential": equal(
            Derivative(epsilon * (-theta - log(1 - omega * theta) / omega), theta), _RESTING
        ),
        "optimization.resting-quadratic": at_least(-log(1 - x) - x, x**2 / 2),
    },
)

_BIAS = theorem(
    "optimization.necessary-bias",
    on={
        t: Interval(-1, "7/8"),
        X: Interval("1/8", 1),
        b: Interval(-3, 1),
        T: Integers(3, 40),
        phi: Interval(0, 6),
    },
    steps={
        "optimization.bias-depth": equal(t * (X - b) + b, (1 - t) * (b + X * t / (1 - t))),
        "optimization.bias-chord": equal(
            (cos(phi + 2 * pi / T) + cos(phi - 2 * pi / T)) / 2, cos(2 * pi / T) * cos(phi)
        ),
        "optimization.bias-tgon": equal(
            cos(2 * pi / T) / (1 - cos(2 * pi / T)), 1 / (1 - cos(2 * pi / T)) - 1, {T: Integers(2, 40)}
        ),
    },
)

_ENTRY = closed_form(
    "optimization.largest-entry",
    on={
        u: Interval("1/8", 1),
        v: Interval(0, "3/4"),
        x: Interval("1/4", 1),
        n: Integers(1, 24),
        p: Interval("1/8", "7/8"),
        s: Interval(1, 3),
    },
    steps={
        "optimization.entry-ratio": equal(u**2 / (u**2 + (u * v) ** 2 + (u * x) ** 2), 1 / (1 + v**2 + x**2)),
        "optimization.entry-mixture": equal(
            Sum(binomial(n, j) * p**j * (1 - p) ** (n - j) * s ** (j - 1), (j, 1, n)),
            ((1 - p + p * s) ** n - (1 - p) ** n) / s,
        ),
    },
)

LENGTH = Interval("9/8", 5)
RADIUS = Interval("9/8", 25)
MOBILITY = Interval("1/16", 4)

#: How fast ln ℓ falls.
_RATE = (1 + 2 * q * (r - 1)) / (1 + 4 * q * r)

#: The multiplier of the own outputs, and the speeds of ℓ and of c = 1 − ℓ².
_PULL = (1 + ell**2) / (4 * q * ell**2 + 1)
_LENGTH_SPEED = -ell + 2 * q * ell * _PULL
_BIAS_SPEED = -(1 - ell**2) + _PULL

_FLOW = closed_form(
    "optimization.symmetric-flow",
    on={ell: LENGTH, q: MOBILITY, r: RADIUS, T: Integers(2, 40)},
    steps={
        "optimization.flow-stays": equal(2 * ell * _LENGTH_SPEED + _BIAS_SPEED, 0),
        "optimization.flow-rate": equal(
            _LENGTH_SPEED, -ell * (1 + 2 * q * (ell**2 - 1)) / (1 + 4 * q * ell**2)
        ),
        "optimization.flow-below": equal(1 - _RATE, 2 * q * (1 + r) / (1 + 4 * q * r)),
        "optimization.flow-above": equal(_RATE - (r - 1) / (2 * r), (1 + r) / (2 * r * (1 + 4 * q * r))),
        "optimization.flow-budget": equal(
            Derivative(3 * log(2 * r - 1) / 2 - log(r) / 2, r), (4 * r + 1) / (2 * r * (2 * r - 1))
        ),
        "optimization.flow-arrives": equal(r * cos(2 * pi / T) + (1 - r), 1 - r * (1 - cos(2 * pi / T))),
    },
)
