"""The command that predicts the least-norm model: `predict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import (
    IntegerList,
    json_option,
    make_settings,
    refusals,
    setting_options,
)
from tgon.cli.output import computing, print_json

if TYPE_CHECKING:
    from theory import Record

__all__ = ["predict"]

_PREDICTED = (
    "T",
    "m",
    "energy",
    "weight_norm",
    "bias_norm",
    "radius_squared",
    "bias_coefficient",
    "dimensionality",
    "configuration",
    "status",
    "exact",
)


@click.command(epilog="Example: tgon predict --T 3:12")
@click.option("--T", "T", type=IntegerList(), required=True, metavar="5 | 3:12 | 3,5,8", help="Datapoints.")
@setting_options
@click.option(
    "--penalty",
    type=click.Choice(["weights", "both"]),
    default="weights",
    show_default=True,
    help="What is least among models of zero loss: ‖W‖², or ‖W‖² + ‖b‖².",
)
@json_option
def predict(T: tuple[int, ...], penalty: Any, as_json: bool, **given: Any) -> None:
    """The least-norm model that memorizes T datapoints, in closed form."""
    import theory
    from tgon.cli.prediction_table import print_predictions

    settings = make_settings(T, given)
    rows, assumptions = [], {}
    with refusals(), computing(len(settings)) as begin:
        for setting in settings:
            begin(f"T = {setting.T}, m = {setting.m}: least norm")
            # A record has arrays of T entries: one at a time, or many large T would fill the memory.
            record = theory.predict(setting, penalty)
            answer = record.as_dict()
            rows.append({key: answer[key] for key in _PREDICTED} | _certified(record, penalty))
            assumptions[setting.T] = record.assumptions
    if as_json:
        print_json(rows)
        return
    print_predictions(rows, assumptions, penalty)


def _certified(record: Record, penalty: str) -> dict[str, float | None]:
    """The best proven lower bound on the energy, and the largest residual of its first-order conditions.

    Both belong to least ‖W‖²; None for another penalty, and the residual beyond sizes that are searched, where the
    optimum is a theorem.
    """
    from theory.codes.bounds import best_lower_bound
    from theory.codes.programme import MOST_SEARCHED, certify

    if penalty != "weights":
        return {"lower_bound": None, "certificate": None}
    residual = certify(record.hidden).worst if record.T <= MOST_SEARCHED else None
    bound = best_lower_bound(record.T, record.m, record.energy)[1]
    return {"lower_bound": bound, "certificate": residual}
