"""Values in the types of strict JSON."""

import math
from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any


def in_json(value: Any) -> Any:
    """``value`` in the types of strict JSON: NumPy scalars and arrays unwrapped, NaN and infinity as None.

    >>> in_json({"norm": float("nan"), 3: (1, 2)})
    {'norm': None, '3': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): in_json(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return in_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [in_json(item) for item in value]
    return value
