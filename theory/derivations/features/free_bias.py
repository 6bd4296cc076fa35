"""Proofs about amplitudes and the free bias of a polygon of features.

Normalisation: amplitudes a after the scaling of the data, one active feature at a time, losses of one
feature; r the squared radius and b the bias of the k-gon.

Equation labels: `amplitudes.normalized-density`, `amplitudes.second-moment`,
`generalization.free-bias-loss`, `generalization.constant-law`, `generalization.uniform-loss`,
`generalization.bias-only` and their steps.
"""

from __future__ import annotations

from sympy import Derivative, Expr, Rational, acos, cos, exp, log, pi, sqrt

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Derivation, Step, equal
from theory.derivations.symbols import symbol

__all__ = ["DERIVATIONS"]

k, r, a, b, x, y, t, n, p, g = symbol("k r a b x y t n p g")


def _value_at(amplitude: Expr) -> Expr:
    """The value u before scaling that becomes this amplitude where the other squares add up to y."""
    return amplitude * sqrt(y) / sqrt(1 - amplitude**2)


_DENSITY = Derivation(
    label="amplitudes.normalized-density",
    title="The density of a feature's value in data scaled to unit norm",
    standing="theorem",
    assumptions=(
        "features are present independently with probability p, their values uniform on [0, 1]",
        "each datapoint is scaled to unit norm",
    ),
    source="the data of Henighan et al. 2023, section 'Experiment Setup'; the density is ours",
    steps=(
        Step(
            label="amplitudes.scaled-value",
            statement=equal(_value_at(x) ** 2 / (_value_at(x) ** 2 + y), x**2),
            domain={x: Interval("1/8", "7/8"), y: Interval("1/4", 4)},
            why="a = u/√(u² + s) grows with u, and at s = y it is x for u = x√y/√(1−x²). So P(a ≤ x | s = y) is that "
            "u, as long as u ≤ 1, that is y ≤ (1−x²)/x².",
        ),
        Step(
            label="amplitudes.conditional-density",
            statement=equal(Derivative(_value_at(x), x), sqrt(y) * (1 - x**2) ** Rational(-3, 2)),
            domain={x: Interval("1/8", "7/8"), y: Interval("1/4", 4)},
            why="The density of a given s = y; its mean over s is f(x). s = 0 leaves an atom at a = 1.",
        ),
        Step(
            label="amplitudes.two-squares",
            statement=equal(
                Derivative(
                    2 * x**3 * (pi / 4 - acos(1 / x)) / 3
                    + (x * sqrt(x**2 - 1) + log(x + sqrt(x**2 - 1))) / 3,
                    x,
                ),
                2 * x**2 * (pi / 4 - acos(1 / x)),
            ),
            domain={x: Interval("9/8", "11/8")},
            why="Two squares add up to s with density π/4 below 1 and π/4 − arccos(1/√s) from 1 to 2: half the angle "
            "of the arc of radius √s inside the unit square. With x = √s this is the integral behind E[√s; s ≤ y].",
        ),
    ),
    conclusion="f(x) = (1−x²)^(−3/2) E[√s; s ≤ (1−x²)/x²], with an atom (1−p)^(n−1) at 1.",
)

_SECOND_MOMENT = Derivation(
    label="amplitudes.second-moment",
    title="n p E a² = P(x ≠ 0)",
    standing="theorem",
    assumptions=("`amplitudes.normalized-density`",),
    source="ours",
    steps=(
        Step(
            label="amplitudes.laplace-form",
            statement=equal(
                -Derivative((1 - p + p * exp(-t * x)) ** n, t),
                n * p * x * exp(-t * x) * (1 - p + p * exp(-t * x)) ** (n - 1),
            ),
            domain={n: Integers(1, 6), p: Interval("1/8", "7/8"), t: Interval(0, 2), x: Interval("1/4", 1)},
            why="u²/(u² + s) = ∫ u² exp(−t(u² + s)) dt over t > 0. The Laplace transform of one square is 1 − p + "
            "pφ(t), φ the mean of exp(−t u²) (here at one value x of u²; its mean over u obeys the same chain "
            "rule). So n p E a² is the integral of this derivative: 1 at t = 0 less (1−p)^n at infinity.",
        ),
        Step(
            label="amplitudes.square-integral",
            statement=equal(Derivative(-x * exp(-t * (x + y)) / (x + y), t), x * exp(-t * (x + y))),
            domain={t: Interval(0, 2), x: Interval("1/4", 1), y: Interval("1/3", 4)},
            why="The integral over t > 0 used in the step before, with x = u² and y = s.",
        ),
    ),
    conclusion="Σ_i E x_i² = n p E a² = 1 − (1−p)^n, the probability of a datapoint that is not empty.",
)

_LOSS = Derivation(
    label="generalization.free-bias-loss",
    title="One feature's loss on a polygon with a bias",
    standing="theorem",
    assumptions=("one active feature at a time", "all k features share r and b"),
    source="ours",
    steps=(
        Step(
            label="generalization.own-and-others",
            statement=equal((a - (r * a + b)) ** 2 - a**2, (r * a + b) * ((r * a + b) - 2 * a)),
            domain={r: Interval("1/8", 3), a: Interval("1/8", 1), b: Interval(-2, 0)},
            why="Where the own output is active; elsewhere the change is 0. The output d vertices away should be 0 and "
            "costs its own square, so that loss − E a² is a sum of expectations over intervals of a.",
        ),
        Step(
            label="generalization.four-features",
            statement=equal(cos(2 * pi / k), (k - 4) / 2),
            domain={k: Integers(2, 4)},
            why="k = 2, 3, 4: the largest cosine to another vertex is −1, −1/2, 0, never positive. So r = 1, b = 0 is "
            "exact for every law; for a law with two different amplitudes r a + b = a has no other solution.",
        ),
    ),
    conclusion="gain(r, b) = k(1 − loss/E a²), and k ≤ 4 gains k.",
)

_CONSTANT = Derivation(
    label="generalization.constant-law",
    title="Constant amplitudes: every k is exact, by the T-gon",
    standing="theorem",
    assumptions=("every amplitude is a", "one active feature at a time"),
    source="ours; the same polygon as `memorization.tgon-norm`",
    steps=(
        Step(
            label="generalization.constant-own",
            statement=equal(a / (1 - cos(2 * pi / k)) + a * (1 - 1 / (1 - cos(2 * pi / k))), a),
            domain={k: Integers(2, 12), a: Interval("1/8", 2)},
            why="r = 1/(1 − cos(2π/k)), b = a(1 − r): the own output is r a + b = a.",
        ),
        Step(
            label="generalization.constant-neighbour",
            statement=equal(
                a * cos(2 * pi / k) / (1 - cos(2 * pi / k)) + a * (1 - 1 / (1 - cos(2 * pi / k))), 0
            ),
            domain={k: Integers(2, 12), a: Interval("1/8", 2)},
            why="The neighbour's output is at its threshold, and every other vertex has a smaller cosine: no loss. "
            "Of all solutions without loss this has the least ‖W‖ (`memorization.tgon-norm`).",
        ),
    ),
    conclusion="The gain is k for every k ≥ 2. Six points have length √2 and b = −a.",
)

_UNIFORM = Derivation(
    label="generalization.uniform-loss",
    title="Uniform amplitudes: the loss in closed form",
    standing="closed form",
    assumptions=("amplitudes are uniform on [0, 1]", "−r < b ≤ 0", "`generalization.free-bias-loss`"),
    source="ours",
    steps=(
        Step(
            label="generalization.uniform-own",
            statement=equal(Derivative(((1 - r) * x - b) ** 3 / (3 * (1 - r)), x), (x - (r * x + b)) ** 2),
            domain={r: Interval("9/8", 3), b: Interval(-1, 0), x: Interval("1/8", 1)},
            why="The own output is active above the cut −b/r; r = 1 is the limit.",
        ),
        Step(
            label="generalization.uniform-cut",
            statement=equal((1 - r) * (-b / r) - b, -b / r),
            domain={r: Interval("9/8", 3), b: Interval(-1, 0)},
            why="At the cut x = −b/r the error is the amplitude itself; below, a silent output costs ∫ a² da = x³/3.",
        ),
        Step(
            label="generalization.uniform-neighbour",
            statement=equal(Derivative((r * g * x + b) ** 3 / (3 * r * g), x), (r * g * x + b) ** 2),
            domain={
                r: Interval("9/8", 3),
                g: Interval("1/8", "7/8"),
                b: Interval(-1, 0),
                x: Interval("1/8", 1),
            },
            why="A vertex at cosine g > 0 is active above −b/(r g), where the antiderivative vanishes.",
        ),
    ),
    conclusion="With x = −b/r, the amplitude below which the own output is silent, the loss is x³/3 + ((1−r−b)³ − "
    "x³)/(3(1−r)) + Σ max(0, r cos(2πd/k) + b)³/(3 r cos(2πd/k)), the sum over cosines above 0.",
)


_BIAS_ONLY = Derivation(
    label="generalization.bias-only",
    title="The best constant output",
    standing="theorem",
    assumptions=("W = 0",),
    source="ours",
    steps=(
        Step(
            label="generalization.constant-output",
            statement=equal(y - 2 * b * x + b**2, (y - x**2) + (b - x) ** 2),
            domain={b: Interval(-1, 1), x: Interval("1/8", 1), y: Interval("1/4", 4)},
            why="x = E x_i = p E a and y = E x_i²: the loss of output b ≥ 0 is least at b = p E a, so n features lose "
            "n E x_i² − n(p E a)², and n E x_i² = P(x ≠ 0) by `amplitudes.second-moment`.",
        ),
    ),
    conclusion="Biases alone lose P(x ≠ 0) − n(p E a)².",
)

DERIVATIONS = (_DENSITY, _SECOND_MOMENT, _LOSS, _CONSTANT, _UNIFORM, _BIAS_ONLY)
