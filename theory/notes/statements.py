r"""SymPy statements and domains in LaTeX: SymPy's own printer, and what GitHub and pandoc need beside it.

Markdown reads `<` as a tag and a line that begins with "- " as the item of a list.
"""

import re
from collections.abc import Iterator
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

from theory.derivations.domains import Domain, Integers, Interval
from theory.derivations.steps import Statement, relations
from theory.derivations.symbols import NOTATION

#: The most characters on a line of a displayed formula, commands and braces not counted.
WIDEST = 100

_SETTINGS = {
    "symbol_names": {entry.symbol: entry.latex for entry in NOTATION},
    "inv_trig_style": "full",
    "ln_notation": True,
    "fold_frac_powers": True,
}
_SIGNS = {"<": r"\lt", ">": r"\gt", r"\leq": r"\le", r"\geq": r"\ge"}


class _Printer(LatexPrinter):  # type: ignore[misc]
    def _as_ordered_terms(self, expr: sympy.Expr, order: Any = None) -> list[sympy.Expr]:
        """The terms of a sum, one without a minus first where there is one."""
        terms = list(super()._as_ordered_terms(expr, order=order))
        first = next((term for term in terms if not term.could_extract_minus_sign()), None)
        return sorted(terms, key=lambda term: term != first)


_PRINTER = _Printer(_SETTINGS)


def in_latex(expression: Any) -> str:
    r"""An expression or a relation on one line.

    >>> x, y = sympy.symbols("x y", positive=True)
    >>> in_latex(sympy.acos(x) > y - x)
    '\\arccos{\\left(x \\right)} \\gt y - x'
    """
    latex = str(_PRINTER.doprint(expression))
    return re.sub(r"<|>|\\[lg]eq\b", lambda found: _SIGNS[found[0]], latex)


def display(statement: Statement) -> str:
    r"""A statement as the body of a displayed formula; what is wide is broken at its relation and in its sums.

    >>> display(sympy.Symbol("x") > 1)
    'x \\gt 1'
    """
    shown = relations(statement)
    line = r", \qquad ".join(map(in_latex, sorted(shown, key=str)))
    if _width(line) <= WIDEST:
        return re.sub(r"\A- ", "-", line)
    sides = (part for one in shown for part in (*_lines("", one.lhs), *_lines(_sign(one), one.rhs)))
    return "\\begin{aligned}\n" + " \\\\\n".join(f"& {side}" for side in sides) + "\n\\end{aligned}"


def _sign(relation: sympy.Basic) -> str:
    """What stands between the sides, with a blank behind."""
    x, y = sympy.symbols("x y")
    return in_latex(relation.func(x, y, evaluate=False)).removeprefix("x ").removesuffix("y")


def _lines(lead: str, side: sympy.Expr) -> Iterator[str]:
    """One side of a relation behind `lead`; a sum too wide for a line is broken before a term."""
    terms = _PRINTER._as_ordered_terms(side) if isinstance(side, sympy.Add) else [side]
    line = lead + in_latex(terms[0])
    for term in terms[1:]:
        shown = in_latex(term)
        shown = f" {shown}" if shown.startswith("- ") else f" + {shown}"
        if _width(line + shown) > WIDEST:
            yield line
            line = r"\quad"
        line += shown
    yield line


def _width(latex: str) -> int:
    """Roughly how many letters a formula has; those above and below a line count both."""
    letters = re.sub(r"\\(frac|left|right|sqrt)(?![a-z])", "", latex)
    return len(re.sub(r"[{}^_ ]", "", re.sub(r"\\[a-z]+", "x", letters)))


def sets_in_markdown(domain: Domain) -> str:
    r"""Which symbol lies in which set, symbols of one set together, in the order of the table of notation.

    >>> x, y = sympy.symbols("x y")
    >>> sets_in_markdown({x: Interval("1/8", 4), y: Interval("1/8", 4)})
    '$x, y \\in [1/8, 4]$'
    """
    order = {entry.symbol: place for place, entry in enumerate(NOTATION)}
    shared: dict[Interval | Integers, list[str]] = {}
    for symbol in sorted(domain, key=lambda one: (order.get(one, len(order)), str(one))):
        shared.setdefault(domain[symbol], []).append(in_latex(symbol))
    return "; ".join(rf"${', '.join(symbols)} \in {_set(one)}$" for one, symbols in shared.items())


def _set(one: Interval | Integers) -> str:
    if isinstance(one, Interval):
        return f"[{', '.join(map(str, one.ends))}]"
    first = [str(value) for value in one.values[: 2 if one.step > 1 else 1]]
    last = "10^6" if one.upper == 10**6 else str(one.values[-1])
    shown = map(str, one.values) if len(one.values) <= 4 else (*first, r"\dots", last)
    return rf"\lbrace {', '.join(shown)} \rbrace"
