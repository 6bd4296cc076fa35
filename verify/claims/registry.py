"""The claims: what theory says of trained models, in a form that can lose."""

import csv
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numerics
from numerics.data import Dataset, distinct_points
from theory import Record, Setting
from verify.claims.feature_claims import FEATURE_CLAIMS
from verify.claims.judging import Case, Claim, Judgements, judge_claim
from verify.claims.model_claims import MODEL_CLAIMS
from verify.claims.population_claims import POPULATION_CLAIMS

#: The claims about single models: those that a record decides first.
SINGLE_CLAIMS: tuple[Claim, ...] = MODEL_CLAIMS + FEATURE_CLAIMS

#: Every claim.
CLAIMS: tuple[Claim, ...] = SINGLE_CLAIMS + POPULATION_CLAIMS


def powers() -> dict[str, dict[str, str]]:
    """What `benchmarks/claims.py` measured of each claim, by label: false alarms, controls, smallest effect."""
    lines = files("verify.claims").joinpath("power.csv").read_text(encoding="utf-8").splitlines()
    return {row.pop("claim"): row for row in csv.DictReader(lines)}


def judge_claims(cases: Sequence[Case]) -> Judgements:
    """Every claim judged on the cases."""
    return Judgements(judge_claim(claim, cases) for claim in CLAIMS)


def judge_on(
    model: Any, data: Dataset, record: Record | None = None, fresh: Dataset | None = None
) -> Judgements:
    """The claims on a single model; copies of datapoints count once, ``record`` is of the distinct ones if given."""
    from numerics.model import read_parameters

    record = record or numerics.measure(model, distinct_points(data).data)
    setting = Setting(T=record.T, m=record.m, n=data.n)
    case = Case(setting, record, 0, read_parameters(model, data.n), data, fresh)
    return Judgements(judge_claim(claim, [case]) for claim in SINGLE_CLAIMS)


def judge_model(record: Record, n: int) -> Judgements:
    """The claims that a record alone decides, for a single model of ``n`` features."""
    case = Case(Setting(T=record.T, m=record.m, n=n), record)
    return Judgements(judge_claim(claim, [case]) for claim in MODEL_CLAIMS)
