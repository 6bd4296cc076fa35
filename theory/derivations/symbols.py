"""The one table of symbols; conventions are in `theory/notes/notation.md.j2`.

One letter may mean different things in different areas of labels.
Symbols stand for real numbers. No symbol is declared positive where a proof has to show that it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from theory.derivations.texts import read_table


@dataclass(frozen=True, slots=True)
class Notation:
    """One symbol: its SymPy form, its LaTeX, what it means and which values it takes. `areas` has what it means in some
    areas of labels, `meaning` what it means in all others; empty where it stands in no other.
    """

    symbol: sympy.Symbol
    latex: str
    meaning: str
    values: str
    areas: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The symbol's name, unique in the table."""
        return str(self.symbol.name)

    def meaning_in(self, areas: Collection[str]) -> str:
        """What the symbol means in equations of these areas of labels.

        >>> one = Notation(sympy.Symbol("a"), "a", "amplitude", "real", {"codes": "a cosine"})
        >>> one.meaning_in(["codes"]), one.meaning_in(["scales"]), one.every_meaning
        ('a cosine', 'amplitude', 'amplitude; in codes: a cosine')
        """
        own = dict.fromkeys(text for area, text in self.areas.items() if area in areas)
        return "; ".join(own) or self.meaning

    @property
    def every_meaning(self) -> str:
        """What the symbol means, first in general, then with the areas of labels where it is something else."""
        named: dict[str, list[str]] = {}
        for area, text in self.areas.items():
            named.setdefault(text, []).append(area)
        parts = [self.meaning] if self.meaning else []
        return "; ".join(parts + [f"in {', '.join(areas)}: {text}" for text, areas in named.items()])


#: Assumptions of the symbols of each kind, and the values they take where nothing else is said.
_KINDS: dict[str, tuple[str, dict[str, bool]]] = {
    "real": ("real", {"real": True}),
    "positive": (r"$\gt 0$", {"positive": True}),
    "nonnegative": (r"$\ge 0$", {"nonnegative": True}),
    "count": (r"integer, $\ge 1$", {"integer": True, "positive": True}),
    "index": ("integer", {"integer": True}),
}


def _entry(row: Mapping[str, Any]) -> Notation:
    usual, assumptions = _KINDS[row["kind"]]
    one = sympy.Symbol(row["name"], **assumptions)
    latex, values = row.get("latex", sympy.latex(one)), row.get("values", usual)
    return Notation(one, latex, row.get("meaning", ""), values, row.get("in", {}))


#: Every symbol of the project, in the order in which a reader meets them; `notation.toml` has the table.
NOTATION = tuple(map(_entry, read_table("theory.derivations", "notation.toml")["symbol"]))

_BY_NAME = {entry.name: entry.symbol for entry in NOTATION}


def symbol(names: str) -> tuple[sympy.Symbol, ...]:
    """The SymPy symbols with these names, separated by blanks; a KeyError for one that the table does not have.

    >>> T, k = symbol("T k")
    >>> T.is_integer, k.is_positive
    (True, True)
    """
    return tuple(_BY_NAME[name] for name in names.split())
