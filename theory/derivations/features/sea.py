"""Proofs about a sea of small columns beside a polygon of features.

Normalisation: gains in units of one perfectly stored feature, one active feature at a time, amplitudes at
most 1; r the squared radius and b the bias of the k-gon, q = Σ‖w‖² the energy of the small columns, S_k as in
`theory.polygon_geometry`.
"""

from sympy import Derivative, Max, Sum, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

k, r, q, b, d, i, x, y, t, phi, S_k, B = symbol("k r q b d i x y t phi S_k B")

_SEPARATED = closed_form(
    "sea.separated-gain",
    on={
        r: Interval("1/8", 2),
        (q, y): Interval("1/4", 4),
        b: Interval(-1, "-1/8"),
        i: Integers(1, 12),
        x: Interval("1/8", 1),
        S_k: Interval(1, 4),
        k: Integers(3, 12),
        phi: Interval(-1, 1),
    },
    steps={
        "sea.silence": equal(r * q / i - b**2, (sqrt(r * q / i) + b) * (sqrt(r * q / i) - b)),
        "sea.large-to-small": equal(
            5 * (r * q / 5 * Sum(Max(0, cos(2 * pi * d / 5)) ** 2, (d, 0, 4))),
            r * q * (7 - sqrt(5)) / 4,
            {q: Interval("1/3", 4)},
        ),
        "sea.small-to-small": equal((1 - x) ** 2 + y * x - x**2, 1 - (2 * x - y * x)),
        "sea.best-energy": equal(
            2 * q - S_k * (r * q + q**2 / k),
            k * (2 - S_k * r) ** 2 / (4 * S_k) - S_k / k * (q - k * (2 - S_k * r) / (2 * S_k)) ** 2,
        ),
        "sea.half-circle": equal(Derivative(phi / 2 + sin(2 * phi) / 4, phi), cos(phi) ** 2),
        "sea.isotropic-energy": equal(
            2 * q - k * r * q / 4 - q**2 / 4, (2 - k * r / 4) ** 2 - (q / 2 - (2 - k * r / 4)) ** 2
        ),
    },
)

_BANDS = closed_form(
    "sea.bands",
    on={
        B: Integers(2, 24),
        q: Interval("1/4", 4),
        S_k: Interval(1, 4),
        k: Integers(3, 12),
        x: Interval(0, 4),
        y: Interval(0, 3),
        t: Interval(0, 2),
    },
    steps={
        "sea.pairs-of-bands": equal((B + Sum(2 * d + 1, (d, 0, B - 1))) / 2, B * (B + 1) / 2),
        "sea.equal-bands": equal(
            2 * B * q - S_k / k * (B * (B + 1) / 2) * q**2,
            2 * B * k / ((B + 1) * S_k) - S_k / k * (B * (B + 1) / 2) * (q - 2 * k / ((B + 1) * S_k)) ** 2,
            {B: Integers(1, 12)},
        ),
        "sea.bands-convex": equal(
            x**2 + y**2 + t**2 + x * y + x * t + y * t, (x**2 + y**2 + t**2) / 2 + (x + y + t) ** 2 / 2
        ),
    },
)
