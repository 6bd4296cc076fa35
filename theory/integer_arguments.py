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


def on_integers(name: str, least: int) -> Callable[[Callable[[Floats], Floats]], ClosedForm]:
    """Make a formula on float64 arrays a :class:`ClosedForm` of the integer called `name`, at least `least`.
    Raises ValueError: From the decorated function: an entry that is not an integer in [least, 2**53].

    >>> half = on_integers("T", least=1)(lambda T: T / 2)
    >>> half(3), half([3, 4]).tolist()
    (1.5, [1.5, 2.0])
    """

    def decorate(formula: Callable[[Floats], Floats]) -> ClosedForm:
        @functools.wraps(formula)
        def answer(count: ArrayLike) -> float | Floats:
            counts = _checked(count, name, least)
            values = np.asarray(formula(counts), dtype=np.float64)
            return float(values) if values.ndim == 0 else values

        return answer  # type: ignore[return-value]  # the overloads tell the two shapes apart

    return decorate


def checked_integer(name: str, value: Any, usual: int) -> int:
    """``value`` as an int. Raises ValueError: it is no integer ≥ 1; ``usual`` is what to try."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} = {value!r}: it must be an integer of at least 1; try {name}={usual}")
    return int(value)


def _checked(count: ArrayLike, name: str, least: int) -> Floats:
    given = np.asarray(count)
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{name} = {count!r}: it must be an integer of at least {least}; try {name}={least}")
    refused = given[~((given >= least) & (given <= LARGEST) & (given == np.floor(given)))]
    if refused.size:
        first = refused.flat[0]
        raise ValueError(f"{name} = {first}: it must be an integer of at least {least}; try {name}={least}")
    return np.asarray(given, dtype=np.float64)
