"""What the loss is worth at infinite data: zero output, biases alone (`generalization.bias-only`), a polygon, a sea.

Features are present with p = 1 − S over P(x ≠ 0) = 1 − S^n, as no datapoint is empty, and follow the normalized law.
"""

from dataclasses import dataclass

from theory.features.amplitudes import normalized


@dataclass(frozen=True, slots=True, kw_only=True)
class LossBudget:
    """Losses at infinite data."""

    feature_energy: float  #: E x_i² of one feature; n of them add up to `zero_output`
    zero_output: float  #: loss of the output 0
    bias_only: float  #: loss of the best constant output
    best_bias: float  #: that output, E x_i

    def with_features(self, gain: float, features: int) -> float:
        """Loss of `features` features worth `gain` perfect ones, with biases alone for the others.
        An estimate to first order in the density: it neglects what several present features do together.
        """
        return self.bias_only + features * self.best_bias**2 - gain * self.feature_energy


def loss_budget(n: int = 10_000, sparsity: float = 0.999) -> LossBudget:
    """The losses that need no weights, and the unit of those that do (`generalization.bias-only`).
    n ≥ 1, 0 < sparsity < 1. The energies are exact, E x_i and what follows from it to 1e-7. Raises ValueError: n < 1 or
    a sparsity outside (0, 1).

    >>> paper = loss_budget()
    >>> f"{paper.zero_output - paper.bias_only:.2e}"
    '7.40e-04'
    """
    bias = (1.0 - sparsity) * normalized(n, sparsity).moment(1) * (1 / (1.0 - sparsity**n))
    return LossBudget(feature_energy=1 / n, zero_output=1.0, bias_only=1.0 - n * bias**2, best_bias=bias)
