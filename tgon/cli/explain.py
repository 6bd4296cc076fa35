"""The commands that list what is claimed, `claims`, and show why it is true, `explain` or `derive`."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from copy import copy
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import json_option, refusals
from tgon.cli.output import print_json, print_table

if TYPE_CHECKING:
    from theory.derivations.steps import Derivation
    from verify.claims.judging import Claim

#: LaTeX commands of the texts as a terminal shows them, besides Greek letters.
_SIGNS = dict(
    re.findall(
        r"(\w+)=(\S)",
        "le=≤ ge=≥ lt=< gt=> ne=≠ in=∈ to=→ infty=∞ approx=≈ equiv=≡ cdot=· times=× pm=± sum=Σ prod=Π int=∫ sqrt=√ "
        "lVert=‖ rVert=‖ lvert=| rvert=| top=ᵀ dots=… varphi=φ varepsilon=ε ell=ℓ propto=∝ ll=≪ gg=≫ setminus=∖ perp=⊥",
    )
)

#: Texts of a derivation, null in the JSON of a claim that has none.
_TEXTS = ("label", "title", "standing", "assumptions", "conclusion", "source")


@click.command(epilog="Example: tgon claims --json")
@json_option
def claims(as_json: bool) -> None:
    """What `tgon compare` judges: every claim, how it is known, and its equation label."""
    from verify.claims.registry import CLAIMS

    keys = ("label", "statement", "status")
    rows = [[getattr(claim, key) for key in keys] for claim in CLAIMS]
    if as_json:
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table("Claims", keys, rows, text=keys, wrapped="statement")


@click.command(epilog="Example: tgon explain memorization.tgon-norm")
@click.argument("label", required=False)
@click.option("--latex", is_flag=True, help="Texts and formulas in LaTeX, as in the notes.")
@json_option
def explain(label: str | None, latex: bool, as_json: bool) -> None:
    """What a claim or derivation LABEL says and assumes: how a claim is judged and what that can tell, then the steps
    of its derivation, the reason first. Without a LABEL, which derivations there are.
    """
    from theory.derivations.steps import derivations

    if label is None:
        rows = [(one.label, one.title, one.standing) for one in derivations()]
        keys = ("label", "title", "standing")
        if as_json:
            print_json([dict(zip(keys, row, strict=True)) for row in rows])
        else:
            shown = [
                (name, title if latex else in_unicode(title), standing) for name, title, standing in rows
            ]
            print_table("Derivations", keys, shown, text=keys, wrapped="title")
        return
    with refusals():
        claim, found = _found(label)
    if as_json:
        print_json((_as_dict(found) if found else dict.fromkeys((*_TEXTS, "steps"))) | {"claim": claim})
        return
    if claim:
        click.echo(_of_claim(claim))
    if found:
        steps = f"step {found.labels.index(label)} of {found.label}\n\n" if label != found.label else ""
        click.echo(f"{steps}{_in_latex(found) if latex else _for_terminals(found)}")


def _found(label: str) -> tuple[dict[str, Any] | None, Derivation | None]:
    """The claim and the derivation of a label, at least one of them; ValueError where there is neither."""
    from theory.derivations.steps import derivation
    from verify.claims.registry import CLAIMS

    claims = {claim.label: claim for claim in CLAIMS}
    claim = _claim_as_dict(claims[label]) if label in claims else None
    try:
        return claim, derivation(label)
    except ValueError:
        if claim:
            return claim, None
        if near := difflib.get_close_matches(label, claims, 1, 0.9):
            raise ValueError(f"label = {label!r}: no claim or derivation has it; try {near[0]}") from None
        raise


def _claim_as_dict(claim: Claim) -> dict[str, Any]:
    from verify.claims.registry import powers

    return {
        **{key: getattr(claim, key) for key in ("label", "statement", "status", "regime")},
        "judged_by": " ".join((inspect.getdoc(getattr(claim.judge, "func", claim.judge)) or "").split()),
        "controls": list(claim.controls),
        "measured": powers()[claim.label],
    }


def _of_claim(claim: dict[str, Any]) -> str:
    """A claim for people: what it says, where and how it is judged, what must fail, what was measured of it."""
    measured = "; ".join(f"{name}: {value}" for name, value in claim["measured"].items() if value)
    parts = (
        f"Claim {claim['label']} ({claim['status']}): {claim['statement']}",
        f"Judged for: {claim['regime']}",
        f"How: {claim['judged_by']}",
        f"Wrong theories that must fail: {'; '.join(claim['controls'])}",
        f"False alarms and power, measured on built models or computed for many runs: {measured}",
    )
    return "\n\n".join(map(_filled, parts)) + "\n"


#: The same command under its other name.
derive = copy(explain)
derive.name, derive.epilog = "derive", "Example: tgon derive memorization.tgon-norm"


def _as_dict(found: Derivation) -> dict[str, Any]:
    from theory.notes.statements import display, sets_in_markdown

    texts = {key: getattr(found, key) for key in _TEXTS}
    steps = [
        {
            "label": step.label,
            "reason": step.why,
            "statement": str(step.statement),
            "latex": display(step.statement),
            "domain": sets_in_markdown(step.domain),
        }
        for step in found.steps
    ]
    return {**texts, "steps": steps}


def _in_latex(found: Derivation) -> str:
    from theory.notes.statements import display

    steps = (f"{step.label}: {step.why}\n\n$$\n{display(step.statement)}\n$$" for step in found.steps)
    head = f"{found.title} ({found.label}, {found.standing})\n\nAssumes {found.assumptions}"
    return "\n\n".join([head, *steps, found.conclusion, f"Source: {found.source}"])


def _for_terminals(found: Derivation) -> str:
    import sympy
    from rich.console import Console
    from sympy.printing.pretty.pretty_symbology import greek_unicode

    greek_unicode.setdefault("ell", _SIGNS["ell"])  # the letter that SymPy lacks
    width = Console().width
    parts = [f"{found.title} ({found.label}, {found.standing})", f"Assumes {found.assumptions}"]
    parts = [_filled(part) for part in parts]
    for number, step in enumerate(found.steps, start=1):
        formula = sympy.pretty(step.statement, num_columns=width - 4, use_unicode=True)
        parts.append(
            f"{_filled(f'{number}. {step.label}. {step.why}')}\n\n{textwrap.indent(formula, '    ')}"
        )
    return "\n\n".join([*parts, _filled(found.conclusion), _filled(f"Source: {found.source}")])


def _filled(prose: str) -> str:
    from rich.console import Console

    return textwrap.fill(in_unicode(prose), Console().width, break_long_words=False, break_on_hyphens=False)


def in_unicode(text: str) -> str:
    r"""Markdown with LaTeX between dollars as a terminal shows it.

    >>> in_unicode(r"$\lVert W\rVert \le \sqrt{T/2}$ for $T \ge 2$")
    '‖W‖ ≤ √(T/2) for T ≥ 2'
    """
    from sympy.printing.pretty.pretty_symbology import greek_unicode

    def formula(found: re.Match[str]) -> str:
        latex = re.sub(r"\\(?:mathrm|text|pmod) ?\{([^{}]*)\}", r"\1", found[1])
        latex = re.sub(r"\\sqrt ?\{([^{}]*)\}", r"√(\1)", latex)
        latex = re.sub(r"[_^]\{([^{}]{1,2})\}", lambda part: part[0][0] + part[1], latex)
        latex = re.sub(r"\\(?:(l[Vv]ert) ?|(r[Vv]ert))", lambda sign: _SIGNS[sign[1] or sign[2]], latex)
        words = re.sub(
            r"\\([A-Za-z]+)", lambda word: _SIGNS.get(word[1], greek_unicode.get(word[1], word[1])), latex
        )
        return re.sub(r"[{}\\]", lambda brace: {"{": "(", "}": ")"}.get(brace[0], ""), words)

    return re.sub(r"\$([^$]+)\$", formula, text.replace("`", ""))
