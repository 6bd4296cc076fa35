"""The notes: those committed are what the registry writes, labels are anchors, the LaTeX is what GitHub takes.

Every letter that stands in a reason is in its note's table of symbols, and no entry of that table is stale.
"""

import itertools
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import sympy

from tests.test_readme import assert_plain
from tests.tgon.command import tgon
from tgon.cli.notes import differences
from theory.derivations.domains import Integers, Interval
from theory.derivations.steps import Step, above, derivations, equal
from theory.derivations.symbols import NOTATION, symbol
from theory.notes.pages import IN_WORDS, LABELS, TOPICS, notes, topic_of
from theory.notes.pdf import one_document
from theory.notes.statements import display, in_latex
from theory.notes.tables import table_of
from verify.claims.registry import CLAIMS

ROOT = Path(__file__).parent.parent.parent.parent
FOLDER = ROOT / "notes" / "derivations"
ROOMS = ("theory", "numerics", "verify", "experiments", "tgon")
REGISTERED = [label for one in derivations() for label in one.labels]
ANCHORED = [*REGISTERED, *(label for label in LABELS if label not in REGISTERED)]
#: Letters that are explained where the notation is, or name what every reader of the field knows: O(x), the loss L.
EVERYWHERE = set("WbXhTRSnmaLOEw") | {r"\pi"}
GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|delta|varepsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|varphi|chi|psi|omega|"
    r"ell|Gamma|Delta|Lambda|Pi|Phi|Psi|Omega)(?![A-Za-z])"
)
SCALES = next(one for one in derivations() if one.label.startswith("scales."))


@pytest.fixture(scope="module")
def texts():
    return notes()


def formulas(text):
    """Displayed formulas, what stands between single dollars, and the words that are left."""
    displayed = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, flags=re.M | re.S)
    rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", text, flags=re.M | re.S)
    return displayed, re.findall(r"\$([^$\n]+)\$", rest), re.sub(r"`[^`]*`|\$[^$\n]+\$", "", rest)


def debris(latex):
    """What a reader of a formula should never see, and what Markdown would take for its own."""
    patterns = {
        "a long float": r"\d\.\d{8}",
        "a float with nothing behind its point": r"\d\.0+(?!\d| \\cdot 10)",
        "SymPy or Python": r"Eq\(|Max\(|Min\(|Piecewise|sqrt\(|Rational|\*\*|True|False",
        "a star": r"\*",
        "a backslash before punctuation": r"\\[{},;:!.#|]|\\\\(?!\n)",
        "a tag": r"[<>]",
        "emphasis": r"(?<![A-Za-z0-9])_",
        "a Markdown link": r"\]\(",
        "Unicode": r"[^\x00-\x7f]",
        "a list or a heading": r"(?m)^([-+#]|=+|\d+\.)(\s|$)",
    }
    found = [name for name, pattern in patterns.items() if re.search(pattern, latex)]
    bare = re.sub(r"\\(lbrace|rbrace|left|right)\b", "", latex)
    balanced = bare.count("{") == bare.count("}") and latex.count(r"\left") == latex.count(r"\right")
    return found if balanced else [*found, "unbalanced brackets"]


def test_committed_notes_are_what_the_registry_writes(texts):
    found = differences(texts, FOLDER)
    assert not found, f"run make notes; first difference: {found[0]}"


def test_every_label_is_an_anchor_once_and_every_link_has_a_target(texts):
    anchors = {name: re.findall(r'<a id="([^"]+)"></a>', text) for name, text in texts.items()}
    assert Counter(itertools.chain.from_iterable(anchors.values())) == Counter(ANCHORED)
    links = [link for text in texts.values() for link in re.findall(r"\[[^]]*\]\(([^)]+)\)", text)]
    assert len(links) > 100
    for link in links:
        name, _, anchor = link.partition("#")
        assert name in texts or (name.startswith("../") and (FOLDER / name).exists()), link
        assert not anchor or anchor in anchors[name], link


def test_every_formula_is_clean(texts):
    count = 0
    for name, text in texts.items():
        displayed, inline, words = formulas(text)
        for latex in (*displayed, *(f"${one}$" for one in inline)):
            assert not debris(latex), (name, latex, debris(latex))
        count += len(displayed)
        words = re.sub(r"<a id=.*?</a>|</?sub>|\]\([^)]*\)|^\|.*--.*\|$", "", words, flags=re.M)
        assert not re.findall(r"[‖²³⁴√Σ∫≤≥≠·=ᵀ<>^αβγεθλμπτφω]|\d\.\d{8}", words), name
    ideas = sum(topic.idea.count("$$") // 2 for topic in TOPICS)
    assert count == sum(len(one.steps) for one in derivations()) + ideas


def test_every_dollar_is_where_github_sees_it(texts):
    for name, text in texts.items():
        for line in text.split("\n"):
            assert line == "$$" or ("$$" not in line and line.count("$") % 2 == 0), (name, line)
            for before, inside, after in re.findall(r"(.?)\$([^$]+)\$(.?)", line):
                assert before in ("", " "), (name, line)
                assert inside == inside.strip(), (name, line)
                assert not after.isalnum(), (name, line)


def test_tables_have_as_many_cells_as_heads(texts):
    for name, text in texts.items():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
            assert len({line.count("|") for line in table.strip().split("\n")}) == 1, (name, table)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        table_of("tgon", [["1"]])


def test_the_checks_can_fail():
    for bad in ("0.12345678901", "2.0 x", "Max(0, 1.0 x)", "a**b", r"\{x\}", "a<b", "}_i", "‖h‖", r"a \\ b"):
        assert debris(bad), bad
    for bad in ("[a](b)", r"\frac{a}{b", r"\left(a)", "a\n- b", "a\n=\n"):
        assert debris(bad), bad


def test_an_area_without_a_topic_gets_a_note_of_its_own():
    assert "[`novel.lemma`]" in notes([replace(SCALES, label="novel.lemma")])["novel.md"]


def test_every_label_that_is_cited_exists_and_the_list_has_no_other():
    """In code, tests, claims, the README and the notes: a label in backticks is registered, a claim, or in the list."""
    known = {*ANCHORED, *(claim.label for claim in CLAIMS)}
    areas = {label.partition(".")[0] for label in known}
    texts = {
        path: path.read_text(encoding="utf-8")
        for room in (*ROOMS, "tests", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
    }
    texts |= {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *FOLDER.glob("*.md"))}
    cited = {
        label: path.name
        for path, text in texts.items()
        for label in re.findall(r"`([a-z]+\.[a-z][a-z0-9-]*)`", text)
        if label.partition(".")[0] in areas
    }
    assert len(cited) > 100
    assert not {label: where for label, where in cited.items() if label not in known}
    code = "".join(text for path, text in texts.items() if path.relative_to(ROOT).parts[0] in ROOMS)
    assert [label for label in LABELS if label not in code] == []


def test_the_command_writes_checks_and_says_what_differs(tmp_path, texts, monkeypatch):
    monkeypatch.setattr("theory.notes.pages.notes", lambda: texts)  # computed once
    done = tgon("notes", "--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    assert "need a clone of tgon" in done.stderr
    assert {*json.loads(done.stdout)["result"]["written"]} == {path.name for path in tmp_path.iterdir()}
    assert all((tmp_path / name).read_bytes() == text.encode() for name, text in texts.items())
    assert tgon("notes", "--out", tmp_path, "--check").exit_code == 0

    note = tmp_path / "scales.md"
    note.write_text(note.read_text().replace("n p^{2}", "n p^{3}", 1))
    (tmp_path / "left-over.md").write_text("old\n")
    (tmp_path / "sea.md").unlink()
    done = tgon("notes", "--out", tmp_path, "--check", "--json")
    assert done.exit_code == 1
    found = {each["file"]: each for each in json.loads(done.stdout)["result"]["differences"]}
    assert set(found) == {"scales.md", "left-over.md", "sea.md"}
    assert "n p^{3}" in found["scales.md"]["committed"]
    assert "n p^{2}" in found["scales.md"]["generated"]
    assert note.read_text().split("\n")[found["scales.md"]["line"] - 1] == found["scales.md"]["committed"]
    done = tgon("notes", "--out", tmp_path, "--check")
    assert done.exit_code == 1
    assert "scales.md, line" in done.stdout


def test_check_writes_nothing(tmp_path, texts, monkeypatch):
    monkeypatch.setattr("theory.notes.pages.notes", lambda: texts)
    done = tgon("notes", "--out", tmp_path / "absent", "--check")
    assert done.exit_code == 1
    assert f"absent: there is no such folder; tgon notes --out {tmp_path / 'absent'} writes" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not (tmp_path / "absent").exists()
    assert tgon("notes", "--out", tmp_path, "--check", "--pdf").exit_code == 2


def test_the_pdf_is_one_document_with_every_anchor_and_link(texts):
    document = one_document(texts)
    anchors = re.findall(r"\{#([^}]+)\}", document)
    assert len(set(anchors)) == len(anchors)
    assert {*re.findall(r"\]\(#([^)]+)\)", document), *ANCHORED} <= set(anchors)
    assert "<a id" not in document
    assert ".md)" not in document


def test_the_pdf_is_made(tmp_path, texts):
    pytest.importorskip("pypandoc", reason="pip install -e '.[notes]' to make the PDF")
    pytest.importorskip("typst", reason="pip install -e '.[notes]' to make the PDF")
    from theory.notes.pdf import write_pdf

    pages = {"README.md": "# Notes\n", "sea.md": re.sub(r"\]\(\w[^)]*\)", "](sea.md)", texts["sea.md"])}
    path = tmp_path / "notes" / "derivations" / "notes.pdf"
    path.parent.mkdir(parents=True)
    write_pdf(pages, path)
    bare = path.read_bytes()
    shutil.copytree(ROOT / "experiments" / "sea", tmp_path / "experiments" / "sea")
    write_pdf(pages, path)
    assert bare.startswith(b"%PDF")
    assert path.stat().st_size > len(bare) + 20_000  # the picture


def test_statements():
    x, y, r = symbol("x y r")
    assert in_latex(equal(1 / (x + y), 1 - x)) == r"\frac{1}{x + y} = 1 - x"
    assert in_latex(above(sympy.acos(x), 0)) == r"\arccos{\left(x \right)} \gt 0"
    assert in_latex((r**2 + 1) ** sympy.Rational(3, 2)) == r"\left(r^{2} + 1\right)^{3/2}"
    assert display(equal(-x, y)) == "-x = y"
    wide = display(equal(sum(sympy.sin(k * x) * sympy.cos(k * y) for k in range(1, 20)), x * y)).split("\n")
    assert (wide[0], wide[-1]) == (r"\begin{aligned}", r"\end{aligned}")
    assert all(line.startswith("& ") for line in wide[1:-1])
    assert all(line.endswith(r" \\") for line in wide[1:-2])
    assert "".join(wide).count(r"\sin") == 19


def test_how_a_step_was_checked():
    x, T = symbol("x T")
    line = Step("scales.line", above(x, 1 - 2 * (x + 1)), {x: Interval(0, 1)}, "")
    grid = Step("scales.grid", above(T, sympy.Rational(1, 2)), {T: Integers(1, 40)}, "")
    text = notes([replace(SCALES, steps=(line, grid))])["scales.md"]
    assert r"<sub>Checked at 26 points of $x \in [0, 1]$.</sub>" in text
    assert r"<sub>Checked at all 40 points of $T \in \lbrace 1, \dots, 40 \rbrace$.</sub>" in text


def texts_of(area):
    return " ".join(
        text
        for one in derivations()
        if one.label.partition(".")[0] == area
        for text in (one.title, one.conclusion, one.assumptions, *(step.why for step in one.steps))
    )


def letters(text):
    """Greek letters, capitals, and letters with an index, in the mathematics of a text."""
    found = set()
    for latex in re.findall(r"\$([^$]+)\$", text):
        latex = re.sub(r"\\(text|mathrm)\{[^}]*\}|\\top", " ", latex)
        found |= set(GREEK.findall(latex))
        latex = re.sub(r"\\[A-Za-z]+", " ", latex)
        found |= set(re.findall(r"[A-Za-z](?=_)|[B-HJ-Z]", latex))
    return found


def symbols(topic):
    """The entries of the table of notation that stand in a topic's statements."""
    steps = [step for one in derivations() if topic_of(one.label) == topic for step in one.steps]
    used = {symbol for step in steps for symbol in step.statement.free_symbols}
    return [entry for entry in NOTATION if entry.symbol in used]


def unexplained(text, topic):
    words = {
        letter
        for symbol, _, areas in IN_WORDS
        if set(areas.split()) & set(topic.areas)
        for letter in re.findall(r"\\[A-Za-z]+|[A-Za-z]", symbol)
    }
    return letters(text) - EVERYWHERE - words - {entry.latex.partition("_")[0] for entry in symbols(topic)}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_letter_in_a_reason_is_explained(topic):
    text = " ".join([topic.claim, topic.idea.replace("$$", "$"), *map(texts_of, topic.areas)])
    assert not unexplained(text, topic)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_note_begins_with_its_claim_and_idea_in_plain_words(topic, texts):
    opening = texts[f"{topic.name}.md"].partition('<a id="')[0]
    parts = (topic.claim, topic.picture, topic.caption, topic.idea)
    places = [opening.index(part.partition("`")[0]) for part in parts if part]
    assert places == sorted(places)
    assert "$$" in topic.idea
    assert bool(topic.picture) == bool(topic.caption)
    assert_plain(opening, 20)


def test_a_letter_that_nobody_explains_is_found():
    topic = next(topic for topic in TOPICS if topic.name == "scales")
    assert unexplained(r"so $\xi$ grows, and with it $q_j$ and $2Z$", topic) == {r"\xi", "q", "Z"}


@pytest.mark.parametrize(("symbol", "areas"), [(symbol, areas) for symbol, _, areas in IN_WORDS])
def test_no_entry_is_stale(symbol, areas):
    for area in areas.split():
        for letter in re.findall(r"\\[A-Za-z]+|[A-Za-z]+", re.sub(r"_(\{\w+\}|\w)|\(.*?\)", "", symbol)):
            mathematics = " ".join(re.findall(r"\$([^$]+)\$", texts_of(area)))
            assert re.search(rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z])", mathematics), (area, letter)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_tables_of_symbols_have_what_they_mean(topic, texts):
    """Every symbol of a statement has a meaning in its note, and none that holds in other areas alone."""
    text = texts[f"{topic.name}.md"]
    for entry in symbols(topic):
        meaning = entry.meaning_in(topic.areas)
        assert meaning, f"{entry.name} has no meaning in {topic.name}"
        assert f"| ${entry.latex}$ | {meaning} | " in text or "`" in meaning
    for letter, meaning, areas in IN_WORDS:
        assert f"| {letter} | {meaning} |" in texts["notation.md"]
        assert (f"| {letter} | {meaning} |" in text) >= bool(set(areas.split()) & set(topic.areas))
