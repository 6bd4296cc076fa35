"""Hypothesis profiles: `default` draws the same cases on every machine, `thorough` draws new and more ones.

Choose one with the environment variable HYPOTHESIS_PROFILE. Numbers of examples set on a test hold for `default`;
tests that want more under `thorough` leave theirs unset.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.small_runs"]

_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)  # a first call compiles; that is not a slow test

settings.register_profile(
    "default", max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=_QUIET
)
settings.register_profile(
    "thorough",
    max_examples=500,
    deadline=None,
    derandomize=False,
    database=None,
    suppress_health_check=_QUIET,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
