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
