"""The command that says from how many repeats on a datapoint replaces a feature: `threshold`."""

import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import click

from tgon.cli import options
from tgon.cli.output import print_json, print_table, shown, tracked

#: The fewest features that the model of `tgon threshold` keeps.
LEAST_FEATURES = 8


@click.command(epilog="Example: tgon threshold --T 30000 --n 1000 --sparsity 0.99")
@options.integers_option("--T", "T", required=True, metavar="30000 | 1000,3000")
@options.data_options
@options.option(
    "--draws",
    9,
    "Drawn datasets, by seed from 0; the interval is about their median.",
    click.IntRange(1, 1000),
)
@options.option("--features", 120, "Strongest features kept in the model.", click.IntRange(LEAST_FEATURES))
@options.place_option("--csv", "table", endings=[".csv"], help="Also write the answers as a table.")
@options.json_option
def threshold(
    T: tuple[int, ...], n: int, sparsity: float, draws: int, features: int, table: Path | None, as_json: bool
) -> None:
    """At how many repeats a point takes a vertex of the pentagon (a numerical model, m = 2).

    About 1 s for each draw. --json prints one object, or a list of them where --T names several.
    """
    from experiments.threshold.draws import summary, write_rows
    from numerics.repetition import find_transition

    for size in T:
        _check_threshold(size, n, sparsity)
    kept = min(features, n)
    found: dict[int, list[Any]] = {size: [] for size in T}
    with options.refusals():
        for size, seed in tracked([*product(T, range(draws))], "threshold of each draw"):
            found[size].append(find_transition(size, n, sparsity, seed, kept))
        answers = [summary(size, n, sparsity, kept, each) for size, each in found.items()]
    if table is not None:
        write_rows(answers, table)
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
        return
    for answer in answers:
        print_threshold(answer)


def _check_threshold(T: int, n: int, sparsity: float) -> None:
    """Refuse data on which there is no threshold to look for."""
    from theory.repetition.threshold import zero_bias_threshold

    options.make_settings((T,), {"n": n, "sparsity": sparsity})
    if n < LEAST_FEATURES:
        raise options.BadInput(
            f"n = {n}: the model keeps the {LEAST_FEATURES} strongest features or more; try --n 1000"
        )
    if T == 1:
        raise options.BadInput("T = 1: there is no other datapoint to compete with; try a larger --T")
    with options.refusals():
        fifth = zero_bias_threshold(T, n, sparsity).fifth_energy
    if fifth <= 1:
        raise options.BadInput(
            f"T = {T}, n = {n}, sparsity = {sparsity:g}: the fifth-largest energy of a feature is {fifth:.3g} of the "
            "mean, so a point that occurs once is worth as much; try a larger --n or --sparsity"
        )


def print_threshold(answer: Mapping[str, Any]) -> None:
    """The answer of `tgon threshold` for people: first the R to quote, then what else is known of it."""
    click.echo(
        f"\nT = {answer['T']}, n = {answer['n']}, sparsity = {answer['sparsity']:g}: repeats R from which on training "
        f"loss is least with the point on a vertex of the pentagon, in place of a feature\n{quoted(answer)}"
    )
    heads = ["", "R", "range", "of what", "status"]
    print_table("Other numbers", heads, _others(answer), text=[heads[0], *heads[2:]])


def quoted(answer: Mapping[str, Any]) -> str:
    """The line with the R to quote: the median over draws with its interval, or what there is instead of one."""
    draws = "1 draw" if answer["draws"] == 1 else f"{answer['draws']} draws"
    fitted, unit = answer["repeats_interval"], answer["equal_energy"]
    found, spread = fitted["median"], f"{100 * fitted['level']:g} % interval {_range(fitted)} for the median"
    if math.isnan(found):
        found, spread = answer["repeats"]["median"], "no interval, try more --draws"
    if math.isnan(found):
        return f"  none: the losses do not cross in the range searched ({draws})"
    below = "\n  R below 1: a point that occurs once has its vertex already." if found < 1 else ""
    return f"  R = {shown(found)} = {shown(found / unit, 3)} T/n (numerical; {spread}; {draws}){below}"


def _others(answer: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a table says of R beside the number to quote; one draw has no range."""
    from theory.number_format import at_least

    drawn, zero, stays = answer["repeats"], answer["zero_bias"], answer["metastable_until"]
    free, censored = answer["repeats_interval"]["order_statistics"], answer["metastable_censored"]
    ends = {name: at_least(shown(value), censored[name]) for name, value in stays.items()}
    longest = ends["least"] if ends["least"] == ends["greatest"] else f"{ends['least']} … {ends['greatest']}"
    deviation = {"low": zero["mean"] - zero["deviation"], "high": zero["mean"] + zero["deviation"]}
    coverage = f"interval for the median, {100 * free['coverage']:.1f} %"
    of_draws: list[tuple[Any, ...]] = [
        ("median of the draws themselves", drawn["median"], _range(drawn), "all draws", "numerical"),
        ("the same, no law assumed for draws", None, _range(free), coverage, "numerical"),
        ("point seen to stay out until, median", ends["median"], longest, "all draws", "numerical"),
    ]
    if answer["draws"] == 1:
        of_draws = [("point seen to stay out until", ends["median"], None, None, "numerical")]
    return [
        *of_draws,
        ("at zero bias, mean over draws", zero["mean"], _range(deviation), "± one deviation", "closed form"),
        ("at zero bias and equal energies, T/n", answer["equal_energy"], None, None, "theorem"),
        ("energy of the fifth-strongest feature, in T/n", answer["fifth_energy"], None, None, None),
        ("strongest features kept (--features)", answer["features"], None, None, None),
        ("draws whose losses do not cross: not in their range", answer["undecided"], None, None, None),
    ]


def _range(ends: Mapping[str, float]) -> str:
    """The ends of an interval, or of draws."""
    low, high = ("low", "high") if "low" in ends else ("least", "greatest")
    return shown([ends[low], ends[high]])
