"""The command that judges a model of any making: `check`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import BadInput, json_option, refusals
from tgon.cli.output import print_claims, print_json, print_table

if TYPE_CHECKING:
    from numerics import Dataset
    from verify.model_files import ForeignModel


@click.command(epilog="Example: tgon check model.safetensors --data data.npz")
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    type=click.Path(),
    metavar="FILE",
    help="What the model was trained on: npz, npy or safetensors with X (n, T), or a run file.",
)
@json_option
@click.pass_context
def check(ctx: click.Context, model: str, data: str | None, as_json: bool) -> None:
    """Name what a model has become and hold it to the theory.

    MODEL is a safetensors file, an npz or a torch state dict with W (m, n) and b (n,), under any names; or a run
    file of this program, which knows its data. Nothing is ever unpickled.
    """
    from numerics import measure
    from verify.claims.judging import exit_code
    from verify.claims.registry import judge_model
    from verify.diagnosis import diagnose
    from verify.model_files import read_model

    with refusals():
        found = read_model(model)
        dataset, guesses = dataset_of(found, model, data)
        record = measure((found.W, found.b), dataset)
    diagnosis, claims = diagnose(record, found.W), judge_model(record, found.W.shape[1])
    answer = {
        "diagnosis": diagnosis.name,
        "evidence": diagnosis.evidence,
        "measured": record.as_dict(),
        "claims": [claim.as_dict() for claim in claims],
        "guesses": [*found.guesses, *guesses],
    }
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)
        print_claims(claims)
    ctx.exit(exit_code(claims))


def dataset_of(found: ForeignModel, model: str, data: str | None) -> tuple[Dataset, tuple[str, ...]]:
    """The data of a model: the file named, or the run's own; and what was guessed about it."""
    from verify.model_files import read_data

    if data is not None:
        return read_data(data, found.W.shape[1])
    if found.run is None:
        raise BadInput(f"{Path(model)}: not a run of this program, so its data is not known; try --data FILE")
    return found.run.data, ()


def _print_answer(answer: Mapping[str, Any]) -> None:
    click.echo(f"{answer['diagnosis']}: {answer['evidence']}")
    for guess in answer["guesses"]:
        click.echo(f"guessed: {guess}")
    measured = [
        (name, value) for name, value in answer["measured"].items() if name not in ("status", "exact")
    ]
    print_table("Measured", ["", "value"], measured, text=[""])
