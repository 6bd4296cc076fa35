"""The command that trains: `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import numerics
from tgon.cli import options
from tgon.cli.output import chosen, load_torch, print_json, print_table


@click.command(epilog="Example: tgon train --T 8 --seeds 4")
@options.integers_option("--T", "T", required=True)
@options.setting_options
@options.run_options(seeds=1, out="runs")
@options.json_option
def train(T: tuple[int, ...], seeds: int, engine: str, out: str, as_json: bool, **given: Any) -> None:
    """Train models on T datapoints, measure them and name what became of them."""
    settings = options.make_settings(T, given)
    load_torch()

    from verify.comparison import MEASURED

    with options.keeping(Path(out)):
        runs = numerics.train(settings, seeds, engine=engine, out=out, progress=not chosen("quiet"))
    answers = [describe_run(run) for run in runs]
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
        return
    print_table(
        f"Trained models; files {Path(out) / '<run>.safetensors'}",
        ["T", "seed", "loss", "worst point", "Σ‖h‖²", "‖W‖", "seen ⊥", "unseen", "‖b‖", "diagnosis", "run"],
        [
            [run.setting.T, run.setting.seed, *(answer[key] for key in (*MEASURED, "diagnosis")), run.name]
            for run, answer in zip(runs, answers, strict=True)
        ],
        text=["diagnosis", "run"],
        keys=2,
    )
    for run in runs:
        if run.diverged_at is not None:
            which = f"T = {run.setting.T}, seed {run.setting.seed}"
            click.echo(f"{which}: not finite from step {run.diverged_at} on; try a smaller --lr")


def describe_run(run: numerics.Run) -> dict[str, Any]:
    """A run in one flat object; numbers are None where it diverged."""
    from verify.comparison import measured
    from verify.diagnosis import diagnose_run

    setting = {name: getattr(run.setting, name) for name in ("T", "m", "weight_decay", "seed")}
    found = {"diverged_at": run.diverged_at, "diagnosis": diagnose_run(run).name, "path": run.path}
    return {"status": run.status} | measured(run) | found | setting
