"""The command that says what polygons of features are worth: `polygon`."""

from typing import Any

import click

from tgon.cli import options
from tgon.cli.output import print_json, print_table, tracked

#: The most features of a polygon whose best bias is searched for: a minute there, growing like k².
MOST_WITH_BIAS = 10_000


@click.command(epilog="Example: tgon polygon --k 3:9 --law free")
@options.integers_option("--k", required=True, metavar="5 | 3:9 | 3,5,8", help="Features on the polygon.")
@options.option(
    "--law",
    "free",
    "Bias 0 and radius 1 (unit) or the best radius (free); else the best radius and bias for amplitudes that are "
    "constant, uniform on [0, 1], or those of data scaled to unit norm (normalized).",
    ["unit", "free", "constant", "uniform", "normalized"],
)
@options.data_options
@options.json_option
def polygon(k: tuple[int, ...], law: Any, n: int, sparsity: float, as_json: bool) -> None:
    """What a regular polygon of k features is worth with infinite data.

    --n and --sparsity matter to 'normalized'; to 'constant' only whether --n is k, so that no other feature exists.
    """
    import theory

    options.make_settings((1,), {"n": n, "sparsity": sparsity})  # refuses what no data can be, for every law
    if law not in ("unit", "free") and max(k) > MOST_WITH_BIAS:
        raise options.BadInput(
            f"--k {max(k)} with law {law!r}: its bias is searched for up to k = {MOST_WITH_BIAS}; try --law free"
        )
    with options.refusals():
        sizes = tracked(k, "best radius and bias")
        solutions = [theory.polygon(size, law, n=n, sparsity=sparsity) for size in sizes]
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
