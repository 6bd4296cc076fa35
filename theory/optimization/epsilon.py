"""Adam's epsilon against the gradient of one datapoint: when Adam moves at the learning rate, and when it does not.

Under a constant gradient g an update is g/(|g| + ε) (`optimization.epsilon-speed`). A mean over features divides
gradients by n, the same as n ε for ε (`optimization.epsilon-mean`); `scale` is ε or n ε. One of T datapoints puts
(2/T) X δ on a bias, X its entry there and δ what the output lacks. The bias moves at the full rate while X δ ≫ n ε T/2.
Elsewhere the error closes like e^{−2Λ/(n ε T)} over a budget Λ of learning rates; parting neighbours on a polygon, by
long vectors, takes longest.
"""

import math

#: Where e^{z²} = 1 + 2z², z > 0, and (1 − e^{−z²})/z there, its largest value; good to the last digit.
_ROOT = 1.120906422778236
_LARGEST = -math.expm1(-(_ROOT**2)) / _ROOT


def longest_coefficient(budget: float, T: int, scale: float) -> float:
    """0.737 √(Λ/(n ε T)): the largest |c| that polygons reach by gradient descent (`optimization.epsilon-length`).
    An upper bound for regular polygons at rest in their valley; the whole flow of length and bias stays 1 %
    (n ε T = Λ/25 000) to 22 % (Λ/25) below it.

    >>> round(longest_coefficient(25.0, 100, 1e-4), 2)
    36.84
    """
    return _LARGEST * math.sqrt(4 / 3 * budget / (scale * T))


def halving_number(budget: float, entry: float, reach: float) -> float:
    """The n ε T at which biases on entries ``entry`` get half as far as the schedule's ``reach``, by the same formula.

    >>> round(halving_number(25.0, 10**-0.5, 22.12), 4)
    0.0111
    """
    return 4 / 3 * budget * (2 * _LARGEST * entry / reach) ** 2
