"""Proof that the threshold of repeats grows like the square root of the number of datapoints."""

from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import closed_form, equal
from theory.derivations.symbols import symbol

T, p, x, y, s, u, v = symbol("T p x y s u v")

UNIT = Interval("1/8", "7/8")
DEVIATION = Interval(-2, 2)

_SQUARE_ROOT = closed_form(
    "repetition.square-root",
    "The threshold of repeats grows like the square root of $T/n$",
    assumptions=r"`repetition.zero-bias`: zero bias, exactly five stored directions; energies are "
    r"independent and normal: $Tp$ is large; the point shares its features with the data",
    source="ours; Jermyn's comment to Henighan et al. 2023 measured 0.4 $T/n$",
    steps={
        "repetition.energy-variance": (
            equal(T * (p * y - (p * x) ** 2), (y / x - p * x) * (T * p * x)),
            {T: Integers(1, 40), p: UNIT, x: UNIT, y: UNIT},
            "An energy is a sum of $T$ independent squares, each present with probability $p$, with means $x "
            r"= E a^2$ and $y = E a^4$. Its variance over its mean is $\kappa - pE a^2$, $\kappa = E a^4/E "
            "a^2$; the mean is $T/n$ (`amplitudes.second-moment`), and $pE a^2 = 1/n$.",
        ),
        "repetition.cancellation": (
            equal((x + s) - (p * (x + u) + (1 - p) * (x + v)), s - p * u - (1 - p) * v),
            {x: Interval(1, 9), s: DEVIATION, u: DEVIATION, v: DEVIATION, p: UNIT},
            r"$R = e_{(5)} - \sum_k e_k X_k^2$ with every energy written as $x = T/n$ and a deviation. The "
            "$X_k^2$ add up to 1 (here $p$ and $1 - p$): $T/n$ cancels. What the point's own features "
            r"deviate by is 0 on average. The fifth largest of $n$ deviations is $z_5(n)\sqrt{\kappa T/n}$ "
            "on average, $z_5(n)$ that of standard normals (`repetition.order`).",
        ),
    },
    conclusion=r"$R \approx z_5(n)\sqrt{\kappa T/n}$. Only a point that shares no feature with the data "
    "needs $R = e_{(5)}$, which is proportional to $T/n$.",
)

DERIVATIONS = (_SQUARE_ROOT,)
