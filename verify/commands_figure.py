"""The command that makes the figure and the page of an experiment: `figure`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verify.answers import print_json, print_table
from verify.options import BadInput, json_option, refusals

if TYPE_CHECKING:
    from numerics.sweep_file import Sweep
    from verify.experiments import Experiment

__all__ = ["figure"]


@click.command(epilog="Example: tgon figure norms --runs runs --out experiments/norms")
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the experiments and exit.")
@click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), help="Folder of the runs of its sweep."
)
@click.option(
    "--from",
    "source",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of tables to draw from.",
)
@click.option(
    "--sweep",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Sweep file that says which runs.  [default: experiments/NAME.toml]",
)
@click.option("--preview", is_flag=True, help="The runs of the sweep's preview form.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of tables and figure.  [default: experiments/NAME, or the folder of --from]",
)
@json_option
def figure(
    name: str | None,
    listed: bool,
    runs: Path | None,
    source: Path | None,
    sweep: Path | None,
    preview: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Make the tables, the figure and the page of an experiment, from runs or from its tables alone."""
    from verify.experiments import find_experiment

    if listed:
        return _list(as_json)
    if name is None:
        raise BadInput("NAME is missing; try --list for the names of all experiments")
    with refusals():
        experiment = find_experiment(name)
    if (runs is None) == (source is None):
        raise BadInput("give either --runs, a folder of runs, or --from, a folder of tables; try --runs runs")
    if source is not None and (preview or sweep is not None):
        raise BadInput("--from draws tables as they are, without --sweep and --preview; try --runs")
    file = sweep or Path("experiments") / f"{name}.toml"
    place = out or source or Path("experiments") / name
    with refusals():
        _make(experiment, runs, source, file, preview, place, as_json)


def _make(
    experiment: Experiment,
    runs: Path | None,
    source: Path | None,
    file: Path,
    preview: bool,
    out: Path,
    as_json: bool,
) -> None:
    from numerics.sweep_file import read_sweep
    from verify.experiments.making import form_of, gather, read_tables, write_experiment

    if runs is None:
        assert source is not None
        tables = read_tables(source)
    else:
        if not file.is_file():
            raise BadInput(f"{file}: no such sweep file; try --sweep with the file that named the runs")
        wanted = read_sweep(file, preview=preview)
        _check_runs(runs, file, wanted, preview)
        tables = gather(experiment, wanted, runs, source=str(file), preview=preview)
    try:
        written = write_experiment(experiment, tables, out)
    except KeyError as error:
        if source is None:
            raise
        raise BadInput(
            f"{source}: its tables are not those of {experiment.name}, {error} is missing; "
            f"try --from experiments/{experiment.name}"
        ) from error
    form = form_of(tables)
    if as_json:
        print_json(
            {"name": experiment.name, "out": out, "page": written.page, "written": written.files, **form}
        )
        return
    if form["missing"] != "0":
        click.echo(f"{form['missing']} of {form['runs']} runs are missing; the page says so.")
    click.echo(f"{out}: {', '.join(path.name for path in written.files if path != written.page)}")
    click.echo(f"Page: {written.page}")


def _check_runs(runs: Path, file: Path, wanted: Sweep, preview: bool) -> None:
    """Refuse a folder that does not exist, or that holds runs of the sweep's other form and none of this one."""
    training = f"tgon sweep {file}{' --preview' if preview else ''} --out {runs}"
    if not runs.is_dir():
        raise BadInput(f"--runs {runs}: there is no such folder; try {training}")
    if any(_finished(wanted, runs)):
        return
    other = _other_form(file, preview)
    found = 0 if other is None else sum(_finished(other, runs))
    if other is not None and found:
        this, that = ("preview", "full") if preview else ("full", "preview")
        advice = "without --preview" if preview else "--preview"
        raise BadInput(
            f"{runs}: holds {found} of the {len(other.cells)} runs of the {that} form of {file}, none of the {this} "
            f"form; try {advice}, or {training}"
        )


def _finished(sweep: Sweep, runs: Path) -> Iterator[bool]:
    """Of each cell, whether its run is there; one file is read for each, so the caller stops early."""
    from numerics.engines import resolve_engine
    from numerics.training import finished_run

    engine = resolve_engine(sweep.engine)
    return (finished_run(cell, engine, runs) is not None for cell in sweep.cells)


def _other_form(file: Path, preview: bool) -> Sweep | None:
    """The full form where ``preview`` is meant, else the preview; None where the file has no such form."""
    from numerics.sweep_file import SweepFileError, read_sweep

    try:
        return read_sweep(file, preview=not preview)
    except SweepFileError:
        return None


def _list(as_json: bool) -> None:
    from verify.experiments import EXPERIMENTS

    if as_json:
        print_json(
            [{"name": each.name, "title": each.title, "question": each.question} for each in EXPERIMENTS]
        )
        return
    rows = [[each.name, each.question] for each in EXPERIMENTS]
    print_table("Experiments", ["name", "question"], rows, text=["name", "question"], wrapped="question")
