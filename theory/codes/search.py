"""Starts of the search for memorization codes (`codes.programme`), and how they come near a minimum side by side.

A slack or multiplier `[j, i]` is that of datapoint j against i. Starts (starts, m, T) are a fixed sequence. An
augmented Lagrangian with a limited-memory quasi-Newton method brings each near a minimum, where `theory.least_norm`
takes over.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Floats
from theory.descent import Objective, descend

#: Penalty weights of the successive augmented-Lagrangian problems, and quasi-Newton steps in each. Low weights
#: first let a code rearrange; a start that is nearly a code loses by that.
LOOSE_PENALTIES = (2.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
TIGHT_PENALTIES = (*LOOSE_PENALTIES[3:], 5000.0)
_STEPS = 60
_MEMORY = 8
#: Starts that are optimized side by side; whether they agree is seen after each batch.
_BATCH = 64
#: Exponents of the soft maximum that spreads directions; the last one bounds the cosine to about 2 log(T)/8192.
_EXPONENTS = (4.0, 16.0, 64.0, 256.0, 1024.0, 8192.0)


def slacks(hidden: Floats) -> Floats:
    """(..., T, T) values of ‖h_j‖² − h_i·h_j − 1 at [j, i]; +inf on the diagonal, which constrains nothing."""
    gram = np.swapaxes(hidden, -1, -2) @ hidden
    slack = np.diagonal(gram, axis1=-2, axis2=-1)[..., None] - gram - 1.0
    index = np.arange(gram.shape[-1])
    slack[..., index, index] = np.inf
    return slack


def stationarity_matrix(multipliers: Floats) -> Floats:
    """(..., T, T) symmetric Q = I − diag(Σ_i λ_ji) + (λ + λᵀ)/2; H Q = 0 at a stationary H."""
    matrix = (multipliers + np.swapaxes(multipliers, -1, -2)) / 2
    index = np.arange(multipliers.shape[-1])
    matrix[..., index, index] += 1.0 - multipliers.sum(axis=-1)
    return matrix


def augmented_lagrangian(
    hidden: Floats,
    multipliers: Floats | None = None,
    *,
    penalties: tuple[float, ...] = LOOSE_PENALTIES,
    steps: int = _STEPS,
) -> tuple[Floats, Floats]:
    """Points (starts, m, T) and multipliers near local minima, one per start; slacks are met to about 1e-4.
    One stage per penalty: minimize Σ‖h‖² + (ρ/2)Σ max(0, λ/ρ − slack)², then λ ← max(0, λ − ρ slack).
    """
    if multipliers is None:
        multipliers = np.zeros((hidden.shape[0], hidden.shape[2], hidden.shape[2]))
    for penalty in penalties:
        hidden = _descend(_lagrangian(multipliers, penalty), hidden, steps)
        multipliers = np.maximum(0.0, multipliers - penalty * slacks(hidden))
    return hidden, multipliers


def _lagrangian(multipliers: Floats, penalty: float) -> Objective:
    def evaluate(hidden: Floats, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        pressure = np.maximum(0.0, multipliers[rows] - penalty * slacks(hidden))
        value = np.einsum("smt,smt->s", hidden, hidden) + np.einsum("sij,sij->s", pressure, pressure) / (
            2 * penalty
        )
        return value, 2 * hidden @ stationarity_matrix(pressure)

    return evaluate


def spread_directions(directions: Floats) -> Floats:
    """Unit vectors, (starts, m, T), pushed apart until the largest cosine of each start is nearly least."""
    for exponent in _EXPONENTS:
        directions = _descend(_soft_maximal_cosine(exponent), directions, _STEPS)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return directions


def _soft_maximal_cosine(exponent: float) -> Objective:
    def evaluate(vectors: Floats, _: NDArray[np.intp]) -> tuple[Floats, Floats]:
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        units = vectors / norms
        cosines = np.swapaxes(units, 1, 2) @ units
        index = np.arange(cosines.shape[-1])
        cosines[:, index, index] = -np.inf
        top = cosines.max(axis=(1, 2))
        weights = np.exp(exponent * (cosines - top[:, None, None]))
        total = weights.sum(axis=(1, 2))
        pull = 2 * units @ (weights / total[:, None, None])
        pull -= units * np.einsum("smt,smt->st", units, pull)[:, None, :]
        return top + np.log(total) / exponent, pull / norms

    return evaluate


def _descend(objective: Objective, points: Floats, steps: int) -> Floats:
    def flat(points: Floats, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        value, gradient = objective(points.reshape(len(points), *shape), rows)
        return value, gradient.reshape(len(points), -1)

    shape = points.shape[1:]
    return descend(flat, points.reshape(len(points), -1), steps, memory=_MEMORY, trials=12).reshape(
        points.shape
    )


def start_batches(T: int, m: int, starts: int) -> Iterator[Floats]:
    """Directions, one in two (from m = 6 on one in four) with an axis of symmetry, for rare codes."""
    # The seed is a function of T and m alone: a fixed sequence of start points, not a source of randomness.
    generator = np.random.default_rng([T, m])
    folds = [fold for fold in range(2, 7) if T % fold <= m - 2 and fold < T]
    every = 2 if m < 6 else 4
    for first in range(0, starts, _BATCH):
        directions = generator.normal(size=(min(_BATCH, starts - first), m, T))
        for number in range(1, len(directions), every) if folds else ():
            fold = folds[number // every % len(folds)]
            _turn(directions[number], fold, generator.integers(fold, size=m // 2))
        yield directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _turn(directions: Floats, fold: int, angles: NDArray[np.intp]) -> None:
    """Make (m, T) directions symmetric in place: T // fold orbits of one turn, the rest where it moves nothing.
    The turn is by 1/fold of a circle in the first plane and by `angles` of these in the others.
    """
    m, T = directions.shape
    orbits, rest = T // fold, T % fold
    angles[0] = 1
    while m - 2 * np.count_nonzero(angles) < rest:  # the rest has to differ in directions that are not moved
        angles[np.flatnonzero(angles)[-1]] = 0
    moved = np.repeat(angles, 2) > 0
    turn = np.exp(2j * np.pi * angles / fold)[:, None]
    pairs = directions[: len(moved), :orbits]
    planes = pairs[::2] + 1j * pairs[1::2]
    for copy in range(1, fold):
        places = slice(copy * orbits, (copy + 1) * orbits)
        planes = planes * turn
        directions[: len(moved) : 2, places] = planes.real
        directions[1 : len(moved) : 2, places] = planes.imag
        directions[len(moved) :, places] = directions[len(moved) :, :orbits]
    directions[np.flatnonzero(moved), T - rest :] = 0.0


def shaken(hidden: Floats, size: float = 0.01, copies: int = 1) -> Floats:
    """(copies, m, T) a configuration moved by about `size`, so that the search leaves it if it is a saddle point."""
    generator = np.random.default_rng(hidden.shape)
    return np.asarray(hidden + size * generator.normal(size=(copies, *hidden.shape)), dtype=np.float64)
