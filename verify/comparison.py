"""Prediction and measurement joined: a row per group of runs that differ only in seeds, a judgement per claim."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from numerics import Run, Runs
from numerics.measurement.observables import fresh_dataset, fresh_errors
from theory import Record, Setting, predict
from theory.memorization.memorized_loss import least_norm_test_loss
from verify.claims.judging import Case, Judgements, exit_code, test_errors
from verify.claims.population_claims import group_of
from verify.claims.registry import judge_claims
from verify.diagnosis import Diagnosis, diagnose_run
from verify.statistics import share_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Numbers of a record that tables of runs list.
MEASURED = (
    *("train_loss", "worst_point_error", "energy"),
    *("weight_norm", "weight_norm_seen", "weight_norm_unseen", "bias_norm"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One group: how many seeds memorize, what norms they reach, what the theory says.

    ``share_low`` and ``share_high`` bound the share with 95 % confidence (Clopper-Pearson). Norms are over memorizing
    runs. Ratios are of ‖W‖ to the predicted least norm, over those of them whose data is orthonormal (``orthonormal``
    counts them): where two datapoints share a feature the prediction does not apply, and ‖W‖ may be below it. Entries
    that need such a run or a prediction are None without one. Test losses are medians over those runs, the predicted
    one from each run's own dataset.
    """

    T: int
    m: int
    weight_decay: float
    decay_budget: float
    seeds: int
    memorized: int
    orthonormal: int
    share: float
    share_low: float
    share_high: float
    least_weight_norm: float | None
    median_weight_norm: float | None
    least_sqrt_energy: float | None
    median_sqrt_energy: float | None
    median_weight_norm_seen: float | None
    median_weight_norm_unseen: float | None
    median_bias_norm: float | None
    predicted_weight_norm: float | None
    predicted_bias_norm: float | None
    least_ratio: float | None
    median_ratio: float | None
    median_test_loss: float | None
    predicted_test_loss: float | None
    diagnoses: dict[str, int]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The result of `compare`."""

    runs: Runs
    rows: tuple[Row, ...]
    judgements: Judgements
    diagnoses: tuple[Diagnosis, ...]

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.runs)} runs: {self.verdict}>"

    @property
    def exit_code(self) -> int:
        """0 no claim violated, 1 a claim violated, 3 nothing could be judged."""
        return exit_code(self.judgements)

    @property
    def verdict(self) -> str:
        """One sentence."""
        violated = [claim.label for claim in self.judgements if claim.holds is False]
        held = [claim for claim in self.judgements if claim.holds]
        if violated:
            return f"violated: {', '.join(violated)}"
        other_end = any(found.stored or found.name == "diverged" for found in self.diagnoses)
        advice = "" if other_end else "; try more steps or a larger lr"
        lost = f"no seed memorized, so norms were not compared{advice}; "
        missing = "" if any(row.memorized for row in self.rows) else lost
        if not held:
            return f"{missing}nothing could be judged"
        untested = [claim.label for claim in held if not claim.rejected]
        open_claims = len(self.judgements) - len(held)
        caveat = f"; no negative control was tight enough for {', '.join(untested)}" if untested else ""
        return f"{missing}no claim violated: {len(held)} hold, {open_claims} could not be decided on these runs{caveat}"

    def table(self) -> pd.DataFrame:
        """One row per group, as pandas."""
        import pandas as pd

        frame = pd.DataFrame(map(asdict, self.rows))
        frame["diagnoses"] = [
            "; ".join(f"{name} {count}" for name, count in row.diagnoses.items()) for row in self.rows
        ]
        return frame

    def runs_table(self) -> pd.DataFrame:
        """One row per run, as pandas; measured numbers are missing for diverged runs."""
        import pandas as pd

        rows = []
        for run, found in zip(self.runs, self.diagnoses, strict=True):
            about = {"diagnosis": found.name, "evidence": found.evidence, "path": str(run.path or "")}
            state: dict[str, Any] = {"engine": run.engine, "status": run.status}
            rows.append(run.setting.as_dict() | state | measured(run) | about)
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Hidden vectors and features of chosen runs with the predicted polygons drawn in."""
        from verify.figures.hidden import draw_hidden_vectors, hidden_vectors_numbers

        return draw_hidden_vectors(hidden_vectors_numbers(self.runs))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready view."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "claims": [claim.as_dict() for claim in self.judgements],
            "verdict": self.verdict,
        }

    def claims(self) -> pd.DataFrame:
        """One row per claim, as pandas: verdict, value and bound, how many wrong theories it rejects, and why."""
        return self.judgements.table()

    def _repr_html_(self) -> str:
        return f"<p>{self.verdict}</p>{self.table().to_html(index=False)}{self.claims().to_html()}"


def compare(runs: Sequence[Run] | str | Path) -> Comparison:
    """Lay finished runs, or those in a folder, beside the theory and judge every claim; ValueError without any.

    >>> from numerics import train
    >>> compare(train(Setting(T=2, n=50, sparsity=0.9, steps=20), out=None, progress=False)).rows[0].seeds
    1
    """
    if isinstance(runs, (str, Path)):
        inside = Path(runs) / "runs"  # of a folder that `tgon compare` wrote
        return compare(Runs.load(inside if inside.is_dir() else runs))
    found: Sequence[Any] = runs if isinstance(runs, Sequence) else [runs]
    if not all(isinstance(run, Run) for run in found):
        raise TypeError(
            f"runs is a {type(runs).__name__}, not runs; try check(model, data) for a model of your own"
        )
    if not found:
        raise ValueError("no runs to compare; train some first, or check the folder they were loaded from")
    groups: dict[Setting, list[Run]] = defaultdict(list)
    for run in found:
        groups[group_of(run.setting)].append(run)
    cases: dict[Run, Case] = {}
    for members in groups.values():
        finished = [run for run in members if run.status != "diverged"]
        cases |= {run: _case(run, len(members) - len(finished)) for run in finished}
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # compiled code, beside which the diagnoses go on
        losses = pool.map(partial(_test_losses, cases), groups, groups.values())
        diagnoses = tuple(map(diagnose_run, found))
    named = dict(zip(found, diagnoses, strict=True))
    rows = tuple(map(partial(_row, named), groups, groups.values(), losses))
    return Comparison(Runs(found), rows, judge_claims([*cases.values()]), diagnoses)


def _case(run: Run, diverged: int) -> Case:
    setting = run.setting
    fresh = fresh_dataset(run.data.n, setting.sparsity) if run.given_data is None else None
    parameters = run.W.astype(np.float64), run.b.astype(np.float64)
    return Case(setting, run.record, diverged, parameters, run.data, fresh)


def _row(named: Mapping[Run, Diagnosis], group: Setting, members: list[Run], losses: dict[str, Any]) -> Row:
    runs = [run for run in members if run.status == "memorized"]
    records = [run.record for run in runs]
    predicted: Record | None = None
    with suppress(ValueError):  # no model of zero loss exists
        predicted = predict(group)
    least = predicted.weight_norm if predicted is not None else 0.0
    fitting = [record for record in records if record.assumes("unit norm", "disjoint supports")]
    norms = ("weight_norm", "weight_norm_seen", "weight_norm_unseen", "bias_norm")
    found = {name: [getattr(record, name) for record in records] for name in norms}
    found["sqrt_energy"] = [record.energy**0.5 for record in records]
    found["ratio"] = [record.weight_norm / least for record in fitting] if least > 0 else []
    numbers: dict[str, Any] = {
        f"median_{name}": float(np.median(values)) if values else None for name, values in found.items()
    }
    numbers |= losses | {
        f"least_{name}": min(found[name], default=None) for name in ("weight_norm", "sqrt_energy", "ratio")
    }
    numbers |= {name: getattr(group, name) for name in ("T", "m", "weight_decay", "decay_budget")}
    numbers |= {f"predicted_{name}": getattr(predicted, name, None) for name in ("weight_norm", "bias_norm")}
    share = share_interval(len(records), len(members))
    return Row(
        **numbers,
        seeds=len(members),
        memorized=len(records),
        orthonormal=len(fitting),
        share=share.value,
        share_low=share.low,
        share_high=share.high,
        diagnoses=dict(Counter(named[run].name for run in members).most_common()),
    )


def _test_losses(cases: Mapping[Run, Case], group: Setting, members: list[Run]) -> dict[str, float | None]:
    """The test loss, measured and predicted: medians over the runs whose data lets it be predicted."""
    known = least_norm_test_loss(group.distinct, group.m, group.n, group.sparsity) is not None
    losses, expected = list[float](), list[float]()
    for run in members if known else ():
        if run.status == "memorized" and (loss := predict(run.setting, data=run.data).test_loss) is not None:
            errors = test_errors(cases[run]) if cases[run].fresh is not None else fresh_errors(run)
            losses.append(float(errors.mean()))
            expected.append(loss)
    measured, predicted = (float(np.median(values)) if values else None for values in (losses, expected))
    return {"median_test_loss": measured, "predicted_test_loss": predicted}


def measured(run: Run) -> dict[str, float | None]:
    """The numbers of a run that tables list, by name: `MEASURED`, None where it diverged."""
    return {name: None if run.status == "diverged" else getattr(run.record, name) for name in MEASURED}
