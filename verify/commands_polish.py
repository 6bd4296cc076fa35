"""The command that continues a trained model to the least norm of its basin: `polish`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from verify.answers import print_json, print_table
from verify.commands_model import dataset_of
from verify.options import json_option, refusals

if TYPE_CHECKING:
    from numerics import Polished
    from theory import Record

__all__ = ["describe_polished", "polish"]

_MEASURED = ("train_loss", "worst_point_error", "energy", "weight_norm", "bias_norm")
_RESIDUALS = ("stationarity", "primal", "complementarity", "dual")


@click.command(epilog="Example: tgon polish runs/0123456789abcdef0123.safetensors")
@click.argument("model", type=click.Path())
@click.option(
    "--data",
    type=click.Path(),
    metavar="FILE",
    help="What the model was trained on, unless MODEL is a run file: npz, npy or safetensors with X (n, T).",
)
@json_option
@click.pass_context
def polish(ctx: click.Context, model: str, data: str | None, as_json: bool) -> None:
    """Continue a trained model to zero loss and least norm, and name where it ends.

    MODEL is a run file, or what `tgon check` reads. Descent of the norm within the models of zero loss, in float64,
    to a point where the first-order conditions hold; datapoints that the model dropped stay dropped. Exit code 3 if
    it does not settle, 1 if it ends below the least norm that theory allows.
    """
    import numerics
    from verify.foreign import read_model

    with refusals():
        found = read_model(model)
        dataset, guesses = dataset_of(found, model, data)
        polished = numerics.polish((found.W, found.b), dataset)
    answer = describe_polished(polished) | {"guesses": [*found.guesses, *guesses]}
    if as_json:
        print_json(answer)
    else:
        _print_answer(answer)
    ctx.exit(_exit_code(answer, polished.before.norm_error))


def describe_polished(found: Polished) -> dict[str, Any]:
    """A polished model in one flat object: before and after, the prediction, the certificate, and the names.

    The prediction is the least norm of the datapoints that are kept; None where two of them share a feature or a
    norm is not 1, since it holds for orthonormal data.
    """
    from verify.diagnosis import diagnose

    before, after = (diagnose(record) for record in (found.before, found.after))
    predicted = _prediction(found)
    norm = None if predicted is None else predicted.weight_norm
    ratios = {
        f"ratio_{when}": record.weight_norm / norm if norm else None
        for when, record in (("before", found.before), ("after", found.after))
    }
    residuals = {name: getattr(found.certificate, name) for name in _RESIDUALS}
    return {
        "diagnosis": after.name,
        "evidence": after.evidence,
        "diagnosis_before": before.name,
        "before": {name: getattr(found.before, name) for name in _MEASURED},
        "after": {name: getattr(found.after, name) for name in _MEASURED},
        "predicted_weight_norm": norm,
        "predicted_configuration": None if predicted is None else predicted.configuration,
        "predicted_status": None if predicted is None else predicted.status,
        **ratios,
        "certificate": {**residuals, "holds": found.settled},
        "dropped": found.dropped.nonzero()[0],
        "shared_features": found.shared,
        "keeps_order": found.keeps_order,
        "steps": found.steps,
        "radius_squared": found.after.radius_squared,
        "bias_coefficient": found.after.bias_coefficient,
        "hidden": found.after.hidden,
    }


def _prediction(found: Polished) -> Record | None:
    from theory import Setting, predict

    if not found.before.assumes("unit norm", "disjoint supports"):
        return None
    return predict(Setting(T=int((~found.dropped).sum()), m=found.before.m))


def _exit_code(answer: dict[str, Any], norm_error: float) -> int:
    if not answer["certificate"]["holds"]:
        return 3
    # Constraints met to `primal` and norms off 1 move the bound by as much; the last term is rounding.
    allowed = 1 - answer["certificate"]["primal"] - 2 * norm_error - 1e-12
    below = answer["ratio_after"] is not None and answer["ratio_after"] < allowed
    return 1 if below and answer["predicted_status"] == "theorem" else 0


def _print_answer(answer: dict[str, Any]) -> None:
    for guess in answer["guesses"]:
        click.echo(f"guessed: {guess}")
    click.echo(f"{answer['diagnosis_before']} → {answer['diagnosis']}: {answer['evidence']}")
    rows = [[name, answer["before"][name], answer["after"][name]] for name in _MEASURED]
    if answer["predicted_weight_norm"] is not None:
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
