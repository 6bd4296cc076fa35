"""What the loss is worth at infinite data: zero output, biases alone (`generalization.bias-only`), a polygon, a sea.

Present features (p = 1 − S) follow the normalized law. With empty datapoints a zero output loses P = P(x ≠
0) = 1 − S^n; data drawn non-empty (as by `numerics.draw_dataset`) divide p by P.
"""

from dataclasses import dataclass

from theory.features.amplitudes import normalized


@dataclass(frozen=True, slots=True, kw_only=True)
class LossBudget:
    """Losses at infinite data."""

    non_empty: float  #: P(x ≠ 0) of a datapoint drawn without condition
    mean_amplitude: float  #: E a of a feature that is present
    feature_energy: float  #: E x_i² of one feature; n of them add up to `zero_output`
    zero_output: float  #: loss of the output 0
    bias_only: float  #: loss of the best constant output
    best_bias: float  #: that output, E x_i

    def with_features(self, gain: float, features: int) -> float:
        """Loss of `features` features worth `gain` perfect ones, with biases alone for the others.
        An estimate to first order in the density: it neglects what several present features do together.
        """
        return self.bias_only + features * self.best_bias**2 - gain * self.feature_energy


def loss_budget(n: int = 10_000, sparsity: float = 0.999, *, with_empty: bool = False) -> LossBudget:
    """The losses that need no weights, and the unit of those that do (`generalization.bias-only`).
    n ≥ 1, 0 < sparsity < 1; `with_empty` counts empty datapoints, which the data of this toolkit have not. P and
    zero_output are exact, E a and what follows from it to 1e-7. Raises ValueError: n < 1 or a sparsity outside (0, 1).

    >>> paper = loss_budget(with_empty=True)
    >>> round(paper.mean_amplitude, 6), f"{paper.zero_output - paper.bias_only:.2e}"
    (0.272065, '7.40e-04')
    """
    law = normalized(n, sparsity)
    non_empty = 1.0 - sparsity**n
    scale = 1.0 if with_empty else 1 / non_empty
    zero = non_empty * scale
    bias = (1.0 - sparsity) * law.moment(1) * scale
    return LossBudget(
        non_empty=non_empty,
        mean_amplitude=law.moment(1),
        feature_energy=zero / n,
        zero_output=zero,
        bias_only=zero - n * bias**2,
        best_bias=bias,
    )
