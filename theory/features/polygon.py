"""Infinite data with one active feature at a time: which regular polygon of features is worth most.

k features stand on a regular k-gon of squared radius r, all others at the origin. At zero bias a feature of amplitude
a costs a²(1 − r)² in its own output, a²r² max(0, cos(2πd/k))² in the output d vertices away, a² at the origin. Hence
gain(k, r) = k (2r − r² S_k), in perfectly stored features, whatever the law of a (S_k: `polygons.interference-sum`).
`unit` has r = 1 (`generalization.unit-gain`; ‖W‖ = √k in the notebook), `free` the best r = 1/S_k, gain k/S_k
(`generalization.free-radius`). The pentagon is best at both, among single rings (`generalization.pentagon`). With a
free bias (`theory.features.free_bias`) every k is exact for `constant`; the best k of 1..64 is 7 for `uniform`. It is
6 for `normalized` (n = 10 000, S = 0.999), whose atom at a = 1 lets the gain grow without bound in k, by k·4.5e-4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from theory.exact import Exact
from theory.features.amplitudes import Amplitude, constant, normalized, uniform
from theory.features.free_bias import best_free_bias
from theory.integer_arguments import checked_integer
from theory.polygon_geometry import interference_sum

if TYPE_CHECKING:
    from sympy import Expr

#: `unit` fixes the radius at 1, `free` takes the best one, both with zero bias; the others take the best radius
#: and bias under a law of the amplitudes.
Law = Literal["unit", "free", "constant", "uniform", "normalized", "samples"]

#: The laws that `polygon` knows by name.
NAMED_LAWS: tuple[Law, ...] = ("unit", "free", "constant", "uniform", "normalized")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolygonSolution:
    """A polygon of features and what it is worth."""

    k: int  #: number of features on the polygon
    radius_squared: float  #: squared length of each feature's column of W
    bias: float  #: of each feature, in units of the amplitude; 0 for `unit` and `free`
    gain: float  #: k − loss/E a², in units of one perfectly stored feature
    weight_norm: float  #: Frobenius norm of the k columns together
    law: Law  #: how radius and bias were chosen
    exact: Exact  #: SymPy strings of what has a closed form; none where the optimum is searched for

    def as_dict(self) -> dict[str, object]:
        """JSON-ready view; the keys are the attributes, in their order."""
        return {name: getattr(self, name) for name in self.__slots__} | {"exact": dict(self.exact)}

    def symbolic(self, name: str) -> Expr:
        """The closed form of a field as a SymPy expression. Raises ValueError: none is known."""
        return self.exact.symbolic(name)


def polygon(
    k: int, law: Law | Amplitude = "unit", *, n: int = 10_000, sparsity: float = 0.999
) -> PolygonSolution:
    """The regular k-gon of features under a law of amplitudes, named or an `Amplitude`.

    Relative error below 8 eps for `free`; k(2 − S_k) of `unit` has an absolute error below 8 k² eps; a free bias has
    `best_free_bias`'s certificate. `normalized` uses n and sparsity; `constant` asks whether n > k: a bias above 0,
    which k ≤ 3 would have, fires off the polygon. Henighan et al. 2023, "Generalization", has `unit` with nearest
    neighbours only. Raises ValueError: k not an integer ≥ 1, above n where the bias is free, unknown law.

    >>> pentagon = polygon(5, law="free")
    >>> round(pentagon.gain, 5), round(pentagon.weight_norm, 5)
    (4.19821, 2.04895)
    >>> round(polygon(5).weight_norm ** 2, 12)
    5.0
    >>> heptagon = polygon(7, law="uniform")
    >>> round(heptagon.radius_squared ** 0.5, 5), round(heptagon.bias, 5)
    (1.44839, -0.96691)
    """
    if not isinstance(law, Amplitude) and law not in NAMED_LAWS:
        raise ValueError(f"law = {law!r}: it must be {', '.join(map(repr, NAMED_LAWS))} or an Amplitude")
    k = checked_integer("k", k, 5)
    if law == "unit" or law == "free":
        shared = interference_sum(k)
        r, gain = (1.0, k * (2 - shared)) if law == "unit" else (1 / shared, k / shared)
        return _solution(k, law, r, 0.0, gain, Exact("polygon", k, law))
    if k > n:
        raise ValueError(f"k = {k} of n = {n} features: a polygon has at most n; try n={k}")
    if law == "normalized":
        law = normalized(n, sparsity)
    elif not isinstance(law, Amplitude):
        law = constant() if law == "constant" else uniform()
    best = best_free_bias(k, law, alone=k == n)
    exact = Exact()
    if best.exact and law.kind == "constant" and (k == n or k > 3):
        exact = Exact("polygon", k, "constant", float(law.atoms[0]))
    elif best.exact:
        exact = Exact("polygon", k, "unit")
    return _solution(k, law.kind, best.radius_squared, best.bias, best.gain, exact)


def _solution(k: int, law: Law, r: float, bias: float, gain: float, exact: Exact) -> PolygonSolution:
    norm = math.sqrt(k * r)
    return PolygonSolution(
        k=k, radius_squared=r, bias=bias, gain=gain, weight_norm=norm, law=law, exact=exact
    )


def best_polygons(solutions: Iterable[PolygonSolution]) -> frozenset[int]:
    """The k of greatest gain among `solutions`; several where gains agree to 1e-12, none of none.

    >>> sorted(best_polygons(polygon(k, law="free") for k in range(3, 14)))
    [5]
    >>> sorted(best_polygons(polygon(k, law="free") for k in (6, 8)))
    [6, 8]
    """
    gains = {solution.k: solution.gain for solution in solutions}
    greatest = max(gains.values(), default=math.inf)
    return frozenset(k for k, gain in gains.items() if gain >= greatest - 1e-12 * max(1.0, abs(greatest)))
