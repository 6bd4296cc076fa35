"""Observables: the numbers of one run that tables and figures are made of. Losses are the sum over features and the
mean over datapoints, float64. The test loss is evaluated on `numerics.data.draw_test_dataset`: the same fresh
datapoints for every run of one n and S, so that differences between runs carry no noise of the test set. Its own
standard error is `test_loss_error`.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset, draw_test_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.starts import first_copies
from numerics.training.runs import Run
from theory.dimensionality import dimensionality
from theory.setting import Setting

#: Datapoints of the test set.
TEST_POINTS = 10_000

#: A ring has 3 to this many columns.
LARGEST_RING = 10

#: What `observe` returns, in order.
OBSERVABLES = (
    "train_loss",
    "worst_point_error",
    "test_loss",
    "test_loss_error",
    "energy",
    "weight_norm",
    "weight_norm_seen",
    "weight_norm_unseen",
    "bias_norm",
    "largest_feature_dimensionality",
    "largest_data_dimensionality",
    "median_hidden_length",
    "repeated_dimensionality_rank",
    "repeated_hidden_length",
    "shared_features",
    "length_jump",
    "ring_columns",
    "ring_jump",
    "ring_radius_squared",
    "ring_bias",
    "sea_energy",
    "sea_anisotropy",
    "sea_passing",
)


def observe(run: Run) -> dict[str, float]:
    """The observables of a run, by the names in `OBSERVABLES`; NaN, every one, where the run diverged.

    energy … bias_norm : as in `theory.record.Record`.
    largest_feature_dimensionality : max_i D_f,i over features (`dimensionality.definition`).
    largest_data_dimensionality : max_t D_X,t over distinct datapoints, copies not counted.
    median_hidden_length : of the distinct datapoints.
    repeated_dimensionality_rank : the largest share of distinct datapoints, over repeated ones, that have a larger D_X
        than the repeated one; 0 when the repeated points stand first. NaN without repeats.
    repeated_hidden_length : the least ‖h‖ of a repeated datapoint over the median one. NaN without repeats.
    shared_features : features that occur in two distinct datapoints or more; 0 for orthonormal data.
    length_jump : the largest ratio of neighbours among the ordered ‖h‖ of distinct datapoints: 1 on a regular polygon.
        NaN where one is 0 or there is one datapoint only.
    ring_columns … sea_passing : as in `ring_and_sea`. NaN for n <= 10.
    """
    found = dict.fromkeys(OBSERVABLES, float("nan"))
    if run.status == "diverged":
        return found
    record = run.record
    found |= {name: getattr(record, name) for name in OBSERVABLES if hasattr(record, name)}
    found |= ring_and_sea(run.W, run.b) if run.data.n > LARGEST_RING else {}
    tested = fresh_errors(run)
    drawn = run.given_data is None
    mask = first_copies(run.setting) if drawn else np.ones(run.data.T, dtype=np.bool_)
    distinct, occurrences = record.hidden[:, mask], np.bincount(run.data.indices[mask[run.data.columns]])
    lengths = np.linalg.norm(distinct, axis=0)
    ordered, jumps = np.sort(lengths), len(lengths) > 1 and lengths.min() > 0
    data_dimensionality = dimensionality(distinct)
    repeated = run.setting.repeated_points if run.setting.repeats > 1 and drawn else 0
    ranks = [float(np.mean(data_dimensionality > data_dimensionality[t])) for t in range(repeated)]
    shortest, median = min(lengths[:repeated].tolist(), default=float("nan")), float(np.median(lengths))
    measured: dict[str, float] = {
        "test_loss": float(tested.mean()),
        "test_loss_error": float(tested.std() / np.sqrt(len(tested))),
        "largest_feature_dimensionality": float(dimensionality(run.W).max()),
        "largest_data_dimensionality": float(data_dimensionality.max()),
        "median_hidden_length": median,
        "repeated_dimensionality_rank": max(ranks, default=float("nan")),
        "repeated_hidden_length": shortest / median if median > 0 else float("nan"),
        "shared_features": float(np.sum(occurrences > 1)),
        "length_jump": float(np.max(ordered[1:] / ordered[:-1])) if jumps else float("nan"),
    }
    return found | measured


def fresh_errors(run: Run) -> NDArray[np.float64]:
    """Squared errors of the test set's datapoints; their mean is the test loss."""
    return point_errors(
        run.W.astype(np.float64), run.b.astype(np.float64), fresh_dataset(run.data.n, run.setting.sparsity)
    )


@functools.lru_cache(maxsize=4)
def fresh_dataset(n: int, sparsity: float) -> Dataset:
    """The one test set of n features at this sparsity, `TEST_POINTS` fresh datapoints."""
    return draw_test_dataset(Setting(T=1, n=n, sparsity=sparsity), TEST_POINTS)


def ring_and_sea(W: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> dict[str, float]:
    """What the columns of (m, n) weights and (n,) biases are, if they are a ring and a sea; n > `LARGEST_RING`. A model
    that stores features has a ring of them, a polygon of long columns, and a sea of all others (`theory.features.sea`).
    The largest jump in the ordered column norms tells them apart.

    ring_columns : k, how many columns stand before the largest jump, 3 to `LARGEST_RING`.
    ring_jump : the shortest of them over the next column; 1 where nothing stands apart, ∞ where the others are 0.
    ring_radius_squared : their mean squared length.
    ring_bias : their mean bias.
    sea_energy : Σ‖w‖² of all other columns.
    sea_anisotropy : (largest − least eigenvalue) / trace of their WWᵀ, 0 where it is a multiple of I or zero.
    sea_passing : the share of the sea's energy in columns that are not silent at the ring, as `sea.separated-gain`
        assumes: at amplitude 1 they pass the bias of one of its columns. 0 without a sea.

    >>> from theory.polygon_geometry import polygon_vertices
    >>> W = np.concatenate([polygon_vertices(5, 0.8), polygon_vertices(20, 0.01)], axis=1)
    >>> found = ring_and_sea(W, np.zeros(25))
    >>> found["ring_columns"], round(found["ring_jump"], 3), round(found["sea_energy"], 6)
    (5.0, 8.944, 0.2)
    """
    W, b = W.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(W, axis=0)
    order = np.argsort(-norms, kind="stable")
    longest = norms[order[: LARGEST_RING + 1]]
    unfollowed = np.where(longest[2:-1] > 0, np.inf, 1.0)
    jumps = np.divide(longest[2:-1], longest[3:], out=unfollowed, where=longest[3:] > 0)
    k = int(np.argmax(jumps)) + 3
    ring, sea = order[:k], order[k:]
    eigenvalues = np.linalg.eigvalsh(W[:, sea] @ W[:, sea].T)
    energy = float(np.sum(norms[sea] ** 2))
    passing = np.any(W[:, ring].T @ W[:, sea] + b[ring, None] > 0, axis=0)
    rests = (eigenvalues[-1] - eigenvalues[0], np.sum(norms[sea][passing] ** 2))
    anisotropy, passes = (float(part / energy) if energy > 0 else 0.0 for part in rests)
    return {
        "ring_columns": float(k),
        "ring_jump": float(jumps[k - 3]),
        "ring_radius_squared": float(np.mean(norms[ring] ** 2)),
        "ring_bias": float(np.mean(b[ring])),
        "sea_energy": energy,
        "sea_anisotropy": anisotropy,
        "sea_passing": passes,
    }
