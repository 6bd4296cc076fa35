"""Numbers as text: cells of tables in terminals, pages and notes."""

import math
from typing import Any


def shown(value: Any, digits: int = 4) -> str:
    """A table cell: numbers to ``digits`` significant digits, fewer where those are exact; a dash for what is not.
    A list is shown as its range, as one number where both ends look the same.

    >>> shown(2.689994), shown(0.01), shown(12), shown(None), shown([0.5, 1.0]), shown([1.5, -math.inf])
    ('2.690', '0.01', '12', '–', '0.5 … 1', '-∞ … 1.5')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value += 0.0  # -0.0 becomes 0.0
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        brief = f"{value:.{digits}g}"
        return brief if math.isclose(float(brief), value, rel_tol=1e-9) else f"{value:#.{digits}g}"
    if isinstance(value, list):
        low, high = shown(min(value), digits), shown(max(value), digits)
        return low if low == high else f"{low} … {high}"
    return str(value)


def number(value: float, digits: int = 5) -> str:
    """A number for a table: `digits` significant digits, no zeros behind them, a true minus, powers of ten in LaTeX.

    >>> number(2.6899940478558), number(-1.0), number(1e-17), number(0.00995), number(17.2, 2)
    ('2.6900', '−1', '0', '0.00995', '17')
    """
    if abs(value) < 1e-9:
        return "0"
    brief = f"{value:.{digits}g}"
    if abs(value) < 1e-3:
        brief = f"{value:.{digits - 1}e}"
    elif abs(float(brief) - value) > 1e-9 * abs(value):
        brief = f"{value:#.{digits}g}".removesuffix(".")
    if "e" in brief:
        mantissa, exponent = brief.split("e")
        return rf"${mantissa} \cdot 10^{{{int(exponent)}}}$"
    return brief.replace("-", "−")


def at_least(shown: str, censored: bool) -> str:
    """A number as it is shown, behind "≥" where it is only a lower bound."""
    return f"≥ {shown}" if censored else shown
