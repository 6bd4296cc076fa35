"""The commands that only calculate: `predict`, `polygon`, `threshold` and `claims`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from verify.answers import computing, print_json, print_table
from verify.options import (
    BadInput,
    IntegerList,
    check_place,
    data_options,
    json_option,
    make_settings,
    refusals,
    setting_options,
    threshold_options,
)

if TYPE_CHECKING:
    from pathlib import Path

    from theory import Record

__all__ = ["claims", "polygon", "predict", "threshold"]

#: The most features of a polygon whose best bias is searched for: a minute there, growing like k².
MOST_WITH_BIAS = 10_000

#: The fewest features that the model of `tgon threshold` keeps.
LEAST_FEATURES = 8

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
    from verify.predictions import print_predictions

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
    from theory.code_bounds import best_lower_bound
    from theory.codes import MOST_SEARCHED, certify

    if penalty != "weights":
        return {"lower_bound": None, "certificate": None}
    residual = certify(record.hidden).worst if record.T <= MOST_SEARCHED else None
    bound = best_lower_bound(record.T, record.m, record.energy)[1]
    return {"lower_bound": bound, "certificate": residual}


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

    make_settings((1,), {"n": n, "sparsity": sparsity})  # refuses what no data can be, for every law
    if law not in ("unit", "free") and max(k) > MOST_WITH_BIAS:
        raise BadInput(
            f"--k {max(k)} with law {law!r}: its bias is searched for up to k = {MOST_WITH_BIAS}; try --law free"
        )
    solutions = []
    with refusals(), computing(len(k)) as begin:
        for size in k:
            begin(f"k = {size}: best radius and bias")
            solutions.append(theory.polygon(size, law, n=n, sparsity=sparsity))
    best = theory.best_polygons(solutions)
    keys = ("k", "radius_squared", "bias", "gain", "weight_norm")
    rows = [{key: getattr(item, key) for key in keys} | {"best": item.k in best} for item in solutions]
    if as_json:
        print_json(rows)
        return
    heads = ["k", "‖w‖²", "bias", "gain", "‖W‖", ""][: 6 if len(rows) > 1 else 5]  # of one row none is best
    print_table(
        f"Regular polygons of features, law {law!r}; gain in units of one perfectly stored feature",
        heads,
        [[*(row[key] for key in keys), "← best" if row["best"] else ""][: len(heads)] for row in rows],
        text=[""],
    )


@click.command(epilog="Example: tgon threshold --T 30000 --n 1000 --sparsity 0.99")
@click.option("--T", "T", type=IntegerList(), required=True, metavar="30000 | 1000,3000", help="Datapoints.")
@data_options
@threshold_options
@json_option
def threshold(
    T: tuple[int, ...], n: int, sparsity: float, draws: int, features: int, table: Path | None, as_json: bool
) -> None:
    """At how many repeats a point takes a vertex of the pentagon (a numerical model, m = 2).

    About 3 s for each draw. --json prints one object, or a list of them where --T names several.
    """
    from numerics.repetition import find_transition
    from verify.thresholds import print_threshold, summary, write_rows

    for size in T:
        _check_threshold(size, n, sparsity)
    if table is not None:
        check_place(table, "--csv")
    answers = []
    with refusals(), computing(len(T) * draws) as begin:
        for size in T:
            found = []
            for seed in range(draws):
                begin(f"T = {size}: draw {seed + 1} of {draws}")
                found.append(find_transition(size, n, sparsity, seed, min(features, n)))
            answers.append(summary(size, n, sparsity, min(features, n), found))
    if table is not None:
        write_rows(answers, table)
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
        return
    for answer in answers:
        print_threshold(answer)


def _check_threshold(T: int, n: int, sparsity: float) -> None:
    """Refuse data on which there is no threshold to look for."""
    from theory.repetition import zero_bias_threshold

    make_settings((T,), {"n": n, "sparsity": sparsity})
    if n < LEAST_FEATURES:
        raise BadInput(
            f"n = {n}: the model keeps the {LEAST_FEATURES} strongest features or more; try --n 1000"
        )
    if T == 1:
        raise BadInput("T = 1: there is no other datapoint to compete with; try a larger --T")
    with refusals():
        fifth = zero_bias_threshold(T, n, sparsity).fifth_energy
    if fifth <= 1:
        raise BadInput(
            f"T = {T}, n = {n}, sparsity = {sparsity:g}: the fifth-largest energy of a feature is {fifth:.3g} of the "
            "mean, so a point that occurs once is worth as much; try a larger --n or --sparsity"
        )


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
