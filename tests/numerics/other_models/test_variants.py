"""Variants: each is trained as plain torch would train it, and its errors are those of its outputs."""

import numpy as np
import pytest
import torch

from numerics import draw_dataset
from numerics.other_models.variants import (
    STANDARD,
    VARIANTS,
    Variant,
    draw_variant_start,
    train_variant,
    variant_errors,
    variant_hidden,
)
from numerics.schedule import learning_rates
from tests.numerics.cases import EPS64, excess, gamma
from theory import Setting

SETTING = Setting(T=7, n=60, sparsity=0.9, steps=40, dtype="float64")
#: Each step moves a parameter by at most about lr, with the relative error of its gradient (up to 1e3 roundings of
#: summands that do not cancel to less than a thousandth), and rounds the parameter, which is below 1, once.
DRIFT = SETTING.steps * (SETTING.lr * 1e3 * 1e3 + 1) * EPS64


def outputs(W, D, b, X, variant):
    """Hidden vectors and outputs of a variant in plain torch."""
    h = torch.relu(W @ X) if variant.hidden_relu else W @ X
    return h, torch.relu(D.T @ h + b[:, None])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_training_is_adamw_on_the_module(variant):
    """Rounding alone tells the two apart, and tells another variant, AdamW or start."""
    data = draw_dataset(SETTING)
    X = torch.as_tensor(data.dense())
    W, D, b = (torch.tensor(part, requires_grad=True) for part in draw_variant_start(SETTING, variant))
    D = D if variant.untied else W
    parameters = [W, D, b] if variant.untied else [W, b]
    optimizer = torch.optim.AdamW(parameters, weight_decay=SETTING.weight_decay)
    for rate in learning_rates(SETTING):
        optimizer.param_groups[0]["lr"] = float(rate)
        optimizer.zero_grad()
        loss = (X - outputs(W, D, b, X, variant)[1]).abs().pow(variant.power).sum() / X.shape[1]
        loss.backward()
        optimizer.step()
    found = train_variant(SETTING, variant)
    for one, other in ((found.W, W), (found.D, D), (found.b, b)):
        assert np.abs(one - other.detach().numpy()).max() < DRIFT
    others = [train_variant(SETTING, other) for other in VARIANTS if other != variant]
    assert min(np.abs(other.W - found.W).max() for other in others) > DRIFT
    for change in ({"weight_decay": 0.02}, {"adam_epsilon": 2e-8}, {"warmup": 3}, {"seed": 1}):
        assert np.abs(train_variant(SETTING.replace(**change), variant).W - found.W).max() > DRIFT


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_errors_and_hidden_vectors_are_those_of_the_module(variant):
    run, data = train_variant(SETTING, variant), draw_dataset(SETTING.replace(seed=1))
    W, D, b, X = map(torch.as_tensor, (run.W, run.D, run.b, data.dense()))
    hidden, found = outputs(W, D, b, X, variant)
    H = W.abs() @ X
    size = (D.abs().T @ H + b.abs()[:, None] + X).numpy()
    assert excess(variant_hidden(run, data) - hidden.numpy(), gamma(2 * data.n, EPS64) * H) <= 1
    for power in (1, 2, 4):
        expected = (X - found).abs().pow(power).sum(0).numpy()
        roundings = gamma(2 * power * (2 * data.n + 6) + data.n, EPS64)
        bound = roundings * (size**power).sum(axis=0)
        assert excess(variant_errors(run, data, power) - expected, bound) <= 1


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
