"""Problems (data and parameters) that the tests of the engines draw, and the rounding bounds they are held to.

Arrays are filled from a drawn seed and the shapes are drawn, so a failing case shrinks to the smallest shape.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from numerics import Dataset, draw_dataset, draw_start
from numerics.engines import EngineName, start_trajectory
from numerics.engines.cpu.kernels import BLOCK
from theory import Setting

Floats = NDArray[np.float64]

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)

#: Shapes of data: which features a datapoint has.
DATA = ("sparse", "disjoint", "shared feature", "copies", "all features")

#: Biases: as in training, every output far below or above zero, or exactly at the kink of unseen features.
BIASES = ("small", "all inactive", "all active", "zero")

#: Feature counts: tiny, and one side and the other of the kernel's block boundaries.
BOUNDARIES = [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 3]
FEATURES = st.one_of(st.integers(1, 24), st.sampled_from(BOUNDARIES))

#: Each compiles for seconds: the plane, which has kernels of its own, and another; more when exploring.
HIDDEN_DIMS = (1, 2, 3, 4, 5, 7, 10) if settings.default and settings.default.max_examples > 100 else (2, 3)


@dataclass(frozen=True)
class Problem:
    """One evaluation of the loss: data, parameters, and what kind they were drawn as."""

    data: Dataset
    W: Floats
    b: Floats
    kind: tuple[str, str]

    def __repr__(self) -> str:
        return f"Problem(T={self.data.T}, n={self.data.n}, m={self.W.shape[0]}, kind={self.kind})"


def draw_columns(random: np.random.Generator, kind: str, n: int, T: int) -> Floats:
    """A dense (n, T) array of unit columns of the given kind; n >= T for disjoint supports."""
    X = np.zeros((n, T))
    for t in range(T):
        if kind == "disjoint":
            own = np.arange(t, n, T)
            chosen = random.choice(own, size=random.integers(1, min(len(own), 6) + 1), replace=False)
        elif kind == "all features":
            chosen = np.arange(n)
        else:
            chosen = random.choice(n, size=random.integers(1, min(n, 8) + 1), replace=False)
        X[chosen, t] = 1.0 - random.random(len(chosen))
        if kind == "shared feature":
            X[0, t] = 1.0
        if kind == "copies" and t > 0 and random.random() < 0.7:
            X[:, t] = X[:, random.integers(t)]
    return X / np.linalg.norm(X, axis=0)


@st.composite
def problems(draw: st.DrawFn, hidden_dims: tuple[int, ...], float32: bool = True) -> Problem:
    """Problems over every kind of data and bias; parameters are exact float32 numbers when ``float32``."""
    m = draw(st.sampled_from(hidden_dims))
    T = draw(st.integers(1, 11))
    data_kind, bias_kind = draw(st.sampled_from(DATA)), draw(st.sampled_from(BIASES))
    n = max(draw(FEATURES), T if data_kind == "disjoint" else 1)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = draw_columns(random, data_kind, n, T)
    W = random.normal(size=(m, n)) * draw(st.sampled_from([0.01, 0.3, 1.0, 4.0]))
    b = random.normal(size=n) * 0.3
    if bias_kind == "zero":
        b[:] = 0
    elif bias_kind != "small":
        reach = np.abs(W.T @ (W @ X)).max() + 1
        b += np.array({"all inactive": -2, "all active": 2}[bias_kind]) * (reach + np.abs(b).max())
    if float32:
        W, b, X = (part.astype(np.float32).astype(np.float64) for part in (W, b, X))
    return Problem(Dataset.from_dense(X), W, b, (data_kind, bias_kind))


def reference_loss_and_gradients(problem: Problem) -> tuple[float, Floats, Floats]:
    """Loss and its gradients by torch autograd in float64, written down anew."""
    X = torch.as_tensor(problem.data.dense())
    W = torch.tensor(problem.W, requires_grad=True)
    b = torch.tensor(problem.b, requires_grad=True)
    loss = torch.sum((X - torch.relu(W.T @ (W @ X) + b[:, None])) ** 2) / X.shape[1]
    loss.backward()  # type: ignore[no-untyped-call]
    assert W.grad is not None
    assert b.grad is not None
    return float(loss.detach()), W.grad.numpy(), b.grad.numpy()


def gamma(operations: int, eps: float) -> float:
    """Largest relative error of ``operations`` roundings in any order: k u / (1 - k u), u = eps/2."""
    return operations * eps / 2 / (1 - operations * eps / 2)


def rounding_bounds(problem: Problem, eps: float) -> tuple[float, Floats, Floats]:
    """Largest error of the loss, of dL/dW and of dL/db when every operation rounds to ``eps``.

    With H = Σ|x||w| and Z = Σ|w|H + |b| the sizes of the summands of h and z, the summands of

        T/2 dL/dw_i = Σ_t (y - x[z>0]) h + Σ_t x q,     q = Σ_i (y - x[z>0]) w_i

    have sizes (Z + x) H and x Σ(Z + x)|w|. Sums may be taken in any order. Roundings per term: the entries of X
    (1), h (twice: inside z and as a factor), z, the products, the sum over features, the sum over datapoints, 2/T.
    Where |z| is below its own error the indicator [z>0] may flip, which costs x once more.
    """
    X, W, b = problem.data.dense(), np.abs(problem.W), np.abs(problem.b)
    n, T, m = problem.data.n, problem.data.T, len(W)
    entries = int(np.diff(problem.data.indptr).max())
    H = W @ X
    Z = W.T @ H + b[:, None]
    z = problem.W.T @ (problem.W @ X) + problem.b[:, None]
    flips = X * (np.abs(z) <= 2 * gamma(entries + m + 4, eps) * Z)
    roundings = 2 * entries + m + n + T + 10
    pulled, pulled_flips = W @ (Z + X), W @ flips
    W_size = (Z + X) @ H.T + X @ pulled.T
    W_flip = flips @ H.T + X @ pulled_flips.T
    g = gamma(roundings, eps)
    loss_bound = gamma(2 * roundings, eps) * float(((Z + X) ** 2).sum()) / T
    W_bound = 2 / T * (g * W_size + (1 + g) * W_flip).T
    b_bound = 2 / T * (g * (Z + X) + (1 + g) * flips).sum(axis=1)
    return loss_bound, W_bound, b_bound


def excess(difference: Any, bound: Any) -> float:
    """The largest |difference| / bound; 0/0 is 0, and at most 1 means agreement."""
    difference, bound = np.abs(np.asarray(difference)), np.asarray(bound)
    if not np.isfinite(difference).all():
        return np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / bound
    return float(np.where(difference == 0, 0.0, ratio).max())


@contextmanager
def one_core() -> Iterator[None]:
    """Kernels run on one core inside, on all of them afterwards."""
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


def begin(engine: EngineName, setting: Setting) -> Any:
    """The engine's trajectory of a setting, from its own data and start."""
    return start_trajectory(engine, setting, draw_dataset(setting), *draw_start(setting))


def walk(engine: EngineName, setting: Setting, data: Dataset, W: Floats, b: Floats) -> Floats:
    trajectory = start_trajectory(engine, setting, data, W, b)
    trajectory.advance(setting.steps)
    return trajectory.parameters().astype(np.float64)


def start_of(setting: Setting) -> tuple[Floats, Floats]:
    """The start, as exact float32 numbers, so that every dtype starts from the same point."""
    W, b = draw_start(setting)
    return W.astype(np.float32).astype(np.float64), b


def with_allowed_drift(
    setting: Setting, data: Dataset, W: Floats, b: Floats, eps: float
) -> tuple[Floats, float]:
    """The float64 reference, and √steps times how far it ends from itself when its start is rounded anew."""
    exact = setting.replace(dtype="float64")
    end = walk("reference", exact, data, W, b)
    far = 0.0
    for seed in range(2):
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (W.shape[0] + 1, data.n))
        moved = W * (1 + eps * signs[:-1]), b + eps * signs[-1] * np.abs(W).max()
        far = max(far, np.abs(walk("reference", exact, data, *moved) - end).max())
    return end, float(np.sqrt(setting.steps) * far)


def trial(T: int, n: int, m: int, seed: int, **values) -> Setting:
    density = min(0.5, 6 / n)
    return Setting(T=T, n=n, m=m, sparsity=1 - density, seed=seed, weight_decay=0.1, **values)
