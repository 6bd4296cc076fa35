"""The command that makes the figure and the page of an experiment: `figure`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from verify.answers import print_json, print_table
from verify.options import BadInput, json_option, refusals

if TYPE_CHECKING:
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
        tables = gather(
            experiment, read_sweep(file, preview=preview), runs, source=str(file), preview=preview
        )
    written = write_experiment(experiment, tables, out)
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


def _list(as_json: bool) -> None:
    from verify.experiments import EXPERIMENTS

    if as_json:
        print_json(
            [{"name": each.name, "title": each.title, "question": each.question} for each in EXPERIMENTS]
        )
        return
    rows = [[each.name, each.question] for each in EXPERIMENTS]
    print_table("Experiments", ["name", "question"], rows, text=["name", "question"], wrapped="question")
