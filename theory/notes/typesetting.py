r"""SymPy statements in LaTeX, as GitHub and pandoc both read it.

Markdown takes a backslash before punctuation away, reads `<b` as a tag and two underscores as emphasis, so
the LaTeX written here has none of `\{`, `\,`, `<`, `>` and `*`, an underscore only after a letter, a line
break only at the end of a line, and no line that looks like the item of a list. Symbols are printed
as the table of notation says.

Defines no equations.
"""

from __future__ import annotations

import re
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

from theory.derivations.domains import Domain, Integers, Interval
from theory.derivations.steps import Statement, relations
from theory.derivations.symbols import NOTATION

__all__ = ["display", "in_latex", "sets_in_markdown", "width"]

#: The widest line of a displayed formula, in rough characters; wider ones are broken.
WIDEST = 84

_SIGNS = {
    sympy.Eq: "=",
    sympy.Ne: r"\ne",
    sympy.GreaterThan: r"\ge",
    sympy.LessThan: r"\le",
    sympy.StrictGreaterThan: r"\gt",
    sympy.StrictLessThan: r"\lt",
}


#: Commands no taller than a letter.
_SIMPLE = r"\\(?:var)?(?:alpha|beta|gamma|lambda|mu|epsilon|phi|pi|ell|eta|omega|theta|tau)(?![a-z])"

_FUNCTIONS = {
    sympy.cos: "cos",
    sympy.sin: "sin",
    sympy.tan: "tan",
    sympy.sec: "sec",
    sympy.acos: "arccos",
    sympy.log: "ln",
    sympy.Max: "max",
    sympy.Min: "min",
}


class _Printer(LatexPrinter):  # type: ignore[misc]
    """SymPy's printer with sums that do not begin with a minus, roots gathered, and plain brackets."""

    def __init__(self) -> None:
        super().__init__(
            {
                "fold_frac_powers": True,
                "symbol_names": {entry.symbol: entry.latex for entry in NOTATION},
            }
        )

    def _print_Add(self, expr: sympy.Add, order: Any = None) -> str:
        common = _common_denominator(expr)
        if common > 1:
            numerator = sympy.Add(*(common * term for term in expr.args))
            sign, numerator = ("- ", -numerator) if _all_negative(numerator) else ("", numerator)
            return rf"{sign}\frac{{{self._print(numerator)}}}{{{common}}}"
        return "".join(self.signed_terms(expr)).removeprefix("+ ").strip()

    def signed_terms(self, expr: sympy.Expr) -> list[str]:
        """The terms of a sum, each with its sign, a positive one first."""
        terms = list(self._as_ordered_terms(expr))
        first = next((place for place, term in enumerate(terms) if not _negative(term)), 0)
        terms.insert(0, terms.pop(first))
        return [f"{'-' if _negative(term) else '+'} {self._term(term)} " for term in terms]

    def _term(self, term: sympy.Expr) -> str:
        term = -term if _negative(term) else term
        shown = str(self._print(term))
        return rf"\left({shown}\right)" if term.is_Add and not shown.startswith(r"\frac") else shown

    def _print_Mul(self, expr: sympy.Mul) -> str:
        if _negative(expr):
            return f"- {self._term(expr)}"
        above, below = sympy.fraction(expr)
        if not any(_roots(part) for part in (above, below)):
            return str(super()._print_Mul(expr))
        above, below = self._gathered(above), self._gathered(below)
        return above if below == "1" else rf"\frac{{{above}}}{{{below}}}"

    def _gathered(self, product: sympy.Expr) -> str:
        """A product with its roots under one sign."""
        roots = _roots(product)
        if not roots:
            return str(self._print(product))
        rest = sympy.Mul(*(one for one in product.args if one not in roots))
        root = rf"\sqrt{{{self._print(sympy.Mul(*(one.base for one in roots)))}}}"
        if rest == 1:
            return root
        return (rf"\left({self._print(rest)}\right)" if rest.is_Add else str(self._print(rest))) + " " + root

    def _print_Function(self, expr: sympy.Function, exp: str | None = None) -> str:
        name = (
            rf"\{_FUNCTIONS[type(expr)]}" if type(expr) in _FUNCTIONS else rf"\mathrm{{{expr.func.__name__}}}"
        )
        shown = ", ".join(str(self._print(part)) for part in expr.args)
        return rf"{name}{f'^{{{exp}}}' if exp else ''}\left({shown}\right)"

    _print_log = _print_Function

    def _print_Abs(self, expr: sympy.Abs, exp: str | None = None) -> str:
        return rf"\left|{self._print(expr.args[0])}\right|" + (f"^{{{exp}}}" if exp else "")

    def _print_And(self, expr: sympy.And) -> str:
        return r", \qquad ".join(self._print(one) for one in sorted(relations(expr), key=str))

    def _print_Relational(self, expr: Any) -> str:
        return f"{self._print(_tidy(expr.lhs))} {_SIGNS[type(expr)]} {self._print(_tidy(expr.rhs))}"


def _negative(term: sympy.Expr) -> bool:
    """Whether the term is printed with a minus in front."""
    return bool(term.as_coeff_Mul()[0].is_negative)


def _all_negative(expr: sympy.Expr) -> bool:
    return bool(expr.is_Add) and all(map(_negative, expr.args))


def _roots(product: sympy.Expr) -> list[sympy.Expr]:
    """The square roots among the factors, if there are two or more."""
    roots = [one for one in product.args if one.is_Pow and one.exp == sympy.Rational(1, 2)]
    return roots if product.is_Mul and len(roots) > 1 else []


def _common_denominator(expr: sympy.Expr) -> int:
    """The denominator that all terms of a sum share, 1 if there is none."""
    if not expr.is_Add:
        return 1
    factors = [term.as_coeff_Mul()[0] for term in expr.args]
    shared = {factor.q for factor in factors if factor.is_Rational}
    return int(shared.pop()) if len(shared) == 1 and all(factor.is_Rational for factor in factors) else 1


def _tidy(expr: sympy.Expr) -> sympy.Expr:
    """The same expression without a fraction of fractions that share a denominator, nor a sum of minuses."""
    for wanted, change in (
        (lambda one: one.is_Pow and one.exp.is_negative and _common_denominator(one.base) > 1, _cleared),
        (lambda one: one.is_Mul and any(_common_denominator(part) > 1 for part in one.args), _cleared),
        (lambda one: one.is_Mul and len(one.args) > 2 and any(map(_all_negative, one.args)), _positive),
    ):
        expr = expr.replace(wanted, change)
    return expr


def _cleared(expr: sympy.Expr) -> sympy.Expr:
    """A product or power whose sums have lost their common denominators to a factor in front."""
    if expr.is_Pow:
        common = _common_denominator(expr.base)
        return common ** (-expr.exp) * sympy.Add(*(common * term for term in expr.base.args)) ** expr.exp
    factors = []
    for part in expr.args:
        common = _common_denominator(part)
        factors += (
            [sympy.Rational(1, common), sympy.Add(*(common * term for term in part.args))]
            if common > 1
            else [part]
        )
    return sympy.Mul(*factors)


def _positive(expr: sympy.Expr) -> sympy.Expr:
    return sympy.Mul(*(-part if _all_negative(part) else part for part in expr.args)) * (-1) ** sum(
        map(_all_negative, expr.args)
    )


_PRINTER = _Printer()


def in_latex(expression: Any) -> str:
    r"""An expression or statement on one line.

    Examples
    --------
    >>> x, y = sympy.symbols("x y", positive=True)
    >>> in_latex(sympy.sqrt(x) * sympy.sqrt(y) >= y - x)
    '\\sqrt{x y} \\ge y - x'

    """
    return _plain(_PRINTER.doprint(expression))


def _plain(latex: str) -> str:
    """Without the braces and tall brackets that no reader needs."""
    latex = re.sub(r"(\w)_\{(\w)\}", r"\1_\2", latex)
    return re.sub(r"\s+", " ", _LOW.sub(r"(\1)", latex)).strip()


#: Brackets around something no taller than a letter.
_LOW = re.compile(rf"\\left\(((?:[\w ,+=-]|{_SIMPLE})*)\\right\)")


def display(statement: Statement) -> str:
    r"""A statement as the body of a displayed formula, broken into lines where it is wide.

    Examples
    --------
    >>> display(sympy.Symbol("x") > 1)
    'x \\gt 1'

    """
    one_line = in_latex(statement)
    if width(one_line) <= WIDEST:
        return re.sub(r"\A- ", "-", one_line)  # a line that begins with a minus and a blank is a list
    lines: list[str] = []
    for relation in relations(statement):
        lines += _lines(relation.lhs, "")
        lines += _lines(relation.rhs, _SIGNS[type(relation)] + " ")
    body = " \\\\\n".join(f"& {line}" for line in lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _lines(side: sympy.Expr, lead: str) -> list[str]:
    """One side of a relation in lines, the first after `lead`; sums are broken before a term."""
    whole = in_latex(side)
    if width(whole) <= WIDEST or not (side.is_Add or side.is_Mul):
        return [lead + whole]
    if side.is_Mul:
        longest = max(side.args, key=lambda one: width(in_latex(one)) if one.is_Add else 0)
        if not longest.is_Add:
            return [lead + whole]
        rest = in_latex(sympy.Mul(*(one for one in side.args if one != longest)))
        opened, *more = _lines(longest, f"{lead}{rest} (")
        return [opened, *more[:-1], f"{more[-1]})"] if more else [f"{opened})"]
    limit = width(whole) / -(-width(whole) // WIDEST) + 12  # lines of about one length
    lines, line = [], lead
    for number, term in enumerate(_PRINTER.signed_terms(side)):
        shown = _plain(term.removeprefix("+ ") if number == 0 else term)
        if number and width(line) + width(shown) > min(limit, WIDEST):
            lines.append(line.rstrip())
            line = r"\quad "
        line += shown + " "
    return [*lines, line.rstrip()]


def width(latex: str) -> int:
    r"""Roughly how many characters wide a formula is; a fraction is a little wider than its wider part.

    Examples
    --------
    >>> width(r"\frac{a + b}{2} \le \cos(\pi)")
    12

    """
    while found := _INNERMOST.search(latex):
        widest = max((part for part in found.groups() if part is not None), key=width)
        fraction = "x" if found[1] is not None else ""
        latex = latex[: found.start()] + widest + fraction + latex[found.end() :]
    latex = re.sub(r"\\(left|right|quad|begin|end)(?![a-z])", "", latex)
    latex = re.sub(r"\\(cos|sin|tan|sec|arccos|max|min|ln)(?![a-z])", r"\1", latex)
    latex = re.sub(r" ([-+=])(?= )", r"\1x", latex)
    return len(re.sub(r"[{}^_ ]|\\sqrt", "", re.sub(r"\\(?!sqrt)[a-zA-Z]+", "x", latex)))


#: A fraction without braces inside, or any other group in braces without one.
_INNERMOST = re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}|(?<![}c])\{([^{}]*)\}(?!\{)")


def sets_in_markdown(domain: Domain) -> str:
    r"""Which symbol lies in which set, symbols of one set together, in the order of the table of notation.

    Examples
    --------
    >>> x, y = sympy.symbols("x y")
    >>> sets_in_markdown({x: Interval("1/8", 4), y: Interval("1/8", 4)})
    '$x, y \\in [1/8, 4]$'

    """
    order = {entry.symbol: place for place, entry in enumerate(NOTATION)}
    shared: dict[Interval | Integers, list[sympy.Symbol]] = {}
    for symbol in sorted(domain, key=lambda one: (order.get(one, len(order)), str(one))):
        shared.setdefault(domain[symbol], []).append(symbol)
    return "; ".join(
        f"${', '.join(in_latex(symbol) for symbol in symbols)} \\in {_set(one)}$"
        for one, symbols in shared.items()
    )


def _set(one: Interval | Integers) -> str:
    if isinstance(one, Interval):
        return f"[{', '.join(_number(end) for end in one.ends)}]"
    values = list(one.values)
    named = values if len(values) <= 4 else [*values[: 2 if one.step > 1 else 1], None, values[-1]]
    shown = (r"\dots" if at is None else _number(sympy.Integer(at)) for at in named)
    return rf"\lbrace {', '.join(shown)} \rbrace"


def _number(value: sympy.Rational) -> str:
    power = len(str(value)) - 1
    return f"10^{power}" if power >= 4 and value == 10**power else str(value)
