"""A small comparison that tests of figures, report and command line share (a plugin of tests/conftest.py)."""

from __future__ import annotations

import numpy as np
import pytest

import numerics  # and verify: lazy, so that this loads little
import verify
from theory import Setting

#: Some of its runs memorize within a second, some do not.
SMALL = Setting(T=3, n=120, sparsity=0.97, steps=1200, lr=1e-2)


@pytest.fixture(scope="session")
def small_runs() -> numerics.Runs:
    settings = [SMALL, SMALL.replace(T=5), SMALL.replace(weight_decay=0.3), SMALL.replace(T=7)]
    return numerics.train(settings, seeds=3, out=None, progress=False)


@pytest.fixture(scope="session")
def small_comparison(small_runs):
    return verify.compare(small_runs)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of reports are empty, for tests of what else is said."""
    from verify.style import panels, render

    monkeypatch.setattr("verify.report.render", lambda _, kind: render(panels(1, 1, 1.0, 1.0)[0], kind))


def diverged_run(setting: Setting) -> numerics.Run:
    """A run whose loss is not finite at step 4."""
    return numerics.Run(
        setting=setting,
        engine="cpu",
        status="diverged",
        W=np.full((setting.m, setting.n), np.nan),
        b=np.zeros(setting.n),
        history_step=np.array([0, 4]),
        history_loss=np.array([1.0, np.nan]),
    )
