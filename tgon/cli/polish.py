"""The command that continues a trained model to the least norm of its basin: `polish`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import numerics
from tgon.cli.check import data_option, instance_option, read
from tgon.cli.options import BadInput, json_option, place_option, refusals
from tgon.cli.output import load_torch, print_json, print_table, print_text

if TYPE_CHECKING:
    from verify.model_files import ForeignFile

#: The columns of --table.
_COLUMNS = (
    *("model", "T", "m", "weight_decay", "seed", "diagnosis_before", "dropped", "shared_features"),
    *("weight_norm_before", "ratio_before", "diagnosis", "weight_norm_after", "ratio_after"),
    *("residual", "steps", "keeps_order", "reason"),
)

_MEASURED = ("train_loss", "worst_point_error", "energy", "weight_norm", "bias_norm")
_PREDICTED = ("weight_norm", "configuration", "status")
_RESIDUALS = ("stationarity", "primal", "complementarity", "dual")


@click.command(epilog="Example: tgon polish runs")
@click.argument("models", metavar="MODEL...", type=click.Path(), nargs=-1, required=True)
@data_option
@instance_option
@place_option("--table", endings=[".csv"], metavar="FILE.csv", help="Write a row for each MODEL.")
@json_option
def polish(
    models: tuple[str, ...], data: str | None, instance: int | None, table: Path | None, as_json: bool
) -> int:
    """Continue trained models to zero loss and least norm, and name where they end.

    MODEL is what `tgon check` reads, or a folder of such files. Descent of the norm within the models of zero loss,
    in float64, to a point where the first-order conditions hold; datapoints that the model dropped stay dropped. Of
    several models, one that cannot be polished is a row with a reason. Exit code 3 if one does not settle or none can
    be polished, 1 if one ends below the least norm that theory allows.
    """
    load_torch()

    from verify.model_files import ForeignFile, model_files

    with refusals():
        files = model_files(models, data)
        given = None if data is None else ForeignFile(data)
    alone = not (len(models) > 1 or Path(models[0]).is_dir())
    answers = [_polished(file, given, instance, alone) for file in files]
    if table is not None:
        _write_rows(answers, table)
    if as_json:
        print_json(answers[0] if alone else answers)
    elif len(answers) == 1 and not answers[0]["reason"]:
        _print_answer(answers[0])
    else:
        _print_rows(answers)
    codes = [answer["exit_code"] for answer in answers]
    nothing_judged = all(answer["reason"] for answer in answers)
    return 1 if 1 in codes else 3 if nothing_judged else max(codes)


def _polished(model: Path, given: ForeignFile | None, instance: int | None, alone: bool) -> dict[str, Any]:
    """The answer for one model; a refusal is an answer of its own unless it stands alone."""
    from numerics.model import choose
    from verify.diagnosis import diagnose

    answer: dict[str, Any] = {"path": str(model), "reason": "", "exit_code": 0}
    try:
        with refusals():
            file, models, data = read(model, given)
            found = choose(models, instance)
            if found.differences:
                raise ValueError(f"{model}: not ReLU(WᵀWx + b): {'; '.join(found.differences)}")
            dataset, guesses = data.data(found.W.shape[1], (instance or 0, len(models)))
            if file.run is not None:
                facts = ("T", "m", "weight_decay", "seed")
                answer |= {name: getattr(file.run.setting, name) for name in facts}
            before = numerics.measure((found.W, found.b), dataset)
            answer["diagnosis_before"] = diagnose(before, (found.W, found.b), dataset).name
            polished = numerics.polish((found.W, found.b), dataset)
    except BadInput as error:
        if alone:
            raise
        return answer | {"reason": error.message}
    answer |= _described(polished, dataset) | {"guesses": [*found.notes, *guesses]}
    return answer | {"exit_code": _exit_code(answer, polished.before.norm_error)}


def _write_rows(answers: Iterable[Mapping[str, Any]], path: Path) -> None:
    """A table with a row for each answer; written whole or not at all."""
    import pandas as pd

    from numerics.training.runs import write_atomically

    rows = []
    for answer in answers:
        row = {**answer, "model": Path(answer["path"]).stem}
        if answer["reason"] == "":
            row["dropped"] = len(answer["dropped"])
            row["residual"] = max(answer["certificate"][name] for name in _RESIDUALS)
            row |= {f"weight_norm_{when}": answer[when]["weight_norm"] for when in ("before", "after")}
        rows.append(row)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    write_atomically(path, table.to_csv(index=False, float_format="%.12g", lineterminator="\n").encode())


def _described(found: numerics.Polished, data: numerics.Dataset) -> dict[str, Any]:
    """A polished model in one object; the prediction, for orthonormal data alone, is that of the datapoints kept."""
    from theory import Setting, predict
    from verify.diagnosis import diagnose

    after = diagnose(found.after, (found.W, found.b), data)
    predicted = None
    if found.before.assumes("unit norm", "disjoint supports"):
        predicted = predict(Setting(T=int((~found.dropped).sum()), m=found.before.m))
    norm = predicted.weight_norm if predicted else None
    residuals = {name: getattr(found.certificate, name) for name in _RESIDUALS}
    return {
        "diagnosis": after.name,
        "evidence": after.evidence,
        "before": {name: getattr(found.before, name) for name in _MEASURED},
        "after": {name: getattr(found.after, name) for name in _MEASURED},
        **{f"predicted_{name}": getattr(predicted, name, None) for name in _PREDICTED},
        "ratio_before": found.before.weight_norm / norm if norm else None,
        "ratio_after": found.after.weight_norm / norm if norm else None,
        "certificate": {**residuals, "holds": found.settled},
        "dropped": found.dropped.nonzero()[0],
        "shared_features": found.shared,
        "keeps_order": found.keeps_order,
        "steps": found.steps,
        "radius_squared": found.after.radius_squared,
        "bias_coefficient": found.after.bias_coefficient,
        "hidden": found.after.hidden,
    }


def _exit_code(answer: dict[str, Any], norm_error: float) -> int:
    if not answer["certificate"]["holds"]:
        return 3
    # Constraints met to `primal` and norms off 1 move the bound by as much; the last term is rounding.
    allowed = 1 - answer["certificate"]["primal"] - 2 * norm_error - 1e-12
    below = answer["ratio_after"] is not None and answer["ratio_after"] < allowed
    return 1 if below and answer["predicted_status"] == "theorem" else 0


def _print_answer(answer: dict[str, Any]) -> None:
    for guess in answer["guesses"]:
        print_text(f"guessed: {guess}")
    click.echo(f"{answer['diagnosis_before']} → {answer['diagnosis']}: {answer['evidence']}")
    rows = [[name, answer["before"][name], answer["after"][name]] for name in _MEASURED]
    if answer["ratio_after"] is not None:
        kept = f"{answer['predicted_configuration']}, {answer['predicted_status']}"
        rows.append([f"‖W‖ / predicted ({kept})", answer["ratio_before"], f"{answer['ratio_after']:.9f}"])
    print_table("Polished", ["", "before", "after"], rows, text=[""])
    if answer["predicted_weight_norm"] is None:
        click.echo("No prediction: it is for datapoints of norm 1 that share no feature.")
    if len(answer["dropped"]):
        click.echo(f"Dropped, and left so: datapoints {', '.join(map(str, answer['dropped']))}.")
    residuals = ", ".join(f"{name} {answer['certificate'][name]:.1e}" for name in _RESIDUALS)
    verdict = "holds" if answer["certificate"]["holds"] else "does not hold: descent did not settle"
    click.echo(f"Certificate {verdict} after {answer['steps']} steps: {residuals}.")


def _print_rows(answers: Iterable[Mapping[str, Any]]) -> None:
    """Several models in one table."""
    keys = ("T", "seed", "diagnosis_before", "ratio_before", "diagnosis", "ratio_after", "steps", "reason")
    rows = [[Path(one["path"]).stem[: 8 if "seed" in one else None], *map(one.get, keys)] for one in answers]
    heads = ["model", "T", "seed", "before", "ratio before", "after", "ratio after", "steps", "reason"]
    texts, optional = ["model", "before", "after", "reason"], ["T", "seed", "reason"]
    print_table("Polished", heads, rows, text=texts, wrapped="reason", optional=optional)
