"""The command that times training: `bench`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tgon.cli.options import BadInput, check_place, json_option
from tgon.cli.output import print_json, print_table

__all__ = ["bench"]

_SPEED = (
    ("n", "n"),
    ("T", "T"),
    ("m", "m"),
    ("state", "state"),
    ("default", "torch"),
    ("tuned", "tuned"),
    ("engine", "engine"),
    ("all_cores", "per run"),
    ("default_ratio", "× torch"),
    ("tuned_ratio", "× tuned"),
    ("gigapairs", "Gpairs/s"),
    ("kernel_gigapairs", "kernel"),
    ("bound_gigapairs", "bound"),
    ("kernel_share", "share"),
    ("adamw", "AdamW"),
)
_GROWTH = (
    ("n", "n"),
    ("T", "T"),
    ("m", "m"),
    ("ms", "ms per step"),
    ("ns_per_pair", "ns per pair"),
    ("ps_per_multiply_add", "ps per multiply-add"),
)
_MEMORY = (
    ("n", "n"),
    ("T", "T"),
    ("m", "m"),
    ("nonzeros", "non-zeros"),
    ("bytes", "bytes"),
    ("bytes_per_item", "per n + T + non-zeros"),
    ("n_T_bytes", "an (n, T) array"),
    ("process_bytes", "whole process"),
)


@click.command(epilog="Example: tgon bench --quick")
@click.option("--quick", is_flag=True, help="Small sizes, one repeat: under a minute.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="CSV", help="Write all numbers here."
)
@click.option(
    "--engine",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="cuda: the GPU against its peaks.",
)
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
    from numerics.benchmark import regimes as benchmark
    from numerics.training.runs import write_atomically

    machine = benchmark.describe_machine()
    plan = benchmark.QUICK if quick else benchmark.FULL
    try:
        rows = list(benchmark.run(plan, progress=lambda line: click.echo(line, err=True)))
    except RuntimeError as error:
        raise BadInput(f"{error}; try --quick") from error
    tables = {
        kind.__name__.removesuffix("Row").lower(): [asdict(row) for row in rows if isinstance(row, kind)]
        for kind in (benchmark.SpeedRow, benchmark.GrowthRow, benchmark.MemoryRow)
    }
    if out is not None:
        write_atomically(out, benchmark.results_csv(rows, machine).encode())
    if as_json:
        print_json({"machine": machine, **tables})
        return
    click.echo(", ".join(f"{name} {value}" for name, value in machine.items()))
    _print("Milliseconds per step", _SPEED, tables["speed"], ["state"])
    _print("Growth of time, one run alone, early", _GROWTH, tables["growth"], [])
    _print("Growth of memory", _MEMORY, tables["memory"], [])


def _print(
    title: str, columns: tuple[tuple[str, str], ...], rows: list[dict[str, Any]], text: list[str]
) -> None:
    print_table(
        title, [head for _, head in columns], [[row[name] for name, _ in columns] for row in rows], text=text
    )


def _bench_cuda(quick: bool, out: Path | None, as_json: bool) -> None:
    from numerics.engines.cuda.benchmark import cuda_rows

    if out is not None:
        raise BadInput("--out goes with --engine cpu; try --json > FILE")
    try:
        rows = [
            asdict(row) for row in (cuda_rows(T=(100, 1_000), m=(2,), seconds=0.5) if quick else cuda_rows())
        ]
    except ValueError as error:
        raise BadInput(f"{str(error).split('; try')[0]}; try --engine cpu") from error
    if as_json:
        print_json(rows)
        return
    columns = tuple((name, name) for name in rows[0] if name != "device")
    _print(f"Milliseconds per step on {rows[0]['device']}", columns, rows, [])
