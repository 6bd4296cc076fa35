"""The command that judges models of any making: `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import BadInput, json_option, refusals
from tgon.cli.output import print_claims, print_json, print_table

if TYPE_CHECKING:
    from numerics import Dataset
    from verify.claims.judging import Judgement
    from verify.model_files import ForeignData, ForeignModel


@click.command(epilog="Example: tgon check model.safetensors --data data.npz")
@click.argument("models", metavar="MODEL...", type=click.Path(), nargs=-1, required=True)
@click.option(
    "--data",
    type=click.Path(),
    metavar="FILE",
    help="What the model was trained on: X in any orientation, dense or sparse; a run file; or stored with W as X.",
)
@click.option(
    "--instance", type=click.IntRange(0), metavar="K", help="Which model, where a file holds several."
)
@click.option("--rows/--columns", default=None, help="Whether each row of X is a datapoint; by what fits.")
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    models: tuple[str, ...],
    data: str | None,
    instance: int | None,
    rows: bool | None,
    as_json: bool,
) -> None:
    """Name what a model has become and hold it to the theory.

    MODEL is a safetensors file, an npz or a torch state dict with W (m, n) and b (n,), under any names and in either
    orientation, or a run file of this program, which knows its data. Several files, a folder, or several instances in
    one file are one table. What is not ReLU(WᵀWx + b) is told apart and not judged. Nothing is ever unpickled.
    """
    from verify.claims.judging import exit_code
    from verify.model_files import ForeignData, model_files

    with refusals():
        files, given = model_files(models, data), ForeignData(data, rows) if data is not None else None
    if not files:
        raise BadInput(f"{models[0]}: a folder without files of models; try another file")
    found = [answer for file in files for answer in _answers(file, given, instance, len(files) == 1)]
    answers, claims = [answer for answer, _ in found], [judged for _, judged in found]
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    elif len(answers) == 1:
        _print_answer(answers[0])
        print_claims(claims[0])
    else:
        _print_rows(answers)
    codes = [2 if "reason" in answer else exit_code(judged) for answer, judged in found]
    ctx.exit(next((code for code in (1, 2, 0) if code in codes), 3))


def _answers(
    file: Path, data: ForeignData | None, instance: int | None, alone: bool
) -> Iterator[tuple[dict[str, Any], Sequence[Judgement]]]:
    """The answer for each model of a file, and its claims; a refusal is an answer of its own unless it stands alone."""
    from verify.model_files import read_models

    try:
        with refusals():
            data = data or _own_data(file)
            found = read_models(file, data.sides if data is not None else ())
            if instance is not None and instance >= len(found):
                raise ValueError(f"{file}: holds {len(found)} models; try --instance {len(found) - 1}")
    except BadInput as error:
        if alone:
            raise
        yield {"model": str(file), "reason": error.message}, ()
        return
    for place, model in enumerate(found):
        if instance in (None, place):
            label = (model.stored.label or place) if len(found) > 1 else None
            names = {} if alone and len(found) == 1 else {"model": str(file), "instance": label}
            try:
                with refusals():
                    answer, claims = _answer(model, *dataset_of(model, file, data, (place, len(found))))
                yield names | answer, claims
            except BadInput as error:
                if alone and (len(found) == 1 or instance is not None):
                    raise
                yield names | {"reason": error.message}, ()


def _own_data(file: Path) -> ForeignData | None:
    """The data that a model is stored with, unless it is a run."""
    from verify.model_files import ForeignData

    own = ForeignData(file)
    return own if own.run is None and own.named else None


def _answer(
    found: ForeignModel, data: Dataset, guesses: tuple[str, ...]
) -> tuple[dict[str, Any], Sequence[Judgement]]:
    from numerics import measure
    from numerics.measurement.forward import measure_layers
    from verify.claims.registry import judge_on
    from verify.diagnosis import diagnose

    said = [*found.guesses, *guesses]
    if found.stored.differences:
        evidence = f"not ReLU(WᵀWx + b): {'; '.join(found.stored.differences)}"
        measured = measure_layers(found.stored, data)
        return {
            "diagnosis": None,
            "evidence": evidence,
            "measured": measured,
            "claims": [],
            "guesses": said,
        }, ()
    record = measure(found.stored, data)
    diagnosis, claims = diagnose(record, (found.W, found.b), data), judge_on(found.stored, data)
    answer = {
        "diagnosis": diagnosis.name,
        "evidence": diagnosis.evidence,
        "measured": record.as_dict(),
        "claims": [claim.as_dict() for claim in claims],
        "guesses": said,
    }
    return answer, claims


def dataset_of(
    found: ForeignModel, model: str | Path, data: ForeignData | None, place: tuple[int, int] = (0, 1)
) -> tuple[Dataset, tuple[str, ...]]:
    """The data of a model: the file given, or the run's own; and what was guessed about it."""
    if data is not None:
        return data.of(found.W.shape[1], place)
    if found.run is None:
        raise BadInput(f"{Path(model)}: not a run of this program, so its data is not known; try --data FILE")
    return found.run.data, ()


def _print_answer(answer: Mapping[str, Any]) -> None:
    named = "" if answer["diagnosis"] is None else f"{answer['diagnosis']}: "
    click.echo(f"{named}{answer['evidence']}")
    for guess in answer["guesses"]:
        click.echo(f"guessed: {guess}")
    measured = [
        (name, value) for name, value in answer["measured"].items() if name not in ("status", "exact")
    ]
    print_table("Measured", ["", "value"], measured, text=[""])


def _print_rows(answers: Sequence[Mapping[str, Any]]) -> None:
    """Several models in one table."""
    columns = ("weight_norm", "bias_norm", "train_loss", "worst_point_error")
    rows = []
    for answer in answers:
        measured, held = answer.get("measured", {}), [claim["holds"] for claim in answer.get("claims", ())]
        judged = f"{held.count(True)} hold, {held.count(False)} violated" if held else None
        why = answer.get("reason") or answer["evidence"]
        about = Path(answer["model"]).name, answer.get("instance"), answer.get("diagnosis") or "not judged"
        rows.append([*about, *(measured.get(name) for name in columns), judged, why])
    heads = ["model", "instance", "diagnosis", *columns, "claims", "why"]
    print_table(
        "Checked", heads, rows, text=["model", "instance", "diagnosis", "claims", "why"], wrapped="why"
    )
    for guess in dict.fromkeys(guess for answer in answers for guess in answer.get("guesses", ())):
        click.echo(f"guessed: {guess}")
