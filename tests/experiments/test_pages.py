"""Experiments: from runs to tables, figure and page; what is committed is what the tables draw and say."""

import re
from pathlib import Path

import pytest
from PIL import Image

import experiments.tables
from experiments import making
from experiments.commentary import parse_commentary
from experiments.making import CONTENTS, contents_of, page_of, picture, write_experiment
from experiments.registry import NAMES, OF_THE_NOTES, find_experiment
from experiments.tables import digest, form_folders, form_of, read_tables
from numerics.sweeps.file import read_sweep
from numerics.training.progress import work_of
from tests.experiments.conftest import TINY
from tests.experiments.statements import COMMITTED, changed, committed
from tests.tgon.command import answer, refusal, tgon
from verify.style import render

ROOT = Path(__file__).parents[2]
NORMS = find_experiment("norms")
HEAD = 'title = "t"\nquestion = "q"\ncaption = "c"\n'


@pytest.mark.parametrize("name", TINY)
def test_one_command_makes_tables_figure_and_page(name, made):
    """The tables and columns that are committed, and a page that says what they do."""
    found, experiment = made(name), find_experiment(name)
    animated = hasattr(experiment.module, "animate")
    page, known, fresh = Path(found["page"]), committed(name), read_tables(Path(found["out"]))
    assert page.parts[-3:] == ("notes", "experiments", f"{name}.md")
    assert found["missing"] == form_of(fresh)["missing"] == "0"
    assert {Path(path).name for path in found["written"]} == {
        *(f"{table}.csv" for table in known),
        *("figure.png", page.name, CONTENTS),
        *["animation.gif"] * animated,
    }
    assert all(set(known[table]) <= set(fresh[table]) for table in known)
    assert all(Path(path).stat().st_size < 200_000 for path in found["written"] if path.endswith(".csv"))
    text = page.read_text(encoding="utf-8")
    assert all(each.statement in text for each in experiment.module.findings(fresh))
    assert ("animation.gif)" in text) is animated
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (page.parent / link).is_file(), link
    assert "nan" not in text.lower().replace("dominan", "")
    assert "**Preview form**" in text


@pytest.fixture
def two_forms(made, empty, tmp_path):
    """The norms as full form in ``experiments/norms`` of a folder, and beside it as tenth form."""
    home = tmp_path / "experiments" / "norms"
    for form, out in (("full", home), ("tenth", home / "tenth")):
        tables = read_tables(Path(made("norms")["out"]))
        tables["form"] = tables["form"].replace({"value": {"preview": form}})
        write_experiment(NORMS, tables, out)
    return home


def test_forms_that_lie_beside_each_other_share_a_page(two_forms, tmp_path):
    """Each with its own figure, command and text, under its own name; the list of pages names both."""
    notes = tmp_path / "notes" / "experiments"
    text = (notes / "norms.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("#")][1:] == [
        *("## Full form", "### Result", "### How it was made"),
        *("## Tenth form", "### Result", "### How it was made"),
    ]
    full, tenth = text.split("## Tenth form")
    assert "norms/figure.png" in full
    assert "norms/tenth/figure.png" in tenth
    assert "--tenth --runs runs" in tenth
    assert "--tenth" not in full
    assert "[tenth form](#tenth-form), n = 60, 9 of 9 runs" in full
    assert {folder.name for folder in form_folders(two_forms)} == {"norms", "tenth"}
    rows = [line for line in (notes / CONTENTS).read_text(encoding="utf-8").splitlines() if ".md)" in line]
    assert rows[-1].endswith("full: n = 60, 9 of 9 runs; tenth: n = 60, 9 of 9 runs |")
    assert " (full); " in next(row for row in rows if "(norms.md) |" in row)


def test_a_page_holds_findings_summary_and_text(made, tmp_path):
    """The text stands behind a warning where its outcomes are not those of the findings."""
    tables = read_tables(Path(made("norms")["out"]))
    _, text = page_of(NORMS, tables, tmp_path)
    head = "| statement | outcome | quantity | at | value (95 % interval) | n |"
    assert head in text
    assert f"| {NORMS.module.findings(tables)[0].statement} |" in text
    assert "| T | seeds on disjoint data |" in text
    assert NORMS.commentary.texts["full"] not in text
    tables["form"] = tables["form"].replace({"value": {"preview": "full"}})
    _, other = page_of(NORMS, tables, tmp_path)
    assert NORMS.commentary.texts["full"] in other
    assert "The text below was written for other tables" in other


def test_the_committed_list_is_that_of_the_committed_pages():
    text = contents_of(ROOT / "experiments")
    assert (ROOT / "notes" / "experiments" / CONTENTS).read_text(encoding="utf-8") == text
    assert re.findall(r"\]\((.+?)\.md\)", text.split("## Pages")[1]) == list(NAMES)


def test_one_command_draws_all_forms_again(two_forms, tmp_path):
    """In their place, and elsewhere, whatever the folder is called and however often the command runs."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for path in before:
        if path.suffix in (".png", ".md"):
            path.unlink()
    written = answer("figure", "norms", "--from", two_forms)["written"]
    assert {Path(path) for path in written} == set(before)
    assert {path: path.read_bytes() for path in before} == before
    pages = []
    for _ in range(2):
        assert tgon("figure", "norms", "--from", two_forms, "--out", tmp_path / "copy").exit_code == 0
        pages.append((tmp_path / "copy" / "norms.md").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert pages[0].count("# How it was made") == 2
    assert not (tmp_path / "copy" / "tenth" / "norms.md").exists()


@pytest.mark.parametrize("killed", ["theory.csv", "figure.png"])
def test_a_kill_while_writing_leaves_tables_of_one_writing(two_forms, monkeypatch, killed):
    """The old or the new ones, never both; the figure names those that it was drawn from."""
    tables = read_tables(two_forms)
    other = changed(tables, "runs,theory", weight_norm=1.0)
    written = making.write_atomically

    def kill(path, content):
        if path.name == killed:
            raise KeyboardInterrupt
        written(path, content)

    with monkeypatch.context() as patch:
        for module in (making, experiments.tables):
            patch.setattr(module, "write_atomically", kill)
        with pytest.raises(KeyboardInterrupt):
            write_experiment(NORMS, other, two_forms)
    kept = tables if killed.endswith(".csv") else other
    assert digest(read_tables(two_forms)) == digest(kept)
    named = Image.open(two_forms / "figure.png").info["Description"]
    assert (named == digest(kept)) is (killed != "figure.png")
    assert tgon("figure", "norms", "--from", two_forms).exit_code == 0
    assert Image.open(two_forms / "figure.png").info["Description"] == digest(kept)


def test_another_experiment_without_its_tables_is_named(two_forms):
    other = two_forms.parent / "gallery"
    (other / "tables").mkdir(parents=True)
    (two_forms / "tables" / "form.csv").rename(other / "tables" / "form.csv")
    said = refusal("figure", "norms", "--from", two_forms / "tenth")
    assert f"{other}: its tables are those of norms" in said


def test_missing_runs_are_counted_on_the_page(made, empty, tmp_path):
    source = Path(made("norms")["out"]).parents[1]
    file = tmp_path / "norms.toml"
    file.write_text(TINY["norms"].replace("[3, 4, 8]", "[3, 4, 9]"))
    done = tgon("figure", "norms", "--runs", source / "runs", "--sweep", file, "--out", tmp_path)
    assert "3 of 9 runs are missing" in done.stdout
    page = (tmp_path / "norms.md").read_text(encoding="utf-8")
    assert "**3 of 9 runs are missing**: T = 9. What follows" in page


@pytest.mark.parametrize(("name", "folder"), COMMITTED)
def test_committed_figures_are_those_of_the_committed_tables(name, folder):
    """A figure names the tables it was drawn from; pixels differ between machines."""
    assert Image.open(folder / "figure.png").info["Description"] == digest(read_tables(folder))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "folder"), COMMITTED)
def test_committed_tables_are_drawn(name, folder):
    """And a smaller form says above its figure that it is one."""
    tables = read_tables(folder)
    assert bool(picture(find_experiment(name), tables).get_suptitle()) is (form_of(tables)["form"] != "full")


@pytest.mark.parametrize("name", NAMES)
def test_committed_pages_are_those_of_the_committed_tables(name):
    folder = next(folder for own, folder in COMMITTED if own == name)
    path, text = page_of(find_experiment(name), read_tables(folder), folder)
    assert path == ROOT / "notes" / "experiments" / f"{name}.md"
    page = path.read_text(encoding="utf-8")
    assert text == page
    for link in re.findall(r"\]\(([^)#]+)\)", page):
        assert (ROOT / "notes" / "experiments" / link).is_file(), link
    for anchor in re.findall(r"\]\(#([^)]+)\)", page):
        assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in page


@pytest.mark.parametrize(
    "place",
    [
        *("norms runs weight_norm", "dataset-size runs test_loss", "gallery points x"),
        *("failures shares share", "test-loss runs test_loss", "codes runs above"),
    ],
)
def test_a_changed_number_is_another_picture(place, made):
    name, table, column = place.split()
    folder = Path(made(name)["out"])
    known = read_tables(folder)
    values = known[table][column].to_numpy(dtype=float, copy=True)
    values[0] = 0.5 * values[0] + 0.2
    drawn = picture(find_experiment(name), changed(known, table, **{column: values}))
    assert (folder / "figure.png").read_bytes() != render(drawn, "png", digest(known))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_THE_NOTES])
def test_a_preview_costs_less_than_the_full_form(name):
    file = ROOT / "experiments" / find_experiment(name).folder / "sweep.toml"
    full, preview = (read_sweep(file, form=form).cells for form in ("full", "preview"))
    assert 0 < sum(map(work_of, preview)) < sum(map(work_of, full))


def test_the_list_names_every_experiment():
    listed = answer("figure", "--list")
    assert [each["name"] for each in listed] == list(NAMES)
    assert all(each["title"] and each["question"] for each in listed)
    assert all(name in tgon("figure", "--list").stdout for name in NAMES)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("norm", "--runs", "."), "did you mean norms"),
        ((), "NAME is missing"),
        (("norms",), "give either --runs"),
        (("norms", "--runs", ".", "--from", "."), "give either --runs"),
        (("norms", "--from", ".", "--preview"), "without --sweep and a form such as --tenth"),
        (("norms", "--runs", ".", "--preview", "--tenth"), "name two forms"),
        (("norms", "--from", "no such folder"), "holds no tables/form.csv"),
        (("norms", "--runs", ".", "--sweep", "no.toml"), "no.toml"),
    ],
)
def test_a_refusal_is_one_line(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert says in refusal("figure", *arguments)
    assert not list(tmp_path.iterdir())


def test_tables_of_other_experiments_are_asked_for_before_anything_is_collected(monkeypatch, tmp_path):
    """Outside a clone they are not there."""
    monkeypatch.setattr(experiments.tables, "__file__", str(tmp_path / "tables.py"))
    beside = "dataset-size and published-curves"
    for name, others in (("epsilon-law", beside), ("repeated-threshold", "repeated-map")):
        with pytest.raises(
            ValueError, match=f"{name}: needs a clone of tgon, for the tables of {others}; try"
        ):
            making.gather(find_experiment(name), None, tmp_path, source="")


def test_form_says_what_was_run(made):
    form = form_of(read_tables(Path(made("dataset-size")["out"])))
    said = ("preview", "12", "60", "3, 8, 40", "0, 1")
    assert tuple(form[key] for key in ("form", "runs", "n", "T", "seed")) == said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no head", "must begin with TOML"),
        ('+++\ntitle = "t"\n+++\n', "that gives title, question and caption"),
        (f"+++\n{HEAD}[half]\n+++\n", "half: must be one of full, tenth, averaged, preview"),
        (f"+++\n{HEAD}[full]\n[tenth]\n+++\nOne text.\n", "needs the stamp of one form"),
    ],
)
def test_a_commentary_without_its_parts_is_refused(text, says):
    with pytest.raises(ValueError, match=says):
        parse_commentary(text)


def test_the_texts_of_a_commentary_stand_under_their_forms():
    text = f"+++\n{HEAD}[full]\n[tenth]\n+++\n## Full form\nOne.\n\n## Tenth form\nTwo.\n"
    assert parse_commentary(text).texts == {"full": "One.", "tenth": "Two."}
    assert parse_commentary(f"+++\n{HEAD}[tenth]\n+++\nTwo.\n").texts == {"tenth": "Two."}
