"""The notes: those committed are what the registry writes, labels are anchors, the LaTeX is what GitHub takes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sympy
from click.testing import CliRunner

from tgon.cli.main import main
from tgon.cli.notes import differences
from theory.derivations.domains import Integers, Interval
from theory.derivations.labels import LABELS
from theory.derivations.steps import AtPoints, OverBox, Step, above, derivations, equal
from theory.derivations.symbols import symbol
from theory.notes.pages import notes, topic_of
from theory.notes.pdf import one_document
from theory.notes.prose import in_markdown
from theory.notes.tables import Table
from theory.notes.typesetting import display, in_latex, sets_in_markdown, width
from theory.number_format import number
from verify.claims.registry import CLAIMS

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "notes"
LABEL = re.compile(r"`([a-z]+\.[a-z][a-z0-9-]*)`")
REGISTERED = [label for one in derivations() for label in (one.label, *(step.label for step in one.steps))]
ANCHORED = [*REGISTERED, *(label for label in LABELS if label not in REGISTERED)]


@pytest.fixture(scope="module")
def texts():
    return notes()


def formulas(text):
    """The LaTeX of a note: displayed formulas, then what stands between single dollars."""
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
    }
    return [name for name, pattern in patterns.items() if re.search(pattern, latex)]


def begins_a_block(latex):
    """Whether Markdown would take a line of a displayed formula for a list or a heading."""
    return bool(re.search(r"^([-+#]|=+|\d+\.)(\s|$)", latex, flags=re.M))


def balanced(latex):
    text = re.sub(r"\\(lbrace|rbrace|left|right)\b", "", latex)
    return text.count("{") == text.count("}") and latex.count(r"\left") == latex.count(r"\right")


# What is committed


def test_committed_notes_are_what_the_registry_writes(texts):
    found = differences(texts, FOLDER)
    assert not found, f"run make notes; first difference: {found[0]}"


def test_every_label_is_an_anchor_exactly_once(texts):
    anchors = [anchor for text in texts.values() for anchor in re.findall(r'<a id="([^"]+)"></a>', text)]
    assert sorted(anchors) == sorted(ANCHORED)


def test_every_link_has_a_target(texts):
    anchors = {name: set(re.findall(r'<a id="([^"]+)"></a>', text)) for name, text in texts.items()}
    links = [link for text in texts.values() for link in re.findall(r"(?<!!)\[[^]]*\]\(([^)]+)\)", text)]
    assert len(links) > 100
    for link in links:
        name, _, anchor = link.partition("#")
        assert name in texts or (name.startswith("experiments/") and (FOLDER / name).exists()), link
        assert not anchor or anchor in anchors[name], link


def test_every_picture_is_there(texts):
    pictures = [path for text in texts.values() for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)]
    assert all((FOLDER / path).resolve().exists() for path in pictures)


def test_every_formula_is_clean(texts):
    count = 0
    for name, text in texts.items():
        displayed, inline, _ = formulas(text)
        for latex in displayed + inline:
            assert not debris(latex), (name, latex, debris(latex))
            assert balanced(latex), (name, latex)
        assert not begins_a_block("\n".join(displayed)), name
        count += len(displayed)
    assert count == sum(len(one.steps) for one in derivations())


def test_every_dollar_is_where_github_sees_it(texts):
    for name, text in texts.items():
        for line in text.split("\n"):
            assert line == "$$" or "$$" not in line, (name, line)
            assert line == "$$" or line.count("$") % 2 == 0, (name, line)
            for opening in re.finditer(r"(.?)\$([^$]+)\$(.?)", line):
                before, inside, after = opening.groups()
                assert before in ("", " "), (name, line)
                assert inside == inside.strip(), (name, line)
                assert not after.isalnum(), (name, line)


def test_no_mathematics_is_left_in_the_words(texts):
    for name, text in texts.items():
        _, _, words = formulas(text)
        words = re.sub(r"<a id=.*?</a>|\]\([^)]*\)|^\|.*--.*\|$", "", words, flags=re.M)
        left = re.findall(r"[‖²³⁴√Σ∫≤≥≠·=ᵀ<>^αβγεθλμπτφω]|\d\.\d{8}", words)
        assert not left, (name, left[:5])


def test_tables_have_as_many_cells_as_heads(texts):
    for name, text in texts.items():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
            counts = {line.count("|") for line in table.strip().split("\n")}
            assert len(counts) == 1, (name, table)


def test_the_checks_can_fail():
    for bad in (
        "0.12345678901",
        "2.0 x",
        "Max(0, 1.0 x)",
        "a**b",
        r"\{x\}",
        "a<b",
        "}_i",
        "‖h‖",
        r"a \\ b",
        "[a](b)",
    ):
        assert debris(bad), bad
    assert not balanced(r"\frac{a}{b")
    assert begins_a_block("a\n- b")
    assert begins_a_block("a\n=\n")
    assert not balanced(r"\left(a)")


# What a change of the registry does


def _changed(text_of):
    """Notes of a registry with one changed derivation, and the names of the notes that differ."""
    first, *rest = [one for one in derivations() if topic_of(one.label).name == "scales"]
    before, after = notes([first, *rest]), notes([text_of(first), *rest])
    return [name for name in after if after[name] != before[name]]


def test_a_changed_statement_changes_its_note():
    def negate(one):
        step = one.steps[0]
        wrong = replace(step, statement=equal(step.statement.lhs, -step.statement.rhs))
        return replace(one, steps=(wrong, *one.steps[1:]))

    assert _changed(negate) == ["scales.md"]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, conclusion="Nothing follows."),
        lambda one: replace(one, assumptions=("none",)),
        lambda one: replace(one, steps=(replace(one.steps[0], why="It is so."), *one.steps[1:])),
        lambda one: replace(one, steps=(replace(one.steps[0], check=AtPoints(7)), *one.steps[1:])),
        lambda one: replace(one, steps=one.steps[1:]),
    ],
)
def test_every_part_of_a_derivation_is_in_its_note(change):
    assert "scales.md" in _changed(change)


def test_an_area_without_a_topic_gets_a_note_of_its_own():
    one = replace(derivations()[0], label="novel.lemma")
    assert "`novel.lemma`" in notes([one])["novel.md"]


# Labels


def test_every_label_that_is_cited_exists():
    """In code, tests, claims, the README and the notes: a label in backticks is registered, a claim, or in the list."""
    known = {*ANCHORED, *(claim.label for claim in CLAIMS)}
    areas = {label.partition(".")[0] for label in known}
    files = [
        path
        for room in ("theory", "numerics", "verify", "experiments", "tgon", "tests", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
    ]
    cited = {
        label: path.name
        for path in [*files, ROOT / "README.md", *FOLDER.glob("*.md")]
        for label in LABEL.findall(path.read_text(encoding="utf-8"))
        if label.partition(".")[0] in areas
    }
    assert len(cited) > 100
    assert not {label: where for label, where in cited.items() if label not in known}


def test_the_list_of_labels_is_cited():
    """A label that nothing cites any more leaves the list."""
    rooms = "".join(
        path.read_text(encoding="utf-8")
        for room in ("theory", "numerics", "verify", "experiments", "tgon")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "labels.py"
    )
    assert [label for label in LABELS if label not in rooms] == []


# The command


def _tgon(*arguments):
    return CliRunner().invoke(main, ["notes", *map(str, arguments)])


def test_the_command_writes_checks_and_says_what_differs(tmp_path, texts, monkeypatch):
    monkeypatch.setattr("theory.notes.pages.notes", lambda: texts)  # computed once, above
    done = _tgon("--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    assert sorted(json.loads(done.stdout)["written"]) == sorted(path.name for path in tmp_path.iterdir())
    assert all((tmp_path / name).read_bytes() == text.encode() for name, text in texts.items())
    assert _tgon("--out", tmp_path, "--check").exit_code == 0

    note = tmp_path / "scales.md"
    note.write_text(note.read_text().replace("n p^{2}", "n p^{3}", 1))
    (tmp_path / "left-over.md").write_text("old\n")
    (tmp_path / "sea.md").unlink()
    done = _tgon("--out", tmp_path, "--check", "--json")
    assert done.exit_code == 1
    found = {each["file"]: each for each in json.loads(done.stdout)["differences"]}
    assert set(found) == {"scales.md", "left-over.md", "sea.md"}
    assert "n p^{3}" in found["scales.md"]["committed"]
    assert "n p^{2}" in found["scales.md"]["generated"]
    assert note.read_text().split("\n")[found["scales.md"]["line"] - 1] == found["scales.md"]["committed"]
    done = _tgon("--out", tmp_path, "--check")
    assert done.exit_code == 1
    assert "scales.md, line" in done.stdout


def test_check_writes_nothing(tmp_path, texts, monkeypatch):
    monkeypatch.setattr("theory.notes.pages.notes", lambda: texts)
    done = _tgon("--out", tmp_path / "absent", "--check")
    assert done.exit_code == 1
    assert f"absent: there is no such folder; tgon notes --out {tmp_path / 'absent'} writes" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not (tmp_path / "absent").exists()
    assert _tgon("--out", tmp_path, "--check", "--pdf").exit_code == 2


def test_the_pdf_is_one_document_with_every_anchor_and_link(texts):
    document = one_document(texts)
    anchors = re.findall(r"\{#([^}]+)\}", document)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", document)) <= set(anchors)
    assert set(ANCHORED) <= set(anchors)
    assert "<a id" not in document
    assert ".md)" not in document


def test_the_pdf_is_made(tmp_path, texts):
    pytest.importorskip("pypandoc", reason="pip install 'tgon[notes]' to make the PDF")
    pytest.importorskip("typst", reason="pip install 'tgon[notes]' to make the PDF")
    from theory.notes.pdf import write_pdf

    few = {name: texts[name] for name in ("README.md", "scales.md")}
    few["README.md"] = "# Notes\n"
    few["scales.md"] = re.sub(r"\]\((?!scales)[^)]*\)", "](scales.md)", few["scales.md"])
    write_pdf(few, tmp_path / "notes.pdf")
    assert (tmp_path / "notes.pdf").read_bytes().startswith(b"%PDF")


# The parts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("for T ≥ 3 the T-gon is a ring", r"for $T \ge 3$ the T-gon is a ring"),
        ("a > 1/2, and a ring of k", r"$a \gt 1/2$, and a ring of $k$"),
        ("f″(y) = −1/(y√(2y−1))", r"$f''(y) = -1/(y\sqrt{2y - 1})$"),
        ("Σ‖h_j‖² ≥ T − 1", r"$\sum \lVert h_j\rVert^2 \ge T - 1$"),
        ("X_jk² and T^{3/2}/(√2 π)", r"$X_{jk}^2$ and $T^{3/2}/(\sqrt{2} \pi)$"),
        ("(T = 5, where lengths are 1)", r"$(T = 5$, where lengths are 1)"),
        ("P(a ≤ x | s = y) of |d| ≤ i", r"$P(a \le x \mid s = y)$ of $\lvert d\rvert \le i$"),
        ("k ≡ 3 (mod 4)", r"$k \equiv 3 \pmod{4}$"),
        ("vᵀA⁺v, VVᵀ and D*_i", r"$v^{\top}A^+v$, $VV^{\top}$ and $D_i^{\ast}$"),
        ("the features' own output is at most 0", "the features' own output is at most 0"),
        ("on [0, π/2) with 8 or (7) features", r"on $[0, \pi /2)$ with 8 or (7) features"),
        ("gain(r, b) = cut³/3", r"$\mathrm{gain} (r, b) = \mathrm{cut}^3/3$"),
        ("rates of 1e-3 from T = 2..6", r"rates of $10^{-3}$ from $T = 2 \dots 6$"),
        ("that of h_l's own and w's", r"that of $h_l$'s own and $w$'s"),
        ("see `memorization.simplex`, x < y", r"see `memorization.simplex`, $x \lt y$"),
    ],
)
def test_sentences(text, shown):
    assert in_markdown(text) == shown


def test_statements():
    x, y, r, T = symbol("x y r T")
    assert in_latex((x - 1) / (sympy.sqrt(x) * sympy.sqrt(y))) == r"\frac{x - 1}{\sqrt{x y}}"
    assert in_latex(equal(1 / ((x + y) / 2), -x + 1)) == r"\frac{2}{x + y} = 1 - x"
    assert (
        in_latex(sympy.Max(0, sympy.cos(2 * sympy.pi / T)))
        == r"\max\left(0, \cos\left(\frac{2 \pi}{T}\right)\right)"
    )
    assert in_latex(sympy.Derivative(sympy.acos(x), x)) == r"\frac{d}{d x} \arccos(x)"
    assert in_latex((r**2 + 1) ** sympy.Rational(3, 2)) == r"\left(r^{2} + 1\right)^{3/2}"
    assert in_latex(sympy.Abs(x - y)) == r"\left|x - y\right|"


def test_wide_statements_are_broken_at_their_terms():
    x, y = symbol("x y")
    wide = equal(sum(sympy.sin(k * x) * sympy.cos(k * y) for k in range(1, 20)), x * y)
    lines = display(wide).split("\n")
    assert lines[0] == r"\begin{aligned}"
    assert lines[-1] == r"\end{aligned}"
    assert all(line.startswith("& ") for line in lines[1:-1])
    assert all(line.endswith(r" \\") for line in lines[1:-2])
    assert max(map(width, lines)) < 100
    assert "".join(lines[1:-1]).count(r"\sin") == 19


def test_how_a_step_was_checked():
    x, T = symbol("x T")
    step = Step(
        label="scales.step",
        statement=above(x, 1 - 2 * (x + 1)),
        why="",
        domain={x: Interval(0, 1)},
        check=OverBox(),
    )
    one = replace(derivations()[0], label="scales.one", steps=(step,))
    assert "(certified everywhere on $x \\in [0, 1]$)" in notes([one])["scales.md"]
    grid = replace(
        step, statement=above(T, sympy.Rational(1, 2)), domain={T: Integers(1, 40)}, check=AtPoints()
    )
    assert (
        "(checked at all 40 points of $T \\in \\lbrace 1, \\dots, 40 \\rbrace$)"
        in notes([replace(one, steps=(grid,))])["scales.md"]
    )
    assert sets_in_markdown({x: Interval("1/8", 4)}) == r"$x \in [1/8, 4]$"


def test_tables():
    assert [number(value, 4) for value in (1.0, -0.447213, 2.5e-9, 0.0)] == [
        "1",
        "−0.4472",
        r"$2.500 \cdot 10^{-9}$",
        "0",
    ]
    with pytest.raises(ValueError, match="2 cells"):
        Table("caption", ("a", "b"), (("1",),))
