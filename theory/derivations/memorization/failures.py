"""Proofs about two circles and dropped points, the models that training in the plane gets stuck at.

Normalisation: the programme ‖h_j‖² − h_i·h_j ≥ 1 of `memorization.programme`; squared lengths x (inner) and y
(outer); unit datapoints, loss summed over features.

Equation labels: `stationary.two-circles` and its steps, `stationary.interface-gap` among them; `stationary.dropped`
and its steps, `stationary.dropped-loss` and `stationary.dropped-error` among them.
"""

from __future__ import annotations

from sympy import Derivative, Expr, acos, cos, pi, sin, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

T, x, y, s, u, v, c, k, h1, h2, alpha = symbol("T x y s u v c k h1 h2 alpha")

INNER = Interval("3/4", 2)
OUTER = Interval(3, 6)
PLANE = Interval(-2, 2)


def interface(inner: Expr, outer: Expr) -> Expr:
    """Least angle between neighbours of squared lengths inner ≤ outer."""
    return acos((inner - 1) / sqrt(inner * outer))


_TWO_CIRCLES = Derivation(
    label="stationary.two-circles",
    title="Two circles memorize, but are never stationary for the norm",
    standing="theorem",
    assumptions=(
        "`memorization.programme`, m = 2, T ≥ 5",
        "q neighbouring points have squared length x, the other k = T − q, two or more, a greater one y",
        "every gap is tight (a loose one lets all lengths shrink)",
    ),
    source="Henighan et al. 2023, section on optimization failures, shows such models; the analysis is ours",
    steps=(
        Step(
            label="stationary.interface-gap",
            statement=equal(sin(interface(x, y)) ** 2 * (x * y), x * y - (x - 1) ** 2),
            domain={x: INNER, y: OUTER},
            why="The constraint of the inner point binds at the interface: h_i·h_j = √(xy) cos θ = x − 1, while "
            "the outer one is left with y − (x − 1) > 1.",
        ),
        Step(
            label="stationary.interface-inner-slope",
            statement=equal(Derivative(interface(x, y), x), -(x + 1) / (2 * x * sqrt(x * y - (x - 1) ** 2))),
            domain={x: INNER, y: OUTER},
            why="A longer inner point frees angle.",
        ),
        Step(
            label="stationary.interface-outer-slope",
            statement=equal(Derivative(interface(x, y), y), (x - 1) / (2 * y * sqrt(x * y - (x - 1) ** 2))),
            domain={x: INNER, y: OUTER},
            why="For x ≥ 1 a longer outer point even costs angle. Within a circle the slope is f′(y) = "
            "−1/(y√(2y−1)) of `memorization.angle-slope`. Let F be the sum of the T gaps. The claim is F_x/q < "
            "F_y/k: exchanging squared length between the circles at equal energy then frees angle, and all "
            "lengths can shrink.",
        ),
        Step(
            label="stationary.inner-long-first",
            statement=equal((x + s) ** 2 - (x * (x + s) - (x - 1) ** 2), s * (x + s) + (x - 1) ** 2),
            domain={x: Interval(1, 4), s: Interval(0, 8)},
            why="x ≥ 1, with y = x + s: xy − (x−1)² ≤ y².",
        ),
        Step(
            label="stationary.inner-long-second",
            statement=equal((x + 1) ** 2 * (2 * y - 1) - x**2, 2 * x + 1 + 2 * (x + 1) ** 2 * (y - 1)),
            domain={x: Interval(1, 3), y: Interval(1, 8)},
            why="So (x+1)² y² (2y−1) > x² y² for y ≥ 1: twice the interface's slope in x exceeds |f′(y)|. Since "
            "|f′(x)| ≥ |f′(y)| by `memorization.angle-convex`, −F_x ≥ (q−1)|f′(x)| + 2|slope| > q|f′(y)|, while "
            "−F_y ≤ (k−1)|f′(y)| < k|f′(y)|.",
        ),
        Step(
            label="stationary.inner-short-count",
            statement=equal(pi - acos(1 - 1 / x) + acos(1 / x - 1), 2 * acos(1 / x - 1)),
            domain={x: Interval("5/8", 1)},
            why="x < 1: inner gaps f(x) = π − arccos(1/x − 1) and interface gaps exceed π/2, and there are q + 1 "
            "of them: q ≤ 2. So k ≥ 3, the k − 1 ≥ 2 outer gaps share less than π, and y > 1.",
        ),
        Step(
            label="stationary.inner-short-outer",
            statement=equal((3 - 2 * sqrt(2)) * (1 + x) - x * (1 - x), (x - (sqrt(2) - 1)) ** 2),
            domain={x: Interval("1/8", 1)},
            why="x(1−x)/(1+x) ≤ 3 − 2√2, so with y ≥ 1 the interface's slope in y is at most 0.18 times that in x.",
        ),
        Step(
            label="stationary.inner-short-root",
            statement=equal(4 * x**2 * (x * y) - 4 * x**2 * (x * y - (1 - x) ** 2), (2 * x * (1 - x)) ** 2),
            domain={x: Interval("1/8", 1), y: Interval(2, 8)},
            why="Hence 4x²(xy − (1−x)²) ≤ 4x³y.",
        ),
        Step(
            label="stationary.inner-short-slope",
            statement=equal(
                (x + 1) ** 2 * (1 + s) ** 2 * (1 + 2 * s) - 4 * x**3 * (1 + s),
                (1 + s) * ((1 - x) * (4 * x**2 + 3 * x + 1) + (x + 1) ** 2 * s * (3 + 2 * s)),
            ),
            domain={x: Interval("1/8", 1), s: Interval(0, 8)},
            why="With y = 1 + s: (x+1)²y²(2y−1) ≥ 4x³y, so |f′(y)| is at most the interface's slope g in x. Then "
            "−F_x/q ≥ 2g/q ≥ g for q ≤ 2, and −F_y/k ≤ ((k−1) + 0.36)g/k < g.",
        ),
    ),
    conclusion="For T ≥ 5 no two-circle arrangement is stationary for ‖W‖² at zero loss: lengths even out and "
    "shrink, towards the T-gon. Two circles are what decay has not yet undone.",
)

_own = 1 - c - u**2
_held = alpha - 2 * (1 - 1 / T)

_DROPPED = Derivation(
    label="stationary.dropped",
    title="When a dropped point stays at the origin",
    standing="theorem",
    assumptions=(
        "unit datapoints with disjoint supports",
        "the others are memorized, with ‖h_j‖² > 1",
        "the others' hidden vectors are held fixed",
    ),
    source="Henighan et al. 2023, section on optimization failures, shows such models; the analysis is ours",
    steps=(
        Step(
            label="stationary.dropped-loss",
            statement=equal((1 - c) ** 2 + (T - 1) * c**2, 1 - 1 / T + T * (c - 1 / T) ** 2),
            domain={T: Integers(2, 40), c: PLANE},
            why="With h = 0 feature k of the dropped point outputs X_k c everywhere. Over Σ X_k² = 1 its squared "
            "errors are least at c = 1/T. The others' features stay silent at the origin, where they have 1 − "
            "‖h_j‖² < 0. So T times the loss is 1 − 1/T.",
        ),
        Step(
            label="stationary.dropped-expansion",
            statement=equal(
                _own**2 + (c + u * h1) ** 2 + (c + u * h2) ** 2 + (c - u * (h1 + h2)) ** 2,
                (1 - c) ** 2 + 3 * c**2 + u**2 * (h1**2 + h2**2 + (h1 + h2) ** 2 - 2 * (1 - c)) + u**4,
            ),
            domain={c: Interval(-1, 1), u: Interval("-3/2", 2), h1: PLANE, h2: PLANE},
            why="Move the point's column to v, of coordinate u along an eigenvector of M = Σ h_i h_iᵀ, with three "
            "others that add up to 0 (else there is a term linear in v). Outputs near c = 1/T > 0 are all "
            "positive, and the silent ones stay silent. The curvature is λ − 2(1 − 1/T), λ the eigenvalue. "
            "Features of unequal columns only add variance.",
        ),
        Step(
            label="stationary.dropped-pair",
            statement=equal(
                (1 - c - u**2) ** 2 + (1 - c - v**2) ** 2 + 2 * (c + u * v) ** 2,
                2 * (1 - c) ** 2 + 2 * c**2 - 2 * (u**2 + v**2) + 2 * c * (u + v) ** 2 + (u**2 + v**2) ** 2,
            ),
            domain={c: Interval(-1, 1), u: Interval("-3/2", 2), v: Interval(-2, "5/2")},
            why="Two dropped points, at u and v: what they do to each other. For D of them the quadratic part is "
            "Σ(λ − 2)‖v_d‖² + (2/T)‖Σv_d‖², softest at Σv_d = 0: the condition is λ > 2.",
        ),
        Step(
            label="stationary.dropped-polygon",
            statement=equal(k / (2 * (1 - cos(2 * pi / k))), k / (4 * sin(pi / k) ** 2)),
            domain={k: Integers(4, 60)},
            why="A memorizing k-gon, k = T − 1, has M = (kr/2) I with r = 1/(1 − cos(2π/k)). The right side grows "
            "with k and is 2 at k = 4, above 2(1 − 1/T): a single dropped point is held for every T ≥ 5. (At T = "
            "5, where the lengths are 1, the others' features that begin to speak only add error.)",
        ),
        Step(
            label="stationary.dropped-error",
            statement=equal(
                (1 - 1 / T - u**2) ** 2 + (T - 1) / T**2 + 2 * u * s / T + alpha * u**2,
                1 - 1 / T + _held * (u + s / (T * _held)) ** 2 - s**2 / (T**2 * _held) + u**4,
            ),
            domain={
                T: Integers(5, 12),
                u: Interval("-3/2", 2),
                s: Interval("-3/4", 1),
                alpha: Interval(3, 6),
            },
            why="Others that add up to s ≠ 0, with second moment α along s, at c = 1/T: the least over u is 1 − "
            "1/T − s²/(T²κ) up to the fourth order, κ = α − 2(1 − 1/T), so the dropped point's error falls below "
            "1 − 1/T. If the others are free they can grow by a factor, which keeps their loss 0 and makes every "
            "constraint loose, and then shift, so that s ≠ 0, as near to the start as one likes.",
        ),
    ),
    conclusion="With the others held and adding up to 0, a dropped point is a strict minimum where λ_min(M) > 2(1 "
    "− 1/T), several are where λ_min(M) > 2. With the others free it is no local minimum of the loss, only a "
    "stationary point: nothing but decay keeps the others a regular polygon.",
)

DERIVATIONS = (_TWO_CIRCLES, _DROPPED)
