"""The T-gon's closed forms as SymPy numbers, twins of the float functions in `theory.memorization.tgon`.

Normalisation and T = 1 as there: datapoints of unit norm, least ‖W‖². Every function takes an integer T ≥ 1
(or, for T ≥ 2, a SymPy expression for it), raises ValueError for an integer below 1, and returns an exact
expression.

Equation labels: as in `theory.memorization.tgon`; this module defines none.
"""

import sympy


def _cosine(T: int | sympy.Expr) -> sympy.Expr:
    return sympy.cos(2 * sympy.pi / sympy.sympify(T))


def _is_one_point(T: int | sympy.Expr) -> bool:
    if isinstance(T, int) and T < 1:
        raise ValueError(f"T = {T}: it must be an integer of at least 1; try T=1")
    return T == 1


def exact_tgon_radius_squared(T: int | sympy.Expr) -> sympy.Expr:
    """‖h‖² = 1/(1 − cos(2π/T)), 0 at T = 1 (`memorization.tgon-radius`).

    >>> exact_tgon_radius_squared(3)
    2/3
    """
    return sympy.Integer(0) if _is_one_point(T) else 1 / (1 - _cosine(T))


def exact_tgon_bias_coefficient(T: int | sympy.Expr) -> sympy.Expr:
    """C = −cos(2π/T)/(1 − cos(2π/T)), 1 at T = 1 (`memorization.tgon-bias`).

    >>> exact_tgon_bias_coefficient(4)
    0
    """
    return sympy.Integer(1) if _is_one_point(T) else -_cosine(T) / (1 - _cosine(T))


def exact_tgon_energy(T: int | sympy.Expr) -> sympy.Expr:
    """Σ_t ‖h_t‖² = T/(1 − cos(2π/T)), 0 at T = 1 (`memorization.tgon-norm`).

    >>> exact_tgon_energy(6)
    12
    """
    return sympy.Integer(0) if _is_one_point(T) else T / (1 - _cosine(T))


def exact_tgon_weight_norm(T: int | sympy.Expr) -> sympy.Expr:
    """‖W‖ = √(T/(1 − cos(2π/T))), 0 at T = 1 (`memorization.tgon-norm`).

    >>> exact_tgon_weight_norm(4)
    2
    """
    return sympy.sqrt(exact_tgon_energy(T))


def exact_tgon_bias_norm(T: int | sympy.Expr) -> sympy.Expr:
    """‖b‖ = √T |cos(2π/T)|/(1 − cos(2π/T)), 1 at T = 1 (`memorization.tgon-bias-norm`).

    >>> exact_tgon_bias_norm(6)
    sqrt(6)
    """
    return sympy.Integer(1) if _is_one_point(T) else sympy.sqrt(T) * abs(_cosine(T)) / (1 - _cosine(T))


def exact_tgon_dimensionality(T: int | sympy.Expr) -> sympy.Expr:
    """D_X = 2/T for T ≥ 3, 1/2 at T = 2, 0 at T = 1 (`memorization.tgon-dimensionality`).

    >>> exact_tgon_dimensionality(5)
    2/5
    """
    if _is_one_point(T):
        return sympy.Integer(0)
    return sympy.Rational(1, 2) if T == 2 else 2 / sympy.sympify(T)
