"""The fused loss and gradients of the cpu engine against torch autograd in float64, to rounding bounds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Dataset, ReluOutputModel, draw_dataset, reconstruction_loss
from numerics.engines.cpu.kernels import BLOCK
from numerics.engines.cpu.trajectory import point_errors
from tests.numerics.cases import (
    BIASES,
    DATA,
    HIDDEN_DIMS,
    Problem,
    draw_columns,
    excess,
    problems,
    reference_loss_and_gradients,
    rounding_bounds,
)
from theory import Setting

DTYPES = {torch.float32: float(np.finfo(np.float32).eps), torch.float64: float(np.finfo(np.float64).eps)}


def fused(problem: Problem, dtype: torch.dtype) -> tuple[float, np.ndarray, np.ndarray]:
    W = torch.tensor(problem.W, dtype=dtype, requires_grad=True)
    b = torch.tensor(problem.b, dtype=dtype, requires_grad=True)
    loss = reconstruction_loss(W, b, problem.data)
    loss.backward()
    assert (loss.dtype, W.grad.dtype, b.grad.dtype) == (dtype, dtype, dtype)
    return float(loss.detach()), W.grad.numpy().astype(np.float64), b.grad.numpy().astype(np.float64)


def disagreement(problem: Problem, dtype: torch.dtype, claimed: Problem | None = None) -> float:
    """How many times its rounding bound the engine is off the reference (of another problem, for controls)."""
    eps = DTYPES[dtype]
    expected = reference_loss_and_gradients(claimed or problem)
    loss_bound, W_bound, b_bound = rounding_bounds(problem, eps)
    exact = float(np.finfo(np.float64).eps)
    # the loss is summed in float64 whatever the dtype and rounded once; the reference itself rounds too
    loss_bound = 2 * loss_bound * exact / eps + eps / 2 * abs(expected[0])
    _, W_own, b_own = rounding_bounds(problem, exact)
    loss, W, b = fused(problem, dtype)
    return max(
        excess(loss - expected[0], loss_bound),
        excess(W - expected[1], W_bound + W_own),
        excess(b - expected[2], b_bound + b_own),
    )


@given(problems(hidden_dims=HIDDEN_DIMS))
def test_float32_equals_autograd(problem: Problem) -> None:
    assert disagreement(problem, torch.float32) <= 1


@given(problems(hidden_dims=(2,), float32=False))
def test_float64_equals_autograd(problem: Problem) -> None:
    assert disagreement(problem, torch.float64) <= 1


def test_ten_hidden_dimensions() -> None:
    random = np.random.default_rng(3)
    X = draw_columns(random, "shared feature", BLOCK + 5, 7)
    problem = Problem(
        Dataset.from_dense(X), random.normal(size=(10, BLOCK + 5)), np.zeros(BLOCK + 5), ("", "")
    )
    assert disagreement(problem, torch.float64) <= 1


def typical(data_kind: str = "sparse", n: int = BLOCK + 9, T: int = 6) -> Problem:
    random = np.random.default_rng(11)
    X = draw_columns(random, data_kind, n, T).astype(np.float32).astype(np.float64)
    W = (random.normal(size=(2, n)) * 0.5).astype(np.float32).astype(np.float64)
    b = (random.normal(size=n) * 0.1).astype(np.float32).astype(np.float64)
    return Problem(Dataset.from_dense(X), W, b, (data_kind, "small"))


def weight_sign(problem: Problem) -> Problem:
    W = problem.W.copy()
    W[0, problem.data.indices[0]] *= -1
    return dataclasses.replace(problem, W=W)


def bias_sign(problem: Problem) -> Problem:
    return dataclasses.replace(problem, b=-problem.b)


def one_point_fewer(problem: Problem) -> Problem:
    return dataclasses.replace(problem, data=Dataset.from_dense(problem.data.dense()[:, :-1]))


def one_entry_moved(problem: Problem) -> Problem:
    X = problem.data.dense()
    rows = np.argsort(X[:, 0])
    X[rows[[0, -1]], 0] = X[rows[[-1, 0]], 0]
    return dataclasses.replace(problem, data=Dataset.from_dense(X))


def one_entry_scaled(problem: Problem) -> Problem:
    values = problem.data.values.copy()
    values[0] *= 1.01
    return dataclasses.replace(problem, data=dataclasses.replace(problem.data, values=values))


def one_bias_shifted(problem: Problem) -> Problem:
    b = problem.b.copy()
    b[np.abs(reference_loss_and_gradients(problem)[2]).argmax()] += 0.01
    return dataclasses.replace(problem, b=b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "wrong", [weight_sign, bias_sign, one_point_fewer, one_entry_moved, one_entry_scaled, one_bias_shifted]
)
def test_the_bound_sees_a_wrong_input(wrong, dtype: torch.dtype) -> None:
    problem = typical()
    assert disagreement(problem, dtype) <= 1
    assert disagreement(problem, dtype, claimed=wrong(problem)) > 1


@pytest.mark.parametrize("dropped", ["last feature", "last point", "factor", "encoder path"])
def test_the_bound_sees_a_wrong_gradient(dropped: str) -> None:
    """Errors an implementation could make, put into the gradient itself at the most forgiving size, n ≈ 500."""
    problem = typical()
    _, W, _ = reference_loss_and_gradients(problem)
    bound = rounding_bounds(problem, DTYPES[torch.float32])[1]
    wrong = W.copy()
    if dropped == "last feature":
        wrong[:, np.flatnonzero(np.abs(W).max(axis=0))[-1]] = 0
    elif dropped == "last point":
        wrong = (
            reference_loss_and_gradients(one_point_fewer(problem))[1] * (problem.data.T - 1) / problem.data.T
        )
    elif dropped == "factor":
        wrong = W * 1.02
    else:
        X = problem.data.dense()
        hidden = problem.W @ X
        y = np.maximum(problem.W.T @ hidden + problem.b[:, None], 0)
        wrong = 2 / problem.data.T * hidden @ (y - X * (y > 0)).T
    assert excess(wrong - W, bound) > 1


def test_the_strategy_reaches_every_regime() -> None:
    """Kinds of data and bias, both sides of a block boundary, T with every remainder, unseen features, flips."""
    seen: set[object] = set()

    @given(problems(hidden_dims=HIDDEN_DIMS))
    def collect(problem: Problem) -> None:
        X, data = problem.data.dense(), problem.data
        outputs = problem.W.T @ (problem.W @ X) + problem.b[:, None]
        seen.update(problem.kind)
        seen.add(("remainder", data.T % 4))
        seen.add(("blocks", -(-data.n // BLOCK)))
        seen.update({"all off"} if (outputs < 0).all() else {"all on"} if (outputs > 0).all() else {"mixed"})
        seen.update({"unseen"} if not data.seen.all() else {"all seen"})
        seen.update({"shared"} if not data.has_disjoint_supports else {"orthogonal"})
        seen.update({"n=1"} if data.n == 1 else set(), {"T=1"} if data.T == 1 else set())

    settings(max_examples=300)(collect)()
    wanted = {
        *DATA,
        *BIASES,
        "all off",
        "all on",
        "mixed",
        "unseen",
        "all seen",
        "shared",
        "orthogonal",
        "T=1",
    }
    wanted |= {("remainder", k) for k in range(4)} | {("blocks", k) for k in (1, 2, 3)} | {"n=1"}
    assert wanted <= seen, wanted - seen


@given(problems(hidden_dims=HIDDEN_DIMS))
def test_point_errors_equal_the_model(problem: Problem) -> None:
    """The errors are those of the module, and never negative; bound: γ Σ (Z + x)² per point."""
    errors = point_errors(problem.W, problem.b, problem.data)
    X = problem.data.dense()
    model = ReluOutputModel(torch.as_tensor(problem.W), torch.as_tensor(problem.b))
    expected = ((X - model(torch.as_tensor(X)).detach().numpy()) ** 2).sum(axis=0)
    bound = 2 * problem.data.T * rounding_bounds(problem, DTYPES[torch.float64])[0]
    assert excess(errors - expected, bound) <= 1
    assert errors.min() >= 0


@given(problems(hidden_dims=HIDDEN_DIMS), st.randoms(use_true_random=False))
def test_permutations_only_permute(problem: Problem, random) -> None:
    """Relabelled features and reordered datapoints give the same loss and the relabelled gradients."""
    features = np.array(random.sample(range(problem.data.n), problem.data.n))
    points = np.array(random.sample(range(problem.data.T), problem.data.T))
    X = problem.data.dense()[features][:, points]
    permuted = Problem(Dataset.from_dense(X), problem.W[:, features], problem.b[features], problem.kind)
    eps = DTYPES[torch.float32]
    _, W_bound, b_bound = rounding_bounds(problem, eps)
    loss, W, b = fused(problem, torch.float32)
    loss_p, W_p, b_p = fused(permuted, torch.float32)
    loss_bound = 2 * rounding_bounds(problem, DTYPES[torch.float64])[0] + eps * loss
    assert excess(loss_p - loss, loss_bound) <= 1
    assert excess(W_p - W[:, features], 2 * W_bound[:, features]) <= 1
    assert excess(b_p - b[features], 2 * b_bound[features]) <= 1


@pytest.mark.parametrize("where", ["W seen", "W unseen", "b seen", "b unseen"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_cannot_hide(where: str, bad: float, dtype: torch.dtype) -> None:
    """The kernels are compiled to assume finite numbers; the loss must say when they were not."""
    n = 2 * BLOCK + 3
    data = Dataset.from_dense(np.eye(n)[:, :3])
    W, b = torch.full((2, n), 0.1, dtype=dtype), torch.zeros(n, dtype=dtype)
    target = W[0] if where[0] == "W" else b
    target[0 if where.endswith(" seen") else n - 1] = bad
    W.requires_grad_(), b.requires_grad_()
    loss = reconstruction_loss(W, b, data)
    loss.backward()
    assert not torch.isfinite(loss)
    assert not (torch.isfinite(W.grad).all() and torch.isfinite(b.grad).all())
    assert not np.isfinite(point_errors(W.detach().double().numpy(), b.detach().double().numpy(), data)).all()


def test_gradcheck_away_from_kinks() -> None:
    random = np.random.default_rng(0)
    data = Dataset.from_dense(draw_columns(random, "sparse", 7, 4))
    W = torch.tensor(random.normal(size=(2, 7)), requires_grad=True)
    b = torch.tensor(random.normal(size=7), requires_grad=True)
    outputs = (W.T @ (W @ torch.as_tensor(data.dense())) + b[:, None]).detach()
    assert outputs.abs().min() > 1e-3  # finite differences of 1e-6 stay on one side of every kink
    assert torch.autograd.gradcheck(lambda W, b: reconstruction_loss(W, b, data), (W, b))


def test_second_derivatives_are_refused() -> None:
    """They would silently lack the curvature of the loss: better an error than a wrong Hessian."""
    W, b = torch.eye(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    squared = reconstruction_loss(W * 0.5, b, np.eye(2)) ** 2
    (gradient,) = torch.autograd.grad(squared, W, create_graph=True)
    with pytest.raises(RuntimeError):
        torch.autograd.grad(gradient.sum(), W)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_own_training_loop(optimizer: type[torch.optim.Optimizer]) -> None:
    """A user's loop over the fused loss walks where it walks over the module's dense loss, in float64.

    Each step adds at most the gradient's rounding bound, over Adam's epsilon at worst; the bound below is measured
    on the walk itself: how far a start moved by that much drifts, times the number of steps it is added in.
    """
    steps = 60
    setting = Setting(T=4, n=40, sparsity=0.9, seed=2, dtype="float64")
    data = draw_dataset(setting)
    X = torch.as_tensor(data.dense())

    def walk(loss, moved: float = 0.0) -> np.ndarray:
        model = ReluOutputModel.initial(setting)
        with torch.no_grad():
            model.W += moved * torch.sign(model.W)
        own = optimizer(model.parameters(), lr=1e-2)
        for _ in range(steps):
            own.zero_grad()
            loss(model).backward()
            own.step()
        return torch.cat([model.W, model.b[None]]).detach().numpy()

    dense = walk(lambda model: model.loss(X))
    step_error = 2 * data.n * np.finfo(float).eps
    drift = np.abs(walk(lambda model: model.loss(X), moved=step_error) - dense).max()
    difference = np.abs(walk(lambda model: reconstruction_loss(model.W, model.b, data)) - dense).max()
    assert difference <= steps * drift
    wrong = np.abs(walk(lambda model: reconstruction_loss(model.W, 1.0001 * model.b, data)) - dense).max()
    assert wrong > steps * drift


def test_tensors_in_tensors_out() -> None:
    """Data may be a Dataset, an array or a tensor; W may be a strided view; gradients follow requires_grad."""
    random = np.random.default_rng(5)
    X = draw_columns(random, "sparse", 9, 3)
    stored = torch.tensor(random.normal(size=(9, 2)), requires_grad=True)
    b = torch.zeros(9, dtype=torch.float64)
    losses = [
        reconstruction_loss(stored.T, b, given)
        for given in (X, torch.as_tensor(X), torch.tensor(X, requires_grad=True), Dataset.from_dense(X))
    ]
    assert all(torch.equal(loss, losses[0]) and loss.ndim == 0 for loss in losses)
    losses[0].backward()
    assert stored.grad.shape == (9, 2)
    assert b.grad is None
    scaled = stored.detach().clone().requires_grad_()
    (3 * reconstruction_loss(scaled.T, b, X)).backward()
    assert torch.allclose(scaled.grad, 3 * stored.grad, rtol=4 * DTYPES[torch.float64], atol=0)


@pytest.mark.parametrize(
    ("W", "b", "X", "said"),
    [
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.float64), np.eye(3), "float64"),
        (torch.zeros(2, 3, dtype=torch.float16), torch.zeros(3, dtype=torch.float16), np.eye(3), "float16"),
        (torch.zeros(2, 3, dtype=torch.int64), torch.zeros(3, dtype=torch.int64), np.eye(3), "int64"),
        (torch.zeros(2, 3, device="meta"), torch.zeros(3, device="meta"), np.eye(3), "meta"),
        (torch.zeros(3, 2), torch.zeros(3), np.eye(3), r"\(m, 3\)"),
        (torch.zeros(2, 3), torch.zeros(2), np.eye(3), r"\(2,\)"),
        (torch.zeros(2, 3), torch.zeros(1, 3), np.eye(3), r"\(1, 3\)"),
        (torch.zeros(3), torch.zeros(3), np.eye(3), r"\(m, 3\)"),
        (torch.zeros(0, 3), torch.zeros(3), np.eye(3), r"\(m, 3\)"),
        (torch.zeros(2, 3), torch.zeros(3), np.eye(4), r"\(m, 4\)"),
        (torch.zeros(2, 3), torch.zeros(3), -np.eye(3), "negative"),
        (torch.zeros(2, 3), torch.zeros(3), np.full((3, 3), np.nan), "not finite"),
    ],
)
def test_wrong_input_is_named(W: torch.Tensor, b: torch.Tensor, X: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reconstruction_loss(W, b, X)
