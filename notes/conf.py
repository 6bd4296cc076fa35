"""How Sphinx builds the site from these notes: `make site`. Math becomes MathML, which browsers draw by themselves, so
that the pages open from the disk without a server or a network.
"""

import re
from importlib.metadata import version as version_of
from pathlib import Path

project, author = "tgon", "the tgon authors"
version = release = version_of("tgon")
html_title = f"tgon {version}"

extensions = ["myst_nb", "sphinx.ext.autodoc"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = html_show_copyright = False

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

nb_execution_mode = "force"
nb_execution_in_temp = True  # runs that a tutorial trains are not kept
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
nb_render_markdown_format = "myst"

default_role = "literal"  # docstrings write names in single backticks
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 90

#: The page of each label of the derivations.
LABELS = {
    label: page.stem
    for page in Path(__file__).parent.glob("derivations/*.md")
    for label in re.findall(r'<a id="([^"]+)">', page.read_text())
}

#: Types of signatures that have a name only for their checks.
TYPES = {"Positive": "float", "Seed": "int"}

#: Signs of LaTeX that docutils does not know.
SIGNS = {r"\gt": ">", r"\lt": "<", r"\dots": r"\ldots"}


def pages_of(index: str) -> list[str]:
    """The pages of a generated index: those it links to, in order.

    >>> pages_of("[A](a.md), [again](a.md#x), [B](b-c.md), [elsewhere](../d.md)")
    ['a', 'b-c']
    """
    return list(dict.fromkeys(re.findall(r"\]\((?!README)([\w-]+)\.md[)#]", index)))


def add_pages(app, name, source):
    """A generated index, called README, gets the toctree that readers of plain Markdown must not see."""
    if name.endswith("/README"):
        source[0] += "\n".join(["\n```{toctree}", ":hidden:", "", *pages_of(source[0]), "```\n"])


def keep_anchors(app, tree):
    """Links to anchors of the generated notes, `<a id="label"></a>`, resolve or are warned about."""
    known = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for raw in tree.findall(lambda node: node.tagname == "raw"):
        known.update({name: (0, name, name) for name in re.findall(r'<a id="([^"]+)">', raw.astext())})


def restructure(app, what, name, found, options, lines):
    """A docstring as reStructuredText: lines `name : meaning` become a list, signs of markup are taken literally."""
    text = "\n".join(lines)
    text = re.sub(r"^(Parameters|Attributes)\n-+$", r"", text, flags=re.M)
    text = re.sub(r"^(\w[\w, …]*?) : ", r"\n- ``\1``: ", text, flags=re.M)
    text = re.sub(r":func:`(\w+)`", r"`\1`", text)
    text = re.sub(r"(^|(?<=[.)]) )Raises (?=[\w.]+: )", r"\n\n**Raises** ", text, flags=re.M)
    parts = re.split(r"(\*\*Raises\*\*|``.*?``|`.*?`|^>>>.*?(?:\n\s*\n|\Z))", text, flags=re.M | re.S)
    plain = [re.sub(r"[*|\\]|_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    parts[::2] = [re.sub(r"^    (?=\S)", "  ", part, flags=re.M) for part in plain]
    parts[1::2] = [linked(part) for part in parts[1::2]]
    lines[:] = "".join(parts).splitlines()


def linked(part):
    """A label of the derivations as a link to its proof; pages of the API lie beside the folder of those.

    >>> linked("`memorization.tgon-norm`")
    '`memorization.tgon-norm <../derivations/memorization.html#memorization.tgon-norm>`__'
    """
    label = part.strip("`")
    return f"`{label} <../derivations/{LABELS[label]}.html#{label}>`__" if label in LABELS else part


def shorten(app, what, name, found, options, signature, returns):
    """Types in a signature as a reader would say them, without what checks them."""
    if not signature:
        return None
    plain = re.sub(r"Annotated\[(\w+), Field\((?:[^()]|\([^()]*\))*\)\]", r"\1", signature)
    plain = re.sub(r"~numpy\.ndarray\[.*?\]\]|NDArray\[.*?\]", "ndarray", plain)
    plain = re.sub(r"\b(Positive|Seed)\b", lambda name: TYPES[name[0]], plain)
    return plain, returns


def visit_math(writer, node):
    """An inline formula as MathML."""
    writer.body.append(mathml(node.astext(), block=False))
    skip()


def visit_math_block(writer, node):
    """A formula of its own as MathML; wide ones scroll."""
    writer.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>\n')
    skip()


def mathml(formula: str, *, block: bool) -> str:
    """LaTeX as MathML, by docutils' own converter; docutils.utils.math.MathError for what it does not know."""
    from docutils.utils.math.latex2mathml import tex2mathml

    plain = re.sub(r"\\(gt|lt|dots)\b", lambda sign: SIGNS[sign[0]], formula)
    return tex2mathml(plain, as_block=block).replace(">/</mo>", ' lspace="0" rspace="0">/</mo>')


def skip():
    """Tell docutils that a node is written."""
    from docutils.nodes import SkipNode

    raise SkipNode


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", add_pages)
    app.connect("doctree-read", keep_anchors)
    app.connect("autodoc-process-docstring", restructure)
    app.connect("autodoc-process-signature", shorten)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
