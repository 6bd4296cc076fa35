"""States whose pairs are culled, and how far culled sums may be off the sums over all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from numerics import Dataset
from numerics.engines.cpu.bounding_boxes import GROUP
from numerics.engines.cpu.kd_order import kd_order
from numerics.engines.cpu.simd import LANES
from numerics.engines.cpu.state import feature_order
from tests.numerics.cases import EPS32, EPS64, excess, gamma

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
