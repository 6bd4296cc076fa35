"""The command that times training: `bench`."""

from pathlib import Path
from typing import Any

import click

from tgon.cli.options import FILE, BadInput, check_place, json_option, option
from tgon.cli.output import print_json, print_table

#: Title of each table, and the heads of its columns in the order of its rows after n, T and m.
_TABLES = {
    "speed": (
        "Milliseconds per step",
        "state|torch|tuned|engine|per run|× torch|× tuned|Gpairs/s|kernel|bound|share|AdamW",
    ),
    "growth": ("Growth of time, one run alone, early", "ms per step|ns per pair|ps per multiply-add"),
    "memory": ("Growth of memory", "non-zeros|bytes|per n + T + non-zeros|an (n, T) array|whole process"),
}


@click.command(epilog="Example: tgon bench --quick")
@click.option("--quick", is_flag=True, help="Small sizes, one repeat: under a minute.")
@click.option("--out", type=FILE, metavar="CSV", help="Write all numbers here.")
@option("--engine", "cpu", "cuda: the GPU against its peaks.", ["cpu", "cuda"])
@json_option
def bench(quick: bool, out: Path | None, engine: str, as_json: bool) -> None:
    """Time training steps against the plain torch loop, and see how time and memory grow.

    Milliseconds per step on an otherwise idle machine; a busy one makes every number worse, and not evenly.
    """
    if engine == "cuda":
        _bench_cuda(quick, out, as_json)
        return
    if out is not None:
        check_place(out, "--out")
    from numerics.benchmark import describe_machine
    from numerics.benchmark import regimes as benchmark
    from numerics.training.runs import write_atomically

    machine = describe_machine()
    plan = benchmark.QUICK if quick else benchmark.FULL
    try:
        rows = list(benchmark.run(plan, progress=lambda line: click.echo(line, err=True)))
    except RuntimeError as error:
        raise BadInput(f"{error}; try --quick") from error
    tables = {name: [row for table, row in rows if table == name] for name in _TABLES}
    if out is not None:
        write_atomically(out, benchmark.results_csv(rows, machine).encode())
    if as_json:
        print_json({"machine": machine, **tables})
        return
    click.echo(", ".join(f"{name} {value}" for name, value in machine.items()))
    for name, (title, heads) in _TABLES.items():
        rows_of = [list(row.values()) for row in tables[name]]
        print_table(title, ["n", "T", "m", *heads.split("|")], rows_of, text=["state"], keys=3)


def _bench_cuda(quick: bool, out: Path | None, as_json: bool) -> None:
    from numerics.engines.cuda.benchmark import cuda_rows

    if out is not None:
        raise BadInput("--out goes with --engine cpu; try --json > FILE")
    sizes: dict[str, Any] = {"T": (100, 1_000), "m": (2,), "seconds": 0.5} if quick else {}
    try:
        rows = list(cuda_rows(**sizes))
    except ValueError as error:
        raise BadInput(f"{str(error).split('; try')[0]}; try --engine cpu") from error
    if as_json:
        print_json(rows)
        return
    title = f"Milliseconds per step on {rows[0]['device']}"
    heads = [name for name in rows[0] if name != "device"]
    print_table(title, heads, [[row[name] for name in heads] for row in rows], text=["state"])
