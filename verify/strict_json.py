"""Values in the types of strict JSON."""

from typing import Any


def in_json(value: Any) -> Any:
    """``value`` in the types of strict JSON: NumPy scalars and arrays unwrapped, NaN and infinity as None.

    >>> in_json({"norm": float("nan"), 3: (1, 2)})
    {'norm': None, '3': [1, 2]}
    """
    from pydantic_core import to_jsonable_python  # loaded when there is an answer to show

    return to_jsonable_python(value, inf_nan_mode="null", fallback=lambda other: other.tolist())
