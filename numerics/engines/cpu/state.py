"""Parameters and Adam's moments as the cpu engine holds them: arranged, sleeping features last and out of date. Values
of sleeping features hold at ``arrangement.settled``. They are brought up to date when the arrangement changes, which
the state alone decides, and in copies that are handed out: the bits do not depend on when anybody looks.
"""

from dataclasses import replace
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

#: Wakings between two arrangements after which everything is woken; each doubles the slack.
MOST_WAKES = 5

#: Share of features below which none sleep: looking at the limits costs more.
LEAST_SHARE = 1 / 16

#: Weights and reaches beyond this are ordered as if they were this large: they are on their way to divergence, and
#: their squares and products must not overflow.
LARGEST = 1e150


class HeldState:
    """State of all features, (m+1, n) rows each: parameters, first and second moments."""

    def __init__(
        self, parameters: _Array, seen: NDArray[np.bool_], T: int, decay: NDArray[np.float64]
    ) -> None:
        """``decay`` is 1 - lr·weight_decay of every step, as the kernel rounds it."""
        self._seen, self._T = seen, T
        self._log_decay = np.concatenate([[0.0], np.cumsum(np.log(decay))])
        zero = np.zeros_like(parameters)
        self.restore(parameters, zero, zero)

    def restore(self, parameters: _Array, first: _Array, second: _Array) -> None:
        """Hold this state in the order of the features, all awake."""
        self.arrangement = Arrangement.initial(parameters.shape[1], self._T)
        self.limits, self.size = np.zeros(0), 0.0
        self.rows = tuple(np.array(rows, order="C") for rows in (parameters, first, second))

    def part(self, kind: int, step: int) -> _Array:
        """A copy of parameters, first or second moments (0, 1, 2) at ``step``, in the order of the features."""
        held, order = self.rows[kind].copy(), self.arrangement.features
        held[:, self.arrangement.awake :] = self._settled(kind, step)
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        return np.asarray(np.take(held, place, axis=1))

    def _settled(self, kind: int, step: int) -> _Array:
        """Parameters, first or second moments of sleeping features at ``step``."""
        since, dtype = step - self.arrangement.settled, self.rows[0].dtype
        shrunk = np.exp(self._log_decay[step] - self._log_decay[self.arrangement.settled])
        factors = (shrunk, float(dtype.type(ADAM_BETA1)) ** since, float(dtype.type(ADAM_BETA2)) ** since)
        return np.asarray((self.rows[kind][:, self.arrangement.awake :] * factors[kind]).astype(dtype))

    def _move(self, step: int, places: NDArray[Any], arrangement: Arrangement) -> None:
        """Bring everything up to date and hold it in another arrangement, taken from these places of the old one."""
        for kind, rows in enumerate(self.rows):
            rows[:, self.arrangement.awake :] = self._settled(kind, step)
        self.rows = tuple(np.take(rows, places, axis=1) for rows in self.rows)
        self.arrangement = replace(arrangement, settled=step)

    def arrange(self, step: int, hidden: _Array, rate: float, epsilon: float, culls: bool) -> bool:
        """Arrange anew from the state at ``step``; whether anything moved. ``hidden`` is (m, T), in the data's order.
        ``rate`` and ``epsilon`` are those of `sleeping.asks_for_nothing`; ``culls`` asks for neighbours side by side.
        """
        old, points = self.arrangement, self.arrangement.points
        reach = sleeping.reaches(hidden)
        size = float(np.abs(reach).max())
        growth = size / self.size - 1.0 if self.size > 0 else 0.0
        self.limits, self.size = reach + max(sleeping.SLACK, growth) * size, size  # it may grow as much again
        asleep = self._falls_asleep(rate, epsilon)
        if not culls and asleep[old.awake :].all() and not asleep[: old.awake].any():
            self.arrangement = replace(old, wakes=0)
            return False
        awake, parameters = np.flatnonzero(~asleep), self.rows[0]
        if culls and np.isfinite(parameters).all() and np.isfinite(hidden).all():
            awake = awake[feature_order(parameters[:, awake], size)]
            points = kd_order(hidden, LANES)
        places = np.concatenate([awake, np.flatnonzero(asleep)])
        self._move(step, places, Arrangement(old.features[places], points, len(awake)))
        return True

    def _falls_asleep(self, rate: float, epsilon: float) -> NDArray[np.bool_]:
        """(n,) which places hold a feature that may sleep, or sleep on; none where they are too few to gain by it."""
        asleep = ~self._seen[self.arrangement.features]
        awake = self.arrangement.awake
        state = tuple(rows[:, :awake] for rows in self.rows)
        asleep[:awake] &= sleeping.asks_for_nothing(state, rate, epsilon)
        places = np.flatnonzero(asleep)
        asleep[places] = sleeping.stays_inactive(self.rows[0][:, places], self.limits)
        if asleep.sum() < LEAST_SHARE * len(asleep):
            asleep[:] = False
        return asleep

    def wake(self, step: int, hidden: _Array) -> None:
        """Wake at ``step`` the features that the datapoints have come near to; ``hidden`` is (m, T) in any order."""
        old, wakes = self.arrangement, self.arrangement.wakes + 1
        reach = sleeping.reaches(hidden)
        self.limits = reach + 2.0**wakes * sleeping.SLACK * np.abs(reach).max()
        asleep = np.zeros(len(old.features), np.bool_)
        if wakes < MOST_WAKES:
            asleep[old.awake :] = sleeping.stays_inactive(self.rows[0][:, old.awake :], self.limits)
        places = np.concatenate([np.flatnonzero(~asleep), np.flatnonzero(asleep)])
        awake = len(asleep) - int(asleep.sum())
        self._move(step, places, replace(old, features=old.features[places], awake=awake, wakes=wakes))

    def watch(self) -> _Array:
        """(m+1, D) directions above their limits, D filled up to whole vectors; no direction while nothing sleeps."""
        m, dtype = len(self.rows[0]) - 1, self.rows[0].dtype
        if self.arrangement.awake == len(self.arrangement.features):
            return np.zeros((m + 1, 0), dtype)
        directions = np.vstack([sleeping.directions(m), self.limits]).astype(dtype)
        return np.repeat(directions, [1] * (len(self.limits) - 1) + [1 - len(self.limits) % -LANES], axis=1)

    def packed(self) -> NDArray[np.uint8]:
        """What the state depends on besides step, parameters and moments."""
        held = self.arrangement
        facts = np.array([held.awake, held.culled, held.settled, held.wakes])
        asleep = np.stack([rows[:, held.awake :] for rows in self.rows])
        arrays = {"features": held.features, "points": held.points, "facts": facts, "asleep": asleep}
        return np.frombuffer(save(arrays | {"limits": self.limits, "size": np.array(self.size)}), np.uint8)

    def unpack(self, packed: NDArray[np.uint8]) -> None:
        """Take back what `packed` gave, after `restore` at the same step."""
        found = load(packed.tobytes())
        awake, culled, settled, wakes = found["facts"].tolist()
        order = found["features"], found["points"]
        self.arrangement = Arrangement(*order, awake, bool(culled), settled, wakes)
        self.limits, self.size = found["limits"], float(found["size"])
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
