"""Wrong theories, the negative controls of the claims: each alters the structure of the true one, `theory.predict`, by
the smallest effect that matters: a scale, an index, a sign.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from theory import Record, Setting, predict

Theory = Callable[[Setting], Record]


def scaled(factor: float) -> Theory:
    """The truth with every predicted norm of W and hidden vector multiplied by ``factor``."""

    def theory(setting: Setting) -> Record:
        return _with_radii(predict(setting), factor**2)

    return theory


def next_index(setting: Setting) -> Record:
    """The T-gon formulas with T + 1 in place of T, for T datapoints (m = 2)."""
    bigger = predict(setting.replace(T=setting.T + 1))
    numbers = {name: getattr(bigger, name) for name in ("energy", "weight_norm", "bias_norm")}
    arrays = ("radius_squared", "bias_coefficient", "dimensionality", "hidden")
    numbers |= {name: getattr(bigger, name)[..., : setting.T] for name in arrays}
    return dataclasses.replace(predict(setting), **numbers)


def wrong_sign(setting: Setting) -> Record:
    """Radius 1/(1 + cos(2π/T)) in place of 1/(1 - cos(2π/T)), and b = -Σ c_t X_t (m = 2, T ≥ 3)."""
    truth = predict(setting)
    wrong = _with_radii(
        truth, (1 - math.cos(2 * math.pi / setting.T)) / (1 + math.cos(2 * math.pi / setting.T))
    )
    coefficient = -(1 - wrong.radius_squared)
    return dataclasses.replace(
        wrong, bias_coefficient=coefficient, bias_norm=float(np.linalg.norm(coefficient))
    )


def _with_radii(record: Record, factor: float) -> Record:
    return dataclasses.replace(
        record,
        energy=record.energy * factor,
        weight_norm=record.weight_norm * math.sqrt(factor),
        radius_squared=record.radius_squared * factor,
        hidden=record.hidden * math.sqrt(factor),
    )
