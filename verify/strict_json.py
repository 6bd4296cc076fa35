"""Answers as strict JSON."""

from typing import Any


def strict_json(value: Any) -> str:
    """``value`` as an indented document of strict JSON: NumPy unwrapped, NaN and infinity null.

    >>> strict_json({3: (1, float("nan"))}).split()
    ['{', '"3":', '[', '1,', 'null', ']', '}']
    """
    from pydantic_core import to_json  # loaded when there is an answer to show

    return to_json(value, indent=2, inf_nan_mode="null", fallback=lambda other: other.tolist()).decode()
