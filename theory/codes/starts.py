"""Start points of the search for memorization codes: a fixed sequence, part of it with an axis of symmetry."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from theory.arrays import Floats

#: Starts that are optimized side by side; progress is reported after each batch.
_BATCH = 64


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
        directions[: len(moved) : 2, places], directions[1 : len(moved) : 2, places] = (
            planes.real,
            planes.imag,
        )
        directions[len(moved) :, places] = directions[len(moved) :, :orbits]
    directions[np.flatnonzero(moved), T - rest :] = 0.0


def shaken(hidden: Floats, size: float = 0.01, copies: int = 1) -> Floats:
    """(copies, m, T) a configuration moved by about `size`, so that the search leaves it if it is a saddle point."""
    generator = np.random.default_rng(hidden.shape)
    return np.asarray(hidden + size * generator.normal(size=(copies, *hidden.shape)), dtype=np.float64)
