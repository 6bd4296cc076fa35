"""The command that makes the figure and the page of an experiment: `figure`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tgon.cli.options import FILE, FOLDER, BadInput, form_options, json_option, refusals
from tgon.cli.output import print_json, print_table

if TYPE_CHECKING:
    from experiments.registry import Experiment
    from numerics.sweeps.file import Form, Sweep

#: A page, and all files that were written with it.
Written = tuple[Path, list[Path]]


@click.command(epilog="Example: tgon figure norms --runs runs --out experiments/norms")
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the experiments and exit.")
@click.option("--runs", type=FOLDER, help="Folder of the runs of its sweep.")
@click.option("--from", "source", type=FOLDER, help="Folder of tables to draw from.")
@click.option(
    "--sweep", type=FILE, help="Sweep file that says which runs.  [default: experiments/NAME/sweep.toml]"
)
@form_options("The runs of the sweep's {} form.")
@click.option(
    "--out",
    type=FOLDER,
    help="Folder of tables and figure.  [default: experiments/NAME, in it the folder of a smaller form, or the folder "
    "of --from]",
)
@json_option
def figure(
    name: str | None,
    listed: bool,
    runs: Path | None,
    source: Path | None,
    sweep: Path | None,
    form: Form,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make the tables, the figure and the page of an experiment, from runs or from its tables alone."""
    from experiments.registry import find_experiment

    if listed:
        return _list(as_json)
    if name is None:
        raise BadInput("NAME is missing; try --list for the names of all experiments")
    with refusals():
        experiment = find_experiment(name)
    if (runs is None) == (source is None):
        raise BadInput("give either --runs, a folder of runs, or --from, a folder of tables; try --runs runs")
    if source is not None and (form != "full" or sweep is not None):
        raise BadInput(
            "--from draws tables as they are, without --sweep and a form such as --tenth; try --runs"
        )
    usual = Path("experiments") / experiment.folder
    place = out or source or (usual if form == "full" else usual / form)
    with refusals():
        if runs is not None:
            made, written = _make(experiment, runs, sweep or _usual_sweep(experiment), form, place)
        elif source is not None:
            made, written = _draw_again(experiment, source, place)
    _answer(experiment, made, written, place, as_json)


def _usual_sweep(experiment: Experiment) -> Path:
    """The sweep file of the experiment: that of the working directory, or outside a clone the installed one."""
    import experiments

    usual = Path("experiments") / experiment.folder / "sweep.toml"
    return usual if usual.is_file() else Path(str(experiments.__file__)).parents[1] / usual


def _make(
    experiment: Experiment, runs: Path, file: Path, form: Form, out: Path
) -> tuple[dict[str, str], Written]:
    """Tables, figure and page of the runs; runs are added to tables that ``out`` has."""
    from experiments.making import gather, write_experiment
    from experiments.tables import explained, form_folders, form_of, read_tables
    from numerics.sweeps.file import read_sweep

    if not hasattr(experiment.module, "collect"):
        raise BadInput(
            f"{experiment.name}: other commands write its tables, as its page says; try --from "
            f"experiments/{experiment.folder}"
        )
    if not file.is_file():
        raise BadInput(f"{file}: no such sweep file; try --sweep with the file that named the runs")
    wanted = read_sweep(file, form=form)
    _check_runs(runs, file, wanted, form)
    known = read_tables(out) if out in form_folders(out) else None
    if known is not None:
        with explained(experiment, known, out):
            experiment.module.findings(known)
    tables = gather(experiment, wanted, runs, source=str(file), form=form, known=known)
    return form_of(tables), write_experiment(experiment, tables, out)


def _draw_again(experiment: Experiment, source: Path, out: Path) -> tuple[dict[str, str], Written]:
    """Figures and page from the tables in ``source``, those of all forms that lie there."""
    from experiments.making import write_experiment
    from experiments.tables import explained, form_folders, form_of, read_tables

    found = {folder: read_tables(folder) for folder in form_folders(source) or [source]}
    files = []
    for folder, tables in found.items():
        with explained(experiment, tables, folder):
            experiment.module.findings(tables)
        page, written = write_experiment(experiment, tables, out / folder.relative_to(source))
        files += written
    return form_of(next(iter(found.values()))), (page, list(dict.fromkeys(files)))


def _answer(experiment: Experiment, form: dict[str, str], written: Written, out: Path, as_json: bool) -> None:
    """What was written; ``form`` is that of the first."""
    (page, files), place = written, out.resolve()
    if as_json:
        print_json({"name": experiment.name, "out": out, "page": page, "written": files, **form})
        return
    if form["missing"] != "0":
        click.echo(f"{form['missing']} of {form['runs']} runs are missing; the page says so.")
    inside = [path.relative_to(place).as_posix() for path in files if place in path.parents and path != page]
    click.echo(f"{out}: {', '.join(inside)}")
    click.echo(f"Page: {page}")


def _check_runs(runs: Path, file: Path, wanted: Sweep, form: Form) -> None:
    """Refuse a folder that does not exist, or that holds no run of this form of the sweep."""
    from numerics.engines import resolve_engine
    from numerics.sweeps.file import form_flag
    from numerics.training.obtaining import finished_run

    training = f"tgon sweep {file}{form_flag(form)} --out {runs}"
    if not runs.is_dir():
        raise BadInput(f"--runs {runs}: there is no such folder; try {training}")
    engine = resolve_engine(wanted.engine)
    if not any(finished_run(cell, engine, runs) is not None for cell in wanted.cells):
        raise BadInput(
            f"{runs}: holds none of the {len(wanted.cells)} runs of the {form} form of {file}; try {training}, or the "
            "flag of another form"
        )


def _list(as_json: bool) -> None:
    from experiments.registry import EXPERIMENTS

    texts = {each.name: each.commentary for each in EXPERIMENTS}
    if as_json:
        print_json(
            [{"name": name, "title": one.title, "question": one.question} for name, one in texts.items()]
        )
        return
    rows = [[name, one.question] for name, one in texts.items()]
    print_table("Experiments", ["name", "question"], rows, text=["name", "question"], wrapped="question")
