"""`tgon predict`: the least-norm model, one row for each T, and under which assumptions all of it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from tgon.cli.options import integers_option, json_option, make_settings, option, refusals, setting_options
from tgon.cli.output import print_json, print_table, print_text, tracked

if TYPE_CHECKING:
    from theory import Assumption, Record

_PREDICTED = (
    *("T", "m", "energy", "weight_norm", "bias_norm", "radius_squared", "bias_coefficient"),
    *("dimensionality", "configuration", "status", "exact"),
)

_VERDICT = {True: "holds", False: "does not hold", None: "open"}


@click.command(epilog="Example: tgon predict --T 3:12")
@integers_option("--T", "T", required=True)
@setting_options
@option(
    "--penalty",
    "weights",
    "What is least among models of zero loss: ‖W‖², or ‖W‖² + ‖b‖².",
    ["weights", "both"],
)
@json_option
def predict(T: tuple[int, ...], penalty: Any, as_json: bool, **given: Any) -> None:
    """The least-norm model that memorizes T datapoints, in closed form."""
    import theory

    settings = make_settings(T, given)
    rows, assumptions = [], {}
    with refusals():
        for setting in tracked(settings, "least norm"):
            # A record has arrays of T entries: one at a time, or many large T would fill the memory.
            record = theory.predict(setting, penalty)
            answer = record.as_dict()
            rows.append({key: answer[key] for key in _PREDICTED} | _certified(record, penalty, as_json))
            rows[-1]["test_loss"] = record.test_loss
            rows[-1]["assumptions"] = [asdict(one) for one in record.assumptions]
            assumptions[setting.T] = record.assumptions
    if as_json:
        print_json(rows)
        return
    print_predictions(rows, assumptions, penalty)


def _certified(record: Record, penalty: str, residual_too: bool) -> dict[str, float | None]:
    """The best proven bound on least ‖W‖², and the largest residual of its first-order conditions where asked for."""
    from theory.codes.bounds import best_lower_bound
    from theory.codes.programme import MOST_SEARCHED, certify

    if penalty != "weights":
        return {"lower_bound": None, "certificate": None}
    residual = certify(record.hidden).worst if residual_too and record.T <= MOST_SEARCHED else None
    bound = best_lower_bound(record.T, record.m, record.energy)[1]
    return {"lower_bound": bound, "certificate": residual}


def print_predictions(
    rows: Sequence[Mapping[str, Any]], assumptions: Mapping[int, Sequence[Assumption]], penalty: str
) -> None:
    """The rows that ``--json`` would print, as a table, with what they rest on for every T."""
    least = "‖W‖²" if penalty == "weights" else "‖W‖² + ‖b‖²"
    table = [_cells(row) for row in rows]
    title = f"Models of zero loss with the least {least}, m = {rows[0]['m']}"
    columns, body = list(table[0]), [list(cells.values()) for cells in table]
    if len(table) == 1:
        columns, body = ["", "value"], [[*item] for item in table[0].items()]
    texts = ["configuration", "status", "‖W‖ exactly", "", "value"]
    print_table(title, columns, body, text=texts, wrapped=columns[-1])
    if any(not _applies(row) for row in rows):
        click.echo("does not apply: datapoints share features, so ‖W‖ may be below the prediction.")
    if any(row["status"] == "numerical" for row in rows):
        click.echo("numerical: the best code found, not proven to be the least.")
    if penalty == "weights":
        click.echo("Σ‖h‖² ≥: on orthonormal data no model of zero loss has less, which is proven.")
    _print_assumptions(assumptions)


def _applies(row: Mapping[str, Any]) -> bool:
    """Whether the datapoints can be orthonormal, without which none of the numbers is a prediction."""
    return all(one["holds"] is not False for one in row["assumptions"] if one["name"] == "orthonormal data")


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    name = row["configuration"]
    return {
        "T": row["T"],
        "configuration": "no name" if name == "numerical" else name,  # the mark has its own column
        "Σ‖h‖²": row["energy"],
        "Σ‖h‖² ≥": row["lower_bound"],
        "‖W‖": row["weight_norm"],
        "‖b‖": row["bias_norm"],
        "‖h‖²": row["radius_squared"],
        "D_X": row["dimensionality"],
        "status": row["status"] + ("" if _applies(row) else ", does not apply"),
        "‖W‖ exactly": row["exact"].get("weight_norm"),
    }


def _print_assumptions(assumptions: Mapping[int, Sequence[Assumption]]) -> None:
    """Each assumption once, with its verdicts and the T of each; evidence that differs is that of the ends."""
    click.echo("\nThese predictions assume (open: it depends on the run):")
    named: dict[str, dict[bool | None, dict[int, str]]] = {}
    for T, assumed in assumptions.items():
        for one in assumed:
            named.setdefault(one.name, {}).setdefault(one.holds, {})[T] = one.evidence
    for name, verdicts in named.items():
        for holds, evidence in verdicts.items():
            where = "" if len(evidence) == len(assumptions) else f" at T = {in_ranges(evidence)}"
            print_text(f"{name}: {_VERDICT[holds]}{where}; {_of_the_ends(evidence)}", 2)


def _of_the_ends(evidence: Mapping[int, str]) -> str:
    """What was found at every T, where it is the same; else at the least and at the greatest."""
    if len(set(evidence.values())) == 1:
        return next(iter(evidence.values()))
    return "; ".join(f"at T = {T}: {evidence[T]}" for T in (min(evidence), max(evidence)))


def in_ranges(integers: Iterable[int]) -> str:
    """Integers in order, as ``--T`` takes them.

    >>> in_ranges([3, 4, 5, 8, 10, 9])
    '3:5,8:10'
    """
    groups = groupby(enumerate(sorted(integers)), key=lambda pair: pair[1] - pair[0])
    rows = [[one for _, one in group] for _, group in groups]
    return ",".join(str(row[0]) if len(row) == 1 else f"{row[0]}:{row[-1]}" for row in rows)
