"""What a model became, in words: a first diagnosis from its hidden vectors and point errors.

The names, in the order in which they are tried: "diverged", "dropped point" (a datapoint left near the origin and not
reconstructed), "two circles" (hidden vectors on circles of different radii), "not converged", "regular T-gon",
"irregular polygon" (gaps within 1/(2T + 2) of 2π/T in the mean square, half of what 2π/(T + 1) strays, or not; lengths
do not count); with W at hand, first of all "stored features" (a few columns of W far longer than all others:
generalization); for other m "memorized code", and "single point" for T = 1. The first is the trainer's, the next
two are stationary points that are not the least-norm optimum (Henighan et al. 2023, section "Optimization Failures
in 2D").
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics import Run
from numerics.least_norm.polishing import DROPPED_ERROR, DROPPED_LENGTH
from theory import Record, Setting, predict
from theory.number_format import shown
from verify.claims.tolerance import shape_deviation

#: Stored features: the columns of W that hold them are at least this much longer than the next one, ...
FEATURE_RATIO = 1.5
#: ... and there are at least this many datapoints per stored feature, so that none of them is a datapoint.
SEEN_OFTEN = 10
#: Two circles are told apart when lengths, in order, jump by at least this ratio; regular polygons jump by 1.
CIRCLE_RATIO = 1.1


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A name, the numbers that led to it, and how many features are stored."""

    name: str
    evidence: str
    stored: int = 0


def diagnose_run(run: Run) -> Diagnosis:
    """The diagnosis of a run; "diverged" where there is nothing to measure."""
    if run.status == "diverged":
        return Diagnosis("diverged", f"loss was not finite at step {int(run.history_step[-1])}")
    return diagnose(run.record, run.W)


def diagnose(record: Record, W: NDArray[np.floating[Any]] | None = None) -> Diagnosis:
    """Name what a measured record shows: one of the names at the head of this module.

    With the (m, n) weights ``W`` a model that stores features in place of datapoints is recognized, too.

    >>> from theory import Setting, predict
    >>> diagnose(predict(Setting(T=5))).name
    'regular T-gon'
    """
    if W is not None and (features := _stored_features(record, W)) is not None:
        return features
    lengths = np.sqrt(record.radius_squared)
    dropped = (record.point_error >= DROPPED_ERROR) & (lengths <= DROPPED_LENGTH * np.median(lengths))
    if dropped.any() and np.median(record.point_error[~dropped]) < DROPPED_ERROR:
        return Diagnosis(
            "dropped point",
            f"{int(dropped.sum())} of {record.T} datapoints near the origin, with squared errors of "
            f"{_range(record.point_error[dropped])}; the largest of all is {record.worst_point_error:.2g}",
        )
    if record.T == 1 and record.memorized:
        evidence = f"length {lengths[0]:.4g}, squared error {record.worst_point_error:.2g}"
        return Diagnosis("single point", evidence)
    if record.m == 2 and record.T >= 3:
        return _planar(record, lengths)
    if not record.memorized:
        return Diagnosis("not converged", _error(record))
    return Diagnosis("memorized code", f"lengths {_range(lengths)}")


def _stored_features(record: Record, W: NDArray[np.floating[Any]]) -> Diagnosis | None:
    """The diagnosis of a model whose longest columns, three to eight of them, stand apart from all others."""
    norms = np.sort(np.linalg.norm(W.astype(np.float64), axis=0))[::-1]
    jumps = norms[2:8] / np.maximum(norms[3:9], np.finfo(float).tiny) if len(norms) >= 9 else np.zeros(1)
    stored = int(np.argmax(jumps)) + 3
    if record.memorized or SEEN_OFTEN * stored > record.T or jumps.max() < FEATURE_RATIO:
        return None
    evidence = f"{stored} columns of W of norm {_range(norms[:stored])}, the next {norms[stored]:.3g}"
    return Diagnosis("stored features", evidence, stored)


def _planar(record: Record, lengths: NDArray[np.float64]) -> Diagnosis:
    ordered = np.sort(lengths)
    jumps = ordered[1:] / np.maximum(ordered[:-1], np.finfo(float).tiny)
    inner = int(np.argmax(jumps)) + 1
    if record.worst_point_error < DROPPED_ERROR and jumps.max() >= CIRCLE_RATIO:
        points = "point" if inner == 1 else "points"
        inside = f"{inner} {points} at length {_range(ordered[:inner])}"
        return Diagnosis(
            "two circles", f"{inside}, {record.T - inner} at {_range(ordered[inner:])}; {_error(record)}"
        )
    if not record.memorized:
        return Diagnosis("not converged", _error(record))
    here, rival = (predict(Setting(T=T)) for T in (record.T, record.T + 1))
    deviation = shape_deviation(record, here)
    half_way = shape_deviation(rival, here).gap / 2
    shape = (
        f"gaps within {deviation.gap:.1%} of 2π/{record.T}, squared radii within {deviation.radius:.1%} (rms)"
    )
    return Diagnosis("regular T-gon" if deviation.gap < half_way else "irregular polygon", shape)


def _error(record: Record) -> str:
    return f"largest squared error of a datapoint {record.worst_point_error:.2g}"


def _range(values: NDArray[np.float64]) -> str:
    return shown([float(values.min()), float(values.max())], 3)
