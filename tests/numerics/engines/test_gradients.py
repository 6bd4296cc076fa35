"""The fused loss and gradients of the cpu engine against torch autograd in float64, to rounding bounds."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Dataset, ReluOutputModel, reconstruction_loss
from numerics.engines.cpu.kernels import BLOCK
from numerics.engines.cpu.trajectory import point_errors
from tests.numerics import cases

DTYPES = {torch.float32: cases.EPS32, torch.float64: cases.EPS64}


def fused(problem: cases.Problem, dtype: torch.dtype) -> tuple[float, np.ndarray, np.ndarray]:
    W = torch.tensor(problem.W, dtype=dtype, requires_grad=True)
    b = torch.tensor(problem.b, dtype=dtype, requires_grad=True)
    loss = reconstruction_loss(W, b, problem.data)
    loss.backward()
    assert (loss.dtype, W.grad.dtype, b.grad.dtype) == (dtype, dtype, dtype)
    return float(loss.detach()), W.grad.numpy().astype(np.float64), b.grad.numpy().astype(np.float64)


def disagreement(problem: cases.Problem, dtype: torch.dtype, claimed: cases.Problem | None = None) -> float:
    """How many times its rounding bound the engine is off the reference (of another problem, for controls)."""
    eps = DTYPES[dtype]
    expected = cases.reference_loss_and_gradients(claimed or problem)
    loss_bound, W_bound, b_bound = cases.rounding_bounds(problem, eps)
    # the loss is summed in float64 whatever the dtype and rounded once; the reference itself rounds too
    loss_bound = 2 * loss_bound * cases.EPS64 / eps + eps / 2 * abs(expected[0])
    _, W_own, b_own = cases.rounding_bounds(problem, cases.EPS64)
    loss, W, b = fused(problem, dtype)
    return max(
        cases.excess(loss - expected[0], loss_bound),
        cases.excess(W - expected[1], W_bound + W_own),
        cases.excess(b - expected[2], b_bound + b_own),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_gradients_equal_autograd(dtype: torch.dtype, data: st.DataObject) -> None:
    short = dtype == torch.float32
    problem = data.draw(cases.problems(hidden_dims=cases.HIDDEN_DIMS if short else (2,), float32=short))
    assert disagreement(problem, dtype) <= 1


def typical(n: int = BLOCK + 9) -> cases.Problem:
    random = np.random.default_rng(11)
    W, b = random.normal(size=(2, n)) * 0.5, random.normal(size=n) * 0.1
    exact = W, b, cases.draw_columns(random, "sparse", n, 6)
    W, b, X = (part.astype(np.float32).astype(np.float64) for part in exact)
    return cases.Problem(Dataset.from_dense(X), W, b, ("sparse", "small"))


def wrongs(problem: cases.Problem) -> dict[str, cases.Problem]:
    """Problems that differ in one thing."""
    X, W, b = problem.data.dense(), problem.W.copy(), problem.b.copy()
    W[0, problem.data.indices[0]] *= -1
    b[np.abs(cases.reference_loss_and_gradients(problem)[2]).argmax()] += 0.01
    moved, rows, scaled = X.copy(), np.argsort(X[:, 0]), problem.data.values.copy()
    moved[rows[[0, -1]], 0] = X[rows[[-1, 0]], 0]
    scaled[0] *= 1.01
    changes = {
        "a weight's sign": {"W": W},
        "the sign of biases": {"b": -problem.b},
        "a bias": {"b": b},
        "one point fewer": {"data": Dataset.from_dense(X[:, :-1])},
        "an entry moved": {"data": Dataset.from_dense(moved)},
        "an entry scaled": {"data": dataclasses.replace(problem.data, values=scaled)},
    }
    return {name: dataclasses.replace(problem, **change) for name, change in changes.items()}


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_sees_a_wrong_input(dtype: torch.dtype) -> None:
    problem = typical()
    assert disagreement(problem, dtype) <= 1
    for name, wrong in wrongs(problem).items():
        assert disagreement(problem, dtype, claimed=wrong) > 1, name


def test_the_strategy_reaches_every_regime() -> None:
    """Kinds of data and bias, both sides of a block boundary, T with every remainder, unseen features, flips."""
    seen: set[object] = set()

    @given(cases.problems(hidden_dims=cases.HIDDEN_DIMS))
    def collect(problem: cases.Problem) -> None:
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
    wanted = {*cases.DATA, *cases.BIASES, "all off", "all on", "mixed", "unseen", "all seen"}
    wanted |= {"shared", "orthogonal", "T=1", "n=1"}
    wanted |= {("remainder", k) for k in range(4)} | {("blocks", k) for k in (1, 2, 3)}
    assert wanted <= seen, wanted - seen


@given(cases.problems(hidden_dims=cases.HIDDEN_DIMS))
def test_point_errors_equal_the_model(problem: cases.Problem) -> None:
    """The errors are those of the module, and never negative; bound: γ Σ (Z + x)² per point."""
    errors = point_errors(problem.W, problem.b, problem.data)
    X = problem.data.dense()
    model = ReluOutputModel(torch.as_tensor(problem.W), torch.as_tensor(problem.b))
    expected = ((X - model(torch.as_tensor(X)).detach().numpy()) ** 2).sum(axis=0)
    bound = 2 * problem.data.T * cases.rounding_bounds(problem, cases.EPS64)[0]
    assert cases.excess(errors - expected, bound) <= 1
    assert errors.min() >= 0


@pytest.mark.parametrize(("n", "T"), [(20_000, 50), pytest.param(100_000, 10_000, marks=pytest.mark.slow)])
def test_a_loss_over_many_pairs_is_the_exact_sum(n: int, T: int) -> None:
    """With W = 0 every output is max(b_i, 0), and `math.fsum` of n terms is the exact loss of n·T pairs. The evaluation
    adds at most BLOCK squares (each rounded once), then n/BLOCK block sums, then what the non-zeros correct, and NumPy
    takes the mean pairwise: at most 8 + 16 + log2(T/128) additions in a row.
    """
    random = np.random.default_rng(n)
    b = random.normal(size=n) * 10.0 ** random.integers(-6, 3, size=n)  # nine orders of magnitude
    indptr, indices = np.arange(T + 1), random.integers(n, size=T).astype(np.int32)
    data = Dataset(n, indptr, indices, np.ones(T))
    errors = point_errors(np.zeros((2, n)), b, data)
    y = np.maximum(b, 0.0)
    dense = math.fsum(y * y)
    exact = math.fsum([*([dense] * T), *(1.0 - 2.0 * y[indices])]) / T
    roundings = BLOCK + n // BLOCK + 1 + 2 + 4 + 24 + max(0.0, math.log2(T / 128))
    size = dense + float(((1.0 + y[indices].max()) ** 2) * 2)
    assert abs(errors.mean() - exact) <= cases.gamma(math.ceil(roundings), cases.EPS64) * size
    single = float((y.astype(np.float32) ** 2).sum(dtype=np.float32))  # control: single precision is caught
    assert abs(single - dense) > cases.gamma(math.ceil(roundings), cases.EPS64) * size


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


def test_second_derivatives_are_refused() -> None:
    """They would silently lack the curvature of the loss: better an error than a wrong Hessian."""
    W, b = torch.eye(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    squared = reconstruction_loss(W * 0.5, b, np.eye(2)) ** 2
    (gradient,) = torch.autograd.grad(squared, W, create_graph=True)
    with pytest.raises(RuntimeError, match=r"differentiated once; try ReluOutputModel"):
        torch.autograd.grad(gradient.sum(), W)


def test_many_models_at_once_and_functional_gradients() -> None:
    """`torch.vmap` over models, with one bias for all too, and `torch.func.grad` inside and outside of it."""
    problem = typical(40)
    scales = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)[:, None]
    W, b = torch.as_tensor(problem.W) * scales[:, :, None], torch.as_tensor(problem.b) * scales
    own = [dataclasses.replace(problem, W=one.numpy(), b=c.numpy()) for one, c in zip(W, b, strict=True)]
    expected = [cases.reference_loss_and_gradients(one) for one in own]
    bounds = [[2 * part for part in cases.rounding_bounds(one, cases.EPS64)] for one in own]

    def loss(W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return reconstruction_loss(W, b, problem.data)

    for k, one in enumerate(torch.vmap(loss)(W, b).tolist()):
        assert cases.excess(one - expected[k][0], bounds[k][0]) <= 1
    assert torch.equal(torch.vmap(loss, in_dims=(0, None))(W, b[1])[1], loss(W[1], b[1]))
    inside = torch.vmap(torch.func.grad(loss, argnums=(0, 1)))(W, b)
    outside = torch.func.grad(lambda *given: torch.vmap(loss)(*given).sum(), argnums=(0, 1))(W, b)
    for found in (inside, outside):
        for place, part in enumerate(map(torch.Tensor.numpy, found), start=1):
            assert all(cases.excess(part[k] - expected[k][place], bounds[k][place]) <= 1 for k in range(3))
            assert cases.excess(part[0] - expected[2][place], bounds[0][place]) > 1


def test_tensors_in_tensors_out() -> None:
    """Data may be a Dataset, an array or a tensor; W may be a strided view; gradients follow requires_grad."""
    random = np.random.default_rng(5)
    X = cases.draw_columns(random, "sparse", 9, 3)
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
    assert torch.allclose(scaled.grad, 3 * stored.grad, rtol=4 * cases.EPS64, atol=0)


@pytest.mark.parametrize(
    ("W", "b", "X", "said"),
    [
        (torch.zeros(2, 3), torch.zeros(3, dtype=torch.float64), np.eye(3), "float64"),
        (torch.zeros(2, 3, dtype=torch.float16), torch.zeros(3, dtype=torch.float16), np.eye(3), "float16"),
        (torch.zeros(2, 3, device="meta"), torch.zeros(3, device="meta"), np.eye(3), "meta"),
        (torch.zeros(3, 2), torch.zeros(3), np.eye(3), r"\(m, 3\)"),
        (torch.zeros(2, 3), torch.zeros(2), np.eye(3), r"\(2,\)"),
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
