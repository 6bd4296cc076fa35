"""How the kernels are compiled, and how their cache on disk notices every edit. Numba's cache notices edits of the
file that holds the cached function, not of files whose functions it calls. So a function cached by `compiled` carries
in its name a hash of all files whose functions other files compile.
"""

import hashlib
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from numba import njit

#: fastmath allows vectorised reductions; it also lets the compiler assume away NaN.
OPTIONS: dict[str, Any] = {"fastmath": True, "error_model": "numpy", "boundscheck": False, "nogil": True}

#: NaN is carried on, and sums keep their order.
INLINE: dict[str, Any] = OPTIONS | {"fastmath": {"contract"}}


@cache
def sources() -> dict[str, bytes]:
    """Files of this folder that compiled code can come from, by name: those that import numba."""
    files = {path.name: path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))}
    return {name: text for name, text in files.items() if b"import numba" in text or b"from numba" in text}


@cache
def _source_hash() -> str:
    return hashlib.sha256(b"\0".join(sources().values())).hexdigest()[:12]


def compiled(function: Any, name: str, **options: Any) -> Any:
    """``function`` compiled and cached on disk as ``name`` and a hash of `sources`. The cache tells functions apart by
    name and argument types, not by options: variants need names of their own.
    """
    renamed = FunctionType(function.__code__, function.__globals__, name, closure=function.__closure__)
    renamed.__qualname__ = f"{name}_{_source_hash()}"
    return njit(**{"cache": True} | OPTIONS | options)(renamed)
