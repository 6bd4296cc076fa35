"""Wrong versions of a statement, each changed in one place, that a check has to refute.

One sign, one integer (exponents and summation limits too) by one, sine for cosine, a direction, one symbol for another
of its domain. One may survive only if it is no error: equal at every point, or an inequality weaker at every point.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import sympy
from flint import arb
from sympy.core.relational import Relational

from theory.derivations import steps
from theory.derivations.domains import Domain, points
from theory.derivations.intervals import Ball, Undefined, ball, rational_ball

#: A node as it is changed, and what the change is.
Change: TypeAlias = tuple[sympy.Basic, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A statement with one change, and what says which: printed when it is asked for, as printing is slow."""

    statement: steps.Statement
    words: tuple[object, ...]

    @property
    def change(self) -> str:
        """Which change it is."""
        return "".join(map(str, self.words))


def mutants(step: steps.Step) -> Iterator[Mutant]:
    """Every mutant of a step's statement, each once.

    >>> x = sympy.Symbol("x")
    >>> from theory.derivations.domains import Interval
    >>> step = steps.Step("a.b", sympy.Eq(sympy.cos(x), 1 - x), {x: Interval(0, 1)}, "")
    >>> sorted(mutant.change for mutant in mutants(step))[2:]
    ['1 - x: + for - of -x', '1 - x: - for + of 1', '1 -> 0', '1 -> 2', 'cos(x) -> sin(x)']
    """
    seen = {step.statement}
    for statement, words in _rewrite(step.statement, step.domain):
        if statement not in seen:
            seen.add(statement)
            yield Mutant(statement, words)


def is_refuted(step: steps.Step, mutant: Mutant) -> bool:
    """Whether the step's own check refutes the mutant; a mutant it cannot settle counts as refuted too."""
    try:
        steps.at_points(step.label, mutant.statement, step.domain)
    except (steps.StepRefuted, steps.StepInconclusive):
        return True
    return False


def is_harmless(step: steps.Step, mutant: Mutant) -> bool:
    """Whether a surviving mutant is no error: nowhere does it claim more than the statement does.
    At every point each relation of the mutant must have the gap of the original or a greater one.
    """
    originals, changed = list(steps.relations(step.statement)), list(steps.relations(mutant.statement))
    if len(originals) != len(changed):
        return mutant.statement == sympy.true or set(changed) < set(originals)
    return all(
        _claims_no_more(before, after, step.domain)
        for before, after in zip(originals, changed, strict=True)
        if before != after
    )


def _claims_no_more(before: sympy.Basic, after: sympy.Basic, domain: Domain) -> bool:
    if type(before) is not type(after):
        return False
    for point in points(domain, steps.COUNT):
        values = {symbol: rational_ball(value) for symbol, value in point.items()}
        try:
            slack = _excess(after, values) - _excess(before, values)
        except Undefined:
            return False
        if slack < 0 or (isinstance(before, sympy.Eq) and not slack.overlaps(arb(0))):
            return False
    return True


def _excess(relation: sympy.Basic, values: dict[sympy.Symbol, Ball]) -> Ball:
    sides = (relation.lhs, relation.rhs) if isinstance(relation, sympy.Eq) else (relation.gts, relation.lts)
    return ball(sides[0], values) - ball(sides[1], values)


def _rewrite(node: sympy.Basic, domain: Domain) -> Iterator[Change]:
    """All versions of `node` with one change somewhere inside."""
    yield from _rewrite_here(node, domain)
    for place, argument in enumerate(node.args):
        if isinstance(node, sympy.Derivative) and place > 0:
            continue
        for changed, words in _rewrite(argument, domain):
            arguments = (*node.args[:place], changed, *node.args[place + 1 :])
            kept = {"evaluate": False} if isinstance(node, Relational) else {}
            yield node.func(*arguments, **kept), words


def _rewrite_here(node: sympy.Basic, domain: Domain) -> Iterator[Change]:
    if isinstance(node, sympy.Rational):
        yield node + 1, (node, " -> ", node + 1)
        yield node - 1, (node, " -> ", node - 1)
    elif isinstance(node, sympy.Symbol) and node in domain:
        for other in sorted(domain, key=lambda symbol: symbol.name):
            if other != node and domain[other] == domain[node]:
                yield other, (node, " -> ", other)
    elif isinstance(node, sympy.Add):
        for term in node.args:
            sign = "+ for -" if term.could_extract_minus_sign() else "- for +"
            yield node - 2 * term, (node, f": {sign} of ", term)
    elif isinstance(node, sympy.cos | sympy.sin):
        other = sympy.sin if isinstance(node, sympy.cos) else sympy.cos
        yield other(*node.args), (node, " -> ", other(*node.args))
    elif isinstance(node, sympy.Tuple) and len(node) == 3:
        index, lower, upper = node
        yield sympy.Tuple(index, lower + 1, upper), ("from ", lower + 1)
        yield sympy.Tuple(index, lower, upper - 1), ("to ", upper - 1)
        yield sympy.Tuple(index, lower, upper + 1), ("to ", upper + 1)
    elif isinstance(node, Relational) and not isinstance(node, sympy.Eq):
        yield node.reversedsign.func(*node.args, evaluate=False), (node, ": direction")
