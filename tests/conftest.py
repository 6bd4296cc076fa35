"""Hypothesis profiles: `default` draws the same cases on every machine, `thorough` draws new and more ones.

Choose one with the environment variable HYPOTHESIS_PROFILE. Numbers of examples set on a test hold for `default`;
tests that want more under `thorough` leave theirs unset.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

if sys.dont_write_bytecode:
    # Each process would compile what it imports anew, two seconds for torch and numba: once, into a folder apart.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    sys.dont_write_bytecode, os.environ["PYTHONPYCACHEPREFIX"] = False, sys.pycache_prefix

#: Imports and trees of SymPy are many objects and few cycles; looking for these took a third of the imports.
gc.set_threshold(50_000, 10, 10)

if os.environ.get("PYTEST_XDIST_WORKER") == "gw1":
    # Bytecode of large packages is written once: the first process begins with those of theory, the second with these.
    for name in ("torch", "numba", "matplotlib.figure", "pandas"):
        importlib.import_module(name)


def pytest_collection_finish() -> None:
    """Of processes that want a kernel at once one compiles it, and the others read it from the cache on disk."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    compile_now = Dispatcher.compile

    def compile_alone(kernel, signature):
        if (folder := kernel._cache.cache_path) is None:
            return compile_now(kernel, signature)
        with global_compiler_lock, Path(folder, f"{kernel.__name__}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return compile_now(kernel, signature)

    Dispatcher.compile = compile_alone


pytest_plugins = ["tests.small_runs"]

#: A first call compiles, and any machine may be busy: nothing is too slow.
_PATIENT = {
    "deadline": None,
    "database": None,
    "suppress_health_check": (HealthCheck.too_slow, HealthCheck.data_too_large),
}
settings.register_profile("default", max_examples=30, derandomize=True, **_PATIENT)
settings.register_profile("thorough", max_examples=500, derandomize=False, **_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
