"""Derivations: sequences of steps, each a SymPy statement with a check that can fail.

A step is an equation or an inequality, claimed on a domain. Its check goes another route: ball arithmetic at fixed
points (:func:`at_points`). It refutes or fails to refute; what makes a step true is its reason, `why`, which names its
gaps. Texts are Markdown with LaTeX, in TOML.
"""

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeAlias

import sympy
from flint import arb
from sympy.core.relational import Relational

from theory.derivations.domains import Domain, Integers, Interval, Point, points
from theory.derivations.intervals import Ball, Undefined, ball, rational_ball
from theory.derivations.texts import read_table

#: An equation, an inequality, or a conjunction of them.
Statement: TypeAlias = sympy.Basic

#: What a derivation establishes.
Standing = Literal["theorem", "closed form"]

#: A statement, with the sets of those symbols that lie elsewhere than in the other steps.
Claim: TypeAlias = Statement | tuple[Statement, Domain]

#: Points of a domain beside its corners that a check takes.
COUNT = 24

#: A ball wider than this (relative to its magnitude, at least 1) settles nothing.
WIDEST = 1e-30

_STRICT = (sympy.StrictGreaterThan, sympy.StrictLessThan)


def _stated(relation: Any, left: Any, right: Any, on: Domain | None = None) -> Any:
    """A relation as written, with sets of its own where it has some: SymPy must not decide it while it is stated."""
    statement = relation(left, right, evaluate=False)
    return statement if on is None else (statement, on)


equal, at_least, at_most, above = (
    partial(_stated, relation) for relation in (sympy.Eq, sympy.Ge, sympy.Le, sympy.Gt)
)


class StepRefuted(AssertionError):
    """A step is false at a point; the message, printed when it is asked for, has the step, the point and both sides."""

    def __str__(self) -> str:
        """The message, from its parts."""
        return "".join(map(str, self.args))


class StepInconclusive(RuntimeError):
    """A check could not settle a step; its domain or its form has to change."""


def at_points(label: str, statement: Statement, domain: Domain) -> None:
    """Evaluate both sides as balls, narrower than 1e-30, at the corners of the domain and at `COUNT` more fixed points.
    Equal sides must overlap, strict ones differ with certainty by the right sign, the others not by the wrong one.
    """
    for point in points(domain, COUNT):
        values = {symbol: rational_ball(value) for symbol, value in point.items()}
        for relation in relations(statement):
            _judge(label, relation, values, point)


@dataclass(frozen=True, slots=True)
class Step:
    """One claim of a derivation: a relation or a conjunction of relations, under the equation label `area.name`.

    `domain` has for each free symbol the set on which it is claimed and checked. `why` is the reason; it names the
    classical theorem where it uses one.
    """

    label: str
    statement: Statement
    domain: Domain
    why: str

    def __post_init__(self) -> None:
        if self.statement in (sympy.true, sympy.false):
            raise ValueError(f"{self.label}: SymPy reduced the statement; build it with equal() and its like")
        if any(relation.lhs == relation.rhs for relation in relations(self.statement)):
            raise ValueError(f"{self.label}: both sides are the same expression; such a step says nothing")
        if (free := self.statement.free_symbols) != set(self.domain):
            raise ValueError(
                f"{self.label}: the symbols {free} must be those with a domain, {set(self.domain)}"
            )

    def verify(self) -> None:
        """Check it at points; raises StepRefuted or StepInconclusive, whose message has the step and the point."""
        at_points(self.label, self.statement, self.domain)


@dataclass(frozen=True, slots=True)
class Derivation:
    """A result with the steps that lead to it; all texts are Markdown. `assumptions` are what it rests on, `conclusion`
    is what follows from the steps, and `source` says where the result, or the observation it explains, was published.
    """

    label: str
    title: str
    standing: Standing
    assumptions: str
    steps: tuple[Step, ...]
    conclusion: str
    source: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of the result and those of its steps."""
        return self.label, *(step.label for step in self.steps)


#: The modules that hold derivations, in the order in which they are read.
PROOF_MODULES = (
    "memorization.zero_loss",
    "memorization.tgon",
    "memorization.codes",
    "features.polygon",
    "features.free_bias",
    "features.sea",
    "features.repetition",
    "features.dimensionality",
    "memorization.overlap",
    "optimization.reach",
    "optimization.epsilon",
    "memorization.failures",
    "memorization.finite_penalty",
    "memorization.unequal_norms",
)


@cache
def _texts() -> dict[str, Any]:
    """Title, assumptions, source, conclusion and reasons of every derivation, by its label."""
    places = (name.split(".") for name in PROOF_MODULES)
    tables = (read_table(f"theory.derivations.{area}", f"{stem}.toml") for area, stem in places)
    return {label: text for table in tables for label, text in table.items()}


def theorem(
    label: str,
    *,
    on: Mapping[Any, Interval | Integers],
    steps: Mapping[str, Claim],
    standing: Standing = "theorem",
) -> Derivation:
    """A derivation of a theorem, with the text under its label in the TOML file beside its module.
    Steps go by their labels, and `on` has the set of each symbol, or of several.
    """
    groups = [(key if isinstance(key, tuple) else (key,), one) for key, one in on.items()]
    domain = {symbol: one for symbols, one in groups for symbol in symbols}
    texts: dict[str, Any] = {"source": "ours"} | _texts()[label]
    reasons = texts.pop("reasons")
    if set(reasons) != set(steps):
        raise ValueError(f"{label}: the reasons {sorted(reasons)} must be those of the steps {sorted(steps)}")
    claims = []
    for name, claim in steps.items():
        statement, own = claim if isinstance(claim, tuple) else (claim, {})
        known, free = {**domain, **own}, statement.free_symbols
        sets = {symbol: one for symbol, one in known.items() if symbol in free}
        claims.append(Step(name, statement, sets, reasons[name]))
    return Derivation(label=label, standing=standing, steps=tuple(claims), **texts)


#: The same for a closed form.
closed_form = partial(theorem, standing="closed form")


@cache
def derivations() -> tuple[Derivation, ...]:
    """Every derivation, in reading order. A test sees to it that no label stands twice."""
    modules = (importlib.import_module(f"theory.derivations.{name}") for name in PROOF_MODULES)
    return tuple(one for module in modules for one in vars(module).values() if isinstance(one, Derivation))


def derivation(label: str) -> Derivation:
    """The derivation of a label, of the result or of one of its steps. Raises ValueError: there is none.

    >>> derivation("memorization.jensen").label
    'memorization.tgon-norm'
    """
    holding = {name: one for one in derivations() for name in one.labels}
    if label not in holding:
        near = difflib.get_close_matches(label, holding, n=1, cutoff=0.0)[0]
        raise ValueError(f"label = {label!r}: no derivation has it; try {near}")
    return holding[label]


def relations(statement: Statement) -> tuple[Relational, ...]:
    """The relations of a statement.

    >>> x = sympy.Symbol("x")
    >>> len(relations(sympy.And(x > 0, x < 1)))
    2
    """
    return tuple(statement.args) if isinstance(statement, sympy.And) else (statement,)


def _judge(label: str, relation: Relational, values: dict[sympy.Symbol, Ball], point: Point) -> None:
    where = (
        ", ".join(f"{symbol.name} = {value}" for symbol, value in point.items()) or "a point without symbols"
    )
    try:
        left, right = ball(relation.lhs, values), ball(relation.rhs, values)
    except Undefined as error:
        raise StepRefuted(f"{label} is refuted at {where}: {error}") from error
    gap = _gap(relation, left, right)
    if gap < 0 or (gap.is_zero() and isinstance(relation, _STRICT)):
        sides = " and ".join(str(side.str(20, radius=False)) for side in (left, right))
        raise StepRefuted(f"{label} is refuted at {where}: ", relation, f" has the sides {sides}")
    wide = [side for side in (left, right) if side.rad() > WIDEST * (1 + abs(side))]
    if wide or (isinstance(relation, _STRICT) and not gap > 0):
        raise StepInconclusive(f"{label} at {where}: the sides {left} and {right} settle nothing")


def _gap(relation: Relational, left: Ball, right: Ball) -> Ball:
    """What must not be negative: −|left − right| up to its own radius for an equation."""
    if isinstance(relation, sympy.Eq):
        return arb(0) if left.overlaps(right) else -abs(left - right)
    return left - right if relation.gts == relation.lhs else right - left
