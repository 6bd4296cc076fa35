"""Closed forms as SymPy expressions, for `limit`, `series`, `lambdify`, `latex` and `subs`.

`T` datapoints, `m` hidden dimensions, `n` features, `k` vertices of a polygon of features, `u` the overlap of a shared
feature; `kappa` is E a⁴/E a² of the amplitudes, `z` the mean fifth largest of n standard normals, `b` the mean entry E
x_i of a datapoint (`best_bias` of `theory.loss_budget`). All are positive numbers, not integers: SymPy takes sin(πk)
for 0 as soon as k is one, and finds wrong limits. Forms of the T-gon are those of `theory.memorization.tgon`. They hold
from T = 2 on; at T = 1 they have the value of the origin, which limits and series do not see.
"""

from typing import Any

import sympy
from sympy import Abs, Eq, Expr, Integer, cos, pi, radsimp, sec, sin, sqrt, sqrtdenest, symbols, sympify

T, m, n, k, u = symbols("T m n k u", positive=True)
kappa, z, b = symbols("kappa z b", positive=True)

#: The most operations of a form that is simplified, and of a cosine that is written in radicals.
_LONGEST, _SHORT = 40, 5


class Piecewise(sympy.Piecewise):  # type: ignore[misc]  # SymPy's printers go by the name
    """A form from T = 2 on, with its own value at T = 1; limits and series are those of the form."""

    def _eval_power(self, exponent: Expr) -> None:
        """Kept as a power: 1/0 is not what a quotient of two forms has at T = 1."""

    def _eval_rewrite_as_tractable(self, *_: Any, **named: Any) -> Expr:
        return self.args[-1].expr

    def _eval_nseries(self, *args: Any, **named: Any) -> Expr:
        return self.args[-1].expr._eval_nseries(*args, **named)

    def _eval_as_leading_term(self, *args: Any, **named: Any) -> Expr:
        return self.args[-1].expr._eval_as_leading_term(*args, **named)


def _from_two(form: Expr, at_one: int) -> Expr:
    return Piecewise((Integer(at_one), Eq(T, 1)), (form, True))


def radius(points: Any) -> Expr:
    """1/(2 sin²(π/T)), the squared length of the T-gon's vertices, T ≥ 2 (`memorization.tgon-radius`)."""
    return 1 / (2 * sin(pi / points) ** 2)


def lifted(points: Any, cross: Any) -> Expr:
    """T − 1 + 2√B/(√T + √B): the least energy where B of T points are lifted by the rest (`codes.rank-least`)."""
    return points - 1 + 2 * sqrt(cross) / (sqrt(points) + sqrt(cross))


def interference(residue: int, vertices: Any = k) -> Expr:
    """S_k for k ≥ 3 of this residue modulo 4 (`polygons.interference-sum`).

    >>> interference(1)
    k/4 - sec(pi/k)/4 + 1/4
    """
    return vertices / Integer(4) + {1: -1, 3: 1}.get(residue % 4, 0) * (sec(pi / vertices) - 1) / 4


def overlap_gain(squared: Any, overlap: Any = u) -> Expr:
    """u² − (r − 1)²(1 − u)²: what a shared feature takes off the T-gon's loss above u = 1 − 1/r, T ≥ 4
    (`memorization.tgon-test-loss`); `squared` is r, for instance `radius(T)`.
    """
    return overlap**2 - (squared - 1) ** 2 * (1 - overlap) ** 2


def polygon_gain(residue: int, law: str = "free") -> Expr:
    """The gain of a k-gon of features, k ≥ 4 of this residue modulo 4, under the law unit, free or constant.
    Raises ValueError: another law, which has no closed form.

    >>> polygon_gain(0), polygon_gain(2, "unit")
    (4, k*(2 - k/4))
    """
    return _gain(law, k, interference(residue))


def _gain(law: str, vertices: Any, passed: Any) -> Expr:
    forms = {"unit": vertices * (2 - passed), "free": vertices / passed, "constant": vertices}
    if law not in forms:
        raise ValueError(
            f"law = {law!r}: it must be one of {', '.join(forms)}; try theory.polygon(k, {law!r})"
        )
    return sympify(forms[law])


tgon_radius_squared = _from_two(radius(T), 0)
tgon_energy = _from_two(T * radius(T), 0)
tgon_weight_norm = _from_two(sqrt(2 * T) / (2 * sin(pi / T)), 0)
tgon_bias_coefficient = _from_two(-cos(2 * pi / T) * radius(T), 1)
tgon_bias_norm = _from_two(sqrt(T) * Abs(cos(2 * pi / T)) * radius(T), 1)
#: Of the T-gon from T = 3 on.
tgon_dimensionality = 2 / T

#: Least energies ‖W‖² of `theory.codes`: T ≤ m + 1; T = 2m; m + 2 ≤ T ≤ 2m − 1 (a theorem up to m + 4).
simplex_energy = T - 1
orthoplex_energy = T
shifted_energy = lifted(T, 2 * (T - m))

#: The R from which on a repeated point takes a vertex at zero bias, for equal energies, and for many drawn datapoints.
equal_energy_threshold = T / n
square_root_threshold = z * sqrt(kappa * T / n)

#: Expected test loss of the simplex, T ≤ m + 1, to first order in shared features (`memorization.simplex-test-loss`).
simplex_test_loss = 1 + 1 / T - 2 * n * b**2 - (T - 1) / n


def simplest(form: Any) -> Expr:
    """A number as people write it: no roots in denominators, and none below roots where that is shorter.

    >>> simplest("sqrt(4/(1 - cos(2*pi/4)))"), simplest("5/(1 - cos(2*pi/5))")
    (2, sqrt(5) + 5)
    """
    given = sympify(form)
    if given.has(sin) or given.count_ops() > _LONGEST:  # SymPy would write the sine in nested roots
        return given
    plain = radsimp(given)
    return min((sqrtdenest(plain), plain, sympy.expand(plain)), key=lambda one: one.count_ops())


def tgon(points: int) -> dict[str, Expr]:
    """The forms of a T-gon, T ≥ 2, in radicals where they are short."""
    cosine = cos(2 * pi / points)
    short = cosine.count_ops() <= _SHORT and not cosine.has(cos, sin)
    squared = 1 / (1 - cosine) if short else 1 / (2 * sin(pi / points, evaluate=False) ** 2)
    return equal_norms(points, squared, sympy.Rational(1 if points == 2 else 2, points))


def equal_norms(points: int, squared: Any, dimensionality: Any = None) -> dict[str, Expr]:
    """The forms of T points of one squared length r and the bias coefficient 1 − r, by the names of `theory.Record`."""
    own = simplest(squared)
    energy, coefficient = simplest(points * own), simplest(1 - own)
    forms = {
        "energy": energy,
        "weight_norm": simplest(sqrt(energy)),
        "bias_norm": simplest(sqrt(points) * (coefficient if coefficient.evalf() >= 0 else -coefficient)),
        "radius_squared": own,
        "bias_coefficient": coefficient,
    }
    return forms if dimensionality is None else forms | {"dimensionality": sympify(dimensionality)}


def shifted(points: int, dimensions: int) -> dict[str, Expr]:
    """The forms of `theory.codes.known_codes.shifted_cross_polytope`; its norms are unequal."""
    simplex, cross = 2 * dimensions - points, 2 * (points - dimensions)
    energy, share = simplest(lifted(points, cross)), sqrt(sympy.Rational(cross, points))
    squares = simplest((1 - share) ** 2 / simplex + cross * ((1 - share) ** 2 / (simplex * share)) ** 2)
    return {"energy": energy, "weight_norm": simplest(sqrt(energy)), "bias_norm": simplest(sqrt(squares))}


def with_copies(exact: Any, copies: int) -> dict[str, Expr]:
    """The forms of an `Exact` when vertices carry so many more points: the energy counts them, and dimensionalities
    differ.
    """
    forms = exact.expressions
    kept = {key: form for key, form in forms.items() if key not in ("energy", "dimensionality")}
    if "radius_squared" in forms:
        kept["energy"] = simplest(forms["energy"] + copies * forms["radius_squared"])
    return kept


def polygon(vertices: int, law: str, amplitude: float = 1) -> dict[str, Expr]:
    """The forms of a k-gon of features under the law unit, free or constant, by the names of `theory.PolygonSolution`;
    the bias of `constant` is that of the amplitude 1, left out for others. Up to four features under any law that has
    a density are stored as under unit (`generalization.four-features`).

    >>> polygon(5, "unit")["weight_norm"], polygon(5, "free")["gain"]
    (sqrt(5), (5*sqrt(5) + 35)/11)
    """
    passed = Integer(1) if vertices <= 2 else interference(vertices, vertices)
    squared = {"unit": Integer(1), "free": 1 / passed}.get(law, Integer(0))
    if law == "constant" and vertices > 1:
        squared = tgon(vertices)["radius_squared"]
    own, gain = simplest(squared), simplest(_gain(law, vertices, passed))
    forms = {"radius_squared": own, "gain": gain, "weight_norm": simplest(sqrt(vertices * own))}
    bias = simplest(1 - own) if law == "constant" else Integer(0)
    return forms | {"bias": bias} if law != "constant" or amplitude == 1 else forms
