"""When a repeated point takes a vertex. Status: numerical; the zero-bias theorem is `repetition.zero-bias`.

One feature is active at a time; each weighs its drawn energy Σ_t x_it², the repeated point R. The strongest `features`
ones and the point's own are kept (others add only to the sea), with free columns and biases (m = 2). The loss

    Σ_i e_i (loss of feature i)/E a² + R ‖ReLU(Wᵀ h + b) − X‖²,    energies in units of T/n,

idealises n times the training loss: it leaves out what features do together. Unembedded states (‖h‖ < `EMBEDDED`)
start from pentagons of the five strongest features with their seas and are followed up in R until they disappear;
embedded ones start from those with a vertex for the point and are followed down. The threshold is where the best
losses are equal. Nothing proves that the best were found: a better embedded state lowers it, a better unembedded one
raises it. Hexagons are left out: with few features the sea is too small, and they would win for that alone
(`sea.separated-gain`). More features move the threshold: at T/n = 30, n = 1 000 from 0.18 and 0.31 with 120 to 0.13
and 0.28 with 300 (two draws). Deterministic for a seed.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.data import draw_dataset
from numerics.repeated_loss import constants, descended, loss_and_gradient
from theory.arrays import Floats
from theory.features.amplitudes import normalized
from theory.features.sea import ring_with_sea
from theory.repetition.threshold import zero_bias_threshold
from theory.setting import Setting

#: How many classes of equal probability stand for the amplitude's law.
CLASSES = 256

#: Steps of the grid in R, iterations of each relaxation. With a quarter of these, rounding alone moves the threshold of
#: a draw by a tenth; with more, nothing does.
GRID, ITERATIONS = 12, 1000

#: Length of the point's hidden vector from which on a state counts as embedded; unembedded ones have below 0.1,
#: a point that is stored through its strongest feature alone 0.5 or more.
EMBEDDED = 0.4


def _classes(n: int, sparsity: float) -> tuple[Floats, Floats]:
    """Mean amplitude and probability of `CLASSES` classes of nearly equal probability."""
    places, weights = normalized(n, sparsity).nodes()
    order = np.argsort(places)
    places, weights = places[order], weights[order] / weights.sum()
    label = np.minimum((np.cumsum(weights) - weights / 2) * CLASSES, CLASSES - 1).astype(np.int64)
    total = np.asarray(np.bincount(label, weights, CLASSES), dtype=np.float64)
    first = np.asarray(np.bincount(label, weights * places, CLASSES), dtype=np.float64)
    kept = total > 0
    return first[kept] / total[kept], total[kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The transition of one draw, in units of T/n.

    threshold : R at equal loss of the best unembedded and the best embedded state; NaN if they never cross.
    between : what is known of the threshold: twice itself, or ends, 0 and ∞ among them, where they never cross.
    metastable_until : the last R, in the grid's steps, at which an unembedded state is found.
    metastable_censored : whether it is the last R looked at, by following up or by restarting: a lower bound only.
    kicked_until : the last R, in the grid's steps, up to which it returns from a kick of a tenth of a vertex.
    step : the grid's step, which both ends may be passed by.
    embedded_from : the least R of the grid at which the embedded state is one; 0 where it is one without repeats.
    zero_bias : the zero-bias theorem's threshold for this draw.
    repeats : R, the threshold times T/n.
    """

    threshold: float
    between: tuple[float, float]
    metastable_until: float
    embedded_from: float
    zero_bias: float
    repeats: float
    metastable_censored: bool = False
    kicked_until: float = math.nan
    step: float = math.nan


class Model:
    """One draw of a dataset, in units of T/n, and its loss as a function of the state z = (W, b) flattened, less the
    features' energies. Columns are the ``features`` strongest features outside the first datapoint, of falling energy,
    then those of this one, the point. 8 to n features are kept.

    energies : (columns,) energies, those of the point's own features in the other datapoints.
    point, target : (K,) its positive entries, norm 1; (columns,) the same behind zeros.
    amplitudes, weights : (Q,) increasing classes of the amplitude's law, and their probabilities.
    zero_bias : R of this draw at zero bias, e_(5) − Σ_k e_k X_k² (`repetition.zero-bias`).
    """

    def __init__(self, T: int, n: int, sparsity: float, seed: int = 0, features: int = 120) -> None:
        data = draw_dataset(Setting(T=T, n=n, sparsity=sparsity, seed=seed))
        squares = np.asarray(np.bincount(data.indices, data.values**2, n), dtype=np.float64)
        mine, self.point = data.indices[: data.indptr[1]], data.values[: data.indptr[1]]
        squares[mine] -= self.point**2
        squares = squares * n / T
        strongest = np.sort(np.delete(squares, mine))[::-1][:features]
        self.features, self.energies = len(strongest), np.concatenate([strongest, squares[mine]])
        self.columns = len(self.energies)
        self.target = np.concatenate([np.zeros(self.features), self.point])
        self.amplitudes, self.weights = _classes(n, sparsity)
        self.fixed = constants(self.energies, self.target, self.amplitudes, self.weights)
        self.zero_bias = float(strongest[4] - squares[mine] @ self.point**2)

    def parts(self, z: Floats) -> tuple[Floats, Floats]:
        """W (2, columns) and b."""
        return z[: 2 * self.columns].reshape(2, self.columns), z[2 * self.columns :]

    def is_embedded(self, z: Floats) -> bool:
        """Whether the point's hidden vector is longer than `EMBEDDED`."""
        W, _ = self.parts(z)
        return bool(np.linalg.norm(W @ self.target) > EMBEDDED)

    def value(self, z: Floats, R: float) -> tuple[float, Floats]:
        """The loss and its gradient."""
        gradient = np.empty_like(z)
        return loss_and_gradient(z, R, self.fixed, gradient), gradient

    def relax(self, z: Floats, R: float, iterations: int = ITERATIONS) -> Floats:
        """The local minimum that L-BFGS reaches from z."""
        return np.asarray(descended(z, R, self.fixed, iterations))

    def loss(self, z: Floats, R: float) -> float:
        """The loss alone."""
        return self.value(z, R)[0]

    def best(self, starts: list[Floats], R: float, *, embedded: bool) -> Floats | None:
        """The state of least loss that relaxation from ``starts`` reaches among the embedded, or unembedded, ones."""
        relaxed = (self.relax(z, R) for z in starts)
        kept = [z for z in relaxed if self.is_embedded(z) == embedded]
        return min(kept, key=lambda z: self.loss(z, R), default=None)

    def _large(self, W: Floats) -> NDArray[np.intp]:
        """The features whose columns are near the longest."""
        length = np.linalg.norm(W[:, : self.features], axis=0)
        return np.flatnonzero(length > 0.6 * length.max())

    def unembedded_starts(self, n: int, sparsity: float, generator: np.random.Generator) -> list[Floats]:
        """Pentagons of the five strongest features with their seas, the point's columns near 0."""
        k, starts = 5, []
        sea = ring_with_sea(k, normalized(n, sparsity), self.features)
        for r, bias, q in ((sea.radius_squared, sea.bias, sea.sea_energy), (1.0, -0.1, 1.0)):
            angle = 2 * np.pi * np.arange(self.columns) / k
            length = np.full(self.columns, math.sqrt(q / self.features))
            length[:k] = math.sqrt(r)
            length[self.features :] = 0.02
            W = length * np.stack([np.cos(angle), np.sin(angle)])
            W[:, k:] += 0.02 * generator.normal(size=(2, self.columns - k))
            b = np.where(np.arange(self.columns) < k, bias, 0.0)
            starts.append(np.concatenate([W.ravel(), b]))
        return starts

    def embedded_starts(self, z: Floats) -> list[Floats]:
        """The point on the vertex of each of the three weakest large features, or beside the weakest."""
        W, b = self.parts(z)
        length, large = np.linalg.norm(W, axis=0), self._large(W)
        weakest = large[np.argsort(self.energies[large])][:3]
        starts = []
        for feature, turn in [(one, 0.0) for one in weakest] + [(weakest[0], 0.6)]:
            V, c = W.copy(), b.copy()
            angle = math.atan2(W[1, feature], W[0, feature]) + turn
            direction = length[feature] * np.array([math.cos(angle), math.sin(angle)])
            if turn == 0.0:
                V[:, feature] *= 0.15
                c[feature] = 0.0
            V[:, self.features :] = np.outer(direction, self.point)
            c[self.features :] = b[feature] * self.point
            starts.append(np.concatenate([V.ravel(), c]))
        return starts

    def nudged(self, z: Floats) -> Floats:
        """The state with a tenth of a vertex for the point: at 0 columns L-BFGS would rest on a saddle."""
        W, b = (part.copy() for part in self.parts(z))
        x, y = W[:, self._large(W)[-1]]
        angle = math.atan2(y, x) + math.pi / 5
        W[:, self.features :] += 0.1 * np.outer([math.cos(angle), math.sin(angle)], self.point)
        return np.concatenate([W.ravel(), b])

    def unembedded_from(self, z: Floats) -> Floats:
        """The point's columns taken away, its vertex given to the strongest feature that has none."""
        W, b = (part.copy() for part in self.parts(z))
        h = W @ self.target
        large = self._large(W)
        W[:, self.features :] *= 0.02
        b[self.features :] = 0.0
        free = np.setdiff1d(np.arange(self.features), large)[0]
        length = np.linalg.norm(W[:, large], axis=0).mean()
        W[:, free] = length * h / max(float(np.linalg.norm(h)), 1e-9)
        b[free] = b[large].mean()
        return np.concatenate([W.ravel(), b])


def find_transition(T: int, n: int, sparsity: float, seed: int = 0, features: int = 120) -> Transition:
    """The threshold of one draw (see the module for the search). About 1 s on one core."""
    model, generator = Model(T, n, sparsity, seed, features), np.random.Generator(np.random.PCG64(seed))
    top = 3 * zero_bias_threshold(T, n, sparsity).mean + 0.6
    grid = np.linspace(0.0, top, GRID + 1)
    followed = _follow_up(model, grid, model.unembedded_starts(n, sparsity, generator))
    high = _follow_down(model, grid, followed)
    low = _improve(model, grid, followed, high)
    both = [(i, float(R)) for i, R in enumerate(grid) if i in low and i in high]
    gaps = [(R, model.loss(low[i], R) - model.loss(high[i], R)) for i, R in both]
    threshold = _crossing(gaps)
    return Transition(
        threshold=threshold,
        between=(threshold, threshold) if threshold == threshold else _ends(gaps),
        metastable_until=float(grid[1] * max(low)),
        embedded_from=float(grid[min(high)]) if high else math.nan,
        zero_bias=model.zero_bias,
        repeats=threshold * (T / n),
        kicked_until=float(grid[1] * max(followed, default=0)),
        step=float(grid[1]),
        metastable_censored=max(low) == 3 * GRID + 2 or (max(low) == GRID and GRID not in followed),
    )


def _follow_up(model: Model, grid: Floats, starts: list[Floats]) -> dict[int, Floats]:
    """Unembedded states by grid index, as long as there is one."""
    state = min((model.relax(z, 0.0) for z in starts), key=lambda z: model.loss(z, 0.0))
    found: dict[int, Floats] = {}
    for i, R in enumerate(np.arange(3 * len(grid)) * grid[1]):
        state = model.relax(model.nudged(state), R)
        if model.is_embedded(state):
            break
        found[i] = state
    return found


def _follow_down(model: Model, grid: Floats, low: dict[int, Floats]) -> dict[int, Floats]:
    """Embedded states by grid index, from the top until there is none."""
    found: dict[int, Floats] = {}
    for i in reversed(range(len(grid))):
        starts = [found[i + 1]] if i + 1 in found else []
        if not starts or i % 3 == 0:
            starts += model.embedded_starts(low[min(i, max(low))])
        if (best := model.best(starts, grid[i], embedded=True)) is None:
            break
        found[i] = best
    return found


def _improve(
    model: Model, grid: Floats, low: dict[int, Floats], high: dict[int, Floats]
) -> dict[int, Floats]:
    """Unembedded states restarted from the embedded ones and from their neighbours in R; the better are kept."""
    better = dict(low)
    for i in sorted(set(low) | set(high))[: len(grid)]:
        starts = [better[i]] if i in better else []
        starts += [model.unembedded_from(high[i])] if i in high else []
        starts += [better[i - 1]] if i - 1 in better else []
        if (best := model.best(starts, grid[i], embedded=False)) is not None:
            better[i] = best
    return better


def _crossing(gaps: list[tuple[float, float]]) -> float:
    """Where the gap, unembedded less embedded loss, changes sign; linear between the grid's points."""
    for (left, below), (right, above) in itertools.pairwise(gaps):
        if below <= 0 < above:
            return float(left + (right - left) * below / (below - above))
    return math.nan


def _ends(gaps: list[tuple[float, float]]) -> tuple[float, float]:
    """Where the threshold lies if the gap keeps its sign: before the first positive R, or behind the last."""
    if gaps and gaps[0][1] > 0:
        return 0.0, next((R for R, _ in gaps if R > 0), math.inf)
    return (gaps[-1][0], math.inf) if gaps else (0.0, math.inf)
