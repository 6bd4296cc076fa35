"""The command that judges models of any making: `check`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import BadInput, json_option, place_option, refusals
from tgon.cli.output import load_torch, print_claims, print_json, print_table, print_text

if TYPE_CHECKING:
    from numerics import Dataset
    from numerics.model_layouts import StoredModel
    from verify.checking import Checked
    from verify.model_files import ForeignFile

data_option = click.option(
    "--data",
    type=click.Path(),
    metavar="FILE",
    help="What MODEL was trained on: X in any orientation, dense or sparse; a run file; or stored with W as X.",
)
instance_option = click.option(
    "--instance", type=click.IntRange(0), metavar="K", help="Which model, where a file holds several."
)


@click.command(epilog="Example: tgon check model.safetensors --data data.npz")
@click.argument("models", metavar="MODEL...", type=click.Path(), nargs=-1, required=True)
@data_option
@instance_option
@click.option("--rows/--columns", default=None, help="Whether each row of X is a datapoint; by what fits.")
@click.option("--test", type=click.Path(), metavar="FILE", help="Fresh datapoints, to measure the test loss.")
@place_option(
    "--figure", endings=(".png", ".svg"), metavar="FILE.png", help="Draw hidden vectors and columns of W."
)
@json_option
def check(
    models: tuple[str, ...],
    data: str | None,
    instance: int | None,
    rows: bool | None,
    test: str | None,
    figure: Path | None,
    as_json: bool,
) -> int:
    """Name what a model has become and hold it to the theory.

    MODEL is a safetensors file, an npz or a torch state dict with W (m, n) and b (n,), under any names and in either
    orientation, or a run file of this program, which knows its data. Several files, a folder, or several instances in
    one file are one table. What is not ReLU(WᵀWx + b) is told apart and not judged. Nothing is ever unpickled.
    """
    load_torch()

    from verify.claims.judging import exit_code
    from verify.model_files import ForeignFile, model_files

    with refusals():
        files = model_files(models, data)
        given, fresh = (None if path is None else ForeignFile(path, rows) for path in (data, test))
    alone = not (len(models) > 1 or Path(models[0]).is_dir())
    found = [answer for file in files for answer in _answers(file, (given, fresh), instance, alone)]
    answers, checked = [answer for answer, _ in found], [one for _, one in found]
    if figure is not None:
        _draw(checked, figure)
        click.echo(f"Figure: {figure}", err=True)
    if as_json:
        print_json(answers[0] if alone and len(answers) == 1 else answers)
    elif len(answers) == 1 and "reason" not in answers[0]:
        _print_answer(answers[0], checked[0])
    else:
        _print_rows(found)
    codes = [2 if "reason" in answer else exit_code(one.claims if one else ()) for answer, one in found]
    return next((code for code in (1, 2, 0) if code in codes), 3)


def _answers(
    file: Path, given: tuple[ForeignFile | None, ForeignFile | None], instance: int | None, alone: bool
) -> Iterator[tuple[dict[str, Any], Checked | None]]:
    """The answer for each model of a file, ``given`` its data and test data; refusals are answers unless alone."""
    try:
        with refusals():
            opened, found, data = read(file, given[0])
            if instance is not None and instance >= len(found):
                raise ValueError(f"{file}: holds {len(found)} models; try --instance {len(found) - 1}")
    except BadInput as error:
        if alone:
            raise
        yield {"model": str(file), "reason": error.message}, None
        return
    for place, model in enumerate(found):
        if instance in (None, place):
            label = (model.label or place) if len(found) > 1 else None
            names = {} if alone and len(found) == 1 else {"model": str(file), "instance": label}
            if names and opened.run is not None:
                names["seed"] = opened.run.setting.seed
            try:
                with refusals():
                    at = place, len(found)
                    dataset, guesses = data.data(model.W.shape[1], at)
                    test = given[1].data(model.W.shape[1], at)[0] if given[1] is not None else None
                    answer, checked = _answer(model, dataset, test)
                yield names | answer | {"guesses": [*model.notes, *guesses]}, checked
            except BadInput as error:
                if alone and (len(found) == 1 or instance is not None):
                    raise
                yield names | {"reason": error.message}, None


def read(path: Path, data: ForeignFile | None) -> tuple[ForeignFile, Sequence[StoredModel], ForeignFile]:
    """A file, its models, and the file of their data: the one given, or the same."""
    from verify.model_files import ForeignFile

    file = ForeignFile(path)
    data = file if data is None and file.holds_data else data
    models = file.models(() if data is None else data.sides)
    if data is None:
        raise BadInput(f"{file.path}: not a run of this program, so its data is not known; try --data FILE")
    return file, models, data


def _answer(found: StoredModel, data: Dataset, test: Dataset | None) -> tuple[dict[str, Any], Checked | None]:
    from numerics.measurement.forward import measure_layers
    from verify.checking import check_model

    if found.differences:
        evidence = f"not ReLU(WᵀWx + b): {'; '.join(found.differences)}"
        unjudged: dict[str, Any] = {"predicted": None, "claims": []}
        measured = measure_layers(found, data)
        return {"diagnosis": None, "evidence": evidence, "measured": measured} | unjudged, None
    checked = check_model(found, data, test)
    return checked.as_dict(), checked


def _draw(checked: Sequence[Checked | None], figure: Path) -> None:
    """The picture of the one model there is."""
    from numerics.training.runs import write_atomically
    from verify.style import render

    if len(checked) != 1 or checked[0] is None:
        what = f"--figure draws one model that is ReLU(WᵀWx + b), found {len(checked)}"
        raise BadInput(f"{what} of any kind; try one file, with --instance 0 if need be, or without --figure")
    kind: Any = figure.suffix.removeprefix(".")
    write_atomically(figure, render(checked[0].figure(), kind))


#: What a single model's table says, in its order, with the name in the answer.
_SAID = {
    "‖W‖": "weight_norm",
    "Σ‖h‖²": "energy",
    "seen ⊥: outside the data span": "weight_norm_seen",
    "unseen: of unseen features": "weight_norm_unseen",
    "‖b‖": "bias_norm",
    "train loss": "train_loss",
    "worst datapoint": "worst_point_error",
    "test loss": "test_loss",
    "‖h‖²": "radius_squared",
    "c = X·b": "bias_coefficient",
    "D_X": "dimensionality",
    "largest D_f": "largest_feature_dimensionality",
    "decoder norm": "decoder_norm",
    "encoder bias norm": "encoder_bias_norm",
    "outputs off ReLU(WᵀWx + b) by": "largest_difference",
}


def _print_answer(answer: Mapping[str, Any], checked: Checked | None) -> None:
    named = "" if answer["diagnosis"] is None else f"{answer['diagnosis']}: "
    print_text(f"{named}{answer['evidence']}")
    measured, predicted = answer["measured"], answer["predicted"] or {}
    if checked is not None and not checked.record.memorized:
        click.echo("It does not memorize its data, so no least norm holds for it.")
    elif checked is not None and checked.norm_ratio is not None:
        click.echo(
            f"‖W‖ is {checked.norm_ratio:.4f} times the least that memorizes these "
            f"datapoints ({predicted['configuration']}, {predicted['status']})."
        )
    for guess in answer["guesses"]:
        print_text(f"guessed: {guess}")
    rows = [
        [name, measured[key], *([predicted.get(key)] if predicted else [])]
        for name, key in _SAID.items()
        if measured.get(key) is not None
    ]
    print_table("Numbers", ["", "measured", *(["least norm"] if predicted else [])], rows, text=[""])
    if checked is not None:
        print_claims(checked.claims)


def _print_rows(found: Sequence[tuple[Mapping[str, Any], Checked | None]]) -> None:
    """Several models in one table."""
    rows = []
    for place, (answer, checked) in enumerate(found):
        measured, held = answer.get("measured", {}), [claim["holds"] for claim in answer.get("claims", ())]
        counts = held.count(True), held.count(False), held.count(None)
        judged = "{} hold, {} violated, {} open".format(*counts) if held else None
        ratio = checked.norm_ratio if checked is not None else None
        why = answer.get("reason") or answer["evidence"]
        seed, path = answer.get("seed"), Path(answer["model"])
        about = path.name if seed is None else path.stem[:8], answer.get("instance"), measured.get("T"), seed
        named = answer.get("diagnosis") or "not judged"
        numbers = measured.get("weight_norm"), ratio, measured.get("train_loss")
        rows.append([place, *about, named, *numbers, judged, why])
    heads = ["", "model", "instance", "T", "seed", "diagnosis"]
    heads += ["‖W‖", "‖W‖ / least", "train loss", "claims", "why"]
    texts = ["model", "instance", "diagnosis", "claims", "why"]
    print_table("Checked", heads, rows, text=texts, wrapped="why", optional=["instance", "seed"])
    for guess in dict.fromkeys(guess for answer, _ in found for guess in answer.get("guesses", ())):
        print_text(f"guessed: {guess}")
