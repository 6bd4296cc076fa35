"""What several tests of closed forms share: a comparison at 50 digits that reports every bad point."""

from collections.abc import Callable

import pytest
import sympy

EPS = sympy.Rational(1, 2**52)

#: Integers at which closed forms are compared: all small ones, then a geometric spread.
SPREAD = [*range(1, 65), 97, 100, 1_000, 4_096, 10_001, 10**6, 10**9 + 7]


@pytest.fixture
def assert_accurate() -> Callable[..., None]:
    """Compare: check(function, exact, units) wants a relative error of at most `units` eps from `least` on."""

    def check(
        function: Callable[[int], float], exact: Callable[[int], sympy.Expr], units: float, least: int = 1
    ) -> None:
        for point in SPREAD[least - 1 :]:
            truth = sympy.N(exact(point), 50)
            value = sympy.Rational(function(point))  # the float itself, without rounding
            error = abs(sympy.N(value, 50) - truth)
            assert error <= units * EPS * abs(truth), f"at {point}: {float(error)} off {float(truth)!r}"

    return check
