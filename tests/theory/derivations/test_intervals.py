"""Ball arithmetic against mpmath at 60 digits, and the points of a domain."""

import mpmath
import pytest
import sympy

from theory.derivations.domains import Integers, Interval, points
from theory.derivations.intervals import Undefined, ball, rational_ball

x, k, d = sympy.Symbol("x", real=True), sympy.Symbol("k", integer=True), sympy.Symbol("d", integer=True)
THIRD = sympy.Rational(1, 3)

EXPRESSIONS = [
    sympy.cos(x) * sympy.sin(x) / sympy.sec(x),
    sympy.tan(x) - sympy.acos(x) + sympy.pi,
    sympy.sqrt(x) + x ** sympy.Rational(3, 2) + x**-3 + x**x,
    sympy.exp(x) * sympy.log(x) + sympy.E,
    sympy.Abs(x - 2) + sympy.Max(x, x**2, 0) + sympy.Min(x, 1),
    sympy.Sum(sympy.cos(2 * sympy.pi * d / 7 + x) ** 2, (d, -3, 3)),
    sympy.Product(x + d, (d, 1, 4)),
    sympy.Sum(sympy.binomial(9, d) * x**d, (d, -1, 10)),
    sympy.Derivative(sympy.acos(1 - x) * sympy.sqrt(x), (x, 2)),
    sympy.Derivative(x * sympy.sec(x), x),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@pytest.mark.parametrize("value", [THIRD, sympy.Rational(7, 8)])
def test_ball_contains_the_value_that_sympy_finds(expression, value):
    found = ball(expression, {x: rational_ball(value)})
    truth = sympy.N(expression.doit().subs(x, value), 60)
    with mpmath.workdps(60):
        assert abs(mpmath.mpf(found.str(55, radius=False)) - mpmath.mpf(str(truth))) < mpmath.mpf(10) ** -50
    assert found.rad() < 1e-60


def test_powers_of_balls_around_zero_are_numbers():
    """Arb's own power is NaN for such a ball."""
    almost_zero = 1 - 1 / (1 - sympy.cos(sympy.pi * x / 2))
    found = ball(almost_zero**2, {x: rational_ball(sympy.Integer(1))})
    assert found.contains(0)
    assert found.rad() < 1e-70


@pytest.mark.parametrize(
    "expression", [sympy.sqrt(x - 2), 1 / (x - 1), sympy.acos(x + 1), sympy.zoo, sympy.log(-x)]
)
def test_values_that_are_not_real_are_undefined(expression):
    with pytest.raises(Undefined):
        ball(expression, {x: rational_ball(sympy.Integer(1))})


def test_points_have_the_corners_and_stay_inside():
    domain = {x: Interval("1/3", 2), k: Integers(3, 99, 4)}
    drawn = list(points(domain, 40))
    assert drawn == list(points(domain, 40))
    corners = {(point[x], point[k]) for point in drawn[:4]}
    assert corners == {(THIRD, 3), (THIRD, 99), (2, 3), (2, 99)}
    assert all(THIRD <= point[x] <= 2 and point[k] in Integers(3, 99, 4).values for point in drawn)
    assert len({point[x] for point in drawn}) > 20


def test_small_sets_of_integers_are_exhausted():
    assert [point[k] for point in points({k: Integers(2, 60)}, 0)] == list(range(2, 61))
    assert list(points({}, 5)) == [{}]
