"""One PDF of all notes: Markdown through pandoc to typst, and typst to PDF. No LaTeX is needed.

Both come from PyPI (`pip install 'tgon[notes]'`): pypandoc-binary and typst.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The line above a formula: its number is the anchor, and it stays on the formula's page.
_STEP = r'::: {typst:sticky="true"}\n[\2]{#\1}\3\n:::'

#: Page, type and tables of the document; pandoc's output follows.
_STYLE = """
#set document(title: "tgon: derivation notes")
#set page(paper: "a4", margin: (x: 2.3cm, top: 2.3cm, bottom: 2.4cm), numbering: "1",
  header: context { if counter(page).get().first() > 1 { set text(8pt, fill: luma(90)); [tgon: derivation notes] } })
#set text(font: "Libertinus Serif", size: 10.5pt, lang: "en")
#set par(leading: 0.62em, spacing: 0.95em)
#set heading(numbering: none)
#show heading.where(level: 1): it => { pagebreak(weak: true); set text(19pt); block(above: 0pt, below: 1.1em, it.body) }
#show heading.where(level: 2): it => { set text(12.5pt); block(above: 1.9em, below: 0.8em, sticky: true, it.body) }
#show link: set text(fill: rgb("#1f4e79"))
#show raw: set text(font: "DejaVu Sans Mono", size: 8.4pt)
#show math.equation.where(block: true): it => { set text(size: 10pt); block(above: 0.9em, below: 0.9em, it) }
#set table(stroke: none, inset: (x: 5pt, y: 3.6pt))
#show table: set text(size: 8.6pt)
#show table.cell.where(y: 0): set text(weight: "bold")
#set table.hline(stroke: 0.5pt)
#show figure: set align(left)
#show figure: it => layout(size => block(breakable: measure(it.body, width: size.width).height > 12cm, it.body))
#let horizontalrule = line(length: 100%, stroke: 0.4pt)
#show heading.where(level: 3): it => { set text(11.5pt); block(above: 1.6em, below: 0.8em, sticky: true, it.body) }
#show outline.entry.where(level: 1): set block(above: 0.9em)
#show outline.entry.where(level: 1): set text(weight: "bold")
#align(center)[#v(1cm) #text(24pt)[Derivation notes] #v(-0.6em) #text(12pt)[of the ReLU-output toy model] #v(1.2em)]
#outline(title: none, depth: 2)
"""


class MissingTools(RuntimeError):
    """pypandoc-binary or typst is not installed; the message says how to get them."""


def write_pdf(texts: Mapping[str, str], path: Path) -> None:
    """Write the notes as one PDF.

    Raises MissingTools: pypandoc-binary or typst is not installed.
    """
    try:
        import pypandoc
        import typst
    except ImportError as error:
        raise MissingTools(f"--pdf needs {error.name}; try pip install 'tgon[notes]'") from error
    body = pypandoc.convert_text(
        one_document(texts),
        "typst",
        format="markdown-auto_identifiers",
        extra_args=["--wrap=none"],
    )
    body = re.sub(
        r"lr\((bar\.v\.double .*? bar\.v\.double)\)", r"lr(\1, size: #1em)", body
    )  # norms of letter height
    source: Any = (_STYLE + _columns(body)).encode()  # typst's own types do not admit bytes
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
