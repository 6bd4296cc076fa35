"""A finite L2 penalty: the regular T-gon that minimises loss + λ(‖W‖² + ‖b‖²), down to its collapse.

Squared radius r and one bias coefficient c cost (1 − r − c)² + Σ_{d=1}^{T−1} ReLU(r cos(2πd/T) + c)² + λT(r + c²).
Numerically no model is better at T ≤ 4, at small λ, and near the collapse (λT/2 ≥ 0.8 for T ≤ 8); between, for T ≥ 5,
models without the symmetry are. λ is not AdamW's decay, whose penalty vanishes (`optimization.adamw-stationary`).
"""

import math
from dataclasses import dataclass

from theory.integer_arguments import checked_integer


@dataclass(frozen=True, slots=True)
class PenalisedPolygon:
    """The symmetric minimiser for T points and a penalty λ."""

    T: int  #: what was asked for, as the penalty λ
    penalty: float
    radius_squared: float  #: r, 0 after the collapse
    bias_coefficient: float  #: c
    loss: float  #: train loss without the penalty

    @property
    def objective(self) -> float:
        """Loss plus penalty."""
        return self.loss + self.penalty * self.T * (self.radius_squared + self.bias_coefficient**2)


def collapse_penalty(T: int) -> float:
    """The penalty 2/T at which the polygon shrinks to the origin; 1 at T = 1 (`penalty.collapse`).
    T ≥ 1, else ValueError. Exact up to one rounding, within the symmetric ansatz.

    >>> collapse_penalty(8)
    0.25
    """
    _check(T, 0.0)
    return min(1.0, 2 / T)


def penalised_polygon(T: int, penalty: float) -> PenalisedPolygon:
    """The regular T-gon of least loss + λ(‖W‖² + ‖b‖²), in closed form piece by piece (`penalty.polygon`).

    With D active neighbours to each side, K = 2D + 1, B = Σ cos and A = Σ cos² over |d| ≤ D (d = 0..T−1 when all are
    active), the stationary point solves A r + B c = 1 − λT/2 and B r + (K + λT) c = 1. The piece whose outputs have the
    signs it assumes holds the minimum. T ≥ 1, λ ≥ 0; λ = 0 gives the limit λ → 0⁺. Relative error below 1e-12 for
    T ≤ 1000. Raises ValueError: T below 1, or a penalty that is negative or not finite.

    >>> polygon = penalised_polygon(3, 0.1)  # all active: r = 2/T − λ, c = 1/(T(1 + λ))
    >>> round(polygon.radius_squared, 12), round(polygon.bias_coefficient, 12)
    (0.566666666667, 0.30303030303)
    >>> penalised_polygon(8, 0.25).radius_squared
    0.0
    """
    _check(T, penalty)
    if penalty >= collapse_penalty(T):
        bias = 1 / (T * (1 + penalty))
        return PenalisedPolygon(T, penalty, 0.0, bias, _loss(T, 0.0, bias))
    pieces = [(*_piece(T, penalty, active), active) for active in range(T // 2 + 1)]
    radius, bias, _ = min(pieces, key=lambda piece: _inconsistency(T, *piece))
    return PenalisedPolygon(T, penalty, radius, bias, _loss(T, radius, bias))


def _piece(T: int, penalty: float, active: int) -> tuple[float, float]:
    """(r, c) where exactly `active` neighbours to each side have a positive output.
    In u = 1 − cos, which is small where A, B and K are nearly dependent: A = K − 2Σu + Σu², B = K − Σu.
    """
    steps = range(-active, active + 1) if 2 * active + 1 < T else range(T)
    dips = [2 * math.sin(math.pi * d / T) ** 2 for d in steps]
    count, first, second = len(dips), math.fsum(dips), math.fsum(dip**2 for dip in dips)
    decay = penalty * T
    determinant = count * second - first**2 + decay * (count - 2 * first + second)
    radius = first + decay * (1 - (count + decay) / 2)
    bias = second - first + decay / 2 * (count - first)
    if determinant == 0:  # one active output and no penalty: only the sum r + c is fixed
        return 0.5, 0.5
    return radius / determinant, bias / determinant


def _inconsistency(T: int, radius: float, bias: float, active: int) -> float:
    """How far an output of the piece is from the sign the piece assumes; infinite without a polygon."""
    if not radius >= 0:
        return math.inf
    last = radius * math.cos(2 * math.pi * active / T) + bias
    following = radius * math.cos(2 * math.pi * (active + 1) / T) + bias
    return max(0.0, -last, following if 2 * active + 1 < T else 0.0)


def _loss(T: int, radius: float, bias: float) -> float:
    own = 1 - max(0.0, radius + bias)
    others = (max(0.0, radius * math.cos(2 * math.pi * d / T) + bias) for d in range(1, T))
    return math.fsum([own**2, *(output**2 for output in others)])


def _check(T: int, penalty: float) -> None:
    checked_integer("T", T, 8)
    if not 0 <= penalty < math.inf:
        raise ValueError(f"penalty = {penalty:g}: it must be finite and >= 0; try penalty=0.01")
