"""The command that lists what the court judges: `claims`."""

import click

from tgon.cli.options import json_option
from tgon.cli.output import print_json, print_table


@click.command(epilog="Example: tgon claims --json")
@json_option
def claims(as_json: bool) -> None:
    """What `tgon compare` judges: every claim, how it is known, and its equation label."""
    from verify.claims.registry import CLAIMS

    keys = ("label", "statement", "status")
    rows = [[getattr(claim, key) for key in keys] for claim in CLAIMS]
    if as_json:
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table("Claims", keys, rows, text=keys, wrapped="statement")
