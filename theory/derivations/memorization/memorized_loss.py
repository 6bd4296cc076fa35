"""The loss on fresh datapoints of a model that memorizes data with disjoint supports."""

from sympy import cos, pi, sin

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, u, v, x, y, t, r, s, phi = symbol("T u v x y t r s phi")

UNIT = Interval(0, 1)

_TEST_LOSS = closed_form(
    "memorization.test-loss",
    "The test loss of a model that memorizes",
    assumptions=r"datapoints of unit norm with disjoint supports; $W = \sum_t h_t X_t^\top$ and $b = "
    r"\sum_t c_t X_t$: no weight outside the data span, none on unseen features; "
    r"`memorization.tgon-test-loss`: a fresh datapoint shares one feature with the data",
    source="ours",
    steps={
        "memorization.test-loss-point": (
            equal(
                (x - t * cos(phi)) ** 2 + (y - t * sin(phi)) ** 2,
                x**2 + y**2 - 2 * t * (x * cos(phi) + y * sin(phi)) + t**2,
            ),
            {x: UNIT, y: UNIT, t: Interval(0, 2), phi: Interval("1/8", "3/2")},
            r"On the support of $X_s$ the outputs are $X_{sk} \mathrm{ReLU}(z_s)$, $z = H^\top H u + c$, "
            r"because $W^\top W x = \sum_s X_s h_s \cdot Hu$. Their error is $\sum_k (x_k - X_{sk} t)^2$ "
            r"with $t = \mathrm{ReLU}(z_s)$, here for two features, and $\sum_k X_{sk}^2 = 1$, $\sum_k "
            "X_{sk} x_k = u_s$. Other outputs are 0.",
        ),
        "memorization.simplex-test-loss": (
            equal((1 - 1 / T) * u - v / T + 1 - (1 - 1 / T), u + (1 - (u + v)) / T),
            {T: Integers(2, 40), u: UNIT, v: UNIT},
            r"The simplex has $H^\top H = I - 11^\top/T$ and $c = 1/T$: every output fires at $1/T$ on a "
            "datapoint that shares nothing, so the loss is near $1 + 1/T$.",
        ),
        "memorization.test-loss-neighbour": (
            equal(
                cos(2 * pi / T) / (1 - cos(2 * pi / T)) * u + 1 - 1 / (1 - cos(2 * pi / T)),
                -(1 / (1 - cos(2 * pi / T)) - 1) * (1 - u),
            ),
            {T: Integers(4, 40), u: UNIT},
            "On the T-gon of squared radius $r$ a datapoint that shares one feature with $X_s$ leaves the "
            r"neighbours of $s$ silent: their $z$ is $-(r - 1)(1 - u) \le 0$, and farther ones lie lower.",
        ),
        "memorization.tgon-test-loss": (
            equal(2 * u * (1 - r * (1 - u)) - (1 - r * (1 - u)) ** 2, u**2 - (r - 1) ** 2 * (1 - u) ** 2),
            {u: UNIT, r: Interval("1/2", 8)},
            r"Its own output is $z = 1 - r(1 - u)$ where that is positive, $u \gt 1 - 1/r = \cos(2\pi/T)$, "
            "and takes $2uz - z^2 = u^2 - (u - z)^2$ off the loss.",
        ),
        "memorization.test-loss-gain": (
            equal((1 - s / r) ** 2 - (r - 1) ** 2 * (s / r) ** 2, (1 - s) * (1 + s - 2 * s / r)),
            {s: UNIT, r: Interval(1, 8)},
            r"With $u = 1 - s/r$ every output that fires has $0 \le s \le 1$: what it takes off is never "
            r"negative, as $r \ge 1$ makes the second factor at least $1 - s$.",
        ),
    },
    conclusion=r"$L = \lVert x\rVert^2 + \sum_t (\mathrm{ReLU}(z_t)^2 - 2u_t \mathrm{ReLU}(z_t))$. The "
    r"simplex loses about $1 + 1/T$. The T-gon, $T \ge 4$, never loses more than the zero output to first "
    r"order: at $T = 4$ it saves $u^2$, at larger $T$ ever rarer overlaps above $\cos(2\pi/T)$ save "
    "anything.",
)

DERIVATIONS = (_TEST_LOSS,)
