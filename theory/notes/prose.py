r"""Sentences with Unicode mathematics, as Markdown with LaTeX between dollars.

Reasons, assumptions and conclusions are written in the code as people type them: ‖h_j‖² − h_i·h_j ≥ 1,
√(xy) cos θ, T^{3/2}/(√2 π). Here such stretches are found and turned into LaTeX; words stay words. What
GitHub needs is kept: an opening dollar follows a blank, a closing one is followed by a blank or punctuation,
and none of the signs that Markdown reads itself stands between them (`theory.notes.typesetting` lists them).

A stretch of mathematics is: letters standing alone (but not the article "a"), Greek, numbers beside a sign,
functions such as cos, and whatever signs and brackets join them.

Defines no equations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from theory.notes.signs import (
    ACCENTS,
    FUNCTIONS,
    GREEK,
    OPERATORS,
    SHORT_WORD,
    SIGNS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
)

__all__ = ["in_markdown"]

_GROUP = r"\{[^{}]*\}"
_TOKEN = re.compile(
    r"(?P<code>`[^`]*`)"
    r"|(?P<ellipsis>\.\.\.?|…)"
    r"|(?P<power>\d+(?:\.\d+)?e[-−]?\d+)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<possessive>['’]s\b)"
    r"|(?P<name>[A-Za-z]{2,}(?:_[a-z]{2,})+)"
    r"|(?P<word>[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ]+(?:['’][a-z]+)?(?:[-–][A-Za-zÀ-ÿ]+)*"
    r"|[A-Za-z][-–][A-Za-z]{2,}(?:-[a-z]+)*(?:['’][a-z]+)?)"
    rf"|(?P<letter>[A-Za-zα-ωΓ-Ωℓ∫∞][\u0300-\u036f]?)"
    r"|(?P<prime>[′″])"
    rf"|(?P<script>[_^](?:{_GROUP}|\([^()]*\)|[A-Za-z0-9]+)|[{''.join(SUPERSCRIPTS)}]+"
    rf"|[{''.join(SUBSCRIPTS)}]+|(?<=\b[A-Z])\*(?=[_ )]))"
    r"|(?P<root>√)|(?P<half>½)|(?P<norm>‖)|(?P<bar>\|)"
    rf"|(?P<sign>=:|(?<=\s)-(?=\s)|[{re.escape(''.join(one for one in SIGNS if len(one) == 1 and one != '-'))}])"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<blank>\s+)|(?P<point>[,;])|(?P<other>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def is_atom(self) -> bool:
        """Whether it is mathematics wherever it stands."""
        if self.kind == "letter":
            return self.text not in ("a", "A", "I")
        return self.kind in ("script", "prime", "root", "half", "norm", "function", "product", "power")


def in_markdown(text: str, link: Callable[[str], str] | None = None) -> str:
    r"""The text with its mathematics in LaTeX; `link` turns an equation label in backticks into Markdown.

    Examples
    --------
    >>> in_markdown("A point has ‖h_j‖² − h_i·h_j ≥ 1, with √(xy) cos θ.")
    'A point has $\\lVert h_j\\rVert^2 - h_i \\cdot h_j \\ge 1$, with $\\sqrt{xy} \\cos \\theta$.'

    """
    tokens = _joined([_classified(found) for found in _TOKEN.finditer(text)])
    pieces, place = [], 0
    while place < len(tokens):
        end = _stretch(tokens, place) if tokens[place].kind != "blank" else place
        if end > place:
            binary = tokens[place].text in "+−" and tokens[place + 1].kind == "blank"
            sign = rf"{SIGNS[tokens[place].text]}\ " if binary else ""
            pieces.append(f"${sign}{_latex(tokens[place + 2 * binary : end])}$")
            place = end
            continue
        token = tokens[place]
        pieces.append(link(token.text) if link and token.kind == "code" else token.text)
        place += 1
    return _spaced("".join(pieces))


def _classified(found: re.Match[str]) -> _Token:
    kind, text = str(found.lastgroup), found[0]
    if kind == "name":
        return _Token("operator", text.replace("_", " "))
    if kind == "word" and text in FUNCTIONS:
        return _Token("function", text)
    if kind == "word" and text in OPERATORS:
        return _Token("operator", text)
    if kind == "word" and len(text) == 2 and not SHORT_WORD.fullmatch(text):
        return _Token("product", text)
    return _Token(kind, text)


def _joined(tokens: list[_Token]) -> list[_Token]:
    """With what only its neighbours tell apart: `Av` in vᵀAv, the names in gain(r, b) and cut³, a prime."""
    joined = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1].kind if place else "none"
        after = tokens[place + 1] if place + 1 < len(tokens) else _Token("none", "")
        beyond = tokens[place + 2].kind if place + 2 < len(tokens) else "none"
        if token.kind == "word" and len(token.text) == 2 and before in ("script", "number"):
            token = _Token("product", token.text)
        elif token.kind == "word" and (
            after.kind in ("script", "open")
            or after.text == "·"
            or (after.text == "/" and beyond == "letter")
        ):
            token = _Token("operator", token.text)
        elif token.text == "'" and before == "letter":
            token = _Token("prime", "′")
        joined.append(token)
    return joined


def _stretch(tokens: list[_Token], start: int) -> int:
    """Where the mathematics that begins at `start` ends; `start` itself if there is none."""
    end, place, found = start, start, False
    while place < len(tokens):
        token = tokens[place]
        if token.kind in ("open", "norm", "bar"):
            closing = _closing(tokens, place)
            if closing is None or not _is_mathematics(tokens, place, closing):
                break
            if token.kind == "open" and not found and not _stands_for_itself(tokens, place, closing):
                break
            place, found = closing + 1, True
        elif token.kind == "root" and not _rooted(tokens, place + 1):
            break
        elif token.is_atom or (token.kind == "word" and found and tokens[place - 1].text == "·"):
            place, found = place + 1, True
        elif token.kind in ("sign", "number", "operator", "ellipsis") or token.text in ("a", "A", "I"):
            if not _beside_mathematics(tokens, place, found):
                break
            place, found = place + 1, True
        elif token.kind == "blank":
            place += 1
            continue
        else:
            break
        end = place
    return end if found else start


def _rooted(tokens: list[_Token], place: int) -> bool:
    """Whether something follows that a root can be taken of."""
    return place < len(tokens) and (
        tokens[place].kind in ("letter", "number", "product", "norm", "bar")
        or (tokens[place].kind == "open" and _closing(tokens, place) is not None)
    )


def _stands_for_itself(tokens: list[_Token], place: int, closing: int) -> bool:
    """Whether a bracket that begins a stretch is mathematics rather than a number in brackets."""
    inside = tokens[place + 1 : closing]
    powered = closing + 1 < len(tokens) and tokens[closing + 1].kind == "script"
    symbols = any(token.is_atom or token.kind in ("point", "sign") for token in inside)
    return symbols or powered or inside[0].text == "mod"


def _next(tokens: list[_Token], place: int, step: int) -> str:
    """The kind of the nearest token that is not blank."""
    place += step
    while 0 <= place < len(tokens) and tokens[place].kind == "blank":
        place += step
    return tokens[place].kind if 0 <= place < len(tokens) else "none"


def _beside_mathematics(tokens: list[_Token], place: int, inside: bool) -> bool:
    """Whether a sign, number, operator or article is part of a formula."""
    token = tokens[place]
    before, after = _next(tokens, place, -1), _next(tokens, place, 1)
    touching = tokens[place + 1].kind if place + 1 < len(tokens) else "none"
    if token.kind == "sign":
        return inside or after in _OPERANDS or token.text not in "/·"
    if token.kind == "number":
        return (
            (inside and before == "ellipsis")
            or (inside and before in _OPERANDS)
            or "sign" in (before, touching)
            or after == "sign"
            or (
                touching in ("letter", "script", "root", "open", "product", "norm", "bar", "function")
                or (after in ("letter", "root", "norm") and inside)
            )
        )
    if token.kind == "operator":
        return inside or touching in ("open", "script", "sign")
    if token.kind == "ellipsis":
        return (inside and "sign" in (before, after)) or (inside and before == after == "number")
    if token.text == "I":
        return inside and before in ("close", "sign")
    return (
        "sign" in (before, after)
        or touching in ("script", "open", "prime")
        or (after in ("other", "point", "close", "none") or (inside and _word(tokens, place - 2) == "E"))
    )


_OPERANDS = {"sign", "letter", "script", "prime", "root", "half", "norm", "bar", "function", "product", "open",
             "close", "number", "operator"}  # fmt: skip


def _word(tokens: list[_Token], place: int) -> str:
    return tokens[place].text if place >= 0 else ""


def _closing(tokens: list[_Token], place: int) -> int | None:
    """Where the bracket, norm or absolute value that opens at `place` closes."""
    kind = tokens[place].kind
    if kind in ("norm", "bar"):
        found = (at for at in range(place + 1, len(tokens)) if tokens[at].kind == kind)
        return next(found, None)
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at].kind == "open") - (tokens[at].kind == "close")
        if depth == 0:
            return at
    return None


def _is_mathematics(tokens: list[_Token], opening: int, closing: int) -> bool:
    """Whether nothing between two brackets is a word; a word is let pass in P(largest ≤ x) and |slope|."""
    bare = [token for token in tokens[opening + 1 : closing] if token.kind != "blank"]
    if _next(tokens, opening, -1) == "root" or (
        tokens[closing + 1 : closing + 2] and tokens[closing + 1].kind == "script"
    ):
        return all(token.kind not in ("code", "other") for token in bare)
    named = tokens[opening].kind == "bar" or (opening > 0 and tokens[opening - 1].kind == "letter")
    words = [token for token in bare if token.kind == "word" and token.text != "mod"]
    other = any(token.kind in ("code", "other") and token.text != "%" for token in bare)
    return bool(bare) and not other and len(words) <= named


def _latex(tokens: list[_Token]) -> str:
    """The LaTeX of a stretch, blanks only where a command would run into a letter."""
    parts: list[str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind in ("open", "norm", "bar") and (closing := _closing(tokens, place)) is not None:
            spaced = (
                token.kind == "bar" and tokens[place - 1].kind == tokens[place + 1].kind == "blank" and place
            )
            if not spaced:
                parts.append(_bracketed(token, tokens[place + 1 : closing], tokens[closing]))
                place = closing + 1
                continue
        if token.kind == "word":
            end = place
            while end < len(tokens) and tokens[end].kind in ("word", "blank"):
                end += 1
            words = "".join(each.text for each in tokens[place:end])
            parts.append(
                rf" \text{{{words.strip()}}}" + (r"\ " if words.endswith(" ") and end < len(tokens) else " ")
            )
            place = end
            continue
        if token.kind == "root":
            taken = _radicand(tokens, place + 1)
            inner = tokens[place + 1 : taken]
            inner = inner[1:-1] if inner[0].kind == "open" else inner
            parts.append(rf"\sqrt{{{_latex(inner)}}}")
            place = taken
            continue
        if token.text == "Σ" and (place + 1 == len(tokens) or tokens[place + 1].kind in ("close", "sign")):
            token = _Token("other", r"\Sigma ")
        index = token.kind == "number" and place > 0 and tokens[place - 1].kind == "letter"
        parts.append("_" + _braced(token.text) if index else _one(token))
        if token.kind == "operator" and [each.kind for each in tokens[place + 1 : place + 3]] == [
            "blank",
            "letter",
        ]:
            parts[-1] = parts[-1].rstrip() + r"\ "
        place += 1
    return _ordered_scripts(_tight("".join(parts)))


def _radicand(tokens: list[_Token], place: int) -> int:
    """Where the argument of a root ends: a bracket, a number, or a letter with its index."""
    if tokens[place].kind in ("open", "norm", "bar"):
        return (_closing(tokens, place) or place) + 1
    after = place + 1
    while (
        after < len(tokens)
        and tokens[after].kind == "script"
        and tokens[after].text[0] in "_" + "".join(SUBSCRIPTS)
    ):
        after += 1
    return after


def _bracketed(opening: _Token, inner: list[_Token], closing: _Token) -> str:
    if opening.kind == "norm":
        return rf"\lVert {_latex(inner)}\rVert"
    if opening.kind == "bar":
        return rf"\lvert {_latex(inner)}\rvert"
    words = [token.text for token in inner if token.kind != "blank"]
    if words[:1] == ["mod"]:
        return rf"\pmod{{{_latex(inner[1:])}}}"
    left = {"{": r"\lbrace "}.get(opening.text, opening.text)
    right = {"}": r" \rbrace"}.get(closing.text, closing.text)
    return f"{left}{_latex(inner)}{right}"


def _one(token: _Token) -> str:
    """The LaTeX of a single token."""
    text = token.text
    if token.kind == "sign":
        return f" {SIGNS[text]} " if text != "/" else "/"
    if token.kind == "function":
        return rf" \{FUNCTIONS[text]} "
    if token.kind == "operator":
        return rf" \text{{{text}}} " if " " in text else rf" \mathrm{{{text}}} "
    if token.kind == "script":
        return _script(text)
    if token.kind == "power":
        mantissa, exponent = text.replace("−", "-").split("e")
        return ("" if mantissa == "1" else rf"{mantissa} \cdot ") + f"10^{{{exponent}}}"
    if token.kind == "letter":
        letter = rf"\{GREEK[text[0]]} " if text[0] in GREEK else text[0]
        return rf"\{ACCENTS[text[1]]}{{{letter.strip()}}}" if text[1:] in ACCENTS and text[1:] else letter
    plain = {
        "½": r"\tfrac{1}{2}",
        "′": "'",
        "″": "''",
        "|": r" \mid ",
        "%": "",
        "..": r" \dots ",
        "...": r"\dots ",
    }
    return plain.get(text, " " if token.kind == "blank" else text)


def _script(text: str) -> str:
    """An index or exponent, in braces where it is longer than a sign."""
    if text[0] in SUPERSCRIPTS:
        return "^" + _braced("".join(SUPERSCRIPTS[sign] for sign in text))
    if text[0] in SUBSCRIPTS:
        return "_" + _braced("".join(SUBSCRIPTS[sign] for sign in text))
    if text == "*":
        return r"^{\ast}"
    inner = text[1:].strip("{}") if text[1] == "{" else text[1:]
    inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
    if text[0] == "_" and inner.isascii() and inner.isalpha() and len(inner) > 2:
        return rf"_{{\{inner}}}" if inner in ("min", "max") else rf"_{{\mathrm{{{inner}}}}}"
    return text[0] + _braced(
        in_markdown(f"({inner})·").removeprefix("$(").split(r") \cdot")[0] if not inner.isalnum() else inner
    )


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


def _ordered_scripts(latex: str) -> str:
    """With every index before its exponent, so that an underscore never follows a brace."""
    return re.sub(r"(\^(?:\w|\{[^{}]*\}))(_(?:\w|\{[^{}]*\}))", r"\2\1", latex)


def _tight(latex: str) -> str:
    """Without blanks that carry nothing."""
    latex = re.sub(r" +", " ", latex)
    latex = re.sub(r" ([\^_')\]},;])", r"\1", latex)
    latex = re.sub(r"([(\[]) ", r"\1", latex)
    return (
        re.sub(r"(^|[(\[{,=]|\\(?:le|ge|lt|gt|approx|ne)) ?([-+]|\\mp) (?=\S)", r"\1 \2", latex)
        .strip()
        .replace("( -", "(-")
        .replace("{ -", "{-")
        .replace("[ -", "[-")
    )


def _spaced(text: str) -> str:
    """With brackets before a dollar drawn into the formula, where GitHub would not see it."""
    return re.sub(r"([(\[–-])\$", r"$\1", text)
