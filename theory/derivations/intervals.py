"""Values of SymPy expressions as balls: intervals that certainly contain the exact value.

Arb's arithmetic (python-flint), 256 bits, rounded outwards, shares no code with SymPy's simplification or evaluation:
another route. Derivatives are truncated power series; sums and products go term by term.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add, mul
from typing import Any, TypeAlias

import sympy
from flint import arb, arb_series, ctx, fmpq

#: Working precision in bits.
PRECISION = 256

#: A ball, or a truncated power series with balls as coefficients inside a derivative.
Ball: TypeAlias = Any

Values: TypeAlias = Mapping[sympy.Symbol, Ball]


class Undefined(ArithmeticError):
    """The expression has no finite real value at the point."""


def ball(expression: sympy.Expr, values: Mapping[sympy.Symbol, Ball]) -> Ball:
    """Ball that contains the value of `expression` where its symbols lie in the balls `values`.

    Knows sums, products, powers, the elementary functions, Abs, Max, Min, Sum and Product over one index, Derivative by
    one symbol. Accuracy: outward rounding, so the exact value is inside; the radius is what 256 bits and the input
    balls allow. Raises Undefined: The value is not a finite real number (a root of a negative number, a division by
    zero). Raises NotImplementedError: A function outside the list above. Raises KeyError: A symbol without a value.

    >>> x = sympy.Symbol("x")
    >>> bool(ball(sympy.cos(x) ** 2 + sympy.sin(x) ** 2, {x: rational_ball(sympy.Rational(1, 3))}).contains(1))
    True
    """
    with ctx.workprec(PRECISION):
        try:
            value = _evaluate(expression, values)
        except (ZeroDivisionError, ValueError) as error:
            raise Undefined(str(error)) from error
    if not value.is_finite():
        raise Undefined(f"{expression} has no finite real value here")
    return value


def rational_ball(number: sympy.Rational) -> Ball:
    """The ball of a rational number: exact if it is dyadic, one rounding otherwise.

    >>> bool(rational_ball(sympy.Rational(3, 4)).is_exact())
    True
    """
    with ctx.workprec(PRECISION):
        return arb(fmpq(int(number.p), int(number.q)))


def _evaluate(expression: sympy.Expr, values: Values) -> Ball:
    if isinstance(expression, sympy.Symbol):
        return values[expression]
    if isinstance(expression, sympy.Rational):
        return arb(fmpq(int(expression.p), int(expression.q)))
    if rule := _RULES.get(type(expression)):
        return rule(expression, values)
    if type(expression) not in _FUNCTIONS:
        raise NotImplementedError(f"no ball arithmetic for {type(expression).__name__} in {expression}")
    return _FUNCTIONS[type(expression)](*(_evaluate(argument, values) for argument in expression.args))


def _undefined(expression: sympy.Expr, _: Values) -> Ball:
    raise Undefined(f"{expression} is not a finite real number")


def _power(expression: sympy.Expr, values: Values) -> Ball:
    base, exponent = (_evaluate(argument, values) for argument in expression.args)
    if expression.exp is sympy.Rational(1, 2):
        return base.sqrt()
    if isinstance(exponent, arb) and exponent.is_integer():
        power = _whole(exponent)
        return _whole_power(base, power) if power >= 0 else 1 / _whole_power(base, -power)
    if isinstance(base, arb_series) and isinstance(exponent, arb):
        return (exponent * base.log()).exp()
    return base**exponent


def _whole_power(base: Ball, power: int) -> Ball:
    """By repeated squaring: Arb's own power is NaN for some balls around 0."""
    answer = arb(1)
    while power:
        answer = answer * base if power & 1 else answer
        base, power = base * base, power >> 1
    return answer


def _series(expression: sympy.Derivative, values: Values) -> Ball:
    ((variable, count),) = expression.variable_count
    order = int(count)
    previous, ctx.cap = ctx.cap, order + 1
    try:
        line = arb_series([values[variable], 1], order + 1)
        expanded = line * 0 + _evaluate(expression.expr, {**values, variable: line})
        return expanded[order] * int(sympy.factorial(order))
    finally:
        ctx.cap = previous


def _terms(expression: sympy.Expr, values: Values) -> list[Ball]:
    ((index, lower, upper),) = expression.limits
    first, last = (_whole(_evaluate(limit, values)) for limit in (lower, upper))
    return [_evaluate(expression.function, {**values, index: arb(at)}) for at in range(first, last + 1)]


def _whole(value: Ball) -> int:
    number = value.unique_fmpz()
    if number is None:
        raise Undefined(f"the limit {value} of a sum or product is not an integer")
    return int(number)


def _arccosine(value: Ball) -> Ball:
    if isinstance(value, arb_series):
        return value.acos()
    # An exact ±1 comes as a ball that sticks out of [−1, 1]; the exact value does not.
    lower, upper = value.lower(), value.upper()
    if upper < -1 or lower > 1:
        raise Undefined(f"the arccosine of {value}")
    least = upper.acos() if upper < 1 else arb(0)
    greatest = lower.acos() if lower > -1 else arb.pi()
    return least.union(greatest)


def _binomial(size: Ball, chosen: Ball) -> Ball:
    number = _whole(chosen)
    return size.bin(number) if number >= 0 else arb(0)


_RULES: dict[type, Callable[[Any, Values], Ball]] = {
    sympy.Pow: _power,
    sympy.Derivative: _series,
    sympy.Sum: lambda expression, values: reduce(add, _terms(expression, values), arb(0)),
    sympy.Product: lambda expression, values: reduce(mul, _terms(expression, values), arb(1)),
    **dict.fromkeys(map(type, (sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)), _undefined),
}

_FUNCTIONS: dict[type, Callable[..., Ball]] = {
    sympy.Add: lambda *terms: reduce(add, terms),
    sympy.Mul: lambda *factors: reduce(mul, factors),
    type(sympy.pi): arb.pi,
    type(sympy.E): arb.const_e,
    sympy.cos: lambda value: value.cos(),
    sympy.sin: lambda value: value.sin(),
    sympy.tan: lambda value: value.sin() / value.cos(),
    sympy.sec: lambda value: 1 / value.cos(),
    sympy.acos: _arccosine,
    sympy.exp: lambda value: value.exp(),
    sympy.log: lambda value: value.log(),
    sympy.Abs: abs,
    sympy.binomial: _binomial,
    sympy.Max: lambda *parts: reduce(lambda left, right: left.max(right), parts),
    sympy.Min: lambda *parts: reduce(lambda left, right: left.min(right), parts),
}
