"""One PDF of all notes: Markdown by pypandoc-binary to typst, and typst to PDF (`pip install -e '.[notes]'`)."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

#: What pandoc reads in place of a note's Markdown, in order: anchors, lines that stay on the page of what follows,
#: small print, pictures from the root of the repository, links within the document; other pages are not part of it.
_RULES = (
    (r'^<a id="([^"]+)"></a>\n\n## (.*)$', r"## \2 {#\1}"),
    (r'^<a id="([^"]+)"></a>(\*\*\d+\.\*\*)(.*)$', r'::: {typst:sticky="true"}\n[\2]{#\1}\3\n:::'),
    (r"^([^|#\n].*)(?=\n\n\|)", r'::: {typst:sticky="true"}\n\1\n:::'),
    (r"^## (?!.*\{#)", "### "),
    (r'<a id="([^"]+)"></a>(`[^`]+`)', r"[\2]{#\1}"),
    (r"<sub>(.*)</sub>", r'[\1]{typst:text:size="8.4pt"}'),
    (r"\]\(\.\./\.\./", "](/"),
    (r"\[[^]]+\]\(\.\./(experiments/[^)]+\.md)\)", r"`notes/\1`"),
    (r"\[([^]]+)\]\(\.\./guide/[^)]+\)", r"\1"),
    (r"\]\([A-Za-z]*\.md#([^)]+)\)", r"](#\1)"),
    (r"\]\(([A-Za-z]+)\.md\)", r"](#file-\1)"),
    (r"\\lvert (.*?)\\rvert", r"\\left|\1\\right|"),
)


def write_pdf(texts: Mapping[str, str], path: Path) -> None:
    """Write the notes as one PDF, with those pictures that are in the repository two folders above it.
    Raises ValueError: pypandoc-binary or typst is not installed.
    """
    try:
        import pypandoc
        import typst
    except ImportError as error:
        raise ValueError(f"--pdf needs {error.name}; try pip install -e '.[notes]'") from error
    root = path.parent.joinpath("..", "..").resolve()
    pictures = re.compile(r"^!\[.*\]\(/(.*)\)$", flags=re.M)
    text = pictures.sub(lambda found: found[0] if (root / found[1]).exists() else "", one_document(texts))
    body = pypandoc.convert_text(
        text, "typst", format="markdown-auto_identifiers", extra_args=["--wrap=none"]
    )
    body = re.sub(
        r"lr\((bar\.v\.double .*? bar\.v\.double)\)", r"lr(\1, size: #1em)", body
    )  # norms of letter height
    style = files("theory.notes").joinpath("style.typ").read_text(encoding="utf-8")
    source: Any = (style + _columns(body)).encode()  # typst's own types do not admit bytes
    path.write_bytes(typst.compile(source, root=root, sys_inputs={"version": version("tgon")}))


def one_document(texts: Mapping[str, str]) -> str:
    r"""All notes in one Markdown document, in their order. Anchors and links take pandoc's form.

    >>> one_document({"README.md": "# All\n", "a.md": '<a id="a.b"></a>**1.** see [`a.b`](a.md#a.b)\n'})
    '# All {#file-README}\n\n::: {typst:sticky="true"}\n[**1.**]{#a.b} see [`a.b`](#a.b)\n:::\n'
    """
    parts = []
    for name, text in texts.items():
        text = re.sub(r"\A# (.*)$", rf"# \1 {{#file-{name.removesuffix('.md')}}}", text, count=1, flags=re.M)
        for pattern, written in _RULES:
            text = re.sub(pattern, written, text, flags=re.M)
        parts.append(text)
    return "\n".join(parts)


def _columns(source: str) -> str:
    """Columns as wide as their cells need; two columns of sentences share what is left."""
    source = re.sub(r"columns: \(([\d.%, ]+)\)", lambda found: f"columns: {found[1].count('%')}", source)
    return re.sub(r"columns: 3,(?=\s*align: \(left,left)", "columns: (auto, 2fr, 1fr),", source)
