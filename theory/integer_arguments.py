"""Closed forms in one integer, applied element by element: a float for an integer, an array for an array of its shape.

The domain is checked once, here, up to 2**53, beyond which float64 does not tell neighbours apart.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike

from theory.arrays import Floats

#: The largest integer up to which float64 represents every integer.
LARGEST = 2**53


class ClosedForm(Protocol):
    """A function of one integer, element by element: an int gives a float, an array gives an array."""

    __name__: str

    @overload
    def __call__(self, count: int, /) -> float: ...
    @overload
    def __call__(self, count: ArrayLike, /) -> Floats: ...


def on_integers(name: str) -> Callable[[Callable[[Floats], Floats]], ClosedForm]:
    """Make a formula on float64 arrays a :class:`ClosedForm` of the integer called `name`.
    Raises ValueError: From the decorated function: an entry that is not an integer in [1, 2**53].

    >>> half = on_integers("T")(lambda T: T / 2)
    >>> half(3), half([3, 4]).tolist()
    (1.5, [1.5, 2.0])
    """

    def decorate(formula: Callable[[Floats], Floats]) -> ClosedForm:
        @functools.wraps(formula)
        def answer(count: ArrayLike) -> float | Floats:
            values = np.asarray(formula(_checked(count, name)), dtype=np.float64)
            return float(values) if values.ndim == 0 else values

        return answer  # type: ignore[return-value]  # the overloads tell the two shapes apart

    return decorate


def checked_integer(name: str, value: Any, usual: int) -> int:
    """``value`` as an int. Raises ValueError: it is no integer ≥ 1; ``usual`` is what to try."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} = {value!r}: it must be an integer of at least 1; try {name}={usual}")
    return int(value)


def _checked(count: ArrayLike, name: str) -> Floats:
    given = np.asarray(count)
    refused: list[Any] = [count]
    if given.dtype.kind in "iuf":
        refused = given[~((given >= 1) & (given <= LARGEST) & (given == np.floor(given)))].tolist()
    if refused:
        raise ValueError(f"{name} = {refused[0]!r}: it must be an integer of at least 1; try {name}=1")
    return np.asarray(given, dtype=np.float64)
