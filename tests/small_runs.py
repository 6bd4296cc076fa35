"""A small comparison that tests of figures, report and command line share (a plugin of tests/conftest.py)."""

import pytest

from numerics import Runs, train
from theory import Setting
from verify import compare

#: Some of its runs memorize within a second, some do not.
SMALL = Setting(T=3, n=120, sparsity=0.97, steps=1200, lr=1e-2)


@pytest.fixture(scope="session")
def small_runs() -> Runs:
    settings = [SMALL, SMALL.replace(T=5), SMALL.replace(weight_decay=0.3), SMALL.replace(T=7)]
    return train(settings, seeds=3, out=None, progress=False)


@pytest.fixture(scope="session")
def small_comparison(small_runs):
    return compare(small_runs)
