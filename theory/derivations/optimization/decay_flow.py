"""Proofs about decay on the models of zero loss: how a regular polygon shrinks, and that it arrives.

Normalisation: ℓ is the length and r = ℓ² the squared length of the polygon's vertices, 1 − r their bias coefficient; q
the mobility of the weights over that of the biases.
"""

from sympy import Derivative, cos, log, pi

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, r, q, ell = symbol("T r q ell")

LENGTH = Interval("9/8", 5)
RADIUS = Interval("9/8", 25)
MOBILITY = Interval("1/16", 4)

#: The multiplier of the own outputs, and the speeds of ℓ and of c = 1 − ℓ².
_PULL = (1 + ell**2) / (4 * q * ell**2 + 1)
_LENGTH_SPEED = -ell + 2 * q * ell * _PULL
_BIAS_SPEED = -(1 - ell**2) + _PULL

_FLOW = closed_form(
    "optimization.symmetric-flow",
    r"Decay shrinks a memorizing polygon more slowly than $e^{-\tau}$, and reaches the least norm",
    assumptions="a regular T-gon of orthonormal datapoints, $W$ within the data span; steps of the loss are as "
    r"mobile in all weights, and as mobile in all biases, $q$ the ratio of the two; small steps: $-\theta d\tau$, "
    r"then back to zero loss; to arrive, $T \ge 4$, or $T = 3$ and $q \lt 3/2$, or $T = 2$ and $q \lt 1$",
    steps={
        "optimization.flow-stays": (
            equal(2 * ell * _LENGTH_SPEED + _BIAS_SPEED, 0),
            {ell: LENGTH, q: MOBILITY},
            r"Own outputs are right where $\ell^2 + c = 1$, with the slopes $(2\ell, 1)$. Decay moves $(\ell, c)$ by "
            r"$-(\ell, c) d\tau$; the loss adds a multiple of $(2q\ell, 1) d\tau$, and this multiple, $(2\ell^2 + "
            r"c)/(4q\ell^2 + 1)$, keeps the sum at 1.",
        ),
        "optimization.flow-rate": (
            equal(_LENGTH_SPEED, -ell * (1 + 2 * q * (ell**2 - 1)) / (1 + 4 * q * ell**2)),
            {ell: LENGTH, q: MOBILITY},
            r"So $-d \ln \lVert W\rVert/d\tau = (1 + 2q(r - 1))/(1 + 4qr)$: $(2r - 1)/(4r + 1)$ if weights and biases "
            "are equally mobile.",
        ),
        "optimization.flow-below": (
            equal(1 - (1 + 2 * q * (r - 1)) / (1 + 4 * q * r), 2 * q * (1 + r) / (1 + 4 * q * r)),
            {r: RADIUS, q: MOBILITY},
            "Below the rate 1 of a parameter without gradient, by this much.",
        ),
        "optimization.flow-above": (
            equal(
                (1 + 2 * q * (r - 1)) / (1 + 4 * q * r) - (r - 1) / (2 * r),
                (1 + r) / (2 * r * (1 + 4 * q * r)),
            ),
            {r: RADIUS, q: MOBILITY},
            "Above $(r - 1)/(2r)$, which it tends to where only weights move.",
        ),
        "optimization.flow-budget": (
            equal(Derivative(3 * log(2 * r - 1) / 2 - log(r) / 2, r), (4 * r + 1) / (2 * r * (2 * r - 1))),
            {r: RADIUS},
            r"$q = 1$: the $\tau$ spent between two radii is the difference of this antiderivative of $d\tau /dr$.",
        ),
        "optimization.flow-arrives": (
            equal(r * cos(2 * pi / T) + (1 - r), 1 - r * (1 - cos(2 * pi / T))),
            {T: Integers(2, 40), r: RADIUS},
            r"A neighbour's output before the ReLU: negative, so without slope, until $r = 1/(1 - \cos (2\pi /T))$. "
            r"There $r$ is least (`memorization.tgon-norm`) and the flow rests, after a finite $\tau$: down to "
            r"there $1 + 2q(r - 1) \gt 0$. At $T = 3$, $r = 2/3$, that needs $q \lt 3/2$, and at $T = 2$, $r = "
            r"1/2$, $q \lt 1$; for greater $q$ the flow rests before, at $r = 1 - 1/(2q)$.",
        ),
    },
    conclusion="The norm falls at the rate $(1 + 2q(r - 1))/(1 + 4qr)$, between $(r - 1)/(2r)$ and 1, and is least "
    "after a finite decay budget. For unequal radii, weights outside the data span and Adam's mobilities, which "
    "differ by feature, the rate is open.",
)

DERIVATIONS = (_FLOW,)
