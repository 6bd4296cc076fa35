"""The command that times training: `bench`."""

from pathlib import Path

import click

from tgon.cli.options import BadInput, json_option, place_option
from tgon.cli.output import print_json, print_table

#: Heads of the columns, in the order of the rows.
HEADS = ("n", "T", "m", "state", "torch", "tuned", "engine", "per run", "× torch", "× tuned", "Gpairs/s")


@click.command(epilog="Example: tgon bench --quick")
@click.option("--quick", is_flag=True, help="Small sizes, one repeat: under a minute.")
@place_option("--out", metavar="CSV", help="Write all numbers here.")
@json_option
def bench(quick: bool, out: Path | None, as_json: bool) -> None:
    """Time training steps against the plain torch loop.

    Milliseconds per step on an otherwise idle machine; a busy one makes every number worse, and not evenly.
    """
    from numerics import benchmark
    from numerics.training.runs import write_atomically

    machine = benchmark.describe_machine()
    plan = benchmark.QUICK if quick else benchmark.FULL
    try:
        rows = list(benchmark.run(plan, progress=lambda line: click.echo(line, err=True)))
    except RuntimeError as error:
        raise BadInput(f"{error}; try --quick") from error
    if out is not None:
        write_atomically(out, benchmark.results_csv({"speed": rows}, machine).encode())
    if as_json:
        print_json({"machine": machine, "speed": rows})
        return
    click.echo(", ".join(f"{name} {value}" for name, value in machine.items()))
    print_table("Milliseconds per step", HEADS, [list(row.values()) for row in rows], text=["state"], keys=3)
