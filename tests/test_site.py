"""The site: its pages are all in the table of contents, its tutorials run, and the API has every public name."""

import re
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTES = ROOT / "notes"
TUTORIALS = sorted((NOTES / "tutorials").glob("*.md"))
PUBLIC = ("tgon", "theory", "numerics", "verify", "tgon.testing")


def entries(page):
    """The pages that a page has in its toctrees; a generated index has those it links to."""
    text = page.read_text()
    if page.stem == "README":
        names = runpy.run_path(str(NOTES / "conf.py"))["pages_of"](text)
    else:
        trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, flags=re.M | re.S)
        names = [name for tree in trees for name in re.findall(r"^[\w/-]+$", tree, flags=re.M)]
    return {(page.parent / f"{name}.md").resolve() for name in names}


def test_every_page_is_in_the_table_of_contents():
    reached, new = set(), {NOTES / "index.md"}
    while new:
        reached |= new
        new = set().union(*map(entries, new)) - reached
    assert reached == set(NOTES.rglob("*.md"))


def test_every_public_name_is_on_an_api_page():
    pages = "".join(page.read_text() for page in (NOTES / "api").glob("*.md"))
    told = set(re.findall(r"[\w.]+\.(\w+)", pages))
    missing = {name for place in PUBLIC for name in getattr(import_module(place), "__all__", [])} - told
    assert not missing


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_tutorial_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = re.findall(r"^```\{code-cell\}\n(.*?)^```$", page.read_text(), flags=re.M | re.S)
    assert cells
    names = {"__name__": page.stem}
    for cell in cells:
        exec(compile(cell, page.name, "exec"), names)


def dead_links(site):
    """Links between pages of a built site to a file or an anchor that is not there."""
    pages = {page.resolve(): page.read_text() for page in site.rglob("*.html")}
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    dead = []
    for page, text in pages.items():
        for path, anchor in set(re.findall(r'href="(?!\w+:)([^"#?]*)[^"#]*#?([^"]*)"', text)):
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors[target]):
                dead.append((page.name, path, anchor))
    return dead


@pytest.mark.slow
def test_site_is_built_without_warning_or_dead_link_and_loads_nothing_from_a_network(tmp_path):
    pytest.importorskip("sphinx", reason="Sphinx is not installed; make site brings it")
    pytest.importorskip("myst_nb", reason="myst-nb is not installed; make site brings it")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(NOTES), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert not dead_links(tmp_path)
    pages = "".join(page.read_text() for page in tmp_path.rglob("*.html"))
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', pages)
