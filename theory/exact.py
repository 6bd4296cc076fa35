"""Closed forms that belong to numbers: SymPy, slow to import, makes them when they are asked for.

Strings of small T-gons and simplices stand in `memorization/exact.toml`, so that they cost no import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from theory.derivations.texts import read_table

if TYPE_CHECKING:
    from sympy import Expr


class Exact(Mapping[str, str]):
    """Strings that SymPy parses, by the names of the numbers: the answer of a function of `theory.symbolic`.

    >>> Exact("tgon", 6)["weight_norm"], dict(Exact())
    ('2*sqrt(3)', {})
    """

    def __init__(self, function: str | None = None, *given: Any) -> None:
        self.made_by = function, given

    @cached_property
    def expressions(self) -> Mapping[str, Expr]:
        """The same as SymPy expressions."""
        function, given = self.made_by
        if function is None:
            return {}
        from theory import symbolic

        made: Mapping[str, Expr] = getattr(symbolic, function)(*given)
        return made

    def symbolic(self, name: str) -> Expr:
        """One of them. Raises ValueError: no closed form is known under this name."""
        if name not in self.expressions:
            known = ", ".join(map(repr, self.expressions)) or "none for these numbers"
            raise ValueError(f"{name!r} has no closed form; there is {known}")
        return self.expressions[name]

    def _repr_latex_(self) -> str:
        from sympy import latex

        forms = ((name.replace("_", " "), latex(form)) for name, form in self.expressions.items())
        lines = r" \\ ".join(rf"\text{{{name}}} &= {form}" for name, form in forms)
        return rf"$\begin{{aligned}}{lines}\end{{aligned}}$"

    @cached_property
    def _strings(self) -> Mapping[str, str]:
        function, given = self.made_by
        known: Mapping[str, Mapping[str, str]] = read_table("theory.memorization", "exact.toml")
        written = known.get(f"{function} {' '.join(map(str, given))}")
        return written or {name: str(form) for name, form in self.expressions.items()}

    def __getitem__(self, name: str) -> str:
        return self._strings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._strings)

    def __len__(self) -> int:
        return len(self._strings)
