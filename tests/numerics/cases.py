"""Problems (data and parameters) that the tests of the engines draw, and the rounding bounds they are held to; states
whose pairs are culled, and how far culled sums may be off the sums over all pairs.

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
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.kd_order import kd_order
from numerics.engines.cpu.kernels import BLOCK
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.state import feature_order
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


#: (m+1, n) parameters and (m, T) hidden vectors.
State = tuple[np.ndarray, np.ndarray]

KINDS = (
    "spread",
    "clusters",
    "one feature",
    "one point",
    "on the boundary",
    "near the boundary",
    "zero bias",
)


def draw_state(random: np.random.Generator, kind: str, m: int, n: int, T: int) -> State:
    W, h, b = random.normal(size=(m, n)), random.normal(size=(m, T)), random.normal(size=n)
    if kind == "clusters":  # few active pairs, as late in training
        corners = random.normal(size=(m, 6))
        corners /= np.linalg.norm(corners, axis=0)
        W = corners[:, random.integers(6, size=n)] + 0.05 * random.normal(size=(m, n))
        h = corners[:, random.integers(6, size=T)] + 0.05 * random.normal(size=(m, T))
        b = np.full(n, -0.8)
    if kind == "one feature":
        W, b = np.repeat(W[:, :1], n, axis=1), np.repeat(b[:1], n)
    if kind == "one point":
        h = np.repeat(h[:, :1], T, axis=1)
    if kind == "on the boundary":  # w·h = ±1/2 exactly
        W, b = np.zeros((m, n)), np.full(n, -0.5)
        W[0], h[0] = random.choice([1.0, -1.0], n), 0.5
    if kind == "near the boundary":  # boxes are points, and z is a few roundings
        h = np.repeat(h[:, :1], T, axis=1)
        group = np.arange(n) // GROUP
        W = W[:, group * GROUP]
        b = -(h[:, 0] @ W) * (1 + EPS32 / 4 * random.integers(-8, 9, n // GROUP + 1)[group])
    if kind == "zero bias":
        b = np.zeros(n)
    return np.vstack([W, b]), h


def arranged(parameters: np.ndarray, hidden: np.ndarray) -> State:
    """Neighbours side by side, as the engine holds them."""
    parameters = parameters[:, feature_order(parameters, float(np.abs(hidden).max()))]
    return np.ascontiguousarray(parameters), np.ascontiguousarray(hidden[:, kd_order(hidden, LANES)])


def trained_state(trajectory: Any, step: int, data: Dataset) -> State:
    """Parameters after so many steps and the hidden vectors of ``data``, arranged."""
    trajectory.advance(step)
    parameters = trajectory.parameters()
    return arranged(parameters, (data.dense().T.astype(np.float32) @ parameters[:-1].T).T)


@st.composite
def drifts(
    draw: st.DrawFn, m: int, features: list[int], points: list[int], length: int, dtype: str = "float32"
) -> list[State]:
    """A state of any kind and scale, neighbours side by side or not, and later ones."""
    n = draw(st.one_of(st.integers(1, 3 * LANES), st.sampled_from(features)))
    T = draw(st.one_of(st.integers(1, 3 * LANES), st.sampled_from(points)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parameters, hidden = draw_state(random, draw(st.sampled_from(KINDS)), m, n, T)
    if draw(st.booleans()):
        parameters, hidden = arranged(parameters, hidden)
    largest = 1e13 if m == 2 else 1e8  # bounds of lists are squared twice
    sizes = st.sampled_from([1e-17, 1e-3, 1.0, 30.0, largest])
    w, h = draw(sizes), draw(sizes)
    if w == h == 1e13:  # float32 does not hold w h²
        h = 1.0
    scales, states = np.array([w] * m + [w * h])[:, None], []
    for _ in range(length):
        states.append(((parameters * scales).astype(dtype, order="C"), (hidden * h).astype(dtype, order="C")))
        size = draw(st.sampled_from([0.0, EPS32, 1e-4, 0.1]))
        parameters = parameters + size * random.normal(size=parameters.shape)
        hidden = hidden + size * random.normal(size=hidden.shape)
    return states


def error_of_sums(state: State, sums: State, roundings: int) -> float:
    """How many times their rounding bounds the sums of features and of datapoints are off those over all pairs.

    These are taken in float64. Roundings: T or n summands, and ``roundings`` in each, z among them; gradual underflow
    of each product.
    """
    (parameters, hidden), (gradients, pulled) = state, sums
    W, b, h = parameters[:-1].astype(float), parameters[-1].astype(float), hidden.astype(float)
    y, Z = np.maximum(W.T @ h + b[:, None], 0), np.abs(W).T @ np.abs(h) + np.abs(b)[:, None]
    info = np.finfo(parameters.dtype)
    g = gamma(sum(y.shape) + roundings, float(info.eps)) + gamma(sum(y.shape) + len(parameters) + 1, EPS64)
    tiny = float(info.tiny) * sum(y.shape) * (1 + np.abs(W).max()) * (1 + np.abs(h).max())
    return max(
        excess(gradients[:-1] - h @ y.T, g * (np.abs(h) @ Z.T) + tiny),
        excess(gradients[-1] - y.sum(axis=1), g * Z.sum(axis=1) + tiny),
        excess(pulled - W @ y, g * (np.abs(W) @ Z) + tiny),
    )
