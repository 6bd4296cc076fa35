"""The report: one page that loads nothing, and files that hold what was judged."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.image import imread

from numerics import Runs
from verify import compare
from verify.report import CHECKOUT, FIGURES, derivation_page, render_report, write_report

#: Claims of which a formula says no more than their statement; others have one in verify/claims/claims.toml.
WITHOUT_FORMULA = {"optimization.memorization-share", "repetition.embedded-share"}

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module", autouse=True)
def fixed_date():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "86400")
        yield


@pytest.fixture(scope="module")
def folder(small_comparison, tmp_path_factory):
    return write_report(small_comparison, tmp_path_factory.mktemp("report"), "tgon compare --T 3").parent


@pytest.fixture(scope="module")
def page(folder):
    """The page as a tree of elements: it is well-formed XML as well."""
    return ElementTree.fromstring((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_is_self_contained(folder, page):
    assert not {"script", "link", "iframe", "object", "embed"} & {element.tag for element in page.iter()}
    pairs = [pair for element in page.iter() for pair in element.items()]
    addresses = [value for name, value in pairs if re.search(r"(href|src|data)$", name)]
    inside = [address for address in addresses if address.startswith(("#", "data:image/png;base64,"))]
    assert {"cells.csv", "runs.csv", "comparison.json"} < set(addresses) - set(inside)
    assert all((folder / address).is_file() for address in set(addresses) - set(inside))
    assert not re.search(r"url\((?!#)|@import", (folder / "report.html").read_text(encoding="utf-8"))
    identifiers = [value for name, value in pairs if name == "id"]
    assert {address[1:] for address in inside if address.startswith("#")} <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))


def test_the_page_says_what_was_judged(page, small_comparison):
    text = " ".join("".join(page.itertext()).split())
    assert small_comparison.verdict in text
    assert "tgon compare --T 3" in text
    assert "1970-01-02 00:00 UTC" in text
    decays = {row.weight_decay for row in small_comparison.rows}
    assert len(decays) > 1, "all groups have one weight decay; change the small comparison"
    assert all(f"weight decay {decay:g} at T = " in text for decay in decays)
    cards = {card.get("id"): card for card in page.iter("article")}
    assert set(cards) == {claim.label for claim in small_comparison.judgements}
    powers = pd.read_csv(CHECKOUT / "verify/claims/power.csv", index_col="claim")["effect"]
    for claim in small_comparison.judgements:
        card = cards[claim.label]
        text = "".join(card.itertext())
        assert all(part in text for part in (claim.verdict, claim.statement, claim.rejects, claim.reason))
        assert powers[claim.label] in text
        assert (card.find(".//math") is None) == (claim.label in WITHOUT_FORMULA)
        assert (card.find(".//*[@role='img']") is None) == (claim.holds is None)


def test_a_page_in_the_checkout_links_to_derivations(tmp_path):
    inside = CHECKOUT / "compare" / "again"
    place, address = derivation_page("memorization.robust", inside)
    assert (inside / address.partition("#")[0]).resolve().is_file()
    assert derivation_page("memorization.robust", tmp_path) == (place, "")
    assert derivation_page("novel.label", inside) == ("", "")


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
        written = pd.read_csv(folder / "figures" / f"{kind.name}.csv")
        assert len(written) == len(kind.numbers(small_comparison.runs))


def test_the_same_runs_give_the_same_bytes(folder, small_comparison, tmp_path):
    write_report(small_comparison, tmp_path, "tgon compare --T 3")
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name


def test_text_from_outside_is_escaped(small_comparison):
    numbers = {kind.name: kind.numbers(small_comparison.runs).iloc[:0] for kind in FIGURES}
    assert "<script>" not in render_report(small_comparison, numbers, "<script>alert(1)</script>")


def test_nothing_memorized_is_a_report_too(small_runs, undrawn, tmp_path):
    failed = Runs([run for run in small_runs if run.status != "memorized"][:1])
    assert len(failed)
    assert write_report(compare(failed), tmp_path).exists()


def test_the_page_is_laid_out_for_every_medium(page):
    """Without a browser: rules for each medium, and cells that bear their heads where a table has no room."""
    rules = page.find("head/style").text
    assert all(f"@media {medium}" in rules for medium in ("print", "screen and (prefers-color-scheme: dark)"))
    assert all(cell.get("data-head") for cell in page.iter("td"))


def browse(page, widths, *options):
    """What a browser says of a page in frames of these widths."""
    assert BROWSER
    address = f"{(Path(__file__).parent / 'frames.html').as_uri()}?page={page.as_uri()}&widths={widths}"
    flags = "--headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files"
    command = [BROWSER, *flags.split(" "), "--virtual-time-budget=9000", *options, address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
def test_nothing_is_cut_in_a_browser(folder, tmp_path):
    page, shot = folder / "report.html", tmp_path / "shot.png"
    found = re.search("<title>(.*?)</title>", browse(page, "390,600,768,1280", "--dump-dom"))[1]
    assert json.loads(unescape(found)) == [[390], [600], [768], [1280]]
    for width, light in ((390, 0), (390, 1), (1280, 0), (1280, 1)):
        scheme = f"--blink-settings=preferredColorScheme={light}"
        browse(page, str(width), scheme, f"--window-size={max(width, 500)},900", f"--screenshot={shot}")
        assert (imread(shot)[:, :width, :3].mean() > 0.5) == light
