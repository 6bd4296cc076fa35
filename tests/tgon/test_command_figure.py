"""`tgon figure` before there is anything to draw: what is missing is named, with the command that makes it."""

from numerics import train
from numerics.sweeps.file import read_sweep
from tests.tgon.command import refusal


def refused(*arguments):
    return refusal("figure", "norms", *arguments)


def test_a_folder_that_does_not_exist_is_called_that(file, tmp_path):
    for flags in ((), ("--preview",)):
        said = refused("--runs", tmp_path / "none", "--sweep", file, *flags)
        training = " ".join(["tgon sweep", str(file), *flags, "--out", str(tmp_path / "none")])
        assert said == f"tgon: --runs {tmp_path / 'none'}: there is no such folder; try {training}"


def test_a_folder_of_the_other_form_holds_no_run_of_this_one(file, tmp_path):
    train(read_sweep(file).cells[:2], out=tmp_path / "runs", progress=False)
    said = refused("--runs", tmp_path / "runs", "--sweep", file, "--preview")
    assert f"holds none of the 2 runs of the preview form of {file}; try tgon sweep {file} --preview" in said
    assert said.endswith("or the flag of another form")


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
