"""The report: one page that loads nothing, and files that hold what was judged."""

import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from numerics import Runs
from verify import compare
from verify.figures.files import FIGURES
from verify.report import GROUP_TABLES, render_report, write_report


@pytest.fixture(scope="module")
def folder(small_comparison, tmp_path_factory):
    target = tmp_path_factory.mktemp("report")
    assert write_report(small_comparison, target, "tgon compare --T 3") == target / "report.html"
    return target


class _Page(HTMLParser):
    """Addresses, identifiers and open elements of a page."""

    EMPTY = ("meta", "link", "br", "img", "input", "hr")

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.identifiers, self.open = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open += [] if tag in self.EMPTY else [tag]
        values = dict(attrs)
        self.addresses += [values[name] for name in ("href", "src", "xlink:href", "data") if name in values]
        self.identifiers += [values["id"]] if "id" in values else []

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open = self.open[:-1] if tag not in self.EMPTY else self.open

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_self_contained_and_well_formed(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert not page.open
    assert not page.tags & {"script", "link", "iframe", "object", "embed"}
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses)
    assert not re.search(r"url\((?!#)|@import", text)
    targets = {address[1:] for address in page.addresses if address.startswith("#")}
    assert targets <= set(page.identifiers)
    outside_glyphs = [name for name in page.identifiers if "DejaVu" not in name]
    assert len(outside_glyphs) == len(set(outside_glyphs))


def test_the_page_says_what_was_judged(folder, small_comparison):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert small_comparison.verdict in text
    assert "tgon compare --T 3" in text
    decays = {row.weight_decay for row in small_comparison.rows}
    claims = text[text.index("<h2>Claims</h2>") : text.index("<h2>Figures</h2>")]
    assert len(decays) > 1, "all groups have one weight decay; change the small comparison"
    assert all(f"weight decay {decay:g} at T = " in claims for decay in decays)
    for claim in small_comparison.judgements:
        assert f"<code>{claim.label}</code>" in text
    assert text.count("<svg ") == len(FIGURES)


def test_every_number_is_in_a_file(folder, small_comparison):
    assert {path.name for path in folder.iterdir()} == {
        "cells.csv", "runs.csv", "comparison.json", "figures", "report.html"
    }  # fmt: skip
    assert {path.name for path in (folder / "figures").iterdir()} == {
        f"{kind.name}.{ending}" for kind in FIGURES for ending in ("svg", "png", "csv")
    }
    assert len(pd.read_csv(folder / "cells.csv")) == len(small_comparison.rows)
    assert len(pd.read_csv(folder / "runs.csv")) == len(small_comparison.runs)
    answer = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    assert answer["verdict"] == small_comparison.verdict
    for kind in FIGURES:
        assert len(pd.read_csv(folder / "figures" / f"{kind.name}.csv")) == len(
            kind.numbers(small_comparison.runs)
        )


def test_the_same_runs_give_the_same_bytes(folder, small_comparison, tmp_path):
    write_report(small_comparison, tmp_path, "tgon compare --T 3")
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name


def test_text_from_outside_is_escaped(small_comparison):
    drawings = {kind.name: "<svg ></svg>" for kind in FIGURES}
    assert "<script>" not in render_report(small_comparison, drawings, "<script>alert(1)</script>")


def test_columns_are_explained_and_have_values(small_comparison):
    for _, columns in GROUP_TABLES:
        assert all(column.meaning for column in columns)
        for row in small_comparison.rows:
            assert [column.value(row) for column in columns][:2] == [row.T, row.weight_decay]


def test_nothing_memorized_is_a_report_too(small_runs, tmp_path):
    failed = Runs([run for run in small_runs if run.status != "memorized"][:1])
    assert len(failed)
    assert write_report(compare(failed), tmp_path).exists()
