"""Experiment ``forgetting``: what counts as lost, and how many models lose what they stored."""

import numpy as np
import pandas as pd
import pytest

from experiments import forgetting
from verify.statistics import share_interval


def _fates(end):
    values = np.zeros((5, 12))
    values[2:4, 3], values[4, 3] = 0.3, end
    values[2, 7] = 0.9  # one snapshot only
    return forgetting.fates(values)


def test_a_forgotten_feature_was_stored_twice_and_ends_low():
    assert _fates(0.01)[["feature", "forgotten"]].values.tolist() == [[3, True]]
    assert _fates(0.3)[["feature", "forgotten"]].values.tolist() == [[3, False]]
    assert forgetting.fates(np.zeros((4, 12)))["feature"].tolist() == [-1]


def _forgotten(end, seeds=3):
    """Models of T = 30 that store a feature which ends at ``end``, and two of T = 20 that store none."""
    none = forgetting.fates(np.zeros((4, 12)))
    ends = pd.concat(
        [_fates(end).assign(T=30, seed=seed) for seed in range(seeds)]
        + [none.assign(T=20, seed=seed) for seed in range(2)]
    )
    history = pd.DataFrame({"step": [0, 9] * 2, "stored": [0, 1] * 2, "T": [20, 20, 30, 30], "seed": 0})
    features = pd.DataFrame({"T": 30, "seed": 0, "feature": 3, "step": [0, 9], "dimensionality": [0.3, end]})
    return {"fates": ends, "history": history, "features": features}


@pytest.mark.parametrize("end", [0.01, 0.15, 0.3])
def test_forgetting_is_counted_over_the_models_that_store_features(end):
    tables = _forgotten(end)
    forgets, fades = forgetting.findings(tables)
    lost = 3 * (end < 0.2)
    assert forgets.outcome == ("agrees" if lost else "not decided")
    expected = share_interval(lost, 3)
    assert (forgets.value, forgets.low, forgets.high, forgets.n) == (lost / 3, expected.low, expected.high, 3)
    assert (fades.value, fades.n) == (end < 0.1, 3)
    none, some = forgetting.summary(tables).to_numpy().tolist()
    assert none == [20, 2, 0, 0, 0, 0, 1]
    assert some == [30, 3, 3, 3, lost, 3 * (end < 0.1), 1]
    (untested,) = forgetting.findings(_forgotten(end, seeds=0))
    assert (untested.statement, untested.outcome) == (forgets.statement, "not tested")
