"""Variants: gradients in NumPy that are those of autograd, and AdamW written down anew that is torch's."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numerics import Dataset, draw_dataset
from numerics.other_models.variants import (
    STANDARD,
    VARIANTS,
    Variant,
    VariantRun,
    draw_variant_start,
    train_variant,
    variant_errors,
    variant_gradients,
    variant_hidden,
)
from tests.numerics.cases import draw_columns, excess, gamma
from theory import Setting

EPS = float(np.finfo(np.float64).eps)
SETTING = Setting(T=7, n=60, sparsity=0.9, steps=40, dtype="float64")
#: Each step moves a parameter by at most about lr, with the relative error of its gradient (up to 1e3 roundings of
#: summands that do not cancel to less than a thousandth), and rounds the parameter, which is below 1, once.
DRIFT = SETTING.steps * (SETTING.lr * 1e3 * 1e3 + 1) * EPS


def specified(W, D, b, X, variant):
    """Hidden vectors and outputs of a variant in plain torch."""
    h = torch.relu(W @ X) if variant.hidden_relu else W @ X
    return h, torch.relu(D.T @ h + b[:, None])


def specified_loss(W, D, b, X, variant):
    return (X - specified(W, D, b, X, variant)[1]).abs().pow(variant.power).sum() / X.shape[1]


def leaves(W, D, b, variant):
    """Tensors that collect gradients; D is W itself where weights are tied."""
    W, D, b = (torch.tensor(part, requires_grad=True) for part in (W, D, b))
    return W, D if variant.untied else W, b


@dataclasses.dataclass(frozen=True)
class Case:
    """Parameters of a variant and data to evaluate it on."""

    variant: Variant
    data: Dataset
    W: np.ndarray
    D: np.ndarray
    b: np.ndarray

    def autograd(self):
        """Gradients by torch, those of tied weights summed into the first."""
        W, D, b = leaves(self.W, self.D, self.b, self.variant)
        specified_loss(W, D, b, torch.as_tensor(self.data.dense()), self.variant).backward()
        return [part.grad.numpy() for part in ((W, b, D) if self.variant.untied else (W, b))]

    def sizes(self):
        """Bounds on the rounding of each gradient: sizes of summands times the roundings each of them goes through."""
        X, W, D, b = self.data.dense(), np.abs(self.W), np.abs(self.D), np.abs(self.b)
        n, T = X.shape
        H = W @ X
        Z = D.T @ H + b[:, None]
        p = self.variant.power
        slope = p * (Z + X) ** (p - 1)
        roundings = gamma(2 * p * (2 * n + 6) + n + T + 20, EPS)
        db, dD, dW = slope.sum(axis=1), slope @ H.T, X @ (D @ slope).T
        parts = [dW.T, db, dD.T] if self.variant.untied else [(dW + dD).T, db]
        return [roundings / T * part for part in parts]


@st.composite
def cases(draw):
    variant = draw(st.sampled_from(VARIANTS))
    n, T = draw(st.integers(1, 20)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["sparse", "copies", "all features"]))
    data = Dataset.from_dense(draw_columns(random, kind, n, T))
    W = random.normal(size=(2, n)) * draw(st.sampled_from([0.3, 1.0, 3.0]))
    D = random.normal(size=(2, n)) if variant.untied else W.copy()
    return Case(variant, data, W, D, 0.3 * random.normal(size=n))


@given(case=cases())
def test_gradients_are_those_of_autograd(case):
    """Kinks are hit with probability 0: parameters are drawn from densities."""
    expected = case.autograd()
    found = variant_gradients(case.W, case.D, case.b, case.data.sparse(), case.variant)
    for one, other, bound in zip(found, expected, case.sizes(), strict=True):
        assert excess(one - other, bound) <= 1


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_comparison_tells_the_variants_apart(variant):
    """The negative control: another variant's gradient is far outside the bounds that equality is held to."""
    random = np.random.default_rng(1)
    data = Dataset.from_dense(draw_columns(random, "sparse", 20, 9))
    W, D, b = random.normal(size=(2, 20)), random.normal(size=(2, 20)), 0.3 * random.normal(size=20)
    for other in VARIANTS:
        if other.untied != variant.untied or other == variant:
            continue
        case = Case(variant, data, W, D if variant.untied else W, b)
        expected = case.autograd()
        found = variant_gradients(case.W, case.D, case.b, data.sparse(), other)
        parts = zip(found, expected, case.sizes(), strict=True)
        assert max(excess(one - two, bound) for one, two, bound in parts) > 1e6


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_training_is_adamw_on_the_module(variant):
    """Against torch's own optimizer; where the loss has a kink at every hit (p = 1) too, as none is hit exactly.

    Rounding alone tells the two apart, and tells another AdamW or start.
    """
    from numerics.schedule import learning_rates

    data = draw_dataset(SETTING)
    X, (W, D, b) = torch.as_tensor(data.dense()), leaves(*draw_variant_start(SETTING, variant), variant)
    parameters = [W, D, b] if variant.untied else [W, b]
    optimizer = torch.optim.AdamW(parameters, weight_decay=SETTING.weight_decay)
    for rate in learning_rates(SETTING):
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.zero_grad()
        specified_loss(W, D, b, X, variant).backward()
        optimizer.step()
    found = train_variant(SETTING, variant)
    for one, other in ((found.W, W), (found.D, D), (found.b, b)):
        assert np.abs(one - other.detach().numpy()).max() < DRIFT
    if not variant.untied:
        assert (found.D == found.W).all()
    for change in ({"weight_decay": 0.02}, {"adam_epsilon": 2e-8}, {"warmup": 3}, {"seed": 1}):
        assert np.abs(train_variant(SETTING.replace(**change), variant).W - found.W).max() > DRIFT


@given(case=cases(), power=st.sampled_from([1, 2, 4]))
def test_errors_and_hidden_vectors_are_those_of_the_module(case, power):
    run = VariantRun(SETTING, case.variant, case.W, case.D, case.b)
    W, D, b, X = map(torch.as_tensor, (case.W, case.D, case.b, case.data.dense()))
    hidden, outputs = specified(W, D, b, X, case.variant)
    hidden, expected = hidden.numpy(), (X - outputs).abs().pow(power).sum(0).numpy()
    H = np.abs(case.W) @ case.data.dense()
    size = np.abs(case.D).T @ H + np.abs(case.b)[:, None] + case.data.dense()
    roundings = gamma(2 * power * (2 * case.data.n + 6) + case.data.n, EPS)
    bound = roundings * (size**power).sum(axis=0)
    assert excess(variant_errors(run, case.data, power) - expected, bound) <= 1
    assert excess(variant_hidden(run, case.data) - hidden, gamma(2 * case.data.n, EPS) * H) <= 1


def test_a_decoder_of_its_own_is_drawn_independently():
    W, D, _ = draw_variant_start(Setting(T=2, n=4000), Variant("untied", untied=True))
    correlation = float(np.mean(W * D) / (W.std() * D.std()))
    assert abs(correlation) < 5 / np.sqrt(W.size)
    assert abs(D.std() / W.std() - 1) < 5 / np.sqrt(W.size)
    assert (draw_variant_start(Setting(T=2, n=4000), STANDARD)[0] == W).all()


def test_a_run_that_diverges_says_so():
    setting = SETTING.replace(dtype="float32", lr=1e30, weight_decay=0.0)
    run = train_variant(setting, STANDARD)
    assert run.diverged
    assert np.isnan(variant_errors(run, draw_dataset(setting), 2)).all()
