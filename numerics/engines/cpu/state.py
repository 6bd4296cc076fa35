"""Parameters and Adam's moments as the cpu engine holds them: arranged, sleeping features last and out of date. Values
of sleeping features hold at ``arrangement.settled``. They are brought up to date when they wake and at the next
arrangement, which the state alone decides, and in copies that are handed out: the bits do not depend on when anybody
looks.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from numerics.engines.cpu import dormant_features as sleeping
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.kd_order import Arrangement, kd_order
from numerics.engines.cpu.simd import LANES
from theory.setting import ADAM_BETA1, ADAM_BETA2

_Array = NDArray[Any]

#: Weights and reaches beyond this are ordered as if they were this large: they are on their way to divergence, and
#: their squares and products must not overflow.
LARGEST = 1e150


class HeldState:
    """State of all features, (m+1, n) rows each: parameters, first and second moments."""

    def __init__(self, parameters: _Array, seen: NDArray[np.bool_], T: int, decay: _Array) -> None:
        """``decay`` is 1 - lr·weight_decay of every step, as the kernel rounds it."""
        self._seen, self._T = seen, T
        betas = np.array([ADAM_BETA1, ADAM_BETA2], parameters.dtype).astype(np.float64)
        steps = np.arange(len(decay) + 1)
        #: (3, steps + 1), logarithms of what parameters and moments shrink to without a gradient until each step.
        self.log_decay = np.vstack([np.cumsum([0.0, *np.log(decay)]), np.log(betas)[:, None] * steps])
        self.restore(parameters, *np.zeros((2, *parameters.shape), parameters.dtype))

    def restore(self, parameters: _Array, first: _Array, second: _Array) -> None:
        """Hold this state in the order of the features, all awake."""
        self.arrangement = Arrangement.initial(parameters.shape[1], self._T)
        self.rows = tuple(np.array(rows, order="C") for rows in (parameters, first, second))
        self.reach, self.margins = np.zeros(0), np.zeros_like(self.rows[0][0])

    def part(self, kind: int, step: int) -> _Array:
        """A copy of parameters, first or second moments (0, 1, 2) at ``step``, in the order of the features."""
        held, order = self.rows[kind].copy(), self.arrangement.features
        held[:, self.arrangement.awake :] = self._settled(kind, step)
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        return np.asarray(np.take(held, place, axis=1))

    def _settled(self, kind: int, step: int) -> _Array:
        """Parameters, first or second moments of sleeping features at ``step``."""
        held, gone = self.rows[kind][:, self.arrangement.awake :], self.log_decay[kind]
        factor = np.exp(gone[step] - gone[self.arrangement.settled])
        return np.asarray((held * factor).astype(held.dtype))

    def arrange(self, step: int, hidden: _Array, rate: float, epsilon: float, culls: bool) -> None:
        """Arrange anew from the state at ``step``; ``hidden`` is (m, T), in the data's order. ``rate`` and ``epsilon``
        are those of `sleeping.asks_for_nothing`; ``culls`` asks for neighbours side by side.
        """
        old, points = self.arrangement, self.arrangement.points
        for kind, rows in enumerate(self.rows):
            rows[:, old.awake :] = self._settled(kind, step)
        self.reach = sleeping.reaches(hidden)
        margins = self._margins(rate, epsilon)
        awake, asleep, parameters = np.flatnonzero(margins == 0), np.flatnonzero(margins), self.rows[0]
        if culls and np.isfinite(parameters).all() and np.isfinite(hidden).all():
            awake = awake[feature_order(parameters[:, awake], float(np.abs(self.reach).max()))]
            points = kd_order(hidden, LANES)
        places = np.concatenate([awake, asleep[np.argsort(margins[asleep], kind="stable")]])
        self.margins = margins[places]
        self.rows = tuple(np.take(rows, places, axis=1) for rows in self.rows)
        self.arrangement = Arrangement(old.features[places], points, len(awake), settled=step)

    def _margins(self, rate: float, epsilon: float) -> _Array:
        """(n,) margins of features that may sleep, 0 of others."""
        parameters, unseen = self.rows[0], ~self._seen[self.arrangement.features]
        margins = np.minimum(sleeping.margins(parameters, self.reach), np.finfo(parameters.dtype).max)
        asleep = unseen & sleeping.asks_for_nothing(self.rows, rate, epsilon) & (margins > 0)
        return np.where(asleep, margins, 0).astype(parameters.dtype)

    def watch(self) -> _Array:
        """(m+1, D) directions above the reaches, D filled up to whole vectors; no direction while nothing sleeps."""
        m, dtype = len(self.rows[0]) - 1, self.rows[0].dtype
        if self.arrangement.awake == len(self.arrangement.features):
            return np.zeros((m + 1, 0), dtype)
        directions = np.vstack([sleeping.directions(m), self.reach]).astype(dtype)
        return np.repeat(directions, [1] * (len(self.reach) - 1) + [1 - len(self.reach) % -LANES], axis=1)

    def packed(self) -> NDArray[np.uint8]:
        """What the state depends on besides step, parameters and moments."""
        held = self.arrangement
        facts = np.array([held.awake, held.culled, held.settled])
        asleep = np.stack([rows[:, held.awake :] for rows in self.rows])
        arrays = {"features": held.features, "points": held.points, "facts": facts, "asleep": asleep}
        return np.frombuffer(save(arrays | {"reach": self.reach, "margins": self.margins}), np.uint8)

    def unpack(self, packed: NDArray[np.uint8]) -> None:
        """Take back what `packed` gave, after `restore` at the same step."""
        found = load(packed.tobytes())
        awake, culled, settled = found["facts"].tolist()
        self.arrangement = Arrangement(found["features"], found["points"], awake, bool(culled), settled)
        self.reach, self.margins = found["reach"], found["margins"]
        self.rows = tuple(np.take(rows, found["features"], axis=1) for rows in self.rows)
        for rows, asleep in zip(self.rows, found["asleep"], strict=True):
            rows[:, awake:] = asleep


def feature_order(parameters: _Array, reach: float) -> NDArray[Any]:
    """Groups of neighbours: features alike in direction and in where their output starts, -b/|w|, up to ``reach``.
    Parameters are finite; whatever their size, squares and quotients are.
    """
    tiny = np.finfo(np.float64).tiny
    W, b = np.clip(parameters[:-1].astype(np.float64), -LARGEST, LARGEST), parameters[-1].astype(np.float64)
    size = np.maximum(np.sqrt((W * W).sum(axis=0)), tiny)
    limit = np.maximum(size * min(max(float(reach), tiny), LARGEST), tiny)
    onset = np.clip(-b, -2.0 * limit, 2.0 * limit) / limit
    return kd_order(np.vstack([W / size, onset]), GROUP)
