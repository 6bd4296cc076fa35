"""Every derivation verifies, and every check can fail."""

import re

import pytest
import sympy
from sympy.core.relational import Relational

from theory.derivations.domains import Integers, Interval, points
from theory.derivations.intervals import ball, rational_ball
from theory.derivations.steps import (
    COUNT,
    Step,
    StepInconclusive,
    StepRefuted,
    above,
    at_least,
    at_most,
    at_points,
    derivations,
    equal,
    relations,
    theorem,
)
from theory.derivations.symbols import NOTATION, symbol

x, y = sympy.symbols("x y", positive=True)
UNIT = Interval(0, 1)
STEPS = [step for one in derivations() for step in one.steps]


#: Mutants of equations that survive, because each is the same equation in other words: sine for cosine in a sum over a
#: full turn, sin(π − x) for sin x, one angle for the other where both make a full turn, one more summand that is 0.
IDENTITIES = {
    "codes.shifted-spread": {"Eq(2*cos(2*pi/T) + 4*cos(3*pi/T)**2, 1)"},
    "generalization.neighbour-tail": {"Eq(cos(4*pi/k), sin(pi*(k + 8)/(2*k)))"},
    "memorization.polygon-frame": {
        "Eq(1/Sum(cos(pi*d/T)**2, (d, 0, T - 1)), 2/T)",
        "Eq(1/Sum(sin(2*pi*d/T)**2, (d, 0, T - 1)), 2/T)",
    },
    "memorization.tgon-bias": {"Eq(1 - 1/(1 - cos(2*pi/T)), -sin(pi*(T + 4)/(2*T))/(2*sin(pi/T)**2))"},
    "memorization.tgon-feasible": {
        "Eq((1 - cos(2*pi*d/(d + i)))/(1 - cos(2*pi/(d + i))), sin(pi*i/(d + i))**2/sin(pi/(d + i))**2)",
        "Eq((1 - cos(2*pi*i/(d + i)))/(1 - cos(2*pi/(d + i))), sin(pi*d/(d + i))**2/sin(pi/(d + i))**2)",
    },
    "optimization.entry-mixture": {
        "Eq(Sum(p**j*s**(j - 1)*(1 - p)**(-j + n)*binomial(n, j), (j, 1, n + 1)), "
        "(-(1 - p)**n + (p*s - p + 1)**n)/s)"
    },
    "polygons.even-sum": {"Eq(Sum(Max(0, sin(2*pi*d/k))**2, (d, 0, k - 1)), k/4)"},
    "scales.expected-overlaps": {"Eq(Sum(j, (j, 0, T - 1)), T*(T - 1)/2)"},
}


def a_step(statement, domain):
    return Step("test.step", statement, domain, "")


def mutants(node, domain):
    """Versions of a relation, or of a part of it, changed in one place: a sign, an integer by one (exponents and
    summation limits too), sine for cosine, a direction, one symbol for another of its domain.
    """
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
        for changed in mutants(argument, domain):
            yield node.func(*node.args[:place], changed, *node.args[place + 1 :], **kept)


def passes(relation, domain):
    """Whether the check of a step passes a relation; one that it cannot settle does not pass."""
    try:
        at_points("mutant", relation, domain)
    except (StepRefuted, StepInconclusive):
        return False
    return True


def claims_no_more(mutant, relation, domain):
    """Whether a mutant of an inequality, one that passes, holds by as much as the inequality or more at every point."""
    more = (mutant.gts - mutant.lts) - (relation.gts - relation.lts)
    places = ({one: rational_ball(value) for one, value in point.items()} for point in points(domain, COUNT))
    return not any(ball(more, place) < 0 for place in places)


@pytest.mark.parametrize("one", derivations(), ids=lambda one: one.label)
def test_derivation_verifies(one):
    for step in one.steps:
        step.verify()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.label)
def test_no_mutant_of_a_step_passes_as_the_step(step):
    """Survivors are only inequalities that claim no more, and the identities above."""
    same = set()
    for relation in relations(step.statement):
        drawn = set(mutants(relation, step.domain)) - {relation}
        survivors = {mutant for mutant in drawn if passes(mutant, step.domain)}
        assert survivors < drawn, f"{step.label}: no mutant dies, so its check cannot fail"
        if isinstance(relation, sympy.Eq):
            same |= set(map(str, survivors))
        else:
            assert all(claims_no_more(mutant, relation, step.domain) for mutant in survivors), survivors
    assert same == IDENTITIES.get(step.label, set())


def test_labels_are_names_and_every_derivation_says_what_it_needs():
    listed = [label for one in derivations() for label in one.labels]
    assert len(set(listed)) == len(listed), "a label stands twice"
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", label) for label in listed)
    for one in derivations():
        assert one.steps
        assert one.assumptions
        assert one.conclusion.endswith(".")
    with pytest.raises(ValueError, match=r"sea\.bands: the reasons .* must be those of the steps"):
        theorem("sea.bands", on={}, steps={})


def test_every_symbol_is_in_the_table_of_notation():
    names = [entry.name for entry in NOTATION]
    assert len(set(names)) == len(names)
    assert all(entry.every_meaning and entry.latex and entry.values for entry in NOTATION)
    with pytest.raises(KeyError):
        symbol("nonsense")
    known = {entry.symbol for entry in NOTATION}
    for step in STEPS:
        assert step.statement.atoms(sympy.Symbol) <= known, step.label


@pytest.mark.parametrize(
    ("statement", "domain"),
    [
        (equal(sympy.cos(x), 1 - x**2 / 2), {x: UNIT}),
        (equal(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1 + sympy.Rational(1, 10**40)), {x: UNIT}),
        (at_most(x**2, x), {x: Interval(0, 2)}),
        (at_least(x, 1), {x: UNIT}),
        (above(x, 0), {x: UNIT}),  # fails at the end only
        (equal(sympy.sqrt(x - 1), 0), {x: UNIT}),  # not real
        (equal(1 / x, 1), {x: UNIT}),  # a pole at the end
        (equal(sympy.Sum(x, (y, 1, 3)), 4 * x), {x: UNIT}),
        (equal(sympy.Derivative(x**3, (x, 2)), 5 * x), {x: UNIT}),
        (sympy.And(above(x, -1), above(1, x)), {x: UNIT}),  # the second half fails
    ],
)
def test_a_false_step_is_refuted_with_its_point_and_sides(statement, domain):
    with pytest.raises(StepRefuted, match=r"test\.step is refuted at x = "):
        a_step(statement, domain).verify()
    with pytest.raises(StepRefuted, match=r"2\.0.*3\.0"):
        a_step(equal(x, sympy.Integer(3)), {x: Integers(2, 2)}).verify()


def test_a_strict_inequality_that_touches_is_inconclusive_not_certified():
    with pytest.raises(StepInconclusive):
        a_step(above(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1), {x: Interval("1/3", 1)}).verify()


@pytest.mark.parametrize(
    ("statement", "domain", "message"),
    [
        (equal(x, y), {x: UNIT}, "must be those with a domain"),
        (equal(x, 1), {x: UNIT, y: UNIT}, "must be those with a domain"),
        (sympy.Eq(x, x), {}, "reduced"),
        (equal(x + y, y + x), {x: UNIT, y: UNIT}, "same expression"),
    ],
)
def test_a_step_that_says_nothing_cannot_be_built(statement, domain, message):
    with pytest.raises(ValueError, match=message):
        a_step(statement, domain)
    with pytest.raises(ValueError, match="must not be empty"):
        Integers(12, 4)


def test_a_mutant_is_harmless_where_it_claims_no_more():
    relation, domain = at_most(x**2, x), {x: UNIT}
    assert claims_no_more(at_most(x**3, x), relation, domain)
    assert not claims_no_more(at_most(x**2, x**2), relation, domain)
    assert not claims_no_more(at_least(x**2, x), relation, domain)
