"""Proofs about memorization in any number m of hidden dimensions.

What zero loss on orthonormal data means for hidden vectors, the simplex, and what is left of it at a small
loss. Normalisation: unit datapoints X_t with disjoint supports, h_t = W X_t, c_t = X_t · b.
"""

from itertools import permutations

from sympy import Max, Sum, cos, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import at_least, equal, theorem
from theory.derivations.symbols import symbol

T, X, p, q, u, v, w, g, e, c, x, y, s, t = symbol("T X p q u v w g e c x y s t")
beta, gamma, mu, epsilon, phi, scale, j = symbol("beta gamma mu epsilon phi lambda j")
h1, h2, h3, h4 = symbol("h1 h2 h3 h4")

UNIT = Interval("1/8", 1)
PLANE = Interval(-2, 2)

_REDUCTION = theorem(
    "memorization.reduction",
    on={(p, q): UNIT, (v, w, g, u): PLANE, (beta, gamma): Interval(-1, 2), phi: Interval(0, 6)},
    steps={
        "memorization.merge-constraint": equal(
            (p * (v * g + beta) + q * (w * g + gamma)) / (p + q),
            (p * v + q * w) / (p + q) * g + (p * beta + q * gamma) / (p + q),
        ),
        "memorization.merge-norm": equal(
            p * v**2 + q * w**2, (p * v + q * w) ** 2 / (p + q) + p * q * (v - w) ** 2 / (p + q)
        ),
        "memorization.norm-split": equal(
            u**2 + v**2, (u * cos(phi) + v * sin(phi)) ** 2 + (v * cos(phi) - u * sin(phi)) ** 2
        ),
    },
)

_PROGRAMME = theorem(
    "memorization.programme",
    on={X: UNIT, x: Interval(0, 4), c: Interval(-3, 1), (u, v, g, e): PLANE, y: Interval(0, 3)},
    steps={
        "memorization.own-output": equal(X * (x + c) - X, X * (c - (1 - x))),
        "memorization.other-output": equal(
            X * (u * g + v * e + (1 - (u**2 + v**2))), X * (1 - (u * (u - g) + v * (v - e)))
        ),
        "memorization.pair-distance": equal(
            (u - g) ** 2 + (v - e) ** 2, (u * (u - g) + v * (v - e)) + (g * (g - u) + e * (e - v))
        ),
        "memorization.no-shared-ray": equal(
            (x**2 - x * y) * (y**2 - x * y), -x * y * (x - y) ** 2, {x: Interval(0, 3)}
        ),
    },
)

_SIMPLEX = theorem(
    "memorization.simplex",
    on={(h1, h2, h3, h4): PLANE, T: Integers(1, 40), mu: Interval(0, 2)},
    steps={
        "memorization.simplex-sum": equal(
            sum(own * (own - other) for own, other in permutations((h1, h2, h3, h4), 2)),
            4 * (h1**2 + h2**2 + h3**2 + h4**2) - (h1 + h2 + h3 + h4) ** 2,
        ),
        "memorization.simplex-feasible": equal((T - 1) / T - (-1 / T), 1),
        "memorization.simplex-energy": equal(Sum((T - 1) / T, (j, 1, T)), T - 1),
        "memorization.simplex-penalised": equal(1 - 2 * mu * (1 - (T - 1) / T), 1 - 2 * mu / T),
        "memorization.simplex-dimensionality": equal(
            1 / (1 + Sum((-1 / (T - 1)) ** 2, (j, 2, T))), (T - 1) / T, {T: Integers(2, 40)}
        ),
    },
)

_ROBUST = theorem(
    "memorization.robust",
    on={
        (u, v, w, h1, h2, h3, t, g, e): PLANE,
        epsilon: Interval(0, "1/4"),
        s: Interval(0, 1),
        scale: Interval("1/2", 2),
    },
    steps={
        "memorization.robust-contraction": equal(
            (u**2 + v**2 + w**2) * (h1**2 + h2**2 + h3**2) - (u * h1 + v * h2 + w * h3) ** 2,
            (u * h2 - v * h1) ** 2 + (v * h3 - w * h2) ** 2 + (w * h1 - u * h3) ** 2,
        ),
        "memorization.robust-relu": equal(Max(0, t) - t, Max(0, -t)),
        "memorization.robust-constraint": at_least(
            (1 - sqrt(epsilon) + s) - (sqrt(epsilon) - t), 1 - 2 * sqrt(epsilon), {t: Interval(0, 2)}
        ),
        "memorization.robust-scaling": equal(
            (scale * u) * (scale * u - scale * g) + (scale * v) * (scale * v - scale * e),
            scale**2 * (u * (u - g) + v * (v - e)),
        ),
    },
)
