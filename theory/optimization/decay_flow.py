"""How fast decay shrinks a memorizing polygon: the flow of −θ projected on the models of zero loss.

On a regular T-gon of squared radius r > r_T = 1/(1 − cos(2π/T)) only the own outputs bind, r + c = 1, and
d ln √r/dτ = −(1 + 2q(r − 1))/(1 + 4q r) (`optimization.symmetric-flow`), q the mobility of the weights over that of the
biases. The projection is orthogonal at q = 1, oblique for Adam, whose step divides by √v. At r_T the neighbours bind
too: the least norm is reached at a finite τ. Assumed: one mobility each for weights and biases, small steps, equal
radii. W outside the data span decays like e^{−τ} instead. ‖W‖² = T r, ‖b‖² = T c².
"""

import math


def symmetric_rate(radius_squared: float, mobility: float = 1.0) -> float:
    """−d ln‖W‖/dτ = (1 + 2q(r − 1))/(1 + 4q r) of a memorizing regular polygon (`optimization.symmetric-flow`).
    r ≥ 1/2, q ≥ 0, else ValueError. Relative error below 8 eps where r ≥ 1.

    >>> from theory.memorization.tgon import tgon_radius_squared
    >>> round(symmetric_rate(tgon_radius_squared(5)), 3), symmetric_rate(3.0, mobility=0.0)
    (0.279, 1.0)
    """
    if not (radius_squared >= 0.5 and mobility >= 0):
        raise ValueError(
            f"radius_squared = {radius_squared}, mobility = {mobility}: at least 1/2 and 0 are needed; try mobility=1"
        )
    return (1 + 2 * mobility * (radius_squared - 1)) / (1 + 4 * mobility * radius_squared)


def symmetric_budget(start: float, end: float) -> float:
    """The τ in which a regular polygon's squared radius falls from `start` to `end`, at q = 1.
    ½ ln(end/start) + (3/2) ln((2 start − 1)/(2 end − 1)), for start ≥ end > 1/2 (`optimization.symmetric-flow`).
    Absolute error below 8 eps (1 + τ), where both are at least 1. Raises ValueError: Unless start ≥ end > 1/2.

    >>> from theory.memorization.tgon import tgon_radius_squared
    >>> r = tgon_radius_squared(5)
    >>> round(symmetric_budget(1.1**2 * r, r), 3)  # from 10 % above the least norm to it
    0.322
    """
    if not start >= end > 0.5:
        raise ValueError(f"start = {start}, end = {end}: the radius falls, to above 1/2; try end={start}")
    return 0.5 * math.log(end / start) + 1.5 * math.log((2 * start - 1) / (2 * end - 1))
