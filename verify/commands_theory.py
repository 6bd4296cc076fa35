"""The commands that only calculate: `predict`, `polygon`, `threshold` and `claims`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from verify.answers import print_json, print_table
from verify.options import IntegerList, data_options, json_option, make_settings, refusals, setting_options

if TYPE_CHECKING:
    from theory import Record

__all__ = ["claims", "polygon", "predict", "threshold"]

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

    settings = make_settings(T, given)
    with refusals():
        records = [theory.predict(setting, penalty) for setting in settings]
    if as_json:
        print_json([{key: record.as_dict()[key] for key in _PREDICTED} for record in records])
        return
    _print_predictions(records)


def _print_predictions(records: list[Record]) -> None:
    print_table(
        "Least-norm models of zero loss",
        ["T", "m", "Σ‖h‖²", "‖W‖", "‖b‖", "‖h‖²", "c = X·b", "D_X", "configuration", "status", "‖W‖ exactly"],
        [
            [row[key] for key in _PREDICTED[:-1]] + [record.exact.get("weight_norm")]
            for record in records
            for row in [record.as_dict()]
        ],
        text=["configuration", "status", "‖W‖ exactly"],
        wrapped="‖W‖ exactly",
    )
    for assumption in records[-1].assumptions:
        verdict = {True: "holds", False: "does not hold", None: "open"}[assumption.holds]
        click.echo(f"T = {records[-1].T} assumes {assumption.name} ({verdict}): {assumption.evidence}.")


@click.command(epilog="Example: tgon polygon --k 3:9 --law free")
@click.option(
    "--k", type=IntegerList(), required=True, metavar="5 | 3:9 | 3,5,8", help="Features on the polygon."
)
@click.option(
    "--law",
    type=click.Choice(["unit", "free", "constant", "uniform", "normalized"]),
    default="free",
    show_default=True,
    help="Bias 0 and radius 1 (unit) or the best radius (free); else the best radius and bias for amplitudes that are "
    "constant, uniform on [0, 1], or those of data scaled to unit norm (normalized).",
)
@data_options
@json_option
def polygon(k: tuple[int, ...], law: Any, n: int, sparsity: float, as_json: bool) -> None:
    """What a regular polygon of k features is worth with infinite data; --n and --sparsity matter to 'normalized'."""
    import theory

    with refusals():
        solutions = [theory.polygon(size, law, n=n, sparsity=sparsity) for size in k]
    best = theory.best_polygons(solutions)
    keys = ("k", "radius_squared", "bias", "gain", "weight_norm")
    rows = [{key: getattr(item, key) for key in keys} | {"best": item.k in best} for item in solutions]
    if as_json:
        print_json(rows)
        return
    print_table(
        f"Regular polygons of features, law {law!r}; gain in units of one perfectly stored feature",
        ["k", "‖w‖²", "bias", "gain", "‖W‖", "best"],
        [[*list(row.values())[:-1], "←" if row["best"] else ""] for row in rows],
    )


@click.command(epilog="Example: tgon threshold --T 30000 --n 1000 --sparsity 0.99")
@click.option("--T", "T", type=click.IntRange(1), required=True, metavar="30000", help="Datapoints.")
@data_options
@click.option(
    "--draws",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Drawn datasets, by seed from 0.",
)
@click.option(
    "--features",
    type=click.IntRange(8),
    default=120,
    show_default=True,
    help="Strongest features kept in the model.",
)
@json_option
def threshold(T: int, n: int, sparsity: float, draws: int, features: int, as_json: bool) -> None:
    """At how many repeats a point takes a vertex of the pentagon (a numerical model, m = 2)."""
    from numerics.repetition import find_transition
    from theory.repetition import zero_bias_threshold

    with refusals():
        closed = zero_bias_threshold(T, n, sparsity)
        found = [find_transition(T, n, sparsity, seed, min(features, n)) for seed in range(draws)]
    unit = closed.equal_energy
    repeats = _spread([one.repeats for one in found])
    metastable = _spread([one.metastable_until * unit for one in found])
    answer = {
        "repeats": repeats,
        "metastable_until": metastable,
        "equal_energy": unit,
        "fifth_energy": closed.fifth_energy,
        "zero_bias": {"mean": closed.repeats, "deviation": closed.deviation * unit},
        "draws": draws,
        "undecided": sum(one.threshold != one.threshold for one in found),
    }
    if as_json:
        print_json(answer)
        return
    print_table(
        f"Repeats R at which a point takes a vertex, T = {T}, n = {n}; {draws} drawn datasets",
        ["quantity", "median", "least", "greatest"],
        [
            ["R at equal training loss", *repeats.values()],
            ["R until which the point may stay out", *metastable.values()],
            ["R of a feature's energy, T/n", unit, None, None],
            [
                "R at zero bias (± one deviation)",
                closed.repeats,
                *_within(closed.repeats, closed.deviation * unit),
            ],
            ["fifth-largest energy in T/n", closed.fifth_energy, None, None],
        ],
        text=["quantity"],
    )


def _within(mean: float, deviation: float) -> tuple[float, float]:
    return mean - deviation, mean + deviation


def _spread(values: list[float]) -> dict[str, float]:
    """Median and range of the numbers among `values`; NaN where there is none."""
    import statistics

    numbers = sorted(value for value in values if value == value) or [float("nan")]
    return {"median": statistics.median(numbers), "least": numbers[0], "greatest": numbers[-1]}


@click.command(epilog="Example: tgon claims --json")
@json_option
def claims(as_json: bool) -> None:
    """What `tgon compare` judges: every claim, how it is known, and its equation label."""
    from verify.claims import CLAIMS

    keys = ("label", "statement", "status")
    rows = [{key: getattr(claim, key) for key in keys} for claim in CLAIMS]
    if as_json:
        print_json(rows)
        return
    print_table("Claims", keys, [list(row.values()) for row in rows], text=keys, wrapped="statement")
