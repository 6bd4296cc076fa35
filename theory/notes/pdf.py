"""One PDF of all notes: Markdown by pypandoc-binary to typst, and typst to PDF (`pip install 'tgon[notes]'`)."""

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

#: The line above a formula: its number is the anchor, and it stays on the formula's page.
_STEP = r'::: {typst:sticky="true"}\n[\2]{#\1}\3\n:::'


class MissingTools(RuntimeError):
    """pypandoc-binary or typst is not installed; the message says how to get them."""


def write_pdf(texts: Mapping[str, str], path: Path) -> None:
    """Write the notes as one PDF. Raises MissingTools: pypandoc-binary or typst is not installed."""
    try:
        import pypandoc
        import typst
    except ImportError as error:
        raise MissingTools(f"--pdf needs {error.name}; try pip install 'tgon[notes]'") from error
    body = pypandoc.convert_text(
        one_document(texts), "typst", format="markdown-auto_identifiers", extra_args=["--wrap=none"]
    )
    body = re.sub(
        r"lr\((bar\.v\.double .*? bar\.v\.double)\)", r"lr(\1, size: #1em)", body
    )  # norms of letter height
    style = files("theory.notes").joinpath("style.typ").read_text(encoding="utf-8")
    source: Any = (style + _columns(body)).encode()  # typst's own types do not admit bytes
    path.write_bytes(typst.compile(source))


def one_document(texts: Mapping[str, str]) -> str:
    r"""All notes in one Markdown document: the index, the notes in its order, the notation.
    Anchors and links take pandoc's form.

    >>> one_document({"README.md": "# All\n", "a.md": '<a id="a.b"></a>**1.** see [`a.b`](a.md#a.b)\n'})
    '# All {#file-README}\n\n::: {typst:sticky="true"}\n[**1.**]{#a.b} see [`a.b`](#a.b)\n:::\n'
    """
    names = [
        "README.md",
        *(name for name in texts if name not in ("README.md", "notation.md")),
        "notation.md",
    ]
    parts = []
    for name in names:
        text = texts.get(name, "")
        text = re.sub(r"\A# (.*)$", rf"# \1 {{#file-{name.removesuffix('.md')}}}", text, count=1, flags=re.M)
        text = re.sub(r'^<a id="([^"]+)"></a>\n\n## (.*)$', r"## \2 {#\1}", text, flags=re.M)
        text = re.sub(r'^<a id="([^"]+)"></a>(\*\*\d+\.\*\*)(.*)$', _STEP, text, flags=re.M)
        text = re.sub(r"^([^|#\n].*)(?=\n\n\|)", r'::: {typst:sticky="true"}\n\1\n:::', text, flags=re.M)
        text = re.sub(r"^## (?!.*\{#)", "### ", text, flags=re.M)
        text = re.sub(r'<a id="([^"]+)"></a>(`[^`]+`)', r"[\2]{#\1}", text)
        # Pages of experiments are not part of it.
        text = re.sub(r"\[[^]]+\]\(\.\./(experiments/[^)]+\.md)\)", r"`notes/\1`", text)
        text = re.sub(r"\]\([A-Za-z]*\.md#([^)]+)\)", r"](#\1)", text)
        text = re.sub(r"\]\(([A-Za-z]+)\.md\)", r"](#file-\1)", text)
        text = re.sub(r"\\lvert (.*?)\\rvert", r"\\left|\1\\right|", text)
        parts.append(text)
    return "\n".join(part for part in parts if part)


def _columns(source: str) -> str:
    """Columns as wide as their cells need; two columns of sentences share what is left."""
    source = re.sub(r"columns: \(([\d.%, ]+)\)", lambda found: f"columns: {found[1].count('%')}", source)
    return re.sub(r"columns: 3,(?=\s*align: \(left,left)", "columns: (auto, 2fr, 1fr),", source)
