"""Wrong versions of a relation, each changed in one place, that a check has to refute.

One sign, one integer (exponents and summation limits too) by one, sine for cosine, a direction, one symbol for another
of its domain.
"""

from collections.abc import Iterator

import sympy
from sympy.core.relational import Relational

from theory.derivations.domains import Domain, points
from theory.derivations.intervals import ball, rational_ball
from theory.derivations.steps import COUNT, StepInconclusive, StepRefuted, at_points


def mutants(relation: Relational, domain: Domain) -> set[Relational]:
    """Every mutant of a relation.

    >>> x = sympy.Symbol("x")
    >>> sorted(map(str, mutants(sympy.Eq(x, sympy.cos(x)), {x: None})))
    ['Eq(x, sin(x))']
    """
    return set(_changed(relation, domain)) - {relation}


def passes(relation: Relational, domain: Domain) -> bool:
    """Whether the check of a step passes a relation; one that it cannot settle does not pass."""
    try:
        at_points("mutant", relation, domain)
    except (StepRefuted, StepInconclusive):
        return False
    return True


def claims_no_more(mutant: Relational, relation: Relational, domain: Domain) -> bool:
    """Whether a mutant of an inequality, one that passes, holds by as much as the inequality or more at every point."""
    more = (mutant.gts - mutant.lts) - (relation.gts - relation.lts)
    places = ({one: rational_ball(value) for one, value in point.items()} for point in points(domain, COUNT))
    return not any(ball(more, place) < 0 for place in places)


def _changed(node: sympy.Basic, domain: Domain) -> Iterator[sympy.Basic]:
    """All versions of `node` with one change, of it or of what is inside."""
    if isinstance(node, sympy.Rational):
        yield from (node + 1, node - 1)
    elif node in domain:
        yield from (other for other in domain if other != node and domain[other] == domain[node])
    elif isinstance(node, sympy.Add):
        yield from (node - 2 * term for term in node.args)
    elif isinstance(node, sympy.cos | sympy.sin):
        yield sympy.sin(*node.args) if isinstance(node, sympy.cos) else sympy.cos(*node.args)
    elif isinstance(node, sympy.Tuple) and len(node) == 3:
        index, lower, upper = node
        ends = (lower + 1, upper), (lower, upper - 1), (lower, upper + 1)
        yield from (sympy.Tuple(index, *one) for one in ends)
    elif isinstance(node, Relational) and not isinstance(node, sympy.Eq):
        yield node.reversedsign.func(*node.args, evaluate=False)
    kept = {"evaluate": False} if isinstance(node, Relational) else {}
    for place, argument in enumerate(node.args[:1] if isinstance(node, sympy.Derivative) else node.args):
        for changed in _changed(argument, domain):
            yield node.func(*node.args[:place], changed, *node.args[place + 1 :], **kept)
