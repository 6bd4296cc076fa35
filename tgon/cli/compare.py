"""The command that lays trained models beside the theory: `compare`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

import numerics
import verify
from tgon.cli import options
from tgon.cli.output import chosen, load_torch, print_claims, print_json, print_table, print_text

if TYPE_CHECKING:
    from theory import Setting


@click.command(epilog="Example: tgon compare --T 3,5 --seeds 4 --steps 5000 --out first-look")
@options.integers_option("--T", "T", default="3,5,8,10,12", show_default=True)
@options.integers_option(
    "--strong-T",
    "strong_T",
    help="T to train again with --strong-decay, to see the excess over the least norm fall.",
)
@options.option("--strong-decay", 0.5, "Weight decay of --strong-T.", click.FloatRange(min=0))
@options.setting_options
@options.run_options(seeds=40, out="compare")
@options.json_option
def compare(
    T: tuple[int, ...],
    strong_T: tuple[int, ...] | None,
    strong_decay: float,
    seeds: int,
    engine: str,
    out: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Train many seeds, lay them beside the theory, and judge every claim.

    Writes into --out: the runs, cells.csv, runs.csv, comparison.json, figures, and report.html. Finished runs found
    there are reused.
    """
    strong = _strong_settings(strong_T or (), strong_decay, given)
    settings = list(dict.fromkeys(options.make_settings(T, given) + strong))  # each group once
    load_torch()
    # What comes after training is imported while the first kernel is compiled, which leaves a core idle.
    Thread(target=lambda: [*map(import_module, ("scipy.stats", "verify.report"))], daemon=True).start()
    folder = Path(out) / "runs"
    with options.keeping(folder):
        runs = numerics.train(settings, seeds, engine=engine, out=folder, progress=not chosen("quiet"))
    result = verify.compare(runs)
    from verify.report import write_report

    with options.keeping(folder):
        page = write_report(result, out, command=click.get_current_context().meta["tgon.line"])
    if as_json:
        print_json(result.as_dict())
    else:
        _print_comparison(result, page)
    return result.exit_code


def _strong_settings(T: Sequence[int], strong_decay: float, given: dict[str, Any]) -> list[Setting]:
    """Those of --strong-T; what is wrong with the strong decay is not said of --weight-decay."""
    options.make_settings(T, given)
    try:
        return options.make_settings(T, {**given, "weight_decay": strong_decay})
    except options.BadInput as error:
        line = error.format_message().replace("weight_decay", "strong_decay")
        raise options.BadInput(re.sub(r"--weight-decay \S+", "--strong-decay 0.5", line)) from error


def _print_comparison(result: verify.Comparison, page: Path) -> None:
    from verify.report import GROUP_TABLES

    for title, columns in GROUP_TABLES:
        rows = [[column.value(row) for column in columns] for row in result.rows]
        print_table(
            title, [column.head for column in columns], rows, text=["diagnoses"], wrapped="diagnoses", keys=2
        )
    if any(row.orthonormal < row.memorized for row in result.rows):
        print_text(
            "Norms are over all memorizing runs, ratios over those on orthonormal data: where two datapoints share a "
            "feature the prediction does not apply, and ‖W‖ may be below it."
        )
    print_claims(result.judgements)
    click.echo(f"Verdict: {result.verdict}.")
    click.echo(f"Report: {page}")
