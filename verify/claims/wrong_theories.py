"""Wrong theories, the negative controls of the claims: each alters the structure of the true one, `theory.predict`, by
the smallest effect that matters: a scale, an index, a sign.
"""

import dataclasses
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from theory import Record, Setting, predict

Theory = Callable[[Setting], Record]

#: The true theory, evaluated once for each setting: judges and their controls ask again and again.
truth: Theory = lru_cache(maxsize=1024)(predict)


def scaled(factor: float) -> Theory:
    """The truth with every predicted norm of W and hidden vector multiplied by ``factor``."""

    def theory(setting: Setting) -> Record:
        return _with_radii(truth(setting), factor**2)

    return theory


def next_index(setting: Setting) -> Record:
    """The T-gon formulas with T + 1 in place of T, for T datapoints (m = 2)."""
    bigger = truth(setting.replace(T=setting.T + 1))
    numbers = {name: getattr(bigger, name) for name in ("energy", "weight_norm", "bias_norm")}
    arrays = ("radius_squared", "bias_coefficient", "dimensionality", "hidden")
    numbers |= {name: getattr(bigger, name)[..., : setting.T] for name in arrays}
    return dataclasses.replace(truth(setting), **numbers)


def wrong_sign(setting: Setting) -> Record:
    """Radius 1/(1 + cos(2π/T)) in place of 1/(1 - cos(2π/T)), and b = -Σ c_t X_t (m = 2, T ≥ 3)."""
    cosine = math.cos(2 * math.pi / setting.T)
    wrong = _with_radii(truth(setting), (1 - cosine) / (1 + cosine))
    c = -(1 - wrong.radius_squared)
    return dataclasses.replace(wrong, bias_coefficient=c, bias_norm=float(np.linalg.norm(c)))


def _with_radii(record: Record, factor: float) -> Record:
    return dataclasses.replace(
        record,
        energy=record.energy * factor,
        weight_norm=record.weight_norm * math.sqrt(factor),
        radius_squared=record.radius_squared * factor,
        hidden=record.hidden * math.sqrt(factor),
    )
