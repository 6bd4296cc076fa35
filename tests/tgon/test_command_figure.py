"""`tgon figure` before there is anything to draw: what is missing is named, with the command that makes it."""

import pytest

from numerics import train
from numerics.sweeps.file import read_sweep
from tests.tgon.command import refusal

SWEEP = """
[setting]
n = 60
sparsity = 0.97
steps = 60
lr = 0.02
[grid]
T = [3, 4]
seed = "0:1"
[preview.grid]
T = [5]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "norms.toml"
    path.write_text(SWEEP)
    return path


def refused(*arguments):
    return refusal("figure", "norms", *arguments)


def test_a_folder_that_does_not_exist_is_called_that(file, tmp_path):
    for flags in ((), ("--preview",)):
        said = refused("--runs", tmp_path / "none", "--sweep", file, *flags)
        training = " ".join(["tgon sweep", str(file), *flags, "--out", str(tmp_path / "none")])
        assert said == f"tgon: --runs {tmp_path / 'none'}: there is no such folder; try {training}"


def test_a_folder_of_the_other_form_names_the_flag(file, tmp_path):
    """Of two forms the one that is there, and how to draw it; with neither of them there, no flag would help."""
    full, preview, empty = (tmp_path / name for name in ("full", "preview", "empty"))
    train(read_sweep(file).cells[:3], out=full, progress=False)
    train(read_sweep(file, form="preview").cells, out=preview, progress=False)
    empty.mkdir()
    said = refused("--runs", preview, "--sweep", file)
    assert (
        f"holds 2 of the 2 runs of the preview form of {file}, none of the full form; try --preview" in said
    )
    said = refused("--runs", full, "--sweep", file, "--preview")
    assert f"holds 3 of the 4 runs of the full form of {file}, none of the preview form; try without" in said
    for flags in ((), ("--preview",)):
        assert "form" not in refused("--runs", empty, "--sweep", file, *flags).replace(str(tmp_path), "")


def test_a_sweep_without_a_preview_has_no_other_form(file, tmp_path):
    file.write_text(SWEEP.split("[preview.grid]")[0])
    assert f"try tgon sweep {file} --out {tmp_path}" in refused("--runs", tmp_path, "--sweep", file)


def test_tables_of_another_experiment_are_not_drawn(file, tmp_path):
    (tmp_path / "tables").mkdir()
    form = "key,value\nform,full\nn,60\nruns,3\nmissing,0\n"
    (tmp_path / "tables" / "form.csv").write_text(form)
    said = refused("--from", tmp_path, "--out", tmp_path / "out")
    assert f"{tmp_path}: its tables are not those of norms" in said
    assert said.endswith("try --from experiments/norms, or move them away and make them anew with --runs")
    (tmp_path / "tables" / "form.csv").write_text(f"{form}experiment,gallery\n")
    said = refused("--from", tmp_path, "--out", tmp_path / "out")
    assert f"{tmp_path}: its tables are those of gallery, not of norms" in said
    (tmp_path / "tables" / "form.csv").write_text("a,b\n1,2\n")
    assert "form.csv: not a table of what was run" in refused("--from", tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
