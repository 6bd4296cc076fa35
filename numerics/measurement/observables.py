"""Observables: the numbers of one run that tables and figures are made of. Losses are the sum over features and the
mean over datapoints, float64. The test loss is evaluated on `numerics.data.draw_test_dataset`: the same fresh
datapoints for every run of one n and S, so that differences between runs carry no noise of the test set. Its own
standard error is `test_loss_error`.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from numerics.data import Dataset, draw_test_dataset
from numerics.engines.cpu.trajectory import point_errors
from numerics.measurement.rings import LARGEST_RING, ring_and_sea
from numerics.starts import first_copies
from numerics.training.runs import Run
from theory.dimensionality import dimensionality
from theory.setting import Setting

#: Datapoints of the test set.
TEST_POINTS = 10_000

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
    ring_columns … sea_passing : as in `numerics.measurement.rings.ring_and_sea`. NaN for n <= 10.
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
    data_dimensionality = dimensionality(distinct)
    repeated = run.setting.repeated_points if run.setting.repeats > 1 and drawn else 0
    ranks = [float(np.mean(data_dimensionality > data_dimensionality[t])) for t in range(repeated)]
    shortest, median = min(lengths[:repeated].tolist(), default=float("nan")), float(np.median(lengths))
    return found | {
        "test_loss": float(tested.mean()),
        "test_loss_error": float(tested.std() / np.sqrt(len(tested))),
        "largest_feature_dimensionality": float(dimensionality(run.W).max()),
        "largest_data_dimensionality": float(data_dimensionality.max()),
        "median_hidden_length": median,
        "repeated_dimensionality_rank": max(ranks, default=float("nan")),
        "repeated_hidden_length": shortest / median if median > 0 else float("nan"),
        "shared_features": float(np.sum(occurrences > 1)),
        "length_jump": _largest_jump(lengths),
    }


def _largest_jump(lengths: NDArray[np.float64]) -> float:
    ordered = np.sort(lengths)
    return float(np.max(ordered[1:] / ordered[:-1])) if len(lengths) > 1 and ordered[0] > 0 else float("nan")


def fresh_errors(run: Run) -> NDArray[np.float64]:
    """Squared errors of the test set's datapoints; their mean is the test loss."""
    return point_errors(
        run.W.astype(np.float64), run.b.astype(np.float64), fresh_dataset(run.data.n, run.setting.sparsity)
    )


@functools.lru_cache(maxsize=4)
def fresh_dataset(n: int, sparsity: float) -> Dataset:
    """The one test set of n features at this sparsity, `TEST_POINTS` fresh datapoints."""
    return draw_test_dataset(Setting(T=1, n=n, sparsity=sparsity), TEST_POINTS)
